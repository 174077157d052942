"""Sweeps: what is left to do is done, at start and whenever there is more."""

import asyncio

from campfire.chat import bans, messages, richtext, rooms
from campfire.database import Database, Event
from campfire.live.sweeps import Sweeps
from tests.conftest import ALL_PETS, DAVID, KEVIN, WATERCOOLER


async def test_the_words_of_the_banned_go_by_themselves(
    db: Database, events: list[Event]
) -> None:
    sweeps = Sweeps(db)
    gone = asyncio.Event()

    def publish(event: Event) -> None:
        sweeps.hear(event)
        if isinstance(event, messages.Removed):
            gone.set()

    db.publish = publish
    draft = richtext.draft("Spam")
    await db.write(messages.post, KEVIN, ALL_PETS, draft, "spam")
    await db.write(bans.add, DAVID, KEVIN)
    await asyncio.wait_for(gone.wait(), 10)
    assert not (await db.read(messages.page, DAVID, ALL_PETS)).messages
    await sweeps.close()


async def test_a_room_deleted_before_a_restart_is_emptied_after_it(
    db: Database,
) -> None:
    draft = richtext.draft("Old")
    for number in range(5):
        await db.write(messages.post, DAVID, WATERCOOLER, draft, f"old-{number}")
    await db.write(rooms.remove, DAVID, WATERCOOLER)
    sweeps = Sweeps(db)
    async with asyncio.timeout(10):
        while await db.read(rooms.deleted) is not None:
            await asyncio.sleep(0)
    await sweeps.close()
