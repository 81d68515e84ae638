"""When a configured peer is dialled again, and how long that waits."""

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import pytest
import trio
from trio.testing import MockClock

from tests.node.world import SeededEntropy
from tocsin.dialler import PAUSE_S_MAX, PAUSE_S_MIN, jitter, keep_connected
from tocsin.errors import ConnectFailed
from tocsin.ports import Transport
from tocsin_protocol.types import PeerId

PEER = PeerId("peer")


class Fixed:
    """Entropy that always draws the same."""

    def __init__(self, byte: int) -> None:
        self._byte = byte

    def draw(self, size: int) -> bytes:
        return bytes((self._byte,)) * size


class Line:
    """A transport that can be dialled, or not; it notes when it was."""

    def __init__(self, answers: Sequence[bool]) -> None:
        self._answers = iter(answers)
        self.dialled_s: list[float] = []
        self.over = trio.Event()
        self.gone = trio.Event()

    async def connect(self, address: str) -> PeerId:
        await trio.lowlevel.checkpoint()
        self.dialled_s.append(trio.current_time())
        answer = next(self._answers, None)
        if answer is None:
            self.over.set()
            await trio.sleep_forever()
        if not answer:
            raise ConnectFailed(f"cannot connect to {address}: nobody answers there")
        return PEER

    async def until_gone(self, peer: PeerId) -> None:
        assert peer == PEER
        await self.gone.wait()


async def dial(line: Line) -> list[float]:
    """The pauses between the calls."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(
            keep_connected,
            "/memory/1/p2p/peer",
            cast(Transport, line),
            line.until_gone,
            SeededEntropy("dial"),
        )
        await line.over.wait()
        nursery.cancel_scope.cancel()
    return [later - earlier for earlier, later in pairwise(line.dialled_s)]


async def test_pauses_grow_to_a_minute(autojump_clock: MockClock) -> None:
    pauses = await dial(Line([False] * 12))
    expected = [min(PAUSE_S_MIN * 2**n, PAUSE_S_MAX) for n in range(12)]
    assert all(full / 2 <= pause <= full for full, pause in zip(expected, pauses, strict=True))


async def test_a_success_makes_the_pauses_short_again(autojump_clock: MockClock) -> None:
    line = Line([False] * 8 + [True, False])
    line.gone.set()
    pauses = await dial(line)
    assert pauses[7] >= PAUSE_S_MAX / 4
    assert all(pause <= PAUSE_S_MIN for pause in pauses[8:])


async def test_a_peer_that_is_there_is_left_alone(autojump_clock: MockClock) -> None:
    line = Line([True])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(dial, line)
        await trio.sleep(10_000)
        assert len(line.dialled_s) == 1
        line.gone.set()
        await line.over.wait()
        assert line.dialled_s[1] - 10_000 <= PAUSE_S_MIN


@pytest.mark.parametrize(("byte", "low", "high"), [(0, 30, 30), (255, 59.99, 60)])
def test_jitter_is_between_half_and_the_whole(byte: int, low: float, high: float) -> None:
    assert low <= jitter(60, Fixed(byte)) <= high
