"""Targets for envelopes: parsed, checked by a relay, opened, and the padding inside.

The relay's check is held against the parser, the message id and the price, which it computes on its own.
"""

from dataclasses import replace
from functools import partial

from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt

from tests.fuzz import seeds
from tests.fuzz.target import HOUR, NETWORK, NOW, AnyTarget, Target, cut, is_refused
from tocsin_protocol.envelope import (
    PADDING_START,
    UNSTAMPED,
    Envelope,
    RelayCheck,
    header_of,
    message_id,
    open_sealed,
    seal,
    stamp_need,
)
from tocsin_protocol.errors import Reason
from tocsin_protocol.limits import (
    ENVELOPE_SIZES,
    HOUR_MS,
    MESSAGE_KEY_SIZE,
    SEAL_NONCE_SIZE,
    SEALED_OVERHEAD_SIZE,
    TAG_SIZE,
)
from tocsin_protocol.stamp import is_paid
from tocsin_protocol.types import Hour, MessageKey, Now, Tag, Topic
from tocsin_protocol.verdict import Checked, Verdict

KEY = MessageKey(b"\x01" * MESSAGE_KEY_SIZE)
NONCE = b"\x02" * SEAL_NONCE_SIZE
TAG = Tag(b"\x03" * TAG_SIZE)
RELAY = RelayCheck(NETWORK)
ANOTHER_DAY = Now(unix_ms=NOW.unix_ms + 48 * HOUR_MS, steady_ms=0)
TIMELESS = {Reason.LENGTH, Reason.CONSTANT, Reason.KIND, Reason.TOPIC}
ENVELOPE_FLAWS = (Reason.LENGTH, Reason.CONSTANT, Reason.KIND)


def check_envelope(data: bytes, envelope: Envelope) -> None:
    assert envelope.encode() == data


def read_sealed(data: bytes) -> bytes:
    key, envelope = cut(data, MESSAGE_KEY_SIZE)
    return open_sealed(network=NETWORK, envelope=Envelope.parse(envelope), key=MessageKey(key))


def check_sealed(data: bytes, payload: bytes) -> None:
    """Nobody else's key opens it, and no other header."""
    key, raw = cut(data, MESSAGE_KEY_SIZE)
    envelope = Envelope.parse(raw)
    later = replace(envelope, born_hour=Hour(envelope.born_hour ^ 1))
    for changed, other in ((envelope, bytes((key[0] ^ 1,)) + key[1:]), (later, key)):
        read = partial(open_sealed, network=NETWORK, envelope=changed, key=MessageKey(other))
        assert is_refused(Reason.AEAD, read)


def padded_of(data: bytes) -> bytes:
    """A block of one of the four sizes, whatever it holds."""
    choice, rest = cut(data, 1)
    size = ENVELOPE_SIZES[choice[0] % len(ENVELOPE_SIZES)] - SEALED_OVERHEAD_SIZE
    return cut(rest, size)[0]


def read_padded(data: bytes) -> bytes:
    bound = NETWORK.nid16 + header_of(0, HOUR, TAG)
    sealed = crypto_aead_xchacha20poly1305_ietf_encrypt(padded_of(data), bound, NONCE, KEY)
    envelope = Envelope(kind=0, born_hour=HOUR, tag=TAG, body=NONCE + sealed, stamp_nonce=UNSTAMPED)
    return open_sealed(network=NETWORK, envelope=envelope, key=KEY)


def check_padded(data: bytes, payload: bytes) -> None:
    padded = padded_of(data)
    assert (payload + PADDING_START).ljust(len(padded), b"\0") == padded
    again = seal(network=NETWORK, kind=0, born_hour=HOUR, tag=TAG, key=KEY, nonce=NONCE, payload=payload)
    assert open_sealed(network=NETWORK, envelope=again, key=KEY) == payload


def relayed(data: bytes) -> tuple[str, bytes]:
    size, rest = cut(data, 1)
    topic, envelope = cut(rest, size[0])
    return topic.decode("utf-8", "replace"), envelope


def relay_seeds() -> list[bytes]:
    vectors = seeds.inputs("relay", "relay", "topic", "envelope")
    topics = [vector["topic"].encode() for vector in vectors]
    envelopes = [bytes.fromhex(vector["envelope"]) for vector in vectors]
    return [
        bytes((len(topic),)) + topic + envelope for topic, envelope in zip(topics, envelopes, strict=True)
    ]


def read_relayed(data: bytes) -> Checked:
    topic, envelope = relayed(data)
    return RELAY.check(topic, envelope, NOW)


def check_relayed(data: bytes, checked: Checked) -> None:
    """It agrees with the parser and the message id, and no clock makes it reject or stop rejecting."""
    topic, raw = relayed(data)
    assert (checked.reason is None) == (checked.verdict is Verdict.ACCEPT)
    another = RELAY.check(topic, raw, ANOTHER_DAY)
    for one, other in ((checked, another), (another, checked)):
        if one.verdict is Verdict.REJECT and one.reason in TIMELESS:
            assert one == other
    if checked.mid is not None:
        assert checked.mid == message_id(NETWORK, Topic(topic), raw)
        need = stamp_need(NETWORK, Envelope.parse(raw).kind, len(raw))
        assert is_paid(checked.mid, need) == (checked.verdict is Verdict.ACCEPT)


TARGETS: dict[str, AnyTarget] = {
    "envelope": Target(
        read=Envelope.parse,
        check=check_envelope,
        refusals=ENVELOPE_FLAWS,
        seeds=seeds.raw("envelope", "parse", "envelope"),
        size_max=ENVELOPE_SIZES[-1] + 1,
    ),
    "seal": Target(
        read=read_sealed,
        check=check_sealed,
        refusals=(*ENVELOPE_FLAWS, Reason.AEAD, Reason.PADDING),
        seeds=seeds.raw("envelope", "open", "key", "envelope"),
        size_max=MESSAGE_KEY_SIZE + ENVELOPE_SIZES[-1] + 1,
    ),
    "padding": Target(
        read=read_padded,
        check=check_padded,
        refusals=(Reason.PADDING,),
        seeds=seeds.fixed(
            b"\0hello\x80", b"\1\x80", b"\2" + b"\x80" * 1965, b"\3" + b"m" * 5036 + b"\x80", b""
        ),
        size_max=1 + ENVELOPE_SIZES[-1],
    ),
    "relay": Target(
        read=read_relayed,
        check=check_relayed,
        refusals=(),
        seeds=relay_seeds,
        size_max=256 + ENVELOPE_SIZES[-1],
    ),
}
