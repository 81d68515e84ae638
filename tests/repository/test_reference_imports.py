"""What specs/reference may import, by name: libraries of primitives, itself, and nothing of ours.

If it took one line from the implementation, both could be wrong in the same way.
"""

import pytest

from tests.repository.test_protocol_imports import imported_names
from tests.repository.tree import parse, python_files

STANDARD_LIBRARY = {
    *("collections", "dataclasses", "hashlib", "hmac", "json"),
    *("pathlib", "struct", "sys", "typing", "unicodedata"),
}
PRIMITIVES = {"cryptography", "mnemonic", "nacl"}
ITSELF = {"families", "kit"}


def test_the_reference_shares_no_code_with_the_implementation() -> None:
    offenders = [
        f"{path}:{line}: {name} is not on the reference's allow-list"
        for path in python_files("specs")
        for line, name in imported_names(parse(path))
        if name.partition(".")[0] not in STANDARD_LIBRARY | PRIMITIVES | ITSELF
    ]
    if offenders:
        pytest.fail("\n".join(offenders), pytrace=False)


def test_the_implementation_does_not_import_the_reference() -> None:
    offenders = [
        f"{path}:{line}: {name} is the reference"
        for path in python_files("protocol", "node", "simulations")
        for line, name in imported_names(parse(path))
        if name.partition(".")[0] in ITSELF | {"generate", "specs"}
    ]
    if offenders:
        pytest.fail("\n".join(offenders), pytrace=False)
