"""What happens to every request: it gets a number, a guard, and an answer.

Refusals become problem details (RFC 9457), a fragment or a page, as the request
prefers. Anything else that is raised is a bug: 500, and a traceback in the log.
"""

import asyncio
import functools
import http
import itertools
import logging
import secrets
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final

import orjson
from aiohttp import HttpVersion10, HttpVersion11, hdrs, web
from aiohttp.typedefs import Handler

from campfire.refusals import (
    Busy,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    Refusal,
    SignedOut,
    TooLarge,
    TooMany,
    Unreadable,
)
from campfire.web.bans import Bans
from campfire.web.keys import PEERS
from campfire.web.limits import BOTS, Limits
from campfire.web.render import Renderer
from campfire.web.requests import SAFE, Peers, is_of_a_bot, representation
from campfire.web.sessions import known, viewer_of

log = logging.getLogger(__name__)

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="-")
PROBLEM: Final = "application/problem+json"
MOST_LINES: Final = 100
LONGEST_ADDRESS: Final = 8_190
LONGEST_RETURN: Final = 2_000  # What browsers keep as a cookie, and then some.
RETURN_TO: Final = "campfire_return_to"
# aiohttp answers to HTTP/0.9 and HTTP/2.0 as well, in words that are neither.
SPOKEN: Final = (HttpVersion11, HttpVersion10)

SECURITY: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; "
        "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self'; "
        "connect-src 'self'; manifest-src 'self'; worker-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
TITLES: Final = {
    400: "That could not be read",
    401: "Please sign in",
    403: "This is not yours to change",
    404: "Nobody at this fire",
    405: "That is not done here",
    410: "It is gone",
    413: "Too large",
    414: "Too long an address",
    421: "Somebody else's fire",
    422: "Not quite",
    429: "One moment, please",
    500: "The fire went out",
    503: "Too busy just now",
    507: "There is no room",
}


