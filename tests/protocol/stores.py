"""Stores that keep everything, and what a node does with one epoch of it.

They are honest and complete; stores that withhold or forge are not for these tests.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from tests.protocol.people import EPOCH, Letter, Person, at
from tocsin_protocol.catchup import CatchUp, Done, Go, Load, Look, Pause, Tried, Try
from tocsin_protocol.limits import EPOCH_HOURS
from tocsin_protocol.recognise import SKIPPED, WINDOW, StreamId
from tocsin_protocol.types import Epoch, Hour, MessageKey, Now, Tag
from tocsin_protocol.wheel import Q

TOMORROW = at(EPOCH + 1)


def catch_up(
    people: Sequence[Person],
    tags: Sequence[Tag],
    open_one: Callable[[Try], Letter | None],
    *,
    epoch: Epoch,
    now: Now,
) -> list[Letter]:
    """One pass for all contacts of a node; `open_one` opens one of the positions that are tried."""
    machine, asked, found = CatchUp(epoch), set[StreamId](), list[Letter]()
    load = Load(hour=Hour(epoch * EPOCH_HOURS), tags=tuple((tag, place) for place, tag in enumerate(tags)))
    machine.handle(load, now)

    def ask() -> None:
        for person in people:
            for each in set(person.session.pair.streams(epoch)) - asked:
                asked.add(each)
                window = person.session.pair.has_window(epoch, each.q)
                machine.handle(Look(stream=each, state=person.state_of(each), window=window), now)

    ask()
    (effect,) = machine.handle(Go(), now)
    while not isinstance(effect, Done):
        if isinstance(effect, Pause):
            (effect,) = machine.handle(Go(), now)
            continue
        assert isinstance(effect, Try)
        letter = open_one(effect)
        person = next(each for each in people if each.contact == effect.stream.contact)
        if letter is not None:
            person.open(letter, effect.stream, effect.after, now)
            found.append(letter)
            ask()
        window = person.session.pair.has_window(epoch, effect.stream.q)
        (effect,) = machine.handle(Tried(opened=letter is not None, window=window), now)
    return found


def catch_up_with(
    person: Person, letters: list[Letter], *, epoch: Epoch = EPOCH, now: Now = TOMORROW
) -> list[Letter]:
    """What a node with one contact finds among the letters of one epoch; those that were new to it."""

    def open_one(attempt: Try) -> Letter | None:
        return next((letters[at] for at in attempt.positions if letters[at].key == attempt.link.key), None)

    return catch_up([person], [letter.tag for letter in letters], open_one, epoch=epoch, now=now)


def reachable(sent: Iterable[Letter]) -> set[MessageKey]:
    """Of one sender's letters to one receiver, those that complete stores must bring to its attention.

    Behind a gap of a window nothing is looked for in that epoch, and above the cap of skipped messages
    the oldest may be gone.
    """
    streams = defaultdict[tuple[int, Epoch, Q], dict[int, MessageKey]](dict)
    for letter in sent:
        streams[letter.number, letter.epoch, letter.q][letter.index] = letter.key
    keys = set[MessageKey]()
    for (_, _, q), by_index in streams.items():
        following = 0
        for index, key in sorted(by_index.items()):
            if index >= min(following + WINDOW[q], SKIPPED[q]):
                break
            keys.add(key)
            following = index + 1
    return keys
