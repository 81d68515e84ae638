"""Introductions: invites given and taken, answers made and read, all as changes to be committed.

It sends and stores nothing itself; until an introduction is complete nobody is a contact.
"""

from dataclasses import dataclass, field, replace

from tocsin.contacts import (
    CONTACTS_MAX,
    PAIR_KIND,
    TTL_INDEX,
    Self,
    choose_name,
    new_contact,
    next_send,
    open_pair,
    send_under,
    tell_added,
    topic_of,
)
from tocsin.errors import TocsinError
from tocsin.pairs import take_index
from tocsin.ports import Entropy
from tocsin.store.changes import (
    Change,
    DeleteIntroduction,
    DeleteInvite,
    DeleteSend,
    PutContact,
    PutIntroduction,
    PutInvite,
    PutSend,
)
from tocsin.store.records import (
    ContactState,
    Introduction,
    Purpose,
    Ready,
    Send,
    StoredInvite,
    UnderReply,
)
from tocsin.store.tables import Tables
from tocsin_protocol import introduce, notification
from tocsin_protocol.control import Confirm, write_control
from tocsin_protocol.envelope import Envelope
from tocsin_protocol.errors import RemoteProtocolError
from tocsin_protocol.hello import Peer
from tocsin_protocol.identity import Card
from tocsin_protocol.introduce import Pending
from tocsin_protocol.invite import Invite
from tocsin_protocol.limits import HOUR_MS, INTRODUCTION_REPLY_HOURS, INVITE_HOURS_MAX, SEAL_NONCE_SIZE
from tocsin_protocol.notification import Notification, NotificationKind
from tocsin_protocol.types import Hour, IdentityKey, Now
from tocsin_protocol.wheel import Q

INVITES_MAX = 256
"""Open invites at once: each is one tag in every live epoch."""
INTRODUCTIONS_MAX = 256
CROSSING_HOURS_MAX = 1
"""How far apart two people may take each other's invites and still have done it at once."""
KEY_SIZE = 32
NO_CARDS: dict[IdentityKey, Card] = {}
"""Whoever is a contact already is not introduced again here, so there is no newer card to contradict."""


class InviteRefused(TocsinError):
    """The text is no invite, or not one that can be taken now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """The contact's name-to-be, the text to give away, and the change that makes it valid."""

    contact: str
    text: str = field(repr=False)
    expires_ms: int
    changes: tuple[Change, ...] = field(repr=False)


def make_invite(
    me: Self, tables: Tables, *, name: str | None, hours: int, now: Now, secret: bytes
) -> Invited:
    if not 1 <= hours <= INVITE_HOURS_MAX:
        raise TocsinError(f"an invite is valid for 1 to {INVITE_HOURS_MAX} hours")
    if len(tables.invites) >= INVITES_MAX:
        raise TocsinError(f"{INVITES_MAX} invites are open already: wait until some are taken or expire")
    chosen = choose_name(tables, name)
    invite = Invite(
        identity_key=me.identity.identity_key,
        contact_key=me.identity.contact_key,
        depth=me.network.depth,
        expires_hour=Hour(now.hour + hours),
        secret=secret,
    )
    stored = StoredInvite(
        id=max(tables.invites, default=0) + 1,
        secret=secret,
        expires_hour=invite.expires_hour,
        contact_name=chosen,
    )
    return Invited(
        contact=chosen,
        text=invite.encode(me.network),
        expires_ms=(invite.expires_hour + 1) * HOUR_MS,
        changes=(PutInvite(invite=stored),),
    )


