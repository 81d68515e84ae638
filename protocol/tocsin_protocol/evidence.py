"""What speaks for the system clock, and whether that is enough to turn wheels and to send.

It is not a clock: a moment, the time since the start and what stores say are arguments.
"""

from dataclasses import dataclass

from tocsin_protocol.limits import (
    CLOCK_SKEW_MS_MAX,
    EPOCH_HOURS,
    HOUR_DRIFT_MAX,
    HOUR_MS,
    STORES_AGREEING_MIN,
    TURN_UPTIME_MS_MIN,
)
from tocsin_protocol.types import Epoch, Hour, Now


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All of this run: a clock that was right before a restart says nothing about the one after it.

    `store_hours` holds the hour that each store answered with, of `stores` that are configured.
    """

    uptime_ms: int
    confirmed: bool = False
    stores: int = 0
    store_hours: tuple[Hour, ...] = ()


def may_turn(*, committed: Epoch, now: Now, evidence: Evidence) -> bool:
    """Whether wheels may be turned, and so keys deleted, because of the system clock."""
    ahead = now.epoch - committed
    if ahead < 1:
        return False
    if evidence.confirmed or _stores_agree(now, evidence):
        return True
    return ahead == 1 and evidence.uptime_ms >= TURN_UPTIME_MS_MIN  # TOC-4 §4.1


def may_send(*, committed: Epoch, now: Now) -> bool:
    """A clock far ahead is not believed yet, and nothing is sealed under an epoch that has been left."""
    return 0 <= now.epoch - committed <= 1


def sealing_epoch(*, committed: Epoch, now: Now) -> Epoch | None:
    """The epoch to seal under now, or None while the clock does not allow it.

    A clock that was set back over midnight, after the turn, still sends if relays take the day's first hour.
    """
    if may_send(committed=committed, now=now):
        return now.epoch
    hours_early = committed * EPOCH_HOURS - now.hour
    return committed if 0 < hours_early <= HOUR_DRIFT_MAX else None  # TOC-4 §4.3


def skew_shown_by_stores(now: Now, evidence: Evidence) -> int | None:
    """By how many ms the clock is ahead of most stores, or behind if negative; None if that is not much."""
    if not evidence.store_hours:
        return None
    middle = sorted(evidence.store_hours)[(len(evidence.store_hours) - 1) // 2]
    after_ms = now.unix_ms - (middle + 1) * HOUR_MS
    return _if_much(after_ms) if after_ms > 0 else skew_shown_by_envelope(now, middle)


def skew_shown_by_envelope(now: Now, born_hour: Hour) -> int | None:
    """The same from an envelope that opened; an old one shows nothing, for it may just have been late."""
    return _if_much(min(0, now.unix_ms - born_hour * HOUR_MS))


def _stores_agree(now: Now, evidence: Evidence) -> bool:
    agreeing = sum(abs(hour - now.hour) <= HOUR_DRIFT_MAX for hour in evidence.store_hours)
    if evidence.stores >= STORES_AGREEING_MIN:
        return agreeing >= STORES_AGREEING_MIN
    return 0 < evidence.stores == agreeing and evidence.uptime_ms >= TURN_UPTIME_MS_MIN


def _if_much(skew_ms: int) -> int | None:
    return skew_ms if abs(skew_ms) > CLOCK_SKEW_MS_MAX else None
