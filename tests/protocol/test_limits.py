"""The relations between numbers hold at import: a change that breaks one does not even load."""

import re
from pathlib import Path

import pytest

from tocsin_protocol import limits

SOURCE = Path(limits.__file__).read_text("utf-8")


@pytest.mark.parametrize(
    ("name", "other", "complaint"),
    [
        ("SEALED_OVERHEAD_SIZE", "84", "the largest payload must be 5036 bytes"),
        ("HEADER_SIZE", "30", "an envelope is header, body head, body, stamp head and stamp nonce"),
        ("KNOCK_PAYLOAD_SIZE", "372", "a knock is e, the sealed static key and the sealed payload"),
        ("WRITE_SIZE_MAX", "20_000", "a write must hold several of the largest envelopes"),
        ("TTL_PRICE", "(1, 1)", "every ttl needs a price"),
    ],
)
def test_numbers_that_do_not_fit_together_do_not_load(name: str, other: str, complaint: str) -> None:
    changed, count = re.subn(rf"^{name} = .*$", f"{name} = {other}", SOURCE, count=1, flags=re.MULTILINE)
    assert count == 1
    with pytest.raises(ValueError, match=complaint):
        exec(compile(changed, limits.__file__, "exec"), {})


def test_the_numbers_as_they_are_load() -> None:
    exec(compile(SOURCE, limits.__file__, "exec"), {})
