"""The stamp of an envelope: what it costs, whether it was paid, and the search for one.

It is not the envelope's codec, and it imports nothing but the standard library's hash, so that a
helper process that only searches starts at once.
"""

import hashlib

from tocsin_protocol.limits import ENVELOPE_SIZES, STAMP_LIMIT, STAMP_NONCE_SIZE, TTL_PRICE

MID_SIZE = 32
MID_PERSON = b"tcn1/mid".ljust(16, b"\0")
WORK_SIZE = 8

NONCES = 1 << (8 * STAMP_NONCE_SIZE)
LAST_BYTES = tuple(bytes((value,)) for value in range(256))
"""The nonces of a search differ in their last byte 255 times of 256: made once, not per hash."""


def price(*, cost: int, size: int, ttl_index: int) -> int:
    """`need`: the hashes that a stamp takes on average, at level 0."""
    return cost * (size // ENVELOPE_SIZES[0]) * TTL_PRICE[ttl_index]  # TOC-3 §5.1


def is_paid(mid: bytes, need: int) -> bool:
    """Whether the message id proves `need` hashes; Python's integers make the product exact."""
    return int.from_bytes(mid[:WORK_SIZE], "big") * need < STAMP_LIMIT  # TOC-3 §5.2


def highest_paid_mid(need: int) -> bytes:
    """The greatest message id for which `is_paid` holds, so that a loop may compare bytes."""
    work = (STAMP_LIMIT - 1) // need
    return work.to_bytes(WORK_SIZE, "big").ljust(MID_SIZE, b"\xff")


class StampSearch:
    """Tries nonces in turn from `start`; to cancel it, stop calling `run`."""

    def __init__(self, subject: bytes, need: int, start: int = 0) -> None:
        self._primed = hashlib.blake2b(subject, digest_size=MID_SIZE, person=MID_PERSON)
        self._highest = highest_paid_mid(need)
        self._start = start
        self._hashes_done = 0

    @property
    def hashes_done(self) -> int:
        return self._hashes_done

    def run(self, hashes: int) -> bytes | None:
        """Try at most `hashes` further nonces; the 8 bytes of one that pays, or None."""
        end = self._hashes_done + hashes
        while self._hashes_done < end:
            nonce = (self._start + self._hashes_done) % NONCES
            first = nonce & 0xFF
            last_bytes = LAST_BYTES[first : first + end - self._hashes_done]
            found = self._try(nonce.to_bytes(STAMP_NONCE_SIZE, "big")[:-1], last_bytes)
            if found is not None:
                self._hashes_done += found[-1] - first + 1
                return found
            self._hashes_done += len(last_bytes)
        return None

    def _try(self, prefix: bytes, last_bytes: tuple[bytes, ...]) -> bytes | None:
        primed = self._primed.copy()
        primed.update(prefix)
        copy = primed.copy
        highest = self._highest
        for last_byte in last_bytes:
            attempt = copy()
            attempt.update(last_byte)
            if attempt.digest() <= highest:
                return prefix + last_byte
        return None
