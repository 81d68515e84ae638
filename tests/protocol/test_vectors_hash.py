"""Our hash against the vectors of `hash`."""

from tests.protocol.vectors import Fields, Vector, check, vectors_of
from tocsin_protocol.hashing import H


def run_hash(vector: Vector) -> Fields:
    given = vector.input
    return {"digest": H(given["label"], vector.raw("data"), given["size"], vector.raw("key")).hex()}


@vectors_of("hash")
def test_hash(vector: Vector) -> None:
    check(vector, {"hash": run_hash})
