"""A knock's inner work: memory-hard, bound to one handshake with one person, asked for by that person.

It is not the outer stamp, which every relay checks; only who is knocked at can check this, and pays for it.
"""

from dataclasses import dataclass

from nacl.bindings import crypto_pwhash_alg, crypto_pwhash_ALG_ARGON2ID13

from tocsin_protocol.errors import LocalProtocolError
from tocsin_protocol.hashing import H
from tocsin_protocol.limits import (
    INNER_NONCE_SIZE,
    INNER_WORK_BITS_ADDED,
    INNER_WORK_MEMORY_SIZE,
    INNER_WORK_OPS,
    INNER_WORK_POLICY_MIN,
    INNER_WORK_SIZE,
)
from tocsin_protocol.types import IdentityKey

NONCES = 1 << (8 * INNER_NONCE_SIZE)
SALT_SIZE = 16


def inner_bits(policy: int) -> int:
    """The leading zero bits that a knock policy asks for; policies 0 and 1 ask for no inner work."""
    return policy + INNER_WORK_BITS_ADDED if policy >= INNER_WORK_POLICY_MIN else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class InnerWork:
    """What the work is done on: it is worth nothing in another handshake, header or for somebody else."""

    static_hash: bytes
    salt: bytes

    @staticmethod
    def on(static_hash: bytes, responder: IdentityKey, ephemeral: bytes) -> "InnerWork":
        """`static_hash` is the handshake's after the static key, `ephemeral` the initiator's public one."""
        return InnerWork(static_hash=static_hash, salt=H("tcn1/argon", responder + ephemeral, SALT_SIZE))

    def zero_bits(self, nonce: bytes) -> int:
        """How many leading zero bits this nonce gives; one call takes about 5 ms and 8 MiB."""
        if len(nonce) != INNER_NONCE_SIZE:
            raise LocalProtocolError(f"an inner nonce has {INNER_NONCE_SIZE} bytes")
        digest = crypto_pwhash_alg(  # TOC-5 §5.2
            INNER_WORK_SIZE,
            nonce + self.static_hash,
            self.salt,
            INNER_WORK_OPS,
            INNER_WORK_MEMORY_SIZE,
            crypto_pwhash_ALG_ARGON2ID13,
        )
        return 8 * INNER_WORK_SIZE - int.from_bytes(digest, "big").bit_length()


class InnerSearch:
    """Tries nonces in turn from `start`; to cancel it, stop calling `run`."""

    def __init__(self, work: InnerWork, bits: int, start: int = 0) -> None:
        self._work = work
        self._bits = bits
        self._start = start
        self._tries_done = 0

    @property
    def tries_done(self) -> int:
        return self._tries_done

    def run(self, tries: int) -> bytes | None:
        """Try at most so many further nonces; the first that is good enough, or None."""
        for _ in range(tries):
            nonce = ((self._start + self._tries_done) % NONCES).to_bytes(INNER_NONCE_SIZE, "big")
            self._tries_done += 1
            if self._work.zero_bits(nonce) >= self._bits:
                return nonce
        return None
