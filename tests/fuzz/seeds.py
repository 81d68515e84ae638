"""Inputs that a fuzzer starts from, taken from the vectors of the specifications.

A seed need not be read without an error: what is refused at its last byte leads further than noise.
"""

import json
from functools import cache
from typing import Any

from tests.fuzz.target import Seeds
from tests.repository.tree import ROOT

DIRECTORY = ROOT / "specs" / "vectors"


def inputs(family: str, operation: str, *names: str) -> list[dict[str, Any]]:
    """The `input` of every vector of one operation that has all of these fields."""
    found = [
        vector["input"]
        for vector in told(family)
        if vector["operation"] == operation and all(vector["input"].get(name) is not None for name in names)
    ]
    if not found:
        raise LookupError(f"specs/vectors/{family} has nothing for {operation} with {', '.join(names)}")
    return found


@cache
def told(family: str) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((DIRECTORY / family).glob("*.json"))]


def raw(family: str, operation: str, *names: str) -> Seeds:
    """These fields of each vector, which are hex, one behind the other."""
    return lambda: [
        b"".join(bytes.fromhex(vector[name]) for name in names)
        for vector in inputs(family, operation, *names)
    ]


def after(prefix: bytes, seeds: Seeds) -> Seeds:
    return lambda: [prefix + seed for seed in seeds()]


def texts(family: str, operation: str, name: str) -> Seeds:
    return lambda: [vector[name].encode() for vector in inputs(family, operation, name)]


def fixed(*seeds: bytes) -> Seeds:
    return lambda: seeds


def joined(*parts: Seeds) -> Seeds:
    return lambda: [seed for part in parts for seed in part()]
