"""Records as rows: how each change is written in SQL and how a snapshot is read back.

It opens no file and begins no transaction; `sqlite` does both.
"""

import sqlite3
from typing import assert_never

import msgspec

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
from tocsin.store.records import (
    Consumer,
    Contact,
    ContactState,
    Event,
    Introduction,
    Purpose,
    Ready,
    ReceivingStream,
    Sealing,
    Send,
    SendingChain,
    Side,
    StoredInvite,
    StoredWheel,
    UnderKey,
    UnderReply,
)
from tocsin_protocol.recognise import StreamId, StreamState
from tocsin_protocol.wheel import Chain, Link, Q, Wheel

PRIMARY_KEYS = {
    "contacts": ("id",),
    "wheels": ("contact", "side"),
    "sending_chains": ("contact", "epoch", "q"),
    "receiving_chains": ("contact", "epoch", "q"),
    "skipped_keys": ("contact", "epoch", "q", "idx"),
    "invites": ("id",),
    "introductions": ("id",),
    "sends": ("id",),
    "consumers": ("name",),
}

KEEPERS_OF_SECRETS = (
    "wheels",
    "sending_chains",
    "receiving_chains",
    "skipped_keys",
    "invites",
    "introductions",
    "sends",
)


def apply(db: sqlite3.Connection, change: Change) -> Event | None:  # noqa: PLR0912 - one arm a change
    """Write one change; the event that it appended, if it is one."""
    match change:
        case PutContact(contact=c):
            put(db, "contacts", id=c.id, identity_key=c.identity_key, contact_key=c.contact_key,
                name=c.name, state=c.state, added_ms=c.added_ms)  # fmt: skip
        case PutWheel(wheel=w):
            put(db, "wheels", contact=w.contact, side=w.side, epoch=w.wheel.epoch, key=w.wheel.key)
        case PutSendingChain(sending=s):
            put(db, "sending_chains", contact=s.contact, epoch=s.chain.epoch, q=s.chain.q,
                next_index=s.chain.index, key=s.chain.key)  # fmt: skip
        case DeleteSendingChain():
            delete(db, "sending_chains", contact=change.contact, epoch=change.epoch, q=change.q)
        case PutStream(receiving=r):
            put_stream(db, r)
        case DeleteStream(stream=s):
            for table in ("receiving_chains", "skipped_keys"):
                delete(db, table, contact=s.contact, epoch=s.epoch, q=s.q)
        case PutInvite(invite=i):
            put(db, "invites", id=i.id, secret=i.secret, expires_hour=i.expires_hour,
                contact_name=i.contact_name)  # fmt: skip
        case DeleteInvite(id=invite_id):
            delete(db, "invites", id=invite_id)
        case PutIntroduction(introduction=i):
            put(db, "introductions", id=i.id, contact_name=i.contact_name, identity_key=i.identity_key,
                invite_text=i.invite_text, pending=i.pending, until_hour=i.until_hour)  # fmt: skip
        case DeleteIntroduction(id=introduction_id):
            delete(db, "introductions", id=introduction_id)
        case PutSend(send=send):
            put_send(db, send)
        case DeleteSend(id=send_id):
            delete(db, "sends", id=send_id)
        case AppendEvent():
            return append_event(db, change)
        case PutConsumer(consumer=consumer):
            put(db, "consumers", name=consumer.name, acked_seq=consumer.acked_seq)
        case _:
            assert_never(change)
    return None


def put(db: sqlite3.Connection, table: str, **columns: object) -> None:
    """Insert or overwrite by primary key; another row is never deleted to make room.

    (`INSERT OR REPLACE` would silently delete the row that a UNIQUE column collides with.)
    """
    names = ", ".join(columns)
    marks = ", ".join("?" * len(columns))
    keys = PRIMARY_KEYS[table]
    values = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in keys)
    action = f"DO UPDATE SET {values}" if values else "DO NOTHING"
    db.execute(
        f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT ({', '.join(keys)}) {action}",
        tuple(columns.values()),
    )


def delete(db: sqlite3.Connection, table: str, **where: object) -> None:
    condition = " AND ".join(f"{name} = ?" for name in where)
    db.execute(f"DELETE FROM {table} WHERE {condition}", tuple(where.values()))


