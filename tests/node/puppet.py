"""A neighbour without a node: it hears what it is sent and shows what a test hands it, to whom it likes."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import trio

from tests.node.world import NETWORK, TOPIC, Person, World, until
from tocsin.pairs import take_index
from tocsin.ports import PeerBytes, PeerDown, PeerUp, Transport
from tocsin_protocol import notification
from tocsin_protocol.envelope import Envelope, EnvelopeClass, kind_of, seal, stamp_need, stamp_subject
from tocsin_protocol.gossip.rpc import (
    FrameReader,
    Subscription,
    decode,
    encode_entry,
    encode_frames,
    encode_subscription,
    read_entry,
)
from tocsin_protocol.notification import Notification
from tocsin_protocol.stamp import StampSearch
from tocsin_protocol.types import EnvelopeBytes, MessageKey, PeerId, Tag
from tocsin_protocol.wheel import Q

KIND = kind_of(EnvelopeClass.PAIR, 3)


@dataclass(slots=True)
class Puppet:
    transport: Transport
    listens: bool
    heard: list[EnvelopeBytes] = field(default_factory=list)
    sources: list[PeerId] = field(default_factory=list)
    readers: dict[PeerId, FrameReader] = field(default_factory=dict)

    async def run(self) -> None:
        async for event in self.transport.events():
            match event:
                case PeerUp(peer=peer):
                    self.readers[peer] = FrameReader()
                    if self.listens:
                        self.subscribe(peer)
                case PeerDown(peer=peer):
                    del self.readers[peer]
                case PeerBytes(peer=peer, data=data):
                    for frame in self.readers[peer].read(data):
                        entries = decode(frame).entries
                        self.heard += [EnvelopeBytes(read_entry(entry).data) for entry in entries]
                        self.sources += [peer] * len(entries)

    def subscribe(self, peer: PeerId) -> None:
        wanted = encode_subscription(Subscription(topic=TOPIC, subscribe=True))
        self.transport.send(peer, b"".join(encode_frames([wanted])))

    async def connect(self, person: Person) -> None:
        """As an inbound neighbour of theirs."""
        await self.transport.connect(person.node.addresses[0])
        await until(lambda: person.peer_id in self.readers)

    def show(self, person: Person, *envelopes: EnvelopeBytes) -> None:
        self.write(person, (encode_entry(TOPIC, envelope) for envelope in envelopes))

    def write(self, person: Person, entries: Iterable[bytes]) -> None:
        for frame in encode_frames(entries):
            assert self.transport.send(person.peer_id, frame)

    def heard_from(self, person: Person) -> list[EnvelopeBytes]:
        pairs = zip(self.sources, self.heard, strict=True)
        return [envelope for source, envelope in pairs if source == person.peer_id]

    async def until_heard(self, count: int) -> list[EnvelopeBytes]:
        await until(lambda: len(self.heard) >= count)
        return self.heard

    async def next_heard(self) -> EnvelopeBytes:
        """What comes from now on."""
        return (await self.until_heard(len(self.heard) + 1))[-1]


@asynccontextmanager
async def open_puppet(world: World, name: str = "puppet", *, listens: bool = True) -> AsyncIterator[Puppet]:
    async with world.open_transport(name) as transport, trio.open_nursery() as nursery:
        puppet = Puppet(transport, listens)
        nursery.start_soon(puppet.run)
        yield puppet
        nursery.cancel_scope.cancel()


async def befriend_through(puppet: Puppet, inviter: Person, taker: Person) -> None:
    """A pair whose only neighbour is the puppet: it passes on what makes them a pair, and forgets it."""
    text = await inviter.invite(taker.name)
    await taker.node.accept_invite(text, inviter.name)
    for count, receiver in enumerate((inviter, taker, inviter), start=1):
        puppet.show(receiver, (await puppet.until_heard(count))[-1])
    await taker.until_knows(inviter.name)
    await inviter.until_knows(taker.name)
    puppet.heard.clear()
    puppet.sources.clear()


async def forge(sender: Person, to: str, payload: bytes | Notification, q: Q = Q.RING) -> EnvelopeBytes:
    """What this contact could send by a program of their own; it uses up an index like any send."""
    ledger, now = sender.node.ledger, sender.clock.now()
    contact = ledger.tables.contact_named(to)
    assert contact is not None
    async with ledger.writing:
        taken = take_index(ledger.tables, contact.id, q, now)
        await ledger.commit(taken.changes)
    sealed = seal(
        network=NETWORK,
        kind=KIND,
        born_hour=now.hour,
        tag=taken.link.tag,
        key=taken.link.key,
        nonce=sender.entropy.draw(24),
        payload=payload if isinstance(payload, bytes) else notification.encode(payload),
    )
    return stamped(sealed)


def stamped(envelope: Envelope, start: int = 0) -> EnvelopeBytes:
    """With the first stamp from `start` on: another start makes another message of the same envelope."""
    subject = stamp_subject(NETWORK, TOPIC, envelope.encode())
    size = len(envelope.encode())
    nonce = StampSearch(subject, stamp_need(NETWORK, envelope.kind, size), start).run(10_000)
    assert nonce is not None
    return envelope.with_stamp(nonce).encode()


def tamper(envelope: EnvelopeBytes) -> EnvelopeBytes:
    """The same tag over a body that does not open."""
    parsed = Envelope.parse(envelope)
    return stamped(replace(parsed, body=parsed.body[:-1] + bytes((parsed.body[-1] ^ 1,))))


def strangers(person: Person, count: int) -> list[EnvelopeBytes]:
    """Envelopes between people whom nobody here knows."""
    draw = person.entropy.draw
    sealed = (
        seal(
            network=NETWORK,
            kind=KIND,
            born_hour=person.clock.now().hour,
            tag=Tag(draw(16)),
            key=MessageKey(draw(32)),
            nonce=draw(24),
            payload=b"",
        )
        for _ in range(count)
    )
    return [stamped(envelope) for envelope in sealed]
