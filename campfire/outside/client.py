"""The one way out: asks servers whose addresses somebody else has chosen.

A member can make this server ask any address, so it asks only the public internet.
The address is checked where the socket is made, after names, redirects and spellings
have had their say. Whatever goes wrong is `Unreachable`, and says nothing more: what
is refused must look like what is not there.
"""

import asyncio
import contextlib
import re
import socket
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp import hdrs
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from campfire import __version__
from campfire.outside.addresses import Network, may_reach, parsed

USER_AGENT: Final = f"Campfire/{__version__} (link previews; bot)"
PORTS: Final = {"http": 80, "https": 443}
LONGEST_URL: Final = 2_048
LARGEST: Final = 512 * 1024
PATIENCE: Final = 5.0
LOOKING_UP: Final = 2.0
LOOKUPS: Final = 16
MOST_ANSWERS: Final = 64
MOST_REDIRECTS: Final = 3
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})

# Browsers remove some of these and take others for a slash; we take none of them.
UNWANTED: Final = re.compile(r"[\x00-\x20\x7f-\xa0\u00ad\u2028\u2029\ufeff\\]")
ABSOLUTE: Final = re.compile(r"(https?)://([^/?#]+)(?:[/?#].*)?", re.IGNORECASE)
AUTHORITY: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^@:%\[\]]+)(?::([0-9]{1,5}))?")
LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")

Lookup = Callable[[str], Sequence[str]]


class Unreachable(Exception):
    """There is no answer that could be used. Never says why."""


class Forbidden(OSError):
    """A socket to an address that is nobody's business; becomes `Unreachable`."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: a host is a name in ASCII or an address, never a riddle."""

    scheme: str
    host: str
    port: int
    url: URL


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `url` is where it came from, `content_type` has no parameters.

    `retry_after` is in seconds, when the answer says so in seconds (RFC 9110).
    """

    status: int
    url: str
    content_type: str
    charset: str | None
    body: bytes
    retry_after: int | None = None


def target(text: str, *, is_near: bool = False) -> Target:
    """Reads a URL as strictly as can be. Raises Unreachable.

    RFC 3986 for http and https, without user and password, with the host in its one
    usual spelling: `0x7f.1` means an address to some and a name to others. A name of
    one label is somebody `is_near`, or nobody.
    """
    whole = ABSOLUTE.fullmatch(text)
    if len(text) > LONGEST_URL or UNWANTED.search(text) or whole is None:
        raise Unreachable
    authority = AUTHORITY.fullmatch(whole[2])
    if authority is None:
        raise Unreachable
    scheme = whole[1].lower()
    try:
        url = URL(text)
        host = (url.raw_host or "").lower()
        port = int(authority[2] or PORTS[scheme])
    except ValueError:  # yarl and idna: everything that they cannot read.
        raise Unreachable from None
    is_as_read = (url.scheme, url.port) == (scheme, port) and not url.raw_user
    if not is_as_read or url.raw_password is not None or not is_plain(host, is_near):
        raise Unreachable
    return Target(scheme, host, port, url)


def is_plain(host: str, is_near: bool) -> bool:
    """An address in its usual spelling, or a name that can be no address."""
    if parsed(host) is not None:
        return True
    labels = host.split(".")
    return (
        len(host) <= 253
        and (is_near or len(labels) > 1)
        and all(map(LABEL.fullmatch, labels))
        and not NUMBER.fullmatch(labels[-1])
    )


def looked_up(name: str) -> Sequence[str]:
    """Every address of a name, from the system; blocks, for as long as it likes."""
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for *_, sockaddr in found]


class Resolver(AbstractResolver):
    """Asks once for each connection; one bad answer among good ones spoils them all."""

    def __init__(self, lookup: Lookup, may_reach: Callable[[str], bool]) -> None:
        self._lookup = lookup
        self._may_reach = may_reach
        self._free = asyncio.Semaphore(LOOKUPS)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        async with asyncio.timeout(LOOKING_UP):
            # With the dot the name is whole: no search domain is tried. What has one
            # label is known to this machine or its network alone, by that label.
            name = f"{host}." if "." in host else host
            found = list(dict.fromkeys(await self._found(name)))
        if not 0 < len(found) <= MOST_ANSWERS or not all(map(self._may_reach, found)):
            raise Forbidden
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in found
        ]

    async def _found(self, name: str) -> Sequence[str]:
        """On a thread of its own: one that is given up holds up nobody, nor the end."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Sequence[str]] = loop.create_future()

        def settle(found: Sequence[str]) -> None:
            self._free.release()
            if not answer.done():
                answer.set_result(found)

        def look() -> None:
            found: Sequence[str] = ()
            with contextlib.suppress(OSError, ValueError):
                found = self._lookup(name)
            with contextlib.suppress(RuntimeError):  # The loop is closed already.
                loop.call_soon_threadsafe(settle, found)

        await self._free.acquire()
        threading.Thread(target=look, name="lookup", daemon=True).start()
        return await answer

    async def close(self) -> None:
        pass


