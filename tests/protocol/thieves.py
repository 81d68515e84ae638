"""What a thief of everything in a node, disk and memory, can derive from it.

What follows from handshakes that were overheard is another matter, and so are renewals to come.
"""

from collections.abc import Iterable, Iterator

from tests.protocol.people import Letter, Person, keys_of
from tocsin_protocol.effects import Side
from tocsin_protocol.types import Epoch, MessageKey
from tocsin_protocol.wheel import Chain, Q, first_chain

DAYS = 12
INDICES = 40


def dump(person: Person) -> set[MessageKey]:
    """Every message key that follows from what the node has now, for days ahead."""
    keys = set[MessageKey]()
    for chain in chains(person):
        keys |= keys_of(chain, INDICES)
    for record in person.records.streams.values():
        keys |= {link.key for link in record.state.skipped}
    return keys


def chains(person: Person) -> Iterator[Chain]:
    """On disk and in memory: chains, and the first chains of all days to come."""
    yield from (record.chain for record in person.records.sending.values())
    yield from (sending.chain for sending in person.session.pair.sending.values())
    yield from (record.state.chain for record in person.records.streams.values())
    for record in person.records.wheels.values():
        for days in range(DAYS):
            wheel = record.wheel.at(Epoch(record.wheel.epoch + days))
            yield from (first_chain(wheel, q) for q in Q)


def deleted(person: Person, side: Side, letters: Iterable[Letter]) -> set[MessageKey]:
    """The keys, of these letters that were used, that must be gone: the wheel has turned past their day.

    Until a clock is believed, the day that has just begun can be derived again from its wheel.
    """
    wheels = {number: record.wheel for (number, of), record in person.records.wheels.items() if of is side}
    return {
        letter.key
        for letter in letters
        if letter.number not in wheels or letter.epoch < wheels[letter.number].epoch
    }
