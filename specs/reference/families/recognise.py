"""The folder `recognise`: which envelopes a receiver takes, live and from stores, and what it keeps.

What a control map then does is in the folders `control` and `renewal`.
"""

from dataclasses import dataclass, field

from kit.cbor import encode
from kit.envelope import HOUR, NOON
from kit.network import CHEAP
from kit.session import CONTROL, RING, Receiver, Stream, alert, notice, wheel_at
from kit.vectors import Case, Draw, Family, Fields

family = Family("recognise")
TODAY = HOUR // 24
DAWN = (TODAY + 1) * 24
"""The first hour of tomorrow."""


def moment(hour: int, minute: int = 30) -> int:
    return hour * 3600 + minute * 60


def live(now: int, *epochs: int) -> Case:
    return Case(operation="live-epochs", now=now, input={}, output={"epochs": list(epochs)})


@family.vector("TOC-4 §2.2", "In the morning one epoch is live.")
def live_epochs_at_eight(_draw: Draw) -> Case:
    return live(NOON, TODAY)


@family.vector("TOC-4 §2.2", "In a day's last hour the next one is live: a sender's clock may be ahead.")
def live_epochs_before_midnight(_draw: Draw) -> Case:
    return live(moment(DAWN - 1, 0), TODAY, TODAY + 1)


@family.vector("TOC-4 §2.2", "In a day's first hour the last one is live still.")
def live_epochs_after_midnight(_draw: Draw) -> Case:
    return live(moment(DAWN, 59), TODAY, TODAY + 1)


@family.vector("TOC-4 §2.2", "An hour after midnight the last day is over.")
def live_epochs_at_one(_draw: Draw) -> Case:
    return live(moment(DAWN + 1, 0), TODAY + 1)


