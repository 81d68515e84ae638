"""The folder `introduction`: message 1 through a door, written, and read by whoever made the door.

Answers are in the folder `reply`; what is knocked instead is in `knock`.
"""

from dataclasses import replace

from families.grant import told as told_grant
from kit.cbor import Value, encode
from kit.envelope import BCAST_72H, HOUR, NOON, PAIR_72H, Parts, seal
from kit.identity import Person, card_statement
from kit.introduction import DOORSTEP, Door, Sent, hello, introduce, invite_door, wrap
from kit.network import CHEAP, OTHER, home, shard
from kit.noise import LOW_ORDER
from kit.vectors import Case, Draw, Family, Fields

family = Family("introduction")
HELLO, ORDER = "TOC-5 §2", "TOC-5 §4.3"


def person(draw: Draw, who: str, rotation: int = 0) -> Person:
    return Person(seed=draw(who, 32), rotation=rotation)


def door(draw: Draw) -> Door:
    return invite_door(person(draw, "alice").ik, draw("secret", 32))


def sent(draw: Draw, payload: bytes | None = None, *, by: str = "bob", hour: int = HOUR) -> Sent:
    """Bob's message 1 to Alice, or what somebody says in his place."""
    content = encode(hello(person(draw, by))) if payload is None else payload
    alice = person(draw, "alice")
    return introduce(draw, person(draw, by), door(draw), alice.kk, content, hour=hour)


def writes(draw: Draw, *, text: str, grant: dict[int, Value] | None, depth: int = 0) -> Case:
    alice, bob = person(draw, "alice"), person(draw, "bob")
    payload = encode(hello(bob, k4=text or None, k6=depth, k7=grant))
    written = sent(draw, payload)
    given = {
        "seed": bob.seed,
        "rotation": 0,
        "not_before_hour": DOORSTEP,
        "door": door(draw).told(),
        "contact_key": alice.kk,
        "born_hour": HOUR,
        "text": text,
        "depth": depth,
        "grant": None if grant is None else encode(grant),
        "ephemeral": draw("ephemeral", 32),
        "nonce": draw("nonce", 24),
    }
    output = {
        "payload": payload,
        "prologue": written.prologue,
        "es": written.first.steps["es"],
        "static_hash": written.first.static_hash,
        "ss": written.first.steps["ss"],
        "message": written.first.message,
        "chaining_key": written.first.ck,
        "handshake_hash": written.first.h,
        "envelope": written.envelope,
        "topic": shard(CHEAP, home(alice.ik)),
    }
    return Case(operation="introduce", network=CHEAP, input=given, output=output)


@family.vector("TOC-5 §4.2", "Message 1 through the door of an invite.")
def worked_example(draw: Draw) -> Case:
    return writes(draw, text="", grant=None)


@family.vector("TOC-5 §4.2", "Message 1 with a text and a grant.")
def with_text_and_grant(draw: Draw) -> Case:
    return writes(draw, text="Bob, from the train", grant={0: 0b1001, 1: 20}, depth=4)


def reads(
    draw: Draw,
    envelope: bytes,
    *,
    expect: str = "ok",
    through: Door | None = None,
    rotations: tuple[int, ...] = (0,),
    now: int = NOON,
    seen: list[Fields] | None = None,
    output: Fields | None = None,
) -> Case:
    given = {
        "seed": person(draw, "alice").seed,
        "rotations": list(rotations),
        "door": (through or door(draw)).told(),
        "envelope": envelope,
        "seen": seen or [],
    }
    return Case(
        operation="read-introduction",
        network=CHEAP,
        now=now,
        input=given,
        expect=expect,
        output=output or {},
    )


def takes(
    draw: Draw,
    written: Sent,
    *,
    text: str = "",
    grant: dict[int, Value] | None = None,
    hour: int = DOORSTEP,
    own_rotation: int = 0,
    rotations: tuple[int, ...] = (0,),
    seen: list[Fields] | None = None,
) -> Case:
    bob = person(draw, "bob")
    output = {
        "identity_key": bob.ik,
        "contact_key": bob.kk,
        "rotation": 0,
        "not_before_hour": hour,
        "depth": 0,
        "text": text,
        "grant": None if grant is None else told_grant(grant),
        "own_rotation": own_rotation,
        "chaining_key": written.first.ck,
        "handshake_hash": written.first.h,
    }
    return reads(draw, written.envelope, rotations=rotations, seen=seen, output=output)


def says(draw: Draw, expect: str, **changed: Value) -> Case:
    """Bob says something in a message that is right in all else."""
    return reads(draw, sent(draw, encode(hello(person(draw, "bob"), **changed))).envelope, expect=expect)


@family.vector("TOC-5 §4.3", "The worked example, read by Alice.")
def worked_example_read(_draw: Draw) -> Case:
    draw = Draw("introduction/worked-example")
    return takes(draw, sent(draw))


@family.vector(HELLO, "A text is stripped like a notification's; what is unknown is ignored.")
def text_is_stripped(draw: Draw) -> Case:
    grant: dict[int, Value] = {1: 5}
    payload = encode(hello(person(draw, "bob"), k4="\u202eboB\x07", k7=grant, k40=[1, 2]))
    return takes(draw, sent(draw, payload), text="boB", grant=grant)


