"""What an envelope costs: the relay's check, sealing, opening, and the floor that libsodium sets.

It measures in memory, one core, no IO; every figure is the best of several rounds in this run.
"""

import argparse
import json
import time
from collections.abc import Callable

from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
)

from tocsin_protocol import notification
from tocsin_protocol.envelope import Envelope, RelayCheck, open_sealed, seal, stamp_need, stamp_subject
from tocsin_protocol.network import Network
from tocsin_protocol.notification import Notification, NotificationKind
from tocsin_protocol.stamp import StampSearch
from tocsin_protocol.topics import shard_topic
from tocsin_protocol.types import EnvelopeBytes, Hour, MessageKey, Now, Tag
from tocsin_protocol.verdict import Verdict

NETWORK = Network(name="bench", pair_cost=1)
TOPIC = shard_topic(NETWORK, 0)
HOUR = Hour(490_000)
NOW = Now(unix_ms=HOUR * 3_600_000, steady_ms=0)
KEY = MessageKey(bytes(range(32)))
TAG = Tag(bytes(16))
NONCE = bytes(24)
KIND = 3
FLOOR = "libsodium's AEAD alone"
DISTINCT = 64
"""Different envelopes in turn, so that no cache of one input flatters the figure."""


def stamped(payload: bytes, tag: Tag) -> EnvelopeBytes:
    sealed = seal(network=NETWORK, kind=KIND, born_hour=HOUR, tag=tag, key=KEY, nonce=NONCE, payload=payload)
    data = sealed.encode()
    search = StampSearch(stamp_subject(NETWORK, TOPIC, data), stamp_need(NETWORK, KIND, len(data)))
    nonce = search.run(1_000)
    if nonce is None:
        raise RuntimeError("a stamp of price 3 takes more than 1,000 hashes")
    return sealed.with_stamp(nonce).encode()


def best_us(work: Callable[[], None], times: int, rounds: int) -> float:
    """Microseconds of one of `times` calls, in the quietest round."""
    best = float("inf")
    for _ in range(rounds):
        began = time.perf_counter_ns()
        work()
        best = min(best, time.perf_counter_ns() - began)
    return best / times / 1000


def tell(metric: str, value: float, most: float | None, floor: tuple[str, float] | None = None) -> None:
    line = {
        "bench": "envelope",
        "metric": metric,
        "value": round(value, 3),
        "unit": "us",
        "target": None if most is None else f"<= {most}",
        "peer": None if floor is None else {"name": floor[0], "value": round(floor[1], 3)},
        "ratio": None if floor is None else round(value / floor[1], 3),
        "ok": None if most is None else value <= most,
    }
    print(json.dumps(line), flush=True)


def measure_check(rounds: int) -> None:
    check = RelayCheck(NETWORK).check
    payload = notification.encode(Notification(kind=NotificationKind.ALERT, title="Hello", body="x" * 200))
    genuine = [stamped(payload, Tag(bytes([number]) * 16)) for number in range(DISTINCT)]
    if any(check(TOPIC, data, NOW).verdict is not Verdict.ACCEPT for data in genuine):
        raise RuntimeError("an envelope of our own is refused")

    def accept() -> None:
        for data in genuine:
            check(TOPIC, data, NOW)

    late = Now(unix_ms=NOW.unix_ms + 5 * 3_600_000, steady_ms=0)

    def ignore() -> None:
        for data in genuine:
            check(TOPIC, data, late)

    tell("relay check 512 B", best_us(accept, DISTINCT, rounds), 4)
    tell("relay check 512 B, wrong hour", best_us(ignore, DISTINCT, rounds), None)


def measure_sealing(rounds: int) -> None:
    """To open is to parse and unseal, to read also decodes the payload; the floor is the bare AEAD call."""
    content = Notification(kind=NotificationKind.ALERT, title="Hello", body="x" * 200, app="org.example")
    payload = notification.encode(content)
    envelopes = [stamped(payload, Tag(bytes([number]) * 16)) for number in range(DISTINCT)]
    padded = payload.ljust(512 - 83, b"\0")
    bound = bytes(45)
    sealed = crypto_aead_xchacha20poly1305_ietf_encrypt(padded, bound, NONCE, KEY)

    def bare_open() -> None:
        for _ in envelopes:
            crypto_aead_xchacha20poly1305_ietf_decrypt(sealed, bound, NONCE, KEY)

    def bare_seal() -> None:
        for _ in envelopes:
            crypto_aead_xchacha20poly1305_ietf_encrypt(padded, bound, NONCE, KEY)

    def open_all() -> None:
        for data in envelopes:
            open_sealed(network=NETWORK, envelope=Envelope.parse(data), key=KEY)

    def open_and_read() -> None:
        for data in envelopes:
            notification.decode(open_sealed(network=NETWORK, envelope=Envelope.parse(data), key=KEY))

    def seal_all() -> None:
        for _ in envelopes:
            seal(
                network=NETWORK,
                kind=KIND,
                born_hour=HOUR,
                tag=TAG,
                key=KEY,
                nonce=NONCE,
                payload=notification.encode(content),
            ).encode()

    floor_open = best_us(bare_open, DISTINCT, rounds)
    floor_seal = best_us(bare_seal, DISTINCT, rounds)
    tell("open and read 512 B", best_us(open_and_read, DISTINCT, rounds), None, (FLOOR, floor_open))
    tell("open 512 B", best_us(open_all, DISTINCT, rounds), 20, (FLOOR, floor_open))
    tell(
        "seal 512 B without stamp",
        best_us(seal_all, DISTINCT, rounds),
        25,
        (FLOOR, floor_seal),
    )


def measure_stamp(rounds: int) -> None:
    """Hashes that never pay, so that every one of them is tried."""
    hashes = 20_000

    def search() -> None:
        StampSearch(bytes(32), 1 << 62).run(hashes)

    tell("one hash of a stamp search", best_us(search, hashes, rounds), None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    rounds = 50 if parser.parse_args().quick else 400
    measure_check(rounds)
    measure_sealing(rounds)
    measure_stamp(max(rounds // 20, 5))


if __name__ == "__main__":
    main()
