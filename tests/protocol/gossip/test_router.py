"""One router among neighbours that behave: whom it tells what, when, and how often.

Neighbours that do not behave are in `test_hostile`, many routers together in `test_many_routers`.
"""

import pytest

from tests.protocol.gossip.world import (
    NOW,
    TOPIC,
    check,
    closed,
    connect,
    counts,
    delivered,
    envelope,
    later,
    make_router,
    mid_of,
    publish,
    receive,
    sent,
    showing,
    subscribing,
    witnesses,
)
from tocsin_protocol.errors import LocalProtocolError
from tocsin_protocol.gossip.events import (
    BytesReceived,
    Counted,
    Deliver,
    PeerConnected,
    PeerGone,
    Published,
    RouterEffect,
    SendBytes,
    Subscribe,
    Witness,
)
from tocsin_protocol.gossip.router import PROTOCOLS, Router
from tocsin_protocol.limits import (
    FAN_OUT,
    HOUR_MS,
    PEERS_MAX,
    RECENT_MS,
    TOPIC_SIZE_MAX,
    TOPICS_PER_PEER_MAX,
    WRITE_SIZE_MAX,
)
from tocsin_protocol.types import EnvelopeBytes, Now, PeerId, Topic
from tocsin_protocol.verdict import Checked, Verdict

OTHER = Topic("/tocsin/1/test/k")
RING = envelope(1)


@pytest.fixture
def router() -> Router:
    """Subscribed to TOPIC, with nobody there."""
    router = make_router()
    router.handle(Subscribe(topic=TOPIC), NOW)
    return router


def published(effects: list[RouterEffect]) -> list[int]:
    return [effect.peers for effect in effects if isinstance(effect, Published)]


def test_it_speaks_a_protocol_that_libp2p_has_a_name_for() -> None:
    assert PROTOCOLS == ("/floodsub/1.0.0",)


def test_a_new_neighbour_is_told_our_topics_in_one_write(router: Router) -> None:
    router.handle(Subscribe(topic=OTHER), NOW)
    effects = router.handle(PeerConnected(peer=PeerId("ann"), outbound=True), NOW)
    assert effects == [SendBytes(peer=PeerId("ann"), data=subscribing(TOPIC, OTHER))]


def test_a_router_without_topics_greets_with_nothing() -> None:
    assert make_router().handle(PeerConnected(peer=PeerId("ann"), outbound=True), NOW) == []


def test_neighbours_are_told_a_new_topic_once(router: Router) -> None:
    connect(router, "ann", "bob")
    effects = router.handle(Subscribe(topic=OTHER), NOW)
    assert effects == [SendBytes(peer=PeerId(name), data=subscribing(OTHER)) for name in ("ann", "bob")]
    assert router.handle(Subscribe(topic=OTHER), NOW) == []


def test_the_first_copy_is_delivered_and_passed_on_but_not_back(router: Router) -> None:
    connect(router, "ann", "bob", "eve")
    effects = receive(router, "ann", showing(RING))
    assert sent(effects) == {"bob": [RING], "eve": [RING]}
    assert [effect for effect in effects if isinstance(effect, Deliver)] == [
        Deliver(peer=PeerId("ann"), outbound=True, topic=TOPIC, envelope=RING, mid=mid_of(TOPIC, RING))
    ]


def test_a_copy_is_a_witness_and_goes_no_further(router: Router) -> None:
    connect(router, "ann", "bob", "eve")
    receive(router, "ann", showing(RING))
    effects = receive(router, "eve", showing(RING))
    assert effects == [Witness(peer=PeerId("eve"), outbound=True, mid=mid_of(TOPIC, RING))]


def test_the_direction_of_a_neighbour_is_told(router: Router) -> None:
    for name in ("ann", "bob"):
        router.handle(PeerConnected(peer=PeerId(name), outbound=False), NOW)
    (deliver,) = receive(router, "ann", showing(RING))
    assert isinstance(deliver, Deliver)
    assert not deliver.outbound
    (witness,) = receive(router, "bob", showing(RING))
    assert isinstance(witness, Witness)
    assert not witness.outbound


def test_who_showed_it_first_is_no_witness(router: Router) -> None:
    connect(router, "ann", "bob")
    receive(router, "ann", showing(RING))
    effects = receive(router, "ann", showing(RING, RING))
    assert counts(effects) == {Counted.REPEATED: 2}
    assert len(effects) == 1


def test_a_copy_in_another_encoding_is_still_a_copy(router: Router) -> None:
    connect(router, "ann", "bob", "eve")
    receive(router, "ann", showing(RING))
    fields = b"\x22" + bytes([len(TOPIC)]) + TOPIC.encode() + b"\x12\x83\x04" + RING
    assert len(RING) == 0x203
    swapped = b"\x12" + bytes([len(fields) & 0x7F | 0x80, len(fields) >> 7]) + fields
    frame = bytes([len(swapped) & 0x7F | 0x80, len(swapped) >> 7]) + swapped
    effects = receive(router, "eve", frame)
    assert witnesses(effects) == [("eve", mid_of(TOPIC, RING))]
    assert sent(effects) == {}


