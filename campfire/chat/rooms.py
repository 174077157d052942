"""Rooms: open to everybody, closed around chosen people, direct between a fixed few.

They are always seen as the person who asks sees them: with their membership, and, for
a direct room, by the names of the others.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, Literal

from campfire.chat import acts, memberships, trash, users
from campfire.chat.memberships import Membership
from campfire.chat.users import User
from campfire.database import Reads, Tx, vital
from campfire.refusals import Conflict, Forbidden, Invalid, NotFound

Kind = Literal["open", "closed", "direct"]
SharedKind = Literal["open", "closed"]

COLUMNS: Final = f"""rooms.id, rooms.kind, ifnull(rooms.name, ''), rooms.creator_id,
                     rooms.created_at, rooms.seq,
                     (SELECT max(id) FROM messages WHERE room_id = rooms.id),
                     {memberships.COLUMNS}"""
TABLES: Final = "memberships JOIN rooms ON rooms.id = memberships.room_id"
MOST_DIRECT: Final = 50


@dataclass(frozen=True, slots=True)
class Room:
    """`others` are the other people of a direct room, which is named after them."""

    id: int
    kind: Kind
    name: str
    creator_id: int
    created_at: int
    seq: int
    last_message_id: int | None
    membership: Membership
    others: Sequence[User] = ()

    @property
    def calls(self) -> bool:
        """Whether something unread in it is for the person: see the inbox."""
        is_for_one = self.kind == "direct" or self.membership.mentioned
        return is_for_one and self.membership.unread_count > 0


@dataclass(frozen=True, slots=True)
class Created:
    """A room was made; each person who is in it from the start sees it as theirs."""

    name: ClassVar = "room.created"
    rooms: Mapping[int, Room]


@dataclass(frozen=True, slots=True)
class Changed:
    """A room is not called or kept as it was, or somebody sees it differently."""

    name: ClassVar = "room.changed"
    rooms: Mapping[int, Room]


@dataclass(frozen=True, slots=True)
class Removed:
    name: ClassVar = "room.removed"
    audience: frozenset[int]
    room_id: int


@dataclass(frozen=True, slots=True)
class Trashed:
    """A deleted room, as somebody calls it who can bring it back."""

    id: int
    name: str
    deleted_at: int


@dataclass(frozen=True, slots=True)
class Granted:
    """People who were not there from the start are in the room now."""

    name: ClassVar = "membership.granted"
    rooms: Mapping[int, Room]


def find(db: Reads, user_id: int, room_id: int) -> Room:
    found = _select(db, user_id, "AND memberships.room_id = ?", (room_id,))
    if not found:
        raise NotFound("There is no such room.")
    return found[0]


def seqs(db: Reads) -> dict[int, int]:
    """How far each room is."""
    return dict(db.rows("SELECT id, seq FROM rooms WHERE deleted_at IS NULL"))


def all_of(db: Reads, user_id: int) -> list[Room]:
    """The person's rooms: shared ones by name, then direct ones by newest activity."""
    found = _select(db, user_id, "ORDER BY -rooms.updated_at, rooms.id")
    return sorted(
        found,
        key=lambda room: (
            (True, "", 0)
            if room.kind == "direct"
            else (False, users.folded_name(room.name), room.id)
        ),
    )


def members(db: Reads, user_id: int, room_id: int) -> list[User]:
    """Who is in the room, by name."""
    memberships.require(db, user_id, room_id)
    rows = db.rows(
        f"""SELECT {users.COLUMNS}
            FROM memberships JOIN users ON users.id = memberships.user_id
            WHERE memberships.room_id = ? AND users.status = 'active'""",
        (room_id,),
    )
    return users.by_name(User(*row) for row in rows)


def member_count(db: Reads, user_id: int, room_id: int) -> int:
    memberships.require(db, user_id, room_id)
    count: int = db.value(
        """SELECT count(*)
           FROM memberships JOIN users ON users.id = memberships.user_id
           WHERE memberships.room_id = ? AND users.status = 'active'""",
        (room_id,),
    )
    return count


