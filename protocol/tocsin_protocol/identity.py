"""Who a person is to others: two keys made from one seed, the address that prints them, the card.

It is not the seed's words, nor where secrets are kept; it sees 32 bytes and gives keys.
"""

from dataclasses import dataclass, field, replace
from typing import NewType

from nacl.bindings import (
    crypto_scalarmult_base,
    crypto_sign,
    crypto_sign_open,
    crypto_sign_seed_keypair,
)
from nacl.exceptions import BadSignatureError

from tocsin_protocol import base32
from tocsin_protocol.errors import LocalProtocolError, Reason, RemoteProtocolError
from tocsin_protocol.hashing import KDF, H
from tocsin_protocol.limits import (
    CARD_DRIFT_HOURS_MAX,
    CONTACT_KEY_HOURS,
    CONTACT_KEYS_MAX,
    KNOCK_POLICY_DEFAULT,
    KNOCK_POLICY_MAX,
    PUBLIC_KEY_SIZE,
    SEED_SIZE,
    SIGNATURE_SIZE,
    URI_CHECK_SIZE,
)
from tocsin_protocol.network import Network
from tocsin_protocol.types import ContactKey, Hour, IdentityKey

Seed = NewType("Seed", bytes)
"""32 random bytes, the same thing as a person's 24 words; whoever has them is that person."""

ADDRESS_SCHEME = "tocsin:id/"
ADDRESS_VERSION = 1
ADDRESS_PREFIX_SIZE = 2 + 2 * PUBLIC_KEY_SIZE
ADDRESS_SIZE = ADDRESS_PREFIX_SIZE + URI_CHECK_SIZE
PIN_FLAG = 0x08

CARD_LABEL = b"tcn1/card"
U32_MAX = (1 << 32) - 1

