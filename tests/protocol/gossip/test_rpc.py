"""The RPC codec against libp2p's generated one, and against whatever bytes there are.

What a router does with a message is not asked here.
"""

from itertools import pairwise

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from libp2p.pubsub.pb import rpc_pb2

from tests.protocol.gossip.world import TOPIC
from tocsin_protocol.errors import Reason, RemoteProtocolError
from tocsin_protocol.gossip.rpc import (
    Form,
    Rpc,
    Subscription,
    decode,
    encode_entry,
    encode_frames,
    encode_subscription,
    encode_uvarint,
    read_entry,
)
from tocsin_protocol.limits import (
    MESSAGES_PER_FRAME_MAX,
    SUBSCRIPTIONS_PER_FRAME_MAX,
    WRITE_SIZE_MAX,
)
from tocsin_protocol.types import Topic

TOPICS = st.text(max_size=200).map(Topic)
DATA = st.one_of(
    st.binary(max_size=300), st.sampled_from([127, 128, 512, 5120, 16383, 16384, 20000]).map(bytes)
)
MESSAGES = st.tuples(TOPICS, DATA)
SUBSCRIPTIONS = st.builds(Subscription, topic=TOPICS, subscribe=st.booleans())

NOT_MINIMAL_512 = b"\x80\x84\x00"


def body_of(frame: bytes) -> bytes:
    """A frame without its length."""
    return frame[next(i for i, byte in enumerate(frame) if byte < 0x80) + 1 :]


def entry_of(fields: bytes) -> bytes:
    return b"\x12" + encode_uvarint(len(fields)) + fields


@given(subscriptions=st.lists(SUBSCRIPTIONS, max_size=5), messages=st.lists(MESSAGES, max_size=5))
def test_libp2p_reads_what_we_write(
    subscriptions: list[Subscription], messages: list[tuple[Topic, bytes]]
) -> None:
    parts = [encode_subscription(subscription) for subscription in subscriptions]
    parts += [encode_entry(topic, data) for topic, data in messages]
    theirs = [rpc_pb2.RPC.FromString(body_of(frame)) for frame in encode_frames(parts)]
    read = [(sub.topicid, sub.subscribe) for rpc in theirs for sub in rpc.subscriptions]
    assert read == [(subscription.topic, subscription.subscribe) for subscription in subscriptions]
    shown = [(list(message.topicIDs), message.data) for rpc in theirs for message in rpc.publish]
    assert shown == [([topic], data) for topic, data in messages]
    assert not any(
        message.HasField(name)
        for rpc in theirs
        for message in rpc.publish
        for name in ("from_id", "seqno", "signature", "key")
    )


@given(
    subscriptions=st.lists(SUBSCRIPTIONS, max_size=5),
    messages=st.lists(MESSAGES, max_size=5),
    control=st.booleans(),
    record=st.binary(max_size=20),
)
def test_we_read_what_libp2p_writes(
    subscriptions: list[Subscription],
    messages: list[tuple[Topic, bytes]],
    control: bool,
    record: bytes,
) -> None:
    theirs = rpc_pb2.RPC(senderRecord=record)
    for subscription in subscriptions:
        theirs.subscriptions.add(topicid=subscription.topic, subscribe=subscription.subscribe)
    for topic, data in messages:
        theirs.publish.add(topicIDs=[topic], data=data)
    if control:
        theirs.control.graft.add(topicID="somewhere")
        theirs.control.ihave.add(topicID="somewhere", messageIDs=[b"one"])
    ours = decode(theirs.SerializeToString())
    assert list(ours.subscriptions) == subscriptions
    read = [read_entry(entry) for entry in ours.entries]
    assert [(message.topic, message.data) for message in read] == messages
    assert all(message.form is Form.PLAIN for message in read)
    assert [message.entry for message in read] == list(ours.entries)
    assert [message.entry for message in read] == [encode_entry(topic, data) for topic, data in messages]


