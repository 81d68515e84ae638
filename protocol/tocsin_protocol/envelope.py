"""The envelope: its bytes, its seal, its message id, and the check that a relay makes of it.

It is not the tag table or the wheel: it neither knows whose tag it carries nor where keys come from.
"""

import hashlib
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
)
from nacl.exceptions import CryptoError

from tocsin_protocol import stamp
from tocsin_protocol.errors import LocalProtocolError, Reason, RemoteProtocolError
from tocsin_protocol.hashing import H, person
from tocsin_protocol.limits import (
    ENVELOPE_KIND_MAX,
    ENVELOPE_KIND_RESERVED_MAX,
    ENVELOPE_OVERHEAD_SIZE,
    ENVELOPE_SIZES,
    HEADER_SIZE,
    HOUR_DRIFT_MAX,
    KNOCK_SIZE,
    KNOCK_TTL_INDEX,
    MESSAGE_KEY_SIZE,
    SEAL_NONCE_SIZE,
    SEALED_OVERHEAD_SIZE,
    STAMP_NONCE_SIZE,
    TAG_SIZE,
    TTL_HOURS,
)
from tocsin_protocol.network import Network
from tocsin_protocol.topics import knock_topic, parse_topic, shard_topic
from tocsin_protocol.types import EnvelopeBytes, Hour, MessageKey, Mid, Now, Tag, Topic
from tocsin_protocol.verdict import Checked, Verdict

# TOC-3 §1: a CBOR map of six entries in which every length and every number has one width, so that each field
# has its own constant place: a6 00 01 01 kk 02 1a hhhhhhhh 03 50 <16> 04 59 llll <body> 05 48 <8>.
VERSION_AT: Final = slice(0, 4)
KIND_AT: Final = 4
HOUR_HEAD_AT: Final = slice(5, 7)
HOUR_AT: Final = slice(7, 11)
TAG_HEAD_AT: Final = slice(11, 13)
TAG_AT: Final = slice(13, HEADER_SIZE)
BODY_HEAD_AT: Final = slice(29, 31)
BODY_LENGTH_AT: Final = slice(31, 33)
BODY_AT: Final = slice(33, -10)
STAMP_HEAD_AT: Final = slice(-10, -8)
STAMP_NONCE_AT: Final = slice(-STAMP_NONCE_SIZE, None)
UNSTAMPED_AT: Final = slice(None, -STAMP_NONCE_SIZE)

VERSION: Final = b"\xa6\x00\x01\x01"
HOUR_HEAD: Final = b"\x02\x1a"
TAG_HEAD: Final = b"\x03\x50"
BODY_HEAD: Final = b"\x04\x59"
STAMP_HEAD: Final = b"\x05\x48"

BODY_LENGTHS: Final = {size: (size - ENVELOPE_OVERHEAD_SIZE).to_bytes(2, "big") for size in ENVELOPE_SIZES}
SIZES: Final = {size - ENVELOPE_OVERHEAD_SIZE: size for size in ENVELOPE_SIZES}
"""The size of an envelope by the size of its body."""
HOUR_MAX: Final = (1 << 32) - 1
UNSTAMPED: Final = bytes(STAMP_NONCE_SIZE)
PADDING_START: Final = b"\x80"


class EnvelopeClass(IntEnum):
    """PAIR between two people, KNOCK from a stranger, BCAST to the readers of a channel."""

    PAIR = 0
    KNOCK = 1
    BCAST = 2


def kind_of(envelope_class: EnvelopeClass, ttl_index: int) -> int:
    if not 0 <= ttl_index < len(TTL_HOURS):
        raise LocalProtocolError(f"ttl index {ttl_index}: must be 0 to {len(TTL_HOURS) - 1}")
    return envelope_class * len(TTL_HOURS) + ttl_index


KNOCK_KIND: Final = kind_of(EnvelopeClass.KNOCK, KNOCK_TTL_INDEX)


def is_allowed(kind: int, size: int) -> bool:
    """Whether an envelope of this kind may have this size."""
    if not 0 <= kind <= ENVELOPE_KIND_MAX:
        return False
    # TOC-3 §2
    return kind // len(TTL_HOURS) != EnvelopeClass.KNOCK or (kind == KNOCK_KIND and size == KNOCK_SIZE)


def stamp_need(network: Network, kind: int, size: int) -> int:
    """The hashes that the stamp of such an envelope takes on average, at level 0."""
    envelope_class, ttl_index = divmod(kind, len(TTL_HOURS))
    cost = network.knock_cost if envelope_class == EnvelopeClass.KNOCK else network.pair_cost
    return stamp.price(cost=cost, size=size, ttl_index=ttl_index)


