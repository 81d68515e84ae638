"""The folder `invite`: the text that is given to one person, and the door that its secret opens.

What comes through the door is in the folder `introduction`.
"""

from kit import base32
from kit.envelope import HOUR, NOON
from kit.identity import Person, address
from kit.introduction import invite_door, invite_text
from kit.network import CHEAP, OTHER
from kit.vectors import Case, Draw, Family

family = Family("invite")
SECTION = "TOC-5 §4.1"


def owner(draw: Draw) -> Person:
    return Person(seed=draw("alice", 32))


def text(draw: Draw, **changed: int) -> str:
    return invite_text(CHEAP, owner(draw), draw("secret", 32), **changed)


def reads(draw: Draw, shown: str, **changed: int) -> Case:
    by, secret = owner(draw), draw("secret", 32)
    door = invite_door(by.ik, secret)
    output = {
        "identity_key": by.ik,
        "contact_key": by.kk,
        "depth": changed.get("depth", 0),
        "expires_hour": changed.get("expires_hour", HOUR + 24),
        "secret": secret,
        "tag": door.tag,
        "key": door.key,
        "psk": door.psk,
        "text": text(draw, **changed),
    }
    return Case(operation="invite", network=CHEAP, now=NOON, input={"text": shown}, output=output)


def refused(shown: str) -> Case:
    return Case(operation="invite", network=CHEAP, now=NOON, input={"text": shown}, expect="uri")


@family.vector(SECTION, "An invite that is good until tomorrow, and the door that it opens.")
def worked_example(_draw: Draw) -> Case:
    draw = Draw("introduction/worked-example")
    return reads(draw, text(draw))


@family.vector(SECTION, "Its last hour.")
def last_hour(draw: Draw) -> Case:
    return reads(draw, text(draw, expires_hour=HOUR), expires_hour=HOUR)


@family.vector(SECTION, "In capitals, as a QR code has it, from somebody at depth 8.")
def in_capitals(draw: Draw) -> Case:
    return reads(draw, text(draw, depth=8).upper(), depth=8)


@family.vector(SECTION, "The hour after its last.")
def expired(draw: Draw) -> Case:
    return refused(text(draw, expires_hour=HOUR - 1))


@family.vector(SECTION, "One of another network.")
def of_another_network(draw: Draw) -> Case:
    return refused(invite_text(OTHER, owner(draw), draw("secret", 32)))


@family.vector(SECTION, "A slip of the hand.")
def wrong_check(draw: Draw) -> Case:
    return refused(text(draw, flip_check=1))


@family.vector(SECTION, "Version 2, right in all else.")
def version_2(draw: Draw) -> Case:
    return refused(text(draw, version=2))


@family.vector(SECTION, "A flag of a later version.")
def flag_set(draw: Draw) -> Case:
    return refused(text(draw, flags=1))


@family.vector(SECTION, "Depth 9, of which there is no topic.")
def depth_9(draw: Draw) -> Case:
    return refused(text(draw, depth=9))


@family.vector(SECTION, "The last character is missing.")
def too_short(draw: Draw) -> Case:
    return refused(text(draw)[:-1])


@family.vector(SECTION, "A character more.")
def too_long(draw: Draw) -> Case:
    return refused(text(draw) + "a")


@family.vector(SECTION, "The last character has bits that belong to no byte.")
def spare_bits(draw: Draw) -> Case:
    right = text(draw)
    last = base32.ALPHABET[base32.ALPHABET.index(right[-1]) | 1]
    return refused(right[:-1] + last)


@family.vector(SECTION, "An address is no invite.")
def an_address(draw: Draw) -> Case:
    return refused(address(CHEAP, owner(draw).ik, owner(draw).kk))


@family.vector(SECTION, "A blank before the scheme.")
def blank_before(draw: Draw) -> Case:
    return refused(" " + text(draw))


@family.vector(SECTION, "A Turkish capital I with a dot folds to i in many languages, but not here.")
def another_capital(draw: Draw) -> Case:
    return refused(text(draw).replace("tocsin", "tocs\u0130n"))
