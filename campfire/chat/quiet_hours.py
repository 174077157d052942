"""Quiet hours: when somebody does not want to be rung, on the clock where they are.

They belong to the receiver: messages arrive at once, only their push waits. Whether
somebody who writes to them directly may ring all the same is theirs to say as well.
"""

import json
import re
from collections.abc import Collection
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
    may_ring: bool = True

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
        return max(milliseconds(end), now + MINUTE)

    def night(self, now: int) -> "Night":
        """The one that it is in at `now`, or the next."""
        zone = ZoneInfo(self.zone)
        today = datetime.fromtimestamp(now / 1000, zone).date()
        for day in (today - timedelta(days=1), today, today + timedelta(days=1)):
            last = day + timedelta(days=self.ends < self.starts)
            begins = datetime.combine(day, time(*divmod(self.starts, 60)), zone)
            ends = datetime.combine(last, time(*divmod(self.ends, 60)), zone)
            night = Night(milliseconds(begins), milliseconds(ends), self.may_ring)
            if night.ends > now:
                break
        return night


@dataclass(frozen=True, slots=True)
class Night:
    """Quiet hours once, in UTC milliseconds."""

    begins: int
    ends: int
    may_ring: bool


def milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def written(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def agreed(starts: str, ends: str, zone: str, *, may_ring: bool = True) -> QuietHours:
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
    return QuietHours(minutes[0], minutes[1], zone, may_ring)


def find(db: Reads, user_id: int) -> QuietHours | None:
    row = db.row(
        "SELECT starts, ends, zone, may_ring FROM quiet_hours WHERE user_id = ?",
        (user_id,),
    )
    return None if row is None else QuietHours(*(*row[:3], bool(row[3])))


def nights(db: Reads, user_ids: Collection[int], now: int) -> dict[int, Night]:
    """The nights of those among them who have quiet hours: this one, or the next."""
    rows = db.rows(
        """SELECT user_id, starts, ends, zone, may_ring FROM quiet_hours
           WHERE user_id IN (SELECT value FROM json_each(?))""",
        (json.dumps(list(user_ids)),),
    )
    return {
        user_id: QuietHours(*(*hours, bool(may_ring))).night(now)
        for user_id, *hours, may_ring in rows
    }


def keep(tx: Tx, user_id: int, hours: QuietHours | None) -> None:
    """Sets them; None for nights like days."""
    if hours is None:
        tx.row("DELETE FROM quiet_hours WHERE user_id = ?", (user_id,))
        return
    tx.row(
        """INSERT INTO quiet_hours (user_id, starts, ends, zone, may_ring)
           VALUES (?, ?, ?, ?, ?)
           ON CONFLICT (user_id) DO UPDATE SET starts = excluded.starts,
             ends = excluded.ends, zone = excluded.zone,
             may_ring = excluded.may_ring""",
        (user_id, hours.starts, hours.ends, hours.zone, hours.may_ring),
    )
