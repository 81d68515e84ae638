"""Two people under loss, reorder, replay, crashes, old snapshots, clocks that jump, renewals that cross.

Whatever happened: nothing opens twice, no index is used twice but by a node that was rolled back, what was
read cannot be derived, and what stores have is found; after a quiet night both are heard again.
"""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.protocol.models import plays
from tests.protocol.people import (
    BELIEVED,
    CONFIRMED_CLOCK,
    DAY_MS,
    HIGH,
    LOW,
    MINUTE_MS,
    NO_EVIDENCE,
    NOON,
    Letter,
    Snapshot,
    exchange,
    introduced,
    later,
)
from tests.protocol.stores import catch_up_with, reachable
from tests.protocol.thieves import deleted, dump
from tocsin_protocol.effects import Side
from tocsin_protocol.evidence import Evidence
from tocsin_protocol.identity import Identity
from tocsin_protocol.limits import HOUR_DRIFT_MAX, HOUR_MS, RENEWAL_MS
from tocsin_protocol.session import EpochLoaded
from tocsin_protocol.types import Epoch, MessageKey, Now
from tocsin_protocol.wheel import Q, Roots

WHO = st.sampled_from([0, 1])
SLIGHT_MS = 45 * MINUTE_MS
"""A clock no further off than this still reads and is read all day."""
JUMPS_MS = [
    0,
    0,
    SLIGHT_MS,
    -SLIGHT_MS,
    3 * HOUR_MS,
    -3 * HOUR_MS,
    26 * HOUR_MS,
    -2 * DAY_MS,
    30 * DAY_MS,
    -30 * DAY_MS,
]
STORED_DAYS = 5
"""Well within the week that stores and receiving keys last, even by a clock that is a day ahead."""
SNAPSHOTS_MAX = 3


