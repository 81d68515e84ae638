"""The one dict that says of any envelope, by its tag alone, whether it is for us.

It opens nothing and stores nothing: what a match changes is returned first and applied after the commit.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from tocsin_protocol.errors import LocalProtocolError
from tocsin_protocol.limits import (
    CHAIN_INDEX_MAX,
    HOUR_DRIFT_MAX,
    SKIPPED_CONTROL_MAX,
    SKIPPED_MAX,
    WINDOW_CONTROL_SIZE,
    WINDOW_SIZE,
)
from tocsin_protocol.types import Epoch, Hour, MessageKey, Now, Tag, epoch_of
from tocsin_protocol.wheel import Chain, Link, Q, link_of, step_key, tag_of, tags_ahead

WINDOW: Final = {Q.RING: WINDOW_SIZE, Q.CONTROL: WINDOW_CONTROL_SIZE}
SKIPPED: Final = {Q.RING: SKIPPED_MAX, Q.CONTROL: SKIPPED_CONTROL_MAX}
PREFIX: Final = slice(15)
"""What the table knows a tag by: in Python a byte more takes sixteen, which is a tenth of the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamId:
    """What one contact sends in one epoch; `contact` is the store's number for the contact."""

    contact: int
    generation: int = 0
    epoch: Epoch
    q: Q


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamState:
    """All that is stored of a stream: the chain past the last message, and what was skipped before it.

    `opened` counts the messages that did come; skipped ones of which the key is gone count as missing.
    """

    chain: Chain
    skipped: tuple[Link, ...] = ()
    opened: int = 0

    @property
    def missing(self) -> int:
        """How many messages before the last one have not come: a loss somewhere, or still on their way."""
        return self.chain.index - self.opened


@dataclass(frozen=True, slots=True, kw_only=True)
class InviteTag:
    """Message 1 on an invite of ours; `invite` is the store's number for it."""

    invite: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyTag:
    """Message 2 on an introduction that we began; `pending` is the store's number for it."""

    pending: int


Purpose: TypeAlias = InviteTag | ReplyTag


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamMatch:
    """The next or a skipped message of a stream."""

    stream: StreamId
    link: Link


@dataclass(frozen=True, slots=True, kw_only=True)
class OnceMatch:
    """A tag that has a single purpose and then none."""

    tag: Tag
    purpose: Purpose
    key: MessageKey = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """The table as it is, and what was found so far; misses, which are all the rest, nobody counts.

    A stray is a tag of another epoch, or one that only begins like ours: somebody plays with what they saw.
    """

    tags: int
    streams: int
    hits: int
    strays: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Once:
    tag: Tag
    epochs: frozenset[Epoch]
    purpose: Purpose
    key: MessageKey


