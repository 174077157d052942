"""Who a request comes from, and the slow work of comparing passwords.

aiohttp-session keeps the request's session; where it is kept is the `sessions` table,
with a memory in front that events and other processes' writes empty.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import aiohttp_session
from aiohttp import hdrs, web
from aiohttp_session import AbstractStorage

from campfire.chat import bots, passwords, sessions
from campfire.chat.sessions import Session
from campfire.chat.users import User
from campfire.database import Database, Event
from campfire.refusals import Busy, NotFound, SignedOut, TooMany
from campfire.web.kept import Kept
from campfire.web.requests import BOT_KEY, COOKIE, Peers, is_of_a_bot, token

T = TypeVar("T")

MOST_KEPT: Final = 20_000
COOKIE_AGE: Final = sessions.OLDEST // 1000
HASHING: Final = 2
MOST_HASHING: Final = 16


class Sessions(AbstractStorage):
    """Where aiohttp-session finds a session: by the token's hash."""

    def __init__(self, db: Database, peers: Peers) -> None:
        super().__init__(cookie_name=COOKIE)
        self._db = db
        self._peers = peers
        self.kept: Kept[bytes, Session] = Kept(db.generation, MOST_KEPT)

    def hear(self, event: Event) -> None:
        self.kept.hear(event)

    async def viewer(self, request: web.Request) -> Session | None:
        """Whose request this is, asked anew."""
        given = token(request, self._peers.cookie(request))
        if not given:
            return None
        room_id = None
        if BOT_KEY in request.match_info and "room_id" in request.match_info:
            room_id = int(request.match_info["room_id"])
        # A key may be good for one room and not for another.
        key = sessions.token_hash(given if room_id is None else f"{room_id}/{given}")
        session = self.kept.get(key)
        if session is None:
            started = self.kept.start()
            if is_of_a_bot(request):
                session = await self._db.read(bots.sign_in, given, room_id)
            else:
                session = await self._db.read(sessions.find, key)
            if session is None:
                return None
            self.kept.keep(key, session, [("user", session.user.id)], started)
        now = time.time_ns() // 1_000_000
        if session.is_over(now):
            await self._end(session)
            return None
        if now > session.last_active_at + sessions.TOUCHED_EVERY:
            await self._touch(request, session)
        return session

    async def load_session(self, request: web.Request) -> aiohttp_session.Session:
        viewer = await self.viewer(request)
        if viewer is None:
            return aiohttp_session.Session(None, data=None, new=True)
        return aiohttp_session.Session(
            viewer.id, data={"session": {"viewer": viewer}}, new=False
        )

    async def save_session(
        self,
        request: web.Request,
        response: web.StreamResponse,
        session: aiohttp_session.Session,
    ) -> None:
        """Sets the cookie to the session's token, or takes it away."""
        name = self._peers.cookie(request)
        is_secure = self._peers.is_https(request)
        if session.empty:
            response.del_cookie(name, secure=is_secure)
            return
        response.set_cookie(
            name,
            session["token"],
            max_age=COOKIE_AGE,
            secure=is_secure,
            httponly=True,
            samesite="Lax",
        )

    async def _end(self, session: Session) -> None:
        """For good: what was over is not so no more when the clock is set back."""
        with contextlib.suppress(Busy, NotFound):
            await self._db.write(sessions.end, session.user.id, session.id)

    async def _touch(self, request: web.Request, session: Session) -> None:
        self.kept.drop(("user", session.user.id))
        try:
            await self._db.write(
                sessions.touch,
                session.id,
                self._peers.address(request),
                request.headers.get(hdrs.USER_AGENT, ""),
            )
        except Busy:
            pass  # Reading goes on while nothing can be written.


class Passwords:
    """Hashes two at a time beside the event loop; more than sixteen waiting is 429."""

    def __init__(self, cost: int) -> None:
        self._cost = cost
        self._threads = ThreadPoolExecutor(HASHING, "bcrypt")
        self._waiting = 0

    async def hashed(self, password: str) -> str:
        return await self._run(lambda: passwords.hashed(password, self._cost))

    async def matches(self, password: str, password_hash: str | None) -> bool:
        return await self._run(lambda: passwords.matches(password, password_hash))

    def close(self) -> None:
        self._threads.shutdown()

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= MOST_HASHING:
            raise TooMany("Too many are signing in at once.", retry_after=5)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1


async def viewer_of(request: web.Request) -> Session | None:
    """Whose request this is, or None for somebody unknown."""
    session = await aiohttp_session.get_session(request)
    viewer: Session | None = session.get("viewer")
    return viewer


def known(request: web.Request) -> int | None:
    """The id of whose request this is, as far as somebody has asked already."""
    session = request.get(aiohttp_session.SESSION_KEY)
    found: Session | None = session.get("viewer") if session else None
    return found.user.id if found else None


async def viewer(request: web.Request) -> User:
    """The person who asks; the guard lets nobody else this far."""
    session = await viewer_of(request)
    if session is None:
        raise SignedOut("Please sign in.")
    return session.user
