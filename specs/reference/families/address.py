"""The folder `address`: the text that a person prints, and the base32 that it is written in.

Invites are written the same way; they belong to TOC-5 and to a folder of their own.
"""

from kit import base32
from kit.identity import Person, address
from kit.network import CHEAP, OTHER
from kit.primitives import H, u8
from kit.vectors import Case, Draw, Family

family = Family("address")


def person(draw: Draw) -> Person:
    return Person(seed=draw("alice", 32))


def good(owner: Person, text: str, flags: int = 5) -> Case:
    prefix = u8(1) + u8(flags) + owner.ik + owner.kk
    output = {
        "nid16": CHEAP.nid16,
        "prefix": prefix,
        "check": H("tcn1/addr", CHEAP.nid16 + prefix, 16)[:4],
        "version": 1,
        "flags": flags,
        "identity_key": owner.ik,
        "contact_key": owner.kk,
        "knock_policy": flags & 7,
        "pin_required": bool(flags & 8),
        "text": address(CHEAP, owner.ik, owner.kk, flags=flags),
    }
    return Case(operation="address", network=CHEAP, input={"text": text}, output=output)


def bad(text: str) -> Case:
    return Case(operation="address", network=CHEAP, input={"text": text}, expect="uri")


def right(draw: Draw, flags: int = 5) -> str:
    owner = person(draw)
    return address(CHEAP, owner.ik, owner.kk, flags=flags)


@family.vector("TOC-1 §4", "An address with the policy that is the default, 5.")
def worked_example(draw: Draw) -> Case:
    return good(person(draw), right(draw))


@family.vector("TOC-1 §4.1", "In capitals, as a QR code has it.")
def capitals(draw: Draw) -> Case:
    return good(person(draw), right(draw).upper())


@family.vector("TOC-1 §4.1", "In both cases, as nobody writes it and everybody reads it.")
def mixed_case(draw: Draw) -> Case:
    return good(person(draw), right(draw).title())


@family.vector("TOC-1 §4", "Policy 0: knocks are refused.")
def no_knocks(draw: Draw) -> Case:
    return good(person(draw), right(draw, flags=0), flags=0)


@family.vector("TOC-1 §4", "Policy 7 and a PIN: the greatest flags there are.")
def every_flag(draw: Draw) -> Case:
    return good(person(draw), right(draw, flags=15), flags=15)


@family.vector("TOC-1 §4.1", "One character of the key is another one.")
def mistyped(draw: Draw) -> Case:
    text = right(draw)
    other = "a" if text[50] != "a" else "b"
    return bad(text[:50] + other + text[51:])


@family.vector("TOC-1 §4.1", "One bit of the check is wrong.")
def wrong_check(draw: Draw) -> Case:
    owner = person(draw)
    return bad(address(CHEAP, owner.ik, owner.kk, flip_check=1))


@family.vector("TOC-1 §4.1", "An address of another network, whose check covers that network.")
def another_network(draw: Draw) -> Case:
    owner = person(draw)
    return bad(address(OTHER, owner.ik, owner.kk))


@family.vector("TOC-1 §4.1", "Version 0, with a right check.")
def version_0(draw: Draw) -> Case:
    owner = person(draw)
    return bad(address(CHEAP, owner.ik, owner.kk, version=0))


@family.vector("TOC-1 §4.1", "Version 2, with a right check.")
def version_2(draw: Draw) -> Case:
    owner = person(draw)
    return bad(address(CHEAP, owner.ik, owner.kk, version=2))


@family.vector("TOC-1 §4.1", "The lowest of the flags that have no meaning yet, with a right check.")
def unknown_flag_16(draw: Draw) -> Case:
    return bad(right(draw, flags=16 + 5))


@family.vector("TOC-1 §4.1", "The second of the flags that have no meaning yet, with a right check.")
def unknown_flag_32(draw: Draw) -> Case:
    return bad(right(draw, flags=32 + 5))


@family.vector("TOC-1 §4.1", "The third of the flags that have no meaning yet, with a right check.")
def unknown_flag_64(draw: Draw) -> Case:
    return bad(right(draw, flags=64 + 5))


@family.vector("TOC-1 §4.1", "The highest of the flags that have no meaning yet, with a right check.")
def unknown_flag_128(draw: Draw) -> Case:
    return bad(right(draw, flags=128 + 5))


