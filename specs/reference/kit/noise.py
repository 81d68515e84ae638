"""The handshake of TOC-5 §1, word by word as Noise's own document has it, written from either side.

It reads nothing: whoever writes a message knows what its reader will know.
"""

import hmac
from dataclasses import dataclass, field
from hashlib import blake2b

from kit.primitives import chacha20_poly1305, x25519, x25519_public

NAME = b"Noise_IKpsk0_25519_ChaChaPoly_BLAKE2b"
LOW_ORDER = (bytes(32), b"\x01" + bytes(31))
"""Two of the public keys with which every secret makes zeros."""


def hash_of(data: bytes) -> bytes:
    return blake2b(data).digest()


def hkdf(chaining_key: bytes, material: bytes, count: int) -> list[bytes]:
    temporary = hmac.new(chaining_key, material, blake2b).digest()
    outputs: list[bytes] = []
    for number in range(1, count + 1):
        before = outputs[-1] if outputs else b""
        outputs.append(hmac.new(temporary, before + bytes([number]), blake2b).digest())
    return outputs


@dataclass
class Symmetric:
    """ck, h and k; `steps` are the values that a worked example shows."""

    ck: bytes = NAME + bytes(64 - len(NAME))
    h: bytes = NAME + bytes(64 - len(NAME))
    k: bytes = b""
    steps: dict[str, bytes] = field(default_factory=dict)

    def mix_hash(self, data: bytes) -> None:
        self.h = hash_of(self.h + data)

    def mix_key(self, material: bytes) -> None:
        self.ck, k = hkdf(self.ck, material, 2)
        self.k = k[:32]

    def mix_key_and_hash(self, material: bytes) -> None:
        self.ck, mixed, k = hkdf(self.ck, material, 3)
        self.mix_hash(mixed)
        self.k = k[:32]

    def mix_dh(self, name: str, shared: bytes) -> None:
        self.steps[name] = shared
        self.mix_key(shared)

    def ephemeral(self, public: bytes) -> bytes:
        """In a pattern with a psk an ephemeral key is mixed as a key as well."""
        self.mix_hash(public)
        self.mix_key(public)
        return public

    def encrypt_and_hash(self, plain: bytes) -> bytes:
        sealed = chacha20_poly1305(self.k, self.h, plain)
        self.mix_hash(sealed)
        return sealed

    def split(self) -> tuple[bytes, bytes]:
        k1, k2 = hkdf(self.ck, b"", 2)
        return k1[:32], k2[:32]


@dataclass(frozen=True, kw_only=True)
class First:
    """Message 1, and what both sides have once it is read."""

    message: bytes
    ephemeral: bytes
    static_hash: bytes
    ck: bytes
    h: bytes
    steps: dict[str, bytes]


@dataclass(frozen=True, kw_only=True)
class Second:
    """Message 2, and what both sides have at the end."""

    message: bytes
    ephemeral: bytes
    k1: bytes
    k2: bytes
    h: bytes
    steps: dict[str, bytes]


@dataclass(frozen=True, kw_only=True)
class Half:
    """Message 1 as far as its static key: inner work is done on `symmetric.h` of this moment."""

    symmetric: Symmetric
    said: bytes
    ephemeral: bytes
    ss: bytes

    def finish(self, payload: bytes) -> First:
        static_hash = self.symmetric.h
        self.symmetric.mix_dh("ss", self.ss)
        sealed = self.symmetric.encrypt_and_hash(payload)
        return First(
            message=self.said + sealed,
            ephemeral=self.ephemeral,
            static_hash=static_hash,
            ck=self.symmetric.ck,
            h=self.symmetric.h,
            steps=self.symmetric.steps,
        )


def write_half(
    *,
    prologue: bytes,
    responder: bytes,
    psk: bytes,
    static: bytes,
    ephemeral: bytes,
    public_static: bytes | None = None,
) -> Half:
    """`static` and `ephemeral` are secrets; `public_static` is a key of low order to send in its place."""
    symmetric = Symmetric()
    symmetric.mix_hash(prologue)
    symmetric.mix_hash(responder)
    symmetric.mix_key_and_hash(psk)
    said = symmetric.ephemeral(x25519_public(ephemeral))
    symmetric.mix_dh("es", x25519(ephemeral, responder))
    said += symmetric.encrypt_and_hash(x25519_public(static) if public_static is None else public_static)
    ss = x25519(static, responder) if public_static is None else bytes(32)
    return Half(symmetric=symmetric, said=said, ephemeral=x25519_public(ephemeral), ss=ss)


def write_first(
    *,
    prologue: bytes,
    responder: bytes,
    psk: bytes,
    static: bytes,
    ephemeral: bytes,
    payload: bytes,
    public_static: bytes | None = None,
) -> First:
    half = write_half(
        prologue=prologue,
        responder=responder,
        psk=psk,
        static=static,
        ephemeral=ephemeral,
        public_static=public_static,
    )
    return half.finish(payload)


def write_second(
    first: First, *, initiator: bytes, ephemeral: bytes, payload: bytes, low_order: bytes | None = None
) -> Second:
    """`initiator` is a public static key; `low_order` is sent in place of the ephemeral key."""
    symmetric = Symmetric(ck=first.ck, h=first.h)
    said = symmetric.ephemeral(x25519_public(ephemeral) if low_order is None else low_order)
    symmetric.mix_dh("ee", x25519(ephemeral, first.ephemeral) if low_order is None else bytes(32))
    symmetric.mix_dh("se", x25519(ephemeral, initiator) if low_order is None else bytes(32))
    sealed = symmetric.encrypt_and_hash(payload)
    k1, k2 = symmetric.split()
    return Second(message=said + sealed, ephemeral=said, k1=k1, k2=k2, h=symmetric.h, steps=symmetric.steps)
