"""What becomes of an envelope that gossip delivered: recognised, opened, committed, and so rung.

Forwarding never waits for it; an envelope that is not for us ends here after one look-up.
"""

from collections import Counter
from typing import assert_never

import trio

from tocsin import contacts, introductions, pairs
from tocsin.contacts import Self
from tocsin.errors import StoreFailed
from tocsin.ledger import Ledger
from tocsin.outbox import Outbox
from tocsin.ports import Clock, Entropy
from tocsin.store.changes import AppendEvent, Change, PutStream
from tocsin.store.records import Contact, ReceivingStream
from tocsin_protocol import notification
from tocsin_protocol.control import read_control
from tocsin_protocol.envelope import Envelope, EnvelopeClass, open_sealed
from tocsin_protocol.errors import RemoteProtocolError
from tocsin_protocol.gossip.events import Deliver, Witness
from tocsin_protocol.limits import TTL_HOURS
from tocsin_protocol.notification import RINGING, Notification, NotificationKind
from tocsin_protocol.recognise import InviteTag, OnceMatch, ReplyTag, StreamMatch
from tocsin_protocol.types import Hour, MessageKey, Now, PeerId
from tocsin_protocol.wheel import Q
from tocsin_protocol.witness import Parked, Witnesses

QUEUE_MAX = 1_024
"""Deliveries that wait to be recognised; a full queue loses the newest, and counts it."""
RETRY_S = 2.0


