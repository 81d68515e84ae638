"""The system's clock and entropy, as far as a test can hold them to something."""

import time

from tocsin.clock import SystemClock, SystemEntropy


def test_the_wall_clock_is_the_system_s() -> None:
    before = time.time_ns() // 1_000_000
    now = SystemClock().now()
    assert before <= now.unix_ms <= time.time_ns() // 1_000_000


def test_the_steady_clock_never_goes_back() -> None:
    clock = SystemClock()
    moments = [clock.now().steady_ms for _ in range(1_000)]
    assert moments == sorted(moments)
    assert moments[0] >= 0


def test_entropy_has_the_size_asked_for_and_does_not_repeat() -> None:
    entropy = SystemEntropy()
    assert [len(entropy.draw(size)) for size in (0, 1, 32)] == [0, 1, 32]
    assert len({entropy.draw(16) for _ in range(100)}) == 100
