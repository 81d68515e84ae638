"""Which invites are made and taken, and what a person is told about the others."""

import pytest
from trio.testing import MockClock

from tests.node.world import (
    NETWORK,
    NOON_MS,
    SeededEntropy,
    contact_of,
    identity_of,
    open_world,
    until,
)
from tocsin import introductions
from tocsin.contacts import Self
from tocsin.errors import TocsinError
from tocsin.introductions import (
    InviteRefused,
    draw_delay_ms,
    make_invite,
    remake_introduction,
    take_invite,
)
from tocsin.store.changes import Change, DeleteSend
from tocsin.store.records import Send
from tocsin.store.tables import Tables
from tocsin_protocol.invite import Invite
from tocsin_protocol.limits import HOUR_MS, INVITE_HOURS_MAX
from tocsin_protocol.network import Network
from tocsin_protocol.types import Hour, Now

NOW = Now(unix_ms=NOON_MS, steady_ms=0)
ENTROPY = SeededEntropy("invites")


def self_of(name: str, network: Network = NETWORK) -> Self:
    return Self(identity=identity_of(name), network=network, answer_delay_ms=(0, 0))


def text_by(name: str, *, network: Network = NETWORK, hours: int = 48, now: Now = NOW) -> str:
    me = self_of(name, network)
    return make_invite(me, Tables(), name=None, hours=hours, now=now, secret=ENTROPY.draw(32)).text


def take(text: str, *, tables: Tables | None = None, name: str | None = None, now: Now = NOW) -> list[Change]:
    """By Alice."""
    tables = Tables() if tables is None else tables
    _, changes = take_invite(self_of("alice"), tables, text=text, name=name, entropy=ENTROPY, now=now)
    for change in changes:
        tables.apply(change)
    return changes


def later(hours: float) -> Now:
    return Now(unix_ms=round(NOON_MS + hours * HOUR_MS), steady_ms=0)


VALID = text_by("bob")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "begins with tocsin:invite/"),
        ("hello", "begins with tocsin:invite/"),
        ("tocsin:id/" + VALID[14:], "begins with tocsin:invite/"),
        ("\uff54ocsin:invite/" + VALID[14:], "begins with tocsin:invite/"),
        (VALID[:-1], "this invite cannot be used"),
        (VALID + "a", "this invite cannot be used"),
        (VALID[:40] + ("a" if VALID[40] != "a" else "b") + VALID[41:], "mistyped"),
        (VALID[:-3] + "\u0131" + VALID[-2:], "this invite cannot be used"),
        (text_by("bob", network=Network(name="other")), "mistyped, or it belongs to another network"),
        (text_by("bob", hours=1, now=later(-3)), "expired: ask for a new one"),
        (text_by("alice"), "your own: give it to somebody else"),
    ],
)
def test_an_invite_that_cannot_be_taken(text: str, why: str) -> None:
    with pytest.raises(InviteRefused, match=why):
        take(text)


def test_an_invite_is_valid_until_its_hour_is_over() -> None:
    text = text_by("bob", hours=1)
    assert take(text, now=later(1.9))
    with pytest.raises(InviteRefused, match="expired"):
        take(text, now=later(2))


@pytest.mark.parametrize("hours", [0, -1, INVITE_HOURS_MAX + 1])
def test_an_invite_is_valid_for_a_month_at_most(hours: int) -> None:
    with pytest.raises(TocsinError, match="valid for 1 to 720 hours"):
        text_by("bob", hours=hours)


def test_an_invite_says_when_it_ends() -> None:
    invited = make_invite(self_of("bob"), Tables(), name="al", hours=2, now=NOW, secret=b"s" * 32)
    assert invited.expires_ms == NOON_MS + 3 * HOUR_MS
    last = Hour(invited.expires_ms // HOUR_MS - 1)
    assert Invite.decode(invited.text, NETWORK, last).expires_hour == last


def test_open_invites_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(introductions, "INVITES_MAX", 3)
    me, tables = self_of("bob"), Tables()
    for _ in range(3):
        invited = make_invite(me, tables, name=None, hours=1, now=NOW, secret=ENTROPY.draw(32))
        for change in invited.changes:
            tables.apply(change)
    assert {invite.contact_name for invite in tables.invites.values()} == {f"contact-{n}" for n in (1, 2, 3)}
    with pytest.raises(TocsinError, match="3 invites are open already"):
        make_invite(me, tables, name=None, hours=1, now=NOW, secret=ENTROPY.draw(32))


def test_introductions_without_an_answer_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(introductions, "INTRODUCTIONS_MAX", 2)
    tables = Tables()
    for name in ("bob", "carol"):
        take(text_by(name), tables=tables)
    with pytest.raises(TocsinError, match="too many contacts, or introductions without an answer"):
        take(text_by("dave"), tables=tables)


def test_contacts_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(introductions, "CONTACTS_MAX", 1)
    tables = Tables()
    tables.contacts = {1: contact_of("dave")}
    with pytest.raises(TocsinError, match="too many contacts"):
        take(VALID, tables=tables)


def sole_send(tables: Tables) -> Send:
    (send,) = tables.sends.values()
    return send


def remade(tables: Tables, now: Now) -> list[Change]:
    return remake_introduction(self_of("alice"), tables, sole_send(tables), ENTROPY, now)


def test_a_second_try_keeps_what_awaits_the_answer_to_the_first() -> None:
    tables = Tables()
    take(VALID, tables=tables)
    for change in remade(tables, later(24)):
        tables.apply(change)
    first, second = tables.introductions.values()
    assert first.pending != second.pending
    assert first.contact_name == second.contact_name
    assert sole_send(tables).introduction == second.id


def test_there_is_no_second_try_with_an_invite_that_is_over() -> None:
    tables = Tables()
    take(VALID, tables=tables)
    assert remade(tables, later(50)) == [DeleteSend(id=1)]


def test_there_is_no_second_try_for_an_introduction_that_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = Tables()
    take(VALID, tables=tables)
    monkeypatch.setattr(introductions, "INTRODUCTIONS_MAX", 1)
    assert remade(tables, later(24)) == [DeleteSend(id=1)]
    tables.introductions.clear()
    assert remade(tables, later(24)) == [DeleteSend(id=1)]


@pytest.mark.parametrize(("low", "high"), [(0, 0), (5, 5), (1_000, 10_000)])
def test_an_answer_waits_within_its_bounds(low: int, high: int) -> None:
    me = Self(identity=identity_of("bob"), network=NETWORK, answer_delay_ms=(low, high))
    drawn = [draw_delay_ms(me, ENTROPY) for _ in range(500)]
    assert all(low <= delay <= high for delay in drawn)
    assert len(set(drawn)) > (high - low) // 30


async def test_a_full_address_book_uses_the_invite_up_and_answers_nobody(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_world() as world:
        await world.start("relay")
        alice, bob = await world.start("alice", "relay"), await world.start("bob", "relay")
        await alice.node.accept_invite(await bob.invite("alice"), "bob")
        monkeypatch.setattr(introductions, "CONTACTS_MAX", 0)
        await until(lambda: not bob.node.ledger.tables.invites)
        assert bob.node.contacts == ()
        assert bob.node.outbox.waiting == 0
