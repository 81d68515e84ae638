"""Routers joined by pretended links under a seeded schedule, and a check simple enough to see through.

It holds no tests, and no envelopes: a message is valid when its first letter says so.
"""

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import assert_never

from tocsin_protocol.errors import Reason
from tocsin_protocol.gossip.draws import Draws
from tocsin_protocol.gossip.events import (
    BytesReceived,
    ClosePeer,
    Counted,
    Deliver,
    PeerConnected,
    PeerGone,
    Publish,
    Published,
    Record,
    RouterEffect,
    SendBytes,
    Subscribe,
    Witness,
)
from tocsin_protocol.gossip.router import Router
from tocsin_protocol.gossip.rpc import (
    FrameReader,
    Subscription,
    decode,
    encode_entry,
    encode_frames,
    encode_subscription,
    read_entry,
)
from tocsin_protocol.hashing import H
from tocsin_protocol.limits import HOUR_MS, WRITE_SIZE_MAX
from tocsin_protocol.types import EnvelopeBytes, Mid, Now, PeerId, Topic
from tocsin_protocol.verdict import Checked, Verdict

TOPIC = Topic("/tocsin/1/test/s/0/00")
NOW = Now(unix_ms=500_000 * HOUR_MS, steady_ms=1_000)


def later(ms: int) -> Now:
    return Now(unix_ms=NOW.unix_ms + ms, steady_ms=NOW.steady_ms + ms)


def mid_of(topic: str, data: bytes) -> Mid:
    return Mid(H("test/mid", topic.encode() + b"|" + data, 32))


def check(topic: str, data: bytes, now: Now) -> Checked:
    """`+` is accepted, `?` ignored, everything else rejected, whatever the time."""
    if data.startswith(b"+"):
        return Checked(verdict=Verdict.ACCEPT, reason=None, mid=mid_of(topic, data))
    if data.startswith(b"?"):
        return Checked(verdict=Verdict.IGNORE, reason=Reason.HOUR, mid=None)
    return Checked(verdict=Verdict.REJECT, reason=Reason.STAMP, mid=None)


def envelope(number: int, size: int = 512) -> EnvelopeBytes:
    return EnvelopeBytes(b"+%d|" % number + bytes(size))


def make_router(seed: int = 0) -> Router:
    return Router(check=check, entropy=seed.to_bytes(32, "big"))


def frame(*parts: bytes) -> bytes:
    """What a neighbour writes, in as many RPCs as it takes."""
    return b"".join(encode_frames(parts))


def subscribing(*topics: Topic, subscribe: bool = True) -> bytes:
    return frame(*(encode_subscription(Subscription(topic=topic, subscribe=subscribe)) for topic in topics))


def showing(*envelopes: bytes, topic: Topic = TOPIC) -> bytes:
    return frame(*(encode_entry(topic, data) for data in envelopes))


def connect(router: Router, *names: str, topics: tuple[Topic, ...] = (TOPIC,)) -> None:
    for name in names:
        router.handle(PeerConnected(peer=PeerId(name), outbound=True), NOW)
        if topics:
            receive(router, name, subscribing(*topics))


def receive(router: Router, name: str, data: bytes, now: Now = NOW) -> list[RouterEffect]:
    return router.handle(BytesReceived(peer=PeerId(name), data=data), now)


def publish(router: Router, data: EnvelopeBytes, now: Now = NOW) -> list[RouterEffect]:
    return router.handle(Publish(topic=TOPIC, envelope=data), now)


def sent(effects: list[RouterEffect]) -> dict[str, list[bytes]]:
    """The envelopes that the effects send to each neighbour."""
    shown: dict[str, list[bytes]] = {}
    for effect in effects:
        if isinstance(effect, SendBytes):
            assert len(effect.data) <= WRITE_SIZE_MAX
            (body,) = FrameReader().read(effect.data)
            shown.setdefault(effect.peer, []).extend(read_entry(entry).data for entry in decode(body).entries)
    return shown


def delivered(effects: list[RouterEffect]) -> list[bytes]:
    return [effect.envelope for effect in effects if isinstance(effect, Deliver)]


def witnesses(effects: list[RouterEffect]) -> list[tuple[str, Mid]]:
    return [(effect.peer, effect.mid) for effect in effects if isinstance(effect, Witness)]


def counts(effects: list[RouterEffect]) -> dict[Counted, int]:
    return {effect.what: effect.count for effect in effects if isinstance(effect, Record)}


def closed(effects: list[RouterEffect]) -> list[str]:
    return [effect.peer for effect in effects if isinstance(effect, ClosePeer)]


@dataclass(slots=True)
class World:
    """Every step moves some bytes of one link, cut where the seed says, and then looks at the invariants."""

    size: int
    seed: int
    draws: Draws = field(init=False)
    routers: list[Router] = field(init=False)
    flying: dict[tuple[int, int], deque[bytes]] = field(default_factory=dict)
    published: set[bytes] = field(default_factory=set)
    got: dict[int, Counter[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.draws = Draws(self.seed.to_bytes(32, "little"))
        self.routers = [make_router(self.seed << 16 | number) for number in range(self.size)]
        for number, router in enumerate(self.routers):
            self.got[number] = Counter()
            self._do(number, router.handle(Subscribe(topic=TOPIC), NOW))

    def link(self, one: int, other: int) -> None:
        self.flying[one, other] = deque()
        self.flying[other, one] = deque()
        for here, there, outbound in ((one, other, True), (other, one, False)):
            event = PeerConnected(peer=PeerId(str(there)), outbound=outbound)
            self._do(here, self.routers[here].handle(event, NOW))

    def unlink(self, one: int, other: int) -> None:
        for here, there in ((one, other), (other, one)):
            del self.flying[here, there]
            self._do(here, self.routers[here].handle(PeerGone(peer=PeerId(str(there))), NOW))

    def publish(self, number: int, data: EnvelopeBytes) -> int:
        self.published.add(data)
        self.got[number][data] += 1
        effects = publish(self.routers[number], data)
        self._do(number, effects)
        (taken,) = [effect.peers for effect in effects if isinstance(effect, Published)]
        return taken

    def run(self) -> None:
        """Until nothing is under way."""
        while busy := [link for link, queue in self.flying.items() if queue]:
            here, there = busy[self.draws.below(len(busy))]
            queue = self.flying[here, there]
            data = queue.popleft()
            cut = self.draws.below(len(data)) + 1
            if data[cut:]:
                queue.appendleft(data[cut:])
            event = BytesReceived(peer=PeerId(str(here)), data=data[:cut])
            self._do(there, self.routers[there].handle(event, NOW))

    def _do(self, here: int, effects: list[RouterEffect]) -> None:
        self.got[here].update(delivered(effects))
        for effect in effects:
            match effect:
                case SendBytes():
                    assert len(effect.data) <= WRITE_SIZE_MAX
                    self._look_at(here, effect.data)
                    self.flying[here, int(effect.peer)].append(effect.data)
                case Deliver():
                    assert effect.envelope in self.published
                    assert self.got[here][effect.envelope] == 1, "delivered twice"
                case Witness():
                    assert effect.mid in {mid_of(TOPIC, data) for data in self.got[here]}
                case ClosePeer():
                    raise AssertionError(f"{here} closed {effect.peer}: {effect.why}")
                case Published() | Record():
                    pass
                case _:
                    assert_never(effect)

    def _look_at(self, here: int, data: bytes) -> None:
        """Nothing leaves a router that it did not publish or accept."""
        (body,) = FrameReader().read(data)
        for entry in decode(body).entries:
            assert read_entry(entry).data in self.got[here]
