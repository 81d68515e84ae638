"""Choices from a seed: an endless stream of integers, the same wherever the seed is the same.

It is not a source of keys; it decides which neighbour, and in a simulation everything that is left to chance.
"""

import struct
from collections.abc import Sequence
from typing import Final, TypeVar

from tocsin_protocol.errors import LocalProtocolError
from tocsin_protocol.hashing import KDF, H

T = TypeVar("T")

ENTROPY_SIZE_MIN: Final = 16
WORD_MAX: Final = 1 << 64
WORDS: Final = struct.Struct("<8Q")


class Draws:
    """BLAKE2b of a counter under the seed: who has seen some choices cannot tell the next one."""

    def __init__(self, entropy: bytes) -> None:
        if len(entropy) < ENTROPY_SIZE_MIN:
            raise LocalProtocolError(f"a seed has at least {ENTROPY_SIZE_MIN} bytes")
        self._key = H("draws/seed", entropy, 32)
        self._blocks = 0
        self._words: list[int] = []

    def below(self, bound: int) -> int:
        """One of 0 to bound - 1, each as likely as the others."""
        if not 1 <= bound <= WORD_MAX:
            raise LocalProtocolError(f"cannot choose one of {bound}")
        fair = WORD_MAX - WORD_MAX % bound
        while (word := self._next_word()) >= fair:
            pass
        return word % bound

    def pick(self, items: Sequence[T], count: int) -> list[T]:
        """`count` different ones of the items, or all of them when there are no more."""
        left = list(items)
        if len(left) <= count:
            return left
        for index in range(count):
            other = index + self.below(len(left) - index)
            left[index], left[other] = left[other], left[index]
        return left[:count]

    def _next_word(self) -> int:
        if not self._words:
            block = KDF(self._key, "draws/block", self._blocks.to_bytes(8, "big"), WORDS.size)
            self._words = list(WORDS.unpack(block))
            self._blocks += 1
        return self._words.pop()
