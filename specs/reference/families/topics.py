"""The folder `topics`: where an identity listens, and the one form of each topic's name.

What a relay does with a message on such a topic is in the folder `relay`.
"""

from kit.network import Network, home, knocks, shard
from kit.primitives import H, ed25519_public
from kit.vectors import Case, Draw, Family

family = Family("topics")


def at_depth(depth: int) -> Case:
    network = Network(depth=depth)
    output = {"topic": shard(network, 0xBF)}
    return Case(operation="shard-topic", network=network, input={"home": 0xBF}, output=output)


def read(topic: str, network_name: str, depth: int | None, bucket: int | None) -> Case:
    output = {"network_name": network_name, "depth": depth, "bucket": bucket}
    return Case(operation="topic", input={"topic": topic}, output=output)


def refused(topic: str) -> Case:
    return Case(operation="topic", input={"topic": topic}, expect="topic")


@family.vector("TOC-2 §2", "From an identity key to the topic on which its owner listens, at depth 4.")
def worked_example(draw: Draw) -> Case:
    network = Network(name="main", depth=4)
    key = ed25519_public(draw("signing seed", 32))
    output = {
        "digest": H("tcn1/home", key, 16),
        "home": home(key),
        "topic": shard(network, home(key)),
        "knock_topic": knocks(network),
    }
    return Case(operation="listen", network=network, input={"identity_key": key}, output=output)


@family.vector("TOC-2 §3", "At depth 0 all homes share one topic.")
def depth_0(_draw: Draw) -> Case:
    return at_depth(0)


@family.vector("TOC-2 §3", "Depth 1 keeps the highest bit of the home.")
def depth_1(_draw: Draw) -> Case:
    return at_depth(1)


@family.vector("TOC-2 §3", "Depth 8 keeps the whole home.")
def depth_8(_draw: Draw) -> Case:
    return at_depth(8)


@family.vector("TOC-2 §3", "A shard of another network and depth has the right form.")
def another_networks_shard(_draw: Draw) -> Case:
    return read("/tocsin/1/test-2/s/7/fe", "test-2", 7, 0xFE)


@family.vector("TOC-2 §3", "A knock topic has neither depth nor bucket; a name has up to 32 characters.")
def knock_topic_of_the_longest_name(_draw: Draw) -> Case:
    name = "z" * 32
    return read(f"/tocsin/1/{name}/k", name, None, None)


@family.vector("TOC-2 §3", "A bucket in capitals would be a second name for the same topic.")
def bucket_in_capitals(_draw: Draw) -> Case:
    return refused("/tocsin/1/main/s/8/BF")


@family.vector("TOC-2 §3", "At depth 0 the bucket is 00 and nothing else.")
def bits_below_depth_0(_draw: Draw) -> Case:
    return refused("/tocsin/1/main/s/0/01")


@family.vector("TOC-2 §3", "At depth 4 the lower digit of the bucket is 0.")
def bits_below_depth_4(_draw: Draw) -> Case:
    return refused("/tocsin/1/main/s/4/bf")


@family.vector("TOC-2 §3", "There is no depth of 9.")
def depth_9(_draw: Draw) -> Case:
    return refused("/tocsin/1/main/s/9/00")


@family.vector("TOC-2 §3", "A depth is one digit.")
def depth_of_two_digits(_draw: Draw) -> Case:
    return refused("/tocsin/1/main/s/04/b0")


@family.vector("TOC-2 §3", "A digit that is not ASCII.")
def depth_in_arabic_digits(_draw: Draw) -> Case:
    return refused("/tocsin/1/main/s/\u0660/00")


@family.vector("TOC-2 §3", "A bucket of one digit.")
def bucket_of_one_digit(_draw: Draw) -> Case:
    return refused("/tocsin/1/main/s/0/0")


@family.vector("TOC-2 §3", "A bucket of three digits.")
def bucket_of_three_digits(_draw: Draw) -> Case:
    return refused("/tocsin/1/main/s/0/000")


@family.vector("TOC-2 §3", "A slash behind.")
def slash_behind(_draw: Draw) -> Case:
    return refused("/tocsin/1/main/k/")


@family.vector("TOC-2 §3", "A line feed behind: some regular expressions overlook it.")
def line_feed_behind(_draw: Draw) -> Case:
    return refused("/tocsin/1/main/k\n")


@family.vector("TOC-2 §3", "No slash in front.")
def no_slash_in_front(_draw: Draw) -> Case:
    return refused("tocsin/1/main/k")


@family.vector("TOC-2 §3", "Version 2 is not described here.")
def version_2(_draw: Draw) -> Case:
    return refused("/tocsin/2/main/k")


@family.vector("TOC-2 §3", "A network's name in capitals.")
def name_in_capitals(_draw: Draw) -> Case:
    return refused("/tocsin/1/Main/k")


@family.vector("TOC-2 §3", "A network without a name.")
def name_empty(_draw: Draw) -> Case:
    return refused("/tocsin/1//k")


@family.vector("TOC-2 §3", "A name of 33 characters.")
def name_too_long(_draw: Draw) -> Case:
    return refused(f"/tocsin/1/{'z' * 33}/k")


@family.vector("TOC-2 §3", "No topic at all.")
def empty(_draw: Draw) -> Case:
    return refused("")


@family.vector("TOC-2 §3", "Something in front of a right topic.")
def something_in_front(_draw: Draw) -> Case:
    return refused("x/tocsin/1/main/k")


@family.vector("TOC-2 §3", "A line feed in front.")
def line_feed_in_front(_draw: Draw) -> Case:
    return refused("\n/tocsin/1/main/k")


@family.vector("TOC-2 §3", "A right topic behind another one.")
def topic_behind_a_topic(_draw: Draw) -> Case:
    return refused("/tocsin/1/main/k/tocsin/1/main/k")
