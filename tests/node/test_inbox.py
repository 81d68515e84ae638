"""What a node makes of envelopes that anybody may show it: genuine, late, repeated, forged or not its own."""

from dataclasses import replace

import pytest
import trio
from trio.testing import MockClock

from tests.node.puppet import Puppet, befriend_through, forge, open_puppet, stamped, strangers, tamper
from tests.node.world import DAY_MS, TOPIC, Person, World, alert, nid_of, open_world, until
from tocsin import inbox
from tocsin.store.changes import DeleteStream
from tocsin_protocol import cbor
from tocsin_protocol.control import Confirm, write_control
from tocsin_protocol.envelope import Envelope, EnvelopeClass, kind_of
from tocsin_protocol.gossip.rpc import encode_entry
from tocsin_protocol.limits import RECENT_MAX, WINDOW_SIZE
from tocsin_protocol.notification import Notification, NotificationKind
from tocsin_protocol.recognise import StreamMatch
from tocsin_protocol.types import EnvelopeBytes
from tocsin_protocol.wheel import Q

CONFIRM = Notification(kind=NotificationKind.CONTROL, control=write_control(Confirm(generation=0)))


async def start_pair(world: World, puppet: Puppet) -> tuple[Person, Person]:
    """Alice and Bob, who know each other and have the puppet as their one peer."""
    alice, bob = await world.start("alice", "puppet"), await world.start("bob", "puppet")
    await befriend_through(puppet, bob, alice)
    return alice, bob


async def ring_into(puppet: Puppet, alice: Person, count: int) -> tuple[list[str], list[EnvelopeBytes]]:
    """So many rings for Bob, which end at the puppet."""
    start = len(puppet.heard)
    nids = [await alice.ring("bob", f"Ring {number}") for number in range(count)]
    return nids, (await puppet.until_heard(start + count))[start:]


async def settle() -> None:
    """Long enough for everything that was shown to be taken in."""
    await trio.sleep(5)


async def test_reordered_envelopes_ring_once_each(autojump_clock: MockClock) -> None:
    async with open_world() as world, open_puppet(world) as puppet:
        alice, bob = await start_pair(world, puppet)
        nids, envelopes = await ring_into(puppet, alice, WINDOW_SIZE)
        puppet.show(bob, *reversed(envelopes), *envelopes)
        await bob.until_received(*nids)
        await settle()
        assert await bob.received() == nids[::-1]


async def test_the_loss_of_fifteen_in_a_row_loses_only_those(autojump_clock: MockClock) -> None:
    async with open_world() as world, open_puppet(world) as puppet:
        alice, bob = await start_pair(world, puppet)
        nids, envelopes = await ring_into(puppet, alice, 2 * WINDOW_SIZE)
        last = WINDOW_SIZE - 1
        for number in (last, last + WINDOW_SIZE):
            puppet.show(bob, envelopes[number])
            await bob.until_received(nids[number])
        puppet.show(bob, *envelopes)
        await bob.until_received(*nids)
        assert len(await bob.received()) == len(nids)


async def test_the_loss_of_a_whole_window_mutes_a_contact_until_midnight(autojump_clock: MockClock) -> None:
    async with open_world() as world, open_puppet(world) as puppet:
        alice, bob = await start_pair(world, puppet)
        _, envelopes = await ring_into(puppet, alice, WINDOW_SIZE + 1)
        puppet.show(bob, envelopes[-1])
        await settle()
        assert await bob.received() == []
        world.time.wall_ms += DAY_MS
        (nid,), (envelope,) = await ring_into(puppet, alice, 1)
        puppet.show(bob, envelope)
        await bob.until_received(nid)


async def test_a_strangers_envelope_is_a_miss(autojump_clock: MockClock) -> None:
    async with open_world() as world, open_puppet(world) as puppet:
        alice, bob = await start_pair(world, puppet)
        seq, commits = bob.node.ledger.last_seq, bob.store.commits
        puppet.show(bob, *strangers(alice, 50))
        await settle()
        assert (bob.node.ledger.last_seq, bob.store.commits) == (seq, commits)
        assert not bob.node.counters


