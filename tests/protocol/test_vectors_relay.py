"""Our relay check against the vectors of `relay`."""

from functools import cache

from tests.protocol.vectors import Fields, Vector, check, vectors_of
from tocsin_protocol.envelope import RelayCheck
from tocsin_protocol.network import Network

relay_for = cache(RelayCheck)
"""One for each network: it prepares every topic of its own."""


def run_relay(vector: Vector) -> Fields:
    network: Network = vector.network
    checked = relay_for(network).check(vector.input["topic"], vector.raw("envelope"), vector.now)
    shown = {
        "expect": "ok" if checked.reason is None else checked.reason.value,
        "verdict": checked.verdict.value,
    }
    return shown if checked.mid is None else shown | {"mid": checked.mid.hex()}


@vectors_of("relay")
def test_relay(vector: Vector) -> None:
    check(vector, {"relay": run_relay})
