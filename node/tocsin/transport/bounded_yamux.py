"""Yamux as libp2p has it, with the bounds it lacks: streams, unread bytes, and how long silence may last.

It is written against private names of libp2p 0.8.1 and changes nothing of what goes over the wire.
"""

import logging
import struct
from collections.abc import Callable, Container
from dataclasses import dataclass

import trio
from libp2p.abc import IMuxedStream, ISecureConn
from libp2p.peer.id import ID
from libp2p.stream_muxer.exceptions import MuxedConnUnavailable
from libp2p.stream_muxer.yamux.yamux import FLAG_SYN, TYPE_PING, YAMUX_HEADER_FORMAT, Yamux, YamuxStream

from tocsin.transport.sessions import Session
from tocsin.transport.sockets import Socket
from tocsin_protocol.limits import (
    PING_ANSWER_MS_MAX,
    RECEIVE_BUFFER_SIZE_MAX,
    SILENCE_MS_MAX,
    STREAMS_PER_CONNECTION_MAX,
)

log = logging.getLogger(__name__)

FROZEN = "no sign of life"
FLOODING = "the neighbour sends more than it may"
TOO_MANY_STREAMS = "the neighbour opens too many streams"


@dataclass(frozen=True, slots=True, kw_only=True)
class Liveness:
    silence_ms_max: int = SILENCE_MS_MAX
    ping_answer_ms_max: int = PING_ANSWER_MS_MAX


class Flooded(Exception):
    """A neighbour ignores its receive windows."""


class BoundedBuffer(bytearray):
    """What a stream has received and nobody has read; libp2p grows it without asking."""

    def __init__(self, data: bytearray, reserve: Callable[[int], None]) -> None:
        super().__init__(data)
        self._reserve = reserve

    def extend(self, data: bytes) -> None:  # type: ignore[override]  # libp2p extends it with bytes only
        self._reserve(len(data))
        super().extend(data)


class BoundedBuffers(dict[int, bytearray]):
    """The buffers of a connection's streams, bounded together."""

    def __init__(self, flooded: Callable[[], None]) -> None:
        super().__init__()
        self._flooded = flooded

    def __setitem__(self, stream_id: int, data: bytearray) -> None:
        super().__setitem__(stream_id, BoundedBuffer(data, self._reserve))

    def _reserve(self, size: int) -> None:
        if sum(map(len, self.values())) + size > RECEIVE_BUFFER_SIZE_MAX:
            self._flooded()
            raise Flooded


class LiveEvents(dict[int, trio.Event]):
    """What the readers of streams wait for; a reader puts its own back, even when the stream is gone."""

    def __init__(self, streams: Container[int]) -> None:
        super().__init__()
        self._streams = streams

    def __setitem__(self, stream_id: int, event: trio.Event) -> None:
        if stream_id in self._streams:
            super().__setitem__(stream_id, event)


class BoundedYamux(Yamux):
    """Yamux with bounded streams and buffers, that closes at once and notices a frozen neighbour."""

    def __init__(
        self, secured: ISecureConn, peer_id: ID, *, socket: Socket, session: Session, liveness: Liveness
    ) -> None:
        super().__init__(secured, peer_id, is_initiator=secured.is_initiator)
        self.session = session
        self.stream_buffers = BoundedBuffers(lambda: session.close(FLOODING))
        self.stream_events = LiveEvents(self.streams)
        self._socket = socket
        self._liveness = liveness

    async def start(self) -> None:
        # Runs as a task of the swarm, which ends with all its connections when one of its tasks fails.
        try:
            await super().start()
        except Exception as error:
            log.debug("connection with %s failed: %r", self.peer_id, error)
        finally:
            self._socket.end()

    async def accept_stream(self) -> IMuxedStream:
        stream = await super().accept_stream()
        theirs = sum(stream_id % 2 != self.next_stream_id % 2 for stream_id in self.streams)
        if theirs > STREAMS_PER_CONNECTION_MAX:
            self.session.close(TOO_MANY_STREAMS)
            raise MuxedConnUnavailable(TOO_MANY_STREAMS)
        return stream

    async def close(self, error_code: int = 0) -> None:
        """The socket first: upstream's farewell would wait for ever for a neighbour that does not read."""
        self._socket.end()
        if not self.event_closed.is_set():
            await self._cleanup_on_error()

    def _finalize_stream_locked(self, stream: YamuxStream, *, fully_closed: bool) -> None:
        # A stream that we reset would else leave its reader waiting for ever.
        if fully_closed and (waiting := self.stream_events.get(stream.stream_id)) is not None:
            waiting.set()
        super()._finalize_stream_locked(stream, fully_closed=fully_closed)

    async def _measure_rtt_loop(self) -> None:
        """Upstream measures with its pings and closes nothing; ours ask the silent and close the frozen."""
        while True:
            heard = self._socket.heard
            await trio.sleep(self._liveness.silence_ms_max / 1000)
            if self._socket.heard == heard and self._nursery is not None:
                self._nursery.start_soon(self._ping)
                await trio.sleep(self._liveness.ping_answer_ms_max / 1000)
                if self._socket.heard == heard:
                    self.session.close(FROZEN)
                    return

    async def _ping(self) -> None:
        self._ping_id += 1
        self._ping_sent_time = trio.current_time()  # noqa: TID251 - upstream subtracts it from the same clock
        try:
            await self._write_frame(
                struct.pack(YAMUX_HEADER_FORMAT, 0, TYPE_PING, FLAG_SYN, 0, self._ping_id)
            )
        except Exception as error:
            # The silence that follows is what counts.
            log.debug("ping to %s failed: %r", self.peer_id, error)
