"""Boosts: a few characters that somebody gives to a message, and may take back.

They call nobody and leave nothing unread. Each takes the room's next `seq`, as every
change of a message does.
"""

import unicodedata
from dataclasses import dataclass
from typing import ClassVar, Final

from campfire.chat import messages, richtext
from campfire.chat.messages import Message
from campfire.chat.parts import Boost
from campfire.database import Tx
from campfire.refusals import Invalid, NotFound

LONGEST: Final = 16
MOST_OF_ONE: Final = 50
# What a message carries is read, drawn and sent with it each time.
MOST_WORDS: Final = 100
MOST: Final = 1_000


@dataclass(frozen=True, slots=True)
class Added:
    name: ClassVar = "boost.added"
    audience: frozenset[int]
    message: Message
    boost: Boost


@dataclass(frozen=True, slots=True)
class Removed:
    name: ClassVar = "boost.removed"
    audience: frozenset[int]
    message: Message
    boost: Boost


def content(text: str) -> str:
    """What was given, with single spaces. Raises Invalid."""
    words = " ".join(text.split())
    if not richtext.is_visible(words):
        raise Invalid("This boost is empty.", content="Choose one, or write a word.")
    if len(words) > LONGEST:
        raise Invalid(
            "This boost is too long.", content=f"Use at most {LONGEST} characters."
        )
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in words):
        raise Invalid("This boost cannot be shown.", content="Use visible characters.")
    return words


def add(
    tx: Tx, user_id: int, message_id: int, content: str
) -> tuple[Message, Boost, bool]:
    """Gives a boost once, however often it is tried; says whether it was the first.

    Raises NotFound to an outsider, Invalid when the message can take no more.
    """
    room_id = messages.room_of(tx, user_id, message_id)
    message = messages.find(tx, user_id, room_id, message_id)
    for boost in message.boosts:
        if (boost.booster.id, boost.content) == (user_id, content):
            return message, boost, False
    if sum(boost.booster.id == user_id for boost in message.boosts) >= MOST_OF_ONE:
        raise Invalid(
            "Too many boosts.", content=f"{MOST_OF_ONE} on one message are enough."
        )
    words = {boost.content for boost in message.boosts}
    is_full = content not in words and len(words) >= MOST_WORDS
    if is_full or len(message.boosts) >= MOST:
        raise Invalid("Too many boosts.", content="This message can take no more.")
    boost_id: int = tx.value(
        """INSERT INTO boosts (message_id, booster_id, content, created_at)
           VALUES (?, ?, ?, ?) RETURNING id""",
        (message_id, user_id, content, tx.now),
    )
    audience = messages.touch(tx, room_id, message_id)
    message = messages.find(tx, user_id, room_id, message_id)
    boost = next(boost for boost in message.boosts if boost.id == boost_id)
    tx.announce(Added(audience, message, boost))
    return message, boost, True


def bring(tx: Tx, message_id: int, user_id: int, content: str, created_at: int) -> bool:
    """Keeps a boost that was given elsewhere; False for one that is there already."""
    return bool(
        tx.value(
            """INSERT INTO boosts (message_id, booster_id, content, created_at)
               VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING 1""",
            (message_id, user_id, content, created_at),
        )
    )


def remove(tx: Tx, user_id: int, message_id: int, boost_id: int) -> Message:
    """Takes back a boost of one's own. Raises NotFound for everybody else's."""
    room_id = messages.room_of(tx, user_id, message_id)
    message = messages.find(tx, user_id, room_id, message_id)
    for boost in message.boosts:
        if (boost.id, boost.booster.id) == (boost_id, user_id):
            break
    else:
        raise NotFound("There is no such boost.")
    tx.row("DELETE FROM boosts WHERE id = ?", (boost_id,))
    audience = messages.touch(tx, room_id, message_id)
    message = messages.find(tx, user_id, room_id, message_id)
    tx.announce(Removed(audience, message, boost))
    return message
