"""The trash: what was deleted and can be brought back for some days.

A deleted message lies in a room that nobody is in, so that no page, search, file or job
finds it; here is kept where it was. A deleted room has lost its members: see there.
"""

from dataclasses import dataclass
from typing import Final

from campfire.database import Reads, Tx

ROOM: Final = 0
EVER: Final = 2**63 - 1
# Whoever deleted it brings it back; of other people's words in a shared room, one
# administrator what another deleted.
MINE: Final = """SELECT message_id, trashed_messages.room_id, trashed_messages.seq,
                        trashed_at
                 FROM trashed_messages
                 JOIN messages ON messages.id = message_id
                 JOIN rooms ON rooms.id = trashed_messages.room_id
                 JOIN memberships ON memberships.room_id = rooms.id
                   AND memberships.user_id = :user
                 JOIN users AS removers ON removers.id = trashed_messages.remover_id
                 WHERE (removers.id = :user
                        OR removers.role = 'administrator'
                          AND removers.id <> messages.creator_id
                          AND rooms.kind <> 'direct'
                          AND EXISTS (SELECT 1 FROM users WHERE id = :user
                                        AND role = 'administrator'))"""


@dataclass(frozen=True, slots=True)
class Trashed:
    """A message of the trash: its `seq` is that of the removal."""

    message_id: int
    room_id: int
    seq: int
    trashed_at: int


def put(tx: Tx, user_id: int, room_id: int, message_id: int, seq: int) -> None:
    """Keeps where the message was, and who deleted it."""
    tx.row(
        """INSERT INTO trashed_messages (message_id, room_id, seq, remover_id,
             trashed_at) VALUES (?, ?, ?, ?, ?)""",
        (message_id, room_id, seq, user_id, tx.now),
    )


def take(tx: Tx, message_id: int) -> None:
    """The message is on its way back."""
    tx.row("DELETE FROM trashed_messages WHERE message_id = ?", (message_id,))


def messages(db: Reads, user_id: int, limit: int) -> list[Trashed]:
    """What the person can bring back into rooms they are in, the newest first."""
    rows = db.rows(
        f"{MINE} ORDER BY trashed_at DESC, message_id DESC LIMIT :limit",
        {"user": user_id, "limit": limit},
    )
    return [Trashed(*row) for row in rows]


def message(db: Reads, user_id: int, room_id: int, message_id: int) -> Trashed | None:
    """The message, for one who can bring it back into this room."""
    row = db.row(
        f"{MINE} AND message_id = :message AND rooms.id = :room",
        {"user": user_id, "room": room_id, "message": message_id},
    )
    return Trashed(*row) if row else None


def expired(db: Reads, until: int, limit: int) -> list[int]:
    """Messages that have been here since then or longer."""
    rows = db.rows(
        "SELECT message_id FROM trashed_messages WHERE trashed_at <= ? LIMIT ?",
        (until, limit),
    )
    return [message_id for (message_id,) in rows]


def of_room(db: Reads, room_id: int, limit: int, before: int = EVER) -> list[int]:
    """Messages that were in the room, said before that."""
    rows = db.rows(
        """SELECT message_id
           FROM trashed_messages JOIN messages ON messages.id = message_id
           WHERE trashed_messages.room_id = ? AND created_at < ? LIMIT ?""",
        (room_id, before, limit),
    )
    return [message_id for (message_id,) in rows]
