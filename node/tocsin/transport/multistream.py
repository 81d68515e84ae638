"""multistream-select 1.0: two sides of a byte stream agree on a protocol.

It is ours because libp2p's trusts lengths, cancels reads, and dies of a name that is not UTF-8.
"""

from collections.abc import Collection, Sequence
from typing import Protocol

from tocsin_protocol.limits import PROTOCOL_NAME_SIZE_MAX, PROTOCOL_OFFERS_MAX

HEADER = "/multistream/1.0.0"
NOT_SPOKEN = "na"


class ByteStream(Protocol):
    async def read(self, n: int | None = None) -> bytes: ...

    async def write(self, data: bytes) -> None: ...


class NotAgreed(Exception):
    """They speak none of our protocols, or not multistream."""


async def offer(stream: ByteStream, protocols: Sequence[str]) -> str:
    """As the dialler: the first of our protocols that they speak.

    The first name goes with the header, without waiting for theirs; that saves a round trip.
    """
    opening = _line(HEADER)
    for position, name in enumerate(protocols):
        await stream.write(opening + _line(name))
        opening = b""
        if not position:
            await _read_header(stream)
        answer = await _read_line(stream)
        if answer == name:
            return name
        if answer != NOT_SPOKEN:
            raise NotAgreed("it answers with a protocol nobody asked for")
    raise NotAgreed("it speaks none of our protocols")


async def answer(stream: ByteStream, protocols: Collection[str]) -> str:
    """As the listener: the first protocol they name that is one of ours."""
    await stream.write(_line(HEADER))
    await _read_header(stream)
    for _ in range(PROTOCOL_OFFERS_MAX):
        name = await _read_line(stream)
        if name in protocols:
            await stream.write(_line(name))
            return name
        await stream.write(_line(NOT_SPOKEN))
    raise NotAgreed("it guesses at protocols")


def _line(text: str) -> bytes:
    line = text.encode() + b"\n"
    return bytes((len(line),)) + line


async def _read_header(stream: ByteStream) -> None:
    if await _read_line(stream) != HEADER:
        raise NotAgreed("it does not speak multistream")


async def _read_line(stream: ByteStream) -> str:
    size = (await _read_exactly(stream, 1))[0]
    # The size is a varint; one that needs a second byte is longer than any protocol's name.
    if not 1 <= size <= PROTOCOL_NAME_SIZE_MAX + 1:
        raise NotAgreed("it sends no protocol's name")
    line = await _read_exactly(stream, size)
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise NotAgreed("it sends a name that is not UTF-8") from None
    if not text.endswith("\n"):
        raise NotAgreed("it sends a name without an end")
    return text[:-1]


async def _read_exactly(stream: ByteStream, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = await stream.read(size - len(data))
        if not more:
            raise NotAgreed("it closed the stream")
        data += more
    return data
