"""What the commands do and print, for people and for programs, against running nodes."""

import json
import os
import signal
import stat
import subprocess
from pathlib import Path

import pytest

from tests.node.cli.town import PATIENCE_S, Town, rung
from tocsin.cli.listen import describe


def test_init_makes_a_private_profile(empty: Town) -> None:
    typed = empty.type("init", "--profile", "carol")
    folder = empty.profile("carol").folder
    assert typed.code == 0
    assert typed.lines[0] == f"made profile 'carol' in {folder}"
    assert typed.lines[1].startswith("address: tocsin:id/")
    assert typed.lines[2] == "next: tocsin run --profile carol"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "seed").stat().st_mode) == 0o600


def test_init_as_json(empty: Town) -> None:
    told = empty.type("init", "--json").json
    assert (told["profile"], told["folder"]) == ("default", str(empty.home / "default"))
    assert told["address"].startswith("tocsin:id/")


def test_the_profile_may_come_from_the_environment(empty: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    made = empty.type("init", "--json")
    with monkeypatch.context() as context:
        context.setattr(Town, "env", {**empty.env, "TOCSIN_PROFILE": "carol"})
        assert empty.type("init", "--json").json["profile"] == "carol"
    assert made.json["profile"] == "default"


def test_status_for_people(town: Town) -> None:
    typed = town.type("status", "--profile", "alice")
    assert typed.code == 0
    assert typed.lines[0].startswith("online on network 'main' for ")
    assert "peers\t\t1" in typed.lines
    assert "contacts\t1" in typed.lines
    assert f"listening\t{town.addresses['alice']}" in typed.lines


def test_status_as_json(town: Town) -> None:
    status = town.type("status", "--profile", "relay", "--json").json
    assert (status["state"], status["role"], len(status["peers"])) == ("online", "relay", 2)
    assert status["degraded"] == []


def test_status_prints_only_what_was_asked_for(town: Town) -> None:
    assert town.type("status", "--profile", "bob", "--addresses").lines == [town.addresses["bob"]]
    path = str(town.profile("bob").socket)
    assert town.type("status", "--profile", "bob", "--socket").lines == [path]


def test_who_is_alone_is_told_what_to_do(town: Town) -> None:
    assert town.type("status", "--profile", "carol").lines[0].startswith("connecting on network 'main'")
    typed = town.type("contacts", "--profile", "carol")
    assert (typed.code, typed.lines) == (0, [])
    assert typed.err == "no contacts yet: make an invite with: tocsin invite <name>\n"


def test_contacts(town: Town) -> None:
    typed = town.type("contacts", "--profile", "bob")
    assert [line.split("\t")[:2] for line in typed.lines] == [["alice", "confirmed"]]
    (contact,) = [json.loads(line) for line in town.type("contacts", "--profile", "bob", "--json").lines]
    assert (contact["name"], contact["state"]) == ("alice", "confirmed")
    assert len(bytes.fromhex(contact["identity_key"])) == 32


def test_an_invite_is_alone_on_stdout(town: Town) -> None:
    typed = town.type("invite", "dave", "--hours", "1", "--profile", "bob")
    (invite,) = typed.lines
    assert invite.startswith("tocsin:invite/")
    assert typed.err.startswith("for one person, 'dave' to you, until ")
    told = town.type("invite", "--json", "--profile", "bob").json
    assert told["contact"] == "contact-1"
    assert told["invite"].startswith("tocsin:invite/")


def test_accept_says_when_nobody_answers(town: Town) -> None:
    """Whoever accepts may go, and the node goes on trying."""
    invite = town.type("invite", "--profile", "bob").lines[0]
    waited = town.type("accept", invite, "--name", "eve", "--timeout", "0.05", "--profile", "carol")
    assert waited.code == 1
    assert waited.lines == ["'eve' has not answered yet: the node goes on trying; see: tocsin contacts"]
    again = town.type("accept", invite, "--profile", "carol")
    assert again.mistake == "this invite has been accepted already: wait for the answer"
    rings = town.type("notify", "eve", "--title", "x", "--profile", "carol")
    assert rings.mistake == "'eve' has not answered yet: wait until `tocsin contacts` lists them"


def test_accept_as_json_and_without_waiting(town: Town) -> None:
    invite = town.type("invite", "--json", "--profile", "bob").json["invite"]
    told = town.type("accept", invite, "--timeout", "0", "--json", "--profile", "carol")
    assert (told.code, told.json) == (0, {"contact": "contact-1", "added": False})


def test_notify_rings(town: Town) -> None:
    typed = town.type("notify", "bob", "--title", "One", "--body", "for Bob", "--profile", "alice")
    assert typed.code == 0
    word, nid = typed.lines[0].split()
    assert (word, len(bytes.fromhex(nid))) == ("queued", 16)
    told = town.type("notify", "bob", "--title", "Two", "--json", "--profile", "alice").json
    assert told["state"] == "queued"
    assert rung(town, "bob", "One", "Two")[-2:] == ["One", "Two"]


def test_notify_carries_every_field_and_stdin(town: Town) -> None:
    sent = town.type(
        *("notify", "bob", "--title", "Fields", "--body", "-", "--app", "org.example.chat"),
        *("--thread", "t1", "--urgency", "very-low", "--profile", "alice", "--json"),
        stdin="größer\nund länger\n".encode(),
    ).json
    rung(town, "bob", "Fields")
    with town.connect("bob") as node:
        node.ask("events.subscribe", consumer="fields", since=0, types=["received"])
        event = next(event for event in node.events(PATIENCE_S) if event["nid"] == sent["nid"])
    assert (event["app"], event["thread"]) == ("org.example.chat", "t1")
    assert event["data"]["message"] == "größer\nund länger\n"
    assert event["data"]["urgency"] == "very-low"


def test_listen_goes_on_where_it_stopped(town: Town) -> None:
    """Also when the node was restarted in between, for which `status --wait` waits."""
    listen = ("listen", "--profile", "bob", "--consumer", "goes-on", "--type", "received")
    assert town.type(*listen, "--timeout", "0.05").lines == []
    for title in ("first", "second"):
        town.type("notify", "bob", "--title", title, "--profile", "alice")
        rung(town, "bob", title)
    (line,) = town.type(*listen, "--count", "1").lines
    assert line.split("\t")[2:] == ["received", "alice", "first"]
    assert town.stop("bob") == 0
    town.begin("bob", *town.flags["bob"])
    assert town.type("status", "--profile", "bob", "--wait", str(PATIENCE_S)).code == 0
    town.await_ready("bob")
    assert town.type(*listen, "--count", "1", "--json").json["data"]["title"] == "second"
    assert town.type(*listen, "--timeout", "0.05").lines == []


def test_listen_from_a_place(town: Town) -> None:
    every = town.type("listen", "--profile", "bob", "--since", "0", "--timeout", "0.2", "--json").lines
    seqs = [json.loads(line)["seq"] for line in every]
    assert seqs == list(range(1, len(seqs) + 1))
    since = ("listen", "--profile", "bob", "--consumer", "place", "--since", str(len(seqs) - 1))
    assert json.loads(town.type(*since, "--count", "1", "--json").lines[0])["seq"] == len(seqs)
    assert town.type("listen", "--profile", "bob", "--count", "0").lines == []


def test_listen_ends_at_ctrl_c_without_a_word(town: Town) -> None:
    with town.spawn("listen", "--profile", "bob", "--since", "0", "--consumer", "ctrl-c") as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, err) == (130, b"")


def test_listen_into_a_pipe_that_closes_is_no_error(town: Town) -> None:
    read, write = os.pipe()
    os.close(read)
    typed = town.spawn("listen", "--profile", "bob", "--since", "0", stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    with typed:
        _, err = typed.communicate(timeout=PATIENCE_S)
    assert (typed.returncode, err) == (1, b"")


def test_a_sender_cannot_write_lines_of_ours() -> None:
    data = {"contact": "mallory", "title": "a\n9\tb", "message": "c\u2028d"}
    event = {"seq": 7, "time": "now", "type": "received", "data": data}
    assert describe(event) == "7\tnow\treceived\tmallory\ta 9 b — c d"


def test_the_folder_of_a_home_is_made_on_the_way(tmp_path: Path) -> None:
    deep = Town(home=tmp_path / "a" / "b")
    assert deep.type("init").code == 0
