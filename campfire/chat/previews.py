"""Previews of what a message links to: asked for as jobs, kept beside the message.

The first few links of a message have one. What its author took away stays away: the
row is kept without words, so that a later edit with the same link does not bring it
back. `messages` tells everybody, because a preview that comes or goes changes one.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from campfire.chat import jobs
from campfire.chat.jobs import Job
from campfire.database import Reads, Tx
from campfire.refusals import NotFound

KIND: Final = "preview"
MOST: Final = 3
LONGEST_URL: Final = 2_048


@dataclass(frozen=True, slots=True)
class Picture:
    """A small WebP of our own making."""

    width: int
    height: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Card:
    """What a page says of itself, as plain text. The link is the one in the message."""

    site: str
    title: str
    description: str
    picture: Picture | None = None


def ask(tx: Tx, user_id: int, message_id: int, links: Sequence[str]) -> None:
    """Has the first links of a message looked at, except those that were before."""
    known = {
        url
        for (url,) in tx.rows(
            "SELECT url FROM previews WHERE message_id = ?", (message_id,)
        )
    }
    for url in wanted(links):
        if url not in known:
            payload = {"user_id": user_id, "message_id": message_id, "url": url}
            jobs.add(tx, KIND, site(url), key(message_id, url), payload)


def follow(tx: Tx, user_id: int, message_id: int, links: Sequence[str]) -> None:
    """After an edit: what is not linked any more has no preview and gets none."""
    stay = wanted(links)
    tx.row(
        """DELETE FROM previews WHERE message_id = ? AND title IS NOT NULL
             AND url NOT IN (SELECT value FROM json_each(?))""",
        (message_id, json.dumps(stay)),
    )
    jobs.withdraw(tx, KIND, key(message_id), [key(message_id, url) for url in stay])
    ask(tx, user_id, message_id, stay)


def wanted(links: Iterable[str]) -> list[str]:
    """Those that may get a preview: few, and none that is longer than a link is."""
    return [url for url in links if len(url) <= LONGEST_URL][:MOST]


def key(message_id: int, url: str = "") -> str:
    return f"{message_id}:{url}"


def site(url: str) -> str:
    """Whose page it is, in the words of the URL; its looks belong to the page."""
    host = url.partition("://")[2].partition("/")[0].partition("?")[0].partition("#")[0]
    return host.lower().removeprefix("www.")


def keep(tx: Tx, job: Job, card: Card | None) -> tuple[int, int] | None:
    """Ends the job; answers the room and the message that have a preview now.

    None when there is nothing to show, or nothing left to show it on. Raises Stale.
    """
    jobs.done(tx, job)
    message_id = job.payload["message_id"]
    room_id = tx.value(
        """SELECT rooms.id FROM messages JOIN rooms ON rooms.id = messages.room_id
           WHERE messages.id = ? AND rooms.deleted_at IS NULL""",
        (message_id,),
    )
    if card is None or room_id is None:
        return None
    picture = card.picture
    kept = tx.row(
        """INSERT INTO previews (message_id, url, site, title, description,
             image_width, image_height, image, created_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (message_id, url) DO NOTHING RETURNING id""",
        (
            *(message_id, job.payload["url"], card.site),
            *(card.title, card.description),
            picture and picture.width,
            picture and picture.height,
            picture and picture.data,
            tx.now,
        ),
    )
    return (room_id, message_id) if kept else None


def bring(
    tx: Tx, message_id: int, url: str, title: str, description: str, at: int
) -> bool:
    """Keeps what a page said of itself elsewhere, without its picture."""
    return bool(
        tx.value(
            """INSERT INTO previews (message_id, url, site, title, description,
                 created_at) VALUES (?, ?, ?, ?, ?, ?)
               ON CONFLICT DO NOTHING RETURNING 1""",
            (message_id, url, site(url), title, description, at),
        )
    )


def remove(tx: Tx, message_id: int, preview_id: int) -> None:
    """Takes a preview away for good. Raises NotFound."""
    if not tx.row(
        """UPDATE previews SET title = NULL, description = '', image = NULL,
             image_width = NULL, image_height = NULL
           WHERE id = ? AND message_id = ? AND title IS NOT NULL RETURNING id""",
        (preview_id, message_id),
    ):
        raise NotFound("There is no such preview.")


def picture(db: Reads, user_id: int, preview_id: int) -> bytes:
    """The picture, to those who can see the message. Raises NotFound."""
    data: bytes | None = db.value(
        """SELECT previews.image FROM previews
           JOIN messages ON messages.id = previews.message_id
           JOIN memberships ON memberships.room_id = messages.room_id
           WHERE previews.id = ? AND memberships.user_id = ?""",
        (preview_id, user_id),
    )
    if data is None:
        raise NotFound("There is no such picture.")
    return data
