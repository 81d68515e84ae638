"""The table over time: generations, stopped windows, midnight, gaps, statistics."""

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
from tocsin_protocol.limits import EPOCH_HOURS, WINDOW_CONTROL_SIZE, WINDOW_SIZE
from tocsin_protocol.recognise import (
    InviteTag,
    Recogniser,
    ReplyTag,
    Statistics,
    StreamId,
    StreamMatch,
    StreamState,
    consume,
)
from tocsin_protocol.types import Epoch, Hour, Tag
from tocsin_protocol.wheel import Chain, Q, Wheel, first_chain


def test_generations_of_one_contact_do_not_mix() -> None:
    older, newer = RING, StreamId(contact=1, generation=1, epoch=EPOCH, q=Q.RING)
    recogniser = watching(older)
    chain = first_chain(Wheel(epoch=EPOCH, key=b"\x05" * 32), Q.RING)
    recogniser.watch(newer, StreamState(chain=chain))
    _, link = chain.step()
    assert recogniser.find(link.tag, HOUR) == StreamMatch(stream=newer, link=link)
    recogniser.forget_stream(older)
    assert recogniser.size == WINDOW_SIZE
    must_receive(recogniser, link)


def test_a_stopped_window_leaves_what_was_skipped() -> None:
    other = StreamId(contact=2, epoch=EPOCH, q=Q.RING)
    recogniser = watching(RING, CONTROL, other)
    links = links_of(RING, 8)
    must_receive(recogniser, links[3])
    recogniser.stop_windows(1, EPOCH, Q.RING)
    assert recogniser.size == 3 + WINDOW_CONTROL_SIZE + WINDOW_SIZE
    assert receive(recogniser, links[4]) is None
    must_receive(recogniser, links[1])
    assert recogniser.size == 2 + WINDOW_CONTROL_SIZE + WINDOW_SIZE
    recogniser.forget_stream(RING)
    assert recogniser.size == WINDOW_CONTROL_SIZE + WINDOW_SIZE
    recogniser.watch(RING, StreamState(chain=chain_of(RING)))
    must_receive(recogniser, links[4])


def test_a_stream_is_watched_without_a_window_when_its_grant_is_used_up() -> None:
    recogniser = Recogniser()
    links = links_of(RING, 6)
    recogniser.watch(RING, consume(StreamState(chain=chain_of(RING)), links[4]), window=False)
    assert recogniser.size == 4
    assert receive(recogniser, links[5]) is None


def test_what_is_missing_is_what_did_not_come_before_the_last() -> None:
    recogniser = watching(RING)
    links = links_of(RING, 10)
    assert [must_receive(recogniser, links[index]).missing for index in (0, 3, 2, 9, 1)] == [0, 2, 1, 6, 5]


def test_at_midnight_all_of_another_epoch_is_forgotten_at_once() -> None:
    yesterday = StreamId(contact=1, epoch=Epoch(EPOCH - 1), q=Q.RING)
    tomorrow = StreamId(contact=1, epoch=Epoch(EPOCH + 1), q=Q.RING)
    recogniser = watching(RING, tomorrow)
    recogniser.watch(yesterday, StreamState(chain=Chain(epoch=yesterday.epoch, q=Q.RING, index=0, key=KEY)))
    recogniser.stop_windows(1, yesterday.epoch, Q.RING)
    for epoch in (yesterday.epoch, EPOCH):
        recogniser.watch_once(TAG, epoch, InviteTag(invite=1), KEY)
    recogniser.watch_once(Tag(b"\x01" * 16), yesterday.epoch, ReplyTag(pending=1), KEY)
    recogniser.keep_epochs({EPOCH, tomorrow.epoch})
    assert recogniser.size == 2 * WINDOW_SIZE + 1
    assert recogniser.find(TAG, Hour(HOUR - EPOCH_HOURS)) is None
    assert recogniser.find(TAG, HOUR) is not None
    recogniser.keep_epochs({tomorrow.epoch})
    assert recogniser.statistics.streams == 1
    assert receive(recogniser, links_of(RING, 1)[0]) is None


def test_every_find_is_counted_once() -> None:
    recogniser = watching(RING)
    link = links_of(RING, 1)[0]
    recogniser.watch_once(TAG, EPOCH, InviteTag(invite=1), KEY)
    recogniser.find(link.tag, HOUR)
    recogniser.find(TAG, HOUR)
    for tag in (link.tag, TAG):
        recogniser.find(tag, Hour(HOUR + EPOCH_HOURS))
    recogniser.find(Tag(bytes(16)), HOUR)
    assert recogniser.statistics == Statistics(tags=WINDOW_SIZE + 1, streams=1, hits=2, strays=2)


def test_a_tag_that_only_begins_like_one_of_ours_is_a_miss() -> None:
    recogniser = watching(RING)
    links = links_of(RING, 6)
    must_receive(recogniser, links[3])
    recogniser.watch_once(TAG, EPOCH, InviteTag(invite=1), KEY)
    for tag in (links[1].tag, links[5].tag, TAG):
        assert recogniser.find(tag, HOUR) is not None
        for other in range(256):
            like = Tag(tag[:15] + bytes((other,)))
            assert (recogniser.find(like, HOUR) is None) is (like != tag)
