"""Envelopes: one layout, a seal that binds everything, and a relay check that cannot be turned on us."""

from dataclasses import replace

import cbor2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt

from tocsin_protocol import cbor
from tocsin_protocol.envelope import (
    Envelope,
    EnvelopeClass,
    RelayCheck,
    header_of,
    kind_of,
    message_id,
    open_sealed,
    seal,
    stamp_need,
    stamp_subject,
)
from tocsin_protocol.errors import LocalProtocolError, Reason, RemoteProtocolError
from tocsin_protocol.hashing import H
from tocsin_protocol.limits import ENVELOPE_SIZES, HOUR_MS, PAYLOAD_SIZE_MAX
from tocsin_protocol.network import Network
from tocsin_protocol.stamp import StampSearch, is_paid
from tocsin_protocol.topics import knock_topic, shard_topic
from tocsin_protocol.types import EnvelopeBytes, Hour, MessageKey, Now, Tag, Topic
from tocsin_protocol.verdict import Verdict

CHEAP = Network(name="main", pair_cost=1, knock_cost=1)
COSTLY = Network(name="main", pair_cost=1000, knock_cost=1 << 62)
SHARD = shard_topic(CHEAP, 0)
KNOCKS = knock_topic(CHEAP)
HOUR = Hour(500_000)
NOW = Now(unix_ms=HOUR * HOUR_MS + 1, steady_ms=0)
PAIR_72H = kind_of(EnvelopeClass.PAIR, 3)
KNOCK_72H = kind_of(EnvelopeClass.KNOCK, 3)
BCAST_72H = kind_of(EnvelopeClass.BCAST, 3)
TAG = Tag(bytes(range(16)))
KEY = MessageKey(b"k" * 32)
NONCE = b"n" * 24
ALLOWED_KINDS = [kind for kind in range(15) if kind // 5 != EnvelopeClass.KNOCK]

envelopes = st.builds(
    Envelope,
    kind=st.sampled_from(ALLOWED_KINDS),
    born_hour=st.integers(0, (1 << 32) - 1).map(Hour),
    tag=st.binary(min_size=16, max_size=16).map(Tag),
    body=st.builds(
        lambda size, fill: (fill * size)[: size - 43],
        st.sampled_from(ENVELOPE_SIZES),
        st.binary(min_size=1, max_size=20),
    ),
    stamp_nonce=st.binary(min_size=8, max_size=8),
)


def make(kind: int = PAIR_72H, size: int = 512) -> Envelope:
    body = b"\x55" * (size - 43)
    return Envelope(kind=kind, born_hour=HOUR, tag=TAG, body=body, stamp_nonce=b"stampped")


def sealed(payload: bytes, kind: int = PAIR_72H) -> Envelope:
    return seal(network=CHEAP, kind=kind, born_hour=HOUR, tag=TAG, key=KEY, nonce=NONCE, payload=payload)


def stamped_for(network: Network, topic: Topic, envelope: Envelope) -> EnvelopeBytes:
    data = envelope.encode()
    search = StampSearch(stamp_subject(network, topic, data), stamp_need(network, envelope.kind, len(data)))
    nonce = search.run(1_000_000)
    assert nonce is not None
    return envelope.with_stamp(nonce).encode()


def changed(data: bytes, at: int, value: int) -> bytes:
    at %= len(data)
    return data[:at] + bytes((value,)) + data[at + 1 :]


def verdict_of(
    topic: str, data: bytes, now: Now = NOW, network: Network = CHEAP
) -> tuple[Verdict, Reason | None]:
    checked = RelayCheck(network).check(topic, data, now)
    assert (checked.reason is None) == (checked.verdict is Verdict.ACCEPT)
    assert (checked.mid is None) == (checked.reason not in (None, Reason.STAMP))
    return checked.verdict, checked.reason


def test_layout_byte_for_byte() -> None:
    header = bytes.fromhex("a600010103021a0007a1200350") + TAG
    expected = header + bytes.fromhex("045901d5") + b"\x55" * 469 + bytes.fromhex("0548") + b"stampped"
    assert make().encode() == expected
    assert make().header == header == header_of(PAIR_72H, HOUR, TAG)


def refusal_of(data: bytes) -> Reason | None:
    try:
        Envelope.parse(data)
    except RemoteProtocolError as error:
        return error.reason
    return None


@given(envelopes)
def test_round_trip(envelope: Envelope) -> None:
    data = envelope.encode()
    assert len(data) in ENVELOPE_SIZES
    assert Envelope.parse(data) == envelope
    assert envelope.envelope_class * 5 + envelope.ttl_index == envelope.kind


@given(envelopes)
def test_an_ordinary_cbor_decoder_reads_an_envelope(envelope: Envelope) -> None:
    e = envelope
    expected = {0: 1, 1: e.kind, 2: e.born_hour, 3: e.tag, 4: e.body, 5: e.stamp_nonce}
    assert list(cbor2.loads(envelope.encode()).items()) == list(expected.items())


@given(envelopes.filter(lambda envelope: envelope.born_hour > 0xFFFF))
def test_an_envelope_of_our_time_is_deterministic_cbor(envelope: Envelope) -> None:
    assert cbor.encode(cbor.decode(envelope.encode())) == envelope.encode()


@given(data=st.binary(max_size=600) | st.binary(min_size=512, max_size=512))
@example(data=bytes(512))
def test_any_bytes_are_an_envelope_or_refused(data: bytes) -> None:
    refusal = refusal_of(data)
    assert refusal in {None, Reason.LENGTH, Reason.CONSTANT, Reason.KIND}
    assert refusal is not None or Envelope.parse(data).encode() == data


@given(envelope=envelopes, at=st.integers(0, 5119), value=st.integers(0, 255))
def test_a_changed_byte_gives_another_envelope_or_is_refused(envelope: Envelope, at: int, value: int) -> None:
    data = changed(envelope.encode(), at, value)
    refusal = refusal_of(data)
    assert refusal in {None, Reason.LENGTH, Reason.CONSTANT, Reason.KIND}
    assert refusal is not None or Envelope.parse(data).encode() == data


@pytest.mark.parametrize("at", [0, 1, 2, 3, 5, 6, 11, 12, 29, 30, -10, -9])
def test_every_constant_byte_is_checked(at: int) -> None:
    data = changed(make().encode(), at, 0xEE)
    assert refusal_of(data) is Reason.CONSTANT
    assert verdict_of(SHARD, data) == (Verdict.REJECT, Reason.CONSTANT)


def test_the_body_length_is_checked() -> None:
    for data in (changed(make().encode(), 31, 0xEE), changed(make().encode(), 32, 0xEE)):
        assert refusal_of(data) is Reason.LENGTH
        assert verdict_of(SHARD, data) == (Verdict.REJECT, Reason.LENGTH)


@pytest.mark.parametrize("size", [0, 1, 511, 513, 5119, 5121, 1 << 20])
def test_other_sizes_are_refused(size: int) -> None:
    data = make().encode().ljust(size, b"\0")[:size]
    assert refusal_of(data) is Reason.LENGTH
    assert verdict_of(SHARD, data) == (Verdict.REJECT, Reason.LENGTH)


@pytest.mark.parametrize("kind", [5, 6, 7, 9, 15, 19, 20, 24, 255])
def test_other_kinds_are_no_envelope(kind: int) -> None:
    assert refusal_of(changed(make().encode(), 4, kind)) is Reason.KIND


def test_what_could_not_be_encoded_cannot_be_made() -> None:
    good = make()
    for wrong in (
        {"kind": -1},
        {"kind": 15},
        {"kind": kind_of(EnvelopeClass.KNOCK, 2)},
        {"kind": KNOCK_72H, "body": bytes(1024 - 43)},
        {"born_hour": Hour(-1)},
        {"born_hour": Hour(1 << 32)},
        {"tag": Tag(bytes(15))},
        {"body": bytes(470)},
        {"stamp_nonce": bytes(7)},
    ):
        with pytest.raises(LocalProtocolError):
            replace(good, **wrong)
    with pytest.raises(LocalProtocolError, match="kind"):
        header_of(15, HOUR, TAG)


@pytest.mark.parametrize("ttl_index", [-1, 5])
def test_kinds_have_five_ttls(ttl_index: int) -> None:
    with pytest.raises(LocalProtocolError, match="ttl"):
        kind_of(EnvelopeClass.PAIR, ttl_index)


@pytest.mark.parametrize(
    ("payload_size", "size"),
    [(0, 512), (428, 512), (429, 1024), (940, 1024), (941, 2048), (1964, 2048), (1965, 5120), (5036, 5120)],
)
def test_the_smallest_size_that_fits_is_taken(payload_size: int, size: int) -> None:
    payload = b"\x80\0" * (payload_size // 2) + b"\0" * (payload_size % 2)
    envelope = sealed(payload)
    assert len(envelope.encode()) == size
    assert envelope.stamp_nonce == bytes(8)
    assert open_sealed(network=CHEAP, envelope=envelope, key=KEY) == payload


@given(payload=st.binary(max_size=600), kind=st.sampled_from(ALLOWED_KINDS))
def test_seal_round_trip(payload: bytes, kind: int) -> None:
    envelope = Envelope.parse(sealed(payload, kind).encode())
    assert envelope.header == header_of(kind, HOUR, TAG)
    assert open_sealed(network=CHEAP, envelope=envelope, key=KEY) == payload


def test_what_cannot_be_sealed_is_our_error() -> None:
    with pytest.raises(LocalProtocolError, match="5037"):
        sealed(bytes(PAYLOAD_SIZE_MAX + 1))
    with pytest.raises(LocalProtocolError, match="24"):
        seal(network=CHEAP, kind=0, born_hour=HOUR, tag=TAG, key=KEY, nonce=b"", payload=b"")
    with pytest.raises(LocalProtocolError, match="32"):
        seal(network=CHEAP, kind=0, born_hour=HOUR, tag=TAG, key=MessageKey(b""), nonce=NONCE, payload=b"")


def refuse_to_open(envelope: Envelope, *, network: Network = CHEAP, key: MessageKey = KEY) -> Reason:
    with pytest.raises(RemoteProtocolError) as caught:
        open_sealed(network=network, envelope=envelope, key=key)
    return caught.value.reason


@given(at=st.integers(0, 468), bit=st.integers(0, 7))
def test_a_front_runners_changed_body_does_not_open(at: int, bit: int) -> None:
    envelope = sealed(b"the real one")
    body = changed(envelope.body, at, envelope.body[at] ^ 1 << bit)
    assert refuse_to_open(replace(envelope, body=body)) is Reason.AEAD
    assert open_sealed(network=CHEAP, envelope=envelope, key=KEY) == b"the real one"


def test_the_seal_binds_header_network_and_key() -> None:
    envelope = sealed(b"hello")
    assert refuse_to_open(replace(envelope, tag=Tag(bytes(16)))) is Reason.AEAD
    assert refuse_to_open(replace(envelope, kind=BCAST_72H)) is Reason.AEAD
    assert refuse_to_open(replace(envelope, born_hour=Hour(HOUR + 1))) is Reason.AEAD
    assert refuse_to_open(envelope, network=Network(name="test")) is Reason.AEAD
    assert refuse_to_open(envelope, key=MessageKey(bytes(32))) is Reason.AEAD


def test_the_seal_does_not_bind_the_stamp() -> None:
    stamped = sealed(b"hello").with_stamp(b"12345678")
    assert stamped.stamp_nonce == b"12345678"
    assert open_sealed(network=CHEAP, envelope=stamped, key=KEY) == b"hello"


@pytest.mark.parametrize("padded", [bytes(429), b"x" + bytes(428), b"x" * 429, bytes(428) + b"\x81"])
def test_padding_without_a_beginning_is_refused(padded: bytes) -> None:
    body = NONCE + crypto_aead_xchacha20poly1305_ietf_encrypt(padded, CHEAP.nid16 + make().header, NONCE, KEY)
    assert refuse_to_open(replace(make(), body=body)) is Reason.PADDING


def test_ids_are_hashes_of_topic_network_and_every_byte() -> None:
    data = make().encode()
    subject = H("tcn1/pre", bytes((len(SHARD),)) + SHARD.encode() + data[:-8], 32, CHEAP.nid16)
    assert stamp_subject(CHEAP, SHARD, data) == subject
    assert message_id(CHEAP, SHARD, data) == H("tcn1/mid", subject + data[-8:], 32)
    changes = (changed(data, at, data[at] ^ 1) for at in range(len(data)))
    ids = {message_id(CHEAP, SHARD, other) for other in (data, *changes)}
    ids |= {message_id(CHEAP, KNOCKS, data), message_id(Network(name="test"), SHARD, data)}
    assert len(ids) == 1 + len(data) + 2


def test_need_follows_class_size_and_life() -> None:
    network = Network(name="main")
    assert stamp_need(network, PAIR_72H, 512) == 3 << 16
    assert stamp_need(network, BCAST_72H, 5120) == 30 << 16
    assert stamp_need(network, KNOCK_72H, 512) == 3 << 22


@pytest.mark.parametrize("kind", ALLOWED_KINDS)
@pytest.mark.parametrize("size", ENVELOPE_SIZES)
def test_good_envelopes_are_accepted(kind: int, size: int) -> None:
    data = stamped_for(CHEAP, SHARD, make(kind=kind, size=size))
    checked = RelayCheck(CHEAP).check(SHARD, data, NOW)
    assert checked.verdict is Verdict.ACCEPT
    assert checked.mid == message_id(CHEAP, SHARD, data)


def test_a_good_knock_is_accepted() -> None:
    data = stamped_for(CHEAP, KNOCKS, make(kind=KNOCK_72H))
    checked = RelayCheck(CHEAP).check(KNOCKS, data, NOW)
    assert checked.verdict is Verdict.ACCEPT
    assert checked.mid == message_id(CHEAP, KNOCKS, data)


@pytest.mark.parametrize("kind", [15, 19])
def test_reserved_kinds_are_ignored(kind: int) -> None:
    assert verdict_of(SHARD, changed(make().encode(), 4, kind)) == (Verdict.IGNORE, Reason.KIND)


@pytest.mark.parametrize("kind", [5, 6, 7, 9, 20, 24, 255])
@pytest.mark.parametrize("topic", [SHARD, KNOCKS])
def test_kinds_that_never_will_be_are_rejected(kind: int, topic: Topic) -> None:
    assert verdict_of(topic, changed(make().encode(), 4, kind)) == (Verdict.REJECT, Reason.KIND)


def test_a_large_knock_is_rejected() -> None:
    data = changed(make(size=1024).encode(), 4, KNOCK_72H)
    assert refusal_of(data) is Reason.KIND
    assert verdict_of(KNOCKS, data) == (Verdict.REJECT, Reason.KIND)


def test_knocks_and_other_classes_keep_to_their_topics() -> None:
    assert verdict_of(SHARD, make(kind=KNOCK_72H).encode()) == (Verdict.REJECT, Reason.TOPIC)
    assert verdict_of(KNOCKS, make(kind=PAIR_72H).encode()) == (Verdict.REJECT, Reason.TOPIC)
    assert verdict_of(KNOCKS, make(kind=BCAST_72H).encode()) == (Verdict.REJECT, Reason.TOPIC)


@pytest.mark.parametrize("topic", ["", "/tocsin/1/main/s/0/01", "/tocsin/1/main/s/0/00 ", "/other", "\ud800"])
def test_malformed_topics_are_rejected(topic: str) -> None:
    assert verdict_of(topic, make().encode()) == (Verdict.REJECT, Reason.TOPIC)


@pytest.mark.parametrize("topic", ["/tocsin/1/main/s/1/80", "/tocsin/1/test/s/0/00", "/tocsin/1/test/k"])
@pytest.mark.parametrize("kind", [PAIR_72H, KNOCK_72H])
def test_topics_of_another_depth_or_network_are_ignored(topic: str, kind: int) -> None:
    assert verdict_of(topic, make(kind=kind).encode()) == (Verdict.IGNORE, Reason.TOPIC)


def test_every_shard_of_a_deep_network_is_known() -> None:
    deep = Network(name="main", depth=8, pair_cost=1)
    for home in range(256):
        topic = shard_topic(deep, home)
        assert verdict_of(topic, stamped_for(deep, topic, make()), network=deep) == (Verdict.ACCEPT, None)


@pytest.mark.parametrize(
    ("unix_ms", "verdict"),
    [
        ((HOUR - 1) * HOUR_MS - 1, Verdict.IGNORE),
        ((HOUR - 1) * HOUR_MS, Verdict.ACCEPT),
        ((HOUR + 2) * HOUR_MS - 1, Verdict.ACCEPT),
        ((HOUR + 2) * HOUR_MS, Verdict.IGNORE),
    ],
)
def test_the_hour_may_differ_by_one(unix_ms: int, verdict: Verdict) -> None:
    now = Now(unix_ms=unix_ms, steady_ms=0)
    reason = None if verdict is Verdict.ACCEPT else Reason.HOUR
    assert verdict_of(SHARD, stamped_for(CHEAP, SHARD, make()), now) == (verdict, reason)


def test_an_unpaid_stamp_is_rejected_and_its_mid_told() -> None:
    data = make().encode()
    assert verdict_of(SHARD, data, network=COSTLY) == (Verdict.REJECT, Reason.STAMP)
    assert RelayCheck(COSTLY).check(SHARD, data, NOW).mid == message_id(COSTLY, SHARD, data)


def test_an_unpaid_stamp_of_another_hour_is_only_ignored() -> None:
    """The neighbour's clock may be right and ours wrong: the hour comes before the stamp."""
    later = Now(unix_ms=NOW.unix_ms + 2 * HOUR_MS, steady_ms=0)
    assert verdict_of(SHARD, make().encode(), later, COSTLY) == (Verdict.IGNORE, Reason.HOUR)


def test_a_knock_pays_the_price_of_knocks() -> None:
    assert verdict_of(KNOCKS, make(kind=KNOCK_72H).encode(), network=COSTLY) == (Verdict.REJECT, Reason.STAMP)


def test_a_searched_stamp_is_accepted_where_it_was_searched_for() -> None:
    data = stamped_for(COSTLY, SHARD, make())
    assert verdict_of(SHARD, data, network=COSTLY) == (Verdict.ACCEPT, None)
    assert is_paid(message_id(COSTLY, SHARD, data), stamp_need(COSTLY, PAIR_72H, len(data)))
    for wrong in (changed(data, 13, data[13] ^ 1), changed(data, 100, data[100] ^ 1)):
        assert verdict_of(SHARD, wrong, network=COSTLY) == (Verdict.REJECT, Reason.STAMP)


def test_a_stamp_does_not_move_to_another_shard_or_network() -> None:
    deep = replace(COSTLY, depth=1)
    data = stamped_for(deep, shard_topic(deep, 0x00), make())
    assert verdict_of(shard_topic(deep, 0x80), data, network=deep) == (Verdict.REJECT, Reason.STAMP)
    other = replace(deep, name="test")
    assert verdict_of(shard_topic(other, 0x00), data, network=other) == (Verdict.REJECT, Reason.STAMP)


@given(
    data=envelopes.map(Envelope.encode) | st.binary(min_size=512, max_size=512),
    at=st.integers(0, 40),
    value=st.integers(0, 255),
    topic=st.sampled_from([SHARD, KNOCKS, "/tocsin/1/main/s/0/01", "/tocsin/1/test/k"]),
    hours=st.integers(0, 1 << 33),
)
def test_no_clock_turns_a_rejection_into_acceptance_or_the_reverse(
    data: bytes, at: int, value: int, topic: str, hours: int
) -> None:
    """At any moment a message is either judged as at its own hour, or ignored for its hour."""
    data = changed(data, at, value)
    check = RelayCheck(COSTLY).check
    own_hour = int.from_bytes(data[7:11], "big")
    at_own_hour = check(topic, data, Now(unix_ms=own_hour * HOUR_MS, steady_ms=0))
    at_any_hour = check(topic, data, Now(unix_ms=hours * HOUR_MS, steady_ms=5))
    assert at_any_hour == at_own_hour or at_any_hour.reason is Reason.HOUR
    assert at_any_hour.reason is not Reason.HOUR or at_any_hour.verdict is Verdict.IGNORE


@given(data=st.binary(max_size=520), topic=st.text())
def test_any_bytes_on_any_topic_get_a_verdict(data: bytes, topic: str) -> None:
    verdict_of(topic, data)
