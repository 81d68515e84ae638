"""The socket under clients that are many, slow, torn, too loud, or somebody else."""

import os
import resource
import stat
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.node.api.client import Client, connected
from tests.node.api.conftest import Logged, Served, serving
from tocsin.api.jsonrpc import INTERNAL_ERROR, INVALID_REQUEST, LINE_SIZE_MAX, PARSE_ERROR, REFUSED
from tocsin.api.unix_socket import CLIENTS_MAX, SEND_DEADLINE_S
from tocsin.errors import ListenFailed
from tocsin.node import Node

STATUS = b'{"jsonrpc":"2.0","id":7,"method":"node.status"}'


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_requests_in_one_packet_are_answered_in_order(
    served: Served, autojump_clock: MockClock
) -> None:
    async with connected(served.path) as client:
        await client.send(STATUS + b"\n" + STATUS.replace(b"7", b'"eight"') + b"\n")
        first, second = await client.hear(), await client.hear()
    assert first is not None
    assert second is not None
    assert (first["id"], second["id"]) == (7, "eight")
    assert first["result"]["contacts"] == 1


async def test_a_request_cut_in_pieces_is_one_request(served: Served, autojump_clock: MockClock) -> None:
    async with connected(served.path) as client:
        for byte in STATUS + b"\n":
            await client.send(bytes((byte,)))
            await wait_all_tasks_blocked()
        answer = await client.hear()
    assert answer is not None
    assert answer["id"] == 7


async def test_an_error_does_not_end_the_connection(served: Served, autojump_clock: MockClock) -> None:
    async with connected(served.path) as client:
        for line, code in ((b"no json", PARSE_ERROR), (b"{}", INVALID_REQUEST), (b"", PARSE_ERROR)):
            await client.send(line + b"\n")
            answer = await client.hear()
            assert answer is not None
            assert (answer["id"], answer["error"]["code"]) == (None, code)
        assert (await client.ask("node.status"))["state"] == "online"


async def test_the_longest_line_is_heard(served: Served, autojump_clock: MockClock) -> None:
    async with connected(served.path) as client:
        await client.send(STATUS.ljust(LINE_SIZE_MAX) + b"\n")
        answer = await client.hear()
    assert answer is not None
    assert answer["id"] == 7


@pytest.mark.parametrize("end", [b"", b"\n", b"\n" + STATUS + b"\n"], ids=["open", "ended", "followed"])
async def test_a_line_too_long_is_told_and_ends_the_connection(
    served: Served, autojump_clock: MockClock, end: bytes
) -> None:
    async with connected(served.path) as client:
        try:
            await client.send(STATUS.ljust(LINE_SIZE_MAX + 1) + end)
        except trio.BrokenResourceError:
            assert end, "the line itself is read before the node closes"
        answer = await client.hear()
        assert answer is not None
        assert answer["error"] == {"code": INVALID_REQUEST, "message": "a line is at most 1 MiB"}
        assert await client.hear() is None


async def test_a_line_too_long_is_told_between_events(served: Served, autojump_clock: MockClock) -> None:
    """Two tasks of one connection write; neither may break into the other's line."""
    async with connected(served.path) as client:
        await client.ask("events.subscribe", consumer="app", since=0)
        await served.append(2_000)
        await client.send(STATUS.ljust(LINE_SIZE_MAX + 1))
        told = []
        while (message := await client.hear()) is not None:
            told.append(message.get("error"))
    assert [error["message"] for error in told if error] == ["a line is at most 1 MiB"]


async def test_one_client_too_many_is_told_and_others_stay(served: Served, autojump_clock: MockClock) -> None:
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connected(served.path)) for _ in range(CLIENTS_MAX)]
        for client in clients:
            await client.ask("node.status")
        async with connected(served.path) as one_more:
            answer = await one_more.hear()
            assert answer is not None
            assert answer["error"] == {"code": REFUSED, "message": "too many clients: close one first"}
            assert await one_more.hear() is None
        await clients[0].stream.aclose()
        await wait_all_tasks_blocked()
        async with connected(served.path) as instead:
            assert await instead.ask("node.status")
        assert await clients[1].ask("node.status")


async def test_a_client_that_never_reads_is_cut_off_and_delays_nobody(
    served: Served, autojump_clock: MockClock
) -> None:
    async with connected(served.path) as stuck, connected(served.path) as lively:
        await stuck.ask("events.subscribe", consumer="stuck", since=0)
        await lively.ask("events.subscribe", consumer="lively", since=0)
        before, count = trio.current_time(), served.last_seq + 600
        await served.append(600, message="x" * 2_000)
        assert await lively.seqs(count) == list(range(1, count + 1))
        assert trio.current_time() - before < 1
        await trio.sleep(SEND_DEADLINE_S + 1)
        heard = 0
        while await stuck.hear() is not None:
            heard += 1
        assert heard < count
        assert await lively.ask("events.ack", consumer="lively", seq=count) == {"acked": count}


