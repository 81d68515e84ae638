"""Seeds, words, keys, cards and safety numbers (TOC-1 §2 to §6), and signatures over anything.

It keeps no secret: every seed here was made from the name of a vector.
"""

import hashlib
from dataclasses import dataclass

from mnemonic import Mnemonic

from kit import base32
from kit.network import Network
from kit.primitives import KDF, H, ed25519_public, ed25519_sign, u8, u32, x25519_public

ENGLISH: list[str] = Mnemonic("english").wordlist
"""The list alone is taken from that package; the bits are put together here."""


def words(entropy: bytes, wrong_bits: int = 0) -> str:
    """BIP-39: the bits of the entropy and of its checksum, eleven to a word."""
    checksum_bits = len(entropy) // 4
    checksum = hashlib.sha256(entropy).digest()[0] >> (8 - checksum_bits) ^ wrong_bits
    number = int.from_bytes(entropy, "big") << checksum_bits | checksum
    count = (8 * len(entropy) + checksum_bits) // 11
    return " ".join(ENGLISH[number >> 11 * place & 2047] for place in reversed(range(count)))


@dataclass(frozen=True, kw_only=True)
class Person:
    seed: bytes
    rotation: int = 0

    @property
    def signing_seed(self) -> bytes:
        return KDF(self.seed, "tcn1/seed", b"ik", 32)

    @property
    def ik(self) -> bytes:
        return ed25519_public(self.signing_seed)

    @property
    def contact_secret(self) -> bytes:
        return KDF(self.seed, "tcn1/seed", b"kk" + u32(self.rotation), 32)

    @property
    def kk(self) -> bytes:
        return x25519_public(self.contact_secret)

    def sign(self, statement: bytes) -> bytes:
        return ed25519_sign(self.signing_seed, statement)


def address(
    network: Network, ik: bytes, kk: bytes, *, version: int = 1, flags: int = 5, flip_check: int = 0
) -> str:
    """`flip_check` is a mask over the last byte of the check."""
    prefix = u8(version) + u8(flags) + ik + kk
    check = H("tcn1/addr", network.nid16 + prefix, 16)[:4]
    return "tocsin:id/" + base32.encode(prefix + check[:3] + u8(check[3] ^ flip_check))


def card_statement(kk: bytes, rotation: int, not_before_hour: int) -> bytes:
    return b"tcn1/card" + kk + u32(rotation) + u32(not_before_hour)


def safety_number(a: bytes, b: bytes) -> str:
    return " ".join(sorted([safety_half(a), safety_half(b)]))


def safety_half(ik: bytes) -> str:
    digest = H("tcn1/fpr", ik, 64)
    pieces = (digest[start : start + 5] for start in range(0, 30, 5))
    return " ".join(f"{int.from_bytes(piece, 'big') % 100_000:05d}" for piece in pieces)
