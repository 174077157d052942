"""How often is too often: tries within a moving window, by a clock that nobody sets.

Kept in memory, and forgotten once they count no more.
"""

import time
from collections import deque
from dataclasses import dataclass
from typing import Final

SWEPT_EVERY: Final = 60.0


@dataclass(frozen=True, slots=True)
class Limit:
    """So many tries in so many seconds; limits of different names count apart."""

    amount: int
    seconds: float
    name: str


class Windows:
    """The tries of everybody, by limit and by who it was."""

    def __init__(self) -> None:
        self._tries: dict[tuple[Limit, str], deque[float]] = {}
        self._swept = time.monotonic()

    def hit(self, limit: Limit, who: str) -> bool:
        """Counts one try, where there is room for it."""
        if self.wait(limit, who):
            return False
        self._tries.setdefault((limit, who), deque()).append(time.monotonic())
        self._sweep()
        return True

    def wait(self, limit: Limit, who: str) -> float:
        """The seconds until there is room for a try; 0 when there is."""
        tries = self._tries.get((limit, who))
        if tries is None:
            return 0.0
        now = time.monotonic()
        while tries and tries[0] <= now - limit.seconds:
            tries.popleft()
        if len(tries) < limit.amount:
            return 0.0
        return tries[0] + limit.seconds - now

    def _sweep(self) -> None:
        now = time.monotonic()
        if now < self._swept + SWEPT_EVERY:
            return
        self._swept = now
        over = [
            (limit, who)
            for (limit, who), tries in self._tries.items()
            if not tries or tries[-1] <= now - limit.seconds
        ]
        for key in over:
            del self._tries[key]
