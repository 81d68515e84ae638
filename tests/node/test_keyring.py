"""The secrets of a profile: private, whole, never overwritten, and one clear line when something is wrong."""

import errno
import fcntl
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.node.privileges import nobodys_folder
from tocsin.config import TEMPLATE, Profile, profile_in
from tocsin.errors import ProfileBroken, TocsinError
from tocsin.keyring import create_profile, load_host_key, load_identity, sole_owner
from tocsin_protocol.identity import Identity, Seed

SECRET = bytes(range(32))
HOLD_THE_LOCK = """
import sys
from pathlib import Path
from tocsin.config import profile_in
from tocsin.keyring import sole_owner
with sole_owner(profile_in(Path(sys.argv[1]), "alice")):
    print("mine", flush=True)
    sys.stdin.read()
"""


class FixedEntropy:
    def __init__(self, secret: bytes = SECRET, before: Callable[[], None] = lambda: None) -> None:
        self._secret = secret
        self._before = before

    def draw(self, size: int) -> bytes:
        self._before()
        assert len(self._secret) == size
        return self._secret


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    return profile_in(tmp_path / "home", "alice")


@pytest.fixture
def made(profile: Profile) -> Profile:
    create_profile(profile, FixedEntropy())
    return profile


@contextmanager
def file_size_max(size: int) -> Iterator[None]:
    """As when the disk is full: what is written beyond fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def refusal(call: Callable[[], object], kind: type[TocsinError] = ProfileBroken) -> str:
    with pytest.raises(kind) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_new_profile_is_private_whatever_the_umask(profile: Profile) -> None:
    before = os.umask(0)
    try:
        identity = create_profile(profile, FixedEntropy())
    finally:
        os.umask(before)
    assert identity.identity_key == Identity.from_seed(Seed(SECRET)).identity_key
    assert load_identity(profile).identity_key == identity.identity_key
    assert mode(profile.folder) == 0o700
    assert {name: mode(profile.folder / name) for name in ("seed", "config.toml")} == {
        "seed": 0o600,
        "config.toml": 0o600,
    }
    assert names(profile.folder) == {"seed", "config.toml", "lock"}
    assert profile.seed.read_text() == SECRET.hex() + "\n"
    assert profile.config.read_text() == TEMPLATE


def test_a_seed_that_exists_is_never_touched(made: Profile) -> None:
    made.config.write_text("# mine\n")
    before = made.seed.stat()
    line = refusal(lambda: create_profile(made, FixedEntropy(b"x" * 32)))
    assert line.startswith("profile 'alice' exists already: nothing was changed")
    assert made.seed.stat() == before
    assert made.config.read_text() == "# mine\n"


@pytest.mark.parametrize("content", [b"", b"rubbish"])
def test_a_seed_that_is_damaged_is_not_touched_either(made: Profile, content: bytes) -> None:
    made.seed.write_bytes(content)
    refusal(lambda: create_profile(made, FixedEntropy()))
    assert made.seed.read_bytes() == content


def test_a_seed_that_cannot_be_reached_is_not_replaced(profile: Profile, tmp_path: Path) -> None:
    profile.folder.mkdir(parents=True)
    profile.seed.symlink_to(tmp_path / "a medium that is not there")
    assert "exists already" in refusal(lambda: create_profile(profile, FixedEntropy()))
    assert "cannot be read" in refusal(lambda: load_identity(profile))


def test_two_at_once_do_not_make_two_seeds(profile: Profile) -> None:
    """The second comes just before the first has drawn its seed."""
    refused = []

    def second() -> None:
        refused.append(refusal(lambda: create_profile(profile, FixedEntropy(b"x" * 32)), TocsinError))

    create_profile(profile, FixedEntropy(SECRET, second))
    assert len(refused) == 1
    assert profile.seed.read_text() == SECRET.hex() + "\n"


def test_settings_that_were_there_first_are_kept(profile: Profile) -> None:
    profile.folder.mkdir(parents=True)
    profile.config.write_text('network = "mine"\n')
    create_profile(profile, FixedEntropy())
    assert profile.config.read_text() == 'network = "mine"\n'


def test_what_an_interrupted_start_left_is_no_obstacle(profile: Profile) -> None:
    profile.folder.mkdir(parents=True)
    (profile.folder / "seed.new").write_bytes(b"half of a se")
    create_profile(profile, FixedEntropy())
    assert names(profile.folder) == {"seed", "config.toml", "lock"}


@pytest.mark.parametrize("room", [0, 10, len(TEMPLATE) - 1])
def test_a_full_disk_leaves_no_half_settings(profile: Profile, room: int) -> None:
    with file_size_max(room):
        line = refusal(lambda: create_profile(profile, FixedEntropy()))
    assert line == f"the profile cannot be written to {profile.folder}: File too large"
    assert names(profile.folder) == {"lock"}
    create_profile(profile, FixedEntropy())


@pytest.mark.parametrize("room", [0, 10, 64])
def test_a_full_disk_leaves_no_half_secret(profile: Profile, room: int) -> None:
    profile.folder.mkdir(parents=True)
    profile.config.write_text(TEMPLATE)
    with file_size_max(room):
        assert "cannot be written" in refusal(lambda: create_profile(profile, FixedEntropy()))
        assert "cannot be written" in refusal(lambda: load_host_key(profile, FixedEntropy()))
    assert names(profile.folder) == {"lock", "config.toml"}
    assert "there is no profile" in refusal(lambda: load_identity(profile))
    create_profile(profile, FixedEntropy())


def test_ctrl_c_leaves_no_half_secret(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(descriptor: int) -> None:
        raise KeyboardInterrupt

    profile.folder.mkdir(parents=True)
    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load_host_key(profile, FixedEntropy())
    assert names(profile.folder) == set()


def test_a_folder_that_cannot_be_made(profile: Profile) -> None:
    profile.folder.parent.write_text("a file in the folder's place")
    assert "the profile cannot be written to" in refusal(lambda: create_profile(profile, FixedEntropy()))
    assert "cannot be read: Not a directory" in refusal(lambda: load_identity(profile))


def test_a_folder_that_may_not_be_looked_into() -> None:
    with nobodys_folder() as home:
        profile = profile_in(home, "alice")
        create_profile(profile, FixedEntropy())
        profile.folder.chmod(0)
        line = refusal(lambda: load_identity(profile))
        profile.folder.chmod(0o700)
    assert line == f"{profile.seed} cannot be read: Permission denied"


def test_a_folder_that_is_read_only() -> None:
    with nobodys_folder() as home:
        profile = profile_in(home, "alice")
        profile.folder.mkdir(mode=0o500)
        line = refusal(lambda: create_profile(profile, FixedEntropy()))
    assert line == f"{profile.lock} cannot be opened: Permission denied"


def test_no_profile_says_how_to_make_one(profile: Profile) -> None:
    line = "there is no profile 'alice': make it with: tocsin init --profile alice"
    assert refusal(lambda: load_identity(profile)) == line


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", SECRET.hex().encode()[:-2], SECRET.hex().encode() + b"00", b"z" * 64, b"\xff" * 64, SECRET],
)
def test_a_damaged_secret_says_what_to_do(made: Profile, content: bytes) -> None:
    made.seed.write_bytes(content)
    line = f"{made.seed} is damaged (not 32 bytes in hexadecimal): restore it from a backup"
    assert refusal(lambda: load_identity(made)) == line
    made.seed.replace(made.host_key)
    assert "host.key is damaged" in refusal(lambda: load_host_key(made, FixedEntropy()))


def test_a_folder_in_the_place_of_the_seed(profile: Profile) -> None:
    profile.seed.mkdir(parents=True)
    assert "seed cannot be read: Is a directory" in refusal(lambda: load_identity(profile))


@pytest.mark.parametrize("bits", [0o644, 0o640, 0o604, 0o620, 0o601])
def test_a_seed_that_others_can_read_is_not_used(made: Profile, bits: int) -> None:
    made.seed.chmod(bits)
    line = f"{made.seed} can be read by others: make it private with: chmod 600 {made.seed}"
    assert refusal(lambda: load_identity(made)) == line


def test_upper_case_and_no_newline_are_no_damage(made: Profile) -> None:
    made.seed.write_text(SECRET.hex().upper())
    assert load_identity(made).identity_key == Identity.from_seed(Seed(SECRET)).identity_key


def test_a_host_key_is_made_once(made: Profile) -> None:
    key = load_host_key(made, FixedEntropy(b"h" * 32))
    assert key == b"h" * 32
    assert mode(made.host_key) == 0o600
    assert load_host_key(made, FixedEntropy(b"x" * 32)) == key
    assert made.seed.read_text() == SECRET.hex() + "\n"


def test_a_second_node_is_refused_until_the_first_is_over(made: Profile) -> None:
    with sole_owner(made):
        line = refusal(lambda: sole_owner(made).__enter__(), TocsinError)
        assert line == (
            "a node is already running for profile 'alice': "
            "stop it first, or use it with: tocsin status --profile alice"
        )
        with sole_owner(profile_with_name(made, "bob")):
            pass
    with sole_owner(made):
        pass


def profile_with_name(beside: Profile, name: str) -> Profile:
    profile = profile_in(beside.folder.parent, name)
    profile.folder.mkdir()
    return profile


def test_a_killed_node_holds_nothing(made: Profile) -> None:
    command = [sys.executable, "-c", HOLD_THE_LOCK, str(made.folder.parent)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "mine\n"
        assert "already running" in refusal(lambda: sole_owner(made).__enter__(), TocsinError)
        other.kill()
        other.wait()
        with sole_owner(made):
            pass


def test_a_lock_that_cannot_be_opened(profile: Profile) -> None:
    line = f"{profile.lock} cannot be opened: No such file or directory"
    assert refusal(lambda: sole_owner(profile).__enter__()) == line


def test_a_disk_that_knows_no_locks(made: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    line = f"{made.lock} cannot be locked: No locks available"
    assert refusal(lambda: sole_owner(made).__enter__()) == line


def test_contacts_without_their_seed_get_no_new_one(profile: Profile) -> None:
    create_profile(profile, FixedEntropy())
    profile.database.touch()
    profile.seed.unlink()
    with pytest.raises(ProfileBroken, match="has a database and no seed: put the seed back"):
        create_profile(profile, FixedEntropy())
    assert not profile.seed.exists()
