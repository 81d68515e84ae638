"""Gossip topics: coarse public shards that many people share, and the one where strangers knock.

They say nothing of a person but a few bits of the identity key; what is private is in the tags.
"""

import re
from dataclasses import dataclass
from enum import Enum

from tocsin_protocol.errors import LocalProtocolError, Reason, RemoteProtocolError
from tocsin_protocol.hashing import H
from tocsin_protocol.network import Network
from tocsin_protocol.types import IdentityKey, Topic

HOME_BITS = 8
CANONICAL = re.compile(r"/tocsin/1/([a-z0-9-]{1,32})/(?:k|s/([0-8])/([0-9a-f]{2}))")


class TopicKind(Enum):
    SHARD = "shard"
    KNOCK = "knock"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedTopic:
    """`depth` and `bucket` are None for a knock topic: a network has only one."""

    network_name: str
    kind: TopicKind
    depth: int | None
    bucket: int | None


def home(identity_key: IdentityKey) -> int:
    """The byte that says on which shard, at any depth, a person listens."""
    return H("tcn1/home", identity_key, 16)[0]  # TOC-2 §1


def shard_topic(network: Network, home: int) -> Topic:
    if not 0 <= home < 1 << HOME_BITS:
        raise LocalProtocolError(f"home {home}: must be one byte")
    return Topic(f"/tocsin/1/{network.name}/s/{network.depth}/{_bucket(home, network.depth):02x}")


def knock_topic(network: Network) -> Topic:
    return Topic(f"/tocsin/1/{network.name}/k")


def parse_topic(text: str) -> ParsedTopic:
    """Read a topic in canonical form, of any network and any depth."""
    match = CANONICAL.fullmatch(text)  # TOC-2 §3
    if match is None:
        raise RemoteProtocolError(Reason.TOPIC, "not the form of a shard or knock topic")
    network_name, depth_digit, bucket_hex = match.groups()
    if depth_digit is None:
        return ParsedTopic(network_name=network_name, kind=TopicKind.KNOCK, depth=None, bucket=None)
    depth, bucket = int(depth_digit), int(bucket_hex, 16)
    if bucket != _bucket(bucket, depth):  # TOC-2 §3
        raise RemoteProtocolError(Reason.TOPIC, "the bucket has bits below its depth")
    return ParsedTopic(network_name=network_name, kind=TopicKind.SHARD, depth=depth, bucket=bucket)


def _bucket(home: int, depth: int) -> int:
    """The `depth` highest bits; the others are zero."""
    dropped = HOME_BITS - depth
    return home >> dropped << dropped
