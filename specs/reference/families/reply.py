"""The folder `reply`: message 2, written and read, and the envelope that proves that it came.

How long it waits, and how often it leaves again, is nobody's to see in bytes.
"""

from dataclasses import dataclass

from families.grant import told as told_grant
from kit.cbor import Value, encode
from kit.envelope import BCAST_72H, HOUR, NOON
from kit.identity import Person, card_statement
from kit.introduction import DOORSTEP, Sent, hello, introduce, invite_door, reply_entry, session_of, wrap
from kit.network import CHEAP
from kit.noise import LOW_ORDER, Second, write_second
from kit.session import CONTROL, Stream, direction, first_wheel, notice
from kit.vectors import Case, Draw, Family, Fields

family = Family("reply")
TODAY = HOUR // 24
READING = "TOC-5 §3.3"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """Alice's answer to Bob's message 1, or what somebody says in her place."""

    first: Sent
    second: Second
    epoch: int
    payload: bytes
    envelope: bytes


def person(draw: Draw, who: str) -> Person:
    return Person(seed=draw(who, 32))


def asked(draw: Draw, born: int = HOUR) -> Sent:
    alice, bob = person(draw, "alice"), person(draw, "bob")
    door = invite_door(alice.ik, draw("secret", 32))
    return introduce(draw, bob, door, alice.kk, encode(hello(bob)), hour=born)


