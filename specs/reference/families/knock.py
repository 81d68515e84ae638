"""The folder `knock`: message 1 to somebody of whom only the address is known, and the checks of its reader.

How many wait, and for how long, is local to that reader.
"""

from dataclasses import replace

from families.grant import told as told_grant
from kit import noise
from kit.cbor import Value, encode
from kit.envelope import HOUR, KNOCK_72H, NOON, PAIR_72H, mid, need, pad, stamp, work
from kit.identity import address, card_statement
from kit.introduction import DOORSTEP, hello
from kit.knock import (
    BITS,
    PAYLOAD_SIZE,
    TOPIC,
    Knock,
    inner_digest,
    inner_nonce,
    knock,
    knock_psk,
    person,
    zero_bits,
)
from kit.network import CHEAP, OTHER
from kit.primitives import u8
from kit.vectors import Case, Draw, Family, Fields

family = Family("knock")
READING, WORK = "TOC-5 §5.3", "TOC-5 §5.2"


@family.vector(WORK, "The nonce of the worked example, and the work that it proves.")
def inner_work(_draw: Draw) -> Case:
    draw = Draw("knock/worked-example")
    written, alice = knock(draw), person(draw, "alice")
    nonce = inner_nonce(written.first.static_hash, written.salt, BITS)
    digest = inner_digest(written.first.static_hash, written.salt, nonce)
    given = {
        "static_hash": written.first.static_hash,
        "identity_key": alice.ik,
        "ephemeral": written.first.ephemeral,
        "nonce": nonce,
    }
    output = {"salt": written.salt, "digest": digest, "zero_bits": zero_bits(digest)}
    return Case(operation="inner-work", input=given, output=output)


def writes(
    draw: Draw, *, policy: int, pin: str = "", text: str = "", grant: dict[int, Value] | None = None
) -> Case:
    bob, alice = person(draw, "bob"), person(draw, "alice")
    written = knock(draw, pin=pin, work="enough" if policy == 2 else "none", k4=text or None, k7=grant)
    nonce = inner_nonce(written.first.static_hash, written.salt, BITS) if policy == 2 else None
    given = {
        "seed": bob.seed,
        "rotation": 0,
        "not_before_hour": DOORSTEP,
        "address": address(CHEAP, alice.ik, alice.kk, flags=policy | (8 if pin else 0)),
        "pin": pin,
        "born_hour": HOUR,
        "tag": draw("tag", 16),
        "text": text,
        "depth": 0,
        "grant": None if grant is None else encode(grant),
        "ephemeral": draw("ephemeral", 32),
        "inner_nonce": nonce,
    }
    output = {
        "psk": knock_psk(alice.ik, alice.kk, pin),
        "static_hash": written.first.static_hash,
        "payload": written.payload,
        "padded": pad(written.payload, PAYLOAD_SIZE),
        "body_id": written.body_id,
        "chaining_key": written.first.ck,
        "handshake_hash": written.first.h,
        "envelope": written.parts.all,
    }
    return Case(operation="knock", network=CHEAP, input=given, output=output)


@family.vector("TOC-5 §5.1", "A knock under policy 2, before its outer stamp.")
def worked_example(draw: Draw) -> Case:
    return writes(draw, policy=2, text="Bob, from the train")


@family.vector("TOC-5 §5.1", "A knock with a PIN and a grant, where no inner work is asked for.")
def with_a_pin(draw: Draw) -> Case:
    return writes(draw, policy=1, pin="31415926", grant={1: 5})


def reads(
    draw: Draw,
    envelopes: list[bytes],
    outcomes: list[str],
    *,
    requests: list[Fields] | None = None,
    rotations: tuple[int, ...] = (0,),
    policy: int = 2,
    pin: str = "",
    now: int = NOON,
    contacts: list[Fields] | None = None,
    blocked: list[bytes] | None = None,
) -> Case:
    given = {
        "seed": person(draw, "alice").seed,
        "rotations": list(rotations),
        "policy": policy,
        "pin": pin,
        "contacts": contacts or [],
        "blocked": blocked or [],
        "envelopes": envelopes,
    }
    output = {"outcomes": outcomes, "requests": requests or []}
    return Case(operation="knocks", network=CHEAP, now=now, input=given, expect=outcomes[-1], output=output)


