"""A knock that was opened and believed, while it waits for a person: kept, restored, answered.

It is not the queue of them (`doorkeeper`), and until it is answered nothing about it leaves the node.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tocsin_protocol import cbor, fields, noise
from tocsin_protocol.errors import LocalProtocolError, RemoteProtocolError
from tocsin_protocol.grant import Grant
from tocsin_protocol.hello import Peer
from tocsin_protocol.identity import Card, Identity
from tocsin_protocol.introduce import Answered, IntroductionKind, identity_of, reply_to
from tocsin_protocol.limits import INTRODUCTION_REPLY_HOURS
from tocsin_protocol.types import BodyId, ContactKey, Hour, IdentityKey, Mid, Now


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`shown` once a second neighbour had the same knock: before, an answer would tell who we are.

    `from_contact`: somebody we know already, on a new device or so they say; such a one has no text.
    `rotation` is that of our contact key that it was meant for.
    """

    body_id: BodyId
    mid: Mid
    born_hour: Hour
    peer: Peer
    from_contact: bool
    shown: bool
    rotation: int
    handshake: noise.ResponderState = field(repr=False)

    @property
    def until_hour(self) -> Hour:
        """The knocker listens for an answer so long."""
        return Hour(self.born_hour + INTRODUCTION_REPLY_HOURS)

    def answer(
        self,
        *,
        identities: Sequence[Identity],
        now: Now,
        depth: int,
        grant: Grant | None = None,
        ephemeral: bytes,
    ) -> Answered:
        """Message 2, because a person said yes; to be called once, for what was shown."""
        if not self.shown:
            raise LocalProtocolError("a request that was not shown is not answered")
        return reply_to(
            kind=IntroductionKind.KNOCK,
            identity=identity_of(identities, self.rotation),
            handshake=self.handshake,
            peer=self.peer,
            born_hour=self.born_hour,
            now=now,
            depth=depth,
            grant=grant,
            ephemeral=ephemeral,
        )

    def encode(self) -> bytes:
        """One blob for a store; it holds secrets."""
        grant = self.peer.grant
        return cbor.encode(
            {
                0: self.body_id,
                1: self.mid,
                2: self.born_hour,
                3: self.peer.identity_key,
                4: self.peer.card.rotation,
                5: self.peer.card.not_before_hour,
                6: self.peer.depth,
                7: self.peer.text,
                8: None if grant is None else grant.to_map(),
                9: self.from_contact,
                10: self.shown,
                11: self.rotation,
                12: self.handshake.chaining_key,
                13: self.handshake.handshake_hash,
                14: self.handshake.initiator_ephemeral,
                15: self.handshake.initiator_static,
            }
        )

    @staticmethod
    def decode(data: bytes) -> "Request":
        """What `encode` wrote; other bytes are a damaged store, so the fault is ours."""
        try:
            return _restore(fields.map_of(data))
        except RemoteProtocolError as error:
            raise LocalProtocolError(f"a stored request is damaged: {error.detail}") from error


def _restore(stored: cbor.Map) -> Request:
    contact_key = ContactKey(fields.require(stored, 15, bytes))
    grant = stored.get(8)
    peer = Peer(
        identity_key=IdentityKey(fields.require(stored, 3, bytes)),
        card=Card(
            contact_key=contact_key,
            rotation=fields.require(stored, 4, int),
            not_before_hour=Hour(fields.require(stored, 5, int)),
        ),
        depth=fields.require(stored, 6, int),
        text=fields.require(stored, 7, str),
        grant=None if grant is None else Grant.from_value(grant),
    )
    return Request(
        body_id=BodyId(fields.require(stored, 0, bytes)),
        mid=Mid(fields.require(stored, 1, bytes)),
        born_hour=Hour(fields.require(stored, 2, int)),
        peer=peer,
        from_contact=stored.get(9) is True,
        shown=stored.get(10) is True,
        rotation=fields.require(stored, 11, int),
        handshake=noise.ResponderState(
            chaining_key=fields.require(stored, 12, bytes),
            handshake_hash=fields.require(stored, 13, bytes),
            initiator_ephemeral=fields.require(stored, 14, bytes),
            initiator_static=contact_key,
        ),
    )
