"""The folder `hash`: BLAKE2b with a key and a personalisation, alone.

It has no refusals, for every input has a hash.
"""

from kit.primitives import H
from kit.vectors import Case, Draw, Family

family = Family("hash")


def hashed(label: str, data: bytes, size: int, key: bytes = b"") -> Case:
    given = {"label": label, "key": key, "data": data, "size": size}
    return Case(operation="hash", input=given, output={"digest": H(label, data, size, key)})


@family.vector("TOC-1 §1.2", "Without a key: NID16 of the network called main.")
def network_id(_draw: Draw) -> Case:
    return hashed("tcn1/net", b"main", 16)


@family.vector("TOC-1 §1.2", "With a key of 32 bytes this is KDF.")
def with_a_key(draw: Draw) -> Case:
    return hashed("tcn1/step", b"", 64, key=draw("key", 32))


@family.vector("TOC-1 §1.2", "A key of 16 bytes, as NID16 is one, and more data than a block of 128 bytes.")
def more_than_a_block(draw: Draw) -> Case:
    return hashed("tcn1/pre", draw("data", 300), 32, key=draw("key", 16))


@family.vector("TOC-1 §1.2", "A label of 16 characters fills the personalisation.")
def longest_label(draw: Draw) -> Case:
    return hashed("tcn1/16-letters!", draw("data", 20), 32)
