"""What an opened envelope says: the fields of a notification, their limits, and their CBOR.

It decides nothing: what may ring, when, and what a control map means are for others to say.
"""

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any, Final

from tocsin_protocol import cbor
from tocsin_protocol.errors import LocalProtocolError, Reason, RemoteProtocolError
from tocsin_protocol.limits import (
    ACTIONS_MAX,
    APP_SIZE_MAX,
    BODY_SIZE_MAX,
    CATEGORY_SIZE_MAX,
    CHANNEL_SIZE_MAX,
    COLLAPSE_SIZE_MAX,
    DATA_SIZE_MAX,
    LINK_SIZE_MAX,
    MEDIA_MAX,
    NOTIFICATION_ID_SIZE,
    PAYLOAD_SIZE_MAX,
    SUBTITLE_SIZE_MAX,
    TAG_TEXT_SIZE_MAX,
    TAGS_MAX,
    THEMED_NAME_SIZE_MAX,
    THREAD_SIZE_MAX,
    TITLE_SIZE_MAX,
    TTL_S_DEFAULT,
    TTL_S_MAX,
)
from tocsin_protocol.notification_parts import (
    ACTION,
    ACTIVITY,
    BADGE,
    CONVERSATION,
    LOC,
    MEDIA,
    Action,
    Activity,
    Badge,
    Conversation,
    Loc,
    Media,
)
from tocsin_protocol.notification_values import (
    Shape,
    choice,
    either,
    flag,
    link,
    opaque,
    raw,
    several,
    text,
    themed_name,
    uint,
)
from tocsin_protocol.types import NotificationId


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


# TOC-6 §6
RINGING: Final = frozenset(
    (
        NotificationKind.ALERT,
        NotificationKind.ACTIVITY,
        NotificationKind.CALL,
        NotificationKind.WEBPUSH,
        NotificationKind.MATRIX,
    )
)
"""The kinds of the stream whose tags alone may ring; all others of today come on the control stream."""


class Urgency(IntEnum):
    """Delivery urgency in the words of RFC 8030."""

    VERY_LOW = 0
    LOW = 1
    NORMAL = 2
    HIGH = 3


class BodyFormat(IntEnum):
    """How the body is written."""

    PLAIN = 0
    MARKDOWN_LITE = 1


class Interruption(IntEnum):
    """How loud the sender would like it; the receiver clamps."""

    SILENT = 0
    PASSIVE = 1
    ACTIVE = 2
    TIME_SENSITIVE = 3
    CRITICAL = 4


class Visibility(IntEnum):
    """What a locked screen may show."""

    PUBLIC = 0
    PRIVATE = 1
    SECRET = 2


class Receipt(IntEnum):
    """What the sender would like to be told; the receiver has to agree."""

    DELIVERED = 0
    SEEN = 1
    ACTED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """Empty text is the same as none.

    `first` is set only when a notification is sealed again: the id of its first sealing; `of` is the one
    that a retract or a receipt speaks of. `data` and `control` are raw maps, which their own readers judge.
    """

    kind: NotificationKind
    ts_ms: int | None = None
    ttl_s: int = TTL_S_DEFAULT
    app: str = ""
    channel: str = ""
    category: str = ""
    title: str = ""
    subtitle: str = ""
    body: str = ""
    body_format: BodyFormat = BodyFormat.PLAIN
    icon: str | Media = ""
    media: tuple[Media, ...] = ()
    actions: tuple[Action, ...] = ()
    link: str = ""
    data: cbor.Map | None = None
    urgency: Urgency = Urgency.NORMAL
    interruption: Interruption = Interruption.ACTIVE
    collapse: str = ""
    rev: int = 0
    thread: str = ""
    conversation: Conversation | None = None
    badge: Badge | None = None
    sound: str = ""
    visibility: Visibility | None = None
    activity: Activity | None = None
    tags: tuple[str, ...] = ()
    want: tuple[Receipt, ...] = ()
    hist: bool = True
    not_before_ms: int | None = None
    loc: Loc | None = None
    first: NotificationId | None = None
    of: NotificationId | None = None
    control: cbor.Map | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    """Without a vital field nothing is left."""

    name: str
    shape: Shape
    vital: bool = False


