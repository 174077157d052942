"""What was asked and how it went, by route; and `/metrics`, for the operator alone.

A route is named as it is written, never as it was asked, so no label holds anything
that came with a request.
"""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final

from aiohttp import hdrs, web

from campfire.histograms import Histogram
from campfire.refusals import NotFound
from campfire.web.requests import bearer

# Few enough for all of `/metrics` to stay below 500 series, whatever is asked for.
MOST_ROUTES: Final = 220
NOUNS: Final = frozenset(
    {"files", "messages", "rooms", "searches", "session", "static", "users"}
)
# Open for as long as somebody listens.
LASTING: Final = frozenset({"/socket", "/bots/me/events", "/bots/{bot_key}/events"})
FORWARDED: Final = ("X-Forwarded-For", "Forwarded")

Route = tuple[str, str, int]


class Traffic:
    """Counts answers by method, route and status, and how long they took."""

    def __init__(self, base: str = "") -> None:
        self._base = base
        self._counts: dict[tuple[Any, str, int], Histogram] = {}

    def hit(self, request: web.Request, status: int, seconds: float) -> None:
        route = request.match_info.route
        key = (route.resource, route.method, status)
        try:
            self._counts[key].add(seconds)
        except KeyError:
            if len(self._counts) >= MOST_ROUTES:
                key = (None, "*", status)
            self._counts.setdefault(key, Histogram()).add(seconds)

    def answers(self) -> dict[Route, int]:
        return {
            (method, self._path(resource) or "other", status): sum(counted.counts)
            for (resource, method, status), counted in self._counts.items()
        }

    def times(self) -> dict[str, Histogram]:
        """By noun, which is the first word of the path; what lasts is left out."""
        times: dict[str, Histogram] = {}
        for (resource, _, _), counted in self._counts.items():
            path = self._path(resource) or "/"
            if path not in LASTING:
                noun = path.split("/")[1]
                noun = noun if noun in NOUNS else "other"
                times.setdefault(noun, Histogram()).include(counted)
        return times

    def _path(self, resource: web.AbstractResource | None) -> str:
        """As it is written in the code."""
        return resource.canonical.removeprefix(self._base) if resource else ""


@dataclass(frozen=True, slots=True)
class Metrics:
    """Hands out what `text` says now, on this machine or to who has the token."""

    text: Callable[[], Awaitable[tuple[bytes, str]]]
    token: str | None

    async def show(self, request: web.Request) -> web.Response:
        if not self._may_see(request):
            raise NotFound("There is no such page.")
        body, content_type = await self.text()
        return web.Response(body=body, headers={hdrs.CONTENT_TYPE: content_type})

    def _may_see(self, request: web.Request) -> bool:
        given = bearer(request)
        if self.token and given:
            return hmac.compare_digest(given.encode(), self.token.encode())
        return is_local(request)


def is_local(request: web.Request) -> bool:
    """Whether it comes from this machine, and not through a proxy that stands on it."""
    if any(header in request.headers for header in FORWARDED):
        return False
    try:
        address = ip_address(request.remote or "")
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
