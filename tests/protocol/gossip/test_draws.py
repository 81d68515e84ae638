"""Choices repeat with their seed and are fair.

They are not checked for being unguessable; that is BLAKE2b's business.
"""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_protocol.errors import LocalProtocolError
from tocsin_protocol.gossip.draws import Draws

SEEDS = st.binary(min_size=16, max_size=48)


@given(seed=SEEDS, bounds=st.lists(st.integers(1, 1 << 64), max_size=40))
def test_the_same_seed_makes_the_same_choices(seed: bytes, bounds: list[int]) -> None:
    one, other = Draws(seed), Draws(seed)
    drawn = [one.below(bound) for bound in bounds]
    assert drawn == [other.below(bound) for bound in bounds]
    assert all(0 <= value < bound for value, bound in zip(drawn, bounds, strict=True))


@given(seed=SEEDS, items=st.lists(st.integers(), unique=True, max_size=30), count=st.integers(0, 40))
def test_what_is_picked_is_different_and_was_there(seed: bytes, items: list[int], count: int) -> None:
    picked = Draws(seed).pick(items, count)
    assert len(picked) == len(set(picked)) == min(count, len(items))
    assert set(picked) <= set(items)


def test_every_item_is_picked_about_as_often() -> None:
    draws = Draws(bytes(32))
    counts = Counter(item for _ in range(6_000) for item in draws.pick("abcdef", 2))
    assert all(1_800 < counts[item] < 2_200 for item in "abcdef")


def test_a_bound_that_does_not_divide_the_words_stays_fair() -> None:
    bound = 3 << 62
    draws = Draws(bytes(32))
    halves = Counter(draws.below(bound) * 2 // bound for _ in range(2_000))
    assert abs(halves[0] - halves[1]) < 200


@pytest.mark.parametrize("bound", [0, -1, (1 << 64) + 1])
def test_an_impossible_bound_is_our_fault(bound: int) -> None:
    with pytest.raises(LocalProtocolError):
        Draws(bytes(32)).below(bound)


def test_a_short_seed_is_our_fault() -> None:
    with pytest.raises(LocalProtocolError):
        Draws(b"short")
