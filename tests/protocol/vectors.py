"""Reads the vectors of the specifications, and holds an implementation's answer against one of them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.repository.tree import ROOT
from tocsin_protocol.errors import RemoteProtocolError
from tocsin_protocol.limits import HOUR_MS
from tocsin_protocol.network import Network
from tocsin_protocol.types import Hour, Now

DIRECTORY = ROOT / "specs" / "vectors"
HOUR_S = HOUR_MS // 1000

Fields: TypeAlias = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Vector:
    """One file. What does not apply to it is an error to ask for."""

    path: Path
    told: Fields

    @property
    def input(self) -> Fields:
        return dict(self.told["input"])

    @property
    def output(self) -> Fields:
        return dict(self.told["output"])

    @property
    def network(self) -> Network:
        return Network(**self.told["network"])

    @property
    def now(self) -> Now:
        return Now(unix_ms=self.told["now"] * 1000, steady_ms=0)

    @property
    def now_hour(self) -> Hour:
        return Hour(self.told["now"] // HOUR_S)

    def raw(self, name: str) -> bytes:
        """A byte string of the input."""
        return bytes.fromhex(self.told["input"][name])


Operation: TypeAlias = Callable[[Vector], Fields]
"""The output as far as the implementation shows it; the layer is `expect` of it, or raised."""


def vectors_of(family: str) -> pytest.MarkDecorator:
    """Parametrises a test with every vector of a folder."""
    paths = sorted((DIRECTORY / family).glob("*.json"))
    vectors = [Vector(path=path, told=json.loads(path.read_text())) for path in paths]
    return pytest.mark.parametrize("vector", vectors, ids=[path.stem for path in paths])


def check(vector: Vector, operations: Mapping[str, Operation]) -> None:
    """The layer is the vector's, and so is everything that the implementation shows."""
    try:
        shown = operations[vector.told["operation"]](vector)
    except RemoteProtocolError as error:
        shown = {"expect": error.reason.value}
    assert shown.pop("expect", "ok") == vector.told["expect"], vector.told["comment"]
    assert shown or vector.told["expect"] != "ok", "it shows nothing"
    assert shown == {name: vector.output[name] for name in shown}


def told(value: Any) -> Any:
    """A value of CBOR as vectors tell it, so that JSON loses neither a type nor a digit."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return {"int": str(value)}
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, str):
        return {"text": value}
    if isinstance(value, list):
        return [told(item) for item in value]
    return {"map": [[told(key), told(item)] for key, item in value.items()]}
