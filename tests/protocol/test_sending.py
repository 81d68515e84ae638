"""The sender's index: it never repeats, whatever crashes, and a crash wastes little of it."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.people import DAY_MS, EPOCH, NO_EVIDENCE, at, introduced, later, settled
from tocsin_protocol import effects as fx
from tocsin_protocol.effects import Effect
from tocsin_protocol.limits import (
    CHAIN_INDEX_MAX,
    HOUR_MS,
    INDEX_BLOCK_CONTROL_SIZE,
    INDEX_BLOCK_SIZE,
    WINDOW_CONTROL_SIZE,
    WINDOW_SIZE,
)
from tocsin_protocol.sending import Sending
from tocsin_protocol.session import Reserve, Stop
from tocsin_protocol.wheel import Chain, Q

FIRST = Chain(epoch=EPOCH, q=Q.RING, index=0, key=b"\x01" * 32)


def stored_of(effects: tuple[Effect, ...]) -> list[int]:
    """The values of `next` that this transition writes."""
    return [effect.chain.index for effect in effects if isinstance(effect, fx.PutSending)]


def test_a_block_is_stored_before_the_first_of_it_is_used_and_not_again_until_it_ran_out() -> None:
    low, _, now = settled()
    writes = [stored_of(low.handle(Reserve(q=Q.RING), now)) for _ in range(17)]
    assert writes == [[8], *[[]] * 7, [16], *[[]] * 7, [24]]
    control = [stored_of(low.handle(Reserve(q=Q.CONTROL), now)) for _ in range(3)]
    assert control == [[2], [3], [4]], "one was used for the confirmation"


def test_a_one_shot_sender_raises_by_one() -> None:
    low, _, now = settled()
    writes = [stored_of(low.handle(Reserve(q=Q.RING, one_shot=True), now)) for _ in range(3)]
    assert writes == [[1], [2], [3]]


def test_one_shot_senders_with_a_tenth_lost_are_heard_to_the_end() -> None:
    """Each message has a process of its own, and what it did not store ends with it."""
    low, high, now = settled()
    chance = random.Random(10)
    arrived = [chance.random() >= 0.1 for _ in range(500)]
    for number, arrives in enumerate(arrived):
        letter = low.send(now, one_shot=True)
        assert letter is not None
        assert letter.index == number
        low.crash()
        if arrives:
            assert high.receive(letter, now) is not None


def test_next_after_a_crash_is_the_stored_one() -> None:
    low, high, now = settled()
    used = [low.must_send(now).index for _ in range(3)]
    low.crash()
    after = low.must_send(now)
    assert (used, after.index) == ([0, 1, 2], 8)
    assert high.receive(after, now) is not None, "eight lost indices fit into a window"


def test_next_is_not_raised_at_start_up() -> None:
    low, _, now = settled()
    low.must_send(now)
    for _ in range(50):
        low.crash()
        low.tick(now)
    assert low.must_send(now).index == INDEX_BLOCK_SIZE


def test_an_orderly_stop_writes_the_exact_value() -> None:
    low, _, now = settled()
    used = [low.must_send(now).index for _ in range(3)]
    assert stored_of(low.handle(Stop(), now)) == [3]
    assert low.handle(Stop(), now) == ()
    low.crash()
    assert [*used, low.must_send(now).index] == [0, 1, 2, 3]


def test_what_a_crash_wastes_fits_into_a_window() -> None:
    assert INDEX_BLOCK_SIZE - 1 < WINDOW_SIZE
    assert INDEX_BLOCK_CONTROL_SIZE - 1 < WINDOW_CONTROL_SIZE


def test_an_index_is_not_taken_when_the_commit_fails() -> None:
    low, _, now = settled()
    for _ in range(3):
        low.session.handle(Reserve(q=Q.RING), now)
    letter = low.must_send(now)
    assert letter.index == 0
    assert stored_of(low.session.handle(Reserve(q=Q.RING), now)) == []


@given(st.lists(st.sampled_from(["ring", "control", "one-shot", "crash", "stop", "fail"]), max_size=60))
def test_no_index_is_ever_used_twice_and_next_is_always_greater(steps: list[str]) -> None:
    low, _ = introduced()
    now = low.clock(at(EPOCH))
    used = set[tuple[int, Q, int]]()
    for step in steps:
        match step:
            case "crash":
                low.crash()
            case "stop":
                low.handle(Stop(), now)
                low.crash()
            case "fail":
                low.session.handle(Reserve(q=Q.RING), now)
            case _:
                q = Q.CONTROL if step == "control" else Q.RING
                letter = low.send(now, q, one_shot=step == "one-shot")
                assert letter is not None
                taken = (letter.number, q, letter.index)
                assert taken not in used
                used.add(taken)
                stored = low.records.sending[letter.number, letter.epoch, q].chain.index
                assert stored > letter.index


def test_an_epoch_has_65536_indices_and_then_nothing_is_sent() -> None:
    last = Sending(chain=Chain(epoch=EPOCH, q=Q.RING, index=CHAIN_INDEX_MAX, key=b"\x01" * 32), stored=0)
    taken = last.take(INDEX_BLOCK_SIZE)
    assert taken is not None
    assert taken.link.index == CHAIN_INDEX_MAX
    assert taken.raised is not None
    assert taken.raised.index == CHAIN_INDEX_MAX + 1
    assert Sending(chain=taken.following, stored=CHAIN_INDEX_MAX + 1).take(INDEX_BLOCK_SIZE) is None


def test_nothing_is_reserved_from_an_epoch_that_is_used_up() -> None:
    low, _, now = settled()
    ended = Chain(epoch=EPOCH, q=Q.RING, index=CHAIN_INDEX_MAX + 1, key=b"\x01" * 32)
    low.commit((fx.PutSending(number=1, chain=ended),), now)
    assert low.send(now) is None
    assert low.send(now, Q.CONTROL) is not None


def test_the_stored_chain_is_the_one_that_the_block_ends_with() -> None:
    taken = Sending(chain=FIRST, stored=0).take(3)
    assert taken is not None
    chain = FIRST
    for _ in range(3):
        chain, _ = chain.step()
    assert taken.raised == chain


@pytest.mark.parametrize("days", [2, 30, 500])
def test_nothing_is_sent_by_a_clock_that_is_not_believed_yet(days: int) -> None:
    low, _, now = settled()
    ahead = later(now, days * DAY_MS)
    low.tick(ahead, NO_EVIDENCE)
    assert low.send(ahead) is None
    assert low.send(now) is not None


def test_nothing_is_sealed_under_an_epoch_that_has_been_left() -> None:
    low, _, now = settled()
    low.tick(at(EPOCH + 1))
    for earlier in (now, at(EPOCH, hour=22)):
        assert low.send(earlier) is None
    letter = low.must_send(later(at(EPOCH + 1, hour=0), -HOUR_MS))
    assert (letter.epoch, letter.born_hour) == (EPOCH + 1, at(EPOCH + 1, hour=0).hour)
