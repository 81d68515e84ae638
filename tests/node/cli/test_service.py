"""The node as a service in this very process, so that its signals and its ready line can be looked at."""

import json
import signal
from collections.abc import Iterator
from functools import partial

import pytest
import trio

from tests.node.api.client import connected
from tests.node.cli.town import LOOPBACK, PATIENCE_S, Town
from tocsin.config import Profile, load_config
from tocsin.keyring import load_identity
from tocsin.service import STOP_SIGNALS, serve


@pytest.fixture
def own_signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", STOP_SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("role", ["node", "relay"])
async def test_a_service_says_when_it_is_ready_and_ends_when_told_to(
    empty: Town, capsys: pytest.CaptureFixture[str], own_signals: None, number: signal.Signals, role: str
) -> None:
    empty.init("bob")
    profile = empty.profile("bob")
    as_json = role == "relay"
    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(start, profile, role, as_json=as_json))
            line = await ready_line(capsys)
            async with connected(profile.socket) as client:
                status = await client.ask("node.status")
                signal.raise_signal(number)
                assert await client.hear() is None
            signal.raise_signal(number)
    assert status["role"] == role
    assert not profile.socket.exists()
    if as_json:
        addresses = status["addresses"]
        assert json.loads(line) == {
            "profile": "bob", "addresses": addresses, "socket": str(profile.socket)
        }  # fmt: skip
    else:
        address = status["addresses"][0]
        assert line == f"profile 'bob' is ringing on {address} (Ctrl-C stops it)\n"


async def test_a_relay_keeps_its_peer_id(
    empty: Town, capsys: pytest.CaptureFixture[str], own_signals: None
) -> None:
    empty.init("bob")
    names = [await peer_id(empty.profile("bob"), role, capsys) for role in ("relay", "relay", "node", "node")]
    assert names[0] == names[1]
    assert len(set(names)) == 3


async def peer_id(profile: Profile, role: str, capsys: pytest.CaptureFixture[str]) -> str:
    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(start, profile, role, as_json=True))
            ready = json.loads(await ready_line(capsys))
            signal.raise_signal(signal.SIGTERM)
    return str(ready["addresses"][0].rpartition("/")[2])


async def ready_line(capsys: pytest.CaptureFixture[str]) -> str:
    while not (line := capsys.readouterr().out):  # noqa: ASYNC110 - what is printed sets no event
        await trio.sleep(0.01)
    return str(line)


async def start(profile: Profile, role: str, *, as_json: bool) -> None:
    config = load_config(profile, {"role": role, "listen": (LOOPBACK,)})
    await serve(profile, config, load_identity(profile), trust_clock=False, as_json=as_json)
