"""Base32: one text per byte string, and nothing that only looks like it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_protocol import base32
from tocsin_protocol.errors import Reason, RemoteProtocolError


def refusal_of(text: str, size: int) -> Reason | None:
    try:
        base32.decode(text, size)
    except RemoteProtocolError as error:
        return error.reason
    return None


@given(st.binary(max_size=120))
def test_round_trip_in_either_case(raw: bytes) -> None:
    text = base32.encode(raw)
    assert base32.decode(text, len(raw)) == raw
    assert base32.decode(text.upper(), len(raw)) == raw
    assert "=" not in text
    assert text == text.lower()


@given(text=st.text(), size=st.integers(0, 40))
def test_any_text_is_read_as_the_one_encoding_or_refused(text: str, size: int) -> None:
    refusal = refusal_of(text, size)
    assert refusal in {None, Reason.URI}
    if refusal is None:
        assert base32.encode(base32.decode(text, size)) == text.lower()


@given(st.text("abcxyz234567=01-", min_size=13, max_size=13))
def test_texts_of_the_right_length_are_read_as_the_one_encoding_or_refused(text: str) -> None:
    refusal = refusal_of(text, 8)
    assert refusal in {None, Reason.URI}
    if refusal is None:
        assert base32.encode(base32.decode(text, 8)) == text


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("me", "must have 4"),
        ("mfrggg", "must have 4"),
        ("mfr1", "only the letters"),
        ("mfr=", "only the letters"),
        ("mfr\n", "only the letters"),
        ("mfr\u017f", "only the letters"),
        ("mfr\u0131", "only the letters"),
        ("mfrb", "last character"),
    ],
)
def test_refusals_say_why(text: str, detail: str) -> None:
    with pytest.raises(RemoteProtocolError, match=detail) as caught:
        base32.decode(text, 2)
    assert caught.value.reason is Reason.URI


def test_known_text() -> None:
    assert base32.encode(b"foobar") == "mzxw6ytboi"
    assert base32.decode("MZXW6ytboi", 6) == b"foobar"