async def test_whoever_copies_a_tag_does_not_use_it_up(autojump_clock: MockClock) -> None:
    async with open_world() as world, open_puppet(world) as puppet:
        alice, bob = await start_pair(world, puppet)
        (nid,), (envelope,) = await ring_into(puppet, alice, 1)
        broadcast = stamped(replace(Envelope.parse(envelope), kind=kind_of(EnvelopeClass.BCAST, 3)))
        puppet.show(bob, tamper(envelope), broadcast)
        await settle()
        assert await bob.received() == []
        assert bob.node.counters["not opened: aead"] == 1
        puppet.show(bob, envelope)
        await bob.until_received(nid)


@pytest.mark.parametrize(
    ("payload", "q"),
    [
        (b"", Q.RING),
        (b"\xff" * 40, Q.RING),
        (cbor.encode([]), Q.RING),
        (cbor.encode({6: "no kind"}), Q.RING),
        (cbor.encode({0: 0, 30: b"short"}), Q.RING),
        (cbor.encode({0: 0, 32: {0: 99}}), Q.RING),
        (b"\x81" * 400, Q.RING),
        (alert("on the other stream"), Q.CONTROL),
        (CONFIRM, Q.RING),
        (cbor.encode({0: 7, 32: {0: 99}}), Q.CONTROL),
        (cbor.encode({0: 7, 32: {0: 2}}), Q.CONTROL),
    ],
)
async def test_a_malformed_payload_is_used_up_and_counted(
    payload: bytes | Notification, q: Q, autojump_clock: MockClock
) -> None:
    async with open_world() as world, open_puppet(world) as puppet:
        alice, bob = await start_pair(world, puppet)
        seq = bob.node.ledger.last_seq
        envelope = await forge(alice, "bob", payload, q)
        puppet.show(bob, envelope, envelope)
        await until(lambda: bob.node.counters["malformed"] == 1)
        (nid,), (genuine,) = await ring_into(puppet, alice, 1)
        puppet.show(bob, stamped(Envelope.parse(envelope), 1 << 32), genuine)
        await bob.until_received(nid)
        assert bob.node.ledger.last_seq == seq + 1
        assert bob.node.counters["malformed"] == 1


@pytest.mark.parametrize(
    ("payload", "q"),
    [
        (CONFIRM, Q.CONTROL),
        (cbor.encode({0: 7}), Q.CONTROL),
        (cbor.encode({0: 99}), Q.CONTROL),
        (cbor.encode({0: 99}), Q.RING),
    ],
)
async def test_what_is_not_for_a_person_rings_for_nobody(
    payload: bytes | Notification, q: Q, autojump_clock: MockClock
) -> None:
    async with open_world() as world, open_puppet(world) as puppet:
        alice, bob = await start_pair(world, puppet)
        seq, commits = bob.node.ledger.last_seq, bob.store.commits
        puppet.show(bob, await forge(alice, "bob", payload, q))
        await until(lambda: bob.store.commits > commits)
        assert bob.node.ledger.last_seq == seq
        assert not bob.node.counters


async def test_a_notification_that_was_sealed_again_rings_once(autojump_clock: MockClock) -> None:
    async with open_world() as world, open_puppet(world) as puppet:
        alice, bob = await start_pair(world, puppet)
        (nid,), (envelope,) = await ring_into(puppet, alice, 1)
        again = await forge(alice, "bob", replace(alert("Ring 0"), first=nid_of(nid)))
        puppet.show(bob, again, envelope)
        await until(lambda: bob.node.counters["received again"] == 1)
        assert await bob.received() == [nid]


