"""Our keys, cards and safety numbers, and the package that writes our words, against `identity`."""

from mnemonic import Mnemonic

from tests.protocol.vectors import Fields, Vector, check, vectors_of
from tocsin_protocol.errors import Reason, RemoteProtocolError
from tocsin_protocol.identity import (
    Card,
    Identity,
    Rotation,
    Seed,
    check_successor,
    safety_number,
    verify_card,
)
from tocsin_protocol.limits import SEED_SIZE
from tocsin_protocol.topics import home
from tocsin_protocol.types import ContactKey, Hour, IdentityKey

ENGLISH = Mnemonic("english")


def run_keys(vector: Vector) -> Fields:
    rotation = Rotation.at(Hour(vector.input["rotation"]))
    identity = Identity.from_seed(Seed(vector.raw("seed")), rotation)
    return {
        "identity_key": identity.identity_key.hex(),
        "contact_secret": identity.contact_secret.hex(),
        "contact_key": identity.contact_key.hex(),
        "home": home(identity.identity_key),
    }


def run_words(vector: Vector) -> Fields:
    text = vector.input["words"]
    if not ENGLISH.check(text) or len(seed := bytes(ENGLISH.to_entropy(text))) != SEED_SIZE:
        raise RemoteProtocolError(Reason.URI, "no 24 words of a seed")
    assert ENGLISH.to_mnemonic(seed) == text
    return {"seed": seed.hex()}


def card_of(told: Fields) -> Card:
    return Card(
        contact_key=ContactKey(bytes.fromhex(told["contact_key"])),
        rotation=told["rotation"],
        not_before_hour=Hour(told.get("not_before_hour", 0)),
    )


def run_card(vector: Vector) -> Fields:
    card = card_of(vector.input)
    verify_card(card, IdentityKey(vector.raw("identity_key")), vector.raw("signature"), vector.now_hour)
    seen = vector.input["highest_seen"]
    check_successor(card, card_of(seen) if seen else None)
    return {"statement": card.statement.hex()}


def run_safety_number(vector: Vector) -> Fields:
    return {"number": safety_number(IdentityKey(vector.raw("a")), IdentityKey(vector.raw("b")))}


@vectors_of("identity")
def test_identity(vector: Vector) -> None:
    operations = {
        "keys": run_keys,
        "words": run_words,
        "card": run_card,
        "safety-number": run_safety_number,
    }
    check(vector, operations)
