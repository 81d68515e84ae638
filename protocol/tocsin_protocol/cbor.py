"""Deterministic CBOR (RFC 8949, section 4.2.1), written by hand because it meets hostile bytes.

It is not all of CBOR: no floats, no tags, and the keys of a map are integers, bytes or text.
"""

from typing import Any, Final, TypeAlias

from tocsin_protocol.errors import LocalProtocolError, Reason, RemoteProtocolError
from tocsin_protocol.limits import CBOR_DEPTH_MAX

Map: TypeAlias = dict[Any, "Value"]
"""`Any` stands for int | bytes | str: a dict is invariant in its key, and most maps here have one kind."""

Value: TypeAlias = int | bytes | str | bool | list["Value"] | Map | None


# The upper three bits of an item's first byte; an enumeration would double the decoder's time.
UINT: Final = 0
NINT: Final = 1
BYTES: Final = 2
TEXT: Final = 3
ARRAY: Final = 4
MAP: Final = 5
SIMPLE: Final = 7

UINT_MAX: Final = (1 << 64) - 1
INLINE_MAX: Final = 23
"""Arguments up to this sit in the first byte; 24 to 27 say that 1, 2, 4 or 8 bytes follow."""
ARGUMENT_SIZES: Final = {24: 1, 25: 2, 26: 4, 27: 8}
ARGUMENT_MINIMUMS: Final = {24: INLINE_MAX + 1, 25: 1 << 8, 26: 1 << 16, 27: 1 << 32}
"""A smaller argument has a shorter form, which is then the only one allowed."""

FALSE, TRUE, NULL = b"\xf4", b"\xf5", b"\xf6"
SIMPLE_VALUES: Final = {20: False, 21: True, 22: None}


def encode(value: Value) -> bytes:
    """The one encoding of `value`; LocalProtocolError when it has none."""
    return _encode(value, depth=0)


def decode(data: bytes) -> Value:
    """The value of which `data` is the one encoding; RemoteProtocolError for any other bytes."""
    reader = _Reader(data)
    value = reader.item(depth=0)
    reader.expect_end()  # TOC-1 §1.4
    return value


def _encode(value: Value, depth: int) -> bytes:
    if isinstance(value, bool):
        return TRUE if value else FALSE
    if value is None:
        return NULL
    if isinstance(value, int):
        return _head(UINT, value) if value >= 0 else _head(NINT, -1 - value)
    if isinstance(value, bytes):
        return _head(BYTES, len(value)) + value
    if isinstance(value, str):
        return _encode_text(value)
    if depth == CBOR_DEPTH_MAX:
        raise LocalProtocolError(f"CBOR nests at most {CBOR_DEPTH_MAX} deep")
    if isinstance(value, list):
        return _head(ARRAY, len(value)) + b"".join(_encode(item, depth + 1) for item in value)
    if isinstance(value, dict):
        pairs = sorted((_encode_key(key), _encode(item, depth + 1)) for key, item in value.items())
        return _head(MAP, len(pairs)) + b"".join(key + item for key, item in pairs)
    raise LocalProtocolError(f"CBOR here has no {type(value).__name__}")


def _encode_text(text: str) -> bytes:
    try:
        raw = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise LocalProtocolError("text with half a surrogate pair cannot be sent") from error
    return _head(TEXT, len(raw)) + raw


def _encode_key(key: object) -> bytes:
    if isinstance(key, bool) or not isinstance(key, int | bytes | str):
        raise LocalProtocolError(f"a CBOR map key is an integer, bytes or text, not {type(key).__name__}")
    return _encode(key, depth=0)


def _head(major: int, argument: int) -> bytes:
    if argument > UINT_MAX:
        raise LocalProtocolError("CBOR integers have at most 64 bits")
    if argument <= INLINE_MAX:
        return bytes((major << 5 | argument,))
    info = max(info for info, minimum in ARGUMENT_MINIMUMS.items() if argument >= minimum)
    return bytes((major << 5 | info,)) + argument.to_bytes(ARGUMENT_SIZES[info], "big")


class _Reader:
    """A place in the bytes; every length is checked against what is left before anything is made."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def expect_end(self) -> None:
        if self._at != len(self._data):
            raise _broken("bytes follow the value")

    def item(self, depth: int) -> Value:
        """Plain comparisons in the order of frequency: every field of every ring passes here."""
        first = self._take(1)[0]
        major, info = first >> 5, first & 0x1F
        argument = info if info <= INLINE_MAX else self._long_argument(info)
        if major == UINT:
            return argument
        if major == TEXT:
            return self._text(argument)
        if major == BYTES:
            return self._take(argument)
        if major == MAP:
            return self._map(argument, _deeper(depth))
        if major == ARRAY:
            return self._array(argument, _deeper(depth))
        if major == NINT:
            return -1 - argument
        if major == SIMPLE:
            return _simple(argument)
        raise _broken("a tag")

    def _long_argument(self, info: int) -> int:
        size = ARGUMENT_SIZES.get(info)
        if size is None:
            raise _broken("an indefinite or reserved length")
        argument = int.from_bytes(self._take(size), "big")
        if argument < ARGUMENT_MINIMUMS[info]:  # TOC-1 §1.4
            raise _broken("a number is longer than it needs to be")
        return argument

    def _take(self, size: int) -> bytes:
        start, end = self._at, self._at + size
        if end > len(self._data):
            raise _broken("it ends too early")
        self._at = end
        return self._data[start:end]

    def _text(self, size: int) -> str:
        try:
            return self._take(size).decode("utf-8")
        except UnicodeDecodeError as error:
            raise _broken("text is not UTF-8") from error

    def _array(self, count: int, depth: int) -> list[Value]:
        return [self.item(depth) for _ in range(count)]

    def _map(self, count: int, depth: int) -> Map:
        pairs: Map = {}
        previous = b""
        for _ in range(count):
            start = self._at
            key = self._key(depth)
            encoded = self._data[start : self._at]
            if encoded <= previous:  # TOC-1 §1.4
                raise _broken("map keys are repeated or out of order")
            previous = encoded
            pairs[key] = self.item(depth)
        return pairs

    def _key(self, depth: int) -> int | bytes | str:
        """A bool is refused as a key too: to Python, True and 1 would be the same one."""
        key = self.item(depth)
        if isinstance(key, bool) or not isinstance(key, int | bytes | str):
            raise _broken("a map key is neither an integer nor bytes nor text")
        return key


def _simple(argument: int) -> bool | None:
    if argument not in SIMPLE_VALUES:  # TOC-1 §1.4
        raise _broken("a float or an unknown simple value")
    return SIMPLE_VALUES[argument]


def _deeper(depth: int) -> int:
    if depth == CBOR_DEPTH_MAX:  # TOC-1 §1.4
        raise _broken(f"nested more than {CBOR_DEPTH_MAX} deep")
    return depth + 1


def _broken(detail: str) -> RemoteProtocolError:
    return RemoteProtocolError(Reason.CBOR, detail)
