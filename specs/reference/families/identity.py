"""The folder `identity`: seeds and their words, keys, cards, safety numbers.

Addresses have a folder of their own, and so have backups.
"""

from kit.envelope import HOUR, NOON
from kit.identity import Person, card_statement, safety_half, safety_number, words
from kit.network import home
from kit.primitives import (
    ED25519_NEUTRAL,
    ED25519_OF_ORDER_8,
    ed25519_second_signature,
    ed25519_sign_with,
    u32,
)
from kit.vectors import Case, Draw, Family, Fields

family = Family("identity")
NEUTRAL_IN_ANOTHER_FORM = (2**255 - 19 + 1).to_bytes(32, "little")


def person(draw: Draw, who: str = "alice") -> Person:
    return Person(seed=draw(who, 32))


def keys(owner: Person) -> Case:
    output = {
        "signing_seed": owner.signing_seed,
        "identity_key": owner.ik,
        "contact_secret": owner.contact_secret,
        "contact_key": owner.kk,
        "home": home(owner.ik),
    }
    return Case(operation="keys", input={"seed": owner.seed, "rotation": owner.rotation}, output=output)


@family.vector("TOC-1 §3", "From a seed to all keys of a person, with the first contact key.")
def worked_example(draw: Draw) -> Case:
    return keys(person(draw))


@family.vector("TOC-1 §3", "A later contact key: r is the hour in which it was made.")
def rotated_contact_key(draw: Draw) -> Case:
    return keys(Person(seed=draw("alice", 32), rotation=HOUR))


def spelt(entropy: bytes) -> Case:
    return Case(operation="words", input={"words": words(entropy)}, output={"seed": entropy})


def misspelt(text: str) -> Case:
    return Case(operation="words", input={"words": text}, expect="uri")


@family.vector("TOC-1 §2", "24 words and the seed that they spell.")
def words_of_a_seed(draw: Draw) -> Case:
    return spelt(draw("alice", 32))


@family.vector("TOC-1 §2", "A seed of zeros, which BIP-39's own vectors have too.")
def words_of_zeros(_draw: Draw) -> Case:
    return spelt(bytes(32))


@family.vector("TOC-1 §2", "A seed of ones, which BIP-39's own vectors have too.")
def words_of_ones(_draw: Draw) -> Case:
    return spelt(b"\xff" * 32)


@family.vector("TOC-1 §2", "A checksum with one wrong bit.")
def words_with_a_wrong_checksum(draw: Draw) -> Case:
    return misspelt(words(draw("alice", 32), wrong_bits=1))


@family.vector("TOC-1 §2", "The first two words changed places.")
def words_in_another_order(draw: Draw) -> Case:
    first, second, *others = words(draw("alice", 32)).split()
    return misspelt(" ".join([second, first, *others]))


@family.vector("TOC-1 §2", "The last word is missing.")
def words_one_too_few(draw: Draw) -> Case:
    return misspelt(words(draw("alice", 32)).rpartition(" ")[0])


@family.vector("TOC-1 §2", "The last word twice.")
def words_one_too_many(draw: Draw) -> Case:
    text = words(draw("alice", 32))
    return misspelt(text + " " + text.rpartition(" ")[2])


@family.vector("TOC-1 §2", "In capitals: whoever wants to take that brings it into lower case before.")
def words_in_capitals(draw: Draw) -> Case:
    return misspelt(words(draw("alice", 32)).upper())


@family.vector("TOC-1 §2", "Two spaces between two words.")
def words_with_two_spaces(draw: Draw) -> Case:
    return misspelt(words(draw("alice", 32)).replace(" ", "  ", 1))


@family.vector("TOC-1 §2", "12 words with a right checksum: BIP-39 knows them, Tocsin does not.")
def words_of_half_a_seed(draw: Draw) -> Case:
    return misspelt(words(draw("alice", 16)))


@family.vector("TOC-1 §2", "A word that is not on the English list.")
def word_of_another_list(draw: Draw) -> Case:
    return misspelt("tocsin " + words(draw("alice", 32)).partition(" ")[2])


def card(
    owner: Person,
    *,
    rotation: int = 0,
    not_before_hour: int = HOUR,
    signature: bytes | None = None,
    identity_key: bytes | None = None,
    contact_key: bytes | None = None,
    seen: Fields | None = None,
    expect: str = "ok",
) -> Case:
    """A card that is right but for what is named; the statement is told as its signer signed it."""
    statement = card_statement(owner.kk, rotation % 2**32, not_before_hour % 2**32)
    given = {
        "identity_key": identity_key or owner.ik,
        "contact_key": contact_key or owner.kk,
        "rotation": rotation,
        "not_before_hour": not_before_hour,
        "signature": owner.sign(statement) if signature is None else signature,
        "highest_seen": seen,
    }
    output = {"statement": statement} if expect == "ok" else {}
    return Case(operation="card", now=NOON, input=given, expect=expect, output=output)


