"""The measures: percentiles that are values of the run, and sentences that claim no more than happened.

The runs themselves are tested in `test_engine`.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.simulations.scenarios import read, run
from tocsin_protocol.types import EnvelopeBytes
from tocsin_sim.core.tally import Tally
from tocsin_sim.results import Result, answer, as_text, percentile, summarise


def silent(nodes: int = 6) -> Result:
    """A run in which an envelope rang and nothing arrived."""
    tally = Tally(nodes=nodes)
    return summarise(name="small", scenario=read(), seed=1, tally=ringing(tally), virtual_us=1, wall_s=0.0)


def ringing(tally: Tally) -> Tally:
    tally.rings(EnvelopeBytes(b"one"), 0, 0)
    return tally


@given(values=st.lists(st.integers(0, 10**9), min_size=1, max_size=300), percent=st.integers(0, 100))
def test_a_percentile_is_what_numpy_says_it_is(values: list[int], percent: int) -> None:
    expected = np.percentile(np.array(values), percent, method="inverted_cdf")
    assert percentile(sorted(values), percent) == expected


def test_the_answer_comes_right_after_the_question() -> None:
    _, result = run(read())
    lines = as_text(result).splitlines()
    assert lines[0] == "small: Does it work?"
    assert lines[1] == answer(result)
    assert lines[1].startswith("25 of 25 deliveries (100.00 %); half within ")


def test_all_but_one_is_not_a_hundred_percent() -> None:
    _, result = run(read())
    nearly = replace(result, deliveries=999_999, expected=1_000_000)
    assert "(99.99 %)" in answer(nearly)


def test_a_run_without_deliveries_says_so() -> None:
    result = silent()
    assert result.latency_ms is None
    assert result.copies_per_delivery is None
    assert answer(result) == "0 of 5 deliveries (0.00 %): nothing arrived"
    assert "latency" not in as_text(result).split("modelled", maxsplit=1)[0]


def test_a_result_says_what_is_modelled_and_what_is_not() -> None:
    _, result = run(read())
    text = as_text(result)
    assert all(f"modelled: {line}" in text for line in result.modelled)
    assert all(f"not modelled: {line}" in text for line in result.not_modelled)


@pytest.mark.parametrize("part", ["frames", "bytes", "copies", "delivered_again", "frames_lost"])
def test_a_run_that_cost_something_else_has_another_fingerprint(part: str) -> None:
    tally = ringing(Tally(nodes=6))
    setattr(tally, part, 1)
    other = summarise(name="small", scenario=read(), seed=1, tally=tally, virtual_us=1, wall_s=0.0)
    assert other.rows_sha256 != silent().rows_sha256
    assert other.run_id == silent().run_id
