"""The blocking client on one end of a pair of sockets, with a node that says what a test wants."""

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from tocsin.cli.call import Connection
from tocsin.config import profile_in
from tocsin.errors import NoNode, TocsinError

ANSWER = {"jsonrpc": "2.0", "id": 1, "result": 7}


@dataclass(slots=True, kw_only=True)
class Pair:
    client: Connection
    node: socket.socket

    def say(self, *messages: object) -> None:
        self.node.sendall(b"".join(msgspec.json.encode(message) + b"\n" for message in messages))


def event(seq: int) -> dict[str, object]:
    return {"jsonrpc": "2.0", "method": "event", "params": {"seq": seq}}


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    with theirs, Connection(profile_in(tmp_path, "bob"), ours) as client:
        yield Pair(client=client, node=theirs)


def test_events_that_come_before_an_answer_are_kept_in_order(pair: Pair) -> None:
    pair.say(event(1), event(2), ANSWER, event(3))
    assert pair.client.ask("m") == 7
    assert [event["seq"] for event in pair.client.events(0.01)] == [1, 2, 3]


def test_asking_between_events_does_not_change_how_long_they_are_waited_for(pair: Pair) -> None:
    """An answer may take half a minute; `listen` acknowledges after every event."""
    pair.say(event(1), ANSWER)
    began = time.monotonic()
    for _ in pair.client.events(0.01):
        assert pair.client.ask("events.ack") == 7
    assert time.monotonic() - began < 5


def test_an_error_is_its_line(pair: Pair) -> None:
    error = {"jsonrpc": "2.0", "id": None, "error": {"code": 1, "message": "no: do this"}}
    pair.say(error, error)
    with pytest.raises(TocsinError, match=r"^no: do this$"):
        pair.client.ask("m")
    with pytest.raises(TocsinError, match=r"^no: do this$"):
        list(pair.client.events())


@pytest.mark.parametrize("unread", [b"", b"{"], ids=["between lines", "within a line"])
def test_a_node_that_goes_is_told(pair: Pair, unread: bytes) -> None:
    pair.node.sendall(unread)
    pair.node.close()
    with pytest.raises(NoNode, match=r"^the node of profile 'bob' has stopped: start it with: tocsin run"):
        pair.client.ask("m")


def test_a_node_that_goes_without_reading_is_told_by_what_it_said(pair: Pair) -> None:
    pair.say({"jsonrpc": "2.0", "id": None, "error": {"code": 1, "message": "too many clients"}})
    pair.node.close()
    with pytest.raises(TocsinError, match=r"^too many clients$"):
        pair.client.ask("m")
    with pytest.raises(NoNode):
        pair.client.ask("m")
