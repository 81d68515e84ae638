"""A whole network of production routers in one queue of events, ordered by virtual microseconds.

It measures nothing but what it tells its `Tally`, and its results never depend on this machine's speed.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias, assert_never

from tocsin_protocol.envelope import RelayCheck
from tocsin_protocol.gossip.events import (
    BytesReceived,
    ClosePeer,
    Deliver,
    PeerConnected,
    PeerGone,
    Publish,
    Published,
    Record,
    RouterInput,
    SendBytes,
    Subscribe,
    Witness,
)
from tocsin_protocol.gossip.router import Router
from tocsin_protocol.limits import HOUR_MS
from tocsin_protocol.types import Now, PeerId
from tocsin_sim.core.graph import US_PER_MS, Link, draw_links
from tocsin_sim.core.tally import Tally
from tocsin_sim.core.traffic import NETWORK, TOPIC, make_envelope
from tocsin_sim.scenario import Churn, Scenario
from tocsin_sim.streams import entropy, stream

START_MS: Final = 500_000 * HOUR_MS
"""What the clocks of all nodes show when a run begins: the start of an hour in 2027."""
EVENTS_PER_REPORT: Final = 2_000


@dataclass(frozen=True, slots=True)
class Start:
    node: int


@dataclass(frozen=True, slots=True)
class Connect:
    link: Link


@dataclass(frozen=True, slots=True)
class Arrive:
    """Bytes at the far end of a connection, which may not be there any more."""

    link: Link
    connection: int
    to: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Hangup:
    """The other end is noticed to be gone."""

    link: Link
    connection: int
    to: int


@dataclass(frozen=True, slots=True)
class Ring:
    number: int


@dataclass(frozen=True, slots=True)
class Strike:
    churn: Churn
    left: int


Event: TypeAlias = Start | Connect | Arrive | Hangup | Ring | Strike


@dataclass(slots=True)
class SimNode:
    """A node without a router is down; `connections` says which of each link's connections is open here."""

    number: int
    links: dict[PeerId, Link] = field(default_factory=dict)
    connections: dict[PeerId, int] = field(default_factory=dict)
    router: Router | None = None
    starts: int = 0

    @property
    def peer_id(self) -> PeerId:
        return peer_id(self.number)


def peer_id(number: int) -> PeerId:
    return PeerId(f"n{number}")


