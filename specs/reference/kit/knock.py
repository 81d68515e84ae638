"""Knocks (TOC-5 §5): message 1 as the whole body of an envelope, and the work inside it.

It opens nothing.
"""

from dataclasses import dataclass, replace

from kit import noise
from kit.cbor import Value, encode
from kit.envelope import HOUR, KNOCK_72H, Parts, pad, stamp
from kit.identity import Person
from kit.introduction import hello, prologue
from kit.network import CHEAP, Network, knocks
from kit.primitives import H, argon2id
from kit.vectors import Draw

TOPIC = knocks(CHEAP)
PAYLOAD_SIZE = 373
BITS = 4
"""What policy 2 asks for."""


def knock_psk(ik: bytes, kk: bytes, pin: str = "") -> bytes:
    return H("tcn1/knockpsk", ik + kk + pin.encode(), 32)


def body_id(header: bytes, body: bytes) -> bytes:
    return H("tcn1/bodyid", header + body, 16)


def inner_salt(responder: bytes, ephemeral: bytes) -> bytes:
    return H("tcn1/argon", responder + ephemeral, 16)


def inner_digest(static_hash: bytes, salt: bytes, nonce: bytes) -> bytes:
    return argon2id(nonce + static_hash, salt, 1, 8 * 1024, 16)


def zero_bits(digest: bytes) -> int:
    return 8 * len(digest) - int.from_bytes(digest, "big").bit_length()


def inner_nonce(static_hash: bytes, salt: bytes, bits: int, *, too_little: bool = False) -> bytes:
    """The first nonce that gives so many zero bits; with `too_little` the first that gives one less."""
    number = 0
    while True:
        given = zero_bits(inner_digest(static_hash, salt, number.to_bytes(8, "big")))
        if (given == bits - 1) if too_little else (given >= bits):
            return number.to_bytes(8, "big")
        number += 1


@dataclass(frozen=True, kw_only=True)
class Knock:
    parts: Parts
    half: noise.Half
    first: noise.First
    payload: bytes
    salt: bytes

    @property
    def stamped(self) -> bytes:
        return stamp(CHEAP, TOPIC, self.parts.all)

    @property
    def body_id(self) -> bytes:
        return body_id(self.parts.header, self.parts.body)


def person(draw: Draw, who: str, rotation: int = 0) -> Person:
    return Person(seed=draw(who, 32), rotation=rotation)


def knock(
    draw: Draw,
    *,
    by: str = "bob",
    to: str = "alice",
    pin: str = "",
    work: str = "enough",
    payload: bytes | None = None,
    padded: bytes | None = None,
    hour: int = HOUR,
    name: str = "",
    network: Network = CHEAP,
    low_order: bytes | None = None,
    **said: Value,
) -> Knock:
    """Bob's knock at Alice's; `name` makes another ephemeral key, `work` is none, too little or enough."""
    bob, alice = person(draw, by), person(draw, to)
    parts = Parts(kind=KNOCK_72H, hour=hour, tag=draw("tag", 16), body=b"")
    half = noise.write_half(
        prologue=prologue(network, parts.header, alice.ik),
        responder=alice.kk,
        psk=knock_psk(alice.ik, alice.kk, pin),
        static=bob.contact_secret,
        ephemeral=draw(f"ephemeral {name}".strip(), 32),
        public_static=low_order,
    )
    salt = inner_salt(alice.ik, half.ephemeral)
    if work != "none" and "k5" not in said:
        said["k5"] = inner_nonce(half.symmetric.h, salt, BITS, too_little=work == "too little")
    content = encode(hello(bob, **said)) if payload is None else payload
    first = half.finish(pad(content, PAYLOAD_SIZE) if padded is None else padded)
    return Knock(parts=replace(parts, body=first.message), half=half, first=first, payload=content, salt=salt)
