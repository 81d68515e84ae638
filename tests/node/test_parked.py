"""Nothing automatic leaves a node for an envelope that too few neighbours have shown it."""

from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
import trio
from trio.testing import MockClock

from tests.node.puppet import Puppet, open_puppet, stamped, strangers
from tests.node.world import Person, World, open_world, until
from tocsin_protocol.envelope import Envelope
from tocsin_protocol.limits import HOUR_MS, PARKED_MAX
from tocsin_protocol.types import EnvelopeBytes

NAMES = ("out-1", "out-2", "in-1", "in-2")


async def puppets_around(stack: AsyncExitStack, world: World, bob: Person) -> dict[str, Puppet]:
    """Those that Bob dials, and two that dial him."""
    puppets = {name: await stack.enter_async_context(open_puppet(world, name)) for name in NAMES}
    await bob.start()
    for name in ("in-1", "in-2"):
        await puppets[name].connect(bob)
    await bob.until_peers(2 + len(bob.peers))
    return puppets


async def introduction_for(world: World, bob: Person) -> EnvelopeBytes:
    """Message 1 of Alice, who is no neighbour of Bob's."""
    async with open_puppet(world, "elsewhere") as elsewhere:
        alice = await world.start("alice", "elsewhere")
        await alice.node.accept_invite(await bob.invite("alice"), "bob")
        (message1,) = await elsewhere.until_heard(1)
        await alice.stop()
    return message1


async def is_answered(bob: Person, puppets: dict[str, Puppet], message1: EnvelopeBytes) -> bool:
    """Whether anything but message 1 itself leaves Bob's node."""
    await trio.sleep(20)
    heard = {envelope for puppet in puppets.values() for envelope in puppet.heard_from(bob)}
    left = heard - {message1}
    assert bool(left) == bool(bob.node.contacts)
    assert bob.node.inbox.parked == (not left)
    return bool(left)


@pytest.mark.parametrize(
    ("peers", "shown_by", "answered"),
    [
        (("out-1",), ["out-1"], True),
        (("out-1",), ["in-1"], False),
        (("out-1",), ["in-1", "in-2"], False),
        (("out-1",), ["in-1", "out-1"], True),
        (("out-1", "out-2"), ["out-1"], False),
        (("out-1", "out-2"), ["out-1", "out-1"], False),
        (("out-1", "out-2"), ["out-1", "out-2"], True),
        (("out-1", "out-2"), ["in-1", "out-2"], True),
        (("out-1", "out-2"), ["out-2", "in-1"], True),
        (("out-1", "out-2"), ["in-1", "in-2"], False),
        (("out-1", "out-2"), ["in-1", "in-2", "out-1"], True),
        ((), ["in-1", "in-2"], False),
    ],
)
async def test_whose_word_suffices(
    peers: tuple[str, ...], shown_by: list[str], answered: bool, autojump_clock: MockClock
) -> None:
    async with open_world() as world, AsyncExitStack() as stack:
        bob = world.person("bob", *peers)
        puppets = await puppets_around(stack, world, bob)
        message1 = await introduction_for(world, bob)
        for name in shown_by[:-1]:
            puppets[name].show(bob, message1)
            assert not await is_answered(bob, puppets, message1)
        puppets[shown_by[-1]].show(bob, message1)
        assert await is_answered(bob, puppets, message1) == answered


async def test_one_peer_at_two_addresses_is_one_peer(autojump_clock: MockClock) -> None:
    async with open_world() as world, AsyncExitStack() as stack:
        bob = world.person("bob", "out-1", "out-1")
        bob.peers = (bob.peers[0], bob.peers[1].replace("/memory/", "/elsewhere/"))
        puppets = {"out-1": await stack.enter_async_context(open_puppet(world, "out-1"))}
        await bob.start()
        await bob.until_peers(1)
        message1 = await introduction_for(world, bob)
        puppets["out-1"].show(bob, message1)
        assert await is_answered(bob, puppets, message1)


async def test_the_answer_waits_for_a_second_neighbour_like_the_question(autojump_clock: MockClock) -> None:
    async with open_world() as world, open_puppet(world, "out-1") as one, open_puppet(world, "out-2") as two:
        alice, bob = await world.start("alice", "out-1", "out-2"), await world.start("bob", "out-1")
        await alice.node.accept_invite(await bob.invite("alice"), "bob")
        one.show(bob, (await one.until_heard(1))[0])
        await until(lambda: bool(one.heard_from(bob)))
        (message2,) = one.heard_from(bob)
        one.show(alice, message2)
        await trio.sleep(20)
        assert alice.node.inbox.parked == 1
        assert alice.node.contacts == ()
        two.show(alice, message2)
        await alice.until_knows("bob")


async def test_what_nobody_else_shows_is_dropped_when_its_time_is_over(autojump_clock: MockClock) -> None:
    async with open_world() as world, AsyncExitStack() as stack:
        bob = world.person("bob", "out-1", "out-2")
        puppets = await puppets_around(stack, world, bob)
        puppets["out-1"].show(bob, await introduction_for(world, bob))
        await until(lambda: bob.node.inbox.parked == 1)
        world.time.wall_ms += 72 * HOUR_MS
        await trio.sleep(120)
        assert bob.node.inbox.parked == 1
        world.time.wall_ms += HOUR_MS
        await trio.sleep(120)
        assert bob.node.inbox.parked == 0


async def test_what_was_parked_survives_a_store_that_fails(autojump_clock: MockClock) -> None:
    async with open_world() as world, AsyncExitStack() as stack:
        bob = world.person("bob", "out-1", "out-2")
        puppets = await puppets_around(stack, world, bob)
        message1 = await introduction_for(world, bob)
        puppets["out-1"].show(bob, message1)
        await until(lambda: bob.node.inbox.parked == 1)
        bob.store.broken = True
        puppets["out-2"].show(bob, message1)
        await until(lambda: bob.node.inbox.trouble is not None)
        bob.store.broken = False
        assert await is_answered(bob, puppets, message1)


async def test_whoever_copies_the_tag_of_an_invite_takes_no_place(autojump_clock: MockClock) -> None:
    async with open_world() as world, AsyncExitStack() as stack:
        bob = world.person("bob", "out-1", "out-2")
        puppets = await puppets_around(stack, world, bob)
        message1 = await introduction_for(world, bob)
        tag = Envelope.parse(message1).tag
        copies = (Envelope.parse(envelope) for envelope in strangers(bob, PARKED_MAX))
        puppets["out-1"].show(bob, message1, *(stamped(replace(copy, tag=tag)) for copy in copies))
        await until(lambda: bob.node.counters["not opened: aead"] == PARKED_MAX)
        assert bob.node.inbox.parked == 1
        puppets["out-2"].show(bob, message1)
        assert await is_answered(bob, puppets, message1)


async def test_what_was_parked_for_an_invite_that_is_over_is_dropped(autojump_clock: MockClock) -> None:
    async with open_world() as world, AsyncExitStack() as stack:
        bob = world.person("bob", "out-1", "out-2")
        puppets = await puppets_around(stack, world, bob)
        message1 = await introduction_for(world, bob)
        puppets["out-1"].show(bob, message1)
        await until(lambda: bob.node.inbox.parked == 1)
        world.time.wall_ms += 49 * HOUR_MS
        await trio.sleep(120)
        world.time.wall_ms -= 49 * HOUR_MS
        puppets["out-2"].show(bob, message1)
        await trio.sleep(20)
        assert bob.node.inbox.parked == 0
        assert bob.node.contacts == ()
