"""What one side lets the other send: which kinds, how many a day, until when, for which apps.

It counts nothing and shows nothing: it answers what is within the grant, and its reader keeps count.
"""

from dataclasses import dataclass
from enum import IntEnum

from tocsin_protocol import cbor, fields
from tocsin_protocol.errors import LocalProtocolError, Reason, RemoteProtocolError
from tocsin_protocol.limits import APP_SIZE_MAX, GRANT_CONTROL_PER_DAY_MAX, GRANT_SIZE_MAX
from tocsin_protocol.notification import NotificationKind
from tocsin_protocol.notification_values import UNSAFE
from tocsin_protocol.types import Hour
from tocsin_protocol.wheel import Q

U32_MAX = (1 << 32) - 1


class Key(IntEnum):
    """The map keys of a grant; further ones are ignored, and an absent one sets no limit."""

    KINDS = 0
    PER_DAY = 1
    EXPIRES_HOUR = 2
    APPS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """None is no limit; bit k of `kinds` allows kind k, and no app in `apps` allows none."""

    kinds: int | None = None
    per_day: int | None = None
    expires_hour: Hour | None = None
    apps: tuple[str, ...] | None = None

    def to_map(self, size_max: int = GRANT_SIZE_MAX) -> cbor.Map:
        """The map to send, when it is one that its receiver would take."""
        pairs: cbor.Map = {
            Key.KINDS: self.kinds,
            Key.PER_DAY: self.per_day,
            Key.EXPIRES_HOUR: self.expires_hour,
            Key.APPS: None if self.apps is None else list(self.apps),
        }
        pairs = {int(key): value for key, value in pairs.items() if value is not None}
        try:
            Grant.from_value(pairs, size_max)
        except RemoteProtocolError as error:
            raise LocalProtocolError(f"nobody would take this grant: {error.detail}") from error
        return pairs

    @staticmethod
    def from_value(value: cbor.Value, size_max: int = GRANT_SIZE_MAX) -> "Grant":
        """A broken grant is refused whole: half of it would allow what was not meant."""
        pairs = fields.as_map(value)
        if len(cbor.encode(pairs)) > size_max:  # TOC-5 §8.1
            raise RemoteProtocolError(Reason.PAYLOAD, f"a grant has at most {size_max} bytes")
        hour = _number(pairs, Key.EXPIRES_HOUR, U32_MAX)
        return Grant(
            kinds=_number(pairs, Key.KINDS, cbor.UINT_MAX),
            per_day=_number(pairs, Key.PER_DAY, U32_MAX),
            expires_hour=None if hour is None else Hour(hour),
            apps=fields.optional(pairs, Key.APPS, _apps),
        )

    def is_over(self, hour: Hour) -> bool:
        """Whether it has expired: no windows are built for its holder any more."""
        return self.expires_hour is not None and hour > self.expires_hour

    def covers(self, kind: NotificationKind, app: str) -> bool:
        """Whether such a notification may be shown; control, which shows nothing, is always covered."""
        if kind is NotificationKind.CONTROL:
            return True
        kind_allowed = self.kinds is None or (kind >= 0 and self.kinds >> kind & 1 == 1)  # TOC-5 §8.2
        return kind_allowed and (self.apps is None or app in self.apps)

    def limit_per_day(self, q: Q) -> int | None:
        """Opened envelopes in one epoch of born_h, over all devices and generations together."""
        return GRANT_CONTROL_PER_DAY_MAX if q is Q.CONTROL else self.per_day


def _number(pairs: cbor.Map, key: Key, highest: int) -> int | None:
    return fields.require_uint(pairs, key, highest) if key in pairs else None


def _apps(value: cbor.Value) -> tuple[str, ...]:
    """Every name as a notification would carry it, so that a comparison means what it looks like."""
    return tuple(_app(item) for item in fields.as_list(value, GRANT_SIZE_MAX))


def _app(item: cbor.Value) -> str:
    if not isinstance(item, str) or not 1 <= len(item.encode()) <= APP_SIZE_MAX or UNSAFE.search(item):
        raise RemoteProtocolError(Reason.PAYLOAD, f"an app has a name of 1 to {APP_SIZE_MAX} plain bytes")
    return item
