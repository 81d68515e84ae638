"""The folder `wheel`: roots of generations, wheels, chains, and what a turn leaves behind.

Everything in it is accepted: who derives another key simply recognises nothing.
"""

from kit.envelope import HOUR
from kit.identity import Person
from kit.primitives import x25519, x25519_public
from kit.session import (
    CONTROL,
    RING,
    Renewal,
    Stream,
    digest,
    direction,
    first_wheel,
    generation_0,
    transcript,
    wheel_at,
)
from kit.vectors import Case, Draw, Family, Fields

family = Family("wheel")
EPOCH = HOUR // 24


def roots(draw: Draw) -> tuple[bytes, bytes]:
    return generation_0(draw("k1", 32), draw("k2", 32), draw("h", 64))


@family.vector("TOC-4 §1.1", "From what Noise leaves to the roots of generation 0.")
def worked_example_roots(draw: Draw) -> Case:
    m, wheel_key = roots(draw)
    given = {"k1": draw("k1", 32), "k2": draw("k2", 32), "handshake_hash": draw("h", 64)}
    return Case(operation="generation-0", input=given, output={"m": m, "wheel_key": wheel_key})


@family.vector("TOC-4 §1.1", "From one generation to the next: two ephemeral keys, an offer and an accept.")
def generation_one(draw: Draw) -> Case:
    renewal = Renewal(
        m=draw("m", 32),
        generation=1,
        offer_secret=draw("offer", 32),
        accept_secret=draw("accept", 32),
        epoch=EPOCH,
    )
    shared = x25519(renewal.accept_secret, x25519_public(renewal.offer_secret))
    given = {
        "m": renewal.m,
        "generation": 1,
        "shared": shared,
        "offer": renewal.offer,
        "accept": renewal.accept,
    }
    told = renewal.told()
    output = {
        "offer_digest": digest(renewal.offer),
        "accept_digest": digest(renewal.accept),
        "th": transcript(renewal.offer, renewal.accept),
        "m": told["m"],
        "wheel_key": told["wheel_key"],
    }
    return Case(operation="generation-next", input=given, output=output)


WORKED = Draw("wheel/worked-example-roots")


def wheel(draw: Draw, sender: str, receiver: str, ahead: int, wheel_key: bytes | None = None) -> Case:
    keys = [Person(seed=draw(name, 32)).ik for name in ("alice", "bob")]
    people = dict(zip(("low", "high"), sorted(keys), strict=True))
    wheel_key = wheel_key or draw("wheel key", 32)
    given = {
        "wheel_key": wheel_key,
        "sender": people[sender],
        "receiver": people[receiver],
        "first_epoch": EPOCH,
        "epoch": EPOCH + ahead,
    }
    number = direction(people[sender], people[receiver])
    first = first_wheel(wheel_key, number, EPOCH)
    output = {"direction": number, "first": first, "wheel": wheel_at(first, EPOCH, EPOCH + ahead)}
    return Case(operation="wheel", input=given, output=output)


@family.vector("TOC-4 §1.2", "The wheel of what the lower identity key sends, in the first epoch.")
def worked_example_wheel(draw: Draw) -> Case:
    return wheel(draw, "low", "high", 0, roots(WORKED)[1])


@family.vector("TOC-4 §1.2", "The wheel of what the higher identity key sends, in the first epoch.")
def wheel_from_high_to_low(draw: Draw) -> Case:
    return wheel(draw, "high", "low", 0)


@family.vector("TOC-4 §1.2", "A wheel that turned three times.")
def wheel_three_days_on(draw: Draw) -> Case:
    return wheel(draw, "low", "high", 3)


def chain(draw: Draw, *, q: int = RING, device: int = 0, index: int = 0, wheel: bytes | None = None) -> Case:
    stream = Stream(wheel=wheel or draw("wheel", 32), epoch=EPOCH, q=q, device=device)
    message = stream.message(index)
    given = {"wheel": stream.wheel, "epoch": EPOCH, "device": device, "q": q, "index": index}
    output = {
        "first": stream.first,
        "chain": message.chain,
        "next": message.next,
        "message_key": message.key,
        "tag": message.tag,
        "nid": message.nid,
    }
    return Case(operation="chain", input=given, output=output)


@family.vector("TOC-4 §1.3", "The first message of a day that may ring.")
def worked_example(draw: Draw) -> Case:
    return chain(draw, wheel=first_wheel(roots(WORKED)[1], 0, EPOCH))


@family.vector("TOC-4 §1.3", "The third message of a day.")
def third_message(draw: Draw) -> Case:
    return chain(draw, index=2)


@family.vector("TOC-4 §1.4", "The first message of q = 0x80.")
def first_control_message(draw: Draw) -> Case:
    return chain(draw, q=CONTROL)


@family.vector("TOC-4 §1.4", "The highest device's q = 0x80: its byte is ff.")
def control_message_of_the_last_device(draw: Draw) -> Case:
    return chain(draw, q=CONTROL, device=127)


def turned(draw: Draw, epochs: int) -> Case:
    """From the first uncommitted epoch on, `epochs` of them at once."""
    first, to = draw("wheel", 32), EPOCH + epochs - 1
    kept = range(max(EPOCH, to - 7), to + 1)
    chains: list[Fields] = [
        {"epoch": epoch, "q": q, "chain": Stream(wheel=wheel_at(first, EPOCH, epoch), epoch=epoch, q=q).first}
        for epoch in kept
        for q in (RING, CONTROL)
    ]
    output = {
        "epoch": to + 1,
        "wheel": wheel_at(first, EPOCH, to + 1),
        "chains": chains,
    }
    return Case(operation="turn", input={"epoch": EPOCH, "wheel": first, "to": to}, output=output)


@family.vector("TOC-4 §4.2", "A turn into the next epoch: two chains stay, and the wheel after it.")
def turn_by_one(draw: Draw) -> Case:
    return turned(draw, 1)


@family.vector(
    "TOC-4 §4.2", "A turn over nine epochs: of the oldest no envelope lives, so it leaves no chain."
)
def turn_by_nine(draw: Draw) -> Case:
    return turned(draw, 9)