@family.vector("TOC-1 §5", "A card of the first contact key, valid from this hour.")
def card_of_now(draw: Draw) -> Case:
    return card(person(draw))


@family.vector("TOC-1 §5", "A card may begin an hour ahead of our clock.")
def card_one_hour_ahead(draw: Draw) -> Case:
    return card(person(draw), not_before_hour=HOUR + 1)


@family.vector(
    "TOC-1 §5", "A card that begins two hours ahead is refused: its maker's clock, or ours, is wrong."
)
def card_two_hours_ahead(draw: Draw) -> Case:
    return card(person(draw), not_before_hour=HOUR + 2, expect="card")


@family.vector("TOC-1 §5", "Another contact key than the one signed: this is the man in the middle.")
def card_with_a_swapped_key(draw: Draw) -> Case:
    return card(person(draw), contact_key=person(draw, "mallory").kk, expect="card")


@family.vector("TOC-1 §5", "Another number of rotation than the one signed.")
def card_with_a_changed_rotation(draw: Draw) -> Case:
    owner = person(draw)
    signature = owner.sign(card_statement(owner.kk, 0, HOUR))
    return card(owner, rotation=1, signature=signature, expect="card")


@family.vector("TOC-1 §5", "Another hour than the one signed.")
def card_with_a_changed_hour(draw: Draw) -> Case:
    owner = person(draw)
    signature = owner.sign(card_statement(owner.kk, 0, HOUR + 5))
    return card(owner, signature=signature, expect="card")


@family.vector("TOC-1 §5", "Signed by somebody else.")
def card_of_another_signer(draw: Draw) -> Case:
    return card(person(draw), identity_key=person(draw, "bob").ik, expect="card")


@family.vector("TOC-1 §5", "A signature without the label could have been asked for in another place.")
def card_without_its_label(draw: Draw) -> Case:
    owner = person(draw)
    return card(owner, signature=owner.sign(owner.kk + u32(0) + u32(HOUR)), expect="card")


@family.vector("TOC-1 §5", "Numbers with their smallest byte first.")
def card_in_little_endian(draw: Draw) -> Case:
    owner = person(draw)
    hour = HOUR.to_bytes(4, "little")
    return card(owner, signature=owner.sign(b"tcn1/card" + owner.kk + u32(0) + hour), expect="card")


@family.vector("TOC-1 §5", "The group's order added to the signature's second half: a second signature.")
def card_with_a_malleable_signature(draw: Draw) -> Case:
    owner = person(draw)
    signature = ed25519_second_signature(owner.sign(card_statement(owner.kk, 0, HOUR)))
    return card(owner, signature=signature, expect="card")


@family.vector("TOC-1 §5", "An identity key of small order, for which this one signature fits any statement.")
def card_of_a_small_order_key(draw: Draw) -> Case:
    signature = ED25519_NEUTRAL + bytes(32)
    return card(person(draw), identity_key=ED25519_NEUTRAL, signature=signature, expect="card")


@family.vector("TOC-1 §5", "The same key with a y of 2^255 - 18: a second form of 1.")
def card_of_a_key_in_another_form(draw: Draw) -> Case:
    signature = ED25519_NEUTRAL + bytes(32)
    return card(person(draw), identity_key=NEUTRAL_IN_ANOTHER_FORM, signature=signature, expect="card")


@family.vector(
    "TOC-1 §5", "A first half of order 8 added to a true one: only with the cofactor would it verify."
)
def card_that_needs_the_cofactor(draw: Draw) -> Case:
    owner = person(draw)
    statement = card_statement(owner.kk, 0, HOUR)
    signature = ed25519_sign_with(owner.signing_seed, statement, twist=ED25519_OF_ORDER_8)
    return card(owner, signature=signature, expect="card")


@family.vector("TOC-1 §5", "The neutral element as the first half: the equation holds, and it is refused.")
def card_with_a_small_order_commitment(draw: Draw) -> Case:
    owner = person(draw)
    statement = card_statement(owner.kk, 0, HOUR)
    signature = ed25519_sign_with(owner.signing_seed, statement, commitment=ED25519_NEUTRAL)
    return card(owner, signature=signature, expect="card")


