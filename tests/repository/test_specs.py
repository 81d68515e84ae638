"""The specifications against their vectors and themselves: status, sections, worked examples, coverage."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.repository.test_tidy import assert_none, sections_of
from tests.repository.tree import project_files, read

SPECS = [path for path in project_files() if path.match("specs/[0-9]-*.md")]
VECTORS = [path for path in project_files() if path.match("specs/vectors/*/*.json")]
README = read(Path("specs/README.md"))
STATUSES = {"draft", "candidate", "stable"}
CLOSING = ("Worked example", "Numbers", "Security", "Test vectors")
LAYERS = {
    *("length", "constant", "kind", "topic", "hour", "stamp", "tag", "aead"),
    *("padding", "cbor", "payload", "card", "noise", "uri"),
}
ALWAYS = {"name", "spec", "comment", "operation", "input", "expect", "output"}
REFUSED_SHARE_MIN = 0.66

EXAMPLE = re.compile(r"^```vector (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CONTINUED = re.compile(r"\n +")
SPEC_NAME = re.compile(r"TOC-(\d+) section (\d+(?:\.\d+)*)")


def load(path: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(read(path))
    return told


def number_of(spec: Path) -> str:
    return spec.name[0]


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_a_specification_is_complete_and_in_the_index(spec: Path) -> None:
    text = read(spec)
    assert text.startswith(f"# TOC-{number_of(spec)}: ")
    status = re.search(r"^Status: (\w+)$", text, re.MULTILINE)
    assert status
    assert status[1] in STATUSES
    assert re.search(
        rf"^\| \[TOC-{number_of(spec)}\]\({spec.name}\) .*\| {status[1]} \|$", README, re.MULTILINE
    )
    headings = re.findall(r"^## \d+\. (.+)$", text, re.MULTILINE)
    assert tuple(headings[-len(CLOSING) :]) == CLOSING
    assert "```cddl" in text


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_worked_examples_are_those_of_the_vectors(spec: Path) -> None:
    examples = EXAMPLE.findall(read(spec))
    assert examples
    offenders = [
        f"{spec}: {name}: {path} is {wanted}"
        for name, block in examples
        for path, shown, wanted in values_of(name, block)
        if not agrees(shown, wanted)
    ]
    assert_none(offenders)


def values_of(name: str, block: str) -> list[tuple[str, str, str]]:
    """Each path into the vector, with what the text shows and what the vector has there."""
    told = load(Path("specs/vectors") / f"{name}.json")
    lines = CONTINUED.sub("", block).splitlines()
    pairs = [(path.strip(), shown) for path, _, shown in (line.partition(" = ") for line in lines)]
    return [(path, shown, value_at(told, path)) for path, shown in pairs]


def value_at(told: Any, path: str) -> str:
    for member in path.split("."):
        told = told[member]
    return str(told)


def agrees(shown: str, wanted: str) -> bool:
    """An ellipsis stands for the middle of a long value."""
    start, ellipsis, end = shown.partition("…")
    if not ellipsis:
        return shown == wanted
    return wanted.startswith(start) and wanted.endswith(end) and len(start + end) < len(wanted)


def test_vectors_have_the_form_that_the_readme_says() -> None:
    offenders = [
        f"{path}: {why}"
        for path in VECTORS
        for told in (load(path),)
        for why, wrong in (
            ("its members", not ALWAYS <= told.keys() <= ALWAYS | {"network", "now"}),
            ("its name", told["name"] != path.stem),
            ("its comment", not told["comment"].endswith(".")),
            ("its layer", told["expect"] not in LAYERS | {"ok"}),
            ("nothing comes out", told["expect"] == "ok" and not told["output"]),
        )
        if wrong
    ]
    assert_none(offenders)


def test_vectors_cite_sections_that_exist() -> None:
    offenders = [
        f"{path}: {told['spec']}"
        for path in VECTORS
        for told in (load(path),)
        if not ((cited := SPEC_NAME.fullmatch(told["spec"])) and cited[2] in sections_of(cited[1]))
    ]
    assert_none(offenders)


def test_every_operation_is_described_where_the_vectors_belong() -> None:
    described = {spec: read(spec).partition(". Test vectors")[2] for spec in SPECS}
    offenders = {
        f"{path.parent}: no document describes the operation {operation}"
        for path in VECTORS
        for operation in (load(path)["operation"],)
        if not any(
            f"`{path.parent.name}`" in text and f"`{operation}`" in text for text in described.values()
        )
    }
    assert_none(sorted(offenders))


def test_two_thirds_of_the_vectors_are_refused() -> None:
    refused = sum(load(path)["expect"] != "ok" for path in VECTORS)
    assert refused / len(VECTORS) >= REFUSED_SHARE_MIN
