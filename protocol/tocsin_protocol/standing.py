"""How one pair stands: which of its introductions are alive, which one is sent under, what ends the others.

It holds no key and opens nothing: it says what to delete, and the deletion is an effect.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import reduce
from typing import TypeAlias

from tocsin_protocol.errors import LocalProtocolError
from tocsin_protocol.introduce import IntroductionKind
from tocsin_protocol.limits import INTRODUCTIONS_PER_SIDE_MAX
from tocsin_protocol.types import Hour, IdentityKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Introduced:
    """One completed introduction and the session it began; `number` is the store's for both.

    `proven` once an envelope opened under it: the other side then has its keys. `over` is the session that
    this one is to replace, as a new device replaces an old one.
    """

    number: int
    kind: IntroductionKind
    initiator: IdentityKey
    until_hour: Hour
    proven: bool = False
    over: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteSession:
    """Its wheels, chains and stored message 2, all of it, and its `reintro` unless that became the pair's."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepReintroduction:
    """The pair's `reintro` is from now on the one of this session."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteReintroduction:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class EndPending:
    """Our own tries with this person that wait for message 2 are given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmContact:
    """The other side has proved to hold the keys: no longer provisional."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TellNewDevice:
    """The person is told that this contact has a new device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddToBlocklist:
    identity_key: IdentityKey


StandingEffect: TypeAlias = (
    DeleteSession
    | KeepReintroduction
    | DeleteReintroduction
    | EndPending
    | ConfirmContact
    | TellNewDevice
    | AddToBlocklist
)
Moved: TypeAlias = tuple["Standing", list[StandingEffect]]
"""How the pair stands afterwards, and what is to be done in the same transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """`sessions` are in the order in which they came; at most one of them is proven."""

    own: IdentityKey
    other: IdentityKey
    sessions: tuple[Introduced, ...] = ()

    @property
    def proven(self) -> Introduced | None:
        return next((each for each in self.sessions if each.proven), None)

    @property
    def in_force(self) -> int | None:
        """The session that an introduction begun or answered now is to replace."""
        return None if self.proven is None else self.proven.number

    @property
    def sending(self) -> tuple[int, ...]:
        """What to send under; nothing while the other side has proved nothing: then message 2 only.

        Who began an introduction knows from message 2 that the other has the keys, or had them then. So
        while one that should win is not proven and another is, the same goes out under both: either
        could be gone at the other side, and its reader drops what it has already.
        """
        usable = [each for each in self.sessions if each.proven or each.initiator == self.own]
        if not usable:
            return ()
        best = reduce(lambda winner, each: each if self._ends(each, winner) else winner, usable)
        if self.proven in {None, best} or best.over == self.in_force:
            return (best.number,)
        return (best.number, self.proven.number)

    def has_room(self, initiator: IdentityKey) -> bool:
        """Whether one more may be begun, or answered; what was answered is not dropped to make room.

        The other side may have read that answer, and would go on in a session that is gone here.
        """
        begun = sum(each.initiator == initiator for each in self.sessions)
        return begun < INTRODUCTIONS_PER_SIDE_MAX

    def add(
        self,
        *,
        number: int,
        kind: IntroductionKind,
        initiator: IdentityKey,
        over: int | None,
        until_hour: Hour,
    ) -> Moved:
        """Message 1 was answered, or message 2 was read; nothing that is in force ends for it.

        `over` is what was `in_force` when we answered, or when we began: what came about meanwhile was
        crossed. With an answer to one of our tries the others end.
        """
        if initiator not in {self.own, self.other} or number in {each.number for each in self.sessions}:
            raise LocalProtocolError(f"session {number} is not a new one of this pair")
        if not self.has_room(initiator):
            raise LocalProtocolError("too many introductions of this pair are alive: this one was not to be")
        added = Introduced(number=number, kind=kind, initiator=initiator, until_hour=until_hour, over=over)
        effects: list[StandingEffect] = [EndPending()] if initiator == self.own else []
        return replace(self, sessions=(*self.sessions, added)), effects

    def opened(self, number: int) -> Moved:
        """An envelope of the other side opened under generation 0 of this session, or a later one."""
        opened = next((each for each in self.sessions if each.number == number), None)
        if opened is None:
            raise LocalProtocolError(f"session {number} is none of this pair")
        if opened.proven:
            return self, []
        ended = [each for each in self.sessions if self._ends(opened, each)]
        proven = replace(opened, proven=True)
        kept = [proven if each is opened else each for each in self.sessions if each not in ended]
        return replace(self, sessions=tuple(kept)), [
            *(DeleteSession(number=each.number) for each in ended),
            *self._announce(opened),
        ]

    def expire(self, now_hour: Hour) -> Moved:
        """What nothing opened under is dead, unless it is our own and all that we have."""
        dead = [
            each
            for each in self.sessions
            if not each.proven
            and now_hour > each.until_hour
            and (each.initiator == self.other or self.proven is not None)
        ]
        kept = tuple(each for each in self.sessions if each not in dead)
        return replace(self, sessions=kept), [DeleteSession(number=each.number) for each in dead]

    def block(self) -> Moved:
        """To the other side it looks as if we had gone offline: every later envelope is a tag we miss."""
        return replace(self, sessions=()), [
            *(DeleteSession(number=each.number) for each in self.sessions),
            DeleteReintroduction(),
            EndPending(),
            AddToBlocklist(identity_key=self.other),
        ]

    def _announce(self, opened: Introduced) -> Iterator[StandingEffect]:
        if self.proven is None:
            yield ConfirmContact()
        again = opened.over is not None or opened.kind is IntroductionKind.REINTRODUCTION
        if again and opened.initiator == self.other:
            yield TellNewDevice()
        if opened.kind is not IntroductionKind.REINTRODUCTION:
            yield KeepReintroduction(number=opened.number)
        if opened.initiator == min(self.own, self.other):
            yield EndPending()

    def _ends(self, winner: Introduced, loser: Introduced) -> bool:
        """Whether the first envelope under one session ends another one.

        Crossed introductions, of which neither replaces the other: the lower key's wins.
        """
        if winner.initiator == loser.initiator:
            return self.sessions.index(loser) < self.sessions.index(winner)
        if _replaces(loser, winner):
            return False
        return _replaces(winner, loser) or winner.initiator < loser.initiator  # TOC-5 §7


def _replaces(new: Introduced, old: Introduced) -> bool:
    """Whether the new one was begun by somebody who had the old one, or once had."""
    again = IntroductionKind.REINTRODUCTION
    return new.over == old.number or (new.kind is again and old.kind is not again)
