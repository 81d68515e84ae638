"""The folder `catchup`: one epoch read from stores, and the order in which its envelopes are found.

How buckets are fetched is not its matter.
"""

from dataclasses import dataclass, field

from kit.envelope import HOUR, NOON
from kit.network import CHEAP
from kit.session import CONTROL, RING, Receiver, Stream, alert, notice
from kit.vectors import Case, Draw, Family, Fields

family = Family("catchup")
TODAY = HOUR // 24
MORNING = TODAY * 24


@dataclass
class Buckets:
    """Envelopes in the order in which stores tell them; `found` is the order in which they open."""

    draw: Draw
    receivers: list[Receiver]
    limits: dict[int, int | None] = field(default_factory=lambda: {RING: None, CONTROL: 64})
    buckets: list[Fields] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)
    places: dict[tuple[int, int], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.before = [receiver.told() for receiver in self.receivers]

    def add(
        self, hour: int, index: int, outcome: str = "ok", *, of: int = 0, forged: bool = False
    ) -> "Buckets":
        if not self.buckets or self.buckets[-1]["hour"] != hour:
            self.buckets.append({"hour": hour, "envelopes": []})
        position, stream = len(self.outcomes), self.receivers[of].stream
        content = alert("hello") if stream.q == RING else notice({0: 2, 1: 0})
        nonce, key = self.draw(f"nonce {position}", 24), self.draw("forged", 32) if forged else None
        self.buckets[-1]["envelopes"].append(stream.envelope(index, nonce, content, hour=hour, key=key))
        self.outcomes.append(outcome)
        if outcome == "ok":
            self.places[of, index] = position
        return self

    def told(self) -> Case:
        """The state at the end follows from what is said to open, in the order that the document says."""
        found: list[int] = []
        above: list[int] = []
        for of in sorted(range(len(self.receivers)), key=lambda of: self.receivers[of].stream.q != CONTROL):
            receiver = self.receivers[of]
            for index in sorted(index for owner, index in self.places if owner == of):
                if not receiver.knows(index):
                    raise ValueError(f"index {index} is not found")
                receiver.consume(index)
                found.append(self.places[of, index])
                limit = self.limits[receiver.stream.q]
                if limit is not None and receiver.opened > limit:
                    receiver.window = False
                    above.append(self.places[of, index])
        given = {
            "epoch": TODAY,
            "streams": self.before,
            "limits": {str(q): limit for q, limit in self.limits.items()},
            "buckets": self.buckets,
        }
        output = {
            "outcomes": self.outcomes,
            "found": found,
            "above_grant": above,
            "streams": [receiver.told() for receiver in self.receivers],
        }
        expect = next((outcome for outcome in self.outcomes if outcome != "ok"), "ok")
        return Case(operation="catch-up", network=CHEAP, now=NOON, input=given, expect=expect, output=output)


def buckets(draw: Draw, *qs: int) -> Buckets:
    streams = [Stream(wheel=draw("wheel", 32), epoch=TODAY, q=q) for q in qs or (RING,)]
    return Buckets(draw=draw, receivers=[Receiver(stream=stream) for stream in streams])


@family.vector("TOC-4 §2.6", "Published backwards: each tag is derived once, and they open in their order.")
def published_backwards(draw: Draw) -> Case:
    told = buckets(draw)
    for number in range(20):
        told.add(MORNING + number // 3, 19 - number)
    return told.told()


@family.vector("TOC-4 §2.6", "q = 0x80 first, for it may bring the keys of a new generation.")
def controls_first(draw: Draw) -> Case:
    told = buckets(draw, RING, CONTROL)
    return told.add(MORNING, 0).add(MORNING, 1).add(MORNING + 1, 0, of=1).add(MORNING + 2, 1, of=1).told()


@family.vector("TOC-4 §2.6", "Fifteen are missing in the stores; what follows them is found.")
def gap_of_fifteen(draw: Draw) -> Case:
    return buckets(draw).add(MORNING, 0).add(MORNING, 16).add(MORNING + 1, 32).told()


@family.vector("TOC-4 §2.6", "Sixteen are missing in the stores, and with them all that follows.")
def gap_of_sixteen(draw: Draw) -> Case:
    return buckets(draw).add(MORNING, 0).add(MORNING, 17, "tag").add(MORNING, 18, "tag").told()


@family.vector("TOC-4 §2.6", "What was skipped while live is looked for first.")
def skipped_while_live(draw: Draw) -> Case:
    told = buckets(draw)
    told.receivers[0] = Receiver(stream=told.receivers[0].stream, index=9, skipped=[2, 5], opened=7)
    told.__post_init__()
    return told.add(MORNING, 9).add(MORNING + 3, 5).add(MORNING + 4, 2).told()


@family.vector("TOC-4 §2.6", "What was opened while live is not found again.")
def opened_while_live(draw: Draw) -> Case:
    told = buckets(draw)
    told.receivers[0] = Receiver(stream=told.receivers[0].stream, index=9, skipped=[2, 5], opened=7)
    told.__post_init__()
    return told.add(MORNING, 3, "tag").add(MORNING + 1, 9).told()


@family.vector("TOC-4 §2.6", "A forged body under the tag: all envelopes of a tag are tried until one opens.")
def forged_before_the_true_one(draw: Draw) -> Case:
    return buckets(draw).add(MORNING, 0, "aead", forged=True).add(MORNING + 1, 0).told()


@family.vector("TOC-4 §2.6", "A forged body after the true one is not even tried.")
def forged_after_the_true_one(draw: Draw) -> Case:
    return buckets(draw).add(MORNING, 0).add(MORNING + 1, 0, "tag", forged=True).told()


@family.vector("TOC-4 §2.6", "A bucket of the hour after the next is not loaded: nobody can have filled it.")
def bucket_from_the_future(draw: Draw) -> Case:
    return buckets(draw).add(HOUR + 1, 0).add(HOUR + 2, 1, "hour").told()


@family.vector("TOC-4 §2.6", "A grant of two: the third is above it, and the window is looked at no further.")
def grant_used_up(draw: Draw) -> Case:
    told = buckets(draw)
    told.limits[RING] = 2
    for index in range(3):
        told.add(MORNING, index)
    return told.add(MORNING, 3, "tag").add(MORNING, 4, "tag").told()


@family.vector("TOC-4 §2.6", "Four controls are missing; the ringing stream is not touched by that.")
def gap_in_controls(draw: Draw) -> Case:
    return buckets(draw, CONTROL, RING).add(MORNING, 4, "tag").add(MORNING, 0, of=1).told()
