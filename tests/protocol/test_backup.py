"""Backups: all of what two people agreed comes back, and nothing that would be used twice."""

from dataclasses import replace
from operator import attrgetter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt

from tocsin_protocol import cbor
from tocsin_protocol.backup import Backup, BackupContact, BackupHead, BackupKey, BackupMode
from tocsin_protocol.errors import LocalProtocolError, Reason, RemoteProtocolError
from tocsin_protocol.grant import Grant
from tocsin_protocol.hashing import KDF
from tocsin_protocol.identity import FIRST_ROTATION, Card, Identity, Rotation, Seed, rotate
from tocsin_protocol.limits import BACKUP_CONTACTS_MAX
from tocsin_protocol.types import ContactKey, Hour, IdentityKey

SEED = Seed(b"\x01" * 32)
KEY = BackupKey.of_seed(SEED)
OWNER = Identity.from_seed(SEED).identity_key
NONCE = b"\x02" * 24
CONTACT = BackupContact(
    identity_key=IdentityKey(b"\x03" * 32),
    card=Card(contact_key=ContactKey(b"\x04" * 32), rotation=5, not_before_hour=Hour(6)),
    name="Bob",
    depth=2,
    given=Grant(per_day=7),
    reintroduction=b"\x05" * 32,
)
SENT_CONTACT = {
    0: b"\x03" * 32,
    1: b"\x04" * 32,
    2: 5,
    3: 6,
    4: "Bob",
    5: 2,
    6: {1: 7},
    8: b"\x05" * 32,
}
BACKUP = Backup(
    identity_key=OWNER,
    rotations=rotate((FIRST_ROTATION,), Hour(480_000)),
    contacts=(CONTACT,),
    blocked=(IdentityKey(b"\x06" * 32),),
    knock_policy=5,
    pin="12345678",
    policy={"quiet": [22, 7]},
)
hours = st.integers(0, (1 << 32) - 1).map(Hour)
keys = st.binary(min_size=32, max_size=32)
some_grants = st.none() | st.builds(Grant, per_day=st.integers(0, 9))
contacts = st.builds(
    BackupContact,
    identity_key=keys.map(IdentityKey),
    card=st.builds(Card, contact_key=keys.map(ContactKey), rotation=hours, not_before_hour=hours),
    name=st.text(st.characters(codec="utf-8"), max_size=16),
    depth=st.integers(0, 8),
    given=some_grants,
    received=some_grants,
    reintroduction=keys,
)
backups = st.builds(
    Backup,
    identity_key=st.just(OWNER),
    rotations=st.lists(
        st.builds(Rotation, number=hours, not_before_hour=hours, replaced_hour=st.none() | hours),
        min_size=1,
        max_size=4,
    ).map(tuple),
    contacts=st.lists(contacts, max_size=3, unique_by=attrgetter("identity_key")).map(tuple),
    blocked=st.lists(keys.map(IdentityKey), max_size=3, unique=True).map(tuple),
    knock_policy=st.integers(0, 7),
    pin=st.text("0123456789", max_size=12),
    policy=st.dictionaries(st.integers(0, 9), st.text("abc")),
)


def forge(content: Any, key: BackupKey = KEY) -> bytes:
    """A backup by the holder of the key with any content."""
    head = b"tcn1/backup\x01" + bytes((key.head.mode,)) + key.head.salt + NONCE
    return head + crypto_aead_xchacha20poly1305_ietf_encrypt(cbor.encode(content), head, NONCE, key.key)


def many(count: int, **changed: Any) -> tuple[BackupContact, ...]:
    """So many contacts, each another person."""
    names = (IdentityKey(number.to_bytes(32, "big")) for number in range(count))
    return tuple(replace(CONTACT, identity_key=name, **changed) for name in names)


def refused(data: bytes) -> Reason:
    with pytest.raises(RemoteProtocolError) as caught:
        Backup.open(data, KEY)
    return caught.value.reason


@given(backups)
def test_a_backup_comes_back(backup: Backup) -> None:
    assert Backup.open(backup.seal(KEY, NONCE), KEY) == backup


def test_a_backup_is_laid_out_as_specified() -> None:
    content = {
        0: BACKUP.identity_key,
        1: [[480_000, 480_000, None], [0, 0, 480_000]],
        2: [SENT_CONTACT],
        3: [b"\x06" * 32],
        4: 5,
        5: "12345678",
        6: {"quiet": [22, 7]},
    }
    assert KEY.key == KDF(SEED, "tcn1/seed", b"bk", 32)
    assert BACKUP.seal(KEY, NONCE) == forge(content)
    assert BackupHead.read(forge(content)) == BackupHead(mode=BackupMode.SEED, salt=bytes(16))