class Engine:
    def __init__(self, scenario: Scenario, seed: int) -> None:
        self.tally = Tally(nodes=scenario.network.nodes)
        self.now_us = 0
        self._scenario = scenario
        self._seed = seed
        self._check = RelayCheck(NETWORK).check
        self._publishers = stream(seed, "publishers")
        self._victims = stream(seed, "victims")
        self._queue: list[tuple[int, int, Event]] = []
        self._scheduled = 0
        self._nodes = [SimNode(number) for number in range(scenario.network.nodes)]
        links = draw_links(scenario, seed)
        self.tally.links = len(links)
        for link in links:
            self._nodes[link.dialler].links[peer_id(link.listener)] = link
            self._nodes[link.listener].links[peer_id(link.dialler)] = link
        for node in self._nodes:
            self._schedule(0, Start(node.number))
        self._schedule(scenario.traffic.first_ms * US_PER_MS, Ring(0))
        for churn in scenario.faults:
            self._schedule(churn.at_ms * US_PER_MS, Strike(churn, churn.times))

    def run(self, report: Callable[[int], None]) -> None:
        """Until nothing is left to happen; `report` hears now and then how many envelopes have rung."""
        events = 0
        while self._queue:
            self.now_us, _, event = heapq.heappop(self._queue)
            self._happen(event)
            events += 1
            if events % EVENTS_PER_REPORT == 0:
                report(len(self.tally.rung_us))

    def _schedule(self, delay_us: int, event: Event) -> None:
        """What is scheduled first for one moment happens first."""
        heapq.heappush(self._queue, (self.now_us + delay_us, self._scheduled, event))
        self._scheduled += 1

    def _happen(self, event: Event) -> None:
        match event:
            case Arrive():
                self._arrive(event)
            case Start():
                self._start(self._nodes[event.node])
            case Connect():
                self._connect(event.link)
            case Hangup():
                self._hang_up(event)
            case Ring():
                self._ring(event.number)
            case Strike():
                self._strike(event)
            case _:
                assert_never(event)

    def _start(self, node: SimNode) -> None:
        """With an empty memory; a dial and its answer take a round trip."""
        node.router = Router(
            check=self._check, entropy=entropy(self._seed, "router", node.number, node.starts)
        )
        node.starts += 1
        self._feed(node, Subscribe(topic=TOPIC))
        for link in node.links.values():
            self._schedule(2 * link.latency_us, Connect(link))

    def _stop(self, node: SimNode) -> None:
        for peer, connection in node.connections.items():
            self._end(node.links[peer], connection, node.number)
        node.connections.clear()
        node.router = None

    def _connect(self, link: Link) -> None:
        dialler, listener = self._nodes[link.dialler], self._nodes[link.listener]
        is_open = listener.peer_id in dialler.connections or dialler.peer_id in listener.connections
        if is_open or dialler.router is None or listener.router is None:
            return
        link.connections += 1
        dialler.connections[listener.peer_id] = link.connections
        listener.connections[dialler.peer_id] = link.connections
        self._feed(dialler, PeerConnected(peer=listener.peer_id, outbound=True))
        self._feed(listener, PeerConnected(peer=dialler.peer_id, outbound=False))

    def _end(self, link: Link, connection: int, by: int) -> None:
        self._schedule(link.latency_us, Hangup(link, connection, link.other(by)))

    def _hang_up(self, event: Hangup) -> None:
        node, peer = self._nodes[event.to], peer_id(event.link.other(event.to))
        if node.connections.get(peer) == event.connection:
            del node.connections[peer]
            self._feed(node, PeerGone(peer=peer))

    def _arrive(self, event: Arrive) -> None:
        node, peer = self._nodes[event.to], peer_id(event.link.other(event.to))
        if node.connections.get(peer) == event.connection:
            self._feed(node, BytesReceived(peer=peer, data=event.data))
        else:
            self.tally.frames_lost += 1

    def _ring(self, number: int) -> None:
        running = [node for node in self._nodes if node.router is not None]
        publisher = running[self._publishers.below(len(running))]
        traffic = self._scenario.traffic
        envelope = make_envelope(
            seed=self._seed, number=number, born_hour=self._now().hour, size=traffic.size
        )
        self.tally.rings(envelope, publisher.number, self.now_us)
        self._feed(publisher, Publish(topic=TOPIC, envelope=envelope))
        if number + 1 < traffic.envelopes:
            self._schedule(traffic.every_ms * US_PER_MS, Ring(number + 1))

    def _strike(self, event: Strike) -> None:
        running = [node for node in self._nodes if node.router is not None]
        for node in self._victims.pick(running, event.churn.nodes):
            self._stop(node)
            self._schedule(event.churn.down_ms * US_PER_MS, Start(node.number))
        if event.left > 1:
            self._schedule(event.churn.every_ms * US_PER_MS, Strike(event.churn, event.left - 1))

    def _now(self) -> Now:
        elapsed_ms = self.now_us // US_PER_MS
        return Now(unix_ms=START_MS + elapsed_ms, steady_ms=elapsed_ms)

    def _feed(self, node: SimNode, given: RouterInput) -> None:
        if node.router is None:
            raise RuntimeError(f"node {node.number} is down and cannot take {given}")
        for effect in node.router.handle(given, self._now()):
            match effect:
                case SendBytes():
                    self._send(node, effect)
                case Deliver():
                    self.tally.delivers(effect.envelope, node.number, self.now_us)
                case Witness():
                    self.tally.copies += 1
                case Record():
                    self.tally.counts(effect.what, effect.count)
                case ClosePeer():
                    self._end(node.links[effect.peer], node.connections.pop(effect.peer), node.number)
                case Published():
                    pass
                case _:
                    assert_never(effect)

    def _send(self, node: SimNode, effect: SendBytes) -> None:
        self.tally.frames += 1
        self.tally.bytes += len(effect.data)
        link = node.links[effect.peer]
        connection = node.connections[effect.peer]
        self._schedule(link.latency_us, Arrive(link, connection, link.other(node.number), effect.data))
