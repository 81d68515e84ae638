"""Introductions by invite: that each side ends with the other's proven keys, or as if nothing had come."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.introductions import (
    EPOCH,
    GUEST,
    HOUR,
    INVITE,
    INVITER,
    MALLORY,
    NETWORK,
    answer_to,
    begin_by,
    card_of,
    finish_with,
    forged_message_1,
    forged_message_2,
    own_fields,
    refused_answer,
    refused_finish,
    wrap,
)
from tocsin_protocol import cbor, noise
from tocsin_protocol.envelope import EnvelopeClass, kind_of, open_sealed
from tocsin_protocol.errors import LocalProtocolError, Reason, RemoteProtocolError
from tocsin_protocol.introduce import (
    Pending,
    begin,
    confirm_payload,
    parse_confirm,
)
from tocsin_protocol.limits import EPOCH_HOURS, HOUR_MS, INTRO_TEXT_SIZE_MAX, INTRODUCTION_EPOCH_AGE_MAX
from tocsin_protocol.topics import home, shard_topic
from tocsin_protocol.types import ContactKey, Epoch, Hour, Now, Tag

# The whole way


def test_both_sides_prove_who_they_are_and_share_the_roots() -> None:
    begun = begin_by()
    assert begun.topic == shard_topic(NETWORK, home(INVITER.identity_key))
    assert (begun.envelope.tag, len(begun.envelope.encode())) == (INVITE.tag, 512)
    answered = answer_to(begun.envelope)
    assert answered.peer.identity_key == GUEST.identity_key
    assert answered.peer.contact_key == GUEST.contact_key
    assert (answered.peer.text, answered.peer.depth) == ("it is me", 2)
    assert (answered.peer.rotation, answered.peer.not_before_hour) == (0, HOUR - 100)
    finished = finish_with(begun.pending, answered.message2)
    assert finished.peer.identity_key == INVITER.identity_key
    assert finished.peer.contact_key == INVITER.contact_key
    assert (finished.peer.text, finished.peer.depth) == ("", 1)
    assert finished.roots == answered.roots
    assert finished.epoch == answered.epoch == EPOCH


def test_the_longest_text_still_fits_the_smallest_envelope() -> None:
    begun = begin_by(text="\u00e9" * (INTRO_TEXT_SIZE_MAX // 2))
    assert len(begun.envelope.encode()) == 512
    assert answer_to(begun.envelope).peer.text == "\u00e9" * 70
    assert answer_to(begin_by(text="").envelope).peer.text == ""
    for text in ("\u00e9" * 70 + "x", "\ud800"):
        with pytest.raises(LocalProtocolError):
            begin_by(text=text)


def test_the_reply_has_one_entry_per_epoch_that_both_sides_know() -> None:
    begun = begin_by()
    answered = answer_to(begun.envelope)
    epochs = [Epoch(EPOCH + days) for days in range(31)]
    entries = [begun.pending.reply_entry(epoch) for epoch in epochs]
    assert entries == [answered.reply_entry(epoch) for epoch in epochs]
    assert len({tag for tag, _ in entries}) == len({key for _, key in entries}) == 31
    assert begun.pending.reply_until_hour == HOUR + 30 * 24


def test_pending_state_survives_a_restart() -> None:
    begun = begin_by()
    restored = Pending.decode(begun.pending.encode())
    assert restored == begun.pending
    answered = answer_to(begun.envelope)
    assert finish_with(restored, answered.message2).roots == answered.roots
    assert repr(begun.pending.handshake.ephemeral_secret) not in repr(begun)
    assert repr(answered.reply_seed) not in repr(answered)


@given(st.binary())
def test_a_damaged_pending_state_is_our_own_fault(data: bytes) -> None:
    with pytest.raises(LocalProtocolError):
        Pending.decode(data)


@given(st.dictionaries(st.integers(0, 5), st.binary() | st.integers(0, 9), max_size=5))
def test_a_pending_state_with_a_part_missing_is_our_own_fault(fields: dict[int, Any]) -> None:
    with pytest.raises(LocalProtocolError):
        Pending.decode(cbor.encode(fields))


def test_a_bad_message_2_changes_nothing() -> None:
    begun = begin_by()
    message2 = answer_to(begun.envelope).message2
    before = begun.pending.encode()
    for bad in (b"", message2[:-1], message2[:-1] + bytes((message2[-1] ^ 1,))):
        with pytest.raises(RemoteProtocolError) as caught:
            finish_with(begun.pending, bad)
        assert caught.value.reason is Reason.NOISE
    assert begun.pending.encode() == before
    finish_with(begun.pending, message2)


# What an attacker may try


def test_a_swapped_contact_key_in_an_invite_is_no_man_in_the_middle() -> None:
    """Mallory replaces KK by her own: she can read message 1, but has no card over her key by IK."""
    swapped = replace(INVITE, contact_key=MALLORY.contact_key)
    begun = begin_by(invite=swapped)
    assert refused_answer(begun.envelope) is Reason.NOISE
    in_the_middle = replace(INVITER, contact_secret=MALLORY.contact_secret, contact_key=MALLORY.contact_key)
    state, _ = noise.respond(
        prologue=NETWORK.nid16 + begun.envelope.header + INVITER.identity_key,
        psk=INVITE.psk,
        static_secret=in_the_middle.contact_secret,
        message=open_sealed(network=NETWORK, envelope=begun.envelope, key=INVITE.wrap_key),
    )
    replayed_card = cbor.encode(own_fields(INVITER, _8=EPOCH))
    message2, _ = state.write(replayed_card, ephemeral_secret=b"\x09" * 32)
    with pytest.raises(RemoteProtocolError) as caught:
        finish_with(begun.pending, message2)
    assert caught.value.reason is Reason.CARD


def test_a_card_over_another_key_than_the_authenticated_static_one_is_refused() -> None:
    """Mallory shows the guest's own card, which is genuine, over her handshake."""
    envelope = forged_message_1(cbor.encode(own_fields(GUEST)), static=MALLORY)
    assert refused_answer(envelope) is Reason.CARD
    answer_to(forged_message_1(cbor.encode(own_fields(GUEST)), static=GUEST))


