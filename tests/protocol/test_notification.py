"""Notifications: what the fields carry, what is dropped, and what makes the whole malformed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_protocol import cbor, notification
from tocsin_protocol.errors import LocalProtocolError, Reason, RemoteProtocolError
from tocsin_protocol.limits import PAYLOAD_SIZE_MAX, TTL_S_DEFAULT
from tocsin_protocol.notification import Notification, NotificationKind, Urgency
from tocsin_protocol.types import NotificationId

UNSAFE = "\0\x08\x0b\x1f\x7f\x80\x9f\u061c\u200e\u200f\u202a\u202e\u2066\u2069"

safe_text = st.text(
    st.characters(
        exclude_categories=["Cs", "Cc"], exclude_characters=UNSAFE + "\u202b\u202c\u202d\u2067\u2068"
    ),
    max_size=25,
)
notifications = st.builds(
    Notification,
    kind=st.sampled_from([kind for kind in NotificationKind if kind is not NotificationKind.UNKNOWN]),
    ts_ms=st.none() | st.integers(0, (1 << 64) - 1),
    ttl_s=st.integers(0, 604_800),
    app=safe_text.filter(lambda text: len(text.encode()) <= 100),
    title=safe_text,
    subtitle=safe_text,
    body=safe_text,
    urgency=st.sampled_from(Urgency),
    thread=safe_text.filter(lambda text: len(text.encode()) <= 64),
    first=st.none() | st.binary(min_size=16, max_size=16).map(NotificationId),
    control=st.none() | st.dictionaries(st.integers(0, 9), st.binary(max_size=64) | st.integers(0, 9)),
)


def decode_map(pairs: dict[Any, Any]) -> Notification:
    return notification.decode(cbor.encode(pairs))


def refusal_of(payload: bytes) -> Reason | None:
    try:
        notification.decode(payload)
    except RemoteProtocolError as error:
        return error.reason
    return None


@given(notifications)
def test_round_trip(sent: Notification) -> None:
    assert notification.decode(notification.encode(sent)) == sent


@given(st.binary(max_size=80))
def test_any_payload_is_a_notification_or_refused(payload: bytes) -> None:
    assert refusal_of(payload) in {None, Reason.CBOR, Reason.PAYLOAD}


json_like = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 700_000) | st.text(max_size=90) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.integers(0, 9), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([0, 1, 2, 3, 6, 7, 8, 15, 19, 30, 32, 33, "x"]), json_like))
def test_any_map_is_a_notification_within_its_limits_or_refused(pairs: dict[Any, Any]) -> None:
    refusal = refusal_of(cbor.encode(pairs))
    assert refusal in {None, Reason.PAYLOAD}
    if refusal is None and (got := decode_map(pairs)).kind is not NotificationKind.UNKNOWN:
        assert notification.decode(notification.encode(got)) == got


def test_only_the_kind_is_required() -> None:
    assert notification.encode(Notification(kind=NotificationKind.ALERT)) == cbor.encode({0: 0})
    got = decode_map({0: 0})
    assert got == Notification(kind=NotificationKind.ALERT)
    assert (got.ts_ms, got.ttl_s, got.urgency, got.control) == (None, TTL_S_DEFAULT, Urgency.NORMAL, None)


def test_fields_have_their_keys() -> None:
    sent = Notification(
        kind=NotificationKind.MATRIX,
        ts_ms=1,
        ttl_s=2,
        app="a",
        title="t",
        subtitle="s",
        body="b",
        urgency=Urgency.HIGH,
        thread="r",
        first=NotificationId(b"f" * 16),
        control={0: 2, 1: 0},
    )
    expected = {
        0: 10,
        1: 1,
        2: 2,
        3: "a",
        6: "t",
        7: "s",
        8: "b",
        15: 3,
        19: "r",
        30: b"f" * 16,
        32: {0: 2, 1: 0},
    }
    assert cbor.decode(notification.encode(sent)) == expected


def test_kinds_have_their_numbers() -> None:
    names = [
        "alert",
        "data",
        "activity",
        "call",
        "retract",
        "receipt",
        "sync",
        "control",
        "cover",
        "webpush",
        "matrix",
    ]
    for number, name in enumerate(names):
        assert decode_map({0: number}).kind is NotificationKind[name.upper()]


@pytest.mark.parametrize("number", [11, 24, (1 << 64) - 1])
def test_a_later_versions_kind_is_unknown_with_its_fields(number: int) -> None:
    assert decode_map({0: number, 6: "t"}) == Notification(kind=NotificationKind.UNKNOWN, title="t")


def test_an_unknown_kind_is_not_sent() -> None:
    with pytest.raises(LocalProtocolError, match="kind"):
        notification.encode(Notification(kind=NotificationKind.UNKNOWN))


@pytest.mark.parametrize("pairs", [{}, {6: "t"}, {0: -1}, {0: "alert"}, {0: True}, {0: None}, {0: [0]}])
def test_without_a_kind_it_is_malformed(pairs: dict[Any, Any]) -> None:
    with pytest.raises(RemoteProtocolError, match="kind") as caught:
        decode_map(pairs)
    assert caught.value.reason is Reason.PAYLOAD


@pytest.mark.parametrize("first", [0, "f" * 16, b"f" * 15, b"f" * 17, None])
def test_a_first_that_is_no_id_is_malformed(first: Any) -> None:
    with pytest.raises(RemoteProtocolError, match="first must be 16 bytes") as caught:
        decode_map({0: 0, 30: first})
    assert caught.value.reason is Reason.PAYLOAD


@pytest.mark.parametrize("control", [0, "x", b"", [], None, True])
def test_a_control_that_is_no_map_is_malformed(control: Any) -> None:
    with pytest.raises(RemoteProtocolError, match="control") as caught:
        decode_map({0: 7, 32: control})
    assert caught.value.reason is Reason.PAYLOAD


@pytest.mark.parametrize(
    "payload", [b"", b"\x80", b"\x00", b"\xa1\x00", b"\xa2\x00\x00\x00\x00", b"\xbf\x00\x00\xff"]
)
def test_what_is_no_map_is_malformed(payload: bytes) -> None:
    assert refusal_of(payload) in {Reason.CBOR, Reason.PAYLOAD}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (1, -1),
        (1, "0"),
        (2, 604_801),
        (2, True),
        (3, "a" * 101),
        (6, "t" * 257),
        (6, b"t"),
        (6, "ä" * 129),
        (7, "s" * 257),
        (8, "b" * 2049),
        (8, None),
        (15, 4),
        (15, "high"),
        (15, False),
        (19, "r" * 65),
    ],
)
def test_a_broken_field_is_dropped_alone(key: int, value: Any) -> None:
    assert decode_map({0: 0, 33: "later", 34: [1], key: value}) == Notification(kind=NotificationKind.ALERT)


@pytest.mark.parametrize(
    ("field", "size"), [("app", 100), ("title", 256), ("subtitle", 256), ("body", 2048), ("thread", 64)]
)
def test_the_sender_is_told_which_text_is_too_long(field: str, size: int) -> None:
    longest: dict[str, Any] = {field: "x" * size}
    sent = Notification(kind=NotificationKind.ALERT, **longest)
    assert notification.decode(notification.encode(sent)) == sent
    too_long: dict[str, Any] = {field: "x" * (size + 1)}
    with pytest.raises(LocalProtocolError, match=f"^{field} must be text of at most {size} bytes"):
        notification.encode(Notification(kind=NotificationKind.ALERT, **too_long))


@pytest.mark.parametrize(
    "wrong", [{"ts_ms": -1}, {"ttl_s": 604_801}, {"title": "\ud800"}, {"control": {0: 0.5}}]
)
def test_the_sender_is_told_what_else_cannot_be_sent(wrong: dict[str, Any]) -> None:
    with pytest.raises(LocalProtocolError):
        notification.encode(Notification(kind=NotificationKind.ALERT, **wrong))


def test_the_whole_has_a_limit() -> None:
    empty = len(cbor.encode({0: 7, 32: {0: b"x" * 300}})) - 300
    largest = Notification(kind=NotificationKind.CONTROL, control={0: b"x" * (PAYLOAD_SIZE_MAX - empty)})
    assert len(notification.encode(largest)) == PAYLOAD_SIZE_MAX
    larger = Notification(kind=NotificationKind.CONTROL, control={0: b"x" * (PAYLOAD_SIZE_MAX - empty + 1)})
    with pytest.raises(LocalProtocolError, match="5036"):
        notification.encode(larger)


@pytest.mark.parametrize("unsafe", UNSAFE)
@pytest.mark.parametrize(
    ("key", "field"), [(3, "app"), (6, "title"), (7, "subtitle"), (8, "body"), (19, "thread")]
)
def test_control_and_direction_characters_are_stripped(unsafe: str, key: int, field: str) -> None:
    assert getattr(decode_map({0: 0, key: f"a{unsafe}b"}), field) == "ab"


@pytest.mark.parametrize(
    "harmless", ["\t", "\n", " ", "~", "\u00a0", "\u200d", "\u2065", "\u206a", "ع", "🎉"]
)
def test_other_characters_stay(harmless: str) -> None:
    assert decode_map({0: 0, 8: f"a{harmless}b"}).body == f"a{harmless}b"


def test_every_character_of_the_listed_ranges_is_stripped() -> None:
    listed = [*range(9), *range(0x0B, 0x20), *range(0x7F, 0xA0), 0x61C, 0x200E, 0x200F]
    listed += [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]
    assert decode_map({0: 0, 8: "".join(map(chr, listed))}).body == ""
