"""The line that requests come on: bytes that are no request are refused in our words.

aiohttp repeats what was sent in its answer and, with a traceback, in the log; there may
be a token in it.
"""

import asyncio
import functools
import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from aiohttp import hdrs, web
from aiohttp.http import HttpProcessingError
from multidict import CIMultiDict

from campfire.web.middleware import SECURITY

log = logging.getLogger(__name__)

KEEP_ALIVE: Final = 75.0


class Unanswerable(web.Response):
    """An answer to what never became a request, so that no signal is sent for it."""

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        self.headers.popall(hdrs.SERVER, None)


class Line(web.RequestHandler):
    __slots__ = ()

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


def lines(server: web.Server) -> Callable[[], Line]:
    """Makes a line for each connection, with what it may and may not do."""
    options: dict[str, Any] = {
        "access_log": None,
        "auto_decompress": False,  # A compressed body is refused unread.
        "keepalive_timeout": KEEP_ALIVE,
    }
    loop = asyncio.get_running_loop()
    return functools.partial(Line, server, loop=loop, **options)
