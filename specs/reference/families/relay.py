"""The folder `relay`: every step of the check before forwarding, in its order.

What follows the stamp, quota and congestion, depends on the relay's own state and has no vectors.
"""

from dataclasses import replace

from kit.envelope import BCAST_72H, HOUR, KNOCK_72H, NOON, PAIR_72H, Parts, mid, need, stamp, work
from kit.network import CHEAP, OTHER, REAL, Network, knocks, shard
from kit.vectors import Case, Draw, Family

family = Family("relay")
SHARD = shard(CHEAP, 0)
KNOCKS = knocks(CHEAP)
DEEP = Network(depth=8)
DEAR = Network(pair_cost=2**8, knock_cost=2**12)
ANCIENT = HOUR - 1000
"""An hour that would be ignored, for the vectors in which something else is judged first."""


def parts(draw: Draw, *, kind: int = PAIR_72H, size: int = 512, hour: int = HOUR) -> Parts:
    return Parts(kind=kind, hour=hour, tag=draw("tag", 16), body=draw("body", size - 43))


def accepted(topic: str, envelope: bytes, *, now: int = NOON, network: Network = CHEAP) -> Case:
    stamped = stamp(network, topic, envelope)
    output = {"verdict": "accept", "mid": mid(network, topic, stamped)}
    given = {"topic": topic, "envelope": stamped}
    return Case(operation="relay", network=network, now=now, input=given, output=output)


def refused(verdict: str, expect: str, topic: str, envelope: bytes, now: int = NOON) -> Case:
    given = {"topic": topic, "envelope": envelope}
    output = {"verdict": verdict}
    return Case(operation="relay", network=CHEAP, now=now, input=given, expect=expect, output=output)


def paid(verdict: str, expect: str, topic: str, envelope: bytes, now: int = NOON) -> Case:
    """Refused, although the stamp is good."""
    return refused(verdict, expect, topic, stamp(CHEAP, topic, envelope), now)


@family.vector("TOC-3 §6", "A notification in its hour.")
def pair(draw: Draw) -> Case:
    return accepted(SHARD, parts(draw).all)


@family.vector("TOC-3 §6", "A knock on the knock topic.")
def knock(draw: Draw) -> Case:
    return accepted(KNOCKS, parts(draw, kind=KNOCK_72H).all)


@family.vector("TOC-3 §6", "An envelope of a channel, of 1024 bytes.")
def broadcast(draw: Draw) -> Case:
    return accepted(SHARD, parts(draw, kind=BCAST_72H, size=1024).all)


@family.vector("TOC-3 §6", "On one of the 256 shards of a network of depth 8.")
def deep_shard(draw: Draw) -> Case:
    return accepted(shard(DEEP, 0xA7), parts(draw).all, network=DEEP)


@family.vector("TOC-3 §6", "The price of the network called main: 196,608 hashes on average.")
def real_price(draw: Draw) -> Case:
    return accepted(shard(REAL, 0), parts(draw).all, network=REAL)


@family.vector("TOC-3 §6", "The first second of the hour before its birth: our clock may be an hour slow.")
def first_second_of_the_hour_before(draw: Draw) -> Case:
    return accepted(SHARD, parts(draw).all, now=(HOUR - 1) * 3600)


@family.vector("TOC-3 §6", "The last second of the hour after its birth.")
def last_second_of_the_hour_after(draw: Draw) -> Case:
    return accepted(SHARD, parts(draw).all, now=(HOUR + 2) * 3600 - 1)


@family.vector("TOC-3 §6", "Step 1: the length, whatever else is wrong.")
def step_1_length(draw: Draw) -> Case:
    return refused(
        "reject", "length", "no topic", replace(parts(draw, kind=99), version=b"\xff" * 4).all[:-1]
    )


@family.vector("TOC-3 §6", "Step 2: a constant byte, before the body's length and the kind.")
def step_2_constant(draw: Draw) -> Case:
    wrong = replace(parts(draw, kind=99), stamp_head=bytes.fromhex("0549"), body_length=0)
    return refused("reject", "constant", "no topic", wrong.all)


