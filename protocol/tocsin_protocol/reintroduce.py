"""A known contact on a new or restored device: the doors that both derive from their first introduction.

It is not the handshake through such a door (`introduce`), nor the end of the old session (`standing`).
"""

from dataclasses import dataclass, field, replace

from tocsin_protocol import noise
from tocsin_protocol.errors import LocalProtocolError
from tocsin_protocol.hashing import KDF
from tocsin_protocol.introduce import Door, IntroductionKind
from tocsin_protocol.limits import CATCH_UP_EPOCHS, EPOCH_HOURS, MESSAGE_KEY_SIZE, TAG_SIZE
from tocsin_protocol.types import Epoch, Hour, IdentityKey, MessageKey, Tag
from tocsin_protocol.wheel import FIRST_GENERATION, Roots, direction_of

SECRET_SIZE = 32


def reintroduction_secret(roots: Roots) -> bytes:
    """`reintro`: to be derived at once, since the root it comes from is soon deleted."""
    if roots.generation != FIRST_GENERATION:
        raise LocalProtocolError("only an introduction gives the secret of later ones")
    return KDF(roots.key, "tcn1/reintro", b"", SECRET_SIZE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquaintance:
    """Two people who were introduced before; `used` are the epochs in which the other came again already."""

    own: IdentityKey
    other: IdentityKey
    secret: bytes = field(repr=False)
    used: frozenset[Epoch] = frozenset()

    def way_out(self, epoch: Epoch) -> Door:
        """For our own message 1, born in this epoch."""
        return self._door(self.own, self.other, epoch)

    def way_in(self, epoch: Epoch) -> Door | None:
        """What to listen for in a live epoch; None when theirs has opened already."""
        return None if epoch in self.used else self._door(self.other, self.own, epoch)

    def use_up(self, epoch: Epoch) -> "Acquaintance":
        """After a message 1 of this epoch opened; epochs of which nothing is alive are forgotten."""
        kept = {each for each in self.used if each > epoch - CATCH_UP_EPOCHS}
        return replace(self, used=frozenset(kept | {epoch}))

    def _door(self, initiator: IdentityKey, responder: IdentityKey, epoch: Epoch) -> Door:
        """Another one for each direction and day, so that none of them can be linked."""
        place = bytes((direction_of(initiator, responder),)) + epoch.to_bytes(4, "big")  # TOC-5 §6
        return Door(
            kind=IntroductionKind.REINTRODUCTION,
            responder=responder,
            initiator=initiator,
            tag=Tag(KDF(self.secret, "tcn1/retag", place, TAG_SIZE)),
            key=MessageKey(KDF(self.secret, "tcn1/rekey", place, MESSAGE_KEY_SIZE)),
            psk=KDF(self.secret, "tcn1/repsk", place, noise.KEY_SIZE),
            first_hour=Hour(epoch * EPOCH_HOURS),
            last_hour=Hour((epoch + 1) * EPOCH_HOURS - 1),
        )
