"""Doors, messages 1 and 2 and what wraps them (TOC-5), each part open to a lie.

It asks nobody and opens nothing.
"""

from dataclasses import dataclass, replace

from kit import base32, noise
from kit.cbor import Value
from kit.envelope import HOUR, PAIR_72H, Parts, pad, seal, size_for
from kit.identity import Person, card_statement
from kit.network import CHEAP, Network
from kit.primitives import KDF, H, u8, u32
from kit.session import direction, generation_0
from kit.vectors import Draw, Fields

DOORSTEP = HOUR - 100
"""When the cards of all honest people began."""
EVER = (0, HOUR + 24)
"""The hours of an invite that is good until tomorrow."""


@dataclass(frozen=True, kw_only=True)
class Door:
    """What both sides know before message 1."""

    responder: bytes
    initiator: bytes | None = None
    tag: bytes
    key: bytes
    psk: bytes
    hours: tuple[int, int] = EVER

    def told(self) -> Fields:
        return {
            "responder": self.responder,
            "initiator": self.initiator,
            "tag": self.tag,
            "key": self.key,
            "psk": self.psk,
            "first_hour": self.hours[0],
            "last_hour": self.hours[1],
        }


def invite_door(responder: bytes, secret: bytes, hours: tuple[int, int] = EVER) -> Door:
    return Door(
        responder=responder,
        tag=H("tcn1/invtag", secret + b"\0", 16),
        key=H("tcn1/invkey", secret, 32),
        psk=H("tcn1/invpsk", secret, 32),
        hours=hours,
    )


def reintroduction_door(reintro: bytes, initiator: bytes, responder: bytes, epoch: int) -> Door:
    place = u8(direction(initiator, responder)) + u32(epoch)
    return Door(
        responder=responder,
        initiator=initiator,
        tag=KDF(reintro, "tcn1/retag", place, 16),
        key=KDF(reintro, "tcn1/rekey", place, 32),
        psk=KDF(reintro, "tcn1/repsk", place, 32),
        hours=(24 * epoch, 24 * epoch + 23),
    )


def reintro_of(m: bytes) -> bytes:
    return KDF(m, "tcn1/reintro", b"", 32)


def invite_text(
    network: Network,
    owner: Person,
    secret: bytes,
    *,
    version: int = 1,
    flags: int = 0,
    depth: int = 0,
    expires_hour: int = HOUR + 24,
    flip_check: int = 0,
) -> str:
    prefix = u8(version) + u8(flags) + owner.ik + owner.kk + u8(depth) + u32(expires_hour) + secret
    check = H("tcn1/addr", network.nid16 + prefix, 16)[:4]
    return "tocsin:invite/" + base32.encode(prefix + check[:3] + u8(check[3] ^ flip_check))


def hello(owner: Person, **changed: Value) -> dict[int, Value]:
    """What an honest person says; `changed` are keys like k4, and None takes one away."""
    signature = owner.sign(card_statement(owner.kk, owner.rotation, DOORSTEP))
    said: dict[int, Value] = {0: owner.ik, 1: signature, 2: owner.rotation, 3: DOORSTEP, 6: 0}
    said |= {int(name[1:]): value for name, value in changed.items()}
    return {key: value for key, value in said.items() if value is not None}


def prologue(network: Network, header: bytes, responder: bytes) -> bytes:
    return network.nid16 + header + responder


@dataclass(frozen=True, kw_only=True)
class Sent:
    """Message 1 in its envelope, and what its sender keeps."""

    first: noise.First
    prologue: bytes
    payload: bytes
    envelope: bytes
    secret: bytes


def wrap(tag: bytes, key: bytes, nonce: bytes, message: bytes, *, hour: int = HOUR) -> bytes:
    """A message as the payload of an envelope that looks like any notification."""
    parts = Parts(kind=PAIR_72H, hour=hour, tag=tag, body=b"")
    padded = pad(message, size_for(message) - 83)
    return replace(parts, body=seal(CHEAP, parts.header, key, nonce, padded)).all


def introduce(
    draw: Draw,
    by: Person,
    door: Door,
    contact_key: bytes,
    payload: bytes,
    *,
    hour: int = HOUR,
    network: Network = CHEAP,
    responder: bytes | None = None,
    low_order: bytes | None = None,
) -> Sent:
    """Message 1 through a door; `network` and `responder` are what a forger puts into the prologue."""
    header = Parts(kind=PAIR_72H, hour=hour, tag=door.tag, body=b"").header
    bound = prologue(network, header, responder or door.responder)
    first = noise.write_first(
        prologue=bound,
        responder=contact_key,
        psk=door.psk,
        static=by.contact_secret,
        ephemeral=draw("ephemeral", 32),
        payload=payload,
        public_static=low_order,
    )
    envelope = wrap(door.tag, door.key, draw("nonce", 24), first.message, hour=hour)
    return Sent(first=first, prologue=bound, payload=payload, envelope=envelope, secret=draw("ephemeral", 32))


def reply_entry(ck: bytes, epoch: int) -> tuple[bytes, bytes]:
    """Tag and key of message 2 in an envelope that is born in this epoch."""
    both = H("tcn1/reply", ck + u32(epoch), 48)
    return both[:16], both[16:]


def session_of(second: noise.Second) -> Fields:
    """Where a session starts, and what the pair keeps for later introductions."""
    m, wheel_key = generation_0(second.k1, second.k2, second.h)
    return {"m": m, "wheel_key": wheel_key, "reintro": reintro_of(m)}