@family.vector("TOC-3 §6", "Step 3: the body's length, before the kind.")
def step_3_body_length(draw: Draw) -> Case:
    wrong = replace(parts(draw, kind=99), body_length=981)
    return refused("reject", "length", "no topic", wrong.all)


@family.vector("TOC-3 §6", "Step 4: a reserved kind is ignored, even on a topic that would be rejected.")
def step_4_reserved_kind_first(draw: Draw) -> Case:
    return refused("ignore", "kind", "no topic", parts(draw, kind=15).all)


@family.vector("TOC-3 §6", "Step 4: the last reserved kind.")
def step_4_reserved_kind_last(draw: Draw) -> Case:
    return refused("ignore", "kind", SHARD, parts(draw, kind=19).all)


@family.vector("TOC-3 §6", "Step 4: the first kind that never will be.")
def step_4_kind_20(draw: Draw) -> Case:
    return paid("reject", "kind", SHARD, parts(draw, kind=20).all)


@family.vector("TOC-3 §6", "Step 4: a knock of 1 hour, before the topic and the hour.")
def step_4_knock_of_another_life(draw: Draw) -> Case:
    return refused("reject", "kind", "no topic", parts(draw, kind=5, hour=ANCIENT).all)


@family.vector("TOC-3 §6", "Step 4: a knock of 6 hours.")
def step_4_knock_of_6_hours(draw: Draw) -> Case:
    return paid("reject", "kind", KNOCKS, parts(draw, kind=6).all)


@family.vector("TOC-3 §6", "Step 4: a knock of 168 hours.")
def step_4_knock_of_168_hours(draw: Draw) -> Case:
    return paid("reject", "kind", KNOCKS, parts(draw, kind=9).all)


@family.vector("TOC-3 §6", "Step 4: a knock of 1024 bytes on the right topic, paid for.")
def step_4_knock_of_another_size(draw: Draw) -> Case:
    return paid("reject", "kind", KNOCKS, parts(draw, kind=KNOCK_72H, size=1024).all)


@family.vector("TOC-3 §6", "Step 5: a topic that is not in its one form, before the hour.")
def step_5_malformed_topic(draw: Draw) -> Case:
    return paid("reject", "topic", "/tocsin/1/vectors/s/0/01", parts(draw, hour=ANCIENT).all)


@family.vector("TOC-3 §6", "Step 5: a topic of another program.")
def step_5_foreign_topic(draw: Draw) -> Case:
    return paid("reject", "topic", "/chat", parts(draw).all)


@family.vector("TOC-3 §6", "Step 5: another network's topic is not ours to judge, hour and stamp neither.")
def step_5_topic_of_another_network(draw: Draw) -> Case:
    return refused("ignore", "topic", shard(OTHER, 0), parts(draw, hour=ANCIENT).all)


@family.vector("TOC-3 §6", "Step 5: a topic of another depth, perhaps of a newer release.")
def step_5_topic_of_another_depth(draw: Draw) -> Case:
    return paid("ignore", "topic", shard(DEEP, 0xA7), parts(draw).all)


@family.vector(
    "TOC-3 §6", "Step 5: a knock on another network's shard is ignored, for the topic comes first."
)
def step_5_knock_on_a_foreign_shard(draw: Draw) -> Case:
    return refused("ignore", "topic", shard(OTHER, 0), parts(draw, kind=KNOCK_72H).all)


@family.vector("TOC-3 §6", "Step 6: a knock on a shard, before the hour.")
def step_6_knock_on_a_shard(draw: Draw) -> Case:
    return paid("reject", "topic", SHARD, parts(draw, kind=KNOCK_72H, hour=ANCIENT).all)


@family.vector("TOC-3 §6", "Step 6: a notification on the knock topic.")
def step_6_pair_on_the_knock_topic(draw: Draw) -> Case:
    return paid("reject", "topic", KNOCKS, parts(draw).all)


@family.vector("TOC-3 §6", "Step 6: an envelope of a channel on the knock topic.")
def step_6_broadcast_on_the_knock_topic(draw: Draw) -> Case:
    return paid("reject", "topic", KNOCKS, parts(draw, kind=BCAST_72H).all)


