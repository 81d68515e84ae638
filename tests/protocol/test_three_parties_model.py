"""Three people who know each other, on one gossip that loses, repeats, reorders, copies and forges.

Every envelope is offered to every node. Nothing opens for the wrong contact or twice, what was read cannot
be derived any more, who is blocked costs what a stranger costs, and what stores have is found.
"""

from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.protocol.models import plays
from tests.protocol.nodes import IDENTITIES, Node, Outcome, Sent, introduced_to_each_other, stamped
from tests.protocol.people import BELIEVED, CONFIRMED_CLOCK, DAY_MS, MINUTE_MS, NO_EVIDENCE, NOON, later
from tests.protocol.stores import reachable
from tests.protocol.thieves import deleted, dump
from tocsin_protocol.effects import Side
from tocsin_protocol.envelope import Envelope
from tocsin_protocol.evidence import Evidence
from tocsin_protocol.limits import HOUR_DRIFT_MAX, TAG_SIZE
from tocsin_protocol.types import Epoch, MessageKey, Now, Tag
from tocsin_protocol.wheel import Q, tag_of

WHO = st.integers(0, len(IDENTITIES) - 1)
STORED_DAYS = 5
NAMES = [key for each in IDENTITIES for key in (each.identity_key, each.contact_key)]
PIECE_SIZE = 8
"""Of a key that went out by mistake at least so many bytes would be there in a row."""


