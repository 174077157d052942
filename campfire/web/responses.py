"""Answers, in the few shapes that there are."""

from typing import Any, Final

import orjson
from aiohttp import hdrs, web

from campfire.web.requests import JSON, representation

PRIVATE: Final = "private, no-cache"
VARY: Final = "Accept, Authorization, Cookie, HX-Request"


def json(data: Any, status: int = 200, **headers: str) -> web.Response:
    return web.Response(
        status=status,
        body=orjson.dumps(data),
        content_type=JSON,
        headers={hdrs.CACHE_CONTROL: PRIVATE, hdrs.VARY: VARY, **headers},
    )


def html(text: str, status: int = 200, **headers: str) -> web.Response:
    return web.Response(
        status=status,
        text=text,
        content_type="text/html",
        charset="utf-8",
        headers={hdrs.CACHE_CONTROL: PRIVATE, hdrs.VARY: VARY, **headers},
    )


def nothing() -> web.Response:
    return web.Response(status=204)


def see(path: str, status: int = 303) -> web.Response:
    """Leads a browser on, after a form (303) or from an address (302)."""
    return web.Response(status=status, headers={hdrs.LOCATION: path})


def done(request: web.Request, path: str) -> web.Response:
    """Nothing to say to a program; a form is led on."""
    return see(path) if representation(request) == "page" else nothing()
