"""Base32 as our addresses and invites write it: lower case, no padding, one text per byte string.

It knows nothing of what the bytes mean.
"""

import base64
import re

from tocsin_protocol.errors import Reason, RemoteProtocolError

ALPHABET = re.compile(r"[A-Za-z2-7]*")
BITS_PER_CHARACTER = 5
CHARACTERS_PER_GROUP = 8


def encode(raw: bytes) -> str:
    return base64.b32encode(raw).decode("ascii").rstrip("=").lower()


def decode(text: str, size: int) -> bytes:
    """Exactly `size` bytes; either case is read, and nothing else that `encode` would not write."""
    length = -(-8 * size // BITS_PER_CHARACTER)
    # TOC-1 §1.5: bytes have one text.
    if len(text) != length:
        raise RemoteProtocolError(Reason.URI, f"it must have {length} characters, not {len(text)}")
    if not ALPHABET.fullmatch(text):
        raise RemoteProtocolError(Reason.URI, "it may contain only the letters a to z and the digits 2 to 7")
    padding = "=" * (-length % CHARACTERS_PER_GROUP)
    raw = base64.b32decode(text.upper() + padding)
    if encode(raw) != text.lower():
        raise RemoteProtocolError(Reason.URI, "its last character is mistyped")
    return raw
