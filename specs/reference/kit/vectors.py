"""What a vector is, where its entropy comes from, and the file that it becomes.

It knows no family; `generate.py` does.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from kit.network import Network

Fields = dict[str, Any]
EXACT_MAX = 2**53 - 1
"""Many readers of JSON keep no larger number whole."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """`now` is in seconds; `output` of a refused case holds what is known in spite of it."""

    operation: str
    input: Fields
    expect: str = "ok"
    output: Fields = field(default_factory=dict)
    network: Network | None = None
    now: int | None = None


class Draw:
    """The bytes that would be random, made from the name of the vector and of what they are for."""

    def __init__(self, vector_name: str) -> None:
        self.vector_name = vector_name

    def __call__(self, what: str, size: int) -> bytes:
        return hashlib.shake_256(f"{self.vector_name} {what}".encode()).digest(size)


Make = Callable[[Draw], Case]


@dataclass(frozen=True, kw_only=True)
class Vector:
    name: str
    spec: str
    comment: str
    case: Case


class Family:
    """A folder of vectors; `vector` makes one of each function that it decorates."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.vectors: list[Vector] = []

    def vector(self, spec: str, comment: str) -> Callable[[Make], Make]:
        """The function's name is the vector's; `spec` names the section that decides it."""

        def add(make: Make) -> Make:
            name = make.__name__.replace("_", "-")
            case = make(Draw(f"{self.name}/{name}"))
            self.vectors.append(Vector(name=name, spec=spec, comment=comment, case=case))
            return make

        return add


def to_text(vector: Vector) -> str:
    """One JSON object; bytes are hexadecimal and what does not apply is absent."""
    case = vector.case
    told: Fields = {
        "name": vector.name,
        "spec": vector.spec.replace("§", "section "),
        "comment": vector.comment,
        "operation": case.operation,
        "network": asdict(case.network) if case.network else None,
        "now": case.now,
        "input": case.input,
        "expect": case.expect,
        "output": case.output,
    }
    plain = {name: to_plain(value) for name, value in told.items() if value is not None}
    return json.dumps(plain, indent=2) + "\n"


def to_plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {name: to_plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [to_plain(item) for item in value]
    if isinstance(value, int) and abs(value) > EXACT_MAX:
        raise ValueError(f"{value} must be written as text")
    return value
