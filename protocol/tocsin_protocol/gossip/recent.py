"""The envelopes of the last two minutes, for a neighbour that subscribes a moment too late.

It is not a store: it forgets by time and number, and it asks nobody for what is missing.
"""

from collections.abc import Container
from dataclasses import dataclass

from tocsin_protocol.limits import RECENT_MAX, RECENT_MS
from tocsin_protocol.types import Mid, PeerId, Topic


@dataclass(slots=True, kw_only=True)
class Kept:
    """`holders` showed it to us or were given it; a neighbour that goes is no holder any more."""

    mid: Mid
    topic: Topic
    entry: bytes
    ours: bool
    since_ms: int
    holders: set[PeerId]


class Recent:
    def __init__(self) -> None:
        self._kept: dict[Mid, Kept] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, kept: Kept) -> None:
        """Keep it as the newest; the oldest go when they are too many or too old."""
        earlier = self._kept.pop(kept.mid, None)
        if earlier is not None:
            kept.holders |= earlier.holders
        self._kept[kept.mid] = kept
        self._expire(kept.since_ms)

    def add_holder(self, mid: Mid, peer: PeerId) -> None:
        kept = self._kept.get(mid)
        if kept is not None:
            kept.holders.add(peer)

    def forget_holder(self, peer: PeerId) -> None:
        for kept in self._kept.values():
            kept.holders.discard(peer)

    def take_missing(self, peer: PeerId, topics: Container[Topic], steady_ms: int) -> list[Kept]:
        """What this neighbour has not shown us, oldest first; it is a holder of all of it from now on."""
        self._expire(steady_ms)
        missing = [kept for kept in self._kept.values() if kept.topic in topics and peer not in kept.holders]
        for kept in missing:
            kept.holders.add(peer)
        return missing

    def _expire(self, steady_ms: int) -> None:
        while self._kept:
            oldest = next(iter(self._kept.values()))
            if len(self._kept) <= RECENT_MAX and steady_ms - oldest.since_ms <= RECENT_MS:
                return
            del self._kept[oldest.mid]
