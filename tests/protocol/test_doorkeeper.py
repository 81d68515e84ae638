"""The doorkeeper: every check in its place, what is shown and when, what a person's decisions end."""

from dataclasses import replace

import pytest

from tests.protocol.introductions import GUEST, HOUR, INVITER_SEED, NOW
from tests.protocol.knocks import (
    CHEAP,
    OPEN,
    OWNER,
    PIN,
    WORKING,
    address,
    arrive,
    doorkeeper,
    draft,
    finished,
    forged,
    knock,
    later,
    measures,
    mid_of,
    requests_in,
    said,
    stamped,
    stranger,
    take_in,
    why,
    worked_knock,
)
from tocsin_protocol.envelope import EnvelopeClass, kind_of, seal
from tocsin_protocol.errors import LocalProtocolError, Reason
from tocsin_protocol.identity import Card, Identity, Rotation
from tocsin_protocol.knock_events import (
    Discarded,
    DropRequest,
    KnockArrived,
    KnockEffect,
    KnockerBlocked,
    KnockWitnessed,
    MeasureWork,
    StoreRequest,
    Terms,
    TermsChanged,
    Tick,
    Why,
    WorkMeasured,
)
from tocsin_protocol.limits import (
    CONTACT_KEYS_MAX,
    HOUR_MS,
)
from tocsin_protocol.network import Network
from tocsin_protocol.types import EnvelopeBytes, Hour, IdentityKey, Mid, Now, Tag


def shown_in(effect: KnockEffect) -> bool:
    assert isinstance(effect, StoreRequest)
    return effect.request.shown


# The order of the checks


def test_a_knock_becomes_a_request_with_its_text() -> None:
    (effect,) = arrive(doorkeeper(), knock(text="it is me"))
    assert isinstance(effect, StoreRequest)
    request = effect.request
    assert request.peer.identity_key == stranger(100).identity_key
    assert (request.peer.text, request.shown, request.from_contact) == ("it is me", True, False)


def test_nothing_is_even_hashed_when_we_take_no_knocks() -> None:
    closed = doorkeeper(replace(OPEN, policy=0))
    assert why(arrive(closed, b"anything")) == [Why.CLOSED]


def test_what_is_no_knock_is_refused_by_its_bytes() -> None:
    assert why(arrive(doorkeeper(), b"x" * 511)) == [Reason.LENGTH]
    assert why(arrive(doorkeeper(), b"x" * 512)) == [Reason.CONSTANT]
    pair = seal(
        network=CHEAP,
        kind=kind_of(EnvelopeClass.PAIR, 3),
        born_hour=HOUR,
        tag=Tag(bytes(16)),
        key=OWNER.contact_secret,  # type: ignore[arg-type]
        nonce=bytes(24),
        payload=b"",
    )
    assert why(arrive(doorkeeper(), pair.encode())) == [Reason.KIND]


@pytest.mark.parametrize(("age_hours", "taken"), [(-2, False), (-1, True), (73, True), (74, False)])
def test_a_knock_is_taken_as_long_as_somebody_may_show_it(age_hours: int, taken: bool) -> None:
    now = Now(unix_ms=(HOUR + age_hours) * HOUR_MS, steady_ms=0)
    effects = arrive(doorkeeper(), knock(), now=now)
    assert why(effects) == ([] if taken else [Reason.HOUR])


def test_an_outer_stamp_that_was_not_paid_costs_us_no_dh(dh_done: list[bytes]) -> None:
    keeper = doorkeeper(network=Network(name="cheap", knock_cost=1 << 60))
    data = knock()
    dh_done.clear()
    assert why(arrive(keeper, data)) == [Reason.STAMP]
    assert dh_done == []


def test_a_body_that_came_before_costs_us_no_dh_whatever_its_stamp(dh_done: list[bytes]) -> None:
    keeper = doorkeeper()
    foreign, again = (knock(to=address(owner=GUEST), start=start) for start in (0, 1 << 32))
    assert why(arrive(keeper, foreign)) == [Reason.NOISE]
    assert foreign != again
    dh_done.clear()
    assert why(arrive(keeper, again)) == [Why.SEEN]
    assert dh_done == []


def test_a_request_that_is_stamped_again_is_not_asked_again() -> None:
    keeper = doorkeeper()
    assert why(arrive(keeper, knock())) == []
    assert why(arrive(keeper, knock(start=1 << 32))) == [Why.SEEN]


def test_a_knock_for_somebody_else_costs_one_dh(dh_done: list[bytes]) -> None:
    data = knock(to=address(owner=GUEST))
    dh_done.clear()
    assert why(arrive(doorkeeper(), data)) == [Reason.NOISE]
    assert len(dh_done) == 1


def test_a_wrong_pin_costs_one_dh_and_a_right_one_two(dh_done: list[bytes]) -> None:
    asked = replace(OPEN, pin=PIN)
    wrong, right = knock(pin="27182818"), knock(pin=PIN)
    dh_done.clear()
    assert why(arrive(doorkeeper(asked), wrong)) == [Reason.NOISE]
    assert len(dh_done) == 1
    assert len(requests_in(arrive(doorkeeper(asked), right))) == 1
    assert len(dh_done) == 3


