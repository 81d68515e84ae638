"""The folder `control`: what the maps under key 32 mean, read one at a time and without a session.

What an offer or an accept then changes is in the folder `renewal`.
"""

from kit.cbor import Value, encode
from kit.envelope import HOUR, NOON
from kit.identity import Person, card_statement
from kit.primitives import x25519_public
from kit.session import CONTROL_KIND, accept_map, digest, notice, offer_map
from kit.vectors import Case, Draw, Family, Fields

family = Family("control")
SECTION = "TOC-4 §5"
TODAY = HOUR // 24


def reads(draw: Draw, control: Value, output: Fields, *, generation: int = 0, expect: str = "ok") -> Case:
    """Read from an envelope that opened under this generation, from somebody with an older card."""
    sender = Person(seed=draw("bob", 32))
    given = {
        "payload": notice(control),
        "generation": generation,
        "identity_key": sender.ik,
        "highest_seen": {"rotation": 0, "contact_key": sender.kk},
    }
    return Case(operation="control", now=NOON, input=given, expect=expect, output=output)


def refused(draw: Draw, control: Value, **changed: Value) -> Case:
    """`changed` are keys like k2; None takes one away."""
    if changed:
        control = control | {int(name[1:]): value for name, value in changed.items()}
        control = {key: value for key, value in control.items() if value is not None}
    return reads(draw, control, {}, expect="payload")


def offer(draw: Draw, generation: int = 1) -> dict[int, Value]:
    return offer_map(generation, x25519_public(draw("offer", 32)))


def accept(draw: Draw) -> dict[int, Value]:
    return accept_map(1, x25519_public(draw("accept", 32)), TODAY, encode(offer(draw)))


def told_offer(control: dict[int, Value]) -> Fields:
    return {
        "op": "offer",
        "generation": control[1],
        "ephemeral": control[2],
        "digest": digest(encode(control)),
    }


@family.vector(SECTION, "An offer.")
def an_offer(draw: Draw) -> Case:
    return reads(draw, offer(draw), told_offer(offer(draw)))


@family.vector(SECTION, "Unknown keys are ignored, but the digest covers them: it is over what was sent.")
def offer_with_an_unknown_key(draw: Draw) -> Case:
    control = offer(draw) | {9: "later"}
    return reads(draw, control, told_offer(control))


@family.vector(SECTION, "An accept, with the digest of the offer that it answers.")
def an_accept(draw: Draw) -> Case:
    control = accept(draw)
    output = {
        "op": "accept",
        "generation": 1,
        "ephemeral": control[2],
        "epoch": TODAY,
        "offer_digest": control[4],
        "digest": digest(encode(control)),
    }
    return reads(draw, control, output)


@family.vector(SECTION, "A confirmation, which names the generation that it is sealed under.")
def a_confirmation(draw: Draw) -> Case:
    return reads(draw, {0: 2, 1: 3}, {"op": "confirm", "generation": 3}, generation=3)


@family.vector(SECTION, "A confirmation of another generation than it is sealed under proves nothing.")
def confirmation_of_another_generation(draw: Draw) -> Case:
    return reads(draw, {0: 2, 1: 4}, {}, generation=3, expect="payload")


@family.vector(SECTION, "A grant too large for an introduction.")
def a_grant(draw: Draw) -> Case:
    apps = [f"org.example.application.number.{number:03d}" for number in range(20)]
    grant = {0: 0b11, 1: 50, 2: HOUR + 720, 3: apps}
    told = {"kinds": "3", "per_day": 50, "expires_hour": HOUR + 720, "apps": apps}
    return reads(draw, {0: 3, 1: grant}, {"op": "grant", "grant": told})


def card(sender: Person, not_before_hour: int) -> dict[int, Value]:
    signature = sender.sign(card_statement(sender.kk, sender.rotation, not_before_hour))
    return {0: 4, 1: sender.kk, 2: sender.rotation, 3: not_before_hour, 4: signature}


@family.vector("TOC-4 §5.1", "A card over a new contact key.")
def a_card(draw: Draw) -> Case:
    sender = Person(seed=draw("bob", 32), rotation=HOUR)
    output = {
        "op": "card",
        "contact_key": sender.kk,
        "rotation": HOUR,
        "not_before_hour": HOUR,
        "statement": card_statement(sender.kk, HOUR, HOUR),
    }
    return reads(draw, card(sender, HOUR), output)


