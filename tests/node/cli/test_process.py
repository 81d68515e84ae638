"""The node as a process: how it ends when told to, and what is left when it is not asked."""

import os
import random
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.node.cli.town import PATIENCE_S, STOP_S, Town, rung
from tocsin.errors import NoNode

ROUNDS = 3
SENDS_A_ROUND = 4
KILL_S_MAX = 0.8
"""Sending four, with their stamps, takes about as long."""


@contextmanager
def stuck_client(town: Town, name: str) -> Iterator[None]:
    """It asks until the node can answer no more, and reads nothing."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(town.profile(name).socket))
        client.settimeout(0.1)
        try:
            while True:
                client.sendall(b'{"jsonrpc":"2.0","method":"node.status"}\n' * 1_000)
        except TimeoutError:
            yield


def test_sigterm_ends_a_busy_node_in_time_and_in_order(town: Town) -> None:
    titles = [f"busy {number}" for number in range(6)]
    with stuck_client(town, "alice"), town.connect("alice") as node:
        for title in titles:
            node.ask("notify.send", contact="bob", title=title)
        began = time.monotonic()
        assert town.stop("alice", signal.SIGTERM) == 0
        assert time.monotonic() - began < STOP_S
    assert not town.profile("alice").socket.exists()
    town.run("alice", *town.flags["alice"])
    assert [title for title in rung(town, "bob", *titles) if title in titles] == titles


def test_ctrl_c_in_a_terminal_ends_a_node_without_a_word(town: Town) -> None:
    """It goes to every process of the group, and who is impatient presses it again."""
    before = town.log("alice").read_bytes()
    town.type("notify", "bob", "--title", "ctrl-c", "--profile", "alice")
    process = town.nodes.pop("alice")
    for _ in range(3):
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.01)
    out, _ = process.communicate(timeout=STOP_S)
    assert (process.returncode, out) == (0, b"")
    assert town.log("alice").read_bytes() == before
    town.run("alice", *town.flags["alice"])
    rung(town, "bob", "ctrl-c")


def test_what_was_accepted_rings_although_the_node_was_killed(town: Town) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    accepted: list[str] = []
    for number in range(ROUNDS):
        killer = threading.Timer(dice.uniform(0, KILL_S_MAX), town.nodes["alice"].kill)
        killer.start()
        accepted += send_until_killed(town, [f"kill {number} {letter}" for letter in "abcd"[:SENDS_A_ROUND]])
        killer.join()
        assert town.stop("alice") == -signal.SIGKILL
        town.run("alice", *town.flags["alice"])
    town.type("notify", "bob", "--title", "survived", "--profile", "alice")
    heard = rung(town, "bob", *accepted, "survived")
    assert [heard.count(title) for title in accepted] == [1] * len(accepted)


def send_until_killed(town: Town, titles: list[str]) -> list[str]:
    """The titles that the node has promised to ring."""
    accepted = []
    with town.connect("alice") as node:
        try:
            for title in titles:
                node.ask("notify.send", contact="bob", title=title)
                accepted.append(title)
        except NoNode:
            pass
    return accepted


def test_a_node_that_nobody_listens_to_rings_all_the_same(empty: Town) -> None:
    empty.init("carol")
    read, write = os.pipe()
    os.close(read)
    with empty.spawn("run", "--profile", "carol", stdout=write, start_new_session=True) as process:
        os.close(write)
        assert empty.type("status", "--profile", "carol", "--wait", str(PATIENCE_S)).code == 0
        process.terminate()
        _, err = process.communicate(timeout=STOP_S)
    assert (process.returncode, err) == (0, b"")
