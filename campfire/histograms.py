"""How often something took how long, or was how many: few numbers, cheap to add to."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

SECONDS: Final = (0.001, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5)


class Histogram:
    """Counts values by the first bound that they do not exceed. For one thread."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def include(self, other: "Histogram") -> None:
        """Adds what another one with the same bounds has counted."""
        pairs = zip(self.counts, other.counts, strict=True)
        self.counts = [mine + others for mine, others in pairs]
        self.total += other.total

    def buckets(self) -> list[tuple[str, float]]:
        """Each bound with how many did not exceed it, as Prometheus wants them."""
        sum_, buckets = 0, []
        for bound, count in zip([*map(str, self.bounds), "+Inf"], self.counts):
            sum_ += count
            buckets.append((bound, float(sum_)))
        return buckets
