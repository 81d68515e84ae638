"""The keys of a pair: that each is derived as written down, and that what was deleted stays underivable."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_protocol.errors import LocalProtocolError
from tocsin_protocol.limits import (
    CATCH_UP_EPOCHS,
    CHAIN_INDEX_MAX,
    LOOKAHEAD_EPOCHS_MAX,
)
from tocsin_protocol.types import Epoch, IdentityKey
from tocsin_protocol.wheel import (
    Chain,
    Direction,
    Q,
    Roots,
    Wheel,
    direction_of,
    first_chain,
    first_wheel,
    roots_of_introduction,
    roots_of_renewal,
    tags_ahead,
    turn,
)

EPOCH = Epoch(20_000)
WHEEL = Wheel(epoch=EPOCH, key=b"\x07" * 32)
LOW, HIGH = IdentityKey(b"\x01" * 32), IdentityKey(b"\x02" * 32)


def spelled_out(key: bytes, label: bytes, data: bytes, size: int) -> bytes:
    """KDF, written a second time."""
    return hashlib.blake2b(data, digest_size=size, key=key, person=label.ljust(16, b"\0")).digest()


def u32(number: int) -> bytes:
    return number.to_bytes(4, "big")


def keys_from(chain: Chain, count: int) -> set[bytes]:
    keys: set[bytes] = set()
    for _ in range(count):
        chain, link = chain.step()
        keys.add(link.key)
    return keys


def test_the_roots_of_generation_0() -> None:
    k1, k2, handshake_hash = b"\x01" * 32, b"\x02" * 32, b"\x03" * 64
    both = spelled_out(k1, b"tcn1/gen", u32(0) + k2 + handshake_hash, 64)
    roots = roots_of_introduction(k1, k2, handshake_hash)
    assert roots == Roots(generation=0, key=both[:32], wheel_key=both[32:])


def test_the_roots_of_a_renewal_follow_from_the_last_root_and_from_what_only_two_ephemerals_give() -> None:
    key, shared, transcript = b"\x01" * 32, b"\x02" * 32, b"\x03" * 32
    both = spelled_out(key, b"tcn1/gen", u32(7) + shared + bytes(32) + transcript, 64)
    roots = roots_of_renewal(key=key, generation=7, shared=shared, transcript=transcript)
    assert roots == Roots(generation=7, key=both[:32], wheel_key=both[32:])


def test_a_wheel_a_chain_and_a_link() -> None:
    roots = Roots(generation=0, key=b"\x01" * 32, wheel_key=b"\x02" * 32)
    wheel = first_wheel(roots, Direction.HIGH_TO_LOW, EPOCH)
    assert wheel.key == spelled_out(roots.wheel_key, b"tcn1/dir", b"\x01" + u32(EPOCH), 32)
    following = wheel.at(Epoch(EPOCH + 1))
    assert following.key == spelled_out(wheel.key, b"tcn1/wheel", u32(EPOCH + 1), 32)
    chain = first_chain(wheel, Q.CONTROL, device=3)
    assert chain.key == spelled_out(wheel.key, b"tcn1/chain", u32(EPOCH) + b"\x83", 32)
    after, link = chain.step()
    both = spelled_out(chain.key, b"tcn1/step", b"", 64)
    assert (after.index, after.key) == (1, both[:32])
    assert (link.index, link.key) == (0, both[32:])
    assert link.tag == spelled_out(link.key, b"tcn1/tag", b"", 16)
    assert link.nid == spelled_out(link.key, b"tcn1/nid", b"", 16)


def test_both_people_name_the_same_direction() -> None:
    assert direction_of(LOW, HIGH) is Direction.LOW_TO_HIGH
    assert direction_of(HIGH, LOW) is Direction.HIGH_TO_LOW
    with pytest.raises(LocalProtocolError):
        direction_of(LOW, LOW)


def test_directions_epochs_streams_and_devices_share_no_key() -> None:
    roots = Roots(generation=0, key=b"\x01" * 32, wheel_key=b"\x02" * 32)
    wheels = [first_wheel(roots, direction, EPOCH) for direction in Direction]
    wheels += [wheel.at(Epoch(EPOCH + 1)) for wheel in wheels]
    chains = [first_chain(wheel, q, device) for wheel in wheels for q in Q for device in (0, 127)]
    assert len({chain.key for chain in chains}) == 16


@pytest.mark.parametrize("device", [-1, 128])
def test_a_device_beyond_its_seven_bits_is_refused(device: int) -> None:
    with pytest.raises(LocalProtocolError):
        first_chain(WHEEL, Q.RING, device)


@given(st.integers(0, 30), st.integers(0, 30))
def test_looking_ahead_in_two_steps_is_looking_ahead_in_one(first: int, second: int) -> None:
    there = Epoch(EPOCH + first + second)
    assert WHEEL.at(Epoch(EPOCH + first)).at(there) == WHEEL.at(there)


def test_a_wheel_looks_400_epochs_past_the_committed_one_and_never_back() -> None:
    committed = EPOCH - 1
    assert WHEEL.at(Epoch(committed + LOOKAHEAD_EPOCHS_MAX)).epoch == committed + 400
    for epoch in (committed, committed + LOOKAHEAD_EPOCHS_MAX + 1):
        with pytest.raises(LocalProtocolError):
            WHEEL.at(Epoch(epoch))


def test_a_chain_ends_after_65536_messages() -> None:
    last = Chain(epoch=EPOCH, q=Q.RING, index=CHAIN_INDEX_MAX, key=b"\x01" * 32)
    assert len(tags_ahead(last, 16)) == 1
    ended, link = last.step()
    assert link.index == 65_535
    assert tags_ahead(ended, 16) == []
    with pytest.raises(LocalProtocolError):
        ended.step()


def test_tags_ahead_are_the_tags_of_the_links_to_come() -> None:
    chain = first_chain(WHEEL, Q.RING)
    expected = []
    after = chain
    for _ in range(5):
        after, link = after.step()
        expected.append(link.tag)
    assert tags_ahead(chain, 5) == expected


def test_a_turn_gives_the_first_chains_of_its_epoch_and_the_wheel_after() -> None:
    turned = turn(WHEEL, EPOCH)
    assert turned.chains == (first_chain(WHEEL, Q.RING), first_chain(WHEEL, Q.CONTROL))
    assert turned.wheel == WHEEL.at(Epoch(EPOCH + 1))


def test_a_turn_over_several_epochs_keeps_the_chains_that_a_store_may_still_need() -> None:
    turned = turn(WHEEL, Epoch(EPOCH + 2))
    assert [chain.epoch - EPOCH for chain in turned.chains] == [0, 0, 1, 1, 2, 2]
    assert turned.wheel.epoch == EPOCH + 3
    long_after = turn(WHEEL, Epoch(EPOCH + 100))
    epochs = sorted({chain.epoch - EPOCH for chain in long_after.chains})
    assert epochs == list(range(93, 101))
    assert len(epochs) == CATCH_UP_EPOCHS == 8
    assert long_after.chains[-1] == first_chain(WHEEL.at(Epoch(EPOCH + 100)), Q.CONTROL)


def test_a_turn_neither_goes_back_nor_further_than_can_be_looked_ahead() -> None:
    assert turn(WHEEL, Epoch(EPOCH + LOOKAHEAD_EPOCHS_MAX - 1)).wheel.epoch == EPOCH + LOOKAHEAD_EPOCHS_MAX
    for epoch in (EPOCH - 1, EPOCH + LOOKAHEAD_EPOCHS_MAX):
        with pytest.raises(LocalProtocolError):
            turn(WHEEL, Epoch(epoch))


def test_after_a_turn_a_used_key_cannot_be_derived_from_what_is_kept() -> None:
    looked_ahead, used = first_chain(WHEEL, Q.RING).step()
    turned = turn(WHEEL, EPOCH)
    fresh = [chain for chain in turned.chains if chain.q is not Q.RING]
    kept = [looked_ahead, *fresh]
    kept += [first_chain(turned.wheel.at(Epoch(EPOCH + 1 + days)), q) for days in range(20) for q in Q]
    derivable = set[bytes]().union(*(keys_from(chain, 50) for chain in kept))
    assert used.key not in derivable
    assert used.key in keys_from(turned.chains[0], 1), "so a chain with stored state must not be stored again"


def test_no_key_is_printed() -> None:
    chain, link = first_chain(WHEEL, Q.RING).step()
    printed = repr((WHEEL, chain, link, roots_of_introduction(b"\x01" * 32, b"", b"")))
    assert repr(WHEEL.key) not in printed
    assert repr(chain.key) not in printed
    assert repr(link.key) not in printed
    assert "wheel_key" not in printed
