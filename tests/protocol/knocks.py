"""Strangers who knock at one person, honest and otherwise, on a network where stamps are cheap."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import cache
from hashlib import sha256
from typing import Any

from nacl.bindings import sodium_pad

from tests.protocol.introductions import HOUR, INVITER, NOW, own_fields
from tocsin_protocol import cbor, noise
from tocsin_protocol.doorkeeper import Doorkeeper
from tocsin_protocol.envelope import (
    KNOCK_KIND,
    UNSTAMPED,
    Envelope,
    header_of,
    message_id,
    stamp_need,
    stamp_subject,
)
from tocsin_protocol.grant import Grant
from tocsin_protocol.identity import Address, Card, Identity, Seed
from tocsin_protocol.inner_work import InnerSearch
from tocsin_protocol.introduce import Begun
from tocsin_protocol.knock import KnockDraft, knock_psk
from tocsin_protocol.knock_events import (
    Discarded,
    KnockArrived,
    KnockEffect,
    KnockInput,
    MeasureWork,
    StoreRequest,
    Terms,
    WorkMeasured,
)
from tocsin_protocol.limits import KNOCK_PAYLOAD_SIZE, KNOCK_SIZE
from tocsin_protocol.network import Network
from tocsin_protocol.request import Request
from tocsin_protocol.stamp import StampSearch
from tocsin_protocol.topics import knock_topic
from tocsin_protocol.types import EnvelopeBytes, Hour, IdentityKey, Mid, Now, Tag

CHEAP = Network(name="cheap", knock_cost=1)
OWNER = INVITER
PIN = "31415926"
OPEN = Terms(identities=(OWNER,), policy=1)
"""Knocks cost their outer stamp only."""
WORKING = Terms(identities=(OWNER,), policy=2)
"""Knocks cost four bits of inner work."""


def address(policy: int = 1, *, pin: bool = False, owner: Identity = OWNER) -> Address:
    return Address(
        identity_key=owner.identity_key,
        contact_key=owner.contact_key,
        knock_policy=policy,
        pin_required=pin,
    )


@cache
def stranger(number: int) -> Identity:
    return Identity.from_seed(Seed(number.to_bytes(32, "big")))


def draft(
    number: int = 100,
    *,
    to: Address | None = None,
    pin: str = "",
    text: str = "hello",
    grant: Grant | None = None,
    ephemeral: bytes | None = None,
    born_hour: Hour = HOUR,
) -> KnockDraft:
    return KnockDraft(
        identity=stranger(number),
        address=to or address(),
        pin=pin,
        network=CHEAP,
        born_hour=born_hour,
        text=text,
        depth=2,
        grant=grant,
        ephemeral=ephemeral or sha256(b"%d" % number).digest(),
        tag=Tag(b"\x31" * 16),
    )


def finished(knock: KnockDraft) -> Begun:
    return knock.finish(InnerSearch(knock.work, knock.bits).run(1_000) if knock.bits else None)


def stamped(envelope: Envelope, start: int = 0) -> EnvelopeBytes:
    """Other starts give other stamps, and so other mids."""
    subject = stamp_subject(CHEAP, knock_topic(CHEAP), envelope.encode())
    nonce = StampSearch(subject, stamp_need(CHEAP, KNOCK_KIND, KNOCK_SIZE), start).run(10_000)
    assert nonce is not None
    return envelope.with_stamp(nonce).encode()


def mid_of(data: bytes) -> Mid:
    return message_id(CHEAP, knock_topic(CHEAP), data)


def knock(number: int = 100, start: int = 0, **changed: Any) -> EnvelopeBytes:
    return stamped(finished(draft(number, **changed)).envelope, start)


def worked_knock(number: int = 100, start: int = 0, inner_nonce: bytes = bytes(8)) -> EnvelopeBytes:
    """One that brings any nonce, good or not: its address asked for nothing."""
    return stamped(draft(number).finish(inner_nonce).envelope, start)


def garbage(number: int) -> EnvelopeBytes:
    """A paid stamp on bytes that open for nobody."""
    body = number.to_bytes(469, "little")
    return stamped(
        Envelope(kind=KNOCK_KIND, born_hour=HOUR, tag=Tag(b"\x32" * 16), body=body, stamp_nonce=UNSTAMPED)
    )


def forged(payload: bytes | dict[int, Any], static: Identity | None = None, pin: str = "") -> EnvelopeBytes:
    """A knock by somebody who says anything, or pads it in any way."""
    if isinstance(payload, dict):
        payload = sodium_pad(cbor.encode({**payload}), KNOCK_PAYLOAD_SIZE)
    tag = Tag(b"\x33" * 16)
    _, body = noise.initiate(
        prologue=CHEAP.nid16 + header_of(KNOCK_KIND, HOUR, tag) + OWNER.identity_key,
        responder_static=OWNER.contact_key,
        psk=knock_psk(OWNER.identity_key, OWNER.contact_key, pin),
        static_secret=(static or stranger(100)).contact_secret,
        ephemeral_secret=b"\x34" * 32,
        payload=payload,
    )
    return stamped(Envelope(kind=KNOCK_KIND, born_hour=HOUR, tag=tag, body=body, stamp_nonce=UNSTAMPED))


def said(number: int = 100, **changed: Any) -> dict[int, Any]:
    return own_fields(stranger(number), **changed)


def doorkeeper(
    terms: Terms = OPEN,
    *,
    contacts: Mapping[IdentityKey, Card] | None = None,
    blocked: AbstractSet[IdentityKey] = frozenset(),
    requests: Iterable[Request] = (),
    ephemerals: Iterable[tuple[bytes, Hour]] = (),
    network: Network = CHEAP,
) -> Doorkeeper:
    return Doorkeeper(
        network=network,
        terms=terms,
        contacts={} if contacts is None else contacts,
        blocked=blocked,
        requests=requests,
        ephemerals=ephemerals,
    )


def arrive(
    keeper: Doorkeeper, envelope: bytes, *, witnessed: bool = True, now: Now = NOW
) -> list[KnockEffect]:
    return keeper.handle(KnockArrived(envelope=EnvelopeBytes(envelope), witnessed=witnessed), now)


def take_in(keeper: Doorkeeper, event: KnockInput, now: Now = NOW) -> list[KnockEffect]:
    """What comes of an input when every measure that it asks for is made at once."""
    effects: list[KnockEffect] = []
    todo: list[KnockInput] = [event]
    while todo:
        for effect in keeper.handle(todo.pop(0), now):
            effects.append(effect)
            if isinstance(effect, MeasureWork):
                zero_bits = effect.work.zero_bits(effect.nonce)
                todo.append(WorkMeasured(body_id=effect.body_id, zero_bits=zero_bits))
    return effects


def why(effects: Iterable[KnockEffect]) -> list[object]:
    return [effect.why for effect in effects if isinstance(effect, Discarded)]


def requests_in(effects: Iterable[KnockEffect]) -> list[Request]:
    return [effect.request for effect in effects if isinstance(effect, StoreRequest)]


def request_of(envelope: bytes, **changed: Any) -> Request:
    """As the doorkeeper makes it of a knock that comes first."""
    (request,) = requests_in(arrive(doorkeeper(), envelope))
    return replace(request, **changed)


def later(ms: int) -> Now:
    return Now(unix_ms=NOW.unix_ms + ms, steady_ms=NOW.steady_ms + ms)


def measures(effects: Iterable[KnockEffect]) -> list[MeasureWork]:
    return [effect for effect in effects if isinstance(effect, MeasureWork)]