@family.vector("TOC-1 §5", "A signature made with another nonce than RFC 8032's is a signature.")
def card_signed_with_another_nonce(draw: Draw) -> Case:
    owner = person(draw)
    return card(owner, signature=ed25519_sign_with(owner.signing_seed, card_statement(owner.kk, 0, HOUR)))


@family.vector("TOC-1 §5", "A signature of 65 bytes.")
def card_with_a_long_signature(draw: Draw) -> Case:
    owner = person(draw)
    return card(owner, signature=owner.sign(card_statement(owner.kk, 0, HOUR)) + b"\0", expect="card")


@family.vector("TOC-1 §5", "A contact key of 31 bytes, rightly signed.")
def card_with_a_short_contact_key(draw: Draw) -> Case:
    owner = person(draw)
    signature = owner.sign(card_statement(owner.kk[:31], 0, HOUR))
    return card(owner, contact_key=owner.kk[:31], signature=signature, expect="card")


@family.vector("TOC-1 §5", "A contact key of 33 bytes, rightly signed.")
def card_with_a_long_contact_key(draw: Draw) -> Case:
    owner = person(draw)
    signature = owner.sign(card_statement(owner.kk + b"\0", 0, HOUR))
    return card(owner, contact_key=owner.kk + b"\0", signature=signature, expect="card")


@family.vector("TOC-1 §5", "An identity key of 31 bytes.")
def card_with_a_short_identity_key(draw: Draw) -> Case:
    owner = person(draw)
    return card(owner, identity_key=owner.ik[:31], expect="card")


@family.vector("TOC-1 §5", "A rotation of 2^32, over a signature for 0, which its last 32 bits are.")
def card_with_a_rotation_beyond_32_bits(draw: Draw) -> Case:
    owner = person(draw)
    return card(owner, rotation=2**32, signature=owner.sign(card_statement(owner.kk, 0, HOUR)), expect="card")


@family.vector("TOC-1 §5", "An hour of 2^32 more than the one signed.")
def card_with_an_hour_beyond_32_bits(draw: Draw) -> Case:
    owner = person(draw)
    signature = owner.sign(card_statement(owner.kk, 0, HOUR))
    return card(owner, not_before_hour=2**32 + HOUR, signature=signature, expect="card")


@family.vector("TOC-1 §5", "A signature of 63 bytes.")
def card_with_a_short_signature(draw: Draw) -> Case:
    owner = person(draw)
    signature = owner.sign(card_statement(owner.kk, 0, HOUR))[:63]
    return card(owner, signature=signature, expect="card")


@family.vector("TOC-1 §5.1", "The same card once more.")
def card_seen_before(draw: Draw) -> Case:
    owner = person(draw)
    return card(owner, rotation=7, seen={"rotation": 7, "contact_key": owner.kk})


@family.vector("TOC-1 §5.1", "A newer card than the newest seen.")
def card_newer_than_seen(draw: Draw) -> Case:
    return card(person(draw), rotation=8, seen={"rotation": 7, "contact_key": person(draw, "old").kk})


@family.vector("TOC-1 §5.1", "An older card than the newest seen: its key may be the stolen one.")
def card_older_than_seen(draw: Draw) -> Case:
    seen = {"rotation": 7, "contact_key": person(draw, "new").kk}
    return card(person(draw), rotation=6, seen=seen, expect="card")


@family.vector("TOC-1 §5.1", "The number of the newest card seen, with another key.")
def card_with_a_second_key_for_one_rotation(draw: Draw) -> Case:
    seen = {"rotation": 7, "contact_key": person(draw, "other").kk}
    return card(person(draw), rotation=7, seen=seen, expect="card")


def compared(mine: bytes, theirs: bytes) -> Case:
    output = {
        "half_of_a": safety_half(mine),
        "half_of_b": safety_half(theirs),
        "number": safety_number(mine, theirs),
    }
    return Case(operation="safety-number", input={"a": mine, "b": theirs}, output=output)


@family.vector("TOC-1 §6", "Sixty digits that two people compare.")
def safety_number_of_two(draw: Draw) -> Case:
    return compared(person(draw, "alice").ik, person(draw, "bob").ik)


@family.vector("TOC-1 §6", "The same two, seen from the other side: the halves are sorted.")
def safety_number_from_the_other_side(_draw: Draw) -> Case:
    draw = Draw("identity/safety-number-of-two")
    return compared(person(draw, "bob").ik, person(draw, "alice").ik)
