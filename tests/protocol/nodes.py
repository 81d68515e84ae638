"""Nodes with several contacts on one gossip: real envelopes, stamps, handshakes and codecs, one table each.

They have no store of their own: what is committed is what each contact's `Person` keeps.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from tests.protocol.people import Letter, Person
from tests.protocol.stores import catch_up
from tocsin_protocol import notification
from tocsin_protocol.catchup import Try
from tocsin_protocol.control import read_control, write_control
from tocsin_protocol.effects import Role
from tocsin_protocol.envelope import (
    Envelope,
    EnvelopeClass,
    RelayCheck,
    kind_of,
    open_sealed,
    seal,
    stamp_need,
    stamp_subject,
)
from tocsin_protocol.errors import RemoteProtocolError
from tocsin_protocol.identity import Identity, Seed
from tocsin_protocol.introduce import Answered, Finished, Pending, answer, begin, finish
from tocsin_protocol.invite import Invite
from tocsin_protocol.network import Network
from tocsin_protocol.notification import Notification, NotificationKind
from tocsin_protocol.recognise import InviteTag, OnceMatch, Recogniser, ReplyTag, StreamId
from tocsin_protocol.session import Begin, End
from tocsin_protocol.stamp import StampSearch
from tocsin_protocol.topics import shard_topic
from tocsin_protocol.types import Epoch, Hour, MessageKey, Now, Tag
from tocsin_protocol.verdict import Verdict
from tocsin_protocol.wheel import Link, Q

NETWORK = Network(name="three", pair_cost=1)
RELAY = RelayCheck(NETWORK)
TOPIC = shard_topic(NETWORK, 0)
"""At depth 0 everybody is on one shard."""
TTL_INDEX = 3
INVITE_HOURS = 24
IDENTITIES = tuple(Identity.from_seed(Seed(bytes([number]) * 32)) for number in (11, 12, 13))


class Outcome(Enum):
    NOT_RELAYED = "no relay would pass it on to us"
    MISS = "its tag is not in the table"
    SHUT = "its tag is, but it does not open"
    OPENED = "it was for us"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """An envelope in the air; `letter` is None in an introduction and in a forgery."""

    data: bytes
    sender: int
    receiver: int
    letter: Letter | None = None

    @property
    def envelope(self) -> Envelope:
        return Envelope.parse(self.data)

    def stamped_again(self, start: int) -> "Sent":
        """Of another start comes another stamp, and so another mid."""
        return replace(self, data=stamped(self.envelope, start))


def stamped(envelope: Envelope, start: int = 0) -> bytes:
    subject = stamp_subject(NETWORK, TOPIC, envelope.encode())
    need = stamp_need(NETWORK, envelope.kind, len(envelope.encode()))
    nonce = StampSearch(subject, need, start).run(10_000)
    assert nonce is not None
    return envelope.with_stamp(nonce).encode()


class Node:
    """`number` is its place among the identities, and what the others call it as a contact."""

    def __init__(self, number: int) -> None:
        self.number, self.identity = number, IDENTITIES[number]
        self.table = Recogniser()
        self.people: dict[int, Person] = {}
        self.invites: dict[int, Invite] = {}
        self.pending: dict[int, Pending] = {}
        self.blocked: dict[int, Person] = {}
        """What is left of those whom it blocked."""
        self.shown: list[tuple[int, str]] = []
        self.skew_ms = 0
        self.draws = 0

    def random(self, size: int) -> bytes:
        self.draws += 1
        return hashlib.shake_256(self.identity.identity_key + self.draws.to_bytes(8, "big")).digest(size)

    def clock(self, now: Now) -> Now:
        return Now(unix_ms=now.unix_ms + self.skew_ms, steady_ms=now.steady_ms)

    def set_clock(self, skew_ms: int) -> None:
        self.skew_ms = skew_ms
        for person in self.people.values():
            person.skew_ms = skew_ms

    def crash(self) -> None:
        self.table = Recogniser()
        for person in self.people.values():
            person.crash(self.table)

    def block(self, contact: int, now: Now) -> None:
        self.people[contact].handle(End(), now)
        self.blocked[contact] = self.people.pop(contact)

    # Introductions: all of one take place in one epoch, before anything crashes

    def invite(self, guest: int, now: Now) -> str:
        invite = Invite(
            identity_key=self.identity.identity_key,
            contact_key=self.identity.contact_key,
            depth=0,
            expires_hour=Hour(now.hour + INVITE_HOURS),
            secret=self.random(32),
        )
        self.invites[guest] = invite
        self.table.watch_once(invite.tag, now.epoch, InviteTag(invite=guest), invite.wrap_key)
        return invite.encode(NETWORK)

    def come(self, inviter: int, text: str, now: Now) -> Sent:
        invite = Invite.decode(text, NETWORK, now.hour)
        begun = begin(
            identity=self.identity,
            door=invite.door,
            contact_key=invite.contact_key,
            network=NETWORK,
            born_hour=now.hour,
            ttl_index=TTL_INDEX,
            text="it is me",
            depth=0,
            ephemeral=self.random(32),
            nonce=self.random(24),
        )
        pending = Pending.decode(begun.pending.encode())
        self.pending[inviter] = pending
        tag, key = pending.reply_entry(now.epoch)
        self.table.watch_once(tag, now.epoch, ReplyTag(pending=inviter), key)
        return Sent(data=stamped(begun.envelope), sender=self.number, receiver=inviter)

    def _introduce(self, match: OnceMatch, envelope: Envelope, now: Now) -> list[Sent]:
        self.table.forget_once(match.tag)
        match match.purpose:
            case InviteTag(invite=guest):
                return [self._answer(guest, envelope, now)]
            case ReplyTag(pending=inviter):
                self._finish(inviter, envelope, match.key, now)
                return []

    def _answer(self, guest: int, envelope: Envelope, now: Now) -> Sent:
        answered = answer(
            identities=[self.identity],
            door=self.invites.pop(guest).door,
            network=NETWORK,
            envelope=envelope,
            now=now,
            depth=0,
            ephemeral=self.random(32),
            seen={},
        )
        self._begin(guest, Role.ANSWERED, answered, now)
        tag, key = answered.reply.entry(now.epoch)
        data = self._seal(now.hour, tag, key, answered.reply.message2)
        return Sent(data=data, sender=self.number, receiver=guest)

    def _finish(self, inviter: int, envelope: Envelope, key: MessageKey, now: Now) -> None:
        finished = finish(
            identities=[self.identity],
            pending=self.pending.pop(inviter),
            payload=open_sealed(network=NETWORK, envelope=envelope, key=key),
            born_hour=envelope.born_hour,
            now=now,
            seen={},
        )
        self._begin(inviter, Role.BEGAN, finished, now)

    def _begin(self, contact: int, role: Role, said: Answered | Finished, now: Now) -> None:
        assert said.peer.identity_key == IDENTITIES[contact].identity_key, "somebody else came"
        person = Person(self.identity, IDENTITIES[contact], contact=contact, table=self.table)
        self.people[contact] = person
        card = IDENTITIES[contact].card
        begun = Begin(
            roots=said.roots, epoch=said.epoch, reached=said.epoch, role=role, card=card, draw=person.draw()
        )
        person.handle(begun, now)

    # What goes out

    def send(self, contact: int, q: Q, text: str, now: Now) -> Sent | None:
        letter = self.people[contact].send(now, q)
        if letter is None:
            return None
        kind = NotificationKind.ALERT if q is Q.RING else NotificationKind.DATA
        return self._post(contact, letter, Notification(kind=kind, body=text))

    def leave(self, now: Now) -> list[Sent]:
        """The control maps whose time has come."""
        return [
            self._post(
                contact,
                letter,
                Notification(kind=NotificationKind.CONTROL, control=write_control(letter.control)),
            )
            for contact, person in self.people.items()
            for letter in person.leave(now)
            if letter.control is not None
        ]

    def _post(self, contact: int, letter: Letter, said: Notification) -> Sent:
        data = self._seal(letter.born_hour, letter.tag, letter.key, notification.encode(said))
        return Sent(data=data, sender=self.number, receiver=contact, letter=letter)

    def _seal(self, born_hour: Hour, tag: Tag, key: MessageKey, payload: bytes) -> bytes:
        envelope = seal(
            network=NETWORK,
            kind=kind_of(EnvelopeClass.PAIR, TTL_INDEX),
            born_hour=born_hour,
            tag=tag,
            key=key,
            nonce=self.random(24),
            payload=payload,
        )
        return stamped(envelope)

    # What comes in

    def receive(self, data: bytes, now: Now) -> tuple[Outcome, list[Sent]]:
        """As a node does with all that gossip brings, whoever it is for; and what it answers at once."""
        if RELAY.check(TOPIC, data, self.clock(now)).verdict is not Verdict.ACCEPT:
            return Outcome.NOT_RELAYED, []
        for person in self.people.values():
            person.refresh(now)
        envelope = Envelope.parse(data)
        match = self.table.find(envelope.tag, envelope.born_hour)
        if match is None:
            return Outcome.MISS, []
        if isinstance(match, OnceMatch):
            return Outcome.OPENED, self._introduce(match, envelope, now)
        letter = self._open(match.stream, match.link, envelope)
        if letter is None:
            return Outcome.SHUT, []
        person = self.people[match.stream.contact]
        person.open(letter, match.stream, self.table.advance(match), now)
        return Outcome.OPENED, []

    def catch_up(self, data: Sequence[bytes], epoch: Epoch, now: Now) -> None:
        """One pass over what stores have of an epoch, for all contacts."""
        envelopes = [Envelope.parse(each) for each in data]
        people = list(self.people.values())

        def open_one(attempt: Try) -> Letter | None:
            tried = (self._open(attempt.stream, attempt.link, envelopes[at]) for at in attempt.positions)
            return next((letter for letter in tried if letter is not None), None)

        if people:
            for person in people:
                person.refresh(now)
            tags = [envelope.tag for envelope in envelopes]
            catch_up(people, tags, open_one, epoch=epoch, now=self.clock(now))

    def _open(self, stream: StreamId, link: Link, envelope: Envelope) -> Letter | None:
        """The letter that this envelope is, if it opens; what it says to a person is shown."""
        try:
            payload = open_sealed(network=NETWORK, envelope=envelope, key=link.key)
        except RemoteProtocolError:
            return None
        said = notification.decode(payload)
        if said.control is None:
            self.shown.append((stream.contact, said.body))
        return Letter(
            tag=link.tag,
            key=link.key,
            nid=link.nid,
            number=stream.generation,
            epoch=stream.epoch,
            q=stream.q,
            index=link.index,
            born_hour=envelope.born_hour,
            control=None if said.control is None else read_control(said.control),
        )


def introduced_to_each_other(now: Now) -> tuple[list[Node], list[Sent]]:
    """Three nodes of which every two shared an invite, and all that went through the air for it."""
    nodes = [Node(number) for number in range(len(IDENTITIES))]
    air: list[Sent] = []
    for guest in nodes:
        for inviter in nodes[: guest.number]:
            text = inviter.invite(guest.number, now)
            air.append(guest.come(inviter.number, text, now))
    for sent in air:
        for node in nodes:
            air += node.receive(sent.data, now)[1]
    return nodes, air
