"""What has been seen already: message ids by hour, and the very bytes of the newest messages.

It holds no envelopes to hand out again (those are in `recent`), and it never looks into one.
"""

from typing import Final

from tocsin_protocol.limits import EXACT_MAX, HOUR_DRIFT_MAX, SEEN_MIDS_MAX
from tocsin_protocol.types import Hour, Mid, PeerId

OURS: Final = PeerId("")
"""Stands where a neighbour's name would, for what was published here."""


class SeenMids:
    """Each id with the neighbour that showed it first, for as long as the check may accept it again.

    The sets are by the hour of acceptance, so that no envelope needs to be read: one that was born an
    hour later than that is still accepted an hour after its birth, and then never again.
    """

    def __init__(self) -> None:
        self._hours: dict[Hour, dict[Mid, PeerId]] = {}
        self._hour: Hour | None = None

    def __len__(self) -> int:
        return sum(map(len, self._hours.values()))

    @property
    def is_full(self) -> bool:
        return len(self) >= SEEN_MIDS_MAX

    def expire(self, hour: Hour) -> None:
        """Drop whole hours at once; nothing is done while the hour lasts."""
        if hour == self._hour:
            return
        self._hour = hour
        for ended in [seen for seen in self._hours if hour > seen + 2 * HOUR_DRIFT_MAX]:
            del self._hours[ended]

    def add(self, mid: Mid, first: PeerId, hour: Hour) -> None:
        self._hours.setdefault(hour, {})[mid] = first

    def first(self, mid: Mid) -> PeerId | None:
        """Who showed it first, `OURS` when that was us; None for a new id."""
        for mids in self._hours.values():
            first = mids.get(mid)
            if first is not None:
                return first
        return None


class ExactBytes:
    """Accepted messages by their bytes: five of six copies need neither parsing nor hashing.

    Two generations, of which the older goes when the younger is full.
    """

    def __init__(self) -> None:
        self._young: dict[bytes, Mid] = {}
        self._old: dict[bytes, Mid] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def add(self, entry: bytes, mid: Mid) -> None:
        if len(self._young) >= EXACT_MAX:
            self._old, self._young = self._young, {}
        self._young[entry] = mid

    def find(self, entry: bytes) -> Mid | None:
        return self._young.get(entry) or self._old.get(entry)
