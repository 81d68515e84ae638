"""What one input may cost: far more than any honest one does, far less than would harm a node."""

import resource

TIMEOUT_S = 5
MEMORY_MB_MAX = 512
"""Python, the fuzzer and its corpus take some 60 of them."""


def limit_memory() -> None:
    """From here on a MemoryError, even for what would be freed before the fuzzer looks, once a second."""
    size = MEMORY_MB_MAX << 20
    resource.setrlimit(resource.RLIMIT_DATA, (size, size))
