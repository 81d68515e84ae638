"""Catch-up: all that is for us is found once, in linear work, whatever a contact or a forger published."""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.people import EPOCH, NOON, at
from tocsin_protocol.catchup import CatchUp, Coverage, Done, Full, Go, Load, Look, Pause, Tried, Try
from tocsin_protocol.errors import LocalProtocolError
from tocsin_protocol.limits import (
    CATCH_UP_ENVELOPES_MAX,
    CATCH_UP_SLICE_DERIVATIONS,
    CHAIN_INDEX_MAX,
    EPOCH_HOURS,
    SKIPPED_MAX,
    STORE_CLOSE_HOURS,
    WINDOW_CONTROL_SIZE,
    WINDOW_SIZE,
)
from tocsin_protocol.recognise import StreamId, StreamState
from tocsin_protocol.types import Epoch, Hour, MessageKey, Tag
from tocsin_protocol.wheel import Chain, Link, Q, Wheel, first_chain

HOUR = NOON.hour
TOMORROW = at(EPOCH + 1)


def stream(contact: int = 1, q: Q = Q.RING) -> StreamId:
    return StreamId(contact=contact, epoch=EPOCH, q=q)


def state(of: StreamId) -> StreamState:
    wheel = Wheel(epoch=EPOCH, key=of.contact.to_bytes(32, "big"))
    return StreamState(chain=first_chain(wheel, of.q))


def links(of: StreamId, count: int) -> list[Link]:
    chain, made = state(of).chain, []
    for _ in range(count):
        chain, link = chain.step()
        made.append(link)
    return made


@dataclass
class Reader:
    """Whoever drives a catch-up: an envelope is a link, and opens for who has the same key."""

    catch_up: CatchUp = field(default_factory=lambda: CatchUp(EPOCH))
    envelopes: list[Link] = field(default_factory=list)
    tries: list[Try] = field(default_factory=list)
    opened: list[Link] = field(default_factory=list)
    states: dict[StreamId, StreamState] = field(default_factory=dict)
    pauses: int = 0
    limit: int | None = None

    def load(self, envelopes: Iterable[Link], hour: Hour = HOUR) -> None:
        added = list(envelopes)
        start = len(self.envelopes)
        self.envelopes += added
        tags = tuple((link.tag, start + offset) for offset, link in enumerate(added))
        assert self.catch_up.handle(Load(hour=hour, tags=tags), TOMORROW) == ()

    def look(self, *streams: StreamId) -> "Reader":
        for each in streams:
            self.catch_up.handle(Look(stream=each, state=self.states.get(each) or state(each)), TOMORROW)
        (effect,) = self.catch_up.handle(Go(), TOMORROW)
        while not isinstance(effect, Done):
            if isinstance(effect, Pause):
                self.pauses += 1
                (effect,) = self.catch_up.handle(Go(), TOMORROW)
            else:
                assert isinstance(effect, Try)
                (effect,) = self.catch_up.handle(self.open(effect), TOMORROW)
        return self

    def open(self, attempt: Try) -> Tried:
        self.tries.append(attempt)
        opens = any(self.envelopes[position].key == attempt.link.key for position in attempt.positions)
        if opens:
            assert attempt.link not in self.opened
            self.opened.append(attempt.link)
            self.states[attempt.stream] = attempt.after
        return Tried(opened=opens, window=self.limit is None or len(self.opened) <= self.limit)

    def indices(self) -> list[int]:
        return [link.index for link in self.opened]


def test_shuffled_envelopes_are_found_in_their_order() -> None:
    sent = links(stream(), 100)
    shuffled = random.Random(1).sample(sent, 100)
    reader = Reader()
    reader.load(shuffled)
    reader.look(stream())
    assert reader.indices() == list(range(100))
    final = reader.states[stream()]
    assert (final.chain.index, final.opened, final.skipped) == (100, 100, ())


def test_a_hostile_contact_that_skips_costs_one_derivation_for_each_index() -> None:
    sent = links(stream(), 40 * WINDOW_SIZE)[WINDOW_SIZE - 1 :: WINDOW_SIZE]
    reader = Reader()
    reader.load(sent)
    reader.look(stream())
    assert len(reader.opened) == 40
    assert reader.catch_up.looked_up == 41 * WINDOW_SIZE
    final = reader.states[stream()]
    assert len(final.skipped) == SKIPPED_MAX
    assert final.missing == 40 * (WINDOW_SIZE - 1)


