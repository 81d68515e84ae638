"""What libp2p 0.8.1's own pubsub does with our traffic, beside js-libp2p's: why we have a router.

It measures nothing of ours. A target is what our router has to reach (specs/decisions/0001), so `ok`
says whether libp2p's pubsub would do instead of it.
"""

import argparse
import hashlib
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import multiaddr
import trio
from libp2p import new_host
from libp2p.abc import IHost, ISubscriptionAPI
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.custom_types import TProtocol
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.pubsub.gossipsub import PROTOCOL_ID_V11, PROTOCOL_ID_V12, GossipSub
from libp2p.pubsub.pb import rpc_pb2
from libp2p.pubsub.pubsub import Pubsub
from libp2p.tools.anyio_service import background_trio_service

sys.path.insert(0, str(Path(__file__).parents[2]))  # so that this file runs alone

from tests.interop.js_peer import JS_DIRECTORY, JsUnavailable, install_js, open_js_peer

BENCH = "upstream_pubsub"
TOPIC = "/tocsin/1/bench/s/0/00"
SIZE = 512
BURST = 1_000
STRICT_NOSIGN_MESSAGES = 20
STRICT_NOSIGN_GAP_S = 0.02
"""Slow enough that no queue is full: what is missing then was refused, not lost."""
WARM_UP = 100
QUIET_S = 1.5
"""A burst is over when nothing has arrived for this long."""
RATE_FIRST = 150
RATE_STEP = 1.25
VERSIONS = {"v11": PROTOCOL_ID_V11, "v12": PROTOCOL_ID_V12}
"""Under 1.2 it sends an RPC more for each message, an IDONTWANT, whatever the message's size."""
MESSAGE_FIELDS = {"data", "topicIDs"}
"""All that a message without an author has."""
JS = "js-libp2p gossipsub"
DEADLINE_S = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long to measure: `--quick` or not."""

    timed: int
    paced_s: float
    tries: int
    """Tries at each rate; one without loss is enough, which favours the router measured."""
    js_timed: int
    js_burst: int


QUICK = Effort(timed=500, paced_s=1.0, tries=2, js_timed=3_000, js_burst=5_000)
FULL = Effort(timed=3_000, paced_s=5.0, tries=3, js_timed=10_000, js_burst=20_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class JsPair:
    """What two js hosts in one process do."""

    delivered: int
    rate: float
    latencies_ms: list[float]

    def latency_ms(self, share: float) -> float:
        return quantile(self.latencies_ms, share)


def report(
    metric: str,
    value: float,
    unit: str,
    *,
    target: float | None,
    peer: float | None = None,
    at_most: bool = False,
) -> None:
    """One line on stdout; `peer` is js-libp2p's figure from the same run, None when there is no Node."""
    line = {
        "bench": BENCH,
        "metric": metric,
        "value": round(value, 3),
        "unit": unit,
        "target": None if target is None else f"{'<=' if at_most else '>='} {round(target, 3):g}",
        "peer": None if peer is None else {"name": JS, "value": round(peer, 3)},
        "ratio": None if not peer else round(value / peer, 4),
        "ok": None if target is None else value <= target if at_most else value >= target,
    }
    print(json.dumps(line), flush=True)


def report_beside_js(
    metric: str, value: float, unit: str, js: float | None, *, factor: float, at_most: bool = False
) -> None:
    """A metric whose target is `factor` times what js-libp2p reaches in the same run."""
    report(metric, value, unit, target=None if js is None else factor * js, peer=js, at_most=at_most)


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def measure_js_pair(effort: Effort) -> JsPair | None:
    try:
        install_js()
    except JsUnavailable as error:
        print(f"nothing is measured against js-libp2p: {error}", file=sys.stderr)
        return None
    command = ["node", "pair.mjs", str(effort.js_burst), str(effort.js_timed)]
    done = subprocess.run(command, cwd=JS_DIRECTORY, stdout=subprocess.PIPE, check=True, timeout=DEADLINE_S)
    return JsPair(**json.loads(done.stdout))


class Upstream:
    """A host with libp2p's own gossipsub, subscribed to TOPIC, with its per-topic rate limit off."""

    def __init__(self, version: TProtocol) -> None:
        self.host: IHost = new_host(key_pair=create_new_key_pair())
        self.router = GossipSub(
            protocols=[version],
            degree=6,
            degree_low=4,
            degree_high=12,
            heartbeat_interval=1,
            spam_protection_enabled=False,
            eclipse_protection_enabled=False,
        )
        self.pubsub = Pubsub(self.host, self.router, strict_signing=False, msg_id_constructor=content_id)
        self.author_fields: set[str] = set()
        self.delivered = 0
        self.last_s = 0.0
        self._arrived = trio.Event()

    async def publish(self, data: bytes) -> None:
        await self.pubsub.publish(TOPIC, data)

    async def count(self, subscription: ISubscriptionAPI) -> None:
        while True:
            message = await subscription.get()
            self.author_fields |= {field.name for field, _ in message.ListFields()} - MESSAGE_FIELDS
            self.delivered += 1
            self.last_s = time.perf_counter()
            self._arrived.set()
            self._arrived = trio.Event()

    async def wait_for(self, delivered: int) -> bool:
        """Whether `delivered` messages came before it became quiet."""
        while self.delivered < delivered:
            with trio.move_on_after(QUIET_S) as quiet:
                await self._arrived.wait()
            if quiet.cancelled_caught:
                return False
        return True


def content_id(message: rpc_pb2.Message) -> bytes:
    return hashlib.sha256(message.data).digest()


