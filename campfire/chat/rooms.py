"""Rooms, as the person who asks sees them."""

import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

from campfire.chat import memberships, users
from campfire.chat.memberships import Membership
from campfire.chat.users import User
from campfire.database import Reads, Tx
from campfire.refusals import Invalid, NotFound

Kind = Literal["open", "closed", "direct"]

COLUMNS: Final = f"""rooms.id, rooms.kind, rooms.name, rooms.creator_id,
                     rooms.created_at, rooms.seq,
                     (SELECT max(id) FROM messages WHERE room_id = rooms.id),
                     {memberships.COLUMNS}"""
LONGEST_NAME: Final = 100


@dataclass(frozen=True, slots=True)
class Room:
    id: int
    kind: Kind
    name: str
    creator_id: int
    created_at: int
    seq: int
    last_message_id: int | None
    membership: Membership


@dataclass(frozen=True, slots=True)
class Created:
    """A room was made; `audience` is in it from the start, all with the same terms."""

    name: ClassVar = "room.created"
    audience: frozenset[int]
    room: Room


def find(db: Reads, user_id: int, room_id: int) -> Room:
    row = db.row(
        f"""SELECT {COLUMNS}
            FROM memberships JOIN rooms ON rooms.id = memberships.room_id
            WHERE memberships.room_id = ? AND memberships.user_id = ?""",
        (room_id, user_id),
    )
    if row is None:
        raise NotFound("There is no such room.")
    return _from_row(row)


def all_of(db: Reads, user_id: int) -> list[Room]:
    """The person's rooms: shared ones by name, then direct ones by newest activity."""
    rows = db.rows(
        f"""SELECT {COLUMNS}
            FROM memberships JOIN rooms ON rooms.id = memberships.room_id
            WHERE memberships.user_id = ?
            ORDER BY rooms.kind = 'direct', lower(rooms.name), rooms.updated_at DESC,
                     rooms.id""",
        (user_id,),
    )
    return [_from_row(row) for row in rows]


def members(db: Reads, user_id: int, room_id: int) -> list[User]:
    """Who is in the room, by name."""
    memberships.require(db, user_id, room_id)
    rows = db.rows(
        f"""SELECT {users.COLUMNS}
            FROM memberships JOIN users ON users.id = memberships.user_id
            WHERE memberships.room_id = ? AND users.status = 'active'
            ORDER BY lower(users.name), users.id""",
        (room_id,),
    )
    return [User(*row) for row in rows]


def member_count(db: Reads, user_id: int, room_id: int) -> int:
    memberships.require(db, user_id, room_id)
    count: int = db.value(
        """SELECT count(*)
           FROM memberships JOIN users ON users.id = memberships.user_id
           WHERE memberships.room_id = ? AND users.status = 'active'""",
        (room_id,),
    )
    return count


def is_first(db: Reads, room_id: int) -> bool:
    """Whether this is the account's oldest room, where newcomers are welcomed."""
    oldest: int | None = db.value("SELECT min(id) FROM rooms")
    return oldest == room_id


def require_name(text: str) -> str:
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not any(unicodedata.category(letter)[0] in "LNPS" for letter in name):
        raise Invalid("A room needs a name.", name="Write a name.")
    if len(name) > LONGEST_NAME:
        raise Invalid(
            "This name is too long.", name=f"Use at most {LONGEST_NAME} characters."
        )
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
        raise Invalid("This name cannot be shown.", name="Use visible characters.")
    return name


def create(
    tx: Tx,
    user_id: int,
    kind: Literal["open", "closed"],
    name: str,
    user_ids: Collection[int] = (),
) -> Room:
    """Makes a room: an open one for everybody, a closed one for those who are named.

    Whoever makes it is in it. Raises Invalid for a person who is not there.
    """
    room_id = tx.value(
        """INSERT INTO rooms (kind, name, creator_id, created_at, updated_at)
           VALUES (?, ?, ?, ?, ?) RETURNING id""",
        (kind, require_name(name), user_id, tx.now, tx.now),
    )
    if kind == "open":
        everybody = tx.rows("SELECT id FROM users WHERE status = 'active'")
        user_ids = [person for (person,) in everybody]
    else:
        user_ids = users.require_active(tx, {user_id, *user_ids})
    granted = memberships.grant(tx, room_id, user_ids)
    room = find(tx, user_id, room_id)
    tx.announce(Created(granted, room))
    return room


def advance(tx: Tx, room_id: int) -> tuple[int, int]:
    """Takes the room's next `seq`; answers with it and the `members_version`."""
    numbers: tuple[int, int] = tx.row(
        """UPDATE rooms SET seq = seq + 1, updated_at = ? WHERE id = ?
           RETURNING seq, members_version""",
        (tx.now, room_id),
    )
    return numbers


def _from_row(row: Sequence[Any]) -> Room:
    return Room(*(*row[:7], memberships.from_row(row[7:])))
