"""A town for a module's tests: a relay, and Alice and Bob, who know each other."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.node.cli.town import Town, introduce, open_town


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A test may restart nodes, and leaves all running; none is left for other modules."""
    with open_town(tmp_path_factory.mktemp("town")) as town:
        town.init("relay", "alice", "bob")
        town.run("relay", "--role", "relay")
        for name in ("alice", "bob"):
            town.begin(name, "--peer", town.addresses["relay"])
        for name in ("alice", "bob"):
            town.await_ready(name)
        introduce(town, "bob", "alice")
        yield town


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Town]:
    """No profile, no node."""
    with open_town(tmp_path) as town:
        yield town
