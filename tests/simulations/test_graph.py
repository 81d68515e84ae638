"""The links that a scenario draws: nobody to himself, nobody twice, latencies in their range.

What goes over them is not asked here.
"""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulations.scenarios import read
from tocsin_sim.core.graph import draw_links


@given(nodes=st.integers(2, 30), dials=st.integers(1, 32), seed=st.integers(0, (1 << 64) - 1))
@settings(max_examples=50)
def test_links_are_simple_and_as_many_as_asked(nodes: int, dials: int, seed: int) -> None:
    scenario = read(("nodes = 6", f"nodes = {nodes}"), ("dials = 5", f"dials = {dials}"))
    links = draw_links(scenario, seed)
    pairs = {frozenset((link.dialler, link.listener)) for link in links}
    assert len(pairs) == len(links)
    assert all(len(pair) == 2 for pair in pairs)
    assert all(10_000 <= link.latency_us <= 40_000 for link in links)
    for number in range(nodes):
        dialled = sum(link.dialler == number for link in links)
        degree = sum(number in pair for pair in pairs)
        assert dialled <= dials
        assert dialled == dials or degree == nodes - 1


def test_the_seed_decides() -> None:
    assert draw_links(read(), 1) == draw_links(read(), 1)
    assert draw_links(read(), 1) != draw_links(read(), 2)


def test_the_far_end_is_the_other_one() -> None:
    link = draw_links(read(), 1)[0]
    assert link.other(link.dialler) == link.listener
    assert link.other(link.listener) == link.dialler
