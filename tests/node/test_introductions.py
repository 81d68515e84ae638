"""From an invite to a pair: who is answered, when, how often, and what is left when a message is lost."""

import pytest
import trio
from trio.testing import MockClock

from tests.node.puppet import KIND, Puppet, open_puppet, stamped
from tests.node.world import DAY_MS, NETWORK, Person, World, befriend, identity_of, open_world, until
from tocsin.contacts import UnknownContact
from tocsin.introductions import InviteRefused
from tocsin_protocol.envelope import seal
from tocsin_protocol.invite import Invite
from tocsin_protocol.limits import HOUR_MS, INTRODUCTION_REPLY_HOURS

LOW, HIGH = sorted(("alice", "bob"), key=lambda name: identity_of(name).identity_key)


async def start_two(world: World, *peers: str) -> tuple[Person, Person]:
    """Alice and Bob, who have not met."""
    return await world.start("alice", *peers), await world.start("bob", *peers)


async def accept(taker: Person, inviter: Person) -> None:
    await taker.node.accept_invite(await inviter.invite(taker.name), inviter.name)


async def settle() -> None:
    """Longer than an answer waits."""
    await trio.sleep(15)


async def pass_time(world: World, ms: int) -> None:
    """The wall clock moves, and every node notices within two minutes."""
    world.time.wall_ms += ms
    await trio.sleep(120)


def state_of(person: Person) -> list[str]:
    return [contact.state.value for contact in person.node.contacts]


def contacts_of(person: Person) -> list[tuple[str, str]]:
    return [(contact.name, contact.state.value) for contact in person.node.contacts]


async def assert_a_pair(one: Person, other: Person) -> None:
    """Each knows the other once, by whatever name, and can ring."""
    await until(lambda: [state_of(one), state_of(other)] == [["confirmed"]] * 2)
    await settle()
    for sender, receiver in ((one, other), (other, one)):
        (contact,) = sender.node.contacts
        assert contact.identity_key.hex() == receiver.key
        assert len(await sender.events("contact.added")) == 1
        assert not sender.node.ledger.tables.introductions
        await receiver.until_received(await sender.ring(contact.name))


async def assert_a_pair_through(puppet: Puppet, one: Person, other: Person) -> None:
    await until(lambda: [state_of(one), state_of(other)] == [["confirmed"]] * 2)
    for sender, receiver in ((one, other), (other, one)):
        assert not sender.node.ledger.tables.introductions
        nid = await sender.ring(receiver.name)
        puppet.show(receiver, await puppet.next_heard())
        await receiver.until_received(nid)


@pytest.mark.parametrize("seed", range(4))
async def test_automatic_answers_wait_a_random_time(seed: int, autojump_clock: MockClock) -> None:
    async with open_world(seed=seed) as world, open_puppet(world) as puppet:
        alice, bob = await start_two(world, "puppet")
        await accept(alice, bob)
        await puppet.until_heard(1)
        waits = []
        for receiver in (bob, alice):
            shown_s = trio.current_time()
            puppet.show(receiver, puppet.heard[-1])
            await puppet.next_heard()
            waits.append(trio.current_time() - shown_s)
        assert all(1 <= wait <= 10.1 for wait in waits)
        assert waits[0] != waits[1]


async def test_who_can_be_rung_when(autojump_clock: MockClock) -> None:
    async with open_world() as world, open_puppet(world) as puppet:
        alice, bob = await start_two(world, "puppet")
        text = await bob.invite("alice")
        with pytest.raises(UnknownContact, match="'alice' has not taken your invite yet"):
            await bob.ring("alice")
        await alice.node.accept_invite(text, "bob")
        with pytest.raises(UnknownContact, match="'bob' has not answered yet"):
            await alice.ring("bob")
        (message1,) = await puppet.until_heard(1)
        puppet.show(bob, message1)
        await until(lambda: bool(bob.node.contacts))
        with pytest.raises(UnknownContact, match="'alice' has not confirmed yet"):
            await bob.ring("alice")
        puppet.show(alice, await puppet.next_heard())
        await alice.until_knows("bob")
        puppet.show(bob, await puppet.next_heard())
        await bob.until_knows("alice")
        await bob.ring("alice")


