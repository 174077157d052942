"""What may be answered again without asking the database.

An entry names the scopes that it depends on; an event that touches one of them drops
it, and so does anybody else's commit to the file. What was read before a drop is not
kept after it, so no entry outlives a revoked session, membership or message.
"""

from collections.abc import Callable, Hashable, Iterable
from typing import Final, Generic, TypeVar

from campfire.chat import (
    accounts,
    boosts,
    bots,
    memberships,
    messages,
    rooms,
    searches,
    sessions,
    users,
)
from campfire.database import Event

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Scope = tuple[str, int]

MOST_DROPS: Final = 10_000

# Names and pictures of people are on every page, and so is the account's name.
EVERYBODY: Final[Scope] = ("everybody", 0)
ACCOUNT: Final[Scope] = ("account", 0)


class Kept(Generic[K, V]):
    """At most `most` in weight; the entry that was used least recently goes first."""

    def __init__(
        self,
        generation: Callable[[], int],
        most: int,
        weigh: Callable[[V], int] = lambda value: 1,
    ) -> None:
        self._generation_now = generation
        self._most = most
        self._weigh = weigh
        self._weight = 0
        self._entries: dict[K, tuple[V, tuple[Scope, ...]]] = {}
        self._keys: dict[Scope, set[K]] = {}
        self._clock = 0
        self._forgotten = 0
        self._dropped: dict[Scope, int] = {}
        self._generation = generation()
        self.hits = 0
        self.misses = 0

    def get(self, key: K) -> V | None:
        self._follow()
        entry = self._entries.pop(key, None)
        if entry is None:
            self.misses += 1
            return None
        self.hits += 1
        self._entries[key] = entry
        return entry[0]

    def start(self) -> int:
        """Call before reading what is to be kept; give the answer to `keep`."""
        self._follow()
        return self._clock

    def keep(self, key: K, value: V, scopes: Iterable[Scope], started: int) -> None:
        """Keeps the value, unless one of its scopes was dropped since `started`."""
        self._follow()
        scopes = tuple(scopes)
        if started < self._forgotten or any(
            self._dropped.get(scope, 0) > started for scope in scopes
        ):
            return
        self._remove(key)
        self._entries[key] = value, scopes
        self._weight += self._weigh(value)
        for scope in scopes:
            self._keys.setdefault(scope, set()).add(key)
        while self._weight > self._most:
            self._remove(next(iter(self._entries)))

    def drop(self, scope: Scope) -> None:
        self._clock += 1
        self._dropped[scope] = self._clock
        for key in list(self._keys.get(scope, ())):
            self._remove(key)
        if len(self._dropped) > MOST_DROPS:
            self._dropped.clear()
            self._forgotten = self._clock

    def hear(self, event: Event) -> None:
        for scope in scopes(event):
            self.drop(scope)

    def _follow(self) -> None:
        """Forgets everything when another process has written."""
        generation = self._generation_now()
        if generation != self._generation:
            self._generation = generation
            self._entries.clear()
            self._keys.clear()
            self._weight = 0
            self._clock += 1
            self._forgotten = self._clock

    def _remove(self, key: K) -> None:
        entry = self._entries.pop(key, None)
        if entry is None:
            return
        value, scopes = entry
        self._weight -= self._weigh(value)
        for scope in scopes:
            keys = self._keys[scope]
            keys.discard(key)
            if not keys:
                del self._keys[scope]


def scopes(event: Event) -> Iterable[Scope]:
    """What is not as it was since the event."""
    match event:
        case messages.Posted() | messages.Edited() | boosts.Added() | boosts.Removed():
            return (("room", event.message.room_id),)
        case messages.Removed():
            return (("room", event.removal.room_id),)
        case memberships.Read() | searches.Remembered():
            return (("user", event.user_id),)
        case rooms.Created() | rooms.Changed() | rooms.Granted():
            some_room = next(iter(event.rooms.values()))
            return (("room", some_room.id), *people(event.rooms))
        case rooms.Removed() | memberships.Revoked():
            return (("room", event.room_id), *people(event.audience))
        case users.Changed():
            return (("user", event.user.id), EVERYBODY)
        case accounts.Changed() | bots.Switched():
            return (ACCOUNT,)
        case sessions.Ended():
            return (("user", event.user_id),)
        case users.Joined():
            return [EVERYBODY, *(("room", room_id) for room_id in event.rooms)]
        case _:
            return ()


def people(user_ids: Iterable[int]) -> list[Scope]:
    return [("user", user_id) for user_id in user_ids]
