"""A world of nodes in one process: virtual clocks, a network in memory, stores that fail when told to."""

import copy
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b

import trio

from tocsin.config import NodeConfig
from tocsin.contacts import Self
from tocsin.errors import StoreFailed
from tocsin.node import Node, OpenTransport, Parts, open_node
from tocsin.ports import Store, Transport
from tocsin.stamp_worker import InlineStampFinder, StampFinder
from tocsin.store.changes import Change
from tocsin.store.memory import MemoryStore
from tocsin.store.records import Contact, ContactState, Event, Snapshot
from tocsin.transport.memory import PEER_ID_SIZE, MemoryNetwork, open_memory_transport
from tocsin.transport.sessions import SessionLimits
from tocsin_protocol.identity import Identity, Seed
from tocsin_protocol.limits import EPOCH_HOURS, HOUR_MS
from tocsin_protocol.network import Network
from tocsin_protocol.notification import Notification, NotificationKind
from tocsin_protocol.topics import shard_topic
from tocsin_protocol.types import NotificationId, Now, PeerId

NETWORK = Network(name="test", pair_cost=1)
TOPIC = shard_topic(NETWORK, 0)
"""Everybody's: the network's depth is 0."""
DAY_MS = EPOCH_HOURS * HOUR_MS
MIDNIGHT_MS = 20_000 * DAY_MS
NOON_MS = MIDNIGHT_MS + 12 * HOUR_MS
LATENCY_MS = 5
PATIENCE_S = 90
"""Virtual: longer than whatever is repeated once a minute."""


class PowerLoss(BaseException):
    """The process is gone at this point; no code of the node may notice."""


class SeededEntropy:
    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)

    def draw(self, size: int) -> bytes:
        return self._random.randbytes(size)


class Names:
    """The memory network draws peer ids; here each is that of the node that opens a transport next."""

    def __init__(self) -> None:
        self.next = ""

    def draw(self, size: int) -> bytes:
        return blake2b(self.next.encode(), digest_size=size).digest()


def peer_id_of(name: str) -> PeerId:
    return PeerId(blake2b(name.encode(), digest_size=PEER_ID_SIZE).hexdigest())


def address_of(name: str) -> str:
    return f"/memory/{name}/p2p/{peer_id_of(name)}"


def identity_of(name: str) -> Identity:
    return Identity.from_seed(Seed(blake2b(name.encode(), digest_size=32).digest()))


@dataclass(slots=True)
class Time:
    """What a perfect wall clock shows when the steady one shows zero; a test may move it."""

    wall_ms: int


class FakeClock:
    """Steady time is trio's; the wall clock is the world's, wrong by `skew_ms`."""

    def __init__(self, time: Time) -> None:
        self._time = time
        self.skew_ms = 0

    def now(self) -> Now:
        steady_ms = round(trio.current_time() * 1000)
        return Now(unix_ms=self._time.wall_ms + self.skew_ms + steady_ms, steady_ms=steady_ms)


class FlakyStore:
    """Commits are numbered from 1; the power may go just before or just after one of them."""

    def __init__(self, inner: Store) -> None:
        self._inner = inner
        self.commits = 0
        self.broken = False
        self.delay_s = 0.0
        self.dies_before: int | None = None
        self.dies_after: int | None = None

    async def commit(self, changes: Sequence[Change]) -> tuple[Event, ...]:
        await trio.sleep(self.delay_s)
        if self.broken:
            raise StoreFailed("the disk is full: free some space")
        self.commits += 1
        if self.commits == self.dies_before:
            raise PowerLoss
        events = await self._inner.commit(changes)
        if self.commits == self.dies_after:
            raise PowerLoss
        return events

    async def load(self) -> Snapshot:
        return await self._inner.load()

    async def events_after(self, seq: int, limit: int) -> tuple[Event, ...]:
        return await self._inner.events_after(seq, limit)

    async def has_received(self, sender: str, nid: str) -> bool:
        return await self._inner.has_received(sender, nid)

    async def scrub(self) -> None:
        await self._inner.scrub()

    async def aclose(self) -> None:
        await self._inner.aclose()

    def copy(self) -> "FlakyStore":
        """A backup of a store in memory."""
        return copy.deepcopy(self)


def memory_store() -> FlakyStore:
    return FlakyStore(MemoryStore(boot_id="test"))


class HeldStamps:
    """Finds nothing until it is let go: the moment at which a send can change under its search."""

    def __init__(self) -> None:
        self.asked = trio.Event()
        self.let_go = trio.Event()

    async def find(self, subject: bytes, need: int) -> bytes:
        self.asked.set()
        await self.let_go.wait()
        return await InlineStampFinder().find(subject, need)


