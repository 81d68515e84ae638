"""CBOR: agrees with an independent decoder on what it writes, refuses every other form."""

import io
from typing import Any

import cbor2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tocsin_protocol import cbor
from tocsin_protocol.errors import LocalProtocolError, Reason, RemoteProtocolError
from tocsin_protocol.limits import CBOR_DEPTH_MAX

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
integers = st.integers(-(1 << 64), (1 << 64) - 1)
keys = integers | st.binary(max_size=20) | text
scalars = st.none() | st.booleans() | integers | st.binary(max_size=300) | text
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=20,
)


def depth_of(value: cbor.Value) -> int:
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    return 0


shallow_values = values.filter(lambda value: depth_of(value) <= CBOR_DEPTH_MAX)


def refusal_of(data: bytes) -> Reason | None:
    try:
        cbor.decode(data)
    except RemoteProtocolError as error:
        return error.reason
    return None


@given(shallow_values)
def test_round_trip(value: cbor.Value) -> None:
    encoded = cbor.encode(value)
    decoded = cbor.decode(encoded)
    assert decoded == value
    assert cbor.encode(decoded) == encoded


@given(shallow_values)
def test_another_decoder_reads_the_same(value: cbor.Value) -> None:
    stream = io.BytesIO(cbor.encode(value))
    assert cbor2.load(stream) == value
    assert stream.read() == b""


@given(scalars)
def test_scalars_are_the_bytes_that_another_encoder_writes(value: cbor.Value) -> None:
    assert cbor.encode(value) == cbor2.dumps(value)


@given(st.binary(max_size=60))
@example(b"")
def test_any_bytes_are_the_one_encoding_of_a_value_or_refused(data: bytes) -> None:
    refusal = refusal_of(data)
    assert refusal in {None, Reason.CBOR}
    if refusal is None:
        value = cbor.decode(data)
        assert cbor.encode(value) == data
        assert repr(cbor2.loads(data)) == repr(value), "repr tells True from 1, as == does not"


@given(value=shallow_values, at=st.integers(0, 400), bit=st.integers(0, 7))
def test_a_flipped_bit_gives_the_one_encoding_of_another_value_or_is_refused(
    value: cbor.Value, at: int, bit: int
) -> None:
    flipped = bytearray(cbor.encode(value))
    flipped[at % len(flipped)] ^= 1 << bit
    data = bytes(flipped)
    refusal = refusal_of(data)
    assert refusal in {None, Reason.CBOR}
    if refusal is None:
        assert cbor.encode(cbor.decode(data)) == data


def test_keys_are_ordered_by_their_encoded_bytes() -> None:
    """Not by length first, which is the older order that some libraries call canonical."""
    assert cbor.encode({-1: 0, 100: 0, 9: 0, "z": 0, b"": 0}).hex() == "a5090018640020004000617a00"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("", "empty"),
        ("18", "length byte missing"),
        ("1817", "23 in two bytes"),
        ("1900ff", "255 in three bytes"),
        ("1a0000ffff", "65535 in five bytes"),
        ("1b00000000ffffffff", "2^32 - 1 in nine bytes"),
        ("3817", "-24 in two bytes"),
        ("580161", "a byte string whose length is too long"),
        ("780161", "text whose length is too long"),
        ("980100", "an array whose length is too long"),
        ("b8010000", "a map whose length is too long"),
        ("5f41614161ff", "bytes of indefinite length"),
        ("7f61616161ff", "text of indefinite length"),
        ("9f00ff", "an array of indefinite length"),
        ("bf0000ff", "a map of indefinite length"),
        ("ff", "a break alone"),
        ("1c", "reserved"),
        ("a200000000", "a key twice"),
        ("a201000000", "keys in descending order"),
        ("a2617a000900", "text before an integer"),
        ("a1f500", "a bool as key"),
        ("a1f600", "null as key"),
        ("a18000", "an array as key"),
        ("a1a000", "a map as key"),
        ("a100", "a map that ends too early"),
        ("810000", "a byte behind"),
        ("0000", "a value behind"),
        ("4261", "bytes that end too early"),
        ("5bffffffffffffffff", "2^64 bytes"),
        ("9bffffffffffffffff", "2^64 items"),
        ("bbffffffffffffffff", "2^64 pairs"),
        ("f7", "undefined"),
        ("f0", "an unassigned simple value"),
        ("f814", "false in two bytes"),
        ("f820", "simple value 32"),
        ("f93c00", "a half float"),
        ("fa3f800000", "a float"),
        ("fb3ff0000000000000", "a double"),
        ("c000", "a tag"),
        ("d9d9f700", "self-described CBOR"),
        ("c24100", "a bignum"),
        ("61ff", "text that is not UTF-8"),
        ("62c080", "an overlong zero"),
        ("63eda080", "half a surrogate pair"),
    ],
)
def test_other_forms_are_refused(data: str, why: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        cbor.decode(bytes.fromhex(data))
    assert caught.value.reason is Reason.CBOR, why


@pytest.mark.parametrize("opener", [b"\x81", b"\xa1\x00"])
def test_nesting_up_to_the_limit(opener: bytes) -> None:
    value = cbor.decode(opener * CBOR_DEPTH_MAX + b"\x00")
    assert depth_of(value) == CBOR_DEPTH_MAX
    assert cbor.encode(value) == opener * CBOR_DEPTH_MAX + b"\x00"


@pytest.mark.parametrize("opener", [b"\x81", b"\xa1\x00", b"\xa1"])
@pytest.mark.parametrize("depth", [CBOR_DEPTH_MAX + 1, 100_000])
def test_nesting_beyond_the_limit_is_refused(opener: bytes, depth: int) -> None:
    with pytest.raises(RemoteProtocolError, match="nested") as caught:
        cbor.decode(opener * depth + b"\x00")
    assert caught.value.reason is Reason.CBOR


def test_what_has_no_encoding_is_our_error() -> None:
    deep: cbor.Value = 0
    for _ in range(CBOR_DEPTH_MAX + 1):
        deep = [deep]
    unwritable: list[Any] = [
        1.5,
        (1,),
        {1.5: 0},
        {True: 0},
        {None: 0},
        {(): 0},
        1 << 64,
        -(1 << 64) - 1,
        "\ud800",
        deep,
    ]
    for value in unwritable:
        with pytest.raises(LocalProtocolError):
            cbor.encode(value)
