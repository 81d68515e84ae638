"""The fuzz targets without a fuzzer: they hold for seeds and for noise, and no parser is without one."""

import ast
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FrameType

import pytest

from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS
from tests.repository.tree import parse, python_files
from tocsin_protocol.errors import LocalProtocolError, Reason, RemoteProtocolError

RANDOM_INPUTS = 200
PARSER = ("check", "decode", "open", "parse", "read", "respond", "verify")
"""The first word of the name of whatever takes apart what others wrote."""

PARSERS = {
    "backup.Backup.open": "backup-content",
    "backup.BackupHead.read": "backup",
    "base32.decode": "base32",
    "cbor.decode": "cbor",
    "control.read_control": "control",
    "doorkeeper.Doorkeeper.handle": "doorkeeper",
    "envelope.Envelope.parse": "envelope",
    "envelope.RelayCheck.check": "relay",
    "envelope.open_sealed": "seal",
    "fields.as_list": "grant",
    "fields.as_map": "grant",
    "fields.map_of": "control",
    "fields.optional": "hello",
    "fields.require": "hello",
    "fields.require_bytes": "control",
    "fields.require_text": "hello",
    "fields.require_uint": "control",
    "gossip.rpc.FrameReader.read": "frames",
    "gossip.rpc.decode": "rpc",
    "gossip.rpc.read_entry": "rpc",
    "grant.Grant.from_value": "grant",
    "hello.read_hello": "hello",
    "identity.Address.decode": "address",
    "identity.check_successor": "hello",
    "identity.verify_card": "hello",
    "introduce.Pending.decode": "pending",
    "introduce.answer": "message-1",
    "introduce.finish": "message-2",
    "invite.Invite.decode": "invite",
    "knock.open_payload": "knock",
    "knock.open_static": "knock",
    "knock.read_knocker": "knock",
    "noise.InitiatorState.read": "noise-2",
    "noise.StaticRead.finish": "noise-1",
    "noise.read_static": "noise-1",
    "noise.respond": "noise-1",
    "notification.decode": "notification",
    "request.Request.decode": "request",
    "tocsin.api.jsonrpc.parse_request": "jsonrpc",
    "tocsin.transport.multistream.answer": "multistream",
    "tocsin.transport.multistream.offer": "multistream",
    "topics.parse_topic": "topic",
}
"""What reads bytes that somebody else may have written, and its target: of the protocol every public
function, of the node those that see such bytes first.
"""


@pytest.mark.parametrize("name", TARGETS)
def test_target_holds_for_its_seeds(name: str) -> None:
    target = TARGETS[name]
    seeds = list(target.seeds())
    assert max(map(len, seeds)) <= target.size_max
    read = [target.run(seed) for seed in seeds]
    assert any(read), "a target of which no seed is read checks nothing"
    assert not all(read) or not target.refusals, "nor does one that refuses none"


@pytest.mark.parametrize("name", TARGETS)
def test_target_holds_for_noise(name: str) -> None:
    """Half of it is all noise, half a seed with a few bytes changed."""
    target = TARGETS[name]
    chance = random.Random(name)
    seeds = list(target.seeds())
    for number in range(RANDOM_INPUTS):
        data = bytearray(chance.randbytes(chance.randrange(min(target.size_max, 600))))
        if number % 2:
            data = bytearray(chance.choice(seeds))
            for _ in range(chance.randrange(4) if data else 0):
                data[chance.randrange(len(data))] = chance.randrange(256)
        target.run(bytes(data))


def test_every_parser_has_a_target() -> None:
    found = {name for name in public_functions() if name.rpartition(".")[2].split("_")[0] in PARSER}
    assert found - set(PARSERS) == set(), "give it a fuzz target and name it here"
    assert set(PARSERS.values()) <= set(TARGETS)


@pytest.mark.parametrize("target_name", sorted(set(PARSERS.values())))
def test_target_calls_its_parser(target_name: str) -> None:
    """What the table claims is so: with its seeds the target comes by the function itself."""
    wanted = {name for name, target in PARSERS.items() if target == target_name}
    with called() as names:
        for seed in TARGETS[target_name].seeds():
            TARGETS[target_name].run(seed)
    assert wanted - names == set()


@pytest.mark.parametrize(
    ("error", "documented"),
    [
        (RemoteProtocolError(Reason.CBOR, ""), True),
        (RemoteProtocolError(Reason.TAG, ""), False),
        (LocalProtocolError(), False),
        (IndexError(), False),
    ],
)
def test_target_tells_refusals_from_findings(error: Exception, documented: bool) -> None:
    def refuse(data: bytes) -> None:
        raise error

    target = Target(read=refuse, check=lambda data, value: None, refusals=(Reason.CBOR,), seeds=list)
    if documented:
        assert not target.run(b"")
    else:
        with pytest.raises(type(error)):
            target.run(b"")


def test_target_does_not_take_a_broken_promise_for_a_refusal() -> None:
    def broken(data: bytes, value: bytes) -> None:
        raise RemoteProtocolError(Reason.CBOR, "what was read cannot be read again")

    target = Target(read=bytes, check=broken, refusals=(Reason.CBOR,), seeds=list)
    with pytest.raises(RemoteProtocolError):
        target.run(b"")


def public_functions() -> Iterator[str]:
    """Functions and methods of the protocol without an underscore, as `module.Class.name`."""
    for path in python_files("protocol"):
        module = ".".join(path.with_suffix("").parts[2:])
        for node in parse(path).body:
            if isinstance(node, ast.FunctionDef):
                yield f"{module}.{node.name}"
            elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                methods = (item for item in node.body if isinstance(item, ast.FunctionDef))
                yield from (f"{module}.{node.name}.{method.name}" for method in methods)


@contextmanager
def called() -> Iterator[set[str]]:
    """The full names of all Python functions that are entered meanwhile."""
    codes: dict[CodeType, str] = {}

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and frame.f_code not in codes:
            module = str(frame.f_globals["__name__"]).removeprefix("tocsin_protocol.")
            codes[frame.f_code] = f"{module}.{frame.f_code.co_qualname}"

    names: set[str] = set()
    sys.setprofile(note)
    try:
        yield names
    finally:
        sys.setprofile(None)
        names.update(codes.values())
