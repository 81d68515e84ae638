"""Control maps: what a pair's nodes tell each other that no person sees, as values and as CBOR.

It carries nothing out: what an offer, an answer, a grant or a card changes is the session's matter.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias, assert_never

from tocsin_protocol import cbor, fields
from tocsin_protocol.errors import LocalProtocolError, Reason, RemoteProtocolError
from tocsin_protocol.grant import Grant
from tocsin_protocol.hashing import H
from tocsin_protocol.identity import Card
from tocsin_protocol.limits import PUBLIC_KEY_SIZE, SIGNATURE_SIZE
from tocsin_protocol.types import ContactKey, Epoch, Hour

DIGEST_SIZE = 32
U32_MAX = (1 << 32) - 1


class Op(IntEnum):
    """What a control map asks for, under its key 0."""

    OFFER = 0
    ACCEPT = 1
    CONFIRM = 2
    GRANT = 3
    CARD = 4


OP_KEY = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A first half of the next generation; `digest` covers every byte of the map, unknown keys included."""

    generation: int
    ephemeral: bytes
    digest: bytes

    @staticmethod
    def make(generation: int, ephemeral: bytes) -> "Offer":
        return Offer(
            generation=generation, ephemeral=ephemeral, digest=digest_of(_offer_map(generation, ephemeral))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Accept:
    """The second half, for the offer that it names; both directions start in `epoch`."""

    generation: int
    ephemeral: bytes
    epoch: Epoch
    offer_digest: bytes
    digest: bytes

    @staticmethod
    def make(offer: Offer, ephemeral: bytes, epoch: Epoch) -> "Accept":
        pairs = _accept_map(offer.generation, ephemeral, epoch, offer.digest)
        return Accept(
            generation=offer.generation,
            ephemeral=ephemeral,
            epoch=epoch,
            offer_digest=offer.digest,
            digest=digest_of(pairs),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm:
    """Proves, by the key it is sealed under, that its sender has the generation."""

    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewGrant:
    """What its sender lets the receiver send from now on."""

    grant: Grant


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCard:
    """Another contact key of its sender; believed only once the signature was verified."""

    card: Card
    signature: bytes


Control: TypeAlias = Offer | Accept | Confirm | NewGrant | NewCard


def write_control(control: Control) -> cbor.Map:
    """The map for a notification's `control`; what the other side would refuse is refused here."""
    pairs = _map_of(control)
    try:
        read_control(pairs)
    except RemoteProtocolError as error:
        raise LocalProtocolError(f"no control map: {error.detail}") from error
    return pairs


def read_control(pairs: cbor.Map) -> Control:
    """What the map asks for; further keys are ignored, an unknown op is refused."""
    op = fields.require_uint(pairs, OP_KEY, U32_MAX)  # TOC-4 §5
    match op:
        case Op.OFFER:
            return Offer(generation=_generation(pairs), ephemeral=_ephemeral(pairs), digest=digest_of(pairs))
        case Op.ACCEPT:
            return Accept(
                generation=_generation(pairs),
                ephemeral=_ephemeral(pairs),
                epoch=Epoch(fields.require_uint(pairs, 3, U32_MAX)),
                offer_digest=fields.require_bytes(pairs, 4, DIGEST_SIZE),
                digest=digest_of(pairs),
            )
        case Op.CONFIRM:
            return Confirm(generation=_generation(pairs))
        case Op.GRANT:
            return NewGrant(grant=Grant.from_value(pairs.get(1)))
        case Op.CARD:
            return NewCard(card=_card(pairs), signature=fields.require_bytes(pairs, 4, SIGNATURE_SIZE))
        case _:
            raise RemoteProtocolError(Reason.PAYLOAD, f"no control op has number {op}")


def digest_of(pairs: cbor.Map) -> bytes:
    """What an answer names an offer by: its bytes are the one deterministic encoding of the map."""
    return H("tcn1/th", cbor.encode(pairs), DIGEST_SIZE)


def _map_of(control: Control) -> cbor.Map:
    match control:
        case Offer():
            return _offer_map(control.generation, control.ephemeral)
        case Accept():
            return _accept_map(control.generation, control.ephemeral, control.epoch, control.offer_digest)
        case Confirm():
            return {OP_KEY: int(Op.CONFIRM), 1: control.generation}
        case NewGrant():
            return {OP_KEY: int(Op.GRANT), 1: control.grant.to_map()}
        case NewCard(card=card):
            return {
                OP_KEY: int(Op.CARD),
                1: card.contact_key,
                2: card.rotation,
                3: card.not_before_hour,
                4: control.signature,
            }
        case _:
            assert_never(control)


def _offer_map(generation: int, ephemeral: bytes) -> cbor.Map:
    return {OP_KEY: int(Op.OFFER), 1: generation, 2: ephemeral}


def _accept_map(generation: int, ephemeral: bytes, epoch: Epoch, offer_digest: bytes) -> cbor.Map:
    return {OP_KEY: int(Op.ACCEPT), 1: generation, 2: ephemeral, 3: epoch, 4: offer_digest}


def _generation(pairs: cbor.Map) -> int:
    return fields.require_uint(pairs, 1, U32_MAX)


def _ephemeral(pairs: cbor.Map) -> bytes:
    return fields.require_bytes(pairs, 2, PUBLIC_KEY_SIZE)


def _card(pairs: cbor.Map) -> Card:
    return Card(
        contact_key=ContactKey(fields.require_bytes(pairs, 1, PUBLIC_KEY_SIZE)),
        rotation=fields.require_uint(pairs, 2, U32_MAX),
        not_before_hour=Hour(fields.require_uint(pairs, 3, U32_MAX)),
    )