class TwoPeople(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.people = introduced()
        self.now: Now = NOON
        self.on_the_way: list[tuple[int, Letter]] = []
        self.stored: list[tuple[int, Letter]] = []
        self.sent: set[MessageKey] = set()
        self.snapshots: tuple[list[Snapshot], list[Snapshot]] = ([], [])
        self.was_rolled_back = [False, False]
        self.was_far_off = False
        self.is_parted = False

    @initialize(began=st.sampled_from([LOW, HIGH]))
    def introduce(self, began: Identity) -> None:
        self.people = introduced(began=began)

    # What people and nodes do

    @rule(who=WHO, q=st.sampled_from(Q), count=st.sampled_from([1, 1, 1, 3, 16]))
    def send(self, who: int, q: Q, count: int) -> None:
        for _ in range(count):
            letter = self.people[who].send(self.now, q)
            if letter is not None:
                self.post(who, letter)

    def post(self, who: int, letter: Letter) -> None:
        """Relays and stores take what is of this hour, or of one beside it."""
        assert letter.key not in self.sent or self.was_rolled_back[who]
        self.sent.add(letter.key)
        self.on_the_way.append((who, letter))
        if abs(letter.born_hour - self.now.hour) <= HOUR_DRIFT_MAX:
            self.stored.append((who, letter))

    @rule(minutes=st.sampled_from([1, 11, 60, 12 * 60, 24 * 60, 72 * 60, 7 * 24 * 60]))
    def pass_time(self, minutes: int) -> None:
        self.now = later(self.now, minutes * MINUTE_MS)
        for who, person in enumerate(self.people):
            for letter in person.leave(self.now):
                self.post(who, letter)

    @rule(who=WHO, evidence=st.sampled_from([NO_EVIDENCE, BELIEVED, CONFIRMED_CLOCK]))
    def tick(self, who: int, evidence: Evidence) -> None:
        """Nobody confirms a clock that is wrong by days."""
        person = self.people[who]
        wrong = abs(person.skew_ms) > DAY_MS
        person.tick(self.now, BELIEVED if wrong and evidence.confirmed else evidence)

    # What the network does

    @rule(pick=st.integers(0, 1_000), keep=st.booleans(), witnessed=st.booleans())
    def deliver(self, pick: int, keep: bool, witnessed: bool) -> None:
        """Any letter on its way; when it is kept it comes again later."""
        if self.on_the_way:
            place = pick % len(self.on_the_way)
            who, letter = self.on_the_way[place] if keep else self.on_the_way.pop(place)
            self.people[1 - who].receive(letter, self.now, witnessed=witnessed)

    @rule(backwards=st.booleans())
    def deliver_all(self, backwards: bool) -> None:
        for who, letter in reversed(self.on_the_way) if backwards else self.on_the_way:
            self.people[1 - who].receive(letter, self.now)
        self.on_the_way.clear()

    @rule()
    def lose_all(self) -> None:
        self.on_the_way.clear()

    @rule()
    def replay_all(self) -> None:
        """Everything that is still of this hour, to both: their own letters too."""
        for _, letter in self.stored:
            for person in self.people:
                person.receive(letter, self.now)

    @rule(who=WHO, close=st.booleans())
    def read_stores(self, who: int, close: bool) -> None:
        self.catch_up(who, close=close)

    def catch_up(self, who: int, *, close: bool) -> None:
        """The days that stores still have; then, if told to, the keys of those that are over go."""
        person = self.people[who]
        for days in range(STORED_DAYS, -1, -1):
            epoch = Epoch(self.now.epoch - days)
            letters = [letter for sender, letter in self.stored if (sender, letter.epoch) == (1 - who, epoch)]
            catch_up_with(person, letters, epoch=epoch, now=person.clock(self.now))
            if close and days and abs(person.skew_ms) <= SLIGHT_MS and self.now.unix_ms % DAY_MS > SLIGHT_MS:
                person.handle(EpochLoaded(epoch=epoch), self.now)
        if abs(person.skew_ms) <= SLIGHT_MS and not self.is_parted:
            self.check_that_all_was_found(who)

    def check_that_all_was_found(self, who: int) -> None:
        person = self.people[who]
        oldest = self.now.epoch - STORED_DAYS
        letters = [letter for sender, letter in self.stored if sender == 1 - who and letter.epoch >= oldest]
        opened = {letter.key for letter in person.opened}
        assert reachable(letters) <= opened

    # What machines do

    @rule(who=WHO)
    def crash(self, who: int) -> None:
        self.people[who].crash()

    @rule(who=WHO)
    def copy_the_disk(self, who: int) -> None:
        self.snapshots[who].append(self.people[who].snapshot())
        del self.snapshots[who][:-SNAPSHOTS_MAX]

    @precondition(lambda self: any(self.snapshots))
    @rule(who=WHO, pick=st.integers(0, SNAPSHOTS_MAX - 1))
    def roll_back(self, who: int, pick: int) -> None:
        """Behind a renewal nobody comes back by himself: its secrets are gone at the other side."""
        if not self.snapshots[who]:
            return
        snapshot = self.snapshots[who][pick % len(self.snapshots[who])]
        self.is_parted |= snapshot.records.roots != self.people[who].records.roots
        self.was_rolled_back[who] = True
        self.people[who].roll_back(snapshot)

    @rule(who=WHO, skew_ms=st.sampled_from(JUMPS_MS))
    def jump(self, who: int, skew_ms: int) -> None:
        self.people[who].skew_ms = skew_ms
        self.was_far_off |= abs(skew_ms) > SLIGHT_MS

    @rule(who=WHO)
    def steal(self, who: int) -> None:
        """What was read, or sent, cannot be derived; in a disk that was rolled back it is again."""
        person, other = self.people[who], self.people[1 - who]
        if not any(self.was_rolled_back):
            keys = dump(person)
            assert not keys & deleted(person, Side.RECEIVING, person.opened)
            assert not keys & deleted(person, Side.SENDING, other.opened)

    # What always holds

    @invariant()
    def nothing_opened_twice(self) -> None:
        """A node that was rolled back has forgotten what it opened since."""
        for person in self.people:
            keys = [letter.key for letter in person.opened]
            assert len(keys) == len(set(keys))

    @invariant()
    def nobody_opened_what_the_other_did_not_send(self) -> None:
        for who, person in enumerate(self.people):
            direction = {letter.key for sender, letter in self.stored if sender == who}
            assert not direction & {letter.key for letter in person.opened}

    @invariant()
    def what_one_sends_under_the_other_can_look_for(self) -> None:
        if self.is_parted:
            return
        for sender, receiver in (self.people, self.people[::-1]):
            number = sender.session.pair.sending_generation(sender.clock(self.now))
            assert number is None or number in receiver.session.pair.generations

    def teardown(self) -> None:
        if self.is_parted:
            self.introduce_again()
        low, high = self.people
        low.skew_ms = high.skew_ms = 0
        self.quiet_nights(1 if not (self.was_far_off or any(self.was_rolled_back)) else 3)
        self.now = later(self.now, RENEWAL_MS)
        for _ in range(7):
            self.sleep(CONFIRMED_CLOCK)
            self.talk()
            self.now = exchange(later(self.now, 12 * HOUR_MS), low, high, minutes=40)
        self.talk()
        assert low.number == high.number >= 1
        assert low.session.pair.roots == high.session.pair.roots
        for who in (0, 1):
            self.catch_up(who, close=True)

    def introduce_again(self) -> None:
        """As the two nodes would after the persons saw that nothing comes."""
        roots = Roots(generation=0, key=b"\x03" * 32, wheel_key=b"\x04" * 32)
        self.people = introduced(self.now, roots=roots)
        self.stored.clear()
        self.is_parted = False

    def quiet_nights(self, count: int) -> None:
        """After a midnight; a clock that was a day ahead, or a disk that is, has days to wait for."""
        for _ in range(count):
            self.now = later(self.now, DAY_MS)
            self.sleep(CONFIRMED_CLOCK)
        for _ in range(3):
            self.talk()
            self.now = later(self.now, DAY_MS)
            self.sleep(CONFIRMED_CLOCK)

    def sleep(self, evidence: Evidence) -> None:
        """Time passes for both, and what they seal meanwhile is lost."""
        for person in self.people:
            person.tick(self.now, evidence)
            person.leave(self.now)

    def talk(self) -> None:
        """Each hears the other at the first try; who has only answered waits for a proof."""
        for who, (sender, receiver) in enumerate((self.people, self.people[::-1])):
            if sender.session.pair.sending_generation(self.now) is not None:
                letter = sender.must_send(self.now)
                self.post(who, letter)
                assert receiver.receive(letter, self.now) is not None


TwoPeople.TestCase.settings = plays(examples=50, steps=40)
TestTwoPeople = TwoPeople.TestCase
