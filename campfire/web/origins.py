"""Under which name we are asked, and which other sites may read the answers.

Where the operator says what people type, every other name is refused, so that nobody
can lend us theirs. Other sites read answers only to a bearer token, which a browser
adds for nobody; a cookie opens nothing to them.
"""

import re
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from campfire.refusals import Misdirected
from campfire.web.metrics import is_local
from campfire.web.middleware import secure
from campfire.web.requests import Peers, bearer

PROBES: Final = frozenset({"/health", "/ready", "/metrics"})
# Two years; other hosts of the domain are not ours to speak for.
HTTPS_ONLY: Final = "max-age=63072000"
ASKED: Final = "Access-Control-Request-Method"
PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Accept, Authorization, Content-Type",
    "Access-Control-Max-Age": "600",
}
# What leads somewhere; handlers name paths without the base.
LEADING: Final = (hdrs.LOCATION, hdrs.LINK, "HX-Redirect")
OURS: Final = re.compile(r"^(<?)/")
EXPOSED: Final = (
    "ETag, Link, Location, Retry-After, X-Request-Id, X-Total-Count,"
    " X-Total-Count-Capped"
)


class Origins:
    """`own` is what people type, `shared` what other sites are called."""

    def __init__(self, peers: Peers, own: str | None, shared: Collection[str]) -> None:
        self._peers = peers
        self._host = urlsplit(own).netloc if own else None
        self._shared = frozenset(shared)

    def require_own_name(self, request: web.Request) -> None:
        """Raises Misdirected; who watches from this machine may use any name."""
        if self._host is None or self._peers.host(request) == self._host:
            return
        if not (self._peers.path(request) in PROBES and is_local(request)):
            raise Misdirected("There is no Campfire of this name here.")

    def preflight(self, request: web.Request) -> web.Response | None:
        """The answer to a browser that asks whether a site may ask, if it may."""
        if request.method != hdrs.METH_OPTIONS or ASKED not in request.headers:
            return None
        if self._sharing(request) is None:
            return None
        return web.Response(status=204, headers=PREFLIGHT)

    async def mark(self, request: web.Request, response: web.StreamResponse) -> None:
        """A signal: what every answer carries, and what this one does."""
        await secure(request, response)
        if self._peers.is_https(request):
            response.headers["Strict-Transport-Security"] = HTTPS_ONLY
        if base := self._peers.base:
            for name in LEADING:
                if name in response.headers:
                    leads = OURS.sub(rf"\1{base}/", response.headers[name])
                    response.headers[name] = leads
        if not self._shared:
            return
        vary = response.headers.get(hdrs.VARY)
        response.headers[hdrs.VARY] = f"{vary}, Origin" if vary else "Origin"
        site = self._sharing(request)
        if site and (bearer(request) or ASKED in request.headers):
            response.headers["Access-Control-Allow-Origin"] = site
            response.headers["Access-Control-Expose-Headers"] = EXPOSED

    def _sharing(self, request: web.Request) -> str | None:
        """The site that asks, if it is one of those that may."""
        sites = request.headers.getall(hdrs.ORIGIN, [])
        return sites[0] if len(sites) == 1 and sites[0] in self._shared else None
