"""JSON-RPC 2.0 in lines: one object a line, requests in, responses and event notifications out.

It knows no method; `methods` has the table and `unix_socket` the connections.
"""

from typing import Any

import msgspec

LINE_SIZE_MAX = 1 << 20
"""The longest request; a notification with all its fields is below 8 KiB."""

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
REFUSED = 1
"""Our own code for an error that a person can mend; the message is their line."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    jsonrpc: str
    method: str
    id: int | str | None = None
    params: msgspec.Raw = msgspec.Raw(b"{}")


class RpcError(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def parse_request(line: bytes) -> Request:
    """Text as a whole, since nobody looks into `params` here: whoever does may rely on it."""
    try:
        request = msgspec.json.decode(line.decode(), type=Request)
    except msgspec.ValidationError as error:
        raise RpcError(INVALID_REQUEST, f"not a JSON-RPC 2.0 request: {error}") from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise RpcError(PARSE_ERROR, f"not a line of JSON: {error}") from None
    if request.jsonrpc != "2.0":
        raise RpcError(INVALID_REQUEST, 'not a JSON-RPC 2.0 request: "jsonrpc" must be "2.0"')
    return request


def result_line(request_id: int | str | None, result: Any) -> bytes:
    return line({"jsonrpc": "2.0", "id": request_id, "result": result})


def error_line(request_id: int | str | None, error: RpcError) -> bytes:
    return line({"jsonrpc": "2.0", "id": request_id, "error": {"code": error.code, "message": error.message}})


def event_line(event: Any) -> bytes:
    return line({"jsonrpc": "2.0", "method": "event", "params": event})


def line(value: object) -> bytes:
    return msgspec.json.encode(value) + b"\n"
