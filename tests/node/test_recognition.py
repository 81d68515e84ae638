"""Which tags a profile listens for, as its tables and its clock change."""

from collections.abc import Iterable

import pytest

from tests.node.world import DAY_MS, MIDNIGHT_MS, NETWORK, contact_of, identity_of
from tocsin.pairs import begin_pair, take_index, turn_all
from tocsin.recognition import Recognition
from tocsin.store.changes import (
    Change,
    DeleteIntroduction,
    DeleteInvite,
    DeleteStream,
    PutContact,
    PutIntroduction,
    PutInvite,
    PutStream,
)
from tocsin.store.records import Introduction, ReceivingStream, StoredInvite
from tocsin.store.tables import Tables
from tocsin_protocol.introduce import IntroductionKind, Pending
from tocsin_protocol.invite import Invite
from tocsin_protocol.limits import EPOCH_HOURS, HOUR_MS, WINDOW_CONTROL_SIZE, WINDOW_SIZE
from tocsin_protocol.noise import InitiatorState
from tocsin_protocol.recognise import InviteTag, OnceMatch, ReplyTag, StreamMatch
from tocsin_protocol.types import Epoch, Hour, IdentityKey, Now, Tag
from tocsin_protocol.wheel import Q, Roots

EPOCH = Epoch(MIDNIGHT_MS // DAY_MS)
ROOTS = Roots(generation=0, key=b"m" * 32, wheel_key=b"w" * 32)
ONE_DAY = WINDOW_SIZE + WINDOW_CONTROL_SIZE


def at(hours: float) -> Now:
    """A moment counted from the midnight at which EPOCH begins."""
    return Now(unix_ms=round(MIDNIGHT_MS + hours * HOUR_MS), steady_ms=0)


def hour(hours: int) -> Hour:
    return Hour(EPOCH * EPOCH_HOURS + hours)


class Profile:
    """Bob's tables and his recognition, changed together as a ledger would."""

    def __init__(self, now: Now) -> None:
        self.identity = identity_of("bob")
        self.tables = Tables()
        self.recognition = Recognition(self.identity, NETWORK.depth, self.tables)
        self.recognition.refresh(now)

    def apply(self, changes: Iterable[Change]) -> None:
        for change in changes:
            self.tables.apply(change)
            self.recognition.apply(change)

    def meet(self, name: str, contact: int) -> Tables:
        """The other side's tables."""
        own, other = self.identity.identity_key, identity_of(name).identity_key
        self.apply([PutContact(contact=contact_of(name, contact)), *pair(contact, own, other)])
        theirs = Tables()
        for change in pair(contact, other, own):
            theirs.apply(change)
        return theirs

    def consume(self, match: StreamMatch) -> None:
        state = self.recognition.advance(match)
        self.apply([PutStream(receiving=ReceivingStream(stream=match.stream, state=state))])

    def find(self, tag: Tag, born_hour: Hour) -> StreamMatch:
        match = self.recognition.find(tag, born_hour)
        assert isinstance(match, StreamMatch)
        return match

    def misses(self, tag: Tag, born_hour: Hour) -> bool:
        return self.recognition.find(tag, born_hour) is None


def pair(contact: int, own: IdentityKey, other: IdentityKey) -> list[Change]:
    return begin_pair(contact=contact, own=own, other=other, roots=ROOTS, epoch=EPOCH, reached=EPOCH)


def sent_by(tables: Tables, now: Now, count: int, q: Q = Q.RING) -> list[Tag]:
    (contact,) = {number for number, _ in tables.wheels}
    tags = []
    for _ in range(count):
        taken = take_index(tables, contact, q, now)
        for change in taken.changes:
            tables.apply(change)
        tags.append(taken.link.tag)
    return tags


def test_nobody_is_expected_by_an_empty_profile() -> None:
    assert Profile(at(12)).recognition.size == 0


@pytest.mark.parametrize("q", Q)
def test_a_new_contact_is_expected_at_once(q: Q) -> None:
    bob = Profile(at(12))
    alice = bob.meet("alice", 7)
    assert bob.recognition.size == ONE_DAY
    (tag,) = sent_by(alice, at(12), 1, q)
    match = bob.find(tag, hour(12))
    assert (match.stream.contact, match.stream.q, match.link.tag) == (7, q, tag)


def test_a_consumed_tag_is_no_longer_expected_and_the_window_moves_on() -> None:
    bob = Profile(at(12))
    tags = sent_by(bob.meet("alice", 1), at(12), WINDOW_SIZE + 1)
    assert bob.misses(tags[-1], hour(12))
    bob.consume(bob.find(tags[0], hour(12)))
    assert bob.misses(tags[0], hour(12))
    assert bob.find(tags[-1], hour(12)).link.index == WINDOW_SIZE


def test_what_was_passed_over_is_still_expected() -> None:
    bob = Profile(at(12))
    tags = sent_by(bob.meet("alice", 1), at(12), 3)
    bob.consume(bob.find(tags[2], hour(12)))
    for index in (1, 0):
        bob.consume(bob.find(tags[index], hour(12)))
    assert all(bob.misses(tag, hour(12)) for tag in tags)


@pytest.mark.parametrize(
    ("now_hours", "born_hours", "is_expected"),
    [
        (22.9, 24, False),
        (23.0, 24, True),
        (24.9, 24, True),
        (24.9, 23, True),
        (25.0, 23, False),
        (12.0, 24, False),
    ],
)
def test_around_midnight_both_days_are_expected(now_hours: float, born_hours: int, is_expected: bool) -> None:
    bob = Profile(at(12))
    alice = bob.meet("alice", 1)
    (tag,) = sent_by(alice, at(born_hours), 1)
    bob.recognition.refresh(at(now_hours))
    assert bob.misses(tag, hour(born_hours)) != is_expected


def test_a_clock_that_was_wrong_for_a_moment_loses_nothing() -> None:
    bob = Profile(at(12))
    (tag,) = sent_by(bob.meet("alice", 1), at(12), 1)
    for moment in (at(12 + 30 * 24), at(12 - 30 * 24), at(12 + 4_000 * 24), at(12)):
        bob.recognition.refresh(moment)
    assert bob.find(tag, hour(12)).link.index == 0


def test_a_turn_of_the_wheel_expects_the_same_as_looking_ahead_did() -> None:
    bob = Profile(at(12))
    alice = bob.meet("alice", 1)
    bob.recognition.refresh(at(24.5))
    early, later = sent_by(alice, at(24.5), 2)
    bob.consume(bob.find(early, hour(24)))
    bob.apply(turn_all(bob.tables, at(25), 2 * HOUR_MS, clock_confirmed=False))
    assert bob.misses(early, hour(24))
    assert bob.find(later, hour(24)).link.index == 1


def test_a_deleted_stream_is_no_longer_expected() -> None:
    bob = Profile(at(12))
    (tag,) = sent_by(bob.meet("alice", 1), at(12), 1)
    bob.apply([DeleteStream(stream=bob.find(tag, hour(12)).stream)])
    assert bob.misses(tag, hour(12))
    assert bob.recognition.size == WINDOW_CONTROL_SIZE


def stored_invite(number: int) -> StoredInvite:
    return StoredInvite(
        id=number, secret=bytes((number,)) * 32, expires_hour=hour(48), contact_name=f"c-{number}"
    )


def test_an_invite_is_expected_until_it_is_taken() -> None:
    bob = Profile(at(12))
    bob.apply([PutInvite(invite=stored_invite(1)), PutInvite(invite=stored_invite(2))])
    first, second = (bob.recognition.invite_of(stored_invite(number)) for number in (1, 2))
    match = bob.recognition.find(first.tag, hour(12))
    assert match == OnceMatch(tag=first.tag, purpose=InviteTag(invite=1), key=first.wrap_key)
    bob.apply([DeleteInvite(id=1)])
    assert bob.misses(first.tag, hour(12))
    assert bob.recognition.find(second.tag, hour(12)) is not None


def test_an_invite_is_expected_on_both_sides_of_midnight() -> None:
    bob = Profile(at(12))
    bob.apply([PutInvite(invite=stored_invite(1))])
    tag = bob.recognition.invite_of(stored_invite(1)).tag
    bob.recognition.refresh(at(23.5))
    assert not bob.misses(tag, hour(23))
    assert not bob.misses(tag, hour(24))
    bob.apply([DeleteInvite(id=1)])
    assert bob.recognition.size == 0


def test_the_invite_that_was_given_away_is_the_one_that_is_expected() -> None:
    bob = Profile(at(12))
    given = Invite(
        identity_key=bob.identity.identity_key,
        contact_key=bob.identity.contact_key,
        depth=NETWORK.depth,
        expires_hour=hour(48),
        secret=bytes((1,)) * 32,
    )
    assert bob.recognition.invite_of(stored_invite(1)) == given


def test_an_answer_is_expected_under_another_tag_each_day_until_it_has_come() -> None:
    bob = Profile(at(12))
    alice = identity_of("alice")
    pending = Pending(
        kind=IntroductionKind.INVITE,
        rotation=0,
        identity_key=alice.identity_key,
        contact_key=alice.contact_key,
        born_hour=hour(12),
        handshake=InitiatorState(
            chaining_key=b"c" * 32, handshake_hash=b"h" * 32, ephemeral_secret=b"e" * 32
        ),
    )
    introduction = Introduction(
        id=3,
        contact_name="alice",
        identity_key=alice.identity_key,
        invite_text="",
        pending=pending.encode(),
        until_hour=pending.reply_until_hour,
    )
    bob.apply([PutIntroduction(introduction=introduction)])
    (today, key), (tomorrow, _) = (pending.reply_entry(Epoch(EPOCH + day)) for day in range(2))
    assert bob.recognition.find(today, hour(12)) == OnceMatch(tag=today, purpose=ReplyTag(pending=3), key=key)
    assert bob.misses(tomorrow, hour(24))
    bob.recognition.refresh(at(24 + 12))
    assert bob.misses(today, hour(12))
    assert not bob.misses(tomorrow, hour(36))
    bob.apply([DeleteIntroduction(id=3)])
    assert bob.misses(tomorrow, hour(36))
