"""The method table: each name with the type of its parameters and of its result.

It opens no connection; `events.subscribe` is the one method that its connection carries on.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec

from tocsin import __version__
from tocsin.api.jsonrpc import INVALID_PARAMS, METHOD_NOT_FOUND, Request, RpcError
from tocsin.ledger import CONSUMERS_MAX
from tocsin.node import Node
from tocsin.store.records import Event
from tocsin_protocol.errors import LocalProtocolError
from tocsin_protocol.identity import Address
from tocsin_protocol.limits import TTL_S_DEFAULT, TTL_S_MAX
from tocsin_protocol.notification import Notification, NotificationKind, Urgency

SUBSCRIBE: Final = "events.subscribe"
Seq = Annotated[int, msgspec.Meta(ge=0)]


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Common parent: a misspelt parameter is an error, never ignored."""


class Nothing(Params, frozen=True):
    pass


class CreateInvite(Params, frozen=True):
    name: str | None = None
    hours: int = 48


class AcceptInvite(Params, frozen=True):
    invite: str
    name: str | None = None


class Notify(Params, frozen=True):
    contact: str
    title: str
    body: str = ""
    subtitle: str = ""
    app: str = ""
    thread: str = ""
    urgency: str = "normal"
    ttl_s: int = TTL_S_DEFAULT


class SubscribeEvents(Params, frozen=True):
    """`since` replays everything after a seq; without it the consumer's own cursor is the place."""

    consumer: str
    since: Seq | None = None
    types: tuple[str, ...] | None = None


class AckEvents(Params, frozen=True):
    consumer: str
    seq: Seq


class EventView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """An event as a client sees it; `time` is RFC 3339 with milliseconds."""

    seq: int
    time: str
    type: str
    nid: str | None
    app: str | None
    sender: str | None
    thread: str | None
    data: Mapping[str, object]


async def show_identity(node: Node, params: Nothing) -> dict[str, Any]:
    identity = node.me.identity
    address = Address(identity_key=identity.identity_key, contact_key=identity.contact_key)
    return {"address": address.encode(node.me.network), "identity_key": identity.identity_key.hex()}


async def create_invite(node: Node, params: CreateInvite) -> dict[str, Any]:
    invited = await node.create_invite(params.name, params.hours)
    return {"contact": invited.contact, "invite": invited.text, "expires": rfc3339(invited.expires_ms)}


async def accept_invite(node: Node, params: AcceptInvite) -> dict[str, Any]:
    after = node.ledger.last_seq
    return {"contact": await node.accept_invite(params.invite, params.name), "seq": after}


async def list_contacts(node: Node, params: Nothing) -> list[dict[str, Any]]:
    return [
        {
            "name": contact.name,
            "identity_key": contact.identity_key.hex(),
            "state": contact.state.value,
            "added": rfc3339(contact.added_ms),
        }
        for contact in node.contacts
    ]


async def send_notification(node: Node, params: Notify) -> dict[str, Any]:
    urgencies = {urgency.name.lower().replace("_", "-"): urgency for urgency in Urgency}
    if params.urgency not in urgencies:
        raise RpcError(INVALID_PARAMS, f"urgency {params.urgency!r}: use {', '.join(urgencies)}")
    if not 0 <= params.ttl_s <= TTL_S_MAX:
        raise RpcError(INVALID_PARAMS, f"ttl_s {params.ttl_s}: use 0 to {TTL_S_MAX} seconds")
    content = Notification(
        kind=NotificationKind.ALERT,
        ts_ms=node.now_ms(),
        ttl_s=params.ttl_s,
        app=params.app,
        title=params.title,
        subtitle=params.subtitle,
        body=params.body,
        urgency=urgencies[params.urgency],
        thread=params.thread,
    )
    try:
        nid = await node.notify(params.contact, content)
    except LocalProtocolError as error:
        raise RpcError(INVALID_PARAMS, str(error)) from None
    return {"nid": nid.hex(), "state": "queued"}