async def test_a_client_that_asks_and_never_reads_is_cut_off(
    served: Served, autojump_clock: MockClock
) -> None:
    async with connected(served.path) as stuck:
        with pytest.raises(trio.BrokenResourceError):
            await stuck.send((STATUS + b"\n") * 100_000)
        async with connected(served.path) as lively:
            assert await lively.ask("node.status")


async def test_a_client_that_vanishes_is_no_error(
    served: Served, autojump_clock: MockClock, logged: Logged
) -> None:
    async with connected(served.path) as client:
        await client.ask("events.subscribe", consumer="app", since=0)
    await served.append(3)
    async with connected(served.path) as client:
        await client.send(STATUS + b"\n" + STATUS)
    await wait_all_tasks_blocked()
    assert logged.events == []


async def test_a_bug_in_a_method_is_told_and_costs_nobody_the_connection(
    served: Served,
    autojump_clock: MockClock,
    monkeypatch: pytest.MonkeyPatch,
    logged: Logged,
) -> None:
    async with connected(served.path) as client:
        monkeypatch.setattr(Node, "create_invite", None)
        code, message = await client.fail("invite.create")
        assert (code, message) == (INTERNAL_ERROR, "this is a bug: see the node's log")
        assert logged.events == ["method died"]
        assert await client.ask("node.status")


async def test_a_client_that_breaks_its_task_costs_nobody_else_anything(
    served: Served, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, logged: Logged
) -> None:
    async with connected(served.path) as client:
        await client.ask("node.status")
        monkeypatch.setattr("tocsin.api.unix_socket.peer_uid", None)
        async with connected(served.path) as unlucky:
            assert await unlucky.hear() is None
        assert logged.events == ["client task died"]
        assert await client.ask("node.status")


async def test_without_descriptors_clients_wait_and_those_inside_are_served(
    served: Served, autojump_clock: MockClock, logged: Logged
) -> None:
    async with connected(served.path) as inside:
        await inside.ask("node.status")
        with trio.socket.socket(trio.socket.AF_UNIX) as waiting:
            with no_descriptor_left():
                await waiting.connect(str(served.path))
                await trio.sleep(1)
                assert await inside.ask("node.status")
            client = Client(trio.SocketStream(waiting))
            assert await client.ask("node.status")
    assert set(logged.events) == {"cannot accept a client"}


async def test_another_user_is_not_answered(
    served: Served, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tocsin.api.unix_socket.getuid", lambda: 4_000_000)
    async with connected(served.path) as client:
        await client.send(STATUS + b"\n")
        assert await client.hear() is None


async def test_the_socket_is_its_owner_s_alone(served: Served, autojump_clock: MockClock) -> None:
    assert stat.S_IMODE(served.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(served.path.parent.stat().st_mode) == 0o700


async def test_a_folder_that_others_could_enter_is_closed_to_them(
    served: Served, autojump_clock: MockClock, tmp_path: Path
) -> None:
    folder = tmp_path / "open"
    folder.mkdir(mode=0o755)
    async with serving(served.alice, folder / "s"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_a_socket_left_by_a_killed_node_is_replaced(
    served: Served, autojump_clock: MockClock, tmp_path: Path
) -> None:
    path = tmp_path / "stale.sock"
    left = trio.socket.socket(trio.socket.AF_UNIX)
    await left.bind(str(path))
    left.close()
    async with serving(served.alice, path), connected(path) as client:
        assert await client.ask("node.status")
    assert not path.exists()


@pytest.mark.parametrize("blocked", ["folder", "file"])
async def test_a_socket_that_cannot_be_made_is_one_line(
    served: Served, autojump_clock: MockClock, tmp_path: Path, blocked: str
) -> None:
    path = tmp_path / "blocked" / "s"
    if blocked == "folder":
        path.parent.write_text("a file where the folder should be")
    else:
        path.mkdir(parents=True)
    with pytest.RaisesGroup(ListenFailed, flatten_subgroups=True) as raised:
        async with serving(served.alice, path):
            pass
    (error,) = raised.value.exceptions
    assert str(error).startswith(f"the socket {path} cannot be made: ")
    assert "\n" not in str(error)
