"""Introductions by invite: that each side ends with the other's proven keys, or as if nothing had come."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.introductions import (
    EPOCH,
    GUEST,
    GUEST_SEED,
    HOUR,
    INVITE,
    INVITER,
    INVITER_SEED,
    MALLORY,
    NETWORK,
    answer_to,
    begin_by,
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
from tocsin_protocol.identity import Identity, Rotation
from tocsin_protocol.introduce import Pending, answer_delay_ms
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
    assert answered.peer.card == GUEST.card
    finished = finish_with(begun.pending, answered.reply.message2)
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
    assert entries == [answered.reply.entry(epoch) for epoch in epochs]
    assert len({tag for tag, _ in entries}) == len({key for _, key in entries}) == 31
    assert begun.pending.reply_until_hour == HOUR + 30 * 24


def test_pending_state_survives_a_restart() -> None:
    begun = begin_by()
    restored = Pending.decode(begun.pending.encode())
    assert restored == begun.pending
    answered = answer_to(begun.envelope)
    assert finish_with(restored, answered.reply.message2).roots == answered.roots
    assert repr(begun.pending.handshake.ephemeral_secret) not in repr(begun)
    assert repr(answered.reply.seed) not in repr(answered)


@given(st.binary())
def test_a_damaged_pending_state_is_our_own_fault(data: bytes) -> None:
    with pytest.raises(LocalProtocolError):
        Pending.decode(data)


@given(st.dictionaries(st.integers(0, 7), st.binary() | st.integers(0, 9), max_size=7))
def test_a_pending_state_with_a_part_missing_is_our_own_fault(fields: dict[int, Any]) -> None:
    with pytest.raises(LocalProtocolError):
        Pending.decode(cbor.encode(fields))


def test_a_bad_message_2_changes_nothing() -> None:
    begun = begin_by()
    message2 = answer_to(begun.envelope).reply.message2
    before = begun.pending.encode()
    for bad in (b"", message2[:-1], message2[:-1] + bytes((message2[-1] ^ 1,))):
        with pytest.raises(RemoteProtocolError) as caught:
            finish_with(begun.pending, bad)
        assert caught.value.reason is Reason.NOISE
    assert begun.pending.encode() == before
    finish_with(begun.pending, message2)


def test_one_ephemeral_one_message() -> None:
    """Another text is another message with a new ephemeral; the answer to the first may still come."""
    first = begin_by(text="first")
    again = begin_by(text="again", ephemeral=b"\x15" * 32)
    assert first.pending.reply_entry(EPOCH) != again.pending.reply_entry(EPOCH)
    for begun in (first, again):
        finish_with(begun.pending, answer_to(begun.envelope).reply.message2)
    with pytest.raises(RemoteProtocolError):
        finish_with(again.pending, answer_to(first.envelope).reply.message2)


def test_pending_state_stays_until_its_reply_window_ends() -> None:
    begun = begin_by()
    answered = answer_to(begun.envelope)
    last_hour = begun.pending.reply_until_hour
    last = Now(unix_ms=last_hour * HOUR_MS, steady_ms=0)
    finish_with(begun.pending, answered.reply.message2, born_hour=last_hour, now=last)
    with pytest.raises(RemoteProtocolError) as caught:
        finish_with(begun.pending, answered.reply.message2, born_hour=Hour(last_hour + 1), now=last)
    assert caught.value.reason is Reason.HOUR


def test_message_2_is_repeated_as_the_same_bytes_at_most_once_a_day() -> None:
    reply = answer_to(begin_by().envelope).reply
    assert reply.is_due(None, HOUR)
    assert not reply.is_due(HOUR, Hour(HOUR + 23))
    assert reply.is_due(HOUR, Hour(HOUR + 24))
    assert not reply.is_due(HOUR, Hour(HOUR - 1))
    assert reply.until_hour == HOUR + 30 * 24
    assert not reply.is_due(None, Hour(reply.until_hour + 1))


def test_message_2_is_not_made_for_somebody_who_listens_no_more() -> None:
    late = Now(unix_ms=(HOUR + 30 * 24 + 1) * HOUR_MS, steady_ms=0)
    with pytest.raises(LocalProtocolError):
        answer_to(begin_by().envelope, now=late)


@given(st.binary(min_size=8, max_size=8))
def test_an_automatic_answer_waits_one_to_ten_seconds(draw: bytes) -> None:
    assert 1_000 <= answer_delay_ms(draw) <= 10_000
    assert answer_delay_ms(draw, (0, 0)) == 0


def test_the_delay_reaches_both_of_its_ends() -> None:
    assert answer_delay_ms(bytes(8)) == 1_000
    assert answer_delay_ms((9_000).to_bytes(8, "big")) == 10_000


# Contact keys that were replaced


def test_an_invite_made_before_a_rotation_still_opens() -> None:
    rotated = Identity.from_seed(INVITER_SEED, Rotation.at(HOUR))
    begun = begin_by()
    answered = answer_to(begun.envelope, identities=(rotated, INVITER))
    assert finish_with(begun.pending, answered.reply.message2).peer.card == INVITER.card
    assert refused_answer(begun.envelope, identities=(rotated,)) is Reason.NOISE


def test_an_answer_is_read_with_the_contact_key_that_asked() -> None:
    rotated = Identity.from_seed(GUEST_SEED, Rotation.at(HOUR))
    begun = begin_by()
    message2 = answer_to(begun.envelope).reply.message2
    finish_with(begun.pending, message2, identities=(rotated, GUEST))
    with pytest.raises(LocalProtocolError):
        finish_with(begun.pending, message2, identities=(rotated,))


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


def test_card_over_the_authenticated_static_key() -> None:
    """Mallory shows the guest's own card, which is genuine, over her handshake."""
    envelope = forged_message_1(cbor.encode(own_fields(GUEST)), static=MALLORY)
    assert refused_answer(envelope) is Reason.CARD
    answer_to(forged_message_1(cbor.encode(own_fields(GUEST)), static=GUEST))


def test_ik_r_in_the_prologue() -> None:
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


# The first epoch


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
    message2 = answer_to(begun.envelope, now=after_midnight).reply.message2
    born_hour = after_midnight.hour
    assert finish_with(begun.pending, message2, born_hour=born_hour, now=before_midnight).epoch == EPOCH + 1