class Recogniser:
    """Tags of every live epoch; an envelope that is not for us costs one failed look-up.

    Entries of a stream share one value, and the key of a hit is derived again from the stored chain:
    a message key per entry would be most of the memory of a node with thousands of contacts.
    Whoever had a tag first keeps it.
    """

    def __init__(self) -> None:
        self._table: dict[bytes, StreamId | _Once] = {}
        self._states: dict[StreamId, StreamState] = {}
        self._stopped: set[StreamId] = set()
        self._hits = self._strays = 0

    @property
    def size(self) -> int:
        """Tags that are recognised now."""
        return len(self._table)

    @property
    def statistics(self) -> Statistics:
        return Statistics(
            tags=len(self._table), streams=len(self._states), hits=self._hits, strays=self._strays
        )

    def watch(self, stream: StreamId, state: StreamState, *, window: bool = True) -> None:
        """Recognise what this state lets us recognise, in place of what was watched of the stream before.

        Without a window only skipped messages are: a contact that sends more than it may costs no more.
        """
        if (state.chain.epoch, state.chain.q) != (stream.epoch, stream.q):
            raise LocalProtocolError(f"{stream} is watched with a chain of another stream")
        self.forget_stream(stream)
        self._states[stream] = state
        if not window:
            self._stopped.add(stream)
        self._add(stream, self._tags(stream, state))

    def watch_once(self, tag: Tag, epoch: Epoch, purpose: Purpose, key: MessageKey) -> None:
        """Recognise a single tag in one more epoch: an invite has the same tag in all of its epochs."""
        new = _Once(tag=tag, epochs=frozenset((epoch,)), purpose=purpose, key=key)
        entry = self._table.setdefault(tag[PREFIX], new)
        if isinstance(entry, _Once) and entry.purpose == purpose:
            self._table[tag[PREFIX]] = replace(entry, epochs=entry.epochs | {epoch})

    def stop_windows(self, contact: int, epoch: Epoch, q: Q) -> None:
        """Look ahead no further in these streams of the contact, whatever their generation."""
        wanted = (contact, epoch, q)
        for stream in [s for s in self._states if (s.contact, s.epoch, s.q) == wanted]:
            self.watch(stream, self._states[stream], window=False)

    def forget_stream(self, stream: StreamId) -> None:
        state = self._states.pop(stream, None)
        if state is not None:
            self._drop(stream, self._tags(stream, state))
            self._stopped.discard(stream)

    def forget_contact(self, contact: int) -> None:
        for stream in [stream for stream in self._states if stream.contact == contact]:
            self.forget_stream(stream)

    def forget_once(self, tag: Tag) -> None:
        if isinstance(self._table.get(tag[PREFIX]), _Once):
            del self._table[tag[PREFIX]]

    def keep_epochs(self, live: Collection[Epoch]) -> None:
        """Forget all that belongs to other epochs: at midnight, for every contact at once."""
        kept: dict[bytes, StreamId | _Once] = {}
        for prefix, entry in self._table.items():
            if isinstance(entry, StreamId):
                if entry.epoch in live:
                    kept[prefix] = entry
            elif epochs := entry.epochs.intersection(live):
                kept[prefix] = replace(entry, epochs=epochs)
        self._table = kept
        self._states = {stream: state for stream, state in self._states.items() if stream.epoch in live}
        self._stopped = {stream for stream in self._stopped if stream.epoch in live}

    def find(self, tag: Tag, born_hour: Hour) -> StreamMatch | OnceMatch | None:
        """Whose the tag is. Nothing is consumed: whoever merely copied a tag must not use it up."""
        entry = self._table.get(tag[PREFIX])
        return None if entry is None else self._match(entry, tag, epoch_of(born_hour))

    def advance(self, match: StreamMatch) -> StreamState:
        """What the store must commit, together with the event, once the match's envelope has opened."""
        state = self._states.get(match.stream)
        if state is None:
            raise LocalProtocolError(f"{match.stream} is not watched")
        return consume(state, match.link)

    def apply(self, stream: StreamId, state: StreamState) -> None:
        """Take over what `advance` returned, after its commit; a stream forgotten meanwhile stays so."""
        before = self._states.get(stream)
        if before is None:
            return
        self._states[stream] = state
        old, new = frozenset(self._tags(stream, before)), frozenset(self._tags(stream, state))
        self._drop(stream, old - new)
        self._add(stream, new - old)

    def _match(self, entry: StreamId | _Once, tag: Tag, epoch: Epoch) -> StreamMatch | OnceMatch | None:
        match: StreamMatch | OnceMatch | None = None
        if isinstance(entry, StreamId):
            link = _link_with(self._states[entry], tag) if entry.epoch == epoch else None
            match = None if link is None else StreamMatch(stream=entry, link=link)
        elif entry.tag == tag and epoch in entry.epochs:
            match = OnceMatch(tag=tag, purpose=entry.purpose, key=entry.key)
        self._hits += match is not None
        self._strays += match is None
        return match

    def _tags(self, stream: StreamId, state: StreamState) -> list[Tag]:
        skipped = [link.tag for link in state.skipped]
        return skipped if stream in self._stopped else skipped + tags_ahead(state.chain, WINDOW[stream.q])

    def _add(self, stream: StreamId, tags: Iterable[Tag]) -> None:
        add = self._table.setdefault
        for tag in tags:
            add(tag[PREFIX], stream)

    def _drop(self, stream: StreamId, tags: Iterable[Tag]) -> None:
        for tag in tags:
            if self._table.get(tag[PREFIX]) == stream:
                del self._table[tag[PREFIX]]


def consume(state: StreamState, link: Link) -> StreamState:
    """The state from which this link's key can no longer be derived, nor any that was dropped for it."""
    opened = state.opened + 1  # TOC-4 §2.4
    if link.index < state.chain.index:
        skipped = tuple(other for other in state.skipped if other.index != link.index)
        if len(skipped) == len(state.skipped):
            raise LocalProtocolError(f"message {link.index} of epoch {state.chain.epoch} is consumed already")
        return StreamState(chain=state.chain, skipped=skipped, opened=opened)
    chain, passed = state.chain, list(state.skipped)
    while chain.index < link.index:
        chain, skipped_link = chain.step()
        passed.append(skipped_link)
    chain, _ = chain.step()
    return StreamState(chain=chain, skipped=tuple(passed[-SKIPPED[chain.q] :]), opened=opened)  # TOC-4 §2.3


def live_epochs(now: Now) -> tuple[Epoch, ...]:
    """The epochs, one or two, of all envelopes that the relay check lets through at this moment."""
    hours = range(now.hour - HOUR_DRIFT_MAX, now.hour + HOUR_DRIFT_MAX + 1)  # TOC-4 §2.2
    return tuple(sorted({epoch_of(Hour(hour)) for hour in hours}))


def _link_with(state: StreamState, tag: Tag) -> Link | None:
    for link in state.skipped:
        if link.tag == tag:
            return link
    chain_key, chain = state.chain.key, state.chain
    for index in range(chain.index, min(chain.index + WINDOW[chain.q], CHAIN_INDEX_MAX + 1)):
        chain_key, key = step_key(chain_key)
        if tag_of(key) == tag:
            return link_of(index, key)
    return None
