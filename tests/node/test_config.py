"""Settings: the file, TOCSIN_*, flags, in that order; each bad one named; profiles found where they are."""

import os
import socket
import tomllib
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from tocsin.config import (
    SOCKET_PATH_SIZE_MAX,
    TEMPLATE,
    NodeConfig,
    Profile,
    Role,
    find_profile,
    foreign_environment,
    init_command,
    load_config,
    profile_in,
    run_command,
)
from tocsin.errors import ProfileBroken, TocsinError

PEER = "/ip4/192.0.2.1/tcp/4001/p2p/12D3KooWExample"
KEYS = tuple(field.name for field in msgspec.structs.fields(NodeConfig))


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("TOCSIN_", "XDG_")):
            monkeypatch.delenv(name)


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    made = profile_in(tmp_path, "alice")
    made.folder.mkdir()
    made.config.write_text("")
    return made


def refusal(call: Callable[[], object], kind: type[TocsinError] = ProfileBroken) -> str:
    with pytest.raises(kind) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_template_says_the_defaults() -> None:
    assert msgspec.convert(tomllib.loads(TEMPLATE), NodeConfig) == NodeConfig()


def test_the_template_explains_every_key() -> None:
    pairs = pairwise(TEMPLATE.splitlines())
    explained = [line.split(" = ")[0] for above, line in pairs if above.startswith("# ") and " = " in line]
    assert explained == list(KEYS)
    assert list(tomllib.loads(TEMPLATE)) == list(KEYS)


def test_an_empty_file_is_the_defaults(profile: Profile) -> None:
    assert load_config(profile, {}) == NodeConfig()


SETTINGS: Mapping[str, tuple[str, str, object, object]] = {
    "network": ('"from-file"', "from-variable", "from-flag", ("from-file", "from-variable", "from-flag")),
    "role": ('"relay"', "node", "relay", (Role.RELAY, Role.NODE, Role.RELAY)),
    "listen": ('["/a", "/b"]', " /c , /d,", ("/e",), (("/a", "/b"), ("/c", "/d"), ("/e",))),
    "peers": (
        f'["{PEER}1"]',
        f"{PEER}2,{PEER}3",
        (PEER,),
        ((f"{PEER}1",), (f"{PEER}2", f"{PEER}3"), (PEER,)),
    ),
    "answer_delay_ms": ("[1, 2]", "3,4", (5, 6), ((1, 2), (3, 4), (5, 6))),
    "store_size_mib_max": ("1", "2", 3, (1, 2, 3)),
    "log_level": ('"debug"', "info", "error", ("debug", "info", "error")),
}


@pytest.mark.parametrize("key", KEYS)
def test_flags_win_over_variables_which_win_over_the_file(
    profile: Profile, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    in_file, in_variable, in_flag, expected = SETTINGS[key]
    profile.config.write_text(f"{key} = {in_file}\n")
    found = [getattr(load_config(profile, {key: None}), key)]
    monkeypatch.setenv(f"TOCSIN_{key.upper()}", in_variable)
    found.append(getattr(load_config(profile, {key: None}), key))
    found.append(getattr(load_config(profile, {key: in_flag}), key))
    assert tuple(found) == expected


def test_an_empty_list_in_the_environment_is_none(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    profile.config.write_text(f'peers = ["{PEER}"]\n')
    monkeypatch.setenv("TOCSIN_PEERS", "")
    assert load_config(profile, {}).peers == ()


BAD = [
    ("network", '""'),
    ("network", '"Main"'),
    ("network", '"a b"'),
    ("network", '"123456789012345678901234567890123"'),
    ("network", "1"),
    ("role", '"king"'),
    ("listen", '"/ip4/127.0.0.1/tcp/0"'),
    ("listen", "[1]"),
    ("peers", '["192.0.2.1:4001"]'),
    ("peers", '["/ip4/192.0.2.1/tcp/4001"]'),
    ("peers", '["/ip4/192.0.2.1/tcp/4001/p2p/"]'),
    ("peers", f'["{PEER}/p2p-circuit"]'),
    ("peers", f'["{PEER}", "{PEER}\\n"]'),
    ("answer_delay_ms", "[2, 1]"),
    ("answer_delay_ms", "[-1, 1]"),
    ("answer_delay_ms", "[1]"),
    ("answer_delay_ms", "1"),
    ("store_size_mib_max", "0"),
    ("store_size_mib_max", "-1"),
    ("store_size_mib_max", '"much"'),
    ("store_size_mib_max", "1.5"),
    ("log_level", '"loud"'),
    ("log_level", '"INFO"'),
]


@pytest.mark.parametrize(("key", "value"), BAD)
def test_a_bad_value_names_its_key(profile: Profile, key: str, value: str) -> None:
    profile.config.write_text(f"{key} = {value}\n")
    line = refusal(lambda: load_config(profile, {}))
    assert line.startswith(f"{profile.config} (or a flag, or TOCSIN_*): ")
    assert key in line


@pytest.mark.parametrize(
    ("key", "value"),
    [("network", "A"), ("role", ""), ("peers", "x"), ("answer_delay_ms", "1"), ("store_size_mib_max", "x")],
)
def test_a_bad_variable_names_its_key(
    profile: Profile, monkeypatch: pytest.MonkeyPatch, key: str, value: str
) -> None:
    monkeypatch.setenv(f"TOCSIN_{key.upper()}", value)
    assert key in refusal(lambda: load_config(profile, {}))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"netwrok = 'x'\n", "netwrok"),
        (b"[node]\nnetwork = 'x'\n", "node"),
        (b"network = \n", "cannot be read: Invalid value"),
        (b"network = 'a'\nnetwork = 'b'\n", "cannot be read: Cannot overwrite"),
        (b"network = '\xff'\n", "cannot be read"),
    ],
)
def test_a_file_that_is_no_settings(profile: Profile, content: bytes, expected: str) -> None:
    profile.config.write_bytes(content)
    line = refusal(lambda: load_config(profile, {}))
    assert line.startswith(str(profile.config))
    assert expected in line


