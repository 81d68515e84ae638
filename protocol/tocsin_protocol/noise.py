"""The handshake `Noise_IKpsk0_25519_ChaChaPoly_BLAKE2b`, both sides, as values that never change.

It is not an introduction: whose the static keys are and what the payloads say is `introduce`'s matter.
"""

import hashlib
from dataclasses import dataclass, field

from nacl.bindings import (
    crypto_aead_chacha20poly1305_ietf_decrypt,
    crypto_aead_chacha20poly1305_ietf_encrypt,
    crypto_scalarmult,
    crypto_scalarmult_base,
)
from nacl.exceptions import CryptoError

from tocsin_protocol.errors import LocalProtocolError, Reason, RemoteProtocolError
from tocsin_protocol.hashing import hmac_blake2b

PROTOCOL_NAME = b"Noise_IKpsk0_25519_ChaChaPoly_BLAKE2b"
HASH_SIZE = 64
KEY_SIZE = 32
AEAD_TAG_SIZE = 16
FIRST_MESSAGE_OVERHEAD_SIZE = KEY_SIZE + (KEY_SIZE + AEAD_TAG_SIZE) + AEAD_TAG_SIZE
SECOND_MESSAGE_OVERHEAD_SIZE = KEY_SIZE + AEAD_TAG_SIZE
AEAD_NONCE = bytes(12)
"""Every key of this pattern seals exactly one part, so the counter never leaves 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitKeys:
    """What both sides hold after message 2: a key per direction and the hash of all that was said."""

    k1: bytes = field(repr=False)
    k2: bytes = field(repr=False)
    handshake_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class InitiatorState:
    """All that reading message 2 needs; reading changes nothing here, so a forged one does no harm."""

    chaining_key: bytes = field(repr=False)
    handshake_hash: bytes
    ephemeral_secret: bytes = field(repr=False)

    def read(self, message: bytes, *, static_secret: bytes) -> tuple[bytes, SplitKeys]:
        """Message 2's payload and the keys of the session: `<- e, ee, se`."""
        if len(message) < SECOND_MESSAGE_OVERHEAD_SIZE:
            raise RemoteProtocolError(Reason.NOISE, f"message 2 has only {len(message)} bytes")
        ephemeral = message[:KEY_SIZE]
        state = _mix_ephemeral(self.chaining_key, self.handshake_hash, ephemeral)
        state = state.mix_key(_dh(self.ephemeral_secret, ephemeral))
        state = state.mix_key(_dh(static_secret, ephemeral))
        state, payload = state.open(message[KEY_SIZE:])
        return payload, state.split()


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponderState:
    """What message 1 left behind; `initiator_static` is authenticated by the handshake itself."""

    chaining_key: bytes = field(repr=False)
    handshake_hash: bytes
    initiator_ephemeral: bytes
    initiator_static: bytes

    def write(self, payload: bytes, *, ephemeral_secret: bytes) -> tuple[bytes, SplitKeys]:
        """Message 2 and the keys of the session: `<- e, ee, se`."""
        ephemeral = _public(ephemeral_secret)
        state = _mix_ephemeral(self.chaining_key, self.handshake_hash, ephemeral)
        state = state.mix_key(_dh(ephemeral_secret, self.initiator_ephemeral))
        state = state.mix_key(_dh(ephemeral_secret, self.initiator_static))
        state, sealed = state.seal(payload)
        return ephemeral + sealed, state.split()


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticSent:
    """Message 1 as far as `-> psk, e, es, s`; to be finished once, as one ephemeral makes one message."""

    state: "_Symmetric" = field(repr=False)
    ephemeral: bytes
    sealed_static: bytes
    responder_static: bytes
    static_secret: bytes = field(repr=False)
    ephemeral_secret: bytes = field(repr=False)

    @property
    def static_hash(self) -> bytes:
        """The hash of all that was said up to the static key: a payload may prove work on it."""
        return self.state.hash

    def finish(self, payload: bytes) -> tuple[InitiatorState, bytes]:
        """The rest, `ss` and the payload; the whole message."""
        state = self.state.mix_key(_dh(self.static_secret, self.responder_static))
        state, sealed_payload = state.seal(payload)
        pending = InitiatorState(
            chaining_key=state.chaining_key, handshake_hash=state.hash, ephemeral_secret=self.ephemeral_secret
        )
        return pending, self.ephemeral + self.sealed_static + sealed_payload


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticRead:
    """Message 1 opened as far as the static key: it was meant for us, whoever it is from."""

    state: "_Symmetric" = field(repr=False)
    initiator_ephemeral: bytes
    initiator_static: bytes
    static_secret: bytes = field(repr=False)
    sealed_payload: bytes

    @property
    def static_hash(self) -> bytes:
        return self.state.hash

    def finish(self) -> tuple[ResponderState, bytes]:
        """The state to answer from, and the payload."""
        state = self.state.mix_key(_dh(self.static_secret, self.initiator_static))
        state, payload = state.open(self.sealed_payload)
        pending = ResponderState(
            chaining_key=state.chaining_key,
            handshake_hash=state.hash,
            initiator_ephemeral=self.initiator_ephemeral,
            initiator_static=self.initiator_static,
        )
        return pending, payload


def send_static(
    *, prologue: bytes, responder_static: bytes, psk: bytes, static_secret: bytes, ephemeral_secret: bytes
) -> StaticSent:
    """The first half of message 1; `ephemeral_secret` must never make a second message."""
    ephemeral = _public(ephemeral_secret)
    state = _start(prologue, responder_static, psk, ephemeral)
    state = state.mix_key(_dh(ephemeral_secret, responder_static))
    state, sealed_static = state.seal(_public(static_secret))
    return StaticSent(
        state=state,
        ephemeral=ephemeral,
        sealed_static=sealed_static,
        responder_static=responder_static,
        static_secret=static_secret,
        ephemeral_secret=ephemeral_secret,
    )


