"""The gossip router: passes valid envelopes on once, to a few neighbours, and delivers them once.

It has no mesh and asks for nothing it missed, and it does not know what an envelope is: it asks `check`.
"""

from collections.abc import Callable, Container
from dataclasses import dataclass, field
from typing import Final, TypeAlias, assert_never

from tocsin_protocol.errors import LocalProtocolError, Reason, RemoteProtocolError
from tocsin_protocol.gossip.draws import Draws
from tocsin_protocol.gossip.events import (
    BytesReceived,
    Counted,
    Deliver,
    PeerConnected,
    PeerGone,
    Publish,
    Published,
    RouterEffect,
    RouterInput,
    Subscribe,
    Witness,
)
from tocsin_protocol.gossip.recent import Kept, Recent
from tocsin_protocol.gossip.rpc import (
    Form,
    FrameReader,
    Message,
    Subscription,
    decode,
    encode_entry,
    encode_subscription,
    read_entry,
)
from tocsin_protocol.gossip.seen import OURS, ExactBytes, SeenMids
from tocsin_protocol.gossip.turn import Turn
from tocsin_protocol.limits import FAN_OUT, PEERS_MAX, REJECTS_MAX, TOPIC_SIZE_MAX, TOPICS_PER_PEER_MAX
from tocsin_protocol.types import EnvelopeBytes, Mid, Now, PeerId, Topic
from tocsin_protocol.verdict import Checked, Verdict

PROTOCOLS: Final[tuple[str, ...]] = ("/floodsub/1.0.0",)
"""What a stream that carries this router's frames is called, best first."""

Check: TypeAlias = Callable[[str, bytes, Now], Checked]


@dataclass(slots=True, kw_only=True)
class Neighbour:
    """What is known of one connection; all of it goes with the connection."""

    peer: PeerId
    outbound: bool
    reader: FrameReader = field(default_factory=FrameReader)
    topics: set[Topic] = field(default_factory=set)
    rejects: int = 0


