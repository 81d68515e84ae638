"""The folder `reintroduction`: the doors of people who were introduced before, and who comes through them.

Message 1 itself is that of the folder `introduction`.
"""

from dataclasses import replace

from families.reply import reply
from kit.cbor import encode
from kit.envelope import HOUR, NOON
from kit.identity import Person
from kit.introduction import DOORSTEP, Door, hello, introduce, reintro_of, reintroduction_door, session_of
from kit.network import CHEAP
from kit.session import direction
from kit.vectors import Case, Draw, Family, Fields

family = Family("reintroduction")
SECTION = "TOC-5 §6"
TODAY = HOUR // 24


def person(draw: Draw, who: str, rotation: int = 0) -> Person:
    return Person(seed=draw(who, 32), rotation=rotation)


def door(draw: Draw, epoch: int = TODAY, *, back: bool = False) -> Door:
    """Bob comes to Alice; `back` is the door by which she would come to him."""
    bob, alice = person(draw, "bob").ik, person(draw, "alice").ik
    initiator, responder = (alice, bob) if back else (bob, alice)
    return reintroduction_door(draw("reintro", 32), initiator, responder, epoch)


def derives(*, back: bool = False, epoch: int = TODAY) -> Case:
    """From the session that the worked examples of messages 1 and 2 began."""
    draw = Draw("introduction/worked-example")
    m = session_of(reply(draw).second)["m"]
    bob, alice = person(draw, "bob").ik, person(draw, "alice").ik
    initiator, responder = (alice, bob) if back else (bob, alice)
    derived = reintroduction_door(reintro_of(m), initiator, responder, epoch)
    given = {"m": m, "initiator": initiator, "responder": responder, "epoch": epoch}
    output = {
        "reintro": reintro_of(m),
        "direction": direction(initiator, responder),
        "tag": derived.tag,
        "key": derived.key,
        "psk": derived.psk,
    }
    return Case(operation="reintroduction", input=given, output=output)


@family.vector(SECTION, "From the root of the first generation 0 to today's door.")
def worked_example(_draw: Draw) -> Case:
    return derives()


@family.vector(SECTION, "The same day in the other direction.")
def other_direction(_draw: Draw) -> Case:
    return derives(back=True)


def reads(
    draw: Draw,
    through: Door,
    *,
    expect: str,
    by: Person | None = None,
    hour: int = HOUR,
    listening: Door | None = None,
    seen: list[Fields] | None = None,
) -> Case:
    """Alice listens at today's door if no other is named."""
    alice, bob = person(draw, "alice"), by or person(draw, "bob")
    written = introduce(draw, bob, through, alice.kk, encode(hello(bob)), hour=hour)
    given = {
        "seed": alice.seed,
        "rotations": [0],
        "door": (listening or door(draw)).told(),
        "envelope": written.envelope,
        "seen": seen or [],
    }
    output: Fields = {}
    if expect == "ok":
        output = {
            "identity_key": bob.ik,
            "contact_key": bob.kk,
            "rotation": bob.rotation,
            "not_before_hour": DOORSTEP,
            "depth": 0,
            "text": "",
            "grant": None,
            "own_rotation": 0,
            "chaining_key": written.first.ck,
            "handshake_hash": written.first.h,
        }
    return Case(
        operation="read-introduction", network=CHEAP, now=NOON, input=given, expect=expect, output=output
    )


def known(draw: Draw, rotation: int) -> list[Fields]:
    bob = person(draw, "bob", rotation)
    return [{"identity_key": bob.ik, "rotation": rotation, "contact_key": bob.kk}]


@family.vector(SECTION, "Bob has replaced his contact key since: a higher number is taken.")
def with_a_newer_key(draw: Draw) -> Case:
    return reads(draw, door(draw), expect="ok", by=person(draw, "bob", HOUR), seen=known(draw, 0))


@family.vector(SECTION, "With a contact key that Bob has replaced since: it may be the stolen one.")
def with_an_old_key(draw: Draw) -> Case:
    return reads(draw, door(draw), expect="card", seen=known(draw, 7))


@family.vector(SECTION, "Carol has Bob's `reintro`, but not his identity.")
def by_somebody_else(draw: Draw) -> Case:
    return reads(draw, door(draw), expect="card", by=person(draw, "carol"))


@family.vector(SECTION, "Through yesterday's door.")
def door_of_yesterday(draw: Draw) -> Case:
    return reads(draw, door(draw, TODAY - 1), expect="tag")


@family.vector(SECTION, "Through today's door, in an envelope that was born tomorrow.")
def born_tomorrow(draw: Draw) -> Case:
    return reads(draw, door(draw), expect="hour", hour=(TODAY + 1) * 24)


@family.vector(SECTION, "Alice's own message 1 to Bob, shown to her.")
def reflected(draw: Draw) -> Case:
    return reads(draw, door(draw, back=True), expect="tag")


@family.vector(SECTION, "From a `reintro` of another introduction.")
def another_reintro(draw: Draw) -> Case:
    alice, bob = person(draw, "alice").ik, person(draw, "bob").ik
    other = reintroduction_door(draw("another reintro", 32), bob, alice, TODAY)
    return reads(draw, other, expect="tag")


@family.vector(SECTION, "Somebody saw today's tag, and has no key.")
def front_run(draw: Draw) -> Case:
    return reads(draw, replace(door(draw), key=draw("guess", 32)), expect="aead")
