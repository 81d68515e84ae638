"""The pubsub RPC as libp2p's peers write it: frames, subscriptions and message entries.

It is not a protobuf library, and it does not judge a message: it says which fields are there.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from tocsin_protocol.errors import Reason, RemoteProtocolError
from tocsin_protocol.limits import (
    FIELDS_SKIPPED_MAX,
    FRAME_SIZE_MAX,
    MESSAGES_PER_FRAME_MAX,
    SUBSCRIPTIONS_PER_FRAME_MAX,
    WRITE_SIZE_MAX,
)
from tocsin_protocol.types import Topic

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
TAG_MAX = (1 << 32) - 1
SHORT = 0x80
"""A varint below it is one byte; a byte below it ends a varint."""
VARINT_SIZE_MAX = 10
LAST_SHIFT = 63
"""The tenth byte of a varint may carry only the last of 64 bits."""
PREFIX_SIZE_MAX = 3
"""Bytes of the prefix of the longest frame, written minimally as multiformats asks."""

RPC_SUBSCRIPTION, RPC_MESSAGE = 1, 2
SUBSCRIPTION_WANTED, SUBSCRIPTION_TOPIC = 1, 2
MESSAGE_DATA, MESSAGE_TOPIC = 2, 4
MESSAGE_AUTHOR: Final = frozenset({1, 3, 5, 6})
"""from, seqno, signature and key: each of them says who published."""

SUBSCRIPTION_TAG = RPC_SUBSCRIPTION << 3 | LENGTH
MESSAGE_TAG = RPC_MESSAGE << 3 | LENGTH
WANTED_TAG = SUBSCRIPTION_WANTED << 3 | VARINT
WANTED_TOPIC_TAG = SUBSCRIPTION_TOPIC << 3 | LENGTH
DATA_TAG = MESSAGE_DATA << 3 | LENGTH
TOPIC_TAG = MESSAGE_TOPIC << 3 | LENGTH

HEAD_SIZE = 3
"""Tag and length of what is 128 to 16,383 bytes long, as every envelope and every entry is."""
USUAL_HEAD_SIZE = 2 * HEAD_SIZE
TAIL_SIZE_MIN = 2


class Form(Enum):
    """What a message has besides one `data` and one `topic`."""

    PLAIN = "plain"
    AUTHORED = "authored"
    ODD = "odd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    topic: Topic
    subscribe: bool


class Message(NamedTuple):
    """`entry` is what may be passed on; it has no freedom left in which to hide a mark.

    A tuple, because one is made per copy received and a frozen dataclass costs six times as much.
    """

    topic: Topic
    data: bytes
    entry: bytes
    form: Form


@dataclass(frozen=True, slots=True, kw_only=True)
class Rpc:
    """`entries` are the messages as they came, tag and length included, to be read by `read_entry`.

    A duplicate is recognised by these bytes alone, so nothing in them is parsed before it must be.
    """

    subscriptions: tuple[Subscription, ...]
    entries: tuple[bytes, ...]


def _malformed(detail: str) -> RemoteProtocolError:
    return RemoteProtocolError(Reason.FRAME, detail)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The value at `at` and where the next thing begins, by protobuf's rules: not always minimal."""
    value = shift = 0
    for byte in data[at : at + VARINT_SIZE_MAX]:
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < SHORT:
            if shift == LAST_SHIFT and byte > 1:
                raise _malformed("a varint exceeds 64 bits")
            return value, at
        shift += 7
    raise _malformed("a varint does not end")


def _read_short(data: bytes, at: int) -> tuple[int, int]:
    """`_read_varint`, at once for the values that tags and envelopes' lengths have."""
    if at + 1 < len(data):
        first = data[at]
        if first < SHORT:
            return first, at + 1
        second = data[at + 1]
        if second < SHORT:
            return first & 0x7F | second << 7, at + 2
    return _read_varint(data, at)


