"""What one fuzz target is: how bytes are read, how they may be refused, and what holds when they are not.

It knows no fuzzer: `run.py` hands a target to atheris, the ordinary tests call it themselves.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from tocsin_protocol.errors import Reason, RemoteProtocolError
from tocsin_protocol.limits import HOUR_MS
from tocsin_protocol.network import Network
from tocsin_protocol.types import Hour, Now

NETWORK = Network(name="vectors", pair_cost=4, knock_cost=16)
HOUR = Hour(500_000)
NOW = Now(unix_ms=HOUR * HOUR_MS + HOUR_MS // 2, steady_ms=0)
"""Network and moment of the specifications' vectors, so that these are good seeds."""

Value = TypeVar("Value")
Refusal: TypeAlias = Reason | type[Exception]
Seeds: TypeAlias = Callable[[], Iterable[bytes]]


@dataclass(frozen=True, kw_only=True)
class Target(Generic[Value]):
    """`read` may raise what `refusals` names; `check`, which gets what was read, may raise nothing."""

    read: Callable[[bytes], Value]
    check: Callable[[bytes, Value], None]
    refusals: tuple[Refusal, ...]
    seeds: Seeds
    size_max: int = 4096

    def run(self, data: bytes) -> bool:
        """Whether the bytes could be read; whatever breaks a promise is raised."""
        try:
            value = self.read(data)
        except Exception as error:
            if refusal_of(error) not in self.refusals:
                raise
            return False
        self.check(data, value)
        return True


AnyTarget: TypeAlias = Target[Any]


def refusal_of(error: Exception) -> Refusal:
    return error.reason if isinstance(error, RemoteProtocolError) else type(error)


def is_refused(reason: Reason, read: Callable[[], object]) -> bool:
    """Whether it is refused for this reason; for any other one it must not be."""
    try:
        read()
    except RemoteProtocolError as error:
        if error.reason is not reason:
            raise
        return True
    return False


def cut(data: bytes, *sizes: int) -> tuple[bytes, ...]:
    """Pieces of these sizes, filled up with zeros where the data ends, and the rest."""
    pieces = []
    for size in sizes:
        pieces.append(data[:size].ljust(size, b"\0"))
        data = data[size:]
    return (*pieces, data)


def text_of(data: bytes) -> str:
    """Any text, even what is not UTF-8: that is how a command line hands it over."""
    return data.decode("utf-8", "surrogateescape")