def reply(
    draw: Draw,
    *,
    epoch: int = TODAY,
    hour: int = HOUR,
    payload: bytes | None = None,
    born: int = HOUR,
    entry_epoch: int | None = None,
    key: bytes | None = None,
    low_order: bytes | None = None,
    **changed: Value,
) -> Reply:
    """`changed` are keys of what she says; `entry_epoch` is that of a tag which is not of the hour."""
    first = asked(draw, born)
    content = encode(hello(person(draw, "alice"), k8=epoch) | said(changed)) if payload is None else payload
    second = write_second(
        first.first,
        initiator=person(draw, "bob").kk,
        ephemeral=draw("second ephemeral", 32),
        payload=content,
        low_order=low_order,
    )
    tag, entry_key = reply_entry(first.first.ck, hour // 24 if entry_epoch is None else entry_epoch)
    envelope = wrap(tag, key or entry_key, draw("second nonce", 24), second.message, hour=hour)
    return Reply(first=first, second=second, epoch=epoch, payload=content, envelope=envelope)


def said(changed: dict[str, Value]) -> dict[int, Value]:
    return {int(name[1:]): value for name, value in changed.items()}


def writes(draw: Draw, grant: dict[int, Value] | None) -> Case:
    alice, bob = person(draw, "alice"), person(draw, "bob")
    written = reply(draw) if grant is None else reply(draw, k7=grant)
    given = {
        "seed": alice.seed,
        "rotation": 0,
        "not_before_hour": DOORSTEP,
        "chaining_key": written.first.first.ck,
        "handshake_hash": written.first.first.h,
        "initiator_ephemeral": written.first.first.ephemeral,
        "initiator_static": bob.kk,
        "message_1_hour": HOUR,
        "depth": 0,
        "grant": None if grant is None else encode(grant),
        "ephemeral": draw("second ephemeral", 32),
        "born_hour": HOUR,
        "nonce": draw("second nonce", 24),
    }
    tag, key = reply_entry(written.first.first.ck, TODAY)
    output = {
        "epoch": TODAY,
        "payload": written.payload,
        "ee": written.second.steps["ee"],
        "se": written.second.steps["se"],
        "message": written.second.message,
        "tag": tag,
        "key": key,
        "envelope": written.envelope,
        "k1": written.second.k1,
        "k2": written.second.k2,
        "handshake_hash": written.second.h,
        **session_of(written.second),
    }
    return Case(operation="reply", network=CHEAP, now=NOON, input=given, output=output)


@family.vector("TOC-5 §3.2", "Message 2 to the worked example, and the session that it begins.")
def worked_example(_draw: Draw) -> Case:
    return writes(Draw("introduction/worked-example"), None)


@family.vector("TOC-5 §3.2", "Message 2 with a grant.")
def with_a_grant(draw: Draw) -> Case:
    return writes(draw, {0: 1, 2: HOUR + 720})


def reads(
    draw: Draw,
    envelope: bytes,
    *,
    expect: str = "ok",
    now: int = NOON,
    born: int = HOUR,
    output: Fields | None = None,
    seen: list[Fields] | None = None,
) -> Case:
    """Bob reads, who wrote to Alice in the hour `born`."""
    first, alice = asked(draw, born), person(draw, "alice")
    given = {
        "seed": person(draw, "bob").seed,
        "rotation": 0,
        "identity_key": alice.ik,
        "contact_key": alice.kk,
        "message_1_hour": born,
        "chaining_key": first.first.ck,
        "handshake_hash": first.first.h,
        "ephemeral": first.secret,
        "envelope": envelope,
        "seen": seen or [],
    }
    return Case(
        operation="read-reply", network=CHEAP, now=now, input=given, expect=expect, output=output or {}
    )


def takes(
    draw: Draw, written: Reply, *, now: int = NOON, born: int = HOUR, grant: dict[int, Value] | None = None
) -> Case:
    output = {
        "identity_key": person(draw, "alice").ik,
        "rotation": 0,
        "not_before_hour": DOORSTEP,
        "depth": 0,
        "grant": None if grant is None else told_grant(grant),
        "epoch": written.epoch,
        **session_of(written.second),
    }
    return reads(draw, written.envelope, now=now, born=born, output=output)


def moment(hour: int) -> int:
    return hour * 3600 + 1800


@family.vector(READING, "Message 2 of the worked example, read by Bob: both hold the same session.")
def worked_example_read(_draw: Draw) -> Case:
    draw = Draw("introduction/worked-example")
    return takes(draw, reply(draw))


@family.vector(READING, "Alice grants Bob something.")
def grant_of_theirs(draw: Draw) -> Case:
    grant: dict[int, Value] = {1: 3}
    return takes(draw, reply(draw, k7=grant), grant=grant)


@family.vector(
    "TOC-5 §3.1", "Repeated the next day: the same message 2 under that day's tag, and e0 of yesterday."
)
def repeated_on_the_next_day(draw: Draw) -> Case:
    return takes(draw, reply(draw, hour=HOUR + 24), now=moment(HOUR + 24))


@family.vector("TOC-5 §3.1", "Yesterday's tag today: a tag that stayed the same would link the days.")
def tag_of_yesterday(draw: Draw) -> Case:
    written = reply(draw, hour=HOUR + 24, entry_epoch=TODAY)
    return reads(draw, written.envelope, now=moment(HOUR + 24), expect="tag")


@family.vector("TOC-5 §3.1", "The right tag on an envelope of another class.")
def another_class(draw: Draw) -> Case:
    envelope = reply(draw).envelope
    return reads(draw, envelope[:4] + bytes([BCAST_72H]) + envelope[5:], expect="tag")


@family.vector(READING, "Somebody copied the tag, and has no key.")
def front_run(draw: Draw) -> Case:
    return reads(draw, reply(draw, key=draw("guess", 32)).envelope, expect="aead")


@family.vector(READING, "The last hour of thirty days.")
def last_hour(draw: Draw) -> Case:
    written = reply(draw, hour=HOUR + 720)
    return takes(draw, written, now=moment(HOUR + 720))


@family.vector(READING, "An hour after thirty days.")
def too_late(draw: Draw) -> Case:
    return reads(draw, reply(draw, hour=HOUR + 721).envelope, now=moment(HOUR + 721), expect="hour")


@family.vector(READING, "e0 is the epoch of the envelope that brings it, at the latest.")
def epoch_after_the_envelope(draw: Draw) -> Case:
    return reads(draw, reply(draw, epoch=TODAY + 1).envelope, expect="payload")


@family.vector(READING, "e0 is 31 epochs old: made on the first day, read after the last.")
def epoch_31_days_ago(draw: Draw) -> Case:
    written = reply(draw, hour=HOUR + 720, epoch=TODAY)
    return takes(draw, written, now=moment(HOUR + 744))


@family.vector(READING, "e0 is 32 epochs old.")
def epoch_32_days_ago(draw: Draw) -> Case:
    written = reply(draw, hour=HOUR + 720, epoch=TODAY)
    return reads(draw, written.envelope, now=moment(HOUR + 768), expect="payload")


@family.vector(READING, "Bob's clock is in yesterday still, and e0 is the envelope's epoch: he waits for it.")
def epoch_ahead_of_our_clock(draw: Draw) -> Case:
    dawn = (TODAY + 1) * 24
    return takes(draw, reply(draw, hour=dawn, epoch=TODAY + 1), now=moment(dawn - 1))


@family.vector(READING, "No e0.")
def epoch_missing(draw: Draw) -> Case:
    payload = encode(hello(person(draw, "alice")))
    return reads(draw, reply(draw, payload=payload).envelope, expect="payload")


@family.vector(READING, "e0 is a byte string.")
def epoch_is_bytes(draw: Draw) -> Case:
    return reads(draw, reply(draw, k8=TODAY.to_bytes(4, "big")).envelope, expect="payload")


@family.vector(READING, "Message 2 to another message 1 of Bob's: its pending state is another.")
def to_another_message_1(draw: Draw) -> Case:
    other = reply(Draw("reply/to-another-message-2"))
    tag, key = reply_entry(asked(draw).first.ck, TODAY)
    envelope = wrap(tag, key, draw("second nonce", 24), other.second.message)
    return reads(draw, envelope, expect="noise")


@family.vector(READING, "An ephemeral key of low order.")
def ephemeral_of_low_order(draw: Draw) -> Case:
    return reads(draw, reply(draw, low_order=LOW_ORDER[1]).envelope, expect="noise")


@family.vector(READING, "Somebody else's identity over Alice's contact key, with no card of it.")
def identity_of_another(draw: Draw) -> Case:
    return reads(draw, reply(draw, k0=person(draw, "mallory").ik).envelope, expect="card")


def swapped(draw: Draw, as_whom: str) -> Case:
    alice, bob, mallory = (person(draw, who) for who in ("alice", "bob", "mallory"))
    door = invite_door(alice.ik, draw("secret", 32))
    first = introduce(draw, bob, door, mallory.kk, encode(hello(bob)))
    content = encode(hello(person(draw, as_whom), k8=TODAY))
    second = write_second(
        first.first, initiator=bob.kk, ephemeral=draw("second ephemeral", 32), payload=content
    )
    tag, key = reply_entry(first.first.ck, TODAY)
    case = reads(draw, wrap(tag, key, draw("second nonce", 24), second.message), expect="card")
    case.input.update(contact_key=mallory.kk, chaining_key=first.first.ck, handshake_hash=first.first.h)
    return case


@family.vector(
    READING,
    "The swapped key at the initiator: Mallory's contact key was in the invite, and she answers as Alice.",
)
def swapped_key_at_the_initiator(draw: Draw) -> Case:
    return swapped(draw, as_whom="alice")


@family.vector(
    READING, "The same, but Mallory says who she is, with a card that is right: she was not asked."
)
def answered_by_somebody_else(draw: Draw) -> Case:
    return swapped(draw, as_whom="mallory")


@family.vector(READING, "A card that begins two hours from now.")
def card_not_yet_valid(draw: Draw) -> Case:
    alice = person(draw, "alice")
    signature = alice.sign(card_statement(alice.kk, 0, HOUR + 2))
    return reads(draw, reply(draw, k1=signature, k3=HOUR + 2).envelope, expect="card")


@family.vector(READING, "A card with a lower number than the one known of Alice.")
def card_older_than_seen(draw: Draw) -> Case:
    alice = person(draw, "alice")
    newer = Person(seed=alice.seed, rotation=7)
    seen = [{"identity_key": alice.ik, "rotation": 7, "contact_key": newer.kk}]
    return reads(draw, reply(draw).envelope, seen=seen, expect="card")


@family.vector(READING, "Depth 9.")
def depth_9(draw: Draw) -> Case:
    return reads(draw, reply(draw, k6=9).envelope, expect="payload")


@family.vector(READING, "A grant that is a list.")
def grant_is_a_list(draw: Draw) -> Case:
    return reads(draw, reply(draw, k7=[1, 2]).envelope, expect="payload")


@family.vector(
    READING, "A text belongs into message 1; where there is one, it is held to its rules all the same."
)
def text_too_long(draw: Draw) -> Case:
    return reads(draw, reply(draw, k4="a" * 141).envelope, expect="payload")


@family.vector(READING, "What she says is cut short.")
def payload_cut_short(draw: Draw) -> Case:
    payload = encode(hello(person(draw, "alice"), k8=TODAY))[:-1]
    return reads(draw, reply(draw, payload=payload).envelope, expect="cbor")


@family.vector(
    "TOC-5 §3.4", "Bob's confirmation: the first envelope of generation 0 proves that he has the keys."
)
def worked_example_confirmation(_draw: Draw) -> Case:
    draw = Draw("introduction/worked-example")
    alice, bob = person(draw, "alice"), person(draw, "bob")
    session = session_of(reply(draw).second)
    number = direction(bob.ik, alice.ik)
    wheel = first_wheel(session["wheel_key"], number, TODAY)
    stream = Stream(wheel=wheel, epoch=TODAY, q=CONTROL)
    payload, nonce = notice({0: 2, 1: 0}), draw("confirmation nonce", 24)
    message = stream.message(0)
    given = {
        "m": session["m"],
        "wheel_key": session["wheel_key"],
        "own": bob.ik,
        "other": alice.ik,
        "epoch": TODAY,
        "born_hour": HOUR,
        "nonce": nonce,
    }
    output = {
        "direction": number,
        "wheel": wheel,
        "chain": stream.first,
        "message_key": message.key,
        "tag": message.tag,
        "payload": payload,
        "envelope": stream.envelope(0, nonce, payload, hour=HOUR),
    }
    return Case(operation="confirm", network=CHEAP, now=NOON, input=given, output=output)
