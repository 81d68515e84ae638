"""One town for all tests of the commands: a relay, Alice and Bob, who know each other, and lonely Carol."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.node.cli.town import Town, introduce, open_town


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Nodes may be restarted by a test, and are running again when it ends."""
    with open_town(tmp_path_factory.mktemp("town")) as town:
        town.init("relay", "alice", "bob", "carol")
        town.run("relay", "--role", "relay")
        for name in ("alice", "bob"):
            town.begin(name, "--peer", town.addresses["relay"])
        town.begin("carol")
        for name in ("alice", "bob", "carol"):
            town.await_ready(name)
        introduce(town, "bob", "alice")
        yield town


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Town]:
    """No profile, no node."""
    with open_town(tmp_path) as town:
        yield town
