"""A rate: never more than so many in any second, and no memory of older ones."""

from hypothesis import given
from hypothesis import strategies as st

from tocsin_protocol.rate import Rate
from tocsin_protocol.types import Now


def at(steady_ms: int) -> Now:
    return Now(unix_ms=0, steady_ms=steady_ms)


def test_there_is_room_again_a_second_later() -> None:
    rate = Rate(2)
    assert rate.free_at_ms == 0
    assert [rate.take(at(ms)) for ms in (500, 900, 901, 1_499, 1_500, 1_501)] == [
        True,
        True,
        False,
        False,
        True,
        False,
    ]
    assert rate.free_at_ms == 1_900


@given(st.integers(1, 5), st.lists(st.integers(0, 600), max_size=60))
def test_no_second_has_more_than_its_share(per_second: int, gaps_ms: list[int]) -> None:
    rate, moment_ms, taken = Rate(per_second), 0, []
    for gap_ms in gaps_ms:
        moment_ms += gap_ms
        if rate.take(at(moment_ms)):
            taken.append(moment_ms)
    for start in taken:
        assert sum(start <= moment < start + 1_000 for moment in taken) <= per_second
