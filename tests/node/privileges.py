"""A person without root's privileges, because root may read and write whatever a file's mode says."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65_534


@contextmanager
def nobodys_folder() -> Iterator[Path]:
    """A folder of one's own, and no privileges as long as the block runs, whoever runs the tests."""
    with tempfile.TemporaryDirectory() as name:
        is_root = os.geteuid() == 0
        if is_root:
            os.chown(name, NOBODY, -1)
            os.seteuid(NOBODY)
        try:
            yield Path(name)
        finally:
            if is_root:
                os.seteuid(0)
