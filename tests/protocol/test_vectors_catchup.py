"""Our reading of past epochs against the vectors of `catchup`."""

from tests.protocol.vector_streams import Streams, content_outcome
from tests.protocol.vectors import Fields, Vector, check, vectors_of
from tocsin_protocol.catchup import CatchUp, Done, Go, Load, Look, Pause, Tried, Try
from tocsin_protocol.envelope import Envelope, open_sealed
from tocsin_protocol.errors import RemoteProtocolError
from tocsin_protocol.limits import HOUR_DRIFT_MAX
from tocsin_protocol.types import Epoch, Hour


def run_catch_up(vector: Vector) -> Fields:
    streams, found = Streams.of(vector), list[int]()
    machine = CatchUp(Epoch(vector.input["epoch"]))
    envelopes: list[Envelope] = []
    outcomes: list[str] = []
    for bucket in vector.input["buckets"]:
        hour = Hour(bucket["hour"])
        loaded = [Envelope.parse(bytes.fromhex(data)) for data in bucket["envelopes"]]
        tags = tuple((envelope.tag, len(envelopes) + place) for place, envelope in enumerate(loaded))
        machine.handle(Load(hour=hour, tags=tags), vector.now)
        envelopes += loaded
        outcomes += ["hour" if hour > vector.now_hour + HOUR_DRIFT_MAX else "tag"] * len(loaded)
    for stream, state in streams.states.items():
        machine.handle(Look(stream=stream, state=state), vector.now)
    (effect,) = machine.handle(Go(), vector.now)
    while not isinstance(effect, Done):
        assert isinstance(effect, Try | Pause)
        event: Tried | Go = Go()
        if isinstance(effect, Try):
            event = try_out(
                effect,
                vector=vector,
                envelopes=envelopes,
                streams=streams,
                outcomes=outcomes,
                found=found,
            )
        (effect,) = machine.handle(event, vector.now)
    return {
        "expect": next((outcome for outcome in outcomes if outcome != "ok"), "ok"),
        "outcomes": outcomes,
        "found": found,
        "above_grant": streams.above_grant,
        "streams": streams.told(),
    }


def try_out(
    attempt: Try,
    *,
    vector: Vector,
    envelopes: list[Envelope],
    streams: Streams,
    outcomes: list[str],
    found: list[int],
) -> Tried:
    for position in attempt.positions:
        try:
            payload = open_sealed(network=vector.network, envelope=envelopes[position], key=attempt.link.key)
        except RemoteProtocolError as error:
            outcomes[position] = error.reason.value
            continue
        outcomes[position] = content_outcome(payload, attempt.stream.q)
        found.append(position)
        streams.states[attempt.stream] = attempt.after
        return Tried(opened=True, window=streams.within(attempt.stream, position))
    return Tried(opened=False)


@vectors_of("catchup")
def test_catch_up(vector: Vector) -> None:
    check(vector, {"catch-up": run_catch_up})
