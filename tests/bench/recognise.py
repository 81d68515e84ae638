"""Recognition: the table of 5,000 contacts, an envelope that is not for us, and a catch-up of 10,000.

It measures in memory, one core, no IO; every time is the best of several rounds in this run.
"""

import argparse
import gc
import json
import multiprocessing
import random
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # so that this file runs alone

from tocsin_protocol.catchup import CatchUp, Done, Go, Load, Look, Tried, Try
from tocsin_protocol.envelope import TAG_AT, Envelope, EnvelopeClass, kind_of, open_sealed, seal
from tocsin_protocol.errors import RemoteProtocolError
from tocsin_protocol.limits import EPOCH_HOURS, HOUR_MS
from tocsin_protocol.network import Network
from tocsin_protocol.recognise import Recogniser, StreamId, StreamState
from tocsin_protocol.types import EnvelopeBytes, Epoch, Hour, Now, Tag
from tocsin_protocol.wheel import Q, Wheel, first_chain

BENCH = "recognise"
CONTACTS = 5_000
EPOCH = Epoch(20_000)
HOUR = Hour(EPOCH * EPOCH_HOURS + 12)
NOW = Now(unix_ms=(HOUR + EPOCH_HOURS) * HOUR_MS, steady_ms=0)
NETWORK = Network(name="bench")
KIND = kind_of(EnvelopeClass.PAIR, 3)
CATCH_UP_CONTACTS = 500
CATCH_UP_ENVELOPES = 10_000
DISCARDS = 20_000
MB = 1e6


def streams(contacts: int, epoch: Epoch) -> Iterator[tuple[StreamId, StreamState]]:
    """What a store has of these contacts at the start of an epoch."""
    for contact in range(contacts):
        wheel = Wheel(epoch=epoch, key=contact.to_bytes(32, "big"))
        for q in Q:
            yield StreamId(contact=contact, epoch=epoch, q=q), StreamState(chain=first_chain(wheel, q))


def build(stored: list[tuple[StreamId, StreamState]]) -> Recogniser:
    recogniser = Recogniser()
    for stream, state in stored:
        recogniser.watch(stream, state)
    return recogniser


def measure_build(rounds: int) -> float:
    """Seconds from the stored states of both streams of every contact to the whole table."""
    best = float("inf")
    for _ in range(rounds):
        stored = list(streams(CONTACTS, EPOCH))
        began = time.perf_counter()
        build(stored)
        best = min(best, time.perf_counter() - began)
    return best


def grow(epochs: int, answer: "multiprocessing.Queue[float]") -> None:
    """In a process of its own: how much larger it gets by a table with everything that the table keeps."""
    gc.collect()
    before = resident()
    recogniser = Recogniser()
    for offset in range(epochs):
        for stream, state in streams(CONTACTS, Epoch(EPOCH + offset)):
            recogniser.watch(stream, state)
    gc.collect()
    answer.put((resident() - before) / MB)
    assert recogniser.size == epochs * CONTACTS * 20


def resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def measure_memory(epochs: int) -> float:
    context = multiprocessing.get_context("spawn")
    answer: multiprocessing.Queue[float] = context.Queue()
    process = context.Process(target=grow, args=(epochs, answer))
    process.start()
    grown = answer.get(timeout=60)
    process.join()
    return grown


def measure_discard(rounds: int) -> float:
    """Microseconds for an envelope whose tag is nobody's, without the loop around it."""
    recogniser = build(list(streams(CONTACTS, EPOCH)))
    source = random.Random(1)
    tags = [Tag(source.randbytes(16)) for _ in range(DISCARDS)]
    find = recogniser.find
    best = float("inf")
    for _ in range(10 * rounds):
        began = time.perf_counter()
        for _tag in tags:
            pass
        empty = time.perf_counter()
        for tag in tags:
            find(tag, HOUR)
        best = min(best, (time.perf_counter() - empty) - (empty - began))
    return best / DISCARDS * 1e6


def sealed_day() -> list[EnvelopeBytes]:
    """What some of the contacts sent in one epoch, in the random order of a store's bucket."""
    sent = []
    for stream, state in streams(CATCH_UP_CONTACTS, EPOCH):
        chain = state.chain
        for _ in range(CATCH_UP_ENVELOPES // CATCH_UP_CONTACTS if stream.q is Q.RING else 0):
            chain, link = chain.step()
            envelope = seal(
                network=NETWORK,
                kind=KIND,
                born_hour=HOUR,
                tag=link.tag,
                key=link.key,
                nonce=bytes(24),
                payload=b"x" * 200,
            )
            sent.append(envelope.encode())
    random.Random(1).shuffle(sent)
    return sent


def measure_catch_up(rounds: int) -> float:
    """Seconds in which every stream of every contact is looked through and every envelope opened."""
    bucket, stored = sealed_day(), list(streams(CONTACTS, EPOCH))
    best = float("inf")
    for _ in range(rounds):
        began = time.perf_counter()
        opened = catch_up(bucket, stored)
        best = min(best, time.perf_counter() - began)
        if opened != CATCH_UP_ENVELOPES:
            raise RuntimeError(f"{opened} of {CATCH_UP_ENVELOPES} were found")
    return best


def catch_up(bucket: list[EnvelopeBytes], stored: list[tuple[StreamId, StreamState]]) -> int:
    machine, opened = CatchUp(EPOCH), 0
    tags = tuple((Tag(data[TAG_AT]), position) for position, data in enumerate(bucket))
    machine.handle(Load(hour=HOUR, tags=tags), NOW)
    for stream, state in stored:
        machine.handle(Look(stream=stream, state=state), NOW)
    (effect,) = machine.handle(Go(), NOW)
    while not isinstance(effect, Done):
        if isinstance(effect, Try):
            found = any(opens(bucket[position], effect) for position in effect.positions)
            opened += found
            (effect,) = machine.handle(Tried(opened=found), NOW)
        else:
            (effect,) = machine.handle(Go(), NOW)
    return opened


def opens(data: EnvelopeBytes, attempt: Try) -> bool:
    try:
        open_sealed(network=NETWORK, envelope=Envelope.parse(data), key=attempt.link.key)
    except RemoteProtocolError:
        return False
    return True


def tell(metric: str, value: float, unit: str, most: float) -> None:
    line = {
        "bench": BENCH,
        "metric": metric,
        "value": round(value, 4),
        "unit": unit,
        "target": f"<= {most:g}",
        "peer": None,
        "ratio": None,
        "ok": value <= most,
    }
    print(json.dumps(line), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    rounds = 5 if parser.parse_args().quick else 15
    tell("table of 5,000 contacts, build", measure_build(rounds), "s", 0.3)
    tell("table of 5,000 contacts, one epoch", measure_memory(1), "MB", 15)
    tell("table of 5,000 contacts, at midnight", measure_memory(2), "MB", 30)
    tell("discard by tag", measure_discard(rounds), "us", 0.2)
    tell("catch-up of 10,000, 5,000 contacts", measure_catch_up(rounds), "s", 1)


if __name__ == "__main__":
    main()
