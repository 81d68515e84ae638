"""The people a profile knows: finding one, naming one, adding and confirming one, a send to one.

Nobody is added here by choice: only a completed introduction (`introductions`) makes a contact.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tocsin.errors import TocsinError
from tocsin.pairs import Taken, begin_pair
from tocsin.store.changes import AppendEvent, Change, DeleteSend, PutContact
from tocsin.store.records import Contact, ContactState, Purpose, Send, UnderKey
from tocsin.store.tables import Tables
from tocsin_protocol.envelope import EnvelopeClass, kind_of
from tocsin_protocol.hello import Peer
from tocsin_protocol.identity import Identity
from tocsin_protocol.limits import TTL_HOURS, TTL_S_DEFAULT
from tocsin_protocol.network import Network
from tocsin_protocol.topics import home, shard_topic
from tocsin_protocol.types import Epoch, Now, Topic
from tocsin_protocol.wheel import Roots

TTL_INDEX = TTL_HOURS.index(72)
"""One ttl for everything, on purpose: a rare one would tell envelopes apart."""
PAIR_KIND = kind_of(EnvelopeClass.PAIR, TTL_INDEX)
NAME_SIZE_MAX = 64
CONTACTS_MAX = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Self:
    """Who we are on which network, and how long an automatic answer waits."""

    identity: Identity
    network: Network
    answer_delay_ms: tuple[int, int]


class UnknownContact(TocsinError):
    """Nobody of that name is a contact."""


def find_contact(tables: Tables, name: str) -> Contact:
    contact = tables.contact_named(name)
    if contact is not None and contact.state is ContactState.CONFIRMED:
        return contact
    if contact is not None:
        raise UnknownContact(f"'{name}' has not confirmed yet: wait until `tocsin contacts` says so")
    if any(introduction.contact_name == name for introduction in tables.introductions.values()):
        raise UnknownContact(f"'{name}' has not answered yet: wait until `tocsin contacts` lists them")
    if any(invite.contact_name == name for invite in tables.invites.values()):
        raise UnknownContact(f"'{name}' has not taken your invite yet: they type `tocsin accept` with it")
    known = ", ".join(sorted(contact.name for contact in tables.contacts.values())[:10])
    remedy = f"you know {known}" if known else "make an invite for them with: tocsin invite " + name
    raise UnknownContact(f"no contact is called '{name}': {remedy}")


def choose_name(tables: Tables, wanted: str | None) -> str:
    """A name nobody else has here; without a wish, `contact-1` and so on."""
    taken = {contact.name for contact in tables.contacts.values()}
    taken |= {invite.contact_name for invite in tables.invites.values()}
    taken |= {introduction.contact_name for introduction in tables.introductions.values()}
    if wanted is None:
        return next(name for n in range(1, len(taken) + 2) if (name := f"contact-{n}") not in taken)
    if any(unicodedata.category(letter).startswith("C") for letter in wanted.strip()):
        raise TocsinError("a contact's name has no control characters")
    if not 1 <= len(wanted.encode()) <= NAME_SIZE_MAX or wanted.strip() != wanted:
        raise TocsinError(f"a contact's name has 1 to {NAME_SIZE_MAX} bytes and no space at its ends")
    if wanted in taken:
        raise TocsinError(f"the name '{wanted}' is taken: choose another with --name")
    return wanted


def confirm_contact(tables: Tables, contact: Contact, now: Now) -> list[Change]:
    """Something of theirs opened under generation 0: they hold the keys that the handshake gave."""
    if contact.state is ContactState.CONFIRMED:
        return []
    confirmed = replace(contact, state=ContactState.CONFIRMED)
    replies = [
        DeleteSend(id=send.id)
        for send in tables.sends.values()
        if send.contact == contact.id and send.purpose is Purpose.REPLY
    ]
    return [PutContact(contact=confirmed), *replies, tell_added(confirmed, now)]


def send_under(
    me: Self,
    tables: Tables,
    *,
    contact: Contact,
    taken: Taken,
    payload: bytes,
    purpose: Purpose,
    now: Now,
    ttl_s: int = TTL_S_DEFAULT,
) -> Send:
    """A send whose index, and so whose id, is fixed from here on."""
    return Send(
        id=next_send(tables),
        contact=contact.id,
        introduction=None,
        purpose=purpose,
        nid=taken.link.nid if purpose is Purpose.NOTIFICATION else None,
        topic=topic_of(me, contact),
        kind=PAIR_KIND,
        sealing=UnderKey(epoch=taken.epoch, tag=taken.link.tag, key=taken.link.key, payload=payload),
        stamped=None,
        created_ms=now.unix_ms,
        not_before_ms=now.unix_ms,
        expires_ms=now.unix_ms + ttl_s * 1000,
    )


def open_pair(me: Self, contact: Contact, roots: Roots, epoch: Epoch, reached: Epoch) -> Sequence[Change]:
    return begin_pair(
        contact=contact.id,
        own=me.identity.identity_key,
        other=contact.identity_key,
        roots=roots,
        epoch=epoch,
        reached=reached,
    )


def new_contact(tables: Tables, peer: Peer, name: str, state: ContactState, now: Now) -> Contact:
    return Contact(
        id=max(tables.contacts, default=0) + 1,
        identity_key=peer.identity_key,
        contact_key=peer.contact_key,
        name=name,
        state=state,
        added_ms=now.unix_ms,
    )


def tell_added(contact: Contact, now: Now) -> AppendEvent:
    return AppendEvent(
        time_ms=now.unix_ms,
        type="contact.added",
        nid=None,
        app=None,
        sender=contact.identity_key.hex(),
        thread=None,
        data={"contact": contact.name},
    )


def topic_of(me: Self, contact: Contact) -> Topic:
    return shard_topic(me.network, home(contact.identity_key))


def next_send(tables: Tables) -> int:
    return max(tables.sends, default=0) + 1