async def test_a_notification_confirms_as_well_as_a_confirmation(autojump_clock: MockClock) -> None:
    async with open_world() as world, open_puppet(world) as puppet:
        alice, bob = await start_two(world, "puppet")
        await accept(alice, bob)
        for count, receiver in ((1, bob), (2, alice)):
            puppet.show(receiver, (await puppet.until_heard(count))[-1])
        await alice.until_knows("bob")
        nid = await alice.ring("bob")
        puppet.show(bob, await puppet.next_heard())
        await bob.until_received(nid)
        assert contacts_of(bob) == [("alice", "confirmed")]
        assert [event.type for event in await bob.store.events_after(0, 9)] == ["contact.added", "received"]


@pytest.mark.parametrize("later_s", [0, 0.004, 0.01, 0.1, 3, 30])
@pytest.mark.parametrize("first", [LOW, HIGH])
async def test_crossed_invites_make_one_pair(first: str, later_s: float, autojump_clock: MockClock) -> None:
    async with open_world() as world:
        await world.start("relay")
        alice, bob = await start_two(world, "relay")
        one, other = (alice, bob) if first == "alice" else (bob, alice)
        texts = {person.name: await person.invite() for person in (one, other)}
        await one.node.accept_invite(texts[other.name], other.name)
        await trio.sleep(later_s)
        if not other.node.contacts:
            await other.node.accept_invite(texts[one.name], one.name)
        await assert_a_pair(one, other)


async def test_two_invites_that_cross_while_nobody_hears(autojump_clock: MockClock) -> None:
    async with open_world() as world:
        alice, bob = await start_two(world, "relay")
        texts = [await person.invite() for person in (alice, bob)]
        await alice.node.accept_invite(texts[1], "bob")
        await bob.node.accept_invite(texts[0], "alice")
        await trio.sleep(60)
        await world.start("relay")
        await assert_a_pair(alice, bob)


async def test_an_invite_that_was_somebody_elses_does_not_stand_in_the_way(autojump_clock: MockClock) -> None:
    """Bob gave one invite to two people; the one who came late invites him instead."""
    late, bob_name = LOW, HIGH
    async with open_world() as world:
        await world.start("relay")
        carol = await world.start("carol", "relay")
        late_one, bob = await world.start(late, "relay"), await world.start(bob_name, "relay")
        text = await bob.invite("carol")
        await carol.node.accept_invite(text, "bob")
        await bob.until_knows("carol")
        await late_one.node.accept_invite(text, "bob")
        await settle()
        await bob.node.accept_invite(await late_one.invite(), "late")
        await settle()
        assert late_one.node.contacts == ()
        await pass_time(world, 3 * HOUR_MS)
        await pass_time(world, DAY_MS)
        await bob.until_knows("late")
        await late_one.until_received(await bob.ring("late"))


async def test_an_invite_makes_one_contact(autojump_clock: MockClock) -> None:
    async with open_world() as world:
        await world.start("relay")
        alice, bob = await start_two(world, "relay")
        carol = await world.start("carol", "relay")
        text = await bob.invite("alice")
        await alice.node.accept_invite(text, "bob")
        for again in (text, text.upper(), f"  {text}\n"):
            with pytest.raises(InviteRefused, match="accepted already: wait for the answer"):
                await alice.node.accept_invite(again, "bob again")
        await bob.until_knows("alice")
        with pytest.raises(InviteRefused, match="already your contact 'bob'"):
            await alice.node.accept_invite(text, None)
        await carol.node.accept_invite(text, "bob")
        await settle()
        assert contacts_of(bob) == [("alice", "confirmed")]
        assert contacts_of(carol) == []


