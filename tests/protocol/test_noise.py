"""The handshake against an independent implementation, and against bytes that are none.

What the payloads say is tested with introductions.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.bindings import crypto_aead_chacha20poly1305_ietf_encrypt, crypto_scalarmult_base
from noise.connection import Keypair, NoiseConnection

from tocsin_protocol import noise
from tocsin_protocol.errors import LocalProtocolError, Reason, RemoteProtocolError

PROLOGUE = b"network, header, responder"
PSK = b"\x01" * 32
INITIATOR = b"\x02" * 32
RESPONDER = b"\x03" * 32
INITIATOR_EPHEMERAL = b"\x04" * 32
RESPONDER_EPHEMERAL = b"\x05" * 32
LOW_ORDER_POINTS = [
    bytes.fromhex(text)
    for text in (
        "00" * 32,
        "01" + "00" * 31,
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
    )
]


def initiate(
    prologue: bytes = PROLOGUE, psk: bytes = PSK, responder_static: bytes | None = None
) -> tuple[noise.InitiatorState, bytes]:
    return noise.initiate(
        prologue=prologue,
        responder_static=crypto_scalarmult_base(RESPONDER) if responder_static is None else responder_static,
        psk=psk,
        static_secret=INITIATOR,
        ephemeral_secret=INITIATOR_EPHEMERAL,
        payload=b"hello",
    )


def respond(message: bytes) -> tuple[noise.ResponderState, bytes]:
    return noise.respond(prologue=PROLOGUE, psk=PSK, static_secret=RESPONDER, message=message)


def stranger(*, initiator: bool) -> NoiseConnection:
    """The other implementation with the same keys; it warns that a fixed ephemeral is for tests only."""
    connection = NoiseConnection.from_name(noise.PROTOCOL_NAME)
    connection.set_psks(psk=PSK)
    connection.set_prologue(PROLOGUE)
    if initiator:
        connection.set_as_initiator()
        connection.set_keypair_from_public_bytes(Keypair.REMOTE_STATIC, crypto_scalarmult_base(RESPONDER))
    else:
        connection.set_as_responder()
    static, ephemeral = (INITIATOR, INITIATOR_EPHEMERAL) if initiator else (RESPONDER, RESPONDER_EPHEMERAL)
    connection.set_keypair_from_private_bytes(Keypair.STATIC, static)
    connection.set_keypair_from_private_bytes(Keypair.EPHEMERAL, ephemeral)
    with pytest.warns(UserWarning, match="ephemeral"):
        connection.start_handshake()
    return connection


def sealed_by(key: bytes) -> bytes:
    """The first transport message under a key that came out of the handshake."""
    return crypto_aead_chacha20poly1305_ietf_encrypt(b"after", b"", bytes(12), key)


def fails(call: Callable[[], object]) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        call()
    assert caught.value.reason is Reason.NOISE


def test_our_initiator_and_a_strange_responder_agree() -> None:
    theirs = stranger(initiator=False)
    pending, message1 = initiate()
    assert theirs.read_message(message1) == b"hello"
    payload, keys = pending.read(bytes(theirs.write_message(b"welcome")), static_secret=INITIATOR)
    assert payload == b"welcome"
    assert theirs.get_handshake_hash() == keys.handshake_hash
    assert theirs.decrypt(sealed_by(keys.k1)) == b"after"
    assert theirs.encrypt(b"after") == sealed_by(keys.k2)


def test_a_strange_initiator_and_our_responder_agree() -> None:
    theirs = stranger(initiator=True)
    state, payload = respond(bytes(theirs.write_message(b"hello")))
    assert payload == b"hello"
    assert state.initiator_static == crypto_scalarmult_base(INITIATOR)
    message2, keys = state.write(b"welcome", ephemeral_secret=RESPONDER_EPHEMERAL)
    assert theirs.read_message(message2) == b"welcome"
    assert theirs.get_handshake_hash() == keys.handshake_hash
    assert theirs.encrypt(b"after") == sealed_by(keys.k1)
    assert theirs.decrypt(sealed_by(keys.k2)) == b"after"


def test_both_implementations_write_the_same_bytes() -> None:
    _, message1 = initiate()
    assert stranger(initiator=True).write_message(b"hello") == message1
    theirs = stranger(initiator=False)
    theirs.read_message(message1)
    state, _ = respond(message1)
    message2, _ = state.write(b"welcome", ephemeral_secret=RESPONDER_EPHEMERAL)
    assert theirs.write_message(b"welcome") == message2


def test_both_sides_know_the_hash_after_the_static_key_before_the_payload() -> None:
    sent = noise.send_static(
        prologue=PROLOGUE,
        responder_static=crypto_scalarmult_base(RESPONDER),
        psk=PSK,
        static_secret=INITIATOR,
        ephemeral_secret=INITIATOR_EPHEMERAL,
    )
    pending, message1 = sent.finish(b"hello")
    assert (pending, message1) == initiate()
    read = noise.read_static(
        prologue=PROLOGUE,
        psk=PSK,
        static_secret=RESPONDER,
        static_public=crypto_scalarmult_base(RESPONDER),
        message=message1,
    )
    assert read.static_hash == sent.static_hash != pending.handshake_hash
    assert read.initiator_static == crypto_scalarmult_base(INITIATOR)
    assert read.finish() == respond(message1)


def test_both_sides_share_the_chaining_key_after_message_1() -> None:
    pending, message1 = initiate()
    state, _ = respond(message1)
    assert pending.chaining_key == state.chaining_key


def test_a_bad_message_2_leaves_the_pending_state_usable() -> None:
    pending, message1 = initiate()
    state, _ = respond(message1)
    message2, keys = state.write(b"welcome", ephemeral_secret=RESPONDER_EPHEMERAL)
    before = replace(pending)
    fails(lambda: pending.read(message2[:-1] + b"\0", static_secret=INITIATOR))
    assert pending == before
    assert pending.read(message2, static_secret=INITIATOR) == (b"welcome", keys)


@pytest.mark.parametrize(("prologue", "psk"), [(b"another", PSK), (PROLOGUE, b"\x09" * 32)])
def test_another_prologue_or_psk_does_not_open(prologue: bytes, psk: bytes) -> None:
    _, message1 = initiate(prologue=prologue, psk=psk)
    fails(lambda: respond(message1))


def test_another_static_key_does_not_open_message_2() -> None:
    pending, message1 = initiate()
    state, _ = respond(message1)
    message2, _ = state.write(b"welcome", ephemeral_secret=RESPONDER_EPHEMERAL)
    fails(lambda: pending.read(message2, static_secret=RESPONDER))


@pytest.mark.parametrize("point", LOW_ORDER_POINTS)
def test_low_order_points_are_refused_wherever_a_remote_chooses_one(point: bytes) -> None:
    pending, message1 = initiate()
    state, _ = respond(message1)
    message2, _ = state.write(b"welcome", ephemeral_secret=RESPONDER_EPHEMERAL)
    fails(lambda: initiate(responder_static=point))
    fails(lambda: respond(point + message1[32:]))
    fails(lambda: pending.read(point + message2[32:], static_secret=INITIATOR))
    for forged in (replace(state, initiator_static=point), replace(state, initiator_ephemeral=point)):
        fails(partial(forged.write, b"", ephemeral_secret=RESPONDER_EPHEMERAL))


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_as_message_1(message: bytes) -> None:
    fails(lambda: respond(message))


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_as_message_2(message: bytes) -> None:
    pending, _ = initiate()
    fails(lambda: pending.read(message, static_secret=INITIATOR))


@given(st.integers(min_value=0, max_value=100), st.integers(min_value=1, max_value=255))
def test_every_byte_of_message_1_is_authenticated(at: int, flip: int) -> None:
    _, message1 = initiate()
    assert len(message1) == 101
    changed = bytearray(message1)
    changed[at] ^= flip
    fails(lambda: respond(bytes(changed)))


def test_keys_of_the_wrong_length_are_our_own_mistake() -> None:
    with pytest.raises(LocalProtocolError):
        initiate(psk=b"short")
    with pytest.raises(LocalProtocolError):
        initiate(responder_static=b"short")
    with pytest.raises(LocalProtocolError):
        noise.respond(prologue=PROLOGUE, psk=PSK, static_secret=b"short", message=bytes(100))


def test_no_secret_is_printed() -> None:
    pending, message1 = initiate()
    state, _ = respond(message1)
    _, keys = state.write(b"", ephemeral_secret=RESPONDER_EPHEMERAL)
    secrets = (pending.ephemeral_secret, pending.chaining_key, keys.k1, keys.k2)
    printed = repr((pending, state, keys))
    assert not [secret for secret in secrets if repr(secret) in printed]
