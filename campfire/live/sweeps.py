"""What goes in the background: the words of the banned, the insides of deleted rooms.

What is left to do is read from the data itself, so it goes on after a restart.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from campfire.chat import bans, messages, rooms, users
from campfire.database import Database, Event, Tx
from campfire.refusals import Busy

PAUSE: Final = 1.0


class Sweeps:
    """Sweeps when it starts and whenever an event leaves something to sweep."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._due = asyncio.Event()
        self._due.set()
        self._task = asyncio.create_task(self._sweep(), name="sweeps")

    def hear(self, event: Event) -> None:
        match event:
            case rooms.Removed():
                self._due.set()
            case users.Changed() if event.user.status == "banned":
                self._due.set()

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _sweep(self) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            for sweep in (bans.sweep, messages.sweep):
                while await self._swept(sweep):
                    pass

    async def _swept(self, sweep: Callable[[Tx], bool]) -> bool:
        """One small write, so that nobody who posts waits behind it."""
        try:
            return await self._db.write(sweep)
        except Busy:
            await asyncio.sleep(PAUSE)
            return True
