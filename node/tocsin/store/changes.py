"""Everything that may happen to a profile's memory: a closed union, committed in one transaction.

A change that deletes a key says so by its name, so that a store can prove the deletion.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from tocsin.store.records import (
    Consumer,
    Contact,
    Introduction,
    ReceivingStream,
    Send,
    SendingChain,
    StoredInvite,
    StoredWheel,
)
from tocsin_protocol.recognise import StreamId
from tocsin_protocol.types import Epoch
from tocsin_protocol.wheel import Q


class ChangeRefused(Exception):
    """The changes contradict what is stored: a bug of whoever computed them, no trouble of the disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PutContact:
    contact: Contact


@dataclass(frozen=True, slots=True, kw_only=True)
class PutWheel:
    """Takes the place of the side's wheel, whose key is thereby deleted."""

    wheel: StoredWheel


@dataclass(frozen=True, slots=True, kw_only=True)
class PutSendingChain:
    """Takes the place of the chain at an earlier index, whose key is thereby deleted."""

    sending: SendingChain


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteSendingChain:
    contact: int
    epoch: Epoch
    q: Q


@dataclass(frozen=True, slots=True, kw_only=True)
class PutStream:
    """Takes the place of the stream's earlier state: consumed and skipped keys go with it."""

    receiving: ReceivingStream


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteStream:
    stream: StreamId


@dataclass(frozen=True, slots=True, kw_only=True)
class PutInvite:
    invite: StoredInvite


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteInvite:
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PutIntroduction:
    introduction: Introduction


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteIntroduction:
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PutSend:
    """Adds a send, or takes the place of the one with the same id."""

    send: Send


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteSend:
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AppendEvent:
    """The store gives the event its seq: the last one plus exactly 1."""

    time_ms: int
    type: str
    nid: str | None
    app: str | None
    sender: str | None
    thread: str | None
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class PutConsumer:
    consumer: Consumer


Change: TypeAlias = (
    PutContact
    | PutWheel
    | PutSendingChain
    | DeleteSendingChain
    | PutStream
    | DeleteStream
    | PutInvite
    | DeleteInvite
    | PutIntroduction
    | DeleteIntroduction
    | PutSend
    | DeleteSend
    | AppendEvent
    | PutConsumer
)
