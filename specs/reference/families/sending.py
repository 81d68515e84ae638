"""The folder `sending`: which index comes next, what is stored before it is used, which clock is believed.

What is sealed under an index is in the folder `envelope`.
"""

from kit.envelope import HOUR, NOON
from kit.session import CONTROL, RING, Stream
from kit.vectors import Case, Draw, Family, Fields

family = Family("sending")
TODAY = HOUR // 24
DAWN = (TODAY + 1) * 24


def sends(draw: Draw, *events: str, q: int = RING, one_shot: bool = False, start: int = 0) -> Case:
    """From a stored `next` of `start`; `crash` forgets what was not stored, `stop` ends in order."""
    anchor = (start, draw("chain", 32))
    stream = Stream(wheel=b"", epoch=TODAY, q=q, anchor=anchor)
    block = 8 if q == RING and not one_shot else 1
    following = stored = start
    taken: list[Fields] = []
    stored_after: list[int] = []
    for event in events:
        if event == "crash":
            following = stored
        elif event == "stop":
            stored = following
        elif following <= 65_535:
            if following >= stored:
                stored = min(following + block, 65_536)
            message = stream.message(following)
            taken.append({"index": following, "key": message.key, "tag": message.tag, "nid": message.nid})
            following += 1
        stored_after.append(stored)
    given = {
        "epoch": TODAY,
        "q": q,
        "index": start,
        "chain": anchor[1],
        "one_shot": one_shot,
        "events": list(events),
    }
    output = {"taken": taken, "stored": stored_after, "chain": stream.chain(stored)}
    expect = "ok" if len(taken) == events.count("take") else "tag"
    return Case(operation="send", now=NOON, input=given, expect=expect, output=output)


@family.vector("TOC-4 §3.1", "`next` is raised by eight before the first of a block is used, and not again.")
def block_of_eight(draw: Draw) -> Case:
    return sends(draw, *["take"] * 9)


@family.vector(
    "TOC-4 §3.1", "After a crash the stored `next` goes on: what it skipped is lost, none repeats."
)
def crash_within_a_block(draw: Draw) -> Case:
    return sends(draw, "take", "take", "crash", "take")


@family.vector("TOC-4 §3.1", "A sender that stops in order wastes nothing.")
def stop_within_a_block(draw: Draw) -> Case:
    return sends(draw, "take", "take", "stop", "crash", "take")


@family.vector("TOC-4 §3.1", "To start raises nothing: a node that restarts often would leave its window.")
def starts_without_sending(draw: Draw) -> Case:
    return sends(draw, "crash", "crash", "crash", "take")


@family.vector("TOC-4 §3.1", "Four lost indices desynchronise q = 0x80, so its blocks have one.")
def controls_one_by_one(draw: Draw) -> Case:
    return sends(draw, "take", "crash", "take", q=CONTROL)


@family.vector("TOC-4 §3.1", "A program that sends one message and ends takes one index.")
def one_shot(draw: Draw) -> Case:
    return sends(draw, "take", "crash", "take", "crash", "take", one_shot=True)


@family.vector("TOC-4 §3.1", "The last index of an epoch; the block ends there.")
def last_index(draw: Draw) -> Case:
    return sends(draw, "take", start=65_535)


@family.vector("TOC-4 §3.1", "No index is left in this epoch.")
def no_index_left(draw: Draw) -> Case:
    return sends(draw, "take", "take", start=65_535)