def test_a_thousand_envelopes_published_backwards_cost_no_more_than_forwards() -> None:
    sent = links(stream(), 1_000)
    counts = []
    for order in (sent, sent[::-1]):
        reader = Reader()
        reader.load(order)
        reader.look(stream())
        assert reader.indices() == list(range(1_000))
        counts.append((reader.catch_up.looked_up, len(reader.tries)))
    assert counts == [(1_000 + WINDOW_SIZE, 1_000)] * 2


def test_a_contact_that_sent_nothing_costs_its_windows() -> None:
    reader = Reader()
    reader.look(*(stream(contact, q) for contact in range(100) for q in Q))
    assert reader.catch_up.looked_up == 100 * (WINDOW_SIZE + WINDOW_CONTROL_SIZE)
    assert reader.pauses == reader.catch_up.looked_up // CATCH_UP_SLICE_DERIVATIONS
    assert reader.tries == []


def test_no_turn_of_the_event_loop_is_long() -> None:
    reader = Reader()
    for contact in range(300):
        each = stream(contact)
        reader.catch_up.handle(Look(stream=each, state=state(each)), TOMORROW)
    before = reader.catch_up.looked_up
    assert reader.catch_up.handle(Go(), TOMORROW) == (Pause(),)
    assert reader.catch_up.looked_up - before <= CATCH_UP_SLICE_DERIVATIONS


def test_every_envelope_of_a_tag_is_tried_until_one_opens() -> None:
    sent = links(stream(), 2)
    forged = [
        Link(index=0, key=MessageKey(link.key[::-1]), tag=sent[0].tag, nid=link.nid)
        for link in links(stream(2), 3)
    ]
    reader = Reader()
    reader.load([forged[0], forged[1], sent[1], sent[0], forged[2]])
    reader.look(stream())
    assert reader.tries[0].positions == (0, 1, 3, 4)
    assert reader.indices() == [0, 1]


def test_a_tag_of_which_nothing_opens_stays_and_is_found_once_the_real_one_is_loaded() -> None:
    sent = links(stream(), 3)
    forged = Link(index=1, key=sent[0].key, tag=sent[1].tag, nid=sent[1].nid)
    reader = Reader()
    reader.load([sent[0], forged, sent[2]])
    reader.look(stream())
    assert reader.indices() == [0, 2]
    assert [link.index for link in reader.states[stream()].skipped] == [1]
    reader.load([sent[1]])
    reader.look(stream())
    assert reader.indices() == [0, 2, 1]
    assert reader.states[stream()].skipped == ()


def test_control_streams_go_first() -> None:
    streams = [stream(contact, q) for contact in (1, 2) for q in Q]
    reader = Reader()
    reader.load(links(each, 1)[0] for each in streams)
    reader.look(*streams)
    assert [attempt.stream.q for attempt in reader.tries] == [Q.CONTROL] * 2 + [Q.RING] * 2


def test_a_gap_of_a_window_stays_until_a_store_fills_it() -> None:
    sent = links(stream(), 40)
    reader = Reader()
    reader.load(sent[:4] + sent[20:])
    reader.look(stream())
    assert reader.indices() == [0, 1, 2, 3]
    reader.load(sent[10:11])
    reader.look(stream())
    assert reader.indices() == [0, 1, 2, 3, 10, *range(20, 40)]


def test_above_the_grant_the_windows_of_that_contact_and_stream_stop() -> None:
    other = stream(2)
    reader = Reader(limit=5)
    reader.load([*links(stream(), 30), *links(other, 30)])
    reader.look(stream())
    assert len(reader.opened) == 6
    stopped = Look(stream=StreamId(contact=1, generation=1, epoch=EPOCH, q=Q.RING), state=state(other))
    reader.catch_up.handle(stopped, TOMORROW)
    assert reader.look().indices() == list(range(6))
    reader.limit = None
    assert len(reader.look(other).opened) == 36


def test_without_a_window_only_skipped_messages_are_looked_for() -> None:
    reader = Reader()
    sent = links(stream(), 8)
    reader.load([sent[0], sent[5]])
    reader.look(stream())
    reader.load(sent[1:5] + sent[6:])
    look = Look(stream=stream(), state=reader.states[stream()], window=False)
    reader.catch_up.handle(look, TOMORROW)
    reader.look()
    assert reader.indices() == [0, 5, 1, 2, 3, 4]


def test_hours_that_cannot_be_and_other_epochs_are_not_loaded() -> None:
    reader = Reader(CatchUp(EPOCH))
    tags = tuple((link.tag, 0) for link in links(stream(), 1))
    for hour in (HOUR - EPOCH_HOURS, HOUR + EPOCH_HOURS):
        assert reader.catch_up.handle(Load(hour=Hour(hour), tags=tags), TOMORROW) == ()
    assert reader.catch_up.handle(Load(hour=Hour(HOUR + 2), tags=tags), NOON) == ()
    assert reader.look(stream()).tries == []
    assert reader.catch_up.handle(Load(hour=Hour(HOUR + 1), tags=tags), NOON) == ()
    assert reader.catch_up.handle(Look(stream=stream(), state=state(stream())), NOON) == ()
    assert isinstance(reader.catch_up.handle(Go(), NOON)[0], Try)