def test_a_copy_of_an_envelope_that_we_published_is_a_witness(router: Router) -> None:
    connect(router, "ann", "bob")
    publish(router, RING)
    effects = receive(router, "ann", showing(RING))
    assert effects == [Witness(peer=PeerId("ann"), outbound=True, mid=mid_of(TOPIC, RING))]


def test_at_most_a_few_neighbours_get_a_copy(router: Router) -> None:
    connect(router, *(f"n{number}" for number in range(3 * FAN_OUT)))
    reached: set[str] = set()
    for number in range(60):
        shown = sent(receive(router, "n0", showing(envelope(number))))
        assert len(shown) == FAN_OUT
        reached |= set(shown)
    assert reached == {f"n{number}" for number in range(1, 3 * FAN_OUT)}


def test_publishing_is_no_flood(router: Router) -> None:
    connect(router, *(f"n{number}" for number in range(3 * FAN_OUT)))
    effects = publish(router, RING)
    assert len(sent(effects)) == FAN_OUT
    assert Published(mid=mid_of(TOPIC, RING), peers=FAN_OUT) in effects


def test_publishing_again_hands_it_on_again(router: Router) -> None:
    """The first time may have been lost on the way: whoever asks for it again knows why."""
    connect(router, "ann")
    assert [published(publish(router, RING)) for _ in range(2)] == [[1], [1]]


def test_an_envelope_that_was_delivered_can_be_published(router: Router) -> None:
    connect(router, "ann", topics=())
    receive(router, "ann", showing(RING))
    assert published(publish(router, RING)) == [0]
    connect(router, "bob", topics=())
    assert published(receive(router, "bob", subscribing(TOPIC))) == [1]
    assert published(receive(router, "ann", subscribing(TOPIC))) == []


def test_neighbours_that_did_not_subscribe_get_nothing(router: Router) -> None:
    connect(router, "ann", "bob")
    connect(router, "eve", topics=(OTHER,))
    receive(router, "bob", subscribing(TOPIC, subscribe=False))
    receive(router, "bob", subscribing(OTHER, subscribe=False))
    assert sent(receive(router, "ann", showing(RING))) == {}


def test_neighbours_that_are_gone_get_nothing(router: Router) -> None:
    connect(router, "ann", "bob")
    router.handle(PeerGone(peer=PeerId("bob")), NOW)
    router.handle(PeerGone(peer=PeerId("bob")), NOW)
    assert sent(receive(router, "ann", showing(RING))) == {}
    assert receive(router, "bob", showing(envelope(2))) == []


def test_a_neighbour_that_connects_again_starts_anew(router: Router) -> None:
    """Half a frame of its first stream is no part of its second one."""
    connect(router, "ann")
    receive(router, "ann", showing(RING)[:100])
    connect(router, "ann")
    assert delivered(receive(router, "ann", showing(RING))) == [RING]


def test_an_envelope_published_alone_goes_to_the_next_who_subscribes(router: Router) -> None:
    assert publish(router, RING) == [Published(mid=mid_of(TOPIC, RING), peers=0)]
    connect(router, "ann", topics=())
    effects = receive(router, "ann", subscribing(TOPIC), later(RECENT_MS))
    assert sent(effects) == {"ann": [RING]}
    assert Published(mid=mid_of(TOPIC, RING), peers=1) in effects
    assert receive(router, "ann", subscribing(TOPIC), later(RECENT_MS)) == []


def test_who_subscribes_too_late_gets_nothing(router: Router) -> None:
    publish(router, RING)
    connect(router, "ann", topics=())
    assert receive(router, "ann", subscribing(TOPIC), later(RECENT_MS + 1)) == []


def test_a_neighbour_that_restarts_hears_what_rang_meanwhile(router: Router) -> None:
    connect(router, "ann", "bob")
    receive(router, "bob", showing(RING))
    router.handle(PeerGone(peer=PeerId("ann")), NOW)
    receive(router, "bob", showing(envelope(2)))
    connect(router, "ann", topics=())
    effects = receive(router, "ann", subscribing(TOPIC))
    assert sent(effects) == {"ann": [RING, envelope(2)]}
    assert published(effects) == []


def test_a_neighbour_is_not_offered_what_it_has_shown_or_was_given(router: Router) -> None:
    connect(router, "ann", "bob")
    connect(router, "eve", topics=())
    receive(router, "ann", showing(RING))
    receive(router, "eve", showing(RING))
    for name in ("ann", "bob", "eve"):
        receive(router, name, subscribing(TOPIC, subscribe=False))
        assert receive(router, name, subscribing(TOPIC)) == []


