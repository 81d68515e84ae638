"""Takes in the knocks of strangers: the cheap checks first, the dear ones rationed, few shown to a person.

It answers nobody: what a person is shown is an effect, and only a person's yes makes message 2.
"""

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import assert_never

from tocsin_protocol import knock, noise
from tocsin_protocol.envelope import KNOCK_KIND, Envelope, message_id, stamp_need
from tocsin_protocol.errors import Reason, RemoteProtocolError
from tocsin_protocol.identity import Card, Identity
from tocsin_protocol.inner_work import InnerWork, inner_bits
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
from tocsin_protocol.limits import (
    HOUR_DRIFT_MAX,
    INNER_CHECKS_PER_S_MAX,
    INNER_CHECKS_WAITING_MAX,
    KNOCK_BODIES_MAX,
    KNOCK_DH_PER_S_MAX,
    KNOCK_EPHEMERALS_MAX,
    KNOCK_REQUESTS_MAX,
    KNOCK_SIZE,
    KNOCK_TTL_INDEX,
    PUBLIC_KEY_SIZE,
    TTL_HOURS,
)
from tocsin_protocol.network import Network
from tocsin_protocol.rate import Rate
from tocsin_protocol.request import Request
from tocsin_protocol.stamp import is_paid
from tocsin_protocol.topics import knock_topic
from tocsin_protocol.types import BodyId, Hour, IdentityKey, Mid, Now

