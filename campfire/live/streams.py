"""`/bots/…/events`: what a bot is called with, as it comes, for one without address.

Server-sent events, as HTML has them (9.2). What is sent is read from the deliveries
when the reader takes it: nothing waits in memory, and whoever comes back with the last
number that they have misses nothing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import hdrs, web

from campfire.chat import deliveries, memberships, messages, rooms, sessions
from campfire.chat.sessions import Session
from campfire.database import Database, Event
from campfire.live.sockets import shrink_send_buffer
from campfire.refusals import Forbidden, Invalid, SignedOut, TooMany

log = logging.getLogger(__name__)

HEARTBEAT: Final = 15.0
PATIENCE: Final = 30.0
STOPPING_TAKES: Final = 2.0
MOST_PER_BOT: Final = 20
# Milliseconds until a reader whose line broke comes back by itself.
RETRY: Final = 1_000
HEADERS: Final = {
    hdrs.CONTENT_TYPE: "text/event-stream",
    hdrs.CACHE_CONTROL: "no-store",
    "X-Accel-Buffering": "no",  # Or nginx keeps it until it fills a buffer.
}

Viewer = Callable[[web.Request], Awaitable[Session | None]]


class Stream:
    """One reader; what was read from the database before `is_stale` is not sent."""

    __slots__ = ("session", "transport", "task", "due", "is_open", "is_stale")

    def __init__(self, session: Session, transport: asyncio.Transport) -> None:
        self.session = session
        self.transport = transport
        self.task = asyncio.current_task()
        self.due = asyncio.Event()
        self.is_open = True
        self.is_stale = False

    @property
    def bot_id(self) -> int:
        return self.session.user.id

    def doubt(self) -> None:
        self.is_stale = True
        self.due.set()

    def end(self) -> None:
        self.is_open = False
        self.doubt()


class Streams:
    """Serves readers until they leave, their key ends or the server stops."""

    def __init__(
        self, db: Database, *, viewer: Viewer, limited: bool, base: str
    ) -> None:
        self._db = db
        self._viewer = viewer
        self._limited = limited
        self._base = base
        self._streams: dict[int, set[Stream]] = {}

    def hear(self, event: Event) -> None:
        match event:
            case deliveries.Added():
                for stream in self._of(event.bot_id):
                    stream.due.set()
            case memberships.Revoked() | rooms.Removed() | messages.Removed():
                for bot_id in event.audience & self._streams.keys():
                    for stream in self._of(bot_id):
                        stream.doubt()
            case sessions.Ended():
                for stream in self._of(event.user_id):
                    if stream.session.id in event.sessions:
                        stream.end()

    def look_again(self) -> None:
        """Something may have happened that nobody has told."""
        for streams in self._streams.values():
            for stream in streams:
                stream.doubt()

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Streams what comes, and before it what came since `Last-Event-ID`."""
        session = await self._viewer(request)
        if session is None:
            raise SignedOut("Please sign in.")  # It ended since the guard looked.
        if session.user.role != "bot":
            raise Forbidden("This is for bots.")
        last = last_seen(request)
        if self._limited and len(self._of(session.user.id)) >= MOST_PER_BOT:
            raise TooMany("Too many streams are open.", retry_after=30)
        response = web.StreamResponse(headers=HEADERS)
        if request.transport is None:
            return response
        stream = Stream(session, request.transport)
        self._streams.setdefault(stream.bot_id, set()).add(stream)
        log.info("stream opened", extra={"user_id": stream.bot_id})
        try:
            newest = await self._db.read(deliveries.newest, stream.bot_id)
            await response.prepare(request)
            shrink_send_buffer(stream.transport)
            # A number that was not reached yet comes from another history.
            after = newest if last is None else min(last, newest)
            await self._serve(request, response, stream, after)
        except TimeoutError:  # The reader took nothing for too long.
            stream.transport.abort()
        except ConnectionError:
            pass
        finally:
            self._forget(stream)
            log.info("stream closed", extra={"user_id": stream.bot_id})
        return response

    async def close(self) -> None:
        """The server stops: every stream ends, and at once where nobody reads."""
        streams = [stream for some in self._streams.values() for stream in some]
        for stream in streams:
            stream.end()
        tasks = [stream.task for stream in streams if stream.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=STOPPING_TAKES)
        for stream in streams:
            if stream in self._of(stream.bot_id):
                stream.transport.abort()

    def _of(self, bot_id: int) -> set[Stream]:
        return self._streams.get(bot_id, set())

    def _forget(self, stream: Stream) -> None:
        self._of(stream.bot_id).discard(stream)
        if not self._of(stream.bot_id):
            self._streams.pop(stream.bot_id, None)

    async def _serve(
        self,
        request: web.Request,
        response: web.StreamResponse,
        stream: Stream,
        after: int,
    ) -> None:
        # With the number: who breaks off before anything came knows where to go on.
        await send(response, f"retry: {RETRY}\nid: {after}\n\n")
        while True:
            stream.due.clear()
            stream.is_stale = False
            if await self._viewer(request) is None or not stream.is_open:
                return
            missed = await self._db.read(
                deliveries.since, stream.bot_id, after, self._base
            )
            for number, payload in missed:
                if stream.is_stale:
                    break
                await send(response, f"id: {number}\ndata: {payload}\n\n")
                after = number
            if not missed and not await is_set(stream.due, HEARTBEAT):
                await send(response, ":\n\n")


async def send(response: web.StreamResponse, text: str) -> None:
    """Waits for the reader to take it. Raises TimeoutError, ConnectionError."""
    async with asyncio.timeout(PATIENCE):
        await response.write(text.encode())


async def is_set(event: asyncio.Event, patience: float) -> bool:
    """Whether it comes to be set within so many seconds."""
    try:
        async with asyncio.timeout(patience):
            return await event.wait()
    except TimeoutError:
        return False


def last_seen(request: web.Request) -> int | None:
    """The number that the reader has seen last, if it says so. Raises Invalid."""
    given = request.headers.get("Last-Event-ID", "")
    if not given:
        return None
    if not given.isascii() or not given.isdecimal() or len(given) > 18:
        raise Invalid("Last-Event-ID is the number of a delivery.")
    return int(given)
