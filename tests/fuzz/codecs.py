"""Targets for what is read without a secret: CBOR and what is written in it, texts, envelopes.

Where a codec has one encoding for a value, what was read must be written as the same bytes.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt

from tests.fuzz import seeds
from tests.fuzz.target import HOUR, NETWORK, NOW, AnyTarget, Seeds, Target, cut, is_refused, text_of
from tocsin_protocol import base32, cbor, control, fields, notification
from tocsin_protocol.control import Accept, Control, NewCard, Offer
from tocsin_protocol.envelope import (
    PADDING_START,
    UNSTAMPED,
    Envelope,
    RelayCheck,
    header_of,
    message_id,
    open_sealed,
    seal,
)
from tocsin_protocol.errors import Reason, RemoteProtocolError
from tocsin_protocol.grant import Grant
from tocsin_protocol.identity import (
    ADDRESS_PREFIX_SIZE,
    ADDRESS_SCHEME,
    ADDRESS_SIZE,
    Address,
    Identity,
    Seed,
    check_successor,
    uri_check,
    verify_card,
)
from tocsin_protocol.invite import INVITE_PREFIX_SIZE, INVITE_SCHEME, INVITE_SIZE, Invite
from tocsin_protocol.limits import (
    CARD_DRIFT_HOURS_MAX,
    ENVELOPE_SIZES,
    GRANT_INTRODUCTION_SIZE_MAX,
    GRANT_SIZE_MAX,
    HOUR_MS,
    MESSAGE_KEY_SIZE,
    PAYLOAD_SIZE_MAX,
    PUBLIC_KEY_SIZE,
    SEAL_NONCE_SIZE,
    SEALED_OVERHEAD_SIZE,
    TAG_SIZE,
)
from tocsin_protocol.network import Network
from tocsin_protocol.notification import Notification, NotificationKind
from tocsin_protocol.topics import ParsedTopic, TopicKind, knock_topic, parse_topic, shard_topic
from tocsin_protocol.types import ContactKey, Hour, MessageKey, Now, Tag, Topic
from tocsin_protocol.verdict import Checked, Verdict
from tocsin_protocol.wheel import Q

KEY = MessageKey(b"\x01" * MESSAGE_KEY_SIZE)
NONCE = b"\x02" * SEAL_NONCE_SIZE
TAG = Tag(b"\x03" * TAG_SIZE)
SIGNER = Identity.from_seed(Seed(b"\x04" * 32))
RELAY = RelayCheck(NETWORK)
ANOTHER_DAY = Now(unix_ms=NOW.unix_ms + 48 * HOUR_MS, steady_ms=0)
TIMELESS = {Reason.LENGTH, Reason.CONSTANT, Reason.KIND, Reason.TOPIC}
ENVELOPE_FLAWS = (Reason.LENGTH, Reason.CONSTANT, Reason.KIND)


def check_cbor(data: bytes, value: cbor.Value) -> None:
    assert cbor.encode(value) == data


def read_base32(data: bytes) -> bytes:
    size, text = cut(data, 1)
    return base32.decode(text_of(text), size[0])


def check_base32(data: bytes, value: bytes) -> None:
    size, text = cut(data, 1)
    assert len(value) == size[0]
    assert base32.encode(value) == text_of(text).lower()


def uri_of(scheme: str, data: bytes) -> str:
    """The text itself, or one with the right check around any bytes: no search would find that check."""
    flags, rest = cut(data, 1)
    if flags[0] % 2 == 0:
        return text_of(rest)
    return scheme + base32.encode(rest + uri_check(NETWORK, rest))


def uri_seeds(family: str, scheme: str, size: int, prefix_size: int) -> Seeds:
    """Every text as it is, and the content of those that have the right form."""
    given = seeds.texts(family, family, "text")

    def contents() -> list[bytes]:
        found = []
        for text in given():
            try:
                found.append(base32.decode(text_of(text)[len(scheme) :], size)[:prefix_size])
            except RemoteProtocolError:
                continue
        return found

    return seeds.joined(seeds.after(b"\0", given), seeds.after(b"\1", contents))


def check_address(data: bytes, address: Address) -> None:
    assert address.encode(NETWORK) == uri_of(ADDRESS_SCHEME, data).lower()


def check_invite(data: bytes, invite: Invite) -> None:
    assert invite.encode(NETWORK) == uri_of(INVITE_SCHEME, data).lower()
    assert invite.expires_hour >= HOUR


def check_topic(data: bytes, parsed: ParsedTopic) -> None:
    network = Network(name=parsed.network_name, depth=parsed.depth or 0)
    if parsed.kind is TopicKind.KNOCK:
        assert (parsed.depth, parsed.bucket) == (None, None)
        assert knock_topic(network) == text_of(data)
    else:
        assert parsed.bucket is not None
        assert shard_topic(network, parsed.bucket) == text_of(data)


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
        assert Envelope.parse(raw).encode() == raw


def check_notification(data: bytes, found: Notification) -> None:
    if found.kind is not NotificationKind.UNKNOWN:
        assert notification.decode(notification.encode(found)) == found


def read_control(data: bytes) -> Control:
    return control.read_control(fields.map_of(data))


def control_seeds() -> list[bytes]:
    """The control maps of the vectors, as far as they are maps."""
    found = []
    for payload in seeds.raw("control", "control", "payload")():
        try:
            said = notification.decode(payload)
        except RemoteProtocolError:
            continue
        if said.control is not None:
            found.append(cbor.encode(said.control))
    return found


def check_control(data: bytes, found: Control) -> None:
    pairs = control.write_control(found)
    again = control.read_control(pairs)
    if isinstance(found, Offer | Accept) and isinstance(again, Offer | Accept):
        assert (again.digest == found.digest) == (cbor.encode(pairs) == data)
        again = replace(again, digest=found.digest)
    assert again == found
    if isinstance(found, NewCard):
        check_card(found)


def check_card(new: NewCard) -> None:
    """It is believed or refused as a card; a good signature does not make one of the future believed."""
    seen = replace(SIGNER.card, contact_key=ContactKey(bytes(PUBLIC_KEY_SIZE)))
    is_refused(Reason.CARD, lambda: verify_card(new.card, SIGNER.identity_key, new.signature, HOUR))
    good = new.card.sign(SIGNER)
    late = is_refused(Reason.CARD, lambda: verify_card(new.card, SIGNER.identity_key, good, HOUR))
    assert late == (new.card.not_before_hour > HOUR + CARD_DRIFT_HOURS_MAX)
    older = is_refused(Reason.CARD, lambda: check_successor(new.card, seen))
    assert older == (new.card.rotation == seen.rotation and new.card.contact_key != seen.contact_key)


def grant_size_max(data: bytes) -> int:
    return GRANT_INTRODUCTION_SIZE_MAX if cut(data, 1)[0][0] % 2 else GRANT_SIZE_MAX


def read_grant(data: bytes) -> Grant:
    return Grant.from_value(cbor.decode(data[1:]), grant_size_max(data))


def check_grant(data: bytes, grant: Grant) -> None:
    size_max = grant_size_max(data)
    assert Grant.from_value(grant.to_map(size_max), size_max) == grant
    assert grant.is_over(HOUR) == (grant.expires_hour is not None and grant.expires_hour < HOUR)
    for kind in NotificationKind:
        assert grant.covers(kind, "") <= (grant.apps is None or kind is NotificationKind.CONTROL)
    assert grant.limit_per_day(Q.RING) == grant.per_day


def both_grants(given: Seeds) -> Seeds:
    return seeds.joined(seeds.after(b"\0", given), seeds.after(b"\1", given))


def reader(scheme: str, decode: Callable[[str], Address | Invite]) -> Callable[[bytes], Address | Invite]:
    return lambda data: decode(uri_of(scheme, data))


TARGETS: dict[str, AnyTarget] = {
    "cbor": Target(
        read=cbor.decode,
        check=check_cbor,
        refusals=(Reason.CBOR,),
        seeds=seeds.joined(seeds.raw("cbor", "cbor", "data"), seeds.raw("control", "control", "payload")),
        size_max=8192,
    ),
    "base32": Target(
        read=read_base32,
        check=check_base32,
        refusals=(Reason.URI,),
        seeds=lambda: [
            bytes((vector["size"],)) + vector["text"].encode()
            for vector in seeds.inputs("address", "base32", "size", "text")
        ],
        size_max=512,
    ),
    "address": Target(
        read=reader(ADDRESS_SCHEME, lambda text: Address.decode(text, NETWORK)),
        check=check_address,
        refusals=(Reason.URI,),
        seeds=uri_seeds("address", ADDRESS_SCHEME, ADDRESS_SIZE, ADDRESS_PREFIX_SIZE),
        size_max=256,
    ),
    "invite": Target(
        read=reader(INVITE_SCHEME, lambda text: Invite.decode(text, NETWORK, HOUR)),
        check=check_invite,
        refusals=(Reason.URI,),
        seeds=uri_seeds("invite", INVITE_SCHEME, INVITE_SIZE, INVITE_PREFIX_SIZE),
        size_max=256,
    ),
    "topic": Target(
        read=lambda data: parse_topic(text_of(data)),
        check=check_topic,
        refusals=(Reason.TOPIC,),
        seeds=seeds.texts("topics", "topic", "topic"),
        size_max=128,
    ),
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
    "notification": Target(
        read=notification.decode,
        check=check_notification,
        refusals=(Reason.LENGTH, Reason.CBOR, Reason.PAYLOAD),
        seeds=seeds.joined(
            seeds.raw("notification", "notification", "payload"), seeds.raw("control", "control", "payload")
        ),
        size_max=PAYLOAD_SIZE_MAX + 1,
    ),
    "control": Target(
        read=read_control,
        check=check_control,
        refusals=(Reason.CBOR, Reason.PAYLOAD),
        seeds=control_seeds,
        size_max=PAYLOAD_SIZE_MAX,
    ),
    "grant": Target(
        read=read_grant,
        check=check_grant,
        refusals=(Reason.CBOR, Reason.PAYLOAD),
        seeds=both_grants(seeds.raw("grant", "grant", "grant")),
        size_max=3072,
    ),
}
