"""Control maps: that each op has its one encoding, and that what is none is refused as a payload."""

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_protocol import cbor
from tocsin_protocol.control import (
    Accept,
    Confirm,
    Control,
    NewCard,
    NewGrant,
    Offer,
    digest_of,
    read_control,
    write_control,
)
from tocsin_protocol.errors import LocalProtocolError, Reason, RemoteProtocolError
from tocsin_protocol.grant import Grant
from tocsin_protocol.identity import Card
from tocsin_protocol.types import ContactKey, Epoch, Hour

KEY = b"\x05" * 32
SIGNATURE = b"\x06" * 64
OFFER = Offer.make(3, KEY)
CARD = Card(contact_key=ContactKey(KEY), rotation=7, not_before_hour=Hour(8))
GRANT = Grant(kinds=5, per_day=20, expires_hour=Hour(480_000), apps=("org.example",))

U32 = st.integers(0, (1 << 32) - 1)
PUBLIC = st.binary(min_size=32, max_size=32)
OFFERS = st.builds(Offer.make, U32, PUBLIC)
CARDS = st.builds(Card, contact_key=PUBLIC.map(ContactKey), rotation=U32, not_before_hour=U32.map(Hour))
CONTROLS: st.SearchStrategy[Control] = st.one_of(
    OFFERS,
    st.builds(Accept.make, OFFERS, PUBLIC, U32.map(Epoch)),
    st.builds(Confirm, generation=U32),
    st.builds(NewGrant, grant=st.builds(Grant, per_day=st.none() | U32)),
    st.builds(NewCard, card=CARDS, signature=st.binary(min_size=64, max_size=64)),
)


@pytest.mark.parametrize(
    ("control", "pairs"),
    [
        (OFFER, {0: 0, 1: 3, 2: KEY}),
        (Accept.make(OFFER, KEY, Epoch(20_000)), {0: 1, 1: 3, 2: KEY, 3: 20_000, 4: OFFER.digest}),
        (Confirm(generation=4), {0: 2, 1: 4}),
        (NewGrant(grant=GRANT), {0: 3, 1: {0: 5, 1: 20, 2: 480_000, 3: ["org.example"]}}),
        (NewCard(card=CARD, signature=SIGNATURE), {0: 4, 1: KEY, 2: 7, 3: 8, 4: SIGNATURE}),
    ],
    ids=["offer", "accept", "confirm", "grant", "card"],
)
def test_each_op_has_one_encoding(control: Control, pairs: cbor.Map) -> None:
    assert cbor.encode(write_control(control)) == cbor.encode(pairs)
    assert read_control(pairs) == control


@given(CONTROLS)
def test_what_was_written_is_read(control: Control) -> None:
    data = cbor.encode(write_control(control))
    pairs = cbor.decode(data)
    assert isinstance(pairs, dict)
    assert read_control(pairs) == control


def test_a_digest_covers_the_bytes_of_the_map_and_so_its_unknown_keys() -> None:
    pairs: cbor.Map = {0: 0, 1: 3, 2: KEY}
    expected = hashlib.blake2b(
        cbor.encode(pairs), digest_size=32, person=b"tcn1/th".ljust(16, b"\0")
    ).digest()
    assert OFFER.digest == digest_of(pairs) == expected
    extended = read_control({**pairs, 9: b"from a later version"})
    assert isinstance(extended, Offer)
    assert (extended.generation, extended.ephemeral) == (3, KEY)
    assert extended.digest == digest_of({**pairs, 9: b"from a later version"}) != OFFER.digest


@pytest.mark.parametrize(
    "pairs",
    [
        {},
        {0: 5},
        {0: -1},
        {0: True, 1: 0, 2: KEY},
        {0: "0", 1: 0},
        {0: 0, 1: 0, 2: KEY[:-1]},
        {0: 0, 1: 1 << 32, 2: KEY},
        {0: 0, 1: -1, 2: KEY},
        {0: 0, 2: KEY},
        {0: 1, 1: 0, 2: KEY, 3: 0},
        {0: 1, 1: 0, 2: KEY, 3: 0, 4: KEY + b"\0"},
        {0: 1, 1: 0, 2: KEY, 3: 1 << 32, 4: KEY},
        {0: 2},
        {0: 2, 1: "0"},
        {0: 3},
        {0: 3, 1: [1]},
        {0: 3, 1: {1: -1}},
        {0: 4, 1: KEY, 2: 0, 3: 0},
        {0: 4, 1: KEY, 2: 0, 3: 0, 4: SIGNATURE[:-1]},
        {0: 4, 1: KEY, 2: 1 << 32, 3: 0, 4: SIGNATURE},
    ],
    ids=str,
)
def test_a_broken_map_is_refused_whole(pairs: cbor.Map) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        read_control(pairs)
    assert caught.value.reason is Reason.PAYLOAD


@given(st.dictionaries(st.integers(0, 6), st.integers() | st.binary(max_size=70) | st.text(max_size=5)))
def test_any_map_is_read_or_refused(pairs: dict[int, Any]) -> None:
    try:
        control = read_control(pairs)
    except RemoteProtocolError:
        return
    assert read_control(write_control(control)).__class__ is control.__class__


@pytest.mark.parametrize(
    "control",
    [
        Offer.make(-1, KEY),
        Offer.make(1, KEY[:-1]),
        Confirm(generation=1 << 32),
        NewCard(card=CARD, signature=b""),
    ],
    ids=["number", "key", "large", "signature"],
)
def test_what_the_other_side_would_refuse_is_not_written(control: Control) -> None:
    with pytest.raises(LocalProtocolError):
        write_control(control)
