"""What hangs on a message: boosts, attachments and previews of its links.

They are read in the statement that reads the message, so that a page is one look.
Each is written by its own noun: `boosts`, `files`, `previews`.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from campfire.chat import formats, users
from campfire.chat.users import User

# Three texts of JSON for each message; most of them say "[]" and are not parsed.
COLUMNS: Final = f"""
    (SELECT json_group_array(json_array(boosts.id, boosts.message_id, boosts.content,
              boosts.created_at, {users.COLUMNS}) ORDER BY boosts.id)
     FROM boosts JOIN users ON users.id = boosts.booster_id
     WHERE boosts.message_id = messages.id),
    (SELECT json_group_array(json_array(id, filename, content_type, byte_size, width,
              height, has_thumbnail) ORDER BY id)
     FROM attachments WHERE message_id = messages.id),
    (SELECT json_group_array(json_array(id, url, site, title, description,
              image_width, image_height) ORDER BY id)
     FROM previews WHERE message_id = messages.id AND title IS NOT NULL)"""
NONE: Final = ("[]", "[]", "[]")


@dataclass(frozen=True, slots=True)
class Boost:
    """A few characters that one person gave to a message."""

    id: int
    message_id: int
    content: str
    created_at: int
    booster: User


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a message. `content_type` is ours, never what the sender claimed."""

    id: int
    filename: str
    content_type: str
    byte_size: int
    width: int | None
    height: int | None
    has_thumbnail: bool

    @property
    def url(self) -> str:
        return f"/files/{self.id}/{quote(self.filename, safe='')}"

    @property
    def thumbnail_url(self) -> str | None:
        return f"/files/{self.id}/thumbnail" if self.has_thumbnail else None

    @property
    def kind(self) -> str:
        """How it is shown: as a picture, video, sound, or a file to save."""
        if self.content_type in formats.PICTURES and self.has_thumbnail:
            return "picture"
        if self.content_type in formats.VIDEOS:
            return "video"
        return "sound" if self.content_type in formats.SOUNDS else "file"

    @property
    def is_unreadable(self) -> bool:
        """Called a picture or a film, and by its bytes none."""
        _, ending = self.name_parts
        return self.content_type == formats.BYTES and ending.lower() in formats.ENDINGS

    @property
    def shown_size(self) -> tuple[int, int]:
        """Half of what the thumbnail has: screens have two points to a pixel."""
        width, height = self.width or 960, self.height or 640
        scale = min(1.0, 1200 / width, 800 / height) / (2 if self.width else 1)
        if max(width, height) <= 400:
            scale = 1.0
        return max(1, round(width * scale)), max(1, round(height * scale))

    @property
    def name_parts(self) -> tuple[str, str]:
        """The ending apart, so that it can be read when the rest is cut off."""
        stem, dot, ending = self.filename.rpartition(".")
        return (
            (stem, dot + ending) if stem and len(ending) < 17 else (self.filename, "")
        )


@dataclass(frozen=True, slots=True)
class Preview:
    """What a page says of itself; `url` is the one that the message links to."""

    id: int
    url: str
    site: str
    title: str
    description: str
    image_width: int | None
    image_height: int | None

    @property
    def image_url(self) -> str | None:
        return None if self.image_width is None else f"/previews/{self.id}/image"


@dataclass(frozen=True, slots=True)
class Parts:
    boosts: Sequence[Boost] = ()
    attachments: Sequence[Attachment] = ()
    previews: Sequence[Preview] = ()


def from_row(row: Sequence[str]) -> Parts:
    """The three columns of `COLUMNS` as what they say."""
    if tuple(row) == NONE:
        return Parts()
    boosts, attachments, previews = map(_listed, row)
    return Parts(
        tuple(Boost(*(*boost[:4], User(*boost[4:]))) for boost in boosts),
        tuple(Attachment(*(*file[:6], bool(file[6]))) for file in attachments),
        tuple(Preview(*preview) for preview in previews),
    )


def _listed(text: str) -> Iterator[Any]:
    return iter(json.loads(text))
