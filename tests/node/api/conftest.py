"""One node of a world in memory, and its API on a real Unix socket."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from tests.node.world import Person, World, befriend, open_world
from tocsin.api.unix_socket import serve_socket
from tocsin.store.changes import AppendEvent


@dataclass(slots=True, kw_only=True)
class Served:
    """Bob, who knows Alice, and where his node answers."""

    bob: Person
    alice: Person
    world: World
    path: Path

    async def append(self, count: int = 1, *, type: str = "received", message: str = "") -> None:  # noqa: A002
        """Events as the node appends them, without anybody who rings."""
        ledger = self.bob.node.ledger
        for _ in range(count):
            event = AppendEvent(
                time_ms=1_700_000_000_007, type=type, nid=None, app=None, sender=None, thread=None,
                data={"message": message},
            )  # fmt: skip
            async with ledger.writing:
                await ledger.commit([event])

    @property
    def last_seq(self) -> int:
        return self.bob.node.ledger.last_seq


@dataclass(slots=True)
class Logged:
    """What the socket's module has to say to its operator."""

    events: list[str] = field(default_factory=list)

    def exception(self, event: str, **_: object) -> None:
        self.events.append(event)

    warning = exception


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Logged:
    logged = Logged()
    monkeypatch.setattr("tocsin.api.unix_socket.log", logged)
    return logged


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """Whoever uses it needs the autojump_clock too, and can only name it in the test itself."""
    async with open_world() as world:
        await world.start("relay")
        alice, bob = await world.start("alice", "relay"), await world.start("bob", "relay")
        await befriend(bob, alice)
        path = tmp_path / "run" / "bob.sock"
        async with serving(bob, path):
            yield Served(bob=bob, alice=alice, world=world, path=path)


@asynccontextmanager
async def serving(person: Person, path: Path) -> AsyncIterator[None]:
    async with trio.open_nursery() as nursery:
        ready = trio.Event()
        with without_jumps():
            nursery.start_soon(serve_socket, person.node, path, ready)
            await ready.wait()
        yield
        nursery.cancel_scope.cancel()


@contextmanager
def without_jumps() -> Iterator[None]:
    """Files are made in threads, which a virtual clock does not wait for: days would go by."""
    clock = trio.lowlevel.current_clock()
    assert isinstance(clock, MockClock)
    clock.autojump_threshold = inf
    try:
        yield
    finally:
        clock.autojump_threshold = 0
