"""Targets for what a node reads back: its own blobs, damaged perhaps, and a file that somebody hands it.

A damaged blob is a fault of ours, so the error says so; a backup may have been made by anybody.
"""

from contextlib import suppress

from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
)
from nacl.exceptions import CryptoError

from tests.fuzz import seeds
from tests.fuzz.handshakes import PENDING
from tests.fuzz.strangers import arrival_seeds, read_arrival
from tests.fuzz.target import AnyTarget, Target, cut
from tocsin_protocol import backup, fields
from tocsin_protocol.backup import Backup, BackupHead, BackupKey, BackupMode
from tocsin_protocol.errors import LocalProtocolError, Reason
from tocsin_protocol.identity import Seed
from tocsin_protocol.introduce import IntroductionKind, Pending
from tocsin_protocol.knock_events import StoreRequest
from tocsin_protocol.limits import BACKUP_SALT_SIZE, SEAL_NONCE_SIZE, SEED_SIZE
from tocsin_protocol.request import Request

PENDING_FIELDS = 8
NONCE = b"\x08" * SEAL_NONCE_SIZE
KEY = BackupKey(
    head=BackupHead(mode=BackupMode.PASSPHRASE, salt=b"\x09" * BACKUP_SALT_SIZE), key=b"\x0a" * 32
)
"""As made from a passphrase, so that a backup of any identity may lie under it."""
HEAD = backup.LABEL + bytes((backup.VERSION, KEY.head.mode)) + KEY.head.salt + NONCE


def check_pending(data: bytes, pending: Pending) -> None:
    assert Pending.decode(pending.encode()) == pending
    assert isinstance(pending.kind, IntroductionKind)
    assert (pending.encode() == data) == (len(fields.map_of(data)) == PENDING_FIELDS)


def check_request(data: bytes, request: Request) -> None:
    assert Request.decode(request.encode()) == request


def request_seeds() -> list[bytes]:
    return [
        effect.request.encode()
        for seed in arrival_seeds()
        for effect in read_arrival(seed)
        if isinstance(effect, StoreRequest)
    ]


def read_backup(data: bytes) -> Backup:
    seed, file = cut(data, SEED_SIZE)
    return Backup.open(file, BackupKey.of_seed(Seed(seed)))


def check_backup(data: bytes, found: Backup) -> None:
    seed, file = cut(data, SEED_SIZE)
    key = BackupKey.of_seed(Seed(seed))
    assert BackupHead.read(file) == key.head
    assert Backup.open(found.seal(key, NONCE), key) == found


def read_content(data: bytes) -> Backup:
    return Backup.open(HEAD + crypto_aead_xchacha20poly1305_ietf_encrypt(data, HEAD, NONCE, KEY.key), KEY)


def check_content(data: bytes, found: Backup) -> None:
    assert Backup.open(found.seal(KEY, NONCE), KEY) == found


files = seeds.raw("backup", "backup", "seed", "file")


def content_seeds() -> list[bytes]:
    """What is inside the files of the vectors that a seed opens."""
    found = []
    for data in files():
        seed, head, sealed = cut(data, SEED_SIZE, backup.SEALED_AT)
        key, nonce = BackupKey.of_seed(Seed(seed)).key, head[backup.NONCE_AT :]
        with suppress(CryptoError, ValueError):  # the second for what is shorter than a seal
            found.append(crypto_aead_xchacha20poly1305_ietf_decrypt(sealed, head, nonce, key))
    return found


TARGETS: dict[str, AnyTarget] = {
    "pending": Target(
        read=Pending.decode,
        check=check_pending,
        refusals=(LocalProtocolError,),
        seeds=seeds.fixed(PENDING.encode(), PENDING.encode()[:-1]),
        size_max=1024,
    ),
    "request": Target(
        read=Request.decode,
        check=check_request,
        refusals=(LocalProtocolError,),
        seeds=seeds.joined(request_seeds, seeds.fixed(b"\xa0")),
        size_max=1024,
    ),
    "backup": Target(
        read=read_backup,
        check=check_backup,
        refusals=(
            *(Reason.LENGTH, Reason.CONSTANT, Reason.AEAD, Reason.CBOR, Reason.PAYLOAD),
            LocalProtocolError,
        ),
        seeds=files,
    ),
    "backup-content": Target(
        read=read_content,
        check=check_content,
        refusals=(Reason.CBOR, Reason.PAYLOAD),
        seeds=content_seeds,
        size_max=8192,
    ),
}
