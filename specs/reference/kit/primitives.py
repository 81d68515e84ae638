"""The hash, the cipher, the signature and the slow hash, each from a library that says only that.

Nothing here knows of envelopes or people; the sections named are those of TOC-1.
"""

import hashlib
import struct

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from nacl.bindings import (
    crypto_core_ed25519_add,
    crypto_generichash_blake2b_salt_personal,
    crypto_scalarmult_ed25519_base_noclamp,
)

Words = list[int]
CHACHA_CONSTANT = b"expand 32-byte k"
QUARTERS = (
    (0, 4, 8, 12),
    (1, 5, 9, 13),
    (2, 6, 10, 14),
    (3, 7, 11, 15),
    (0, 5, 10, 15),
    (1, 6, 11, 12),
    (2, 7, 8, 13),
    (3, 4, 9, 14),
)
ED25519_NEUTRAL = b"\x01" + bytes(31)
ED25519_OF_ORDER_8 = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493


def u8(number: int) -> bytes:
    return number.to_bytes(1, "big")


def u16(number: int) -> bytes:
    return number.to_bytes(2, "big")


def u32(number: int) -> bytes:
    return number.to_bytes(4, "big")


def H(label: str, data: bytes, size: int, key: bytes = b"") -> bytes:  # noqa: N802 - the specification's name
    """TOC-1 §1.2."""
    person = label.encode("ascii") + bytes(16 - len(label))
    return crypto_generichash_blake2b_salt_personal(data, digest_size=size, key=key, person=person)


def KDF(key: bytes, label: str, data: bytes, size: int) -> bytes:  # noqa: N802 - the specification's name
    """TOC-1 §1.2."""
    return H(label, data, size, key)


def hchacha20(key: bytes, nonce: bytes) -> bytes:
    """The key that XChaCha20 gives to ChaCha20: one block's rounds, without the closing addition."""
    state = list(struct.unpack("<16I", CHACHA_CONSTANT + key + nonce))
    for _ in range(10):
        for quarter in QUARTERS:
            quarter_round(state, *quarter)
    return struct.pack("<8I", *state[:4], *state[12:])


def quarter_round(state: Words, a: int, b: int, c: int, d: int) -> None:
    for target, other, mixed, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        state[target] = (state[target] + state[other]) % 2**32
        word = state[mixed] ^ state[target]
        state[mixed] = (word << bits | word >> (32 - bits)) % 2**32


def xchacha20_poly1305(key: bytes, nonce: bytes, bound: bytes, plain: bytes) -> bytes:
    """The ciphertext and its tag of 16 bytes; `bound` is what the tag covers and nobody encrypts."""
    return ChaCha20Poly1305(hchacha20(key, nonce[:16])).encrypt(bytes(4) + nonce[16:], plain, bound)


def ed25519_public(secret: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


def ed25519_sign(secret: bytes, message: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(secret).sign(message)


def ed25519_second_signature(signature: bytes) -> bytes:
    """The same signature with another number in its second half, which a careless verifier takes too."""
    number = int.from_bytes(signature[32:], "little") + ED25519_ORDER
    return signature[:32] + number.to_bytes(32, "little")


def ed25519_sign_with(
    secret: bytes, message: bytes, commitment: bytes | None = None, twist: bytes = b""
) -> bytes:
    """A signature whose first half is `commitment`, of nonce 0, or a point plus `twist`."""
    number = int.from_bytes(hashlib.sha512(secret).digest()[:32], "little")
    number = number & (2**254 - 8) | 2**254
    nonce = 0 if commitment else int.from_bytes(hashlib.sha512(message).digest(), "little") % ED25519_ORDER
    point = commitment or crypto_scalarmult_ed25519_base_noclamp(nonce.to_bytes(32, "little"))
    point = crypto_core_ed25519_add(point, twist) if twist else point
    challenge = hashlib.sha512(point + ed25519_public(secret) + message).digest()
    answer = (nonce + int.from_bytes(challenge, "little") * number) % ED25519_ORDER
    return point + answer.to_bytes(32, "little")


def x25519_public(secret: bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


def argon2id(secret: bytes, salt: bytes, passes: int, memory_kib: int, size: int) -> bytes:
    """One lane."""
    return Argon2id(salt=salt, length=size, iterations=passes, lanes=1, memory_cost=memory_kib).derive(secret)


def x25519(secret: bytes, public: bytes) -> bytes:
    """Of a public key that would give zeros, this makes an error."""
    return X25519PrivateKey.from_private_bytes(secret).exchange(X25519PublicKey.from_public_bytes(public))


def chacha20_poly1305(key: bytes, bound: bytes, plain: bytes) -> bytes:
    """With a nonce of zeros, for keys that seal once (TOC-5 §1)."""
    return ChaCha20Poly1305(key).encrypt(bytes(12), plain, bound)
