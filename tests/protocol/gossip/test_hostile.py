"""Neighbours that lie, flood or talk nonsense: they are counted, cut off, and never passed on.

Honest traffic beside them goes on in every test that ends with `assert_still_works`.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.gossip.world import (
    NOW,
    TOPIC,
    closed,
    connect,
    counts,
    delivered,
    envelope,
    frame,
    make_router,
    publish,
    receive,
    sent,
    showing,
    subscribing,
)
from tocsin_protocol.gossip.events import ClosePeer, Counted, Subscribe
from tocsin_protocol.gossip.router import Router
from tocsin_protocol.gossip.rpc import encode_entry, encode_uvarint
from tocsin_protocol.limits import (
    FRAME_SIZE_MAX,
    MESSAGES_PER_FRAME_MAX,
    RECENT_MAX,
    REJECTS_MAX,
    TOPIC_SIZE_MAX,
    TOPICS_PER_PEER_MAX,
)
from tocsin_protocol.types import Topic

RING = envelope(1)
DATA = b"\x12\x83\x04" + RING
TOPIC_FIELD = b"\x22" + bytes([len(TOPIC)]) + TOPIC.encode()


@pytest.fixture
def router() -> Router:
    """Between ann, bob and mallory, all of whom are subscribed."""
    return make_crowd()


def make_crowd() -> Router:
    router = make_router()
    router.handle(Subscribe(topic=TOPIC), NOW)
    connect(router, "ann", "bob", "mallory")
    return router


def message(fields: bytes) -> bytes:
    return frame(b"\x12" + encode_uvarint(len(fields)) + fields)


def assert_still_works(router: Router) -> None:
    effects = receive(router, "ann", showing(envelope(99)))
    assert delivered(effects) == [envelope(99)]
    assert sent(effects)["bob"] == [envelope(99)]


@pytest.mark.parametrize("author", [b"\x0a\x03eve", b"\x1a\x01\x00", b"\x2a\x01\x00", b"\x32\x01\x00"])
def test_a_message_that_names_its_author_is_rejected_unread(router: Router, author: bytes) -> None:
    effects = receive(router, "mallory", message(author + DATA + TOPIC_FIELD))
    assert counts(effects) == {Counted.AUTHORED: 1}
    assert len(effects) == 1
    assert delivered(receive(router, "ann", showing(RING))) == [RING]


@pytest.mark.parametrize(
    "extra", [b"\x3a\x03fat", TOPIC_FIELD, b"\x22\x01t"], ids=["unknown field", "same topic", "two topics"]
)
def test_a_message_with_more_than_it_needs_is_ignored(router: Router, extra: bytes) -> None:
    effects = receive(router, "mallory", message(DATA + TOPIC_FIELD + extra))
    assert counts(effects) == {Counted.ODD: 1}
    assert len(effects) == 1
    assert delivered(receive(router, "ann", showing(RING))) == [RING]


def test_ignored_messages_never_close_a_neighbour(router: Router) -> None:
    effects = receive(router, "mallory", showing(*[b"?old"] * 100))
    assert counts(effects) == {Counted.IGNORED: 100}
    assert len(effects) == 1
    assert delivered(receive(router, "mallory", showing(RING))) == [RING]


def test_a_few_rejected_messages_close_a_neighbour(router: Router) -> None:
    effects = receive(router, "mallory", showing(*[b"-bad"] * (REJECTS_MAX - 1)))
    assert counts(effects) == {Counted.REJECTED: REJECTS_MAX - 1}
    assert closed(effects) == []
    effects = receive(router, "mallory", showing(b"-bad", RING))
    assert closed(effects) == ["mallory"]
    assert delivered(effects) == []
    assert receive(router, "mallory", showing(RING)) == []
    assert_still_works(router)


def test_what_came_before_the_last_straw_was_valid_and_stays_so(router: Router) -> None:
    effects = receive(router, "mallory", showing(RING, *[b"-bad"] * REJECTS_MAX, envelope(2)))
    assert delivered(effects) == [RING]
    assert sent(effects) == {"ann": [RING], "bob": [RING]}
    assert closed(effects) == ["mallory"]


def test_authors_count_towards_the_same_limit(router: Router) -> None:
    authored = message(b"\x0a\x03eve" + DATA + TOPIC_FIELD)
    effects = receive(router, "mallory", authored * REJECTS_MAX)
    assert closed(effects) == ["mallory"]
    assert_still_works(router)


@pytest.mark.parametrize(
    "data",
    [
        encode_uvarint(FRAME_SIZE_MAX + 1),
        b"\xff" * 20,
        frame(b"\x12\xff\xff\x03"),
        frame(b"\x12\x00" * (MESSAGES_PER_FRAME_MAX + 1)),
        message(b"\x12\x01x\x22\x02\xff\xff"),
        b"\x02\x02\x00",
    ],
    ids=["long frame", "endless", "lying length", "too many", "topic is no text", "field 0"],
)
def test_malformed_bytes_close_a_neighbour(router: Router, data: bytes) -> None:
    (effect,) = receive(router, "mallory", data)
    assert isinstance(effect, ClosePeer)
    assert effect.peer == "mallory"
    assert effect.why.startswith("frame: ")
    assert receive(router, "mallory", showing(RING)) == []
    assert_still_works(router)


def test_a_closed_neighbour_may_come_back(router: Router) -> None:
    receive(router, "mallory", b"\xff" * 20)
    connect(router, "mallory")
    assert delivered(receive(router, "mallory", showing(RING))) == [RING]


def test_nothing_is_sent_to_a_neighbour_that_is_closed_in_the_same_call(router: Router) -> None:
    publish(router, RING)
    connect(router, "mallory", topics=())
    effects = receive(router, "mallory", subscribing(TOPIC) + b"\xff\xff\xff")
    assert closed(effects) == ["mallory"]
    assert sent(effects) == {}


def test_only_so_many_topics_of_a_neighbour_are_kept(router: Router) -> None:
    topics = [Topic(f"t{number}") for number in range(TOPICS_PER_PEER_MAX + 5)]
    connect(router, "eve", topics=())
    effects = receive(router, "eve", subscribing(*topics))
    assert counts(effects) == {Counted.TOPIC: 5}
    receive(router, "eve", subscribing(topics[0], subscribe=False))
    assert receive(router, "eve", subscribing(TOPIC)) == []
    assert sent(publish(router, RING))["eve"] == [RING]


def test_topics_that_are_too_long_are_not_kept(router: Router) -> None:
    effects = receive(router, "mallory", subscribing(Topic("t" * (TOPIC_SIZE_MAX + 1))))
    assert counts(effects) == {Counted.TOPIC: 1}


def test_a_flood_of_changed_minds_is_answered_once(router: Router) -> None:
    for number in range(RECENT_MAX):
        receive(router, "ann", showing(envelope(number)))
    connect(router, "eve", topics=())
    back_and_forth = subscribing(TOPIC) + subscribing(TOPIC, subscribe=False)
    effects = receive(router, "eve", back_and_forth * 500 + subscribing(TOPIC))
    assert len(sent(effects)["eve"]) == RECENT_MAX
    assert receive(router, "eve", back_and_forth + subscribing(TOPIC)) == []


def test_a_flood_of_copies_has_no_echo(router: Router) -> None:
    receive(router, "ann", showing(RING))
    effects = receive(router, "mallory", showing(RING) * 1_000)
    assert sent(effects) == {}
    assert delivered(effects) == []
    assert_still_works(router)


@pytest.mark.parametrize(
    "flood",
    [
        b"\x00" * 1_000_000,
        encode_uvarint(200_000) + b"\x78\x00" * 100_000,
        encode_uvarint(200_004) + b"\x12" + encode_uvarint(200_000) + b"\x78\x00" * 100_000,
    ],
    ids=["empty frames", "foreign fields", "foreign fields in a message"],
)
def test_much_that_says_nothing_ends_the_connection(router: Router, flood: bytes) -> None:
    """Bytes that cost more to read than to write would hold up everybody else."""
    (effect,) = receive(router, "mallory", flood)
    assert isinstance(effect, ClosePeer)
    assert effect.peer == "mallory"
    assert_still_works(router)


@given(data=st.binary(max_size=300))
def test_any_bytes_leave_the_router_working(data: bytes) -> None:
    router = make_crowd()
    effects = receive(router, "mallory", data)
    assert delivered(effects) == []
    assert set(closed(effects)) <= {"mallory"}
    assert_still_works(router)


PARTS = st.one_of(
    st.binary(max_size=40),
    st.builds(encode_entry, st.just(TOPIC), st.sampled_from([RING, envelope(2), b"?old", b"-bad"])),
    st.builds(encode_entry, st.text(max_size=5).map(Topic), st.sampled_from([RING, b"?old"])),
    st.sampled_from([b"\x0a\x04\x08\x01\x12\x00", b"\x1a\x00", b"\x12\x04\x0a\x00\x12\x00"]),
)


@given(parts=st.lists(PARTS, max_size=30), cut=st.integers(1, 500))
def test_only_what_was_accepted_comes_out(parts: list[bytes], cut: int) -> None:
    router = make_crowd()
    stream = frame(*parts)
    told: list[bytes] = []
    for at in range(0, len(stream), cut):
        effects = receive(router, "mallory", stream[at : at + cut])
        told += delivered(effects)
        for shown in sent(effects).values():
            assert set(shown) <= set(told)
    assert len(told) == len(set(told))
    assert set(told) <= {RING, envelope(2)}
