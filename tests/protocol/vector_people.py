"""People, doors and what they said, as the vectors tell them."""

from tests.protocol.test_vectors_grant import told_grant
from tests.protocol.vectors import Fields, Vector
from tocsin_protocol import cbor
from tocsin_protocol.grant import Grant
from tocsin_protocol.hello import Peer
from tocsin_protocol.identity import Card, Identity, Rotation, Seed
from tocsin_protocol.introduce import Door, IntroductionKind
from tocsin_protocol.types import ContactKey, Hour, IdentityKey, MessageKey, Tag


def identity_of(vector: Vector, rotation: int, not_before_hour: int = 0) -> Identity:
    number = Rotation(number=rotation, not_before_hour=Hour(not_before_hour))
    return Identity.from_seed(Seed(vector.raw("seed")), number)


def writer_of(vector: Vector) -> Identity:
    return identity_of(vector, vector.input["rotation"], vector.input["not_before_hour"])


def readers_of(vector: Vector) -> list[Identity]:
    return [identity_of(vector, rotation) for rotation in vector.input["rotations"]]


def cards_of(told: list[Fields]) -> dict[IdentityKey, Card]:
    return {
        IdentityKey(bytes.fromhex(card["identity_key"])): Card(
            contact_key=ContactKey(bytes.fromhex(card["contact_key"])),
            rotation=card["rotation"],
            not_before_hour=Hour(0),
        )
        for card in told
    }


def door_of(told: Fields) -> Door:
    initiator = told["initiator"]
    kind = IntroductionKind.INVITE if initiator is None else IntroductionKind.REINTRODUCTION
    return Door(
        kind=kind,
        responder=IdentityKey(bytes.fromhex(told["responder"])),
        initiator=None if initiator is None else IdentityKey(bytes.fromhex(initiator)),
        tag=Tag(bytes.fromhex(told["tag"])),
        key=MessageKey(bytes.fromhex(told["key"])),
        psk=bytes.fromhex(told["psk"]),
        first_hour=Hour(told["first_hour"]),
        last_hour=Hour(told["last_hour"]),
    )


def grant_of(vector: Vector) -> Grant | None:
    told = vector.input["grant"]
    return None if told is None else Grant.from_value(cbor.decode(bytes.fromhex(told)))


def told_peer(peer: Peer) -> Fields:
    return {
        "identity_key": peer.identity_key.hex(),
        "contact_key": peer.contact_key.hex(),
        "rotation": peer.card.rotation,
        "not_before_hour": peer.card.not_before_hour,
        "depth": peer.depth,
        "text": peer.text,
        "grant": told_grant(peer.grant),
    }
