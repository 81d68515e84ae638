"""Domain types that several machines share, so that no signature says bare `bytes`.

It holds no behaviour beyond reading a moment as an hour or an epoch.
"""

from dataclasses import dataclass
from typing import NewType

from tocsin_protocol.limits import EPOCH_HOURS, HOUR_MS

Hour = NewType("Hour", int)
"""`floor(unix / 3600)`; the unit in which an envelope says when it was born."""

Epoch = NewType("Epoch", int)
"""`floor(hour / 24)`: one UTC day; wheels turn once an epoch."""

IdentityKey = NewType("IdentityKey", bytes)
"""IK: an Ed25519 public key of 32 bytes; it names a person for ever."""

ContactKey = NewType("ContactKey", bytes)
"""KK: an X25519 public key of 32 bytes; it opens introductions."""

Tag = NewType("Tag", bytes)
"""16 bytes that one pair of people can recognise once and nobody else can link."""

MessageKey = NewType("MessageKey", bytes)
"""MK: 32 bytes that seal exactly one envelope."""

NotificationId = NewType("NotificationId", bytes)
"""nid: 16 bytes derived from the message key; never transmitted with the notification itself."""

Mid = NewType("Mid", bytes)
"""Message id: 32 bytes that are the dedupe key, the price paid and the storage rank at once."""

BodyId = NewType("BodyId", bytes)
"""16 bytes that name a knock whatever stamp it carries."""

Topic = NewType("Topic", str)
"""A gossip topic in canonical form."""

EnvelopeBytes = NewType("EnvelopeBytes", bytes)
"""One envelope as it travels: 512, 1024, 2048 or 5120 bytes."""

PeerId = NewType("PeerId", str)
"""A gossip neighbour, named as its transport names it; it says nothing about a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """One moment as two clocks show it: `unix_ms` may jump, `steady_ms` only rises."""

    unix_ms: int
    steady_ms: int

    @property
    def hour(self) -> Hour:
        return Hour(self.unix_ms // HOUR_MS)

    @property
    def epoch(self) -> Epoch:
        return epoch_of(self.hour)


def epoch_of(hour: Hour) -> Epoch:
    return Epoch(hour // EPOCH_HOURS)
