"""An encoder of deterministic CBOR (TOC-1 §1.4), and heads of any width for the vectors that break it.

It decodes nothing: what a vector's bytes mean is stated by the function that made them.
"""

from typing import Any

UINT, NINT, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE = range(8)
WIDTHS = {0: -1, 1: 24, 2: 25, 4: 26, 8: 27}

Value = Any
"""int, bytes, str, bool, None, a list or a dict of these."""


def head(major: int, argument: int, width: int | None = None) -> bytes:
    """The first byte of an item and what follows it; `width` asks for more bytes than are needed."""
    if width is None:
        width = shortest_width(argument)
    if width == 0:
        return bytes([major << 5 | argument])
    return bytes([major << 5 | WIDTHS[width]]) + argument.to_bytes(width, "big")


def shortest_width(argument: int) -> int:
    if argument < 24:
        return 0
    return next(width for width in (1, 2, 4, 8) if argument < 256**width)


def encode(value: Value) -> bytes:
    if value is False or value is True or value is None:
        return head(SIMPLE, {False: 20, True: 21, None: 22}[value])
    if isinstance(value, int):
        return head(UINT, value) if value >= 0 else head(NINT, -1 - value)
    if isinstance(value, bytes):
        return head(BYTES, len(value)) + value
    if isinstance(value, str):
        return head(TEXT, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(ARRAY, len(value)) + b"".join(encode(item) for item in value)
    pairs = sorted((encode(key), encode(item)) for key, item in value.items())
    return pairs_in_this_order(*pairs)


def pairs_in_this_order(*pairs: tuple[bytes, bytes]) -> bytes:
    """A map of encoded keys and values, in an order that may be wrong."""
    return head(MAP, len(pairs)) + b"".join(key + item for key, item in pairs)


def told(value: Value) -> Value:
    """The value as a vector tells it, so that JSON loses neither a type nor a digit."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return {"int": str(value)}
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, str):
        return {"text": value}
    if isinstance(value, list):
        return [told(item) for item in value]
    return {"map": [[told(key), told(item)] for key, item in value.items()]}
