"""The hashes of the specification, checked against libsodium and against HMAC's definition."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st
from nacl.bindings import crypto_generichash_blake2b_salt_personal

from tocsin_protocol.hashing import KDF, H, hmac_blake2b, person

BLOCK_SIZE = 128


@given(
    label=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=16),
    data=st.binary(max_size=300),
    size=st.integers(1, 64),
    key=st.binary(max_size=64),
)
def test_personalised_hash_is_the_same_as_libsodiums(label: str, data: bytes, size: int, key: bytes) -> None:
    theirs = crypto_generichash_blake2b_salt_personal(
        data, digest_size=size, key=key, person=label.encode("ascii").ljust(16, b"\0")
    )
    assert H(label, data, size, key) == theirs


@given(key=st.binary(min_size=1, max_size=64), data=st.binary(max_size=64))
def test_kdf_is_the_keyed_hash(key: bytes, data: bytes) -> None:
    assert KDF(key, "tcn1/test", data, 32) == H("tcn1/test", data, 32, key)


def test_a_full_label_fills_the_personalisation() -> None:
    assert person("0123456789abcdef") == b"0123456789abcdef"
    assert person("tcn1/net") == b"tcn1/net" + bytes(8)


def test_label_separates_equal_data() -> None:
    assert H("tcn1/a", b"x", 32) != H("tcn1/b", b"x", 32)


@given(key=st.binary(max_size=300), data=st.binary(max_size=300))
def test_hmac_is_rfc_2104_over_plain_blake2b(key: bytes, data: bytes) -> None:
    short = hashlib.blake2b(key).digest() if len(key) > BLOCK_SIZE else key
    block = short.ljust(BLOCK_SIZE, b"\0")
    inner = hashlib.blake2b(bytes(b ^ 0x36 for b in block) + data).digest()
    outer = hashlib.blake2b(bytes(b ^ 0x5C for b in block) + inner).digest()
    assert hmac_blake2b(key, data) == outer