def test_a_backup_holds_no_wheel_chain_or_counter() -> None:
    """Whoever restores one is a new device; there is no field in which such a thing could hide."""
    assert set(BackupContact.__slots__) == {
        "identity_key",
        "card",
        "name",
        "depth",
        "given",
        "received",
        "reintroduction",
    }
    assert set(Backup.__slots__) == {
        "identity_key",
        "rotations",
        "contacts",
        "blocked",
        "knock_policy",
        "pin",
        "policy",
    }


def test_a_passphrase_opens_it_too() -> None:
    """256 MiB once: this is the real work."""
    key = BackupKey.of_passphrase(b"correct horse", b"\x07" * 16)
    data = BACKUP.seal(key, NONCE)
    assert BackupHead.read(data) == key.head == BackupHead(mode=BackupMode.PASSPHRASE, salt=b"\x07" * 16)
    assert Backup.open(data, key) == BACKUP
    with pytest.raises(LocalProtocolError):
        Backup.open(data, KEY)
    with pytest.raises(LocalProtocolError):
        BackupKey.of_passphrase(b"correct horse", b"\x07" * 15)


def test_other_words_and_changed_bytes_do_not_open_it() -> None:
    data = BACKUP.seal(KEY, NONCE)
    with pytest.raises(RemoteProtocolError) as caught:
        Backup.open(data, BackupKey.of_seed(Seed(b"\x09" * 32)))
    assert caught.value.reason is Reason.AEAD
    for at in (29, 52, 53, len(data) - 1):
        assert refused(data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]) is Reason.AEAD


def test_the_head_must_be_one_we_know() -> None:
    data = BACKUP.seal(KEY, NONCE)
    assert refused(data[:68]) is Reason.LENGTH
    assert refused(bytes(16 * 1024 * 1024 + 1)) is Reason.LENGTH
    assert refused(b"T" + data[1:]) is Reason.CONSTANT
    assert refused(data[:11] + b"\x02" + data[12:]) is Reason.CONSTANT
    assert refused(data[:12] + b"\x02" + data[13:]) is Reason.CONSTANT
    assert refused(data[:13] + b"\x01" + data[14:]) is Reason.CONSTANT


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    refused(data)
    refused(b"tcn1/backup\x01\x00" + bytes(16) + data)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (0, None),
        (0, b"short"),
        (0, b"\x01" * 32),
        (1, None),
        (1, []),
        (1, [[0, 0, None]] * 5),
        (1, [[0, 0]]),
        (1, ["abc"]),
        (1, [[0, -1, None]]),
        (1, [["0", 0, None]]),
        (1, [[0, 0, -1]]),
        (2, {}),
        (2, [None]),
        (2, [{}]),
        (2, [SENT_CONTACT] * 2),
        (3, [b"short"]),
        (3, [b"\x06" * 32] * 2),
        (3, "abc"),
        (4, 8),
        (5, 12345678),
        (5, "1" * 13),
        (6, None),
        (6, {0: "x" * 65_536}),
    ],
)
def test_a_content_that_breaks_a_rule_is_refused(key: int, value: Any) -> None:
    content = {
        0: OWNER,
        1: [[0, 0, None]],
        2: [SENT_CONTACT],
        3: [],
        4: 5,
        5: "",
        6: {},
    }
    Backup.open(forge(content), KEY)
    assert refused(forge({**content, key: value})) is Reason.PAYLOAD
    assert refused(forge([content])) is Reason.PAYLOAD


def test_what_could_not_be_restored_is_not_written() -> None:
    for broken in (
        replace(BACKUP, knock_policy=8),
        replace(BACKUP, contacts=(replace(CONTACT, name="x" * 65),)),
        replace(BACKUP, contacts=many(BACKUP_CONTACTS_MAX + 1)),
        replace(BACKUP, contacts=(CONTACT, CONTACT)),
        replace(BACKUP, identity_key=IdentityKey(b"\x01" * 32)),
        replace(BACKUP, contacts=(replace(CONTACT, name="\ud800"),)),
        replace(BACKUP, rotations=()),
    ):
        with pytest.raises(LocalProtocolError):
            broken.seal(KEY, NONCE)
    with pytest.raises(LocalProtocolError):
        BACKUP.seal(KEY, NONCE[1:])


def test_the_largest_backup_has_16_mib() -> None:
    """With the longest grants to and from everybody it may get larger than what is read."""
    full = Grant(apps=tuple("x" * 96 for _ in range(20)))
    with pytest.raises(LocalProtocolError):
        replace(BACKUP, contacts=many(BACKUP_CONTACTS_MAX, given=full, received=full)).seal(KEY, NONCE)
    replace(BACKUP, contacts=many(BACKUP_CONTACTS_MAX)).seal(KEY, NONCE)


def test_a_backup_shows_no_secret() -> None:
    shown = repr(BACKUP) + repr(KEY)
    assert repr(CONTACT.reintroduction) not in shown
    assert repr(KEY.key) not in shown
    assert BACKUP.pin not in shown
