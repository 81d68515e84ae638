"""Key compromise drill: what a thief of everything in a node, disk and memory, can and cannot derive.

The thief also has every envelope and every control map that was ever sent.
"""

from collections.abc import Iterator

import pytest

from tests.protocol.people import (
    CONFIRMED_CLOCK,
    EPOCH,
    HIGH,
    LOW,
    Person,
    at,
    exchange,
    introduced,
    keys_of,
    later,
    settled,
)
from tests.protocol.thieves import INDICES, chains, dump
from tocsin_protocol import effects as fx
from tocsin_protocol.control import Accept, Offer
from tocsin_protocol.identity import Identity
from tocsin_protocol.limits import HOUR_MS, RENEWAL_MS
from tocsin_protocol.renewal import agree, transcript_of
from tocsin_protocol.types import MessageKey
from tocsin_protocol.wheel import Chain, Direction, Q, first_chain, first_wheel, roots_of_renewal, tags_ahead


def said(*people: Person) -> tuple[list[Offer], list[Accept]]:
    """Every offer and answer that was ever sent: the thief has read them all."""
    controls = [e.control for p in people for e in p.log if isinstance(e, fx.Seal)]
    return [c for c in controls if isinstance(c, Offer)], [c for c in controls if isinstance(c, Accept)]


def replayed_renewals(person: Person, *people: Person) -> set[MessageKey]:
    """What follows when every known secret and root is tried on every handshake that was overheard."""
    offers, accepts = said(*people)
    offering = person.session.pair.offering
    secrets = [] if offering is None else [offering.secret]
    keys = set[MessageKey]()
    for root in person.session.pair.roots.values():
        for accept in accepts:
            for offer in offers:
                for shared in filter(None, (agree(secret, accept.ephemeral) for secret in secrets)):
                    roots = roots_of_renewal(
                        key=root,
                        generation=offer.generation,
                        shared=shared,
                        transcript=transcript_of(offer, accept),
                    )
                    for direction in Direction:
                        wheel = first_wheel(roots, direction, accept.epoch)
                        keys |= {key for q in Q for key in keys_of(first_chain(wheel, q), INDICES)}
    return keys


@pytest.mark.parametrize("victim", ["receiver", "sender"])
def test_what_was_read_cannot_be_derived_any_more(victim: str) -> None:
    low, high, now = settled()
    letters = [low.must_send(now) for _ in range(24)]
    for letter in letters[:6] + letters[8:]:
        assert high.receive(letter, now) is not None
    read = {letter.key for letter in letters[:6] + letters[8:]}
    assert {letter.key for letter in letters[6:8]} <= dump(high), "what has not come can still be read"
    if victim == "receiver":
        assert not read & dump(high)
    else:
        assert not {letter.key for letter in letters} & dump(low)


def test_what_was_used_stays_underivable_over_turns_crashes_and_restarts() -> None:
    low, high, now = settled()
    used = set[MessageKey]()
    for day in range(1, 10):
        now = at(EPOCH + day, hour=13)
        for person in (low, high):
            person.tick(now)
        for sender, receiver in ((low, high), (high, low)):
            for _ in range(3):
                letter = sender.must_send(now)
                assert receiver.receive(letter, now) is not None
                used.add(letter.key)
        if day % 3 == 0:
            for person in (low, high):
                person.crash()
        now = exchange(now, low, high, minutes=30)
        for person in (low, high):
            assert not used & dump(person)


def test_a_consumed_tag_cannot_be_made_again_so_nobody_can_be_shown_to_have_been_rung() -> None:
    low, high, now = settled()
    letter = low.must_send(now)
    high.receive(letter, now)
    assert letter.tag not in {tag for chain in chains(high) for tag in tags_ahead(chain, INDICES)}


@pytest.mark.parametrize("began", [LOW, HIGH])
def test_the_future_heals_after_a_renewal(began: Identity) -> None:
    """A passive thief of both disks loses the pair at the next renewal, and what went before is lost."""
    low, high, now = settled(began=began)
    stolen = dump(low) | dump(high)
    thieves = [copy_of(low), copy_of(high)]
    before = low.must_send(now)
    assert before.key in stolen, "until then the thief reads along"
    due = later(now, RENEWAL_MS - HOUR_MS)
    for person in (low, high):
        person.tick(due, CONFIRMED_CLOCK)
    high.receive(low.must_send(due), due)
    low.receive(high.must_send(due), due)
    roots = {**low.session.pair.roots}
    due = later(due, HOUR_MS)
    low.tick(due)
    now = exchange(due, low, high)
    assert low.number == high.number == 2
    assert roots[1] not in low.session.pair.roots.values()
    for sender, receiver in ((low, high), (high, low)):
        letter = sender.must_send(now)
        assert letter.key not in stolen
        assert not any(replayed_renewals(thief, low, high) for thief in thieves)
        assert receiver.receive(letter, now) is not None


def copy_of(person: Person) -> Person:
    """What a thief takes home."""
    thief = Person(person.me, person.other)
    thief.records = person.records.copy()
    thief.crash()
    return thief


def test_a_thief_during_a_renewal_has_what_the_ephemeral_secret_gives_and_no_later_one() -> None:
    low, high = introduced()
    thief = copy_of(low)
    now = exchange(at(EPOCH), low, high)
    first = low.must_send(now)
    assert first.key in replayed_renewals(thief, low, high), "the secret of an open offer was stolen with it"
    assert not replayed_renewals(low, low, high), "it is gone once the answer came"


def test_a_dump_of_the_old_generation_does_not_open_the_new_one() -> None:
    low, high = introduced()
    now = exchange(at(EPOCH), low, high)
    old = {key for chain in old_chains(low) for key in keys_of(chain, INDICES)}
    letters = [sender.must_send(now) for sender in (low, high) for _ in range(5)]
    assert all(letter.number == 1 for letter in letters)
    assert not old & {letter.key for letter in letters}
    assert {record.stream.generation for record in low.records.streams.values()} == {0, 1}


def old_chains(person: Person) -> Iterator[Chain]:
    for record in person.records.streams.values():
        if record.stream.generation == 0:
            yield record.state.chain
