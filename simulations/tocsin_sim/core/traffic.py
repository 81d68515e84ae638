"""Real envelopes, sealed and stamped, on a network where a stamp costs next to nothing.

Nobody can recognise or open them: the tags and keys belong to no pair.
"""

from tocsin_protocol.envelope import EnvelopeClass, kind_of, seal, stamp_need, stamp_subject
from tocsin_protocol.limits import SEALED_OVERHEAD_SIZE
from tocsin_protocol.network import Network
from tocsin_protocol.stamp import StampSearch
from tocsin_protocol.topics import shard_topic
from tocsin_protocol.types import EnvelopeBytes, Hour, MessageKey, Tag
from tocsin_sim.streams import entropy

NETWORK = Network(name="sim", pair_cost=1)
TOPIC = shard_topic(NETWORK, 0)
KIND = kind_of(EnvelopeClass.PAIR, 3)
"""72 hours, as nearly every envelope has."""
HASHES_MAX = 1_000_000


def make_envelope(*, seed: int, number: int, born_hour: Hour, size: int) -> EnvelopeBytes:
    drawn = entropy(seed, "envelope tag and nonce", number)
    envelope = seal(
        network=NETWORK,
        kind=KIND,
        born_hour=born_hour,
        tag=Tag(drawn[:16]),
        key=MessageKey(entropy(seed, "envelope key", number)),
        nonce=drawn[:24],
        payload=bytes(size - SEALED_OVERHEAD_SIZE - 1),
    )
    subject = stamp_subject(NETWORK, TOPIC, envelope.encode())
    nonce = StampSearch(subject, stamp_need(NETWORK, KIND, size)).run(HASHES_MAX)
    if nonce is None:
        raise RuntimeError("a stamp of a few hashes was not found in a million")
    return envelope.with_stamp(nonce).encode()
