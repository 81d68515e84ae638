"""Stamps: the price, the exact boundary, and a search that can be cut into slices."""

import itertools
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_protocol.hashing import H
from tocsin_protocol.stamp import StampSearch, highest_paid_mid, is_paid, price

SUBJECT = bytes(range(32))
NEED = 300


def mid_of(nonce: bytes) -> bytes:
    return H("tcn1/mid", SUBJECT + nonce, 32)


def mid_with_work(work: int) -> bytes:
    return work.to_bytes(8, "big") + b"\xff" * 24


@pytest.mark.parametrize(
    ("size", "ttl_index", "expected"),
    [
        (512, 0, 1 << 16),
        (512, 2, 1 << 16),
        (512, 3, 3 << 16),
        (1024, 3, 6 << 16),
        (2048, 4, 28 << 16),
        (5120, 4, 70 << 16),
    ],
)
def test_price_follows_size_and_life(size: int, ttl_index: int, expected: int) -> None:
    assert price(cost=1 << 16, size=size, ttl_index=ttl_index) == expected


def test_product_of_exactly_two_to_the_64_is_not_paid() -> None:
    assert not is_paid(mid_with_work(1 << 48), need=1 << 16)


def test_one_below_the_boundary_is_paid() -> None:
    assert is_paid(mid_with_work((1 << 48) - 1), need=1 << 16)


def test_product_beyond_64_bits_does_not_wrap() -> None:
    assert not is_paid(mid_with_work((1 << 63) + 1), need=1 << 17)


@given(work=st.integers(0, (1 << 64) - 1), need=st.integers(1, 1 << 80))
def test_comparing_bytes_is_the_same_as_multiplying(work: int, need: int) -> None:
    mid = mid_with_work(work)
    assert (mid <= highest_paid_mid(need)) == is_paid(mid, need)


@given(need=st.integers(1, (1 << 64) - 1))
def test_highest_paid_mid_is_the_boundary(need: int) -> None:
    highest = highest_paid_mid(need)
    work = int.from_bytes(highest[:8], "big")
    assert is_paid(highest, need)
    assert work == (1 << 64) - 1 or not is_paid(mid_with_work(work + 1), need)


def test_search_finds_the_first_nonce_that_pays() -> None:
    first = next(n for n in itertools.count() if is_paid(mid_of(n.to_bytes(8, "big")), NEED))
    search = StampSearch(SUBJECT, NEED)
    assert search.run(1_000_000) == first.to_bytes(8, "big")
    assert search.hashes_done == first + 1


@pytest.mark.parametrize("slice_hashes", [1, 7, 255, 256, 257])
def test_search_in_slices_finds_the_same(slice_hashes: int) -> None:
    whole = StampSearch(SUBJECT, NEED)
    expected = whole.run(1_000_000)
    sliced = StampSearch(SUBJECT, NEED)
    found = None
    while found is None:
        before = sliced.hashes_done
        found = sliced.run(slice_hashes)
        assert 0 < sliced.hashes_done - before <= slice_hashes
    assert found == expected
    assert sliced.hashes_done == whole.hashes_done


def test_search_gives_none_when_its_hashes_are_used_up() -> None:
    search = StampSearch(SUBJECT, need=1 << 63)
    assert search.run(1000) is None
    assert search.hashes_done == 1000


def test_search_goes_on_behind_a_nonce_it_found() -> None:
    search = StampSearch(SUBJECT, NEED)
    first, second = search.run(1_000_000), search.run(1_000_000)
    assert first is not None
    assert second is not None
    assert second > first
    assert is_paid(mid_of(second), NEED)


def test_search_wraps_behind_the_last_nonce() -> None:
    search = StampSearch(SUBJECT, NEED, start=(1 << 64) - 1)
    assert search.run(1) is None
    assert search.run(1_000_000) == StampSearch(SUBJECT, NEED).run(1_000_000)


def test_import_pulls_no_cryptographic_library() -> None:
    program = "import sys, tocsin_protocol.stamp; print([m for m in ('nacl', 'cffi') if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
