"""The folder `notification`: what a payload says, what of it is dropped, and when nothing is left.

`output.fields` holds the core fields of TOC-6 §2 that are left; an absent one was absent or dropped.
"""

from kit import cbor
from kit.cbor import Value, encode, pairs_in_this_order
from kit.vectors import Case, Draw, Family, Fields

family = Family("notification")
MOMENT_MS = 1_800_000_000_000
TITLE = {6: "Hello"}


def says(payload: Value, **fields: Value) -> Case:
    """`control` is told as a value of CBOR, the others as JSON has them."""
    told: Fields = {"kind": 0} | fields
    if "control" in told:
        told["control"] = cbor.told(told["control"])
    return Case(operation="notification", input={"payload": encode(payload)}, output={"fields": told})


def filled(size: int) -> dict[int, Value]:
    """A payload of this many bytes."""
    bare: dict[int, Value] = {0: 0, 33: bytes(256)}
    return bare | {33: bytes(256 + size - len(encode(bare)))}


def refused(expect: str, payload: bytes) -> Case:
    return Case(operation="notification", input={"payload": payload}, expect=expect)


@family.vector("TOC-6 §2", "An alert with a title and a body.")
def worked_example(_draw: Draw) -> Case:
    return says({0: 0, 6: "Hello", 8: "from Alice"}, title="Hello", body="from Alice")


@family.vector("TOC-6 §2", "Only the kind is required.")
def only_a_kind(_draw: Draw) -> Case:
    return says({0: 0})


@family.vector("TOC-6 §2", "Every core field.")
def every_core_field(draw: Draw) -> Case:
    first = draw("first", 16)
    payload = {
        0: 3,
        1: MOMENT_MS,
        2: 60,
        3: "org.example.mail",
        6: "Title",
        7: "Subtitle",
        8: "Body",
        15: 3,
        19: "thread",
        30: first,
        32: {0: 2, 1: 0},
    }
    return says(
        payload,
        kind=3,
        ts_ms=MOMENT_MS,
        ttl_s=60,
        app="org.example.mail",
        title="Title",
        subtitle="Subtitle",
        body="Body",
        urgency=3,
        thread="thread",
        first=first,
        control={0: 2, 1: 0},
    )


@family.vector("TOC-6 §3", "Keys of a later version, of any type, are ignored.")
def unknown_keys(_draw: Draw) -> Case:
    return says({0: 0, **TITLE, 33: [1, {2: b"3"}], 1000: None, -1: True, "x": "y"}, title="Hello")


@family.vector("TOC-6 §3", "A kind of a later version goes to history, with its fields.")
def unknown_kind(_draw: Draw) -> Case:
    return says({0: 11, **TITLE}, kind=11, title="Hello")


@family.vector("TOC-6 §3", "Texts of exactly their limits.")
def longest_texts(_draw: Draw) -> Case:
    app, title, subtitle, body, thread = "a" * 100, "t" * 256, "s" * 256, "b" * 2048, "r" * 64
    payload = {0: 0, 3: app, 6: title, 7: subtitle, 8: body, 19: thread}
    return says(payload, app=app, title=title, subtitle=subtitle, body=body, thread=thread)


@family.vector("TOC-6 §3", "A title of 257 bytes is dropped, and nothing else is.")
def title_over_its_limit(_draw: Draw) -> Case:
    return says({0: 0, 6: "t" * 257, 8: "stays"}, body="stays")


@family.vector("TOC-6 §3", "Limits count bytes: 129 characters of two bytes are too many.")
def title_of_too_many_bytes(_draw: Draw) -> Case:
    return says({0: 0, 6: "\u00e4" * 129, 8: "stays"}, body="stays")


@family.vector("TOC-6 §3", "Limits count what was sent, before anything is stripped.")
def title_that_stripping_would_shorten(_draw: Draw) -> Case:
    return says({0: 0, 6: "t" * 256 + "\u200f", 8: "stays"}, body="stays")


