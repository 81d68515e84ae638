"""The keys of a pair: which index a send takes, which clock is believed, and what is deleted when."""

from collections.abc import Iterable

import pytest

from tests.node.thief import stolen_tags, tags_of
from tests.node.world import DAY_MS, MIDNIGHT_MS, identity_of
from tocsin.pairs import (
    KEPT_EPOCHS,
    CannotSend,
    begin_pair,
    hour_within,
    receiving_state,
    take_index,
    turn_all,
    turn_to_proof,
)
from tocsin.store.changes import Change, PutSendingChain, PutStream
from tocsin.store.records import ReceivingStream, SendingChain
from tocsin.store.tables import Tables
from tocsin_protocol.limits import CHAIN_INDEX_MAX, EPOCH_HOURS, HOUR_MS, LOOKAHEAD_EPOCHS_MAX
from tocsin_protocol.recognise import StreamId, consume
from tocsin_protocol.types import Epoch, Hour, Now, Tag
from tocsin_protocol.wheel import Chain, Link, Q, Roots, tags_ahead

EPOCH = Epoch(MIDNIGHT_MS // DAY_MS)
CONTACT = 1
LONG_UP_MS = 2 * HOUR_MS
MINUTE_MS = 60_000
ROOTS = Roots(generation=0, key=b"m" * 32, wheel_key=b"w" * 32)


def at(days: float = 0.5, *, minutes: int = 0) -> Now:
    """A moment counted from the midnight at which EPOCH begins."""
    return Now(unix_ms=round(MIDNIGHT_MS + days * DAY_MS) + minutes * MINUTE_MS, steady_ms=0)


def apply(tables: Tables, changes: Iterable[Change]) -> None:
    for change in changes:
        tables.apply(change)


def pair_of(own: str, other: str, *, reached: int = EPOCH) -> Tables:
    tables = Tables()
    changes = begin_pair(
        contact=CONTACT,
        own=identity_of(own).identity_key,
        other=identity_of(other).identity_key,
        roots=ROOTS,
        epoch=EPOCH,
        reached=Epoch(reached),
    )
    apply(tables, changes)
    return tables


def stream(epoch: int = EPOCH, q: Q = Q.RING) -> StreamId:
    return StreamId(contact=CONTACT, epoch=Epoch(epoch), q=q)


def links(chain: Chain, count: int) -> list[Link]:
    found = []
    for _ in range(count):
        chain, link = chain.step()
        found.append(link)
    return found


def send(tables: Tables, now: Now, q: Q = Q.RING) -> Tag:
    taken = take_index(tables, CONTACT, q, now)
    apply(tables, taken.changes)
    return taken.link.tag


@pytest.mark.parametrize("q", Q)
@pytest.mark.parametrize("day", [0, 1])
def test_what_one_takes_the_other_expects(q: Q, day: int) -> None:
    alice, bob = pair_of("alice", "bob"), pair_of("bob", "alice")
    for sender, receiver in ((alice, bob), (bob, alice)):
        state = receiving_state(receiver, stream(EPOCH + day, q))
        assert state is not None
        sent = [send(sender, at(day + 0.5), q) for _ in range(4)]
        assert sent == list(tags_ahead(state.chain, 4))


def test_directions_and_streams_share_no_tag() -> None:
    alice = pair_of("alice", "bob")
    incoming = {tag for state in alice.receiving.values() for tag in tags_of(state.chain)}
    outgoing = {send(alice, at(), q) for q in Q for _ in range(4)}
    assert len(outgoing) == len(incoming) == 8
    assert not outgoing & incoming


def test_an_index_is_taken_only_by_the_commit() -> None:
    alice = pair_of("alice", "bob")
    first, again = (take_index(alice, CONTACT, Q.RING, at()) for _ in range(2))
    assert first == again
    apply(alice, first.changes)
    assert take_index(alice, CONTACT, Q.RING, at()).link.index == first.link.index + 1


def test_a_day_has_an_end_of_indices_and_the_next_day_new_ones() -> None:
    alice = pair_of("alice", "bob")
    last = Chain(epoch=EPOCH, q=Q.RING, index=CHAIN_INDEX_MAX, key=b"c" * 32)
    alice.apply(PutSendingChain(sending=SendingChain(contact=CONTACT, chain=last)))
    send(alice, at())
    with pytest.raises(CannotSend, match="65536 notifications to one contact in a day"):
        take_index(alice, CONTACT, Q.RING, at())
    assert take_index(alice, CONTACT, Q.RING, at(1.5)).link.index == 0


@pytest.mark.parametrize(
    ("days", "minutes", "epoch"),
    [
        (0, 0, EPOCH),
        (1, -1, EPOCH),
        (1, 0, EPOCH + 1),
        (2, -1, EPOCH + 1),
        (0, -1, EPOCH),
        (0, -60, EPOCH),
    ],
)
def test_a_clock_near_the_committed_day_may_send(days: int, minutes: int, epoch: int) -> None:
    assert take_index(pair_of("alice", "bob"), CONTACT, Q.RING, at(days, minutes=minutes)).epoch == epoch


@pytest.mark.parametrize(("days", "minutes"), [(0, -61), (-3, 0), (2, 0), (3, 0), (4_000, 0)])
def test_a_clock_far_from_the_committed_day_may_not(days: int, minutes: int) -> None:
    with pytest.raises(CannotSend, match="tocsin run --trust-clock"):
        take_index(pair_of("alice", "bob"), CONTACT, Q.RING, at(days, minutes=minutes))


@pytest.mark.parametrize(
    ("minutes", "hour"),
    [(-61, None), (-60, 0), (-1, 0), (0, 0), (1439, 23), (1440, 23), (1499, 23), (1500, None)],
)
def test_an_envelope_belongs_to_the_day_of_its_key(minutes: int, hour: int | None) -> None:
    expected = None if hour is None else Hour(EPOCH * EPOCH_HOURS + hour)
    assert hour_within(EPOCH, at(0, minutes=minutes)) == expected


def test_a_turn_deletes_what_could_still_be_sent_on_the_day_before() -> None:
    alice = pair_of("alice", "bob")
    outgoing = set().union(*(tags_of(chain) for chain in alice.sending.values()))
    assert outgoing <= stolen_tags(alice)
    apply(alice, turn_all(alice, at(1.5), LONG_UP_MS, clock_confirmed=False))
    assert not outgoing & stolen_tags(alice)
    assert alice.sending.keys() == {(CONTACT, EPOCH + 1, q) for q in Q}


def test_the_keys_of_a_day_outlive_the_envelopes_of_that_day_and_no_longer() -> None:
    bob = pair_of("bob", "alice")
    state = bob.receiving[stream()]
    skipped, third = tuple(tags_ahead(state.chain, 2)), links(state.chain, 3)[2]
    late = consume(state, third)
    bob.apply(PutStream(receiving=ReceivingStream(stream=stream(), state=late)))
    incoming = tags_of(late.chain) | {*skipped}
    for day in range(1, KEPT_EPOCHS + 1):
        apply(bob, turn_all(bob, at(day + 0.5), LONG_UP_MS, clock_confirmed=False))
        assert incoming <= stolen_tags(bob)
    apply(bob, turn_all(bob, at(KEPT_EPOCHS + 1.5), LONG_UP_MS, clock_confirmed=False))
    assert not incoming & stolen_tags(bob)


def test_keys_are_deleted_though_the_others_clock_always_turns_the_wheel_first() -> None:
    bob = pair_of("bob", "alice")
    for day in range(1, KEPT_EPOCHS + 4):
        apply(bob, turn_to_proof(bob, CONTACT, Epoch(EPOCH + day)))
        apply(bob, turn_all(bob, at(day + 0.5), LONG_UP_MS, clock_confirmed=False))
        assert min(stream.epoch for stream in bob.receiving) >= EPOCH + day - KEPT_EPOCHS


def test_proof_of_a_day_that_is_committed_changes_nothing() -> None:
    assert turn_to_proof(pair_of("bob", "alice"), CONTACT, EPOCH) == []


def test_a_turn_over_several_days_keeps_the_beginning_of_each() -> None:
    bob = pair_of("bob", "alice")
    expected = {
        (day, q): receiving_state(bob, stream(EPOCH + day, q)) for day in range(KEPT_EPOCHS) for q in Q
    }
    apply(bob, turn_to_proof(bob, CONTACT, Epoch(EPOCH + KEPT_EPOCHS - 1)))
    for (day, q), state in expected.items():
        assert receiving_state(bob, stream(EPOCH + day, q)) == state


def test_what_was_looked_ahead_and_used_is_not_begun_again_by_the_turn() -> None:
    alice = pair_of("alice", "bob")
    early = send(alice, at(1, minutes=5))
    apply(alice, turn_all(alice, at(1, minutes=65), LONG_UP_MS, clock_confirmed=False))
    assert send(alice, at(1, minutes=66)) != early


@pytest.mark.parametrize(
    ("days", "uptime_ms", "clock_confirmed", "turns"),
    [
        (0.9, LONG_UP_MS, True, False),
        (1.1, HOUR_MS - 1, False, False),
        (1.1, HOUR_MS, False, True),
        (1.1, 0, True, True),
        (3.1, LONG_UP_MS, False, False),
        (3.1, 0, True, True),
        (-3, LONG_UP_MS, True, False),
        (LOOKAHEAD_EPOCHS_MAX + 0.1, 0, True, True),
        (LOOKAHEAD_EPOCHS_MAX + 1.1, 0, True, False),
    ],
)
def test_whose_clock_is_believed(days: float, uptime_ms: int, clock_confirmed: bool, turns: bool) -> None:
    tables = pair_of("alice", "bob")
    changes = turn_all(tables, at(days), uptime_ms, clock_confirmed)
    assert bool(changes) == turns
    apply(tables, changes)
    if turns:
        assert send(tables, at(days))


def test_after_more_than_a_year_away_nothing_is_expected_of_the_pair() -> None:
    bob = pair_of("bob", "alice")
    assert receiving_state(bob, stream(EPOCH + LOOKAHEAD_EPOCHS_MAX)) is not None
    assert receiving_state(bob, stream(EPOCH + LOOKAHEAD_EPOCHS_MAX + 1)) is None


def test_a_late_answer_lets_the_taker_send_today_and_receive_from_the_first_day_on() -> None:
    alice = pair_of("alice", "bob", reached=EPOCH + 5)
    assert take_index(alice, CONTACT, Q.RING, at(5.5)).epoch == EPOCH + 5
    assert receiving_state(alice, stream(EPOCH)) is not None
