"""A request that waits for a person: it survives a restart, and only what was shown is answered."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.introductions import HOUR, INVITER_SEED, NOW, finish_with
from tests.protocol.knocks import OWNER, draft, finished, knock, request_of, stranger
from tocsin_protocol import cbor
from tocsin_protocol.errors import LocalProtocolError
from tocsin_protocol.grant import Grant
from tocsin_protocol.identity import Identity, Rotation
from tocsin_protocol.limits import HOUR_MS
from tocsin_protocol.request import Request
from tocsin_protocol.types import Now

REQUEST = request_of(knock())


@pytest.mark.parametrize("grant", [None, Grant(per_day=3)])
@pytest.mark.parametrize("flag", [True, False])
def test_a_request_survives_a_restart(grant: Grant | None, flag: bool) -> None:
    request = replace(REQUEST, shown=flag, from_contact=not flag, peer=replace(REQUEST.peer, grant=grant))
    assert Request.decode(request.encode()) == request


def test_a_restored_request_is_answered_as_before() -> None:
    restored = Request.decode(REQUEST.encode())
    answered = restored.answer(identities=(OWNER,), now=NOW, depth=0, ephemeral=b"\x41" * 32)
    pending = finished(draft()).pending
    finish_with(pending, answered.reply.message2, identities=(stranger(100),))


@given(st.binary())
def test_a_damaged_request_is_our_own_fault(data: bytes) -> None:
    with pytest.raises(LocalProtocolError):
        Request.decode(data)


@given(st.dictionaries(st.integers(0, 14), st.binary() | st.integers(0, 9) | st.text(), max_size=15))
def test_a_request_with_a_part_missing_is_our_own_fault(stored: dict[int, Any]) -> None:
    with pytest.raises(LocalProtocolError):
        Request.decode(cbor.encode({**stored}))


def test_what_was_not_shown_is_not_answered() -> None:
    hidden = replace(REQUEST, shown=False)
    with pytest.raises(LocalProtocolError, match="not shown"):
        hidden.answer(identities=(OWNER,), now=NOW, depth=0, ephemeral=b"\x41" * 32)


def test_it_is_answered_with_the_contact_key_that_was_knocked_at() -> None:
    rotated = Identity.from_seed(INVITER_SEED, Rotation.at(HOUR))
    answered = REQUEST.answer(identities=(rotated, OWNER), now=NOW, depth=0, ephemeral=b"\x41" * 32)
    pending = finished(draft()).pending
    finish_with(pending, answered.reply.message2, identities=(stranger(100),))
    with pytest.raises(LocalProtocolError):
        REQUEST.answer(identities=(rotated,), now=NOW, depth=0, ephemeral=b"\x41" * 32)


def test_it_is_answered_as_long_as_the_knocker_listens() -> None:
    assert REQUEST.until_hour == HOUR + 30 * 24
    last = Now(unix_ms=REQUEST.until_hour * HOUR_MS, steady_ms=0)
    REQUEST.answer(identities=(OWNER,), now=last, depth=0, ephemeral=b"\x41" * 32)
    late = Now(unix_ms=(REQUEST.until_hour + 1) * HOUR_MS, steady_ms=0)
    with pytest.raises(LocalProtocolError):
        REQUEST.answer(identities=(OWNER,), now=late, depth=0, ephemeral=b"\x41" * 32)


def test_a_request_shows_no_secret() -> None:
    assert repr(REQUEST.handshake.chaining_key) not in repr(REQUEST)
