"""The backup of one identity: who its contacts are and what was agreed with them, sealed into one file.

It never holds a wheel, a chain or a counter: restored, they would use tags and keys a second time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
    crypto_pwhash_alg,
    crypto_pwhash_ALG_ARGON2ID13,
)
from nacl.exceptions import CryptoError

from tocsin_protocol import cbor, fields
from tocsin_protocol.errors import LocalProtocolError, Reason, RemoteProtocolError
from tocsin_protocol.grant import Grant
from tocsin_protocol.hashing import KDF
from tocsin_protocol.identity import Card, Identity, Rotation, Seed
from tocsin_protocol.limits import (
    BACKUP_BLOCKED_MAX,
    BACKUP_CONTACTS_MAX,
    BACKUP_NAME_SIZE_MAX,
    BACKUP_POLICY_SIZE_MAX,
    BACKUP_SALT_SIZE,
    BACKUP_SIZE_MAX,
    BACKUP_WORK_MEMORY_SIZE,
    BACKUP_WORK_OPS,
    CONTACT_KEYS_MAX,
    KNOCK_POLICY_MAX,
    PIN_DIGITS_MAX,
    PUBLIC_KEY_SIZE,
    SEAL_NONCE_SIZE,
)
from tocsin_protocol.network import DEPTH_MAX
from tocsin_protocol.types import ContactKey, Hour, IdentityKey

LABEL = b"tcn1/backup"
VERSION = 1
MODE_AT = len(LABEL) + 1
SALT_AT = MODE_AT + 1
NONCE_AT = SALT_AT + BACKUP_SALT_SIZE
SEALED_AT = NONCE_AT + SEAL_NONCE_SIZE
AEAD_TAG_SIZE = 16
KEY_SIZE = 32
NO_SALT = bytes(BACKUP_SALT_SIZE)
U32_MAX = (1 << 32) - 1


class BackupMode(IntEnum):
    """What opens it: the seed, and so the 24 words, or a passphrase."""

    SEED = 0
    PASSPHRASE = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupHead:
    """What can be read without the key, and what the key is made from."""

    mode: BackupMode
    salt: bytes

    @staticmethod
    def read(data: bytes) -> "BackupHead":
        # TOC-1 §7: in this order.
        if not SEALED_AT + AEAD_TAG_SIZE <= len(data) <= BACKUP_SIZE_MAX:
            raise RemoteProtocolError(Reason.LENGTH, f"{len(data)} bytes are no backup")
        if not data.startswith(LABEL + bytes((VERSION,))) or data[MODE_AT] not in set(BackupMode):
            raise RemoteProtocolError(Reason.CONSTANT, "no backup, or made by a newer version")
        head = BackupHead(mode=BackupMode(data[MODE_AT]), salt=data[SALT_AT:NONCE_AT])
        if head.mode is BackupMode.SEED and head.salt != NO_SALT:
            raise RemoteProtocolError(Reason.CONSTANT, "a seed takes no salt")
        return head


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupKey:
    """A key with the head that says how to make it again; a seed is its owner's, a passphrase anybody's."""

    head: BackupHead
    key: bytes = field(repr=False)
    owner: IdentityKey | None = None

    @staticmethod
    def of_seed(seed: Seed) -> "BackupKey":
        head = BackupHead(mode=BackupMode.SEED, salt=NO_SALT)
        owner = Identity.from_seed(seed).identity_key
        return BackupKey(head=head, key=KDF(seed, "tcn1/seed", b"bk", KEY_SIZE), owner=owner)

    @staticmethod
    def of_passphrase(passphrase: bytes, salt: bytes) -> "BackupKey":
        """Takes half a second and 256 MiB; the passphrase is UTF-8 in the form NFKC."""
        if len(salt) != BACKUP_SALT_SIZE:
            raise LocalProtocolError(f"a salt has {BACKUP_SALT_SIZE} bytes")
        key = crypto_pwhash_alg(
            KEY_SIZE,
            passphrase,
            salt,
            BACKUP_WORK_OPS,
            BACKUP_WORK_MEMORY_SIZE,
            crypto_pwhash_ALG_ARGON2ID13,
        )
        return BackupKey(head=BackupHead(mode=BackupMode.PASSPHRASE, salt=salt), key=key)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupContact:
    """`given` is our grant to them and `received` theirs to us; `card` is the newest that was seen."""

    identity_key: IdentityKey
    card: Card
    name: str
    depth: int
    given: Grant | None = None
    received: Grant | None = None
    reintroduction: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """`rotations` newest first; `policy` is the node's own, a map that is not read here."""

    identity_key: IdentityKey
    rotations: tuple[Rotation, ...]
    contacts: tuple[BackupContact, ...] = ()
    blocked: tuple[IdentityKey, ...] = ()
    knock_policy: int
    pin: str = field(default="", repr=False)
    policy: cbor.Map = field(default_factory=dict)

    def seal(self, key: BackupKey, nonce: bytes) -> bytes:
        """The file; `nonce` is random and new."""
        if len(nonce) != SEAL_NONCE_SIZE or len(key.key) != KEY_SIZE:
            raise LocalProtocolError(f"a nonce has {SEAL_NONCE_SIZE} bytes and a key {KEY_SIZE}")
        content = _to_map(self)
        try:
            _from_map(content, key.owner)
        except RemoteProtocolError as error:
            raise LocalProtocolError(f"this backup could not be restored: {error.detail}") from error
        head = LABEL + bytes((VERSION, key.head.mode)) + key.head.salt + nonce
        sealed = crypto_aead_xchacha20poly1305_ietf_encrypt(cbor.encode(content), head, nonce, key.key)
        if len(head) + len(sealed) > BACKUP_SIZE_MAX:
            raise LocalProtocolError(f"a backup has at most {BACKUP_SIZE_MAX} bytes")
        return head + sealed

    @staticmethod
    def open(data: bytes, key: BackupKey) -> "Backup":
        """The content; a wrong key and a damaged file look the same."""
        if BackupHead.read(data) != key.head:
            raise LocalProtocolError("this key was made for another backup")
        try:
            content = crypto_aead_xchacha20poly1305_ietf_decrypt(
                data[SEALED_AT:], data[:SEALED_AT], data[NONCE_AT:SEALED_AT], key.key
            )
        except CryptoError as error:
            raise RemoteProtocolError(Reason.AEAD, "wrong words or passphrase, or a damaged file") from error
        return _from_map(fields.map_of(content), key.owner)


