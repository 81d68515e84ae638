"""Writes every vector: python specs/reference/generate.py [directory].

It needs no network, no clock and no entropy, and writes the same bytes wherever it runs.
"""

import sys
from pathlib import Path

from families import (
    address,
    arrivals,
    backup,
    catchup,
    cbor,
    control,
    envelope,
    further,
    grant,
    hashing,
    identity,
    introduction,
    invite,
    knock,
    noise,
    notification,
    recognise,
    reintroduction,
    relay,
    renewal,
    reply,
    sending,
    stamp,
    topics,
    wheel,
)
from kit.vectors import Family, to_text

HERE = Path(__file__).resolve().parent
FAMILIES: tuple[Family, ...] = (
    hashing.family,
    cbor.family,
    identity.family,
    address.family,
    backup.family,
    topics.family,
    stamp.family,
    envelope.family,
    arrivals.family,
    relay.family,
    wheel.family,
    recognise.family,
    catchup.family,
    sending.family,
    control.family,
    renewal.family,
    noise.family,
    invite.family,
    introduction.family,
    reply.family,
    knock.family,
    reintroduction.family,
    grant.family,
    notification.family,
    further.family,
)


def write(family: Family, directory: Path) -> None:
    """The folder of the family, without what an earlier run left there."""
    directory.mkdir(parents=True, exist_ok=True)
    texts = {f"{vector.name}.json": to_text(vector) for vector in family.vectors}
    if len(texts) != len(family.vectors):
        raise ValueError(f"two vectors of {family.name} have one name")
    for path in directory.glob("*.json"):
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        (directory / name).write_text(text)


def main(target: Path) -> None:
    for family in FAMILIES:
        write(family, target / family.name)
        refused = sum(vector.case.expect != "ok" for vector in family.vectors)
        print(f"{family.name}: {len(family.vectors)} vectors, {refused} of them refused")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent / "vectors")
