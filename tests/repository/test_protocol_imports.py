"""What tocsin_protocol may import, by name: it computes, and reaches for nothing outside itself.

An allow-list, because a list of what is forbidden would miss the next module.
"""

import ast
from collections.abc import Iterator

import pytest

from tests.repository.tree import parse, python_files

STANDARD_LIBRARY = {
    "abc",
    "base64",
    "bisect",
    "collections",
    "dataclasses",
    "enum",
    "functools",
    "hashlib",
    "heapq",
    "hmac",
    "itertools",
    "math",
    "re",
    "struct",
    "typing",
}
THIRD_PARTY = {"cbor2", "google.protobuf", "nacl"}
ALLOWED = STANDARD_LIBRARY | THIRD_PARTY | {"tocsin_protocol"}
BUILTINS_THAT_REACH_OUT = {"__import__", "breakpoint", "compile", "eval", "exec", "input", "open", "print"}


def test_the_protocol_imports_only_what_computes() -> None:
    offenders = [
        f"{path}:{line}: {name} is not on the allow-list"
        for path in python_files("protocol")
        for line, name in imported_names(parse(path))
        if not allowed(name)
    ]
    if offenders:
        pytest.fail("\n".join(offenders), pytrace=False)


def test_the_protocol_calls_no_builtin_that_reaches_out() -> None:
    offenders = [
        f"{path}:{node.lineno}: {node.id} reaches outside"
        for path in python_files("protocol")
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Name) and node.id in BUILTINS_THAT_REACH_OUT
    ]
    if offenders:
        pytest.fail("\n".join(offenders), pytrace=False)


def imported_names(module: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module or '.'}.{alias.name}") for alias in node.names)


def allowed(name: str) -> bool:
    return any(name == entry or name.startswith(entry + ".") for entry in ALLOWED)
