"""The keys of one generation over their life: begun, turned day by day, retired, deleted.

It never asks why: whether a clock is believed or a renewal confirmed was decided before.
"""

from tocsin_protocol import effects as fx
from tocsin_protocol.draft import Draft
from tocsin_protocol.effects import Generation, Role, Side
from tocsin_protocol.limits import CATCH_UP_EPOCHS, LOOKAHEAD_EPOCHS_MAX
from tocsin_protocol.recognise import StreamId, StreamState
from tocsin_protocol.types import Epoch, Now
from tocsin_protocol.wheel import Chain, Q, Roots, Wheel, first_wheel, turn


def begin_generation(
    draft: Draft, roots: Roots, *, epoch: Epoch, role: Role, reached: dict[Side, Epoch], now: Now
) -> None:
    """Both wheels from `epoch`, turned at once to what was committed before; WK is kept nowhere."""
    number = roots.generation
    generation = Generation(number=number, epoch=epoch, role=role, entered_ms=now.unix_ms)
    draft.do(fx.PutGeneration(generation=generation), fx.PutRoot(number=number, key=roots.key))
    for side in Side:
        wheel = first_wheel(roots, draft.pair.direction(side), epoch)
        furthest = Epoch(epoch + LOOKAHEAD_EPOCHS_MAX - 1)
        _turn(draft, number, side, wheel=wheel, to=min(max(epoch, reached[side]), furthest))


def can_turn(wheel: Wheel, to: Epoch) -> bool:
    """After more than a year no wheel turns any more: the pair has to introduce itself again."""
    return wheel.epoch <= to < wheel.epoch + LOOKAHEAD_EPOCHS_MAX


def turn_side(draft: Draft, side: Side, to: Epoch, *, stored: StreamId | None = None) -> None:
    """Commit this side of every generation up to `to`; `stored` has a state that a turn must not repeat."""
    for (number, wheel_side), wheel in sorted(draft.pair.wheels.items()):
        if wheel_side is side and can_turn(wheel, to):
            _turn(draft, number, side, wheel=wheel, to=to, stored=stored)
    if side is Side.RECEIVING:
        _expire(draft)


def close_epoch(draft: Draft, epoch: Epoch) -> None:
    """Delete the receiving keys of one epoch, and say what never came."""
    for number in sorted(draft.pair.epochs):
        if epoch in draft.pair.epochs[number]:
            for q in Q:
                stream = StreamId(contact=draft.pair.contact, generation=number, epoch=epoch, q=q)
                count = draft.pair.counts.get(stream)
                if q is Q.RING and count is not None and count.missing:
                    draft.do(fx.Missed(stream=stream, count=count.missing))
                draft.do(fx.DeleteStream(stream=stream))


def retire(draft: Draft, number: int) -> None:
    """The next generation was confirmed: nothing new comes under this one, and none follows from it."""
    draft.do(fx.DeleteRoot(number=number), fx.DeleteWheel(number=number, side=Side.RECEIVING))


def end_sending(draft: Draft, number: int) -> None:
    draft.do(fx.DeleteWheel(number=number, side=Side.SENDING))
    for owner, epoch, q in sorted(draft.pair.sending):
        if owner == number:
            draft.do(fx.DeleteSending(number=number, epoch=epoch, q=q))


def end_generation(draft: Draft, number: int) -> None:
    """Delete all that there still is of a generation."""
    pair = draft.pair
    if number in pair.roots:
        draft.do(fx.DeleteRoot(number=number))
    if (number, Side.RECEIVING) in pair.wheels:
        draft.do(fx.DeleteWheel(number=number, side=Side.RECEIVING))
    if (number, Side.SENDING) in pair.wheels:
        end_sending(draft, number)
    for epoch in pair.epochs.get(number, ()):
        for q in Q:
            stream = StreamId(contact=pair.contact, generation=number, epoch=epoch, q=q)
            draft.do(fx.DeleteStream(stream=stream))
    draft.do(fx.DeleteGeneration(number=number))


def forget_retired(draft: Draft, current: int) -> None:
    """Older generations of which no key is left."""
    pair = draft.pair
    for number in sorted(pair.generations):
        kept = number in pair.epochs or (number, Side.SENDING) in pair.wheels
        if number < current and not kept:
            draft.do(fx.DeleteGeneration(number=number))


def _turn(
    draft: Draft, number: int, side: Side, *, wheel: Wheel, to: Epoch, stored: StreamId | None = None
) -> None:
    turned = turn(wheel, to)
    draft.do(fx.PutWheel(number=number, side=side, wheel=turned.wheel))
    for chain in turned.chains:
        if side is Side.RECEIVING:
            _store_stream(draft, number, chain, stored)
        elif chain.epoch == to and (number, to, chain.q) not in draft.pair.sending:
            draft.do(fx.PutSending(number=number, chain=chain))
    if side is Side.SENDING:
        for owner, epoch, q in sorted(draft.pair.sending):
            if owner == number and epoch < to:
                draft.do(fx.DeleteSending(number=number, epoch=epoch, q=q))


def _store_stream(draft: Draft, number: int, chain: Chain, stored: StreamId | None) -> None:
    stream = StreamId(contact=draft.pair.contact, generation=number, epoch=chain.epoch, q=chain.q)
    if stream != stored:  # TOC-4 §4.2
        draft.do(fx.PutStream(stream=stream, state=StreamState(chain=chain)))


def _expire(draft: Draft) -> None:
    """168 h after its end no envelope of an epoch is alive; what was committed tells that, not the clock."""
    pair = draft.pair
    committed = max(wheel.epoch for (_, side), wheel in pair.wheels.items() if side is Side.RECEIVING) - 1
    for epoch in sorted({epoch for epochs in pair.epochs.values() for epoch in epochs}):
        if epoch <= committed - CATCH_UP_EPOCHS:
            close_epoch(draft, epoch)
