"""A person's mistakes: one line that says what is wrong and what to do, exit code 2, and nothing lost."""

import resource
import socket
from pathlib import Path

import pytest

from tests.node.cli.town import Town, silent_listener, type_here
from tests.node.privileges import nobodys_folder

CLIENTS = [
    ("invite",),
    ("accept", "tocsin:invite/x"),
    ("contacts",),
    ("notify", "bob", "--title", "x"),
    ("listen",),
    ("status",),
]


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
        (("status", "--wait", "soon"), "'soon' is not a valid seconds"),
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
    typed = empty.type("run", "--profile", "bob", "--listen", listen)
    assert f"cannot listen on {listen}" in typed.mistake.replace("'", "")


def test_a_port_in_use(empty: Town) -> None:
    empty.init("bob")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"/ip4/127.0.0.1/tcp/{taken.getsockname()[1]}"
        typed = empty.type("run", "--profile", "bob", "--listen", listen)
    assert "the port is in use; stop the program that uses it or choose another port" in typed.mistake


def test_a_damaged_database_is_left_as_it_is(empty: Town) -> None:
    empty.init("bob")
    empty.profile("bob").database.write_text("no database" * 1_000)
    assert "the file is damaged" in empty.type("run", "--profile", "bob").mistake
    assert empty.profile("bob").database.read_text() == "no database" * 1_000


def test_a_place_for_the_socket_that_is_taken(empty: Town) -> None:
    empty.init("bob")
    empty.profile("bob").socket.mkdir(parents=True)
    assert "check its folder, and what is there" in empty.type("run", "--profile", "bob").mistake


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


def test_a_profile_that_one_may_not_look_into(empty: Town) -> None:
    for verb in ("status", "run", "init"):
        empty.type(verb, "--profile", "loaded")  # nobody may not even read the source
    with nobodys_folder() as home:
        town = Town(home=home)
        town.init("bob")
        folder = town.profile("bob").folder
        folder.chmod(0)
        assert "Permission denied" in town.type("status", "--profile", "bob").mistake
        assert "Permission denied" in town.type("run", "--profile", "bob").mistake
        assert "nothing was changed" in town.type("init", "--profile", "bob").mistake
        folder.chmod(0o700)
