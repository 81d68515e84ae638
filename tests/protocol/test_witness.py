"""That nothing automatic leaves for an envelope that only one neighbour showed."""

import pytest

from tocsin_protocol.limits import PARKED_MAX, WITNESSED_MAX, WITNESSED_MS
from tocsin_protocol.types import Hour, Mid, Now, PeerId
from tocsin_protocol.witness import Parked, Witnesses

MID = Mid(b"\x01" * 32)
NOW = Now(unix_ms=0, steady_ms=1_000)
A, B, C = PeerId("a"), PeerId("b"), PeerId("c")


def mid_of(number: int) -> Mid:
    return Mid(number.to_bytes(32, "big"))


def later(after_ms: int) -> Now:
    return Now(unix_ms=0, steady_ms=NOW.steady_ms + after_ms)


def in_hour(hour: int) -> Now:
    return Now(unix_ms=hour * 3_600_000 + 5, steady_ms=0)


@pytest.mark.parametrize(
    ("shown_by", "expected"),
    [
        ([], False),
        ([(A, True)], False),
        ([(A, False)], False),
        ([(A, True), (A, True)], False),
        ([(A, False), (A, True)], False),
        ([(A, False), (B, False)], False),
        ([(A, False), (B, False), (A, False)], False),
        ([(A, True), (B, False)], True),
        ([(A, False), (B, True)], True),
        ([(A, False), (A, True), (B, False)], True),
        ([(A, False), (B, False), (C, True)], True),
        ([(A, False), (B, False), (A, True)], True),
    ],
)
def test_two_neighbours_of_which_one_is_outbound_are_enough(
    shown_by: list[tuple[PeerId, bool]], expected: bool
) -> None:
    witnesses = Witnesses(trusted_peer=None)
    for peer, outbound in shown_by:
        witnesses.saw(MID, peer, outbound, NOW)
    assert witnesses.suffices(MID) is expected
    assert not witnesses.suffices(mid_of(7))


def test_the_one_trusted_peer_is_enough_and_nobody_else_is() -> None:
    witnesses = Witnesses(trusted_peer=B)
    assert not witnesses.suffices(MID)
    witnesses.saw(MID, A, True, NOW)
    assert not witnesses.suffices(MID)
    witnesses.saw(mid_of(7), B, False, NOW)
    assert witnesses.suffices(mid_of(7))
    witnesses.saw(mid_of(8), A, False, NOW)
    witnesses.saw(mid_of(8), B, False, NOW)
    witnesses.saw(mid_of(8), C, False, NOW)
    assert witnesses.suffices(mid_of(8))


def test_two_neighbours_are_enough_beside_a_trusted_peer_that_is_silent() -> None:
    witnesses = Witnesses(trusted_peer=C)
    witnesses.saw(MID, A, True, NOW)
    witnesses.saw(MID, B, False, NOW)
    assert witnesses.suffices(MID)


def test_an_old_showing_is_forgotten_and_a_new_one_begins() -> None:
    witnesses = Witnesses(trusted_peer=None)
    witnesses.saw(MID, A, True, NOW)
    witnesses.saw(MID, B, False, later(WITNESSED_MS))
    assert witnesses.suffices(MID)
    witnesses.saw(mid_of(7), A, True, later(WITNESSED_MS + 1))
    assert not witnesses.suffices(MID)
    witnesses.saw(MID, B, True, later(WITNESSED_MS + 1))
    assert not witnesses.suffices(MID)


def test_showings_are_bounded_and_the_oldest_go_first() -> None:
    witnesses = Witnesses(trusted_peer=A)
    for number in range(WITNESSED_MAX + 1):
        witnesses.saw(mid_of(number), A, True, NOW)
    assert not witnesses.suffices(mid_of(0))
    assert witnesses.suffices(mid_of(1))
    assert witnesses.suffices(mid_of(WITNESSED_MAX))


def test_what_is_parked_is_released_once() -> None:
    parked = Parked[str]()
    parked.park(MID, "answer", Hour(10))
    parked.park(MID, "answer again", Hour(10))
    assert parked.release(MID) == "answer"
    assert parked.release(MID) is None


def test_what_is_parked_expires_after_its_last_hour() -> None:
    parked = Parked[str]()
    parked.park(mid_of(1), "short", Hour(10))
    parked.park(mid_of(2), "long", Hour(11))
    parked.expire(in_hour(10))
    assert parked.release(mid_of(1)) == "short"
    parked.park(mid_of(1), "short", Hour(10))
    parked.expire(in_hour(11))
    assert parked.release(mid_of(1)) is None
    assert parked.release(mid_of(2)) == "long"


def test_the_oldest_parked_makes_room() -> None:
    parked = Parked[int]()
    for number in range(PARKED_MAX + 1):
        parked.park(mid_of(number), number, Hour(10))
    assert len(parked) == PARKED_MAX
    assert parked.release(mid_of(0)) is None
    assert [parked.release(mid_of(number)) for number in (1, PARKED_MAX)] == [1, PARKED_MAX]
