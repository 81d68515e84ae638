"""Our CBOR against the vectors of `cbor`, and cbor2 as a second decoder of what they accept."""

import cbor2

from tests.protocol.vectors import Fields, Vector, check, told, vectors_of
from tocsin_protocol import cbor


def run_cbor(vector: Vector) -> Fields:
    data = vector.raw("data")
    value = cbor.decode(data)
    assert cbor.encode(value) == data
    assert told(cbor2.loads(data)) == told(value)
    return {"value": told(value)}


@vectors_of("cbor")
def test_cbor(vector: Vector) -> None:
    check(vector, {"cbor": run_cbor})