async def test_somebody_who_is_a_contact_is_not_added_again(autojump_clock: MockClock) -> None:
    async with open_world() as world:
        await world.start("relay")
        alice, bob = await start_two(world, "relay")
        await befriend(bob, alice)
        await alice.stop()
        anew = world.person("alice", "relay")
        await anew.start()
        await anew.node.accept_invite(await bob.invite("alice again"), "bob")
        await settle()
        assert contacts_of(bob) == [("alice", "confirmed")]
        assert not bob.node.ledger.tables.invites


async def test_whoever_has_the_invite_but_no_message_does_not_use_it_up(autojump_clock: MockClock) -> None:
    async with open_world() as world, open_puppet(world) as puppet:
        alice, bob = await start_two(world, "puppet")
        text = await bob.invite("alice")
        invite = Invite.decode(text, NETWORK, bob.clock.now().hour)
        await bob.until_peers(1)
        for payload in (b"", b"\0" * 300):
            forged = seal(
                network=NETWORK,
                kind=KIND,
                born_hour=bob.clock.now().hour,
                tag=invite.tag,
                key=invite.wrap_key,
                nonce=bob.entropy.draw(24),
                payload=payload,
            )
            puppet.show(bob, stamped(forged))
        await until(lambda: bob.node.counters["not opened: noise"] == 2)
        await alice.node.accept_invite(text, "bob")
        puppet.show(bob, await puppet.next_heard())
        await until(lambda: contacts_of(bob) == [("alice", "provisional")])


async def test_every_message_of_an_introduction_may_be_lost_once(autojump_clock: MockClock) -> None:
    async with open_world() as world, open_puppet(world) as puppet:
        alice, bob = await start_two(world, "puppet")
        await alice.node.accept_invite((await bob.node.create_invite("alice", 24 * 30)).text, "bob")
        for sender, receiver in ((alice, bob), (bob, alice), (alice, bob)):
            await settle()
            lost = puppet.heard_from(sender)
            await pass_time(world, 3 * HOUR_MS)
            assert puppet.heard_from(sender) == lost, "it is repeated once a day, not more often"
            await pass_time(world, DAY_MS)
            again = puppet.heard_from(sender)[-1]
            assert again not in lost
            puppet.show(receiver, again)
        await bob.until_knows("alice")
        await alice.until_knows("bob")


async def test_an_answer_to_an_earlier_try_is_still_understood(autojump_clock: MockClock) -> None:
    async with open_world() as world, open_puppet(world) as puppet:
        alice, bob = await start_two(world, "puppet")
        await accept(alice, bob)
        (first_try,) = await puppet.until_heard(1)
        puppet.show(bob, first_try)
        await puppet.until_heard(2)
        await alice.stop()
        await bob.stop()
        world.time.wall_ms += 2 * HOUR_MS
        await alice.start()
        second_try = await puppet.next_heard()
        assert second_try != first_try
        await bob.start()
        puppet.show(alice, await puppet.next_heard())
        puppet.show(bob, second_try, await puppet.next_heard())
        await assert_a_pair_through(puppet, alice, bob)


async def test_an_invite_that_nobody_takes_is_forgotten_and_its_name_free(autojump_clock: MockClock) -> None:
    async with open_world() as world:
        bob = await world.start("bob")
        await bob.node.create_invite("alice", 1)
        await pass_time(world, HOUR_MS)
        assert bob.node.ledger.tables.invites
        await pass_time(world, HOUR_MS)
        assert not bob.node.ledger.tables.invites
        assert bob.node.ledger.recognition.size == 0
        await bob.invite("alice")


async def test_an_introduction_that_nobody_answers_is_forgotten(autojump_clock: MockClock) -> None:
    async with open_world() as world:
        alice = await world.start("alice")
        bob = world.person("bob")
        await bob.start()
        await accept(alice, bob)
        await pass_time(world, 50 * HOUR_MS)
        assert alice.node.outbox.waiting == 0
        assert alice.node.ledger.tables.introductions
        await pass_time(world, INTRODUCTION_REPLY_HOURS * HOUR_MS)
        assert not alice.node.ledger.tables.introductions
        assert alice.node.ledger.recognition.size == 0
