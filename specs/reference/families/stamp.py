"""The folder `stamp`: what an envelope costs, and whether a message id has paid it.

The message id is taken as given here; how it is made is in the folder `envelope`.
"""

from kit.envelope import BCAST_72H, KNOCK_72H, PAIR_72H, need, work
from kit.network import REAL
from kit.vectors import Case, Draw, Family

family = Family("stamp")
LIMIT = 2**64


def costs(kind: int, size: int) -> Case:
    output = {"need": str(need(REAL, kind, size))}
    return Case(operation="need", network=REAL, input={"kind": kind, "size": size}, output=output)


def paid(work_shown: int, price: int, level: int = 0) -> Case:
    """A message id that shows this much work; its other bytes are all ones, to be overlooked."""
    return judged(work_shown.to_bytes(8, "big") + b"\xff" * 24, price, level)


def judged(message_id: bytes, price: int, level: int = 0) -> Case:
    total = price * 2**level
    product = work(message_id) * total
    return Case(
        operation="paid",
        input={"mid": message_id, "need": str(price), "level": level},
        expect="ok" if product < LIMIT else "stamp",
        output={"work": str(work(message_id)), "product": str(product)},
    )


def refused(case: Case) -> Case:
    if case.expect != "stamp":
        raise ValueError("this one pays")
    return case


@family.vector("TOC-3 §5.1", "A notification of 512 bytes for 72 hours: 2^16 times 3.")
def price_of_a_notification(_draw: Draw) -> Case:
    return costs(PAIR_72H, 512)


@family.vector("TOC-3 §5.1", "A knock: 2^22 times 3.")
def price_of_a_knock(_draw: Draw) -> Case:
    return costs(KNOCK_72H, 512)


@family.vector("TOC-3 §5.1", "5120 bytes for 168 hours: 2^16 times 10 times 7.")
def price_of_the_largest(_draw: Draw) -> Case:
    return costs(BCAST_72H + 1, 5120)


@family.vector("TOC-3 §5.2", "work x need is 2^64 - 2^16: the last that pays 2^16.")
def one_below_the_boundary(_draw: Draw) -> Case:
    return paid(2**48 - 1, 2**16)


@family.vector("TOC-3 §5.2", "work x need is 2^64 exactly, and that does not pay.")
def at_the_boundary(_draw: Draw) -> Case:
    return refused(paid(2**48, 2**16))


@family.vector("TOC-3 §5.2", "The greatest work that pays a need which divides 2^64 with a rest.")
def one_below_a_fraction(_draw: Draw) -> Case:
    return paid((LIMIT - 1) // 3, 3)


@family.vector("TOC-3 §5.2", "One more work than that: 53 bits of a float would not see the difference.")
def above_a_fraction(_draw: Draw) -> Case:
    return refused(paid((LIMIT - 1) // 3 + 1, 3))


@family.vector("TOC-3 §5.2", "A product of 2^65: arithmetic of 64 bits would see 0 and call it paid.")
def product_that_wraps_to_zero(_draw: Draw) -> Case:
    return refused(paid(2**63, 4))


@family.vector("TOC-3 §5.2", "All ones, and a knock's need.")
def no_work(_draw: Draw) -> Case:
    return refused(paid(LIMIT - 1, need(REAL, KNOCK_72H, 512)))


@family.vector("TOC-3 §5.2", "A need of 1 is paid by anything: 2^64 - 1 times 1 is below 2^64.")
def need_of_one(_draw: Draw) -> Case:
    return paid(LIMIT - 1, 1)


@family.vector("TOC-3 §5.2", "Work is read with its greatest byte first; the other way round it would pay.")
def little_endian(_draw: Draw) -> Case:
    return refused(judged(bytes.fromhex("0100000000000000") + bytes(24), 2**16))


@family.vector("TOC-3 §5.2", "Work is the first 8 bytes; the last 8 would pay.")
def wrong_end(_draw: Draw) -> Case:
    return refused(judged(b"\xff" * 24 + bytes(8), 2**16))


@family.vector("TOC-3 §7.2", "Each level doubles the price: 2^48 / 2^3 is too much at level 3.")
def at_the_boundary_of_level_3(_draw: Draw) -> Case:
    return refused(paid(2**45, 2**16, level=3))


@family.vector("TOC-3 §7.2", "One less work pays level 3.")
def one_below_the_boundary_of_level_3(_draw: Draw) -> Case:
    return paid(2**45 - 1, 2**16, level=3)


@family.vector("TOC-3 §5.1", "A life of 1 hour costs a third of the default's.")
def price_of_one_hour(_draw: Draw) -> Case:
    return costs(0, 512)


@family.vector("TOC-3 §5.1", "A life of 6 hours costs what one of 1 does.")
def price_of_6_hours(_draw: Draw) -> Case:
    return costs(1, 1024)


@family.vector("TOC-3 §5.1", "A life of 24 hours costs what one of 1 does.")
def price_of_24_hours(_draw: Draw) -> Case:
    return costs(2, 2048)
