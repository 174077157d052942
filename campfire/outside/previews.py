"""Makes previews: asks for the page and its picture, and keeps what they say.

Nobody learns from here whether something answered: a page that cannot be had and one
that says nothing both have no preview. A URL is asked for once, however many want it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

from limits import RateLimitItemPerMinute
from limits.strategies import MovingWindowRateLimiter

from campfire.chat import messages, previews
from campfire.chat.jobs import Job
from campfire.chat.previews import Card, Picture
from campfire.database import Database
from campfire.outside import pages
from campfire.outside.client import Client, Unreachable
from campfire.outside.jobs import Kind
from campfire.refusals import Invalid
from campfire.windows import Windows

HTML: Final = frozenset({"text/html"})
PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
LARGEST_PICTURE: Final = 5 * 1024 * 1024
# Twice as wide as the card is on a telephone.
SIZE: Final = 640
SMALLEST: Final = 32
EACH_PERSON: Final = RateLimitItemPerMinute(20, 1, "previews")
SECONDS_KEPT: Final = 60.0
SECONDS_WITHOUT: Final = 600.0
MOST_KEPT: Final = 256

# Pages that show nothing without scripts, and who says what is on them.
TWITTER: Final = {"twitter.com", "www.twitter.com", "x.com", "www.x.com"}
INSTEAD_OF_TWITTER: Final = "fxtwitter.com"

Remake = Callable[[bytes], Awaitable[bytes]]


class Previews:
    """`remake` makes a picture small and clean, or raises Invalid."""

    def __init__(
        self, db: Database, client: Client, remake: Remake, *, limited: bool = True
    ) -> None:
        self._db = db
        self._client = client
        self._remake = remake
        self._limited = limited
        self._window = MovingWindowRateLimiter(Windows())
        self._flights: dict[str, asyncio.Future[Card | None]] = {}
        self._kept: dict[str, tuple[float, Card | None]] = {}
        # Twice five seconds for the two requests, and some for the picture.
        self.kind = Kind(self.handle, most=8, each=2, patience=30.0)

    async def handle(self, job: Job) -> None:
        card = await self._card(job.payload["url"], job.payload["user_id"])
        await self._db.write(messages.preview, job, card)

    async def _card(self, url: str, user_id: int) -> Card | None:
        """From memory, from whoever is asking just now, or from the page itself."""
        until, card = self._kept.get(url, (0.0, None))
        if time.monotonic() < until:
            return card
        flight = self._flights.get(url)
        if flight is not None:
            return await asyncio.shield(flight)
        if self._limited and not self._window.hit(EACH_PERSON, str(user_id)):
            return None
        card = None
        flight = self._flights[url] = asyncio.get_running_loop().create_future()
        try:
            card = await self._fetched(url)
        finally:
            del self._flights[url]
            flight.set_result(card)
        self._remember(url, card)
        return card

    def _remember(self, url: str, card: Card | None) -> None:
        self._kept.pop(url, None)
        while len(self._kept) >= MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        seconds = SECONDS_WITHOUT if card is None else SECONDS_KEPT
        self._kept[url] = time.monotonic() + seconds, card

    async def _fetched(self, url: str) -> Card | None:
        try:
            answer = await self._client.fetch(
                spoken_for(url), types=HTML, enough=pages.LONGEST
            )
        except Unreachable:
            return None
        if answer.status != 200:
            return None
        page = await asyncio.to_thread(
            pages.read, answer.body, answer.charset, answer.url
        )
        if page is None:
            return None
        picture = await self._picture(page.picture) if page.picture else None
        return Card(previews.site(url), page.title, page.description, picture)

    async def _picture(self, url: str) -> Picture | None:
        """The picture as one of ours; a page without one is a page all the same."""
        try:
            answer = await self._client.fetch(
                url, types=PICTURES, largest=LARGEST_PICTURE
            )
            if answer.status != 200:
                return None
            made = await self._remake(answer.body)
        except (Unreachable, Invalid):
            return None
        width, height = size(made)
        return Picture(width, height, made) if min(width, height) >= SMALLEST else None


def spoken_for(url: str) -> str:
    """Where to ask about a page that does not speak for itself."""
    parts = urlsplit(url) if url.isprintable() and "[" not in url else None
    if parts and parts.netloc.lower() in TWITTER and parts.path.strip("/"):
        return parts._replace(netloc=INSTEAD_OF_TWITTER).geturl()
    return url


def size(webp: bytes) -> tuple[int, int]:
    """Width and height of a WebP that we made (RFC 9649), without decoding it."""

    def number(start: int, length: int) -> int:
        return int.from_bytes(webp[start : start + length], "little")

    match webp[12:16]:
        case b"VP8X":
            return number(24, 3) + 1, number(27, 3) + 1
        case b"VP8L":
            bits = number(21, 4)
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case _:
            return number(26, 2) & 0x3FFF, number(28, 2) & 0x3FFF
