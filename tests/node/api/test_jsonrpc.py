"""Any line is a request or an error of ours, and whatever we say is one line of JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.api.jsonrpc import (
    INVALID_REQUEST,
    PARSE_ERROR,
    RpcError,
    error_line,
    event_line,
    parse_request,
    result_line,
)

IDS = st.none() | st.integers() | st.text()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)
MEMBERS = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.just("2.0") | JSON,
        "method": st.just("node.status") | JSON,
        "id": IDS | JSON,
        "params": JSON,
        "more": JSON,
    },
)


def as_line(value: object) -> bytes:
    return json.dumps(value).encode()


def judge(line: bytes) -> int | None:
    """The code of the error, or None for a request that can be answered."""
    try:
        request = parse_request(line)
    except RpcError as error:
        return int(json.loads(error_line(None, error))["error"]["code"])
    assert json.loads(result_line(request.id, None))["id"] == request.id
    return None


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_our_error(line: bytes) -> None:
    assert judge(line) in (None, PARSE_ERROR, INVALID_REQUEST)


@given(MEMBERS | JSON)
def test_any_json_is_a_request_or_our_error(value: object) -> None:
    assert judge(as_line(value)) in (None, PARSE_ERROR, INVALID_REQUEST)


@given(IDS, JSON)
def test_an_id_comes_back_as_it_was_sent(request_id: int | str | None, params: object) -> None:
    line = as_line({"jsonrpc": "2.0", "method": "m", "id": request_id, "params": params})
    assert parse_request(line).id == request_id
    assert json.loads(bytes(parse_request(line).params)) == params


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"", PARSE_ERROR),
        (b"{", PARSE_ERROR),
        (b"\xff\xfe", PARSE_ERROR),
        (b'{"jsonrpc": "2.0", "method": "\xff"}', PARSE_ERROR),
        (b'{"jsonrpc": "2.0", "method": "m", "id": "\\ud800"}', PARSE_ERROR),
        (b"[" * 100_000, INVALID_REQUEST),
        (
            b'{"jsonrpc": "2.0", "method": "m", "params": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
            PARSE_ERROR,
        ),
        (b"[]", INVALID_REQUEST),
        (b"null", INVALID_REQUEST),
        (b'{"jsonrpc": "2.0"}', INVALID_REQUEST),
        (b'{"method": "m"}', INVALID_REQUEST),
        (b'{"jsonrpc": "1.0", "method": "m"}', INVALID_REQUEST),
        (b'{"jsonrpc": "2.0", "method": 7}', INVALID_REQUEST),
        (b'{"jsonrpc": "2.0", "method": "m", "id": 1.5}', INVALID_REQUEST),
        (b'{"jsonrpc": "2.0", "method": "m", "id": true}', INVALID_REQUEST),
        (b'{"jsonrpc": "2.0", "method": "m", "id": ' + b"1" * 5_000 + b"}", INVALID_REQUEST),
    ],
    ids=lambda value: repr(value[:48]) if isinstance(value, bytes) else str(value),
)
def test_what_is_no_request_says_why(line: bytes, code: int) -> None:
    assert judge(line) == code


def test_huge_ids_come_back() -> None:
    line = as_line({"jsonrpc": "2.0", "method": "m", "id": 10**300})
    assert json.loads(result_line(parse_request(line).id, None))["id"] == 10**300


@given(JSON)
def test_what_we_say_is_one_line(value: object) -> None:
    for line in (result_line(1, value), event_line(value)):
        assert line.endswith(b"\n")
        assert line.count(b"\n") == 1
    assert json.loads(result_line(1, value)) == {"jsonrpc": "2.0", "id": 1, "result": value}
    assert json.loads(event_line(value)) == {"jsonrpc": "2.0", "method": "event", "params": value}
