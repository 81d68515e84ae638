"""Agreeing on a protocol, with partners that follow the rules and with any bytes at all."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import memory_stream_pair

from tocsin.transport.multistream import HEADER, NotAgreed, answer, offer
from tocsin_protocol.limits import PROTOCOL_OFFERS_MAX


def line(text: str) -> bytes:
    return bytes((len(text) + 1,)) + text.encode() + b"\n"


@dataclass
class Recorded:
    """What the other side says, at most `step` bytes a read; and what it was told."""

    incoming: bytes
    step: int = 1000
    outgoing: bytearray = field(default_factory=bytearray)

    async def read(self, n: int | None = None) -> bytes:
        size = min(len(self.incoming) if n is None else n, self.step)
        data, self.incoming = self.incoming[:size], self.incoming[size:]
        return data

    async def write(self, data: bytes) -> None:
        self.outgoing += data


@dataclass
class Piped:
    stream: trio.abc.Stream

    async def read(self, n: int | None = None) -> bytes:
        return bytes(await self.stream.receive_some(n))

    async def write(self, data: bytes) -> None:
        await self.stream.send_all(data)


@pytest.mark.parametrize(
    ("offered", "spoken", "agreed"),
    [
        (["/a/1"], ["/a/1"], "/a/1"),
        (["/a/2", "/a/1"], ["/a/1"], "/a/1"),
        (["/a/2", "/a/1"], ["/a/1", "/a/2"], "/a/2"),
    ],
)
async def test_both_sides_agree(offered: Sequence[str], spoken: Sequence[str], agreed: str) -> None:
    here, there = memory_stream_pair()
    results: list[str] = []

    async def dial() -> None:
        results.append(await offer(Piped(here), offered))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(dial)
        results.append(await answer(Piped(there), spoken))
    assert results == [agreed, agreed]


async def test_they_speak_none_of_ours() -> None:
    stream = Recorded(line(HEADER) + line("na") + line("na"))
    with pytest.raises(NotAgreed, match="none of our protocols"):
        await offer(stream, ["/a/2", "/a/1"])
    assert stream.outgoing == line(HEADER) + line("/a/2") + line("/a/1")


async def test_what_follows_the_agreement_is_left_in_the_stream() -> None:
    stream = Recorded(line(HEADER) + line("/a/1") + b"gossip", step=3)
    assert await answer(stream, ["/a/1"]) == "/a/1"
    assert stream.incoming == b"gossip"
    assert stream.outgoing == line(HEADER) + line("/a/1")


@pytest.mark.parametrize(
    ("incoming", "why"),
    [
        (b"\x03\xff\xfe\n", "not UTF-8"),
        (line(HEADER) + b"\x03\xff\xfe\n", "not UTF-8"),
        (b"\x80\x80\x80\x80\x10", "no protocol's name"),
        (b"\x00", "no protocol's name"),
        (b"\x02ab", "without an end"),
        (line("/multistream/2.0.0"), "does not speak multistream"),
        (line(HEADER) + line("ls") * (PROTOCOL_OFFERS_MAX + 1), "guesses"),
        (b"GET / HTTP/1.1\r\n\r\n" * 9, "does not speak multistream|without an end"),
        (b"", "closed the stream"),
    ],
)
async def test_what_is_not_multistream(incoming: bytes, why: str) -> None:
    with pytest.raises(NotAgreed, match=why):
        await answer(Recorded(incoming), ["/a/1"])


async def test_an_answer_nobody_asked_for() -> None:
    with pytest.raises(NotAgreed, match="nobody asked for"):
        await offer(Recorded(line(HEADER) + line("/b/1")), ["/a/1"])


@given(
    st.binary(max_size=300) | st.binary(max_size=200).map(lambda tail: line(HEADER) + tail), st.integers(1, 9)
)
def test_any_bytes_agree_or_raise_ours(incoming: bytes, step: int) -> None:
    async def run() -> None:
        for agree in (answer, offer):
            stream = Recorded(incoming, step)
            with suppress(NotAgreed):
                assert await agree(stream, ["/a/1"]) == "/a/1"

    trio.run(run)
