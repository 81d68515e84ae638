"""Targets for what arrives as a stream: gossip frames and RPCs, protocol names, lines of JSON-RPC.

Only the node's JSON-RPC is for programs of the same user; all else comes from whoever connects.
"""

from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from tests.fuzz import seeds
from tests.fuzz.target import AnyTarget, Target, cut, is_refused
from tocsin.api import jsonrpc
from tocsin.transport import multistream
from tocsin_protocol.errors import Reason
from tocsin_protocol.gossip import rpc
from tocsin_protocol.gossip.rpc import Form, FrameReader, Message, Rpc, Subscription
from tocsin_protocol.limits import FRAME_SIZE_MAX, PROTOCOL_OFFERS_MAX
from tocsin_protocol.types import Topic

PROTOCOLS = ("/meshsub/1.1.0", "/floodsub/1.0.0")
UNKNOWN_FIELD = b"\x1a\x03\x0a\x01x"
"""What peers of another program put into an RPC: control, in field 3."""
ODD_FIELDS = b"", b"\x0a\x01a", b"\x22\x01t", b"\x38\x01"
"""None, an author, a second topic, and one that nobody knows."""


def read_rpc(data: bytes) -> tuple[Rpc, list[Message]]:
    """A whole frame; a neighbour that sends a broken entry is closed for it, so one may refuse all."""
    frame = rpc.decode(data)
    return frame, [rpc.read_entry(entry) for entry in frame.entries]


def check_rpc(data: bytes, read: tuple[Rpc, list[Message]]) -> None:
    """What is passed on is the one encoding of what was read: no mark can hide in it."""
    frame, messages = read
    for entry in frame.entries:
        assert entry == whole_field(entry)
    plain = [message for message in messages if message.form is Form.PLAIN]
    for message in plain:
        assert message.entry == rpc.encode_entry(message.topic, message.data)
        assert rpc.read_entry(message.entry) == message
    parts = [rpc.encode_subscription(each) for each in frame.subscriptions]
    parts += [message.entry for message in plain]
    again = [rpc.decode(each) for each in FrameReader().read(b"".join(rpc.encode_frames(parts)))]
    assert tuple(each for part in again for each in part.subscriptions) == frame.subscriptions
    assert [entry for part in again for entry in part.entries] == [message.entry for message in plain]


def whole_field(data: bytes) -> bytes:
    """The field that the data begins with, found by the rules of protobuf and by none of ours."""
    at = size = shift = 0
    for _ in ("tag", "length"):
        size = shift = 0
        while True:
            size |= (data[at] & 0x7F) << shift
            shift, at = shift + 7, at + 1
            if data[at - 1] < 0x80:
                break
    return data[: at + size] if at + size <= len(data) else b""


def rpc_seeds() -> list[bytes]:
    vectors = seeds.inputs("relay", "relay", "topic", "envelope")[:6]
    topics = [Topic(vector["topic"]) for vector in vectors]
    entries = [
        rpc.encode_entry(topic, bytes.fromhex(vector["envelope"]))
        for topic, vector in zip(topics, vectors, strict=True)
    ]
    greetings = [rpc.encode_subscription(Subscription(topic=topics[0], subscribe=on)) for on in (True, False)]
    whole = b"".join((*greetings, *entries))
    return [
        whole,
        whole[:-1],
        *entries,
        *greetings,
        greetings[0] + UNKNOWN_FIELD,
        *map(odd_entry, ODD_FIELDS),
    ]


def odd_entry(field: bytes) -> bytes:
    """One that begins as ours do, and has something behind the topic."""
    inside = b"\x12\xc8\x01" + b"e" * 200 + b"\x22\x01t" + field
    return b"\x12" + rpc.encode_uvarint(len(inside)) + inside


@dataclass(frozen=True, kw_only=True)
class Received:
    frames: list[bytes]
    broken: bool


def receive(chunks: list[bytes]) -> Received:
    frames: list[bytes] = []
    frame_reader = FrameReader()
    read = (partial(frames.extend, frame_reader.read(chunk)) for chunk in chunks)
    broken = any(is_refused(Reason.FRAME, step) for step in read)
    return Received(frames=frames, broken=broken)


def stream_of(data: bytes) -> tuple[list[int], bytes]:
    """Where the stream is cut, and the stream."""
    count, rest = cut(data, 1)
    *places, stream = cut(rest, *[2] * count[0])
    return sorted({int.from_bytes(place, "big") % (len(stream) + 1) for place in places}), stream


def read_frames(data: bytes) -> Received:
    cuts, stream = stream_of(data)
    return receive([stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)])


