"""Catch-up for sessions: renewals, grants and turns that are found in a store."""

import random
from dataclasses import replace

from nacl.bindings import crypto_scalarmult_base

from tests.protocol.people import (
    EPOCH,
    HIGH,
    LOW,
    NOON,
    Letter,
    Person,
    at,
    exchange,
    introduced,
    kinds,
    later,
    settled,
)
from tests.protocol.stores import catch_up_with
from tocsin_protocol import effects as fx
from tocsin_protocol.control import Offer
from tocsin_protocol.grant import Grant
from tocsin_protocol.limits import HOUR_MS
from tocsin_protocol.session import EpochLoaded, SetGrant
from tocsin_protocol.types import Epoch
from tocsin_protocol.wheel import Q

HOUR = NOON.hour
TOMORROW = at(EPOCH + 1)


def missed_renewal() -> tuple[Person, list[Letter]]:
    """Low with an open offer, and all that high sent meanwhile: before its answer and after it."""
    low, high, now = settled()
    secret = b"\x05" * 32
    offer = Offer.make(2, crypto_scalarmult_base(secret))
    offering = fx.Offering(offer=offer, secret=secret, made_ms=now.unix_ms, sent_ms=now.unix_ms)
    low.commit((fx.PutOffering(offering=offering),), now)
    away = Person(LOW, HIGH)
    away.records = low.records.copy()
    away.crash()
    sent = [high.must_send(now) for _ in range(3)]
    high.receive(replace(low.must_send(now, Q.CONTROL), control=offer), now)
    now = later(now, 600_000)
    (answer,) = high.leave(now)
    low.receive(answer, now)
    high.receive(low.must_send(now), now)
    now = later(now, 600_000)
    sent += [answer, *high.leave(now), *(high.must_send(now) for _ in range(20))]
    assert [letter.number for letter in sent] == [1] * 4 + [2] * 21
    return away, sent


def test_a_renewal_found_in_a_store_brings_the_streams_of_the_new_generation_in_the_same_pass() -> None:
    low, sent = missed_renewal()
    found = catch_up_with(low, random.Random(2).sample(sent, len(sent)))
    assert {letter.nid for letter in found} == {letter.nid for letter in sent}
    assert len(found) == len(sent)
    assert low.number == 2


def test_what_gossip_delivered_already_is_not_found_again() -> None:
    low, high, now = settled()
    sent = [low.must_send(now) for _ in range(10)]
    for letter in sent[::3]:
        high.receive(letter, now)
    found = catch_up_with(high, sent)
    assert [letter.index for letter in found] == [1, 2, 4, 5, 7, 8]
    assert catch_up_with(high, sent) == []


def test_an_old_generation_is_found_by_catch_up_only() -> None:
    low, high = introduced()
    slow = low.must_send(NOON)
    exchange(NOON, low, high)
    high.refresh(later(NOON, 8 * HOUR_MS))
    assert {each.generation for each in high.watched} == {1}
    assert catch_up_with(high, [slow]) == [slow]


def test_a_grant_holds_in_a_catch_up_too() -> None:
    low, high, now = settled()
    high.handle(SetGrant(grant=Grant(per_day=4)), now)
    sent = [low.must_send(now) for _ in range(30)]
    assert len(catch_up_with(high, sent)) == 5
    assert len(kinds(high.log, fx.RateLimited)) == 1


def test_days_offline_are_read_before_our_clock_is_believed() -> None:
    """What opens shows that the day has come, so their side turns and ours does not."""
    low, high, _ = settled()
    letters = {}
    for day in range(1, 5):
        low.tick(at(EPOCH + day))
        letters[day] = [low.must_send(at(EPOCH + day)) for _ in range(3)]
    now = at(EPOCH + 4)
    for day, sent in letters.items():
        assert catch_up_with(high, sent, epoch=Epoch(EPOCH + day), now=now) == sent
    assert high.session.pair.committed(1, fx.Side.RECEIVING) == EPOCH + 4
    assert high.session.pair.committed(1, fx.Side.SENDING) == EPOCH
    high.handle(EpochLoaded(epoch=Epoch(EPOCH + 1)), now)
    assert EPOCH + 1 not in {each.epoch for each in high.records.streams}
