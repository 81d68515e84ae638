"""What a run says: the measures, what they were measured on, and a fingerprint to compare runs by.

It runs nothing, and the time on the wall is told to it.
"""

import hashlib
from collections.abc import Sequence

import msgspec

from tocsin_protocol.gossip.events import Counted
from tocsin_sim.core.tally import Tally
from tocsin_sim.scenario import Scenario

ENGINE = "core/1"
"""To be raised whenever the same scenario and seed may give other rows."""

MODELLED = (
    "the production router and relay check, on real envelopes",
    "one fixed latency per link, the same both ways; bytes keep their order",
    "restarts with an empty memory: a lost link is noticed after one latency, a new one takes two",
)
NOT_MODELLED = (
    "bandwidth, queues and loss",
    "processor time",
    "TCP, Noise and Yamux, and the bytes that they add",
    "stems, stores, recognition and opening",
    "gossip repair: this router has no mesh and asks for nothing that it missed",
)


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    p50: float
    p95: float
    p99: float
    max: float


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """`expected` counts every node but the publisher for every envelope, whether it was running or not."""

    scenario: str
    question: str
    engine: str
    seed: int
    run_id: str
    rows_sha256: str
    nodes: int
    links: int
    envelopes: int
    expected: int
    deliveries: int
    ratio: float
    delivered_again: int
    copies: int
    copies_per_delivery: float | None
    latency_ms: Latency | None
    frames: int
    frames_lost: int
    bytes: int
    bytes_per_delivery: float | None
    records: dict[str, int]
    virtual_s: float
    wall_s: float
    wall_per_virtual: float | None
    modelled: tuple[str, ...]
    not_modelled: tuple[str, ...]


def summarise(
    *, name: str, scenario: Scenario, seed: int, tally: Tally, virtual_us: int, wall_s: float
) -> Result:
    rows = tally.rows()
    latencies_us = sorted(latency_us for _, _, latency_us in rows)
    deliveries = len(rows)
    expected = len(tally.rung_us) * (tally.nodes - 1)
    virtual_s = virtual_us / 1_000_000
    return Result(
        scenario=name,
        question=scenario.question,
        engine=ENGINE,
        seed=seed,
        run_id=run_id(scenario, seed),
        rows_sha256=fingerprint(rows, tally),
        nodes=tally.nodes,
        links=tally.links,
        envelopes=len(tally.rung_us),
        expected=expected,
        deliveries=deliveries,
        ratio=deliveries / expected,
        delivered_again=tally.delivered_again,
        copies=tally.copies,
        copies_per_delivery=round(tally.copies / deliveries, 3) if deliveries else None,
        latency_ms=describe(latencies_us) if deliveries else None,
        frames=tally.frames,
        frames_lost=tally.frames_lost,
        bytes=tally.bytes,
        bytes_per_delivery=round(tally.bytes / deliveries, 1) if deliveries else None,
        records={what.value: tally.records[what] for what in Counted if tally.records[what]},
        virtual_s=virtual_s,
        wall_s=round(wall_s, 3),
        wall_per_virtual=round(wall_s / virtual_s, 4) if virtual_us else None,
        modelled=MODELLED,
        not_modelled=NOT_MODELLED,
    )


def run_id(scenario: Scenario, seed: int) -> str:
    """The same for the same question asked of the same engine, whatever its file is called."""
    asked = msgspec.json.encode((ENGINE, seed, scenario), order="sorted")
    return hashlib.sha256(asked).hexdigest()


def fingerprint(rows: Sequence[tuple[int, int, int]], tally: Tally) -> str:
    """Equal for two runs exactly when they delivered the same at the same microseconds for the same cost."""
    lines = [f"{envelope} {node} {latency_us}" for envelope, node, latency_us in rows]
    lines.append(f"{tally.frames} {tally.frames_lost} {tally.bytes} {tally.copies} {tally.delivered_again}")
    return hashlib.sha256("\n".join(lines).encode("ascii")).hexdigest()


def describe(latencies_us: Sequence[int]) -> Latency:
    return Latency(
        p50=percentile(latencies_us, 50) / 1000,
        p95=percentile(latencies_us, 95) / 1000,
        p99=percentile(latencies_us, 99) / 1000,
        max=latencies_us[-1] / 1000,
    )


def percentile(ordered: Sequence[int], percent: int) -> int:
    """The smallest value that so many percent do not exceed: one of the values, by integers alone."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def answer(result: Result) -> str:
    """One line that a person reads first."""
    # Rounded down: what says 100 % is all of them.
    percent = result.deliveries * 10_000 // result.expected / 100
    reached = f"{result.deliveries:,} of {result.expected:,} deliveries ({percent:.2f} %)"
    if result.latency_ms is None:
        return f"{reached}: nothing arrived"
    latency = result.latency_ms
    return (
        f"{reached}; half within {latency.p50:.0f} ms, 99 % within {latency.p99:.0f} ms; "
        f"{result.copies_per_delivery:.2f} copies and {result.bytes_per_delivery:,.0f} bytes for each"
    )


def as_text(result: Result) -> str:
    lines = [f"{result.scenario}: {result.question}", answer(result), ""]
    if result.latency_ms is not None:
        latency = result.latency_ms
        values = f"{latency.p50:.1f} / {latency.p95:.1f} / {latency.p99:.1f} / {latency.max:.1f} ms"
        lines.append(f"latency p50/p95/p99/max  {values}")
    lines += [
        f"network                  {result.nodes:,} nodes, {result.links:,} links",
        f"sent                     {result.frames:,} frames, {result.bytes:,} bytes",
        f"lost with their link     {result.frames_lost:,} frames",
        f"arrived                  {result.copies:,} copies",
        f"delivered again          {result.delivered_again:,} to nodes that had restarted",
        f"time                     {result.wall_s:.2f} s for {result.virtual_s:.2f} virtual s",
        f"seed                     {result.seed}",
        f"run                      {result.run_id}",
        f"rows                     {result.rows_sha256}",
        "",
        *(f"modelled: {line}" for line in result.modelled),
        *(f"not modelled: {line}" for line in result.not_modelled),
    ]
    return "\n".join(lines)
