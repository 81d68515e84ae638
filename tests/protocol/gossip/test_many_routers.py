"""Networks of 4 to 50 routers under seeded schedules; the world looks at the invariants at every step.

Time stands still here, and every link is reliable.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.protocol.gossip.world import World, envelope
from tocsin_protocol.limits import FAN_OUT


def ring(size: int, seed: int, reach: int) -> World:
    """Everyone is linked to the next `reach` on either side."""
    world = World(size, seed)
    for number in range(size):
        for step in range(1, reach + 1):
            if 2 * step < size or number < (number + step) % size:
                world.link(number, (number + step) % size)
    world.run()
    return world


@pytest.mark.parametrize(("size", "reach"), [(4, 1), (5, 2), (12, 3), (50, 3)])
@pytest.mark.parametrize("seed", [1, 2])
def test_everyone_gets_everything_once_when_all_neighbours_are_told(size: int, reach: int, seed: int) -> None:
    """With 2 * reach neighbours, one of them the source, the fan-out leaves nobody out."""
    assert 2 * reach <= FAN_OUT
    world = ring(size, seed, reach)
    rings = [envelope(number) for number in range(6)]
    for number, data in enumerate(rings):
        assert world.publish(number * 7 % size, data) == 2 * reach
    world.run()
    assert all(set(got) == set(rings) for got in world.got.values())


@given(seed=st.integers(0, 1 << 30), size=st.integers(4, 9), rings=st.integers(1, 8))
@settings(max_examples=30)
def test_any_schedule_keeps_the_invariants(seed: int, size: int, rings: int) -> None:
    world = ring(size, seed, 1)
    for number in range(rings):
        world.publish(world.draws.below(size), envelope(number))
    world.run()
    assert all(len(got) == rings for got in world.got.values())


def test_a_crowd_larger_than_the_fan_out_still_hears_nearly_everything() -> None:
    world = World(20, 7)
    for one in range(20):
        for other in range(one):
            world.link(one, other)
    world.run()
    rings = [envelope(number) for number in range(10)]
    for number, data in enumerate(rings):
        assert world.publish(number, data) == FAN_OUT
    world.run()
    heard = sum(len(got) for got in world.got.values())
    assert heard >= 0.98 * 20 * len(rings)


def test_links_that_break_and_heal_lose_nothing_recent() -> None:
    world = ring(6, 3, 1)
    world.unlink(0, 1)
    world.unlink(0, 5)
    rings = [envelope(number) for number in range(4)]
    for data in rings[:2]:
        world.publish(3, data)
    for data in rings[2:]:
        assert world.publish(0, data) == 0
    world.run()
    assert set(world.got[0]) == set(rings[2:])
    world.link(0, 1)
    world.run()
    assert all(set(got) == set(rings) for got in world.got.values())
