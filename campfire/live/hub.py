"""The hub: gives every published event to the sockets it is for.

Runs on the event loop and never waits. Sockets that are live in a room and speak the
same format share one list of frames for the turn of the loop, joined once and written
once to each. Whom an event is for was decided in its transaction, not here.
"""

import asyncio
import itertools
import logging
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable
from typing import Any, Final, Literal

from campfire.chat import accounts, boosts, memberships, rooms, sessions, users
from campfire.chat.memberships import Read, Unread
from campfire.chat.messages import Edited, Posted, Removed
from campfire.chat.rooms import Room
from campfire.chat.users import User
from campfire.database import Database, Event
from campfire.live.frames import Frame
from campfire.live.outbox import TRANSPORT_TAKES, Outbox
from campfire.live.presence import Presence, Typing
from campfire.live.unread import Counts

log = logging.getLogger(__name__)

Format = Literal["json", "html"]
Present = Callable[[Event, Format, int], dict[str, Any]]
Change = Posted | Edited | Removed | boosts.Added | boosts.Removed

AT_ONCE: Final = 256
LEAST_REST: Final = 0.001
LONGEST_REST: Final = 0.025
DRAIN_EVERY: Final = 0.05
TRY_AGAIN: Final = 1013
SESSION_ENDED: Final = 4401


class Entered:
    """A socket in a room: events wait until the replay has been sent, then it sings.

    `seq` is what it has heard so far; it joins a choir at the first event after that.
    """

    __slots__ = ("waiting", "seq", "choir")

    def __init__(self) -> None:
        self.waiting: list[Change] = []
        self.seq: int | None = None
        self.choir: "Choir | None" = None


class Socket:
    """One open line of one person; `close(code)` starts closing it and returns."""

    __slots__ = (
        *("user", "session_id", "address", "format", "deflate", "outbox", "frames"),
        *("rooms", "close", "is_open"),
    )

    def __init__(
        self,
        user: User,
        session_id: int,
        address: str,
        format: Format,
        deflate: bool,
        transport: asyncio.WriteTransport,
        close: Callable[[int], None],
    ) -> None:
        self.user = user
        self.session_id = session_id
        self.address = address
        self.format = format
        self.deflate = deflate
        self.outbox = Outbox(transport)
        self.frames: list[bytes] = []
        self.rooms: dict[int, Entered] = {}
        self.close = close
        self.is_open = True


class Choir:
    """Live sockets of one room that get the same bytes, few enough for one go."""

    __slots__ = ("format", "deflate", "sockets", "users", "frames")

    def __init__(self, format: Format, deflate: bool) -> None:
        self.format: Format = format
        self.deflate = deflate
        self.sockets: set[Socket] = set()
        self.users: Counter[int] = Counter()
        self.frames: list[bytes] = []


