"""Where a store's calls run: one at a time, in order, and to their end even when nobody waits any more."""

import threading

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from tocsin.store.executor import Executor, InlineExecutor, ThreadExecutor


@pytest.mark.parametrize("executor", [InlineExecutor(), ThreadExecutor()], ids=["inline", "thread"])
async def test_calls_run_one_at_a_time_in_order(executor: Executor) -> None:
    done: list[int] = []

    async def run(number: int) -> None:
        await executor.run(lambda: done.append(number))

    async with trio.open_nursery() as nursery:
        for number in range(20):
            nursery.start_soon(run, number)
            await wait_all_tasks_blocked()
    assert done == list(range(20))


@pytest.mark.parametrize("executor", [InlineExecutor(), ThreadExecutor()], ids=["inline", "thread"])
async def test_errors_come_back(executor: Executor) -> None:
    with pytest.raises(ZeroDivisionError):
        await executor.run(lambda: 1 // 0)


async def test_the_loop_goes_on_beside_a_thread_s_call() -> None:
    may_end = threading.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ThreadExecutor().run, may_end.wait)
        await wait_all_tasks_blocked()
        may_end.set()


async def test_a_call_that_has_begun_is_not_lost_by_cancelling() -> None:
    begun, may_end = trio.Event(), threading.Event()
    results: list[str] = []

    def call() -> str:
        trio.from_thread.run_sync(begun.set)
        may_end.wait()
        return "committed"

    async def run(scope: trio.CancelScope) -> None:
        with scope:
            results.append(await ThreadExecutor().run(call))

    async with trio.open_nursery() as nursery:
        scope = trio.CancelScope()
        nursery.start_soon(run, scope)
        await begun.wait()
        scope.cancel()
        await wait_all_tasks_blocked()
        assert results == []
        may_end.set()
    assert results == ["committed"]
