"""What messages 1 and 2 say: read only when all of it is right, and only for the key that spoke."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.introductions import (
    EPOCH,
    GUEST,
    GUEST_SEED,
    HOUR,
    INVITER,
    MALLORY,
    NOBODY,
    answer_to,
    begin_by,
    finish_with,
    forged_message_1,
    own_fields,
    refused_answer,
    refused_finish,
    wrap,
)
from tocsin_protocol import cbor
from tocsin_protocol.errors import LocalProtocolError, Reason, RemoteProtocolError
from tocsin_protocol.grant import Grant
from tocsin_protocol.hello import read_hello, write_hello
from tocsin_protocol.identity import Card, Identity, Rotation
from tocsin_protocol.limits import HOUR_MS, INTRO_TEXT_SIZE_MAX
from tocsin_protocol.types import Hour, Now

grants = st.none() | st.builds(
    Grant, kinds=st.none() | st.integers(0, 2**11), per_day=st.none() | st.integers(0, 500)
)


@given(st.integers(0, 8), st.text(st.characters(codec="utf-8", categories=["L", "N"]), max_size=35), grants)
def test_what_one_side_writes_the_other_reads(depth: int, text: str, grant: Grant | None) -> None:
    pairs = write_hello(GUEST, depth=depth, text=text, grant=grant)
    decoded = cbor.decode(cbor.encode(pairs))
    assert isinstance(decoded, dict)
    peer = read_hello(
        decoded,
        authenticated=GUEST.contact_key,
        reader=INVITER.identity_key,
        now_hour=HOUR,
        seen=NOBODY,
    )
    assert (peer.identity_key, peer.card) == (GUEST.identity_key, GUEST.card)
    assert (peer.depth, peer.text, peer.grant) == (depth, text, grant)


@given(st.dictionaries(st.integers(0, 8), st.binary() | st.integers() | st.text() | st.booleans()))
def test_any_other_map_is_refused(pairs: dict[int, Any]) -> None:
    with pytest.raises(RemoteProtocolError):
        read_hello(
            {**pairs},
            authenticated=GUEST.contact_key,
            reader=INVITER.identity_key,
            now_hour=HOUR,
            seen=NOBODY,
        )


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"_0": None}, Reason.PAYLOAD),
        ({"_0": "text"}, Reason.PAYLOAD),
        ({"_0": MALLORY.identity_key}, Reason.CARD),
        ({"_0": b"short"}, Reason.CARD),
        ({"_1": bytes(64)}, Reason.CARD),
        ({"_1": b"short"}, Reason.CARD),
        ({"_2": 1}, Reason.CARD),
        ({"_2": True}, Reason.PAYLOAD),
        ({"_2": -1}, Reason.CARD),
        ({"_3": HOUR}, Reason.CARD),
        ({"_3": 1 << 32}, Reason.CARD),
        ({"_4": b"bytes"}, Reason.PAYLOAD),
        ({"_4": "x" * (INTRO_TEXT_SIZE_MAX + 1)}, Reason.PAYLOAD),
        ({"_6": 9}, Reason.PAYLOAD),
        ({"_7": 1}, Reason.PAYLOAD),
        ({"_7": {1: -1}}, Reason.PAYLOAD),
        ({"_7": {3: ["x" * 100, "y" * 100]}}, Reason.PAYLOAD),
        ({"_6": -1}, Reason.PAYLOAD),
        ({"_6": None}, Reason.PAYLOAD),
    ],
)
def test_a_message_1_that_says_something_wrong_is_refused(changed: dict[str, Any], reason: Reason) -> None:
    assert refused_answer(forged_message_1(cbor.encode(own_fields(GUEST, **changed)))) is reason


def test_unknown_keys_are_ignored() -> None:
    fields = own_fields(GUEST, _5=b"\0" * 8, _99="later")
    assert answer_to(forged_message_1(cbor.encode(fields))).peer.identity_key == GUEST.identity_key


def test_a_payload_that_is_no_map_is_refused() -> None:
    assert refused_answer(forged_message_1(cbor.encode([1]))) is Reason.PAYLOAD
    assert refused_answer(forged_message_1(b"\xff")) is Reason.CBOR
    assert refused_answer(wrap(b"too short")) is Reason.NOISE


def test_a_card_from_the_future_is_refused() -> None:
    early = Now(unix_ms=(HOUR - 102) * HOUR_MS, steady_ms=0)
    assert refused_answer(begin_by().envelope, now=early) is Reason.CARD


def test_each_side_grants_the_other() -> None:
    to_inviter, to_guest = Grant(per_day=10), Grant(kinds=1, apps=("org.example",))
    begun = begin_by(grant=to_inviter)
    answered = answer_to(begun.envelope, grant=to_guest)
    assert answered.peer.grant == to_inviter
    assert finish_with(begun.pending, answered.reply.message2).peer.grant == to_guest


def test_a_grant_inside_an_introduction_has_200_bytes() -> None:
    fits = Grant(apps=("x" * 97, "y" * 96))
    assert len(cbor.encode(fits.to_map())) == 200
    answer_to(begin_by(grant=fits).envelope)
    with pytest.raises(LocalProtocolError):
        begin_by(grant=Grant(apps=("x" * 97, "y" * 97)))


def test_a_text_cannot_turn_the_line_around() -> None:
    begun = begin_by(text="a\u202eb\x00c\td")
    assert answer_to(begun.envelope).peer.text == "abc\td"


def test_limits_count_bytes_before_stripping() -> None:
    fields = own_fields(GUEST, _4="\u202e" * 46 + "abc")
    assert refused_answer(forged_message_1(cbor.encode(fields))) is Reason.PAYLOAD


# Cards that were seen before


def test_an_older_card_than_the_newest_seen_is_refused() -> None:
    newer = Identity.from_seed(GUEST_SEED, Rotation.at(HOUR))
    seen = {GUEST.identity_key: newer.card}
    assert refused_answer(begin_by().envelope, seen=seen) is Reason.CARD
    answer_to(begin_by(newer).envelope, seen=seen)
    answer_to(begin_by(newer).envelope, seen={GUEST.identity_key: GUEST.card})


def test_a_card_with_the_same_number_over_another_key_is_refused() -> None:
    other = Card(contact_key=MALLORY.contact_key, rotation=0, not_before_hour=Hour(0))
    assert refused_answer(begin_by().envelope, seen={GUEST.identity_key: other}) is Reason.CARD
    answer_to(begin_by().envelope, seen={MALLORY.identity_key: other})


def test_the_answers_card_must_follow_the_newest_seen_too() -> None:
    begun = begin_by()
    message2 = answer_to(begun.envelope).reply.message2
    newer = Card(contact_key=MALLORY.contact_key, rotation=5, not_before_hour=Hour(0))
    with pytest.raises(RemoteProtocolError) as caught:
        finish_with(begun.pending, message2, seen={INVITER.identity_key: newer})
    assert caught.value.reason is Reason.CARD
    assert refused_finish(begun, own_fields(INVITER, _8=EPOCH, _6=9)) is Reason.PAYLOAD
