"""A profile's memory as plain dictionaries, changed only by applying changes to it.

It holds no events (only a store numbers and keeps those) and nothing here survives the process.
"""

from typing import assert_never

from tocsin.store.changes import (
    AppendEvent,
    Change,
    DeleteIntroduction,
    DeleteInvite,
    DeleteSend,
    DeleteSendingChain,
    DeleteStream,
    PutConsumer,
    PutContact,
    PutIntroduction,
    PutInvite,
    PutSend,
    PutSendingChain,
    PutStream,
    PutWheel,
)
from tocsin.store.records import Consumer, Contact, Introduction, Send, Side, Snapshot, StoredInvite
from tocsin_protocol.recognise import StreamId, StreamState
from tocsin_protocol.types import Epoch
from tocsin_protocol.wheel import Chain, Q, Wheel


class Tables:
    def __init__(self) -> None:
        self.contacts: dict[int, Contact] = {}
        self.wheels: dict[tuple[int, Side], Wheel] = {}
        self.sending: dict[tuple[int, Epoch, Q], Chain] = {}
        self.receiving: dict[StreamId, StreamState] = {}
        self.invites: dict[int, StoredInvite] = {}
        self.introductions: dict[int, Introduction] = {}
        self.sends: dict[int, Send] = {}
        self.consumers: dict[str, Consumer] = {}

    @classmethod
    def from_snapshot(cls, snapshot: Snapshot) -> "Tables":
        tables = cls()
        tables.contacts = {contact.id: contact for contact in snapshot.contacts}
        tables.wheels = {(wheel.contact, wheel.side): wheel.wheel for wheel in snapshot.wheels}
        tables.sending = {(s.contact, s.chain.epoch, s.chain.q): s.chain for s in snapshot.sending}
        tables.receiving = {r.stream: r.state for r in snapshot.receiving}
        tables.invites = {invite.id: invite for invite in snapshot.invites}
        tables.introductions = {i.id: i for i in snapshot.introductions}
        tables.sends = {send.id: send for send in snapshot.sends}
        tables.consumers = {consumer.name: consumer for consumer in snapshot.consumers}
        return tables

    def apply(self, change: Change) -> None:  # noqa: PLR0912 - one arm a change
        match change:
            case PutContact(contact=contact):
                self.contacts[contact.id] = contact
            case PutWheel(wheel=stored):
                self.wheels[stored.contact, stored.side] = stored.wheel
            case PutSendingChain(sending=sending):
                self.sending[sending.contact, sending.chain.epoch, sending.chain.q] = sending.chain
            case DeleteSendingChain(contact=contact_id, epoch=epoch, q=q):
                self.sending.pop((contact_id, epoch, q), None)
            case PutStream(receiving=receiving):
                self.receiving[receiving.stream] = receiving.state
            case DeleteStream(stream=stream):
                self.receiving.pop(stream, None)
            case PutInvite(invite=invite):
                self.invites[invite.id] = invite
            case DeleteInvite(id=invite_id):
                self.invites.pop(invite_id, None)
            case PutIntroduction(introduction=introduction):
                self.introductions[introduction.id] = introduction
            case DeleteIntroduction(id=introduction_id):
                self.introductions.pop(introduction_id, None)
            case PutSend(send=send):
                self.sends[send.id] = send
            case DeleteSend(id=send_id):
                self.sends.pop(send_id, None)
            case PutConsumer(consumer=consumer):
                self.consumers[consumer.name] = consumer
            case AppendEvent():
                pass
            case _:
                assert_never(change)

    def contact_named(self, name: str) -> Contact | None:
        return next((contact for contact in self.contacts.values() if contact.name == name), None)

    def contact_with(self, identity_key: bytes) -> Contact | None:
        return next((c for c in self.contacts.values() if c.identity_key == identity_key), None)
