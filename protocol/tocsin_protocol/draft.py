"""One transition of a pair in the making: effects so far, and the pair as it will be once they are committed.

The pair that it started from is not touched, so a transition that is never committed never was.
"""

from tocsin_protocol import effects as fx
from tocsin_protocol.control import Control
from tocsin_protocol.effects import Effect, Side
from tocsin_protocol.evidence import sealing_epoch
from tocsin_protocol.pair import Pair
from tocsin_protocol.sending import BLOCK, Sending
from tocsin_protocol.types import Now
from tocsin_protocol.wheel import Q, first_chain


class Draft:
    def __init__(self, pair: Pair) -> None:
        self.pair = pair.copy()
        self.effects: list[Effect] = []

    def do(self, *effects: Effect) -> None:
        for effect in effects:
            self.pair.apply(effect)
            self.effects.append(effect)

    def reserve(self, number: int, q: Q, now: Now, block: int) -> fx.Reserved | None:
        """The next index of this generation; None when the clock or the day's supply does not allow it."""
        epoch = sealing_epoch(committed=self.pair.committed(number, Side.SENDING), now=now)
        if epoch is None:
            return None
        sending = self.pair.sending.get((number, epoch, q))
        if sending is None:
            wheel = self.pair.wheels[number, Side.SENDING].at(epoch)
            sending = Sending(chain=first_chain(wheel, q), stored=0)
        taken = sending.take(block)
        if taken is None:
            return None
        if taken.raised is not None:
            self.do(fx.PutSending(number=number, chain=taken.raised))
        reserved = fx.Reserved(number=number, epoch=epoch, q=q, link=taken.link, following=taken.following)
        self.do(reserved)
        return reserved

    def seal(self, control: Control, now: Now, delay_ms: int) -> bool:
        """Have a control map sent after a while, under the generation of the moment; whether that can be."""
        number = self.pair.sending_generation(now)
        if number is None:
            return False
        reserved = self.reserve(number, Q.CONTROL, now, BLOCK[Q.CONTROL])
        if reserved is None:
            return False
        self.do(
            fx.Seal(
                control=control,
                number=number,
                epoch=reserved.epoch,
                link=reserved.link,
                not_before_ms=now.unix_ms + delay_ms,
            )
        )
        return True
