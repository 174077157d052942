"""What goes in the background: the words of the banned, what is older than a room keeps
it, what was in the trash for long enough, and files that no message has any more.

What is left to do is read from the data itself, so it goes on after a restart.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Concatenate, Final, ParamSpec

from campfire.chat import bans, files, messages, retentions, rooms, users
from campfire.database import Database, Event, Tx
from campfire.refusals import Busy
from campfire.storage import Storage

log = logging.getLogger(__name__)

P = ParamSpec("P")

PAUSE: Final = 1.0
# What grows old says nothing.
HOUR: Final = 3600.0
DAY: Final = 24 * 3_600_000


class Sweeps:
    """Sweeps when it starts, every hour, and when an event leaves something to sweep.

    The trash is kept for `days`. Files that no row names are `orphans` when nobody
    else takes in files.
    """

    def __init__(
        self, db: Database, storage: Storage, days: int, orphans: bool = True
    ) -> None:
        self._db = db
        self._storage = storage
        self._kept_for = days * DAY
        self._has_orphans = orphans
        self._due = asyncio.Event()
        self._due.set()
        self._task = asyncio.create_task(self._sweep(), name="sweeps")

    def hear(self, event: Event) -> None:
        match event:
            case rooms.Removed() | messages.Removed() | retentions.Changed():
                self._due.set()
            case users.Changed() if event.user.status == "banned":
                self._due.set()

    def look_again(self) -> None:
        """Something may have happened that nobody has told."""
        self._due.set()

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _sweep(self) -> None:
        try:
            if self._has_orphans:
                await self._sweep_orphans()
        except OSError:
            log.exception("files stay on the disk")
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HOUR):
                    await self._due.wait()
            self._due.clear()
            for sweep in (bans.sweep, retentions.sweep):
                while await self._swept(sweep):
                    pass
            while await self._swept(messages.sweep, self._kept_for):
                pass
            while await self._swept_files():
                pass

    async def _swept(
        self,
        sweep: Callable[Concatenate[Tx, P], bool],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> bool:
        """One small write, so that nobody who posts waits behind it."""
        try:
            return await self._db.write(sweep, *args, **kwargs)
        except Busy:
            await asyncio.sleep(PAUSE)
            return True

    async def _swept_files(self) -> bool:
        """Off the disk first: a key that is forgotten would stay there for good."""
        keys = await self._db.read(files.discarded)
        if not keys:
            return False
        try:
            await asyncio.to_thread(self._discard, keys)
            await self._db.write(files.forget, keys)
        except Busy:
            await asyncio.sleep(PAUSE)
        except OSError:  # The disk is in trouble; the next time may be better.
            log.exception("files stay on the disk")
            return False
        return True

    async def _sweep_orphans(self) -> None:
        """What a run that ended in the middle has left: nobody is sending it now."""
        await asyncio.to_thread(self._storage.discard_unfinished)
        shards = self._storage.older()
        while (keys := await asyncio.to_thread(next, shards, None)) is not None:
            orphans = await self._db.read(files.unnamed, keys)
            await asyncio.to_thread(self._discard, orphans)

    def _discard(self, keys: list[str]) -> None:
        for key in keys:
            self._storage.discard(key)
