"""Who is in which room, how far they have read, and how much they want to hear.

Every look-up of something private passes through here: an outsider gets NotFound.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal, get_args

from campfire.database import Reads, Tx
from campfire.refusals import Invalid, NotFound

Involvement = Literal["invisible", "nothing", "mentions", "everything"]

# Other people's messages after the last one read; a room kept out of sight has none.
# Those of the same block of ids are counted, in later ones they have been.
UNREAD: Final = """CASE memberships.involvement WHEN 'invisible' THEN 0 ELSE (
                     SELECT count(*) FROM messages
                     WHERE messages.room_id = memberships.room_id
                       AND messages.id > memberships.last_read_id
                       AND messages.id < (memberships.last_read_id / 1024 + 1) * 1024
                       AND messages.creator_id <> memberships.user_id) + (
                     SELECT ifnull(sum(count), 0) FROM tallies
                     WHERE tallies.room_id = memberships.room_id
                       AND block > memberships.last_read_id / 1024) - (
                     SELECT ifnull(sum(count), 0) FROM author_tallies
                     WHERE author_tallies.room_id = memberships.room_id
                       AND creator_id = memberships.user_id
                       AND block > memberships.last_read_id / 1024) END"""
# Which of them call the person, as a list in JSON; a number that memory can bear.
CALLS: Final = """(SELECT json_group_array(id) FROM (
                     SELECT messages.id FROM mentions
                     JOIN messages ON messages.id = mentions.message_id
                     WHERE mentions.user_id = memberships.user_id
                       AND mentions.message_id > memberships.last_read_id
                       AND messages.room_id = memberships.room_id
                       AND messages.creator_id <> memberships.user_id
                     UNION
                     SELECT messages.id FROM messages
                     WHERE messages.calls_everyone
                       AND messages.room_id = memberships.room_id
                       AND messages.id > memberships.last_read_id
                       AND messages.creator_id <> memberships.user_id
                     LIMIT 1000))"""
COLUMNS: Final = f"""memberships.involvement, memberships.last_read_id, {UNREAD},
                     memberships.starred, {CALLS}"""
MOST_AUDIENCES: Final = 1_000


@dataclass(frozen=True, slots=True)
class Membership:
    """`calls` are the unread messages that call the person."""

    involvement: Involvement
    last_read_id: int
    unread_count: int
    starred: bool
    calls: frozenset[int]

    @property
    def mentioned(self) -> bool:
        return bool(self.calls)


@dataclass(frozen=True, slots=True)
class Read:
    """Somebody has read up to `last_read_id`; everything after it is unread.

    `seq` is the room's, so that a count can tell what came before and what after.
    """

    name: ClassVar = "room.read"
    user_id: int
    room_id: int
    seq: int
    last_read_id: int
    unread_count: int
    calls: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Revoked:
    """People are not in the room any more and hear nothing of it from here on."""

    name: ClassVar = "membership.revoked"
    audience: frozenset[int]
    room_id: int


@dataclass(frozen=True, slots=True)
class Unread:
    """What a connected person's counts start from; `seq` is the room's at that time."""

    room_id: int
    seq: int
    involvement: Involvement
    last_read_id: int
    unread_count: int
    calls: frozenset[int] = frozenset()


def require(db: Reads, user_id: int, room_id: int) -> None:
    """Raises NotFound unless the person is in the room."""
    if not db.value(
        "SELECT 1 FROM memberships WHERE room_id = ? AND user_id = ?",
        (room_id, user_id),
    ):
        raise NotFound("There is no such room.")


def find(db: Reads, user_id: int, room_id: int) -> Membership:
    row = db.row(
        f"SELECT {COLUMNS} FROM memberships WHERE room_id = ? AND user_id = ?",
        (room_id, user_id),
    )
    if row is None:
        raise NotFound("There is no such room.")
    return from_row(row)


def from_row(row: Sequence[Any]) -> Membership:
    involvement, last_read_id, unread_count, starred, calls = row
    return Membership(
        involvement,
        last_read_id,
        unread_count,
        bool(starred),
        frozenset(json.loads(calls)),
    )


def audience(tx: Tx, room_id: int, members_version: int) -> frozenset[int]:
    """Everybody in the room, as this transaction sees it.

    Kept for as long as the room's `members_version`, which triggers advance, stays.
    """
    key = ("audience", room_id, members_version)
    known: frozenset[int] | None = tx.kept.get(key)
    if known is None:
        rows = tx.rows("SELECT user_id FROM memberships WHERE room_id = ?", (room_id,))
        known = frozenset(user_id for (user_id,) in rows)
        if len(tx.kept) >= MOST_AUDIENCES:
            tx.kept.clear()
        tx.kept[key] = known
    return known


def among(db: Reads, room_id: int, people: frozenset[int]) -> list[int]:
    """Which of these people are in the room."""
    rows = db.rows(
        """SELECT user_id FROM memberships
           WHERE room_id = ? AND user_id IN (SELECT value FROM json_each(?))
           ORDER BY user_id""",
        (room_id, json.dumps(list(people))),
    )
    return [user_id for (user_id,) in rows]


def rooms_of(db: Reads, user_id: int) -> frozenset[int]:
    rows = db.rows("SELECT room_id FROM memberships WHERE user_id = ?", (user_id,))
    return frozenset(room_id for (room_id,) in rows)


def neighbours(db: Reads, user_id: int) -> frozenset[int]:
    """Everybody who shares a room with the person, themselves included."""
    rows = db.rows(
        """SELECT DISTINCT theirs.user_id
           FROM memberships AS mine JOIN memberships AS theirs USING (room_id)
           WHERE mine.user_id = ?""",
        (user_id,),
    )
    return frozenset(neighbour for (neighbour,) in rows)


def unread(db: Reads, user_id: int) -> list[Unread]:
    rows = db.rows(
        f"""SELECT rooms.id, rooms.seq, memberships.involvement,
                   memberships.last_read_id, {UNREAD}, {CALLS}
            FROM memberships JOIN rooms ON rooms.id = memberships.room_id
            WHERE memberships.user_id = ?""",
        (user_id,),
    )
    return [
        Unread(*start, frozenset(json.loads(calls)))  # type: ignore[call-arg]
        for *start, calls in rows
    ]


def unread_of(db: Reads, user_ids: Iterable[int]) -> dict[int, list[Unread]]:
    """What the counts of several people start from, in one look."""
    return {user_id: unread(db, user_id) for user_id in user_ids}


def first_unread(db: Reads, user_id: int, room_id: int) -> int | None:
    """The first message of somebody else after the last one read."""
    message_id: int | None = db.value(
        """SELECT messages.id FROM memberships JOIN messages USING (room_id)
           WHERE memberships.room_id = ? AND memberships.user_id = ?
             AND messages.id > memberships.last_read_id
             AND messages.creator_id <> memberships.user_id
           ORDER BY messages.id LIMIT 1""",
        (room_id, user_id),
    )
    return message_id


def mentionable(db: Reads, user_id: int, room_id: int) -> list[tuple[int, str]]:
    """Ids and names of those whom a message in the room can call."""
    require(db, user_id, room_id)
    rows: list[tuple[int, str]] = db.rows(
        """SELECT users.id, users.name
           FROM memberships JOIN users ON users.id = memberships.user_id
           WHERE memberships.room_id = ? AND users.status = 'active'""",
        (room_id,),
    )
    return rows


def miscounted(db: Reads) -> list[int]:
    """The rooms of which the tallies do not say how many messages there are."""
    rows = db.rows("""WITH counted AS (
             SELECT room_id, creator_id, id / 1024 AS block, count(*) AS count
             FROM messages GROUP BY 1, 2, 3),
           wrong AS (
             SELECT room_id FROM (
               SELECT * FROM counted
               EXCEPT SELECT room_id, creator_id, block, count FROM author_tallies)
             UNION
             SELECT room_id FROM (
               SELECT room_id, block, sum(count) FROM counted GROUP BY 1, 2
               EXCEPT SELECT room_id, block, count FROM tallies))
           SELECT room_id FROM wrong
           UNION SELECT room_id FROM tallies GROUP BY 1 HAVING sum(count) <>
             (SELECT count(*) FROM messages WHERE messages.room_id = tallies.room_id)
           UNION SELECT room_id FROM author_tallies GROUP BY 1 HAVING sum(count) <>
             (SELECT count(*) FROM messages
              WHERE messages.room_id = author_tallies.room_id)""")
    return sorted(room_id for (room_id,) in rows)


def grant(tx: Tx, room_id: int, user_ids: Collection[int]) -> frozenset[int]:
    """Lets people in; those already there keep everything. Answers who is new.

    A new member starts at the room's newest message: nothing old is unread.
    """
    granted = set()
    for user_id in user_ids:
        row = tx.row(
            """INSERT INTO memberships
                 (room_id, user_id, involvement, last_read_id, created_at)
               SELECT rooms.id, ?,
                      iif(rooms.kind = 'direct', 'everything', 'mentions'),
                      ifnull((SELECT max(id) FROM messages
                              WHERE room_id = rooms.id), 0), ?
               FROM rooms WHERE rooms.id = ?
               ON CONFLICT DO NOTHING RETURNING user_id""",
            (user_id, tx.now, room_id),
        )
        if row is not None:
            granted.add(user_id)
    return frozenset(granted)


def bring(
    tx: Tx,
    room_id: int,
    user_id: int,
    involvement: Involvement,
    last_read_id: int,
    created_at: int,
) -> None:
    """Keeps who was in a room elsewhere, and how far they had read there."""
    tx.row(
        """INSERT INTO memberships
             (room_id, user_id, involvement, last_read_id, created_at)
           VALUES (?, ?, ?, ?, ?)""",
        (room_id, user_id, involvement, last_read_id, created_at),
    )


def grant_open_rooms(tx: Tx, user_id: int) -> list[int]:
    """Lets a person into every open room; answers with the rooms."""
    rooms = tx.rows("""SELECT id FROM rooms WHERE kind = 'open' AND deleted_at IS NULL
           ORDER BY id""")
    return [room_id for (room_id,) in rooms if grant(tx, room_id, (user_id,))]


def revoke(tx: Tx, room_id: int, user_ids: Collection[int]) -> None:
    """Puts people out of the room."""
    revoked = frozenset(
        user_id
        for user_id in user_ids
        if tx.row(
            """DELETE FROM memberships WHERE room_id = ? AND user_id = ?
               RETURNING user_id""",
            (room_id, user_id),
        )
    )
    if revoked:
        tx.announce(Revoked(revoked, room_id))


def revoke_all(tx: Tx, room_id: int) -> frozenset[int]:
    """Puts everybody out of a room that ends; answers with who was in it.

    How each of them saw it is kept, until they are let in again or forgotten.
    """
    tx.row(
        """INSERT INTO trashed_memberships (room_id, user_id, involvement,
             last_read_id, starred, created_at)
           SELECT room_id, user_id, involvement, last_read_id, starred, created_at
           FROM memberships WHERE room_id = ?""",
        (room_id,),
    )
    rows = tx.rows(
        "DELETE FROM memberships WHERE room_id = ? RETURNING user_id", (room_id,)
    )
    return frozenset(user_id for (user_id,) in rows)


def restore_all(tx: Tx, room_id: int) -> None:
    """Lets in who was in a room that comes back; in a shared one, without those who
    left the account meanwhile."""
    tx.row(
        """INSERT INTO memberships (room_id, user_id, involvement, last_read_id,
             starred, created_at)
           SELECT trashed.room_id, trashed.user_id, trashed.involvement,
                  trashed.last_read_id, trashed.starred, trashed.created_at
           FROM trashed_memberships AS trashed
           JOIN users ON users.id = trashed.user_id
           JOIN rooms ON rooms.id = trashed.room_id
           WHERE rooms.id = ?
             AND (users.status <> 'deactivated' OR rooms.kind = 'direct')""",
        (room_id,),
    )
    forget_all(tx, room_id)


def forget_all(tx: Tx, room_id: int) -> None:
    """Forgets who was in a room that does not come back."""
    tx.row("DELETE FROM trashed_memberships WHERE room_id = ?", (room_id,))


def involve(tx: Tx, user_id: int, room_id: int, involvement: str) -> None:
    """Chooses how much the person wants to hear of the room. Raises Invalid."""
    require(tx, user_id, room_id)
    if involvement not in get_args(Involvement):
        raise Invalid(
            "This is no level.",
            involvement=f"One of {', '.join(get_args(Involvement))}.",
        )
    tx.row(
        "UPDATE memberships SET involvement = ? WHERE room_id = ? AND user_id = ?",
        (involvement, room_id, user_id),
    )


def star(tx: Tx, user_id: int, room_id: int, starred: bool) -> None:
    require(tx, user_id, room_id)
    tx.row(
        "UPDATE memberships SET starred = ? WHERE room_id = ? AND user_id = ?",
        (int(starred), room_id, user_id),
    )


def read_all(tx: Tx, user_id: int) -> None:
    """Everything everywhere is read."""
    rows = tx.rows(
        f"""SELECT room_id, (SELECT max(id) FROM messages
                             WHERE messages.room_id = memberships.room_id)
            FROM memberships WHERE user_id = ? AND {UNREAD} > 0""",
        (user_id,),
    )
    for room_id, newest_id in rows:
        read(tx, user_id, room_id, newest_id)


def read(tx: Tx, user_id: int, room_id: int, message_id: int) -> Membership:
    """Everything up to the message is read, everything after it is not.

    A lower number than before marks unread. Tells the person's other devices.
    """
    tx.row(
        """UPDATE memberships
           SET last_read_id = min(max(?, 0), ifnull(
             (SELECT max(id) FROM messages WHERE room_id = memberships.room_id), 0))
           WHERE room_id = ? AND user_id = ?""",
        (message_id, room_id, user_id),
    )
    membership = find(tx, user_id, room_id)
    tx.announce(
        Read(
            user_id,
            room_id,
            tx.value("SELECT seq FROM rooms WHERE id = ?", (room_id,)),
            membership.last_read_id,
            membership.unread_count,
            membership.calls,
        )
    )
    return membership