class Router:
    """One `handle` works in proportion to its input plus what is recent, and remembers bounded amounts."""

    def __init__(self, *, check: Check, entropy: bytes) -> None:
        self._check = check
        self._draws = Draws(entropy)
        self._neighbours: dict[PeerId, Neighbour] = {}
        self._topics: dict[Topic, None] = {}
        # Dictionaries for their order: what is drawn from them must not depend on string hashes.
        self._subscribers: dict[Topic, dict[PeerId, None]] = {}
        self._seen = SeenMids()
        self._exact = ExactBytes()
        self._recent = Recent()

    def handle(self, event: RouterInput, now: Now) -> list[RouterEffect]:
        self._seen.expire(now.hour)
        turn = Turn()
        match event:
            case PeerConnected():
                self._connect(event, turn)
            case PeerGone():
                self._forget(event.peer)
            case BytesReceived():
                self._receive(event, now, turn)
            case Subscribe():
                self._subscribe(event.topic, turn)
            case Publish():
                self._publish(event, now, turn)
            case _:
                assert_never(event)
        return turn.effects()

    def _connect(self, event: PeerConnected, turn: Turn) -> None:
        """A second connection of one name replaces the first: its stream starts anew."""
        self._forget(event.peer)
        if len(self._neighbours) >= PEERS_MAX:
            turn.close(event.peer, "too many neighbours")
            return
        self._neighbours[event.peer] = Neighbour(peer=event.peer, outbound=event.outbound)
        for topic in self._topics:
            turn.send(event.peer, encode_subscription(Subscription(topic=topic, subscribe=True)))

    def _forget(self, peer: PeerId) -> None:
        neighbour = self._neighbours.pop(peer, None)
        if neighbour is None:
            return
        for topic in neighbour.topics:
            self._drop_subscriber(topic, peer)
        self._recent.forget_holder(peer)

    def _subscribe(self, topic: Topic, turn: Turn) -> None:
        if len(topic.encode()) > TOPIC_SIZE_MAX:
            raise LocalProtocolError(f"a topic has at most {TOPIC_SIZE_MAX} bytes")
        if topic in self._topics:
            return
        if len(self._topics) >= TOPICS_PER_PEER_MAX:
            raise LocalProtocolError(f"neighbours keep at most {TOPICS_PER_PEER_MAX} topics of one peer")
        self._topics[topic] = None
        for peer in self._neighbours:
            turn.send(peer, encode_subscription(Subscription(topic=topic, subscribe=True)))

    def _publish(self, event: Publish, now: Now, turn: Turn) -> None:
        checked = self._check(event.topic, event.envelope, now)
        if checked.verdict is not Verdict.ACCEPT or checked.mid is None:
            raise LocalProtocolError(f"our own envelope is not valid: {checked.reason}")
        if self._seen.first(checked.mid) is None:
            self._seen.add(checked.mid, OURS, now.hour)
        kept = Kept(
            mid=checked.mid,
            topic=event.topic,
            entry=encode_entry(event.topic, event.envelope),
            ours=True,
            since_ms=now.steady_ms,
            holders=set(),
        )
        turn.tell(Published(mid=checked.mid, peers=self._pass_on(kept, turn)))

    def _receive(self, event: BytesReceived, now: Now, turn: Turn) -> None:
        neighbour = self._neighbours.get(event.peer)
        if neighbour is None:
            return
        before = neighbour.topics.copy()
        try:
            for frame in neighbour.reader.read(event.data):
                rpc = decode(frame)
                for subscription in rpc.subscriptions:
                    self._note(neighbour, subscription, turn)
                for entry in rpc.entries:
                    self._judge(neighbour, entry, now, turn)
        except RemoteProtocolError as error:
            self._forget(event.peer)
            turn.close(event.peer, str(error))
            return
        if neighbour.topics != before:
            self._offer_recent(neighbour, neighbour.topics - before, now, turn)

    def _note(self, neighbour: Neighbour, subscription: Subscription, turn: Turn) -> None:
        peer, topic = neighbour.peer, subscription.topic
        if not subscription.subscribe:
            if topic in neighbour.topics:
                neighbour.topics.remove(topic)
                self._drop_subscriber(topic, peer)
        elif topic in neighbour.topics:
            return
        elif len(neighbour.topics) >= TOPICS_PER_PEER_MAX or len(topic.encode()) > TOPIC_SIZE_MAX:
            turn.count(peer, Counted.TOPIC)
        else:
            neighbour.topics.add(topic)
            self._subscribers.setdefault(topic, {})[peer] = None

    def _offer_recent(self, neighbour: Neighbour, topics: Container[Topic], now: Now, turn: Turn) -> None:
        """Once per call, however often the neighbour changed its mind in it."""
        for kept in self._recent.take_missing(neighbour.peer, topics, now.steady_ms):
            turn.send(neighbour.peer, kept.entry)
            if kept.ours:
                turn.tell(Published(mid=kept.mid, peers=1))

    def _drop_subscriber(self, topic: Topic, peer: PeerId) -> None:
        subscribers = self._subscribers[topic]
        del subscribers[peer]
        if not subscribers:
            del self._subscribers[topic]

    def _judge(self, neighbour: Neighbour, entry: bytes, now: Now, turn: Turn) -> None:
        """One message, cheapest question first; only the last answer lets it be passed on."""
        mid = self._exact.find(entry)
        first = None if mid is None else self._seen.first(mid)
        if mid is not None and first is not None:
            self._note_copy(neighbour, mid, first, turn)
            return
        message = read_entry(entry)
        match message.form:
            case Form.PLAIN:
                self._check_message(neighbour, message, now, turn)
            case Form.AUTHORED:
                self._reject(neighbour, Counted.AUTHORED, Reason.FRAME, turn)
            case Form.ODD:
                turn.count(neighbour.peer, Counted.ODD)
            case _:
                assert_never(message.form)

    def _check_message(self, neighbour: Neighbour, message: Message, now: Now, turn: Turn) -> None:
        checked = self._check(message.topic, message.data, now)
        match checked.verdict:
            case Verdict.ACCEPT:
                if checked.mid is None:
                    raise LocalProtocolError("an accepted message has an id")
                self._accept(neighbour, message, checked.mid, now, turn)
            case Verdict.IGNORE:
                turn.count(neighbour.peer, Counted.IGNORED)
            case Verdict.REJECT:
                self._reject(neighbour, Counted.REJECTED, checked.reason or Reason.FRAME, turn)
            case _:
                assert_never(checked.verdict)

    def _reject(self, neighbour: Neighbour, what: Counted, reason: Reason, turn: Turn) -> None:
        turn.count(neighbour.peer, what)
        neighbour.rejects += 1
        if neighbour.rejects >= REJECTS_MAX:
            raise RemoteProtocolError(reason, f"{REJECTS_MAX} messages rejected")

    def _accept(self, neighbour: Neighbour, message: Message, mid: Mid, now: Now, turn: Turn) -> None:
        first = self._seen.first(mid)
        if first is not None:
            self._exact.add(message.entry, mid)
            self._note_copy(neighbour, mid, first, turn)
        elif message.topic not in self._topics:
            turn.count(neighbour.peer, Counted.FOREIGN)
        elif self._seen.is_full:
            turn.count(neighbour.peer, Counted.OVERFLOW)
        else:
            self._seen.add(mid, neighbour.peer, now.hour)
            kept = Kept(
                mid=mid,
                topic=message.topic,
                entry=message.entry,
                ours=False,
                since_ms=now.steady_ms,
                holders={neighbour.peer},
            )
            self._pass_on(kept, turn)
            turn.tell(
                Deliver(
                    peer=neighbour.peer,
                    outbound=neighbour.outbound,
                    topic=message.topic,
                    envelope=EnvelopeBytes(message.data),
                    mid=mid,
                )
            )

    def _note_copy(self, neighbour: Neighbour, mid: Mid, first: PeerId, turn: Turn) -> None:
        self._recent.add_holder(mid, neighbour.peer)
        if first == neighbour.peer:
            turn.count(neighbour.peer, Counted.REPEATED)
        else:
            turn.tell(Witness(peer=neighbour.peer, outbound=neighbour.outbound, mid=mid))

    def _pass_on(self, kept: Kept, turn: Turn) -> int:
        """To a few of those who want it; how many they were. Who subscribes in a moment gets it then."""
        wanting = [peer for peer in self._subscribers.get(kept.topic, ()) if peer not in kept.holders]
        chosen = self._draws.pick(wanting, FAN_OUT)
        for peer in chosen:
            turn.send(peer, kept.entry)
        kept.holders.update(chosen)
        self._exact.add(kept.entry, kept.mid)
        self._recent.keep(kept)
        return len(chosen)
