"""How much there is, by room, person and kind of file: read from counts that triggers
keep, so that it costs the same among a million messages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from campfire.chat import trash, users
from campfire.database import Reads

MOST: Final = 20
OF_FILES: Final = """SELECT {0} AS id, sum(files) AS files, sum(bytes) AS bytes
                     FROM storage GROUP BY 1"""


@dataclass(frozen=True, slots=True)
class Share:
    """Of a room, a person, or a kind of file; `id` is None where several are one."""

    id: int | None
    name: str
    messages: int
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Usage:
    """The largest MOST of each, and the rest as one; `trash` waits for its end."""

    total: Share
    trash: Share
    rooms: Sequence[Share]
    people: Sequence[Share]
    kinds: Sequence[Share]


def look(db: Reads, admin_id: int | None = None) -> Usage:
    """For an administrator, who is told the names of those rooms alone that they are
    in; for the operator, who is None, of all shared ones. Raises Forbidden."""
    if admin_id is not None:
        users.require_administrator(db, admin_id)
    by_room = {
        room_id: row
        for room_id, *row in db.rows(
            f"""WITH said AS (SELECT room_id AS id, sum(count) AS messages
                              FROM tallies GROUP BY 1),
                     kept AS ({OF_FILES.format("room_id")})
                SELECT rooms.id, ifnull(messages, 0), ifnull(files, 0),
                       ifnull(bytes, 0), rooms.kind, rooms.name, memberships.room_id
                FROM rooms LEFT JOIN said USING (id) LEFT JOIN kept USING (id)
                LEFT JOIN memberships ON memberships.room_id = rooms.id
                  AND memberships.user_id = ?""",
            (admin_id,),
        )
    }
    empty: list[Any] = [0, 0, 0, "closed", "", None]
    trashed = Share(None, "Trash", *by_room.pop(trash.ROOM, empty)[:3])
    return Usage(
        _sum("All", [Share(None, "", *row[:3]) for row in by_room.values()]),
        trashed,
        _largest(_rooms(by_room, admin_id is None)),
        _largest(_people(db)),
        _kinds(db),
    )


def _rooms(by_room: dict[int, list[Any]], is_operator: bool) -> list[Share]:
    shares, direct, hidden = [], [], []
    for room_id, (*counts, kind, name, membership) in by_room.items():
        if kind == "direct":
            direct.append(Share(None, "", *counts))
        elif is_operator or membership is not None:
            shares.append(Share(room_id, name, *counts))
        else:
            hidden.append(Share(None, "", *counts))
    if direct:
        shares.append(_sum("Direct messages", direct))
    if hidden:
        shares.append(_sum("Rooms you are not in", hidden))
    return shares


def _people(db: Reads) -> list[Share]:
    rows = db.rows(f"""WITH said AS (SELECT creator_id AS id, sum(count) AS messages
                          FROM author_tallies GROUP BY 1),
                 kept AS ({OF_FILES.format("creator_id")})
            SELECT users.id, users.name, ifnull(messages, 0), ifnull(files, 0),
                   ifnull(bytes, 0)
            FROM users LEFT JOIN said USING (id) LEFT JOIN kept USING (id)""")
    return [Share(*row) for row in rows]


def _kinds(db: Reads) -> list[Share]:
    rows = db.rows("""SELECT NULL, kind, 0, sum(files), sum(bytes) FROM storage
           GROUP BY kind HAVING sum(files) > 0 ORDER BY 5 DESC, kind""")
    return [Share(*row) for row in rows]


def _largest(shares: list[Share]) -> list[Share]:
    """Those with most in files, then in messages; what is empty is left out."""
    spoken = [share for share in shares if share.files or share.messages]
    spoken.sort(key=lambda share: (-share.bytes, -share.messages, share.name))
    rest = spoken[MOST:]
    return spoken[:MOST] + ([_sum(f"{len(rest)} more", rest)] if rest else [])


def _sum(name: str, shares: Sequence[Share]) -> Share:
    return Share(
        None,
        name,
        sum(share.messages for share in shares),
        sum(share.files for share in shares),
        sum(share.bytes for share in shares),
    )


def of_person(db: Reads, user_id: int) -> tuple[int, int]:
    """How many bytes the files of this person are, and of those in the trash."""
    used: tuple[int, int] = db.row(
        """SELECT ifnull(sum(bytes) FILTER (WHERE room_id <> :trash), 0),
                  ifnull(sum(bytes) FILTER (WHERE room_id = :trash), 0)
           FROM storage WHERE creator_id = :user""",
        {"user": user_id, "trash": trash.ROOM},
    )
    return used


def miscounted(db: Reads) -> list[int]:
    """The rooms whose files are not what was counted."""
    rows = db.rows("""SELECT room_id FROM (
             SELECT room_id, creator_id, kind, count(*), sum(byte_size) FROM stored
             GROUP BY 1, 2, 3
             EXCEPT SELECT room_id, creator_id, kind, files, bytes FROM storage)
           UNION SELECT room_id FROM storage GROUP BY 1 HAVING sum(files) <>
             (SELECT count(*) FROM stored WHERE stored.room_id = storage.room_id)
           ORDER BY 1""")
    return [room_id for (room_id,) in rows]
