"""A person's mistakes: one line that says what is wrong and what to do, exit code 2, and nothing lost."""

import os
import resource
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.node.cli.town import LOOPBACK, Town, rung, silent_listener, type_here
from tocsin.api.unix_socket import CLIENTS_MAX
from tocsin_protocol.identity import Identity, Seed
from tocsin_protocol.introduce import Invite
from tocsin_protocol.network import Network
from tocsin_protocol.types import Hour

CLIENTS = [
    ("invite",),
    ("accept", "tocsin:invite/x"),
    ("contacts",),
    ("notify", "bob", "--title", "x"),
    ("listen",),
    ("status",),
]
HOUR_NOW = 486_000


@pytest.mark.parametrize("words", [*CLIENTS, ("run",)], ids=lambda words: words[0])
def test_no_profile(empty: Town, words: tuple[str, ...]) -> None:
    typed = empty.type(*words, "--profile", "bob")
    assert typed.mistake == "there is no profile 'bob': make it with: tocsin init --profile bob"


@pytest.mark.parametrize("words", CLIENTS, ids=lambda words: words[0])
def test_no_node(empty: Town, words: tuple[str, ...]) -> None:
    empty.init("bob")
    typed = empty.type(*words, "--profile", "bob")
    assert typed.mistake == "no node is running for profile 'bob': start it with: tocsin run --profile bob"


def test_a_socket_left_by_a_killed_node_is_no_node(empty: Town) -> None:
    empty.init("bob")
    with silent_listener(empty.profile("bob").socket):
        pass
    assert empty.type("status", "--profile", "bob").mistake.startswith("no node is running for profile 'bob'")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nosuch",), "no such command 'nosuch': see: tocsin --help"),
        (("notify",), "missing argument 'CONTACT': see: tocsin notify --help"),
        (("notify", "bob"), "missing option '--title': see: tocsin notify --help"),
        (("notify", "bob", "Hello", "--title", "x"), "unexpected extra argument (Hello): see: tocsin notify"),
        (("notify", "bob", "--titel", "x"), "no such option"),
        (("notify", "bob", "--title", "x", "--urgency", "loud"), "is not one of"),
        (("invite", "--hours", "two"), "'two' is not a valid integer"),
        (("listen", "--since", "-1"), "-1 is not in the range"),
        (("listen", "--timeout", "0"), "0.0 is not in the range"),
        (("listen", "--timeout", "nan"), "'nan' is not a number of seconds"),
        (("accept", "x", "--timeout", "inf"), "inf is not in the range"),
        (("status", "--wait", "soon"), "'soon' is not a valid float"),
        (("status", "--profile", "Bob Smith"), "profile name 'Bob Smith': use 1 to 32 of a-z, 0-9, - and _"),
        (("run", "--role", "king"), "'king' is not one of"),
        (("demo", "--rings", "0"), "0 is not in the range"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_mistyped(empty: Town, words: tuple[str, ...], says: str) -> None:
    assert says in empty.type(*words).mistake


def test_no_words_at_all_show_the_help() -> None:
    typed = type_here()
    assert "Commands:" in typed.out + typed.err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("network = ", "config.toml cannot be read: Invalid value"),
        ("\xff", "config.toml cannot be read: "),
        ("nettwork = 'main'", "unknown field `nettwork`"),
        ("network = 'Main Street'", "network = 'Main Street': use 1 to 32 of a-z, 0-9 and -"),
        ("role = 'king'", "$.role"),
        ("listen = 7", "$.listen"),
        ("peers = ['/ip4/10.0.0.1/tcp/4001']", "does not end in /p2p/<peer id>"),
        ("answer_delay_ms = [5]", "$.answer_delay_ms"),
        ("answer_delay_ms = [5, 1]", "answer_delay_ms = [5, 1]"),
        ("store_size_mib_max = 0", "store_size_mib_max = 0: must be at least 1"),
        ("log_level = 'loud'", "log_level = 'loud': use debug, info, warning or error"),
    ],
    ids=lambda text: text[:20].encode("ascii", "replace").decode(),
)
def test_a_config_that_cannot_be_used(empty: Town, text: str, says: str) -> None:
    empty.init("bob")
    empty.profile("bob").config.write_text(text, "latin-1")
    assert says in empty.type("run", "--profile", "bob").mistake


@pytest.mark.parametrize("peer", ["127.0.0.1:4001", "/ip4/127.0.0.1/tcp/4001", "x/p2p/y", "", "/p2p/"])
def test_a_peer_that_is_no_address(empty: Town, peer: str) -> None:
    empty.init("bob")
    assert f"peers: '{peer}' " in empty.type("run", "--profile", "bob", "--peer", peer).mistake


@pytest.mark.parametrize("content", ["", "zz" * 32, "ab" * 31, "ä"])
def test_a_damaged_seed(empty: Town, content: str) -> None:
    empty.init("bob")
    empty.profile("bob").seed.write_text(content)
    typed = empty.type("run", "--profile", "bob")
    assert "is damaged (not 32 bytes in hexadecimal): restore it from a backup" in typed.mistake


