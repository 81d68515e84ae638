"""What the commands do and print against running nodes, and what those refuse; for people and programs."""

import json
import os
import resource
import signal
import stat
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.node.cli.town import PATIENCE_S, Town, rung
from tocsin.api.unix_socket import CLIENTS_MAX
from tocsin.cli.listen import describe
from tocsin_protocol.identity import Identity, Seed
from tocsin_protocol.invite import Invite
from tocsin_protocol.network import Network
from tocsin_protocol.types import Hour

HEAVY = ("trio", "anyio", "libp2p", "nacl", "sqlite3", "numpy")
LOOK = f"""
import sys
from tocsin.cli import main
try:
    main()
except SystemExit:
    pass
print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
"""


@pytest.fixture(scope="module")
def lonely(town: Town) -> str:
    """The profile of somebody whose node knows no other."""
    town.init("carol")
    town.run("carol")
    return "carol"


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


def test_who_is_alone_is_told_what_to_do(town: Town, lonely: str) -> None:
    assert town.type("status", "--profile", lonely).lines[0].startswith("connecting on network 'main'")
    typed = town.type("contacts", "--profile", lonely)
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


def test_accept_says_when_nobody_answers(town: Town, lonely: str) -> None:
    """Whoever accepts may go, and the node goes on trying."""
    invite = town.type("invite", "--profile", "bob").lines[0]
    waited = town.type("accept", invite, "--name", "eve", "--timeout", "0.05", "--profile", lonely)
    assert waited.code == 1
    assert waited.lines == ["'eve' has not answered yet: the node goes on trying; see: tocsin contacts"]
    again = town.type("accept", invite, "--profile", lonely)
    assert again.mistake == "this invite has been accepted already: wait for the answer"
    rings = town.type("notify", "eve", "--title", "x", "--profile", lonely)
    assert rings.mistake == "'eve' has not answered yet: wait until `tocsin contacts` lists them"


def test_accept_as_json_and_without_waiting(town: Town, lonely: str) -> None:
    invite = town.type("invite", "--json", "--profile", "bob").json["invite"]
    told = town.type("accept", invite, "--timeout", "0", "--json", "--profile", lonely)
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


def test_a_second_node_of_a_profile(town: Town) -> None:
    typed = town.type("run", "--profile", "bob")
    assert typed.mistake.startswith("a node is already running for profile 'bob': stop it first")
    assert town.type("status", "--profile", "bob").code == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("notify", "dora", "--title", "x"), "no contact is called 'dora': you know bob"),
        (("notify", "bob", "--title", "x" * 257), "title must be text of at most 256 bytes"),
        (("notify", "bob", "--title", "\udcff"), "what was typed is not UTF-8: nothing was sent"),
        (("invite", "--hours", "0"), "an invite is valid for 1 to 720 hours"),
        (("invite", "bob"), "the name 'bob' is taken"),
        (("invite", "x" * 65), "a contact's name has 1 to 64 bytes"),
        (("invite", "a\nb"), "a contact's name has no control characters"),
        (("listen", "--consumer", ""), "a consumer's name has 1 to 64 characters"),
    ],
    ids=lambda value: (
        " ".join(value)[:20].encode("ascii", "replace").decode() if isinstance(value, tuple) else ""
    ),
)
def test_what_the_node_refuses(town: Town, words: tuple[str, ...], says: str) -> None:
    assert says in town.type(*words, "--profile", "alice").mistake


@pytest.mark.parametrize(
    ("stdin", "says"),
    [(b"x" * 2_049, "more than 2048 bytes: shorten it"), (b"\xff", "is not UTF-8: nothing was sent")],
    ids=["too long", "not UTF-8"],
)
def test_a_body_that_cannot_be_sent(town: Town, stdin: bytes, says: str) -> None:
    typed = town.type("notify", "bob", "--title", "x", "--body", "-", "--profile", "alice", stdin=stdin)
    assert says in typed.mistake


def test_invites_that_cannot_be_used(town: Town) -> None:
    own = town.type("invite", "--profile", "alice").lines[0]
    other = town.type("invite", "--profile", "bob").lines[0]
    refused = "this invite cannot be used: "
    hour = int(time.time()) // 3_600
    for invite, says in (
        ("hello", refused + "an invite begins with tocsin:invite/"),
        (other[:-1], refused + "it must have 172 characters, not 171"),
        (
            forged_invite(Network(name="elsewhere"), hour + 1),
            refused + "it is mistyped, or",
        ),
        (forged_invite(Network(name="main"), hour - 1), refused + "it has expired: ask for a new one"),
        (own, "this invite is your own: give it to somebody else"),
        (other, "the maker of this invite is already your contact 'bob'"),
    ):
        assert town.type("accept", invite, "--profile", "alice").mistake.startswith(says)


def test_a_full_disk_refuses_and_loses_nothing(town: Town) -> None:
    """Neither the database nor the log can grow; what was accepted before rings, and later all is well."""
    notify = ("notify", "bob", "--profile", "alice", "--title")
    assert town.type(*notify, "before").code == 0
    pid = town.nodes["alice"].pid
    unlimited = resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    try:
        assert "the disk" in town.type(*notify, "full").mistake
        while town.type("status", "--profile", "alice", "--json").json["state"] != "degraded":
            assert "the disk" in town.type(*notify, "full").mistake
        assert "degraded\t" in town.type("status", "--profile", "alice").out
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)
    assert town.type(*notify, "after").code == 0
    assert "full" not in rung(town, "bob", "before", "after")


def test_one_client_too_many(town: Town, lonely: str) -> None:
    with ExitStack() as stack:
        for _ in range(CLIENTS_MAX):
            stack.enter_context(town.connect(lonely)).ask("node.status")
        assert town.type("status", "--profile", lonely).mistake == "too many clients: close one first"


@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        ("status", "--profile", "bob"),
        ("notify", "alice", "--title", "light", "--profile", "bob"),
        ("listen", "--since", "0", "--count", "1", "--profile", "bob"),
        ("contacts", "--profile", "bob"),
    ],
    ids=lambda words: words[0],
)
def test_commands_are_light(town: Town, words: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOOK, *words], env=town.env, capture_output=True, text=True, check=True
    )
    assert done.stdout
    assert done.stderr == "[]\n"


def forged_invite(network: Network, hour: int) -> str:
    maker = Identity.from_seed(Seed(b"m" * 32))
    return Invite(
        identity_key=maker.identity_key,
        contact_key=maker.contact_key,
        depth=0,
        expires_hour=Hour(hour),
        secret=b"s" * 32,
    ).encode(network)
