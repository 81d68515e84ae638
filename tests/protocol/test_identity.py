"""Identities: keys from a seed, addresses that survive typing, cards that bind a contact key."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.bindings import crypto_scalarmult_base
from nacl.signing import SigningKey, VerifyKey

from tocsin_protocol import base32
from tocsin_protocol.errors import LocalProtocolError, Reason, RemoteProtocolError
from tocsin_protocol.hashing import KDF, H
from tocsin_protocol.identity import (
    FIRST_ROTATION,
    Address,
    Card,
    Identity,
    Rotation,
    Seed,
    check_successor,
    rotate,
    safety_number,
    uri_check,
    usable,
    verify_card,
)
from tocsin_protocol.limits import CONTACT_KEYS_MAX
from tocsin_protocol.network import Network
from tocsin_protocol.types import ContactKey, Hour, IdentityKey

MAIN = Network(name="main")
SEED = Seed(bytes(range(32)))
ALICE = Identity.from_seed(SEED)
BOB = Identity.from_seed(Seed(b"b" * 32))
NOW = Hour(500_000)
CARD = Card(contact_key=ALICE.contact_key, rotation=0, not_before_hour=NOW)

addresses = st.builds(
    Address,
    identity_key=st.binary(min_size=32, max_size=32).map(IdentityKey),
    contact_key=st.binary(min_size=32, max_size=32).map(ContactKey),
    knock_policy=st.integers(0, 7),
    pin_required=st.booleans(),
)


def refusal_of(text: str) -> Reason | None:
    try:
        Address.decode(text, MAIN)
    except RemoteProtocolError as error:
        return error.reason
    return None


def spell(prefix: bytes) -> str:
    """An address with a right check, whatever else is wrong with it."""
    return "tocsin:id/" + base32.encode(prefix + uri_check(MAIN, prefix))


def test_keys_are_derived_from_the_seed() -> None:
    signing = SigningKey(KDF(SEED, "tcn1/seed", b"ik", 32))
    assert ALICE.identity_key == bytes(signing.verify_key)
    assert ALICE.contact_secret == KDF(SEED, "tcn1/seed", b"kk\0\0\0\0", 32)
    assert ALICE.contact_key == crypto_scalarmult_base(ALICE.contact_secret)
    assert Identity.from_seed(SEED) == ALICE
    assert BOB.identity_key != ALICE.identity_key


def test_each_rotation_has_a_contact_key_of_its_own() -> None:
    rotation = Rotation.at(Hour(0x01020304))
    rotated = Identity.from_seed(SEED, rotation)
    assert rotated.identity_key == ALICE.identity_key
    assert rotated.contact_secret == KDF(SEED, "tcn1/seed", b"kk\x01\x02\x03\x04", 32)
    assert rotated.card == Card(
        contact_key=rotated.contact_key, rotation=0x01020304, not_before_hour=Hour(0x01020304)
    )
    assert ALICE.card == Card(contact_key=ALICE.contact_key, rotation=0, not_before_hour=Hour(0))
    verify_card(rotated.card, ALICE.identity_key, rotated.card.sign(rotated), Hour(0x01020303))
    for number in (-1, 1 << 32):
        with pytest.raises(LocalProtocolError, match="rotation"):
            Identity.from_seed(SEED, Rotation(number=number, not_before_hour=Hour(0)))


def test_a_replaced_contact_key_is_kept_30_days_and_tried_after_the_newest() -> None:
    rotations = rotate(rotate((FIRST_ROTATION,), NOW), Hour(NOW + 10))
    assert [rotation.number for rotation in rotations] == [NOW + 10, NOW, 0]
    assert usable(rotations, Hour(NOW + 30 * 24)) == rotations
    assert [each.number for each in usable(rotations, Hour(NOW + 30 * 24 + 1))] == [NOW + 10, NOW]
    assert [each.number for each in usable(rotations, Hour(NOW + 9999))] == [NOW + 10]
    assert [each.number for each in rotate(rotations, Hour(NOW + 9999))] == [NOW + 9999, NOW + 10]


@pytest.mark.parametrize("hour", [NOW, NOW - 1])
def test_a_contact_key_is_never_replaced_by_an_older_one(hour: int) -> None:
    with pytest.raises(LocalProtocolError, match="once an hour"):
        rotate(rotate((FIRST_ROTATION,), NOW), Hour(hour))


def test_the_number_of_contact_keys_is_bounded() -> None:
    rotations: tuple[Rotation, ...] = (FIRST_ROTATION,)
    for hours in range(1, CONTACT_KEYS_MAX):
        rotations = rotate(rotations, Hour(NOW + hours))
    assert len(rotations) == CONTACT_KEYS_MAX
    with pytest.raises(LocalProtocolError, match="at most"):
        rotate(rotations, Hour(NOW + 100))


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_seed_has_32_bytes(size: int) -> None:
    with pytest.raises(LocalProtocolError, match="seed"):
        Identity.from_seed(Seed(bytes(size)))


def test_secrets_are_not_shown() -> None:
    shown = repr(ALICE)
    assert "secret" not in shown
    assert repr(ALICE.contact_secret) not in shown
    assert repr(ALICE.signing_secret) not in shown


@given(addresses)
def test_address_round_trip_in_either_case(address: Address) -> None:
    text = address.encode(MAIN)
    assert len(text) == len("tocsin:id/") + 112
    assert Address.decode(text, MAIN) == address
    assert Address.decode(text.upper(), MAIN) == address


def test_address_is_laid_out_as_specified() -> None:
    address = Address(identity_key=ALICE.identity_key, contact_key=ALICE.contact_key, pin_required=True)
    prefix = b"\x01\x0d" + ALICE.identity_key + ALICE.contact_key
    check = H("tcn1/addr", MAIN.nid16 + prefix, 16)[:4]
    assert address.knock_policy == 5
    assert address.encode(MAIN) == "tocsin:id/" + base32.encode(prefix + check)


@given(address=addresses, at=st.integers(0, 121), new=st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_a_mistyped_character_is_noticed(address: Address, at: int, new: str) -> None:
    text = address.encode(MAIN)
    mistyped = text[:at] + new + text[at + 1 :]
    if mistyped == text:
        return
    with pytest.raises(RemoteProtocolError) as caught:
        Address.decode(mistyped, MAIN)
    assert caught.value.reason is Reason.URI


@given(st.text() | st.text("abc234", min_size=112, max_size=112).map("tocsin:id/".__add__))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    assert refusal_of(text) in {None, Reason.URI}


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        (spell(b"\x01\x05" + bytes(64))[3:], "begins with"),
        ("tocsin:invite/" + spell(b"\x01\x05" + bytes(64))[10:], "begins with"),
        ("toc\u017fin:id/" + spell(b"\x01\x05" + bytes(64))[10:], "begins with"),
        (spell(b"\x01\x05" + bytes(63)), "characters"),
        (spell(b"\x01\x05" + bytes(65)), "characters"),
        (spell(b"\x00\x05" + bytes(64)), "newer version"),
        (spell(b"\x02\x05" + bytes(64)), "newer version"),
        (spell(b"\x01\x10" + bytes(64)), "newer version"),
        (spell(b"\x01\x80" + bytes(64)), "newer version"),
    ],
)
def test_other_addresses_are_refused(text: str, detail: str) -> None:
    with pytest.raises(RemoteProtocolError, match=detail):
        Address.decode(text, MAIN)


def test_another_networks_address_is_refused() -> None:
    text = Address(identity_key=ALICE.identity_key, contact_key=ALICE.contact_key).encode(
        Network(name="test")
    )
    with pytest.raises(RemoteProtocolError, match="another network"):
        Address.decode(text, MAIN)


def test_an_address_that_could_not_be_written_cannot_be_made() -> None:
    with pytest.raises(LocalProtocolError, match="policy"):
        Address(identity_key=ALICE.identity_key, contact_key=ALICE.contact_key, knock_policy=8)
    with pytest.raises(LocalProtocolError, match="public key"):
        Address(identity_key=IdentityKey(b""), contact_key=ALICE.contact_key)
    with pytest.raises(LocalProtocolError, match="public key"):
        Address(identity_key=ALICE.identity_key, contact_key=ContactKey(bytes(33)))


def test_a_card_is_signed_over_its_layout() -> None:
    card = Card(contact_key=ALICE.contact_key, rotation=0x01020304, not_before_hour=Hour(0x05060708))
    statement = b"tcn1/card" + ALICE.contact_key + bytes(range(1, 9))
    VerifyKey(ALICE.identity_key).verify(statement, card.sign(ALICE))


@pytest.mark.parametrize("ahead_hours", [-1000, 0, 1])
def test_a_card_may_begin_an_hour_ahead(ahead_hours: int) -> None:
    card = replace(CARD, not_before_hour=Hour(NOW + ahead_hours))
    verify_card(card, ALICE.identity_key, card.sign(ALICE), NOW)


def test_a_card_from_the_future_is_refused() -> None:
    card = replace(CARD, not_before_hour=Hour(NOW + 2))
    with pytest.raises(RemoteProtocolError, match="future") as caught:
        verify_card(card, ALICE.identity_key, card.sign(ALICE), NOW)
    assert caught.value.reason is Reason.CARD


@pytest.mark.parametrize(
    "forged",
    [
        replace(CARD, contact_key=BOB.contact_key),
        replace(CARD, rotation=1),
        replace(CARD, not_before_hour=Hour(NOW - 1)),
    ],
)
def test_a_changed_card_is_refused(forged: Card) -> None:
    with pytest.raises(RemoteProtocolError, match="signature") as caught:
        verify_card(forged, ALICE.identity_key, CARD.sign(ALICE), NOW)
    assert caught.value.reason is Reason.CARD


def test_another_persons_card_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match="signature"):
        verify_card(CARD, ALICE.identity_key, CARD.sign(BOB), NOW)


@given(signature=st.binary(max_size=70), key=st.binary(max_size=40))
def test_any_signature_and_key_are_refused_without_harm(signature: bytes, key: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        verify_card(CARD, IdentityKey(key), signature, NOW)
    assert caught.value.reason is Reason.CARD


@pytest.mark.parametrize(
    "malformed",
    [
        replace(CARD, contact_key=ContactKey(bytes(31))),
        replace(CARD, rotation=-1),
        replace(CARD, rotation=1 << 32),
        replace(CARD, not_before_hour=Hour(-1)),
        replace(CARD, not_before_hour=Hour(1 << 32)),
    ],
)
def test_a_malformed_card_is_neither_signed_nor_believed(malformed: Card) -> None:
    with pytest.raises(LocalProtocolError, match="card"):
        malformed.sign(ALICE)
    with pytest.raises(RemoteProtocolError, match="size"):
        verify_card(malformed, ALICE.identity_key, bytes(64), NOW)


SEEN = Card(contact_key=ALICE.contact_key, rotation=7, not_before_hour=NOW)


@pytest.mark.parametrize(
    ("card", "seen"),
    [
        (SEEN, None),
        (SEEN, SEEN),
        (replace(SEEN, not_before_hour=Hour(NOW + 1)), SEEN),
        (replace(SEEN, rotation=8), SEEN),
        (replace(SEEN, rotation=8, contact_key=BOB.contact_key), SEEN),
    ],
)
def test_a_card_may_repeat_or_follow_the_newest_seen(card: Card, seen: Card | None) -> None:
    check_successor(card, seen)


@pytest.mark.parametrize(
    ("card", "detail"),
    [
        (replace(SEEN, rotation=6), "newer"),
        (replace(SEEN, rotation=6, contact_key=BOB.contact_key), "newer"),
        (replace(SEEN, contact_key=BOB.contact_key), "another key"),
    ],
)
def test_a_card_may_not_go_back_behind_the_newest_seen(card: Card, detail: str) -> None:
    with pytest.raises(RemoteProtocolError, match=detail) as caught:
        check_successor(card, SEEN)
    assert caught.value.reason is Reason.CARD


def test_both_people_see_the_same_safety_number() -> None:
    number = safety_number(ALICE.identity_key, BOB.identity_key)
    assert number == safety_number(BOB.identity_key, ALICE.identity_key)
    groups = number.split(" ")
    assert len(groups) == 12
    assert all(len(group) == 5 and group.isdecimal() for group in groups)
    assert sorted((groups[:6], groups[6:])) == [groups[:6], groups[6:]]


def test_a_safety_number_is_pieces_of_each_keys_hash() -> None:
    digest = H("tcn1/fpr", ALICE.identity_key, 64)
    half = " ".join(f"{int.from_bytes(digest[at : at + 5], 'big') % 100_000:05d}" for at in range(0, 30, 5))
    assert safety_number(ALICE.identity_key, ALICE.identity_key) == f"{half} {half}"
    assert half in safety_number(ALICE.identity_key, BOB.identity_key)
