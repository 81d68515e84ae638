"""The invite: the text that is given to one person, and the door that its secret opens.

It is not the handshake that goes through the door (`introduce`), nor a list of invites given away.
"""

from dataclasses import dataclass, field

from tocsin_protocol import base32, noise
from tocsin_protocol.errors import LocalProtocolError, Reason, RemoteProtocolError
from tocsin_protocol.hashing import H
from tocsin_protocol.identity import uri_check
from tocsin_protocol.introduce import Door, IntroductionKind
from tocsin_protocol.limits import (
    INVITE_SECRET_SIZE,
    MESSAGE_KEY_SIZE,
    PUBLIC_KEY_SIZE,
    TAG_SIZE,
    URI_CHECK_SIZE,
)
from tocsin_protocol.network import DEPTH_MAX, Network
from tocsin_protocol.types import ContactKey, Hour, IdentityKey, MessageKey, Tag

INVITE_SCHEME = "tocsin:invite/"
INVITE_VERSION = 1
INVITE_FLAGS = 0
INVITE_DEPTH_AT = 2 + 2 * PUBLIC_KEY_SIZE
INVITE_HOUR_AT = INVITE_DEPTH_AT + 1
INVITE_SECRET_AT = INVITE_HOUR_AT + 4
INVITE_PREFIX_SIZE = INVITE_SECRET_AT + INVITE_SECRET_SIZE
INVITE_SIZE = INVITE_PREFIX_SIZE + URI_CHECK_SIZE
HOUR_MAX = (1 << 32) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Invite:
    """Given to one person by other means; whoever uses it first becomes a contact without being asked for."""

    identity_key: IdentityKey
    contact_key: ContactKey
    depth: int
    expires_hour: Hour
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.identity_key) != PUBLIC_KEY_SIZE or len(self.contact_key) != PUBLIC_KEY_SIZE:
            raise LocalProtocolError(f"a public key has {PUBLIC_KEY_SIZE} bytes")
        if len(self.secret) != INVITE_SECRET_SIZE:
            raise LocalProtocolError(f"an invite's secret has {INVITE_SECRET_SIZE} bytes")
        if not 0 <= self.depth <= DEPTH_MAX or not 0 <= self.expires_hour <= HOUR_MAX:
            raise LocalProtocolError(f"depth {self.depth} or hour {self.expires_hour} fits no invite")

    @property
    def tag(self) -> Tag:
        """One for all epochs: the initiator does not know in which one the invite will be read."""
        return Tag(H("tcn1/invtag", self.secret + b"\0", TAG_SIZE))

    @property
    def wrap_key(self) -> MessageKey:
        return MessageKey(H("tcn1/invkey", self.secret, MESSAGE_KEY_SIZE))

    @property
    def psk(self) -> bytes:
        return H("tcn1/invpsk", self.secret, noise.KEY_SIZE)

    @property
    def door(self) -> Door:
        """Open until the invite expires; whoever comes through it first uses it up."""
        return Door(
            kind=IntroductionKind.INVITE,
            responder=self.identity_key,
            initiator=None,
            tag=self.tag,
            key=self.wrap_key,
            psk=self.psk,
            first_hour=Hour(0),
            last_hour=self.expires_hour,
        )

    def encode(self, network: Network) -> str:
        head = bytes((INVITE_VERSION, INVITE_FLAGS)) + self.identity_key + self.contact_key
        prefix = head + bytes((self.depth,)) + self.expires_hour.to_bytes(4, "big") + self.secret
        return INVITE_SCHEME + base32.encode(prefix + uri_check(network, prefix))

    @staticmethod
    def decode(text: str, network: Network, now_hour: Hour) -> "Invite":
        """An invite that can still be used; what is wrong with another one is said for a person."""
        scheme, rest = text[: len(INVITE_SCHEME)], text[len(INVITE_SCHEME) :]
        if not scheme.isascii() or scheme.lower() != INVITE_SCHEME:
            raise RemoteProtocolError(Reason.URI, f"an invite begins with {INVITE_SCHEME}")
        raw = base32.decode(rest, INVITE_SIZE)
        prefix, check = raw[:INVITE_PREFIX_SIZE], raw[INVITE_PREFIX_SIZE:]
        if check != uri_check(network, prefix):
            raise RemoteProtocolError(Reason.URI, "it is mistyped, or it belongs to another network")
        depth = prefix[INVITE_DEPTH_AT]
        if (prefix[0], prefix[1]) != (INVITE_VERSION, INVITE_FLAGS) or depth > DEPTH_MAX:
            raise RemoteProtocolError(Reason.URI, "it was made by a newer version")
        expires_hour = Hour(int.from_bytes(prefix[INVITE_HOUR_AT:INVITE_SECRET_AT], "big"))
        if now_hour > expires_hour:  # TOC-5 §4.1
            raise RemoteProtocolError(Reason.URI, "it has expired: ask for a new one")
        return Invite(
            identity_key=IdentityKey(prefix[2 : 2 + PUBLIC_KEY_SIZE]),
            contact_key=ContactKey(prefix[2 + PUBLIC_KEY_SIZE : INVITE_DEPTH_AT]),
            depth=depth,
            expires_hour=expires_hour,
            secret=prefix[INVITE_SECRET_AT:],
        )
