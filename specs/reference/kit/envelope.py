"""The bytes of an envelope, its seal, its ids and its stamp (TOC-3), each part open to a lie.

It checks nothing, and the search for a stamp is one hash after the other.
"""

from dataclasses import dataclass

from kit.network import Network
from kit.primitives import H, u8, u16, u32, xchacha20_poly1305

LIVES = (1, 1, 1, 3, 7)
PAIR_72H, KNOCK_72H, BCAST_72H = 3, 8, 13
HOUR = 500_000
"""The hour of all vectors: 2027-01-15, 08:00 UTC."""
NOON = HOUR * 3600 + 1800
"""A moment in the middle of it, in seconds."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Every piece of an envelope; the bytes that never change are pieces too."""

    version: bytes = bytes.fromhex("a6000101")
    kind: int = PAIR_72H
    hour_head: bytes = bytes.fromhex("021a")
    hour: int = HOUR
    tag_head: bytes = bytes.fromhex("0350")
    tag: bytes
    body_head: bytes = bytes.fromhex("0459")
    body_length: int | None = None
    body: bytes
    stamp_head: bytes = bytes.fromhex("0548")
    stamp_nonce: bytes = bytes(8)

    @property
    def header(self) -> bytes:
        """HDR, the first 29 bytes."""
        return self.version + u8(self.kind) + self.hour_head + u32(self.hour) + self.tag_head + self.tag

    @property
    def unstamped(self) -> bytes:
        length = len(self.body) if self.body_length is None else self.body_length
        return self.header + self.body_head + u16(length) + self.body + self.stamp_head

    @property
    def all(self) -> bytes:
        return self.unstamped + self.stamp_nonce


def pad(payload: bytes, block: int) -> bytes:
    return payload + b"\x80" + bytes(block - len(payload) - 1)


def size_for(payload: bytes) -> int:
    return next(size for size in (512, 1024, 2048, 5120) if len(payload) < size - 83)


def seal(network: Network, header: bytes, key: bytes, nonce: bytes, padded: bytes) -> bytes:
    """A body."""
    return nonce + xchacha20_poly1305(key, nonce, network.nid16 + header, padded)


def pre(network: Network, topic: str, envelope: bytes) -> bytes:
    name = topic.encode()
    return H("tcn1/pre", u8(len(name)) + name + envelope[:-8], 32, key=network.nid16)


def mid(network: Network, topic: str, envelope: bytes) -> bytes:
    return H("tcn1/mid", pre(network, topic, envelope) + envelope[-8:], 32)


def work(message_id: bytes) -> int:
    return int.from_bytes(message_id[:8], "big")


def need(network: Network, kind: int, size: int) -> int:
    envelope_class, ttl_index = divmod(kind, 5)
    cost = network.knock_cost if envelope_class == 1 else network.pair_cost
    return cost * (size // 512) * LIVES[ttl_index]


def stamp(network: Network, topic: str, envelope: bytes, price: int | None = None, after: int = -1) -> bytes:
    """The envelope with the first nonce greater than `after` that pays the price; `price` overrules it."""
    if price is None:
        price = need(network, envelope[4], len(envelope))
    subject = pre(network, topic, envelope)
    number = after + 1
    while work(H("tcn1/mid", subject + number.to_bytes(8, "big"), 32)) * price >= 2**64:
        number += 1
    return envelope[:-8] + number.to_bytes(8, "big")
