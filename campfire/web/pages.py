"""Answers that may be given again: whole pages and fragments, with their tags.

Made once for each person, address and form; dropped by what happened since. A page
that a browser still has is answered with 304 and no body.
"""

import zlib
from collections.abc import Awaitable, Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Final

from aiohttp import hdrs, web

from campfire.database import Event
from campfire.web.kept import Kept, Scope
from campfire.web.requests import etag, takes
from campfire.web.responses import PRIVATE, VARY

MOST_BYTES: Final = 32 * 1024 * 1024
OVERHEAD: Final = 1_024
WORTH_COMPRESSING: Final = 1_024
GZIP: Final = 31

Key = tuple[Hashable, ...]


@dataclass(slots=True)
class Made:
    """An answer as it was made, compressed when somebody first asks for that."""

    body: bytes
    content_type: str
    headers: dict[str, str]
    etag: str
    gzip: bytes | None = None

    def compressed(self) -> bytes:
        if self.gzip is None:
            packer = zlib.compressobj(1, zlib.DEFLATED, GZIP)
            self.gzip = packer.compress(self.body) + packer.flush()
        return self.gzip


@dataclass(frozen=True, slots=True)
class Middle:
    """What everybody in a room has alike on a page of it, as of the room's `seq`.

    `is_all` when there are no more messages than are shown; `first_id` and `last_id`
    are those beyond which there are.
    """

    seq: int
    html: str
    members: int
    is_all: bool
    first_id: int | None
    last_id: int | None


Make = Callable[[], Awaitable[tuple[str, str, dict[str, str], Iterable[Scope]]]]


class Pages:
    """Keeps answers by person, representation and address, and what is the same in
    those of many people: a message that is posted makes it anew once, not for each."""

    def __init__(self, generation: Callable[[], int]) -> None:
        self.middles: Kept[Key, Middle] = Kept(
            generation, MOST_BYTES, lambda middle: len(middle.html) + OVERHEAD
        )
        self.kept: Kept[Key, Made] = Kept(
            generation, MOST_BYTES, lambda made: 2 * len(made.body) + OVERHEAD
        )

    def hear(self, event: Event) -> None:
        self.kept.hear(event)
        self.middles.hear(event)

    async def answer(self, request: web.Request, key: Key, make: Make) -> web.Response:
        """What is kept under the key, or what `make` makes: text, type, headers and
        the scopes it depends on."""
        made = self.kept.get(key)
        if made is None:
            started = self.kept.start()
            text, content_type, headers, scopes = await make()
            body = text.encode("utf-8")
            made = Made(body, content_type, headers, etag(body))
            self.kept.keep(key, made, scopes, started)
        return answered(request, made)


def answered(request: web.Request, made: Made) -> web.Response:
    headers = {
        hdrs.CACHE_CONTROL: PRIVATE,
        hdrs.VARY: f"{VARY}, Accept-Encoding",
        hdrs.ETAG: made.etag,
        **made.headers,
    }
    if made.etag in request.headers.get(hdrs.IF_NONE_MATCH, ""):
        return web.Response(status=304, headers=headers)
    headers[hdrs.CONTENT_TYPE] = made.content_type
    body = made.body
    if len(body) >= WORTH_COMPRESSING and takes(request, "gzip"):
        headers[hdrs.CONTENT_ENCODING] = "gzip"
        body = made.compressed()
    return web.Response(body=body, headers=headers)
