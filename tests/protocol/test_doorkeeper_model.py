"""The doorkeeper under whatever comes in whatever order, beside a plain account of what it should keep.

Its limits are small here, so that all of them are reached; and it is only watched from outside.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from nacl.bindings import crypto_scalarmult

from tests.protocol.introductions import GUEST, NOW
from tests.protocol.knocks import (
    OPEN,
    PIN,
    WORKING,
    address,
    doorkeeper,
    garbage,
    knock,
    mid_of,
    stranger,
    worked_knock,
)
from tests.protocol.models import plays
from tocsin_protocol import doorkeeper as module
from tocsin_protocol.doorkeeper import KNOCK_HOURS
from tocsin_protocol.envelope import Envelope
from tocsin_protocol.inner_work import inner_bits
from tocsin_protocol.knock import body_id
from tocsin_protocol.knock_events import (
    Discarded,
    DropRequest,
    KnockArrived,
    KnockEffect,
    KnockerBlocked,
    KnockInput,
    KnockWitnessed,
    MeasureWork,
    RememberEphemeral,
    RequestDecided,
    StoreRequest,
    Terms,
    TermsChanged,
    Tick,
    WakeAt,
    Why,
    WorkMeasured,
)
from tocsin_protocol.limits import HOUR_MS
from tocsin_protocol.request import Request
from tocsin_protocol.types import BodyId, EnvelopeBytes, Hour, IdentityKey, Mid, Now

LIMITS = {
    "INNER_CHECKS_PER_S_MAX": 2,
    "INNER_CHECKS_WAITING_MAX": 4,
    "KNOCK_BODIES_MAX": 7,
    "KNOCK_DH_PER_S_MAX": 14,
    "KNOCK_EPHEMERALS_MAX": 3,
    "KNOCK_REQUESTS_MAX": 3,
}
STRANGERS = 8
CLOSED = Terms(identities=OPEN.identities, policy=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Knock:
    """`opens` says whether it is for us and honest, but for its inner work, which is measured elsewhere."""

    data: EnvelopeBytes
    body_id: BodyId
    mid: Mid
    sender: IdentityKey
    opens: bool


MAKERS: list[Callable[[int, int], bytes]] = [
    worked_knock,
    worked_knock,
    knock,
    lambda number, start: knock(number, start, text="another text under the same key"),
    lambda number, start: knock(number, start, ephemeral=number.to_bytes(32, "big")),
    lambda number, start: knock(number, start, to=address(owner=GUEST)),
    lambda number, start: knock(number, start, pin=PIN),
    lambda number, start: garbage(number + (start >> 16)),
]
OPENING = range(5)


@cache
def made(maker: int, number: int, restamped: bool) -> Knock:
    data = MAKERS[maker](number, (1 << 32) * restamped)
    envelope = Envelope.parse(data)
    return Knock(
        data=EnvelopeBytes(data),
        body_id=body_id(envelope.header, envelope.body),
        mid=mid_of(data),
        sender=stranger(number).identity_key,
        opens=maker in OPENING,
    )


KNOCKS = st.builds(made, st.integers(0, len(MAKERS) - 1), st.integers(1, STRANGERS), st.booleans())


class Keeper(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.patches = pytest.MonkeyPatch()
        for name, limit in LIMITS.items():
            self.patches.setattr(module, name, limit)
        self.patches.setattr("tocsin_protocol.noise.crypto_scalarmult", self.multiply)
        self.now: Now = NOW
        self.is_asked = False
        self.dh_ms: list[int] = []
        self.measured_ms: list[int] = []
        self.terms = WORKING
        self.blocked: set[IdentityKey] = set()
        self.came: dict[BodyId, Knock] = {}
        self.witnessed: set[Mid] = set()
        self.decided: set[bytes] = set()
        self.stored: dict[BodyId, Request] = {}
        self.ephemerals: dict[bytes, Hour] = {}
        self.start()

    def start(self) -> None:
        """With what was stored; what only waited is gone."""
        self.waiting: dict[BodyId, Knock] = {}
        self.measuring: dict[BodyId, Knock] = {}
        self.passed: set[BodyId] = set()
        self.wake_ms: int | None = None
        self.keeper = doorkeeper(
            self.terms,
            blocked=self.blocked,
            requests=self.stored.values(),
            ephemerals=self.ephemerals.items(),
        )
        self.dh_ms.clear()
        self.measured_ms.clear()

    def multiply(self, secret: bytes, public: bytes) -> bytes:
        if self.is_asked:
            self.dh_ms.append(self.now.steady_ms)
        return crypto_scalarmult(secret, public)

    def teardown(self) -> None:
        self.patches.undo()

    # Inputs

    @rule(each=KNOCKS, witnessed=st.booleans())
    def arrive(self, each: Knock, witnessed: bool) -> None:
        self.arrive_as(each, witnessed)

    def arrive_as(self, each: Knock, witnessed: bool) -> None:
        if witnessed:
            self.witnessed.add(each.mid)
        dh_before = len(self.dh_ms)
        effects = self.ask(KnockArrived(envelope=each.data, witnessed=witnessed))
        refused = {effect.why for effect in effects if isinstance(effect, Discarded)}
        let_in = not refused - {Why.CROWDED}
        assert not let_in or each.opens
        if self.terms is CLOSED:
            assert refused == {Why.CLOSED}
            assert len(self.dh_ms) == dh_before
        elif let_in:
            self.came[each.body_id] = each
            self.let_in(each, crowded=bool(refused))
        self.follow(effects)

    @rule(first=st.integers(0, 100), step=st.integers(1, 15), witnessed=st.booleans())
    def flood(self, first: int, step: int, witnessed: bool) -> None:
        """From one moment: more than may be opened, measured, kept or waited for."""
        for place in range(first, first + 12 * step, step):
            self.arrive_as(made(place % len(MAKERS), place % STRANGERS + 1, restamped=False), witnessed)

    @rule(starts=st.booleans())
    def crowd(self, starts: bool) -> None:
        """Everybody, and each with work that asks to be measured."""
        for number in range(1, STRANGERS + 1):
            self.arrive_as(made(0, number, restamped=starts), witnessed=True)

    def let_in(self, each: Knock, *, crowded: bool) -> None:
        """What asks for work waits, and of those who wait too many the worst outer stamp leaves."""
        if not inner_bits(self.terms.policy):
            self.passed.add(each.body_id)
            if crowded:
                self.check_that_it_was_the_worst(each)
            return
        self.waiting[each.body_id] = each
        assert crowded is (len(self.waiting) > LIMITS["INNER_CHECKS_WAITING_MAX"])
        if crowded:
            del self.waiting[max(self.waiting.values(), key=lambda waiting: waiting.mid).body_id]

    def check_that_it_was_the_worst(self, each: Knock) -> None:
        assert len(self.stored) == LIMITS["KNOCK_REQUESTS_MAX"]
        assert each.mid > max(request.mid for request in self.stored.values())

    @rule(pick=st.integers(0, 100), enough=st.booleans())
    def measure(self, pick: int, enough: bool) -> None:
        if self.measuring:
            each = list(self.measuring.values())[pick % len(self.measuring)]
            del self.measuring[each.body_id]
            asked = inner_bits(self.terms.policy)
            zero_bits = asked if enough else max(0, asked - 1)
            if zero_bits >= asked and each.sender not in self.blocked and self.terms is not CLOSED:
                self.passed.add(each.body_id)
            measured = WorkMeasured(body_id=each.body_id, zero_bits=zero_bits)
            effects = self.ask(measured)
            if Discarded(why=Why.CROWDED) in effects:
                self.check_that_it_was_the_worst(each)
            self.follow(effects)

    @rule(each=KNOCKS)
    def witness(self, each: Knock) -> None:
        self.witnessed.add(each.mid)
        self.handle(KnockWitnessed(mid=each.mid))

    @rule(pick=st.integers(0, 100))
    def decide(self, pick: int) -> None:
        if self.stored:
            chosen = list(self.stored)[pick % len(self.stored)]
            self.handle(RequestDecided(body_id=chosen))
            assert chosen not in self.stored

    @rule(number=st.integers(1, STRANGERS), sure=st.integers(0, 9))
    def block(self, number: int, sure: int) -> None:
        """Seldom, or soon nobody is left."""
        if not sure:
            knocker = stranger(number).identity_key
            self.blocked.add(knocker)
            self.waiting = {key: each for key, each in self.waiting.items() if each.sender != knocker}
            self.handle(KnockerBlocked(identity_key=knocker))
            assert all(request.peer.identity_key != knocker for request in self.stored.values())

    @rule(terms=st.sampled_from([OPEN, WORKING, WORKING, WORKING, CLOSED]))
    def change_terms(self, terms: Terms) -> None:
        self.terms = terms
        if terms is CLOSED:
            self.waiting.clear()
        self.handle(TermsChanged(terms=terms))

    @rule(ms=st.sampled_from([0, 1, 400, 999, 1_000, HOUR_MS, 80 * HOUR_MS]))
    def pass_time(self, ms: int) -> None:
        self.now = Now(unix_ms=self.now.unix_ms + ms, steady_ms=self.now.steady_ms + ms)
        self.handle(Tick())
        hidden_for_good = [request for request in self.stored.values() if not request.shown]
        assert all(self.now.hour <= request.born_hour + KNOCK_HOURS for request in hidden_for_good)

    @rule(ms=st.sampled_from([-HOUR_MS, HOUR_MS]))
    def set_the_clock(self, ms: int) -> None:
        """Rates must not notice."""
        self.now = Now(unix_ms=self.now.unix_ms + ms, steady_ms=self.now.steady_ms)

    @rule()
    def restart(self) -> None:
        self.start()

    # Effects

    def ask(self, event: KnockInput) -> list[KnockEffect]:
        """Only what it does itself is counted: knocks are made by others."""
        self.is_asked = True
        effects = self.keeper.handle(event, self.now)
        self.is_asked = False
        return effects

    def handle(self, event: KnockInput) -> None:
        self.follow(self.ask(event))

    def follow(self, effects: list[KnockEffect]) -> None:
        for effect in effects:
            match effect:
                case MeasureWork(body_id=body):
                    best = min(self.waiting.values(), key=lambda each: each.mid)
                    assert body == best.body_id, "the best outer stamp is measured first"
                    self.measuring[body] = self.waiting.pop(body)
                    self.measured_ms.append(self.now.steady_ms)
                case StoreRequest(request=request):
                    assert request.body_id in self.passed, "nobody gets in unasked"
                    assert self.came[request.body_id].sender == request.peer.identity_key
                    assert not request.shown or request.mid in self.witnessed
                    assert request.handshake.initiator_ephemeral not in self.decided
                    self.stored[request.body_id] = request
                case DropRequest(body_id=body):
                    self.drop(self.stored.pop(body), effects)
                case RememberEphemeral(ephemeral=ephemeral, until_hour=until_hour):
                    self.ephemerals[ephemeral] = until_hour
                case WakeAt(steady_ms=steady_ms):
                    assert self.now.steady_ms < steady_ms <= self.now.steady_ms + 1_000
                case Discarded():
                    pass

    def drop(self, dropped: Request, effects: list[KnockEffect]) -> None:
        """To make room for another's, only the worst outer stamp leaves."""
        stored = [effect.request for effect in effects if isinstance(effect, StoreRequest)]
        if stored and stored[0].peer.identity_key != dropped.peer.identity_key:
            kept = [*self.stored.values(), *stored]
            assert dropped.mid > max(request.mid for request in kept)

    # What always holds

    @invariant()
    def queues_are_bounded(self) -> None:
        assert len(self.stored) <= LIMITS["KNOCK_REQUESTS_MAX"]
        assert len(self.waiting) <= LIMITS["INNER_CHECKS_WAITING_MAX"]
        assert len(self.measuring) <= LIMITS["INNER_CHECKS_PER_S_MAX"]

    @invariant()
    def no_map_of_it_is_larger_than_the_largest_may_be(self) -> None:
        sizes = [len(kept) for kept in vars(self.keeper).values() if isinstance(kept, dict | list | set)]
        assert max(sizes) <= LIMITS["KNOCK_BODIES_MAX"]

    @invariant()
    def no_second_has_more_than_its_share(self) -> None:
        for moments, per_second in (
            (self.dh_ms, LIMITS["KNOCK_DH_PER_S_MAX"]),
            (self.measured_ms, LIMITS["INNER_CHECKS_PER_S_MAX"]),
        ):
            for first, after in zip(moments, moments[per_second:], strict=False):
                assert after - first >= 1_000

    @invariant()
    def what_waits_will_be_measured(self) -> None:
        """Unless as many as may be have no outcome yet, somebody will wake it in a second."""
        if self.waiting and len(self.measuring) < LIMITS["INNER_CHECKS_PER_S_MAX"]:
            last = self.measured_ms[-LIMITS["INNER_CHECKS_PER_S_MAX"]]
            assert self.now.steady_ms - last < 1_000


Keeper.TestCase.settings = plays(examples=60, steps=50)
TestKeeper = Keeper.TestCase