def request(
    draw: Draw,
    written: Knock,
    *,
    text: str = "",
    grant: dict[int, Value] | None = None,
    own_rotation: int = 0,
    from_contact: bool = False,
) -> Fields:
    bob = person(draw, "bob")
    return {
        "identity_key": bob.ik,
        "contact_key": bob.kk,
        "rotation": 0,
        "not_before_hour": DOORSTEP,
        "depth": 0,
        "text": text,
        "grant": None if grant is None else told_grant(grant),
        "own_rotation": own_rotation,
        "from_contact": from_contact,
        "body_id": written.body_id,
        "mid": mid(CHEAP, TOPIC, written.stamped),
    }


def refuses(
    draw: Draw, expect: str, written: Knock, *, policy: int = 2, pin: str = "", now: int = NOON
) -> Case:
    return reads(draw, [written.stamped], [expect], policy=policy, pin=pin, now=now)


@family.vector(READING, "The worked example, read by Alice.")
def worked_example_read(_draw: Draw) -> Case:
    draw, text = Draw("knock/worked-example"), "Bob, from the train"
    written = knock(draw, k4=text)
    return reads(draw, [written.stamped], ["ok"], requests=[request(draw, written, text=text)])


@family.vector(READING, "Under a PIN and without inner work.")
def right_pin(draw: Draw) -> Case:
    written = knock(draw, pin="31415926", work="none")
    told = [request(draw, written)]
    return reads(draw, [written.stamped], ["ok"], requests=told, policy=1, pin="31415926")


@family.vector(READING, "The address is older than a rotation of Alice's contact key.")
def opened_by_an_older_key(draw: Draw) -> Case:
    written = knock(draw, work="none")
    told = [request(draw, written)]
    return reads(draw, [written.stamped], ["ok"], requests=told, rotations=(HOUR - 5, 0), policy=1)


@family.vector(READING, "From a contact: shown as such, and without its text.")
def from_a_contact(draw: Draw) -> Case:
    written, bob = knock(draw, work="none", k4="I lost my phone, call +1"), person(draw, "bob")
    contacts = [{"identity_key": bob.ik, "rotation": 0, "contact_key": bob.kk}]
    told = [request(draw, written, from_contact=True)]
    return reads(draw, [written.stamped], ["ok"], requests=told, policy=1, contacts=contacts)


@family.vector(READING, "Another PIN: it looks like a knock at somebody else's.")
def wrong_pin(draw: Draw) -> Case:
    return refuses(draw, "noise", knock(draw, pin="31415927"), pin="31415926")


@family.vector(READING, "No PIN where one is asked for.")
def pin_missing(draw: Draw) -> Case:
    return refuses(draw, "noise", knock(draw), pin="31415926")


@family.vector(READING, "It is for Carol.")
def for_somebody_else(draw: Draw) -> Case:
    return refuses(draw, "noise", knock(draw, to="carol"))


@family.vector(READING, "Policy 0: knocks are refused, before anything is computed.")
def closed(draw: Draw) -> Case:
    return refuses(draw, "kind", knock(draw), policy=0)


@family.vector(READING, "An envelope of a pair.")
def another_kind(draw: Draw) -> Case:
    parts = replace(knock(draw).parts, kind=PAIR_72H)
    return reads(draw, [stamp(CHEAP, TOPIC, parts.all)], ["kind"])


@family.vector(READING, "Two hours ahead of Alice's clock.")
def from_the_future(draw: Draw) -> Case:
    return refuses(draw, "hour", knock(draw, hour=HOUR + 2))


@family.vector(READING, "Read from a store in its last hour: 72 of life, and one for clocks.")
def last_hour(draw: Draw) -> Case:
    written = knock(draw, work="none")
    now = NOON + 73 * 3600
    return reads(draw, [written.stamped], ["ok"], requests=[request(draw, written)], policy=1, now=now)