async def test_nobody_can_use_up_the_id_of_somebody_else(autojump_clock: MockClock) -> None:
    async with open_world() as world, open_puppet(world) as puppet:
        alice, bob = await start_pair(world, puppet)
        mallory = await world.start("mallory", "puppet")
        await befriend_through(puppet, bob, mallory)
        (nid,), (envelope,) = await ring_into(puppet, alice, 1)
        forged = await forge(mallory, "bob", replace(alert("first!"), first=nid_of(nid)))
        puppet.show(bob, forged, envelope)
        await until(lambda: bob.node.ledger.last_seq >= 4)
        rung = await bob.events("received")
        assert [(event.nid, event.sender) for event in rung] == [(nid, mallory.key), (nid, alice.key)]


async def test_while_the_store_fails_nothing_is_lost(autojump_clock: MockClock) -> None:
    async with open_world() as world, open_puppet(world) as puppet:
        alice, bob = await start_pair(world, puppet)
        nids, envelopes = await ring_into(puppet, alice, 3)
        bob.store.broken = True
        puppet.show(bob, *envelopes)
        await until(lambda: any("disk is full" in trouble for trouble in bob.node.troubles))
        await settle()
        assert bob.node.counters["store failed"] > 1
        assert await bob.received() == []
        bob.store.broken = False
        await bob.until_received(*nids)
        await settle()
        assert not bob.node.troubles
        assert await bob.received() == nids


async def test_what_was_used_up_while_it_waited_for_the_store_rings_not(autojump_clock: MockClock) -> None:
    async with open_world() as world, open_puppet(world) as puppet:
        alice, bob = await start_pair(world, puppet)
        _, (envelope,) = await ring_into(puppet, alice, 1)
        ledger, parsed = bob.node.ledger, Envelope.parse(envelope)
        async with ledger.writing:
            puppet.show(bob, envelope)
            await settle()
            match = ledger.recognition.find(parsed.tag, parsed.born_hour)
            assert isinstance(match, StreamMatch)
            await ledger.commit([DeleteStream(stream=match.stream)])
        await settle()
        assert await bob.received() == []
        assert not bob.node.troubles


async def test_a_full_queue_loses_the_newest_and_counts_it(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "QUEUE_MAX", 4)
    async with open_world() as world, open_puppet(world) as puppet:
        alice, bob = await start_pair(world, puppet)
        nids, envelopes = await ring_into(puppet, alice, 8)
        bob.store.broken = True
        puppet.show(bob, envelopes[0])
        await until(lambda: bob.node.inbox.trouble is not None)
        puppet.show(bob, *envelopes[1:])
        await settle()
        assert bob.node.counters["inbox full"] == 3
        bob.store.broken = False
        await bob.until_received(*nids[:5])
        await settle()
        assert await bob.received() == nids[:5]


async def test_repeating_what_others_have_shown_keeps_nothing_out(autojump_clock: MockClock) -> None:
    """Copies cost their sender nothing, so they must not take the place of what is new."""
    async with open_world() as world, open_puppet(world) as puppet, open_puppet(world, "parrot") as parrot:
        alice, bob = await start_pair(world, puppet)
        await parrot.connect(bob)
        known = strangers(alice, 100)
        puppet.show(bob, *known)
        (nid,), (genuine,) = await ring_into(puppet, alice, 1)
        entries = [encode_entry(TOPIC, envelope) for envelope in known * 18]
        assert len(entries) > inbox.QUEUE_MAX
        parrot.write(bob, [*entries, encode_entry(TOPIC, genuine)])
        await bob.until_received(nid)


async def test_a_burst_of_other_peoples_envelopes_keeps_nothing_out(autojump_clock: MockClock) -> None:
    async with open_world() as world, open_puppet(world) as puppet:
        alice, bob = await start_pair(world, puppet)
        (nid,), (genuine,) = await ring_into(puppet, alice, 1)
        burst = strangers(alice, inbox.QUEUE_MAX + RECENT_MAX)
        puppet.show(bob, *burst, genuine)
        await bob.until_received(nid)
        assert not bob.node.counters["inbox full"]
