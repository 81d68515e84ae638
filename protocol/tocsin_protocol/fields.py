"""Reads one field of a decoded map, or refuses the whole map for it.

It is not the reader of notifications, which drop a broken field and keep the rest.
"""

from collections.abc import Callable
from typing import TypeVar

from tocsin_protocol import cbor
from tocsin_protocol.errors import Reason, RemoteProtocolError

Field = TypeVar("Field")
Simple = TypeVar("Simple", int, bytes, str)


def map_of(data: bytes) -> cbor.Map:
    """The map that these bytes are."""
    return as_map(cbor.decode(data))


def as_map(value: cbor.Value) -> cbor.Map:
    if not isinstance(value, dict):
        raise RemoteProtocolError(Reason.PAYLOAD, "not a map")
    return value


def as_list(value: cbor.Value, count_max: int) -> list[cbor.Value]:
    if not isinstance(value, list) or len(value) > count_max:
        raise RemoteProtocolError(Reason.PAYLOAD, f"not a list of at most {count_max} items")
    return value


def require(fields: cbor.Map, key: int, kind: type[Simple]) -> Simple:
    """The field under this key, when it has this type; a bool is no number here."""
    value = fields.get(key)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise RemoteProtocolError(Reason.PAYLOAD, f"field {key} is missing or of another type")
    return value


def require_uint(fields: cbor.Map, key: int, highest: int) -> int:
    number = require(fields, key, int)
    if not 0 <= number <= highest:
        raise RemoteProtocolError(Reason.PAYLOAD, f"field {key} is not from 0 to {highest}")
    return number


def require_bytes(fields: cbor.Map, key: int, size: int) -> bytes:
    value = require(fields, key, bytes)
    if len(value) != size:
        raise RemoteProtocolError(Reason.PAYLOAD, f"field {key} has not {size} bytes")
    return value


def require_text(fields: cbor.Map, key: int, size_max: int) -> str:
    text = require(fields, key, str)
    if len(text.encode(errors="surrogatepass")) > size_max:
        raise RemoteProtocolError(Reason.PAYLOAD, f"field {key} has more than {size_max} bytes")
    return text


def optional(fields: cbor.Map, key: int, read: Callable[[cbor.Value], Field]) -> Field | None:
    """What `read` makes of the field, or None when there is no such field."""
    return read(fields[key]) if key in fields else None
