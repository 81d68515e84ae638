"""A profile's secrets as 0600 files: the seed, and a relay's host key; made, read and judged here.

It does not derive keys (`tocsin_protocol.identity` does), and the host key is never derived from the seed.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tocsin.config import TEMPLATE, Profile, init_command
from tocsin.errors import ProfileBroken, TocsinError
from tocsin.ports import Entropy
from tocsin_protocol.identity import Identity, Seed

SEED_SIZE = 32
HOST_KEY_SIZE = 32


def create_profile(profile: Profile, entropy: Entropy) -> Identity:
    """Make the folder, the seed and config.toml; an existing seed is never touched."""
    try:
        profile.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        refuse_existing(profile)
        with sole_owner(profile):
            refuse_existing(profile)
            if is_missing(profile.config):
                write_whole(profile.config, TEMPLATE.encode())
            write_secret(profile.seed, entropy.draw(SEED_SIZE))
    except OSError as error:
        raise ProfileBroken(f"the profile cannot be written to {profile.folder}: {error.strerror}") from error
    return load_identity(profile)


def refuse_existing(profile: Profile) -> None:
    if not is_missing(profile.seed):
        raise ProfileBroken(
            f"profile '{profile.name}' exists already: nothing was changed ({profile.folder})"
        )
    if not is_missing(profile.database):
        raise ProfileBroken(
            f"profile '{profile.name}' has a database and no seed: put the seed back, or move "
            f"{profile.database} away first"
        )


def load_identity(profile: Profile) -> Identity:
    if is_missing(profile.seed):
        raise ProfileBroken(f"there is no profile '{profile.name}': make it with: {init_command(profile)}")
    return Identity.from_seed(Seed(read_secret(profile.seed, SEED_SIZE)))


def load_host_key(profile: Profile, entropy: Entropy) -> bytes:
    """A relay's stable host key, made on first use; other roles draw a new one at every start."""
    if is_missing(profile.host_key):
        try:
            write_secret(profile.host_key, entropy.draw(HOST_KEY_SIZE))
        except OSError as error:
            raise ProfileBroken(f"{profile.host_key} cannot be written: {error.strerror}") from error
    return read_secret(profile.host_key, HOST_KEY_SIZE)


def is_missing(path: Path) -> bool:
    """False where we may not look, too: whoever reads the file then says why."""
    try:
        path.lstat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False


def read_secret(path: Path, size: int) -> bytes:
    """Hexadecimal text in a file that nobody else may read."""
    try:
        mode = path.stat().st_mode
        text = path.read_bytes()
    except OSError as error:
        raise ProfileBroken(f"{path} cannot be read: {error.strerror}") from error
    if mode & 0o077:
        raise ProfileBroken(f"{path} can be read by others: make it private with: chmod 600 {path}")
    try:
        secret = bytes.fromhex(text.decode("ascii").strip())
    except ValueError:
        secret = b""
    if len(secret) != size:
        raise ProfileBroken(f"{path} is damaged (not {size} bytes in hexadecimal): restore it from a backup")
    return secret


def write_secret(path: Path, secret: bytes) -> None:
    write_whole(path, secret.hex().encode() + b"\n")


def write_whole(path: Path, content: bytes) -> None:
    """All of it or nothing, even when the power or the disk space ends half-way."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    make_durable(path.parent)


def make_durable(folder: Path) -> None:
    """A file's new name is the folder's matter: without this it could be gone with the power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def sole_owner(profile: Profile) -> Iterator[None]:
    """Hold the profile's lock; the kernel frees it however this process ends."""
    try:
        file = profile.lock.open("w")
    except OSError as error:
        raise ProfileBroken(f"{profile.lock} cannot be opened: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TocsinError(
                f"a node is already running for profile '{profile.name}': "
                f"stop it first, or use it with: tocsin status --profile {profile.name}"
            ) from None
        except OSError as error:
            raise ProfileBroken(f"{profile.lock} cannot be locked: {error.strerror}") from error
        yield
