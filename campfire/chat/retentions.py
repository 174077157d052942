"""Retentions: for how many days the messages of a room are kept, if not for ever.

What is older goes in the background, a little at a time, for good and not into the
trash. Everybody in the room is told of each, as of any message that is deleted.
"""

from dataclasses import dataclass
from typing import ClassVar, Final

from campfire.chat import acts, memberships, messages, rooms
from campfire.database import Reads, Tx, vital
from campfire.refusals import Invalid

DAY: Final = 24 * 3_600_000
MOST_DAYS: Final = 36_500
SWEPT_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class Loss:
    """What would go now; `bytes` are of its files."""

    messages: int
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Changed:
    """The messages of a room are kept for longer, or not for as long."""

    name: ClassVar = "retention.changed"
    room_id: int


def find(db: Reads, user_id: int, room_id: int) -> int | None:
    """For how many days, to those in the room; None for ever. Raises NotFound."""
    memberships.require(db, user_id, room_id)
    days: int | None = db.value(
        "SELECT days FROM retentions WHERE room_id = ?", (room_id,)
    )
    return days


def loss(db: Reads, user_id: int, room_id: int, days: int, now: int) -> Loss:
    """What would go, if messages were kept for so many days from now on.

    For those who may change that. Raises Forbidden and Invalid.
    """
    rooms.require_administrable(db, user_id, room_id)
    return older(db, room_id, now - require_days(days) * DAY)


def older(db: Reads, room_id: int, limit: int) -> Loss:
    """For the operator: what was said before that. Looks at each of the messages."""
    bindings = {"room": room_id, "limit": limit, "day": limit // DAY}
    count = db.value(
        """SELECT count(*) FROM messages
           WHERE room_id = :room AND created_at < :limit
             AND id <= (SELECT max(last_id) FROM days WHERE day <= :day)""",
        bindings,
    )
    files, size = db.row(
        """SELECT count(*), ifnull(sum(byte_size), 0)
           FROM attachments CROSS JOIN messages ON messages.id = message_id
           WHERE room_id = :room AND messages.created_at < :limit""",
        bindings,
    )
    return Loss(count, files, size)


def keep(tx: Tx, user_id: int, room_id: int, days: int | None) -> None:
    """Has the messages kept for so many days; None for ever. Raises Invalid."""
    room = rooms.require_administrable(tx, user_id, room_id)
    if room.kind == "direct":
        raise Invalid("A direct room stays as it is.", days="This is a direct room.")
    if days == find(tx, user_id, room_id):
        return
    if days is None:
        tx.row("DELETE FROM retentions WHERE room_id = ?", (room_id,))
    else:
        tx.row(
            """INSERT INTO retentions (room_id, days) VALUES (?, ?)
               ON CONFLICT DO UPDATE SET days = excluded.days""",
            (room_id, require_days(days)),
        )
    detail = "for ever" if days is None else f"{days:,} day{'s' * (days > 1)}"
    acts.note(tx, user_id, "room.kept", room_id=room_id, detail=detail)
    tx.announce(Changed(room_id))


def require_days(days: int) -> int:
    if not 0 < days <= MOST_DAYS:
        raise Invalid("These are not so many days.", days=f"From 1 to {MOST_DAYS:,}.")
    return days


@vital
def sweep(tx: Tx) -> bool:
    """Deletes a little of what is too old; says whether there may be more.

    How much it was is noted when all of a room is done.
    """
    kept = tx.rows("""SELECT room_id, days, deleted FROM retentions
           JOIN rooms ON rooms.id = room_id WHERE deleted_at IS NULL""")
    for room_id, days, deleted in kept:
        rows = tx.rows(
            """SELECT id FROM (SELECT id, created_at FROM messages WHERE room_id = ?
                               ORDER BY id LIMIT ?)
               WHERE created_at < ?""",
            (room_id, SWEPT_AT_ONCE, tx.now - days * DAY),
        )
        for (message_id,) in rows:
            messages.purge(tx, room_id, message_id)
        if rows:
            _count(tx, room_id, deleted + len(rows))
            return True
        if deleted:
            detail = f"{deleted:,} message{'s' * (deleted > 1)}"
            _note(tx, room_id, detail)
            _count(tx, room_id, 0)
    return False


def _note(tx: Tx, room_id: int, detail: str) -> None:
    origin: acts.Origin = "campfire"
    acts.note(tx, None, "room.swept", room_id=room_id, detail=detail, origin=origin)


def _count(tx: Tx, room_id: int, deleted: int) -> None:
    tx.row("UPDATE retentions SET deleted = ? WHERE room_id = ?", (deleted, room_id))