def put_stream(db: sqlite3.Connection, receiving: ReceivingStream) -> None:
    stream, state = receiving.stream, receiving.state
    where = {"contact": stream.contact, "epoch": stream.epoch, "q": stream.q}
    put(db, "receiving_chains", **where, next_index=state.chain.index, key=state.chain.key)
    delete(db, "skipped_keys", **where)
    for link in state.skipped:
        put(db, "skipped_keys", **where, idx=link.index, key=link.key, tag=link.tag, nid=link.nid)


def put_send(db: sqlite3.Connection, send: Send) -> None:
    sealing: dict[str, object] = {"epoch": None, "tag": None, "key": None, "payload": None, "envelope": None}
    match send.sealing:
        case UnderKey() as under:
            sealing |= {"epoch": under.epoch, "tag": under.tag, "key": under.key, "payload": under.payload}
            name = "under_key"
        case UnderReply() as under:
            sealing |= {"key": under.secret, "payload": under.payload}
            name = "under_reply"
        case Ready(envelope=envelope):
            sealing |= {"envelope": envelope}
            name = "ready"
        case _:
            assert_never(send.sealing)
    put(db, "sends", id=send.id, contact=send.contact, introduction=send.introduction, purpose=send.purpose,
        nid=send.nid, topic=send.topic, kind=send.kind, sealing=name, **sealing, stamped=send.stamped,
        created_ms=send.created_ms, not_before_ms=send.not_before_ms, expires_ms=send.expires_ms)  # fmt: skip


def append_event(db: sqlite3.Connection, change: AppendEvent) -> Event:
    (last,) = db.execute("SELECT value FROM meta WHERE key = 'last_seq'").fetchone()
    seq = int(last) + 1
    db.execute(
        "INSERT INTO events (seq, time_ms, type, nid, app, sender, thread, data) VALUES (?,?,?,?,?,?,?,?)",
        (seq, change.time_ms, change.type, change.nid, change.app, change.sender, change.thread,
         msgspec.json.encode(change.data)),
    )  # fmt: skip
    db.execute("UPDATE meta SET value = ? WHERE key = 'last_seq'", (str(seq),))
    return Event(seq=seq, time_ms=change.time_ms, type=change.type, nid=change.nid, app=change.app,
                 sender=change.sender, thread=change.thread, data=change.data)  # fmt: skip


def forget_events(db: sqlite3.Connection, *, until_seq: int) -> None:
    db.execute("DELETE FROM events WHERE seq <= ?", (until_seq,))


def rewrite_secrets(db: sqlite3.Connection) -> None:
    """Give up every page that ever held a key, and put what is left into fresh ones.

    SQLite overwrites what it deletes, but where it moved a row to another page to keep its trees in
    balance, a copy stays behind that it no longer knows of. An emptied table's pages are overwritten whole.
    """
    for table in KEEPERS_OF_SECRETS:
        db.execute(f"CREATE TEMP TABLE kept AS SELECT * FROM {table}")
        db.execute(f"DELETE FROM {table}")
        db.execute(f"INSERT INTO {table} SELECT * FROM kept")
        db.execute("DROP TABLE kept")


def read_events(db: sqlite3.Connection, after: int, limit: int) -> tuple[Event, ...]:
    rows = db.execute(
        "SELECT seq, time_ms, type, nid, app, sender, thread, data FROM events"
        " WHERE seq > ? ORDER BY seq LIMIT ?",
        (after, limit),
    )
    return tuple(
        Event(seq=seq, time_ms=time_ms, type=type_, nid=nid, app=app, sender=sender, thread=thread,
              data=msgspec.json.decode(data, type=dict[str, object]))
        for seq, time_ms, type_, nid, app, sender, thread, data in rows
    )  # fmt: skip


def read_contacts(db: sqlite3.Connection) -> tuple[Contact, ...]:
    rows = db.execute("SELECT id, identity_key, contact_key, name, state, added_ms FROM contacts ORDER BY id")
    return tuple(
        Contact(id=i, identity_key=ik, contact_key=kk, name=name, state=ContactState(state), added_ms=added)
        for i, ik, kk, name, state, added in rows
    )