def _read_tag(data: bytes, at: int) -> tuple[int, int]:
    tag, at = _read_short(data, at)
    if not 8 <= tag <= TAG_MAX:
        raise _malformed("a field number is out of range")
    return tag, at


def _read_end(data: bytes, wire: int, at: int) -> tuple[int, int]:
    """Where the value of a field starts and ends."""
    if wire == LENGTH:
        size, at = _read_short(data, at)
    elif wire == VARINT:
        _, end = _read_varint(data, at)
        size = end - at
    elif wire == FIXED64:
        size = 8
    elif wire == FIXED32:
        size = 4
    else:
        raise _malformed("a field has a wire type that nobody sends")
    if at + size > len(data):
        raise _malformed("a field is longer than what holds it")
    return at, at + size


def _read_fields(data: bytes, at: int) -> Iterator[tuple[int, int, int, int]]:
    """Number, wire type, and start and end of the value, of every field from `at` on."""
    count = 0
    while at < len(data):
        count += 1
        if count > FIELDS_SKIPPED_MAX:
            raise _malformed("too many fields in one message")
        tag, at = _read_tag(data, at)
        start, at = _read_end(data, tag & 7, at)
        yield tag >> 3, tag & 7, start, at


def _read_topic(data: bytes) -> Topic:
    try:
        return Topic(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise _malformed("a topic is not UTF-8") from None


def _read_subscription(data: bytes) -> Subscription:
    topic: Topic | None = None
    subscribe = False
    for number, wire, start, end in _read_fields(data, 0):
        if number == SUBSCRIPTION_WANTED and wire == VARINT:
            subscribe = _read_varint(data, start)[0] != 0
        elif number == SUBSCRIPTION_TOPIC and wire == LENGTH:
            topic = _read_topic(data[start:end])
    if topic is None:
        raise _malformed("a subscription has no topic")
    return Subscription(topic=topic, subscribe=subscribe)


def decode(frame: bytes) -> Rpc:
    """Control and whatever else is not ours is skipped; only its length has to be true."""
    subscriptions: list[Subscription] = []
    entries: list[bytes] = []
    at = skipped = 0
    while at < len(frame):
        began = at
        tag, at = _read_tag(frame, at)
        start, at = _read_end(frame, tag & 7, at)
        if tag == MESSAGE_TAG:
            if len(entries) == MESSAGES_PER_FRAME_MAX:
                raise _malformed("too many messages in one frame")
            entries.append(frame[began:at])
        elif tag == SUBSCRIPTION_TAG:
            if len(subscriptions) == SUBSCRIPTIONS_PER_FRAME_MAX:
                raise _malformed("too many subscriptions in one frame")
            subscriptions.append(_read_subscription(frame[start:at]))
        else:
            skipped += 1
            if skipped > FIELDS_SKIPPED_MAX:
                raise _malformed("too many fields that are not ours in one frame")
    return Rpc(subscriptions=tuple(subscriptions), entries=tuple(entries))


def read_entry(entry: bytes) -> Message:
    """One message of an `Rpc`; a needlessly long encoding is replaced by the one that we write."""
    return _read_usual_entry(entry) or _read_any_entry(entry)


def _read_usual_entry(entry: bytes) -> Message | None:
    """Exactly what `encode_entry` makes of an envelope and a short topic, in a fifth of the time.

    Both lengths have two bytes, the data comes first, the topic second and then nothing.
    """
    if len(entry) < USUAL_HEAD_SIZE or entry[HEAD_SIZE] != DATA_TAG:
        return None
    _, outer_low, outer_high, _, low, high = entry[:USUAL_HEAD_SIZE]
    if not (outer_low >= SHORT > outer_high > 0 and low >= SHORT > high > 0):
        return None
    end = USUAL_HEAD_SIZE + (low & 0x7F | high << 7)
    tail = entry[end:]
    if len(tail) < TAIL_SIZE_MIN or tail[0] != TOPIC_TAG or tail[1] >= SHORT or tail[1] != len(tail) - 2:
        return None
    topic = _read_topic(tail[2:])
    return Message(topic=topic, data=entry[USUAL_HEAD_SIZE:end], entry=entry, form=Form.PLAIN)


def _read_any_entry(entry: bytes) -> Message:
    _, at = _read_tag(entry, 0)
    start, _ = _read_end(entry, LENGTH, at)
    data: list[bytes] = []
    topics: list[bytes] = []
    authored = unknown = False
    for number, wire, begin, end in _read_fields(entry, start):
        if number == MESSAGE_DATA and wire == LENGTH:
            data.append(entry[begin:end])
        elif number == MESSAGE_TOPIC and wire == LENGTH:
            topics.append(entry[begin:end])
        elif number in MESSAGE_AUTHOR:
            authored = True
        else:
            unknown = True
    if authored or unknown or len(data) != 1 or len(topics) != 1:
        form = Form.AUTHORED if authored else Form.ODD
        return Message(topic=Topic(""), data=b"", entry=b"", form=form)
    topic = _read_topic(topics[0])
    return Message(topic=topic, data=data[0], entry=encode_entry(topic, data[0]), form=Form.PLAIN)


def encode_uvarint(value: int) -> bytes:
    out = bytearray()
    while value >= SHORT:
        out.append(value & 0x7F | SHORT)
        value >>= 7
    out.append(value)
    return bytes(out)


def _encode_field(tag: int, value: bytes) -> bytes:
    return bytes((tag,)) + encode_uvarint(len(value)) + value


def encode_entry(topic: Topic, data: bytes) -> bytes:
    """A message with its envelope and its topic and nothing else, in the order in which all write them."""
    return _encode_field(
        MESSAGE_TAG, _encode_field(DATA_TAG, data) + _encode_field(TOPIC_TAG, topic.encode())
    )


def encode_subscription(subscription: Subscription) -> bytes:
    wanted = bytes((WANTED_TAG, subscription.subscribe))
    topic = _encode_field(WANTED_TOPIC_TAG, subscription.topic.encode())
    return _encode_field(SUBSCRIPTION_TAG, wanted + topic)


def encode_frames(parts: Iterable[bytes]) -> list[bytes]:
    """Encoded subscriptions and entries as length-prefixed RPCs, as few as WRITE_SIZE_MAX allows."""
    room = WRITE_SIZE_MAX - PREFIX_SIZE_MAX
    frames: list[bytes] = []
    batch: list[bytes] = []
    size = 0
    for part in parts:
        if batch and size + len(part) > room:
            frames.append(encode_uvarint(size) + b"".join(batch))
            batch, size = [], 0
        batch.append(part)
        size += len(part)
    if batch:
        frames.append(encode_uvarint(size) + b"".join(batch))
    return frames


class FrameReader:
    """Makes frames of one neighbour's bytes, cut anywhere; it holds at most one frame and one read."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def read(self, data: bytes) -> Iterator[bytes]:
        """Every frame that is complete now; what came before a bad prefix is still given."""
        self._buffer += data
        while (found := self._find()) is not None:
            start, end = found
            frame = bytes(self._buffer[start:end])
            del self._buffer[:end]
            yield frame

    def _find(self) -> tuple[int, int] | None:
        size = 0
        for index, byte in enumerate(self._buffer[:PREFIX_SIZE_MAX]):
            size |= (byte & 0x7F) << 7 * index
            if byte < SHORT:
                if byte == 0 and index > 0:
                    raise _malformed("the length of a frame is not written minimally")
                if size > FRAME_SIZE_MAX:
                    raise _malformed("a frame is too long")
                if size == 0:
                    raise _malformed("an empty frame, of which a million would cost one write")
                start = index + 1
                return (start, start + size) if len(self._buffer) >= start + size else None
        if len(self._buffer) >= PREFIX_SIZE_MAX:
            raise _malformed("a frame is too long")
        return None
