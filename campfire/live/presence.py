"""Who is here, and who is writing: memory of this process, never a table.

Somebody is here while a socket of theirs is open and for a minute after; a typist who
falls silent stops after ten seconds.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from campfire.chat.users import User

GONE_AFTER: Final = 60.0
SILENT_AFTER: Final = 10.0


class Presence:
    """`changed(user, online)` is told when somebody comes or has gone."""

    def __init__(self, changed: Callable[[User, bool], None]) -> None:
        self._changed = changed
        self._here: dict[int, User] = {}
        self._leaving: dict[int, asyncio.TimerHandle] = {}

    def arrive(self, user: User) -> None:
        if timer := self._leaving.pop(user.id, None):
            timer.cancel()
        is_new = user.id not in self._here
        self._here[user.id] = user
        if is_new:
            self._changed(user, True)

    def leave(self, user: User) -> None:
        """Their last socket is closed; they may come back before anybody notices."""
        self._leaving[user.id] = asyncio.get_running_loop().call_later(
            GONE_AFTER, self._gone, user.id
        )

    def rename(self, user: User) -> None:
        if user.id in self._here:
            self._here[user.id] = user

    def users(self) -> dict[int, User]:
        return self._here

    def close(self) -> None:
        for timer in self._leaving.values():
            timer.cancel()

    def _gone(self, user_id: int) -> None:
        del self._leaving[user_id]
        self._changed(self._here.pop(user_id), False)


class Typing:
    """`changed(room_id, user, typing)` is told when somebody starts or stops."""

    def __init__(self, changed: Callable[[int, User, bool], None]) -> None:
        self._changed = changed
        self._timers: dict[tuple[int, int], asyncio.TimerHandle] = {}

    def start(self, room_id: int, user: User) -> None:
        timer = self._timers.pop((room_id, user.id), None)
        self._timers[room_id, user.id] = asyncio.get_running_loop().call_later(
            SILENT_AFTER, self.stop, room_id, user
        )
        if timer:
            timer.cancel()
        else:
            self._changed(room_id, user, True)

    def stop(self, room_id: int, user: User) -> None:
        if timer := self._timers.pop((room_id, user.id), None):
            timer.cancel()
            self._changed(room_id, user, False)

    def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