def test_what_does_not_fit_is_said() -> None:
    catch_up = CatchUp(EPOCH)
    tags = tuple((Tag(number.to_bytes(16, "big")), number) for number in range(100_000))
    for _ in range(CATCH_UP_ENVELOPES_MAX // len(tags)):
        assert catch_up.handle(Load(hour=HOUR, tags=tags), TOMORROW) == ()
    assert catch_up.handle(Load(hour=HOUR, tags=tags[:1]), TOMORROW) == (Full(),)


def test_a_stream_ends_with_its_chain() -> None:
    chain = Chain(epoch=EPOCH, q=Q.RING, index=CHAIN_INDEX_MAX - 1, key=b"\x01" * 32)
    after, _ = chain.step()
    _, last = after.step()
    reader = Reader(states={stream(): StreamState(chain=chain)})
    reader.load([last])
    reader.look(stream())
    assert reader.indices() == [CHAIN_INDEX_MAX]
    assert reader.catch_up.looked_up == 2


def test_steps_out_of_turn_are_our_mistakes() -> None:
    reader = Reader()
    with pytest.raises(LocalProtocolError):
        reader.catch_up.handle(Tried(opened=True), TOMORROW)
    other = StreamId(contact=1, epoch=Epoch(EPOCH + 1), q=Q.RING)
    with pytest.raises(LocalProtocolError):
        reader.catch_up.handle(Look(stream=other, state=state(stream())), TOMORROW)
    reader.load(links(stream(), 1))
    reader.catch_up.handle(Look(stream=stream(), state=state(stream())), TOMORROW)
    reader.catch_up.handle(Go(), TOMORROW)
    with pytest.raises(LocalProtocolError):
        reader.catch_up.handle(Go(), TOMORROW)


@given(st.lists(st.integers(0, 60), max_size=60), st.lists(st.integers(0, 60), max_size=30))
def test_live_gossip_and_catch_up_end_in_the_same_state(live: list[int], stored: list[int]) -> None:
    """What opened in any order, by whatever way, leaves what was read underivable and the rest as it was."""
    sent = links(stream(), 61)
    reader = Reader()
    for batch in (live, stored, live + stored):
        reader.load([sent[index] for index in batch])
        reader.look(stream())
    final = reader.states.get(stream(), state(stream()))
    assert final.opened == len(reader.opened) == len(set(reader.indices()))
    kept = {link.key for link in final.skipped}
    chain = final.chain
    for _ in range(62):
        chain, link = chain.step()
        kept.add(link.key)
    assert not kept & {link.key for link in reader.opened}


# What was read whole


def test_an_epoch_is_covered_when_two_stores_gave_every_hour_after_they_had_closed_it() -> None:
    coverage = Coverage(EPOCH)
    hours = [Hour(EPOCH * EPOCH_HOURS + hour) for hour in range(EPOCH_HOURS)]
    for store in (1, 2):
        for hour in hours:
            assert not coverage.is_complete
            coverage.loaded(store, hour, Hour(hour + STORE_CLOSE_HOURS - 1))
            coverage.loaded(1, hour, Hour(hour + STORE_CLOSE_HOURS))
            coverage.loaded(store, Hour(hour + EPOCH_HOURS), Hour(hour + 100))
            coverage.loaded(store, hour, Hour(hour + STORE_CLOSE_HOURS))
    assert coverage.is_complete
    coverage.loaded(3, hours[0], Hour(hours[0] + STORE_CLOSE_HOURS))
    assert coverage.is_complete


def test_an_hour_that_a_store_had_not_closed_yet_does_not_count() -> None:
    coverage = Coverage(EPOCH)
    for hour in range(EPOCH * EPOCH_HOURS, (EPOCH + 1) * EPOCH_HOURS):
        for store in (1, 2):
            coverage.loaded(store, Hour(hour), Hour(hour + STORE_CLOSE_HOURS - (hour % EPOCH_HOURS == 5)))
    assert not coverage.is_complete
    fifth = Hour(EPOCH * EPOCH_HOURS + 5)
    for store in (1, 2):
        coverage.loaded(store, fifth, Hour(fifth + STORE_CLOSE_HOURS))
    assert coverage.is_complete
