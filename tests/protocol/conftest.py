"""What several tests of the protocol count."""

import pytest
from nacl.bindings import crypto_scalarmult


@pytest.fixture
def dh_done(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Grows by one with every DH operation."""
    done: list[bytes] = []

    def count(secret: bytes, public: bytes) -> bytes:
        done.append(public)
        return crypto_scalarmult(secret, public)

    monkeypatch.setattr("tocsin_protocol.noise.crypto_scalarmult", count)
    return done
