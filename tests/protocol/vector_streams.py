"""Streams as the vectors tell them, and what a node does with an envelope that opened."""

from dataclasses import dataclass, field

from tests.protocol.vectors import Fields, Vector
from tocsin_protocol import notification
from tocsin_protocol.errors import RemoteProtocolError
from tocsin_protocol.grant import Grant
from tocsin_protocol.notification import RINGING, NotificationKind
from tocsin_protocol.recognise import StreamId, StreamState
from tocsin_protocol.types import Epoch, MessageKey
from tocsin_protocol.wheel import Chain, Q, link_of


def stream_of(told: Fields) -> tuple[StreamId, StreamState]:
    q, epoch = Q(told["q"]), Epoch(told["epoch"])
    chain = Chain(epoch=epoch, q=q, index=told["index"], key=bytes.fromhex(told["chain"]))
    links = tuple(link_of(one["index"], MessageKey(bytes.fromhex(one["key"]))) for one in told["skipped"])
    stream = StreamId(contact=1, generation=told["generation"], epoch=epoch, q=q)
    return stream, StreamState(chain=chain, skipped=links, opened=told["opened"])


def told_stream(stream: StreamId, state: StreamState) -> Fields:
    return {
        "generation": stream.generation,
        "epoch": stream.epoch,
        "q": stream.q,
        "index": state.chain.index,
        "chain": state.chain.key.hex(),
        "skipped": [{"index": link.index, "key": link.key.hex()} for link in state.skipped],
        "opened": state.opened,
    }


@dataclass
class Streams:
    """The states, the grant's daily limits, and what went beyond them."""

    states: dict[StreamId, StreamState]
    limits: dict[Q, int | None]
    above_grant: list[int] = field(default_factory=list)

    @staticmethod
    def of(vector: Vector) -> "Streams":
        limits = {q: vector.input["limits"][str(q.value)] for q in Q}
        assert limits == {q: Grant(per_day=limits[Q.RING]).limit_per_day(q) for q in Q}
        return Streams(states=dict(map(stream_of, vector.input["streams"])), limits=limits)

    def within(self, stream: StreamId, number: int) -> bool:
        """Whether the grant still allows what has just opened, over all generations."""
        opened = sum(
            state.opened
            for each, state in self.states.items()
            if (each.epoch, each.q) == (stream.epoch, stream.q)
        )
        limit = self.limits[stream.q]
        if limit is None or opened <= limit:
            return True
        self.above_grant.append(number)
        return False

    def told(self) -> list[Fields]:
        return [told_stream(stream, state) for stream, state in self.states.items()]


def content_outcome(payload: bytes, q: Q) -> str:
    """What an entry was used up for."""
    try:
        kind = notification.decode(payload).kind
    except RemoteProtocolError as error:
        return error.reason.value
    either = kind is NotificationKind.UNKNOWN
    return "ok" if either or (kind in RINGING) is (q is Q.RING) else "payload"
