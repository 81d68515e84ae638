"""Durable sending: what was accepted is sealed, stamped and handed to gossip, whatever happens between.

It never claims that a notification arrived: `send.published` means that a neighbour showed us our own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import assert_never

import trio

from tocsin import contacts, introductions
from tocsin.contacts import Self
from tocsin.ledger import Ledger
from tocsin.pairs import CannotSend, hour_within, is_live, take_index
from tocsin.ports import Clock, Entropy
from tocsin.stamp_worker import StampFinder
from tocsin.store.changes import AppendEvent, Change, DeleteSend, PutSend
from tocsin.store.records import Contact, Purpose, Ready, Send, UnderKey, UnderReply
from tocsin_protocol import notification
from tocsin_protocol.envelope import Envelope, message_id, seal, stamp_need, stamp_subject
from tocsin_protocol.introduce import reply_entry
from tocsin_protocol.limits import SEAL_NONCE_SIZE
from tocsin_protocol.notification import Notification
from tocsin_protocol.types import EnvelopeBytes, Hour, MessageKey, Mid, NotificationId, Now, Tag, Topic
from tocsin_protocol.wheel import Q

LEVEL_MARGIN = 1
"""A sender stamps for one congestion level above the one it sees, so that a rise does not lose it."""
REPEAT_MS = 24 * 3_600_000
"""What introduces two people leaves again once a day while it may still be needed."""
TRY_S_MIN = 10
"""A notification for whoever is online now still needs a stamp, and a neighbour that may be on its way."""
SENDS_MAX = 10_000
"""Sends that wait at once; a further one is refused while it can still be told to somebody."""

Publish = Callable[[Topic, EnvelopeBytes], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """An envelope given to gossip; `taken` says whether a neighbour was there to take it."""

    send: int
    stamped: EnvelopeBytes = field(repr=False)
    taken: bool

    @property
    def born_hour(self) -> Hour:
        return Envelope.parse(self.stamped).born_hour


class Outbox:
    def __init__(
        self,
        *,
        me: Self,
        ledger: Ledger,
        clock: Clock,
        entropy: Entropy,
        stamps: StampFinder,
    ) -> None:
        self._me = me
        self._ledger = ledger
        self._clock = clock
        self._entropy = entropy
        self._stamps = stamps
        self._offered: dict[Mid, Offered] = {}
        self._shown: set[Mid] = set()
        self._work_came = trio.Event()
        self._neighbours = 0
        self._nobody_took = False

    @property
    def waiting(self) -> int:
        """Sends that are due and that no neighbour has taken yet."""
        taken, now = self._taken(), self._clock.now()
        return sum(s.stamped not in taken and is_due(s, now) for s in self._ledger.tables.sends.values())

    def _taken(self) -> set[EnvelopeBytes | None]:
        return {entry.stamped for entry in self._offered.values() if entry.taken}

    async def accept(self, contact: Contact, content: Notification) -> NotificationId:
        """Durable when this returns: the index, the id and the payload are fixed."""
        payload = notification.encode(content)
        async with self._ledger.writing:
            now = self._clock.now()
            if len(self._ledger.tables.sends) >= SENDS_MAX:
                raise CannotSend(f"{SENDS_MAX} sends are waiting already: connect the node, or wait")
            taken = take_index(self._ledger.tables, contact.id, Q.RING, now)
            send = contacts.send_under(
                self._me,
                self._ledger.tables,
                contact=contact,
                taken=taken,
                payload=payload,
                purpose=Purpose.NOTIFICATION,
                now=now,
                ttl_s=max(content.ttl_s, TRY_S_MIN),
            )
            queued = tell("send.queued", send, contact, now, {"app": content.app})
            await self._ledger.commit([*taken.changes, PutSend(send=send), queued])
        self.wake()
        return taken.link.nid

    def wake(self) -> None:
        """Something may be due that was not: a new send, or a neighbour to hand it to."""
        self._work_came.set()

    def set_neighbours(self, count: int) -> None:
        """Nothing is sealed while nobody is there to take it: its hour would pass.

        When the last neighbour goes, what it took may be lost with it, and is offered to the next one.
        """
        self._neighbours = count
        self._nobody_took = False
        if not count:
            self._offered = {mid: replace(entry, taken=False) for mid, entry in self._offered.items()}
        self.wake()

    async def run(self, publish: Publish) -> None:
        """`publish` hands an envelope to gossip, which answers by `note_published`, maybe more than once."""
        while True:
            self._work_came = trio.Event()
            await self._tell_published()
            now = self._clock.now()
            send = self._next_due(now)
            if send is not None:
                await self._work_on(send, now, publish)
                # Thousands that were stamped before a restart must not hold up everything else.
                await trio.lowlevel.checkpoint()
                continue
            with trio.move_on_after(self._pause_s(now)):
                await self._work_came.wait()

    def _next_due(self, now: Now) -> Send | None:
        taken = self._taken()
        somebody = self._neighbours and not self._nobody_took
        for send in self._ledger.tables.sends.values():
            if send.stamped in taken:
                continue
            if send.expires_ms <= now.unix_ms or (somebody and is_due(send, now)):
                return send
        return None

    def _pause_s(self, now: Now) -> float:
        """Until the next send's time comes, at most a minute: the wall clock may jump."""
        waits = [s.not_before_ms - now.unix_ms for s in self._ledger.tables.sends.values()]
        return min([60.0, *(wait / 1000 for wait in waits if wait > 0)])

    async def _work_on(self, send: Send, now: Now, publish: Publish) -> None:
        """One step; the next one looks at the clock and at the tables again."""
        if send.expires_ms <= now.unix_ms:
            async with self._ledger.writing:
                if self._is_current(send):
                    await self._end("send.expired", send)
            return
        if send.stamped is None or not is_live(Envelope.parse(send.stamped).born_hour, now):
            fresh = await self._seal(send, now)
            if fresh is not None:
                await self._stamp(*fresh)
            return
        mid = message_id(self._me.network, send.topic, send.stamped)
        self._offered[mid] = Offered(send=send.id, stamped=send.stamped, taken=False)
        publish(send.topic, send.stamped)

    def note_published(self, mid: Mid, peers: int) -> None:
        """Gossip's answer; when nobody was there, the next neighbour gets it, or we offer it again."""
        entry = self._offered.get(mid)
        if entry is None:
            return
        if peers:
            self._offered[mid] = replace(entry, taken=True)
            self._nobody_took = False
            self.wake()
        else:
            self._nobody_took = True

    async def _seal(self, send: Send, now: Now) -> tuple[Send, Envelope] | None:
        """An unstamped envelope for now; None when the send had to change first, or ended."""
        match send.sealing:
            case Ready(envelope=envelope):
                sealed = Envelope.parse(envelope)
                if is_live(sealed.born_hour, now):
                    return send, sealed
                await self._remake(send, now)
                return None
            case UnderReply(secret=secret, payload=payload):
                tag, key = reply_entry(secret, now.epoch)
                return send, self._seal_now(send, now.hour, tag, key, payload)
            case UnderKey() as under:
                hour = hour_within(under.epoch, now)
                if hour is None:
                    await self._renew(send, under, now)
                    return None
                return send, self._seal_now(send, hour, under.tag, under.key, under.payload)
            case _:
                assert_never(send.sealing)

    def _seal_now(self, send: Send, hour: Hour, tag: Tag, key: MessageKey, payload: bytes) -> Envelope:
        return seal(
            network=self._me.network,
            kind=send.kind,
            born_hour=hour,
            tag=tag,
            key=key,
            nonce=self._entropy.draw(SEAL_NONCE_SIZE),
            payload=payload,
        )

    async def _stamp(self, send: Send, envelope: Envelope) -> None:
        """A send that changed or ended while its stamp was searched is left as it now is."""
        data = envelope.encode()
        subject = stamp_subject(self._me.network, send.topic, data)
        need = stamp_need(self._me.network, send.kind, len(data)) << LEVEL_MARGIN
        nonce = await self._stamps.find(subject, need)
        stamped = replace(send, stamped=envelope.with_stamp(nonce).encode())
        async with self._ledger.writing:
            if self._is_current(send):
                await self._ledger.commit([PutSend(send=stamped)])

    async def _remake(self, send: Send, now: Now) -> None:
        """Message 1 authenticates its hour: a later hour needs a new message with a new ephemeral key."""
        async with self._ledger.writing:
            if self._is_current(send):
                await self._ledger.commit(
                    introductions.remake_introduction(self._me, self._ledger.tables, send, self._entropy, now)
                )

    async def _renew(self, send: Send, under: UnderKey, now: Now) -> None:
        """Its day is over and nobody took it: the same payload under the next index, with its first id.

        It goes to the end of the line, for indices must leave in their order to fit the receiver's window.
        """
        async with self._ledger.writing:
            tables = self._ledger.tables
            contact = self._contact_of(send)
            if contact is None or not self._is_current(send):
                return
            q = Q.RING if send.purpose is Purpose.NOTIFICATION else Q.CONTROL
            try:
                taken = take_index(tables, contact.id, q, now)
            except CannotSend:
                await self._ledger.commit([PutSend(send=replace(send, not_before_ms=now.unix_ms + 60_000))])
                return
            payload = under.payload
            if send.nid is not None:
                payload = notification.encode(replace(notification.decode(payload), first=send.nid))
            sealing = UnderKey(epoch=taken.epoch, tag=taken.link.tag, key=taken.link.key, payload=payload)
            renewed = replace(send, id=contacts.next_send(tables), sealing=sealing, stamped=None)
            await self._ledger.commit([*taken.changes, DeleteSend(id=send.id), PutSend(send=renewed)])

    async def _end(self, what: str, send: Send) -> None:
        """To be called by the holder of `writing`."""
        changes: list[Change] = [DeleteSend(id=send.id)]
        contact = self._contact_of(send)
        if send.purpose is Purpose.NOTIFICATION and contact is not None:
            changes.append(tell(what, send, contact, self._clock.now(), {}))
        await self._ledger.commit(changes)

    def note_shown(self, mid: Mid) -> None:
        """A neighbour showed us an envelope: if it is a notification of ours, it has been published.

        Whatever it is, that neighbour has it; after a restart it may have kept it from us ourselves.
        """
        self.note_published(mid, peers=1)
        if self._notification_of(mid) is not None:
            self._shown.add(mid)
            self.wake()

    async def _tell_published(self) -> None:
        for mid in list(self._shown):
            async with self._ledger.writing:
                send = self._notification_of(mid)
                if send is not None:
                    await self._end("send.published", send)
                self._offered.pop(mid, None)
            self._shown.discard(mid)

    def _notification_of(self, mid: Mid) -> Send | None:
        entry = self._offered.get(mid)
        send = self._send_of(entry) if entry else None
        return send if send is not None and send.purpose is Purpose.NOTIFICATION else None

    def _send_of(self, entry: Offered) -> Send | None:
        """None when the send has ended, or is sealed anew."""
        send = self._ledger.tables.sends.get(entry.send)
        return send if send is not None and send.stamped == entry.stamped else None

    async def sweep(self) -> None:
        """Envelopes whose hour has passed: done with, or to be repeated tomorrow."""
        async with self._ledger.writing:
            now = self._clock.now()
            changes: list[Change] = []
            over: list[Mid] = []
            for mid, entry in self._offered.items():
                send = self._send_of(entry)
                if send is not None and is_live(entry.born_hour, now):
                    continue
                over.append(mid)
                if send is not None and entry.taken:
                    changes += end_hour(send, now)
            if changes:
                await self._ledger.commit(changes)
            for mid in over:
                self._offered.pop(mid, None)
        self._nobody_took = False
        self.wake()

    def _is_current(self, send: Send) -> bool:
        """Asked while holding `writing`: while we waited for it the send may have changed or ended."""
        return self._ledger.tables.sends.get(send.id) == send

    def _contact_of(self, send: Send) -> Contact | None:
        return self._ledger.tables.contacts.get(send.contact) if send.contact is not None else None


def is_due(send: Send, now: Now) -> bool:
    """Also when its time is further away than anything waits: the clock was wrong when that was set."""
    return not 0 < send.not_before_ms - now.unix_ms <= REPEAT_MS


def end_hour(send: Send, now: Now) -> list[Change]:
    """Gossip has passed it on for as long as it does, and nobody says who got it."""
    if send.purpose is Purpose.NOTIFICATION:
        return [DeleteSend(id=send.id)]
    return [PutSend(send=replace(send, stamped=None, not_before_ms=now.unix_ms + REPEAT_MS))]


def tell(what: str, send: Send, contact: Contact, now: Now, data: Mapping[str, object]) -> AppendEvent:
    return AppendEvent(
        time_ms=now.unix_ms,
        type=what,
        nid=send.nid.hex() if send.nid else None,
        app=None,
        sender=None,
        thread=None,
        data={"contact": contact.name, **data},
    )