@family.vector(READING, "An hour later.")
def too_old(draw: Draw) -> Case:
    return refuses(draw, "hour", knock(draw), now=NOON + 74 * 3600)


@family.vector(READING, "The outer stamp does not pay: not one DH is spent on it.")
def stamp_too_cheap(draw: Draw) -> Case:
    envelope, price = knock(draw).parts.all, need(CHEAP, KNOCK_72H, 512)
    while work(mid(CHEAP, TOPIC, envelope)) * price < 2**64:
        envelope = envelope[:-1] + u8(envelope[-1] + 1)
    return reads(draw, [envelope], ["stamp"])


@family.vector(READING, "The tag of HDR was changed, and a new stamp paid.")
def header_changed(draw: Draw) -> Case:
    parts = replace(knock(draw).parts, tag=draw("other tag", 16))
    return reads(draw, [stamp(CHEAP, TOPIC, parts.all)], ["noise"])


@family.vector(READING, "The hour of HDR was changed, and a new stamp paid: a knock does not live on.")
def hour_changed(draw: Draw) -> Case:
    parts = replace(knock(draw).parts, hour=HOUR + 1)
    return reads(draw, [stamp(CHEAP, TOPIC, parts.all)], ["noise"])


@family.vector(READING, "Made for another network, stamped for this one.")
def of_another_network(draw: Draw) -> Case:
    return refuses(draw, "noise", knock(draw, network=OTHER))


@family.vector(READING, "A bit of the body is flipped.")
def body_changed(draw: Draw) -> Case:
    parts = knock(draw).parts
    body = parts.body[:200] + u8(parts.body[200] ^ 1) + parts.body[201:]
    return reads(draw, [stamp(CHEAP, TOPIC, replace(parts, body=body).all)], ["noise"])


@family.vector(READING, "An ephemeral key of low order.")
def ephemeral_of_low_order(draw: Draw) -> Case:
    parts = knock(draw).parts
    body = noise.LOW_ORDER[0] + parts.body[32:]
    return reads(draw, [stamp(CHEAP, TOPIC, replace(parts, body=body).all)], ["noise"])


@family.vector(READING, "A static key of low order, honestly sealed.")
def static_of_low_order(draw: Draw) -> Case:
    return refuses(draw, "noise", knock(draw, low_order=noise.LOW_ORDER[1]))


@family.vector(READING, "The same knock with a second stamp, and so a second message id.")
def stamped_again(draw: Draw) -> Case:
    written = knock(draw, work="none")
    first = written.stamped
    second = stamp(CHEAP, TOPIC, written.parts.all, after=int.from_bytes(first[-8:], "big"))
    return reads(draw, [first, second], ["ok", "tag"], requests=[request(draw, written)], policy=1)


@family.vector(READING, "A knock that failed comes again: nothing is spent on it a second time.")
def failed_and_stamped_again(draw: Draw) -> Case:
    written = knock(draw, pin="31415927")
    first = written.stamped
    second = stamp(CHEAP, TOPIC, written.parts.all, after=int.from_bytes(first[-8:], "big"))
    return reads(draw, [first, second], ["noise", "tag"], pin="31415926")


@family.vector(READING, "One ephemeral key makes two messages: the second is refused.")
def same_ephemeral_twice(draw: Draw) -> Case:
    first, second = knock(draw, work="none"), knock(draw, work="none", k4="second thoughts")
    told = [request(draw, first)]
    return reads(draw, [first.stamped, second.stamped], ["ok", "tag"], requests=told, policy=1)


@family.vector(READING, "Two knocks with two ephemeral keys: the later one takes the place of the first.")
def knocks_twice(draw: Draw) -> Case:
    first, second = knock(draw, work="none"), knock(draw, work="none", name="two", k4="second thoughts")
    told = [request(draw, first), request(draw, second, text="second thoughts")]
    return reads(draw, [first.stamped, second.stamped], ["ok", "ok"], requests=told, policy=1)