@dataclass
class Story:
    """Streams, and the envelopes that come; `knows` says by which stream and index each is to be found."""

    draw: Draw
    receivers: list[Receiver]
    limits: dict[int, int | None] = field(default_factory=lambda: {RING: None, CONTROL: 64})
    now: int = NOON
    arrivals: list[Fields] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)
    above_grant: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.before = [receiver.told() for receiver in self.receivers]

    def comes(
        self,
        index: int,
        outcome: str = "ok",
        *,
        of: int = 0,
        payload: bytes | None = None,
        hour: int = HOUR,
        forged: bool = False,
        stream: Stream | None = None,
    ) -> "Story":
        """An envelope of stream number `of`; `stream` is one that the receiver does not have."""
        receiver = self.receivers[of]
        number = len(self.arrivals)
        content = payload or (alert("hello") if receiver.stream.q == RING else notice({0: 2, 1: 0}))
        key = self.draw("forged", 32) if forged else None
        sender = stream or receiver.stream
        if (outcome in {"hour", "tag"}) is self.finds(receiver, index, hour, foreign=stream is not None):
            raise ValueError(f"arrival {number} is no {outcome}")
        envelope = sender.envelope(index, self.draw(f"nonce {number}", 24), content, hour=hour, key=key)
        self.arrivals.append({"now": self.now, "envelope": envelope})
        self.outcomes.append(outcome)
        if outcome in {"ok", "payload", "cbor"}:
            receiver.consume(index)
            limit = self.limits[receiver.stream.q]
            if limit is not None and receiver.opened > limit:
                receiver.window = False
                self.above_grant.append(number)
        return self

    def finds(self, receiver: Receiver, index: int, hour: int, *, foreign: bool) -> bool:
        in_time = abs(hour - self.now // 3600) <= 1 and hour // 24 == receiver.stream.epoch
        return in_time and not foreign and receiver.knows(index)

    def told(self) -> Case:
        given = {
            "streams": self.before,
            "limits": {str(q): limit for q, limit in self.limits.items()},
            "arrivals": self.arrivals,
        }
        output = {
            "outcomes": self.outcomes,
            "above_grant": self.above_grant,
            "streams": [receiver.told() for receiver in self.receivers],
        }
        expect = self.outcomes[-1]
        return Case(operation="recognise", network=CHEAP, input=given, expect=expect, output=output)


def story(draw: Draw, *, q: int = RING, epoch: int = TODAY) -> Story:
    stream = Stream(wheel=draw("wheel", 32), epoch=epoch, q=q)
    return Story(draw=draw, receivers=[Receiver(stream=stream)])


@family.vector("TOC-4 §2.1", "Three in another order: what was passed is kept until it comes.")
def another_order(draw: Draw) -> Case:
    return story(draw).comes(2).comes(0).comes(1).told()


@family.vector("TOC-4 §2.1", "Fifteen are lost: the sixteenth is the window's last.")
def loss_of_fifteen(draw: Draw) -> Case:
    return story(draw).comes(15).told()


@family.vector("TOC-4 §2.1", "Sixteen are lost: the stream is out of step until midnight.")
def loss_of_sixteen(draw: Draw) -> Case:
    return story(draw).comes(0).comes(17, "tag").told()


@family.vector("TOC-4 §2.1", "A window moves with what opened: the one that was too far is known afterwards.")
def window_moves(draw: Draw) -> Case:
    return story(draw).comes(20, "tag").comes(5).comes(20).told()


@family.vector("TOC-4 §2.1", "The window of q = 0x80 has four: three are lost.")
def loss_of_three_controls(draw: Draw) -> Case:
    return story(draw, q=CONTROL).comes(3).told()


@family.vector("TOC-4 §2.1", "Four of q = 0x80 are lost.")
def loss_of_four_controls(draw: Draw) -> Case:
    return story(draw, q=CONTROL).comes(0).comes(5, "tag").told()


@family.vector("TOC-4 §2.4", "An index comes twice; the second time its key is gone.")
def replay(draw: Draw) -> Case:
    return story(draw).comes(3).comes(3, "tag").told()


@family.vector("TOC-4 §2.4", "A skipped index comes twice.")
def replay_of_a_skipped_one(draw: Draw) -> Case:
    return story(draw).comes(3).comes(1).comes(1, "tag").told()


@family.vector("TOC-4 §2.4", "A forged body under a skipped tag; the true one then opens all the same.")
def front_running_a_skipped_one(draw: Draw) -> Case:
    return story(draw).comes(3).comes(1, "aead", forged=True).comes(1).told()


@family.vector("TOC-4 §2.4", "A forged body under a tag of the window does not move it.")
def front_running_does_not_advance(draw: Draw) -> Case:
    return story(draw).comes(15, "aead", forged=True).told()


def skipper(draw: Draw) -> Story:
    """A contact that uses every sixteenth index: 75 are skipped, of which the newest 64 stay."""
    told = story(draw)
    for index in (15, 31, 47, 63, 79):
        told.comes(index)
    return told


@family.vector("TOC-4 §2.3", "Of 75 skipped ones 64 are kept; the oldest of these opens.")
def skipped_cap_keeps(draw: Draw) -> Case:
    return skipper(draw).comes(11).told()


@family.vector("TOC-4 §2.3", "Of 75 skipped ones the oldest eleven are gone.")
def skipped_cap_drops(draw: Draw) -> Case:
    return skipper(draw).comes(10, "tag").told()


@family.vector("TOC-4 §2.3", "q = 0x80 keeps sixteen skipped ones: of eighteen two are gone.")
def skipped_cap_of_controls(draw: Draw) -> Case:
    told = story(draw, q=CONTROL)
    for index in (3, 7, 11, 15, 19, 23):
        told.comes(index)
    return told.comes(2).comes(1, "tag").told()


@family.vector("TOC-4 §2.4", "The right tag in an envelope that was born tomorrow: a miss, nothing is tried.")
def tag_in_another_epoch(draw: Draw) -> Case:
    told = story(draw)
    told.now = moment(DAWN - 1)
    return told.comes(0, "tag", hour=DAWN).told()


def midnight(draw: Draw, now: int) -> Story:
    """Today's stream with three messages gone by, and tomorrow's, looked ahead at."""
    wheel = draw("wheel", 32)
    today = Receiver(stream=Stream(wheel=wheel, epoch=TODAY), index=3, opened=3)
    tomorrow = Receiver(stream=Stream(wheel=wheel_at(wheel, TODAY, TODAY + 1), epoch=TODAY + 1))
    return Story(draw=draw, receivers=[today, tomorrow], now=now)


@family.vector("TOC-4 §2.2", "The receiver is 45 minutes slow: tomorrow's first envelope comes at 23:20.")
def receiver_slow_over_midnight(draw: Draw) -> Case:
    return midnight(draw, moment(DAWN - 1, 20)).comes(0, of=1, hour=DAWN).comes(3, hour=DAWN - 1).told()


@family.vector("TOC-4 §2.2", "The receiver is fast: yesterday's last envelope comes at 00:59.")
def receiver_fast_over_midnight(draw: Draw) -> Case:
    return midnight(draw, moment(DAWN, 59)).comes(0, of=1, hour=DAWN).comes(3, hour=DAWN - 1).told()


@family.vector("TOC-4 §2.2", "At 01:00 what was born at 23:59 is too old, however well it is known.")
def an_hour_after_midnight(draw: Draw) -> Case:
    return midnight(draw, moment(DAWN + 1, 0)).comes(3, "hour", hour=DAWN - 1).told()


@family.vector("TOC-4 §2.2", "At 22:59 what was born at midnight comes from the future.")
def an_hour_before_midnight(draw: Draw) -> Case:
    return midnight(draw, moment(DAWN - 2, 59)).comes(0, "hour", of=1, hour=DAWN).told()


@family.vector("TOC-4 §2.2", "The sender's clock is 61 minutes behind.")
def sender_sixty_one_minutes_slow(draw: Draw) -> Case:
    told = story(draw, epoch=TODAY + 1)
    told.now = moment(DAWN + 6, 0)
    return told.comes(0, "hour", hour=DAWN + 4).told()


@family.vector("TOC-4 §2.2", "The sender's clock is 59 minutes ahead.")
def sender_fifty_nine_minutes_fast(draw: Draw) -> Case:
    return story(draw).comes(0, hour=HOUR + 1).told()


@family.vector("TOC-4 §1.2", "The same index of another generation: its keys have nothing in common.")
def another_generation(draw: Draw) -> Case:
    other = Stream(wheel=draw("next wheel", 32), epoch=TODAY, generation=1)
    return story(draw).comes(0, "tag", stream=other).told()


@family.vector("TOC-4 §2.1", "Two generations are recognised at once while a renewal is under way.")
def two_generations(draw: Draw) -> Case:
    told = story(draw)
    after = Receiver(stream=Stream(wheel=draw("next wheel", 32), epoch=TODAY, generation=1))
    told = Story(draw=draw, receivers=[told.receivers[0], after])
    return told.comes(0).comes(0, of=1).comes(1).told()


@family.vector(
    "TOC-4 §1.2", "What we send ourselves comes back: the other direction's wheel is not ours to hear."
)
def our_own_direction(draw: Draw) -> Case:
    ours = Stream(wheel=draw("our wheel", 32), epoch=TODAY)
    return story(draw).comes(0, "tag", stream=ours).told()


def near_the_end(draw: Draw) -> Story:
    anchored = Stream(wheel=b"", epoch=TODAY, anchor=(65_535, draw("chain", 32)))
    return Story(draw=draw, receivers=[Receiver(stream=anchored, index=65_535, opened=65_535)])


@family.vector("TOC-4 §1.3", "A chain ends: 65,535 is the last index, and its window has one entry.")
def last_index(draw: Draw) -> Case:
    return near_the_end(draw).comes(65_535).told()


@family.vector("TOC-4 §1.3", "Index 65,536, from a sender that went on.")
def index_past_the_end(draw: Draw) -> Case:
    return near_the_end(draw).comes(65_536, "tag").told()


@family.vector("TOC-4 §2.5", "A grant of two a day: the third opens, is above it, and stops the window.")
def grant_used_up(draw: Draw) -> Case:
    told = story(draw)
    told.limits[RING] = 2
    return told.comes(0).comes(1).comes(2).comes(3, "tag").told()


@family.vector("TOC-4 §2.5", "After the window stopped, what had been skipped before still opens.")
def grant_used_up_with_skipped(draw: Draw) -> Case:
    told = story(draw)
    told.limits[RING] = 1
    return told.comes(1).comes(2).comes(0).comes(3, "tag").told()


@family.vector(
    "TOC-4 §1.4", "An alert on q = 0x80 would escape the grant: its tag is used up, and nothing shown."
)
def alert_among_controls(draw: Draw) -> Case:
    return story(draw, q=CONTROL).comes(0, "payload", payload=alert("psst")).told()


@family.vector("TOC-4 §1.4", "A control map on q = 0 would make a follower of tags ring.")
def control_that_rings(draw: Draw) -> Case:
    return story(draw).comes(0, "payload", payload=notice({0: 2, 1: 0})).told()


@family.vector("TOC-4 §2.4", "A payload that is no CBOR has used up its tag all the same.")
def malformed_is_consumed(draw: Draw) -> Case:
    told = story(draw).comes(0, "cbor", payload=encode({0: 0})[:-1])
    return told.comes(0, "tag").told()


@family.vector("TOC-4 §2.4", "A kind of a later version belongs to either stream, and rings on none.")
def unknown_kind(draw: Draw) -> Case:
    return story(draw).comes(0, "ok", payload=encode({0: 99})).told()
