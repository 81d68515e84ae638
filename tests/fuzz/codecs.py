"""Targets for what is read without a secret: CBOR and what is written in it, addresses and other texts.

Where a codec has one encoding for a value, what was read must be written as the same bytes.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from typing import assert_never

from tests.fuzz import seeds
from tests.fuzz.target import HOUR, NETWORK, AnyTarget, Seeds, Target, cut, is_refused, text_of
from tocsin_protocol import base32, cbor, control, fields, notification
from tocsin_protocol.control import U32_MAX, Accept, Confirm, Control, NewCard, NewGrant, Offer
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
    APP_SIZE_MAX,
    BODY_SIZE_MAX,
    CARD_DRIFT_HOURS_MAX,
    GRANT_INTRODUCTION_SIZE_MAX,
    GRANT_SIZE_MAX,
    PAYLOAD_SIZE_MAX,
    PUBLIC_KEY_SIZE,
    TITLE_SIZE_MAX,
    TTL_S_MAX,
)
from tocsin_protocol.network import Network
from tocsin_protocol.notification import Notification, NotificationKind
from tocsin_protocol.notification_values import UNSAFE
from tocsin_protocol.topics import ParsedTopic, TopicKind, knock_topic, parse_topic, shard_topic
from tocsin_protocol.types import ContactKey
from tocsin_protocol.wheel import Q

SIGNER = Identity.from_seed(Seed(b"\x04" * 32))


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


def check_notification(data: bytes, found: Notification) -> None:
    """What a person would see cannot turn a line around, and is no longer than what was sent."""
    for text in texts_in(asdict(replace(found, data=None, control=None))):
        assert len(text.encode()) <= min(len(data), BODY_SIZE_MAX)
        assert not UNSAFE.search(text)
    assert len(found.title.encode()) <= TITLE_SIZE_MAX
    assert type(found.ttl_s) is int
    assert 0 <= found.ttl_s <= TTL_S_MAX
    if found.kind is not NotificationKind.UNKNOWN:
        assert notification.decode(notification.encode(found)) == found


def texts_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | tuple):
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts_in(item)


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
    match found:
        case NewCard():
            check_card(found)
        case NewGrant():
            check_limits(found.grant)
        case Offer() | Accept() | Confirm():
            assert 0 <= found.generation <= U32_MAX
        case _:
            assert_never(found)


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
    check_limits(grant)
    assert grant.is_over(HOUR) == (grant.expires_hour is not None and grant.expires_hour < HOUR)
    for kind in NotificationKind:
        assert grant.covers(kind, "") <= (grant.apps is None or kind is NotificationKind.CONTROL)
    assert grant.limit_per_day(Q.RING) == grant.per_day


def check_limits(grant: Grant) -> None:
    for number in (grant.kinds, grant.per_day, grant.expires_hour):
        assert number is None or type(number) is int
    assert (grant.per_day or 0) <= U32_MAX
    for app in grant.apps or ():
        assert 1 <= len(app.encode()) <= APP_SIZE_MAX
        assert not UNSAFE.search(app)


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