@family.vector(READING, "The padding has no beginning.")
def padding_missing(draw: Draw) -> Case:
    return refuses(draw, "padding", knock(draw, padded=bytes(PAYLOAD_SIZE)))


@family.vector(READING, "What is said is cut short.")
def payload_cut_short(draw: Draw) -> Case:
    content = encode(hello(person(draw, "bob")))[:-1]
    return refuses(draw, "cbor", knock(draw, payload=content))


@family.vector(READING, "A nonce of seven bytes.")
def inner_nonce_too_short(draw: Draw) -> Case:
    return refuses(draw, "payload", knock(draw, k5=bytes(7)))


@family.vector(READING, "Somebody else's card: it is not over the key that Noise authenticated.")
def card_of_another(draw: Draw) -> Case:
    carol = hello(person(draw, "carol"))
    return refuses(draw, "card", knock(draw, work="none", k0=carol[0], k1=carol[1]), policy=1)


@family.vector(READING, "Alice's own words come back to her, from somebody who has her seed.")
def from_oneself(draw: Draw) -> Case:
    return refuses(draw, "card", knock(draw, by="alice", work="none"), policy=1)


@family.vector(READING, "A card that begins two hours from now.")
def card_not_yet_valid(draw: Draw) -> Case:
    bob = person(draw, "bob")
    signature = bob.sign(card_statement(bob.kk, 0, HOUR + 2))
    return refuses(draw, "card", knock(draw, work="none", k1=signature, k3=HOUR + 2), policy=1)


@family.vector(READING, "A contact whose known card is newer: whoever knocks has a key that was replaced.")
def card_older_than_seen(draw: Draw) -> Case:
    newer, written = person(draw, "bob", 7), knock(draw, work="none")
    contacts = [{"identity_key": newer.ik, "rotation": 7, "contact_key": newer.kk}]
    return reads(draw, [written.stamped], ["card"], policy=1, contacts=contacts)


@family.vector(READING, "141 bytes of text.")
def text_too_long(draw: Draw) -> Case:
    return refuses(draw, "payload", knock(draw, work="none", k4="a" * 141), policy=1)


@family.vector(READING, "A grant that is broken.")
def grant_broken(draw: Draw) -> Case:
    return refuses(draw, "payload", knock(draw, work="none", k7={1: -1}), policy=1)


@family.vector(READING, "The card is wrong and the work too little: the card comes first, it is cheaper.")
def card_before_work(draw: Draw) -> Case:
    return refuses(draw, "card", knock(draw, work="too little", k1=bytes(64)))


@family.vector(READING, "The sender is blocked; that comes before the work as well.")
def blocked(draw: Draw) -> Case:
    written = knock(draw, work="too little")
    return reads(draw, [written.stamped], ["card"], blocked=[person(draw, "bob").ik])


@family.vector(WORK, "A bit too little inner work.")
def too_little_work(draw: Draw) -> Case:
    return refuses(draw, "stamp", knock(draw, work="too little"))


@family.vector(WORK, "Work for the address's policy of 2, where the owner asks for 3 by now.")
def work_for_an_older_policy(draw: Draw) -> Case:
    written = knock(draw, work="none")
    nonce = inner_nonce(written.first.static_hash, written.salt, BITS + 1, too_little=True)
    return refuses(draw, "stamp", knock(draw, k5=nonce), policy=3)


@family.vector(WORK, "No inner work at all.")
def work_missing(draw: Draw) -> Case:
    return refuses(draw, "stamp", knock(draw, work="none"))


@family.vector(WORK, "The work of another handshake of the same two people.")
def work_of_another_knock(draw: Draw) -> Case:
    other, mine = knock(draw, name="two", work="none"), knock(draw, work="none")
    number = 0
    while True:
        nonce = number.to_bytes(8, "big")
        theirs = zero_bits(inner_digest(other.first.static_hash, other.salt, nonce))
        if theirs >= BITS > zero_bits(inner_digest(mine.first.static_hash, mine.salt, nonce)):
            return refuses(draw, "stamp", knock(draw, k5=nonce))
        number += 1
