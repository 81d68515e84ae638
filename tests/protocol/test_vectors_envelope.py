"""Our envelopes, seals, ids and recognition against the vectors of `envelope` and `arrivals`."""

from tests.protocol.vectors import Fields, Vector, check, vectors_of
from tocsin_protocol.envelope import Envelope, EnvelopeClass, message_id, open_sealed, seal, stamp_subject
from tocsin_protocol.errors import RemoteProtocolError
from tocsin_protocol.network import Network
from tocsin_protocol.recognise import InviteTag, OnceMatch, Recogniser
from tocsin_protocol.types import Epoch, Hour, MessageKey, Tag, Topic


def run_seal(vector: Vector) -> Fields:
    key = MessageKey(vector.raw("key"))
    envelope = seal(
        network=vector.network,
        kind=vector.input["kind"],
        born_hour=Hour(vector.input["born_hour"]),
        tag=Tag(vector.raw("tag")),
        key=key,
        nonce=vector.raw("nonce"),
        payload=vector.raw("payload"),
    )
    data = envelope.encode()
    opened = open_sealed(network=vector.network, envelope=Envelope.parse(data), key=key)
    assert opened == vector.raw("payload")
    return {"size": len(data), "header": envelope.header.hex(), "envelope": data.hex()}


def run_open(vector: Vector) -> Fields:
    envelope = Envelope.parse(vector.raw("envelope"))
    payload = open_sealed(network=vector.network, envelope=envelope, key=MessageKey(vector.raw("key")))
    return {"payload": payload.hex()}


def run_parse(vector: Vector) -> Fields:
    data = vector.raw("envelope")
    envelope = Envelope.parse(data)
    assert envelope.encode() == data
    return {
        "kind": envelope.kind,
        "born_hour": envelope.born_hour,
        "tag": envelope.tag.hex(),
        "body": envelope.body.hex(),
        "stamp_nonce": envelope.stamp_nonce.hex(),
    }


def run_mid(vector: Vector) -> Fields:
    topic, data = Topic(vector.input["topic"]), vector.raw("envelope")
    mid = message_id(vector.network, topic, data)
    return {
        "pre": stamp_subject(vector.network, topic, data).hex(),
        "mid": mid.hex(),
        "work": str(int.from_bytes(mid[:8], "big")),
    }


def run_arrivals(vector: Vector) -> Fields:
    recogniser = Recogniser()
    for number, entry in enumerate(vector.input["entries"]):
        key = MessageKey(bytes.fromhex(entry["key"]))
        tag = Tag(bytes.fromhex(entry["tag"]))
        recogniser.watch_once(tag, Epoch(entry["epoch"]), InviteTag(invite=number), key)
    outcomes = [
        receive(recogniser, vector.network, bytes.fromhex(data)) for data in vector.input["envelopes"]
    ]
    return {"expect": outcomes[-1], "outcomes": outcomes}


def receive(recogniser: Recogniser, network: Network, data: bytes) -> str:
    """As the inbox does it: only what opened uses up its entry."""
    try:
        envelope = Envelope.parse(data)
    except RemoteProtocolError as error:
        return error.reason.value
    if envelope.envelope_class is not EnvelopeClass.PAIR:
        return "tag"
    match = recogniser.find(envelope.tag, envelope.born_hour)
    if not isinstance(match, OnceMatch):
        return "tag"
    try:
        open_sealed(network=network, envelope=envelope, key=match.key)
    except RemoteProtocolError as error:
        return error.reason.value
    recogniser.forget_once(match.tag)
    return "ok"


@vectors_of("envelope")
def test_envelope(vector: Vector) -> None:
    operations = {
        "seal": run_seal,
        "open": run_open,
        "parse": run_parse,
        "mid": run_mid,
    }
    check(vector, operations)


@vectors_of("arrivals")
def test_arrivals(vector: Vector) -> None:
    check(vector, {"arrivals": run_arrivals})