@dataclass(slots=True, kw_only=True)
class Person:
    """One profile: what survives a restart, and the node that runs on it now and then."""

    name: str
    world: "World"
    clock: FakeClock
    entropy: SeededEntropy
    peers: tuple[str, ...]
    store: FlakyStore = field(default_factory=memory_store)
    stamps: StampFinder = field(default_factory=InlineStampFinder)
    answer_delay_ms: tuple[int, int] = (1_000, 10_000)
    open_transport: OpenTransport | None = None
    gone: trio.Event = field(default_factory=trio.Event)
    _node: Node | None = None
    _scope: trio.CancelScope = field(default_factory=trio.CancelScope)

    @property
    def node(self) -> Node:
        assert self._node is not None
        return self._node

    @property
    def me(self) -> Self:
        identity = identity_of(self.name)
        return Self(identity=identity, network=NETWORK, answer_delay_ms=self.answer_delay_ms)

    @property
    def key(self) -> str:
        return self.me.identity.identity_key.hex()

    @property
    def peer_id(self) -> PeerId:
        return peer_id_of(self.name)

    def parts(self, *, clock_confirmed: bool = False) -> Parts:
        return Parts(
            me=self.me,
            config=NodeConfig(network=NETWORK.name, peers=self.peers, answer_delay_ms=self.answer_delay_ms),
            store=self.store,
            open_transport=self.open_transport or partial(self.world.open_transport, self.name),
            clock=self.clock,
            entropy=self.entropy,
            stamps=self.stamps,
            clock_confirmed=clock_confirmed,
        )

    async def start(self, *, clock_confirmed: bool = False) -> None:
        self._scope, self.gone = trio.CancelScope(), trio.Event()
        opened = trio.Event()
        self.world.nursery.start_soon(self._live, self.parts(clock_confirmed=clock_confirmed), opened)
        await opened.wait()
        await self.node.online.wait()

    async def stop(self) -> None:
        self._scope.cancel()
        await self.gone.wait()

    async def restart(self, *, after_s: float = 1, clock_confirmed: bool = False) -> None:
        await self.stop()
        await trio.sleep(after_s)
        await self.start(clock_confirmed=clock_confirmed)

    async def _live(self, parts: Parts, opened: trio.Event) -> None:
        try:
            with self._scope:
                async with open_node(parts) as self._node:
                    opened.set()
                    await trio.sleep_forever()
        except* PowerLoss:
            pass
        finally:
            self.gone.set()

    async def invite(self, name: str | None = None) -> str:
        return (await self.node.create_invite(name, 48)).text

    async def ring(self, contact: str, title: str = "Ring", *, body: str = "", ttl_s: int = 3_600) -> str:
        """The nid, as events show it."""
        return (await self.node.notify(contact, alert(title, body=body, ttl_s=ttl_s))).hex()

    async def events(self, kind: str) -> list[Event]:
        return [event for event in await self.store.events_after(0, 100_000) if event.type == kind]

    async def received(self) -> list[str | None]:
        return [event.nid for event in await self.events("received")]

    async def titles(self) -> list[object]:
        return [event.data["title"] for event in await self.events("received")]

    async def until_received(self, *nids: str) -> None:
        """Until each has rung; whoever wants to know that nothing else did looks at `received` later."""

        async def rung() -> bool:
            return set(nids) <= set(await self.received())

        await until(rung)

    async def until_knows(self, name: str) -> None:
        """Until this contact can be rung."""
        await until(lambda: any(c.name == name and c.state == "confirmed" for c in self.node.contacts))

    async def until_peers(self, count: int) -> None:
        await until(lambda: len(self.node.driver.peers) == count)


@dataclass(slots=True, kw_only=True)
class World:
    seed: int
    nursery: trio.Nursery
    time: Time
    names: Names
    network: MemoryNetwork

    def person(self, name: str, *peers: str) -> Person:
        """Someone who dials the nodes of these names; nothing runs yet."""
        return Person(
            name=name,
            world=self,
            clock=FakeClock(self.time),
            entropy=SeededEntropy(f"{self.seed} {name}"),
            peers=tuple(address_of(peer) for peer in peers),
        )

    async def start(self, name: str, *peers: str) -> Person:
        person = self.person(name, *peers)
        await person.start()
        return person

    def open_transport(
        self, name: str, limits: SessionLimits | None = None
    ) -> AbstractAsyncContextManager[Transport]:
        self.names.next = name
        return open_memory_transport(self.network, listen=[f"/memory/{name}"], limits=limits)

    def cut(self, one: Person, other: Person) -> None:
        self.network.cut(one.peer_id, other.peer_id)

    def heal(self, one: Person, other: Person) -> None:
        self.network.heal(one.peer_id, other.peer_id)


@asynccontextmanager
async def open_world(*, wall_ms: int = NOON_MS, seed: int = 1) -> AsyncIterator[World]:
    """The seed decides all entropy and the order in which trio runs what is ready."""
    print(f"world of seed {seed}")
    trio._core._run._r.seed(seed)  # type: ignore[attr-defined]  # noqa: SLF001
    names = Names()
    async with trio.open_nursery() as nursery:
        yield World(
            seed=seed,
            nursery=nursery,
            time=Time(wall_ms),
            names=names,
            network=MemoryNetwork(latency_ms=LATENCY_MS, entropy=names),
        )
        nursery.cancel_scope.cancel()


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Look again and again in virtual time, which costs nothing."""
    with trio.fail_after(PATIENCE_S):
        while True:
            holds = condition()
            if await holds if isinstance(holds, Awaitable) else holds:
                return
            await trio.sleep(0.02)


def alert(title: str, *, body: str = "", ttl_s: int = 3_600) -> Notification:
    return Notification(kind=NotificationKind.ALERT, title=title, body=body, ttl_s=ttl_s)


def contact_of(name: str, number: int = 1, state: ContactState = ContactState.CONFIRMED) -> Contact:
    identity = identity_of(name)
    return Contact(
        id=number,
        identity_key=identity.identity_key,
        contact_key=identity.contact_key,
        name=name,
        state=state,
        added_ms=NOON_MS,
    )


def nid_of(text: str) -> NotificationId:
    return NotificationId(bytes.fromhex(text))


async def befriend(inviter: Person, taker: Person) -> None:
    """Each then knows the other by the other's name, and both can ring."""
    text = await inviter.invite(taker.name)
    await taker.node.accept_invite(text, inviter.name)
    await taker.until_knows(inviter.name)
    await inviter.until_knows(taker.name)
