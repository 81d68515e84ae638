"""Effects into IO: the router's sends go to the transport, its deliveries to the inbox.

No rule of the protocol is decided here; this is the only place that matches over effects.
"""

from collections import Counter, deque
from collections.abc import Iterable
from typing import assert_never

import trio

from tocsin.inbox import Inbox
from tocsin.outbox import Outbox
from tocsin.ports import Clock, PeerBytes, PeerDown, PeerUp, Transport, TransportEvent
from tocsin_protocol.gossip.events import (
    BytesReceived,
    ClosePeer,
    Deliver,
    PeerConnected,
    PeerGone,
    Publish,
    Published,
    Record,
    RouterEffect,
    RouterInput,
    SendBytes,
    Subscribe,
    Witness,
)
from tocsin_protocol.gossip.router import Router
from tocsin_protocol.limits import HANDLE_SIZE_MAX
from tocsin_protocol.types import EnvelopeBytes, PeerId, Topic

GONE_MAX = 32


class Driver:
    """One router for the node's life, whatever becomes of the transports under it."""

    def __init__(
        self, *, router: Router, inbox: Inbox, outbox: Outbox, clock: Clock, counters: Counter[str]
    ) -> None:
        self._router = router
        self._inbox = inbox
        self._outbox = outbox
        self._clock = clock
        self._counters = counters
        self._transport: Transport | None = None
        self._peers: dict[PeerId, PeerUp] = {}
        self._gone: dict[PeerId, trio.Event] = {}
        self._last_gone: deque[PeerDown] = deque(maxlen=GONE_MAX)

    @property
    def peers(self) -> tuple[PeerUp, ...]:
        return tuple(self._peers.values())

    async def until_gone(self, peer: PeerId) -> None:
        """Returns at once when the peer is no neighbour now."""
        if peer in self._gone:
            await self._gone[peer].wait()

    @property
    def last_gone(self) -> tuple[PeerDown, ...]:
        """The latest neighbours that went, and why."""
        return tuple(self._last_gone)

    def subscribe(self, topic: Topic) -> None:
        self._handle(Subscribe(topic=topic))

    def publish(self, topic: Topic, envelope: EnvelopeBytes) -> None:
        self._handle(Publish(topic=topic, envelope=envelope))

    async def run(self, transport: Transport) -> None:
        """Pump one transport until it ends; neighbours of an earlier one are gone."""
        self._transport = transport
        for peer in list(self._peers):
            self._note(PeerDown(peer=peer, why="transport restarted"))
        async for event in transport.events():
            if isinstance(event, PeerBytes) and len(event.data) > HANDLE_SIZE_MAX:
                await self._note_in_pieces(event)
            else:
                self._note(event)

    async def _note_in_pieces(self, event: PeerBytes) -> None:
        """A neighbour may write a megabyte at once; it shall not have the loop for as long as that takes."""
        for start in range(0, len(event.data), HANDLE_SIZE_MAX):
            self._note(PeerBytes(peer=event.peer, data=event.data[start : start + HANDLE_SIZE_MAX]))
            await trio.lowlevel.checkpoint()

    def _note(self, event: TransportEvent) -> None:
        match event:
            case PeerUp():
                self._peers[event.peer] = event
                self._gone.setdefault(event.peer, trio.Event())
                self._handle(PeerConnected(peer=event.peer, outbound=event.outbound))
            case PeerDown():
                self._peers.pop(event.peer, None)
                self._last_gone.append(event)
                if event.peer in self._gone:
                    self._gone.pop(event.peer).set()
                self._handle(PeerGone(peer=event.peer))
            case PeerBytes():
                self._handle(BytesReceived(peer=event.peer, data=event.data))
            case _:
                assert_never(event)
        if not isinstance(event, PeerBytes):
            self._outbox.set_neighbours(len(self._peers))

    def _handle(self, event: RouterInput) -> None:
        self._perform(self._router.handle(event, self._clock.now()))

    def _perform(self, effects: Iterable[RouterEffect]) -> None:
        """The router says first what to send, and only then to how many neighbours that was."""
        refused = 0
        for effect in effects:
            match effect:
                case SendBytes(peer=peer, data=data):
                    if self._transport is None or not self._transport.send(peer, data):
                        self._counters["send refused"] += 1
                        refused += 1
                case Deliver() | Witness():
                    self._inbox.put(effect)
                case Published(mid=mid, peers=peers):
                    self._outbox.note_published(mid, max(0, peers - refused))
                case ClosePeer(peer=peer, why=why):
                    if self._transport is not None:
                        self._transport.close_peer(peer, why)
                case Record(what=what, count=count):
                    self._counters[f"gossip {what}"] += count
                case _:
                    assert_never(effect)
