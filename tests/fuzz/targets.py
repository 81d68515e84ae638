"""Every fuzz target by its name; tests/protocol/test_fuzz_targets.py says what the table must cover."""

from typing import Final

from tests.fuzz import codecs, envelopes, handshakes, stored, strangers, streams
from tests.fuzz.target import AnyTarget

TARGETS: Final[dict[str, AnyTarget]] = {
    **codecs.TARGETS,
    **envelopes.TARGETS,
    **streams.TARGETS,
    **handshakes.TARGETS,
    **strangers.TARGETS,
    **stored.TARGETS,
}
