"""The parameters that every node of one network shares, and the name that separates networks.

It is not a node's configuration: two nodes with different parameters do not hear each other.
"""

import re
from dataclasses import dataclass
from functools import cached_property

from tocsin_protocol.errors import LocalProtocolError
from tocsin_protocol.hashing import H

NAME = re.compile(r"[a-z0-9-]{1,32}")
DEPTH_MAX = 8


@dataclass(frozen=True, kw_only=True)
class Network:
    """`pair_cost` and `knock_cost` are C of the stamp price, in hashes per 512 bytes."""

    name: str
    depth: int = 0
    pair_cost: int = 1 << 16
    knock_cost: int = 1 << 22

    def __post_init__(self) -> None:
        # TOC-1 §1.3
        if not NAME.fullmatch(self.name):
            raise LocalProtocolError(f"network name {self.name!r}: use 1 to 32 of a-z, 0-9 and -")
        if not 0 <= self.depth <= DEPTH_MAX:
            raise LocalProtocolError(f"network depth {self.depth}: must be 0 to {DEPTH_MAX}")
        if self.pair_cost < 1 or self.knock_cost < 1:
            raise LocalProtocolError("a stamp costs at least one hash")

    @cached_property
    def nid16(self) -> bytes:
        """NID16: 16 bytes that bind every envelope to this network."""
        return H("tcn1/net", self.name.encode("ascii"), 16)