def read_wheels(db: sqlite3.Connection) -> tuple[StoredWheel, ...]:
    rows = db.execute("SELECT contact, side, epoch, key FROM wheels ORDER BY contact, side")
    return tuple(
        StoredWheel(contact=contact, side=Side(side), wheel=Wheel(epoch=epoch, key=key))
        for contact, side, epoch, key in rows
    )


def read_sending(db: sqlite3.Connection) -> tuple[SendingChain, ...]:
    rows = db.execute(
        "SELECT contact, epoch, q, next_index, key FROM sending_chains ORDER BY contact, epoch, q"
    )
    return tuple(
        SendingChain(contact=contact, chain=Chain(epoch=epoch, q=Q(q), index=index, key=key))
        for contact, epoch, q, index, key in rows
    )


def read_receiving(db: sqlite3.Connection) -> tuple[ReceivingStream, ...]:
    skipped: dict[StreamId, list[Link]] = {}
    for contact, epoch, q, index, key, tag, nid in db.execute(
        "SELECT contact, epoch, q, idx, key, tag, nid FROM skipped_keys ORDER BY contact, epoch, q, idx"
    ):
        stream = StreamId(contact=contact, epoch=epoch, q=Q(q))
        skipped.setdefault(stream, []).append(Link(index=index, key=key, tag=tag, nid=nid))
    streams = []
    for contact, epoch, q, index, key in db.execute(
        "SELECT contact, epoch, q, next_index, key FROM receiving_chains ORDER BY contact, epoch, q"
    ):
        stream = StreamId(contact=contact, epoch=epoch, q=Q(q))
        chain = Chain(epoch=epoch, q=Q(q), index=index, key=key)
        state = StreamState(chain=chain, skipped=tuple(skipped.get(stream, ())))
        streams.append(ReceivingStream(stream=stream, state=state))
    return tuple(streams)


def read_invites(db: sqlite3.Connection) -> tuple[StoredInvite, ...]:
    rows = db.execute("SELECT id, secret, expires_hour, contact_name FROM invites ORDER BY id")
    return tuple(
        StoredInvite(id=i, secret=s, expires_hour=hour, contact_name=name) for i, s, hour, name in rows
    )


def read_introductions(db: sqlite3.Connection) -> tuple[Introduction, ...]:
    rows = db.execute(
        "SELECT id, contact_name, identity_key, invite_text, pending, until_hour"
        " FROM introductions ORDER BY id"
    )
    return tuple(
        Introduction(
            id=i, contact_name=name, identity_key=ik, invite_text=text, pending=blob, until_hour=until
        )
        for i, name, ik, text, blob, until in rows
    )


def read_sends(db: sqlite3.Connection) -> tuple[Send, ...]:
    rows = db.execute(
        "SELECT id, contact, introduction, purpose, nid, topic, kind, sealing, epoch, tag, key, payload,"
        " envelope, stamped, created_ms, not_before_ms, expires_ms FROM sends ORDER BY id"
    )
    sends = []
    for (i, contact, introduction, purpose, nid, topic, kind, name, epoch, tag, key, payload,
         envelope, stamped, created_ms, not_before_ms, expires_ms) in rows:  # fmt: skip
        sealing: Sealing
        match name:
            case "under_key":
                sealing = UnderKey(epoch=epoch, tag=tag, key=key, payload=payload)
            case "under_reply":
                sealing = UnderReply(secret=key, payload=payload)
            case _:
                sealing = Ready(envelope=envelope)
        sends.append(
            Send(id=i, contact=contact, introduction=introduction, purpose=Purpose(purpose), nid=nid,
                 topic=topic, kind=kind, sealing=sealing, stamped=stamped, created_ms=created_ms,
                 not_before_ms=not_before_ms, expires_ms=expires_ms)
        )  # fmt: skip
    return tuple(sends)


def read_consumers(db: sqlite3.Connection) -> tuple[Consumer, ...]:
    rows = db.execute("SELECT name, acked_seq FROM consumers ORDER BY name")
    return tuple(Consumer(name=name, acked_seq=seq) for name, seq in rows)


def has_received(db: sqlite3.Connection, sender: str, nid: str) -> bool:
    found = db.execute(
        "SELECT 1 FROM events WHERE type = 'received' AND sender = ? AND nid = ?", (sender, nid)
    ).fetchone()
    return found is not None