KIND_KEY: Final = 0
FIELDS: Final = {
    KIND_KEY: _Field(
        name="kind", shape=choice(NotificationKind, unknown=NotificationKind.UNKNOWN), vital=True
    ),
    1: _Field(name="ts_ms", shape=uint()),
    2: _Field(name="ttl_s", shape=uint(TTL_S_MAX)),
    3: _Field(name="app", shape=text(APP_SIZE_MAX)),
    4: _Field(name="channel", shape=text(CHANNEL_SIZE_MAX)),
    5: _Field(name="category", shape=text(CATEGORY_SIZE_MAX)),
    6: _Field(name="title", shape=text(TITLE_SIZE_MAX)),
    7: _Field(name="subtitle", shape=text(SUBTITLE_SIZE_MAX)),
    8: _Field(name="body", shape=text(BODY_SIZE_MAX)),
    9: _Field(name="body_format", shape=choice(BodyFormat)),
    10: _Field(name="icon", shape=either(themed_name(THEMED_NAME_SIZE_MAX), MEDIA)),
    11: _Field(name="media", shape=several(MEDIA, MEDIA_MAX)),
    12: _Field(name="actions", shape=several(ACTION, ACTIONS_MAX)),
    13: _Field(name="link", shape=link(LINK_SIZE_MAX)),
    14: _Field(name="data", shape=opaque(DATA_SIZE_MAX)),
    15: _Field(name="urgency", shape=choice(Urgency)),
    16: _Field(name="interruption", shape=choice(Interruption)),
    17: _Field(name="collapse", shape=text(COLLAPSE_SIZE_MAX)),
    18: _Field(name="rev", shape=uint()),
    19: _Field(name="thread", shape=text(THREAD_SIZE_MAX)),
    20: _Field(name="conversation", shape=CONVERSATION),
    21: _Field(name="badge", shape=BADGE),
    22: _Field(name="sound", shape=themed_name(THEMED_NAME_SIZE_MAX)),
    23: _Field(name="visibility", shape=choice(Visibility)),
    24: _Field(name="activity", shape=ACTIVITY),
    25: _Field(name="tags", shape=several(text(TAG_TEXT_SIZE_MAX), TAGS_MAX)),
    26: _Field(name="want", shape=several(choice(Receipt), len(Receipt))),
    27: _Field(name="hist", shape=flag()),
    28: _Field(name="not_before_ms", shape=uint()),
    29: _Field(name="loc", shape=LOC),
    30: _Field(name="first", shape=raw(NOTIFICATION_ID_SIZE), vital=True),
    31: _Field(name="of", shape=raw(NOTIFICATION_ID_SIZE)),
    32: _Field(name="control", shape=opaque(), vital=True),
}
DEFAULTS: Final = {field.name: field.default for field in fields(Notification)}
"""What need not be sent; `kind` has none and always is."""
KINDS_ABOUT_ANOTHER: Final = frozenset({NotificationKind.RETRACT, NotificationKind.RECEIPT})


def encode(notification: Notification) -> bytes:
    """The payload to seal; LocalProtocolError names the field that the receiver would drop."""
    if notification.of is not None and notification.kind not in KINDS_ABOUT_ANOTHER:  # TOC-6 §3
        raise LocalProtocolError("of must be in a retract or in a receipt")
    pairs: cbor.Map = {}
    for key, field in FIELDS.items():
        value = getattr(notification, field.name)
        if value == DEFAULTS[field.name]:  # TOC-6 §5
            continue
        pairs[key] = field.shape.write(value)
        if field.shape.read(pairs[key]) is None:
            raise LocalProtocolError(f"{field.name} must be {field.shape.rule}")
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
    for key, sent in pairs.items():
        # TOC-6 §3
        field = FIELDS.get(key)
        if field is None:
            continue
        value = field.shape.read(sent)
        if value is not None:
            found[field.name] = value
        elif field.vital:
            raise RemoteProtocolError(Reason.PAYLOAD, f"{field.name} must be {field.shape.rule}")
    if found["kind"] not in KINDS_ABOUT_ANOTHER:
        found.pop("of", None)
    return Notification(**found)