class Client:
    """Asks for pages and pictures; keeps no connection, no cookie, no secret.

    `own` is the origin of this house, which is never asked. `allowed` networks and
    `ports` are for a house that has its receivers next door; None is every port.
    """

    def __init__(
        self,
        *,
        own: str | None = None,
        allowed: Collection[Network] = (),
        ports: Collection[int] | None = frozenset(PORTS.values()),
        lookup: Lookup = looked_up,
        tls: Any = True,
    ) -> None:
        parts = urlsplit(own or "")
        self._own = parts.hostname, parts.port or PORTS.get(parts.scheme)
        self._allowed = tuple(allowed)
        self._ports = None if ports is None else frozenset(ports)
        self._tls = tls
        self._resolver = Resolver(lookup, self._may_reach)

    async def fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        types: Collection[str] | None = None,
        largest: int = LARGEST,
        enough: int | None = None,
        patience: float = PATIENCE,
    ) -> Answer:
        """The answer, whatever its status, after at most three redirects of a GET.

        Raises Unreachable, also for a type that is not among `types` and for more
        than `largest` bytes. What comes after `enough` bytes is left where it is.
        `patience` is in seconds, for all of it.
        """
        try:
            async with asyncio.timeout(patience):
                async with self._session() as session:
                    going_to = self._target(url)
                    for _ in range(MOST_REDIRECTS + 1):
                        self._require_reachable(going_to)
                        async with session.request(
                            method,
                            going_to.url,
                            headers=headers,
                            data=body,
                            allow_redirects=False,
                        ) as response:
                            if method != "GET" or response.status not in REDIRECTS:
                                return await read(response, types, largest, enough)
                            going_to = redirected(going_to, response.headers)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError, LookupError):
            pass
        raise Unreachable

    def may_ask(self, url: str) -> bool:
        """What is known of an address before anybody is asked; a name may still lie."""
        try:
            self._require_reachable(self._target(url))
        except Unreachable:
            return False
        return True

    def _target(self, url: str) -> Target:
        return target(url, is_near=bool(self._allowed))

    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=self._resolver,
                use_dns_cache=False,
                force_close=True,
                ssl=self._tls,
                socket_factory=self._socket,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={hdrs.USER_AGENT: USER_AGENT, hdrs.ACCEPT_ENCODING: "identity"},
            auto_decompress=False,
            trust_env=False,
            read_bufsize=16 * 1024,
        )

    def _socket(self, address: tuple[Any, ...]) -> socket.socket:
        """The only place where a socket is made, so nothing goes around this check."""
        family, type, protocol, _, (host, port, *_) = address
        if not self._may_reach(host) or not self._has_port(port):
            raise Forbidden
        return socket.socket(family, type, protocol)

    def _may_reach(self, address: str) -> bool:
        return may_reach(address, self._allowed)

    def _has_port(self, port: int) -> bool:
        return self._ports is None or port in self._ports

    def _require_reachable(self, target: Target) -> None:
        """What can be known before anybody is asked. Raises Unreachable."""
        host, port = self._own
        is_own = target.host == host and (
            target.port == port or {target.port, port} <= set(PORTS.values())
        )
        is_far = parsed(target.host) is None or self._may_reach(target.host)
        if is_own or not is_far or not self._has_port(target.port):
            raise Unreachable


def redirected(come_from: Target, headers: Mapping[str, str]) -> Target:
    """Where an answer sends us; never from a safe line to an open one."""
    location = headers.get(hdrs.LOCATION, "")
    if not location or UNWANTED.search(location):
        raise Unreachable
    going_to = target(urljoin(str(come_from.url), location))
    if come_from.scheme == "https" and going_to.scheme != "https":
        raise Unreachable
    return going_to


async def read(
    response: aiohttp.ClientResponse,
    types: Collection[str] | None,
    largest: int,
    enough: int | None,
) -> Answer:
    if types is not None and response.content_type not in types:
        raise Unreachable
    # We asked for it as it is. What comes packed all the same may be a bomb.
    if response.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity":
        raise Unreachable
    if enough is None and (response.content_length or 0) > largest:
        raise Unreachable
    most = largest if enough is None else enough
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > most:
            break
    if len(body) > most and enough is None:
        raise Unreachable
    return Answer(
        response.status,
        str(response.url),
        response.content_type,
        response.charset,
        bytes(body[:most]),
        seconds(response.headers.get(hdrs.RETRY_AFTER, "")),
    )


def seconds(text: str) -> int | None:
    """A number of seconds; a date is left to our own patience."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else None
