"""The four ports of a node: clock, entropy, transport and store, as structural types.

It holds no implementation; each port has a fake and a real one that pass the same contract tests.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from tocsin.store.changes import Change
from tocsin.store.records import Event, Snapshot
from tocsin_protocol.types import Now, PeerId


class Clock(Protocol):
    def now(self) -> Now:
        """The wall clock, which may jump, and a steady one, in milliseconds."""
        ...


class Entropy(Protocol):
    def draw(self, size: int) -> bytes:
        """`size` bytes that nobody else can guess."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerUp:
    """A neighbour that speaks our gossip protocol can be written to."""

    peer: PeerId
    outbound: bool
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerDown:
    """The neighbour is gone and may come back; `why` is for people and counters."""

    peer: PeerId
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerBytes:
    """The next bytes that the neighbour wrote, cut anywhere."""

    peer: PeerId
    data: bytes


TransportEvent: TypeAlias = PeerUp | PeerDown | PeerBytes


class Transport(Protocol):
    """Ordered byte streams to named neighbours; it never interprets what it carries.

    For each neighbour the events are PeerUp, then any number of PeerBytes, then PeerDown, and so on
    again; each PeerUp begins the bytes anew, so a frame that was incomplete before is void.
    `send` never waits: a neighbour's queue is bounded in bytes and a full one refuses.
    Who does not read the events makes the neighbours wait, never the memory grow.
    """

    @property
    def peer_id(self) -> PeerId: ...

    def listen_addresses(self) -> tuple[str, ...]:
        """Full addresses that another node can dial, each ending in `/p2p/<peer id>`."""
        ...

    def events(self) -> AsyncIterator[TransportEvent]:
        """All neighbours' events, in order per neighbour; to be read by one task."""
        ...

    async def connect(self, address: str) -> PeerId:
        """Dial; returns when the neighbour is up, raises `ConnectFailed` when it cannot be."""
        ...

    def send(self, peer: PeerId, data: bytes) -> bool:
        """Queue bytes; False when the neighbour is gone or its queue is full."""
        ...

    def close_peer(self, peer: PeerId, why: str) -> None:
        """End the connection in the background; a PeerDown with this `why` follows."""
        ...


class TransportMaker(Protocol):
    """Opens a transport that is listening inside the `async with` and closed after it."""

    def __call__(self, *, listen: Sequence[str]) -> AbstractAsyncContextManager[Transport]: ...


class Store(Protocol):
    """A profile's memory; what `commit` was given is durable, together or not at all, when it returns."""

    async def load(self) -> Snapshot: ...

    async def commit(self, changes: Sequence[Change]) -> tuple[Event, ...]:
        """Apply all changes in order; the events among them, with the seq each was given."""
        ...

    async def events_after(self, seq: int, limit: int) -> tuple[Event, ...]: ...

    async def has_received(self, sender: str, nid: str) -> bool:
        """Whether the log holds a `received` of this sender with this id."""
        ...

    async def scrub(self) -> None:
        """Leave nothing on the disk of what was deleted; called at least once a minute."""
        ...

    async def aclose(self) -> None: ...
