"""What a Campfire on Rails has kept, as its own SQLite file says it; only looked at.

Columns and tables that came later in its life may be missing. What is not of its shape
is not looked at any further.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from campfire.database import Reads

# What there has to be, or this is something else.
SHAPE: Final = {
    "accounts": {"id", "name", "join_code", "created_at"},
    "users": {"id", "name", "email_address", "password_digest", "role", "bot_token"},
    "rooms": {"id", "type", "name", "creator_id", "created_at"},
    "memberships": {"room_id", "user_id", "involvement", "unread_at", "created_at"},
    "messages": {"id", "room_id", "creator_id", "created_at"},
    "boosts": {"id", "message_id", "booster_id", "content", "created_at"},
    "action_text_rich_texts": {"id", "record_type", "record_id", "name", "body"},
    "active_storage_blobs": {"id", "key", "filename", "byte_size", "checksum"},
    "active_storage_attachments": {"blob_id", "record_type", "record_id", "name"},
}
TAKEN: Final = {*SHAPE, "bans", "webhooks"}
# Of no use in another house: they hold, find or measure what is there already.
INSIDE: Final = {
    *("ar_internal_metadata", "schema_migrations", "active_storage_variant_records"),
    *("solid_cache_entries",),
}
RESTRICTED: Final = "restrict_room_creation_to_administrators"


@dataclass(frozen=True, slots=True)
class Account:
    name: str
    join_code: str
    created_at: int
    has_styles: bool
    only_administrators_create_rooms: bool


@dataclass(frozen=True, slots=True)
class Person:
    """`role` and `status` are the numbers that Rails keeps."""

    id: int
    name: str
    email_address: str | None
    password_digest: str | None
    role: int
    bot_token: str | None
    bio: str
    status: int
    created_at: int
    updated_at: int


@dataclass(frozen=True, slots=True)
class Room:
    id: int
    type: str
    name: str | None
    creator_id: int
    created_at: int


@dataclass(frozen=True, slots=True)
class Membership:
    """`unread_at` is when the newest message that is not read came, if there is one;
    of those before it Rails keeps nothing."""

    room_id: int
    user_id: int
    involvement: str | None
    unread_at: int | None
    created_at: int


@dataclass(frozen=True, slots=True)
class Message:
    """`edited_at` is when its words changed after they were written."""

    id: int
    creator_id: int
    created_at: int
    body: str
    edited_at: int | None


@dataclass(frozen=True, slots=True)
class Boost:
    message_id: int
    booster_id: int
    content: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Blob:
    """A file, and what it belongs to; `checksum` is its MD5 in Base64."""

    id: int
    key: str
    filename: str
    byte_size: int
    checksum: str | None
    record_type: str
    record_id: int
    name: str


def moment(column: str) -> str:
    """A time as Rails writes it, which is text in UTC, as milliseconds."""
    return f"CAST(round(unixepoch({column}, 'subsec') * 1000) AS INTEGER)"


def misshapen(db: Reads) -> str | None:
    """The first thing that a Campfire would have and this has not."""
    for table, wanted in SHAPE.items():
        if lacking := sorted(wanted - columns(db, table)):
            return f"{table}.{lacking[0]}"
    return None


def columns(db: Reads, table: str) -> set[str]:
    rows = db.rows("SELECT name FROM pragma_table_info(?)", (table,))
    return {name for (name,) in rows}


def others(db: Reads) -> list[tuple[str, int]]:
    """Tables that are not taken along, with the number of their rows."""
    tables = db.rows("""SELECT name FROM sqlite_schema WHERE type = 'table'
           AND name NOT LIKE 'sqlite!_%' ESCAPE '!'
           AND name NOT LIKE 'message!_search!_index%' ESCAPE '!' ORDER BY name""")
    counted = [
        (name, _count(db, name)) for (name,) in tables if name not in TAKEN | INSIDE
    ]
    return [(name, count) for name, count in counted if count]


def account(db: Reads) -> Account | None:
    present = columns(db, "accounts")
    styles = "custom_styles" if "custom_styles" in present else "NULL"
    settings = "settings" if "settings" in present else "NULL"
    row = db.row(f"""SELECT name, join_code, ifnull({moment("created_at")}, 0),
                   ifnull({styles}, '') <> '', {settings}
            FROM accounts ORDER BY id LIMIT 1""")
    if row is None:
        return None
    name, join_code, created_at, has_styles, told = row
    return Account(name, join_code, created_at, bool(has_styles), _restricted(told))


def people(db: Reads) -> list[Person]:
    present = columns(db, "users")
    status = "status" if "status" in present else "iif(active, 0, 1)"
    if not {"status", "active"} & present:
        status = "0"
    bio = "ifnull(bio, '')" if "bio" in present else "''"
    rows = db.rows(
        f"""SELECT id, name, email_address, password_digest, role, bot_token, {bio},
                   {status}, ifnull({moment("created_at")}, 0),
                   ifnull({moment("updated_at")}, 0)
            FROM users ORDER BY id"""
    )
    return [Person(*row) for row in rows]


def webhooks(db: Reads) -> dict[int, str]:
    """Where each bot is called."""
    if "url" not in columns(db, "webhooks"):
        return {}
    rows = db.rows("SELECT user_id, url FROM webhooks WHERE url <> '' ORDER BY id")
    return dict(rows)


def bans(db: Reads) -> list[tuple[int, str, int]]:
    if "ip_address" not in columns(db, "bans"):
        return []
    return db.rows(f"""SELECT user_id, ip_address, ifnull({moment("created_at")}, 0)
            FROM bans ORDER BY id""")


def rooms(db: Reads) -> list[Room]:
    rows = db.rows(
        f"""SELECT id, type, name, creator_id, ifnull({moment("created_at")}, 0)
            FROM rooms ORDER BY id"""
    )
    return [Room(*row) for row in rows]


def memberships(db: Reads) -> dict[int, list[Membership]]:
    """Who is in each room."""
    rows = db.rows(f"""SELECT room_id, user_id, involvement, {moment("unread_at")},
                   ifnull({moment("created_at")}, 0)
            FROM memberships ORDER BY room_id, user_id""")
    members: dict[int, list[Membership]] = {}
    for row in rows:
        members.setdefault(row[0], []).append(Membership(*row))
    return members


def message_count(db: Reads) -> int:
    return _count(db, "messages")


def times(db: Reads, room_ids: Collection[int]) -> list[tuple[int, int]]:
    """Id and time of each message of these rooms, in the order they are read in."""
    return db.rows(
        f"""SELECT id, ifnull({moment("created_at")}, 0) FROM messages
            WHERE room_id IN (SELECT value FROM json_each(?))
            ORDER BY created_at, id""",
        (json.dumps(list(room_ids)),),
    )


def messages(db: Reads, ids: Collection[int]) -> dict[int, Message]:
    """Some of the messages by their ids, with what they say."""
    rows = db.rows(
        f"""SELECT messages.id, messages.creator_id,
                   ifnull({moment("messages.created_at")}, 0),
                   CAST(ifnull(texts.body, '') AS BLOB),
                   {moment("texts.created_at")}, {moment("texts.updated_at")}
            FROM messages LEFT JOIN action_text_rich_texts AS texts
              ON texts.record_type = 'Message' AND texts.name = 'body'
              AND texts.record_id = messages.id
            WHERE messages.id IN (SELECT value FROM json_each(?))""",
        (json.dumps(list(ids)),),
    )
    return {
        id: Message(
            *(id, creator_id, created_at, bytes(body).decode(errors="replace")),
            changed if (changed or 0) - (written or 0) > 1_000 else None,
        )
        for id, creator_id, created_at, body, written, changed in rows
    }


def boosts(db: Reads) -> list[Boost]:
    rows = db.rows(
        f"""SELECT message_id, booster_id, content, ifnull({moment("created_at")}, 0)
            FROM boosts ORDER BY id"""
    )
    return [Boost(*row) for row in rows]


def blobs(db: Reads) -> list[Blob]:
    """Every file that something holds, in the order in which they came to it.

    One in the words of a message belongs to the message, as "body".
    """
    rows = db.rows("""SELECT blobs.id, blobs.key, blobs.filename, blobs.byte_size,
                  blobs.checksum, ifnull(texts.record_type, held.record_type),
                  ifnull(texts.record_id, held.record_id),
                  ifnull(texts.name, held.name)
           FROM active_storage_attachments AS held
           JOIN active_storage_blobs AS blobs ON blobs.id = held.blob_id
           LEFT JOIN action_text_rich_texts AS texts
             ON held.record_type = 'ActionText::RichText'
             AND texts.id = held.record_id AND texts.record_type = 'Message'
           ORDER BY held.id""")
    return [Blob(*row) for row in rows]


def _count(db: Reads, table: str) -> int:
    counted: int = db.value(f"""SELECT count(*) FROM "{table.replace('"', '""')}" """)
    return counted


def _restricted(settings: Any) -> bool:
    try:
        return json.loads(settings or "{}").get(RESTRICTED) in (True, "true", "1", 1)
    except (ValueError, TypeError, AttributeError):
        return False
