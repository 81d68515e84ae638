"""Our control maps against the vectors of `control`."""

from typing import assert_never

from tests.protocol.test_vectors_grant import told_grant
from tests.protocol.vectors import Fields, Vector, check, vectors_of
from tocsin_protocol import notification
from tocsin_protocol.control import (
    Accept,
    Confirm,
    Control,
    NewCard,
    NewGrant,
    Offer,
    read_control,
    write_control,
)
from tocsin_protocol.errors import Reason, RemoteProtocolError
from tocsin_protocol.identity import Card, check_successor, verify_card
from tocsin_protocol.types import ContactKey, Hour, IdentityKey


def run_control(vector: Vector) -> Fields:
    content = notification.decode(vector.raw("payload"))
    if content.control is None:
        raise RemoteProtocolError(Reason.PAYLOAD, "it controls nothing")
    control = read_control(content.control)
    assert write_control(control) == {key: content.control[key] for key in write_control(control)}
    match control:
        case Confirm(generation=generation) if generation != vector.input["generation"]:
            raise RemoteProtocolError(Reason.PAYLOAD, "it was sealed under another generation")
        case NewCard(card=card, signature=signature):
            verify_card(card, IdentityKey(vector.raw("identity_key")), signature, vector.now_hour)
            check_successor(card, card_seen(vector.input["highest_seen"]))
        case _:
            pass
    return told_control(control)


def card_seen(told: Fields) -> Card:
    contact_key = ContactKey(bytes.fromhex(told["contact_key"]))
    return Card(contact_key=contact_key, rotation=told["rotation"], not_before_hour=Hour(0))


def told_control(control: Control) -> Fields:
    match control:
        case Offer():
            return {
                "op": "offer",
                "generation": control.generation,
                "ephemeral": control.ephemeral.hex(),
                "digest": control.digest.hex(),
            }
        case Accept():
            return {
                "op": "accept",
                "generation": control.generation,
                "ephemeral": control.ephemeral.hex(),
                "epoch": control.epoch,
                "offer_digest": control.offer_digest.hex(),
                "digest": control.digest.hex(),
            }
        case Confirm(generation=generation):
            return {"op": "confirm", "generation": generation}
        case NewGrant(grant=grant):
            return {"op": "grant", "grant": told_grant(grant)}
        case NewCard(card=card):
            return {
                "op": "card",
                "contact_key": card.contact_key.hex(),
                "rotation": card.rotation,
                "not_before_hour": card.not_before_hour,
                "statement": card.statement.hex(),
            }
        case _:
            assert_never(control)


@vectors_of("control")
def test_control(vector: Vector) -> None:
    check(vector, {"control": run_control})
