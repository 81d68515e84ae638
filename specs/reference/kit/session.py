"""The keys of a pair (TOC-4 §1) and its control maps (TOC-4 §5), one derivation after the other.

Nothing is ever deleted here, which is the one thing that an implementation must do.
"""

from dataclasses import dataclass, field

from kit.cbor import Value, encode
from kit.envelope import PAIR_72H, Parts, pad, seal, size_for
from kit.network import CHEAP, Network
from kit.primitives import KDF, H, u8, u32, x25519, x25519_public
from kit.vectors import Fields

RING, CONTROL = 0, 0x80
WINDOW = {RING: 16, CONTROL: 4}
SKIPPED = {RING: 64, CONTROL: 16}
ALERT, CONTROL_KIND = 0, 7


def generation_0(k1: bytes, k2: bytes, h: bytes) -> tuple[bytes, bytes]:
    """M and WK."""
    both = KDF(k1, "tcn1/gen", u32(0) + k2 + h, 64)
    return both[:32], both[32:]


def generation_next(m: bytes, generation: int, shared: bytes, th: bytes) -> tuple[bytes, bytes]:
    both = KDF(m, "tcn1/gen", u32(generation) + shared + bytes(32) + th, 64)
    return both[:32], both[32:]


def transcript(offer: bytes, accept: bytes) -> bytes:
    return H("tcn1/th", digest(offer) + digest(accept), 32)


def digest(control: bytes) -> bytes:
    return H("tcn1/th", control, 32)


def direction(sender: bytes, receiver: bytes) -> int:
    return 0 if sender < receiver else 1


def first_wheel(wheel_key: bytes, direction_byte: int, epoch: int) -> bytes:
    return KDF(wheel_key, "tcn1/dir", u8(direction_byte) + u32(epoch), 32)


def wheel_at(wheel: bytes, epoch: int, wanted: int) -> bytes:
    while epoch < wanted:
        epoch += 1
        wheel = KDF(wheel, "tcn1/wheel", u32(epoch), 32)
    return wheel


@dataclass(frozen=True, kw_only=True)
class Message:
    """The i-th of a chain, with the chain before and after it."""

    index: int
    chain: bytes
    next: bytes
    key: bytes

    @property
    def tag(self) -> bytes:
        return KDF(self.key, "tcn1/tag", b"", 16)

    @property
    def nid(self) -> bytes:
        return KDF(self.key, "tcn1/nid", b"", 16)


@dataclass(frozen=True, kw_only=True)
class Stream:
    """One direction, epoch, device and q of one generation, from its wheel on."""

    wheel: bytes
    epoch: int
    q: int = RING
    device: int = 0
    generation: int = 0
    anchor: tuple[int, bytes] | None = None
    """An index and its C, which spare the way there."""

    @property
    def first(self) -> bytes:
        return KDF(self.wheel, "tcn1/chain", u32(self.epoch) + u8(self.device | self.q), 32)

    def chain(self, index: int) -> bytes:
        """C_index."""
        start, chain = self.anchor or (0, self.first)
        for _ in range(index - start):
            chain = KDF(chain, "tcn1/step", b"", 64)[:32]
        return chain

    def message(self, index: int) -> Message:
        chain = self.chain(index)
        both = KDF(chain, "tcn1/step", b"", 64)
        return Message(index=index, chain=chain, next=both[:32], key=both[32:])

    def envelope(
        self,
        index: int,
        nonce: bytes,
        payload: bytes,
        *,
        hour: int | None = None,
        network: Network = CHEAP,
        key: bytes | None = None,
    ) -> bytes:
        """Unstamped, born in the middle of the epoch if no hour is named; another `key` is a forgery."""
        message = self.message(index)
        born = self.epoch * 24 + 12 if hour is None else hour
        header = Parts(kind=PAIR_72H, hour=born, tag=message.tag, body=b"").header
        padded = pad(payload, size_for(payload) - 83)
        body = seal(network, header, key or message.key, nonce, padded)
        return Parts(kind=PAIR_72H, hour=born, tag=message.tag, body=body).all


@dataclass
class Receiver:
    """A stream's state as its receiver keeps it, for the vectors to show before and after."""

    stream: Stream
    index: int = 0
    skipped: list[int] = field(default_factory=list)
    opened: int = 0
    window: bool = True

    def told(self) -> Fields:
        return {
            "generation": self.stream.generation,
            "epoch": self.stream.epoch,
            "q": self.stream.q,
            "index": self.index,
            "chain": self.stream.chain(self.index),
            "skipped": [{"index": i, "key": self.stream.message(i).key} for i in self.skipped],
            "opened": self.opened,
        }

    def knows(self, index: int) -> bool:
        ahead = self.index <= index < min(self.index + WINDOW[self.stream.q], 65_536)
        return index in self.skipped or (ahead and self.window)

    def consume(self, index: int) -> None:
        self.opened += 1
        if index in self.skipped:
            self.skipped.remove(index)
            return
        self.skipped = [*self.skipped, *range(self.index, index)][-SKIPPED[self.stream.q] :]
        self.index = index + 1


def alert(title: str) -> bytes:
    """A payload for q = 0."""
    return encode({0: ALERT, 6: title})


def notice(control: Value) -> bytes:
    """A payload for q = 0x80."""
    return encode({0: CONTROL_KIND, 32: control})


def offer_map(generation: int, ephemeral: bytes) -> dict[int, Value]:
    return {0: 0, 1: generation, 2: ephemeral}


def accept_map(generation: int, ephemeral: bytes, epoch: int, offer: bytes) -> dict[int, Value]:
    return {0: 1, 1: generation, 2: ephemeral, 3: epoch, 4: digest(offer)}


@dataclass(frozen=True, kw_only=True)
class Renewal:
    """Everything of a renewal that goes well."""

    m: bytes
    generation: int
    offer_secret: bytes
    accept_secret: bytes
    epoch: int

    @property
    def offer(self) -> bytes:
        return encode(offer_map(self.generation, x25519_public(self.offer_secret)))

    @property
    def accept(self) -> bytes:
        ephemeral = x25519_public(self.accept_secret)
        return encode(accept_map(self.generation, ephemeral, self.epoch, self.offer))

    @property
    def shared(self) -> bytes:
        return x25519(self.offer_secret, x25519_public(self.accept_secret))

    def told(self) -> Fields:
        th = transcript(self.offer, self.accept)
        m, wheel_key = generation_next(self.m, self.generation, self.shared, th)
        return {
            "shared": self.shared,
            "th": th,
            "m": m,
            "wheel_key": wheel_key,
            "epoch": self.epoch,
        }
