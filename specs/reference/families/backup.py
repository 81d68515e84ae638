"""The folder `backup`: files that a seed or a passphrase opens, and files that nothing opens.

What a node does with the contacts it finds is a matter of TOC-5.
"""

import unicodedata
from dataclasses import replace

from kit.backup import Head, key_of_passphrase, key_of_seed, seal
from kit.cbor import Value, encode, told
from kit.envelope import HOUR
from kit.identity import Person
from kit.vectors import Case, Draw, Family

family = Family("backup")
SECTION = "TOC-1 §7"


def contents(draw: Draw, **changed: Value) -> dict[int, Value]:
    """What is in the smallest backup; `changed` has keys like k6."""
    owner = Person(seed=draw("alice", 32))
    plain: dict[int, Value] = {0: owner.ik, 1: [[0, HOUR, None]], 2: [], 3: [], 4: 5, 5: "", 6: {}}
    return plain | {int(name[1:]): value for name, value in changed.items()}


def contact(draw: Draw) -> dict[int, Value]:
    other = Person(seed=draw("bob", 32))
    return {
        0: other.ik,
        1: other.kk,
        2: 0,
        3: HOUR - 30,
        4: "Bob",
        5: 0,
        6: {0: 0b1011, 1: 20},
        7: {2: HOUR + 720, 3: ["org.example.mail"]},
        8: draw("reintro", 32),
    }


def opens(draw: Draw, content: Value) -> Case:
    seed, head = draw("alice", 32), Head(nonce=draw("nonce", 24))
    key = key_of_seed(seed)
    output = {"mode": 0, "key": key, "content": told(content)}
    given = {"seed": seed, "file": seal(head, key, encode(content))}
    return Case(operation="backup", input=given, output=output)


def refused(expect: str, draw: Draw, file: bytes) -> Case:
    return Case(operation="backup", input={"seed": draw("alice", 32), "file": file}, expect=expect)


def sealed(draw: Draw, content: bytes, head: Head | None = None) -> bytes:
    return seal(head or Head(nonce=draw("nonce", 24)), key_of_seed(draw("alice", 32)), content)


def good(draw: Draw) -> bytes:
    return sealed(draw, encode(contents(draw)))


@family.vector(SECTION, "A contact, a blocked identity, a rotated contact key, a PIN and a policy.")
def worked_example(draw: Draw) -> Case:
    content = contents(
        draw,
        k1=[[HOUR, HOUR, None], [0, HOUR - 1000, HOUR]],
        k2=[contact(draw)],
        k3=[Person(seed=draw("mallory", 32)).ik],
        k5="12345678",
        k6={"quiet": [22, 7]},
    )
    return opens(draw, content)


@family.vector(SECTION, "The backup of somebody who knows nobody yet.")
def without_contacts(draw: Draw) -> Case:
    return opens(draw, contents(draw))


@family.vector(
    SECTION, "Opened by a passphrase, which is brought into the form NFKC first: here an umlaut and an ½."
)
def with_a_passphrase(draw: Draw) -> Case:
    typed = "der Tu\u0308rmer la\u0308utet um \u00bd"
    passphrase = unicodedata.normalize("NFKC", typed).encode()
    head = Head(mode=1, salt=draw("salt", 16), nonce=draw("nonce", 24))
    key = key_of_passphrase(passphrase, head.salt)
    content = contents(draw)
    output = {"mode": 1, "passphrase_bytes": passphrase, "key": key, "content": told(content)}
    given = {"passphrase": typed, "file": seal(head, key, encode(content))}
    return Case(operation="backup", input=given, output=output)


@family.vector(SECTION, "Another seed.")
def wrong_seed(draw: Draw) -> Case:
    key = key_of_seed(draw("another seed", 32))
    return refused("aead", draw, seal(Head(nonce=draw("nonce", 24)), key, encode(contents(draw))))


@family.vector(SECTION, "A bit of the ciphertext is flipped.")
def changed_ciphertext(draw: Draw) -> Case:
    file = good(draw)
    return refused("aead", draw, file[:-20] + bytes([file[-20] ^ 1]) + file[-19:])