def title(db: Reads, room_id: int) -> str:
    """For the operator: what the room is called, a direct one by all who are in it."""
    row = db.row(
        """SELECT ifnull(name, '') FROM rooms WHERE id = ? AND deleted_at IS NULL""",
        (room_id,),
    )
    if row is None:
        raise NotFound("There is no such room.")
    people = _people(db, {room_id}).get(room_id, ())
    return row[0] or sentence([person.name for person in people])


def is_first(db: Reads, room_id: int) -> bool:
    """Whether this is the account's oldest room, where newcomers are welcomed."""
    oldest: int | None = db.value("SELECT min(id) FROM rooms WHERE deleted_at IS NULL")
    return oldest == room_id


def is_administrable(room: Room, user: User) -> bool:
    """Whether the person may change the room: its creator and administrators may."""
    return user.id == room.creator_id or user.role == "administrator"


def require_administrable(db: Reads, user_id: int, room_id: int) -> Room:
    """The room, for one who may change it. Raises NotFound and Forbidden."""
    room = find(db, user_id, room_id)
    if not is_administrable(room, users.find(db, user_id)):
        raise Forbidden("Only its creator and administrators can change this room.")
    return room


def require_creating(db: Reads, user_id: int) -> None:
    """Raises Forbidden where only administrators make rooms, for everybody else."""
    if db.value(
        """SELECT 1 FROM accounts, users
           WHERE accounts.only_administrators_create_rooms
             AND users.id = ? AND users.role <> 'administrator'""",
        (user_id,),
    ):
        raise Forbidden("Only administrators make rooms here.")


def create(
    tx: Tx,
    user_id: int,
    kind: SharedKind,
    name: str,
    user_ids: Collection[int] = (),
) -> Room:
    """Makes a room: an open one for everybody, a closed one for those who are named.

    Whoever makes it is in it. Raises Invalid for a person who is not there.
    """
    require_creating(tx, user_id)
    room_id: int = tx.value(
        """INSERT INTO rooms (kind, name, creator_id, created_at, updated_at)
           VALUES (?, ?, ?, ?, ?) RETURNING id""",
        (kind, users.require_name(name), user_id, tx.now, tx.now),
    )
    if kind == "open":
        user_ids = users.active(tx)
    else:
        user_ids = users.require_active(tx, {user_id, *user_ids})
    return _created(tx, user_id, room_id, user_ids)


def direct(tx: Tx, user_id: int, user_ids: Collection[int]) -> tuple[Room, bool]:
    """The one direct room of exactly these people, and whether it was made now."""
    people = {user_id, *user_ids}
    if len(people) > MOST_DIRECT:
        raise Invalid("That is too many people.", user_ids=f"At most {MOST_DIRECT}.")
    key = ",".join(map(str, sorted(people)))
    existing = direct_among(tx, people)
    if existing is not None:
        return find(tx, user_id, existing), False
    users.require_active(tx, people)
    room_id: int = tx.value(
        """INSERT INTO rooms (kind, direct_key, creator_id, created_at, updated_at)
           VALUES ('direct', ?, ?, ?, ?) RETURNING id""",
        (key, user_id, tx.now, tx.now),
    )
    return _created(tx, user_id, room_id, people), True


def direct_among(db: Reads, people: Collection[int]) -> int | None:
    """The direct room of exactly these people, if there is one."""
    room_id: int | None = db.value(
        "SELECT id FROM rooms WHERE direct_key = ? AND deleted_at IS NULL",
        (",".join(map(str, sorted(people))),),
    )
    return room_id