def test_a_relabelled_invite_does_not_open_at_its_maker() -> None:
    """The responder's identity is in the prologue: Mallory cannot pass the inviter off as herself."""
    relabelled = replace(INVITE, identity_key=MALLORY.identity_key)
    assert refused_answer(begin_by(invite=relabelled).envelope) is Reason.NOISE


def test_the_answer_must_come_from_the_identity_of_the_invite() -> None:
    begun = begin_by()
    as_mallory = replace(MALLORY, contact_key=INVITER.contact_key)
    assert refused_finish(begun, own_fields(as_mallory, _8=EPOCH)) is Reason.CARD


def test_a_changed_header_does_not_open() -> None:
    begun = begin_by()
    for changed in (
        replace(begun.envelope, born_hour=Hour(HOUR + 1)),
        replace(begun.envelope, kind=kind_of(EnvelopeClass.PAIR, 4)),
        replace(begun.envelope, tag=Tag(b"\x01" * 16)),
    ):
        assert refused_answer(changed) is Reason.AEAD


def test_the_header_is_bound_even_by_somebody_who_can_wrap_again() -> None:
    """A second holder of the invite cannot move message 1 to another ttl or hour."""
    message1 = open_sealed(network=NETWORK, envelope=begin_by().envelope, key=INVITE.wrap_key)
    assert refused_answer(wrap(message1, kind=kind_of(EnvelopeClass.PAIR, 4))) is Reason.NOISE
    answer_to(wrap(message1))


def test_an_introduction_is_of_class_pair() -> None:
    message1 = open_sealed(network=NETWORK, envelope=begin_by().envelope, key=INVITE.wrap_key)
    assert refused_answer(wrap(message1, kind=kind_of(EnvelopeClass.BCAST, 3))) is Reason.KIND


def test_another_invite_does_not_open_it() -> None:
    begun = begin_by()
    assert refused_answer(begun.envelope, invite=replace(INVITE, secret=b"\x0a" * 32)) is Reason.AEAD


def test_ones_own_invite_is_refused_by_both_sides() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        begin_by(identity=INVITER)
    assert caught.value.reason is Reason.URI
    envelope = forged_message_1(cbor.encode(own_fields(INVITER)), static=INVITER)
    assert refused_answer(envelope) is Reason.CARD


def test_an_expired_invite_is_neither_used_nor_answered() -> None:
    expired = replace(INVITE, expires_hour=Hour(HOUR - 1))
    with pytest.raises(LocalProtocolError):
        begin_by(invite=expired)
    assert refused_answer(begin_by().envelope, invite=expired) is Reason.HOUR