@family.vector("TOC-6 §3", "App, subtitle, body and thread of one byte too many are dropped.")
def texts_over_their_limits(_draw: Draw) -> Case:
    return says({0: 0, 3: "a" * 101, 6: "stays", 7: "s" * 257, 8: "b" * 2049, 19: "r" * 65}, title="stays")


@family.vector("TOC-6 §3", "Values of the wrong type are dropped one by one.")
def wrong_types(_draw: Draw) -> Case:
    payload = {0: 0, 1: "0", 2: True, 3: b"app", 6: None, 7: 5, 8: "stays", 15: "high", 19: ["thread"]}
    return says(payload, body="stays")


@family.vector("TOC-6 §3", "Numbers beyond their limits are dropped: ttl, urgency, and a ts before 1970.")
def numbers_beyond_their_limits(_draw: Draw) -> Case:
    return says({0: 0, 1: -1, 2: 604_801, 8: "stays", 15: 4}, body="stays")


@family.vector("TOC-6 §3", "A ttl of 604,800 is the greatest.")
def greatest_ttl(_draw: Draw) -> Case:
    return says({0: 0, 2: 604_800}, ttl_s=604_800)


@family.vector("TOC-6 §2", "A ttl of 0 and an urgency of 0 are values, not absences.")
def zeros(_draw: Draw) -> Case:
    return says({0: 0, 2: 0, 15: 0}, ttl_s=0, urgency=0)


@family.vector("TOC-6 §10", "Defaults that were sent, though no writer should: they stay.")
def defaults_that_were_sent(_draw: Draw) -> Case:
    return says({0: 0, 2: 172_800, 15: 2}, ttl_s=172_800, urgency=2)


@family.vector("TOC-6 §10", "An empty control is a control, whatever its reader makes of it.")
def empty_control(_draw: Draw) -> Case:
    return says({0: 7, 32: {}}, kind=7, control={})


@family.vector("TOC-6 §10", "The form of app is not checked.")
def app_of_any_form(_draw: Draw) -> Case:
    return says({0: 0, 3: "not a domain!"}, app="not a domain!")


@family.vector("TOC-6 §3", "`of` as text is dropped alone: a retract without it does nothing.")
def of_in_words(_draw: Draw) -> Case:
    return says({0: 4, 31: "of"}, kind=4)


@family.vector("TOC-6 §4", "Control is left as it was sent.")
def control_not_stripped(_draw: Draw) -> Case:
    return says({0: 7, 32: {"a\u202e": "\u200fb"}}, kind=7, control={"a\u202e": "\u200fb"})


@family.vector("TOC-6 §1", "5,036 bytes, filled up by a key that nobody knows.")
def longest_payload(_draw: Draw) -> Case:
    return says(filled(5036))


@family.vector("TOC-6 §1", "5,037 bytes: no envelope holds them.")
def payload_too_long(_draw: Draw) -> Case:
    return refused("length", encode(filled(5037)))


@family.vector("TOC-6 §1", "5,037 bytes that are no CBOR: the length comes first.")
def payload_too_long_and_no_cbor(_draw: Draw) -> Case:
    return refused("length", b"\xff" * 5037)


@family.vector("TOC-6 §4", "Controls and marks of direction are stripped; TAB and LF stay.")
def stripped_text(_draw: Draw) -> Case:
    unsafe = "\x00\x08\x0b\x1f\x7f\x80\x9f\u061c\u200e\u200f\u202a\u202e\u2066\u2069"
    return says({0: 0, 6: f"a{unsafe}b", 8: "a\tb\r\nc"}, title="ab", body="a\tb\nc")


@family.vector(
    "TOC-6 §4", "The neighbours of what is stripped stay; so do joiners, and a byte order mark in front."
)
def text_not_stripped(_draw: Draw) -> Case:
    text = "~\ufeff\u00a0\u061b\u061d\u200b\u200c\u200d\u2010\u2029\u202f\u2065\u206a\U0001f514"
    return says({0: 0, 8: text}, body=text)


