"""Inner work: memory-hard, bound to one handshake, searched in slices."""

import pytest
from nacl.bindings import crypto_pwhash_alg, crypto_pwhash_ALG_ARGON2ID13

from tocsin_protocol.errors import LocalProtocolError
from tocsin_protocol.hashing import H
from tocsin_protocol.inner_work import InnerSearch, InnerWork, inner_bits
from tocsin_protocol.types import IdentityKey

WORK = InnerWork.on(b"h" * 64, IdentityKey(b"i" * 32), b"e" * 32)


def test_policies_2_to_7_ask_for_policy_plus_2_bits() -> None:
    assert [inner_bits(policy) for policy in range(8)] == [0, 0, 4, 5, 6, 7, 8, 9]


def test_the_work_is_argon2id_over_nonce_and_handshake() -> None:
    salt = H("tcn1/argon", b"i" * 32 + b"e" * 32, 16)
    digest = crypto_pwhash_alg(
        16, b"12345678" + b"h" * 64, salt, 1, 8 * 1024 * 1024, crypto_pwhash_ALG_ARGON2ID13
    )
    bits = "".join(f"{byte:08b}" for byte in digest)
    assert WORK.zero_bits(b"12345678") == len(bits) - len(bits.lstrip("0"))


def test_a_nonce_has_8_bytes() -> None:
    with pytest.raises(LocalProtocolError):
        WORK.zero_bits(b"1234567")


def test_a_search_is_sliced_and_resumed() -> None:
    whole = InnerSearch(WORK, bits=3)
    found = whole.run(100)
    assert found is not None
    assert WORK.zero_bits(found) >= 3
    sliced = InnerSearch(WORK, bits=3)
    slices = [sliced.run(1) for _ in range(whole.tries_done)]
    assert slices[-1] == found
    assert set(slices[:-1]) <= {None}
    resumed = InnerSearch(WORK, bits=3, start=whole.tries_done - 1)
    assert resumed.run(1) == found
    assert sliced.tries_done == whole.tries_done


def test_a_cancelled_search_costs_nothing_more() -> None:
    search = InnerSearch(WORK, bits=129)
    assert search.run(2) is None
    assert search.run(0) is None
    assert search.tries_done == 2


def test_nonces_start_again_at_zero() -> None:
    search = InnerSearch(WORK, bits=0, start=(1 << 64) - 1)
    assert search.run(1) == b"\xff" * 8
    assert search.run(1) == bytes(8)


def test_work_for_one_handshake_is_worth_nothing_in_another() -> None:
    """Neither the static hash, nor the receiver, nor the ephemeral can be exchanged under it."""
    others = [
        InnerWork.on(b"H" * 64, IdentityKey(b"i" * 32), b"e" * 32),
        InnerWork.on(b"h" * 64, IdentityKey(b"I" * 32), b"e" * 32),
        InnerWork.on(b"h" * 64, IdentityKey(b"i" * 32), b"E" * 32),
    ]
    nonce = InnerSearch(WORK, bits=8).run(5_000)
    assert nonce is not None
    assert min(work.zero_bits(nonce) for work in others) < 8
