"""The queue in front of one neighbour: order, bounds, batching."""

import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from tocsin.transport.outbound_queue import OutboundQueue

PIECES = st.lists(st.binary(max_size=40), max_size=30)


@given(PIECES, st.integers(1, 50), st.integers(0, 200))
def test_what_is_accepted_comes_out_in_order(pieces: list[bytes], cut: int, size_max: int) -> None:
    async def run() -> None:
        queue = OutboundQueue(size_max)
        accepted = b"".join(piece for piece in pieces if queue.offer(piece))
        assert len(accepted) <= size_max
        taken = b""
        while len(taken) < len(accepted):
            part = await queue.take(cut)
            assert 1 <= len(part) <= cut
            taken += part
        assert taken == accepted
        assert queue.offer(bytes(size_max))

    trio.run(run)


async def test_small_pieces_leave_together_and_one_leaves_at_once() -> None:
    queue = OutboundQueue(100)
    queue.offer(b"a")
    assert await queue.take(10) == b"a"
    for _ in range(15):
        queue.offer(b"b")
    assert await queue.take(10) == b"b" * 10
    assert await queue.take(10) == b"b" * 5


async def test_taking_waits_for_bytes(autojump_clock: MockClock) -> None:
    queue = OutboundQueue(100)
    queue.offer(b"")
    with trio.move_on_after(1) as waiting:
        await queue.take(10)
    assert waiting.cancelled_caught


async def test_full_until_half_is_gone() -> None:
    queue = OutboundQueue(8)
    told: list[str] = []

    async def watch() -> None:
        await queue.wait_full()
        told.append("full")
        await queue.wait_relieved()
        told.append("relieved")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        assert queue.offer(bytes(8))
        assert not queue.offer(b"+")
        assert not queue.offer(b"+")
        await wait_all_tasks_blocked()
        assert told == ["full"]
        await queue.take(3)
        assert queue.offer(b"++")
        await wait_all_tasks_blocked()
        assert told == ["full"]
        await queue.take(3)
    assert told == ["full", "relieved"]
