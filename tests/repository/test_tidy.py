"""The rules of the source that no linter knows: sizes, docstrings, citations, and what must not leak in.

Every test names all offenders at once, one `path: why` a line.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest

from tests.repository.tree import ROOT, parse, project_files, python_files, read

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
FILE_BYTES_MAX = 1_000_000

SOURCE_SUFFIXES = {".css", ".html", ".js", ".mjs", ".py", ".sh", ".sql", ".ts"}
GENERATED_SUFFIXES = ("_pb2.py", "_pb2.pyi")
LOCK_FILES = {"package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "uv.lock"}

SENTENCE_END = re.compile(r"[.!?][`)\"']*(?=\s|$)")
CITATION = re.compile(r"\bTOC-(\d+) §(\d+(?:\.\d+)*)")
# Put together from pieces, so that this file does not contain what it looks for.
MACHINE_PATH = re.compile(r"(?<![\w.~$}/-])/" + "(?:home|root|Users|work)" + r"/[\w.-]")
PACKAGE_INDEX = re.compile(
    "|".join(
        re.escape(".".join(labels))
        for labels in (
            ("pypi", "org"),
            ("pythonhosted", "org"),
            ("registry", "npmjs", "org"),
            ("registry", "yarnpkg", "com"),
            ("proxy", "golang", "org"),
            ("sum", "golang", "org"),
            ("crates", "io"),
            ("rubygems", "org"),
            ("deb", "debian", "org"),
            ("archive", "ubuntu", "com"),
        )
    )
)
RESOLVED_URL = re.compile(r"""["']?resolved["']?:?\s+["']?https?:""")


def test_files_are_short() -> None:
    offenders = [
        f"{path}: {lines} lines, at most {FILE_LINES_MAX}"
        for path in project_files()
        if path.suffix in SOURCE_SUFFIXES and not path.name.endswith(GENERATED_SUFFIXES)
        if (lines := len(read(path).splitlines())) > FILE_LINES_MAX
    ]
    assert_none(offenders)


def test_functions_are_short() -> None:
    offenders = [
        f"{path}:{node.lineno}: {node.name} has {lines} lines, at most {FUNCTION_LINES_MAX}"
        for path in python_files()
        if not path.name.endswith(GENERATED_SUFFIXES)
        for node in ast.walk(parse(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]
    assert_none(offenders)


def test_modules_say_what_they_are_and_are_not() -> None:
    offenders = [
        f"{path}: the module's docstring has {have} of {wanted} sentences"
        for path in python_files()
        if not path.name.endswith(GENERATED_SUFFIXES)
        for wanted in (1 if path.is_relative_to("tests") else 2,)
        if (have := count_sentences(ast.get_docstring(parse(path)) or "")) < wanted
    ]
    assert_none(offenders)


def test_cited_sections_exist() -> None:
    offenders = [
        f"{path}:{line}: TOC-{number} has no section {section}"
        for path in project_files()
        for line, text in enumerate(read(path).splitlines(), start=1)
        for number, section in CITATION.findall(text)
        if section not in sections_of(number)
    ]
    assert_none(offenders)


def test_no_path_of_somebodys_machine() -> None:
    assert_none(list(lines_with(MACHINE_PATH, "names a place on one machine")))


def test_no_package_index() -> None:
    assert_none(list(lines_with(PACKAGE_INDEX, "names a package index; its user chooses that")))


def test_lock_files_name_no_server() -> None:
    offenders = [
        f"{path}: has resolved addresses; write it with omit-lockfile-registry-resolved"
        for path in project_files()
        if path.name in LOCK_FILES and RESOLVED_URL.search(read(path))
    ]
    assert_none(offenders)


def test_no_large_file() -> None:
    offenders = [
        f"{path}: {size} bytes, at most {FILE_BYTES_MAX}"
        for path in project_files()
        if (size := (ROOT / path).stat().st_size) > FILE_BYTES_MAX
    ]
    assert_none(offenders)


def assert_none(offenders: list[str]) -> None:
    if offenders:
        pytest.fail("\n".join(offenders), pytrace=False)


def count_sentences(docstring: str) -> int:
    """How many sentences, and none at all when the last one is left open."""
    ends = [match.end() for match in SENTENCE_END.finditer(docstring)]
    return len(ends) if ends and ends[-1] == len(docstring) else 0


@cache
def sections_of(number: str) -> frozenset[str]:
    """The numbered headings of the specification with this number."""
    heading = re.compile(r"^#+ §?(\d+(?:\.\d+)*)\.?\s", re.MULTILINE)
    texts = [read(path) for path in project_files() if path.match(f"specs/{number}-*.md")]
    return frozenset(section for text in texts for section in heading.findall(text))


def lines_with(pattern: re.Pattern[str], why: str) -> Iterator[str]:
    for path in project_files():
        for number, line in enumerate(read(path).splitlines(), start=1):
            if pattern.search(line):
                yield f"{path}:{number}: {why}"
