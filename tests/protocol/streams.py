"""What the tests of recognition share: streams of contacts, and a table that watches them."""

from tocsin_protocol.limits import EPOCH_HOURS
from tocsin_protocol.recognise import Recogniser, StreamId, StreamMatch, StreamState
from tocsin_protocol.types import Epoch, Hour, MessageKey, Tag
from tocsin_protocol.wheel import Chain, Link, Q, Wheel, first_chain

EPOCH = Epoch(20_000)
HOUR = Hour(EPOCH * EPOCH_HOURS + 12)
WHEEL = Wheel(epoch=EPOCH, key=b"\x07" * 32)
RING = StreamId(contact=1, epoch=EPOCH, q=Q.RING)
CONTROL = StreamId(contact=1, epoch=EPOCH, q=Q.CONTROL)
TAG = Tag(b"\x08" * 16)
KEY = MessageKey(b"\x09" * 32)


def chain_of(stream: StreamId) -> Chain:
    """Each contact has a wheel of its own."""
    wheel = Wheel(epoch=EPOCH, key=stream.contact.to_bytes(32, "big"))
    return first_chain(wheel.at(stream.epoch), stream.q)


def links_of(stream: StreamId, count: int) -> list[Link]:
    """What the sender uses, one after the other."""
    chain, links = chain_of(stream), []
    for _ in range(count):
        chain, link = chain.step()
        links.append(link)
    return links


def watching(*streams: StreamId) -> Recogniser:
    recogniser = Recogniser()
    for stream in streams:
        recogniser.watch(stream, StreamState(chain=chain_of(stream)))
    return recogniser


def receive(recogniser: Recogniser, link: Link) -> StreamState | None:
    """One envelope that opens; None when its tag is a miss."""
    match = recogniser.find(link.tag, HOUR)
    if not isinstance(match, StreamMatch):
        return None
    assert match.link == link
    state = recogniser.advance(match)
    recogniser.apply(match.stream, state)
    return state


def must_receive(recogniser: Recogniser, link: Link) -> StreamState:
    state = receive(recogniser, link)
    assert state is not None
    return state