def refused_card(draw: Draw, rotation: int, hour: int = HOUR, **changed: Value) -> Case:
    control = card(Person(seed=draw("bob", 32), rotation=rotation), hour)
    control |= {int(name[1:]): value for name, value in changed.items()}
    return reads(draw, control, {}, expect="card")


@family.vector("TOC-4 §5.1", "A card over a key that its signature does not cover.")
def card_over_another_key(draw: Draw) -> Case:
    return refused_card(draw, HOUR, k1=Person(seed=draw("mallory", 32)).kk)


@family.vector("TOC-4 §5.1", "A card that begins two hours from now.")
def card_from_the_future(draw: Draw) -> Case:
    return refused_card(draw, HOUR, HOUR + 2)


@family.vector("TOC-4 §5.1", "The number of the card seen last, with another key.")
def card_with_a_second_key(draw: Draw) -> Case:
    sender = Person(seed=draw("bob", 32))
    other = Person(seed=draw("other", 32)).kk
    signature = sender.sign(card_statement(other, 0, HOUR))
    return reads(draw, {0: 4, 1: other, 2: 0, 3: HOUR, 4: signature}, {}, expect="card")


@family.vector("TOC-4 §5.1", "A card whose signature has 63 bytes: the map is wrong before the card is.")
def card_with_a_short_signature(draw: Draw) -> Case:
    sender = Person(seed=draw("bob", 32), rotation=HOUR)
    return refused(draw, card(sender, HOUR), k4=bytes(63))


@family.vector(SECTION, "An op of a later version.")
def unknown_op(draw: Draw) -> Case:
    return refused(draw, {0: 5})


@family.vector(SECTION, "No op.")
def op_missing(draw: Draw) -> Case:
    return refused(draw, offer(draw), k0=None)


@family.vector(SECTION, "True is no number, though some languages think it is one.")
def generation_is_true(draw: Draw) -> Case:
    return refused(draw, offer(draw), k1=True)


@family.vector(SECTION, "A generation that fits no 32 bits.")
def generation_too_great(draw: Draw) -> Case:
    return refused(draw, offer(draw), k1=2**32)


@family.vector(SECTION, "A generation below zero.")
def generation_negative(draw: Draw) -> Case:
    return refused(draw, offer(draw), k1=-1)


@family.vector(SECTION, "An ephemeral key of 31 bytes.")
def ephemeral_too_short(draw: Draw) -> Case:
    return refused(draw, offer(draw), k2=draw("ephemeral", 31))


@family.vector(SECTION, "An accept that does not say which offer it answers.")
def accept_without_a_digest(draw: Draw) -> Case:
    return refused(draw, accept(draw), k4=None)


@family.vector(SECTION, "An accept whose first epoch is text.")
def accept_with_epoch_as_text(draw: Draw) -> Case:
    return refused(draw, accept(draw), k3=str(TODAY))


@family.vector("TOC-4 §5.2", "A grant of 2,049 bytes.")
def grant_too_large(draw: Draw) -> Case:
    apps = ["a" * 100] * 20 + ["a" * 5]
    if len(encode({3: apps})) != 2_049:
        raise ValueError("not the size that the comment says")
    return refused(draw, {0: 3, 1: {3: apps}})


@family.vector("TOC-4 §5.2", "A grant that is a list.")
def grant_is_a_list(draw: Draw) -> Case:
    return refused(draw, {0: 3, 1: [3, 50]})


def with_payload(draw: Draw, payload: bytes, expect: str) -> Case:
    case = reads(draw, offer(draw), {}, expect=expect)
    case.input["payload"] = payload
    return case


@family.vector(SECTION, "A control notification that controls nothing.")
def control_missing(draw: Draw) -> Case:
    return with_payload(draw, encode({0: CONTROL_KIND}), "payload")


@family.vector(SECTION, "The control map is a list.")
def control_is_a_list(draw: Draw) -> Case:
    return with_payload(draw, notice([0, 1]), "payload")


@family.vector(SECTION, "A byte behind the payload.")
def byte_behind_the_payload(draw: Draw) -> Case:
    return with_payload(draw, notice(offer(draw)) + bytes(1), "cbor")
