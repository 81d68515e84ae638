"""The folder `arrivals`: a table of tags, and what becomes of envelopes that arrive one after the other.

Where tags and keys come from is a matter of the folder `recognise`.
"""

from dataclasses import replace

from families.envelope import SHARD, sealed
from kit.envelope import BCAST_72H, HOUR, stamp
from kit.network import CHEAP
from kit.vectors import Case, Draw, Family, Fields

family = Family("arrivals")


def arrive(
    draw: Draw, envelopes: list[bytes], outcomes: list[str], last: str, *, first_key: str = "key"
) -> Case:
    """An entry waits for the tag of `draw`, behind it a second; `outcomes` are one word for each envelope."""
    keys = [first_key] if first_key == "key" else [first_key, "key"]
    entries: list[Fields] = [
        {"tag": draw("tag", 16), "epoch": HOUR // 24, "key": draw(key, 32)} for key in keys
    ]
    given = {"entries": entries, "envelopes": [stamp(CHEAP, SHARD, envelope) for envelope in envelopes]}
    return Case(operation="arrivals", network=CHEAP, input=given, expect=last, output={"outcomes": outcomes})


@family.vector(
    "TOC-3 §3.3", "Front-running: a forged body under the tag first, then the envelope that was copied."
)
def front_running(draw: Draw) -> Case:
    true = sealed(draw, b"the real one")
    forged = replace(true, body=draw("forged body", 469))
    return arrive(draw, [forged.all, true.all], ["aead", "ok"], "ok")


@family.vector("TOC-3 §3.3", "Replay: the same envelope twice.")
def replay(draw: Draw) -> Case:
    true = sealed(draw, b"once").all
    return arrive(draw, [true, true], ["ok", "tag"], "tag")


@family.vector("TOC-3 §3.3", "Replay with a new stamp, and so with a new message id: the tag is used up.")
def replay_with_another_stamp(draw: Draw) -> Case:
    true = sealed(draw, b"once").all
    case = arrive(draw, [true, true], ["ok", "tag"], "tag")
    first = int.from_bytes(case.input["envelopes"][0][-8:], "big")
    case.input["envelopes"][1] = stamp(CHEAP, SHARD, true, after=first)
    return case


@family.vector("TOC-3 §3.3", "The tag in an envelope born on the next day: a miss, and nothing is tried.")
def tag_of_another_day(draw: Draw) -> Case:
    later = sealed(draw, b"hello", hour=HOUR + 24 - HOUR % 24)
    return arrive(draw, [later.all], ["tag"], "tag")


@family.vector("TOC-3 §3.3", "The tag in an envelope of class BCAST: a miss, and nothing is tried.")
def tag_of_another_class(draw: Draw) -> Case:
    return arrive(draw, [sealed(draw, b"hello", kind=BCAST_72H).all], ["tag"], "tag")


@family.vector("TOC-3 §3.3", "A tag that nobody waits for.")
def tag_of_nobody(draw: Draw) -> Case:
    return arrive(draw, [replace(sealed(draw, b"hello"), tag=draw("other tag", 16)).all], ["tag"], "tag")


@family.vector("TOC-3 §3.3", "A body whose seal opens and whose padding is none uses up nothing either.")
def entry_kept_after_bad_padding(draw: Draw) -> Case:
    padless = sealed(draw, b"", padded=bytes(429))
    return arrive(draw, [padless.all, sealed(draw, b"the real one").all], ["padding", "ok"], "ok")


@family.vector("TOC-3 §3.3", "What does not parse has the tag in its place, and uses up nothing.")
def entry_kept_after_another_kind(draw: Draw) -> Case:
    true = sealed(draw, b"the real one")
    return arrive(draw, [replace(true, kind=15).all, true.all], ["kind", "ok"], "ok")


@family.vector("TOC-3 §3.3", "A second entry for a tag is not added: the first one's key decides.")
def second_entry_for_one_tag(draw: Draw) -> Case:
    return arrive(draw, [sealed(draw, b"hello").all], ["aead"], "aead", first_key="another key")