KNOCK_HOURS = TTL_HOURS[KNOCK_TTL_INDEX] + HOUR_DRIFT_MAX
"""For so long after its birth anybody may still show a knock; then nothing of it need be remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    """Opened and believed; what is missing is the measure of its inner work."""

    request: Request
    work: InnerWork
    nonce: bytes


class Doorkeeper:
    """`contacts` has the newest card of everybody we know and `blocked` whom we do not want to know.

    Both are read whenever they are needed, so they may change between two calls. Everything kept here is
    bounded; where there is no room the worst outer stamp leaves, and may come again with a better one.
    """

    def __init__(
        self,
        *,
        network: Network,
        terms: Terms,
        contacts: Mapping[IdentityKey, Card],
        blocked: AbstractSet[IdentityKey],
        requests: Iterable[Request] = (),
        ephemerals: Iterable[tuple[bytes, Hour]] = (),
    ) -> None:
        """`requests` and `ephemerals` are what an earlier run stored."""
        self._network = network
        self._topic = knock_topic(network)
        self._need = stamp_need(network, KNOCK_KIND, KNOCK_SIZE)
        self._terms = terms
        self._contacts = contacts
        self._blocked = blocked
        self._requests = {request.body_id: request for request in requests}
        self._ephemerals = dict(sorted(ephemerals, key=lambda kept: kept[1])[-KNOCK_EPHEMERALS_MAX:])
        self._bodies: dict[BodyId, None] = {}
        self._waiting: dict[BodyId, _Candidate] = {}
        self._measuring: dict[BodyId, _Candidate] = {}
        self._dh_rate = Rate(KNOCK_DH_PER_S_MAX)
        self._measure_rate = Rate(INNER_CHECKS_PER_S_MAX)
        self._wake_at_ms: int | None = None

    def handle(self, event: KnockInput, now: Now) -> list[KnockEffect]:
        return [*self._take_in(event, now), *self._measure_best(now)]

    def _take_in(self, event: KnockInput, now: Now) -> list[KnockEffect]:
        match event:
            case KnockArrived():
                return self._arrive(event, now)
            case KnockWitnessed(mid=mid):
                return self._witness(mid)
            case WorkMeasured(body_id=body_id, zero_bits=zero_bits):
                return self._judge_work(body_id, zero_bits)
            case RequestDecided(body_id=body_id):
                return self._decide(body_id)
            case KnockerBlocked(identity_key=identity_key):
                return self._block(identity_key)
            case TermsChanged(terms=terms):
                self._change_terms(terms)
                return []
            case Tick():
                return self._expire(now)
            case _:
                assert_never(event)

    def _arrive(self, arrived: KnockArrived, now: Now) -> list[KnockEffect]:
        try:
            opened = self._open(arrived, now)
        except RemoteProtocolError as error:
            return [Discarded(why=error.reason)]
        if isinstance(opened, Why):
            return [Discarded(why=opened)]
        return self._enqueue(opened) if isinstance(opened, Request) else self._wait(opened)

    def _open(self, arrived: KnockArrived, now: Now) -> _Candidate | Request | Why:
        """The checks in the order of their price; the outer stamp pays for all that follow it."""
        if self._terms.policy == 0:  # TOC-5 §5.3
            return Why.CLOSED
        envelope = Envelope.parse(arrived.envelope)
        if envelope.kind != KNOCK_KIND:
            raise RemoteProtocolError(Reason.KIND, "no knock")
        if not -HOUR_DRIFT_MAX <= now.hour - envelope.born_hour <= KNOCK_HOURS:
            raise RemoteProtocolError(Reason.HOUR, "from the future, or expired")
        mid = message_id(self._network, self._topic, arrived.envelope)
        if not is_paid(mid, self._need):
            raise RemoteProtocolError(Reason.STAMP, "the outer stamp is too cheap")
        body_id = knock.body_id(envelope.header, envelope.body)
        if body_id in self._bodies:
            return Why.SEEN
        if self._has_met(envelope.body[:PUBLIC_KEY_SIZE]):
            return Why.EPHEMERAL
        self._remember_body(body_id)
        found = self._find_key(envelope, now)
        if found is None or not self._dh_rate.take(now):
            del self._bodies[body_id]
            return Why.BUSY
        identity, static = found
        handshake, said = knock.open_payload(static)
        peer, nonce = knock.read_knocker(
            said, handshake=handshake, reader=identity.identity_key, now=now, seen=self._contacts
        )
        if peer.identity_key in self._blocked:
            return Why.BLOCKED
        request = Request(
            body_id=body_id,
            mid=mid,
            born_hour=envelope.born_hour,
            peer=peer,
            from_contact=False,
            shown=arrived.witnessed,
            rotation=identity.rotation.number,
            handshake=handshake,
        )
        request = self._mark_contact(request)
        if inner_bits(self._terms.policy) == 0:
            return request
        if nonce is None:
            return Why.WORK
        work = InnerWork.on(static.static_hash, identity.identity_key, handshake.initiator_ephemeral)
        return _Candidate(request=request, work=work, nonce=nonce)

    def _find_key(self, envelope: Envelope, now: Now) -> tuple[Identity, noise.StaticRead] | None:
        """Which contact key of ours it was meant for; None when there is no time left to find out."""
        for identity in self._terms.identities:
            if not self._dh_rate.take(now):
                return None
            try:
                static = knock.open_static(
                    identity=identity, pin=self._terms.pin, network=self._network, envelope=envelope
                )
            except RemoteProtocolError:
                continue
            return identity, static
        raise RemoteProtocolError(Reason.NOISE, "it is for somebody else, or under another PIN")

    def _mark_contact(self, request: Request) -> Request:
        """Somebody we know asks to be introduced again; what they write would be trusted too easily."""
        if request.peer.identity_key not in self._contacts:
            return request
        return replace(request, from_contact=True, peer=replace(request.peer, text=""))

    def _has_met(self, ephemeral: bytes) -> bool:
        """Only its maker can open with it, so nobody else can use up an honest one."""
        if ephemeral in self._ephemerals:
            return True
        candidates = (*self._waiting.values(), *self._measuring.values())
        open_ones = (*(candidate.request for candidate in candidates), *self._requests.values())
        return any(request.handshake.initiator_ephemeral == ephemeral for request in open_ones)

    def _remember_body(self, body_id: BodyId) -> None:
        if len(self._bodies) == KNOCK_BODIES_MAX:
            del self._bodies[next(iter(self._bodies))]
        self._bodies[body_id] = None

    def _wait(self, candidate: _Candidate) -> list[KnockEffect]:
        self._waiting[candidate.request.body_id] = candidate
        if len(self._waiting) <= INNER_CHECKS_WAITING_MAX:
            return []
        worst = max(self._waiting.values(), key=lambda waiting: waiting.request.mid)
        del self._waiting[worst.request.body_id]
        self._bodies.pop(worst.request.body_id, None)
        return [Discarded(why=Why.CROWDED)]

    def _measure_best(self, now: Now) -> list[KnockEffect]:
        """Inner work is dear to measure: few a second, and best outer stamps first."""
        effects: list[KnockEffect] = []
        if self._wake_at_ms is not None and now.steady_ms >= self._wake_at_ms:
            self._wake_at_ms = None
        while self._waiting and len(self._measuring) < INNER_CHECKS_PER_S_MAX:
            if not self._measure_rate.take(now):
                if self._wake_at_ms is None:
                    self._wake_at_ms = self._measure_rate.free_at_ms
                    effects.append(WakeAt(steady_ms=self._wake_at_ms))
                break
            best = min(self._waiting.values(), key=lambda waiting: waiting.request.mid)
            body_id = best.request.body_id
            self._measuring[body_id] = self._waiting.pop(body_id)
            effects.append(MeasureWork(body_id=body_id, work=best.work, nonce=best.nonce))
        return effects

    def _judge_work(self, body_id: BodyId, zero_bits: int) -> list[KnockEffect]:
        candidate = self._measuring.pop(body_id, None)
        if candidate is None:
            return []
        if self._terms.policy == 0:
            return [Discarded(why=Why.CLOSED)]
        if zero_bits < inner_bits(self._terms.policy):
            return [Discarded(why=Why.WORK)]
        return self._enqueue(candidate.request)

    def _enqueue(self, request: Request) -> list[KnockEffect]:
        """One request of an identity is enough; a hidden one does not take the place of a shown one."""
        if request.peer.identity_key in self._blocked:
            return [Discarded(why=Why.BLOCKED)]
        request = self._mark_contact(request)
        dropped = self._drop_rivals(request)
        self._requests[request.body_id] = request
        if len(self._requests) <= KNOCK_REQUESTS_MAX:
            return [*dropped, StoreRequest(request=request)]
        worst = max(self._requests.values(), key=lambda each: each.mid)
        del self._requests[worst.body_id]
        self._bodies.pop(worst.body_id, None)
        if worst is request:
            return [Discarded(why=Why.CROWDED)]
        return [DropRequest(body_id=worst.body_id), StoreRequest(request=request)]

    def _drop_rivals(self, request: Request) -> list[KnockEffect]:
        rivals = [
            other.body_id
            for other in self._requests.values()
            if other.peer.identity_key == request.peer.identity_key
            and other.body_id != request.body_id
            and (request.shown or not other.shown)
        ]
        for body_id in rivals:
            del self._requests[body_id]
        return [DropRequest(body_id=body_id) for body_id in rivals]

    def _witness(self, mid: Mid) -> list[KnockEffect]:
        """What waits to be measured is marked; what waits to be shown is shown."""
        for table in (self._waiting, self._measuring):
            for body_id, candidate in table.items():
                if candidate.request.mid == mid:
                    table[body_id] = replace(candidate, request=replace(candidate.request, shown=True))
        for hidden in [each for each in self._requests.values() if each.mid == mid and not each.shown]:
            shown = replace(hidden, shown=True)
            self._requests[shown.body_id] = shown
            return [*self._drop_rivals(shown), StoreRequest(request=shown)]
        return []

    def _decide(self, body_id: BodyId) -> list[KnockEffect]:
        request = self._requests.pop(body_id, None)
        if request is None:
            return []
        ephemeral = request.handshake.initiator_ephemeral
        until_hour = Hour(request.born_hour + KNOCK_HOURS)
        if len(self._ephemerals) == KNOCK_EPHEMERALS_MAX:
            del self._ephemerals[next(iter(self._ephemerals))]
        self._ephemerals[ephemeral] = until_hour
        return [
            RememberEphemeral(ephemeral=ephemeral, until_hour=until_hour),
            DropRequest(body_id=body_id),
        ]

    def _block(self, identity_key: IdentityKey) -> list[KnockEffect]:
        """What is being measured is refused when the measure comes back."""
        self._waiting = {
            body_id: candidate
            for body_id, candidate in self._waiting.items()
            if candidate.request.peer.identity_key != identity_key
        }
        return self._drop(lambda request: request.peer.identity_key == identity_key)

    def _change_terms(self, terms: Terms) -> None:
        """What did not open under the old key or PIN may open under the new one."""
        self._terms = terms
        self._bodies.clear()
        if terms.policy == 0:
            self._waiting.clear()

    def _expire(self, now: Now) -> list[KnockEffect]:
        """A hidden request whose knock nobody may show any more will never be witnessed."""
        self._ephemerals = {key: until for key, until in self._ephemerals.items() if until >= now.hour}
        return self._drop(
            lambda request: (
                now.hour > request.until_hour
                or (not request.shown and now.hour > request.born_hour + KNOCK_HOURS)
            )
        )

    def _drop(self, is_over: Callable[[Request], bool]) -> list[KnockEffect]:
        dropped = [request.body_id for request in self._requests.values() if is_over(request)]
        for body_id in dropped:
            del self._requests[body_id]
        return [DropRequest(body_id=body_id) for body_id in dropped]
