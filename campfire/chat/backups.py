"""What a copy of the database has to show before it is trusted."""

import hashlib
from dataclasses import dataclass

from campfire.database import Reads


@dataclass(frozen=True, slots=True)
class Drill:
    """The newest nightly backup, which was opened and compared when it was made.

    `made_at` is in milliseconds, None for never; `fault` is why a newer one failed.
    """

    made_at: int | None
    byte_size: int
    fault: str | None


def schema(db: Reads) -> list[tuple[str, str, str]]:
    """Everything that was ever created in it; SQLite's own tables come and go."""
    return db.rows("""SELECT type, name, sql FROM sqlite_schema
           WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY type, name""")


def counts(db: Reads) -> dict[str, int | str]:
    """How much there is; `rooms_sha256` changes with anything posted or taken away."""
    users, rooms, messages = db.row(
        """SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM rooms),
                  (SELECT count(*) FROM messages)"""
    )
    by_room = db.rows(
        """SELECT rooms.id, rooms.seq, count(messages.id), max(messages.id),
                  sum(octet_length(messages.source))
           FROM rooms LEFT JOIN messages ON messages.room_id = rooms.id
           GROUP BY rooms.id ORDER BY rooms.id"""
    )
    return {
        "users": users,
        "rooms": rooms,
        "messages": messages,
        "rooms_sha256": hashlib.sha256(repr(by_room).encode()).hexdigest(),
    }