def revise(
    tx: Tx,
    user_id: int,
    room_id: int,
    *,
    name: str | None = None,
    kind: SharedKind | None = None,
    user_ids: Collection[int] | None = None,
) -> Room | None:
    """Renames, opens, closes, or chooses who is in it; None when one is not any more.

    A direct room is what it is: Invalid. Opening and closing obeys who may make rooms.
    """
    room = require_administrable(tx, user_id, room_id)
    if room.kind == "direct":
        raise Invalid("A direct room stays as it is.", kind="This is a direct room.")
    kind = kind or room.kind
    if kind != room.kind:
        require_creating(tx, user_id)
    if kind == "open" and user_ids is not None:
        raise Invalid("Everybody is in an open room.", user_ids="Leave this out.")
    tx.row(
        "UPDATE rooms SET name = ?, kind = ?, updated_at = ? WHERE id = ?",
        (
            room.name if name is None else users.require_name(name),
            kind,
            tx.now,
            room_id,
        ),
    )
    before = _member_ids(tx, room_id)
    if kind == "open":
        after = set(users.active(tx))
        memberships.grant(tx, room_id, after)
    elif user_ids is not None:
        after = set(user_ids)
        if not after:
            raise Invalid("Somebody must be in the room.", user_ids="Name people.")
        users.require_active(tx, after - before)
        memberships.grant(tx, room_id, after)
        # The banned are on no list to choose from, and come back when they may.
        memberships.revoke(tx, room_id, (before - after) & set(users.active(tx)))
    else:
        after = before
    if users.find(tx, user_id).role == "administrator":
        _note(tx, user_id, room, kind, before)
    seen = seen_by_each(tx, room_id)
    kept = {person: room for person, room in seen.items() if person in before}
    added = {person: room for person, room in seen.items() if person not in before}
    if kept:
        tx.announce(Changed(kept))
    if added:
        tx.announce(Granted(added))
    return seen.get(user_id)


def _note(
    tx: Tx, admin_id: int, before: Room, kind: SharedKind, members: Collection[int]
) -> None:
    """Notes what an administrator changed, and whom they let in or put out.

    That everybody is in an open room is said by its opening.
    """
    name = tx.value("SELECT name FROM rooms WHERE id = ?", (before.id,))
    if name != before.name:
        acts.note(tx, admin_id, "room.renamed", room_id=before.id)
    if kind != before.kind:
        turned: acts.Kind = "room.opened" if kind == "open" else "room.closed"
        acts.note(tx, admin_id, turned, room_id=before.id)
    if kind == "open":
        return
    now = _member_ids(tx, before.id)
    for person in sorted(now.difference(members)):
        acts.note(tx, admin_id, "member.added", user_id=person, room_id=before.id)
    for person in sorted(set(members) - now):
        acts.note(tx, admin_id, "member.removed", user_id=person, room_id=before.id)


@vital
def remove(tx: Tx, user_id: int, room_id: int) -> None:
    """Puts the room out of everybody's reach, until somebody brings it back.

    A direct room may be removed by anybody who is in it.
    """
    if find(tx, user_id, room_id).kind != "direct":
        require_administrable(tx, user_id, room_id)
        if users.find(tx, user_id).role == "administrator":
            acts.note(tx, user_id, "room.deleted", room_id=room_id)
    audience = memberships.revoke_all(tx, room_id)
    tx.row(
        "UPDATE rooms SET deleted_at = ?, remover_id = ? WHERE id = ?",
        (tx.now, user_id, room_id),
    )
    tx.announce(Removed(audience, room_id))


def restore(tx: Tx, user_id: int, room_id: int) -> Room:
    """Brings the room back, with those who were in it and all that was said.

    For whoever deleted it, and for administrators who were in it. Raises NotFound, also
    when it is gone for good, and Conflict when the same few have a room again.
    """
    if room_id not in {room.id for room in trashed(tx, user_id)}:
        raise NotFound("There is no such room in the trash.")
    if tx.value(
        """SELECT 1 FROM rooms WHERE deleted_at IS NULL AND direct_key =
             (SELECT direct_key FROM rooms WHERE id = ?)""",
        (room_id,),
    ):
        raise Conflict("These people have begun a new conversation.")
    kind = tx.value(
        """UPDATE rooms SET deleted_at = NULL, remover_id = NULL WHERE id = ?
           RETURNING kind""",
        (room_id,),
    )
    memberships.restore_all(tx, room_id)
    if kind == "open":
        memberships.grant(tx, room_id, users.active(tx))
    if kind != "direct" and users.find(tx, user_id).role == "administrator":
        acts.note(tx, user_id, "room.restored", room_id=room_id)
    seen = seen_by_each(tx, room_id)
    tx.announce(Granted(seen))
    return seen[user_id]