def header_of(kind: int, born_hour: Hour, tag: Tag) -> bytes:
    """HDR, the first 29 bytes: known before the body is, and bound into whatever seals the body."""
    if not 0 <= kind <= ENVELOPE_KIND_MAX:
        raise LocalProtocolError(f"envelope kind {kind}: must be 0 to {ENVELOPE_KIND_MAX}")
    if not 0 <= born_hour <= HOUR_MAX:
        raise LocalProtocolError(f"hour {born_hour}: must fit 32 bits")
    if len(tag) != TAG_SIZE:
        raise LocalProtocolError(f"a tag has {TAG_SIZE} bytes, not {len(tag)}")
    hour = born_hour.to_bytes(4, "big")
    return VERSION + bytes((kind,)) + HOUR_HEAD + hour + TAG_HEAD + tag


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One envelope, field by field; what exists can be encoded."""

    kind: int
    born_hour: Hour
    tag: Tag
    body: bytes
    stamp_nonce: bytes

    def __post_init__(self) -> None:
        size = SIZES.get(len(self.body))
        if size is None:
            raise LocalProtocolError(f"a body of {len(self.body)} bytes fits no envelope size")
        if not is_allowed(self.kind, size):
            raise LocalProtocolError(f"envelope kind {self.kind} cannot have {size} bytes")
        if len(self.stamp_nonce) != STAMP_NONCE_SIZE:
            raise LocalProtocolError(f"a stamp nonce has {STAMP_NONCE_SIZE} bytes")
        header_of(self.kind, self.born_hour, self.tag)

    @property
    def envelope_class(self) -> EnvelopeClass:
        return EnvelopeClass(self.kind // len(TTL_HOURS))

    @property
    def ttl_index(self) -> int:
        return self.kind % len(TTL_HOURS)

    @property
    def header(self) -> bytes:
        return header_of(self.kind, self.born_hour, self.tag)

    def with_stamp(self, nonce: bytes) -> "Envelope":
        return replace(self, stamp_nonce=nonce)

    def encode(self) -> EnvelopeBytes:
        length = len(self.body).to_bytes(2, "big")
        tail = STAMP_HEAD + self.stamp_nonce
        return EnvelopeBytes(self.header + BODY_HEAD + length + self.body + tail)

    @staticmethod
    def parse(data: bytes) -> "Envelope":
        flaw = _find_flaw(data)
        if flaw is not None:
            raise RemoteProtocolError(flaw, f"{len(data)} bytes that are no envelope")
        kind = data[KIND_AT]
        if not is_allowed(kind, len(data)):
            raise RemoteProtocolError(Reason.KIND, f"kind {kind} in {len(data)} bytes")
        return Envelope(
            kind=kind,
            born_hour=Hour(int.from_bytes(data[HOUR_AT], "big")),
            tag=Tag(data[TAG_AT]),
            body=data[BODY_AT],
            stamp_nonce=data[STAMP_NONCE_AT],
        )


def _find_flaw(data: bytes) -> Reason | None:
    """What is wrong with the bytes that never change; both the parser and the relay start here."""
    # TOC-3 §1: in this order.
    body_length = BODY_LENGTHS.get(len(data))
    if body_length is None:
        return Reason.LENGTH
    if (
        data[VERSION_AT] != VERSION
        or data[HOUR_HEAD_AT] != HOUR_HEAD
        or data[TAG_HEAD_AT] != TAG_HEAD
        or data[BODY_HEAD_AT] != BODY_HEAD
        or data[STAMP_HEAD_AT] != STAMP_HEAD
    ):
        return Reason.CONSTANT
    return None if data[BODY_LENGTH_AT] == body_length else Reason.LENGTH


def seal(
    *,
    network: Network,
    kind: int,
    born_hour: Hour,
    tag: Tag,
    key: MessageKey,
    nonce: bytes,
    payload: bytes,
) -> Envelope:
    """An unstamped envelope of the smallest size that holds the payload; `key` seals only this one."""
    if len(key) != MESSAGE_KEY_SIZE or len(nonce) != SEAL_NONCE_SIZE:
        raise LocalProtocolError("a message key has 32 bytes and a seal's nonce 24")
    block_size = _smallest_block(len(payload))
    padded = (payload + PADDING_START).ljust(block_size, b"\0")
    bound = network.nid16 + header_of(kind, born_hour, tag)  # TOC-3 §3
    sealed = crypto_aead_xchacha20poly1305_ietf_encrypt(padded, bound, nonce, key)
    return Envelope(kind=kind, born_hour=born_hour, tag=tag, body=nonce + sealed, stamp_nonce=UNSTAMPED)


def open_sealed(*, network: Network, envelope: Envelope, key: MessageKey) -> bytes:
    """The payload; a wrong key, a changed header, body or network all look the same."""
    nonce, sealed = envelope.body[:SEAL_NONCE_SIZE], envelope.body[SEAL_NONCE_SIZE:]
    bound = network.nid16 + envelope.header
    try:
        padded = crypto_aead_xchacha20poly1305_ietf_decrypt(sealed, bound, nonce, key)
    except CryptoError as error:
        raise RemoteProtocolError(Reason.AEAD, "the seal does not open") from error
    payload = padded.rstrip(b"\0")  # TOC-3 §3.2
    if not payload.endswith(PADDING_START):
        raise RemoteProtocolError(Reason.PADDING, "the padding has no beginning")
    return payload[:-1]


def _smallest_block(payload_size: int) -> int:
    """Padding fills one block up to the seal, and takes at least one byte of it."""
    # TOC-3 §3.1
    for size in ENVELOPE_SIZES:
        if payload_size < size - SEALED_OVERHEAD_SIZE:
            return size - SEALED_OVERHEAD_SIZE
    raise LocalProtocolError(f"a payload of {payload_size} bytes fits no envelope")


def stamp_subject(network: Network, topic: Topic, data: bytes) -> bytes:
    """`pre`: what a stamp is searched for; it covers network, topic and every byte but the nonce."""
    return H("tcn1/pre", _topic_prefix(topic) + data[UNSTAMPED_AT], 32, network.nid16)


def message_id(network: Network, topic: Topic, data: bytes) -> Mid:
    # TOC-3 §4
    return Mid(H("tcn1/mid", stamp_subject(network, topic, data) + data[STAMP_NONCE_AT], 32))


def _topic_prefix(topic: Topic) -> bytes:
    raw = topic.encode("ascii")
    return bytes((len(raw),)) + raw


def _refuse(verdict: Verdict, reason: Reason) -> Checked:
    return Checked(verdict=verdict, reason=reason, mid=None)


REJECTED: Final = {
    reason: _refuse(Verdict.REJECT, reason)
    for reason in (Reason.LENGTH, Reason.CONSTANT, Reason.KIND, Reason.TOPIC)
}
IGNORED: Final = {
    reason: _refuse(Verdict.IGNORE, reason) for reason in (Reason.KIND, Reason.TOPIC, Reason.HOUR)
}


class RelayCheck:
    """What every node checks before it forwards: on bytes and topic alone, but for the hour.

    REJECT costs the neighbour its standing, so it never depends on this node's clock or state; the hour
    only ever makes IGNORE, and comes before the stamp so that old envelopes cost no hashing.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._highest_mids = {
            size: tuple(
                stamp.highest_paid_mid(stamp_need(network, kind, size)) if is_allowed(kind, size) else None
                for kind in range(ENVELOPE_KIND_MAX + 1)
            )
            for size in ENVELOPE_SIZES
        }
        shards = {shard_topic(network, home) for home in range(256)}
        self._knock_topic = knock_topic(network)
        self._primed: dict[str, hashlib.blake2b] = {
            topic: self._prime(topic) for topic in (*shards, self._knock_topic)
        }
        self._primed_mid = hashlib.blake2b(digest_size=32, person=person("tcn1/mid"))

    def check(self, topic: str, data: bytes, now: Now) -> Checked:
        # TOC-3 §6: in this order, and REJECT on nothing but bytes and topic.
        flaw = _find_flaw(data)
        if flaw is not None:
            return REJECTED[flaw]
        kind = data[KIND_AT]
        if kind > ENVELOPE_KIND_MAX:
            return (IGNORED if kind <= ENVELOPE_KIND_RESERVED_MAX else REJECTED)[Reason.KIND]
        highest_mid = self._highest_mids[len(data)][kind]
        if highest_mid is None:
            return REJECTED[Reason.KIND]
        primed = self._primed.get(topic)
        if primed is None:
            return _judge_foreign(topic)
        if (kind == KNOCK_KIND) != (topic == self._knock_topic):
            return REJECTED[Reason.TOPIC]
        if abs(int.from_bytes(data[HOUR_AT], "big") - now.hour) > HOUR_DRIFT_MAX:
            return IGNORED[Reason.HOUR]
        return self._check_stamp(primed, data, highest_mid)

    def _check_stamp(self, primed: hashlib.blake2b, data: bytes, highest_mid: bytes) -> Checked:
        subject = primed.copy()
        subject.update(data[UNSTAMPED_AT])
        hashed = self._primed_mid.copy()
        hashed.update(subject.digest() + data[STAMP_NONCE_AT])
        mid = Mid(hashed.digest())
        if mid > highest_mid:
            return Checked(verdict=Verdict.REJECT, reason=Reason.STAMP, mid=mid)
        return Checked(verdict=Verdict.ACCEPT, reason=None, mid=mid)

    def _prime(self, topic: Topic) -> hashlib.blake2b:
        """The key's block and the topic hashed once, instead of once for each envelope."""
        key = self._network.nid16
        return hashlib.blake2b(_topic_prefix(topic), digest_size=32, key=key, person=person("tcn1/pre"))


def _judge_foreign(topic: str) -> Checked:
    """Another network's or another depth's topic is not ours to judge; a malformed one is nobody's."""
    try:
        parse_topic(topic)
    except RemoteProtocolError:
        return REJECTED[Reason.TOPIC]
    return IGNORED[Reason.TOPIC]
