"""Our router and transport against js-libp2p's gossipsub, over loopback, both ways and through it."""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import assert_never

import pytest
import trio

from tests.interop.js_peer import JsPeer, message_data, open_js_peer
from tocsin.ports import PeerBytes, PeerDown, PeerUp, Transport
from tocsin.transport.libp2p import open_libp2p_transport
from tocsin_protocol.envelope import (
    EnvelopeClass,
    RelayCheck,
    kind_of,
    message_id,
    seal,
    stamp_need,
    stamp_subject,
)
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
    RouterInput,
    SendBytes,
    Subscribe,
    Witness,
)
from tocsin_protocol.gossip.router import PROTOCOLS, Router
from tocsin_protocol.hashing import H
from tocsin_protocol.limits import SEAL_NONCE_SIZE, TAG_SIZE
from tocsin_protocol.network import Network
from tocsin_protocol.stamp import StampSearch
from tocsin_protocol.topics import shard_topic
from tocsin_protocol.types import EnvelopeBytes, MessageKey, Now, Tag

NETWORK = Network(name="interop", pair_cost=1)
TOPIC = shard_topic(NETWORK, 0)
KIND = kind_of(EnvelopeClass.PAIR, 3)
NOW = Now(unix_ms=1_795_000_000_000, steady_ms=0)
COUNT = 200
DEADLINE_S = 30

pytestmark = pytest.mark.usefixtures("js_installed")


def make_envelope(name: str) -> EnvelopeBytes:
    """A sealed and stamped envelope of 512 bytes; each name makes another one."""
    seed = name.encode()
    envelope = seal(
        network=NETWORK,
        kind=KIND,
        born_hour=NOW.hour,
        tag=Tag(H("test/tag", seed, TAG_SIZE)),
        key=MessageKey(H("test/key", seed, 32)),
        nonce=H("test/nonce", seed, SEAL_NONCE_SIZE),
        payload=seed,
    )
    data = envelope.encode()
    search = StampSearch(stamp_subject(NETWORK, TOPIC, data), stamp_need(NETWORK, KIND, len(data)))
    while (nonce := search.run(hashes=1)) is None:
        pass
    return envelope.with_stamp(nonce).encode()


def make_envelopes(name: str, count: int) -> list[EnvelopeBytes]:
    return [make_envelope(f"{name} {number}") for number in range(count)]


class Node:
    """A router on a transport and nothing else: subscribed to TOPIC, keeping what it is told."""

    def __init__(self, transport: Transport, name: str) -> None:
        self.transport = transport
        self.heard: set[str] = set()
        self.delivered: list[bytes] = []
        self.counted: Counter[Counted] = Counter()
        self._router = Router(check=RelayCheck(NETWORK).check, entropy=H("test/entropy", name.encode(), 32))
        self._news = trio.Event()
        self.handle(Subscribe(topic=TOPIC))

    def handle(self, event: RouterInput) -> None:
        for effect in self._router.handle(event, NOW):
            match effect:
                case SendBytes():
                    assert self.transport.send(effect.peer, effect.data)
                case Deliver():
                    self.delivered.append(effect.envelope)
                case ClosePeer():
                    self.transport.close_peer(effect.peer, effect.why)
                case Record():
                    self.counted[effect.what] += effect.count
                case Witness() | Published():
                    pass
                case _:
                    assert_never(effect)
        self._news.set()
        self._news = trio.Event()

    async def pump(self) -> None:
        async for event in self.transport.events():
            match event:
                case PeerUp():
                    self.handle(PeerConnected(peer=event.peer, outbound=event.outbound))
                case PeerBytes():
                    self.heard.add(event.peer)
                    self.handle(BytesReceived(peer=event.peer, data=event.data))
                case PeerDown():
                    self.handle(PeerGone(peer=event.peer))
                case _:
                    assert_never(event)

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await self._news.wait()

    def publish(self, envelopes: list[EnvelopeBytes]) -> None:
        for envelope in envelopes:
            self.handle(Publish(topic=TOPIC, envelope=envelope))


@asynccontextmanager
async def open_node(name: str) -> AsyncIterator[Node]:
    async with (
        open_libp2p_transport(
            listen=["/ip4/127.0.0.1/tcp/0"], protocols=PROTOCOLS, key_seed=H("test/seed", name.encode(), 32)
        ) as transport,
        trio.open_nursery() as nursery,
    ):
        node = Node(transport, name)
        nursery.start_soon(node.pump)
        yield node
        nursery.cancel_scope.cancel()


async def join(node: Node, js: JsPeer, dialler: str) -> None:
    """Connected, and each of the two has the other's subscription: both can be written to."""
    await js.subscribe(TOPIC)
    if dialler == "ours":
        await node.transport.connect(js.address)
    else:
        await js.dial(node.transport.listen_addresses()[0])
    await js.wait_for("subscription", peer=node.transport.peer_id, topic=TOPIC)
    await node.wait_until(lambda: js.peer_id in node.heard)


@pytest.mark.parametrize("dialler", ["ours", "js"])
async def test_every_envelope_arrives_once_in_both_directions(dialler: str) -> None:
    ours, theirs = make_envelopes("ours", COUNT), make_envelopes("theirs", COUNT)
    our_fence, their_fence = make_envelopes("fence", 2)
    with trio.fail_after(DEADLINE_S):
        async with open_js_peer() as js, open_node("ours") as node:
            await join(node, js, dialler)
            await js.publish(TOPIC, theirs)
            node.publish(ours)
            await js.wait_for("message", COUNT)
            await node.wait_until(lambda: len(node.delivered) >= COUNT)
            # Streams keep their order: when these have come, no second copy of the others can.
            await js.publish(TOPIC, [their_fence])
            node.publish([our_fence])
            await js.wait_for("message", COUNT + 1)
            await node.wait_until(lambda: len(node.delivered) > COUNT)
    assert Counter(node.delivered) == Counter([*theirs, their_fence])
    assert not node.counted
    told = js.told("message")
    assert Counter(map(message_data, told)) == Counter([*ours, our_fence])
    assert {event["mid"] for event in told} == {
        message_id(NETWORK, TOPIC, envelope).hex() for envelope in [*ours, our_fence]
    }
    assert js.told("author") == []


async def test_a_js_peer_relays_between_two_of_ours() -> None:
    to_right, to_left = make_envelopes("relayed", 2)
    with trio.fail_after(DEADLINE_S):
        async with open_js_peer() as js, open_node("left") as left, open_node("right") as right:
            await join(left, js, "ours")
            await join(right, js, "ours")
            left.publish([to_right])
            await right.wait_until(lambda: right.delivered != [])
            right.publish([to_left])
            await left.wait_until(lambda: left.delivered != [])
    assert right.delivered == [to_right]
    assert left.delivered == [to_left]
    assert not left.counted
    assert not right.counted
    assert js.told("author") == []
