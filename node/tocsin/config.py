"""Where a profile lives and what its node is told: files, the environment, flags, in that order.

It reads settings and judges them; it starts nothing. No other module reads the environment.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec
import platformdirs

from tocsin.errors import ProfileBroken, TocsinError
from tocsin_protocol.limits import INTRODUCTION_ANSWER_DELAY_MS
from tocsin_protocol.network import NAME as NETWORK_NAME

PROFILE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
PEER_ADDRESS = re.compile(r"/.+/p2p/[A-Za-z0-9]+")
OR_ELSEWHERE = "(or a flag, or TOCSIN_*)"
SOCKET_PATH_SIZE_MAX = 107
"""The kernel's limit on a Unix socket's path."""


class Role(StrEnum):
    NODE = "node"
    RELAY = "relay"


class NodeConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """config.toml of one profile; each key is explained in the file that `tocsin init` writes."""

    network: str = "main"
    role: Role = Role.NODE
    listen: tuple[str, ...] = ("/ip4/127.0.0.1/tcp/0",)
    peers: tuple[str, ...] = ()
    answer_delay_ms: tuple[int, int] = INTRODUCTION_ANSWER_DELAY_MS
    store_size_mib_max: int = 1024
    log_level: str = "warning"


TEMPLATE = """\
# Settings of this profile. Flags of `tocsin run` win over TOCSIN_* variables, which win over this file.

# The network's name: nodes of different networks do not hear each other.
network = "main"

# "node" rings for its owner; "relay" also keeps a stable peer id, so that others can dial it.
role = "node"

# Where to listen for other nodes. Port 0 takes any free port.
listen = ["/ip4/127.0.0.1/tcp/0"]

# Nodes to dial at start and again whenever the connection is lost, each ending in /p2p/<peer id>.
# With exactly one, that one is trusted to show introductions; with several, two must show the same.
peers = []

# An automatic answer waits a random time between these, or its timing would tell who answers.
answer_delay_ms = [1000, 10000]

# The largest size of this profile's database.
store_size_mib_max = 1024

# debug, info, warning or error.
log_level = "warning"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The files of one profile; making one of these touches none of them."""

    name: str
    folder: Path
    socket: Path

    @property
    def seed(self) -> Path:
        return self.folder / "seed"

    @property
    def host_key(self) -> Path:
        return self.folder / "host.key"

    @property
    def config(self) -> Path:
        return self.folder / "config.toml"

    @property
    def database(self) -> Path:
        return self.folder / "tocsin.db"

    @property
    def lock(self) -> Path:
        return self.folder / "lock"


def find_profile(name: str | None) -> Profile:
    """The profile by its name, by TOCSIN_PROFILE, or `default`."""
    name = name or os.environ.get("TOCSIN_PROFILE") or "default"
    if not PROFILE_NAME.fullmatch(name):
        raise TocsinError(
            f"profile name {name!r}: use 1 to 32 of a-z, 0-9, - and _, beginning with a-z or 0-9"
        )
    home = os.environ.get("TOCSIN_HOME")
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    profile = profile_in(Path(home or platformdirs.user_data_dir("tocsin")), name)
    if runtime and not home:
        socket = (Path(runtime) / "tocsin" / f"{name}.sock").absolute()
        profile = Profile(name=name, folder=profile.folder, socket=socket)
    if len(os.fsencode(profile.socket)) > SOCKET_PATH_SIZE_MAX:
        raise TocsinError(
            f"the socket's path is too long ({profile.socket}): set TOCSIN_HOME to a shorter folder"
        )
    return profile


def profile_in(home: Path, name: str) -> Profile:
    """The profile as a process sees it whose TOCSIN_HOME is `home`; no profile's name begins with a dot."""
    return Profile(
        name=name, folder=home.absolute() / name, socket=(home / ".run" / f"{name}.sock").absolute()
    )


def foreign_environment(home: Path) -> dict[str, str]:
    """For a child process with a home of its own, whatever TOCSIN_* says in this one."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("TOCSIN_")}
    return {**kept, "TOCSIN_HOME": str(home)}


def load_config(profile: Profile, flags: Mapping[str, object]) -> NodeConfig:
    """The file's values, overridden by TOCSIN_*, overridden by flags that are not None."""
    try:
        values: dict[str, object] = tomllib.loads(profile.config.read_text("utf-8"))
    except FileNotFoundError:
        raise ProfileBroken(
            f"{profile.config} is missing: make the profile with {init_command(profile)}"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ProfileBroken(f"{profile.config} cannot be read: {error}") from error
    values |= read_environment(os.environ)
    values |= {key: value for key, value in flags.items() if value is not None}
    try:
        config = msgspec.convert(values, NodeConfig, strict=False)
    except msgspec.ValidationError as error:
        raise ProfileBroken(f"{profile.config} {OR_ELSEWHERE}: {error}") from error
    judge(config, profile)
    return config


def read_environment(environment: Mapping[str, str]) -> dict[str, object]:
    """TOCSIN_NETWORK, TOCSIN_LISTEN and so on; lists are separated by commas."""
    values: dict[str, object] = {}
    for field in msgspec.structs.fields(NodeConfig):
        text = environment.get(f"TOCSIN_{field.name.upper()}")
        if text is not None:
            values[field.name] = split(text) if isinstance(field.default, tuple) else text
    return values


def split(text: str) -> list[str]:
    return [part for piece in text.split(",") if (part := piece.strip())]


def judge(config: NodeConfig, profile: Profile) -> None:
    """What types cannot say; each message names the key."""
    low, high = config.answer_delay_ms
    if not NETWORK_NAME.fullmatch(config.network):
        problem = f"network = {config.network!r}: use 1 to 32 of a-z, 0-9 and -"
    elif not 0 <= low <= high:
        problem = f"answer_delay_ms = [{low}, {high}]: the first must be the smaller, and neither below 0"
    elif config.store_size_mib_max < 1:
        problem = f"store_size_mib_max = {config.store_size_mib_max}: must be at least 1"
    elif config.log_level not in ("debug", "info", "warning", "error"):
        problem = f"log_level = {config.log_level!r}: use debug, info, warning or error"
    elif bad := [address for address in config.peers if not PEER_ADDRESS.fullmatch(address)]:
        problem = (
            f"peers: {bad[0]!r} does not end in /p2p/<peer id>; `tocsin status --addresses` prints the whole"
        )
    else:
        return
    raise ProfileBroken(f"{profile.config} {OR_ELSEWHERE}: {problem}")


def init_command(profile: Profile) -> str:
    return f"tocsin init --profile {profile.name}"


def run_command(profile: Profile) -> str:
    return f"tocsin run --profile {profile.name}"
