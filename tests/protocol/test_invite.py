"""The invite as text: one spelling, read in either case, and a reason for a person when it is refused."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_protocol import base32
from tocsin_protocol.errors import LocalProtocolError, Reason, RemoteProtocolError
from tocsin_protocol.identity import uri_check
from tocsin_protocol.invite import INVITE_SCHEME, Invite
from tocsin_protocol.network import Network
from tocsin_protocol.types import ContactKey, Hour, IdentityKey

NETWORK = Network(name="test")
OTHER_NETWORK = Network(name="other")
HOUR = Hour(480_012)
INVITE = Invite(
    identity_key=IdentityKey(b"\x01" * 32),
    contact_key=ContactKey(b"\x02" * 32),
    depth=0,
    expires_hour=Hour(HOUR + 24),
    secret=b"\x04" * 32,
)


def refused_text(text: str, now_hour: Hour = HOUR, network: Network = NETWORK) -> str:
    with pytest.raises(RemoteProtocolError) as caught:
        Invite.decode(text, network, now_hour)
    assert caught.value.reason is Reason.URI
    return caught.value.detail


def invite_text(*, at: int, byte: int) -> str:
    """The invite with one byte changed by somebody who makes the check right again."""
    raw = bytearray(base32.decode(INVITE.encode(NETWORK).removeprefix(INVITE_SCHEME), 107))
    raw[at] = byte
    prefix = bytes(raw[:-4])
    return INVITE_SCHEME + base32.encode(prefix + uri_check(NETWORK, prefix))


@given(
    st.binary(min_size=96, max_size=96),
    st.integers(min_value=0, max_value=8),
    st.integers(min_value=HOUR, max_value=(1 << 32) - 1),
)
def test_an_invite_comes_back_in_either_case(keys: bytes, depth: int, expires_hour: int) -> None:
    invite = Invite(
        identity_key=IdentityKey(keys[:32]),
        contact_key=ContactKey(keys[32:64]),
        depth=depth,
        expires_hour=Hour(expires_hour),
        secret=keys[64:],
    )
    text = invite.encode(NETWORK)
    assert len(text) == len(INVITE_SCHEME) + 172
    assert Invite.decode(text, NETWORK, HOUR) == invite
    assert Invite.decode(text.upper(), NETWORK, HOUR) == invite


@given(st.text() | st.text(alphabet="abcdefghijklmnopqrstuvwxyz234567", min_size=172, max_size=172))
def test_any_other_text_is_refused(text: str) -> None:
    refused_text(text)
    refused_text(INVITE_SCHEME + text)


def test_what_is_wrong_with_an_invite_is_said() -> None:
    good = INVITE.encode(NETWORK)
    assert "begins with tocsin:invite/" in refused_text("tocsin:id/" + good)
    assert "begins with" in refused_text(good.replace("k", "\u212a").replace("i", "\u0131", 1))
    assert "172 characters" in refused_text(good + "a")
    assert "mistyped" in refused_text(good[:40] + ("a" if good[40] != "a" else "b") + good[41:])
    assert "another network" in refused_text(good, network=OTHER_NETWORK)
    assert "newer version" in refused_text(invite_text(at=0, byte=2))
    assert "newer version" in refused_text(invite_text(at=1, byte=1))
    assert "newer version" in refused_text(invite_text(at=66, byte=9))
    assert "expired" in refused_text(good, now_hour=Hour(INVITE.expires_hour + 1))
    assert Invite.decode(good, NETWORK, INVITE.expires_hour) == INVITE


@pytest.mark.parametrize(
    "change",
    [
        {"identity_key": IdentityKey(b"short")},
        {"contact_key": ContactKey(b"short")},
        {"secret": b"short"},
        {"depth": 9},
        {"expires_hour": Hour(1 << 32)},
    ],
)
def test_an_invite_that_cannot_be_written_cannot_be_made(change: dict[str, Any]) -> None:
    with pytest.raises(LocalProtocolError):
        replace(INVITE, **change)


def test_an_invite_prints_no_secret() -> None:
    assert repr(INVITE.secret) not in repr(INVITE)
