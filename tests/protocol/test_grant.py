"""Grants: what they allow, and that a broken one allows nothing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_protocol import cbor
from tocsin_protocol.errors import LocalProtocolError, Reason, RemoteProtocolError
from tocsin_protocol.grant import Grant
from tocsin_protocol.limits import GRANT_INTRODUCTION_SIZE_MAX
from tocsin_protocol.notification import NotificationKind
from tocsin_protocol.types import Hour
from tocsin_protocol.wheel import Q

HOUR = Hour(480_000)
apps = st.text(st.characters(codec="utf-8", categories=["L", "N", "P"]), min_size=1, max_size=25)
grants = st.builds(
    Grant,
    kinds=st.none() | st.integers(0, (1 << 64) - 1),
    per_day=st.none() | st.integers(0, (1 << 32) - 1),
    expires_hour=st.none() | st.integers(0, (1 << 32) - 1).map(Hour),
    apps=st.none() | st.lists(apps, max_size=8).map(tuple),
)


@given(grants)
def test_a_grant_comes_back(grant: Grant) -> None:
    assert Grant.from_value(cbor.decode(cbor.encode(grant.to_map()))) == grant


def test_a_grant_is_laid_out_as_specified() -> None:
    assert Grant().to_map() == {}
    grant = Grant(kinds=5, per_day=3, expires_hour=HOUR, apps=("a", "b"))
    assert cbor.encode(grant.to_map()) == cbor.encode({0: 5, 1: 3, 2: HOUR, 3: ["a", "b"]})


def test_absent_is_no_limit_and_unknown_keys_are_ignored() -> None:
    grant = Grant.from_value({9: "later"})
    assert grant == Grant()
    assert grant.covers(NotificationKind.ALERT, "any")
    assert grant.covers(NotificationKind.UNKNOWN, "any")
    assert grant.limit_per_day(Q.RING) is None
    assert not grant.is_over(Hour(1 << 32))


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "text",
        {0: -1},
        {0: True},
        {0: None},
        {1: 1 << 32},
        {1: "3"},
        {2: b""},
        {3: "app"},
        {3: [1]},
        {3: [""]},
        {3: ["a", "x" * 101]},
        {3: ["a\u202eb"]},
        {3: ["x" * 90] * 23},
    ],
)
def test_a_broken_grant_is_refused_whole(value: Any) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        Grant.from_value(value)
    assert caught.value.reason is Reason.PAYLOAD


def test_a_grant_that_nobody_would_take_is_not_sent() -> None:
    for grant in (Grant(kinds=-1), Grant(apps=("",)), Grant(per_day=1 << 32)):
        with pytest.raises(LocalProtocolError):
            grant.to_map()
    long = Grant(apps=("x" * 100, "y" * 100))
    long.to_map()
    with pytest.raises(LocalProtocolError):
        long.to_map(GRANT_INTRODUCTION_SIZE_MAX)


def test_bit_k_allows_kind_k() -> None:
    grant = Grant(kinds=1 << NotificationKind.ALERT | 1 << NotificationKind.CALL)
    allowed = {kind for kind in NotificationKind if grant.covers(kind, "")}
    assert allowed == {NotificationKind.ALERT, NotificationKind.CALL, NotificationKind.CONTROL}


def test_only_named_apps_are_covered() -> None:
    assert Grant(apps=("org.a",)).covers(NotificationKind.ALERT, "org.a")
    assert not Grant(apps=("org.a",)).covers(NotificationKind.ALERT, "org.b")
    assert not Grant(apps=()).covers(NotificationKind.ALERT, "")
    assert Grant(apps=()).covers(NotificationKind.CONTROL, "")


def test_control_is_counted_apart() -> None:
    assert Grant(per_day=0).limit_per_day(Q.RING) == 0
    assert Grant(per_day=0).limit_per_day(Q.CONTROL) == Grant().limit_per_day(Q.CONTROL) == 64


def test_a_grant_holds_to_the_end_of_its_last_hour() -> None:
    assert not Grant(expires_hour=HOUR).is_over(HOUR)
    assert Grant(expires_hour=HOUR).is_over(Hour(HOUR + 1))
