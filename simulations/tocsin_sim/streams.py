"""Chance in a simulation: one stream of integers per purpose, all of them from the seed of the run.

Nothing here depends on the machine, so that a run can be repeated bit for bit anywhere.
"""

from tocsin_protocol.gossip.draws import Draws
from tocsin_protocol.hashing import H

SEED_MAX = (1 << 64) - 1


def entropy(seed: int, purpose: str, *numbers: int) -> bytes:
    """32 bytes that belong to this purpose alone."""
    words = (seed, *numbers)
    return H("sim/entropy", b"".join(word.to_bytes(8, "big") for word in words), 32, purpose.encode())


def stream(seed: int, purpose: str) -> Draws:
    return Draws(entropy(seed, purpose))