@given(
    author=st.sampled_from(["from_id", "seqno", "signature", "key"]),
    value=st.binary(max_size=20),
    data=DATA,
)
def test_author_fields_are_told_from_all_others(author: str, value: bytes, data: bytes) -> None:
    message = rpc_pb2.Message(topicIDs=[TOPIC], data=data, **{author: value})
    (entry,) = decode(rpc_pb2.RPC(publish=[message]).SerializeToString()).entries
    read = read_entry(entry)
    assert read.form is Form.AUTHORED
    assert (read.topic, read.data, read.entry) == ("", b"", b"")


@pytest.mark.parametrize(
    "fields",
    [
        b"",
        b"\x12\x01x",
        b"\x22\x01t",
        b"\x12\x01x\x22\x01t\x22\x01u",
        b"\x12\x01x\x12\x01y\x22\x01t",
        b"\x12\x01x\x22\x01t\x3a\x00",
        b"\x12\x01x\x22\x01t\x38\x07",
        b"\x12\x01x\x22\x01t\x39" + bytes(8),
        b"\x12\x01x\x22\x01t\x3d" + bytes(4),
        b"\x10\x01\x12\x01x\x22\x01t",
        b"\x12\x01x\x20\x01\x22\x01t",
    ],
    ids=[
        "empty",
        "no topic",
        "no data",
        "two topics",
        "two data",
        "unknown bytes",
        "unknown number",
        "unknown 64 bits",
        "unknown 32 bits",
        "data as a number",
        "topic as a number",
    ],
)
def test_whatever_is_not_one_data_and_one_topic_is_odd(fields: bytes) -> None:
    (entry,) = decode(entry_of(fields)).entries
    assert read_entry(entry).form is Form.ODD


@pytest.mark.parametrize("field", [b"\x0a\x01f", b"\x1a\x01s", b"\x2a\x01s", b"\x32\x01k", b"\x08\x01"])
def test_an_author_outweighs_what_else_is_odd(field: bytes) -> None:
    (entry,) = decode(entry_of(b"\x3a\x00" + field)).entries
    assert read_entry(entry).form is Form.AUTHORED


@pytest.mark.parametrize(
    "entry",
    [
        entry_of(b"\x12\x80\x84\x00" + bytes(512) + b"\x22\x01t"),
        entry_of(b"\x12\x80\x04" + bytes(512) + b"\x22\x81\x00t"),
        entry_of(b"\x22\x01t\x12\x80\x04" + bytes(512)),
        entry_of(b"\x92\x00\x80\x04" + bytes(512) + b"\x22\x01t"),
        b"\x12\x86\x84\x00" + b"\x12\x80\x04" + bytes(512) + b"\x22\x01t",
        b"\x92\x00\x86\x04" + b"\x12\x80\x04" + bytes(512) + b"\x22\x01t",
    ],
    ids=["data length", "topic length", "order", "data tag", "outer length", "outer tag"],
)
def test_no_encoding_can_carry_a_mark_onwards(entry: bytes) -> None:
    """All of these mean one thing to protobuf; what is passed on is the same for all of them."""
    (received,) = rpc_pb2.RPC.FromString(entry).publish
    assert (list(received.topicIDs), received.data) == (["t"], bytes(512))
    (shown,) = decode(entry).entries
    read = read_entry(shown)
    assert (read.topic, read.data, read.form) == ("t", bytes(512), Form.PLAIN)
    assert read.entry == encode_entry(Topic("t"), bytes(512))


