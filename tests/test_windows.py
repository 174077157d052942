"""Windows: so many tries in a while, then none until there is room again."""

import time

import pytest
from limits import RateLimitItemPerMinute
from limits.strategies import MovingWindowRateLimiter

from campfire import windows
from campfire.windows import Windows

TWICE = RateLimitItemPerMinute(2, 1, "tests")
OTHERS = RateLimitItemPerMinute(2, 1, "others")


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


def test_there_is_room_again_as_the_oldest_try_is_forgotten(clock: Clock) -> None:
    tried = MovingWindowRateLimiter(Windows())
    assert tried.hit(TWICE, "a")
    clock.now += 10
    assert tried.hit(TWICE, "a")
    assert tried.get_window_stats(TWICE, "a") == (clock.now + 50, 0)
    assert not tried.test(TWICE, "a") and not tried.hit(TWICE, "a")
    assert tried.hit(TWICE, "b") and tried.hit(OTHERS, "a")
    clock.now += 50
    assert tried.test(TWICE, "a")
    assert tried.hit(TWICE, "a") and not tried.hit(TWICE, "a")


def test_what_counts_no_more_is_forgotten(clock: Clock) -> None:
    storage = Windows()
    tried = MovingWindowRateLimiter(storage)
    for number in range(100):
        tried.hit(TWICE, str(number))
    clock.now += windows.SWEPT_EVERY + 1
    tried.hit(TWICE, "another")
    assert len(storage._tries) == 1


def test_a_try_elsewhere_counts_and_is_not_passed_on(clock: Clock) -> None:
    here, there = Windows(), Windows()
    here.own = there.hear
    tried = MovingWindowRateLimiter(here)
    beside = MovingWindowRateLimiter(there)
    assert tried.hit(TWICE, "a") and beside.hit(TWICE, "a")
    assert not beside.hit(TWICE, "a")
    assert tried.hit(TWICE, "a"), "the other has told nothing"
    clock.now += 60
    assert beside.hit(TWICE, "a")
