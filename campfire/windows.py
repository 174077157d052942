"""Tries within moving windows, counted by a clock that nobody sets.

The library's own store goes by the time of day: a clock that is set back by a year
keeps everybody out for a year, and one set forward lets guessing begin anew.
"""

import time
from collections import deque
from collections.abc import Callable
from typing import Final

from limits.storage import MemoryStorage

SWEPT_EVERY: Final = 60.0


class Windows(MemoryStorage):
    """The tries of everybody, in memory, forgotten once they count no more.

    `own(key, seconds)` is told of each that is counted here: where there are several
    workers the others `hear` it.
    """

    own: Callable[[str, int], None] | None = None

    def __init__(self) -> None:
        super().__init__()
        # When each counts no more, by what was tried and who it was.
        self._tries: dict[str, deque[float]] = {}
        self._swept = time.monotonic()

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Counts the tries, where there is room for them."""
        _, counted = self.get_moving_window(key, limit, expiry)
        if counted + amount > limit:
            return False
        for _ in range(amount):
            if self.own:
                self.own(key, expiry)
            self.hear(key, expiry)
        return True

    def hear(self, key: str, expiry: int) -> None:
        """Counts one try that was made, whether or not there was room for it."""
        over = time.monotonic() + expiry
        self._tries.setdefault(key, deque()).append(over)
        self._sweep()

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """When the oldest try that counts was made, and how many count."""
        now = time.monotonic()
        tries = self._tries.get(key, deque())
        while tries and tries[0] <= now:
            tries.popleft()
        return (tries[0] - expiry if tries else now), len(tries)

    def _sweep(self) -> None:
        now = time.monotonic()
        if now < self._swept + SWEPT_EVERY:
            return
        self._swept = now
        self._tries = {
            key: tries
            for key, tries in self._tries.items()
            if tries and tries[-1] > now
        }