def test_the_receivers_present_terms_count_whatever_the_address_says() -> None:
    """The address promised no PIN and no work; its owner asks for both by now."""
    stricter = replace(WORKING, pin=PIN)
    assert why(arrive(doorkeeper(stricter), knock())) == [Reason.NOISE]
    assert why(arrive(doorkeeper(stricter), knock(pin=PIN))) == [Why.WORK]
    assert why(arrive(doorkeeper(OPEN), knock(to=address(7), number=7))) == []


def test_a_card_is_checked_before_the_blocklist() -> None:
    blocked = {stranger(200).identity_key}
    keeper = doorkeeper(blocked=blocked)
    assert why(arrive(keeper, forged(said(200), static=stranger(100)))) == [Reason.CARD]


def test_a_blocked_knocker_gets_no_work_done_and_learns_nothing() -> None:
    keeper = doorkeeper(WORKING, blocked={stranger(100).identity_key})
    assert arrive(keeper, worked_knock()) == [Discarded(why=Why.BLOCKED)]


def test_an_old_card_of_a_contact_is_refused() -> None:
    newest = Card(contact_key=GUEST.contact_key, rotation=9, not_before_hour=Hour(0))
    keeper = doorkeeper(contacts={stranger(100).identity_key: newest})
    assert why(arrive(keeper, knock())) == [Reason.CARD]


def test_a_contact_asks_to_be_introduced_again_without_its_text() -> None:
    known = {stranger(100).identity_key: stranger(100).card}
    (request,) = requests_in(arrive(doorkeeper(contacts=known), knock(text="send me money")))
    assert (request.from_contact, request.peer.text) == (True, "")


def test_a_knock_without_a_nonce_is_not_measured() -> None:
    assert arrive(doorkeeper(WORKING), knock()) == [Discarded(why=Why.WORK)]


def test_inner_work_is_the_last_check() -> None:
    keeper = doorkeeper(WORKING)
    data = stamped(finished(draft(to=address(2))).envelope)
    (effect,) = arrive(keeper, data)
    assert isinstance(effect, MeasureWork)
    zero_bits = effect.work.zero_bits(effect.nonce)
    assert zero_bits >= 4
    measured = WorkMeasured(body_id=effect.body_id, zero_bits=zero_bits)
    assert len(requests_in(keeper.handle(measured, NOW))) == 1
    assert keeper.handle(measured, NOW) == []


def test_low_inner_work_is_refused() -> None:
    keeper = doorkeeper(WORKING)
    (effect,) = arrive(keeper, worked_knock())
    assert isinstance(effect, MeasureWork)
    assert keeper.handle(WorkMeasured(body_id=effect.body_id, zero_bits=3), NOW) == [Discarded(why=Why.WORK)]


def test_what_changed_while_work_was_measured_counts() -> None:
    contacts: dict[IdentityKey, Card] = {}
    blocked: set[IdentityKey] = set()
    keeper = doorkeeper(WORKING, contacts=contacts, blocked=blocked)
    ids = [effect.body_id for n in (1, 2, 3) for effect in measures(arrive(keeper, worked_knock(n)))]
    contacts[stranger(1).identity_key] = stranger(1).card
    (request,) = requests_in(keeper.handle(WorkMeasured(body_id=ids[0], zero_bits=4), NOW))
    assert (request.from_contact, request.peer.text) == (True, "")
    blocked.add(stranger(2).identity_key)
    assert why(keeper.handle(WorkMeasured(body_id=ids[1], zero_bits=4), NOW)) == [Why.BLOCKED]
    keeper.handle(TermsChanged(terms=replace(WORKING, policy=0)), NOW)
    assert why(keeper.handle(WorkMeasured(body_id=ids[2], zero_bits=99), NOW)) == [Why.CLOSED]


# Witnesses


def test_nothing_is_shown_for_a_knock_that_only_one_neighbour_showed() -> None:
    keeper = doorkeeper()
    data = knock()
    (hidden,) = requests_in(arrive(keeper, data, witnessed=False))
    assert not hidden.shown
    (effect,) = keeper.handle(KnockWitnessed(mid=mid_of(data)), NOW)
    assert effect == StoreRequest(request=replace(hidden, shown=True))
    assert keeper.handle(KnockWitnessed(mid=mid_of(data)), NOW) == []
    assert keeper.handle(KnockWitnessed(mid=Mid(bytes(32))), NOW) == []


def test_a_knock_may_be_witnessed_before_its_work_is_measured() -> None:
    keeper = doorkeeper(WORKING)
    knocks = [worked_knock(number) for number in range(1, 6)]
    asked = [effect for data in knocks for effect in measures(arrive(keeper, data, witnessed=False))]
    assert len(asked) == 4
    for data in knocks:
        assert keeper.handle(KnockWitnessed(mid=mid_of(data)), NOW) == []
    effects = [
        effect
        for each in asked
        for effect in take_in(keeper, WorkMeasured(body_id=each.body_id, zero_bits=4), later(1_000))
    ]
    assert [request.shown for request in requests_in(effects)] == [True] * 4


