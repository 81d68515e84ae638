"""The folder `renewal`: offers and accepts that come, and the generations that they make or do not make.

The forms of their maps are in the folder `control`.
"""

from dataclasses import dataclass, replace

from kit.cbor import encode
from kit.envelope import HOUR, NOON
from kit.identity import Person
from kit.noise import LOW_ORDER
from kit.primitives import x25519_public
from kit.session import Renewal, accept_map, digest, offer_map
from kit.vectors import Case, Draw, Family, Fields

family = Family("renewal")
TODAY = HOUR // 24
LONG_AGO = NOON - 7200
Position = tuple[int, int, int]
"""Generation, epoch and index of the envelope that brought an offer."""


@dataclass(frozen=True, kw_only=True)
class Receiving:
    """Whoever gets an offer: what it is in, has open, and has accepted before."""

    draw: Draw
    lower: bool = False
    generation: int = 0
    entered: str | None = None
    own_offer_sent: int | None = None
    accepted: Renewal | None = None
    accepted_position: Position = (0, TODAY, 5)

    @property
    def people(self) -> tuple[bytes, bytes]:
        """Own identity key, and the other's."""
        low, high = sorted(Person(seed=self.draw(name, 32)).ik for name in ("alice", "bob"))
        return (low, high) if self.lower else (high, low)

    @property
    def own_offer(self) -> bytes | None:
        if self.own_offer_sent is None:
            return None
        return encode(offer_map(self.generation + 1, x25519_public(self.draw("own offer", 32))))

    def told(self) -> Fields:
        own, other = self.people
        accepted = None
        if self.accepted is not None:
            accepted = {
                "offer_digest": digest(self.accepted.offer),
                "accept": self.accepted.accept,
                "position": list(self.accepted_position),
            }
        offering = None
        if self.own_offer is not None:
            offering = {
                "secret": self.draw("own offer", 32),
                "offer": self.own_offer,
                "sent": self.own_offer_sent,
            }
        return {
            "own": own,
            "other": other,
            "generation": self.generation,
            "m": self.draw("m", 32),
            "entered": self.entered,
            "own_offer": offering,
            "accepted": accepted,
        }


def theirs(draw: Draw, generation: int = 1, offer: str = "offer") -> Renewal:
    return Renewal(
        m=draw("m", 32),
        generation=generation,
        offer_secret=draw(offer, 32),
        accept_secret=draw("accept", 32),
        epoch=TODAY,
    )


def offered(
    at: Receiving,
    offer: bytes,
    output: Fields,
    *,
    expect: str = "ok",
    position: Position = (0, TODAY, 5),
    witnessed: bool = True,
) -> Case:
    given = at.told() | {
        "offer": offer,
        "position": list(position),
        "witnessed": witnessed,
        "secret": at.draw("accept", 32),
    }
    return Case(operation="answer-offer", now=NOON, input=given, expect=expect, output=output)


def accepts(at: Receiving, renewal: Renewal, position: Position = (0, TODAY, 5)) -> Case:
    output = {"accept": renewal.accept, "own_offer": None, **renewal.told()}
    return offered(at, renewal.offer, output, position=position)


def ignores(
    at: Receiving, offer: bytes, *, position: Position = (0, TODAY, 5), witnessed: bool = True
) -> Case:
    return offered(at, offer, {}, expect="payload", position=position, witnessed=witnessed)


@family.vector("TOC-4 §6.2", "An offer is accepted: both sides' ephemeral keys make the next generation.")
def worked_example(draw: Draw) -> Case:
    return accepts(Receiving(draw=draw), theirs(draw))


@family.vector("TOC-4 §6.2", "The eighth generation follows from the seventh.")
def offer_of_a_later_generation(draw: Draw) -> Case:
    return accepts(Receiving(draw=draw, generation=7), theirs(draw, 8), position=(7, TODAY, 5))


@family.vector("TOC-4 §6.2", "The same offer comes again: the same bytes answer it, or keys would differ.")
def offer_repeated(draw: Draw) -> Case:
    before = replace(theirs(draw), accept_secret=draw("earlier accept", 32))
    at = Receiving(draw=draw, accepted=before, entered="answered")
    output = {"accept": before.accept, "own_offer": None}
    return offered(at, before.offer, output, position=(0, TODAY, 7))


@family.vector("TOC-4 §6.2", "Another offer, sealed later: its sender lost the first one, so it counts.")
def offer_replaced(draw: Draw) -> Case:
    before = replace(theirs(draw, offer="first offer"), accept_secret=draw("earlier accept", 32))
    at = Receiving(draw=draw, accepted=before, entered="answered")
    return accepts(at, theirs(draw), position=(0, TODAY, 6))


@family.vector("TOC-4 §6.2", "Another offer that was sealed earlier, and came late or was held back.")
def offer_replayed(draw: Draw) -> Case:
    before = theirs(draw, offer="second offer")
    at = Receiving(draw=draw, accepted=before, entered="answered")
    return ignores(at, theirs(draw).offer, position=(0, TODAY, 4))


@family.vector("TOC-4 §6.2", "Epochs come before indices in the order of offers.")
def offer_of_yesterday(draw: Draw) -> Case:
    before = theirs(draw, offer="second offer")
    at = Receiving(draw=draw, accepted=before, entered="answered")
    return ignores(at, theirs(draw).offer, position=(0, TODAY - 1, 40))


@family.vector("TOC-4 §6.2", "An offer for the generation that there is already.")
def offer_of_the_current_generation(draw: Draw) -> Case:
    return ignores(Receiving(draw=draw, generation=1), theirs(draw, 1).offer, position=(1, TODAY, 5))


