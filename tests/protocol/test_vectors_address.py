"""Our addresses and our base32 against the vectors of `address`."""

from tests.protocol.vectors import Fields, Vector, check, vectors_of
from tocsin_protocol import base32
from tocsin_protocol.identity import Address


def run_address(vector: Vector) -> Fields:
    address = Address.decode(vector.input["text"], vector.network)
    return {
        "identity_key": address.identity_key.hex(),
        "contact_key": address.contact_key.hex(),
        "knock_policy": address.knock_policy,
        "pin_required": address.pin_required,
        "text": address.encode(vector.network),
    }


def run_base32(vector: Vector) -> Fields:
    text = vector.input["text"]
    data = base32.decode(text, vector.input["size"])
    assert base32.encode(data) == text
    return {"data": data.hex()}


@vectors_of("address")
def test_address(vector: Vector) -> None:
    check(vector, {"address": run_address, "base32": run_base32})
