"""Replies: which message answers which.

A message answers those that it quotes with a link to where they were said, in its own
room. Nothing is kept of an answer whose words, or whose question, are gone.
"""

import json
import re
from collections.abc import Iterable
from typing import Final

from campfire.database import Tx

PERMALINK: Final = re.compile(
    r"https?://[^?#]+/rooms/(\d{1,18})/@(\d{1,18})(?:[?#].*)?"
)


def keep(tx: Tx, room_id: int, message_id: int, links: Iterable[str]) -> None:
    """Keeps what the message answers, by the links of what it quotes."""
    permalinks = filter(None, map(PERMALINK.fullmatch, links))
    answered = [int(link[2]) for link in permalinks if int(link[1]) == room_id]
    if answered:
        tx.row(
            """INSERT INTO replies (message_id, answered_id, user_id)
               SELECT ?, id, creator_id FROM messages
               WHERE id IN (SELECT value FROM json_each(?))
                 AND room_id = ? AND id < ?""",
            (message_id, json.dumps(answered), room_id, message_id),
        )


def forget(tx: Tx, message_id: int) -> None:
    """The message answers nothing, for what its words say from here on."""
    tx.row("DELETE FROM replies WHERE message_id = ?", (message_id,))
