"""Two people with sessions, tables, stores and clocks of their own, and the letters between them.

A letter stands for an envelope: it opens for whoever has its key.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from tocsin_protocol import effects as fx
from tocsin_protocol.control import Control
from tocsin_protocol.effects import Effect, Role, Side
from tocsin_protocol.evidence import Evidence
from tocsin_protocol.identity import Identity, Seed
from tocsin_protocol.limits import EPOCH_HOURS, HOUR_DRIFT_MAX, HOUR_MS
from tocsin_protocol.recognise import Recogniser, StreamId, StreamMatch, StreamState
from tocsin_protocol.renewal import Draw
from tocsin_protocol.session import Begin, Input, Opened, Reserve, Session, Tick
from tocsin_protocol.types import Epoch, Hour, MessageKey, NotificationId, Now, Tag
from tocsin_protocol.wheel import Chain, Q, Roots

EPOCH = Epoch(20_000)
NOON = Now(unix_ms=(EPOCH * EPOCH_HOURS + 12) * HOUR_MS, steady_ms=0)
ROOTS = Roots(generation=0, key=b"\x01" * 32, wheel_key=b"\x02" * 32)
BELIEVED = Evidence(uptime_ms=HOUR_MS)
CONFIRMED_CLOCK = Evidence(uptime_ms=0, confirmed=True)
NO_EVIDENCE = Evidence(uptime_ms=0)
MINUTE_MS = 60_000
DAY_MS = EPOCH_HOURS * HOUR_MS

SEEDS = (Seed(b"\x01" * 32), Seed(b"\x02" * 32))
LOW, HIGH = sorted((Identity.from_seed(seed) for seed in SEEDS), key=lambda identity: identity.identity_key)


def later(now: Now, ms: int) -> Now:
    return Now(unix_ms=now.unix_ms + ms, steady_ms=now.steady_ms + max(0, ms))


def at(epoch: int, hour: int = 12, minute: int = 0) -> Now:
    return Now(unix_ms=(epoch * EPOCH_HOURS + hour) * HOUR_MS + minute * MINUTE_MS, steady_ms=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """`control` is None when it is something for a person."""

    tag: Tag
    key: MessageKey
    nid: NotificationId
    number: int
    epoch: Epoch
    q: Q
    index: int
    born_hour: Hour
    control: Control | None = None


@dataclass(slots=True)
class Records:
    """A store that knows what it has: deleting what is not there is an error, and so is putting it twice."""

    generations: dict[int, fx.PutGeneration] = field(default_factory=dict)
    roots: dict[int, fx.PutRoot] = field(default_factory=dict)
    wheels: dict[tuple[int, Side], fx.PutWheel] = field(default_factory=dict)
    sending: dict[tuple[int, Epoch, Q], fx.PutSending] = field(default_factory=dict)
    streams: dict[StreamId, fx.PutStream] = field(default_factory=dict)
    single: dict[str, Effect] = field(default_factory=dict)

    def commit(self, effects: Iterable[Effect]) -> None:  # noqa: PLR0912 - one arm an effect
        for effect in effects:
            match effect:
                case fx.PutGeneration(generation=generation):
                    self.generations[generation.number] = effect
                case fx.DeleteGeneration(number=number):
                    del self.generations[number]
                case fx.PutRoot(number=number):
                    assert number not in self.roots
                    self.roots[number] = effect
                case fx.DeleteRoot(number=number):
                    del self.roots[number]
                case fx.PutWheel(number=number, side=side, wheel=wheel):
                    before = self.wheels.get((number, side))
                    assert before is None or before.wheel.epoch < wheel.epoch
                    self.wheels[number, side] = effect
                case fx.DeleteWheel(number=number, side=side):
                    del self.wheels[number, side]
                case fx.PutSending(number=number, chain=chain):
                    self.sending[number, chain.epoch, chain.q] = effect
                case fx.DeleteSending(number=number, epoch=epoch, q=q):
                    del self.sending[number, epoch, q]
                case fx.PutStream(stream=stream, state=state):
                    old = self.streams.get(stream)
                    assert old is None or old.state.opened < state.opened
                    self.streams[stream] = effect
                case fx.DeleteStream(stream=stream):
                    del self.streams[stream]
                case fx.PutOffering():
                    self.single["offering"] = effect
                case fx.DeleteOffering():
                    del self.single["offering"]
                case fx.PutAcceptance():
                    self.single["acceptance"] = effect
                case fx.DeleteAcceptance():
                    del self.single["acceptance"]
                case fx.PutGrant():
                    self.single["grant"] = effect
                case fx.PutCard():
                    self.single["card"] = effect
                case _:
                    pass

    def all(self) -> Iterator[Effect]:
        for table in (self.single, self.streams, self.sending, self.wheels, self.roots, self.generations):
            yield from table.values()

    def copy(self) -> "Records":
        return Records(
            generations=dict(self.generations),
            roots=dict(self.roots),
            wheels=dict(self.wheels),
            sending=dict(self.sending),
            streams=dict(self.streams),
            single=dict(self.single),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A node's disk at one moment."""

    records: Records
    leaving: tuple[tuple[int, Letter], ...]
    opened: tuple[Letter, ...]


