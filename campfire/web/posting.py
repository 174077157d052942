"""The one way to post a message, from wherever it comes."""

import asyncio
from collections.abc import Iterable
from typing import Final

from campfire.chat import memberships, messages, richtext
from campfire.chat.messages import Message
from campfire.chat.richtext import Draft
from campfire.database import Database

SHORT: Final = 300
Posting = tuple[Message, bool]


async def drafted(db: Database, user_id: int, room_id: int, body: str) -> Draft:
    """Renders before the write; what is long is rendered beside the event loop."""
    people: Iterable[tuple[int, str]] = ()
    if "@" in body:
        people = await db.read(memberships.mentionable, user_id, room_id)
    if len(body) <= SHORT:
        return richtext.draft(body, people)
    return await asyncio.to_thread(richtext.draft, body, people)


async def post(
    db: Database, user_id: int, room_id: int, body: str, client_message_id: str | None
) -> Posting:
    """Posts once, from wherever it comes; says whether this was the first time."""
    client_id = messages.client_message_id(client_message_id)
    draft = await drafted(db, user_id, room_id, body)
    return await db.write(messages.post, user_id, room_id, draft, client_id)
