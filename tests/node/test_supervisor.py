"""Tasks that die come back, later each time; what a person can mend is told to that person."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import pairwise

import pytest
import trio
from structlog.testing import capture_logs
from structlog.typing import EventDict
from trio.testing import MockClock

from tocsin.errors import ListenFailed, StoreFailed
from tocsin.supervisor import CALM_MS, PAUSE_S_MAX, PAUSE_S_MIN, Supervisor
from tocsin_protocol.types import Now


class TrioClock:
    def now(self) -> Now:
        steady_ms = round(trio.current_time() * 1000)
        return Now(unix_ms=steady_ms, steady_ms=steady_ms)


class Task:
    """Notes when it is started; lives for a while each time, and then dies of what it is told."""

    def __init__(self, *deaths: Exception | None, lives_s: float = 0) -> None:
        self._deaths = list(deaths)
        self._lives_s = lives_s
        self.started_s: list[float] = []

    async def run(self) -> None:
        self.started_s.append(trio.current_time())
        if not self._deaths:
            await trio.sleep_forever()
        await trio.sleep(self._lives_s)
        death = self._deaths.pop(0)
        if death is not None:
            raise death

    @property
    def pauses_s(self) -> list[float]:
        return [later - earlier - self._lives_s for earlier, later in pairwise(self.started_s)]


@pytest.fixture
def counters() -> Counter[str]:
    return Counter()


@pytest.fixture(autouse=True)
def lines() -> Iterator[Sequence[EventDict]]:
    with capture_logs() as captured:
        yield captured


@pytest.fixture
def supervisor(counters: Counter[str]) -> Supervisor:
    return Supervisor(TrioClock(), counters)


async def keep_for(
    seconds: float,
    supervisor: Supervisor,
    run: Callable[[], Awaitable[None]],
    started: trio.Event | None = None,
) -> None:
    with trio.move_on_after(seconds):
        await supervisor.keep("bell", run, started)


async def test_pauses_grow_up_to_the_longest(
    autojump_clock: MockClock, supervisor: Supervisor, counters: Counter[str]
) -> None:
    task = Task(*[ValueError("died")] * 10)
    await keep_for(1_000, supervisor, task.run)
    assert task.pauses_s == [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert (task.pauses_s[0], task.pauses_s[-1]) == (PAUSE_S_MIN, PAUSE_S_MAX)
    assert counters == {"restarted: bell": 10}


async def test_a_task_that_was_calm_for_long_starts_again_soon(
    autojump_clock: MockClock, supervisor: Supervisor
) -> None:
    task = Task(*[ValueError("died")] * 3, lives_s=CALM_MS / 1000 + 1)
    await keep_for(1_000, supervisor, task.run)
    assert task.pauses_s == [PAUSE_S_MIN] * 3


async def test_a_task_that_dies_soon_waits_longer(autojump_clock: MockClock, supervisor: Supervisor) -> None:
    task = Task(*[ValueError("died")] * 3, lives_s=CALM_MS / 1000 - 1)
    await keep_for(1_000, supervisor, task.run)
    assert task.pauses_s == [0.5, 1, 2]


async def test_the_node_is_degraded_exactly_while_a_task_is_down(
    autojump_clock: MockClock, supervisor: Supervisor
) -> None:
    seen: list[tuple[float, set[str]]] = []
    task = Task(ValueError("died"), ValueError("died"), lives_s=3)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(supervisor.keep, "bell", task.run)
        for moment in (1, 3.25, 4, 6.75, 8):
            await trio.sleep_until(moment)
            seen.append((moment, set(supervisor.degraded)))
        nursery.cancel_scope.cancel()
    assert seen == [(1, set()), (3.25, {"bell"}), (4, set()), (6.75, {"bell"}), (8, set())]


async def test_one_task_s_death_is_nothing_to_the_others(
    autojump_clock: MockClock, supervisor: Supervisor
) -> None:
    dying, living = Task(*[ValueError("died")] * 3), Task()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(supervisor.keep, "dying", dying.run)
        nursery.start_soon(supervisor.keep, "living", living.run)
        await trio.sleep(0.25)
        assert supervisor.degraded == {"dying"}
        await trio.sleep(100)
        nursery.cancel_scope.cancel()
    assert len(living.started_s) == 1
    assert supervisor.degraded == set()


async def test_a_task_that_ends_is_started_again(
    autojump_clock: MockClock, supervisor: Supervisor, counters: Counter[str], lines: Sequence[EventDict]
) -> None:
    task = Task(None)
    await keep_for(10, supervisor, task.run)
    assert task.pauses_s == [PAUSE_S_MIN]
    assert counters == {"restarted: bell": 1}
    assert [(line["event"], line["task"]) for line in lines] == [("task ended", "bell")]


async def test_what_a_person_can_mend_is_told_before_the_start(
    autojump_clock: MockClock, supervisor: Supervisor
) -> None:
    task = Task(ListenFailed("the port is in use"))
    with pytest.raises(ListenFailed, match="in use"):
        await supervisor.keep("bell", task.run, trio.Event())
    assert len(task.started_s) == 1


async def test_what_a_person_can_mend_is_logged_after_the_start(
    autojump_clock: MockClock, supervisor: Supervisor, lines: Sequence[EventDict]
) -> None:
    started = trio.Event()
    started.set()
    task = Task(ListenFailed("the port is in use"))
    await keep_for(10, supervisor, task.run, started)
    assert task.pauses_s == [PAUSE_S_MIN]
    expected = {"event": "task failed", "task": "bell", "error": "the port is in use", "log_level": "warning"}
    assert lines == [expected]


async def test_a_task_without_a_start_never_ends_the_node(
    autojump_clock: MockClock, supervisor: Supervisor
) -> None:
    task = Task(StoreFailed("the disk is full"))
    await keep_for(10, supervisor, task.run)
    assert task.pauses_s == [PAUSE_S_MIN]


async def test_a_bug_before_the_start_does_not_end_the_node(
    autojump_clock: MockClock, supervisor: Supervisor, lines: Sequence[EventDict]
) -> None:
    task = Task(ValueError("a bug"))
    await keep_for(10, supervisor, task.run, trio.Event())
    assert task.pauses_s == [PAUSE_S_MIN]
    assert [(line["event"], line["log_level"], line["exc_info"]) for line in lines] == [
        ("task died", "error", True)
    ]


async def test_a_group_of_errors_is_one_death(autojump_clock: MockClock, supervisor: Supervisor) -> None:
    task = Task(ExceptionGroup("of a nursery", [ValueError("a"), OSError("b")]))
    await keep_for(10, supervisor, task.run)
    assert task.pauses_s == [PAUSE_S_MIN]
