"""Files of messages: who may have them, what they are called, how much somebody keeps.

The bytes lie in `storage`. They are there before the row that names them is written,
and are taken away after it is gone.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from campfire.chat.parts import Attachment
from campfire.database import Reads, Tx, vital
from campfire.refusals import NotFound

MOST: Final = 10
LONGEST_NAME: Final = 255
DISCARDED_AT_ONCE: Final = 100
# They hold emoji and some scripts together; nothing else unseen belongs in a name.
JOINERS: Final = "\u200c\u200d"
UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
ENDING: Final = re.compile(r"\.[^.\s]{1,16}")


@dataclass(frozen=True, slots=True)
class Stored:
    """A file whose bytes are on the disk and that no row names yet."""

    key: str
    filename: str
    content_type: str
    byte_size: int
    sha256: bytes
    width: int | None = None
    height: int | None = None
    has_thumbnail: bool = False


@dataclass(frozen=True, slots=True)
class File:
    """What is needed to hand a file out."""

    id: int
    key: str
    filename: str
    content_type: str
    sha256: bytes
    has_thumbnail: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """What the bytes of a file must be."""

    id: int
    key: str
    byte_size: int
    sha256: bytes
    has_thumbnail: bool


def kept(db: Reads, creator_id: int | None = None) -> list[Kept]:
    """Every file of every message, or of somebody's; the first schemas had none."""
    if not db.value("SELECT 1 FROM sqlite_schema WHERE name = 'attachments'"):
        return []
    rows = db.rows(
        """SELECT id, key, byte_size, sha256, has_thumbnail FROM attachments
           WHERE :creator IS NULL OR message_id IN
             (SELECT id FROM messages WHERE creator_id = :creator)
           ORDER BY id""",
        {"creator": creator_id},
    )
    return [Kept(*(*row[:4], bool(row[4]))) for row in rows]


def find(db: Reads, user_id: int, file_id: int) -> File:
    """The file, for those who are in its room now."""
    row = db.row(
        """SELECT attachments.id, attachments.key, attachments.filename,
             attachments.content_type, attachments.sha256, attachments.has_thumbnail
           FROM attachments
           JOIN messages ON messages.id = attachments.message_id
           JOIN memberships ON memberships.room_id = messages.room_id
           WHERE attachments.id = ? AND memberships.user_id = ?""",
        (file_id, user_id),
    )
    if row is None:
        raise NotFound("There is no such file.")
    return File(*(*row[:5], bool(row[5])))


def attach(tx: Tx, message_id: int, stored: Iterable[Stored]) -> tuple[Attachment, ...]:
    """Gives a message its files, in this order."""
    attached = []
    for file in stored:
        about = (file.filename, file.content_type, file.byte_size)
        size = (file.width, file.height, file.has_thumbnail)
        file_id: int = tx.value(
            """INSERT INTO attachments (message_id, key, sha256, filename, content_type,
                 byte_size, width, height, has_thumbnail)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id""",
            (message_id, file.key, file.sha256, *about, *size),
        )
        attached.append(Attachment(file_id, *about, *size))
    return tuple(attached)


def names(files: Iterable[Stored | Attachment]) -> str:
    """What a message without words is found by."""
    return " ".join(file.filename for file in files)


def discarded(db: Reads) -> list[str]:
    """Some of the keys whose bytes nothing needs any more."""
    rows = db.rows("SELECT key FROM discarded_files LIMIT ?", (DISCARDED_AT_ONCE,))
    return [key for (key,) in rows]


@vital
def forget(tx: Tx, keys: Sequence[str]) -> None:
    """These bytes are off the disk."""
    tx.row(
        """DELETE FROM discarded_files
           WHERE key IN (SELECT value FROM json_each(?))""",
        (json.dumps(keys),),
    )


def unnamed(db: Reads, keys: Sequence[str]) -> list[str]:
    """Those of the keys that belong to no message."""
    rows = db.rows(
        """SELECT value FROM json_each(?)
           WHERE value NOT IN (SELECT key FROM attachments)""",
        (json.dumps(keys),),
    )
    return [key for (key,) in rows]


def clean(name: str) -> str:
    """A name to show and to save under: one line, no folders, at most 255 bytes."""
    base = name.replace("\\", "/").rpartition("/")[2]
    seen = "".join(
        letter
        for letter in unicodedata.normalize("NFC", base)
        if letter in JOINERS or unicodedata.category(letter) not in UNSEEN
    )
    seen = seen.strip(". \u00a0" + JOINERS) or "file"
    if seen == "thumbnail":
        seen = "thumbnail.bin"  # That address is taken.
    ending = PurePosixPath(seen).suffix
    ending = ending if ENDING.fullmatch(ending) else ""
    room = LONGEST_NAME - len(ending.encode())
    stem = seen.removesuffix(ending).encode()[:room].decode(errors="ignore")
    return stem + ending
