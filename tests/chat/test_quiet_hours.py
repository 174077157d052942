"""Quiet hours: over midnight, over a change of clocks, and only as a clock can show."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from campfire.chat import quiet_hours
from campfire.chat.quiet_hours import Night, QuietHours
from campfire.database import Tx
from campfire.refusals import Invalid
from tests.conftest import DAVID, JZ, KEVIN

NIGHT = QuietHours(19 * 60, 7 * 60 + 30, "Europe/Berlin")
NOON = QuietHours(12 * 60, 13 * 60, "America/New_York")


def at(text: str) -> int:
    """UTC, in milliseconds."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    "hours, now, until",
    [
        (NIGHT, "2026-01-10 17:59", None),
        (NIGHT, "2026-01-10 18:00", "2026-01-11 06:30"),
        (NIGHT, "2026-01-10 23:30", "2026-01-11 06:30"),
        (NIGHT, "2026-01-11 06:29", "2026-01-11 06:30"),
        (NIGHT, "2026-01-11 06:30", None),
        (NIGHT, "2026-07-10 17:00", "2026-07-11 05:30"),
        (NOON, "2026-01-10 17:15", "2026-01-10 18:00"),
        (NOON, "2026-01-10 18:00", None),
        # Clocks go forward in that night, and back in this one.
        (NIGHT, "2026-03-28 20:00", "2026-03-29 05:30"),
        (NIGHT, "2026-10-24 20:00", "2026-10-25 06:30"),
    ],
)
def test_it_is_quiet_on_the_clock_of_the_receiver(
    hours: QuietHours, now: str, until: str | None
) -> None:
    assert hours.until(at(now)) == (None if until is None else at(until))


def test_an_hour_that_comes_twice_does_not_end_before_it_begins() -> None:
    repeated = QuietHours(60, 150, "Europe/Berlin")
    now = at("2026-10-25 01:15")  # 02:15 for the second time
    until = repeated.until(now)
    assert until is not None and until > now


def test_hours_are_kept_changed_and_left_off(tx: Tx) -> None:
    assert quiet_hours.find(tx, JZ) is None
    quiet_hours.keep(tx, JZ, NIGHT)
    assert quiet_hours.find(tx, JZ) == NIGHT
    quiet_hours.keep(tx, JZ, NOON)
    assert quiet_hours.find(tx, JZ) == NOON
    assert quiet_hours.find(tx, KEVIN) is None
    quiet_hours.keep(tx, JZ, None)
    assert quiet_hours.find(tx, JZ) is None


def test_a_form_says_them_as_a_clock_does() -> None:
    agreed = quiet_hours.agreed("19:00", "07:30", "Europe/Berlin")
    assert agreed == NIGHT
    assert (agreed.starts_at, agreed.ends_at) == ("19:00", "07:30")


@pytest.mark.parametrize(
    "starts, ends, zone, wrong",
    [
        ("25:00", "07:00", "UTC", "from"),
        ("7", "07:00", "UTC", "from"),
        ("19:00", "", "UTC", "to"),
        ("19:00", "19:00", "UTC", "to"),
        ("19:00", "07:00", "Mars/Olympus", "time_zone"),
        ("19:00", "07:00", "../../etc/passwd", "time_zone"),
        ("19:00", "07:00", "", "time_zone"),
        ("19:00", "07:00", "/etc/passwd", "time_zone"),
        ("19:00", "07:00", "Europe", "time_zone"),
        ("19:00", "07:00", "a\0b", "time_zone"),
    ],
)
def test_what_is_no_time_of_day_is_refused(
    starts: str, ends: str, zone: str, wrong: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        quiet_hours.agreed(starts, ends, zone)
    assert list(refusal.value.errors) == [wrong]


@pytest.mark.parametrize(
    "hours, now, begins, ends",
    [
        (NIGHT, "2026-01-10 17:59", "2026-01-10 18:00", "2026-01-11 06:30"),
        (NIGHT, "2026-01-10 18:00", "2026-01-10 18:00", "2026-01-11 06:30"),
        (NIGHT, "2026-01-10 23:30", "2026-01-10 18:00", "2026-01-11 06:30"),
        (NIGHT, "2026-01-11 03:00", "2026-01-10 18:00", "2026-01-11 06:30"),
        (NIGHT, "2026-01-11 06:30", "2026-01-11 18:00", "2026-01-12 06:30"),
        (NOON, "2026-01-10 17:15", "2026-01-10 17:00", "2026-01-10 18:00"),
        (NOON, "2026-01-10 18:00", "2026-01-11 17:00", "2026-01-11 18:00"),
        # Clocks go forward in that night: it is an hour shorter.
        (NIGHT, "2026-03-28 20:00", "2026-03-28 18:00", "2026-03-29 05:30"),
    ],
)
def test_a_night_is_this_one_or_the_next(
    hours: QuietHours, now: str, begins: str, ends: str
) -> None:
    night = hours.night(at(now))
    assert night == Night(at(begins), at(ends), True)
    until = hours.until(at(now))
    assert until == (night.ends if night.begins <= at(now) else None)


def test_nights_are_those_of_whoever_has_quiet_hours(tx: Tx) -> None:
    quiet_hours.keep(tx, JZ, replace(NIGHT, may_ring=False))
    quiet_hours.keep(tx, DAVID, NOON)
    now = at("2026-01-10 23:30")
    found = quiet_hours.nights(tx, {JZ, KEVIN}, now)
    assert found == {JZ: replace(NIGHT.night(now), may_ring=False)}
    assert quiet_hours.find(tx, JZ) == replace(NIGHT, may_ring=False)
