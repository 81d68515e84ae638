"""The folder `noise`: the handshake alone, with any prologue, keys and payloads.

Who the keys belong to is in the folders `introduction` and `reply`.
"""

from kit import noise
from kit.primitives import x25519_public
from kit.vectors import Case, Draw, Family, Fields

family = Family("noise")
SECTION = "TOC-5 §1"


def public(draw: Draw, who: str) -> bytes:
    return x25519_public(draw(who, 32))


def first(draw: Draw, *, payload: bytes | None = None, low_order: bytes | None = None) -> noise.First:
    return noise.write_first(
        prologue=draw("prologue", 77),
        responder=public(draw, "responder"),
        psk=draw("psk", 32),
        static=draw("initiator", 32),
        ephemeral=draw("ephemeral", 32),
        payload=draw("payload", 40) if payload is None else payload,
        public_static=low_order,
    )


def second(draw: Draw, *, low_order: bytes | None = None) -> noise.Second:
    return noise.write_second(
        first(draw),
        initiator=public(draw, "initiator"),
        ephemeral=draw("second ephemeral", 32),
        payload=draw("second payload", 40),
        low_order=low_order,
    )


@family.vector(SECTION, "Message 1, from its parts: psk, e, es, s, ss.")
def worked_example(draw: Draw) -> Case:
    written = first(draw)
    given = {
        "prologue": draw("prologue", 77),
        "responder_static": public(draw, "responder"),
        "psk": draw("psk", 32),
        "static_secret": draw("initiator", 32),
        "ephemeral_secret": draw("ephemeral", 32),
        "payload": draw("payload", 40),
    }
    output = {
        "ephemeral": written.ephemeral,
        "es": written.steps["es"],
        "static_hash": written.static_hash,
        "ss": written.steps["ss"],
        "message": written.message,
        "chaining_key": written.ck,
        "handshake_hash": written.h,
    }
    return Case(operation="write-first", input=given, output=output)


@family.vector(SECTION, "Message 2, from its parts: e, ee, se; and what both sides hold then.")
def worked_example_answer(_draw: Draw) -> Case:
    draw = Draw("noise/worked-example")
    before, written = first(draw), second(draw)
    given = {
        "chaining_key": before.ck,
        "handshake_hash": before.h,
        "initiator_ephemeral": before.ephemeral,
        "initiator_static": public(draw, "initiator"),
        "ephemeral_secret": draw("second ephemeral", 32),
        "payload": draw("second payload", 40),
    }
    output = {
        "ephemeral": written.ephemeral,
        "ee": written.steps["ee"],
        "se": written.steps["se"],
        "message": written.message,
        "k1": written.k1,
        "k2": written.k2,
        "handshake_hash": written.h,
    }
    return Case(operation="write-second", input=given, output=output)


def reads_first(
    draw: Draw,
    *,
    expect: str = "noise",
    payload: bytes | None = None,
    written: noise.First | None = None,
    message: bytes | None = None,
    **changed: bytes,
) -> Case:
    """What the responder makes of it; `changed` is what it has in place of the right thing."""
    written = written or first(draw, payload=payload)
    given: Fields = {
        "prologue": draw("prologue", 77),
        "psk": draw("psk", 32),
        "static_secret": draw("responder", 32),
        "message": written.message if message is None else message,
        **changed,
    }
    output: Fields = {}
    if expect == "ok":
        output = {
            "initiator_ephemeral": written.ephemeral,
            "initiator_static": public(draw, "initiator"),
            "static_hash": written.static_hash,
            "payload": draw("payload", 40) if payload is None else payload,
            "chaining_key": written.ck,
            "handshake_hash": written.h,
        }
    return Case(operation="read-first", input=given, expect=expect, output=output)


def flipped(message: bytes, at: int) -> bytes:
    return message[:at] + bytes([message[at] ^ 1]) + message[at + 1 :]


@family.vector(SECTION, "Message 1, read.")
def first_read(draw: Draw) -> Case:
    return reads_first(draw, expect="ok")


@family.vector(SECTION, "Message 1 with an empty payload has 96 bytes.")
def first_without_payload(draw: Draw) -> Case:
    return reads_first(draw, expect="ok", payload=b"")


@family.vector(SECTION, "95 bytes.")
def first_too_short(draw: Draw) -> Case:
    return reads_first(draw, message=first(draw, payload=b"").message[:-1])


