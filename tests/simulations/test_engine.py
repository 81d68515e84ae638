"""Runs so small that their results are known beforehand, and the properties that every run has.

How fast the engine is, is measured elsewhere.
"""

import pytest

from tests.simulations.scenarios import read, run
from tocsin_sim.core import engine as engine_module
from tocsin_sim.core.engine import Engine

PAIR = (("nodes = 6", "nodes = 2"), ("dials = 5", "dials = 1"), ("[10, 40]", "[50, 50]"))

CHURN = """
[[faults]]
kind = "churn"
at_ms = 1050
every_ms = 2000
times = 1
nodes = 3
down_ms = 500
"""


def test_two_nodes_and_one_latency_give_exactly_that_latency() -> None:
    engine, result = run(read(*PAIR))
    assert [latency_us for _, _, latency_us in engine.tally.rows()] == [50_000] * 5
    assert (result.deliveries, result.expected, result.ratio) == (5, 5, 1.0)
    assert (result.links, result.copies, result.copies_per_delivery) == (1, 5, 1.0)
    greetings = 2
    assert result.frames == greetings + 5
    assert result.virtual_s == pytest.approx(1.45)


def test_an_envelope_that_rings_before_anybody_is_there_goes_out_with_the_subscription() -> None:
    """A dial takes two latencies and the subscription a third: the envelope follows after one more."""
    engine, _ = run(read(*PAIR, ("first_ms = 1000", "first_ms = 0"), ("envelopes = 5", "envelopes = 1")))
    assert [latency_us for _, _, latency_us in engine.tally.rows()] == [200_000]


def test_a_run_may_take_no_time_at_all() -> None:
    instant = (
        ("[50, 50]", "[0, 0]"),
        ("first_ms = 1000", "first_ms = 0"),
        ("envelopes = 5", "envelopes = 1"),
    )
    _, result = run(read(*PAIR, *instant))
    assert (result.deliveries, result.virtual_s, result.wall_per_virtual) == (1, 0.0, None)


def test_everyone_is_reached_when_all_are_linked() -> None:
    engine, result = run(read())
    assert result.ratio == 1.0
    assert result.deliveries == 25
    assert all(10_000 <= latency_us <= 40_000 for _, _, latency_us in engine.tally.rows())
    assert result.copies == 5 * (5 + 5 * 4)
    assert result.records == {}
    assert result.delivered_again == result.frames_lost == 0


def test_bytes_are_those_of_real_frames() -> None:
    """A greeting, or an envelope of 512 bytes, each with its topic and its lengths."""
    topic = "/tocsin/1/sim/s/0/00"
    greeting = 3 + 4 + len(topic) - 2 + 2
    message = 2 + 3 + 3 + 512 + 2 + len(topic)
    _, result = run(read(*PAIR))
    assert result.bytes == 2 * greeting + 5 * message


@pytest.mark.parametrize("size", [512, 1024, 2048, 5120])
def test_every_size_of_envelope_is_accepted(size: int) -> None:
    _, result = run(read(("size = 512", f"size = {size}")))
    assert result.ratio == 1.0


def test_the_same_seed_gives_the_same_run_and_another_one_does_not() -> None:
    _, one = run(read(), seed=7)
    _, same = run(read(), seed=7)
    _, other = run(read(), seed=8)
    assert one == same
    assert one.rows_sha256 != other.rows_sha256
    assert one.run_id != other.run_id


def test_nodes_that_restart_hear_what_rang_meanwhile() -> None:
    engine, result = run(read(more=CHURN), seed=3)
    assert result.ratio == 1.0
    late = [latency_us for _, _, latency_us in engine.tally.rows() if latency_us > 40_000]
    assert late
    assert max(late) < 500_000 + 4 * 40_000


def test_what_was_delivered_before_a_restart_is_delivered_again_and_counted_apart() -> None:
    _, result = run(read(more=CHURN), seed=3)
    assert result.delivered_again > 0
    assert result.deliveries == result.expected


def test_what_is_under_way_to_a_node_that_stops_is_lost() -> None:
    """It stops at 1,001 ms, while the envelope of 1,000 ms is still 49 ms away."""
    churn = CHURN.replace("1050", "1001").replace("nodes = 3", "nodes = 1")
    lost = 0
    for seed in range(4):
        scenario = read(*PAIR, ("envelopes = 5", "envelopes = 1"), more=churn)
        engine, result = run(scenario, seed=seed)
        lost += result.frames_lost
        latencies_us = [latency_us for _, _, latency_us in engine.tally.rows()]
        if result.frames_lost:
            assert latencies_us == [1_000 + 500_000 + 4 * 50_000]
        else:
            assert latencies_us == [50_000]
    assert 0 < lost < 4


def test_churn_strikes_as_often_as_it_says() -> None:
    """A node that has none but this one neighbour loses it with each strike; nothing rings meanwhile."""
    quiet = (*PAIR, ("envelopes = 5", "envelopes = 1"), ("first_ms = 1000", "first_ms = 9000"))
    churn = CHURN.replace("every_ms = 2000", "every_ms = 900").replace("nodes = 3", "nodes = 1")
    for times in (1, 2, 5):
        _, result = run(read(*quiet, more=churn.replace("times = 1", f"times = {times}")))
        assert result.frames == 2 * (1 + times) + 1


def test_links_that_a_router_will_not_have_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ends forget such a link, and the others carry what there is."""
    monkeypatch.setattr("tocsin_protocol.gossip.router.PEERS_MAX", 3)
    _, result = run(read())
    assert 0.5 < result.ratio <= 1.0
    assert result.copies < 125


def test_a_long_run_reports_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "EVENTS_PER_REPORT", 10)
    reports: list[int] = []
    Engine(read(), 1).run(reports.append)
    assert reports == sorted(reports)
    assert reports[-1] == 5
