"""Frames come out whole however their bytes were cut, and a lying length ends it.

What is in a frame is not asked here.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_protocol.errors import Reason, RemoteProtocolError
from tocsin_protocol.gossip.rpc import FrameReader, encode_uvarint
from tocsin_protocol.limits import FRAME_SIZE_MAX

BODIES = st.lists(
    st.one_of(st.binary(min_size=1, max_size=300), st.integers(1, 20_000).map(bytes)), max_size=8
)


@given(bodies=BODIES, cuts=st.lists(st.integers(1, 400), min_size=1, max_size=20))
def test_bytes_cut_anywhere_make_the_same_frames(bodies: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(encode_uvarint(len(body)) + body for body in bodies)
    reader = FrameReader()
    frames: list[bytes] = []
    at = turn = 0
    while at < len(stream):
        cut = cuts[turn % len(cuts)]
        frames += reader.read(stream[at : at + cut])
        at, turn = at + cut, turn + 1
    assert frames == bodies


@given(stream=st.binary(max_size=100))
def test_any_bytes_make_frames_or_our_error(stream: bytes) -> None:
    try:
        frames = list(FrameReader().read(stream))
    except RemoteProtocolError:
        return
    whole = b"".join(encode_uvarint(len(frame)) + frame for frame in frames)
    assert stream.startswith(whole)


def test_the_longest_frame_is_read() -> None:
    body = bytes(FRAME_SIZE_MAX)
    assert list(FrameReader().read(encode_uvarint(len(body)) + body)) == [body]


@pytest.mark.parametrize(
    "prefix",
    [
        encode_uvarint(FRAME_SIZE_MAX + 1),
        b"\xff\xff\xff",
        b"\xff\xff\xff\xff\x0f",
        b"\x80\x00",
        b"\x81\x80\x00",
    ],
    ids=["one too long", "endless", "4 GiB", "zero in two bytes", "one in three bytes"],
)
def test_a_bad_length_is_refused_before_its_frame_is_awaited(prefix: bytes) -> None:
    reader = FrameReader()
    frames = reader.read(b"\x02ok" + prefix)
    assert next(frames) == b"ok"
    with pytest.raises(RemoteProtocolError) as error:
        next(frames)
    assert error.value.reason is Reason.FRAME
