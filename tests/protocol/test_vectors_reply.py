"""Our message 2, written and read, and the envelope that confirms it, against the vectors of `reply`."""

from tests.protocol.test_vectors_grant import told_grant
from tests.protocol.vector_people import cards_of, grant_of, identity_of, writer_of
from tests.protocol.vector_sessions import CONTACT, draw_of
from tests.protocol.vectors import Fields, Vector, check, vectors_of
from tocsin_protocol import effects as fx
from tocsin_protocol import noise, notification
from tocsin_protocol.control import write_control
from tocsin_protocol.effects import Role
from tocsin_protocol.envelope import Envelope, EnvelopeClass, kind_of, open_sealed, seal
from tocsin_protocol.hello import Peer
from tocsin_protocol.identity import Card
from tocsin_protocol.introduce import IntroductionKind, Pending, finish, reply_to
from tocsin_protocol.notification import Notification, NotificationKind
from tocsin_protocol.reintroduce import reintroduction_secret
from tocsin_protocol.session import Begin, Session
from tocsin_protocol.types import ContactKey, Epoch, Hour, IdentityKey, epoch_of
from tocsin_protocol.wheel import Roots

PAIR_72H = kind_of(EnvelopeClass.PAIR, 3)
NEVER_SEEN = Card(contact_key=ContactKey(bytes(32)), rotation=0, not_before_hour=Hour(0))


def run_reply(vector: Vector) -> Fields:
    initiator = ContactKey(vector.raw("initiator_static"))
    state = noise.ResponderState(
        chaining_key=vector.raw("chaining_key"),
        handshake_hash=vector.raw("handshake_hash"),
        initiator_ephemeral=vector.raw("initiator_ephemeral"),
        initiator_static=initiator,
    )
    card = Card(contact_key=initiator, rotation=0, not_before_hour=Hour(0))
    answered = reply_to(
        kind=IntroductionKind.INVITE,
        identity=writer_of(vector),
        handshake=state,
        peer=Peer(identity_key=IdentityKey(bytes(32)), card=card, depth=0),
        born_hour=Hour(vector.input["message_1_hour"]),
        now=vector.now,
        depth=vector.input["depth"],
        grant=grant_of(vector),
        ephemeral=vector.raw("ephemeral"),
    )
    born_hour = Hour(vector.input["born_hour"])
    tag, key = answered.reply.entry(epoch_of(born_hour))
    envelope = seal(
        network=vector.network,
        kind=PAIR_72H,
        born_hour=born_hour,
        tag=tag,
        key=key,
        nonce=vector.raw("nonce"),
        payload=answered.reply.message2,
    )
    return {
        "epoch": answered.epoch,
        "message": answered.reply.message2.hex(),
        "tag": tag.hex(),
        "key": key.hex(),
        "envelope": envelope.encode().hex(),
        **told_roots(answered.roots),
    }


def told_roots(roots: Roots) -> Fields:
    return {
        "m": roots.key.hex(),
        "wheel_key": roots.wheel_key.hex(),
        "reintro": reintroduction_secret(roots).hex(),
    }


def run_read_reply(vector: Vector) -> Fields:
    rotation = vector.input["rotation"]
    pending = Pending(
        kind=IntroductionKind.INVITE,
        identity_key=IdentityKey(vector.raw("identity_key")),
        contact_key=ContactKey(vector.raw("contact_key")),
        rotation=rotation,
        born_hour=Hour(vector.input["message_1_hour"]),
        handshake=noise.InitiatorState(
            chaining_key=vector.raw("chaining_key"),
            handshake_hash=vector.raw("handshake_hash"),
            ephemeral_secret=vector.raw("ephemeral"),
        ),
    )
    envelope = Envelope.parse(vector.raw("envelope"))
    tag, key = pending.reply_entry(epoch_of(envelope.born_hour))
    if envelope.envelope_class is not EnvelopeClass.PAIR or envelope.tag != tag:
        return {"expect": "tag"}
    finished = finish(
        identities=[identity_of(vector, rotation)],
        pending=Pending.decode(pending.encode()),
        payload=open_sealed(network=vector.network, envelope=envelope, key=key),
        born_hour=envelope.born_hour,
        now=vector.now,
        seen=cards_of(vector.input["seen"]),
    )
    peer = finished.peer
    return {
        "identity_key": peer.identity_key.hex(),
        "rotation": peer.card.rotation,
        "not_before_hour": peer.card.not_before_hour,
        "depth": peer.depth,
        "grant": told_grant(peer.grant),
        "epoch": finished.epoch,
        **told_roots(finished.roots),
    }


def run_confirm(vector: Vector) -> Fields:
    """What a session sends first of all after it was introduced."""
    epoch = Epoch(vector.input["epoch"])
    session = Session(
        contact=CONTACT,
        own=IdentityKey(vector.raw("own")),
        other=IdentityKey(vector.raw("other")),
    )
    begin = Begin(
        roots=Roots(generation=0, key=vector.raw("m"), wheel_key=vector.raw("wheel_key")),
        epoch=epoch,
        reached=epoch,
        role=Role.BEGAN,
        card=NEVER_SEEN,
        draw=draw_of(bytes(32)),
    )
    effects = session.handle(begin, vector.now)
    sealed = next(effect for effect in effects if isinstance(effect, fx.Seal))
    assert (sealed.number, sealed.link.index) == (0, 0)
    content = Notification(kind=NotificationKind.CONTROL, control=write_control(sealed.control))
    payload = notification.encode(content)
    envelope = seal(
        network=vector.network,
        kind=PAIR_72H,
        born_hour=Hour(vector.input["born_hour"]),
        tag=sealed.link.tag,
        key=sealed.link.key,
        nonce=vector.raw("nonce"),
        payload=payload,
    )
    return {
        "message_key": sealed.link.key.hex(),
        "tag": sealed.link.tag.hex(),
        "payload": payload.hex(),
        "envelope": envelope.encode().hex(),
    }


@vectors_of("reply")
def test_reply(vector: Vector) -> None:
    check(vector, {"reply": run_reply, "read-reply": run_read_reply, "confirm": run_confirm})
