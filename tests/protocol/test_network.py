"""Network parameters: what is refused, and what separates one network from another."""

import pytest

from tocsin_protocol.errors import LocalProtocolError
from tocsin_protocol.hashing import H
from tocsin_protocol.network import Network


@pytest.mark.parametrize("name", ["a", "main", "test-1", "z" * 32])
def test_good_names(name: str) -> None:
    assert Network(name=name).nid16 == H("tcn1/net", name.encode(), 16)


@pytest.mark.parametrize("name", ["", "Main", "a/b", "z" * 33, "main\n", "ä", "a b", "٣"])
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(LocalProtocolError, match="network name"):
        Network(name=name)


@pytest.mark.parametrize("depth", [-1, 9])
def test_bad_depths_are_refused(depth: int) -> None:
    with pytest.raises(LocalProtocolError, match="depth"):
        Network(name="main", depth=depth)


def test_free_stamps_are_refused() -> None:
    with pytest.raises(LocalProtocolError, match="hash"):
        Network(name="main", pair_cost=0)
    with pytest.raises(LocalProtocolError, match="hash"):
        Network(name="main", knock_cost=0)


def test_networks_differ_in_their_id() -> None:
    assert Network(name="main").nid16 != Network(name="test").nid16
    assert len(Network(name="main").nid16) == 16