@asynccontextmanager
async def open_upstream(version: TProtocol) -> AsyncIterator[Upstream]:
    node = Upstream(version)
    async with AsyncExitStack() as stack:
        listen = [multiaddr.Multiaddr("/ip4/127.0.0.1/tcp/0")]
        await stack.enter_async_context(node.host.run(listen_addrs=listen))
        await stack.enter_async_context(background_trio_service(node.pubsub))
        await stack.enter_async_context(background_trio_service(node.router))
        await node.pubsub.wait_until_ready()
        nursery = await stack.enter_async_context(trio.open_nursery())
        nursery.start_soon(node.count, await node.pubsub.subscribe(TOPIC))
        yield node
        nursery.cancel_scope.cancel()
        await node.host.close()


async def connect(node: Upstream, address: str) -> None:
    info = info_from_p2p_addr(multiaddr.Multiaddr(address))
    await node.host.connect(info)
    await node.pubsub.wait_for_subscription(info.peer_id, TOPIC)
    await node.pubsub.wait_for_mesh(info.peer_id, TOPIC)


async def time_hops(sender: Upstream, receiver: Upstream, count: int) -> list[float]:
    latencies_ms = []
    for _ in range(count):
        data = os.urandom(SIZE)
        started_s = time.perf_counter()
        wanted = receiver.delivered + 1
        await sender.publish(data)
        if not await receiver.wait_for(wanted):
            raise RuntimeError("a single message was lost: no latency can be told")
        latencies_ms.append((receiver.last_s - started_s) * 1e3)
    return latencies_ms


async def send_burst(sender: Upstream, receiver: Upstream, count: int) -> int:
    before = receiver.delivered
    for data in [os.urandom(SIZE) for _ in range(count)]:
        await sender.publish(data)
    await receiver.wait_for(before + count)
    return receiver.delivered - before


async def send_paced(sender: Upstream, receiver: Upstream, rate: float, paced_s: float) -> float | None:
    """Delivered messages a second, or None when one was lost."""
    count = int(rate * paced_s)
    messages = [os.urandom(SIZE) for _ in range(count)]
    before = receiver.delivered
    start = trio.current_time()
    started_s = time.perf_counter()
    for position, data in enumerate(messages):
        await trio.sleep_until(start + position / rate)
        await sender.publish(data)
    if not await receiver.wait_for(before + count):
        return None
    return count / (receiver.last_s - started_s)


async def find_sustained_rate(sender: Upstream, receiver: Upstream, effort: Effort) -> float:
    """The highest rate delivered whole, raising the pace until every try at one loses something."""
    best = 0.0
    pace = float(RATE_FIRST)
    while True:
        rates = []
        for _ in range(effort.tries):
            rate = await send_paced(sender, receiver, pace, effort.paced_s)
            if rate is not None:
                rates.append(rate)
                break
        if not rates:
            return best
        best = max(best, *rates)
        if rates[0] < 0.8 * pace:
            return best
        pace *= RATE_STEP


async def bench_pair(version: str, effort: Effort, js: JsPair | None) -> None:
    protocol = VERSIONS[version]
    async with open_upstream(protocol) as receiver, open_upstream(protocol) as sender:
        await connect(sender, str(receiver.host.get_addrs()[0]))
        await receiver.pubsub.wait_for_mesh(sender.host.get_id(), TOPIC)
        await time_hops(sender, receiver, WARM_UP)
        latencies_ms = await time_hops(sender, receiver, effort.timed)
        for name, share, factor in (("hop_p50", 0.5, 1.0), ("hop_p99", 0.99, 1.5)):
            value = quantile(latencies_ms, share)
            beside = None if js is None else js.latency_ms(share)
            report_beside_js(f"{name}_{version}", value, "ms", beside, factor=factor, at_most=True)
        report(f"author_fields_{version}", len(receiver.author_fields), "fields", target=0, at_most=True)
        rate = await find_sustained_rate(sender, receiver, effort)
        js_rate = None if js is None else js.rate
        report_beside_js(f"sustained_rate_{version}", rate, "messages/s", js_rate, factor=6)
        delivered = await send_burst(sender, receiver, BURST)
        js_delivered = None if js is None else BURST * js.delivered / effort.js_burst
        report(f"burst_of_1000_{version}", delivered, "messages", target=BURST, peer=js_delivered)


async def bench_strict_nosign() -> None:
    """What a StrictNoSign js peer makes of it; the way back shows that the two are connected at all."""
    count = STRICT_NOSIGN_MESSAGES
    async with open_js_peer() as js, open_upstream(PROTOCOL_ID_V12) as node:
        await js.subscribe(TOPIC)
        await connect(node, js.address)
        await js.wait_for("subscription", topic=TOPIC)
        await js.publish(TOPIC, [os.urandom(SIZE) for _ in range(count)])
        await node.wait_for(count)
        report("from_strict_nosign_js", node.delivered, "messages", target=count)
        for _ in range(count):
            await node.publish(os.urandom(SIZE))
            await trio.sleep(STRICT_NOSIGN_GAP_S)
        with trio.move_on_after(QUIET_S):
            await js.wait_for("message", count)
        report("to_strict_nosign_js", len(js.told("message")), "messages", target=count)
        report("to_strict_nosign_js_authored", len(js.told("author")), "messages", target=0, at_most=True)


async def run(effort: Effort, js: JsPair | None) -> None:
    with trio.fail_after(DEADLINE_S):
        for version in VERSIONS:
            await bench_pair(version, effort, js)
        if js is not None:
            await bench_strict_nosign()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="end within 45 s")
    effort = QUICK if parser.parse_args().quick else FULL
    logging.disable(logging.WARNING)  # a warning for each message lost would be measured too
    trio.run(run, effort, measure_js_pair(effort))


if __name__ == "__main__":
    main()
