"""What was deleted is gone: the raw bytes of every file of the folder are searched for every deleted key."""

import random
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.node.store.stores import (
    KNOWN,
    contact,
    event,
    introduction,
    invite,
    key,
    link,
    receiving,
    send,
    sending,
    wheel,
)
from tocsin.store.changes import (
    Change,
    ChangeRefused,
    DeleteIntroduction,
    DeleteInvite,
    DeleteSend,
    DeleteSendingChain,
    DeleteStream,
    PutContact,
    PutIntroduction,
    PutInvite,
    PutSend,
    PutSendingChain,
    PutStream,
    PutWheel,
)
from tocsin.store.executor import InlineExecutor
from tocsin.store.records import Ready, Sealing, Side, UnderKey, UnderReply
from tocsin.store.sqlite import SqliteStore, open_store
from tocsin_protocol.types import EnvelopeBytes, Epoch, MessageKey, Tag
from tocsin_protocol.wheel import Q

CONTACTS = 8


class History:
    """Changes at random and, beside them, the keys that they leave alive and those that they delete."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._seed = seed
        self._made = 0
        self._alive: dict[object, list[bytes]] = {}
        self.deleted: set[bytes] = set()

    @property
    def alive(self) -> set[bytes]:
        return {secret for secrets in self._alive.values() for secret in secrets}

    def next_change(self) -> Change:
        make = self._chance.choice(
            [
                self._wheel,
                self._chain,
                self._stream,
                self._stream,
                self._invite,
                self._introduction,
                self._send,
            ]
        )
        return make(self._chance.random() < 0.3)

    def _secrets(self, place: object, count: int) -> list[bytes]:
        """New ones for this place, instead of those that were there."""
        self.deleted.update(self._alive.pop(place, ()))
        self._alive[place] = [key((self._seed, self._made + number)) for number in range(count)]
        self._made += count
        return self._alive[place]

    def _wheel(self, delete: bool) -> Change:
        of, side = self._chance.randint(1, CONTACTS), self._chance.choice(list(Side))
        (secret,) = self._secrets(("wheel", of, side), 1)
        return PutWheel(wheel=wheel(side, 7, of=of, secret=secret))

    def _chain(self, delete: bool) -> Change:
        of, q = self._chance.randint(1, CONTACTS), self._chance.choice(list(Q))
        secrets = self._secrets(("chain", of, q), 0 if delete else 1)
        if delete:
            return DeleteSendingChain(contact=of, epoch=Epoch(7), q=q)
        return PutSendingChain(sending=sending(self._made, of=of, q=q, secret=secrets[0]))

    def _stream(self, delete: bool) -> Change:
        of, q, epoch = (
            self._chance.randint(1, CONTACTS),
            self._chance.choice(list(Q)),
            self._chance.randint(1, 4),
        )
        first, *skipped = self._secrets(("stream", of, q, epoch), 1 + self._chance.randint(0, 20))
        links = [link(index, secret) for index, secret in enumerate(skipped)]
        put = receiving(99, skipped=links, of=of, epoch=epoch, q=q, secret=first)
        if not delete:
            return PutStream(receiving=put)
        self._secrets(("stream", of, q, epoch), 0)
        return DeleteStream(stream=put.stream)

    def _invite(self, delete: bool) -> Change:
        number = self._chance.randint(1, 30)
        secrets = self._secrets(("invite", number), 0 if delete else 1)
        return DeleteInvite(id=number) if delete else PutInvite(invite=invite(number, secrets[0]))

    def _introduction(self, delete: bool) -> Change:
        number = self._chance.randint(1, 10)
        secrets = self._secrets(("introduction", number), 0 if delete else 5)
        pending = introduction(number, b"".join(secrets))
        return DeleteIntroduction(id=number) if delete else PutIntroduction(introduction=pending)

    def _send(self, delete: bool) -> Change:
        number = self._chance.randint(1, 40)
        secrets = self._secrets(("send", number), 0 if delete else 4)
        if delete:
            return DeleteSend(id=number)
        first, payload = secrets[0], secrets[1] + bytes(self._chance.randint(0, 4_900)) + secrets[2]
        under_key = UnderKey(epoch=Epoch(7), tag=Tag(bytes(16)), key=MessageKey(first), payload=payload)
        under_reply = UnderReply(secret=first, payload=payload)
        ready = Ready(envelope=EnvelopeBytes(first + payload))
        sealings: list[Sealing] = [under_key, under_reply, ready]
        return PutSend(send=send(number, self._chance.choice(sealings), stamped=EnvelopeBytes(secrets[3])))


def found_in(folder: Path, secrets: Iterable[bytes]) -> set[bytes]:
    everything = b"\n".join(path.read_bytes() for path in folder.iterdir())
    return {secret for secret in secrets if secret in everything}


def files_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def open_with_contacts(folder: Path) -> SqliteStore:
    store = await open_store(folder / "tocsin.db", executor=InlineExecutor(), boot_id="any")
    await store.commit([PutContact(contact=contact(number)) for number in range(1, CONTACTS + 1)])
    return store


@pytest.mark.parametrize("seed", [1, 3, 4])
async def test_no_deleted_key_is_left_on_the_disk(tmp_path: Path, seed: int) -> None:
    history, chance = History(seed), random.Random(seed)
    store = await open_with_contacts(tmp_path)
    for _ in range(4):
        for _ in range(60):
            await store.commit([history.next_change() for _ in range(chance.randint(1, 4))])
        assert found_in(tmp_path, history.deleted), "the log of what was overwritten should still have some"
        await store.scrub()
        assert found_in(tmp_path, history.deleted) == set()
        assert found_in(tmp_path, history.alive) == history.alive
    for _ in range(20):
        await store.commit([history.next_change()])
    await store.aclose()
    assert found_in(tmp_path, history.deleted) == set()
    assert found_in(tmp_path, history.alive) == history.alive
    assert files_in(tmp_path) == {"tocsin.db"}


async def test_nothing_else_is_scrubbed_away(tmp_path: Path) -> None:
    history = History(seed=9)
    store = await open_with_contacts(tmp_path)
    await store.commit([history.next_change() for _ in range(100)])
    await store.commit([event("a"), event("b")])
    before, events = await store.load(), await store.events_after(0, 10)
    for _ in range(2):
        await store.scrub()
        assert (await store.load(), await store.events_after(0, 10)) == (before, events)
    await store.aclose()


async def test_contacts_are_still_asked_for_after_a_scrub(tmp_path: Path) -> None:
    store = await open_with_contacts(tmp_path)
    await store.scrub()
    with pytest.raises(ChangeRefused):
        await store.commit([PutWheel(wheel=wheel(Side.SENDING, 7, of=CONTACTS + 1))])
    await store.aclose()


async def test_keys_of_a_killed_process_go_with_the_next_scrub(tmp_path: Path) -> None:
    """Nothing in memory says any more that there is something to do."""
    killed, revived = tmp_path / "killed", tmp_path / "revived"
    killed.mkdir()
    revived.mkdir()
    old, new = key("old"), key("new")
    store = await open_with_contacts(killed)
    await store.commit([PutWheel(wheel=wheel(Side.SENDING, 7, secret=old))])
    await store.commit([PutWheel(wheel=wheel(Side.SENDING, 8, secret=new))])
    for name in files_in(killed):
        (revived / name).write_bytes((killed / name).read_bytes())
    await store.aclose()
    assert found_in(revived, [old]) == {old}
    again = await open_store(revived / "tocsin.db", executor=InlineExecutor(), boot_id="any")
    await again.scrub()
    assert found_in(revived, [old, new]) == {new}
    await again.aclose()


async def test_a_refused_commit_leaves_no_key(tmp_path: Path) -> None:
    secrets = [key(("refused", number)) for number in range(200)]
    links = [link(index, secret) for index, secret in enumerate(secrets)]
    store = await open_with_contacts(tmp_path)
    with pytest.raises(ChangeRefused):
        await store.commit(
            [
                KNOWN,
                PutStream(receiving=receiving(1, skipped=links)),
                PutStream(receiving=receiving(1, of=99)),
            ]
        )
    assert found_in(tmp_path, secrets) == set()
    await store.aclose()
