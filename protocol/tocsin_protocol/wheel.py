"""The keys of a pair: generation roots, a wheel that turns once an epoch, chains that step once a message.

It never looks at a clock, an envelope or a store: what may be deleted when is returned, not done.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import blake2b
from typing import Final, cast

from tocsin_protocol.errors import LocalProtocolError
from tocsin_protocol.hashing import KDF, person
from tocsin_protocol.limits import (
    CATCH_UP_EPOCHS,
    CHAIN_INDEX_MAX,
    DEVICE_MAX,
    LOOKAHEAD_EPOCHS_MAX,
    TAG_SIZE,
)
from tocsin_protocol.types import Epoch, IdentityKey, MessageKey, NotificationId, Tag

KEY_SIZE = 32
NID_SIZE = 16
FIRST_GENERATION = 0
NO_KEM = bytes(32)
"""The place of a shared secret that quantum computers could not find; version 1 has none."""
STEP: Final = person("tcn1/step")
TAG: Final = person("tcn1/tag")


class Direction(IntEnum):
    """Who sends to whom; each pair of people has one wheel for either."""

    LOW_TO_HIGH = 0
    HIGH_TO_LOW = 1


class Q(IntEnum):
    """The stream: what may ring, and all else, so that a follower of tags never rings for a renewal."""

    RING = 0
    CONTROL = 0x80


@dataclass(frozen=True, slots=True, kw_only=True)
class Roots:
    """What a generation starts from: `key` (M) makes the next one, `wheel_key` (WK) both wheels."""

    generation: int
    key: bytes = field(repr=False)
    wheel_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One message: its place in the chain, its key, and the tag and nid that only the key gives."""

    index: int
    key: MessageKey = field(repr=False)
    tag: Tag
    nid: NotificationId


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """C_index of one stream: every later message key follows from it and no earlier one."""

    epoch: Epoch
    q: Q
    index: int
    key: bytes = field(repr=False)

    def step(self) -> "tuple[Chain, Link]":
        """The chain after its next message, and that message; this chain is then to be deleted."""
        if self.index > CHAIN_INDEX_MAX:  # TOC-4 §1.3
            raise LocalProtocolError(f"a chain has {CHAIN_INDEX_MAX + 1} messages an epoch")
        key, message_key = step_key(self.key)
        after = Chain(epoch=self.epoch, q=self.q, index=self.index + 1, key=key)
        return after, link_of(self.index, message_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """W_epoch of one direction, of which no chain was committed yet: the committed epoch is one less."""

    epoch: Epoch
    key: bytes = field(repr=False)

    def at(self, epoch: Epoch) -> "Wheel":
        """The wheel of a later epoch, in memory only: to look ahead is free, to delete is not."""
        if not self.epoch <= epoch < self.epoch + LOOKAHEAD_EPOCHS_MAX:
            raise LocalProtocolError(f"a wheel of epoch {self.epoch} cannot be looked at in epoch {epoch}")
        key = self.key
        for later in range(self.epoch + 1, epoch + 1):
            key = KDF(key, "tcn1/wheel", _u32(later), KEY_SIZE)
        return Wheel(epoch=epoch, key=key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turned:
    """What replaces the old wheel, whose key is deleted in the same transaction.

    `chains` ascend by epoch. A chain that has a stored state already is not to be stored again, or its
    tags and keys would repeat. A sender needs those of the newest epoch only.
    """

    wheel: Wheel
    chains: tuple[Chain, ...]


def roots_of_introduction(k1: bytes, k2: bytes, handshake_hash: bytes) -> Roots:
    """Generation 0, from what both sides hold after the handshake."""
    both = KDF(k1, "tcn1/gen", _u32(FIRST_GENERATION) + k2 + handshake_hash, 2 * KEY_SIZE)  # TOC-4 §1.1
    return Roots(generation=FIRST_GENERATION, key=both[:KEY_SIZE], wheel_key=both[KEY_SIZE:])


def roots_of_renewal(*, key: bytes, generation: int, shared: bytes, transcript: bytes) -> Roots:
    """The generation after the one whose `key` (M) this is; the two ephemerals gave `shared`."""
    data = _u32(generation) + shared + NO_KEM + transcript
    both = KDF(key, "tcn1/gen", data, 2 * KEY_SIZE)
    return Roots(generation=generation, key=both[:KEY_SIZE], wheel_key=both[KEY_SIZE:])


def direction_of(sender: IdentityKey, receiver: IdentityKey) -> Direction:
    if sender == receiver:
        raise LocalProtocolError("nobody has a wheel with themselves")
    return Direction.LOW_TO_HIGH if sender < receiver else Direction.HIGH_TO_LOW  # TOC-4 §1.2


def first_wheel(roots: Roots, direction: Direction, epoch: Epoch) -> Wheel:
    """W of the generation's first epoch; when both directions have theirs, `wheel_key` is deleted."""
    key = KDF(roots.wheel_key, "tcn1/dir", bytes((direction,)) + _u32(epoch), KEY_SIZE)  # TOC-4 §1.2
    return Wheel(epoch=epoch, key=key)


def first_chain(wheel: Wheel, q: Q, device: int = 0) -> Chain:
    if not 0 <= device <= DEVICE_MAX:
        raise LocalProtocolError(f"device {device}: must be 0 to {DEVICE_MAX}")
    key = KDF(wheel.key, "tcn1/chain", _u32(wheel.epoch) + bytes((device | q,)), KEY_SIZE)  # TOC-4 §1.3
    return Chain(epoch=wheel.epoch, q=q, index=0, key=key)


def link_of(index: int, key: MessageKey) -> Link:
    """Tag and nid come from the message key alone: with it deleted neither can be made again."""
    return Link(index=index, key=key, tag=tag_of(key), nid=nid_of(key))


def tags_ahead(chain: Chain, count: int) -> list[Tag]:
    """The next tags of a chain, fewer where it ends; nothing else of the messages is made."""
    key, tags = chain.key, []
    for _ in range(min(count, CHAIN_INDEX_MAX + 1 - chain.index)):
        # KDF spelled out: a node with thousands of contacts makes a hundred thousand tags at midnight.
        both = blake2b(key=key, person=STEP).digest()
        key = both[:KEY_SIZE]
        tags.append(blake2b(digest_size=TAG_SIZE, key=both[KEY_SIZE:], person=TAG).digest())
    return cast(list[Tag], tags)


def step_key(chain_key: bytes) -> tuple[bytes, MessageKey]:
    """C_{i+1} and MK_i from C_i."""
    both = blake2b(key=chain_key, person=STEP).digest()
    return both[:KEY_SIZE], MessageKey(both[KEY_SIZE:])


def tag_of(key: MessageKey) -> Tag:
    return Tag(blake2b(digest_size=TAG_SIZE, key=key, person=TAG).digest())


def nid_of(key: MessageKey) -> NotificationId:
    return NotificationId(KDF(key, "tcn1/nid", b"", NID_SIZE))


def turn(wheel: Wheel, to: Epoch) -> Turned:
    """Commits every epoch up to `to`: their first chains, and the wheel of the epoch after.

    Epochs of which no envelope can be alive any more leave no chain: they would only tempt a thief.
    """
    newest = wheel.at(to)
    oldest = wheel.at(max(wheel.epoch, Epoch(to - CATCH_UP_EPOCHS + 1)))  # TOC-4 §4.2
    wheels = [oldest.at(Epoch(epoch)) for epoch in range(oldest.epoch, to + 1)]
    chains = tuple(first_chain(each, q) for each in wheels for q in Q)
    return Turned(wheel=newest.at(Epoch(to + 1)), chains=chains)


def _u32(number: int) -> bytes:
    return number.to_bytes(4, "big")
