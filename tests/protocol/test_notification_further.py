"""The further fields of a notification: round trip, limits at and above, and what is dropped."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_protocol import cbor, notification
from tocsin_protocol.errors import LocalProtocolError, Reason, RemoteProtocolError
from tocsin_protocol.notification import (
    BodyFormat,
    Interruption,
    Notification,
    NotificationKind,
    Receipt,
    Visibility,
)
from tocsin_protocol.notification_parts import (
    Action,
    ActionType,
    Activity,
    Badge,
    BadgeOp,
    Conversation,
    Loc,
    Media,
)
from tocsin_protocol.types import NotificationId

KEY = b"k" * 32
LEAST: dict[str, cbor.Map] = {
    "blob": {0: KEY, 1: KEY, 2: 0},
    "action": {0: "a", 1: "A", 2: 0},
}


def texts(size_max: int = 20, size_min: int = 0) -> st.SearchStrategy[str]:
    return st.text("abcXYZ äع🎉\t\n", min_size=size_min, max_size=size_max).filter(
        lambda text: len(text.encode()) <= 32
    )


uints = st.integers(0, (1 << 64) - 1)
moments = st.none() | uints
names = st.text("abc-ä", max_size=16)
links = st.just("") | st.builds("{}:{}".format, st.sampled_from(["https", "x-App+1.0", "mailto"]), names)
blobs = st.builds(
    Media,
    hash=st.binary(min_size=32, max_size=32),
    key=st.binary(min_size=32, max_size=32),
    size=uints,
    mime=texts(),
    name=texts(),
    width=moments,
    height=moments,
    thumb=st.binary(max_size=50),
)
actions = st.builds(
    Action,
    id=texts(8, 1),
    label=texts(8, 1),
    type=st.sampled_from(ActionType),
    url=links,
    placeholder=texts(),
    destructive=st.booleans(),
    auth_required=st.booleans(),
    clear=st.booleans(),
)
FURTHER: dict[str, st.SearchStrategy[Any]] = {
    "channel": texts(),
    "category": texts(),
    "title": texts(),
    "body_format": st.sampled_from(BodyFormat),
    "icon": names | blobs,
    "media": st.lists(blobs, max_size=4).map(tuple),
    "actions": st.lists(actions, max_size=3).map(tuple),
    "link": links,
    "data": st.none() | st.dictionaries(texts() | st.integers(0, 9), texts() | st.booleans(), max_size=3),
    "interruption": st.sampled_from(Interruption),
    "collapse": texts(),
    "rev": uints,
    "conversation": st.none() | st.builds(Conversation, id=texts(8, 1), name=texts(), group=st.booleans()),
    "badge": st.none() | st.builds(Badge, op=st.sampled_from(BadgeOp), n=uints),
    "sound": names,
    "visibility": st.none() | st.sampled_from(Visibility),
    "activity": st.none()
    | st.builds(
        Activity,
        progress=st.none() | st.integers(0, 1000),
        stale_at_ms=moments,
        dismiss_at_ms=moments,
        ongoing=st.booleans(),
    ),
    "tags": st.lists(texts(), max_size=8).map(tuple),
    "want": st.lists(st.sampled_from(Receipt), max_size=3).map(tuple),
    "hist": st.booleans(),
    "not_before_ms": moments,
    "loc": st.none() | st.builds(Loc, key=texts(8, 1), args=st.lists(texts(), max_size=8).map(tuple)),
}
alerts = st.builds(Notification, kind=st.just(NotificationKind.ALERT), **FURTHER)
retracts = st.builds(
    Notification,
    kind=st.sampled_from([NotificationKind.RETRACT, NotificationKind.RECEIPT]),
    of=st.none() | st.binary(min_size=16, max_size=16).map(NotificationId),
    **FURTHER,
)


def decode_map(pairs: dict[Any, Any]) -> Notification:
    return notification.decode(cbor.encode(pairs))


def refusal_of(pairs: dict[Any, Any]) -> Reason | None:
    try:
        decode_map(pairs)
    except RemoteProtocolError as error:
        return error.reason
    return None


def alert(**fields: Any) -> Notification:
    return Notification(kind=NotificationKind.ALERT, **fields)


@given(alerts | retracts)
def test_round_trip(sent: Notification) -> None:
    assert notification.decode(notification.encode(sent)) == sent


json_like = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 6) | st.text(max_size=5) | st.just(KEY),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.integers(0, 8), inner, max_size=4),
    max_leaves=6,
)
likely = json_like | st.sampled_from(
    [
        LEAST["blob"],
        [LEAST["blob"]],
        [LEAST["action"]],
        {0: "id", 1: "\u202e"},
        {0: "k", 1: ["", "a"]},
        "x:\u202e",
    ]
)


@given(st.sampled_from([0, 4, 5]), st.dictionaries(st.integers(1, 33), likely, max_size=6))
def test_any_map_is_a_notification_within_its_limits_or_refused(kind: int, pairs: dict[int, Any]) -> None:
    if {30, 32} & pairs.keys() and refusal_of(pairs | {0: kind}) is Reason.PAYLOAD:
        return
    got = decode_map(pairs | {0: kind})
    assert notification.decode(notification.encode(got)) == got


BLOB = Media(hash=KEY, key=KEY, size=1)
BUTTON = Action(id="a", label="A", type=ActionType.OPEN)
AT_THE_LIMIT: list[tuple[str, Any, Any]] = [
    ("channel", "c" * 64, "c" * 65),
    ("category", "c" * 64, "ä" * 33),
    ("icon", "i" * 64, "i" * 65),
    ("media", (BLOB,) * 4, (BLOB,) * 5),
    ("actions", (BUTTON,) * 3, (BUTTON,) * 4),
    ("link", "x:" + "l" * 1022, "x:" + "l" * 1023),
    ("data", {0: b"d" * 2043}, {0: b"d" * 2044}),
    ("collapse", "c" * 32, "c" * 33),
    ("rev", (1 << 64) - 1, 1 << 64),
    ("conversation", Conversation(id="i", name="n" * 504), Conversation(id="i", name="n" * 505)),
    ("sound", "s" * 64, "s" * 65),
    ("activity", Activity(progress=1000), Activity(progress=1001)),
    ("activity", Activity(stale_at_ms=0), Activity(stale_at_ms=-1)),
    ("activity", Activity(dismiss_at_ms=0), Activity(dismiss_at_ms=1 << 64)),
    ("tags", ("t",) * 8, ("t",) * 9),
    ("tags", ("t" * 32,), ("t" * 33,)),
    ("want", tuple(Receipt), (Receipt.SEEN,) * 4),
    ("not_before_ms", (1 << 64) - 1, 1 << 64),
    ("loc", Loc(key="k" * 64), Loc(key="k" * 65)),
    ("loc", Loc(key="k", args=("a",) * 8), Loc(key="k", args=("a",) * 9)),
    ("loc", Loc(key="k", args=("a" * 256,)), Loc(key="k", args=("a" * 257,))),
    ("badge", Badge(op=BadgeOp.SET, n=0), Badge(op=BadgeOp.SET, n=-1)),
]
MEMBERS_AT_THE_LIMIT: list[tuple[str, Any, Any]] = [
    *(("media", name, (KEY, KEY[:31])) for name in ("hash", "key")),
    ("media", "size", (0, -1)),
    ("media", "mime", ("m" * 128, "m" * 129)),
    ("media", "name", ("n" * 128, "n" * 129)),
    ("media", "width", ((1 << 64) - 1, 1 << 64)),
    ("media", "height", ((1 << 64) - 1, -1)),
    ("media", "thumb", (b"t" * 1024, b"t" * 1025)),
    ("actions", "id", ("i" * 32, "i" * 33)),
    ("actions", "label", ("l" * 64, "l" * 65)),
    ("actions", "url", ("x:" + "u" * 1022, "x:" + "u" * 1023)),
    ("actions", "placeholder", ("p" * 64, "p" * 65)),
]


def assert_limit(field: str, most: Any, more: Any) -> None:
    sent = alert(**{field: most})
    assert notification.decode(notification.encode(sent)) == sent
    with pytest.raises(LocalProtocolError, match=f"^{field} must be "):
        notification.encode(alert(**{field: more}))


@pytest.mark.parametrize(("field", "most", "more"), AT_THE_LIMIT)
def test_the_sender_is_told_which_field_is_beyond_its_limit(field: str, most: Any, more: Any) -> None:
    assert_limit(field, most, more)


@pytest.mark.parametrize(("field", "member", "values"), MEMBERS_AT_THE_LIMIT)
def test_so_for_the_members_of_blobs_and_actions(field: str, member: str, values: tuple[Any, Any]) -> None:
    least: dict[str, Any] = (
        {"hash": KEY, "key": KEY, "size": 1}
        if field == "media"
        else {"id": "a", "label": "A", "type": ActionType.OPEN}
    )
    kind: Any = Media if field == "media" else Action
    most, more = ((kind(**least | {member: value}),) for value in values)
    assert_limit(field, most, more)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (4, "c" * 65),
        (5, 5),
        (9, 2),
        (10, "i" * 65),
        (10, "/tmp/icon"),
        (10, "https:icon"),
        (10, "..\\icon"),
        (10, {0: KEY, 1: KEY}),
        (10, [1]),
        (11, [LEAST["blob"]] * 5),
        (11, LEAST["blob"]),
        (11, ["https://example.org/cat.webp"]),
        (11, [LEAST["blob"], LEAST["blob"] | {7: b"t" * 1025}]),
        (12, [LEAST["action"]] * 4),
        (12, [LEAST["action"] | {2: 5}]),
        (12, [LEAST["action"] | {1: "\u202e"}]),
        (12, [LEAST["action"] | {3: "javascript:alert(1)"}]),
        (12, [LEAST["action"] | {5: 1}]),
        (13, "x:" + "l" * 1023),
        (14, {0: b"d" * 2044}),
        (14, []),
        (16, 5),
        (16, True),
        (17, "c" * 33),
        (18, -1),
        (20, {1: "name"}),
        (20, {0: ""}),
        (20, {0: "i", 9: b"x" * 510}),
        (21, {0: 3}),
        (21, {1: 1}),
        (22, "a/b"),
        (23, 3),
        (24, {0: 1001}),
        (24, {3: 1}),
        (25, "t"),
        (25, ["t"] * 9),
        (25, ["t", 1]),
        (26, [0, 3]),
        (26, [0, 0, 0, 0]),
        (27, 0),
        (28, -1),
        (29, {1: []}),
        (29, {0: "k", 1: ["a"] * 9}),
        (31, "of"),
        (31, b"o" * 15),
    ],
)
def test_a_broken_further_field_is_dropped_alone(key: int, value: Any) -> None:
    for kind in (NotificationKind.ALERT, NotificationKind.RETRACT):
        assert decode_map({0: kind, 6: "stays", key: value}) == Notification(kind=kind, title="stays")


@pytest.mark.parametrize(
    "link",
    [
        *(
            "file:///etc/passwd",
            "FILE:x",
            "javascript:x",
            "JavaScript:x",
            "java\u202escript:x",
            "java\0script:x",
        ),
        *(
            "example.org",
            "//example.org",
            ":x",
            "1x:y",
            " x:y",
            "x:a b",
            "java\tscript:x",
            "x:\ny",
            "\ufeffx:y",
        ),
    ],
)
def test_a_link_that_is_none_or_must_not_be_opened(link: str) -> None:
    assert decode_map({0: 0, 13: link}) == alert()
    with pytest.raises(LocalProtocolError, match=r"^link must be a URI"):
        notification.encode(alert(link=link))


@pytest.mark.parametrize(
    "link", ["https://example.org/a?b#c", "profile:x", "x-app+1.0:", "data:,x", "x:file:"]
)
def test_other_links_stay(link: str) -> None:
    assert decode_map({0: 0, 13: link}).link == link


def test_every_text_is_stripped_but_those_in_data() -> None:
    bad = "a\u202eb\0"
    got = decode_map(
        {
            0: 0,
            **dict.fromkeys((4, 5, 10, 17, 22), bad),
            11: [LEAST["blob"] | {3: bad, 4: bad}],
            12: [{0: bad, 1: bad, 2: 0, 3: f"x:{bad}", 4: bad}],
            13: f"x:{bad}",
            14: {bad: bad},
            20: {0: bad, 1: bad},
            25: [bad, "\u202e"],
            29: {0: bad, 1: [bad]},
        }
    )
    assert got == alert(
        channel="ab",
        category="ab",
        icon="ab",
        media=(Media(hash=KEY, key=KEY, size=0, mime="ab", name="ab"),),
        actions=(Action(id="ab", label="ab", type=ActionType.OPEN, url="x:ab", placeholder="ab"),),
        link="x:ab",
        data={bad: bad},
        collapse="ab",
        conversation=Conversation(id="ab", name="ab"),
        sound="ab",
        tags=("ab", ""),
        loc=Loc(key="ab", args=("ab",)),
    )


def test_unknown_keys_of_inner_maps_are_ignored() -> None:
    later: dict[Any, Any] = {50: [1], "x": None, -1: b""}
    got = decode_map({0: 0, 10: LEAST["blob"] | later, 21: {0: 1, 1: 2} | later, 24: later})
    assert got.icon == Media(hash=KEY, key=KEY, size=0)
    assert (got.badge, got.activity) == (Badge(op=BadgeOp.INC, n=2), Activity())


def test_of_is_for_retracts_and_receipts_only() -> None:
    of = NotificationId(b"o" * 16)
    for kind in NotificationKind:
        if kind is NotificationKind.UNKNOWN:
            continue
        about_another = kind.name in {"RETRACT", "RECEIPT"}
        assert decode_map({0: kind, 31: of}).of == (of if about_another else None)
        if not about_another:
            with pytest.raises(LocalProtocolError, match=r"^of must be in a retract"):
                notification.encode(Notification(kind=kind, of=of))
    assert decode_map({0: 11, 31: of}).of is None


@pytest.mark.parametrize(
    "wrong",
    [
        *({"media": "cat"}, {"media": (LEAST["blob"],)}, {"icon": 5}, {"badge": {0: 1}}, {"tags": ["t"]}),
        *({"conversation": Conversation(id="")}, {"loc": Loc(key="")}, {"of": b"short"}),
    ],
)
def test_the_sender_is_told_of_values_of_another_type(wrong: dict[str, Any]) -> None:
    with pytest.raises(LocalProtocolError, match=f"^{next(iter(wrong))} must be "):
        notification.encode(Notification(kind=NotificationKind.RETRACT, **wrong))
