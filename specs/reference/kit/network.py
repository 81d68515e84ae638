"""A network's parameters, and the names of its topics (TOC-1 §1.3, TOC-2).

It refuses nothing: a vector may well need a depth of nine.
"""

from dataclasses import dataclass

from kit.primitives import H


@dataclass(frozen=True, kw_only=True)
class Network:
    name: str = "vectors"
    depth: int = 0
    pair_cost: int = 4
    knock_cost: int = 16

    @property
    def nid16(self) -> bytes:
        return H("tcn1/net", self.name.encode(), 16)


CHEAP = Network()
OTHER = Network(name="another")
REAL = Network(name="main", pair_cost=2**16, knock_cost=2**22)


def home(identity_key: bytes) -> int:
    return H("tcn1/home", identity_key, 16)[0]


def shard(network: Network, home_byte: int) -> str:
    bucket = home_byte & (0xFF << (8 - network.depth))
    return f"/tocsin/1/{network.name}/s/{network.depth}/{bucket & 0xFF:02x}"


def knocks(network: Network) -> str:
    return f"/tocsin/1/{network.name}/k"
