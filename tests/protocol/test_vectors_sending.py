"""Our indices, and when our clock is believed, against the vectors of `sending`."""

from tests.protocol.vector_sessions import Restored
from tests.protocol.vectors import Fields, Vector, check, vectors_of
from tocsin_protocol import effects as fx
from tocsin_protocol.effects import Effect, Role
from tocsin_protocol.evidence import Evidence, may_turn, sealing_epoch
from tocsin_protocol.session import Input, Reserve, Stop
from tocsin_protocol.types import Epoch, Hour
from tocsin_protocol.wheel import Chain, Link, Q


def run_send(vector: Vector) -> Fields:
    given, epoch, q = vector.input, Epoch(vector.input["epoch"]), Q(vector.input["q"])
    restored = Restored()
    restored.put_generation(0, bytes(32), epoch, role=Role.BEGAN, confirmed_ms=0)
    stored = Chain(epoch=epoch, q=q, index=given["index"], key=vector.raw("chain"))
    restored.put(fx.PutSending(number=0, chain=stored))
    session, taken, stored_after = restored.session, list[Link](), list[int]()
    for event in given["events"]:
        if event == "crash":
            session = restored.session
        else:
            step: Input = Stop() if event == "stop" else Reserve(q=q, one_shot=given["one_shot"])
            effects = session.handle(step, vector.now)
            stored = commit(restored, effects, taken, stored)
            session.apply(effects)
        stored_after.append(stored.index)
    return {
        "expect": "ok" if len(taken) == given["events"].count("take") else "tag",
        "taken": [told_link(link) for link in taken],
        "stored": stored_after,
        "chain": stored.key.hex(),
    }


def commit(restored: Restored, effects: tuple[Effect, ...], taken: list[Link], stored: Chain) -> Chain:
    """What is stored before the message may leave; a crash loses all else."""
    for effect in effects:
        match effect:
            case fx.PutSending(chain=chain) if chain.q is stored.q:
                restored.put(effect)
                stored = chain
            case fx.Reserved(link=link):
                taken.append(link)
            case _:
                pass
    return stored


def told_link(link: Link) -> Fields:
    return {"index": link.index, "key": link.key.hex(), "tag": link.tag.hex(), "nid": link.nid.hex()}


def run_may_turn(vector: Vector) -> Fields:
    given = vector.input
    evidence = Evidence(
        uptime_ms=1000 * given["uptime_s"],
        confirmed=given["confirmed"],
        stores=given["stores"],
        store_hours=tuple(map(Hour, given["store_hours"])),
    )
    if may_turn(committed=Epoch(given["committed"]), now=vector.now, evidence=evidence):
        return {"epoch": vector.now.epoch}
    return {"expect": "hour"}


def run_may_send(vector: Vector) -> Fields:
    epoch = sealing_epoch(committed=Epoch(vector.input["committed"]), now=vector.now)
    return {"expect": "hour"} if epoch is None else {"epoch": epoch}


@vectors_of("sending")
def test_sending(vector: Vector) -> None:
    check(vector, {"send": run_send, "may-turn": run_may_turn, "may-send": run_may_send})
