"""One contact's sessions: grants, control maps, introductions, restarts, and that nothing happens twice."""

from dataclasses import replace

import pytest

from tests.protocol.people import (
    BELIEVED,
    CONFIRMED_CLOCK,
    EPOCH,
    HIGH,
    LOW,
    NOON,
    ROOTS,
    SEEDS,
    Letter,
    Person,
    at,
    exchange,
    introduced,
    kinds,
    later,
    settled,
)
from tests.protocol.renewals import says, why
from tocsin_protocol import effects as fx
from tocsin_protocol.control import Confirm, NewCard, NewGrant
from tocsin_protocol.effects import Role, Why
from tocsin_protocol.errors import LocalProtocolError
from tocsin_protocol.grant import Grant
from tocsin_protocol.identity import Identity, Rotation
from tocsin_protocol.limits import GRANT_CONTROL_PER_DAY_MAX, HOUR_MS, WINDOW_CONTROL_SIZE
from tocsin_protocol.recognise import StreamId, StreamMatch, StreamState, consume
from tocsin_protocol.session import Begin, End, Opened, Session, SetGrant, Tick
from tocsin_protocol.types import Epoch
from tocsin_protocol.wheel import Q


def stream_of(letter: Letter, q: Q = Q.RING) -> StreamId:
    return StreamId(contact=1, generation=letter.number, epoch=letter.epoch, q=q)


# Grants


def test_above_the_grant_one_is_recorded_and_the_windows_stop() -> None:
    low, high, now = settled()
    high.handle(SetGrant(grant=Grant(per_day=3)), now)
    letters = [low.must_send(now) for _ in range(8)]
    within = [high.receive(letter, now) for letter in letters[:3]]
    assert not any(kinds(effects, fx.RateLimited, fx.StopWindows) for effects in within)
    above = high.receive(letters[3], now)
    assert kinds(above, fx.RateLimited, fx.StopWindows) == [
        fx.RateLimited(stream=stream_of(letters[3]), index=3),
        fx.StopWindows(epoch=EPOCH, q=Q.RING),
    ]
    assert high.receive(letters[4], now) is None
    high.crash()
    assert high.receive(letters[4], now) is None
    assert high.receive(low.must_send(now, Q.CONTROL), now) is not None
    tomorrow = at(EPOCH + 1)
    low.tick(tomorrow)
    assert high.receive(low.must_send(tomorrow), tomorrow) is not None


def test_a_grant_counts_all_generations_of_a_day_together() -> None:
    low, high = introduced()
    high.handle(SetGrant(grant=Grant(per_day=2)), NOON)
    for _ in range(2):
        high.receive(low.must_send(NOON), NOON)
    now = exchange(NOON, low, high)
    letter = low.must_send(now)
    assert letter.number == 1
    assert kinds(high.receive(letter, now), fx.RateLimited)


def test_control_is_counted_apart_and_stops_at_64() -> None:
    low, high, now = settled()
    high.handle(SetGrant(grant=Grant(per_day=0)), now)
    opened = high.session.pair.opened(EPOCH, Q.CONTROL)
    for _ in range(GRANT_CONTROL_PER_DAY_MAX - opened):
        effects = high.receive(says(low, NewGrant(grant=Grant()), now), now)
        assert kinds(effects, fx.Granted)
    assert why(high.receive(says(low, NewGrant(grant=Grant()), now), now)) is Why.RATE
    assert high.receive(says(low, NewGrant(grant=Grant()), now), now) is None


def test_after_a_grant_expired_nothing_is_looked_for() -> None:
    low, high, now = settled()
    high.handle(SetGrant(grant=Grant(expires_hour=now.hour)), now)
    assert high.receive(low.must_send(now), now) is not None
    after = later(now, HOUR_MS)
    assert high.receive(low.must_send(after), after) is None
    assert high.session.pair.live_streams(after) == ()
    high.handle(SetGrant(grant=Grant()), after)
    assert high.receive(low.must_send(after), after) is not None


def test_a_grant_that_expired_ends_a_catch_up_with_its_day() -> None:
    _, high, now = settled()
    high.handle(SetGrant(grant=Grant(expires_hour=now.hour)), now)
    assert list(high.session.pair.streams(EPOCH))
    assert not list(high.session.pair.streams(Epoch(EPOCH + 1)))


def test_what_is_stored_is_not_looked_ahead_to() -> None:
    _, high, _ = settled()
    today, tomorrow = (StreamId(contact=1, generation=1, epoch=Epoch(EPOCH + d), q=Q.RING) for d in (0, 1))
    assert high.session.pair.look_ahead(today) is None
    assert high.session.pair.look_ahead(tomorrow) is not None
    assert high.session.pair.look_ahead(replace(tomorrow, generation=5)) is None


# Control maps


def test_a_grant_of_theirs_is_passed_on() -> None:
    low, high, now = settled()
    grant = Grant(kinds=1, per_day=5)
    assert fx.Granted(grant=grant) in (high.receive(says(low, NewGrant(grant=grant), now), now) or ())


def test_a_confirmation_names_the_generation_it_is_sealed_under() -> None:
    low, high, now = settled()
    assert why(high.receive(says(low, Confirm(generation=1), now), now)) is None
    assert why(high.receive(says(low, Confirm(generation=0), now), now)) is Why.NUMBER


