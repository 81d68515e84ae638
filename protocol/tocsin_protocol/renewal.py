"""A pair's next generation: offered, accepted, confirmed, whatever is lost, repeated, late or crossed.

It is not about when wheels turn; and it says what is to be sent, but neither seals nor sends it.
"""

from dataclasses import dataclass, field, replace

from nacl.bindings import crypto_scalarmult, crypto_scalarmult_base
from nacl.exceptions import CryptoError

from tocsin_protocol import effects as fx
from tocsin_protocol.control import DIGEST_SIZE, Accept, Confirm, Offer
from tocsin_protocol.draft import Draft
from tocsin_protocol.effects import Acceptance, Generation, Offering, Position, Role, Side, Why
from tocsin_protocol.errors import LocalProtocolError
from tocsin_protocol.generation import begin_generation, end_generation, end_sending, retire
from tocsin_protocol.hashing import H
from tocsin_protocol.introduce import answer_delay_ms
from tocsin_protocol.limits import (
    ALIVE_MS,
    CLOCK_SKEW_MS_MAX,
    INTRODUCTION_ANSWER_DELAY_MS,
    OLD_GENERATIONS_MAX,
    PUBLIC_KEY_SIZE,
    RENEWAL_ANSWER_DELAY_MS,
    RENEWAL_EPOCH_AGE_MAX,
    RENEWAL_EPOCH_AHEAD_MAX,
    RENEWAL_LAPSE_MS,
    RENEWAL_MESSAGES,
    RENEWAL_MS,
    RENEWAL_REPEAT_MS,
)
from tocsin_protocol.types import Epoch, Now
from tocsin_protocol.wheel import FIRST_GENERATION, Roots, roots_of_renewal

CHANCE_SIZE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """Fresh entropy for one transition: a secret if a handshake needs one, and chance for a delay."""

    secret: bytes = field(repr=False)
    chance: bytes

    def __post_init__(self) -> None:
        if len(self.secret) != PUBLIC_KEY_SIZE or len(self.chance) != CHANCE_SIZE:
            raise LocalProtocolError(f"a draw is {PUBLIC_KEY_SIZE} and {CHANCE_SIZE} bytes")

    def delay_ms(self, generation: int) -> int:
        """How long an automatic answer waits: what belongs to an introduction less than the rest."""
        first = generation == FIRST_GENERATION
        bounds_ms = INTRODUCTION_ANSWER_DELAY_MS if first else RENEWAL_ANSWER_DELAY_MS
        return answer_delay_ms(self.chance, bounds_ms)


def receive_offer(draft: Draft, offer: Offer, position: Position, now: Now, draw: Draw) -> Why | None:
    """Answer an offer, once with a new key and then with the same bytes; or say why not."""
    pair = draft.pair
    current, following = pair.current, pair.next
    if current is None or offer.generation != current.number + 1:
        return Why.NUMBER
    if following is not None and following.role is Role.BEGAN:
        return Why.ENTERED
    accepted = pair.acceptance
    again = accepted is not None and accepted.offer_digest == offer.digest
    if accepted is not None and not again and position <= accepted.position:  # TOC-4 §6.2
        return Why.OLDER
    if pair.offering is not None:
        if pair.own < pair.other:  # TOC-4 §6.3
            _insist(draft, pair.offering, now, draw)
            return Why.CROSSED
        draft.do(fx.DeleteOffering())
    if accepted is not None and again:
        sent = draft.seal(accepted.accept, now, draw.delay_ms(offer.generation))
        return None if sent else Why.UNSENDABLE
    return _accept(draft, offer, position, current=current, now=now, draw=draw)


def receive_accept(draft: Draft, accept: Accept, now: Now, draw: Draw) -> Why | None:
    """Enter the generation that our open offer and this answer make; or say why not."""
    pair = draft.pair
    offering, current = pair.offering, pair.current
    if offering is None or current is None or accept.offer_digest != offering.offer.digest:
        return Why.OTHER
    if not accept.generation == offering.offer.generation == current.number + 1:
        return Why.NUMBER
    if not -RENEWAL_EPOCH_AGE_MAX <= accept.epoch - now.epoch <= RENEWAL_EPOCH_AHEAD_MAX:  # TOC-4 §6.2
        return Why.EPOCH
    shared = agree(offering.secret, accept.ephemeral)
    if shared is None:
        return Why.KEY
    roots = _next_roots(draft, current, shared, offering.offer, accept)
    draft.do(fx.DeleteOffering())
    _enter(draft, roots, accept.epoch, Role.BEGAN, now)
    confirm_if_due(draft, now, draw)
    return None


def confirm(draft: Draft, number: int, now: Now) -> None:
    """Something of theirs opened under this generation: they hold it, and the one before is over."""
    pair = draft.pair
    generation, before = pair.generations[number], pair.current
    if generation.confirmed_ms is not None:
        return
    draft.do(fx.PutGeneration(generation=replace(generation, confirmed_ms=now.unix_ms)))
    if before is not None and before.number != number:
        retire(draft, before.number)  # TOC-4 §6.4
        if pair.offering is not None:
            draft.do(fx.DeleteOffering())
        if pair.acceptance is not None:
            draft.do(fx.DeleteAcceptance())
        leave_old(draft, now)
    draft.do(fx.Confirmed(number=number))


def leave_old(draft: Draft, now: Now) -> None:
    """Nothing is sent any more under what comes before the current generation, once that has begun."""
    pair = draft.pair
    current = pair.current
    if current is None or current.epoch > now.epoch:
        return
    old = [number for number in sorted(pair.generations) if number < current.number]
    for number in old:
        if (number, Side.SENDING) in pair.wheels:
            end_sending(draft, number)
    for number in old[:-OLD_GENERATIONS_MAX]:
        end_generation(draft, number)