@family.vector("TOC-6 §4", "A text of which nothing is left is the same as none.")
def text_stripped_to_nothing(_draw: Draw) -> Case:
    return says({0: 0, 6: "\u202e", 8: ""})


@family.vector("TOC-6 §2", "Further fields beside the core ones: a reader without them ignores them.")
def further_fields(_draw: Draw) -> Case:
    payload = {0: 0, 4: "news", 5: "im.received", 10: "mail-unread", 17: "c", 18: 3, 25: ["a"], 26: [0, 1]}
    return says(payload)


@family.vector("TOC-6 §3", "No kind.")
def no_kind(_draw: Draw) -> Case:
    return refused("payload", encode(TITLE))


@family.vector("TOC-6 §3", "A negative kind.")
def negative_kind(_draw: Draw) -> Case:
    return refused("payload", encode({0: -1}))


@family.vector("TOC-6 §3", "A kind in words.")
def kind_in_words(_draw: Draw) -> Case:
    return refused("payload", encode({0: "alert"}))


@family.vector("TOC-6 §3", "A kind that is a boolean, which in some languages is a number.")
def kind_true(_draw: Draw) -> Case:
    return refused("payload", encode({0: False}))


@family.vector("TOC-6 §3", "The id of a first sealing with 15 bytes: a notification that cannot be compared.")
def first_too_short(draw: Draw) -> Case:
    return refused("payload", encode({0: 0, **TITLE, 30: draw("first", 15)}))


@family.vector("TOC-6 §3", "The id of a first sealing as text.")
def first_in_words(draw: Draw) -> Case:
    return refused("payload", encode({0: 0, **TITLE, 30: draw("first", 8).hex()}))


@family.vector("TOC-6 §3", "A control that is no map.")
def control_not_a_map(_draw: Draw) -> Case:
    return refused("payload", encode({0: 7, 32: [0, 2]}))


@family.vector("TOC-6 §3", "An array with the right values.")
def array_not_map(_draw: Draw) -> Case:
    return refused("payload", encode([0, "Hello"]))


@family.vector("TOC-6 §3", "A number.")
def number_not_map(_draw: Draw) -> Case:
    return refused("payload", encode(0))


@family.vector("TOC-6 §1", "An empty payload.")
def no_payload(_draw: Draw) -> Case:
    return refused("cbor", b"")


@family.vector("TOC-6 §1", "A float in a field that no reader knows still makes the whole unreadable.")
def float_in_an_unknown_field(_draw: Draw) -> Case:
    pairs = ((encode(0), encode(0)), (encode(33), bytes.fromhex("f93c00")))
    return refused("cbor", pairs_in_this_order(*pairs))


@family.vector("TOC-6 §1", "Two titles.")
def title_twice(_draw: Draw) -> Case:
    pairs = ((encode(0), encode(0)), (encode(6), encode("a")), (encode(6), encode("b")))
    return refused("cbor", pairs_in_this_order(*pairs))


@family.vector("TOC-6 §1", "The kind behind the title.")
def kind_behind(_draw: Draw) -> Case:
    pairs = ((encode(6), encode("Hello")), (encode(0), encode(0)))
    return refused("cbor", pairs_in_this_order(*pairs))


@family.vector("TOC-6 §1", "A zero behind the payload, as if the padding were part of it.")
def trailing_zero(_draw: Draw) -> Case:
    return refused("cbor", encode({0: 0, **TITLE}) + b"\0")


@family.vector("TOC-6 §1", "A control nine deep, counted from the payload's own map.")
def control_too_deep(_draw: Draw) -> Case:
    control: Value = {}
    for _ in range(7):
        control = {0: control}
    return refused("cbor", encode({0: 7, 32: control}))


@family.vector("TOC-6 §1", "A title with half of a surrogate pair.")
def surrogate_in_a_title(_draw: Draw) -> Case:
    pairs = ((encode(0), encode(0)), (encode(6), bytes.fromhex("63eda080")))
    return refused("cbor", pairs_in_this_order(*pairs))
