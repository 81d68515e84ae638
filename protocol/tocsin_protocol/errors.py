"""The two kinds of error this package raises: ours and theirs.

It is not a place for errors that a person reads; those are in `tocsin.errors`.
"""

from enum import StrEnum


class Reason(StrEnum):
    """The layer at which a remote input failed; vectors name the same words in `expect`."""

    LENGTH = "length"
    CONSTANT = "constant"
    KIND = "kind"
    TOPIC = "topic"
    HOUR = "hour"
    STAMP = "stamp"
    TAG = "tag"
    AEAD = "aead"
    PADDING = "padding"
    CBOR = "cbor"
    PAYLOAD = "payload"
    CARD = "card"
    NOISE = "noise"
    FRAME = "frame"
    URI = "uri"


class ProtocolError(Exception):
    """Common parent, so that a caller may catch both."""


class LocalProtocolError(ProtocolError):
    """We were asked for something the specification forbids."""


class RemoteProtocolError(ProtocolError):
    """They sent something the specification forbids; `reason` names the layer."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