def test_a_seed_that_others_can_read(empty: Town) -> None:
    empty.init("bob")
    seed = empty.profile("bob").seed
    seed.chmod(0o644)
    assert empty.type("run", "--profile", "bob").mistake.endswith(f"chmod 600 {seed}")


def test_init_twice_changes_nothing(empty: Town) -> None:
    empty.init("bob")
    before = empty.profile("bob").seed.read_bytes()
    assert (
        "profile 'bob' exists already: nothing was changed" in empty.type("init", "--profile", "bob").mistake
    )
    assert empty.profile("bob").seed.read_bytes() == before


def test_a_home_that_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    town = Town(home=tmp_path / "home")
    assert town.type("init").mistake.endswith("Not a directory")
    assert town.type("status").mistake.startswith("there is no profile 'default'")


def test_a_home_whose_socket_would_have_too_long_a_path(tmp_path: Path) -> None:
    town = Town(home=tmp_path / ("x" * 100))
    assert town.type("init").mistake.endswith("set TOCSIN_HOME to a shorter folder")


def test_a_full_disk_at_init_leaves_nothing_half_made(empty: Town) -> None:
    def no_space() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))

    typed = empty.type_outside("init", "--profile", "bob", preexec_fn=no_space)
    assert "the profile cannot be written" in typed.mistake
    assert not empty.profile("bob").seed.exists()
    empty.init("bob")


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "/ip4/127.0.0.1/tcp/99999", "/ip4/192.0.2.1/tcp/0"])
def test_an_address_that_cannot_be_listened_on(empty: Town, listen: str) -> None:
    empty.init("bob")
    assert f"cannot listen on {listen}" in run(empty, "--listen", listen).replace("'", "")


def test_a_port_in_use(empty: Town) -> None:
    empty.init("bob")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        typed = run(empty, "--listen", f"/ip4/127.0.0.1/tcp/{taken.getsockname()[1]}")
    assert "the port is in use; stop the program that uses it or choose another port" in typed


def test_a_damaged_database_is_left_as_it_is(empty: Town) -> None:
    empty.init("bob")
    empty.profile("bob").database.write_text("no database" * 1_000)
    assert "the file is damaged" in run(empty)
    assert empty.profile("bob").database.read_text() == "no database" * 1_000


def test_a_place_for_the_socket_that_is_taken(empty: Town) -> None:
    empty.init("bob")
    empty.profile("bob").socket.mkdir(parents=True)
    assert "check its folder, and what is there" in run(empty)


def test_a_second_node_of_a_profile(town: Town) -> None:
    typed = town.type_outside("run", "--profile", "bob")
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
    for invite, says in (
        ("hello", "this invite cannot be used: "),
        (other[:-1], "this invite cannot be used: "),
        (other.replace("invite/", "id/"), "this invite cannot be used: "),
        (forged_invite(Network(name="elsewhere"), hour=HOUR_NOW * 2), "this invite cannot be used: "),
        (forged_invite(Network(name="main"), hour=HOUR_NOW), "this invite cannot be used: "),
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
        for _ in range(2):
            assert "free some space" in (said := town.type(*notify, "full").mistake) or "is full" in said
        assert town.type("status", "--profile", "alice").code == 0
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)
    assert town.type(*notify, "after").code == 0
    heard = rung(town, "bob", "before", "after")
    assert "full" not in heard


def test_one_client_too_many(town: Town) -> None:
    with ExitStack() as stack:
        for _ in range(CLIENTS_MAX):
            stack.enter_context(town.connect("carol")).ask("node.status")
        assert town.type("status", "--profile", "carol").mistake == "too many clients: close one first"


def test_a_node_that_hangs(empty: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tocsin.cli.call.ANSWER_S", 0.05)
    empty.init("bob")
    with silent_listener(empty.profile("bob").socket):
        typed = empty.type("status", "--profile", "bob")
    assert typed.mistake.startswith("the node of profile 'bob' did not answer within ")


def test_a_node_that_stops_meanwhile(empty: Town) -> None:
    empty.init("bob")
    with silent_listener(empty.profile("bob").socket) as listener, empty.connect("bob") as node:
        accepted, _ = listener.accept()
        accepted.close()
        with pytest.raises(
            Exception, match="the node of profile 'bob' has stopped: start it with: tocsin run"
        ):
            node.ask("node.status")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_a_profile_that_is_somebody_else_s(empty: Town) -> None:
    empty.init("bob")
    for words in (("status",), ("run",), ("init",)):
        assert "Permission denied" in empty.type_outside(*words, "--profile", "bob", user=65_534).mistake


def run(town: Town, *flags: str) -> str:
    """In a process of its own: a node sets up logs, signals and libp2p for good."""
    typed = town.type_outside("run", "--profile", "bob", "--listen", LOOPBACK, *flags)
    return typed.mistake


def forged_invite(network: Network, *, hour: int) -> str:
    maker = Identity.from_seed(Seed(b"m" * 32))
    return Invite(
        identity_key=maker.identity_key,
        contact_key=maker.contact_key,
        depth=0,
        expires_hour=Hour(hour),
        secret=b"s" * 32,
    ).encode(network)
