"""Our topics against the vectors of `topics`."""

from tests.protocol.vectors import Fields, Vector, check, vectors_of
from tocsin_protocol.topics import home, knock_topic, parse_topic, shard_topic
from tocsin_protocol.types import IdentityKey


def run_listen(vector: Vector) -> Fields:
    at = home(IdentityKey(vector.raw("identity_key")))
    return {
        "home": at,
        "topic": shard_topic(vector.network, at),
        "knock_topic": knock_topic(vector.network),
    }


def run_shard_topic(vector: Vector) -> Fields:
    return {"topic": shard_topic(vector.network, vector.input["home"])}


def run_topic(vector: Vector) -> Fields:
    parsed = parse_topic(vector.input["topic"])
    return {"network_name": parsed.network_name, "depth": parsed.depth, "bucket": parsed.bucket}


@vectors_of("topics")
def test_topics(vector: Vector) -> None:
    check(vector, {"listen": run_listen, "shard-topic": run_shard_topic, "topic": run_topic})