@family.vector("TOC-1 §4.1", "A character is missing.")
def too_short(draw: Draw) -> Case:
    return bad(right(draw)[:-1])


@family.vector("TOC-1 §4.1", "A character too many, although it is an a.")
def too_long(draw: Draw) -> Case:
    return bad(right(draw) + "a")


@family.vector("TOC-1 §4.1", "The digit 1 in place of a character.")
def foreign_digit(draw: Draw) -> Case:
    return bad(right(draw)[:-1] + "1")


@family.vector("TOC-1 §4.1", "A line feed behind.")
def line_feed_behind(draw: Draw) -> Case:
    return bad(right(draw) + "\n")


@family.vector("TOC-1 §4.1", "A space in front: whoever strips it does so before decoding.")
def space_in_front(draw: Draw) -> Case:
    return bad(" " + right(draw))


@family.vector("TOC-1 §4.1", "Only ASCII letters are folded: this long s would become a plain one.")
def long_s(draw: Draw) -> Case:
    return bad(right(draw).replace("s", "\u017f", 1))


@family.vector("TOC-1 §4.1", "The sign of degrees Kelvin, of which many languages make a k.")
def kelvin_sign(draw: Draw) -> Case:
    text = right(draw)
    place = text.index("k", len("tocsin:id/"))
    return bad(text[:place] + "\u212a" + text[place + 1 :])


@family.vector(
    "TOC-1 §4.1", "The keys are not looked at: these are no points of a curve, and of small order."
)
def keys_that_are_none(_draw: Draw) -> Case:
    ik, kk = b"\xff" * 32, bytes(32)
    output = good(Person(seed=bytes(32)), address(CHEAP, ik, kk)).output
    prefix = u8(1) + u8(5) + ik + kk
    changed = {
        "prefix": prefix,
        "check": H("tcn1/addr", CHEAP.nid16 + prefix, 16)[:4],
        "identity_key": ik,
        "contact_key": kk,
        "text": address(CHEAP, ik, kk),
    }
    return Case(operation="address", network=CHEAP, input={"text": changed["text"]}, output=output | changed)


@family.vector("TOC-1 §4.1", "The scheme of an invite.")
def scheme_of_an_invite(draw: Draw) -> Case:
    return bad(right(draw).replace("id", "invite"))


@family.vector("TOC-1 §4.1", "No scheme.")
def no_scheme(draw: Draw) -> Case:
    return bad(right(draw).removeprefix("tocsin:id/"))


def text_for(raw: bytes, text: str) -> Case:
    return Case(operation="base32", input={"text": text, "size": len(raw)}, output={"data": raw})


def text_refused(raw: bytes, text: str) -> Case:
    return Case(operation="base32", input={"text": text, "size": len(raw)}, expect="uri")


@family.vector("TOC-1 §1.5", "107 bytes, the size of an invite: the last character has 4 bits to spare.")
def base32_with_bits_to_spare(draw: Draw) -> Case:
    raw = draw("raw", 107)
    return text_for(raw, base32.encode(raw))


@family.vector("TOC-1 §1.5", "One of the spare bits is set: that would be a second text for the same bytes.")
def base32_spare_bit_set(draw: Draw) -> Case:
    raw = draw("raw", 107)
    return text_refused(raw, base32.encode(raw, spare_bits=1))


@family.vector("TOC-1 §1.5", "Padding, as RFC 4648 has it, is not written and not read.")
def base32_padded(draw: Draw) -> Case:
    raw = draw("raw", 107)
    return text_refused(raw, base32.encode(raw) + "====")


@family.vector("TOC-1 §1.5", "A hyphen for the eye is not read.")
def base32_hyphenated(draw: Draw) -> Case:
    raw = draw("raw", 10)
    text = base32.encode(raw)
    return text_refused(raw, text[:8] + "-" + text[8:])


@family.vector("TOC-1 §1.5", "A letter that is not ASCII's, and would be one in capitals.")
def base32_foreign_letter(draw: Draw) -> Case:
    raw = draw("raw", 10)
    return text_refused(raw, "\u017f" + base32.encode(raw)[1:])


@family.vector("TOC-1 §1.5", "The digits 0 and 8, which the alphabet lacks.")
def base32_foreign_digits(draw: Draw) -> Case:
    raw = draw("raw", 10)
    return text_refused(raw, "08" + base32.encode(raw)[2:])