def test_a_card_is_taken_when_it_is_signed_and_newer() -> None:
    low, high, now = settled()
    newer = next(
        identity
        for identity in (
            Identity.from_seed(seed, Rotation(number=5, not_before_hour=now.hour)) for seed in SEEDS
        )
        if identity.identity_key == LOW.identity_key
    )
    card = NewCard(card=newer.card, signature=newer.card.sign(newer))
    assert fx.PutCard(card=newer.card) in (high.receive(says(low, card, now), now) or ())
    assert why(high.receive(says(low, card, now), now)) is None
    old = NewCard(card=LOW.card, signature=LOW.card.sign(LOW))
    assert why(high.receive(says(low, old, now), now)) is Why.CARD
    forged = NewCard(card=newer.card, signature=newer.card.sign(HIGH))
    assert why(high.receive(says(low, forged, now), now)) is Why.CARD
    assert high.session.pair.card == newer.card


# The machine itself


def test_handling_changes_nothing_until_it_is_applied() -> None:
    low, _, now = settled()
    before = repr(low.session.pair)
    for event in (Tick(evidence=CONFIRMED_CLOCK, draw=low.draw()), End(), SetGrant(grant=Grant(per_day=1))):
        assert low.session.handle(event, at(EPOCH + 9))
        assert repr(low.session.pair) == before
    assert low.send(now) is not None


def test_a_restart_brings_back_all_but_what_was_only_in_memory() -> None:
    low, high, now = settled()
    low.must_send(now)
    high.receive(low.must_send(now), now)
    for person in (low, high):
        person.handle(SetGrant(grant=Grant(per_day=7)), now)
        was = person.session.pair
        person.crash()
        pair = person.session.pair
        assert pair.wheels == was.wheels
        assert pair.roots == was.roots
        assert pair.epochs == was.epochs
        assert pair.counts == was.counts
        assert (pair.grant, pair.card) == (was.grant, was.card)
        assert {key: sending.stored for key, sending in pair.sending.items()} == {
            key: sending.stored for key, sending in was.sending.items()
        }


def test_a_session_without_keys_does_nothing() -> None:
    session = Session(contact=1, own=LOW.identity_key, other=HIGH.identity_key)
    person = Person(LOW, HIGH)
    assert session.pair.current is session.pair.next is None
    assert session.handle(Tick(evidence=BELIEVED, draw=person.draw()), NOON) == ()
    assert person.send(NOON) is None


def test_a_session_is_introduced_once() -> None:
    low, _, now = settled()
    with pytest.raises(LocalProtocolError):
        low.introduce(now, Role.BEGAN)


def opened(person: Person, stream: StreamId, state: StreamState, control: object = None) -> Opened:
    return Opened(
        stream=stream,
        index=0,
        state=state,
        born_hour=NOON.hour,
        control=Confirm(generation=1) if control else None,
        witnessed=True,
        draw=person.draw(),
    )


def test_a_stream_of_another_session_and_control_that_rings_are_our_mistakes() -> None:
    low, high, now = settled()
    stream = stream_of(high.must_send(now))
    chain = low.state_of(stream).chain
    state = consume(StreamState(chain=chain), chain.step()[1])
    for strange in (
        StreamId(contact=2, generation=1, epoch=EPOCH, q=Q.RING),
        StreamId(contact=1, generation=7, epoch=EPOCH, q=Q.RING),
    ):
        with pytest.raises(LocalProtocolError):
            low.session.handle(opened(low, strange, state), now)
    with pytest.raises(LocalProtocolError):
        low.session.handle(opened(low, stream, state, control=True), now)


def test_q_streams_do_not_mix() -> None:
    """A letter for one stream is nothing to the other, whatever its index."""
    low, high, now = settled()
    letters = {q: [low.must_send(now, q) for _ in range(WINDOW_CONTROL_SIZE)] for q in Q}
    tags = [letter.tag for sent in letters.values() for letter in sent]
    assert len(set(tags)) == 2 * WINDOW_CONTROL_SIZE
    for q, sent in letters.items():
        for letter in sent:
            match = high.recogniser.find(letter.tag, letter.born_hour)
            assert isinstance(match, StreamMatch)
            assert match.stream == stream_of(letter, q)


def test_an_introduction_answered_late_starts_at_the_epoch_reached() -> None:
    low = Person(LOW, HIGH)
    epoch, now = Epoch(EPOCH - 5), NOON
    low.handle(
        Begin(roots=ROOTS, epoch=epoch, reached=EPOCH, role=Role.BEGAN, card=HIGH.card, draw=low.draw()),
        now,
    )
    assert {stream.epoch for stream in low.records.streams} == set(range(epoch, EPOCH + 1))
    assert {e for _, e, _ in low.records.sending} == {EPOCH}
    assert low.must_send(now).epoch == EPOCH


def test_an_initiator_sends_nothing_before_the_first_epoch() -> None:
    low = Person(LOW, HIGH)
    late = at(EPOCH, hour=23, minute=50)
    low.introduce(late, Role.BEGAN, epoch=Epoch(EPOCH + 1))
    assert low.send(late) is None
    assert not kinds(low.log, fx.Seal)
    assert len(kinds(low.tick(at(EPOCH + 1, hour=0)), fx.Seal)) == 2


def test_a_provisional_contact_is_sent_nothing() -> None:
    _, high = introduced()
    assert high.send(NOON) is None