class Inbox:
    def __init__(
        self,
        *,
        me: Self,
        ledger: Ledger,
        outbox: Outbox,
        clock: Clock,
        entropy: Entropy,
        trusted_peer: PeerId | None,
        counters: Counter[str],
    ) -> None:
        self._me = me
        self._ledger = ledger
        self._outbox = outbox
        self._clock = clock
        self._entropy = entropy
        self._witnesses = Witnesses(trusted_peer)
        self._parked: Parked[Deliver] = Parked()
        self._counters = counters
        self.trouble: str | None = None
        self._put, self._take = trio.open_memory_channel[Deliver](QUEUE_MAX)

    @property
    def parked(self) -> int:
        """Introductions that wait until a second neighbour shows the same envelope."""
        return len(self._parked)

    def put(self, item: Deliver | Witness) -> None:
        """Never waits: gossip goes on whatever happens here.

        A neighbour may repeat what others have shown as often as it likes: that must not fill the queue.
        """
        self._witnesses.saw(item.mid, item.peer, item.outbound, self._clock.now())
        if isinstance(item, Deliver):
            self._queue(item)
            return
        self._outbox.note_shown(item.mid)
        if self._witnesses.suffices(item.mid):
            parked = self._parked.release(item.mid)
            if parked is not None:
                self._queue(parked)

    def _queue(self, delivered: Deliver) -> None:
        try:
            self._put.send_nowait(delivered)
        except trio.WouldBlock:
            self._counters["inbox full"] += 1

    async def run(self) -> None:
        async for delivered in self._take:
            await self._take_in_all(delivered)

    async def _take_in_all(self, first: Deliver) -> None:
        """This one and all that wait behind it: what is not for us costs neither a turn nor a lock."""
        delivered = first
        while True:
            self._ledger.recognition.refresh(self._clock.now())
            envelope = Envelope.parse(delivered.envelope)
            if self._recognise(envelope) is not None:
                await self._take_in(delivered, envelope)
            try:
                delivered = self._take.receive_nowait()
            except trio.WouldBlock:
                return

    async def _take_in(self, delivered: Deliver, envelope: Envelope) -> None:
        """As often as it takes: while the disk is full nothing is consumed, and nothing is forgotten."""
        while True:
            try:
                await self._handle(delivered, envelope)
            except StoreFailed as error:
                self.trouble = str(error)
                self._counters["store failed"] += 1
                await trio.sleep(RETRY_S)
            else:
                self.trouble = None
                return

    async def _handle(self, delivered: Deliver, envelope: Envelope) -> None:
        async with self._ledger.writing:
            now = self._clock.now()
            self._ledger.recognition.refresh(now)
            match = self._recognise(envelope)
            if match is not None:
                await self._act(match, envelope, delivered, now)

    def expire(self, now: Now) -> None:
        self._parked.expire(now)

    def _recognise(self, envelope: Envelope) -> StreamMatch | OnceMatch | None:
        if envelope.envelope_class is not EnvelopeClass.PAIR:
            return None
        return self._ledger.recognition.find(envelope.tag, envelope.born_hour)

    async def _act(
        self, match: StreamMatch | OnceMatch, envelope: Envelope, delivered: Deliver, now: Now
    ) -> None:
        """Commit what the envelope means; what does not open changes nothing at all."""
        try:
            # Before anything is parked: whoever merely copied a tag must not fill the places.
            payload = open_sealed(network=self._me.network, envelope=envelope, key=key_of(match))
            if isinstance(match, StreamMatch):
                changes = await self._receive(match, payload, now)
            elif self._witnesses.suffices(delivered.mid):
                changes = self._introduce(match, envelope, payload, now)
            else:
                self._park(delivered, envelope)
                return
        except RemoteProtocolError as error:
            self._counters[f"not opened: {error.reason}"] += 1
            return
        await self._ledger.commit(changes)
        self._outbox.wake()

    def _park(self, delivered: Deliver, envelope: Envelope) -> None:
        """An answer to an envelope that one neighbour alone has would tell that neighbour who we are."""
        hours = TTL_HOURS[envelope.ttl_index]
        self._parked.park(delivered.mid, delivered, Hour(envelope.born_hour + hours))
        self._counters["introductions parked"] += 1

    def _introduce(self, match: OnceMatch, envelope: Envelope, payload: bytes, now: Now) -> list[Change]:
        tables = self._ledger.tables
        match match.purpose:
            case InviteTag(invite=number):
                stored = tables.invites[number]
                invite = self._ledger.recognition.invite_of(stored)
                return introductions.answer_introduction(
                    self._me,
                    tables,
                    stored=stored,
                    invite=invite,
                    envelope=envelope,
                    entropy=self._entropy,
                    now=now,
                )
            case ReplyTag(pending=number):
                introduction = tables.introductions[number]
                return introductions.finish_introduction(
                    self._me,
                    tables,
                    introduction=introduction,
                    payload=payload,
                    born_hour=envelope.born_hour,
                    entropy=self._entropy,
                    now=now,
                )
            case _:
                assert_never(match.purpose)

    async def _receive(self, match: StreamMatch, payload: bytes, now: Now) -> list[Change]:
        """Consuming the tag, moving the chain and the event with its seq are one transaction."""
        tables, stream = self._ledger.tables, match.stream
        contact = tables.contacts[stream.contact]
        state = self._ledger.recognition.advance(match)
        return [
            *pairs.turn_to_proof(tables, contact.id, stream.epoch),
            PutStream(receiving=ReceivingStream(stream=stream, state=state)),
            *contacts.confirm_contact(tables, contact, now),
            *await self._ring(match, contact, payload, now),
        ]

    async def _ring(self, match: StreamMatch, contact: Contact, payload: bytes, now: Now) -> list[Change]:
        """The event, if there is one to tell; a payload that breaks the rules was consumed and is counted."""
        try:
            content = notification.decode(payload)
            if not belongs(content.kind, match.stream.q):
                raise ValueError(f"kind {content.kind.name} on stream {match.stream.q.name}")
            if content.control is not None:
                read_control(content.control)
        except (RemoteProtocolError, ValueError):
            self._counters["malformed"] += 1
            return []
        if content.kind not in RINGING:
            return []
        sender, nid = contact.identity_key.hex(), (content.first or match.link.nid).hex()
        if await self._ledger.has_received(sender, nid):
            self._counters["received again"] += 1
            return []
        return [tell_received(contact, nid, content, now)]


def belongs(kind: NotificationKind, q: Q) -> bool:
    """What may ring comes on one stream, all else on the other; a later version's kind on either."""
    return kind is NotificationKind.UNKNOWN or (kind in RINGING) == (q is Q.RING)


def key_of(match: StreamMatch | OnceMatch) -> MessageKey:
    return match.link.key if isinstance(match, StreamMatch) else match.key


def tell_received(contact: Contact, nid: str, content: Notification, now: Now) -> AppendEvent:
    return AppendEvent(
        time_ms=now.unix_ms,
        type="received",
        nid=nid,
        app=content.app or None,
        sender=contact.identity_key.hex(),
        thread=content.thread or None,
        data={
            "contact": contact.name,
            "kind": content.kind.name.lower(),
            "title": content.title,
            "subtitle": content.subtitle,
            "message": content.body,
            "urgency": content.urgency.name.lower().replace("_", "-"),
            "sent_ms": content.ts_ms,
            "body": True,
        },
    )
