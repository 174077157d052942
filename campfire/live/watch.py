"""Notices what another process has written: the operator's commands do not pass here.

Requests ask for themselves; an open socket would not notice that its session or its
membership is gone.
"""

import asyncio
from typing import Final

from campfire.chat import memberships, sessions
from campfire.database import Database
from campfire.live.hub import SESSION_ENDED, Hub

EVERY: Final = 1.0
RARELY: Final = 5


class Watch:
    """Looks when something was written, `rarely` where that is all the time."""

    def __init__(self, db: Database, hub: Hub, rarely: bool = False) -> None:
        self._db = db
        self._hub = hub
        self._rests = RARELY if rarely else 1
        self._task = asyncio.create_task(self._watch(), name="watch")

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        seen = self._db.generation()
        while True:
            await asyncio.sleep(self._rests * EVERY)
            if (generation := self._db.generation()) != seen:
                seen = generation
                await self.revalidate()

    async def revalidate(self) -> None:
        """Closes the sockets of ended sign-ins, and takes the others out of rooms that
        their person is not in."""
        living = await self._db.read(sessions.living)
        for socket in self._hub.sockets():
            if socket.session_id not in living:
                self._hub.dismiss(socket, SESSION_ENDED)
        # Each person on their own: nothing that they enter meanwhile is older than it.
        for user_id in {socket.user.id for socket in self._hub.sockets()}:
            rooms = await self._db.read(memberships.rooms_of, user_id)
            for socket in list(self._hub.sockets_of(user_id)):
                for room_id in set(socket.rooms) - rooms:
                    self._hub.leave(socket, room_id)
