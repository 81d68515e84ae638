"""The folder `further`: what a payload says in its further fields, and what of them is dropped.

`output.further` holds those of TOC-6 §2 that are left and not equal to their default.
"""

from kit import cbor
from kit.cbor import Value, encode, pairs_in_this_order
from kit.vectors import Case, Draw, Family, Fields

family = Family("further")
MOMENT_MS = 1_800_000_000_000
STAYS = {4: "stays"}


def asks(payload: Value, **further: Value) -> Case:
    """`data` is told as a value of CBOR, the others as JSON has them."""
    told: Fields = dict(further)
    if "data" in told:
        told["data"] = cbor.told(told["data"])
    return Case(operation="further", input={"payload": encode(payload)}, output={"further": told})


def numbered(members: Fields) -> dict[int, Value]:
    """An inner map whose members are all there, or all up to the last that is."""
    return dict(enumerate(members.values()))


@family.vector("TOC-6 §2.1", "Every further field that is no inner map.")
def every_simple_field(_draw: Draw) -> Case:
    payload = {0: 0, 4: "news", 5: "im.received", 9: 1, 10: "mail-unread", 13: "https://example.org/a?b=c#d"}
    payload |= {14: {"a\u202e": [1, None]}, 16: 4, 17: "c", 18: 3, 22: "bell", 23: 2, 25: ["a", "b"]}
    payload |= {26: [0, 2], 27: False, 28: MOMENT_MS}
    return asks(
        payload,
        channel="news",
        category="im.received",
        body_format=1,
        icon="mail-unread",
        link="https://example.org/a?b=c#d",
        data={"a\u202e": [1, None]},
        interruption=4,
        collapse="c",
        rev=3,
        sound="bell",
        visibility=2,
        tags=["a", "b"],
        want=[0, 2],
        hist=False,
        not_before_ms=MOMENT_MS,
    )


@family.vector("TOC-6 §2.2", "Every inner map, with all its members, and a blob as icon.")
def every_inner_map(draw: Draw) -> Case:
    blob: Fields = {
        "hash": draw("hash", 32),
        "key": draw("key", 32),
        "size": 70_000,
        "mime": "image/webp",
        "name": "cat.webp",
        "width": 640,
        "height": 480,
        "thumb": draw("thumb", 40),
    }
    action: Fields = {
        "id": "answer",
        "label": "Answer",
        "type": 2,
        "url": "app:answer",
        "placeholder": "Dear Alice",
        "destructive": True,
        "auth_required": True,
        "clear": True,
    }
    further: Fields = {
        "icon": {name: blob[name] for name in ("hash", "key", "size")},
        "media": [blob],
        "actions": [action, {"id": "later", "label": "Later", "type": 4}],
        "conversation": {"id": "42", "name": "Choir", "group": True},
        "badge": {"op": 1, "n": 2},
        "activity": {"progress": 1000, "stale_at_ms": 1, "dismiss_at_ms": MOMENT_MS, "ongoing": True},
        "loc": {"key": "missed_call", "args": ["Bob", ""]},
    }
    payload = {
        0: 0,
        10: numbered(further["icon"]),
        11: [numbered(blob)],
        12: [numbered(each) for each in further["actions"]],
        20: numbered(further["conversation"]),
        21: numbered(further["badge"]),
        24: numbered(further["activity"]),
        29: numbered(further["loc"]),
    }
    return asks(payload, **further)


@family.vector("TOC-6 §2.2", "Only what is required, and keys of a later version in an inner map.")
def least_inner_maps(draw: Draw) -> Case:
    key = draw("key", 32)
    blob = {0: key, 1: key, 2: 0, 8: "later"}
    payload = {
        0: 0,
        11: [blob],
        12: [{0: "a", 1: "A", 2: 0, "x": 1}],
        20: {0: "c"},
        21: {0: 2, -1: 0},
        24: {},
    }
    return asks(
        payload | {29: {0: "k"}},
        media=[{"hash": key, "key": key, "size": 0}],
        actions=[{"id": "a", "label": "A", "type": 0}],
        conversation={"id": "c"},
        badge={"op": 2},
        activity={},
        loc={"key": "k"},
    )