def check_frames(data: bytes, received: Received) -> None:
    """However the network cut it, the same frames come out, and all of them before an error."""
    _, stream = stream_of(data)
    whole = receive([stream])
    assert received == whole
    assert all(len(frame) <= FRAME_SIZE_MAX for frame in received.frames)
    assert stream.startswith(b"".join(rpc.encode_uvarint(len(frame)) + frame for frame in received.frames))


def frame_seeds() -> list[bytes]:
    stream = b"".join(rpc.encode_frames(rpc_seeds()))
    cuts = b"\x03\x00\x01\x00\x02\x02\x00"
    too_long = rpc.encode_uvarint(FRAME_SIZE_MAX + 1)
    return [b"\0" + stream, cuts + stream, b"\0" + b"\x01a\x00\x81\x00", b"\1\0\1" + b"\x02ab" + too_long]


class Script:
    """A byte stream that is all there already, read in pieces of one size."""

    def __init__(self, data: bytes) -> None:
        size, self._left = cut(data, 1)
        self._piece = size[0] or 1
        self.written = b""

    async def read(self, n: int | None = None) -> bytes:
        size = self._piece if n is None else min(n, self._piece)
        piece, self._left = self._left[:size], self._left[size:]
        return piece

    async def write(self, data: bytes) -> None:
        self.written += data


def run_at_once(steps: Coroutine[Any, Any, str]) -> str:
    """What a coroutine returns that has nothing to wait for."""
    try:
        steps.send(None)
    except StopIteration as stop:
        return str(stop.value)
    raise AssertionError("it waits, although all the bytes are there")


def read_agreement(data: bytes) -> tuple[str, bytes]:
    side, rest = cut(data, 1)
    script = Script(rest)
    speak = multistream.offer if side[0] % 2 else multistream.answer
    return run_at_once(speak(script, PROTOCOLS)), script.written


def check_agreement(data: bytes, agreed: tuple[str, bytes]) -> None:
    name, written = agreed
    assert name in PROTOCOLS
    assert written.startswith(b"\x13/multistream/1.0.0\n")
    assert len(written) <= 20 + (PROTOCOL_OFFERS_MAX + 1) * 16


def agreement_seeds() -> Iterator[bytes]:
    header, refusal = b"\x13/multistream/1.0.0\n", b"\x03na\n"
    first, second = (bytes((len(name) + 1,)) + name.encode() + b"\n" for name in PROTOCOLS)
    for side in (b"\0", b"\1"):
        for piece in (b"\1", b"\xff"):
            yield side + piece + header + first
            yield side + piece + header + refusal + second
            yield side + piece + header + b"\x04/x\n" * 3 + second
            yield side + piece + header + refusal * 20
            yield side + piece + b"\x05junk\n"


def check_request(data: bytes, request: jsonrpc.Request) -> None:
    """It can be answered, and its parameters are text that is JSON or is refused as JSON."""
    answered = msgspec.json.decode(jsonrpc.result_line(request.id, None))
    assert (answered["jsonrpc"], answered["id"]) == ("2.0", request.id)
    bytes(request.params).decode()
    try:
        msgspec.json.decode(request.params)
    except (msgspec.DecodeError, RecursionError):
        return


JSON_LINES = (
    b'{"jsonrpc":"2.0","id":1,"method":"identity.show"}',
    b'{"jsonrpc":"2.0","id":"a","method":"notify.send","params":{"contact":"bob","title":"\\u00e9\\ud83d\\ude00"}}',
    b'{"jsonrpc":"2.0","id":null,"method":"events.subscribe","params":["a",0,1.5e3,true]}',
    b'{"jsonrpc":"1.0","method":"a"}',
    b'{"method":"a"}',
    b'{"jsonrpc":"2.0","id":2,"method":"notify.send","params":{"contact":"\xff"}}',
    b"[]",
    b"{",
)


TARGETS: dict[str, AnyTarget] = {
    "rpc": Target(read=read_rpc, check=check_rpc, refusals=(Reason.FRAME,), seeds=rpc_seeds, size_max=16_384),
    "frames": Target(read=read_frames, check=check_frames, refusals=(), seeds=frame_seeds, size_max=16_384),
    "multistream": Target(
        read=read_agreement,
        check=check_agreement,
        refusals=(multistream.NotAgreed,),
        seeds=agreement_seeds,
        size_max=1024,
    ),
    "jsonrpc": Target(
        read=jsonrpc.parse_request,
        check=check_request,
        refusals=(jsonrpc.RpcError,),
        seeds=seeds.fixed(*JSON_LINES),
    ),
}
