"""The line that requests come on: bytes that are no request are refused in our words.

aiohttp repeats what was sent in its answer and, with a traceback, in the log; there may
be a token in it. More connections than there are descriptors for are turned away.
"""

import asyncio
import contextlib
import logging
import resource
import sys
import time
from http import HTTPStatus
from typing import Any, Final, cast

from aiohttp import hdrs, web
from aiohttp.http import HttpProcessingError
from multidict import CIMultiDict

from campfire.web.middleware import SECURITY

log = logging.getLogger(__name__)

KEEP_ALIVE: Final = 75.0
# 16 kB of text to look for, three bytes for each of its own, and the rest.
LONGEST_LINE: Final = 64 * 1024
# Descriptors for the database, for files and for what goes out.
SPARED: Final = 64
SAID_EVERY: Final = 10.0
# Where there is no proxy: who connects and says nothing is let go.
HANDSHAKE_TAKES: Final = 10.0
ASKING_TAKES: Final = 1.0
LAST_ASKING_TAKES: Final = 0.25
TOO_MANY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\n"
    b"Content-Type: text/plain\r\nX-Content-Type-Options: nosniff\r\n"
    b"Content-Length: 24\r\n\r\n503 Service Unavailable\n"
)


class Unanswerable(web.Response):
    """An answer to what never became a request, so that no signal is sent for it."""

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        self.headers.popall(hdrs.SERVER, None)


class Line(web.RequestHandler):
    """A connection that is served; `lines` counts it as long as it is open."""

    __slots__ = ("_lines",)

    def __init__(self, lines: "Lines", server: web.Server, **options: Any) -> None:
        super().__init__(server, **options)
        self._lines = lines

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._lines.opened(self)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._lines.closed()
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answers what went wrong outside of the application."""
        if not isinstance(exc, HttpProcessingError):
            return super().handle_error(request, status, exc, message)
        log.info("unreadable request", extra={"status": status})
        response = Unanswerable(
            status=status,
            text=f"{status} {HTTPStatus(status).phrase}\n",
            headers=CIMultiDict(SECURITY),
        )
        response.force_close()
        return response


class Surplus(asyncio.Protocol):
    """A connection that there is no descriptor for: 503, once something is asked.

    Closing before that would have the kernel throw the answer away.
    """

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        loop = asyncio.get_running_loop()
        self._end = loop.call_later(ASKING_TAKES, transport.close)

    def data_received(self, data: bytes) -> None:
        self._transport.write(TOO_MANY)
        self._transport.close()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._end.cancel()


class Lines:
    """Makes a line for each connection, and turns away what is more than `most`.

    A process without descriptors can neither accept nor open anything, and answers
    nobody: so some are always kept back.
    """

    def __init__(self, server: web.Server, most: int) -> None:
        self.open = 0
        self._last = asyncio.Event()
        # Accepted, and not yet made: in the middle of TLS, or gone from there.
        self._greeting: dict[Line, float] = {}
        self._server = server
        self._most = most
        self._said = -SAID_EVERY
        self._options: dict[str, Any] = {
            "access_log": None,
            "auto_decompress": False,  # A compressed body is refused unread.
            "keepalive_timeout": KEEP_ALIVE,
            "max_line_size": LONGEST_LINE,
            "loop": asyncio.get_running_loop(),
        }

    def __call__(self) -> asyncio.Protocol:
        now = time.monotonic()
        while (
            self._greeting
            and next(iter(self._greeting.values())) < now - HANDSHAKE_TAKES
        ):
            del self._greeting[next(iter(self._greeting))]
        if self.open + len(self._greeting) < self._most:
            line = Line(self, self._server, **self._options)
            self._greeting[line] = now
            return line
        if now > self._said + SAID_EVERY:
            self._said = now
            log.warning("too many connections", extra={"open": self.open})
        return Surplus()

    def opened(self, line: Line) -> None:
        self._greeting.pop(line, None)
        self.open += 1

    def closed(self) -> None:
        self.open -= 1
        if not self.open:
            self._last.set()

    async def drained(self) -> None:
        """Waits a moment for what is on its way: a line that was just made, or whose
        answer is being read, would otherwise be cut off before it could ask."""
        self._last.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_ASKING_TAKES if self.open else 0):
                await self._last.wait()


def most_lines() -> int:
    """How many connections this process has descriptors for, with some to spare."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return sys.maxsize
    return max(limit - max(SPARED, limit // 8), 1)