def test_an_answer_late_but_to_a_message_in_time_is_made() -> None:
    """The inviter was offline when the invite was used and when it expired."""
    late = Now(unix_ms=(INVITE.expires_hour + 30) * HOUR_MS, steady_ms=0)
    assert answer_to(begin_by().envelope, now=late).epoch == late.epoch


def test_a_contact_key_of_low_order_is_refused() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        begin_by(invite=replace(INVITE, contact_key=ContactKey(bytes(32))))
    assert caught.value.reason is Reason.NOISE


def test_the_own_card_must_be_over_the_own_contact_key() -> None:
    with pytest.raises(LocalProtocolError):
        begin(
            identity=GUEST,
            card=card_of(MALLORY),
            invite=INVITE,
            network=NETWORK,
            born_hour=HOUR,
            ttl_index=3,
            text="",
            depth=0,
            ephemeral=b"\x05" * 32,
            nonce=b"\x06" * 24,
        )


# What the payloads say


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
        ({"_6": -1}, Reason.PAYLOAD),
        ({"_6": None}, Reason.PAYLOAD),
    ],
)
def test_a_message_1_that_says_something_wrong_is_refused(changed: dict[str, Any], reason: Reason) -> None:
    assert refused_answer(forged_message_1(cbor.encode(own_fields(GUEST, **changed)))) is reason


def test_unknown_keys_are_ignored() -> None:
    fields = own_fields(GUEST, _5=b"\0" * 8, _7={0: 1}, _99="later")
    assert answer_to(forged_message_1(cbor.encode(fields))).peer.identity_key == GUEST.identity_key


def test_a_payload_that_is_no_map_is_refused() -> None:
    assert refused_answer(forged_message_1(cbor.encode([1]))) is Reason.PAYLOAD
    assert refused_answer(forged_message_1(b"\xff")) is Reason.CBOR
    assert refused_answer(wrap(b"too short")) is Reason.NOISE


def test_a_card_from_the_future_is_refused() -> None:
    early = Now(unix_ms=(HOUR - 102) * HOUR_MS, steady_ms=0)
    assert refused_answer(begin_by().envelope, now=early) is Reason.CARD


@pytest.mark.parametrize("first_epoch", [EPOCH - INTRODUCTION_EPOCH_AGE_MAX, EPOCH - 1, EPOCH])
def test_the_wheels_start_in_the_epoch_of_the_answer(first_epoch: int) -> None:
    begun = begin_by()
    message2 = forged_message_2(begun, cbor.encode(own_fields(INVITER, _8=first_epoch)))
    assert finish_with(begun.pending, message2).epoch == first_epoch


@pytest.mark.parametrize(
    "first_epoch", [EPOCH - INTRODUCTION_EPOCH_AGE_MAX - 1, EPOCH + 1, -1, None, "today"]
)
def test_an_epoch_too_old_or_after_its_own_envelope_is_refused(first_epoch: object) -> None:
    assert refused_finish(begin_by(), own_fields(INVITER, _8=first_epoch)) is Reason.PAYLOAD


def test_an_answer_made_just_after_midnight_by_a_faster_clock_is_taken() -> None:
    begun = begin_by()
    before_midnight = Now(unix_ms=((EPOCH + 1) * EPOCH_HOURS - 1) * HOUR_MS, steady_ms=0)
    after_midnight = Now(unix_ms=(EPOCH + 1) * EPOCH_HOURS * HOUR_MS, steady_ms=0)
    message2 = answer_to(begun.envelope, now=after_midnight).message2
    born_hour = after_midnight.hour
    assert finish_with(begun.pending, message2, born_hour, before_midnight).epoch == EPOCH + 1


# Confirming


@given(st.integers(min_value=0, max_value=(1 << 32) - 1))
def test_a_confirmation_names_its_generation(generation: int) -> None:
    control = confirm_payload(generation)
    assert cbor.encode(control) == cbor.encode({0: 2, 1: generation})
    assert parse_confirm(control) == generation


@pytest.mark.parametrize("control", [{}, {0: 2}, {0: 1, 1: 0}, {0: 2, 1: "0"}, {0: True, 1: 0}])
def test_another_control_map_confirms_nothing(control: cbor.Map) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        parse_confirm(control)
    assert caught.value.reason is Reason.PAYLOAD
