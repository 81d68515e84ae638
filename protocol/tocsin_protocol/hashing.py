"""`H` and `KDF` of TOC-1: BLAKE2b with a personalised label, from the standard library.

It is not the stamp's inner loop, which primes and copies the same hash (`stamp`).
"""

import hashlib
import hmac

PERSON_SIZE = 16


def person(label: str) -> bytes:
    """The label as BLAKE2b's personalisation: zero-padded to 16 bytes."""
    return label.encode("ascii").ljust(PERSON_SIZE, b"\0")


# TOC-1 §1.2
def H(label: str, data: bytes, size: int, key: bytes = b"") -> bytes:  # noqa: N802 - the specification's name
    return hashlib.blake2b(data, digest_size=size, key=key, person=person(label)).digest()


def KDF(key: bytes, label: str, data: bytes, size: int) -> bytes:  # noqa: N802 - the specification's name
    return H(label, data, size, key)


def hmac_blake2b(key: bytes, data: bytes) -> bytes:
    """HMAC over plain BLAKE2b-512, which Noise needs and nothing else uses."""
    return hmac.digest(key, data, "blake2b")