class Hub:
    """`present` words an event for a format; it is asked once for each."""

    def __init__(self, present: Present) -> None:
        self._present = present
        self._loop = asyncio.get_running_loop()
        self._people: dict[int, set[Socket]] = {}
        self._addresses: Counter[str] = Counter()
        self._entering: dict[int, set[Socket]] = {}
        self._choirs: dict[int, list[Choir]] = {}
        self._pending_sockets: dict[Socket, None] = {}
        self._pending_choirs: dict[Choir, None] = {}
        self._flushing = False
        self._round: deque[Choir | Socket] = deque()
        self._round_took = 0.0
        self._rested_at = 0.0
        self._slow: set[Socket] = set()
        self._draining: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.drops = 0
        self._unread_frames: dict[tuple[int, int, int, bool], Frame] = {}
        self.db: Database
        self.counts = Counts(self._tell_unread)
        self.presence = Presence(lambda user, online: self._tell_presence(user))
        self.typing = Typing(self._tell_typing)

    # Coming and going

    def sockets(self) -> list[Socket]:
        return [socket for sockets in self._people.values() for socket in sockets]

    def sockets_of(self, user_id: int) -> Collection[Socket]:
        return self._people.get(user_id, ())

    def sockets_at(self, address: str) -> int:
        return self._addresses[address]

    async def add(self, socket: Socket) -> None:
        """From here on the socket hears what concerns its person."""
        self._addresses[socket.address] += 1
        self._people.setdefault(socket.user.id, set()).add(socket)
        self.presence.arrive(socket.user)
        missed = self.counts.expect(socket.user.id)
        if missed is not None:
            try:
                unread = await self.db.read(memberships.unread, socket.user.id)
            except BaseException:
                self.counts.forget(socket.user.id)
                raise
            self.counts.start(socket.user.id, unread, missed)

    def remove(self, socket: Socket) -> None:
        socket.is_open = False
        if socket not in self._people.get(socket.user.id, ()):
            return
        self._addresses -= Counter((socket.address,))
        for room_id in list(socket.rooms):
            self.leave(socket, room_id)
        self._pending_sockets.pop(socket, None)
        self._slow.discard(socket)
        sockets = self._people[socket.user.id]
        sockets.discard(socket)
        if not sockets:
            del self._people[socket.user.id]
            self.counts.forget(socket.user.id)
            self.presence.leave(socket.user)

    def enter(self, socket: Socket, room_id: int) -> Entered:
        """Keeps the room's events for the socket until `go_live`.

        Call before reading what it missed: what is committed later is kept here, what
        was committed earlier is in the snapshot, and `seq` tells what is in both.
        """
        self.leave(socket, room_id)
        entered = socket.rooms[room_id] = Entered()
        self._entering.setdefault(room_id, set()).add(socket)
        return entered

    def go_live(self, socket: Socket, room_id: int, seq: int) -> None:
        """Sends what was kept and is newer than `seq`, then everything as it comes.

        A snapshot may hold commits whose events are still to be published, so what
        comes with a number that was heard already is passed over until it is past.
        """
        entered = socket.rooms[room_id]
        for event in entered.waiting:
            if change_of(event)[1] > seq:
                self.send(socket, self._present(event, socket.format, socket.user.id))
                seq = change_of(event)[1]
        entered.waiting.clear()
        entered.seq = seq

    def _join(self, socket: Socket, room_id: int) -> None:
        entered = socket.rooms[room_id]
        self._begun(socket, room_id)
        entered.choir = choir = self._choir_for(socket, room_id)
        self._write_choir(choir)
        choir.sockets.add(socket)
        choir.users[socket.user.id] += 1

    async def drained(self, socket: Socket) -> None:
        """Waits until the reader has taken nearly all that was sent, or is gone."""
        while socket.is_open and (socket.frames or not socket.outbox.is_empty):
            await asyncio.sleep(DRAIN_EVERY)

    def leave(self, socket: Socket, room_id: int) -> None:
        entered = socket.rooms.pop(room_id, None)
        if entered is None:
            return
        self.typing.stop(room_id, socket.user)
        choir = entered.choir
        if choir is None:
            self._begun(socket, room_id)
            return
        self._write_choir(choir)
        choir.sockets.discard(socket)
        choir.users[socket.user.id] -= 1
        if not choir.users[socket.user.id]:
            del choir.users[socket.user.id]
        if not choir.sockets:
            self._choirs[room_id].remove(choir)
        if not self._choirs[room_id]:
            del self._choirs[room_id]

    def _begun(self, socket: Socket, room_id: int) -> None:
        entering = self._entering[room_id]
        entering.discard(socket)
        if not entering:
            del self._entering[room_id]

    def _choir_for(self, socket: Socket, room_id: int) -> Choir:
        choirs = self._choirs.setdefault(room_id, [])
        for choir in choirs:
            if (choir.format, choir.deflate) == (socket.format, socket.deflate):
                if len(choir.sockets) < AT_ONCE:
                    return choir
        choirs.append(Choir(socket.format, socket.deflate))
        return choirs[-1]

    def dismiss(self, socket: Socket, code: int) -> None:
        """Lets a socket go: it gets what was sent to it before, then nothing."""
        if socket.is_open:
            self._write_socket(socket)
            self.remove(socket)
            socket.close(code)

    def close(self, code: int) -> None:
        """Lets everybody go."""
        for socket in self.sockets():
            self.dismiss(socket, code)
        self.presence.close()
        self.typing.close()
        if self._draining:
            self._draining.cancel()
        for task in self._tasks:
            task.cancel()

    # Publishing

    def publish(self, event: Event) -> None:
        """Gives a committed event to those it is for."""
        match event:
            case Posted():
                self._tell_room(event)
                self.typing.stop(event.message.room_id, event.message.creator)
                self.counts.posted(event)
            case Edited():
                self._tell_room(event)
                self.counts.edited(event)
            case boosts.Added() | boosts.Removed():
                self._tell_room(event)
            case Removed():
                self._tell_room(event)
                self.counts.removed(event)
            case Read():
                self.counts.read(event)
                self._tell((event.user_id,), event)
            case rooms.Created() | rooms.Changed() | rooms.Granted():
                for user_id, room in event.rooms.items():
                    self.counts.enter(user_id, start_of(room))
                    for socket in self.sockets_of(user_id):
                        self.send(socket, self._present(event, socket.format, user_id))
            case rooms.Removed() | memberships.Revoked():
                for user_id in event.audience:
                    self.counts.leave(user_id, event.room_id)
                    for socket in self.sockets_of(user_id):
                        self.leave(socket, event.room_id)
                self._tell(event.audience, event)
            case users.Changed():
                self.presence.rename(event.user)
                for socket in self.sockets_of(event.user.id):
                    socket.user = event.user
                self._tell(list(self._people), event)
            case accounts.Changed():
                self._tell(list(self._people), event)
            case sessions.Ended():
                for socket in list(self.sockets_of(event.user_id)):
                    if socket.session_id in event.sessions:
                        self.dismiss(socket, SESSION_ENDED)
            case sessions.Started() | users.Joined():
                pass

    def send(self, socket: Socket, event: dict[str, Any]) -> None:
        self._put(socket, Frame(event))

    def _tell(self, audience: Iterable[int], event: Event) -> None:
        """To every socket of the people, in whatever room they are."""
        frames: dict[Format, Frame] = {}
        for user_id in audience:
            for socket in self.sockets_of(user_id):
                if socket.format not in frames:
                    payload = self._present(event, socket.format, user_id)
                    frames[socket.format] = Frame(payload)
                self._put(socket, frames[socket.format])

    def _tell_room(self, event: Change) -> None:
        """To the sockets in the room whose person was a member at the commit."""
        room_id, seq = change_of(event)
        for socket in list(self._entering.get(room_id, ())):
            entered = socket.rooms[room_id]
            if entered.seq is None:
                if socket.user.id in event.audience:
                    entered.waiting.append(event)
            elif seq > entered.seq:
                self._join(socket, room_id)
        frames: dict[Format, Frame] = {}
        for choir in list(self._choirs.get(room_id, ())):
            if not event.audience.issuperset(choir.users):
                for socket in list(choir.sockets):
                    if socket.user.id not in event.audience:
                        self.leave(socket, room_id)
            if choir.format not in frames:
                frames[choir.format] = Frame(self._present(event, choir.format, 0))
            choir.frames.append(frames[choir.format].wire(choir.deflate))
            self._pending_choirs[choir] = None
            self._flush_soon()

    def _tell_unread(
        self,
        user_id: int,
        room_id: int,
        message_id: int,
        unread_count: int,
        mentioned: bool,
    ) -> None:
        key = (room_id, message_id, unread_count, mentioned)
        frame = self._unread_frames.get(key)
        if frame is None:
            frame = self._unread_frames[key] = Frame(
                {
                    "event": "room.unread",
                    "room_id": room_id,
                    "message_id": message_id,
                    "unread_count": unread_count,
                    "mentioned": mentioned,
                }
            )
        for socket in self.sockets_of(user_id):
            self._put(socket, frame)

    def _tell_typing(self, room_id: int, user: User, typing: bool) -> None:
        frame = Frame(
            {
                "event": "room.typing",
                "room_id": room_id,
                "user": {"id": user.id, "name": user.name},
                "typing": typing,
            }
        )
        there = [choir.sockets for choir in self._choirs.get(room_id, ())]
        for socket in itertools.chain(self._entering.get(room_id, ()), *there):
            if socket.user.id != user.id and socket.rooms[room_id].seq is not None:
                self._put(socket, frame)

    def _tell_presence(self, user: User) -> None:
        task = self._loop.create_task(self._tell_neighbours(user.id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell_neighbours(self, user_id: int) -> None:
        """How it is now: reads overtake each other, and the last word must be true."""
        neighbours = await self.db.read(memberships.neighbours, user_id)
        online = user_id in self.presence.users()
        frame = Frame(
            {"event": "presence.changed", "user_id": user_id, "online": online}
        )
        for neighbour in neighbours & self._people.keys() - {user_id}:
            for socket in self.sockets_of(neighbour):
                self._put(socket, frame)

    # Writing

    def _put(self, socket: Socket, frame: Frame) -> None:
        if socket.is_open:
            socket.frames.append(frame.wire(socket.deflate))
            self._pending_sockets[socket] = None
            self._flush_soon()

    def _flush_soon(self) -> None:
        if not self._flushing:
            self._flushing = True
            self._begin_round()

    def _begin_round(self) -> None:
        """At once, or when the hub has rested for as long as the last round took.

        A write to a thousand sockets costs as much for one frame as for ten, so what
        comes meanwhile is gathered; and half of the time is left for pages.
        """
        rest = self._rested_at - self._loop.time()
        if rest > LEAST_REST:
            self._loop.call_later(rest, self._flush)
        else:
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        """Writes what has come since the last round, some hundred sockets a turn."""
        started = self._loop.time()
        if not self._round:
            self._unread_frames.clear()
            self._round.extend(self._pending_choirs)
            self._round.extend(self._pending_sockets)
        budget = AT_ONCE
        while self._round and budget > 0:
            each = self._round.popleft()
            try:
                budget -= self._write(each)
            except Exception:  # One socket's bug must not silence all the others.
                log.exception("write failed")
        now = self._loop.time()
        self._round_took += now - started
        if self._round:
            self._loop.call_soon(self._flush)
            return
        self._rested_at = now + min(self._round_took, LONGEST_REST)
        self._round_took = 0.0
        self._flushing = False
        if self._pending_choirs or self._pending_sockets:
            self._flush_soon()

    def _write(self, each: "Choir | Socket") -> int:
        """Writes what is pending; answers how many sockets that was."""
        if isinstance(each, Choir):
            self._write_choir(each)
            return len(each.sockets)
        self._write_socket(each)
        return 1

    def _write_choir(self, choir: Choir) -> None:
        self._pending_choirs.pop(choir, None)
        if choir.frames:
            frames = b"".join(choir.frames)
            choir.frames.clear()
            for socket in choir.sockets:
                if socket.frames:
                    socket.frames.append(frames)
                else:
                    self._hand(socket, frames)

    def _write_socket(self, socket: Socket) -> None:
        """In writes of a size that the outbox can judge, and never half a frame."""
        self._pending_sockets.pop(socket, None)
        frames, socket.frames = socket.frames, []
        start = size = 0
        for index, frame in enumerate(frames, 1):
            size += len(frame)
            if size >= TRANSPORT_TAKES or index == len(frames):
                self._hand(socket, b"".join(frames[start:index]))
                start, size = index, 0

    def _hand(self, socket: Socket, frames: bytes) -> None:
        outbox = socket.outbox
        outbox.put(frames)
        if not outbox.is_empty:
            self._slow.add(socket)
            if self._draining is None:
                self._draining = self._loop.call_later(DRAIN_EVERY, self._drain)

    def _drain(self) -> None:
        """Serves those who read slowly, and lets go of those who read too slowly."""
        self._draining = None
        for socket in list(self._slow):
            outbox = socket.outbox
            outbox.drain()
            if outbox.is_empty:
                self._slow.discard(socket)
            elif outbox.is_full or outbox.is_stuck():
                self.drops += 1
                outbox.clear()
                socket.frames.clear()
                self.dismiss(socket, TRY_AGAIN)
        if self._slow:
            self._draining = self._loop.call_later(DRAIN_EVERY, self._drain)


def start_of(room: Room) -> Unread:
    """What a person's count in the room starts from."""
    membership = room.membership
    return Unread(
        room.id,
        room.seq,
        membership.involvement,
        membership.last_read_id,
        membership.unread_count,
        membership.calls,
    )


def change_of(event: Change) -> tuple[int, int]:
    """The room a change is in, and its `seq`."""
    if isinstance(event, Removed):
        return event.removal.room_id, event.removal.seq
    return event.message.room_id, event.message.seq