@family.vector("TOC-3 §6", "Step 7: one second before the hour before its birth.")
def step_7_too_early(draw: Draw) -> Case:
    return paid("ignore", "hour", SHARD, parts(draw).all, now=(HOUR - 1) * 3600 - 1)


@family.vector("TOC-3 §6", "Step 7: the first second of the second hour after its birth.")
def step_7_too_late(draw: Draw) -> Case:
    return paid("ignore", "hour", SHARD, parts(draw).all, now=(HOUR + 2) * 3600)


@family.vector("TOC-3 §6", "Step 7: hour 0; no arithmetic may wrap around.")
def step_7_hour_zero(draw: Draw) -> Case:
    return paid("ignore", "hour", SHARD, parts(draw, hour=0).all)


@family.vector("TOC-3 §6", "Step 7: the last hour there is.")
def step_7_last_hour(draw: Draw) -> Case:
    return paid("ignore", "hour", SHARD, parts(draw, hour=2**32 - 1).all)


@family.vector(
    "TOC-3 §6", "Step 7: the last hour there is, read in the first: 32 bits would see them side by side."
)
def step_7_last_hour_in_the_first(draw: Draw) -> Case:
    return paid("ignore", "hour", SHARD, parts(draw, hour=2**32 - 1).all, now=0)


@family.vector("TOC-3 §6", "Step 7: too old and unpaid is ignored, for our clock may be the wrong one.")
def step_7_before_the_stamp(draw: Draw) -> Case:
    return refused("ignore", "hour", SHARD, parts(draw, hour=HOUR - 2).all)


def unpaid(topic: str, envelope: bytes) -> Case:
    """Rejected for its stamp alone, and not by luck paid after all."""
    message_id = mid(DEAR, topic, envelope)
    if work(message_id) * need(DEAR, envelope[4], len(envelope)) < 2**64:
        raise ValueError("this one pays")
    output = {"verdict": "reject", "mid": message_id}
    given = {"topic": topic, "envelope": envelope}
    return Case(operation="relay", network=DEAR, now=NOON, input=given, expect="stamp", output=output)


@family.vector("TOC-3 §6", "Step 8: a stamp that does not pay; the message id is known all the same.")
def step_8_stamp(draw: Draw) -> Case:
    return unpaid(SHARD, parts(draw).all)


@family.vector("TOC-3 §6", "Step 8: a stamp that was searched for another topic.")
def step_8_stamp_of_another_topic(draw: Draw) -> Case:
    return unpaid(SHARD, stamp(DEAR, shard(DEEP, 0xA7), parts(draw).all))


@family.vector("TOC-3 §6", "Step 8: a stamp that was searched for another network.")
def step_8_stamp_of_another_network(draw: Draw) -> Case:
    return unpaid(SHARD, stamp(replace(DEAR, name="another"), SHARD, parts(draw).all))


@family.vector("TOC-3 §6", "Step 8: a bit of the body was flipped after the search.")
def step_8_body_changed(draw: Draw) -> Case:
    stamped = stamp(DEAR, SHARD, parts(draw).all)
    return unpaid(SHARD, stamped[:100] + bytes([stamped[100] ^ 1]) + stamped[101:])


@family.vector("TOC-3 §6", "Step 8: a larger envelope was paid like a small one.")
def step_8_size_not_paid(draw: Draw) -> Case:
    price = need(DEAR, PAIR_72H, 512)
    return unpaid(SHARD, stamp(DEAR, SHARD, parts(draw, size=2048).all, price))


@family.vector("TOC-3 §6", "Step 8: a life of 168 hours was paid like one of 24.")
def step_8_life_not_paid(draw: Draw) -> Case:
    price = need(DEAR, PAIR_72H - 1, 512)
    return unpaid(SHARD, stamp(DEAR, SHARD, parts(draw, kind=PAIR_72H + 1).all, price))


@family.vector("TOC-3 §6", "Step 8: a knock was paid like a notification.")
def step_8_knock_not_paid(draw: Draw) -> Case:
    price = need(DEAR, PAIR_72H, 512)
    return unpaid(KNOCKS, stamp(DEAR, KNOCKS, parts(draw, kind=KNOCK_72H).all, price))
