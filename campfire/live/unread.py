"""Unread counts of the people who are connected, kept in step with what is published.

A count starts from one snapshot of the database and follows the events after it; the
room's `seq` decides which those are. In a small room everybody hears of each message
at once, in a large one at most every quarter of a second.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

from campfire.chat.memberships import Read, Unread
from campfire.chat.messages import Edited, Message, Posted, Removed

SMALL_ROOM: Final = 50
PAUSE: Final = 0.25

Notify = Callable[[int, int, int, int, bool], None]
# What happened while a snapshot was being read: an Unread is a room that was entered,
# a number one that was left.
Missed = list[Posted | Edited | Removed | Read | Unread | int]


@dataclass(slots=True)
class Count:
    """One person's count in one room; `calls` are the unread messages calling them."""

    seq: int
    last_read_id: int
    unread_count: int
    is_invisible: bool
    calls: set[int]


@dataclass(slots=True)
class Noted:
    """What was posted in a room and is not yet counted."""

    people: set[int] = field(default_factory=set)
    posted: list[Posted] = field(default_factory=list)
    timer: asyncio.TimerHandle | None = None
    newest_id: int = 0


class Counts:
    """`notify(user_id, room_id, message_id, unread_count, mentioned)` is told of each
    change of a count, and whether anything unread calls the person."""

    def __init__(self, notify: Notify) -> None:
        self._notify = notify
        self._people: dict[int, dict[int, Count]] = {}
        self._loading: dict[int, Missed] = {}
        self._rooms: dict[int, Noted] = {}

    def expect(self, user_id: int) -> Missed | None:
        """Call before reading the snapshot; None when the person is known already."""
        if user_id in self._people or user_id in self._loading:
            return None
        missed = self._loading[user_id] = []
        return missed

    def start(self, user_id: int, unread: Iterable[Unread], missed: Missed) -> None:
        """Takes the snapshot, and what was published since it was asked for.

        Nothing, if the person has left meanwhile: a later snapshot may be on its way.
        """
        if self._loading.get(user_id) is not missed:
            return
        del self._loading[user_id]
        counts: dict[int, Count] = {}
        self._people[user_id] = counts
        for start in unread:
            self._enter(user_id, start)
        for event in missed:
            match event:
                case int():
                    self.leave(user_id, event)
                case Unread():
                    if event.room_id not in counts:
                        self._enter(user_id, event)
                case Read():
                    self._read(event)
                case Removed():
                    self._uncount(user_id, event)
                case Edited():
                    self._recount(user_id, event)
                case Posted():
                    self._count(user_id, event.message.room_id, [event])

    def renew(self, user_id: int, unread: Iterable[Unread]) -> None:
        """Takes a later snapshot, and tells what is not as it was; in which rooms the
        person is follows the events."""
        counts = self._people.get(user_id, {})
        for start in unread:
            if (count := counts.get(start.room_id)) is None:
                continue
            self._settle(start.room_id)
            before = count.unread_count, bool(count.calls)
            if start.seq < count.seq:
                continue
            self._enter(user_id, start)
            count = counts[start.room_id]
            if (count.unread_count, bool(count.calls)) != before:
                newest_id = self._rooms[start.room_id].newest_id or start.last_read_id
                self._tell(user_id, start.room_id, newest_id, count)

    def rooms_of(self, user_id: int) -> Collection[int] | None:
        """The rooms of somebody who is connected and counted."""
        counts = self._people.get(user_id)
        return None if counts is None else counts.keys()

    def enter(self, user_id: int, start: Unread) -> None:
        """The person is in one more room, or sees it differently."""
        if user_id in self._loading:
            self._loading[user_id].append(start)
        elif user_id in self._people:
            self._enter(user_id, start)

    def leave(self, user_id: int, room_id: int) -> None:
        if (missed := self._loading.get(user_id)) is not None:
            missed[:] = [event for event in missed if room_of(event) != room_id]
            missed.append(room_id)
        if counts := self._people.get(user_id):
            counts.pop(room_id, None)
        if noted := self._rooms.get(room_id):
            noted.people.discard(user_id)

    def forget(self, user_id: int) -> None:
        """The person is not connected any more."""
        self._loading.pop(user_id, None)
        for room_id in self._people.pop(user_id, ()):
            self._rooms[room_id].people.discard(user_id)

    def posted(self, event: Posted) -> None:
        self._remember(event, event.audience)
        noted = self._rooms.get(event.message.room_id)
        if noted is None:
            return
        if not event.audience.issuperset(noted.people):
            for user_id in noted.people - event.audience:
                self.leave(user_id, event.message.room_id)
        noted.posted.append(event)
        noted.newest_id = event.message.id
        if noted.timer is None:
            self._settle(event.message.room_id)
            if len(noted.people) > SMALL_ROOM:
                noted.timer = asyncio.get_running_loop().call_later(
                    PAUSE, self._resume, event.message.room_id
                )

    def removed(self, event: Removed) -> None:
        self._remember(event, event.audience)
        if noted := self._rooms.get(event.removal.room_id):
            self._settle(event.removal.room_id)
            for user_id in list(noted.people):
                self._uncount(user_id, event)

    def edited(self, event: Edited) -> None:
        """Whom it calls may be others now, and it may be one more than there were."""
        self._remember(event, event.audience)
        if noted := self._rooms.get(event.message.room_id):
            self._settle(event.message.room_id)
            for user_id in noted.people & event.audience:
                self._recount(user_id, event)

    def read(self, event: Read) -> None:
        if event.user_id in self._loading:
            self._loading[event.user_id].append(event)
        else:
            self._read(event)

    def _read(self, event: Read) -> None:
        count = self._people.get(event.user_id, {}).get(event.room_id)
        if count is None:
            return
        self._settle(event.room_id)
        if event.seq >= count.seq:
            count.seq = event.seq
            count.last_read_id = event.last_read_id
            count.unread_count = event.unread_count
            count.calls = set(event.calls)

    def _enter(self, user_id: int, start: Unread) -> None:
        if start.room_id in self._rooms:
            self._settle(start.room_id)
        self._people[user_id][start.room_id] = Count(
            start.seq,
            start.last_read_id,
            start.unread_count,
            start.involvement == "invisible",
            set(start.calls),
        )
        self._rooms.setdefault(start.room_id, Noted()).people.add(user_id)

    def _remember(
        self, event: Posted | Edited | Removed, audience: frozenset[int]
    ) -> None:
        for user_id, missed in self._loading.items():
            if user_id in audience:
                missed.append(event)

    def _resume(self, room_id: int) -> None:
        noted = self._rooms[room_id]
        noted.timer = None
        if noted.posted:
            self._settle(room_id)
            noted.timer = asyncio.get_running_loop().call_later(
                PAUSE, self._resume, room_id
            )

    def _settle(self, room_id: int) -> None:
        """Counts what was posted, once for each person, however much it was."""
        noted = self._rooms[room_id]
        if not noted.posted:
            return
        posted, noted.posted = noted.posted, []
        own = Counter(event.message.creator.id for event in posted)
        calling = [
            event.message
            for event in posted
            if event.message.mentions or event.message.calls_everyone
        ]
        first, last = posted[0].message, posted[-1].message
        for user_id in list(noted.people):
            count = self._people[user_id][room_id]
            if count.seq >= first.seq:
                self._count(user_id, room_id, posted)
            elif others := len(posted) - own[user_id]:
                count.seq = last.seq
                count.unread_count += others
                count.calls.update(
                    message.id for message in calling if calls(message, user_id)
                )
                self._tell(user_id, room_id, last.id, count)

    def _count(self, user_id: int, room_id: int, posted: list[Posted]) -> None:
        """Counts one by one what came after the snapshot."""
        count = self._people[user_id].get(room_id)
        for message in (event.message for event in posted):
            if count and message.seq > count.seq:
                count.seq = message.seq
                if message.creator.id != user_id:
                    count.unread_count += 1
                    if calls(message, user_id):
                        count.calls.add(message.id)
                    self._tell(user_id, room_id, message.id, count)

    def _uncount(self, user_id: int, event: Removed) -> None:
        removal = event.removal
        count = self._people[user_id].get(removal.room_id)
        if count is None or removal.seq <= count.seq:
            return
        count.seq = removal.seq
        if removal.id > count.last_read_id and event.creator_id != user_id:
            count.unread_count -= 1
            count.calls.discard(removal.id)
            newest_id = self._rooms[removal.room_id].newest_id or removal.id
            self._tell(user_id, removal.room_id, newest_id, count)

    def _recount(self, user_id: int, event: Edited) -> None:
        message = event.message
        count = self._people[user_id].get(message.room_id)
        if count is None or message.seq <= count.seq:
            return
        count.seq = message.seq
        before = count.unread_count, bool(count.calls)
        count.calls.discard(message.id)
        if message.id > count.last_read_id and message.creator.id != user_id:
            count.unread_count += event.returned
            if calls(message, user_id):
                count.calls.add(message.id)
        if (count.unread_count, bool(count.calls)) != before:
            newest_id = self._rooms[message.room_id].newest_id or message.id
            self._tell(user_id, message.room_id, newest_id, count)

    def _tell(self, user_id: int, room_id: int, message_id: int, count: Count) -> None:
        if not count.is_invisible:
            self._notify(
                user_id, room_id, message_id, count.unread_count, bool(count.calls)
            )


def calls(message: Message, user_id: int) -> bool:
    """Whether somebody else's message calls the person."""
    return message.creator.id != user_id and (
        message.calls_everyone or user_id in message.mentions
    )


def room_of(event: Posted | Edited | Removed | Read | Unread | int) -> int:
    match event:
        case int():
            return event
        case Posted() | Edited():
            return event.message.room_id
        case Removed():
            return event.removal.room_id
        case _:
            return event.room_id
