"""Counting values below bounds."""

import pytest

from campfire.histograms import Histogram


def test_a_value_is_counted_below_every_bound_that_it_does_not_exceed() -> None:
    counted = Histogram((1, 2, 4))
    for value in (0.5, 1, 3, 100):
        counted.add(value)
    assert counted.buckets() == [("1", 2), ("2", 2), ("4", 3), ("+Inf", 4)]
    assert counted.total == 104.5


def test_two_are_counted_together() -> None:
    one, other = Histogram((1,)), Histogram((1,))
    one.add(1)
    other.add(2)
    one.include(other)
    assert one.buckets() == [("1", 1), ("+Inf", 2)]
    assert one.total == 3
    with pytest.raises(ValueError):
        one.include(Histogram((1, 2)))