@family.vector(SECTION, "A bit of the nonce is flipped.")
def changed_nonce(draw: Draw) -> Case:
    file = good(draw)
    return refused("aead", draw, file[:30] + bytes([file[30] ^ 1]) + file[31:])


@family.vector(SECTION, "68 bytes: a head and a tag alone have 69.")
def too_short(draw: Draw) -> Case:
    return refused("length", draw, good(draw)[:68])


@family.vector(SECTION, "Another label.")
def wrong_label(draw: Draw) -> Case:
    head = Head(label=b"tcn2/backup", nonce=draw("nonce", 24))
    return refused("constant", draw, sealed(draw, encode(contents(draw)), head))


@family.vector(SECTION, "Version 2, right in all else.")
def version_2(draw: Draw) -> Case:
    head = Head(version=2, nonce=draw("nonce", 24))
    return refused("constant", draw, sealed(draw, encode(contents(draw)), head))


@family.vector(SECTION, "Mode 2, right in all else.")
def mode_2(draw: Draw) -> Case:
    return refused(
        "constant", draw, sealed(draw, encode(contents(draw)), Head(mode=2, nonce=draw("nonce", 24)))
    )


@family.vector(SECTION, "A salt where a seed needs none: a second form of the same backup.")
def salt_for_a_seed(draw: Draw) -> Case:
    head = replace(Head(nonce=draw("nonce", 24)), salt=draw("salt", 16))
    return refused("constant", draw, sealed(draw, encode(contents(draw)), head))


@family.vector(SECTION, "The content ends early, though the seal holds.")
def content_cut_short(draw: Draw) -> Case:
    return refused("cbor", draw, sealed(draw, encode(contents(draw))[:-1]))


@family.vector(SECTION, "The content is a list.")
def content_not_a_map(draw: Draw) -> Case:
    return refused("payload", draw, sealed(draw, encode(list(contents(draw).values()))))


@family.vector(SECTION, "No contact key at all.")
def no_rotation(draw: Draw) -> Case:
    return refused("payload", draw, sealed(draw, encode(contents(draw, k1=[]))))


@family.vector(SECTION, "Five contact keys, where at most four open introductions.")
def too_many_rotations(draw: Draw) -> Case:
    rotations = [[HOUR - number, HOUR - number, None] for number in range(5)]
    return refused("payload", draw, sealed(draw, encode(contents(draw, k1=rotations))))


@family.vector(SECTION, "A contact without `reintro`, who could not be told that this is a new device.")
def contact_without_reintro(draw: Draw) -> Case:
    incomplete = {key: value for key, value in contact(draw).items() if key != 8}
    return refused("payload", draw, sealed(draw, encode(contents(draw, k2=[incomplete]))))


@family.vector(SECTION, "A blocked identity of 31 bytes: to drop it would unblock somebody.")
def blocked_key_too_short(draw: Draw) -> Case:
    return refused("payload", draw, sealed(draw, encode(contents(draw, k3=[draw("mallory", 31)]))))


@family.vector(SECTION, "A knock policy of 8.")
def policy_8(draw: Draw) -> Case:
    return refused("payload", draw, sealed(draw, encode(contents(draw, k4=8))))


def breaks(draw: Draw, **changed: Value) -> Case:
    """Content that is right but for this."""
    return refused("payload", draw, sealed(draw, encode(contents(draw, **changed))))


def breaks_contact(draw: Draw, **changed: Value) -> Case:
    other = contact(draw) | {int(name[1:]): value for name, value in changed.items()}
    return breaks(draw, k2=[other])


@family.vector(SECTION, "Keys of a later version are ignored, wherever a map has fields.")
def unknown_keys(draw: Draw) -> Case:
    other = contact(draw) | {9: [1], 6: {1: 20, 4: None}}
    return opens(draw, contents(draw, k2=[other], k7={"a": b"b"}))


@family.vector(SECTION, "The order of the contact keys is not checked.")
def rotations_oldest_first(draw: Draw) -> Case:
    return opens(draw, contents(draw, k1=[[0, HOUR - 1000, HOUR], [HOUR, HOUR, None]]))


