"""The composition root: builds a node from its parts, keeps its tasks alive, answers for it.

No rule of the protocol and no IO of its own is in here; it says who knows whom and what starts when.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial

import trio

from tocsin import contacts, introductions, pairs
from tocsin.config import NodeConfig
from tocsin.contacts import Self
from tocsin.dialler import keep_connected
from tocsin.driver import Driver
from tocsin.inbox import Inbox
from tocsin.introductions import Invited
from tocsin.ledger import Ledger
from tocsin.outbox import Outbox
from tocsin.ports import Clock, Entropy, Store, Transport
from tocsin.recognition import Recognition
from tocsin.stamp_worker import StampFinder
from tocsin.store.records import Contact
from tocsin.store.tables import Tables
from tocsin.supervisor import Supervisor
from tocsin_protocol.envelope import RelayCheck
from tocsin_protocol.gossip.router import Router
from tocsin_protocol.notification import Notification
from tocsin_protocol.topics import home, shard_topic
from tocsin_protocol.types import NotificationId, PeerId

HOUSEKEEPING_S = 60.0
SECRET_SIZE = 32

OpenTransport = Callable[[], AbstractAsyncContextManager[Transport]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a node is made of; tests put fakes in the places of the ports."""

    me: Self
    config: NodeConfig
    store: Store
    open_transport: OpenTransport
    clock: Clock
    entropy: Entropy
    stamps: StampFinder
    clock_confirmed: bool = False


class Node:
    """Made by `open_node`; it is running as long as that context is open."""

    def __init__(self, parts: Parts, ledger: Ledger, boot_id: str) -> None:
        self.me = parts.me
        self.config = parts.config
        self.ledger = ledger
        self.boot_id = boot_id
        self.counters: Counter[str] = Counter()
        self.supervisor = Supervisor(parts.clock, self.counters)
        self.online = trio.Event()
        self.addresses: tuple[str, ...] = ()
        self._parts = parts
        self._started_ms = parts.clock.now().steady_ms
        self.outbox = Outbox(
            me=parts.me, ledger=ledger, clock=parts.clock, entropy=parts.entropy, stamps=parts.stamps
        )
        self.inbox = Inbox(
            me=parts.me,
            ledger=ledger,
            outbox=self.outbox,
            clock=parts.clock,
            entropy=parts.entropy,
            trusted_peer=trusted_peer(parts.config),
            counters=self.counters,
        )
        router = Router(check=RelayCheck(parts.me.network).check, entropy=parts.entropy.draw(SECRET_SIZE))
        self.driver = Driver(
            router=router,
            inbox=self.inbox,
            outbox=self.outbox,
            clock=parts.clock,
            counters=self.counters,
        )
        self.driver.subscribe(shard_topic(parts.me.network, home(parts.me.identity.identity_key)))

    @property
    def uptime_ms(self) -> int:
        return self._parts.clock.now().steady_ms - self._started_ms

    @property
    def troubles(self) -> frozenset[str]:
        """What is wrong right now, in words for a person; empty when all is well."""
        died = {f"{task} has died and is starting again: see the log" for task in self.supervisor.degraded}
        return frozenset(died | ({self.inbox.trouble} if self.inbox.trouble else set()))

    @property
    def contacts(self) -> tuple[Contact, ...]:
        return tuple(self.ledger.tables.contacts.values())

    async def run(self) -> None:
        """Until cancelled; raises only what a person can mend before the node is online."""
        async with trio.open_nursery() as nursery:
            keep = partial(nursery.start_soon, self.supervisor.keep)
            keep("transport", self._serve_transport, self.online)
            keep("inbox", self.inbox.run)
            keep("outbox", partial(self.outbox.run, self.driver.publish))
            keep("housekeeping", self._keep_house)

    async def _serve_transport(self) -> None:
        async with self._parts.open_transport() as transport, trio.open_nursery() as nursery:
            self.addresses = transport.listen_addresses()
            self.online.set()
            for address in self.config.peers:
                nursery.start_soon(
                    keep_connected, address, transport, self.driver.until_gone, self._parts.entropy
                )
            await self.driver.run(transport)
            nursery.cancel_scope.cancel()

    async def _keep_house(self) -> None:
        """Once a minute: turn wheels, let go of what is over, leave no deleted key on the disk."""
        while True:
            await self.keep_house_once()
            await trio.sleep(HOUSEKEEPING_S)

    async def keep_house_once(self) -> None:
        async with self.ledger.writing:
            now = self._parts.clock.now()
            tables = self.ledger.tables
            changes = pairs.turn_all(tables, now, self.uptime_ms, self._parts.clock_confirmed)
            changes += introductions.forget_expired(tables, now)
            if changes:
                await self.ledger.commit(changes)
            self.ledger.recognition.refresh(now)
            self.inbox.expire(now)
        await self.outbox.sweep()
        await self._parts.store.scrub()

    async def create_invite(self, name: str | None, hours: int) -> Invited:
        async with self.ledger.writing:
            now = self._parts.clock.now()
            invited = introductions.make_invite(
                self.me,
                self.ledger.tables,
                name=name,
                hours=hours,
                now=now,
                secret=self._parts.entropy.draw(SECRET_SIZE),
            )
            await self.ledger.commit(invited.changes)
        return invited

    async def accept_invite(self, text: str, name: str | None) -> str:
        """The inviter's name here; they are a contact when `contact.added` comes."""
        async with self.ledger.writing:
            chosen, changes = introductions.take_invite(
                self.me,
                self.ledger.tables,
                text=text,
                name=name,
                entropy=self._parts.entropy,
                now=self._parts.clock.now(),
            )
            await self.ledger.commit(changes)
        self.outbox.wake()
        return chosen

    async def notify(self, contact_name: str, content: Notification) -> NotificationId:
        contact = contacts.find_contact(self.ledger.tables, contact_name)
        return await self.outbox.accept(contact, content)

    def now_ms(self) -> int:
        return self._parts.clock.now().unix_ms


def trusted_peer(config: NodeConfig) -> PeerId | None:
    """The one peer that was chosen by hand, if it is one: its word suffices for an introduction."""
    peers = {PeerId(address.rpartition("/p2p/")[2]) for address in config.peers}
    return peers.pop() if len(peers) == 1 else None


@asynccontextmanager
async def open_node(parts: Parts) -> AsyncIterator[Node]:
    """A running node; its tasks end, its transport closes and its store is left clean afterwards."""
    snapshot = await parts.store.load()
    tables = Tables.from_snapshot(snapshot)
    recognition = Recognition(parts.me.identity, parts.me.network.depth, tables)
    recognition.refresh(parts.clock.now())
    ledger = Ledger(parts.store, tables, recognition, snapshot.last_seq)
    node = Node(parts, ledger, snapshot.boot_id)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(node.run)
        yield node
        nursery.cancel_scope.cancel()