def test_everything_for_one_neighbour_leaves_in_as_few_writes_as_fit(router: Router) -> None:
    connect(router, "ann", "bob", "eve")
    rings = [envelope(number, 5_000) for number in range(20)]
    effects = receive(router, "ann", showing(*rings))
    assert sent(effects) == {"bob": rings, "eve": rings}
    writes = [effect for effect in effects if isinstance(effect, SendBytes)]
    assert len(writes) == 2 * -(-20 * 5_050 // WRITE_SIZE_MAX)
    assert delivered(effects) == rings


def test_writes_come_before_everything_else(router: Router) -> None:
    connect(router, "ann", "bob")
    effects = receive(router, "ann", showing(RING, b"?old"))
    assert [type(effect).__name__ for effect in effects] == ["SendBytes", "Deliver", "Record"]


def test_an_id_cannot_come_back_before_the_check_refuses_it(router: Router) -> None:
    connect(router, "ann", "bob", "eve")
    receive(router, "ann", showing(RING))
    for hours in (1, 2):
        assert delivered(receive(router, "bob", showing(RING), later(hours * HOUR_MS))) == []
    assert delivered(receive(router, "eve", showing(RING), later(3 * HOUR_MS))) == [RING]


def test_too_many_neighbours_are_closed(router: Router) -> None:
    connect(router, *(f"n{number}" for number in range(PEERS_MAX)))
    effects = router.handle(PeerConnected(peer=PeerId("late"), outbound=False), NOW)
    assert closed(effects) == ["late"]
    assert len(effects) == 1
    assert receive(router, "late", showing(RING)) == []
    assert router.handle(PeerGone(peer=PeerId("late")), NOW) == []
    router.handle(PeerGone(peer=PeerId("n0")), NOW)
    assert closed(router.handle(PeerConnected(peer=PeerId("late"), outbound=False), NOW)) == []


def test_valid_messages_on_topics_of_others_are_not_passed_on(router: Router) -> None:
    connect(router, "ann", "bob", topics=(TOPIC, OTHER))
    effects = receive(router, "ann", showing(RING, topic=OTHER))
    assert counts(effects) == {Counted.FOREIGN: 1}
    assert len(effects) == 1


def test_new_envelopes_are_ignored_while_the_seen_cache_is_full(
    router: Router, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tocsin_protocol.gossip.seen.SEEN_MIDS_MAX", 2)
    connect(router, "ann", "bob")
    rings = [envelope(number) for number in range(3)]
    effects = receive(router, "ann", showing(*rings))
    assert delivered(effects) == rings[:2]
    assert counts(effects) == {Counted.OVERFLOW: 1}
    assert delivered(receive(router, "ann", showing(rings[2]), later(3 * HOUR_MS))) == [rings[2]]


def test_a_second_look_at_known_bytes_asks_no_check() -> None:
    asked: list[bytes] = []

    def counting(topic: str, data: bytes, now: Now) -> Checked:
        asked.append(data)
        return check(topic, data, now)

    router = Router(check=counting, entropy=bytes(32))
    router.handle(Subscribe(topic=TOPIC), NOW)
    connect(router, "ann", "bob")
    receive(router, "ann", showing(RING))
    receive(router, "bob", showing(RING))
    assert asked == [RING]


def test_the_same_seed_makes_the_same_choices() -> None:
    def run(seed: int) -> list[dict[str, list[bytes]]]:
        router = make_router(seed)
        router.handle(Subscribe(topic=TOPIC), NOW)
        connect(router, *(f"n{number}" for number in range(20)))
        return [sent(receive(router, "n0", showing(envelope(number)))) for number in range(5)]

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_publishing_what_nobody_would_accept_is_our_fault(router: Router) -> None:
    with pytest.raises(LocalProtocolError, match="stamp"):
        publish(router, EnvelopeBytes(b"-wrong"))


def test_a_check_that_accepts_must_name_the_message() -> None:
    def nameless(_topic: str, _data: bytes, _now: Now) -> Checked:
        return Checked(verdict=Verdict.ACCEPT, reason=None, mid=None)

    router = Router(check=nameless, entropy=bytes(32))
    connect(router, "ann")
    with pytest.raises(LocalProtocolError):
        receive(router, "ann", showing(RING))


def test_topics_that_neighbours_would_not_keep_are_our_fault(router: Router) -> None:
    with pytest.raises(LocalProtocolError):
        router.handle(Subscribe(topic=Topic("t" * (TOPIC_SIZE_MAX + 1))), NOW)
    for number in range(TOPICS_PER_PEER_MAX - 1):
        router.handle(Subscribe(topic=Topic(f"t{number}")), NOW)
    with pytest.raises(LocalProtocolError):
        router.handle(Subscribe(topic=Topic("one more")), NOW)


def test_bytes_cut_anywhere_say_the_same(router: Router) -> None:
    connect(router, "ann", "bob")
    stream = showing(*(envelope(number) for number in range(5)))
    effects = [
        effect
        for at in range(0, len(stream), 7)
        for effect in router.handle(BytesReceived(peer=PeerId("ann"), data=stream[at : at + 7]), NOW)
    ]
    assert delivered(effects) == [envelope(number) for number in range(5)]
    assert sent(effects) == {"bob": [envelope(number) for number in range(5)]}