def answer_confirm(draft: Draft, number: int, now: Now, draw: Draw) -> None:
    """Who answered an offer tells once that the generation has come; after an introduction nobody has to."""
    generation = draft.pair.generations[number]
    if generation.role is Role.ANSWERED and number != FIRST_GENERATION and generation.told_ms is None:
        _tell(draft, generation, now, draw)


def confirm_if_due(draft: Draft, now: Now, draw: Draw) -> None:
    """Who began tells as soon as the first epoch is reached, and again until it hears something.

    A contact that only listens may have missed it; the pause doubles, for one that is gone has not.
    """
    number = draft.pair.sending_generation(now)
    if number is None:
        return
    generation = draft.pair.generations[number]
    if generation.role is not Role.BEGAN or generation.confirmed_ms is not None:
        return
    told_ms = generation.told_ms
    if told_ms is None or _passed(told_ms, max(RENEWAL_REPEAT_MS, told_ms - generation.entered_ms), now):
        _tell(draft, generation, now, draw)


def offer_if_due(draft: Draft, now: Now, draw: Draw) -> None:
    """Repeat or give up an open offer; make one when it is time and the other side is alive."""
    pair = draft.pair
    offering = pair.offering
    if offering is not None and _passed(offering.made_ms, RENEWAL_LAPSE_MS, now):
        draft.do(fx.DeleteOffering())
    elif offering is not None:
        if _passed(offering.sent_ms, RENEWAL_REPEAT_MS, now):
            _repeat(draft, offering, now, draw)
        return
    current, following = pair.current, pair.next
    if current is None or (following is not None and following.role is Role.BEGAN):
        return
    if not _is_due(current, now) or pair.heard_ms is None or _passed(pair.heard_ms, ALIVE_MS, now):
        return
    offer = Offer.make(current.number + 1, crypto_scalarmult_base(draw.secret))
    if draft.seal(offer, now, draw.delay_ms(offer.generation)):
        made = Offering(offer=offer, secret=draw.secret, made_ms=now.unix_ms, sent_ms=now.unix_ms)
        draft.do(fx.PutOffering(offering=made))


def agree(secret: bytes, public: bytes) -> bytes | None:
    """X25519; libsodium refuses an all-zero output, which a public key of low order would give."""
    try:
        return crypto_scalarmult(secret, public)
    except CryptoError:
        return None


def transcript_of(offer: Offer, accept: Accept) -> bytes:
    return H("tcn1/th", offer.digest + accept.digest, DIGEST_SIZE)


def _accept(
    draft: Draft, offer: Offer, position: Position, *, current: Generation, now: Now, draw: Draw
) -> Why | None:
    accept = Accept.make(offer, crypto_scalarmult_base(draw.secret), now.epoch)
    shared = agree(draw.secret, offer.ephemeral)
    if shared is None:
        return Why.KEY
    if not draft.seal(accept, now, draw.delay_ms(offer.generation)):
        return Why.UNSENDABLE
    roots = _next_roots(draft, current, shared, offer, accept)
    _enter(draft, roots, accept.epoch, Role.ANSWERED, now)
    acceptance = Acceptance(offer_digest=offer.digest, accept=accept, position=position)
    draft.do(fx.PutAcceptance(acceptance=acceptance))
    return None


def _next_roots(draft: Draft, current: Generation, shared: bytes, offer: Offer, accept: Accept) -> Roots:
    return roots_of_renewal(
        key=draft.pair.roots[current.number],
        generation=offer.generation,
        shared=shared,
        transcript=transcript_of(offer, accept),
    )


def _enter(draft: Draft, roots: Roots, epoch: Epoch, role: Role, now: Now) -> None:
    """In whichever role: what the other role had for this number is deleted."""
    pair = draft.pair
    if roots.generation in pair.generations:
        end_generation(draft, roots.generation)
    if pair.acceptance is not None:
        draft.do(fx.DeleteAcceptance())
    reached = {side: pair.committed(roots.generation - 1, side) for side in Side}
    begin_generation(draft, roots, epoch=epoch, role=role, reached=reached, now=now)


def _tell(draft: Draft, generation: Generation, now: Now, draw: Draw) -> None:
    number = generation.number
    if draft.pair.sending_generation(now) != number:
        return
    if draft.seal(Confirm(generation=number), now, draw.delay_ms(number)):
        told = replace(draft.pair.generations[number], told_ms=now.unix_ms)
        draft.do(fx.PutGeneration(generation=told))


def _insist(draft: Draft, offering: Offering, now: Now, draw: Draw) -> None:
    """Unless ours is just on its way: theirs comes again, and each time would cost us an index."""
    if _passed(offering.sent_ms, RENEWAL_ANSWER_DELAY_MS[1], now):
        _repeat(draft, offering, now, draw)


def _repeat(draft: Draft, offering: Offering, now: Now, draw: Draw) -> None:
    if draft.seal(offering.offer, now, draw.delay_ms(offering.offer.generation)):
        draft.do(fx.PutOffering(offering=replace(offering, sent_ms=now.unix_ms)))


def _is_due(current: Generation, now: Now) -> bool:
    """At once after an introduction, by who began it; then by either side."""
    if current.number == FIRST_GENERATION and current.role is Role.BEGAN:
        return True
    since_ms = current.entered_ms if current.confirmed_ms is None else current.confirmed_ms
    return current.messages >= RENEWAL_MESSAGES or _passed(since_ms, RENEWAL_MS, now)


def _passed(since_ms: int, span_ms: int, now: Now) -> bool:
    """A clock that was set back by much lets everything pass: to wait for it again could take for ever."""
    return not -CLOCK_SKEW_MS_MAX <= now.unix_ms - since_ms < span_ms
