"""The audit log: what was done with an administrator's power, by whom and to whom.

Each act is noted in the transaction that does it, so there is neither one without the
other. It holds numbers and our own words, and nothing that anybody wrote.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from campfire.chat import users
from campfire.chat.users import User
from campfire.database import Reads, Tx

Origin = Literal["person", "command line", "campfire"]
Kind = Literal[
    "account.changed",
    "bot.changed",
    "bot.keyed",
    "bot.made",
    "bot.removed",
    "invitation.renewed",
    "job.discarded",
    "job.retried",
    "member.added",
    "member.removed",
    "message.edited",
    "message.removed",
    "message.restored",
    "password.reset",
    "person.added",
    "person.appointed",
    "person.banned",
    "person.deactivated",
    "person.readmitted",
    "room.closed",
    "room.deleted",
    "room.kept",
    "room.opened",
    "room.renamed",
    "room.restored",
    "room.swept",
    "webhook.started",
    "webhook.stopped",
]
PAGE: Final = 50
LONGEST_PAGE: Final = 200
NEWEST: Final = 2**62


@dataclass(frozen=True, slots=True)
class Act:
    """`room_name` is what the room is called now, where the reader is in it."""

    id: int
    at: int
    origin: Origin
    kind: Kind
    detail: str
    room_id: int | None
    room_name: str | None
    actor: User | None
    user: User | None


def note(
    tx: Tx,
    actor_id: int | None,
    kind: Kind,
    *,
    user_id: int | None = None,
    room_id: int | None = None,
    detail: str = "",
    origin: Origin = "person",
) -> None:
    """Keeps one act. `detail` is in words of ours, never in somebody's."""
    tx.row(
        """INSERT INTO acts (origin, actor_id, kind, user_id, room_id, detail, at)
           VALUES (?, ?, ?, ?, ?, ?, ?)""",
        (origin, actor_id, kind, user_id, room_id, detail, tx.now),
    )


def page(
    db: Reads, admin_id: int, *, before: int | None = None, limit: int = PAGE
) -> tuple[list[Act], bool]:
    """Acts, newest first, and whether there are older ones; for administrators."""
    users.require_administrator(db, admin_id)
    width = users.COLUMNS.count(",") + 1
    rows = db.rows(
        f"""SELECT acts.id, acts.at, acts.origin, acts.kind, acts.detail, acts.room_id,
                   iif(memberships.room_id IS NULL, NULL, rooms.name),
                   {users.COLUMNS.replace("users.", "actors.")}, {users.COLUMNS}
            FROM acts
              LEFT JOIN users AS actors ON actors.id = acts.actor_id
              LEFT JOIN users ON users.id = acts.user_id
              LEFT JOIN rooms ON rooms.id = acts.room_id
              LEFT JOIN memberships
                ON memberships.room_id = rooms.id AND memberships.user_id = :admin
            WHERE acts.id < :before
            ORDER BY acts.id DESC LIMIT :most""",
        {
            "admin": admin_id,
            "before": NEWEST if before is None else before,
            "most": limit + 1,
        },
    )
    found = [
        Act(*(*row[:7], _person(row[7 : 7 + width]), _person(row[7 + width :])))
        for row in rows[:limit]
    ]
    return found, len(rows) > limit


def _person(columns: Sequence[Any]) -> User | None:
    return User(*columns) if columns[0] is not None else None
