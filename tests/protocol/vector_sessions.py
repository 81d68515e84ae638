"""Sessions in the middle of their life, as the vectors tell them: every record as a store would bring it."""

from dataclasses import dataclass, field

from tocsin_protocol import effects as fx
from tocsin_protocol.effects import Effect, Generation, Role, Side
from tocsin_protocol.recognise import StreamId, StreamState
from tocsin_protocol.renewal import Draw
from tocsin_protocol.session import Input, Session
from tocsin_protocol.types import Epoch, IdentityKey, Now
from tocsin_protocol.wheel import Chain, Q, Wheel

LOW, HIGH = IdentityKey(b"\x01" * 32), IdentityKey(b"\x02" * 32)
CONTACT = 1
CHANCE = bytes(8)


def draw_of(secret: bytes) -> Draw:
    return Draw(secret=secret, chance=CHANCE)


@dataclass
class Restored:
    """A session of which everything that was committed is known."""

    own: IdentityKey = LOW
    other: IdentityKey = HIGH
    records: list[Effect] = field(default_factory=list)

    def put(self, *records: Effect) -> None:
        self.records += records

    def put_generation(
        self, number: int, m: bytes, epoch: Epoch, *, role: Role, confirmed_ms: int | None
    ) -> None:
        """One that entered in this epoch and was turned into it; what is not asked about is made up."""
        generation = Generation(
            number=number, epoch=epoch, role=role, entered_ms=0, confirmed_ms=confirmed_ms
        )
        self.put(fx.PutGeneration(generation=generation), fx.PutRoot(number=number, key=m))
        for side in Side:
            wheel = Wheel(epoch=Epoch(epoch + 1), key=bytes((number, side is Side.SENDING)) * 16)
            self.put(fx.PutWheel(number=number, side=side, wheel=wheel))
        for q in Q:
            self.put(fx.PutSending(number=number, chain=Chain(epoch=epoch, q=q, index=0, key=b"\x0c" * 32)))

    @property
    def session(self) -> Session:
        session = Session(contact=CONTACT, own=self.own, other=self.other)
        session.apply(self.records)
        return session

    def handle(self, event: Input, now: Now) -> tuple[Effect, ...]:
        return self.session.handle(event, now)


def state_after(stream: StreamId, index: int) -> StreamState:
    """A stream of which everything up to this index has come."""
    chain = Chain(epoch=stream.epoch, q=stream.q, index=index + 1, key=b"\x0d" * 32)
    return StreamState(chain=chain, opened=index + 1)
