"""Which times are understood; what an archive brings back is in test_archive."""

import pytest

from campfire import moments
from campfire.database import Unusable


def test_a_time_has_its_zone() -> None:
    utc = moments.moment("2026-11-26T12:00:05Z")
    assert moments.moment("2026-11-26T13:00:05+01:00") == utc
    assert moments.moment("2026-11-26T12:00:05.250Z") == utc + 250
    assert moments.said(utc + 250) == "2026-11-26T12:00:05.250Z"


@pytest.mark.parametrize("text", ["2026-11-26T12:00:05", "noon", "", "12:00:05Z"])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(Unusable, match="is no time such as"):
        moments.moment(text)