SAFETY_GROUPS = 6
SAFETY_PIECE_SIZE = 5
SAFETY_MODULUS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The claim that a contact key belongs to an identity; without it a swapped key would pass."""

    contact_key: ContactKey
    rotation: int
    not_before_hour: Hour

    @property
    def is_well_formed(self) -> bool:
        return (
            len(self.contact_key) == PUBLIC_KEY_SIZE
            and 0 <= self.rotation <= U32_MAX
            and 0 <= self.not_before_hour <= U32_MAX
        )

    @property
    def statement(self) -> bytes:
        """What is signed; only for a card that is well formed."""
        numbers = self.rotation.to_bytes(4, "big") + self.not_before_hour.to_bytes(4, "big")
        return CARD_LABEL + self.contact_key + numbers

    def sign(self, identity: "Identity") -> bytes:
        if not self.is_well_formed:
            raise LocalProtocolError("a card holds a key of 32 bytes and two numbers of 32 bits")
        return crypto_sign(self.statement, identity.signing_secret)[:SIGNATURE_SIZE]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """One contact key of an identity: its number r, when it began, and when another one replaced it.

    r is 0 for the first key and later the hour of its making, as it is when only the words are left.
    """

    number: int
    not_before_hour: Hour
    replaced_hour: Hour | None = None

    @staticmethod
    def at(hour: Hour) -> "Rotation":
        return Rotation(number=hour, not_before_hour=hour)


FIRST_ROTATION = Rotation(number=0, not_before_hour=Hour(0))


def rotate(rotations: tuple[Rotation, ...], now_hour: Hour) -> tuple[Rotation, ...]:
    """A new contact key in front of those that still open introductions, newest first."""
    newest, *older = rotations
    if now_hour <= newest.number:
        raise LocalProtocolError("a contact key is replaced at most once an hour, and never backwards")
    kept = usable((replace(newest, replaced_hour=now_hour), *older), now_hour)
    if len(kept) == CONTACT_KEYS_MAX:
        raise LocalProtocolError(f"at most {CONTACT_KEYS_MAX} contact keys are kept: wait until one expires")
    return (Rotation.at(now_hour), *kept)


def usable(rotations: tuple[Rotation, ...], now_hour: Hour) -> tuple[Rotation, ...]:
    """Those with which an introduction is still opened; they are tried in this order."""
    return tuple(
        rotation
        for rotation in rotations
        if rotation.replaced_hour is None or now_hour <= rotation.replaced_hour + CONTACT_KEY_HOURS
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Both public keys and both secrets of one person; another rotation has another contact key."""

    identity_key: IdentityKey
    contact_key: ContactKey
    contact_secret: bytes = field(repr=False)
    signing_secret: bytes = field(repr=False)
    rotation: Rotation = FIRST_ROTATION

    @staticmethod
    def from_seed(seed: Seed, rotation: Rotation = FIRST_ROTATION) -> "Identity":
        if len(seed) != SEED_SIZE:
            raise LocalProtocolError(f"a seed has {SEED_SIZE} bytes, not {len(seed)}")
        if not 0 <= rotation.number <= U32_MAX:
            raise LocalProtocolError(f"rotation {rotation.number}: must fit 32 bits")
        signing_seed = KDF(seed, "tcn1/seed", b"ik", 32)  # TOC-1 §3
        identity_key, signing_secret = crypto_sign_seed_keypair(signing_seed)
        contact_secret = KDF(seed, "tcn1/seed", b"kk" + rotation.number.to_bytes(4, "big"), 32)
        return Identity(
            identity_key=IdentityKey(identity_key),
            contact_key=ContactKey(crypto_scalarmult_base(contact_secret)),
            contact_secret=contact_secret,
            signing_secret=signing_secret,
            rotation=rotation,
        )

    @property
    def card(self) -> Card:
        """The card over this contact key."""
        return Card(
            contact_key=self.contact_key,
            rotation=self.rotation.number,
            not_before_hour=self.rotation.not_before_hour,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """What a person prints so that strangers can knock; the flags are a hint, never a promise."""

    identity_key: IdentityKey
    contact_key: ContactKey
    knock_policy: int = KNOCK_POLICY_DEFAULT
    pin_required: bool = False

    def __post_init__(self) -> None:
        if len(self.identity_key) != PUBLIC_KEY_SIZE or len(self.contact_key) != PUBLIC_KEY_SIZE:
            raise LocalProtocolError(f"a public key has {PUBLIC_KEY_SIZE} bytes")
        if not 0 <= self.knock_policy <= KNOCK_POLICY_MAX:
            raise LocalProtocolError(f"knock policy {self.knock_policy}: must be 0 to {KNOCK_POLICY_MAX}")

    def encode(self, network: Network) -> str:
        flags = self.knock_policy | (PIN_FLAG if self.pin_required else 0)
        prefix = bytes((ADDRESS_VERSION, flags)) + self.identity_key + self.contact_key
        return ADDRESS_SCHEME + base32.encode(prefix + uri_check(network, prefix))

    @staticmethod
    def decode(text: str, network: Network) -> "Address":
        """Either case is read, because a QR code is smaller in capitals."""
        scheme, rest = text[: len(ADDRESS_SCHEME)], text[len(ADDRESS_SCHEME) :]
        if not scheme.isascii() or scheme.lower() != ADDRESS_SCHEME:
            raise RemoteProtocolError(Reason.URI, f"an address begins with {ADDRESS_SCHEME}")
        raw = base32.decode(rest, ADDRESS_SIZE)
        prefix, check = raw[:ADDRESS_PREFIX_SIZE], raw[ADDRESS_PREFIX_SIZE:]
        if check != uri_check(network, prefix):  # TOC-1 §4.1
            raise RemoteProtocolError(Reason.URI, "it is mistyped, or it belongs to another network")
        version, flags = prefix[0], prefix[1]
        if version != ADDRESS_VERSION or flags > PIN_FLAG | KNOCK_POLICY_MAX:
            raise RemoteProtocolError(Reason.URI, "it was made by a newer version")
        return Address(
            identity_key=IdentityKey(prefix[2 : 2 + PUBLIC_KEY_SIZE]),
            contact_key=ContactKey(prefix[2 + PUBLIC_KEY_SIZE :]),
            knock_policy=flags & KNOCK_POLICY_MAX,
            pin_required=bool(flags & PIN_FLAG),
        )


def uri_check(network: Network, prefix: bytes) -> bytes:
    """The last bytes of an address or invite: they catch slips of the hand and other networks."""
    return H("tcn1/addr", network.nid16 + prefix, 16)[:URI_CHECK_SIZE]


def verify_card(card: Card, identity_key: IdentityKey, signature: bytes, now_hour: Hour) -> None:
    """Refuse a card that this identity did not sign, or that begins in the future."""
    if not card.is_well_formed or len(identity_key) != PUBLIC_KEY_SIZE or len(signature) != SIGNATURE_SIZE:
        raise RemoteProtocolError(Reason.CARD, "a part has the wrong size")
    if card.not_before_hour > now_hour + CARD_DRIFT_HOURS_MAX:  # TOC-1 §5
        raise RemoteProtocolError(Reason.CARD, "it begins in the future")
    try:
        crypto_sign_open(signature + card.statement, identity_key)
    except BadSignatureError as error:
        raise RemoteProtocolError(Reason.CARD, "its signature is wrong") from error


def check_successor(card: Card, seen: Card | None) -> None:
    """Refuse a card that is older than the newest one seen of its identity, or that contradicts it.

    Without this, whoever stole a contact key that was since replaced could bring it back.
    """
    if seen is None:
        return
    if card.rotation < seen.rotation:  # TOC-1 §5.1
        raise RemoteProtocolError(Reason.CARD, "a newer one was seen")
    if card.rotation == seen.rotation and card.contact_key != seen.contact_key:
        raise RemoteProtocolError(Reason.CARD, "it is over another key than the one seen")


def safety_number(a: IdentityKey, b: IdentityKey) -> str:
    """Sixty digits that two people compare aloud; both see the same, whoever is `a`."""
    return " ".join(group for half in sorted((_safety_half(a), _safety_half(b))) for group in half)


def _safety_half(identity_key: IdentityKey) -> list[str]:
    digest = H("tcn1/fpr", identity_key, 64)  # TOC-1 §6
    pieces = [
        digest[start : start + SAFETY_PIECE_SIZE]
        for start in range(0, SAFETY_GROUPS * SAFETY_PIECE_SIZE, SAFETY_PIECE_SIZE)
    ]
    return [f"{int.from_bytes(piece, 'big') % SAFETY_MODULUS:05d}" for piece in pieces]
