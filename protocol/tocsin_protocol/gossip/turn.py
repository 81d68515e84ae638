"""Everything that one call of the router says, gathered so that it leaves in few writes.

It decides nothing: whom to send to and what to tell is the router's business.
"""

from collections import Counter

from tocsin_protocol.gossip.events import ClosePeer, Counted, Record, RouterEffect, SendBytes
from tocsin_protocol.gossip.rpc import encode_frames
from tocsin_protocol.types import PeerId


class Turn:
    """What is for one neighbour shares its frames, in the order in which it was added."""

    def __init__(self) -> None:
        self._parts: dict[PeerId, list[bytes]] = {}
        self._told: list[RouterEffect] = []
        self._counts: Counter[tuple[PeerId, Counted]] = Counter()

    def send(self, peer: PeerId, part: bytes) -> None:
        self._parts.setdefault(peer, []).append(part)

    def tell(self, effect: RouterEffect) -> None:
        self._told.append(effect)

    def count(self, peer: PeerId, what: Counted) -> None:
        self._counts[peer, what] += 1

    def close(self, peer: PeerId, why: str) -> None:
        """Nothing is sent to it any more, not even what was added before."""
        self._parts.pop(peer, None)
        self._told.append(ClosePeer(peer=peer, why=why))

    def effects(self) -> list[RouterEffect]:
        """The writes come first: forwarding waits for nothing that is done with a delivery."""
        effects: list[RouterEffect] = [
            SendBytes(peer=peer, data=frame)
            for peer, parts in self._parts.items()
            for frame in encode_frames(parts)
        ]
        effects += self._told
        effects += [Record(peer=peer, what=what, count=count) for (peer, what), count in self._counts.items()]
        return effects
