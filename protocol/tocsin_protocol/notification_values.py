"""The types that a notification's fields have: each with its limit, how it is stripped, read and written.

It knows no field: which key has which value is said in `notification` and `notification_parts`.
"""

import re
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from enum import IntEnum
from typing import Any, Final, TypeGuard

from tocsin_protocol import cbor

# TOC-6 §4
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters but TAB and LF, and those that turn the direction of writing: a title could lie."""

# TOC-6 §2.3
LINK = re.compile("([A-Za-z][A-Za-z0-9+.-]*):[^\t\n ]*")
"""TAB and LF are what browsers leave out before they look for the scheme."""
LINK_SCHEMES_REFUSED: Final = frozenset({"file", "javascript"})
PLACE = re.compile(r"[/\\:]")
"""What a path or a URL has, and the name of an icon or a sound has not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """`read` gives None for a value that breaks `rule`; `write` makes what `read` takes."""

    rule: str
    read: Callable[[cbor.Value], Any]
    write: Callable[[Any], cbor.Value] = lambda value: value


def text(size_max: int, *, required: bool = False) -> Shape:
    """A required one must have something left when it is stripped."""

    def read(value: cbor.Value) -> str | None:
        if not isinstance(value, str) or len(value.encode("utf-8", "surrogatepass")) > size_max:
            return None
        safe = UNSAFE.sub("", value)
        return safe if safe or not required else None

    some = "text, not empty," if required else "text"
    return Shape(rule=f"{some} of at most {size_max} bytes of UTF-8", read=read)


def themed_name(size_max: int) -> Shape:
    """Never a path or a URL: showing it would open or fetch what the sender chose."""
    plain = text(size_max)

    def read(value: cbor.Value) -> str | None:
        name: str | None = plain.read(value)
        return None if name is None or PLACE.search(name) else name

    return Shape(rule=f"a name, without slashes and colons: {plain.rule}", read=read)


def link(size_max: int) -> Shape:
    plain = text(size_max)

    def read(value: cbor.Value) -> str | None:
        target: str | None = plain.read(value)
        if not target:
            return target
        match = LINK.fullmatch(target)
        return None if match is None or match[1].lower() in LINK_SCHEMES_REFUSED else target

    refused = " or ".join(f"{scheme}:" for scheme in sorted(LINK_SCHEMES_REFUSED))
    return Shape(rule=f"a URI without spaces, not of {refused}; {plain.rule}", read=read)


def uint(highest: int = cbor.UINT_MAX) -> Shape:
    def read(value: cbor.Value) -> int | None:
        return value if _is_uint(value) and value <= highest else None

    return Shape(rule=f"a whole number from 0 to {highest}", read=read)


def flag() -> Shape:
    def read(value: cbor.Value) -> bool | None:
        return value if isinstance(value, bool) else None

    return Shape(rule="true or false", read=read)


def raw(size: int) -> Shape:
    def read(value: cbor.Value) -> bytes | None:
        return value if isinstance(value, bytes) and len(value) == size else None

    return Shape(rule=f"{size} bytes", read=read)


def raw_up_to(size_max: int) -> Shape:
    def read(value: cbor.Value) -> bytes | None:
        return value if isinstance(value, bytes) and len(value) <= size_max else None

    return Shape(rule=f"at most {size_max} bytes", read=read)


def choice(choices: type[IntEnum], *, unknown: IntEnum | None = None) -> Shape:
    numbers = frozenset(choices)

    def read(value: cbor.Value) -> IntEnum | None:
        if not _is_uint(value):
            return None
        return choices(value) if value in numbers else unknown

    return Shape(rule=f"the number of a {choices.__name__}", read=read)


def opaque(size_max: int | None = None) -> Shape:
    """A map that is left as it was sent."""

    def read(value: cbor.Value) -> cbor.Map | None:
        return value if isinstance(value, dict) and _fits(value, size_max) else None

    return Shape(rule="a map" + _encoded(size_max), read=read)


def several(item: Shape, count_max: int) -> Shape:
    """One broken item breaks them all: half of a choice is another choice."""

    def read(value: cbor.Value) -> tuple[Any, ...] | None:
        if not isinstance(value, list) or len(value) > count_max:
            return None
        items = tuple(item.read(each) for each in value)
        return None if None in items else items

    def write(value: object) -> cbor.Value:
        return [item.write(each) for each in value] if isinstance(value, tuple) else None

    return Shape(rule=f"at most {count_max}, each {item.rule}", read=read, write=write)


def record(kind: type, *members: Shape, size_max: int | None = None) -> Shape:
    """A map whose key n is the n-th field of the dataclass; a field without a default is required."""
    described = tuple(enumerate(zip(fields(kind), members, strict=True)))

    def read(value: cbor.Value) -> object | None:
        if not isinstance(value, dict) or not _fits(value, size_max):
            return None
        found: dict[str, Any] = {}
        for key, (field, shape) in described:
            if key in value:
                found[field.name] = shape.read(value[key])
            elif field.default is MISSING:
                return None
        return None if None in found.values() else kind(**found)

    def write(value: object) -> cbor.Value:
        if not isinstance(value, kind):
            return None
        sent = [(key, shape, field, getattr(value, field.name)) for key, (field, shape) in described]
        return {key: shape.write(item) for key, shape, field, item in sent if item != field.default}

    rules = "; ".join(f"{field.name}: {shape.rule}" for _, (field, shape) in described)
    return Shape(rule=f"a {kind.__name__} ({rules}){_encoded(size_max)}", read=read, write=write)


def either(name: Shape, other: Shape) -> Shape:
    """Text is read as the first, anything else as the other."""

    def read(value: cbor.Value) -> Any:
        return name.read(value) if isinstance(value, str) else other.read(value)

    def write(value: object) -> cbor.Value:
        return name.write(value) if isinstance(value, str) else other.write(value)

    return Shape(rule=f"{name.rule}; or {other.rule}", read=read, write=write)


def _fits(value: cbor.Map, size_max: int | None) -> bool:
    """What was decoded has one encoding, so this counts the bytes that were sent."""
    return size_max is None or len(cbor.encode(value)) <= size_max


def _encoded(size_max: int | None) -> str:
    return "" if size_max is None else f" of at most {size_max} bytes encoded"


def _is_uint(value: cbor.Value) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
