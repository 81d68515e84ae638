"""The method table: what each method wants, gives, refuses, and which command speaks it."""

import importlib
import inspect
import re
from typing import Any

import pytest
from trio.testing import MockClock

from tests.node.api.client import Client, connected
from tests.node.api.conftest import Served
from tests.node.world import NETWORK
from tests.repository.tree import ROOT
from tocsin.api.jsonrpc import INVALID_PARAMS, METHOD_NOT_FOUND, REFUSED
from tocsin.api.methods import METHODS
from tocsin.cli import COMMANDS
from tocsin_protocol.identity import Address

SPOKEN_BY = {
    "invite.create": "invite",
    "invite.accept": "accept",
    "contacts.list": "contacts",
    "notify.send": "notify",
    "events.subscribe": "listen",
    "events.ack": "listen",
    "node.status": "status",
}
UNSPOKEN = {
    "identity.show": "`tocsin init` prints the address once, and nobody types one until there are knocks",
}
"""Methods without a command, and why."""


def test_each_method_has_a_command_or_a_reason() -> None:
    assert set(METHODS) == set(SPOKEN_BY) | set(UNSPOKEN)


@pytest.mark.parametrize(("method", "verb"), SPOKEN_BY.items())
def test_the_command_speaks_its_method(method: str, verb: str) -> None:
    module = importlib.import_module(COMMANDS[verb][0].partition(":")[0])
    assert f'"{method}"' in inspect.getsource(module)


def test_the_readme_names_every_method() -> None:
    listed = re.search(r"Methods so far: (.*?)\.\n\n", (ROOT / "README.md").read_text(), re.DOTALL)
    assert listed
    assert re.findall(r"`([^`]+)`", listed[1]) == list(METHODS)


async def test_an_unknown_method_is_named(served: Served, autojump_clock: MockClock) -> None:
    async with connected(served.path) as client:
        code, message = await client.fail("notify.sned", contact="alice")
    assert (code, message) == (METHOD_NOT_FOUND, "no method is called 'notify.sned'")


