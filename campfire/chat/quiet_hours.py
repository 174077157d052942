"""Quiet hours: when somebody does not want to be rung, on the clock where they are.

They belong to the receiver: messages arrive at once, only their push waits.
"""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from campfire.database import Reads, Tx
from campfire.refusals import Invalid

CLOCK: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
MINUTE: Final = 60_000


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Minutes of the day, in a zone of the IANA database; mostly over midnight."""

    starts: int
    ends: int
    zone: str

    @property
    def starts_at(self) -> str:
        return written(self.starts)

    @property
    def ends_at(self) -> str:
        return written(self.ends)

    def until(self, now: int) -> int | None:
        """When they end, in UTC milliseconds, if it is quiet at `now`."""
        zone = ZoneInfo(self.zone)
        here = datetime.fromtimestamp(now / 1000, zone)
        minute = 60 * here.hour + here.minute
        if self.starts < self.ends:
            is_quiet = self.starts <= minute < self.ends
        else:
            is_quiet = minute >= self.starts or minute < self.ends
        if not is_quiet:
            return None
        day = here.date() + timedelta(days=minute >= self.ends)
        end = datetime.combine(day, time(*divmod(self.ends, 60)), zone)
        # In the hour that a clock repeats, its end may have been already.
        return max(round(end.timestamp() * 1000), now + MINUTE)


def written(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def agreed(starts: str, ends: str, zone: str) -> QuietHours:
    """Quiet hours as a form says them: two times of the day, a zone. Raises Invalid."""
    errors: dict[str, str] = {}
    minutes = []
    for name, text in (("from", starts), ("to", ends)):
        clock = CLOCK.fullmatch(text)
        if clock is None:
            errors[name] = "Write a time such as 19:00."
        minutes.append(60 * int(clock[1]) + int(clock[2]) if clock else 0)
    if not errors and minutes[0] == minutes[1]:
        errors["to"] = "They must end at another time than they begin."
    try:
        ZoneInfo(zone)
    except (LookupError, ValueError, OSError):
        errors["time_zone"] = "This is no time zone, such as Europe/Berlin."
    if errors:
        raise Invalid("These hours cannot be kept.", **errors)
    return QuietHours(minutes[0], minutes[1], zone)


def find(db: Reads, user_id: int) -> QuietHours | None:
    row = db.row(
        "SELECT starts, ends, zone FROM quiet_hours WHERE user_id = ?", (user_id,)
    )
    return None if row is None else QuietHours(*row)


def keep(tx: Tx, user_id: int, hours: QuietHours | None) -> None:
    """Sets them; None for nights like days."""
    if hours is None:
        tx.row("DELETE FROM quiet_hours WHERE user_id = ?", (user_id,))
        return
    tx.row(
        """INSERT INTO quiet_hours (user_id, starts, ends, zone) VALUES (?, ?, ?, ?)
           ON CONFLICT (user_id) DO UPDATE SET starts = excluded.starts,
             ends = excluded.ends, zone = excluded.zone""",
        (user_id, hours.starts, hours.ends, hours.zone),
    )
