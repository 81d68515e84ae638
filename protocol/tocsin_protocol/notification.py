"""What an opened envelope says: the fields of a notification, their limits, and their CBOR.

It decides nothing: what may ring, when, and what a control map means are for others to say.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any, Final, TypeGuard, TypeVar

from tocsin_protocol import cbor
from tocsin_protocol.errors import LocalProtocolError, Reason, RemoteProtocolError
from tocsin_protocol.limits import (
    APP_SIZE_MAX,
    BODY_SIZE_MAX,
    NOTIFICATION_ID_SIZE,
    PAYLOAD_SIZE_MAX,
    SUBTITLE_SIZE_MAX,
    THREAD_SIZE_MAX,
    TITLE_SIZE_MAX,
    TTL_S_DEFAULT,
    TTL_S_MAX,
)
from tocsin_protocol.types import NotificationId

# TOC-6 §4
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters but TAB and LF, and those that turn the direction of writing: a title could lie."""


class NotificationKind(IntEnum):
    """UNKNOWN is any number of a later version: it goes to history and rings for nobody."""

    UNKNOWN = -1
    ALERT = 0
    DATA = 1
    ACTIVITY = 2
    CALL = 3
    RETRACT = 4
    RECEIPT = 5
    SYNC = 6
    CONTROL = 7
    COVER = 8
    WEBPUSH = 9
    MATRIX = 10


class Urgency(IntEnum):
    """Delivery urgency in the words of RFC 8030."""

    VERY_LOW = 0
    LOW = 1
    NORMAL = 2
    HIGH = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """Empty text is the same as none.

    `first` is set only when a notification is sealed again: the id of its first sealing. `control` is the
    raw map, which its own reader judges.
    """

    kind: NotificationKind
    ts_ms: int | None = None
    ttl_s: int = TTL_S_DEFAULT
    app: str = ""
    title: str = ""
    subtitle: str = ""
    body: str = ""
    urgency: Urgency = Urgency.NORMAL
    thread: str = ""
    first: NotificationId | None = None
    control: cbor.Map | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    """`read` gives None for a value that breaks `rule`; without a vital field nothing is left."""

    key: int
    name: str
    rule: str
    read: Callable[[cbor.Value], Any]
    vital: bool = False


def _text(key: int, name: str, size_max: int) -> _Field:
    def read(value: cbor.Value) -> str | None:
        if not isinstance(value, str) or len(value.encode("utf-8", "surrogatepass")) > size_max:
            return None
        return UNSAFE.sub("", value)

    return _Field(key=key, name=name, rule=f"text of at most {size_max} bytes of UTF-8", read=read)


def _uint(key: int, name: str, highest: int) -> _Field:
    def read(value: cbor.Value) -> int | None:
        return value if _is_uint(value) and value <= highest else None

    return _Field(key=key, name=name, rule=f"a whole number from 0 to {highest}", read=read)


Chosen = TypeVar("Chosen", bound=IntEnum)


def _choice(
    key: int, name: str, choices: type[Chosen], *, unknown: Chosen | None = None, vital: bool = False
) -> _Field:
    numbers = frozenset(choices)

    def read(value: cbor.Value) -> Chosen | None:
        if not _is_uint(value):
            return None
        return choices(value) if value in numbers else unknown

    return _Field(key=key, name=name, rule=f"the number of a {choices.__name__}", read=read, vital=vital)


def _id(key: int, name: str, *, vital: bool = False) -> _Field:
    def read(value: cbor.Value) -> NotificationId | None:
        if not isinstance(value, bytes) or len(value) != NOTIFICATION_ID_SIZE:
            return None
        return NotificationId(value)

    return _Field(key=key, name=name, rule=f"{NOTIFICATION_ID_SIZE} bytes", read=read, vital=vital)


def _map(key: int, name: str, *, vital: bool = False) -> _Field:
    def read(value: cbor.Value) -> cbor.Map | None:
        return value if isinstance(value, dict) else None

    return _Field(key=key, name=name, rule="a map", read=read, vital=vital)


def _is_uint(value: cbor.Value) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


KIND_KEY: Final = 0
FIELDS: Final = (
    _choice(KIND_KEY, "kind", NotificationKind, unknown=NotificationKind.UNKNOWN, vital=True),
    _uint(1, "ts_ms", cbor.UINT_MAX),
    _uint(2, "ttl_s", TTL_S_MAX),
    _text(3, "app", APP_SIZE_MAX),
    _text(6, "title", TITLE_SIZE_MAX),
    _text(7, "subtitle", SUBTITLE_SIZE_MAX),
    _text(8, "body", BODY_SIZE_MAX),
    _choice(15, "urgency", Urgency),
    _text(19, "thread", THREAD_SIZE_MAX),
    _id(30, "first", vital=True),
    _map(32, "control", vital=True),
)
DEFAULTS: Final = {field.name: field.default for field in fields(Notification)}
"""What need not be sent; `kind` has none and always is."""


def encode(notification: Notification) -> bytes:
    """The payload to seal; LocalProtocolError names the field that the receiver would drop."""
    pairs: cbor.Map = {}
    for field in FIELDS:
        value = getattr(notification, field.name)
        if value == DEFAULTS[field.name]:  # TOC-6 §5
            continue
        if field.read(value) is None:
            raise LocalProtocolError(f"{field.name} must be {field.rule}")
        pairs[field.key] = value
    payload = cbor.encode(pairs)
    if len(payload) > PAYLOAD_SIZE_MAX:
        raise LocalProtocolError(f"the notification is {len(payload)} bytes; {PAYLOAD_SIZE_MAX} fit")
    return payload


def decode(payload: bytes) -> Notification:
    """Unknown keys are ignored and broken fields dropped, unless a broken one is vital."""
    if len(payload) > PAYLOAD_SIZE_MAX:  # TOC-6 §1
        raise RemoteProtocolError(Reason.LENGTH, f"{len(payload)} bytes; {PAYLOAD_SIZE_MAX} fit an envelope")
    pairs = cbor.decode(payload)
    if not isinstance(pairs, dict):
        raise RemoteProtocolError(Reason.PAYLOAD, "a notification is a map")
    if KIND_KEY not in pairs:
        raise RemoteProtocolError(Reason.PAYLOAD, "a notification has a kind")
    found: dict[str, Any] = {}
    for field in FIELDS:
        # TOC-6 §3
        if field.key not in pairs:
            continue
        value = field.read(pairs[field.key])
        if value is not None:
            found[field.name] = value
        elif field.vital:
            raise RemoteProtocolError(Reason.PAYLOAD, f"{field.name} must be {field.rule}")
    return Notification(**found)
