"""What happened in a run, counted as it happens: who got which envelope when, and what it cost.

It draws no conclusions; those are in `results`.
"""

from collections import Counter
from dataclasses import dataclass, field

from tocsin_protocol.gossip.events import Counted
from tocsin_protocol.types import EnvelopeBytes


@dataclass(slots=True, kw_only=True)
class Tally:
    """`copies` are envelopes that arrived, the first of each included."""

    nodes: int
    links: int = 0
    frames: int = 0
    frames_lost: int = 0
    bytes: int = 0
    copies: int = 0
    delivered_again: int = 0
    records: Counter[Counted] = field(default_factory=Counter)
    rung_us: dict[EnvelopeBytes, int] = field(default_factory=dict)
    reached_us: dict[EnvelopeBytes, dict[int, int]] = field(default_factory=dict)

    def rings(self, envelope: EnvelopeBytes, publisher: int, at_us: int) -> None:
        self.rung_us[envelope] = at_us
        self.reached_us[envelope] = {publisher: at_us}

    def delivers(self, envelope: EnvelopeBytes, node: int, at_us: int) -> None:
        """A node that has restarted may deliver what it delivered before; the first time counts."""
        self.copies += 1
        if node in self.reached_us[envelope]:
            self.delivered_again += 1
        else:
            self.reached_us[envelope][node] = at_us

    def counts(self, what: Counted, count: int) -> None:
        self.records[what] += count
        if what is Counted.REPEATED:
            self.copies += count

    def rows(self) -> list[tuple[int, int, int]]:
        """Envelope, node and latency in microseconds of every delivery, in the one canonical order."""
        # The first that has an envelope is its publisher, and that is no delivery.
        return sorted(
            (number, node, at_us - self.rung_us[envelope])
            for number, (envelope, reached) in enumerate(self.reached_us.items())
            for node, at_us in list(reached.items())[1:]
        )