def trashed(db: Reads, user_id: int) -> list[Trashed]:
    """The rooms that the person can bring back, the last deleted first."""
    rows = db.rows(
        """SELECT rooms.id, rooms.kind, ifnull(rooms.name, ''), rooms.deleted_at
           FROM rooms JOIN trashed_memberships
             ON trashed_memberships.room_id = rooms.id
             AND trashed_memberships.user_id = :user
           WHERE rooms.deleted_at IS NOT NULL
             AND (rooms.remover_id = :user
                  OR rooms.kind <> 'direct' AND EXISTS (
                    SELECT 1 FROM users
                    WHERE id = :user AND role = 'administrator'))
           ORDER BY rooms.deleted_at DESC, rooms.id""",
        {"user": user_id},
    )
    directs = {room_id for room_id, kind, *_ in rows if kind == "direct"}
    people = _people(db, directs, "trashed_memberships") if directs else {}
    return [
        Trashed(
            room_id,
            name
            or sentence([other.name for other in _others(people[room_id], user_id)]),
            deleted_at,
        )
        for room_id, _, name, deleted_at in rows
    ]


@vital
def leave(tx: Tx, user_id: int, room_id: int) -> None:
    """Takes the person out of a closed room; somebody in it has to let them in again.

    Raises Invalid where everybody is or a fixed few are, and for the last one.
    """
    room = find(tx, user_id, room_id)
    if room.kind != "closed":
        raise Invalid("This room cannot be left. It can be hidden.")
    if _member_ids(tx, room_id) == {user_id}:
        raise Invalid("Nobody else is in this room. Delete it instead.")
    memberships.revoke(tx, room_id, (user_id,))
    tx.announce(Changed(seen_by_each(tx, room_id)))


def expired(tx: Tx, until: int) -> int | None:
    """A room that was deleted up to then and is not yet gone. It stays deleted."""
    room_id: int | None = tx.value(
        "SELECT id FROM rooms WHERE deleted_at <= ? AND id <> ? LIMIT 1",
        (until, trash.ROOM),
    )
    if room_id is not None:
        memberships.forget_all(tx, room_id)
    return room_id


def make_trash(tx: Tx, user_id: int) -> None:
    """Makes the room of deleted messages for the first of them."""
    tx.row(
        """INSERT INTO rooms (id, kind, name, creator_id, created_at, updated_at,
             deleted_at) VALUES (?, 'closed', 'Trash', ?, ?, ?, ?)
           ON CONFLICT DO NOTHING""",
        (trash.ROOM, user_id, tx.now, tx.now, tx.now),
    )


def forget(tx: Tx, room_id: int) -> None:
    """Removes the last trace of a deleted room."""
    tx.row("DELETE FROM rooms WHERE id = ? AND deleted_at IS NOT NULL", (room_id,))


def involve(tx: Tx, user_id: int, room_id: int, involvement: str) -> Membership:
    """Chooses how much the person wants to hear of the room."""
    memberships.involve(tx, user_id, room_id, involvement)
    return _seen_anew(tx, user_id, room_id)


def star(tx: Tx, user_id: int, room_id: int, starred: bool) -> Membership:
    memberships.star(tx, user_id, room_id, starred)
    return _seen_anew(tx, user_id, room_id)


def _seen_anew(tx: Tx, user_id: int, room_id: int) -> Membership:
    room = find(tx, user_id, room_id)
    tx.announce(Changed({user_id: room}))
    return room.membership


def _created(tx: Tx, user_id: int, room_id: int, user_ids: Collection[int]) -> Room:
    memberships.grant(tx, room_id, user_ids)
    seen = seen_by_each(tx, room_id)
    tx.announce(Created(seen))
    return seen[user_id]


def _member_ids(db: Reads, room_id: int) -> set[int]:
    rows = db.rows("SELECT user_id FROM memberships WHERE room_id = ?", (room_id,))
    return {user_id for (user_id,) in rows}


def seen_by_each(db: Reads, room_id: int) -> dict[int, Room]:
    """The room as each of its members sees it."""
    rows = db.rows(
        f"SELECT memberships.user_id, {COLUMNS} FROM {TABLES} WHERE rooms.id = ?",
        (room_id,),
    )
    return {
        user_id: room
        for (user_id, *_), room in zip(
            rows, _named(db, [row[1:] for row in rows], [row[0] for row in rows])
        )
    }


