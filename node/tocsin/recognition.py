"""Which tags this profile listens for right now: the recogniser, kept in step with the tables.

It opens nothing and stores nothing; `inbox` acts on what is found.
"""

from typing import assert_never

from tocsin.pairs import receiving_state
from tocsin.store.changes import (
    AppendEvent,
    Change,
    DeleteIntroduction,
    DeleteInvite,
    DeleteSend,
    DeleteSendingChain,
    DeleteStream,
    PutConsumer,
    PutContact,
    PutIntroduction,
    PutInvite,
    PutSend,
    PutSendingChain,
    PutStream,
    PutWheel,
)
from tocsin.store.records import Introduction, Side, StoredInvite
from tocsin.store.tables import Tables
from tocsin_protocol.identity import Identity
from tocsin_protocol.introduce import Pending
from tocsin_protocol.invite import Invite
from tocsin_protocol.recognise import (
    InviteTag,
    OnceMatch,
    Recogniser,
    ReplyTag,
    StreamId,
    StreamMatch,
    StreamState,
    live_epochs,
)
from tocsin_protocol.types import Epoch, Hour, MessageKey, Now, Tag
from tocsin_protocol.wheel import Q


class Recognition:
    """Follows every committed change; `refresh` follows the clock."""

    def __init__(self, identity: Identity, depth: int, tables: Tables) -> None:
        self._identity = identity
        self._depth = depth
        self._tables = tables
        self._recogniser = Recogniser()
        self._live: tuple[Epoch, ...] = ()
        self._watched: set[StreamId] = set()
        self._once: dict[InviteTag | ReplyTag, set[Tag]] = {}

    @property
    def size(self) -> int:
        return self._recogniser.size

    def find(self, tag: Tag, born_hour: Hour) -> StreamMatch | OnceMatch | None:
        return self._recogniser.find(tag, born_hour)

    def refresh(self, now: Now) -> None:
        """Rebuild when the live epochs changed: at start and around midnight."""
        live = live_epochs(now)
        if live == self._live:
            return
        self._live = live
        self._recogniser = Recogniser()
        self._watched.clear()
        self._once.clear()
        for contact in self._tables.contacts:
            self._watch_contact(contact)
        for invite in self._tables.invites.values():
            self._watch_invite(invite)
        for introduction in self._tables.introductions.values():
            self._watch_reply(introduction)

    def apply(self, change: Change) -> None:
        """After the tables: the recogniser reads what they now say."""
        match change:
            case PutStream(receiving=receiving):
                self._watch_stream(receiving.stream, receiving.state)
            case DeleteStream(stream=stream):
                self._watched.discard(stream)
                self._recogniser.forget_stream(stream)
            case PutWheel(wheel=stored):
                if stored.side is Side.RECEIVING:
                    self._watch_contact(stored.contact)
            case PutInvite(invite=invite):
                self._watch_invite(invite)
            case DeleteInvite(id=invite_id):
                self._forget_once(InviteTag(invite=invite_id))
            case PutIntroduction(introduction=introduction):
                self._watch_reply(introduction)
            case DeleteIntroduction(id=introduction_id):
                self._forget_once(ReplyTag(pending=introduction_id))
            case (
                PutContact()
                | PutSendingChain()
                | DeleteSendingChain()
                | PutSend()
                | DeleteSend()
                | PutConsumer()
                | AppendEvent()
            ):
                pass
            case _:
                assert_never(change)

    def advance(self, match: StreamMatch) -> StreamState:
        return self._recogniser.advance(match)

    def invite_of(self, stored: StoredInvite) -> Invite:
        """The invite as it was given away; only its secret, its hour and a name are stored."""
        return Invite(
            identity_key=self._identity.identity_key,
            contact_key=self._identity.contact_key,
            depth=self._depth,
            expires_hour=stored.expires_hour,
            secret=stored.secret,
        )

    def _watch_contact(self, contact: int) -> None:
        for epoch in self._live:
            for q in Q:
                stream = StreamId(contact=contact, epoch=epoch, q=q)
                state = receiving_state(self._tables, stream)
                if state is not None:
                    self._watch_stream(stream, state)

    def _watch_stream(self, stream: StreamId, state: StreamState) -> None:
        if stream.epoch not in self._live:
            return
        if stream in self._watched:
            self._recogniser.apply(stream, state)
        else:
            self._watched.add(stream)
            self._recogniser.watch(stream, state)

    def _watch_invite(self, stored: StoredInvite) -> None:
        invite = self.invite_of(stored)
        for epoch in self._live:
            self._watch_once(invite.tag, epoch, InviteTag(invite=stored.id), invite.wrap_key)

    def _watch_reply(self, introduction: Introduction) -> None:
        pending = Pending.decode(introduction.pending)
        for epoch in self._live:
            tag, key = pending.reply_entry(epoch)
            self._watch_once(tag, epoch, ReplyTag(pending=introduction.id), key)

    def _watch_once(self, tag: Tag, epoch: Epoch, purpose: InviteTag | ReplyTag, key: MessageKey) -> None:
        self._once.setdefault(purpose, set()).add(tag)
        self._recogniser.watch_once(tag, epoch, purpose, key)

    def _forget_once(self, purpose: InviteTag | ReplyTag) -> None:
        for tag in self._once.pop(purpose, ()):
            self._recogniser.forget_once(tag)