@family.vector(HELLO, "140 bytes of text.")
def text_of_140_bytes(draw: Draw) -> Case:
    text = "\u00fc" * 70
    return takes(draw, sent(draw, encode(hello(person(draw, "bob"), k4=text))), text=text)


@family.vector("TOC-5 §4.3", "A contact key replaced since the invite was made opens message 1 still.")
def opened_by_an_older_key(draw: Draw) -> Case:
    return takes(draw, sent(draw), rotations=(HOUR - 5, 0))


@family.vector("TOC-5 §4.3", "The contact key of the invite is not kept any more.")
def key_not_kept(draw: Draw) -> Case:
    return reads(draw, sent(draw).envelope, rotations=(HOUR - 5,), expect="noise")


@family.vector("TOC-5 §4.3", "Born in the invite's last hour.")
def last_hour(draw: Draw) -> Case:
    return takes(draw, sent(draw, hour=HOUR + 24))


@family.vector("TOC-5 §4.3", "Born an hour later: the invite is over, whenever it is read.")
def invite_expired(draw: Draw) -> Case:
    return reads(draw, sent(draw, hour=HOUR + 25).envelope, expect="hour")


@family.vector("TOC-5 §4.3", "Not an envelope between two people.")
def another_class(draw: Draw) -> Case:
    envelope = sent(draw).envelope
    return reads(draw, envelope[:4] + bytes([BCAST_72H]) + envelope[5:], expect="tag")


@family.vector("TOC-5 §4.3", "The tag of another invite.")
def another_tag(draw: Draw) -> Case:
    envelope = sent(draw).envelope
    return reads(draw, envelope[:13] + draw("other tag", 16) + envelope[29:], expect="tag")


@family.vector("TOC-5 §4.3", "Somebody saw the tag of an invite, and wrapped something under it.")
def wrapped_without_the_secret(draw: Draw) -> Case:
    envelope = wrap(door(draw).tag, draw("guess", 32), draw("nonce", 24), sent(draw).first.message)
    return reads(draw, envelope, expect="aead")


@family.vector("TOC-5 §4.3", "The hour of the header was changed on the way.")
def header_changed(draw: Draw) -> Case:
    envelope = sent(draw).envelope
    return reads(draw, envelope[:7] + (HOUR + 1).to_bytes(4, "big") + envelope[11:], expect="aead")


@family.vector(
    "TOC-5 §4.3", "Wrapped again for another hour by somebody who has the invite: HDR is bound twice."
)
def wrapped_again(draw: Draw) -> Case:
    message = sent(draw).first.message
    envelope = wrap(door(draw).tag, door(draw).key, draw("nonce", 24), message, hour=HOUR + 1)
    return reads(draw, envelope, expect="noise")


@family.vector("TOC-5 §4.3", "What is wrapped has no padding.")
def padding_missing(draw: Draw) -> Case:
    header = Parts(kind=PAIR_72H, tag=door(draw).tag, body=b"").header
    body = seal(CHEAP, header, door(draw).key, draw("nonce", 24), b"x" * 429)
    return reads(draw, Parts(kind=PAIR_72H, tag=door(draw).tag, body=body).all, expect="padding")


@family.vector("TOC-5 §1", "Message 1 was made for another network, and wrapped for this one.")
def of_another_network(draw: Draw) -> Case:
    bob, alice = person(draw, "bob"), person(draw, "alice")
    other = introduce(draw, bob, door(draw), alice.kk, encode(hello(bob)), network=OTHER)
    return reads(draw, other.envelope, expect="noise")


@family.vector(
    "TOC-5 §1",
    "Mallory prints her name over Alice's contact key and secret: Bob thinks that he writes to Mallory.",
)
def relabelled_invite(draw: Draw) -> Case:
    bob, alice, mallory = (person(draw, who) for who in ("bob", "alice", "mallory"))
    written = introduce(draw, bob, door(draw), alice.kk, encode(hello(bob)), responder=mallory.ik)
    return reads(draw, written.envelope, expect="noise")


@family.vector("TOC-5 §4.3", "Mallory put her contact key into Alice's invite: Alice cannot open what comes.")
def swapped_key_at_the_inviter(draw: Draw) -> Case:
    bob, mallory = person(draw, "bob"), person(draw, "mallory")
    written = introduce(draw, bob, door(draw), mallory.kk, encode(hello(bob)))
    return reads(draw, written.envelope, expect="noise")


@family.vector(
    HELLO, "Mallory passes on what Bob said, in a handshake of her own: his card is not over her key."
)
def card_over_another_key(draw: Draw) -> Case:
    payload = encode(hello(person(draw, "bob")))
    return reads(draw, sent(draw, payload, by="mallory").envelope, expect="card")


