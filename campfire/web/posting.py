"""The one way to post a message, from wherever it comes."""

import asyncio
from collections.abc import Sequence
from typing import Final

from campfire.chat import memberships, messages, richtext, users
from campfire.chat.files import Stored
from campfire.chat.messages import Message
from campfire.chat.richtext import Draft
from campfire.chat.users import Role
from campfire.database import Database, Reads

SHORT: Final = 300
# Without one of these it does not matter who wrote it: it calls nobody, and is no HTML.
# The first code in a language waits until its lexer is imported.
FENCES: Final = frozenset("`~")
TELLING: Final = frozenset("@<&")
Posting = tuple[Message, bool]


async def drafted(
    db: Database,
    user_id: int,
    room_id: int,
    body: str,
    message_id: int | None = None,
    *,
    may_be_empty: bool = False,
) -> Draft:
    """Renders before the write; what is long is rendered beside the event loop.

    An edit of the message is read as its author's words, whoever edits it.
    """
    people: Sequence[tuple[int, str]] = ()
    role: Role = "member"
    if not TELLING.isdisjoint(body):
        people, role = await db.read(_author, user_id, room_id, message_id)

    def draft() -> Draft:
        return richtext.draft(
            body,
            people,
            may_be_empty=may_be_empty,
            is_bot=role == "bot",
            may_call_everyone=role == "administrator",
        )

    is_quick = len(body) <= SHORT and FENCES.isdisjoint(body)
    return draft() if is_quick else await asyncio.to_thread(draft)


def _author(
    db: Reads, user_id: int, room_id: int, message_id: int | None
) -> tuple[Sequence[tuple[int, str]], Role]:
    people = memberships.mentionable(db, user_id, room_id)
    if message_id is None:
        return people, users.find(db, user_id).role
    # Who was called and has left since stays called.
    people += messages.mentioned(db, user_id, room_id, message_id)
    return people, messages.find(db, user_id, room_id, message_id).creator.role


async def shown(db: Database, user_id: int, room_id: int, body: str) -> str:
    """The HTML that members would see if this were posted. Nothing of it is kept."""
    names = dict(await db.read(memberships.mentionable, user_id, room_id))
    draft = await drafted(db, user_id, room_id, body)
    return richtext.shown_html(draft.html, names)


async def post(
    db: Database,
    user_id: int,
    room_id: int,
    body: str,
    client_message_id: str | None,
    attachments: Sequence[Stored] = (),
) -> Posting:
    """Posts once, from wherever it comes; says whether this was the first time.

    Files need no words with them.
    """
    client_id = messages.client_message_id(client_message_id)
    draft = await drafted(db, user_id, room_id, body, may_be_empty=bool(attachments))
    return await db.write(
        messages.post, user_id, room_id, draft, client_id, attachments
    )
