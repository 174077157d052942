"""What a request says about itself: from where, in which form, with what proof."""

import hashlib
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final, Literal

from aiohttp import hdrs, web

from campfire.chat.bots import KEY
from campfire.refusals import Forbidden

Network = IPv4Network | IPv6Network
Representation = Literal["json", "fragment", "page"]

COOKIE: Final = "campfire_session"
BOT_KEY: Final = "bot_key"
JSON: Final = "application/json"
SAFE: Final = frozenset({hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS})


def representation(request: web.Request) -> Representation:
    """JSON to a bot or when it is accepted at all, a fragment for htmx, else a page."""
    if is_of_a_bot(request) or any(
        JSON in types.lower() for types in request.headers.getall(hdrs.ACCEPT, ())
    ):
        return "json"
    if request.headers.get("HX-Request") == "true":
        return "fragment"
    return "page"


def bearer(request: web.Request) -> str | None:
    scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def is_of_a_bot(request: web.Request) -> bool:
    """Whether a bot asks, as far as the look of its key tells."""
    return BOT_KEY in request.match_info or bool(KEY.fullmatch(bearer(request) or ""))


def token(request: web.Request, name: str = COOKIE) -> str | None:
    """The bearer token, or the cookie; two cookies of the name prove nothing.

    Where a bot's key stands in the path nothing else is read.
    """
    if BOT_KEY in request.match_info:
        key = request.match_info[BOT_KEY]
        return key if KEY.fullmatch(key) else None
    if hdrs.AUTHORIZATION in request.headers:
        return bearer(request)
    return cookie(request, name)


def cookie(request: web.Request, name: str) -> str | None:
    """The value of a cookie that is there once (RFC 6265); ours have no quotes."""
    values = [
        pair[len(name) + 1 :]
        for header in request.headers.getall(hdrs.COOKIE, ())
        for pair in map(str.strip, header.split(";"))
        if pair.startswith(name) and pair[len(name) : len(name) + 1] == "="
    ]
    return values[0] if len(values) == 1 else None


def cookie_name(base: str, is_https: bool) -> str:
    """The cookie of the Campfire at this path; its neighbours have others, because
    with the prefix a cookie goes to every path of the host."""
    return f"{'__Host-' if is_https else ''}{COOKIE}{base.replace('/', '!')}"


class Peers:
    """Believes what proxies say only where the operator trusts them.

    `base` is the path below which everything of ours is, empty or without a slash at
    its end. Handlers name paths without it.
    """

    def __init__(
        self, origin: str | None, trusted: Sequence[Network], base: str = ""
    ) -> None:
        self.base = base
        self._origin = origin
        self._trusted = trusted
        self._cookies = [cookie_name(base, is_https) for is_https in (False, True)]

    def path(self, request: web.Request) -> str:
        """What was asked for, without the base."""
        return request.path.removeprefix(self.base)

    def url(self, request: web.Request, path: str) -> str:
        """The whole address of a path, as the browser would write it."""
        return f"{self.origin(request)}{self.base}{path}"

    def address(self, request: web.Request) -> str:
        """The client's address: the last one that no trusted proxy vouches for."""
        address = request.remote or ""
        if self._trusted and self._is_trusted(address):
            forwarded = ",".join(request.headers.getall("X-Forwarded-For", ()))
            for hop in reversed(forwarded.split(",")):
                if not hop.strip():
                    continue
                address = hop.strip()
                if not self._is_trusted(address):
                    break
        return address

    def origin(self, request: web.Request) -> str:
        """Scheme, host and port that the browser used."""
        if self._origin:
            return self._origin
        scheme, host = request.scheme, request.host
        if self._trusted and self._is_trusted(request.remote or ""):
            scheme = request.headers.get("X-Forwarded-Proto", scheme)
            host = request.headers.get("X-Forwarded-Host", host)
        usual = ":443" if scheme == "https" else ":80"
        return f"{scheme}://{host.removesuffix(usual)}".lower()

    def host(self, request: web.Request) -> str:
        """Host and port that were asked for, without the port that goes without saying.

        The scheme is that of the operator's origin.
        """
        host = request.headers.get(hdrs.HOST, "")
        if self._trusted and self._is_trusted(request.remote or ""):
            host = request.headers.get("X-Forwarded-Host", host)
        https = (self._origin or "").startswith("https:")
        return host.lower().removesuffix(":443" if https else ":80")

    def cookie(self, request: web.Request) -> str:
        """What the session's cookie is called: a browser that came by https takes one
        a prefix from nobody but this very host (RFC 6265bis, 4.1.3.2)."""
        return self._cookies[self.is_https(request)]

    def is_https(self, request: web.Request) -> bool:
        """Whether the browser used it. Asked for every request."""
        if self._origin:
            return self._origin.startswith("https:")
        if not self._trusted:
            return request.scheme == "https"
        return self.origin(request).startswith("https:")

    def require_same_site(self, request: web.Request) -> None:
        """Refuses what another site made the browser send.

        A page on another site cannot forge these headers, and a program that is not
        a browser sends neither. A bearer token is nothing a browser adds by itself.
        """
        origins = request.headers.getall(hdrs.ORIGIN, [])
        is_foreign = bool(origins) and origins != [self.origin(request)]
        if request.headers.get(hdrs.UPGRADE, "").lower() == "websocket":
            site = None  # A browser sends none with a handshake that counts.
        elif request.method in SAFE or bearer(request) or BOT_KEY in request.match_info:
            return
        else:
            site = request.headers.get("Sec-Fetch-Site")
        if is_foreign if site is None else site not in ("same-origin", "none"):
            raise Forbidden("This was sent from another site.")

    def _is_trusted(self, address: str) -> bool:
        try:
            known = ip_address(address)
        except ValueError:
            return False
        return any(known in network for network in self._trusted)


def takes(request: web.Request, encoding: str) -> bool:
    """Whether a body may be sent in this encoding (RFC 9110); `q=0` says no."""
    for accepted in request.headers.get(hdrs.ACCEPT_ENCODING, "").split(","):
        name, _, weight = accepted.partition(";")
        if name.strip().lower() == encoding:
            return weight.strip().lower().rstrip("0") not in ("q=", "q=0.")
    return False


def etag(body: bytes) -> str:
    """Weak, because the same page may be sent compressed or not.

    Processors have instructions for SHA-256: a page takes a third of BLAKE2's time.
    """
    return f'W/"{hashlib.sha256(body).hexdigest()[:24]}"'
