"""Our table of tags against the vectors of `recognise`: windows, midnight, skipped keys, grants."""

from tests.protocol.vector_streams import Streams, content_outcome
from tests.protocol.vectors import Fields, Vector, check, vectors_of
from tocsin_protocol.envelope import Envelope, EnvelopeClass, open_sealed
from tocsin_protocol.errors import RemoteProtocolError
from tocsin_protocol.limits import HOUR_DRIFT_MAX
from tocsin_protocol.network import Network
from tocsin_protocol.recognise import Recogniser, StreamMatch, live_epochs
from tocsin_protocol.types import Now


def run_live_epochs(vector: Vector) -> Fields:
    return {"epochs": list(live_epochs(vector.now))}


def run_recognise(vector: Vector) -> Fields:
    """As a node does it: the table is refreshed for each moment, then asked."""
    streams, outcomes = Streams.of(vector), list[str]()
    recogniser, watched = Recogniser(), set[object]()
    for number, arrival in enumerate(vector.input["arrivals"]):
        now = Now(unix_ms=arrival["now"] * 1000, steady_ms=0)
        live = live_epochs(now)
        recogniser.keep_epochs(live)
        for stream, state in streams.states.items():
            if stream.epoch in live and stream not in watched:
                recogniser.watch(stream, state)
                watched.add(stream)
        envelope = Envelope.parse(bytes.fromhex(arrival["envelope"]))
        if abs(envelope.born_hour - now.hour) > HOUR_DRIFT_MAX:
            outcomes.append("hour")
        else:
            outcomes.append(receive(recogniser, streams, vector.network, envelope, number))
    return {
        "expect": outcomes[-1],
        "outcomes": outcomes,
        "above_grant": streams.above_grant,
        "streams": streams.told(),
    }


def receive(
    recogniser: Recogniser, streams: Streams, network: Network, envelope: Envelope, number: int
) -> str:
    match = recogniser.find(envelope.tag, envelope.born_hour)
    if envelope.envelope_class is not EnvelopeClass.PAIR or not isinstance(match, StreamMatch):
        return "tag"
    try:
        payload = open_sealed(network=network, envelope=envelope, key=match.link.key)
    except RemoteProtocolError as error:
        return error.reason.value
    state = recogniser.advance(match)
    recogniser.apply(match.stream, state)
    streams.states[match.stream] = state
    if not streams.within(match.stream, number):
        recogniser.stop_windows(1, match.stream.epoch, match.stream.q)
    return content_outcome(payload, match.stream.q)


@vectors_of("recognise")
def test_recognise(vector: Vector) -> None:
    check(vector, {"live-epochs": run_live_epochs, "recognise": run_recognise})