@pytest.mark.parametrize(
    "frame",
    [
        b"\x12",
        b"\x12\x05abc",
        b"\x12\xff\xff\xff\xff\x0f",
        b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\x1a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\x02\x00",
        b"\xfa\xff\xff\xff\x7f\x00",
        b"\x13\x14",
        b"\x16\x00",
        b"\x19\x00",
        b"\x1d\x00",
        b"\x18\x80",
        b"\x0a\x02\x08\x01",
        b"\x0a\x04\x08\x01\x12\x01",
        b"\x0a\x05\x08\x01\x12\x01\xff",
    ],
    ids=[
        "no length",
        "short",
        "long length",
        "huge length",
        "65 bits",
        "endless",
        "field 0",
        "field 2^29",
        "group",
        "wire type 6",
        "half a fixed64",
        "half a fixed32",
        "half a varint",
        "subscription without topic",
        "topic cut off",
        "topic not UTF-8",
    ],
)
def test_malformed_frames_are_refused(frame: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as error:
        decode(frame)
    assert error.value.reason is Reason.FRAME


@pytest.mark.parametrize("size", [1, 512])
def test_a_message_on_a_topic_that_is_no_text_is_refused(size: int) -> None:
    (entry,) = decode(entry_of(b"\x12" + encode_uvarint(size) + bytes(size) + b"\x22\x01\xff")).entries
    with pytest.raises(RemoteProtocolError):
        read_entry(entry)


@given(frame=st.binary(max_size=200))
def test_any_bytes_decode_as_libp2p_decodes_them_or_raise_our_error(frame: bytes) -> None:
    try:
        ours = decode(frame)
        read = [read_entry(entry) for entry in ours.entries]
    except RemoteProtocolError:
        return
    theirs = rpc_pb2.RPC.FromString(frame)
    assert [(sub.topicid, sub.subscribe) for sub in theirs.subscriptions] == [
        (sub.topic, sub.subscribe) for sub in ours.subscriptions
    ]
    assert len(theirs.publish) == len(read)
    for message, their_message in zip(read, theirs.publish, strict=True):
        if message.form is Form.PLAIN:
            assert (message.data, [message.topic]) == (their_message.data, list(their_message.topicIDs))


@given(data=st.data(), messages=st.lists(MESSAGES, min_size=1, max_size=3))
def test_frames_bent_somewhere_decode_or_raise_our_error(
    data: st.DataObject, messages: list[tuple[Topic, bytes]]
) -> None:
    frame = bytearray(b"".join(encode_entry(topic, body) for topic, body in messages))
    for _ in range(data.draw(st.integers(1, 3))):
        frame[data.draw(st.integers(0, min(len(frame), 40) - 1))] = data.draw(st.integers(0, 255))
    try:
        read = [read_entry(entry) for entry in decode(bytes(frame)).entries]
    except RemoteProtocolError:
        return
    try:
        theirs = rpc_pb2.RPC.FromString(bytes(frame))
    except DecodeError:
        pytest.fail("libp2p cannot read what we read")
    for message, their_message in zip(read, theirs.publish, strict=True):
        if message.form is Form.PLAIN:
            assert (message.data, [message.topic]) == (their_message.data, list(their_message.topicIDs))
            assert message.entry == encode_entry(message.topic, message.data)


def test_a_subscription_may_have_fields_that_we_do_not_know() -> None:
    (subscription,) = decode(b"\x0a\x0a\x08\x01\x12\x01t\x1a\x01x\x18\x05").subscriptions
    assert subscription == Subscription(topic=Topic("t"), subscribe=True)


def test_an_empty_frame_says_nothing() -> None:
    assert decode(b"") == Rpc(subscriptions=(), entries=())


def test_too_many_messages_in_one_frame_are_refused() -> None:
    entry = entry_of(b"")
    assert len(decode(entry * MESSAGES_PER_FRAME_MAX).entries) == MESSAGES_PER_FRAME_MAX
    with pytest.raises(RemoteProtocolError):
        decode(entry * (MESSAGES_PER_FRAME_MAX + 1))


def test_too_many_subscriptions_in_one_frame_are_refused() -> None:
    part = encode_subscription(Subscription(topic=TOPIC, subscribe=True))
    assert len(decode(part * SUBSCRIPTIONS_PER_FRAME_MAX).subscriptions) == SUBSCRIPTIONS_PER_FRAME_MAX
    with pytest.raises(RemoteProtocolError):
        decode(part * (SUBSCRIPTIONS_PER_FRAME_MAX + 1))


@given(sizes=st.lists(st.integers(1, 6000), max_size=60))
def test_frames_are_few_and_none_is_too_long(sizes: list[int]) -> None:
    parts = [entry_of(bytes(size)) for size in sizes]
    frames = encode_frames(parts)
    assert all(len(frame) <= WRITE_SIZE_MAX for frame in frames)
    assert b"".join(body_of(frame) for frame in frames) == b"".join(parts)
    bodies = [body_of(frame) for frame in frames]
    assert all(len(one) + len(other) > WRITE_SIZE_MAX - 6_010 for one, other in pairwise(bodies))
