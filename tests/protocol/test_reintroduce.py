"""Re-introductions: a contact on a new device comes through a door that only the two of them know."""

from dataclasses import replace

import pytest

from tests.protocol.introductions import (
    EPOCH,
    GUEST,
    HOUR,
    INVITER,
    MALLORY,
    NETWORK,
    NOW,
    answer_to,
    begin_by,
    finish_with,
)
from tocsin_protocol.envelope import Envelope
from tocsin_protocol.errors import LocalProtocolError, Reason, RemoteProtocolError
from tocsin_protocol.hashing import KDF
from tocsin_protocol.identity import Identity
from tocsin_protocol.introduce import Answered, Begun, IntroductionKind, answer, begin
from tocsin_protocol.reintroduce import Acquaintance, reintroduction_secret
from tocsin_protocol.types import Epoch, Hour

ROOTS = answer_to(begin_by().envelope).roots
SECRET = reintroduction_secret(ROOTS)
AT_GUEST = Acquaintance(own=GUEST.identity_key, other=INVITER.identity_key, secret=SECRET)
AT_INVITER = Acquaintance(own=INVITER.identity_key, other=GUEST.identity_key, secret=SECRET)


def come_again(identity: Identity = GUEST, born_hour: Hour = HOUR) -> Begun:
    return begin(
        identity=identity,
        door=AT_GUEST.way_out(EPOCH),
        contact_key=INVITER.contact_key,
        network=NETWORK,
        born_hour=born_hour,
        ttl_index=3,
        text="",
        depth=0,
        ephemeral=b"\x25" * 32,
        nonce=b"\x26" * 24,
    )


def let_in(envelope: Envelope) -> Answered:
    door = AT_INVITER.way_in(EPOCH)
    assert door is not None
    return answer(
        identities=(INVITER,),
        door=door,
        network=NETWORK,
        envelope=envelope,
        now=NOW,
        depth=0,
        ephemeral=b"\x27" * 32,
        seen={GUEST.identity_key: GUEST.card},
    )


def test_the_secret_comes_from_the_first_generation_only() -> None:
    assert KDF(ROOTS.key, "tcn1/reintro", b"", 32) == SECRET
    with pytest.raises(LocalProtocolError):
        reintroduction_secret(replace(ROOTS, generation=1))
    assert repr(SECRET) not in repr(AT_GUEST)


def test_a_restored_device_is_introduced_again() -> None:
    begun = come_again()
    assert begun.pending.kind is IntroductionKind.REINTRODUCTION
    answered = let_in(begun.envelope)
    finished = finish_with(begun.pending, answered.reply.message2, seen={INVITER.identity_key: INVITER.card})
    assert answered.peer.identity_key == GUEST.identity_key
    assert finished.roots == answered.roots != ROOTS
    assert finished.kind is answered.kind is IntroductionKind.REINTRODUCTION


def test_doors_are_laid_out_as_specified() -> None:
    direction = b"\0" if GUEST.identity_key < INVITER.identity_key else b"\x01"
    place = direction + EPOCH.to_bytes(4, "big")
    door = AT_GUEST.way_out(EPOCH)
    assert door.tag == KDF(SECRET, "tcn1/retag", place, 16)
    assert door.key == KDF(SECRET, "tcn1/rekey", place, 32)
    assert door.psk == KDF(SECRET, "tcn1/repsk", place, 32)
    assert AT_INVITER.way_in(EPOCH) == door


def test_each_direction_and_epoch_has_its_own_door() -> None:
    doors = [way for epoch in (EPOCH, Epoch(EPOCH + 1)) for way in (AT_GUEST.way_out(epoch),)]
    doors += [AT_INVITER.way_out(epoch) for epoch in (EPOCH, Epoch(EPOCH + 1))]
    for parts in zip(*((door.tag, door.key, door.psk) for door in doors), strict=True):
        assert len(set(parts)) == 4


def test_a_door_is_used_up_when_message_1_opened() -> None:
    used = AT_INVITER.use_up(EPOCH)
    assert used.way_in(EPOCH) is None
    assert used.way_in(Epoch(EPOCH + 1)) is not None
    assert used.way_out(EPOCH) == AT_INVITER.way_out(EPOCH)
    assert used.use_up(Epoch(EPOCH + 7)).used == {EPOCH, EPOCH + 7}
    assert used.use_up(Epoch(EPOCH + 8)).used == {EPOCH + 8}


def test_message_1_is_born_in_the_epoch_of_its_door() -> None:
    for hour in (Hour(EPOCH * 24 - 1), Hour(EPOCH * 24 + 24)):
        with pytest.raises(LocalProtocolError):
            come_again(born_hour=hour)
        with pytest.raises(RemoteProtocolError) as caught:
            let_in(replace(come_again().envelope, born_hour=hour))
        assert caught.value.reason is Reason.HOUR


def test_only_the_contact_comes_through_its_door() -> None:
    """Whoever learned the secret is still somebody else, with a card of their own."""
    with pytest.raises(RemoteProtocolError) as caught:
        let_in(come_again(identity=MALLORY).envelope)
    assert caught.value.reason is Reason.CARD
