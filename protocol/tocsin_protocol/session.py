"""The sessions of one contact as a machine: what opens, what is sent and what time passes become effects.

It stores, seals and opens nothing, and `handle` changes nothing: effects count once they are committed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias, assert_never

from tocsin_protocol import effects as fx
from tocsin_protocol import renewal
from tocsin_protocol.control import Accept, Confirm, Control, NewCard, NewGrant, Offer
from tocsin_protocol.draft import Draft
from tocsin_protocol.effects import Effect, Role, Side, Why
from tocsin_protocol.errors import LocalProtocolError, RemoteProtocolError
from tocsin_protocol.evidence import Evidence, may_turn, skew_shown_by_envelope
from tocsin_protocol.generation import (
    begin_generation,
    close_epoch,
    end_generation,
    forget_retired,
    turn_side,
)
from tocsin_protocol.grant import Grant
from tocsin_protocol.identity import Card, check_successor, verify_card
from tocsin_protocol.pair import Pair
from tocsin_protocol.recognise import StreamId, StreamState, live_epochs
from tocsin_protocol.renewal import Draw
from tocsin_protocol.sending import BLOCK, ONE_SHOT_BLOCK
from tocsin_protocol.types import Epoch, Hour, IdentityKey, Now
from tocsin_protocol.wheel import Q, Roots


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """A handshake ended in these roots; `reached` is the last epoch that the node committed elsewhere."""

    roots: Roots = field(repr=False)
    epoch: Epoch
    reached: Epoch
    role: Role
    card: Card
    draw: Draw = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Time has passed: an hour, or a start of the node, or an answer of a store."""

    evidence: Evidence
    draw: Draw = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An envelope of theirs opened; `state` is the stream's state after it, to be committed with it.

    `control` is None when the payload is of another kind, or malformed. `witnessed`: a second neighbour
    showed the envelope too, or two stores did; a control envelope is worth waiting for that.
    """

    stream: StreamId
    index: int
    state: StreamState = field(repr=False)
    born_hour: Hour
    control: Control | None
    witnessed: bool
    draw: Draw = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserve:
    """An index is wanted; a sender that ends after this message says so."""

    q: Q
    one_shot: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """The node stops in order: what is left of the blocks is not wasted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochLoaded:
    """Every hour of a past epoch was caught up with from two stores."""

    epoch: Epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class SetGrant:
    """What a person lets the contact send from now on."""

    grant: Grant


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The contact is blocked or removed: every key goes, and nobody is told."""


Input: TypeAlias = Begin | Tick | Opened | Reserve | Stop | EpochLoaded | SetGrant | End


class Session:
    """What `handle` returns is committed as one transaction and then handed to `apply`, all of it or nothing.

    After a restart the stored records are applied to a new session, in any order.
    """

    def __init__(self, *, contact: int, own: IdentityKey, other: IdentityKey) -> None:
        self.pair = Pair(contact=contact, own=own, other=other)

    def apply(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            self.pair.apply(effect)

    def handle(self, event: Input, now: Now) -> tuple[Effect, ...]:
        draft = Draft(self.pair)
        match event:
            case Begin():
                _introduce(draft, event, now)
            case Tick():
                _tick(draft, event, now)
            case Opened():
                _open(draft, event, now)
            case Reserve(q=q, one_shot=one_shot):
                number = draft.pair.sending_generation(now)
                if number is not None:
                    draft.reserve(number, q, now, ONE_SHOT_BLOCK if one_shot else BLOCK[q])
            case Stop():
                _write_exact(draft)
            case EpochLoaded(epoch=epoch):
                _close_loaded(draft, epoch, now)
            case SetGrant(grant=grant):
                draft.do(fx.PutGrant(grant=grant))
            case End():
                _end(draft)
            case _:
                assert_never(event)
        return tuple(draft.effects)


def _introduce(draft: Draft, event: Begin, now: Now) -> None:
    if draft.pair.generations:
        raise LocalProtocolError("a session is introduced once; a re-introduction begins another one")
    reached = dict.fromkeys(Side, event.reached)
    begin_generation(draft, event.roots, epoch=event.epoch, role=event.role, reached=reached, now=now)
    draft.do(fx.PutCard(card=event.card), fx.Heard(number=event.roots.generation, at_ms=now.unix_ms))
    renewal.confirm_if_due(draft, now, event.draw)
    renewal.offer_if_due(draft, now, event.draw)


def _tick(draft: Draft, event: Tick, now: Now) -> None:
    current = draft.pair.current
    if current is None:
        return
    due = [
        side
        for side in Side
        if may_turn(committed=draft.pair.committed(current.number, side), now=now, evidence=event.evidence)
    ]
    for side in due:
        turn_side(draft, side, now.epoch)
    if due:
        draft.do(fx.PutGeneration(generation=draft.pair.generations[current.number]))
    renewal.leave_old(draft, now)
    forget_retired(draft, current.number)
    renewal.confirm_if_due(draft, now, event.draw)
    renewal.offer_if_due(draft, now, event.draw)


def _open(draft: Draft, event: Opened, now: Now) -> None:
    pair, stream = draft.pair, event.stream
    if stream.contact != pair.contact or stream.generation not in pair.generations:
        raise LocalProtocolError(f"{stream} is not one of this session's")
    if event.control is not None and stream.q is not Q.CONTROL:
        raise LocalProtocolError("a control map on the ringing stream is malformed, not control")
    if any(
        side is Side.RECEIVING and wheel.epoch <= stream.epoch for (_, side), wheel in pair.wheels.items()
    ):
        turn_side(draft, Side.RECEIVING, stream.epoch, stored=stream)
    draft.do(
        fx.PutStream(stream=stream, state=event.state),
        fx.Heard(number=stream.generation, at_ms=now.unix_ms),
    )
    skew_ms = skew_shown_by_envelope(now, event.born_hour)
    if skew_ms is not None:
        draft.do(fx.ClockSkew(ms=skew_ms))
    renewal.confirm(draft, stream.generation, now)
    within = pair.has_window(stream.epoch, stream.q)
    if not within:
        draft.do(
            fx.RateLimited(stream=stream, index=event.index),
            fx.StopWindows(epoch=stream.epoch, q=stream.q),
        )
    if event.control is not None:
        why = _obey(draft, event.control, event, now) if within else Why.RATE
        if why is not None:
            draft.do(fx.Ignored(why=why))
    if event.witnessed:
        renewal.answer_confirm(draft, stream.generation, now, event.draw)


def _obey(draft: Draft, control: Control, event: Opened, now: Now) -> Why | None:
    stream = event.stream
    match control:
        case Offer() | Accept() if not event.witnessed:
            return Why.UNWITNESSED
        case Offer():
            position = (stream.generation, stream.epoch, event.index)
            return renewal.receive_offer(draft, control, position, now, event.draw)
        case Accept():
            return renewal.receive_accept(draft, control, now, event.draw)
        case Confirm(generation=generation):
            return None if generation == stream.generation else Why.NUMBER
        case NewGrant(grant=grant):
            draft.do(fx.Granted(grant=grant))
            return None
        case NewCard():
            return _take_card(draft, control, now)
        case _:
            assert_never(control)


def _take_card(draft: Draft, control: NewCard, now: Now) -> Why | None:
    try:
        verify_card(control.card, draft.pair.other, control.signature, now.hour)
        check_successor(control.card, draft.pair.card)  # TOC-4 §5.1
    except RemoteProtocolError:
        return Why.CARD
    draft.do(fx.PutCard(card=control.card))
    return None


def _write_exact(draft: Draft) -> None:
    for (number, _, _), sending in sorted(draft.pair.sending.items(), key=lambda item: item[0]):
        if sending.stored != sending.chain.index:
            draft.do(fx.PutSending(number=number, chain=sending.chain))


def _close_loaded(draft: Draft, epoch: Epoch, now: Now) -> None:
    """Only an epoch that is over by our clock and by what was committed: one of the two may be wrong."""
    current = draft.pair.current
    if current is None or epoch >= draft.pair.committed(current.number, Side.RECEIVING):
        return
    if epoch < min(live_epochs(now)):
        close_epoch(draft, epoch)
        forget_retired(draft, current.number)


def _end(draft: Draft) -> None:
    for number in sorted(draft.pair.generations):
        end_generation(draft, number)
    if draft.pair.offering is not None:
        draft.do(fx.DeleteOffering())
    if draft.pair.acceptance is not None:
        draft.do(fx.DeleteAcceptance())
