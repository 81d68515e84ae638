"""Our invites against the vectors of `invite`."""

from tests.protocol.vectors import Fields, Vector, check, vectors_of
from tocsin_protocol.invite import Invite


def run_invite(vector: Vector) -> Fields:
    invite = Invite.decode(vector.input["text"], vector.network, vector.now_hour)
    door = invite.door
    assert (door.responder, door.initiator) == (invite.identity_key, None)
    assert door.last_hour == invite.expires_hour
    return {
        "identity_key": invite.identity_key.hex(),
        "contact_key": invite.contact_key.hex(),
        "depth": invite.depth,
        "expires_hour": invite.expires_hour,
        "secret": invite.secret.hex(),
        "tag": door.tag.hex(),
        "key": door.key.hex(),
        "psk": door.psk.hex(),
        "text": invite.encode(vector.network),
    }


@vectors_of("invite")
def test_invite(vector: Vector) -> None:
    check(vector, {"invite": run_invite})
