"""The stores that must all obey one contract."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.node.store.stores import MemoryWorld, SqliteWorld, StoreWorld
from tocsin.ports import Store
from tocsin.store.executor import InlineExecutor, ThreadExecutor


@pytest.fixture(params=["memory", "sqlite", "sqlite in a thread"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[StoreWorld]:
    path = tmp_path / "tocsin.db"
    opened: StoreWorld
    match request.param:
        case "memory":
            opened = MemoryWorld()
        case "sqlite":
            opened = SqliteWorld(path, InlineExecutor())
        case _:
            opened = SqliteWorld(path, ThreadExecutor())
    yield opened
    await opened.aclose()


@pytest.fixture
async def store(world: StoreWorld) -> Store:
    return await world.open()