class ThreeNodes(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now: Now = NOON
        self.nodes, self.air = introduced_to_each_other(NOON)
        self.ever: list[Sent] = list(self.air)
        self.said: dict[str, tuple[int, int]] = {}
        self.count = 0

    def others(self, who: int) -> list[int]:
        return sorted(self.nodes[who].people)

    # What people and nodes do

    @rule(who=WHO, to=st.integers(0, 1), q=st.sampled_from(Q), count=st.sampled_from([1, 1, 3, 15]))
    def send(self, who: int, to: int, q: Q, count: int) -> None:
        contacts = self.others(who)
        for _ in range(count if contacts else 0):
            self.speak(who, contacts[to % len(contacts)], q)

    def speak(self, who: int, contact: int, q: Q = Q.RING) -> Sent | None:
        self.count += 1
        text = f"number {self.count}"
        sent = self.nodes[who].send(contact, q, text, self.now)
        if sent is not None:
            self.said[text] = (who, contact)
            self.post(sent)
        return sent

    def post(self, sent: Sent) -> None:
        self.air.append(sent)
        self.ever.append(sent)

    @rule(minutes=st.sampled_from([1, 11, 60, 12 * 60, 24 * 60, 72 * 60, 7 * 24 * 60]))
    def pass_time(self, minutes: int) -> None:
        self.now = later(self.now, minutes * MINUTE_MS)
        for node in self.nodes:
            for sent in node.leave(self.now):
                self.post(sent)

    @rule(who=WHO, evidence=st.sampled_from([NO_EVIDENCE, BELIEVED, CONFIRMED_CLOCK]))
    def tick(self, who: int, evidence: Evidence) -> None:
        for person in self.nodes[who].people.values():
            person.tick(self.now, evidence)

    @rule(who=WHO)
    def crash(self, who: int) -> None:
        self.nodes[who].crash()

    @rule(who=WHO, minutes=st.sampled_from([0, 45, -45]))
    def set_clock(self, who: int, minutes: int) -> None:
        self.nodes[who].set_clock(minutes * MINUTE_MS)

    @rule(who=WHO, whom=st.integers(0, 1), sure=st.integers(0, 9))
    def block(self, who: int, whom: int, sure: int) -> None:
        """Seldom, for what a pair does is worth more than that it is silent."""
        contacts = self.others(who)
        if contacts and not sure:
            self.nodes[who].block(contacts[whom % len(contacts)], self.now)
            self.steal(who)

    # What the network does

    def offer(self, sent: Sent) -> list[Outcome]:
        """To every node, its sender too; introductions were over before, so nothing is answered at once."""
        outcomes = []
        for node in self.nodes:
            before = node.table.statistics
            outcome, answers = node.receive(sent.data, self.now)
            assert not answers
            if outcome is Outcome.MISS:
                after = node.table.statistics
                assert (after.hits, after.strays) == (before.hits, before.strays)
            if sent.sender in node.blocked or node.number != sent.receiver:
                assert outcome in {Outcome.MISS, Outcome.NOT_RELAYED}
            outcomes.append(outcome)
        return outcomes

    @rule(pick=st.integers(0, 1_000), keep=st.booleans())
    def deliver(self, pick: int, keep: bool) -> None:
        if self.air:
            place = pick % len(self.air)
            self.offer(self.air[place] if keep else self.air.pop(place))

    @rule(backwards=st.booleans())
    def deliver_all(self, backwards: bool) -> None:
        for sent in reversed(self.air) if backwards else self.air:
            self.offer(sent)
        self.air.clear()

    @rule()
    def lose_all(self) -> None:
        self.air.clear()

    @rule(start=st.sampled_from([0, 1 << 32]))
    def replay_all(self, start: int) -> None:
        """Everything that was ever sent, as it was or under another stamp."""
        for sent in self.ever[-60:]:
            again = sent.stamped_again(start)
            self.offer(again)
            assert Outcome.OPENED not in self.offer(again)

    @rule(pick=st.integers(0, 1_000), at=st.integers(0, 400))
    def front_run(self, pick: int, at: int) -> None:
        """The tag of a real one over another body, paid for: nothing opens and nothing is used up."""
        if self.air:
            sent = self.air[pick % len(self.air)]
            body = sent.envelope.body
            changed = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
            forged = stamped(replace(sent.envelope, body=changed))
            assert Outcome.OPENED not in self.offer(replace(sent, data=forged))

    @rule(number=st.integers(0, 1_000))
    def knock_by_a_stranger(self, number: int) -> None:
        """What a stranger sends is a miss everywhere."""
        tag = Tag(number.to_bytes(TAG_SIZE, "little"))
        strange = replace(self.ever[0].envelope, born_hour=self.now.hour, tag=tag)
        for outcome in self.offer(Sent(data=stamped(strange), sender=-1, receiver=-1)):
            assert outcome in {Outcome.MISS, Outcome.NOT_RELAYED}

    # Stores, and thieves

    @rule(who=WHO)
    def read_stores(self, who: int) -> None:
        self.catch_up(self.nodes[who])

    def catch_up(self, node: Node) -> None:
        """Then everything has come that stores have, whatever gossip lost, but for windows of losses."""
        oldest = self.now.epoch - STORED_DAYS
        stored = [sent for sent in self.ever if sent.letter is not None and sent.letter.epoch >= oldest]
        for days in range(STORED_DAYS, -1, -1):
            epoch = Epoch(self.now.epoch - days)
            data = [each.data for each in stored if each.letter is not None and each.letter.epoch == epoch]
            node.catch_up(data, epoch, self.now)
        opened = {letter.key for person in node.people.values() for letter in person.opened}
        for contact in node.people:
            letters = [
                each.letter
                for each in stored
                if each.letter is not None and (each.sender, each.receiver) == (contact, node.number)
            ]
            assert reachable(letters) <= opened

    @rule(who=WHO)
    def steal(self, who: int) -> None:
        """Neither what was read here, nor what others have read that left from here, nor any tag of it."""
        node = self.nodes[who]
        kept = (*node.people.values(), *node.blocked.values())
        keys = {key for person in kept for key in dump(person)}
        read = set[MessageKey]()
        for contact, person in node.people.items():
            read |= deleted(person, Side.RECEIVING, person.opened)
            other = self.nodes[contact].people.get(who)
            read |= deleted(person, Side.SENDING, () if other is None else other.opened)
        assert not keys & read
        assert not {tag_of(key) for key in keys} & {tag_of(key) for key in read}
        ended = {each.letter.key for each in self.ever if each.letter and self.is_blocked(who, each)}
        assert not keys & ended
        assert not node.invites
        assert not node.pending

    def is_blocked(self, who: int, sent: Sent) -> bool:
        """Sent between this node and one that it blocked."""
        return {sent.sender, sent.receiver} - {who} <= self.nodes[who].blocked.keys() and who in {
            sent.sender,
            sent.receiver,
        }

    # What always holds

    @invariant()
    def everything_was_shown_to_the_right_person_once(self) -> None:
        for node in self.nodes:
            texts = [text for _, text in node.shown]
            assert len(texts) == len(set(texts))
            assert all(self.said[text] == (contact, node.number) for contact, text in node.shown)

    @invariant()
    def nothing_opened_twice(self) -> None:
        for node in self.nodes:
            keys = [letter.key for person in node.people.values() for letter in person.opened]
            assert len(keys) == len(set(keys))

    @invariant()
    def no_key_is_used_twice(self) -> None:
        keys: list[MessageKey] = [sent.letter.key for sent in self.ever if sent.letter is not None]
        assert len(keys) == len(set(keys))

    def teardown(self) -> None:
        for node in self.nodes:
            node.set_clock(0)
        for _ in range(2):
            self.now = later(self.now, DAY_MS)
            for node in self.nodes:
                for person in node.people.values():
                    person.tick(self.now, CONFIRMED_CLOCK)
                node.leave(self.now)
            self.talk()
        for node in self.nodes:
            self.catch_up(node)
            self.steal(node.number)
        for sent in self.ever:
            assert not any(piece_of(name, sent.data) for name in NAMES)

    def talk(self) -> None:
        """Each hears each at the first try, but who was blocked; who has only answered waits for a proof."""
        for node in self.nodes:
            for contact in self.others(node.number):
                if node.people[contact].session.pair.sending_generation(self.now) is None:
                    continue
                sent = self.speak(node.number, contact)
                assert sent is not None
                heard = self.offer(sent)[contact] is Outcome.OPENED
                assert heard is (node.number not in self.nodes[contact].blocked)


def piece_of(name: bytes, data: bytes) -> bool:
    return any(name[at : at + PIECE_SIZE] in data for at in range(0, len(name) - PIECE_SIZE + 1, PIECE_SIZE))


ThreeNodes.TestCase.settings = plays(examples=30, steps=30)
TestThreeNodes = ThreeNodes.TestCase


def test_every_two_have_met() -> None:
    nodes, air = introduced_to_each_other(NOON)
    assert [sorted(node.people) for node in nodes] == [[1, 2], [0, 2], [0, 1]]
    assert len(air) == 6
    assert all(Envelope.parse(sent.data).born_hour - NOON.hour <= HOUR_DRIFT_MAX for sent in air)
