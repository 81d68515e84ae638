"""Our prices and our reading of a stamp against the vectors of `stamp`."""

from tests.protocol.vectors import Fields, Vector, check, vectors_of
from tocsin_protocol.envelope import stamp_need
from tocsin_protocol.stamp import highest_paid_mid, is_paid


def run_need(vector: Vector) -> Fields:
    return {"need": str(stamp_need(vector.network, vector.input["kind"], vector.input["size"]))}


def run_paid(vector: Vector) -> Fields:
    mid = vector.raw("mid")
    need = int(vector.input["need"]) << vector.input["level"]
    paid = is_paid(mid, need)
    assert paid == (mid <= highest_paid_mid(need)), "the relay's comparison must say the same"
    return {"expect": "ok" if paid else "stamp", "work": str(int.from_bytes(mid[:8], "big"))}


@vectors_of("stamp")
def test_stamp(vector: Vector) -> None:
    check(vector, {"need": run_need, "paid": run_paid})