@family.vector("TOC-4 §6.2", "An offer that leaves a generation out.")
def offer_of_the_generation_after_next(draw: Draw) -> Case:
    return ignores(Receiving(draw=draw), theirs(draw, 2).offer)


@family.vector("TOC-4 §6.2", "An offer for what was entered as its initiator: theirs was crossed, and lost.")
def offer_after_entering(draw: Draw) -> Case:
    return ignores(Receiving(draw=draw, entered="began"), theirs(draw).offer)


@family.vector("TOC-4 §6.2", "An offer whose ephemeral key makes zeros with every secret.")
def offer_of_low_order(draw: Draw) -> Case:
    return ignores(Receiving(draw=draw), encode(offer_map(1, LOW_ORDER[0])))


@family.vector("TOC-4 §6.2", "The other key of low order: the neutral element, as a point of the curve.")
def offer_of_low_order_one(draw: Draw) -> Case:
    return ignores(Receiving(draw=draw), encode(offer_map(1, LOW_ORDER[1])))


@family.vector("TOC-4 §6.2", "An offer that one neighbour alone showed causes nothing that leaves the node.")
def offer_without_a_witness(draw: Draw) -> Case:
    return ignores(Receiving(draw=draw), theirs(draw).offer, witnessed=False)


@family.vector("TOC-4 §6.3", "Crossed offers, seen from the higher key: its own is dropped, theirs answered.")
def crossed_at_the_higher_key(draw: Draw) -> Case:
    return accepts(Receiving(draw=draw, own_offer_sent=LONG_AGO), theirs(draw))


@family.vector("TOC-4 §6.3", "Crossed offers, seen from the lower key: its own goes on and leaves again.")
def crossed_at_the_lower_key(draw: Draw) -> Case:
    at = Receiving(draw=draw, lower=True, own_offer_sent=LONG_AGO)
    output = {"repeats": True, "own_offer": at.own_offer}
    return offered(at, theirs(draw).offer, output, expect="payload")


@family.vector("TOC-4 §6.3", "Crossed offers at the lower key, whose own left a minute ago: once is enough.")
def crossed_a_minute_ago(draw: Draw) -> Case:
    at = Receiving(draw=draw, lower=True, own_offer_sent=NOON - 60)
    output = {"repeats": False, "own_offer": at.own_offer}
    return offered(at, theirs(draw).offer, output, expect="payload")


def answered(
    draw: Draw,
    renewal: Renewal,
    *,
    accept: bytes | None = None,
    expect: str = "ok",
    witnessed: bool = True,
) -> Case:
    """An accept comes to whoever made the offer; `accept` is what comes in place of the honest one."""
    given = {
        "generation": renewal.generation - 1,
        "m": renewal.m,
        "secret": renewal.offer_secret,
        "offer": renewal.offer,
        "accept": renewal.accept if accept is None else accept,
        "witnessed": witnessed,
    }
    output = renewal.told() if expect == "ok" else {}
    return Case(operation="read-accept", now=NOON, input=given, expect=expect, output=output)


@family.vector("TOC-4 §6.2", "The answer of the worked example, read by whoever made the offer.")
def worked_example_answer(_draw: Draw) -> Case:
    draw = Draw("renewal/worked-example")
    return answered(draw, theirs(draw))


@family.vector("TOC-4 §6.2", "The first epoch is seven days ago: the oldest that a store may bring.")
def epoch_seven_days_ago(draw: Draw) -> Case:
    return answered(draw, replace(theirs(draw), epoch=TODAY - 7))


@family.vector("TOC-4 §6.2", "The first epoch is eight days ago.")
def epoch_eight_days_ago(draw: Draw) -> Case:
    return answered(draw, replace(theirs(draw), epoch=TODAY - 8), expect="payload")


@family.vector("TOC-4 §6.2", "The first epoch is tomorrow: their clock is past midnight.")
def epoch_tomorrow(draw: Draw) -> Case:
    return answered(draw, replace(theirs(draw), epoch=TODAY + 1))


@family.vector("TOC-4 §6.2", "The first epoch is the day after tomorrow.")
def epoch_after_tomorrow(draw: Draw) -> Case:
    return answered(draw, replace(theirs(draw), epoch=TODAY + 2), expect="payload")


@family.vector("TOC-4 §6.2", "The digest is that of another offer: a late answer to one that lapsed.")
def accept_of_another_offer(draw: Draw) -> Case:
    other = replace(theirs(draw, offer="other offer"), accept_secret=draw("accept", 32))
    return answered(draw, theirs(draw), accept=other.accept, expect="payload")


@family.vector("TOC-4 §6.2", "An accept for another number than that of the offer.")
def accept_of_another_number(draw: Draw) -> Case:
    right = theirs(draw)
    control = accept_map(2, x25519_public(right.accept_secret), TODAY, right.offer)
    return answered(draw, right, accept=encode(control), expect="payload")


@family.vector("TOC-4 §6.2", "An accept for the number of the current generation.")
def accept_of_an_old_number(draw: Draw) -> Case:
    right = theirs(draw)
    control = accept_map(0, x25519_public(right.accept_secret), TODAY, right.offer)
    return answered(draw, right, accept=encode(control), expect="payload")


@family.vector("TOC-4 §6.2", "An accept whose ephemeral key makes zeros with every secret.")
def accept_of_low_order(draw: Draw) -> Case:
    control = accept_map(1, LOW_ORDER[1], TODAY, theirs(draw).offer)
    return answered(draw, theirs(draw), accept=encode(control), expect="payload")


@family.vector(
    "TOC-4 §6.2", "An accept that one neighbour alone showed: the confirmation would tell who we are."
)
def accept_without_a_witness(draw: Draw) -> Case:
    return answered(draw, theirs(draw), witnessed=False, expect="payload")