def public(handler: Handler) -> Handler:
    """Marks a handler that answers people who are not signed in."""

    @functools.wraps(handler)
    async def answer(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    answer.is_public = True  # type: ignore[attr-defined]
    return answer


def for_bots(handler: Handler) -> Handler:
    """Marks a handler that obeys bots as well; every other one refuses them."""

    @functools.wraps(handler)
    async def answer(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    answer.is_for_bots = True  # type: ignore[attr-defined]
    return answer


async def secure(request: web.Request, response: web.StreamResponse) -> None:
    """A signal: what every answer carries, errors and files included."""
    for name, value in SECURITY.items():
        response.headers.setdefault(name, value)
    response.headers["X-Request-Id"] = REQUEST_ID.get()
    response.headers.popall(hdrs.SERVER, None)


class Lines:
    """At most a hundred lines in a second: a flood of requests fills no disk."""

    def __init__(self) -> None:
        self._second = 0
        self._written = 0
        self._left_out = 0

    def left_out(self, now: float) -> int | None:
        """None when there is no room for another line, else how many had none."""
        if int(now) != self._second:
            self._second, self._written = int(now), 0
        if self._written >= MOST_LINES:
            self._left_out += 1
            return None
        self._written += 1
        left_out, self._left_out = self._left_out, 0
        return left_out


def numbering(
    hit: Callable[[web.Request, int, float], None],
    is_stopping: Callable[[], bool],
    base: str,
) -> Any:
    """Gives each request its number, for the answer and for every line it logs.

    Then counts it, and logs it if there is room: its route, never its address. While
    the server stops, an answer is the last one on its line.
    """
    lines = Lines()
    process = secrets.token_hex(4)
    count = itertools.count(1)

    @web.middleware
    async def number(request: web.Request, handler: Handler) -> web.StreamResponse:
        REQUEST_ID.set(f"{process}{next(count):08x}")
        started = time.monotonic()
        response = await handler(request)
        if is_stopping():
            response.force_close()
        ended = time.monotonic()
        hit(request, response.status, ended - started)
        left_out = lines.left_out(ended)
        if left_out is not None:
            route = request.match_info.route.resource
            extra = {
                "method": request.method,
                "route": route.canonical.removeprefix(base) if route else None,
                "status": response.status,
                "ms": round((ended - started) * 1000, 1),
                "user_id": known(request),
            }
            if left_out:
                extra["left_out"] = left_out
            log.info("request", extra=extra)
        return response

    return number


def answering(renderer: Renderer) -> Any:
    """Turns what is raised into an answer in the form that was asked for."""

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refusal as refusal:
            return refused(request, renderer, refusal)
        except web.HTTPRequestEntityTooLarge:
            return refused(request, renderer, TooLarge("This is too large."))
        except web.HTTPException as error:
            if error.status < 400:
                raise
            return unfit(request, renderer, error)
        except asyncio.CancelledError:
            raise
        except ConnectionResetError:  # Whoever asked has gone, in the middle of it.
            return refused(request, renderer, Unreadable("The body ended early."))
        except Exception:
            log.exception("bug")
            return shown(request, renderer, 500, "Something broke. It is noted.")

    return answer


def guarding(
    peers: Peers,
    bans: Bans,
    limits: Limits,
    require_own_name: Callable[[web.Request], None],
    preflight: Callable[[web.Request], web.Response | None],
) -> Any:
    """Lets nothing from another site through, and nobody unknown but to the doors.

    Bots get no further than where they are expected, and no faster than is good.
    """

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.version not in SPOKEN:
            raise web.HTTPVersionNotSupported()
        is_long = len(request.raw_path) > LONGEST_ADDRESS
        if is_long and peers.path(request) != "/searches":
            raise web.HTTPRequestURITooLong()
        require_own_name(request)
        await bans.require_welcome(request)
        if response := preflight(request):
            return response
        peers.require_same_site(request)
        match = request.match_info
        if match.http_exception is None and not hasattr(match.handler, "is_public"):
            viewer = await viewer_of(request)
            if viewer is None:
                raise SignedOut("Please sign in.")
            if viewer.user.role == "bot":
                require_for_bots(match.handler)
                if request.method not in SAFE:
                    limits.hit(BOTS, str(viewer.user.id))
        elif match.http_exception is None and request.method not in SAFE:
            if is_of_a_bot(request) and await viewer_of(request):
                require_for_bots(match.handler)  # It cannot sign in, nor join.
        return await handler(request)

    return guard


def require_for_bots(handler: Any) -> None:
    if not hasattr(handler, "is_for_bots"):
        raise Forbidden("This is nothing for a bot.")


def refused(request: web.Request, renderer: Renderer, refusal: Refusal) -> web.Response:
    headers = {}
    if refusal.retry_after is not None or isinstance(refusal, (Busy, TooMany)):
        headers[hdrs.RETRY_AFTER] = str(refusal.retry_after or 1)
    if isinstance(refusal, SignedOut) and not is_signing_in(request):
        return signed_out(request, renderer, refusal)
    errors = refusal.errors if isinstance(refusal, Invalid) else None
    response = shown(request, renderer, refusal.status, refusal.detail, errors)
    if isinstance(refusal, SignedOut):
        headers[hdrs.WWW_AUTHENTICATE] = "Bearer"
    response.headers.update(headers)
    return response


def is_signing_in(request: web.Request) -> bool:
    """Whether the words that came with the request are what proved nothing."""
    path = request.app[PEERS].path(request)
    return (request.method, path) == (hdrs.METH_POST, "/session")


def signed_out(
    request: web.Request, renderer: Renderer, refusal: SignedOut
) -> web.Response:
    """A page is led to the door and back again; a program is told."""
    peers = request.app[PEERS]
    if representation(request) == "page" and peers.path(request) != "/socket":
        response = web.Response(status=302, headers={hdrs.LOCATION: "/session/new"})
        leads_somewhere = request.headers.get("Sec-Fetch-Dest", "document")
        if (
            request.method == hdrs.METH_GET
            and leads_somewhere == "document"
            and len(request.path_qs) <= LONGEST_RETURN
        ):
            response.set_cookie(
                RETURN_TO,
                request.path_qs.removeprefix(peers.base),
                max_age=600,
                path=peers.base or "/",
                httponly=True,
                samesite="Lax",
            )
        return response
    response = shown(request, renderer, 401, refusal.detail)
    response.headers[hdrs.WWW_AUTHENTICATE] = "Bearer"
    if representation(request) == "fragment":
        response.headers["HX-Redirect"] = "/session/new"
    return response


def unfit(
    request: web.Request, renderer: Renderer, error: web.HTTPException
) -> web.Response:
    """aiohttp's own errors, in our words: its texts repeat what was sent."""
    details = {
        404: NotFound("There is no such page."),
        410: Gone("This is gone."),
    }
    detail = details.get(error.status, Unreadable(error.reason)).detail
    response = shown(request, renderer, error.status, detail)
    for header in (hdrs.ALLOW, hdrs.CONTENT_RANGE, hdrs.SEC_WEBSOCKET_VERSION):
        if header in error.headers:
            response.headers[header] = error.headers[header]
    return response


def shown(
    request: web.Request,
    renderer: Renderer,
    status: int,
    detail: str,
    errors: dict[str, str] | None = None,
) -> web.Response:
    if (form := representation(request)) != "json":
        template = "errors/show.html" if form == "page" else "errors/_refusal.html"
        title = TITLES.get(status, http.HTTPStatus(status).phrase)
        body = renderer.page(template, status=status, title=title, detail=detail)
        return web.Response(
            status=status, text=body, content_type="text/html", charset="utf-8"
        )
    problem: dict[str, Any] = {
        "type": "about:blank",
        "title": http.HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors is not None:
        problem["errors"] = errors
    return web.Response(status=status, body=orjson.dumps(problem), content_type=PROBLEM)