def _to_map(backup: Backup) -> cbor.Map:
    return {
        0: backup.identity_key,
        1: [[each.number, each.not_before_hour, each.replaced_hour] for each in backup.rotations],
        2: [_contact_to_map(contact) for contact in backup.contacts],
        3: list(backup.blocked),
        4: backup.knock_policy,
        5: backup.pin,
        6: backup.policy,
    }


def _from_map(content: cbor.Map, owner: IdentityKey | None) -> Backup:
    rotations = fields.as_list(content.get(1), CONTACT_KEYS_MAX)
    contacts = fields.as_list(content.get(2), BACKUP_CONTACTS_MAX)
    blocked = fields.as_list(content.get(3), BACKUP_BLOCKED_MAX)
    policy = fields.as_map(content.get(6))
    if not rotations or len(cbor.encode(policy)) > BACKUP_POLICY_SIZE_MAX:
        raise RemoteProtocolError(Reason.PAYLOAD, "a backup without a contact key, or with too long a policy")
    backup = Backup(
        identity_key=_identity_key(content.get(0)),
        rotations=tuple(_rotation(each) for each in rotations),
        contacts=tuple(_contact(fields.as_map(each)) for each in contacts),
        blocked=tuple(_identity_key(each) for each in blocked),
        knock_policy=fields.require_uint(content, 4, KNOCK_POLICY_MAX),
        pin=fields.require_text(content, 5, PIN_DIGITS_MAX),
        policy=policy,
    )
    if owner not in (None, backup.identity_key):  # TOC-1 §7
        raise RemoteProtocolError(Reason.PAYLOAD, "it is of another identity than its seed")
    if not _are_different([each.identity_key for each in backup.contacts]):
        raise RemoteProtocolError(Reason.PAYLOAD, "a contact twice")
    if not _are_different(backup.blocked):
        raise RemoteProtocolError(Reason.PAYLOAD, "a blocked identity twice")
    return backup


def _are_different(keys: Sequence[IdentityKey]) -> bool:
    return len(set(keys)) == len(keys)


def _rotation(value: cbor.Value) -> Rotation:
    if not isinstance(value, list) or len(value) != 3:
        raise RemoteProtocolError(Reason.PAYLOAD, "a rotation is three numbers, the last may be null")
    numbers = dict(enumerate(value))
    replaced = None if value[2] is None else Hour(fields.require_uint(numbers, 2, U32_MAX))
    return Rotation(
        number=fields.require_uint(numbers, 0, U32_MAX),
        not_before_hour=Hour(fields.require_uint(numbers, 1, U32_MAX)),
        replaced_hour=replaced,
    )


def _identity_key(value: cbor.Value) -> IdentityKey:
    if not isinstance(value, bytes) or len(value) != PUBLIC_KEY_SIZE:
        raise RemoteProtocolError(Reason.PAYLOAD, f"an identity key has {PUBLIC_KEY_SIZE} bytes")
    return IdentityKey(value)


def _contact_to_map(contact: BackupContact) -> cbor.Map:
    pairs: cbor.Map = {
        0: contact.identity_key,
        1: contact.card.contact_key,
        2: contact.card.rotation,
        3: contact.card.not_before_hour,
        4: contact.name,
        5: contact.depth,
        8: contact.reintroduction,
    }
    if contact.given is not None:
        pairs[6] = contact.given.to_map()
    if contact.received is not None:
        pairs[7] = contact.received.to_map()
    return pairs


def _contact(pairs: cbor.Map) -> BackupContact:
    return BackupContact(
        identity_key=_identity_key(pairs.get(0)),
        card=Card(
            contact_key=ContactKey(fields.require_bytes(pairs, 1, PUBLIC_KEY_SIZE)),
            rotation=fields.require_uint(pairs, 2, U32_MAX),
            not_before_hour=Hour(fields.require_uint(pairs, 3, U32_MAX)),
        ),
        name=fields.require_text(pairs, 4, BACKUP_NAME_SIZE_MAX),
        depth=fields.require_uint(pairs, 5, DEPTH_MAX),
        given=fields.optional(pairs, 6, Grant.from_value),
        received=fields.optional(pairs, 7, Grant.from_value),
        reintroduction=fields.require_bytes(pairs, 8, KEY_SIZE),
    )
