"""What a page of the web says of itself: title, description, picture, as plain text.

A page is what its author wants it to be, so only its head is read, for a few
milliseconds, and nothing of it is more than text when it leaves.
"""

import re
import time
import unicodedata
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urljoin

LONGEST: Final = 256 * 1024
LONGEST_TITLE: Final = 280
LONGEST_DESCRIPTION: Final = 560
LONGEST_TAG: Final = 8 * 1024
LONGEST_VALUE: Final = 4 * 1024
PIECE: Final = 4 * 1024
SECONDS: Final = 0.05

TITLES: Final = ("og:title", "twitter:title")
DESCRIPTIONS: Final = ("og:description", "twitter:description", "description")
PICTURES: Final = (
    *("og:image:secure_url", "og:image", "og:image:url"),
    *("twitter:image", "twitter:image:src"),
)
WANTED: Final = frozenset((*TITLES, *DESCRIPTIONS, *PICTURES))

# Those that browsers know. Python knows more, and some of them are no letters at all.
CHARSETS: Final = re.compile(
    r"utf-?8|us-ascii|iso-?8859-?\d{1,2}|latin-?1|windows-(125\d|874)|cp125\d"
    r"|koi8-[ru]|macintosh|gbk|gb2312|gb18030|big5(-hkscs)?|shift[_-]jis"
    r"|euc-(jp|kr)|iso-2022-jp|utf-16([lb]e)?",
    re.IGNORECASE,
)
DECLARED: Final = re.compile(rb"<meta[^<>]{0,200}?charset\s*=\s*[\"']?([\w-]{1,30})")
DECLARED_WITHIN: Final = 1_024
TAG: Final = re.compile(r"</?[A-Za-z!][^<>]*>")
JOINERS: Final = "\u200c\u200d"


@dataclass(frozen=True, slots=True)
class Page:
    """`picture` is an absolute URL, and anything at all until it was checked."""

    title: str
    description: str
    picture: str | None


def read(body: bytes, charset: str | None, url: str) -> Page | None:
    """The page that came from this URL, or None when it does not say its name."""
    head = _Head()
    head.read(decoded(body[:LONGEST], charset))
    title = head.first(TITLES) or "".join(head.title)
    title = plain(title, LONGEST_TITLE)
    if not title:
        return None
    description = plain(head.first(DESCRIPTIONS), LONGEST_DESCRIPTION)
    return Page(title, description, _absolute(url, head.first(PICTURES)))


def decoded(body: bytes, charset: str | None) -> str:
    """The text of a page that may be wrong about its letters; never raises."""
    for mark, known in (
        (b"\xef\xbb\xbf", "utf-8-sig"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if body.startswith(mark):
            return body.decode(known, "replace")
    if charset is None and (said := DECLARED.search(body[:DECLARED_WITHIN].lower())):
        charset = said[1].decode("ascii")
        # It could be read, so it cannot be what it says.
        charset = "utf-8" if charset.startswith("utf-16") else charset
    if charset is not None and CHARSETS.fullmatch(charset):
        try:
            return body.decode(charset, "replace")
        except LookupError:
            pass
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as fault:
        # A letter that was cut in two at the end says nothing about the others.
        is_cut = fault.start >= len(body) - 3
        return body.decode("utf-8" if is_cut else "cp1252", "replace")


def plain(text: str, most: int) -> str:
    """One line without tags and without letters that nobody sees; at most so long."""
    text = TAG.sub(" ", text[: 4 * LONGEST_VALUE])
    text = " ".join(
        "".join(letter if _is_seen(letter) else " " for letter in text).split()
    )
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def _is_seen(letter: str) -> bool:
    """Marks of direction are not: they would turn round what stands beside them."""
    return letter in JOINERS or unicodedata.category(letter)[0] != "C"


def _absolute(url: str, picture: str) -> str | None:
    try:
        return urljoin(url, picture) if picture else None
    except ValueError:
        return None


class _Enough(Exception):
    """Nothing that comes now is looked at."""


class _Head(HTMLParser):
    """Collects what is wanted, of each the first, until the head of the page ends."""

    def __init__(self) -> None:
        super().__init__()
        self.title: list[str] = []
        self._found: dict[str, str] = {}
        self._in_title = False
        self._has_title = False

    def read(self, text: str) -> None:
        """By the piece, so that no page and no tag takes longer than it may."""
        ends = time.thread_time() + SECONDS
        try:
            for start in range(0, len(text), PIECE):
                self.feed(text[start : start + PIECE])
                if len(self.rawdata) > LONGEST_TAG or time.thread_time() > ends:
                    return
        except (_Enough, AssertionError):  # html.parser asserts what a page denies.
            pass

    def first(self, names: tuple[str, ...]) -> str:
        return next(filter(None, (self._found.get(name) for name in names)), "")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "body":
            raise _Enough
        if tag == "title":
            self._in_title = not self._has_title
        elif tag == "meta":
            given = dict(reversed(attrs))
            name = (given.get("property") or given.get("name") or "").strip().lower()
            if name in WANTED and name not in self._found:
                self._found[name] = (given.get("content") or "").strip()[:LONGEST_VALUE]

    def handle_endtag(self, tag: str) -> None:
        if tag == "head":
            raise _Enough
        if tag == "title":
            self._has_title = self._has_title or self._in_title
            self._in_title = False

    def handle_data(self, data: str) -> None:
        if self._in_title and sum(map(len, self.title)) < LONGEST_VALUE:
            self.title.append(data)