@family.vector(SECTION, "A name, a PIN and a depth of exactly their limits, and grants without limits.")
def greatest_fields(draw: Draw) -> Case:
    other = contact(draw) | {2: 2**32 - 1, 4: "n" * 64, 5: 8, 6: {}, 7: {3: []}}
    return opens(draw, contents(draw, k2=[other], k4=7, k5="1" * 12))


@family.vector(SECTION, "The identity key is not that of the seed which opened the file.")
def another_owner(draw: Draw) -> Case:
    return breaks(draw, k0=Person(seed=draw("bob", 32)).ik)


@family.vector(SECTION, "One contact twice, each time with another name.")
def contact_twice(draw: Draw) -> Case:
    return breaks(draw, k2=[contact(draw), contact(draw) | {4: "Robert"}])


@family.vector(SECTION, "One blocked identity twice.")
def blocked_twice(draw: Draw) -> Case:
    return breaks(draw, k3=[draw("mallory", 32)] * 2)


@family.vector(SECTION, "A PIN of 13 bytes.")
def pin_too_long(draw: Draw) -> Case:
    return breaks(draw, k5="1" * 13)


@family.vector(SECTION, "A PIN that is a number: its zeros in front would be lost.")
def pin_as_a_number(draw: Draw) -> Case:
    return breaks(draw, k5=1234)


@family.vector(SECTION, "A rotation of two numbers.")
def rotation_of_two_numbers(draw: Draw) -> Case:
    return breaks(draw, k1=[[0, HOUR]])


@family.vector(SECTION, "A rotation beyond 32 bits.")
def rotation_beyond_32_bits(draw: Draw) -> Case:
    return breaks(draw, k1=[[2**32, HOUR, None]])


@family.vector(SECTION, "A policy that is a list.")
def policy_not_a_map(draw: Draw) -> Case:
    return breaks(draw, k6=[])


@family.vector(SECTION, "No list of blocked identities, where an empty one would say that there is nobody.")
def blocked_missing(draw: Draw) -> Case:
    content = {key: value for key, value in contents(draw).items() if key != 3}
    return refused("payload", draw, sealed(draw, encode(content)))


@family.vector(SECTION, "A contact's name of 65 bytes.")
def name_too_long(draw: Draw) -> Case:
    return breaks_contact(draw, k4="n" * 65)


@family.vector(SECTION, "A contact that listens at depth 9.")
def depth_9(draw: Draw) -> Case:
    return breaks_contact(draw, k5=9)


@family.vector(SECTION, "A contact's r beyond 32 bits.")
def contact_rotation_beyond_32_bits(draw: Draw) -> Case:
    return breaks_contact(draw, k2=2**32)


@family.vector(SECTION, "A contact's grant that is null; it would have to be absent.")
def grant_null(draw: Draw) -> Case:
    return breaks_contact(draw, k6=None)


@family.vector(SECTION, "Kinds below zero.")
def grant_of_negative_kinds(draw: Draw) -> Case:
    return breaks_contact(draw, k6={0: -1})


@family.vector(SECTION, "More a day than 32 bits hold.")
def grant_of_too_many_a_day(draw: Draw) -> Case:
    return breaks_contact(draw, k6={1: 2**32})


@family.vector(SECTION, "A last hour beyond 32 bits.")
def grant_of_too_late_an_hour(draw: Draw) -> Case:
    return breaks_contact(draw, k7={2: 2**32})


@family.vector(SECTION, "An app without a name.")
def grant_for_an_empty_app(draw: Draw) -> Case:
    return breaks_contact(draw, k7={3: [""]})


@family.vector(SECTION, "An app of 101 bytes.")
def grant_for_too_long_an_app(draw: Draw) -> Case:
    return breaks_contact(draw, k7={3: ["a" * 101]})


@family.vector(SECTION, "An app's name that TOC-6 would strip.")
def grant_for_an_unsafe_app(draw: Draw) -> Case:
    return breaks_contact(draw, k7={3: ["org.example.\u202email"]})


@family.vector(SECTION, "A grant of more than 2,048 bytes, each of its apps allowed.")
def grant_too_large(draw: Draw) -> Case:
    return breaks_contact(draw, k7={3: ["a" * 100] * 21})
