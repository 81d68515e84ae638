"""How a pair stands: provisional until proven, and one session in the end, whatever crossed or was lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_protocol.errors import LocalProtocolError
from tocsin_protocol.introduce import IntroductionKind
from tocsin_protocol.limits import INTRODUCTIONS_PER_SIDE_MAX
from tocsin_protocol.standing import (
    AddToBlocklist,
    ConfirmContact,
    DeleteReintroduction,
    DeleteSession,
    EndPending,
    KeepReintroduction,
    Standing,
    StandingEffect,
    TellNewDevice,
)
from tocsin_protocol.types import Hour, IdentityKey

LOW, HIGH = IdentityKey(b"\x01" * 32), IdentityKey(b"\x02" * 32)
UNTIL = Hour(480_720)
BEGUN_MAX = 8
AT_LOW = Standing(own=LOW, other=HIGH)
AT_HIGH = Standing(own=HIGH, other=LOW)


def add(
    standing: Standing,
    number: int,
    initiator: IdentityKey,
    kind: IntroductionKind = IntroductionKind.INVITE,
) -> Standing:
    standing, effects = standing.add(
        number=number, kind=kind, initiator=initiator, over=standing.in_force, until_hour=UNTIL
    )
    assert effects == ([EndPending()] if initiator == standing.own else [])
    return standing


def numbers(standing: Standing) -> list[int]:
    return [each.number for each in standing.sessions]


def test_provisional_until_proven() -> None:
    """Who answered has nothing to send under but message 2, until something opens under generation 0."""
    answered = add(AT_LOW, 1, initiator=HIGH)
    assert answered.sending == ()
    proven, effects = answered.opened(1)
    assert effects == [ConfirmContact(), KeepReintroduction(number=1)]
    assert proven.sending == (1,)
    assert proven.opened(1) == (proven, [])


def test_who_read_message_2_may_send_at_once() -> None:
    finished = add(AT_LOW, 1, initiator=LOW)
    assert finished.sending == (1,)
    _, effects = finished.opened(1)
    assert effects == [ConfirmContact(), KeepReintroduction(number=1), EndPending()]


def test_an_answer_that_brought_no_proof_in_time_is_forgotten() -> None:
    both = add(add(AT_LOW, 1, initiator=HIGH), 2, initiator=LOW)
    assert both.expire(UNTIL) == (both, [])
    later, effects = both.expire(Hour(UNTIL + 1))
    assert effects == [DeleteSession(number=1)]
    assert numbers(later) == [2]
    proven, _ = add(AT_LOW, 1, initiator=HIGH).opened(1)
    assert proven.expire(Hour(UNTIL + 1)) == (proven, [])


# Crossed introductions


@pytest.mark.parametrize("standing", [AT_LOW, AT_HIGH])
def test_crossed_introductions_end_with_the_lower_keys(standing: Standing) -> None:
    crossed = add(add(standing, 1, initiator=HIGH), 2, initiator=LOW)
    ended, effects = crossed.opened(2)
    assert effects == [
        DeleteSession(number=1),
        ConfirmContact(),
        KeepReintroduction(number=2),
        EndPending(),
    ]
    assert numbers(ended) == [2]


@pytest.mark.parametrize("standing", [AT_LOW, AT_HIGH])
def test_both_crossed_introductions_live_until_the_lower_keys_opened_something(standing: Standing) -> None:
    crossed = add(add(standing, 1, initiator=LOW), 2, initiator=HIGH)
    higher, effects = crossed.opened(2)
    assert numbers(higher) == [1, 2]
    assert effects[:2] == [ConfirmContact(), KeepReintroduction(number=2)]
    lower, effects = higher.opened(1)
    assert effects == [DeleteSession(number=2), KeepReintroduction(number=1), EndPending()]
    assert numbers(lower) == [1]


def test_while_the_winner_is_not_proven_the_same_goes_out_under_both() -> None:
    """The other side deletes the loser when our confirmation opens, and we do not know when that is."""
    crossed = add(add(AT_LOW, 1, initiator=HIGH), 2, initiator=LOW)
    assert crossed.sending == (2,)
    proven, _ = crossed.opened(1)
    assert proven.sending == (2, 1)
    settled, _ = proven.opened(2)
    assert settled.sending == (2,)
    at_higher = add(add(AT_HIGH, 1, initiator=HIGH), 2, initiator=LOW)
    assert at_higher.sending == (1,)


def test_what_was_begun_before_something_else_was_proven_does_not_replace_it() -> None:
    """Its answer may come from a device that the other side has lost since."""
    proven, _ = add(AT_LOW, 1, initiator=HIGH).opened(1)
    late, _ = proven.add(
        number=2, kind=IntroductionKind.KNOCK, initiator=LOW, over=AT_LOW.in_force, until_hour=UNTIL
    )
    assert late.sending == (2, 1)
    assert add(proven, 2, LOW).sending == (2,)


def test_a_winner_that_is_never_proven_is_given_up_in_the_end() -> None:
    """The other side lost it with its device before it sent anything."""
    alone = add(AT_LOW, 1, initiator=LOW)
    assert alone.expire(Hour(UNTIL + 1)) == (alone, [])
    proven, _ = add(alone, 2, initiator=HIGH).opened(2)
    assert proven.sending == (1, 2)
    later, effects = proven.expire(Hour(UNTIL + 1))
    assert effects == [DeleteSession(number=1)]
    assert later.sending == (2,)


def test_a_later_try_of_the_same_side_ends_an_earlier_one() -> None:
    two = add(add(AT_LOW, 1, initiator=HIGH), 2, initiator=HIGH)
    first, _ = two.opened(1)
    assert numbers(first) == [1, 2]
    second, effects = two.opened(2)
    assert effects[0] == DeleteSession(number=1)
    assert numbers(second) == [2]


# New devices


def in_force(standing: Standing, initiator: IdentityKey) -> Standing:
    return add(standing, 1, initiator).opened(1)[0]


@pytest.mark.parametrize("first", [LOW, HIGH])
def test_the_old_session_stays_in_force_until_the_first_envelope_of_the_new_one(first: IdentityKey) -> None:
    again = add(in_force(AT_LOW, first), 2, HIGH, IntroductionKind.REINTRODUCTION)
    assert again.sending == (1,)
    still, effects = again.opened(1)
    assert (numbers(still), effects) == ([1, 2], [])
    ended, effects = again.opened(2)
    assert effects == [DeleteSession(number=1), TellNewDevice()]
    assert (numbers(ended), ended.sending) == ([2], (2,))


def test_a_re_introduction_does_not_change_reintro() -> None:
    again = add(in_force(AT_LOW, LOW), 2, HIGH, IntroductionKind.REINTRODUCTION)
    _, effects = again.opened(2)
    assert not any(isinstance(effect, KeepReintroduction) for effect in effects)
    asked = add(in_force(AT_LOW, LOW), 2, HIGH, IntroductionKind.KNOCK)
    _, effects = asked.opened(2)
    assert effects == [DeleteSession(number=1), TellNewDevice(), KeepReintroduction(number=2)]


def test_who_comes_again_tells_nobody_at_home() -> None:
    again = add(in_force(AT_HIGH, LOW), 2, HIGH, IntroductionKind.REINTRODUCTION)
    assert again.sending == (2,)
    _, effects = again.opened(2)
    assert effects == [DeleteSession(number=1)]


@pytest.mark.parametrize("standing", [AT_LOW, AT_HIGH])
def test_who_comes_again_had_the_first_introduction_whoever_began_it(standing: Standing) -> None:
    """Though nothing opened under the first one here, it is no crossing: there was something to remember."""
    again = add(add(standing, 1, LOW), 2, HIGH, IntroductionKind.REINTRODUCTION)
    late, _ = again.opened(1)
    assert numbers(late) == [1, 2]
    ended, effects = again.opened(2)
    assert effects[0] == DeleteSession(number=1)
    assert numbers(ended) == [2]


def test_a_new_device_is_told_even_when_the_old_session_was_lost() -> None:
    again = add(AT_LOW, 2, HIGH, IntroductionKind.REINTRODUCTION)
    _, effects = again.opened(2)
    assert effects == [ConfirmContact(), TellNewDevice()]


# Blocks and bounds


def test_a_block_deletes_everything_and_sends_nothing() -> None:
    two = add(in_force(AT_LOW, LOW), 2, HIGH)
    gone, effects = two.block()
    assert effects == [
        DeleteSession(number=1),
        DeleteSession(number=2),
        DeleteReintroduction(),
        EndPending(),
        AddToBlocklist(identity_key=HIGH),
    ]
    assert gone == AT_LOW
    assert gone.sending == ()


def test_introductions_of_a_pair_are_bounded() -> None:
    """What was answered is not dropped: the other side may have read the answer."""
    full = AT_LOW
    for number in range(INTRODUCTIONS_PER_SIDE_MAX):
        assert full.has_room(HIGH)
        full = add(full, number, HIGH)
    assert not full.has_room(HIGH)
    with pytest.raises(LocalProtocolError, match="too many"):
        add(full, 99, HIGH)
    assert full.has_room(LOW)
    add(full, 99, LOW)


def test_a_session_is_of_this_pair_and_new() -> None:
    one = add(AT_LOW, 1, LOW)
    for number, initiator in ((1, LOW), (2, IdentityKey(b"\x03" * 32))):
        with pytest.raises(LocalProtocolError):
            add(one, number, initiator)
    with pytest.raises(LocalProtocolError):
        one.opened(2)


# Two sides, and a network that loses, repeats and reorders


class Side:
    """One of the two, with what it waits for."""

    def __init__(self, standing: Standing) -> None:
        self.standing = standing
        self.pending: dict[int, int | None] = {}
        self.answered: set[int] = set()

    def add(self, message: "Message", over: int | None) -> None:
        number, initiator, kind = message
        self._apply(
            self.standing.add(number=number, kind=kind, initiator=initiator, over=over, until_hour=UNTIL)
        )

    def lose(self) -> None:
        """The device is gone with all it knew, and so are those who wait for it."""
        self.standing = Standing(own=self.standing.own, other=self.standing.other)
        self.pending.clear()

    def open(self, number: int) -> None:
        if number in numbers(self.standing):
            self._apply(self.standing.opened(number))

    def _apply(self, moved: tuple[Standing, list[StandingEffect]]) -> None:
        self.standing, effects = moved
        if EndPending() in effects:
            self.pending.clear()
        assert sum(each.proven for each in self.standing.sessions) <= 1


Message = tuple[int, IdentityKey, IntroductionKind]


class Two:
    """Messages stay in the air for ever: each may arrive never, or several times, in any order."""

    def __init__(self, *, restless: bool) -> None:
        self.restless = restless
        self.sides = {LOW: Side(AT_LOW), HIGH: Side(AT_HIGH)}
        self.begun: list[Message] = []
        self.replies: list[Message] = []
        self.envelopes: list[tuple[int, IdentityKey]] = []
        self.known = False

    def begin(self, initiator: IdentityKey) -> None:
        """Who lost a session comes again or knocks; a restless one comes again without need."""
        side = self.sides[initiator]
        settled = bool(side.standing.sessions)
        if len(self.begun) == BEGUN_MAX or (settled and not (self.restless and side.standing.proven)):
            return
        again = settled or (self.known and len(self.begun) % 2 == 0)
        kind = IntroductionKind.REINTRODUCTION if again else IntroductionKind.KNOCK
        self.begun.append((len(self.begun) + 1, initiator, kind))
        side.pending[len(self.begun)] = side.standing.in_force

    def answer(self, at: int) -> None:
        message = number, initiator, _ = self.begun[at % len(self.begun)]
        responder = self.sides[other(initiator)]
        if number not in responder.answered:
            responder.answered.add(number)
            responder.add(message, responder.standing.in_force)
            self.replies.append(message)

    def finish(self, at: int) -> None:
        message = number, initiator, _ = self.replies[at % len(self.replies)]
        side = self.sides[initiator]
        if number in side.pending:
            self.known = True
            side.add(message, side.pending.pop(number))
            self.envelopes.append((number, initiator))

    def send(self, sender: IdentityKey) -> None:
        self.envelopes.extend((number, sender) for number in self.sides[sender].standing.sending)

    def open(self, at: int) -> None:
        number, sender = self.envelopes[at % len(self.envelopes)]
        self.sides[other(sender)].open(number)

    def settle(self) -> None:
        """No more introductions, and nothing is lost for a while."""
        for sender in (LOW, HIGH) * 3:
            before = len(self.envelopes)
            self.send(sender)
            for number, _ in self.envelopes[before:]:
                self.sides[other(sender)].open(number)


def other(identity_key: IdentityKey) -> IdentityKey:
    return HIGH if identity_key == LOW else LOW


STEPS = st.tuples(st.sampled_from(["begin", "answer", "finish", "send", "open", "lose"]), st.integers(0, 30))


def play(steps: list[tuple[str, int]], *, all_come: bool, restless: bool) -> Two:
    two = Two(restless=restless)
    for what, at in steps:
        side = (LOW, HIGH)[at % 2]
        if what == "begin":
            two.begin(side)
        elif what == "send":
            two.send(side)
        elif what == "lose":
            two.sides[side].lose()
        elif what == "answer" and two.begun:
            two.answer(at)
        elif what == "finish" and two.replies:
            two.finish(at)
        elif what == "open" and two.envelopes:
            two.open(at)
    if all_come:
        for at in range(len(two.begun)):
            two.answer(at)
        for at in range(len(two.replies)):
            two.finish(at)
    two.settle()
    return two


@given(steps=st.lists(STEPS, max_size=40), all_come=st.booleans())
def test_two_sides_that_may_send_reach_each_other(steps: list[tuple[str, int]], all_come: bool) -> None:
    """Whatever crossed, was lost or came twice, and although either may have lost its device."""
    two = play(steps, all_come=all_come, restless=True)
    low, high = (two.sides[key].standing for key in (LOW, HIGH))
    if low.sending and high.sending:
        assert set(low.sending) & set(numbers(high))
        assert set(high.sending) & set(numbers(low))


@given(steps=st.lists(STEPS.filter(lambda step: step[0] != "lose"), max_size=40), all_come=st.booleans())
def test_two_sides_that_kept_their_devices_end_in_the_same_session(
    steps: list[tuple[str, int]], all_come: bool
) -> None:
    two = play(steps, all_come=all_come, restless=False)
    low, high = (two.sides[key].standing.sending for key in (LOW, HIGH))
    if low and high:
        assert low == high
        assert len(low) == 1