def take_invite(
    me: Self, tables: Tables, *, text: str, name: str | None, entropy: Entropy, now: Now
) -> tuple[str, list[Change]]:
    """Our name for the inviter, and message 1 on its way together with the state that awaits message 2."""
    try:
        invite = Invite.decode(text.strip(), me.network, now.hour)
    except RemoteProtocolError as error:
        raise InviteRefused(f"this invite cannot be used: {error.detail}") from None
    if invite.identity_key == me.identity.identity_key:
        raise InviteRefused("this invite is your own: give it to somebody else")
    known = tables.contact_with(invite.identity_key)
    if known is not None:
        raise InviteRefused(f"the maker of this invite is already your contact '{known.name}'")
    # Written anew, because the same invite may be given in capitals.
    text = invite.encode(me.network)
    if any(open_.invite_text == text for open_ in tables.introductions.values()):
        raise InviteRefused("this invite has been accepted already: wait for the answer")
    if len(tables.contacts) >= CONTACTS_MAX or len(tables.introductions) >= INTRODUCTIONS_MAX:
        raise TocsinError("too many contacts, or introductions without an answer: nothing was changed")
    chosen = choose_name(tables, name)
    changes = introduce_on(
        me,
        tables,
        invite,
        text=text,
        name=chosen,
        send_id=next_send(tables),
        entropy=entropy,
        now=now,
    )
    return chosen, changes


def introduce_on(
    me: Self,
    tables: Tables,
    invite: Invite,
    *,
    text: str,
    name: str,
    send_id: int,
    entropy: Entropy,
    now: Now,
) -> list[Change]:
    """One message 1: one ephemeral key, one header, one pending state."""
    begun = introduce.begin(
        identity=me.identity,
        door=invite.door,
        contact_key=invite.contact_key,
        network=me.network,
        born_hour=now.hour,
        ttl_index=TTL_INDEX,
        text="",
        depth=me.network.depth,
        ephemeral=entropy.draw(KEY_SIZE),
        nonce=entropy.draw(SEAL_NONCE_SIZE),
    )
    introduction = Introduction(
        id=max(tables.introductions, default=0) + 1,
        contact_name=name,
        identity_key=invite.identity_key,
        invite_text=text,
        pending=begun.pending.encode(),
        until_hour=begun.pending.reply_until_hour,
    )
    send = Send(
        id=send_id,
        contact=None,
        introduction=introduction.id,
        purpose=Purpose.INTRODUCTION,
        nid=None,
        topic=begun.topic,
        kind=PAIR_KIND,
        sealing=Ready(envelope=begun.envelope.encode()),
        stamped=None,
        created_ms=now.unix_ms,
        not_before_ms=now.unix_ms,
        expires_ms=(invite.expires_hour + 1) * HOUR_MS,
    )
    return [PutIntroduction(introduction=introduction), PutSend(send=send)]


def remake_introduction(me: Self, tables: Tables, send: Send, entropy: Entropy, now: Now) -> list[Change]:
    """Message 1 once more for a later hour; what awaits an answer to the earlier one stays."""
    earlier = tables.introductions.get(send.introduction or 0)
    if earlier is None or len(tables.introductions) >= INTRODUCTIONS_MAX:
        return [DeleteSend(id=send.id)]
    try:
        invite = Invite.decode(earlier.invite_text, me.network, now.hour)
    except RemoteProtocolError:
        return [DeleteSend(id=send.id)]
    return introduce_on(
        me,
        tables,
        invite,
        text=earlier.invite_text,
        name=earlier.contact_name,
        send_id=send.id,
        entropy=entropy,
        now=now,
    )


