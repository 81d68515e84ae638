"""Reading fields of a map: the right type within its limit, or our error."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_protocol import cbor, fields
from tocsin_protocol.errors import Reason, RemoteProtocolError

VALUES: st.SearchStrategy[Any] = st.none() | st.booleans() | st.integers() | st.binary() | st.text()


def test_what_is_right_comes_back() -> None:
    pairs: cbor.Map = {0: 7, 1: b"abcd", 2: "\u00e9", 3: [1, 2], 4: {0: 1}}
    assert fields.map_of(cbor.encode(pairs)) == pairs
    assert fields.require(pairs, 0, int) == fields.require_uint(pairs, 0, 7) == 7
    assert fields.require_bytes(pairs, 1, 4) == b"abcd"
    assert fields.require_text(pairs, 2, 2) == "\u00e9"
    assert fields.as_list(pairs[3], 2) == [1, 2]
    assert fields.optional(pairs, 4, fields.as_map) == {0: 1}
    assert fields.optional(pairs, 5, fields.as_map) is None


def test_a_number_below_zero_or_above_its_limit_is_refused() -> None:
    for value in (-1, 8):
        with pytest.raises(RemoteProtocolError):
            fields.require_uint({0: value}, 0, 7)


def test_bytes_have_their_size_and_text_its_limit_in_bytes() -> None:
    with pytest.raises(RemoteProtocolError):
        fields.require_bytes({0: b"abc"}, 0, 4)
    with pytest.raises(RemoteProtocolError):
        fields.require_text({0: "\u00e9"}, 0, 1)
    with pytest.raises(RemoteProtocolError):
        fields.as_list([1, 2, 3], 2)


@pytest.mark.parametrize("kind", [int, bytes, str])
@given(value=VALUES)
def test_any_value_is_of_the_type_asked_for_or_refused(kind: Any, value: Any) -> None:
    if isinstance(value, kind) and not isinstance(value, bool):
        assert fields.require({0: value}, 0, kind) == value
        return
    with pytest.raises(RemoteProtocolError) as caught:
        fields.require({0: value}, 0, kind)
    assert caught.value.reason is Reason.PAYLOAD


@given(VALUES)
def test_what_is_no_container_is_refused_as_one(value: Any) -> None:
    with pytest.raises(RemoteProtocolError):
        fields.as_map(value)
    with pytest.raises(RemoteProtocolError):
        fields.as_list(value, 9)
