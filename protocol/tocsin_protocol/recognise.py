"""The one dict that says of any envelope, by its tag alone, whether it is for us.

It opens nothing and stores nothing: what a match changes is returned first and applied after the commit.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain as chained
from typing import Final, TypeAlias

from tocsin_protocol.errors import LocalProtocolError
from tocsin_protocol.limits import (
    HOUR_DRIFT_MAX,
    SKIPPED_CONTROL_MAX,
    SKIPPED_MAX,
    WINDOW_CONTROL_SIZE,
    WINDOW_SIZE,
)
from tocsin_protocol.types import Epoch, Hour, MessageKey, Now, Tag, epoch_of
from tocsin_protocol.wheel import Chain, Link, Q, tags_ahead

WINDOW: Final = {Q.RING: WINDOW_SIZE, Q.CONTROL: WINDOW_CONTROL_SIZE}
SKIPPED: Final = {Q.RING: SKIPPED_MAX, Q.CONTROL: SKIPPED_CONTROL_MAX}


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamId:
    """What one contact sends in one epoch; `contact` is the store's number for the contact."""

    contact: int
    epoch: Epoch
    q: Q


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamState:
    """All that is stored of a stream: the chain past the last message, and what was skipped before it."""

    chain: Chain
    skipped: tuple[Link, ...] = ()


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


_Once: TypeAlias = tuple[frozenset[Epoch], Purpose, MessageKey]


class Recogniser:
    """Tags of every live epoch; an envelope that is not for us costs one failed look-up.

    Entries of a stream share one value, and the key of a hit is derived again from the stored chain:
    a message key per entry would be most of the memory of a node with thousands of contacts.
    Whoever had a tag first keeps it.
    """

    def __init__(self) -> None:
        self._table: dict[Tag, StreamId | _Once] = {}
        self._states: dict[StreamId, StreamState] = {}

    @property
    def size(self) -> int:
        """Tags that are recognised now."""
        return len(self._table)

    def watch(self, stream: StreamId, state: StreamState) -> None:
        """Recognise what this state lets us recognise, in place of what was watched of the stream before."""
        if (state.chain.epoch, state.chain.q) != (stream.epoch, stream.q):
            raise LocalProtocolError(f"{stream} is watched with a chain of another stream")
        self.forget_stream(stream)
        self._states[stream] = state
        self._add(stream, _tags(state))

    def watch_once(self, tag: Tag, epoch: Epoch, purpose: Purpose, key: MessageKey) -> None:
        """Recognise a single tag in one more epoch: an invite has the same tag in all of its epochs."""
        entry = self._table.setdefault(tag, (frozenset(), purpose, key))
        if isinstance(entry, tuple) and entry[1] == purpose:
            self._table[tag] = (entry[0] | {epoch}, purpose, key)

    def forget_stream(self, stream: StreamId) -> None:
        state = self._states.pop(stream, None)
        if state is not None:
            self._drop(stream, _tags(state))

    def forget_contact(self, contact: int) -> None:
        for stream in [stream for stream in self._states if stream.contact == contact]:
            self.forget_stream(stream)

    def forget_once(self, tag: Tag) -> None:
        if isinstance(self._table.get(tag), tuple):
            del self._table[tag]

    def find(self, tag: Tag, born_hour: Hour) -> StreamMatch | OnceMatch | None:
        """Whose the tag is. Nothing is consumed: whoever merely copied a tag must not use it up."""
        entry = self._table.get(tag)
        if entry is None:
            return None
        epoch = epoch_of(born_hour)
        if isinstance(entry, StreamId):
            return self._match(entry, tag) if entry.epoch == epoch else None
        epochs, purpose, key = entry
        return OnceMatch(tag=tag, purpose=purpose, key=key) if epoch in epochs else None

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
        old, new = frozenset(_tags(before)), frozenset(_tags(state))
        self._drop(stream, old - new)
        self._add(stream, new - old)

    def _match(self, stream: StreamId, tag: Tag) -> StreamMatch:
        link = next(link for link in _links(self._states[stream]) if link.tag == tag)
        return StreamMatch(stream=stream, link=link)

    def _add(self, stream: StreamId, tags: Iterable[Tag]) -> None:
        for tag in tags:
            self._table.setdefault(tag, stream)

    def _drop(self, stream: StreamId, tags: Iterable[Tag]) -> None:
        for tag in tags:
            if self._table.get(tag) == stream:
                del self._table[tag]


def consume(state: StreamState, link: Link) -> StreamState:
    """The state from which this link's key can no longer be derived, nor any that was dropped for it."""
    if link.index < state.chain.index:
        skipped = tuple(other for other in state.skipped if other.index != link.index)
        if len(skipped) == len(state.skipped):
            raise LocalProtocolError(f"message {link.index} of epoch {state.chain.epoch} is consumed already")
        return StreamState(chain=state.chain, skipped=skipped)
    chain, passed = state.chain, list(state.skipped)
    while chain.index < link.index:
        chain, skipped_link = chain.step()
        passed.append(skipped_link)
    chain, _ = chain.step()
    return StreamState(chain=chain, skipped=tuple(passed[-SKIPPED[chain.q] :]))


def live_epochs(now: Now) -> tuple[Epoch, ...]:
    """The epochs, one or two, of all envelopes that the relay check lets through at this moment."""
    hours = range(now.hour - HOUR_DRIFT_MAX, now.hour + HOUR_DRIFT_MAX + 1)
    return tuple(sorted({epoch_of(Hour(hour)) for hour in hours}))


def _tags(state: StreamState) -> Iterator[Tag]:
    skipped = (link.tag for link in state.skipped)
    return chained(skipped, tags_ahead(state.chain, WINDOW[state.chain.q]))


def _links(state: StreamState) -> Iterator[Link]:
    """The links of `_tags`, in the same order and without an end of their own."""
    yield from state.skipped
    chain = state.chain
    while True:
        chain, link = chain.step()
        yield link
