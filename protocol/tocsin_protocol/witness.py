"""Whether enough neighbours showed an envelope for anything automatic to leave this node because of it.

It sends nothing and opens nothing: without it, whoever shows one neighbour an envelope that nobody else
has would learn from the answer whose node that is.
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

from tocsin_protocol.limits import PARKED_MAX, WITNESSED_MAX, WITNESSED_MS
from tocsin_protocol.types import Hour, Mid, Now, PeerId

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Showing:
    """Two neighbours and one outbound among all is the same as two of which one is outbound."""

    since_steady_ms: int
    first: PeerId
    by_another: bool
    outbound: bool
    trusted: bool


class Witnesses:
    """Who showed a mid, by sending or announcing it; `trusted_peer` alone is believed alone.

    It is the one peer that a person configured who configured no other. A second way to be believed
    alone, such as being the only neighbour at the moment, would be one for an attacker too.
    """

    def __init__(self, trusted_peer: PeerId | None) -> None:
        self._trusted_peer = trusted_peer
        self._showings: dict[Mid, _Showing] = {}

    def saw(self, mid: Mid, peer: PeerId, outbound: bool, now: Now) -> None:
        """`outbound`: we chose this neighbour; those who chose us can be as many as they like."""
        self._drop_old(now)
        trusted = peer == self._trusted_peer
        showing = self._showings.get(mid)
        if showing is not None:
            self._showings[mid] = _Showing(
                since_steady_ms=showing.since_steady_ms,
                first=showing.first,
                by_another=showing.by_another or peer != showing.first,
                outbound=showing.outbound or outbound,
                trusted=showing.trusted or trusted,
            )
            return
        if len(self._showings) == WITNESSED_MAX:
            del self._showings[next(iter(self._showings))]
        self._showings[mid] = _Showing(
            since_steady_ms=now.steady_ms, first=peer, by_another=False, outbound=outbound, trusted=trusted
        )

    def suffices(self, mid: Mid) -> bool:
        """Whether an automatic answer to this mid tells its sender nothing about who we are."""
        showing = self._showings.get(mid)
        return showing is not None and (showing.trusted or (showing.by_another and showing.outbound))

    def _drop_old(self, now: Now) -> None:
        """The dict is in the order of first showings, so the old ones are in front."""
        while self._showings:
            mid, showing = next(iter(self._showings.items()))
            if now.steady_ms - showing.since_steady_ms <= WITNESSED_MS:
                return
            del self._showings[mid]


class Parked(Generic[Item]):
    """What waits for its mid to be witnessed, until its envelope expires; the oldest makes room."""

    def __init__(self) -> None:
        self._items: dict[Mid, tuple[Item, Hour]] = {}

    def __len__(self) -> int:
        return len(self._items)

    def park(self, mid: Mid, item: Item, until_hour: Hour) -> None:
        """Keep `item` until it is released or `until_hour` is over; a mid is parked once."""
        if mid in self._items:
            return
        if len(self._items) == PARKED_MAX:
            del self._items[next(iter(self._items))]
        self._items[mid] = (item, until_hour)

    def release(self, mid: Mid) -> Item | None:
        """What waited for this mid, which then waits no more."""
        parked = self._items.pop(mid, None)
        return None if parked is None else parked[0]

    def expire(self, now: Now) -> None:
        """Drop what nobody has witnessed in time."""
        self._items = {mid: parked for mid, parked in self._items.items() if parked[1] >= now.hour}
