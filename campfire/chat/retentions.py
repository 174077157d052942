"""Retentions: for how many days the messages of a room are kept, if not for ever.

What is older goes in the background, a little at a time, for good, and out of the
trash too. Everybody in the room is told of each, as of any message that is deleted.
"""

from dataclasses import dataclass
from typing import ClassVar, Final

from campfire.chat import acts, memberships, messages, rooms, trash
from campfire.chat.scopes import DAY
from campfire.database import Reads, Tx, vital
from campfire.refusals import Invalid

# Days say between which ids to look; clocks that were wrong make that wider.
OLDER: Final = """room_id = :room AND messages.created_at < :limit AND messages.id <=
                  (SELECT max(last_id) FROM days WHERE day <= :day)"""
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
    _require_changeable(db, user_id, room_id)
    return older(db, room_id, now - require_days(days) * DAY)


def older(db: Reads, room_id: int, limit: int) -> Loss:
    """For the operator: what was said before that. Looks at each of the messages."""
    bindings = _bindings(room_id, limit)
    count = db.value(f"SELECT count(*) FROM messages WHERE {OLDER}", bindings)
    files, size = db.row(
        f"""SELECT count(*), ifnull(sum(byte_size), 0)
            FROM attachments CROSS JOIN messages ON messages.id = message_id
            WHERE {OLDER}""",
        bindings,
    )
    return Loss(count, files, size)


def keep(tx: Tx, user_id: int, room_id: int, days: int | None) -> None:
    """Has the messages kept for so many days; None for ever. Raises Invalid."""
    _require_changeable(tx, user_id, room_id)
    if days == find(tx, user_id, room_id):
        return
    if days is None:
        deleted = tx.value(
            "DELETE FROM retentions WHERE room_id = ? RETURNING deleted", (room_id,)
        )
        if deleted:
            _note(tx, room_id, deleted)
    else:
        tx.row(
            """INSERT INTO retentions (room_id, days) VALUES (?, ?)
               ON CONFLICT DO UPDATE SET days = excluded.days""",
            (room_id, require_days(days)),
        )
    detail = "for ever" if days is None else f"{days:,} day{'s' * (days > 1)}"
    acts.note(tx, user_id, "room.kept", room_id=room_id, detail=detail)
    tx.announce(Changed(room_id))


def _require_changeable(db: Reads, user_id: int, room_id: int) -> None:
    """Raises Forbidden and NotFound, and Invalid for a direct room."""
    if rooms.require_administrable(db, user_id, room_id).kind == "direct":
        raise Invalid("A direct room stays as it is.", days="This is a direct room.")


def require_days(days: int) -> int:
    if not 0 < days <= MOST_DAYS:
        raise Invalid("These are not so many days.", days=f"From 1 to {MOST_DAYS:,}.")
    return days


@vital
def sweep(tx: Tx) -> bool:
    """Deletes a little of what is too old; says whether there may be more.

    How much it was is noted when all of a room is done, or the room is deleted.
    """
    kept = tx.rows("""SELECT room_id, days, deleted, deleted_at IS NOT NULL
           FROM retentions JOIN rooms ON rooms.id = room_id""")
    for room_id, days, deleted, is_gone in kept:
        limit = tx.now - days * DAY
        if not is_gone and (count := _deleted(tx, room_id, limit)):
            _count(tx, room_id, deleted + count)
            return True
        if deleted:
            _note(tx, room_id, deleted)
            _count(tx, room_id, 0)
    return False


def _deleted(tx: Tx, room_id: int, limit: int) -> int:
    """Deletes some of what was said before that, in the room and in the trash."""
    rows = tx.rows(
        f"SELECT id FROM messages WHERE {OLDER} LIMIT :most",
        _bindings(room_id, limit) | {"most": SWEPT_AT_ONCE},
    )
    for (message_id,) in rows:
        messages.purge(tx, room_id, message_id)
    trashed = trash.of_room(tx, room_id, SWEPT_AT_ONCE, limit)
    for message_id in trashed:
        messages.purge(tx, trash.ROOM, message_id)
    return len(rows) + len(trashed)


def _note(tx: Tx, room_id: int, deleted: int) -> None:
    detail = f"{deleted:,} message{'s' * (deleted > 1)}"
    origin: acts.Origin = "campfire"
    acts.note(tx, None, "room.swept", room_id=room_id, detail=detail, origin=origin)


def _count(tx: Tx, room_id: int, deleted: int) -> None:
    tx.row("UPDATE retentions SET deleted = ? WHERE room_id = ?", (deleted, room_id))


def _bindings(room_id: int, limit: int) -> dict[str, int]:
    return {"room": room_id, "limit": limit, "day": limit // DAY}