@family.vector(SECTION, "No bytes.")
def first_empty(draw: Draw) -> Case:
    return reads_first(draw, message=b"")


@family.vector(SECTION, "Another prologue: of another network, header or responder.")
def first_with_another_prologue(draw: Draw) -> Case:
    return reads_first(draw, prologue=flipped(draw("prologue", 77), 20))


@family.vector(SECTION, "Another psk: of another secret, or under another PIN.")
def first_with_another_psk(draw: Draw) -> Case:
    return reads_first(draw, psk=draw("another psk", 32))


@family.vector(SECTION, "It is for somebody else.")
def first_for_another(draw: Draw) -> Case:
    return reads_first(draw, static_secret=draw("somebody else", 32))


@family.vector(SECTION, "A bit of the ephemeral key is flipped.")
def first_with_a_changed_ephemeral(draw: Draw) -> Case:
    return reads_first(draw, message=flipped(first(draw).message, 3))


@family.vector(SECTION, "A bit of the sealed static key is flipped.")
def first_with_a_changed_static(draw: Draw) -> Case:
    return reads_first(draw, message=flipped(first(draw).message, 40))


@family.vector(SECTION, "A bit of the payload is flipped.")
def first_with_a_changed_payload(draw: Draw) -> Case:
    return reads_first(draw, message=flipped(first(draw).message, 90))


@family.vector(SECTION, "A byte behind the payload.")
def first_with_a_byte_more(draw: Draw) -> Case:
    return reads_first(draw, message=first(draw).message + b"\0")


@family.vector(SECTION, "An ephemeral key of low order: es would be known to everybody.")
def first_with_an_ephemeral_of_low_order(draw: Draw) -> Case:
    return reads_first(draw, message=noise.LOW_ORDER[0] + first(draw).message[32:])


@family.vector(SECTION, "A static key of low order, honestly sealed: ss would be known to everybody.")
def first_with_a_static_of_low_order(draw: Draw) -> Case:
    return reads_first(draw, written=first(draw, low_order=noise.LOW_ORDER[1]))


def reads_second(
    draw: Draw,
    *,
    expect: str = "noise",
    written: noise.Second | None = None,
    message: bytes | None = None,
    **changed: bytes,
) -> Case:
    """What the initiator makes of it."""
    written, before = written or second(draw), first(draw)
    given: Fields = {
        "chaining_key": before.ck,
        "handshake_hash": before.h,
        "ephemeral_secret": draw("ephemeral", 32),
        "static_secret": draw("initiator", 32),
        "message": written.message if message is None else message,
        **changed,
    }
    output: Fields = {}
    if expect == "ok":
        output = {
            "payload": draw("second payload", 40),
            "k1": written.k1,
            "k2": written.k2,
            "handshake_hash": written.h,
        }
    return Case(operation="read-second", input=given, expect=expect, output=output)


@family.vector(SECTION, "Message 2, read.")
def second_read(draw: Draw) -> Case:
    return reads_second(draw, expect="ok")


@family.vector(SECTION, "47 bytes.")
def second_too_short(draw: Draw) -> Case:
    return reads_second(draw, message=second(draw).message[:47])


@family.vector(SECTION, "The answer to another message 1 of the same two people.")
def second_to_another_first(draw: Draw) -> Case:
    other = Draw("noise/second-read")
    return reads_second(draw, message=second(other).message)


@family.vector(SECTION, "Read with another static key: se is not theirs to know.")
def second_with_another_static(draw: Draw) -> Case:
    return reads_second(draw, static_secret=draw("somebody else", 32))


@family.vector(SECTION, "A bit of the payload is flipped.")
def second_with_a_changed_payload(draw: Draw) -> Case:
    return reads_second(draw, message=flipped(second(draw).message, 50))


@family.vector(SECTION, "An ephemeral key of low order, by somebody who saw ck and h.")
def second_of_low_order(draw: Draw) -> Case:
    return reads_second(draw, written=second(draw, low_order=noise.LOW_ORDER[0]))


@family.vector(SECTION, "A bit of the ephemeral key is flipped.")
def second_with_a_changed_ephemeral(draw: Draw) -> Case:
    return reads_second(draw, message=flipped(second(draw).message, 3))


@family.vector(SECTION, "A byte behind the payload.")
def second_with_a_byte_more(draw: Draw) -> Case:
    return reads_second(draw, message=second(draw).message + bytes(1))