async def subscribe(node: Node, params: SubscribeEvents) -> dict[str, Any]:
    """The place to start from, fixed before anything is awaited; the connection then carries the events."""
    known = node.ledger.acknowledged(params.consumer)
    check_consumer(node, params.consumer, known)
    wanted = params.since if params.since is not None else known
    after = node.ledger.last_seq if wanted is None else min(wanted, node.ledger.last_seq)
    if known is None:
        await node.ledger.acknowledge(params.consumer, after)
    return {"boot_id": node.boot_id, "after": after}


async def acknowledge(node: Node, params: AckEvents) -> dict[str, Any]:
    known = node.ledger.acknowledged(params.consumer)
    if known is None:
        raise RpcError(INVALID_PARAMS, f"no consumer is called {params.consumer!r}: subscribe first")
    return {"acked": await node.ledger.acknowledge(params.consumer, params.seq)}


async def show_status(node: Node, params: Nothing) -> dict[str, Any]:
    peers = node.driver.peers
    state = "degraded" if node.troubles else "online" if peers else "connecting"
    return {
        "state": state,
        "version": __version__,
        "network": node.me.network.name,
        "role": node.config.role.value,
        "uptime_s": node.uptime_ms // 1000,
        "addresses": list(node.addresses),
        "peers": [{"peer": peer.peer, "outbound": peer.outbound, "address": peer.address} for peer in peers],
        "contacts": len(node.contacts),
        "waiting": {
            "sends": node.outbox.waiting,
            "introductions": len(node.ledger.tables.introductions),
            "second_neighbour": node.inbox.parked,
        },
        "tags": node.ledger.recognition.size,
        "last_seq": node.ledger.last_seq,
        "degraded": sorted(node.troubles),
        "counters": dict(sorted(node.counters.items())),
        "last_gone": [{"peer": gone.peer, "why": gone.why} for gone in node.driver.last_gone],
    }


def check_consumer(node: Node, name: str, known: int | None) -> None:
    if not 1 <= len(name) <= 64:
        raise RpcError(INVALID_PARAMS, "a consumer's name has 1 to 64 characters")
    if known is None and len(node.ledger.tables.consumers) >= CONSUMERS_MAX:
        raise RpcError(INVALID_PARAMS, f"there are {CONSUMERS_MAX} consumers already: reuse a name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    params: type[Params]
    call: Callable[[Node, Any], Awaitable[Any]]


METHODS: Final[Mapping[str, Method]] = {
    "identity.show": Method(params=Nothing, call=show_identity),
    "invite.create": Method(params=CreateInvite, call=create_invite),
    "invite.accept": Method(params=AcceptInvite, call=accept_invite),
    "contacts.list": Method(params=Nothing, call=list_contacts),
    "notify.send": Method(params=Notify, call=send_notification),
    SUBSCRIBE: Method(params=SubscribeEvents, call=subscribe),
    "events.ack": Method(params=AckEvents, call=acknowledge),
    "node.status": Method(params=Nothing, call=show_status),
}


async def call(node: Node, request: Request) -> tuple[Params, Any]:
    """The typed parameters and the result of one request."""
    method = METHODS.get(request.method)
    if method is None:
        raise RpcError(METHOD_NOT_FOUND, f"no method is called {request.method!r}")
    try:
        params = msgspec.json.decode(request.params, type=method.params)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise RpcError(INVALID_PARAMS, f"{request.method}: {error}") from None
    return params, await method.call(node, params)


def view(event: Event) -> EventView:
    return EventView(
        seq=event.seq,
        time=rfc3339(event.time_ms),
        type=event.type,
        nid=event.nid,
        app=event.app,
        sender=event.sender,
        thread=event.thread,
        data=event.data,
    )


def rfc3339(unix_ms: int) -> str:
    moment = datetime.fromtimestamp(unix_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{unix_ms % 1000:03d}Z"
