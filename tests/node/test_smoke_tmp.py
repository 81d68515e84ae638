import trio
from trio.testing import MockClock
from tests.node.world import *

async def test_smoke(autojump_clock: MockClock) -> None:
    async with open_world() as w:
        relay = await w.start("relay")
        alice = await w.start("alice", "relay")
        bob = await w.start("bob", "relay")
        t=trio.current_time()
        await befriend(bob, alice)
        print(trio.current_time()-t)
        nid = await alice.ring("bob", "Hi")
        await bob.until_received(nid)
        await trio.sleep(600)
        assert await bob.received() == [nid]
        back = await bob.ring("alice", "Hello")
        await alice.until_received(back)
        print(alice.node.counters, bob.node.counters, relay.node.counters)