class Person:
    """One node with one contact; `skew_ms` is how far its clock is ahead of the world's.

    A node with more contacts has one of these for each of them, around one table.
    """

    def __init__(
        self,
        me: Identity,
        other: Identity,
        *,
        skew_ms: int = 0,
        contact: int = 1,
        table: Recogniser | None = None,
    ) -> None:
        self.me, self.other = me, other
        self.skew_ms = skew_ms
        self.contact = contact
        self.records = Records()
        self.log: list[Effect] = []
        self.leaving: list[tuple[int, Letter]] = []
        self.opened: list[Letter] = []
        self.draws = 0
        self._restore(table)

    def _restore(self, table: Recogniser | None) -> None:
        own, other = self.me.identity_key, self.other.identity_key
        self.session = Session(contact=self.contact, own=own, other=other)
        self.session.apply(self.records.all())
        self.recogniser = Recogniser() if table is None else table
        self.watched: set[StreamId] = set()

    def crash(self, table: Recogniser | None = None) -> None:
        """All that was only in memory is gone."""
        self._restore(table)

    def snapshot(self) -> "Snapshot":
        return Snapshot(records=self.records.copy(), leaving=tuple(self.leaving), opened=tuple(self.opened))

    def roll_back(self, snapshot: "Snapshot") -> None:
        """The disk is as it was then, all of it; what was random since is not random the same way again."""
        self.records = snapshot.records.copy()
        self.leaving = list(snapshot.leaving)
        self.opened = list(snapshot.opened)
        self.crash()

    def clock(self, now: Now) -> Now:
        return Now(unix_ms=now.unix_ms + self.skew_ms, steady_ms=now.steady_ms)

    def draw(self) -> Draw:
        self.draws += 1
        pair = self.me.identity_key + self.other.identity_key
        seed = hashlib.sha512(pair + self.draws.to_bytes(8, "big")).digest()
        return Draw(secret=seed[:32], chance=seed[32:40])

    def handle(self, event: Input, now: Now) -> tuple[Effect, ...]:
        """Handled and committed."""
        effects = self.session.handle(event, self.clock(now))
        self.commit(effects, now)
        return effects

    def commit(self, effects: tuple[Effect, ...], now: Now) -> None:
        self.records.commit(effects)
        self.session.apply(effects)
        self.log += effects
        for effect in effects:
            match effect:
                case fx.Seal():
                    letter = Letter(
                        tag=effect.link.tag,
                        key=effect.link.key,
                        nid=effect.link.nid,
                        number=effect.number,
                        epoch=effect.epoch,
                        q=Q.CONTROL,
                        index=effect.link.index,
                        born_hour=Hour(0),
                        control=effect.control,
                    )
                    self.leaving.append((effect.not_before_ms - self.skew_ms, letter))
                case fx.PutStream(stream=stream, state=state) if stream in self.watched:
                    self.recogniser.apply(stream, state)
                case fx.DeleteStream(stream=stream):
                    self.recogniser.forget_stream(stream)
                    self.watched.discard(stream)
                case fx.StopWindows(epoch=epoch, q=q):
                    self.recogniser.stop_windows(self.contact, epoch, q)
                case _:
                    pass
        self.refresh(now)

    def refresh(self, now: Now) -> None:
        wanted = set(self.session.pair.live_streams(self.clock(now)))
        for stream in self.watched - wanted:
            self.recogniser.forget_stream(stream)
        for stream in wanted - self.watched:
            window = self.session.pair.has_window(stream.epoch, stream.q)
            self.recogniser.watch(stream, self.state_of(stream), window=window)
        self.watched = wanted

    def state_of(self, stream: StreamId) -> StreamState:
        stored = self.records.streams.get(stream)
        state = stored.state if stored is not None else self.session.pair.look_ahead(stream)
        assert state is not None
        return state

    def introduce(self, now: Now, role: Role, roots: Roots = ROOTS, epoch: Epoch | None = None) -> None:
        epoch = self.clock(now).epoch if epoch is None else epoch
        introduced = Begin(
            roots=roots, epoch=epoch, reached=epoch, role=role, card=self.other.card, draw=self.draw()
        )
        self.handle(introduced, now)

    def tick(self, now: Now, evidence: Evidence = BELIEVED) -> tuple[Effect, ...]:
        return self.handle(Tick(evidence=evidence, draw=self.draw()), now)

    def send(self, now: Now, q: Q = Q.RING, *, one_shot: bool = False) -> Letter | None:
        """A letter for a person, leaving at once; None when nothing can be sent."""
        effects = self.handle(Reserve(q=q, one_shot=one_shot), now)
        reserved = [effect for effect in effects if isinstance(effect, fx.Reserved)]
        if not reserved:
            return None
        link = reserved[0].link
        letter = Letter(
            tag=link.tag,
            key=link.key,
            nid=link.nid,
            number=reserved[0].number,
            epoch=reserved[0].epoch,
            q=q,
            index=link.index,
            born_hour=Hour(0),
        )
        return self.born(letter, now)

    def must_send(self, now: Now, q: Q = Q.RING) -> Letter:
        letter = self.send(now, q)
        assert letter is not None
        return letter

    def born(self, letter: Letter, now: Now) -> Letter | None:
        """With the hour that it leaves in, if relays take its epoch then."""
        hour = self.clock(now).hour
        first = letter.epoch * EPOCH_HOURS
        nearest = Hour(min(max(hour, first), first + EPOCH_HOURS - 1))
        return replace(letter, born_hour=nearest) if abs(nearest - hour) <= HOUR_DRIFT_MAX else None

    def leave(self, now: Now) -> list[Letter]:
        """The control letters whose time has come."""
        due = [letter for at_ms, letter in self.leaving if at_ms <= now.unix_ms]
        self.leaving = [item for item in self.leaving if item[0] > now.unix_ms]
        return [born for letter in due if (born := self.born(letter, now)) is not None]

    def receive(self, letter: Letter, now: Now, *, witnessed: bool = True) -> tuple[Effect, ...] | None:
        """What followed from a letter that opened; None for a miss."""
        if abs(letter.born_hour - self.clock(now).hour) > HOUR_DRIFT_MAX:
            return None
        self.refresh(now)
        match = self.recogniser.find(letter.tag, letter.born_hour)
        if not isinstance(match, StreamMatch) or match.link.key != letter.key:
            return None
        state = self.recogniser.advance(match)
        return self.open(letter, match.stream, state, now, witnessed=witnessed)

    def open(
        self, letter: Letter, stream: StreamId, state: StreamState, now: Now, *, witnessed: bool = True
    ) -> tuple[Effect, ...]:
        self.opened.append(letter)
        opened = Opened(
            stream=stream,
            index=letter.index,
            state=state,
            born_hour=letter.born_hour,
            control=letter.control,
            witnessed=witnessed,
            draw=self.draw(),
        )
        return self.handle(opened, now)

    @property
    def number(self) -> int:
        """The current generation's."""
        current = self.session.pair.current
        assert current is not None
        return current.number


