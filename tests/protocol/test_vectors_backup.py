"""Our backups against the vectors of `backup`; what was opened is sealed again to the same bytes.

Unknown keys are not kept, so that they would not come back.
"""

import unicodedata

from tests.protocol.vectors import Fields, Vector, check, vectors_of
from tocsin_protocol.backup import NONCE_AT, SEALED_AT, Backup, BackupHead, BackupKey
from tocsin_protocol.identity import Seed


def run_backup(vector: Vector) -> Fields:
    data = vector.raw("file")
    head = BackupHead.read(data)
    shown: Fields = {"mode": head.mode.value}
    if "seed" in vector.input:
        key = BackupKey.of_seed(Seed(vector.raw("seed")))
    else:
        passphrase = unicodedata.normalize("NFKC", vector.input["passphrase"]).encode()
        key = BackupKey.of_passphrase(passphrase, head.salt)
        shown["passphrase_bytes"] = passphrase.hex()
    backup = Backup.open(data, key)
    again = backup.seal(key, data[NONCE_AT:SEALED_AT])
    assert Backup.open(again, key) == backup
    assert (again == data) != (vector.path.stem == "unknown-keys")
    return shown | {"key": key.key.hex()}


@vectors_of("backup")
def test_backup(vector: Vector) -> None:
    check(vector, {"backup": run_backup})
