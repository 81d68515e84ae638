"""Two people, an invite, and the messages that they, or somebody worse, would send."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tocsin_protocol import cbor, noise
from tocsin_protocol.envelope import Envelope, EnvelopeClass, header_of, kind_of, open_sealed, seal
from tocsin_protocol.errors import Reason, RemoteProtocolError
from tocsin_protocol.grant import Grant
from tocsin_protocol.identity import Card, Identity, Rotation, Seed
from tocsin_protocol.introduce import Answered, Begun, Finished, Pending, answer, begin, finish
from tocsin_protocol.invite import Invite
from tocsin_protocol.limits import EPOCH_HOURS, HOUR_MS
from tocsin_protocol.network import Network
from tocsin_protocol.types import Epoch, Hour, IdentityKey, Now

NETWORK = Network(name="test")
EPOCH = Epoch(20_000)
HOUR = Hour(EPOCH * EPOCH_HOURS + 12)
NOW = Now(unix_ms=HOUR * HOUR_MS, steady_ms=0)
KIND = kind_of(EnvelopeClass.PAIR, 3)

FIRST = Rotation(number=0, not_before_hour=Hour(HOUR - 100))
INVITER_SEED = Seed(b"\x01" * 32)
INVITER = Identity.from_seed(INVITER_SEED, FIRST)
GUEST_SEED = Seed(b"\x02" * 32)
GUEST = Identity.from_seed(GUEST_SEED, FIRST)
MALLORY = Identity.from_seed(Seed(b"\x03" * 32), FIRST)
NOBODY: dict[IdentityKey, Card] = {}
INVITE = Invite(
    identity_key=INVITER.identity_key,
    contact_key=INVITER.contact_key,
    depth=0,
    expires_hour=Hour(HOUR + 24),
    secret=b"\x04" * 32,
)


def begin_by(
    identity: Identity = GUEST,
    invite: Invite = INVITE,
    text: str = "it is me",
    grant: Grant | None = None,
    ephemeral: bytes = b"\x05" * 32,
) -> Begun:
    return begin(
        identity=identity,
        door=invite.door,
        contact_key=invite.contact_key,
        network=NETWORK,
        born_hour=HOUR,
        ttl_index=3,
        text=text,
        depth=2,
        grant=grant,
        ephemeral=ephemeral,
        nonce=b"\x06" * 24,
    )


def answer_to(
    envelope: Envelope,
    *,
    identities: Sequence[Identity] = (INVITER,),
    invite: Invite = INVITE,
    now: Now = NOW,
    grant: Grant | None = None,
    seen: Mapping[IdentityKey, Card] = NOBODY,
) -> Answered:
    return answer(
        identities=identities,
        door=invite.door,
        network=NETWORK,
        envelope=envelope,
        now=now,
        depth=1,
        grant=grant,
        ephemeral=b"\x07" * 32,
        seen=seen,
    )


def finish_with(
    pending: Pending,
    message2: bytes,
    *,
    born_hour: Hour = HOUR,
    now: Now = NOW,
    identities: Sequence[Identity] = (GUEST,),
    seen: Mapping[IdentityKey, Card] = NOBODY,
) -> Finished:
    return finish(
        identities=identities, pending=pending, payload=message2, born_hour=born_hour, now=now, seen=seen
    )


def own_fields(identity: Identity, **changed: Any) -> dict[int, Any]:
    """The card and more of an honest message, with changes by key: `_1=...`."""
    card = identity.card
    fields: dict[int, Any] = {
        0: identity.identity_key,
        1: card.sign(identity),
        2: card.rotation,
        3: card.not_before_hour,
        6: 0,
    }
    fields.update({int(name[1:]): value for name, value in changed.items()})
    return {key: value for key, value in fields.items() if value is not None}


def forged_message_1(payload: bytes, static: Identity = GUEST) -> Envelope:
    """A message 1 by somebody who has the invite and says anything."""
    _, message1 = noise.initiate(
        prologue=NETWORK.nid16 + header_of(KIND, HOUR, INVITE.tag) + INVITER.identity_key,
        responder_static=INVITE.contact_key,
        psk=INVITE.psk,
        static_secret=static.contact_secret,
        ephemeral_secret=b"\x08" * 32,
        payload=payload,
    )
    return wrap(message1)


def wrap(message1: bytes, kind: int = KIND) -> Envelope:
    return seal(
        network=NETWORK,
        kind=kind,
        born_hour=HOUR,
        tag=INVITE.tag,
        key=INVITE.wrap_key,
        nonce=b"\x06" * 24,
        payload=message1,
    )


def forged_message_2(begun: Begun, payload: bytes) -> bytes:
    """A message 2 by the holder of the inviter's contact key, who says anything."""
    state, _ = noise.respond(
        prologue=NETWORK.nid16 + begun.envelope.header + INVITER.identity_key,
        psk=INVITE.psk,
        static_secret=INVITER.contact_secret,
        message=open_sealed(network=NETWORK, envelope=begun.envelope, key=INVITE.wrap_key),
    )
    message2, _ = state.write(payload, ephemeral_secret=b"\x09" * 32)
    return message2


def refused_answer(envelope: Envelope, **other: Any) -> Reason:
    with pytest.raises(RemoteProtocolError) as caught:
        answer_to(envelope, **other)
    return caught.value.reason


def refused_finish(begun: Begun, fields: dict[int, Any]) -> Reason:
    message2 = forged_message_2(begun, cbor.encode(fields))
    with pytest.raises(RemoteProtocolError) as caught:
        finish_with(begun.pending, message2)
    return caught.value.reason