def test_a_hidden_request_goes_when_nobody_may_show_its_knock_any_more() -> None:
    keeper = doorkeeper()
    (hidden,) = requests_in(arrive(keeper, knock(1), witnessed=False))
    (shown,) = requests_in(arrive(keeper, knock(2)))
    assert keeper.handle(Tick(), later(73 * HOUR_MS)) == []
    assert keeper.handle(Tick(), later(74 * HOUR_MS)) == [DropRequest(body_id=hidden.body_id)]
    assert keeper.handle(Tick(), later(720 * HOUR_MS)) == []
    assert keeper.handle(Tick(), later(721 * HOUR_MS)) == [DropRequest(body_id=shown.body_id)]


def test_one_request_of_an_identity_is_enough() -> None:
    keeper = doorkeeper()
    (old,) = requests_in(arrive(keeper, knock(text="old")))
    new = stamped(finished(draft(text="new", ephemeral=b"\x51" * 32)).envelope)
    drop, store = arrive(keeper, new)
    assert drop == DropRequest(body_id=old.body_id)
    assert shown_in(store)


def test_a_hidden_request_does_not_take_the_place_of_a_shown_one() -> None:
    keeper = doorkeeper()
    (old,) = requests_in(arrive(keeper, knock(text="old")))
    new = stamped(finished(draft(text="new", ephemeral=b"\x51" * 32)).envelope)
    (store,) = arrive(keeper, new, witnessed=False)
    assert not shown_in(store)
    drop, store = keeper.handle(KnockWitnessed(mid=mid_of(new)), NOW)
    assert drop == DropRequest(body_id=old.body_id)
    assert shown_in(store)


# Terms and blocks


def test_a_knock_that_did_not_open_may_open_under_new_terms() -> None:
    keeper = doorkeeper()
    data = knock(pin=PIN)
    assert why(arrive(keeper, data)) == [Reason.NOISE]
    keeper.handle(TermsChanged(terms=replace(OPEN, pin=PIN)), NOW)
    assert why(arrive(keeper, data)) == []


def test_replaced_contact_keys_are_tried_after_the_newest(dh_done: list[bytes]) -> None:
    rotated = Identity.from_seed(INVITER_SEED, Rotation.at(HOUR))
    keeper = doorkeeper(replace(OPEN, identities=(rotated, OWNER)))
    for number, owner, dhs in ((1, rotated, 2), (2, OWNER, 3)):
        data = knock(number, to=address(owner=owner))
        dh_done.clear()
        (request,) = requests_in(arrive(keeper, data))
        assert request.rotation == owner.rotation.number
        assert len(dh_done) == dhs


def test_closing_the_door_forgets_who_waits() -> None:
    keeper = doorkeeper(WORKING)
    asked = [each for n in range(1, 7) for each in measures(arrive(keeper, worked_knock(n)))]
    keeper.handle(TermsChanged(terms=replace(WORKING, policy=0)), NOW)
    effects = [keeper.handle(WorkMeasured(body_id=each.body_id, zero_bits=9), later(5_000)) for each in asked]
    assert effects == [[Discarded(why=Why.CLOSED)]] * 4


def test_a_block_ends_what_the_blocked_one_has_open() -> None:
    keeper = doorkeeper()
    (request,) = requests_in(arrive(keeper, knock(1)))
    arrive(keeper, knock(2))
    blocked = KnockerBlocked(identity_key=stranger(1).identity_key)
    assert keeper.handle(blocked, NOW) == [DropRequest(body_id=request.body_id)]
    waiting = doorkeeper(WORKING)
    for number in range(1, 6):
        arrive(waiting, worked_knock(number))
    for number in range(1, 6):
        waiting.handle(KnockerBlocked(identity_key=stranger(number).identity_key), NOW)
    assert waiting.handle(Tick(), later(5_000)) == []


@pytest.mark.parametrize(
    "broken",
    [
        {"identities": ()},
        {"identities": (OWNER,) * (CONTACT_KEYS_MAX + 1)},
        {"policy": 8},
        {"policy": -1},
        {"pin": "123"},
    ],
)
def test_terms_that_cannot_be_kept_cannot_be_made(broken: dict[str, object]) -> None:
    with pytest.raises(LocalProtocolError):
        Terms(**{"identities": (OWNER,), "policy": 1, "pin": "", **broken})  # type: ignore[arg-type]


def test_an_arrival_may_be_any_bytes() -> None:
    keeper = doorkeeper()
    for data in (b"", bytes(512), bytes(5120), knock()[:-1], b"\xff" * 1024):
        (effect,) = keeper.handle(KnockArrived(envelope=EnvelopeBytes(data), witnessed=True), NOW)
        assert isinstance(effect, Discarded)