@family.vector("TOC-6 §10", "Defaults that were sent are the same as none.")
def defaults_that_were_sent(_draw: Draw) -> Case:
    payload = {0: 0, 4: "", 9: 0, 10: "", 11: [], 12: [], 13: "", 16: 2, 17: "", 18: 0, 22: "\u200e", 25: []}
    return asks(payload | {21: {0: 0, 1: 0}, 26: [], 27: True}, badge={"op": 0})


@family.vector("TOC-6 §3", "Further texts, arrays, a number and a conversation of exactly their limits.")
def at_their_limits(_draw: Draw) -> Case:
    link, name, tags = "x:" + "l" * 1022, "n" * 504, ["t" * 32] * 8
    payload = {0: 0, 4: "c" * 64, 13: link, 17: "c" * 32, 20: {0: "i", 1: name}, 24: {0: 1000}, 25: tags}
    return asks(
        payload,
        channel="c" * 64,
        link=link,
        collapse="c" * 32,
        conversation={"id": "i", "name": name},
        activity={"progress": 1000},
        tags=tags,
    )


@family.vector("TOC-6 §3", "The same, each by one more than its limit.")
def over_their_limits(_draw: Draw) -> Case:
    link, name, tags = "x:" + "l" * 1023, "n" * 505, ["t" * 33]
    payload = {0: 0, 4: "c" * 65, 13: link, 17: "c" * 33, 20: {0: "i", 1: name}, 24: {0: 1001}, 25: tags}
    return asks(
        payload | {9: 2, 16: 5, 22: "stays", 23: 3, 26: [0, 3], 29: {0: "k", 1: [""] * 9}}, sound="stays"
    )


@family.vector("TOC-6 §3", "Data of 2,048 bytes encoded, left as it was sent.")
def data_at_its_limit(_draw: Draw) -> Case:
    data = {0: "d" * 2040 + "\u202e"}
    return asks({0: 0, 14: data}, data=data)


@family.vector("TOC-6 §3", "Data of 2,049 bytes encoded.")
def data_over_its_limit(_draw: Draw) -> Case:
    return asks({0: 0, **STAYS, 14: {0: "d" * 2044}}, channel="stays")


@family.vector("TOC-6 §2.3", "A link whose scheme, once a mark of direction is stripped, is javascript.")
def link_that_hides_its_scheme(_draw: Draw) -> Case:
    return asks({0: 0, **STAYS, 13: "Java\u200fScript:alert(1)"}, channel="stays")


@family.vector("TOC-6 §2.3", "Names that are paths or URLs, and actions with a link to a file.")
def places(_draw: Draw) -> Case:
    actions = [{0: "a", 1: "A", 2: 0}, {0: "b", 1: "B", 2: 0, 3: "FILE:///etc/passwd"}]
    return asks({0: 0, **STAYS, 10: "/tmp/icon", 12: actions, 22: "http:bell"}, channel="stays")


@family.vector(
    "TOC-6 §2.2", "Inner maps without what is required: an id, a label of which nothing is left, a key."
)
def missing_members(draw: Draw) -> Case:
    payload = {0: 0, **STAYS, 11: [{0: draw("hash", 32), 2: 0}], 12: [{0: "a", 1: "\u202e", 2: 0}]}
    return asks(payload | {20: {1: "name"}, 21: {1: 1}, 29: {0: ""}}, channel="stays")


@family.vector("TOC-6 §3", "`of` in a retract.")
def of_in_a_retract(draw: Draw) -> Case:
    of = draw("of", 16)
    return asks({0: 4, 31: of}, of=of)


@family.vector("TOC-6 §3", "`of` in an alert, where it says nothing.")
def of_in_an_alert(draw: Draw) -> Case:
    return asks({0: 0, **STAYS, 31: draw("of", 16)}, channel="stays")


@family.vector("TOC-6 §1", "A float in data, which is opaque but CBOR all the same.")
def float_in_data(_draw: Draw) -> Case:
    pairs = ((encode(0), encode(0)), (encode(14), bytes.fromhex("a100f93c00")))
    return Case(operation="further", input={"payload": pairs_in_this_order(*pairs)}, expect="cbor")