def read_static(
    *, prologue: bytes, psk: bytes, static_secret: bytes, static_public: bytes, message: bytes
) -> StaticRead:
    """The first half of message 1, at the price of one DH; the second half costs another."""
    if len(message) < FIRST_MESSAGE_OVERHEAD_SIZE:
        raise RemoteProtocolError(Reason.NOISE, f"message 1 has only {len(message)} bytes")
    static_end = KEY_SIZE + KEY_SIZE + AEAD_TAG_SIZE
    ephemeral = message[:KEY_SIZE]
    state = _start(prologue, static_public, psk, ephemeral)
    state = state.mix_key(_dh(static_secret, ephemeral))
    state, initiator_static = state.open(message[KEY_SIZE:static_end])
    return StaticRead(
        state=state,
        initiator_ephemeral=ephemeral,
        initiator_static=initiator_static,
        static_secret=static_secret,
        sealed_payload=message[static_end:],
    )


def initiate(
    *,
    prologue: bytes,
    responder_static: bytes,
    psk: bytes,
    static_secret: bytes,
    ephemeral_secret: bytes,
    payload: bytes,
) -> tuple[InitiatorState, bytes]:
    """Message 1: `-> psk, e, es, s, ss`; `ephemeral_secret` must never make a second message."""
    return send_static(
        prologue=prologue,
        responder_static=responder_static,
        psk=psk,
        static_secret=static_secret,
        ephemeral_secret=ephemeral_secret,
    ).finish(payload)


def respond(
    *, prologue: bytes, psk: bytes, static_secret: bytes, message: bytes
) -> tuple[ResponderState, bytes]:
    """Reads message 1: the state to answer from, and its payload."""
    return read_static(
        prologue=prologue,
        psk=psk,
        static_secret=static_secret,
        static_public=_public(static_secret),
        message=message,
    ).finish()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Symmetric:
    """Noise's SymmetricState with its CipherState, once the first key exists."""

    chaining_key: bytes
    hash: bytes
    key: bytes

    def mix_key(self, material: bytes) -> "_Symmetric":
        chaining_key, key = _hkdf(self.chaining_key, material, 2)
        return _Symmetric(chaining_key=chaining_key, hash=self.hash, key=key[:KEY_SIZE])

    def seal(self, plain: bytes) -> tuple["_Symmetric", bytes]:
        sealed = crypto_aead_chacha20poly1305_ietf_encrypt(plain, self.hash, AEAD_NONCE, self.key)
        return self._said(sealed), sealed

    def open(self, sealed: bytes) -> tuple["_Symmetric", bytes]:
        try:
            plain = crypto_aead_chacha20poly1305_ietf_decrypt(sealed, self.hash, AEAD_NONCE, self.key)
        except CryptoError:
            raise RemoteProtocolError(Reason.NOISE, "a part of the handshake does not open") from None
        return self._said(sealed), plain

    def split(self) -> SplitKeys:
        k1, k2 = _hkdf(self.chaining_key, b"", 2)
        return SplitKeys(k1=k1[:KEY_SIZE], k2=k2[:KEY_SIZE], handshake_hash=self.hash)

    def _said(self, data: bytes) -> "_Symmetric":
        return _Symmetric(chaining_key=self.chaining_key, hash=_hash(self.hash + data), key=self.key)


def _start(prologue: bytes, responder_static: bytes, psk: bytes, ephemeral: bytes) -> _Symmetric:
    """From the name to the initiator's ephemeral key, which a psk pattern mixes as a key too."""
    name = PROTOCOL_NAME.ljust(HASH_SIZE, b"\0")
    said = _hash(_hash(name + prologue) + responder_static)  # TOC-5 §1
    chaining_key, mixed, _ = _hkdf(name, _whole(psk), 3)
    return _mix_ephemeral(chaining_key, _hash(said + mixed), ephemeral)


def _mix_ephemeral(chaining_key: bytes, handshake_hash: bytes, ephemeral: bytes) -> _Symmetric:
    chaining_key, key = _hkdf(chaining_key, ephemeral, 2)
    return _Symmetric(chaining_key=chaining_key, hash=_hash(handshake_hash + ephemeral), key=key[:KEY_SIZE])


def _hash(data: bytes) -> bytes:
    return hashlib.blake2b(data).digest()


def _hkdf(chaining_key: bytes, material: bytes, count: int) -> tuple[bytes, ...]:
    root = hmac_blake2b(chaining_key, material)
    outputs: tuple[bytes, ...] = ()
    previous = b""
    for number in range(1, count + 1):
        previous = hmac_blake2b(root, previous + bytes((number,)))
        outputs += (previous,)
    return outputs


def _public(secret: bytes) -> bytes:
    return crypto_scalarmult_base(_whole(secret))


def _dh(secret: bytes, public: bytes) -> bytes:
    """X25519; libsodium refuses an all-zero output, which a low-order point would give."""
    try:
        return crypto_scalarmult(_whole(secret), _whole(public))
    except CryptoError:
        raise RemoteProtocolError(Reason.NOISE, "a public key has low order") from None


def _whole(key: bytes) -> bytes:
    """PyNaCl does not look at these lengths: a short key would be read past its end."""
    if len(key) != KEY_SIZE:
        raise LocalProtocolError(f"a key has {KEY_SIZE} bytes, not {len(key)}")
    return key
