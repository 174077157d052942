"""Who is here, and who is writing: memory of this process, never a table.

Somebody is here while a socket of theirs is open and for a minute after; a typist who
falls silent stops after ten seconds. Where there are several workers, each is told what
the others know.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from campfire.chat.users import User

GONE_AFTER: Final = 60.0
SILENT_AFTER: Final = 10.0


class Presence:
    """`changed(user, online)` is told when somebody comes or has gone, `own` when they
    do so here, wherever else they may be."""

    own: Callable[[User, bool], None] | None = None

    def __init__(self, changed: Callable[[User, bool], None]) -> None:
        self._changed = changed
        self._own: dict[int, User] = {}
        self._elsewhere: dict[str, dict[int, User]] = {}
        # Here or elsewhere.
        self._here: dict[int, User] = {}
        self._leaving: dict[int, asyncio.TimerHandle] = {}

    def arrive(self, user: User) -> None:
        if timer := self._leaving.pop(user.id, None):
            timer.cancel()
        if user.id not in self._own and self.own:
            self.own(user, True)
        self._own[user.id] = user
        self._add(user)

    def leave(self, user: User) -> None:
        """Their last socket is closed; they may come back before anybody notices."""
        self._leaving[user.id] = asyncio.get_running_loop().call_later(
            GONE_AFTER, self._gone, user.id
        )

    def rename(self, user: User) -> None:
        for users in (self._own, self._here, *self._elsewhere.values()):
            if user.id in users:
                users[user.id] = user

    def users(self) -> dict[int, User]:
        return self._here

    def own_users(self) -> list[User]:
        return list(self._own.values())

    def hear(self, worker: str, users: Mapping[int, User]) -> None:
        """Everybody who is at another worker, in place of what was known of it."""
        before = self._elsewhere.pop(worker, {})
        if users:
            self._elsewhere[worker] = dict(users)
        for user in users.values():
            self._add(user)
        for user_id in before.keys() - users.keys():
            self._drop(user_id)

    def users_at(self, worker: str) -> Mapping[int, User]:
        return self._elsewhere.get(worker, {})

    def close(self) -> None:
        for timer in self._leaving.values():
            timer.cancel()

    def _gone(self, user_id: int) -> None:
        del self._leaving[user_id]
        user = self._own.pop(user_id)
        if self.own:
            self.own(user, False)
        self._drop(user_id)

    def _add(self, user: User) -> None:
        is_new = user.id not in self._here
        self._here[user.id] = user
        if is_new:
            self._changed(user, True)

    def _drop(self, user_id: int) -> None:
        if user_id not in self._own and not any(
            user_id in users for users in self._elsewhere.values()
        ):
            self._changed(self._here.pop(user_id), False)


class Typing:
    """`changed(room_id, user, typing)` is told when somebody starts or stops, `own` of
    each key that is struck here, and when they stop."""

    own: Callable[[int, User, bool], None] | None = None

    def __init__(self, changed: Callable[[int, User, bool], None]) -> None:
        self._changed = changed
        self._timers: dict[tuple[int, int], asyncio.TimerHandle] = {}

    def start(self, room_id: int, user: User) -> None:
        if self.own:
            self.own(room_id, user, True)
        self.hear(room_id, user, True)

    def stop(self, room_id: int, user: User) -> None:
        if (room_id, user.id) in self._timers:
            if self.own:
                self.own(room_id, user, False)
            self.hear(room_id, user, False)

    def hear(self, room_id: int, user: User, typing: bool) -> None:
        """What somebody does, wherever their socket is."""
        if timer := self._timers.pop((room_id, user.id), None):
            timer.cancel()
        if typing:
            self._timers[room_id, user.id] = asyncio.get_running_loop().call_later(
                SILENT_AFTER, self.hear, room_id, user, False
            )
        if typing != bool(timer):
            self._changed(room_id, user, typing)

    def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
