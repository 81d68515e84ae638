"""Topics: one form each, and a home that is the same at every depth."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_protocol.errors import LocalProtocolError, Reason, RemoteProtocolError
from tocsin_protocol.hashing import H
from tocsin_protocol.network import Network
from tocsin_protocol.topics import TopicKind, home, knock_topic, parse_topic, shard_topic
from tocsin_protocol.types import IdentityKey

names = st.from_regex(r"[a-z0-9-]{1,32}", fullmatch=True)


def test_home_is_the_first_byte_of_a_hash_of_the_key() -> None:
    key = IdentityKey(bytes(range(32)))
    assert home(key) == H("tcn1/home", key, 16)[0]


@pytest.mark.parametrize(
    ("depth", "expected"),
    [
        (0, "/tocsin/1/main/s/0/00"),
        (1, "/tocsin/1/main/s/1/80"),
        (4, "/tocsin/1/main/s/4/b0"),
        (7, "/tocsin/1/main/s/7/be"),
        (8, "/tocsin/1/main/s/8/bf"),
    ],
)
def test_depth_keeps_the_highest_bits_of_the_home(depth: int, expected: str) -> None:
    assert shard_topic(Network(name="main", depth=depth), 0xBF) == expected


@pytest.mark.parametrize("bad", [-1, 256])
def test_home_is_one_byte(bad: int) -> None:
    with pytest.raises(LocalProtocolError, match="home"):
        shard_topic(Network(name="main"), bad)


@given(name=names, depth=st.integers(0, 8), at=st.integers(0, 255))
def test_shard_round_trip(name: str, depth: int, at: int) -> None:
    network = Network(name=name, depth=depth)
    parsed = parse_topic(shard_topic(network, at))
    assert (parsed.network_name, parsed.kind, parsed.depth) == (name, TopicKind.SHARD, depth)
    assert parsed.bucket is not None
    assert parsed.bucket >> (8 - depth) == at >> (8 - depth)
    assert shard_topic(network, parsed.bucket) == shard_topic(network, at)


@given(names)
def test_knock_round_trip(name: str) -> None:
    parsed = parse_topic(knock_topic(Network(name=name)))
    assert (parsed.network_name, parsed.kind) == (name, TopicKind.KNOCK)
    assert parsed.depth is None
    assert parsed.bucket is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/tocsin/1/main",
        "/tocsin/2/main/k",
        "/tocsin/1/Main/k",
        "/tocsin/1/main/k/",
        "/tocsin/1/main/k\n",
        "/tocsin/1//k",
        f"/tocsin/1/{'a' * 33}/k",
        "/tocsin/1/main/s/9/00",
        "/tocsin/1/main/s/0/0",
        "/tocsin/1/main/s/0/000",
        "/tocsin/1/main/s/8/BF",
        "/tocsin/1/main/s/0/01",
        "/tocsin/1/main/s/4/bf",
        "/tocsin/1/main/s/٣/00",
        "tocsin/1/main/k",
    ],
)
def test_other_forms_are_refused(text: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        parse_topic(text)
    assert caught.value.reason is Reason.TOPIC


def refusal_of(text: str) -> Reason | None:
    try:
        parse_topic(text)
    except RemoteProtocolError as error:
        return error.reason
    return None


@given(st.text() | st.from_regex(r"/tocsin/1/[a-z]{1,3}/s/[0-9]/[0-9a-fA-F]{2}"))
def test_any_text_is_a_topic_or_refused(text: str) -> None:
    assert refusal_of(text) in {None, Reason.TOPIC}
