"""The knock: one size, one message per ephemeral, and nothing in it for whom it was not meant."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.introductions import GUEST, HOUR, INVITER_SEED, NOBODY, NOW, finish_with
from tests.protocol.knocks import (
    CHEAP,
    OWNER,
    PIN,
    address,
    draft,
    finished,
    forged,
    knock,
    request_of,
    said,
    stranger,
)
from tocsin_protocol.envelope import KNOCK_KIND, Envelope
from tocsin_protocol.errors import LocalProtocolError, Reason, RemoteProtocolError
from tocsin_protocol.grant import Grant
from tocsin_protocol.hashing import H
from tocsin_protocol.identity import Identity, Rotation
from tocsin_protocol.inner_work import InnerSearch
from tocsin_protocol.introduce import IntroductionKind, Pending
from tocsin_protocol.knock import body_id, knock_psk, open_payload, open_static, read_knocker
from tocsin_protocol.topics import knock_topic
from tocsin_protocol.types import ContactKey, Hour, Tag


def opened(envelope: bytes | Envelope, pin: str = "", identity: Identity = OWNER) -> tuple[object, object]:
    parsed = Envelope.parse(envelope) if isinstance(envelope, bytes) else envelope
    static = open_static(identity=identity, pin=pin, network=CHEAP, envelope=parsed)
    handshake, pairs = open_payload(static)
    peer, nonce = read_knocker(pairs, handshake=handshake, reader=identity.identity_key, now=NOW, seen=NOBODY)
    return peer.text, nonce


def refused(envelope: bytes | Envelope, pin: str = "", identity: Identity = OWNER) -> Reason:
    with pytest.raises(RemoteProtocolError) as caught:
        opened(envelope, pin, identity)
    return caught.value.reason


def test_a_knock_is_answered_and_both_share_the_roots() -> None:
    begun = finished(draft(grant=Grant(per_day=3)))
    assert begun.topic == knock_topic(CHEAP)
    assert (begun.envelope.kind, len(begun.envelope.encode())) == (KNOCK_KIND, 512)
    request = request_of(knock(grant=Grant(per_day=3)))
    answered = request.answer(identities=(OWNER,), now=NOW, depth=1, ephemeral=b"\x41" * 32)
    done = finish_with(begun.pending, answered.reply.message2, identities=(stranger(100),))
    assert done.roots == answered.roots
    assert done.kind is answered.kind is IntroductionKind.KNOCK
    assert (answered.peer.grant, answered.peer.text) == (Grant(per_day=3), "hello")
    assert begun.pending.reply_entry(NOW.epoch) == answered.reply.entry(NOW.epoch)
    assert Pending.decode(begun.pending.encode()) == begun.pending


def test_all_knocks_look_alike() -> None:
    """One size and kind whatever they say; what differs is random to everybody else."""
    first, other = finished(draft(1, text="")).envelope, finished(draft(2, text="x" * 140)).envelope
    assert len(first.encode()) == len(other.encode()) == 512
    assert first.header == other.header
    assert first.body[:32] != other.body[:32]


def test_the_psk_is_bound_to_both_keys_and_the_pin() -> None:
    both = OWNER.identity_key + OWNER.contact_key
    assert knock_psk(OWNER.identity_key, OWNER.contact_key, "") == H("tcn1/knockpsk", both, 32)
    with_pin = knock_psk(OWNER.identity_key, OWNER.contact_key, PIN)
    assert with_pin == H("tcn1/knockpsk", both + PIN.encode(), 32)


@pytest.mark.parametrize("pin", ["1234567", "1234567890123", "1234567x", "\u0661" * 8, "12345678\n"])
def test_a_pin_has_8_to_12_digits(pin: str) -> None:
    with pytest.raises(LocalProtocolError):
        knock_psk(OWNER.identity_key, OWNER.contact_key, pin)
    for good in ("12345678", "123456789012"):
        knock_psk(OWNER.identity_key, OWNER.contact_key, good)


def test_a_wrong_pin_looks_like_a_knock_for_somebody_else() -> None:
    for pin in ("", "27182818"):
        assert refused(knock(pin=PIN), pin) is Reason.NOISE
    assert opened(knock(pin=PIN), PIN) == ("hello", None)
    assert opened(knock()) == ("hello", None)
    assert refused(knock(), PIN) is Reason.NOISE
    assert refused(knock(), identity=GUEST) is Reason.NOISE


def test_an_altered_header_does_not_open() -> None:
    envelope = Envelope.parse(knock())
    assert refused(replace(envelope, born_hour=Hour(HOUR + 1))) is Reason.NOISE
    assert refused(replace(envelope, tag=Tag(bytes(16)))) is Reason.NOISE
    opened(replace(envelope, stamp_nonce=bytes(8)))


def test_a_low_order_point_is_refused() -> None:
    envelope = Envelope.parse(knock())
    assert refused(replace(envelope, body=bytes(32) + envelope.body[32:])) is Reason.NOISE
    low = replace(address(), contact_key=ContactKey(bytes(32)))
    with pytest.raises(RemoteProtocolError):
        draft(to=low)


@given(st.binary(min_size=469, max_size=469))
def test_any_body_is_refused(body: bytes) -> None:
    assert refused(replace(Envelope.parse(knock()), body=body)) is Reason.NOISE


def test_a_knock_to_a_replaced_contact_key_opens_with_that_key() -> None:
    rotated = Identity.from_seed(INVITER_SEED, Rotation.at(HOUR))
    assert refused(knock(), identity=rotated) is Reason.NOISE
    assert opened(knock(to=address(owner=rotated)), identity=rotated) == ("hello", None)


def test_the_body_id_does_not_depend_on_the_stamp() -> None:
    one, other = Envelope.parse(knock()), Envelope.parse(knock(start=1 << 32))
    assert one != other
    assert body_id(one.header, one.body) == body_id(other.header, other.body)
    assert body_id(one.header, one.body) == H("tcn1/bodyid", one.header + one.body, 16)


# What a knock says


def test_inner_work_is_searched_for_the_address_and_goes_inside() -> None:
    knocking = draft(to=address(2))
    assert knocking.bits == 4
    nonce = InnerSearch(knocking.work, 4).run(1_000)
    assert nonce is not None
    assert opened(knocking.finish(nonce).envelope) == ("hello", nonce)


def test_too_little_inner_work_is_not_sent() -> None:
    knocking = draft(to=address(7))
    assert knocking.bits == 9
    for nonce in (None, bytes(8)):
        with pytest.raises(LocalProtocolError, match="9 bits"):
            knocking.finish(nonce)


def test_one_ephemeral_one_message() -> None:
    knocking = draft()
    begun = knocking.finish(None)
    assert knocking.finish(None) is begun
    with pytest.raises(LocalProtocolError, match="one message"):
        knocking.finish(bytes(8))


def test_text_and_grant_share_what_room_there_is() -> None:
    finished(draft(text="x" * 140, grant=Grant(apps=("y" * 50, "z" * 52))))
    with pytest.raises(LocalProtocolError, match="1 bytes too long"):
        draft(text="x" * 140, grant=Grant(apps=("y" * 50, "z" * 53)))
    with pytest.raises(LocalProtocolError, match="140"):
        draft(text="x" * 141)


def test_some_addresses_are_not_knocked_at() -> None:
    with pytest.raises(LocalProtocolError, match="no knocks"):
        draft(to=address(0))
    with pytest.raises(LocalProtocolError, match="PIN"):
        draft(to=address(pin=True))
    with pytest.raises(LocalProtocolError, match="your own"):
        draft(to=address(owner=stranger(100)))
    finished(draft(to=address(pin=True), pin=PIN))


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (bytes(373), Reason.PADDING),
        (b"\x01" * 373, Reason.PADDING),
        (b"\x80" + bytes(372), Reason.CBOR),
        (b"\x80" * 2 + bytes(371), Reason.PAYLOAD),
        (said(_0=GUEST.identity_key), Reason.CARD),
        (said(_4="x" * 141), Reason.PAYLOAD),
        (said(_5=b"1234567"), Reason.PAYLOAD),
        (said(_5=12345678), Reason.PAYLOAD),
        (said(_7={3: [""]}), Reason.PAYLOAD),
    ],
)
def test_a_knock_that_says_something_wrong_is_refused(payload: object, reason: Reason) -> None:
    assert isinstance(payload, bytes | dict)
    assert refused(forged(payload)) is reason


def test_a_knock_by_oneself_is_refused() -> None:
    own = forged(said(_0=OWNER.identity_key, _1=OWNER.card.sign(OWNER), _3=OWNER.card.not_before_hour), OWNER)
    assert refused(own) is Reason.CARD


def test_card_over_the_authenticated_static_key() -> None:
    """The guest's card is genuine, but the stranger's key is the one that speaks."""
    assert refused(forged(said(200), static=stranger(100))) is Reason.CARD
    assert opened(forged(said(200), static=stranger(200))) == ("", None)