def test_settings_that_are_missing(profile: Profile) -> None:
    profile.config.unlink()
    line = f"{profile.config} is missing: make the profile with tocsin init --profile alice"
    assert refusal(lambda: load_config(profile, {})) == line


def test_a_folder_in_the_place_of_the_settings(profile: Profile) -> None:
    profile.config.unlink()
    profile.config.mkdir()
    assert "cannot be read" in refusal(lambda: load_config(profile, {}))


@pytest.mark.parametrize("name", ["a", "0", "alice", "a-b_c", "x" * 32])
def test_good_names(name: str) -> None:
    assert find_profile(name).name == name


@pytest.mark.parametrize("name", ["A", "-a", "_a", "a b", "a/b", "..", "a.b", "ä", "a\n", "x" * 33, "../a"])
def test_bad_names(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert "profile name" in refusal(lambda: find_profile(name), TocsinError)
    monkeypatch.setenv("TOCSIN_PROFILE", name)
    assert "profile name" in refusal(lambda: find_profile(None), TocsinError)


def test_the_name_of_a_command_wins_over_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_profile(None).name == "default"
    monkeypatch.setenv("TOCSIN_PROFILE", "bob")
    assert find_profile(None).name == "bob"
    assert find_profile("alice").name == "alice"


def test_a_home_holds_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")
    found = find_profile("alice")
    assert found == profile_in(tmp_path, "alice")
    assert found.socket == tmp_path / ".run" / "alice.sock"
    files = (found.seed, found.host_key, found.config, found.database, found.lock)
    assert [path.parent for path in files] == [tmp_path / "alice"] * 5
    assert len(set(files)) == 5
    assert list(tmp_path.iterdir()) == []


def test_without_a_home_the_desktop_s_folders_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert find_profile("alice").socket == tmp_path / "data" / "tocsin" / ".run" / "alice.sock"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    found = find_profile("alice")
    assert found.folder == tmp_path / "data" / "tocsin" / "alice"
    assert found.socket == tmp_path / "run" / "tocsin" / "alice.sock"


def test_a_home_is_the_same_from_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOCSIN_HOME", "home")
    found = find_profile("alice")
    assert found.folder == tmp_path / "home" / "alice"
    assert found.socket == tmp_path / "home" / ".run" / "alice.sock"


def home_for_a_socket_of(size: int, tmp_path: Path) -> Path:
    padding = size - len(os.fsencode(tmp_path / "x" / ".run" / "alice.sock")) + 1
    return tmp_path / ("x" * padding)


def test_the_longest_socket_path_that_the_kernel_takes(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path = tmp_path_factory.mktemp("s")
    home = home_for_a_socket_of(SOCKET_PATH_SIZE_MAX, tmp_path)
    monkeypatch.setenv("TOCSIN_HOME", str(home))
    path = find_profile("alice").socket
    path.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
    monkeypatch.setenv("TOCSIN_HOME", str(home) + "x")
    line = refusal(lambda: find_profile("alice"), TocsinError)
    assert "the socket's path is too long" in line
    assert "set TOCSIN_HOME to a shorter folder" in line
    monkeypatch.setenv("TOCSIN_HOME", str(home)[:-1] + "é")
    assert "too long" in refusal(lambda: find_profile("alice"), TocsinError)


def test_a_child_s_environment_has_its_own_home_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TOCSIN_NETWORK", "other")
    monkeypatch.setenv("TOCSIN_HOME", "/elsewhere")
    environment = foreign_environment(tmp_path)
    assert {key: value for key, value in environment.items() if key.startswith("TOCSIN_")} == {
        "TOCSIN_HOME": str(tmp_path)
    }
    assert environment["PATH"] == os.environ["PATH"]


def test_commands_name_the_profile(profile: Profile) -> None:
    assert init_command(profile) == "tocsin init --profile alice"
    assert run_command(profile) == "tocsin run --profile alice"
