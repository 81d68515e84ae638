"""Names, who may be rung, and what confirming a contact changes."""

import pytest

from tests.node.world import NOON_MS, contact_of, identity_of
from tocsin import contacts
from tocsin.contacts import NAME_SIZE_MAX, UnknownContact
from tocsin.errors import TocsinError
from tocsin.store.changes import AppendEvent, DeleteSend, PutContact
from tocsin.store.records import (
    ContactState,
    Introduction,
    Purpose,
    Send,
    StoredInvite,
    UnderReply,
)
from tocsin.store.tables import Tables
from tocsin_protocol.types import Hour, Now, Topic

NOW = Now(unix_ms=NOON_MS, steady_ms=0)


def invite_of(name: str) -> StoredInvite:
    return StoredInvite(id=1, secret=b"s" * 32, expires_hour=Hour(0), contact_name=name)


def introduction_of(name: str) -> Introduction:
    return Introduction(
        id=1,
        contact_name=name,
        identity_key=identity_of(name).identity_key,
        invite_text="",
        pending=b"",
        until_hour=Hour(0),
    )


def reply_to(contact: int, number: int, purpose: Purpose = Purpose.REPLY) -> Send:
    return Send(
        id=number,
        contact=contact,
        introduction=None,
        purpose=purpose,
        nid=None,
        topic=Topic("/tocsin/1/test/s/0/00"),
        kind=3,
        sealing=UnderReply(secret=b"s" * 32, payload=b""),
        stamped=None,
        created_ms=NOON_MS,
        not_before_ms=NOON_MS,
        expires_ms=NOON_MS + 1,
    )


@pytest.fixture
def tables() -> Tables:
    """Bob is a contact, Carol has our invite, and Dave has not answered."""
    tables = Tables()
    tables.contacts = {1: contact_of("bob")}
    tables.invites = {1: invite_of("carol")}
    tables.introductions = {1: introduction_of("dave")}
    return tables


@pytest.mark.parametrize("taken", ["bob", "carol", "dave"])
def test_a_name_is_given_once(tables: Tables, taken: str) -> None:
    with pytest.raises(TocsinError, match=f"'{taken}' is taken: choose another with --name"):
        contacts.choose_name(tables, taken)


@pytest.mark.parametrize("name", ["Eve", "eve the 2nd", "Ève", "é" * (NAME_SIZE_MAX // 2)])
def test_a_free_name_is_taken_as_it_is(tables: Tables, name: str) -> None:
    assert contacts.choose_name(tables, name) == name


@pytest.mark.parametrize(
    "name", ["", " eve", "eve ", "\teve", "x" * (NAME_SIZE_MAX + 1), "é" * NAME_SIZE_MAX]
)
def test_a_name_has_a_size_and_no_space_around_it(tables: Tables, name: str) -> None:
    with pytest.raises(TocsinError, match="1 to 64 bytes and no space at its ends"):
        contacts.choose_name(tables, name)


@pytest.mark.parametrize("name", ["e\nve", "e\x00ve", "e\x1b[2Jve", "e\u202eve", "e\u200bve", "e\ud800ve"])
def test_a_name_draws_nothing_on_a_terminal(tables: Tables, name: str) -> None:
    with pytest.raises(TocsinError, match="no control characters"):
        contacts.choose_name(tables, name)


def test_whoever_gets_no_name_gets_a_number(tables: Tables) -> None:
    assert contacts.choose_name(tables, None) == "contact-1"
    tables.invites[2] = invite_of("contact-1")
    tables.introductions[2] = introduction_of("contact-3")
    assert contacts.choose_name(tables, None) == "contact-2"


def test_a_confirmed_contact_is_found(tables: Tables) -> None:
    assert contacts.find_contact(tables, "bob") == tables.contacts[1]


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("carol", "'carol' has not taken your invite yet"),
        ("dave", "'dave' has not answered yet"),
        ("erin", "'erin' has not confirmed yet"),
        ("frank", "no contact is called 'frank': you know bob, erin"),
    ],
)
def test_who_cannot_be_rung_and_why(tables: Tables, name: str, remedy: str) -> None:
    tables.contacts[2] = contact_of("erin", 2, ContactState.PROVISIONAL)
    with pytest.raises(UnknownContact, match=remedy):
        contacts.find_contact(tables, name)


def test_a_profile_without_contacts_is_told_how_to_get_one() -> None:
    with pytest.raises(UnknownContact, match="make an invite for them with: tocsin invite bob"):
        contacts.find_contact(Tables(), "bob")


def test_confirming_ends_the_repeated_answer_and_is_told_once(tables: Tables) -> None:
    provisional = contact_of("erin", 2, ContactState.PROVISIONAL)
    tables.contacts[2] = provisional
    tables.sends = {
        5: reply_to(2, 5),
        6: reply_to(1, 6),
        7: reply_to(2, 7, Purpose.CONFIRM),
    }
    put, ended, told = contacts.confirm_contact(tables, provisional, NOW)
    assert isinstance(put, PutContact)
    assert put.contact.state is ContactState.CONFIRMED
    assert ended == DeleteSend(id=5)
    assert isinstance(told, AppendEvent)
    assert (told.type, told.data) == ("contact.added", {"contact": "erin"})
    assert contacts.confirm_contact(tables, put.contact, NOW) == []