@pytest.mark.parametrize(
    ("method", "params", "names"),
    [
        ("notify.send", {"contact": "alice"}, "title"),
        ("notify.send", {"contact": "alice", "title": 5}, "$.title"),
        ("notify.send", {"contact": "alice", "title": "x", "bdoy": "y"}, "bdoy"),
        ("notify.send", {"contact": "alice", "title": "x", "ttl_s": 10**30}, "ttl_s"),
        ("notify.send", {"contact": "alice", "title": "x", "ttl_s": -1}, "ttl_s"),
        ("notify.send", {"contact": "alice", "title": "x", "ttl_s": 1.5}, "$.ttl_s"),
        ("notify.send", {"contact": "alice", "title": "x", "urgency": "loud"}, "very-low, low, normal, high"),
        ("notify.send", {"contact": "alice", "title": "x" * 257}, "title must be text of at most 256 bytes"),
        ("notify.send", {"contact": "alice", "title": "x", "body": "ä" * 1_025}, "body must be text"),
        ("notify.send", {"contact": "alice", "title": "x", "thread": "x" * 65}, "thread must be text"),
        ("invite.create", {"hours": "many"}, "$.hours"),
        ("events.subscribe", {"consumer": "a", "since": -1}, "$.since"),
        ("events.subscribe", {"consumer": "a", "types": "received"}, "$.types"),
        ("events.subscribe", {"consumer": "a", "types": [None]}, "$.types[0]"),
        ("events.ack", {"consumer": "nobody", "seq": 1}, "'nobody'"),
        ("events.ack", {"consumer": "a", "seq": -1}, "$.seq"),
        ("node.status", {"verbose": True}, "verbose"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_bad_parameter_is_named(
    served: Served, autojump_clock: MockClock, method: str, params: dict[str, Any], names: str
) -> None:
    async with connected(served.path) as client:
        code, message = await client.fail(method, **params)
        assert code == INVALID_PARAMS
        assert names in message
        assert "\n" not in message
        assert (await client.ask("node.status"))["waiting"]["sends"] == 0


@pytest.mark.parametrize(
    "params",
    [b"[]", b"null", b"7", b'{"a": "\xff"}', b"[" * 100_000, b'{"a": ' * 900 + b"1" + b"}" * 900],
    ids=lambda params: repr(params[:20]),
)
async def test_parameters_of_any_shape_are_answered(
    served: Served, autojump_clock: MockClock, params: bytes
) -> None:
    async with connected(served.path) as client:
        await client.send(
            b'{"jsonrpc": "2.0", "id": 1, "method": "node.status", "params": ' + params + b"}\n"
        )
        answer = await client.hear()
        assert answer is not None
        assert answer["error"]["code"] < 0
        assert await client.ask("node.status")


@pytest.mark.parametrize(
    ("method", "params", "says"),
    [
        ("notify.send", {"contact": "carol", "title": "x"}, "no contact is called 'carol': you know alice"),
        ("invite.create", {"hours": 0}, "an invite is valid for 1 to 720 hours"),
        ("invite.create", {"hours": 10**30}, "an invite is valid for 1 to 720 hours"),
        ("invite.create", {"name": "alice"}, "the name 'alice' is taken"),
        ("invite.accept", {"invite": "tocsin:invite/nonsense"}, "this invite cannot be used: "),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_a_person_can_mend_is_told(
    served: Served, autojump_clock: MockClock, method: str, params: dict[str, Any], says: str
) -> None:
    async with connected(served.path) as client:
        code, message = await client.fail(method, **params)
    assert code == REFUSED
    assert message.startswith(says)


async def test_two_meet_and_ring_by_the_api_alone(served: Served, autojump_clock: MockClock) -> None:
    carol = await served.world.start("carol", "relay")
    async with connected(served.path) as client:
        await client.ask("events.subscribe", consumer="app", types=["contact.added", "send.queued"])
        invited = await client.ask("invite.create", name="carol", hours=1)
        assert (invited["contact"], invited["expires"]) == ("carol", "2024-10-04T14:00:00.000Z")
        assert await state_of("carol", client) is None
        await carol.node.accept_invite(invited["invite"], "bob")
        added = await client.event()
        assert (added["sender"], added["data"]) == (carol.key, {"contact": "carol"})
        assert await state_of("carol", client) == "confirmed"
        sent = await client.ask("notify.send", contact="carol", title="Hi", body="there", app="org.example")
        assert sent["state"] == "queued"
        queued = await client.event()
        assert (queued["nid"], queued["data"]["contact"]) == (sent["nid"], "carol")
        await carol.until_received(sent["nid"])


async def test_the_identity_is_an_address_that_others_can_read(
    served: Served, autojump_clock: MockClock
) -> None:
    async with connected(served.path) as client:
        shown = await client.ask("identity.show")
    address = Address.decode(shown["address"], NETWORK)
    assert address.identity_key.hex() == shown["identity_key"] == served.bob.key


async def test_the_status_counts(served: Served, autojump_clock: MockClock) -> None:
    async with connected(served.path) as client:
        status = await client.ask("node.status")
        assert (status["state"], status["network"], status["role"]) == ("online", "test", "node")
        assert [peer["outbound"] for peer in status["peers"]] == [True]
        assert status["degraded"] == []
        served.world.cut(served.bob, served.world.person("relay"))
        sent = await client.ask("notify.send", contact="alice", title="Hi")
        status = await client.ask("node.status")
        assert status["state"] == "connecting"
        assert status["waiting"] == {"sends": 1, "introductions": 0, "second_neighbour": 0}
        assert len(status["last_gone"]) == 1
        served.world.heal(served.bob, served.world.person("relay"))
        await served.alice.until_received(sent["nid"])


async def state_of(name: str, client: Client) -> str | None:
    contacts = await client.ask("contacts.list")
    return next((contact["state"] for contact in contacts if contact["name"] == name), None)
