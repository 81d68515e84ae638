"""The keys of a pair of people as changes: the first wheels, the next index to send under, the turns.

Everything here is computed from the tables and a moment; nothing is stored before the caller commits.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tocsin.errors import TocsinError
from tocsin.store.changes import (
    Change,
    DeleteSendingChain,
    DeleteStream,
    PutSendingChain,
    PutStream,
    PutWheel,
)
from tocsin.store.records import ReceivingStream, SendingChain, Side, StoredWheel
from tocsin.store.tables import Tables
from tocsin_protocol.evidence import Evidence, may_send, may_turn
from tocsin_protocol.limits import (
    CHAIN_INDEX_MAX,
    EPOCH_HOURS,
    HOUR_DRIFT_MAX,
    LOOKAHEAD_EPOCHS_MAX,
    TTL_HOURS,
)
from tocsin_protocol.recognise import StreamId, StreamState
from tocsin_protocol.types import Epoch, Hour, IdentityKey, Now
from tocsin_protocol.wheel import (
    Link,
    Q,
    Roots,
    Wheel,
    direction_of,
    first_chain,
    first_wheel,
    turn,
)

KEPT_EPOCHS = TTL_HOURS[-1] // EPOCH_HOURS
"""Receiving keys outlive their day by the longest ttl, for envelopes that stores still hold."""


class CannotSend(TocsinError):
    """The clock, or the day's supply of indices, does not allow a send now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One index, taken for good as soon as `changes` are committed."""

    epoch: Epoch
    link: Link = field(repr=False)
    changes: tuple[Change, ...] = field(repr=False)


def begin_pair(
    *, contact: int, own: IdentityKey, other: IdentityKey, roots: Roots, epoch: Epoch, reached: Epoch
) -> list[Change]:
    """Both wheels from their first epoch; ours to send with goes on to the one that is `reached`."""
    sending = first_wheel(roots, direction_of(own, other), epoch)
    receiving = first_wheel(roots, direction_of(other, own), epoch)
    empty = Tables()
    return [
        *turn_side(empty, contact, Side.SENDING, sending, max(epoch, reached)),
        *turn_side(empty, contact, Side.RECEIVING, receiving, epoch),
    ]


def turn_side(tables: Tables, contact: int, side: Side, wheel: Wheel, to: Epoch) -> list[Change]:
    """Commit one side's turn: chains that have no stored state, the next wheel, and so the old one's end."""
    turned = turn(wheel, to)
    changes: list[Change] = [PutWheel(wheel=StoredWheel(contact=contact, side=side, wheel=turned.wheel))]
    for chain in turned.chains:
        if side is Side.SENDING and chain.epoch == to and (contact, to, chain.q) not in tables.sending:
            changes.append(PutSendingChain(sending=SendingChain(contact=contact, chain=chain)))
        stream = StreamId(contact=contact, epoch=chain.epoch, q=chain.q)
        if side is Side.RECEIVING and stream not in tables.receiving:
            state = StreamState(chain=chain, skipped=())
            changes.append(PutStream(receiving=ReceivingStream(stream=stream, state=state)))
    return changes


def committed_epoch(tables: Tables, contact: int, side: Side) -> Epoch:
    """The stored wheel is the first that is not committed yet."""
    return Epoch(tables.wheels[contact, side].epoch - 1)


def take_index(tables: Tables, contact: int, q: Q, now: Now) -> Taken:
    committed = committed_epoch(tables, contact, Side.SENDING)
    epoch = max(now.epoch, committed)
    # A clock a little behind may still seal for the day that has been committed.
    is_near = now.epoch < committed and hour_within(epoch, now) is not None
    if not is_near and not may_send(committed=committed, now=now):
        raise CannotSend(
            "the clock is not within a day of the last day that was confirmed: set the clock, "
            "or confirm it with: tocsin run --trust-clock"
        )
    chain = tables.sending.get((contact, epoch, q))
    if chain is None:
        chain = first_chain(tables.wheels[contact, Side.SENDING].at(epoch), q)
    if chain.index > CHAIN_INDEX_MAX:
        raise CannotSend(
            f"{CHAIN_INDEX_MAX + 1} notifications to one contact in a day are the limit: try tomorrow"
        )
    following, link = chain.step()
    change = PutSendingChain(sending=SendingChain(contact=contact, chain=following))
    return Taken(epoch=epoch, link=link, changes=(change,))


def hour_within(epoch: Epoch, now: Now) -> Hour | None:
    """The hour of `epoch` nearest to now, while relays take it: an envelope belongs to its key's day."""
    first = Hour(epoch * EPOCH_HOURS)
    nearest = min(max(now.hour, first), Hour(first + EPOCH_HOURS - 1))
    return nearest if is_live(nearest, now) else None


def is_live(hour: Hour, now: Now) -> bool:
    """Whether relays still pass on an envelope of this hour."""
    return abs(hour - now.hour) <= HOUR_DRIFT_MAX


def receiving_state(tables: Tables, stream: StreamId) -> StreamState | None:
    """What is stored, or what the wheel says by looking ahead; None once the keys are deleted.

    None also after so long an absence that the pair must introduce itself again.
    """
    state = tables.receiving.get(stream)
    if state is not None:
        return state
    wheel = tables.wheels[stream.contact, Side.RECEIVING]
    if not is_in_sight(wheel, stream.epoch):
        return None
    return StreamState(chain=first_chain(wheel.at(stream.epoch), stream.q), skipped=())


def turn_to_proof(tables: Tables, contact: int, epoch: Epoch) -> list[Change]:
    """An envelope of this epoch opened: their clock says that the day has come."""
    wheel = tables.wheels[contact, Side.RECEIVING]
    return turn_side(tables, contact, Side.RECEIVING, wheel, epoch) if epoch >= wheel.epoch else []


def turn_all(tables: Tables, now: Now, uptime_ms: int, clock_confirmed: bool) -> list[Change]:
    """Every turn that our own clock allows, and the deletion of keys whose time has passed."""
    evidence = Evidence(uptime_ms=uptime_ms, confirmed=clock_confirmed)
    changes: list[Change] = []
    reached: dict[tuple[int, Side], Epoch] = {}
    for (contact, side), wheel in tables.wheels.items():
        committed = committed_epoch(tables, contact, side)
        turns = may_turn(committed=committed, now=now, evidence=evidence)
        if turns and is_in_sight(wheel, now.epoch):
            changes += turn_side(tables, contact, side, wheel, now.epoch)
            committed = now.epoch
        reached[contact, side] = committed
    return [*changes, *delete_old(tables, reached)]


def delete_old(tables: Tables, reached: Mapping[tuple[int, Side], Epoch]) -> list[Change]:
    """Keys of days well before the one that is committed, whoever's clock committed it."""
    chains = [
        DeleteSendingChain(contact=contact, epoch=epoch, q=q)
        for contact, epoch, q in tables.sending
        if epoch < reached[contact, Side.SENDING]
    ]
    streams = [
        DeleteStream(stream=stream)
        for stream in tables.receiving
        if stream.epoch < reached[stream.contact, Side.RECEIVING] - KEPT_EPOCHS
    ]
    return [*chains, *streams]


def is_in_sight(wheel: Wheel, epoch: Epoch) -> bool:
    """Whether this wheel can be looked ahead or turned to that epoch."""
    return wheel.epoch <= epoch < wheel.epoch + LOOKAHEAD_EPOCHS_MAX
