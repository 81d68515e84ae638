"""Somebody who has copied a profile's tables, and the tags whose messages they could then open."""

from tocsin.store.records import UnderKey
from tocsin.store.tables import Tables
from tocsin_protocol.types import Epoch, Tag
from tocsin_protocol.wheel import Chain, Q, first_chain, tag_of, tags_ahead

AHEAD = 4
"""Messages looked at of each chain; tests send no more than that."""


def tags_of(chain: Chain) -> set[Tag]:
    return set(tags_ahead(chain, AHEAD))


def stolen_tags(tables: Tables) -> set[Tag]:
    """Of everything that the keys lead to: chains, the wheels' next days, skipped messages, sends."""
    chains: list[Chain] = [*tables.sending.values(), *(state.chain for state in tables.receiving.values())]
    for wheel in tables.wheels.values():
        later = (wheel.at(Epoch(wheel.epoch + days)) for days in range(3))
        chains += [first_chain(each, q) for each in later for q in Q]
    skipped = {link.tag for state in tables.receiving.values() for link in state.skipped}
    sends = (send.sealing for send in tables.sends.values())
    under = {tag_of(sealing.key) for sealing in sends if isinstance(sealing, UnderKey)}
    return skipped.union(under, *(tags_of(chain) for chain in chains))
