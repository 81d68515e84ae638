"""The next index of a stream that we send: taken from a block that is stored before any of it is used.

It seals nothing and stores nothing; after a crash a stream goes on at what was stored, never before it.
"""

from dataclasses import dataclass, field

from tocsin_protocol.limits import CHAIN_INDEX_MAX, INDEX_BLOCK_CONTROL_SIZE, INDEX_BLOCK_SIZE
from tocsin_protocol.wheel import Chain, Link, Q, step_key

BLOCK = {Q.RING: INDEX_BLOCK_SIZE, Q.CONTROL: INDEX_BLOCK_CONTROL_SIZE}
ONE_SHOT_BLOCK = 1
"""A sender that ends after one message would waste the rest of a block each time it starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """`chain` is at the next index; `stored` is greater than every index used, and never below the next."""

    chain: Chain = field(repr=False)
    stored: int

    def take(self, block: int) -> "Taken | None":
        """The next message; None when the epoch has no index left."""
        if self.chain.index > CHAIN_INDEX_MAX:
            return None
        following, link = self.chain.step()
        raised = None
        if self.stored <= link.index:  # TOC-4 §3.1
            raised = _ahead(following, min(link.index + block, CHAIN_INDEX_MAX + 1))
        return Taken(link=link, following=following, raised=raised)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A message, the chain after it, and the chain to store first when the block ran out."""

    link: Link = field(repr=False)
    following: Chain = field(repr=False)
    raised: Chain | None = field(repr=False)


def _ahead(chain: Chain, index: int) -> Chain:
    key = chain.key
    for _ in range(chain.index, index):
        key, _unused = step_key(key)
    return Chain(epoch=chain.epoch, q=chain.q, index=index, key=key)
