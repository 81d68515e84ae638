"""One past epoch read from stores: which of its envelopes are for us, each stream looked through once.

It fetches and opens nothing: it names positions, and goes on when told whether one of them opened.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias, assert_never

from tocsin_protocol.errors import LocalProtocolError
from tocsin_protocol.limits import (
    CATCH_UP_ENVELOPES_MAX,
    CATCH_UP_SLICE_DERIVATIONS,
    CATCH_UP_STORES_MIN,
    CHAIN_INDEX_MAX,
    EPOCH_HOURS,
    HOUR_DRIFT_MAX,
    STORE_CLOSE_HOURS,
)
from tocsin_protocol.recognise import SKIPPED, WINDOW, StreamId, StreamState
from tocsin_protocol.types import Epoch, Hour, MessageKey, Now, Tag, epoch_of
from tocsin_protocol.wheel import Chain, Link, Q, nid_of, step_key, tag_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One hour's bucket, or a part of it: the tag of each envelope and where the caller keeps it."""

    hour: Hour
    tags: tuple[tuple[Tag, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Look through one stream, from the state that is stored; without a window for skipped messages only."""

    stream: StreamId
    state: StreamState = field(repr=False)
    window: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """Whether one of the attempt's envelopes opened and was consumed, and if the contact may send more."""

    opened: bool
    window: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Go:
    """Everything is loaded and the looking may begin; or an event loop has had its turn since `Pause`."""


Input: TypeAlias = Load | Look | Tried | Go


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """Open the envelopes at these positions, until one does; `after` is to be committed with it."""

    stream: StreamId
    link: Link
    positions: tuple[int, ...]
    after: StreamState = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Full:
    """Not everything was taken: what is looked through is not the whole epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Enough for one turn: come back with `Go`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """Every stream was looked through; more may be handed in."""


Effect: TypeAlias = Try | Full | Pause | Done


class CatchUp:
    """One epoch. Streams of q = 0x80 go first: an answer found there brings streams of a new generation.

    Each tag of a stream is derived once, whatever its sender skipped and in whatever order it published.
    """

    def __init__(self, epoch: Epoch) -> None:
        self.looked_up = 0
        self._epoch = epoch
        self._positions: dict[Tag, int | list[int]] = {}
        self._loaded = 0
        self._waiting: dict[Q, deque[_Scan]] = {Q.CONTROL: deque(), Q.RING: deque()}
        self._stopped: set[tuple[int, Q]] = set()
        self._scan: _Scan | None = None
        self._attempt: Try | None = None

    def handle(self, event: Input, now: Now) -> tuple[Effect, ...]:
        match event:
            case Load():
                return self._load(event, now)
            case Look():
                self._look(event)
                return ()
            case Tried():
                self._note(event)
                return (self._go(),)
            case Go():
                if self._attempt is not None:
                    raise LocalProtocolError("an attempt is still open")
                return (self._go(),)
            case _:
                assert_never(event)

    def _load(self, event: Load, now: Now) -> tuple[Effect, ...]:
        """What could not have been born yet is left out, and so is what belongs to another epoch."""
        if epoch_of(event.hour) != self._epoch or event.hour > now.hour + HOUR_DRIFT_MAX:  # TOC-4 §2.6
            return ()
        taken = event.tags[: CATCH_UP_ENVELOPES_MAX - self._loaded]
        self._loaded += len(taken)
        for tag, position in taken:
            before = self._positions.setdefault(tag, position)
            if isinstance(before, list):
                before.append(position)
            elif before != position:
                self._positions[tag] = [before, position]
        return () if len(taken) == len(event.tags) else (Full(),)

    def _look(self, event: Look) -> None:
        if event.stream.epoch != self._epoch:
            raise LocalProtocolError(f"{event.stream} is not of epoch {self._epoch}")
        self._waiting[event.stream.q].append(_Scan(event))

    def _note(self, event: Tried) -> None:
        if self._scan is None or self._attempt is None:
            raise LocalProtocolError("nothing is being tried")
        if event.opened:
            self._scan.consume(self._attempt.after)
        if not event.window:
            self._stopped.add((self._scan.stream.contact, self._scan.stream.q))
        self._attempt = None

    def _go(self) -> Effect:
        for _ in range(CATCH_UP_SLICE_DERIVATIONS):
            scan = self._scan or self._next_scan()
            if scan is None:
                return Done()
            self._scan = scan
            candidate = scan.advance(window=(scan.stream.contact, scan.stream.q) not in self._stopped)
            if candidate is None:
                self._scan = None
                continue
            self.looked_up += 1
            found = self._positions.get(candidate.tag)
            if found is not None:
                positions = (found,) if isinstance(found, int) else tuple(found)
                self._attempt = scan.attempt(candidate, positions)
                return self._attempt
        return Pause()

    def _next_scan(self) -> "_Scan | None":
        queue = next((queue for queue in self._waiting.values() if queue), None)
        return queue.popleft() if queue else None


class _Candidate(NamedTuple):
    """A message without its nid, which is worth deriving only once somebody keeps the key."""

    at: int
    key: MessageKey
    tag: Tag

    def link(self) -> Link:
        return Link(index=self.at, key=self.key, tag=self.tag, nid=nid_of(self.key))


class _Scan:
    """One stream on its way: first what it skipped before, then index after index to the window's end."""

    def __init__(self, look: Look) -> None:
        self.stream = look.stream
        self._window = WINDOW[look.stream.q] if look.window else 0
        self._state = look.state
        self._skipped = deque(look.state.skipped)
        self._key, self._index = look.state.chain.key, look.state.chain.index
        self._passed: list[_Candidate] = []

    def advance(self, *, window: bool) -> _Candidate | None:
        """The next message to look for; None at the end."""
        if self._skipped:
            link = self._skipped.popleft()
            return _Candidate(link.index, link.key, link.tag)
        if not window or self._index >= min(self._state.chain.index + self._window, CHAIN_INDEX_MAX + 1):
            return None
        self._key, key = step_key(self._key)
        candidate = _Candidate(self._index, key, tag_of(key))
        self._index += 1
        self._passed.append(candidate)
        return candidate

    def attempt(self, candidate: _Candidate, positions: tuple[int, ...]) -> Try:
        return Try(
            stream=self.stream, link=candidate.link(), positions=positions, after=self._without(candidate)
        )

    def consume(self, after: StreamState) -> None:
        if after.chain.index != self._state.chain.index:
            self._passed.clear()
        self._state = after

    def _without(self, candidate: _Candidate) -> StreamState:
        """The state once this message is consumed: what was passed on the way there is skipped."""
        state = self._state
        opened = state.opened + 1
        if candidate.at < state.chain.index:
            left = tuple(link for link in state.skipped if link.index != candidate.at)
            return StreamState(chain=state.chain, skipped=left, opened=opened)
        skipped = (*state.skipped, *(passed.link() for passed in self._passed[:-1]))
        chain = Chain(epoch=state.chain.epoch, q=state.chain.q, index=candidate.at + 1, key=self._key)
        return StreamState(chain=chain, skipped=skipped[-SKIPPED[chain.q] :], opened=opened)


class Coverage:
    """Which hours of one epoch were read whole, from how many stores, when they had closed them.

    What a store says is its hour counts, not our clock: one far ahead would close the hours of today.
    """

    def __init__(self, epoch: Epoch) -> None:
        self._epoch = epoch
        self._stores: dict[Hour, set[int]] = {}

    def loaded(self, store: int, hour: Hour, store_hour: Hour) -> None:
        """`store` is the caller's number for it; `store_hour` the hour it is there."""
        if epoch_of(hour) != self._epoch or store_hour < hour + STORE_CLOSE_HOURS:
            return
        stores = self._stores.setdefault(hour, set())
        if len(stores) < CATCH_UP_STORES_MIN:
            stores.add(store)

    @property
    def is_complete(self) -> bool:
        """Whether the epoch's keys are of no use any more."""
        whole = sum(len(stores) == CATCH_UP_STORES_MIN for stores in self._stores.values())
        return whole == EPOCH_HOURS