def introduced(now: Now = NOON, *, began: Identity = LOW, roots: Roots = ROOTS) -> tuple[Person, Person]:
    """The lower and the higher key's owner, just after an introduction that one of them began."""
    low, high = Person(LOW, HIGH), Person(HIGH, LOW)
    for person in (low, high):
        person.introduce(now, Role.BEGAN if person.me is began else Role.ANSWERED, roots)
    return low, high


def exchange(now: Now, *people: Person, minutes: int = 60, lost: object = ()) -> Now:
    """Pass time, minute by minute, and every control letter that leaves; the moment after it."""
    kinds = lost if isinstance(lost, tuple) else (lost,)
    for _ in range(minutes):
        now = later(now, MINUTE_MS)
        for sender in people:
            for letter in sender.leave(now):
                if not any(isinstance(letter.control, kind) for kind in kinds):
                    for receiver in people:
                        if receiver is not sender:
                            receiver.receive(letter, now)
    return now


def settled(now: Now = NOON, *, began: Identity = LOW) -> tuple[Person, Person, Now]:
    """Two people after the first renewal."""
    low, high = introduced(now, began=began)
    now = exchange(now, low, high)
    assert low.number == high.number == 1
    return low, high, now


def kinds(effects: Iterable[Effect] | None, *wanted: type[Effect]) -> list[Effect]:
    """Those of these types."""
    return [effect for effect in effects or () if isinstance(effect, wanted)]


def keys_of(chain: Chain, count: int) -> set[MessageKey]:
    """The next message keys of a chain."""
    keys = set[MessageKey]()
    for _ in range(count):
        chain, link = chain.step()
        keys.add(link.key)
    return keys
