"""The file of a backup (TOC-1 §7): a head that anybody reads, and a content that a key opens.

It holds no state that a restored node must not have, for there is none here.
"""

from dataclasses import dataclass

from kit.primitives import KDF, argon2id, u8, xchacha20_poly1305

PASSES = 3
MEMORY_KIB = 256 * 1024


@dataclass(frozen=True, kw_only=True)
class Head:
    """All before the ciphertext, which the ciphertext's tag covers."""

    label: bytes = b"tcn1/backup"
    version: int = 1
    mode: int = 0
    salt: bytes = bytes(16)
    nonce: bytes

    @property
    def all(self) -> bytes:
        return self.label + u8(self.version) + u8(self.mode) + self.salt + self.nonce


def key_of_seed(seed: bytes) -> bytes:
    return KDF(seed, "tcn1/seed", b"bk", 32)


def key_of_passphrase(passphrase: bytes, salt: bytes) -> bytes:
    return argon2id(passphrase, salt, PASSES, MEMORY_KIB, 32)


def seal(head: Head, key: bytes, content: bytes) -> bytes:
    return head.all + xchacha20_poly1305(key, head.nonce, head.all, content)