def _select(
    db: Reads, user_id: int, condition: str, bindings: tuple[int, ...] = ()
) -> list[Room]:
    rows = db.rows(
        f"""SELECT {COLUMNS} FROM {TABLES}
            WHERE memberships.user_id = ? {condition}""",
        (user_id, *bindings),
    )
    return _named(db, rows, [user_id] * len(rows))


def _named(
    db: Reads, rows: Sequence[Sequence[Any]], viewers: Sequence[int]
) -> list[Room]:
    """The rows as rooms; direct ones with the others in them, and their name."""
    found = [Room(*(*row[:7], memberships.from_row(row[7:]))) for row in rows]
    directs = {room.id for room in found if room.kind == "direct"}
    people = _people(db, directs) if directs else {}
    return [
        _between(room, people[room.id], viewer) if room.kind == "direct" else room
        for room, viewer in zip(found, viewers)
    ]


def names(db: Reads, user_id: int, room_ids: Collection[int]) -> dict[int, str]:
    """What the person calls those of the rooms that they are in."""
    rows = db.rows(
        """SELECT rooms.id, rooms.kind, ifnull(rooms.name, '')
           FROM memberships JOIN rooms ON rooms.id = memberships.room_id
           WHERE memberships.user_id = ?
             AND rooms.id IN (SELECT value FROM json_each(?))""",
        (user_id, json.dumps(list(room_ids))),
    )
    directs = {room_id for room_id, kind, _ in rows if kind == "direct"}
    people = _people(db, directs) if directs else {}
    return {
        room_id: (
            sentence([other.name for other in _others(people[room_id], user_id)])
            if kind == "direct"
            else name
        )
        for room_id, kind, name in rows
    }


def _others(people: Sequence[User], viewer: int) -> Sequence[User]:
    return [person for person in people if person.id != viewer] or people


def _between(room: Room, people: Sequence[User], viewer: int) -> Room:
    others = _others(people, viewer)
    return replace(
        room, name=sentence([person.name for person in others]), others=tuple(others)
    )


def _people(
    db: Reads,
    room_ids: Collection[int],
    table: Literal["memberships", "trashed_memberships"] = "memberships",
) -> dict[int, list[User]]:
    people: dict[int, list[User]] = {}
    for room_id, *user in db.rows(
        f"""SELECT room_id, {users.COLUMNS}
            FROM {table} JOIN users ON users.id = user_id
            WHERE room_id IN (SELECT value FROM json_each(?))""",
        (json.dumps(list(room_ids)),),
    ):
        people.setdefault(room_id, []).append(User(*user))
    return {room_id: users.by_name(among) for room_id, among in people.items()}


def advance(tx: Tx, room_id: int) -> tuple[int, int]:
    """Takes the room's next `seq`; answers with it and the `members_version`."""
    numbers: tuple[int, int] = tx.row(
        """UPDATE rooms SET seq = seq + 1, updated_at = ? WHERE id = ?
           RETURNING seq, members_version""",
        (tx.now, room_id),
    )
    return numbers


def catch_up(tx: Tx, room_id: int, seq: int, at: int) -> None:
    """The room's changes are counted up to what was brought into it."""
    tx.row(
        "UPDATE rooms SET seq = max(seq, ?), updated_at = ? WHERE id = ?",
        (seq, at, room_id),
    )


def bring(
    tx: Tx,
    room_id: int,
    kind: Kind,
    name: str | None,
    creator_id: int,
    members: Collection[int],
    created_at: int,
) -> None:
    """Keeps a room that was elsewhere, under its number; `members` come after it."""
    key = ",".join(map(str, sorted(members))) if kind == "direct" else None
    tx.row(
        """INSERT INTO rooms (id, kind, name, direct_key, creator_id, created_at,
             updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)""",
        (room_id, kind, name, key, creator_id, created_at, created_at),
    )


def sentence(names: Sequence[str]) -> str:
    """Names as one says them: "A", "A and B", "A, B, and C"."""
    if len(names) < 3:
        return " and ".join(names)
    return f"{', '.join(names[:-1])}, and {names[-1]}"
