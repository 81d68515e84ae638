"""Who is linked to whom, and how far apart they are.

It knows nothing of what the links carry, nor of whether anybody is there.
"""

from dataclasses import dataclass

from tocsin_sim.scenario import Scenario
from tocsin_sim.streams import stream

US_PER_MS = 1_000


@dataclass(slots=True, kw_only=True)
class Link:
    """`dialler` dialled `listener`; `connections` counts how often they were connected."""

    dialler: int
    listener: int
    latency_us: int
    connections: int = 0

    def other(self, number: int) -> int:
        return self.listener if number == self.dialler else self.dialler


def draw_links(scenario: Scenario, seed: int) -> list[Link]:
    """No node is linked to itself or twice to another; who dials late may find all links made."""
    nodes = scenario.network.nodes
    low_us, high_us = (ms * US_PER_MS for ms in scenario.links.latency_ms)
    partners, latencies = stream(seed, "partners"), stream(seed, "latencies")
    neighbours: list[set[int]] = [set() for _ in range(nodes)]
    links: list[Link] = []
    for dialler in range(nodes):
        for _ in range(scenario.network.dials):
            if len(neighbours[dialler]) == nodes - 1:
                break
            listener = partners.below(nodes)
            while listener == dialler or listener in neighbours[dialler]:
                listener = partners.below(nodes)
            neighbours[dialler].add(listener)
            neighbours[listener].add(dialler)
            latency_us = low_us + latencies.below(high_us - low_us + 1)
            links.append(Link(dialler=dialler, listener=listener, latency_us=latency_us))
    return links
