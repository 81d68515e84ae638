"""The folder `grant`: what one side lets the other send, and whether something is within it.

The count of a day is in the folders `recognise` and `catchup`.
"""

from kit.cbor import Value, encode
from kit.envelope import HOUR, NOON
from kit.vectors import Case, Draw, Family, Fields

family = Family("grant")
SECTION = "TOC-5 §8.1"


def told(grant: dict[int, Value]) -> Fields:
    kinds = grant.get(0)
    return {
        "kinds": None if kinds is None else str(kinds),
        "per_day": grant.get(1),
        "expires_hour": grant.get(2),
        "apps": grant.get(3),
    }


def reads(grant: dict[int, Value], *, size_max: int = 200) -> Case:
    given = {"grant": encode(grant), "size_max": size_max}
    return Case(operation="grant", input=given, output=told(grant))


def refused(grant: Value, *, size_max: int = 200) -> Case:
    given = {"grant": encode(grant), "size_max": size_max}
    return Case(operation="grant", input=given, expect="payload")


@family.vector(SECTION, "All four limits.")
def four_limits(_draw: Draw) -> Case:
    return reads({0: 0b1011, 1: 20, 2: HOUR + 720, 3: ["org.example.mail", "org.example.chat"]})


@family.vector(SECTION, "An empty map sets no limit at all.")
def no_limits(_draw: Draw) -> Case:
    return reads({})


@family.vector(SECTION, "The greatest numbers, and no app at all.")
def greatest_numbers(_draw: Draw) -> Case:
    return reads({0: 2**64 - 1, 1: 2**32 - 1, 2: 2**32 - 1, 3: []})


@family.vector(SECTION, "201 bytes in an introduction.")
def too_large_for_an_introduction(_draw: Draw) -> Case:
    grant = {3: ["a" * 97, "b" * 97]}
    if len(encode(grant)) != 201:
        raise ValueError("not the size that the comment says")
    return refused(grant)


@family.vector(SECTION, "The same 201 bytes in a control map.")
def larger_in_a_control_map(_draw: Draw) -> Case:
    return reads({3: ["a" * 97, "b" * 97]}, size_max=2_048)


@family.vector(SECTION, "Unknown keys are ignored, but they count for the size.")
def too_large_with_an_unknown_key(_draw: Draw) -> Case:
    return refused({0: 1, 9: "x" * 200})


@family.vector(SECTION, "A list of kinds, where a bitmap belongs.")
def kinds_are_a_list(_draw: Draw) -> Case:
    return refused({0: [0, 1, 3]})


@family.vector(SECTION, "Kinds below zero.")
def kinds_negative(_draw: Draw) -> Case:
    return refused({0: -1})


@family.vector(SECTION, "True is no number.")
def per_day_is_true(_draw: Draw) -> Case:
    return refused({1: True})


@family.vector(SECTION, "More a day than fits 32 bits.")
def per_day_too_great(_draw: Draw) -> Case:
    return refused({1: 2**32})


@family.vector(SECTION, "No limit is said by leaving it out, not by null.")
def expiry_is_null(_draw: Draw) -> Case:
    return refused({2: None})


@family.vector(SECTION, "An app without a name.")
def app_empty(_draw: Draw) -> Case:
    return refused({3: ["org.example.mail", ""]})


@family.vector(SECTION, "An app whose name has 101 bytes.")
def app_too_long(_draw: Draw) -> Case:
    return refused({3: ["a" * 101]})


@family.vector(SECTION, "An app's name that turns the direction of writing: no notification could match it.")
def app_unsafe(_draw: Draw) -> Case:
    return refused({3: ["org.example.\u202email"]})


@family.vector(SECTION, "No grant is a number.")
def not_a_map(_draw: Draw) -> Case:
    return refused(7)


def covers(expect: str, grant: dict[int, Value], *, kind: int = 0, app: str = "") -> Case:
    given = {"grant": encode(grant), "kind": kind, "app": app}
    output = {"covered": True} if expect == "ok" else {}
    return Case(operation="covers", now=NOON, input=given, expect=expect, output=output)


@family.vector("TOC-5 §8.2", "A call where alerts and calls are allowed.")
def kind_allowed(_draw: Draw) -> Case:
    return covers("ok", {0: 0b1001}, kind=3)


@family.vector("TOC-5 §8.2", "A call where alerts alone are allowed.")
def kind_not_allowed(_draw: Draw) -> Case:
    return covers("kind", {0: 1}, kind=3)


@family.vector("TOC-5 §8.2", "Control maps are always allowed: grants themselves travel in them.")
def control_always(_draw: Draw) -> Case:
    return covers("ok", {0: 0, 3: []}, kind=7)


@family.vector("TOC-5 §8.2", "An app that is not among those allowed.")
def app_not_allowed(_draw: Draw) -> Case:
    return covers("kind", {3: ["org.example.mail"]}, app="org.example.chat")


@family.vector("TOC-5 §8.2", "A notification without an app, where apps are listed.")
def app_missing(_draw: Draw) -> Case:
    return covers("kind", {3: ["org.example.mail"]})


@family.vector("TOC-5 §8.2", "The last hour of a grant.")
def last_hour(_draw: Draw) -> Case:
    return covers("ok", {2: HOUR})


@family.vector("TOC-5 §8.2", "The hour after the last one: not even its tags are looked for.")
def expired(_draw: Draw) -> Case:
    return covers("hour", {2: HOUR - 1})
