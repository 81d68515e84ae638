"""All that a pair shares at one moment: generations, keys, counters; and how effects change it.

It decides nothing: which effects there are is the business of those that use a draft of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import assert_never

from tocsin_protocol import effects as fx
from tocsin_protocol.effects import Effect, Generation, Role, Side
from tocsin_protocol.grant import Grant
from tocsin_protocol.identity import Card
from tocsin_protocol.limits import EPOCH_HOURS, LOOKAHEAD_EPOCHS_MAX, OLD_GENERATION_MS
from tocsin_protocol.recognise import StreamId, StreamState, live_epochs
from tocsin_protocol.sending import Sending
from tocsin_protocol.types import Epoch, Hour, IdentityKey, Now
from tocsin_protocol.wheel import Direction, Q, Wheel, direction_of, first_chain

NO_LIMIT = Grant()


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How much of one stream has come and how much of it has not."""

    opened: int
    missing: int


@dataclass(slots=True, kw_only=True)
class Pair:
    """`contact` is the store's number for the other person; streams are stored by epoch, all q together.

    Of a stream's state only counts are kept: the keys of eight days are the store's, not the memory's.
    """

    contact: int
    own: IdentityKey
    other: IdentityKey
    generations: dict[int, Generation] = field(default_factory=dict)
    roots: dict[int, bytes] = field(default_factory=dict, repr=False)
    wheels: dict[tuple[int, Side], Wheel] = field(default_factory=dict)
    sending: dict[tuple[int, Epoch, Q], Sending] = field(default_factory=dict)
    epochs: dict[int, tuple[Epoch, ...]] = field(default_factory=dict)
    counts: dict[StreamId, Count] = field(default_factory=dict)
    offering: fx.Offering | None = None
    acceptance: fx.Acceptance | None = None
    grant: Grant = NO_LIMIT
    card: Card | None = None
    heard_ms: int | None = None

    def copy(self) -> "Pair":
        return Pair(
            contact=self.contact,
            own=self.own,
            other=self.other,
            generations=dict(self.generations),
            roots=dict(self.roots),
            wheels=dict(self.wheels),
            sending=dict(self.sending),
            epochs=dict(self.epochs),
            counts=dict(self.counts),
            offering=self.offering,
            acceptance=self.acceptance,
            grant=self.grant,
            card=self.card,
            heard_ms=self.heard_ms,
        )

    @property
    def current(self) -> Generation | None:
        """The newest generation that both are known to hold, or the first one while there is no such."""
        confirmed = [g for g in self.generations.values() if g.confirmed_ms is not None]
        if confirmed:
            return max(confirmed, key=lambda generation: generation.number)
        return min(self.generations.values(), key=lambda generation: generation.number, default=None)

    @property
    def next(self) -> Generation | None:
        """The generation after the current one, which one side may not hold yet."""
        current = self.current
        return None if current is None else self.generations.get(current.number + 1)

    def sending_generation(self, now: Now) -> int | None:
        """What to seal under: the newest that the other side surely holds, and that has begun by our clock.

        Who answered a handshake waits for proof that the answer came; until then the older one goes on.
        """
        for number in sorted(self.generations, reverse=True):
            generation = self.generations[number]
            held = generation.confirmed_ms is not None or generation.role is Role.BEGAN  # TOC-4 §3.3
            if held and generation.epoch <= now.epoch and (number, Side.SENDING) in self.wheels:
                return number
        return None

    def direction(self, side: Side) -> Direction:
        sender, receiver = (self.own, self.other) if side is Side.SENDING else (self.other, self.own)
        return direction_of(sender, receiver)

    def committed(self, number: int, side: Side) -> Epoch:
        """The stored wheel is the first that is not committed yet."""
        return Epoch(self.wheels[number, side].epoch - 1)

    def opened(self, epoch: Epoch, q: Q) -> int:
        """Over all generations: what a grant limits is what a person sends in a day."""
        return sum(
            count.opened for stream, count in self.counts.items() if (stream.epoch, stream.q) == (epoch, q)
        )

    def has_window(self, epoch: Epoch, q: Q) -> bool:
        """Whether these streams are looked ahead in, or were used more than the grant allows."""
        limit = self.grant.limit_per_day(q)
        return limit is None or self.opened(epoch, q) <= limit  # TOC-4 §2.5

    def look_ahead(self, stream: StreamId) -> StreamState | None:
        """The state of a stream that is not stored yet, as far as its wheel can be looked ahead."""
        if not self._can_look_ahead(stream.generation, stream.epoch):
            return None
        wheel = self.wheels[stream.generation, Side.RECEIVING]
        return StreamState(chain=first_chain(wheel.at(stream.epoch), stream.q))

    def streams(self, epoch: Epoch) -> Iterator[StreamId]:
        """All that may be looked for in the envelopes of this epoch, stored or not."""
        if self.grant.is_over(Hour(epoch * EPOCH_HOURS)):
            return
        for number in sorted(self.generations):
            if epoch in self.epochs.get(number, ()) or self._can_look_ahead(number, epoch):
                for q in Q:
                    yield StreamId(contact=self.contact, generation=number, epoch=epoch, q=q)

    def live_streams(self, now: Now) -> tuple[StreamId, ...]:
        """What belongs into the table now: an old generation only for a while after the renewal."""
        if self.grant.is_over(now.hour):
            return ()
        return tuple(
            stream
            for epoch in live_epochs(now)
            for stream in self.streams(epoch)
            if not self._has_left(stream.generation, now)
        )

    def _can_look_ahead(self, number: int, epoch: Epoch) -> bool:
        wheel = self.wheels.get((number, Side.RECEIVING))
        return wheel is not None and wheel.epoch <= epoch < wheel.epoch + LOOKAHEAD_EPOCHS_MAX

    def _has_left(self, number: int, now: Now) -> bool:
        following = self.generations.get(number + 1)
        if following is None or following.confirmed_ms is None:
            return False
        return now.unix_ms - following.confirmed_ms >= OLD_GENERATION_MS

    def apply(self, effect: Effect) -> None:  # noqa: PLR0912 - one arm an effect
        """Take over one effect, after its commit; restoring applies what is stored."""
        match effect:
            case fx.PutGeneration(generation=generation):
                self.generations[generation.number] = generation
            case fx.DeleteGeneration(number=number):
                del self.generations[number]
            case fx.PutRoot(number=number, key=key):
                self.roots[number] = key
            case fx.DeleteRoot(number=number):
                del self.roots[number]
            case fx.PutWheel(number=number, side=side, wheel=wheel):
                self.wheels[number, side] = wheel
            case fx.DeleteWheel(number=number, side=side):
                del self.wheels[number, side]
            case fx.PutSending(number=number, chain=chain):
                self.sending[number, chain.epoch, chain.q] = Sending(chain=chain, stored=chain.index)
            case fx.DeleteSending(number=number, epoch=epoch, q=q):
                del self.sending[number, epoch, q]
            case fx.Reserved(number=number, following=following):
                key_of = (number, following.epoch, following.q)
                self.sending[key_of] = Sending(chain=following, stored=self.sending[key_of].stored)
                self._count_message(number)
            case fx.PutStream(stream=stream, state=state):
                self._put_stream(stream, state)
            case fx.DeleteStream(stream=stream):
                self._delete_stream(stream)
            case fx.PutOffering(offering=offering):
                self.offering = offering
            case fx.DeleteOffering():
                self.offering = None
            case fx.PutAcceptance(acceptance=acceptance):
                self.acceptance = acceptance
            case fx.DeleteAcceptance():
                self.acceptance = None
            case fx.PutGrant(grant=grant):
                self.grant = grant
            case fx.PutCard(card=card):
                self.card = card
            case fx.Heard(number=number, at_ms=at_ms):
                self.heard_ms = at_ms
                self._count_message(number)
            case (
                fx.Seal()
                | fx.Confirmed()
                | fx.Granted()
                | fx.StopWindows()
                | fx.RateLimited()
                | fx.Missed()
                | fx.ClockSkew()
                | fx.Ignored()
            ):
                pass
            case _:
                assert_never(effect)

    def _put_stream(self, stream: StreamId, state: StreamState) -> None:
        epochs = self.epochs.get(stream.generation, ())
        if stream.epoch not in epochs:
            self.epochs[stream.generation] = tuple(sorted((*epochs, stream.epoch)))
        if state.chain.index:
            self.counts[stream] = Count(opened=state.opened, missing=state.missing)

    def _delete_stream(self, stream: StreamId) -> None:
        self.counts.pop(stream, None)
        left = tuple(epoch for epoch in self.epochs.get(stream.generation, ()) if epoch != stream.epoch)
        if left:
            self.epochs[stream.generation] = left
        else:
            self.epochs.pop(stream.generation, None)

    def _count_message(self, number: int) -> None:
        generation = self.generations[number]
        self.generations[number] = replace(generation, messages=generation.messages + 1)
