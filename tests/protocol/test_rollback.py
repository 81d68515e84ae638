"""A node whose disk is as it was some time ago: what repeats, what is lost, and how it is heard again.

Whatever crosses a renewal is not repaired here: then the two persons introduce themselves again.
"""

from dataclasses import replace

import pytest

from tests.protocol.introductions import KIND, NETWORK
from tests.protocol.people import CONFIRMED_CLOCK, EPOCH, Letter, Person, at, exchange, later, settled
from tests.protocol.renewals import with_open_offer
from tests.protocol.stores import catch_up_with
from tests.protocol.thieves import dump
from tocsin_protocol.envelope import Envelope, open_sealed, seal
from tocsin_protocol.errors import Reason, RemoteProtocolError
from tocsin_protocol.limits import HEADER_SIZE
from tocsin_protocol.types import Now


def sealed(letter: Letter, payload: bytes, nonce: bytes) -> Envelope:
    return seal(
        network=NETWORK,
        kind=KIND,
        born_hour=letter.born_hour,
        tag=letter.tag,
        key=letter.key,
        nonce=nonce,
        payload=payload,
    )


def rolled_back_sender() -> tuple[Person, Person, list[Letter], Now]:
    """The lower key's owner has forgotten that it sent these."""
    low, high, now = settled()
    before = low.snapshot()
    sent = [low.must_send(now) for _ in range(5)]
    for letter in sent:
        assert high.receive(letter, now) is not None
    low.roll_back(before)
    return low, high, sent, now


def test_a_rolled_back_sender_repeats_tags_and_nothing_opens_twice() -> None:
    low, high, sent, now = rolled_back_sender()
    again = [low.must_send(now) for _ in range(5)]
    assert [letter.tag for letter in again] == [letter.tag for letter in sent]
    assert all(high.receive(letter, now) is None for letter in again)
    assert high.receive(low.must_send(now), now) is not None, "behind what it used before it is heard again"


def test_a_repeated_index_shows_its_tag_and_no_more() -> None:
    """The nonce of the seal is random, so key and nonce do not repeat with the index."""
    low, _, sent, now = rolled_back_sender()
    again = low.must_send(now)
    first, second = sealed(sent[0], b"the same", b"\x01" * 24), sealed(again, b"the same", b"\x02" * 24)
    one, two = first.encode(), second.encode()
    assert one[:HEADER_SIZE] == two[:HEADER_SIZE]
    assert one[HEADER_SIZE + 4 + 24 : -10] != two[HEADER_SIZE + 4 + 24 : -10]
    mixed = replace(first, body=first.body[:24] + second.body[24:])
    with pytest.raises(RemoteProtocolError) as caught:
        open_sealed(network=NETWORK, envelope=mixed, key=again.key)
    assert caught.value.reason is Reason.AEAD


def test_a_rolled_back_sender_is_heard_after_midnight_however_much_it_repeats() -> None:
    low, high, now = settled()
    before = low.snapshot()
    for _ in range(60):
        high.receive(low.must_send(now), now)
    low.roll_back(before)
    tomorrow = at(EPOCH + 1)
    for person in (low, high):
        person.tick(tomorrow, CONFIRMED_CLOCK)
    assert high.receive(low.must_send(tomorrow), tomorrow) is not None


def test_a_rolled_back_receiver_finds_in_a_store_what_it_forgot() -> None:
    low, high, now = settled()
    before = high.snapshot()
    sent = [low.must_send(now) for _ in range(40)]
    for letter in sent:
        high.receive(letter, now)
    high.roll_back(before)
    assert high.receive(low.must_send(now), now) is None, "more than a window behind"
    assert catch_up_with(high, sent, now=now) == sent
    assert high.receive(low.must_send(now), now) is not None


def test_a_rolled_back_receiver_hears_again_after_midnight_without_a_store() -> None:
    low, high, now = settled()
    before = high.snapshot()
    for _ in range(40):
        high.receive(low.must_send(now), now)
    high.roll_back(before)
    tomorrow = at(EPOCH + 1)
    low.tick(tomorrow)
    assert high.receive(low.must_send(tomorrow), tomorrow) is not None


def test_an_answer_that_was_rolled_back_is_found_in_a_store() -> None:
    """The open offer is on the old disk, and with it the secret that enters the generation again."""
    low, high, now = with_open_offer()
    before = low.snapshot()
    offers = low.leave(later(now, 600_000))
    for letter in offers:
        high.receive(letter, now)
    now = later(now, 600_000)
    answers = high.leave(now)
    for letter in answers:
        low.receive(letter, now)
    now = exchange(now, low, high)
    assert low.number == high.number == 2
    low.roll_back(before)
    assert low.number == 1
    letter = high.must_send(now)
    assert low.receive(letter, now) is None
    assert catch_up_with(low, [*answers, letter], epoch=letter.epoch, now=now) == [*answers, letter]
    assert low.number == 2


def test_a_thief_of_an_old_disk_reads_what_came_since() -> None:
    """Deleting does not help against copies: that is why backups hold no keys of sessions."""
    low, high, now = settled()
    before = high.snapshot()
    letter = low.must_send(now)
    high.receive(letter, now)
    assert letter.key not in dump(high)
    high.roll_back(before)
    assert letter.key in dump(high)
