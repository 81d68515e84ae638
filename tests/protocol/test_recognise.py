"""Recognition: windows, losses and reorder, midnight, and that a consumed key is gone for good.

Opening an envelope is another matter: here whoever calls `advance` says that it opened.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.streams import (
    CONTROL,
    EPOCH,
    HOUR,
    KEY,
    RING,
    TAG,
    chain_of,
    links_of,
    must_receive,
    receive,
    watching,
)
from tocsin_protocol.errors import LocalProtocolError
from tocsin_protocol.limits import (
    CHAIN_INDEX_MAX,
    EPOCH_HOURS,
    HOUR_MS,
    SKIPPED_CONTROL_MAX,
    SKIPPED_MAX,
    WINDOW_CONTROL_SIZE,
    WINDOW_SIZE,
)
from tocsin_protocol.recognise import (
    InviteTag,
    OnceMatch,
    Recogniser,
    ReplyTag,
    StreamId,
    StreamMatch,
    StreamState,
    consume,
    live_epochs,
)
from tocsin_protocol.types import Epoch, Hour, MessageKey, Now, Tag
from tocsin_protocol.wheel import Chain, Q


def derivable(state: StreamState, count: int) -> set[MessageKey]:
    """Every message key that a thief of this state can make."""
    keys = {link.key for link in state.skipped}
    chain = state.chain
    for _ in range(count):
        chain, link = chain.step()
        keys.add(link.key)
    return keys


def test_an_unknown_tag_is_a_miss() -> None:
    assert watching(RING).find(TAG, HOUR) is None


@pytest.mark.parametrize(("stream", "window"), [(RING, WINDOW_SIZE), (CONTROL, WINDOW_CONTROL_SIZE)])
def test_a_window_ahead_is_recognised_and_no_more(stream: StreamId, window: int) -> None:
    recogniser = watching(stream)
    links = links_of(stream, window + 1)
    assert recogniser.size == window
    for link in links[:window]:
        assert recogniser.find(link.tag, HOUR) == StreamMatch(stream=stream, link=link)
    assert recogniser.find(links[window].tag, HOUR) is None


def test_streams_of_one_contact_do_not_mix() -> None:
    recogniser = watching(RING, CONTROL)
    link = links_of(CONTROL, 1)[0]
    assert recogniser.find(link.tag, HOUR) == StreamMatch(stream=CONTROL, link=link)
    must_receive(recogniser, link)
    assert receive(recogniser, link) is None
    assert all(receive(recogniser, ringing) for ringing in links_of(RING, 3))


def test_a_stream_is_not_watched_with_the_chain_of_another() -> None:
    with pytest.raises(LocalProtocolError):
        Recogniser().watch(CONTROL, StreamState(chain=chain_of(RING)))


def test_an_envelope_of_another_epoch_is_a_miss_though_its_tag_is_known() -> None:
    recogniser = watching(RING)
    recogniser.watch_once(TAG, EPOCH, InviteTag(invite=1), KEY)
    for tag in (links_of(RING, 1)[0].tag, TAG):
        assert recogniser.find(tag, Hour((EPOCH + 1) * EPOCH_HOURS)) is None
        assert recogniser.find(tag, Hour(EPOCH * EPOCH_HOURS - 1)) is None
        assert recogniser.find(tag, HOUR) is not None


def test_a_consumed_tag_is_a_miss() -> None:
    recogniser = watching(RING)
    link = links_of(RING, 1)[0]
    must_receive(recogniser, link)
    assert recogniser.find(link.tag, HOUR) is None
    assert recogniser.size == WINDOW_SIZE


def test_an_envelope_that_does_not_open_consumes_nothing() -> None:
    recogniser = watching(RING)
    link = links_of(RING, 1)[0]
    for _ in range(3):
        assert recogniser.find(link.tag, HOUR) == StreamMatch(stream=RING, link=link)
    must_receive(recogniser, link)


def test_nothing_is_consumed_before_the_commit() -> None:
    recogniser = watching(RING)
    match = recogniser.find(links_of(RING, 1)[0].tag, HOUR)
    assert isinstance(match, StreamMatch)
    state = recogniser.advance(match)
    assert recogniser.find(match.link.tag, HOUR) == match
    recogniser.apply(RING, state)
    assert recogniser.find(match.link.tag, HOUR) is None


@given(st.permutations(range(WINDOW_SIZE)))
def test_any_order_within_a_window_loses_nothing(order: list[int]) -> None:
    recogniser = watching(RING)
    links = links_of(RING, 2 * WINDOW_SIZE)
    assert all(receive(recogniser, links[index]) for index in order)
    assert recogniser.size == WINDOW_SIZE
    assert all(receive(recogniser, link) for link in links[WINDOW_SIZE:])


@pytest.mark.parametrize(("stream", "window"), [(RING, WINDOW_SIZE), (CONTROL, WINDOW_CONTROL_SIZE)])
def test_a_stream_survives_the_loss_of_one_less_than_a_window(stream: StreamId, window: int) -> None:
    recogniser = watching(stream)
    links = links_of(stream, 2 * window)
    state = must_receive(recogniser, links[window - 1])
    assert [link.index for link in state.skipped] == list(range(window - 1))
    assert receive(recogniser, links[window])


def test_a_stream_that_lost_a_window_is_silent_until_its_gap_is_filled() -> None:
    recogniser = watching(RING)
    links = links_of(RING, 20)
    assert receive(recogniser, links[16]) is None
    must_receive(recogniser, links[3])
    must_receive(recogniser, links[16])


@pytest.mark.parametrize(("q", "cap"), [(Q.RING, SKIPPED_MAX), (Q.CONTROL, SKIPPED_CONTROL_MAX)])
def test_above_the_cap_the_oldest_skipped_entries_go_first(q: Q, cap: int) -> None:
    stream = StreamId(contact=1, epoch=EPOCH, q=q)
    recogniser = watching(stream)
    step = WINDOW_CONTROL_SIZE
    links = links_of(stream, 40 * step)
    state = [must_receive(recogniser, link) for link in links[step - 1 :: step]][-1]
    assert len(state.skipped) == cap
    skipped = [link.index for link in links if (link.index + 1) % step]
    assert [link.index for link in state.skipped] == skipped[-cap:]
    assert recogniser.find(links[skipped[-cap - 1]].tag, HOUR) is None
    assert links[skipped[-cap - 1]].key not in derivable(state, 50)
    must_receive(recogniser, links[skipped[-cap]])


def test_a_skipped_message_that_comes_late_leaves_the_chain_where_it_is() -> None:
    recogniser = watching(RING)
    links = links_of(RING, 6)
    before = must_receive(recogniser, links[4])
    after = must_receive(recogniser, links[2])
    assert after.chain == before.chain
    assert [link.index for link in after.skipped] == [0, 1, 3]


@given(st.lists(st.integers(0, 40), max_size=30))
def test_from_a_state_no_consumed_key_can_be_derived(indices: list[int]) -> None:
    recogniser = watching(RING)
    links = links_of(RING, 41)
    state, consumed = StreamState(chain=chain_of(RING)), set[MessageKey]()
    for index in indices:
        advanced = receive(recogniser, links[index])
        if advanced is not None:
            state = advanced
            consumed.add(links[index].key)
        assert not consumed & derivable(state, 60)
    again = Recogniser()
    again.watch(RING, state)
    assert again.size == recogniser.size == WINDOW_SIZE + len(state.skipped)


def test_a_link_is_consumed_once() -> None:
    links = links_of(RING, 2)
    state = consume(StreamState(chain=chain_of(RING)), links[1])
    state = consume(state, links[0])
    for link in links:
        with pytest.raises(LocalProtocolError):
            consume(state, link)


def test_a_window_ends_where_the_chain_ends() -> None:
    last = Chain(epoch=EPOCH, q=Q.RING, index=CHAIN_INDEX_MAX - 1, key=b"\x01" * 32)
    recogniser = Recogniser()
    recogniser.watch(RING, StreamState(chain=last))
    assert recogniser.size == 2
    _, link = last.step()[0].step()
    assert [skipped.index for skipped in must_receive(recogniser, link).skipped] == [CHAIN_INDEX_MAX - 1]
    assert recogniser.size == 1


def test_watching_again_replaces_what_was_watched() -> None:
    recogniser = watching(RING)
    links = links_of(RING, 10)
    recogniser.watch(RING, consume(StreamState(chain=chain_of(RING)), links[4]))
    assert recogniser.size == WINDOW_SIZE + 4
    assert receive(recogniser, links[4]) is None


def test_a_blocked_contact_is_a_miss_and_others_are_not() -> None:
    other = StreamId(contact=2, epoch=EPOCH, q=Q.RING)
    recogniser = watching(RING, CONTROL, other)
    recogniser.forget_contact(1)
    assert receive(recogniser, links_of(RING, 1)[0]) is None
    assert receive(recogniser, links_of(CONTROL, 1)[0]) is None
    assert recogniser.size == WINDOW_SIZE
    must_receive(recogniser, links_of(other, 1)[0])


def test_a_stream_forgotten_before_the_commit_returns_stays_forgotten() -> None:
    recogniser = watching(RING)
    match = recogniser.find(links_of(RING, 1)[0].tag, HOUR)
    assert isinstance(match, StreamMatch)
    state = recogniser.advance(match)
    recogniser.forget_stream(RING)
    recogniser.apply(RING, state)
    assert recogniser.size == 0
    with pytest.raises(LocalProtocolError):
        recogniser.advance(match)


def test_an_invite_is_recognised_in_each_of_its_epochs_and_a_reply_in_one() -> None:
    recogniser = Recogniser()
    invite, reply = InviteTag(invite=1), ReplyTag(pending=1)
    tomorrow = Epoch(EPOCH + 1)
    for epoch in (EPOCH, tomorrow):
        recogniser.watch_once(TAG, epoch, invite, KEY)
    reply_tag = Tag(b"\x01" * 16)
    recogniser.watch_once(reply_tag, EPOCH, reply, KEY)
    for hour in (HOUR, Hour(HOUR + EPOCH_HOURS)):
        assert recogniser.find(TAG, hour) == OnceMatch(tag=TAG, purpose=invite, key=KEY)
    assert recogniser.find(reply_tag, HOUR) == OnceMatch(tag=reply_tag, purpose=reply, key=KEY)
    assert recogniser.find(reply_tag, Hour(HOUR + EPOCH_HOURS)) is None
    recogniser.forget_once(TAG)
    recogniser.forget_once(TAG)
    assert recogniser.find(TAG, HOUR) is None
    assert recogniser.size == 1


def test_whoever_had_a_tag_first_keeps_it() -> None:
    recogniser = watching(RING)
    stolen = links_of(RING, 1)[0]
    recogniser.watch_once(stolen.tag, EPOCH, InviteTag(invite=1), KEY)
    recogniser.forget_once(stolen.tag)
    must_receive(recogniser, stolen)
    recogniser.watch_once(TAG, EPOCH, InviteTag(invite=1), KEY)
    recogniser.watch_once(TAG, EPOCH, InviteTag(invite=2), KEY)
    assert recogniser.find(TAG, HOUR) == OnceMatch(tag=TAG, purpose=InviteTag(invite=1), key=KEY)


def test_forgetting_a_stream_leaves_a_tag_that_another_had_first() -> None:
    recogniser = Recogniser()
    link = links_of(RING, 1)[0]
    recogniser.watch_once(link.tag, EPOCH, InviteTag(invite=1), KEY)
    recogniser.watch(RING, StreamState(chain=chain_of(RING)))
    recogniser.forget_stream(RING)
    assert recogniser.size == 1
    assert recogniser.find(link.tag, HOUR) is not None


@pytest.mark.parametrize(
    ("hour_of_day", "expected"),
    [(0, (-1, 0)), (1, (0,)), (12, (0,)), (22, (0,)), (23, (0, 1))],
)
def test_two_epochs_live_within_an_hour_of_midnight(hour_of_day: int, expected: tuple[int, ...]) -> None:
    now = Now(unix_ms=(EPOCH * EPOCH_HOURS + hour_of_day) * HOUR_MS, steady_ms=0)
    assert live_epochs(now) == tuple(EPOCH + offset for offset in expected)


def test_the_live_set_changes_with_the_hour_not_before_it() -> None:
    midnight_ms = EPOCH * EPOCH_HOURS * HOUR_MS
    assert live_epochs(Now(unix_ms=midnight_ms - HOUR_MS - 1, steady_ms=0)) == (EPOCH - 1,)
    assert live_epochs(Now(unix_ms=midnight_ms - 1, steady_ms=0)) == (EPOCH - 1, EPOCH)
    assert live_epochs(Now(unix_ms=midnight_ms, steady_ms=0)) == (EPOCH - 1, EPOCH)
    assert live_epochs(Now(unix_ms=midnight_ms + HOUR_MS, steady_ms=0)) == (EPOCH,)


def test_a_sender_whose_day_has_begun_is_recognised_before_ours_has() -> None:
    tomorrow = StreamId(contact=1, epoch=Epoch(EPOCH + 1), q=Q.RING)
    recogniser = watching(RING, tomorrow)
    link = links_of(tomorrow, 1)[0]
    born_hour = Hour(tomorrow.epoch * EPOCH_HOURS)
    assert recogniser.find(link.tag, born_hour) == StreamMatch(stream=tomorrow, link=link)
    assert recogniser.find(link.tag, Hour(born_hour - 1)) is None


def test_no_key_is_printed() -> None:
    match = OnceMatch(tag=TAG, purpose=InviteTag(invite=1), key=KEY)
    assert repr(KEY) not in repr((match, StreamMatch(stream=RING, link=links_of(RING, 1)[0])))