def answer_introduction(
    me: Self,
    tables: Tables,
    *,
    stored: StoredInvite,
    invite: Invite,
    envelope: Envelope,
    entropy: Entropy,
    now: Now,
) -> list[Change]:
    """Message 1 on our invite opened: the taker is a provisional contact and message 2 will leave.

    When both took an invite of the other at once, the introduction that the lower key began goes on. One
    that is older gives way: its invite was somebody else's already, or its maker would have answered.
    Raises RemoteProtocolError when the inner message or the card is not right: the invite then stays.
    """
    answered = introduce.answer(
        identities=(me.identity,),
        door=invite.door,
        network=me.network,
        envelope=envelope,
        now=now,
        depth=me.network.depth,
        ephemeral=entropy.draw(KEY_SIZE),
        seen=NO_CARDS,
    )
    if me.identity.identity_key < answered.peer.identity_key and has_crossed(tables, answered.peer, now):
        return []
    used_up = [DeleteInvite(id=stored.id), *end_introductions(tables, answered.peer)]
    if tables.contact_with(answered.peer.identity_key) is not None or len(tables.contacts) >= CONTACTS_MAX:
        return used_up
    contact = new_contact(tables, answered.peer, stored.contact_name, ContactState.PROVISIONAL, now)
    reply = Send(
        id=next_send(tables),
        contact=contact.id,
        introduction=None,
        purpose=Purpose.REPLY,
        nid=None,
        topic=topic_of(me, contact),
        kind=PAIR_KIND,
        sealing=UnderReply(secret=answered.reply.seed, payload=answered.reply.message2),
        stamped=None,
        created_ms=now.unix_ms,
        not_before_ms=now.unix_ms + draw_delay_ms(me, entropy),
        expires_ms=now.unix_ms + INTRODUCTION_REPLY_HOURS * HOUR_MS,
    )
    pair = open_pair(me, contact, answered.roots, answered.epoch, now.epoch)
    return [*used_up, PutContact(contact=contact), *pair, PutSend(send=reply)]


def finish_introduction(
    me: Self,
    tables: Tables,
    *,
    introduction: Introduction,
    payload: bytes,
    born_hour: Hour,
    entropy: Entropy,
    now: Now,
) -> list[Change]:
    """Message 2 opened: the inviter is a contact, and a confirmation under generation 0 will leave."""
    finished = introduce.finish(
        identities=(me.identity,),
        pending=Pending.decode(introduction.pending),
        payload=payload,
        born_hour=born_hour,
        now=now,
        seen=NO_CARDS,
    )
    contact = new_contact(tables, finished.peer, introduction.contact_name, ContactState.CONFIRMED, now)
    pair = open_pair(me, contact, finished.roots, finished.epoch, now.epoch)
    future = Tables()
    for change in pair:
        future.apply(change)
    taken = take_index(future, contact.id, Q.CONTROL, now)
    confirm = Notification(
        kind=NotificationKind.CONTROL, control=write_control(Confirm(generation=finished.roots.generation))
    )
    send = send_under(
        me,
        tables,
        contact=contact,
        taken=taken,
        payload=notification.encode(confirm),
        purpose=Purpose.CONFIRM,
        now=now,
    )
    waiting = replace(send, not_before_ms=now.unix_ms + draw_delay_ms(me, entropy))
    return [
        *end_introductions(tables, finished.peer),
        PutContact(contact=contact),
        *pair,
        *taken.changes,
        PutSend(send=waiting),
        tell_added(contact, now),
    ]


def has_crossed(tables: Tables, peer: Peer, now: Now) -> bool:
    """Whether we took an invite of theirs, and so lately that they may not know it yet."""
    until_hours = [i.until_hour for i in tables.introductions.values() if i.identity_key == peer.identity_key]
    youngest = now.hour + INTRODUCTION_REPLY_HOURS
    return bool(until_hours) and min(until_hours) >= youngest - CROSSING_HOURS_MAX


def end_introductions(tables: Tables, peer: Peer) -> list[Change]:
    """Every try with this person."""
    ended = {i.id for i in tables.introductions.values() if i.identity_key == peer.identity_key}
    sends = [DeleteSend(id=send.id) for send in tables.sends.values() if send.introduction in ended]
    return [*(DeleteIntroduction(id=number) for number in sorted(ended)), *sends]


def forget_expired(tables: Tables, now: Now) -> list[Change]:
    """Invites that nobody took and introductions that nobody answered, in time."""
    invites = [DeleteInvite(id=i.id) for i in tables.invites.values() if i.expires_hour < now.hour]
    unanswered = [
        DeleteIntroduction(id=i.id) for i in tables.introductions.values() if i.until_hour < now.hour
    ]
    return [*invites, *unanswered]


def draw_delay_ms(me: Self, entropy: Entropy) -> int:
    return introduce.answer_delay_ms(entropy.draw(8), me.answer_delay_ms)