def turns(
    expect: str,
    now: int,
    *,
    uptime_s: int = 0,
    confirmed: bool = False,
    stores: int = 0,
    store_hours: list[int] | None = None,
) -> Case:
    """Today is the last committed epoch."""
    given = {
        "committed": TODAY,
        "uptime_s": uptime_s,
        "confirmed": confirmed,
        "stores": stores,
        "store_hours": store_hours or [],
    }
    output = {"epoch": now // 3600 // 24} if expect == "ok" else {}
    return Case(operation="may-turn", now=now, input=given, expect=expect, output=output)


def moment(hour: int, minute: int = 30) -> int:
    return hour * 3600 + minute * 60


@family.vector("TOC-4 §4.1", "The next epoch, after an hour of this run.")
def turn_after_an_hour(_draw: Draw) -> Case:
    return turns("ok", moment(DAWN), uptime_s=3600)


@family.vector("TOC-4 §4.1", "A second less than an hour: the clock may just have been set wrongly.")
def turn_too_early(_draw: Draw) -> Case:
    return turns("hour", moment(DAWN), uptime_s=3599)


@family.vector("TOC-4 §4.1", "Two epochs at once, on the word of the clock alone, however long it runs.")
def turn_by_two(_draw: Draw) -> Case:
    return turns("hour", moment(DAWN + 24), uptime_s=360_000)


@family.vector("TOC-4 §4.1", "Thirty epochs, because the person confirmed the clock.")
def turn_confirmed_by_the_person(_draw: Draw) -> Case:
    return turns("ok", moment(DAWN + 29 * 24), confirmed=True)


@family.vector("TOC-4 §4.1", "Three of five stores agree with the clock within an hour.")
def turn_with_three_stores(_draw: Draw) -> Case:
    at = DAWN + 100
    return turns("ok", moment(at), stores=5, store_hours=[at - 1, at, at + 1, at - 2, at + 700])


@family.vector("TOC-4 §4.1", "Two of five stores agree with the clock.")
def turn_with_two_stores_of_five(_draw: Draw) -> Case:
    at = DAWN + 100
    return turns("hour", moment(at), uptime_s=3600, stores=5, store_hours=[at, at, at - 2, at + 2])


@family.vector("TOC-4 §4.1", "Three stores agree with each other; the clock is thirty days ahead of them.")
def turn_with_a_clock_ahead(_draw: Draw) -> Case:
    return turns("hour", moment(DAWN + 720), uptime_s=3600, stores=3, store_hours=[DAWN, DAWN, DAWN])


@family.vector("TOC-4 §4.1", "Both of two configured stores agree, after an hour of this run.")
def turn_with_both_of_two_stores(_draw: Draw) -> Case:
    at = DAWN + 48
    return turns("ok", moment(at), uptime_s=3600, stores=2, store_hours=[at, at])


@family.vector("TOC-4 §4.1", "Both of two configured stores agree, but this run is young.")
def turn_with_two_stores_too_early(_draw: Draw) -> Case:
    at = DAWN + 48
    return turns("hour", moment(at), uptime_s=600, stores=2, store_hours=[at, at])


@family.vector("TOC-4 §4.1", "Of two configured stores one answered.")
def turn_with_one_of_two_stores(_draw: Draw) -> Case:
    at = DAWN + 48
    return turns("hour", moment(at), uptime_s=3600, stores=2, store_hours=[at])


@family.vector(
    "TOC-4 §4.1", "The clock was set back a day: there is nothing to turn to, whoever confirms it."
)
def turn_backwards(_draw: Draw) -> Case:
    return turns("hour", moment(DAWN - 25), uptime_s=3600, confirmed=True)


def may_send(expect: str, now: int, epoch: int | None = None) -> Case:
    output = {"epoch": epoch} if epoch is not None else {}
    return Case(operation="may-send", now=now, input={"committed": TODAY}, expect=expect, output=output)


@family.vector("TOC-4 §4.3", "In the committed epoch.")
def send_today(_draw: Draw) -> Case:
    return may_send("ok", NOON, TODAY)


@family.vector("TOC-4 §4.3", "Midnight has passed and no turn was committed yet: one epoch ahead is enough.")
def send_after_midnight(_draw: Draw) -> Case:
    return may_send("ok", moment(DAWN, 0), TODAY + 1)


@family.vector("TOC-4 §4.3", "A clock two epochs ahead is not believed.")
def send_two_days_on(_draw: Draw) -> Case:
    return may_send("hour", moment(DAWN + 24, 0))


@family.vector("TOC-4 §4.3", "Set back over midnight after the turn: sealed under the committed epoch.")
def send_with_a_clock_set_back(_draw: Draw) -> Case:
    return may_send("ok", moment(TODAY * 24 - 1, 0), TODAY)


@family.vector("TOC-4 §4.3", "Set back by more: relays would not take the committed epoch's first hour.")
def send_with_a_clock_set_far_back(_draw: Draw) -> Case:
    return may_send("hour", moment(TODAY * 24 - 2, 59))