@family.vector("TOC-5 §1", "A static key of low order.")
def static_of_low_order(draw: Draw) -> Case:
    bob, alice = person(draw, "bob"), person(draw, "alice")
    written = introduce(draw, bob, door(draw), alice.kk, encode(hello(bob)), low_order=LOW_ORDER[0])
    return reads(draw, written.envelope, expect="noise")


@family.vector(HELLO, "Alice's own words come back to her.")
def from_oneself(draw: Draw) -> Case:
    payload = encode(hello(person(draw, "alice")))
    return reads(draw, sent(draw, payload, by="alice").envelope, expect="card")


@family.vector(HELLO, "A card that begins in the next hour.")
def card_one_hour_ahead(draw: Draw) -> Case:
    bob = person(draw, "bob")
    signature = bob.sign(card_statement(bob.kk, 0, HOUR + 1))
    return takes(draw, sent(draw, encode(hello(bob, k1=signature, k3=HOUR + 1))), hour=HOUR + 1)


@family.vector(HELLO, "A card that begins two hours from now.")
def card_not_yet_valid(draw: Draw) -> Case:
    bob = person(draw, "bob")
    return says(draw, "card", k1=bob.sign(card_statement(bob.kk, 0, HOUR + 2)), k3=HOUR + 2)


@family.vector(HELLO, "A card with a lower number than the one known of Bob.")
def card_older_than_seen(draw: Draw) -> Case:
    bob = person(draw, "bob")
    seen = [{"identity_key": bob.ik, "rotation": 7, "contact_key": person(draw, "bob", 7).kk}]
    return reads(draw, sent(draw).envelope, seen=seen, expect="card")


@family.vector(HELLO, "The card known of Bob, once more; and that of somebody else, which does not matter.")
def card_seen_before(draw: Draw) -> Case:
    bob, carol = person(draw, "bob"), person(draw, "carol", 9)
    seen = [
        {"identity_key": bob.ik, "rotation": 0, "contact_key": bob.kk},
        {"identity_key": carol.ik, "rotation": 9, "contact_key": carol.kk},
    ]
    return takes(draw, sent(draw), seen=seen)


@family.vector(HELLO, "A signature that is wrong by one bit.")
def signature_changed(draw: Draw) -> Case:
    right = hello(person(draw, "bob"))[1]
    return says(draw, "card", k1=bytes([right[0] ^ 1]) + right[1:])


@family.vector(HELLO, "An identity key of 31 bytes.")
def identity_key_too_short(draw: Draw) -> Case:
    return says(draw, "card", k0=person(draw, "bob").ik[:31])


@family.vector(HELLO, "No identity key.")
def identity_key_missing(draw: Draw) -> Case:
    return says(draw, "payload", k0=None)


@family.vector(HELLO, "A number of rotation below zero.")
def rotation_negative(draw: Draw) -> Case:
    return says(draw, "card", k2=-1)


@family.vector(HELLO, "A number of rotation that is false, which some languages take for 0.")
def rotation_is_false(draw: Draw) -> Case:
    return says(draw, "payload", k2=False)


@family.vector(HELLO, "Two things are wrong, and the card comes first.")
def card_before_depth(draw: Draw) -> Case:
    return says(draw, "card", k1=bytes(64), k6=9)


@family.vector(HELLO, "Depth 9.")
def depth_9(draw: Draw) -> Case:
    return says(draw, "payload", k6=9)


@family.vector(HELLO, "No depth: nobody could answer.")
def depth_missing(draw: Draw) -> Case:
    return says(draw, "payload", k6=None)


@family.vector(HELLO, "141 bytes of text, some of which would be stripped: what was sent counts.")
def text_of_141_bytes(draw: Draw) -> Case:
    return says(draw, "payload", k4="a" * 135 + "\u202e" * 2)


@family.vector(HELLO, "A text that is bytes.")
def text_is_bytes(draw: Draw) -> Case:
    return says(draw, "payload", k4=b"hello")


@family.vector(HELLO, "A grant of 201 bytes.")
def grant_too_large(draw: Draw) -> Case:
    return says(draw, "payload", k7={3: ["a" * 97, "b" * 97]})


@family.vector(HELLO, "The payload is a list.")
def payload_not_a_map(draw: Draw) -> Case:
    said = list(hello(person(draw, "bob")).values())
    return reads(draw, sent(draw, encode(said)).envelope, expect="payload")


@family.vector(HELLO, "The payload ends early.")
def payload_cut_short(draw: Draw) -> Case:
    said = encode(hello(person(draw, "bob")))
    return reads(draw, sent(draw, said[:-1]).envelope, expect="cbor")


@family.vector("TOC-5 §4.3", "Message 1 has lost its last byte, and was wrapped right.")
def message_cut_short(draw: Draw) -> Case:
    message = sent(draw).first.message[:-1]
    envelope = wrap(door(draw).tag, door(draw).key, draw("nonce", 24), message)
    return reads(draw, envelope, expect="noise")


@family.vector("TOC-5 §4.3", "A door for Carol alone, and Bob comes.")
def another_than_expected(draw: Draw) -> Case:
    bound = replace(door(draw), initiator=person(draw, "carol").ik)
    return reads(draw, sent(draw).envelope, through=bound, expect="card")
