"""Searches: the page, its results as JSON, and what was looked for lately."""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final, get_args
from urllib.parse import urlencode

from aiohttp import hdrs, web
from markupsafe import Markup

from campfire.chat import accounts, rooms, searches, users, words
from campfire.chat.accounts import Account
from campfire.chat.rooms import Room
from campfire.chat.scopes import Narrowed
from campfire.chat.searches import Hit, Line, Results
from campfire.chat.users import User
from campfire.chat.words import Asked
from campfire.database import Reads
from campfire.refusals import Busy, Invalid
from campfire.web import forms, render, responses, shell
from campfire.web.kept import ACCOUNT, EVERYBODY, Scope
from campfire.web.keys import DB, LIMITS, PAGES, PEERS
from campfire.web.limits import SEARCHES
from campfire.web.requests import representation
from campfire.web.rooms import HTML
from campfire.web.sessions import viewer

routes = web.RouteTableDef()

# One reader is left for pages, whatever is looked for.
AT_ONCE: Final = asyncio.Semaphore(1)
MOST_OFFSET: Final = searches.MOST_COUNTED
LONGEST_LINK: Final = 4_000  # Clients and proxies take no header of more than 8 kB.
MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July", "August"),
    *("September", "October", "November", "December"),
)


@dataclass(frozen=True, slots=True)
class Question:
    """What the query of a request asks for; `seen` hits came before this page."""

    text: str
    narrowed: Narrowed
    sort: searches.Sort
    limit: int
    offset: int
    seen: int

    @classmethod
    def of(cls, request: web.Request) -> "Question":
        sort = request.query.get("sort", "newest")
        if sort not in get_args(searches.Sort):
            raise Invalid("This is no order.", sort="One of newest, relevance.")
        limit = forms.number(request, "limit")
        offset = min(max(forms.number(request, "offset") or 0, 0), MOST_OFFSET)
        return cls(
            request.query.get("q", ""),
            Narrowed(
                room_id=forms.number(request, "room_id"),
                creator_id=forms.number(request, "creator_id"),
                before=forms.number(request, "before"),
                after=forms.number(request, "after"),
            ),
            "relevance" if sort == "relevance" else "newest",
            forms.clamped(limit, searches.PAGE, searches.LONGEST_PAGE),
            offset,
            offset or min(max(forms.number(request, "seen") or 0, 0), MOST_OFFSET),
        )

    def look(self, db: Reads, user_id: int) -> Results:
        return searches.find(
            db,
            user_id,
            self.text,
            self.narrowed,
            sort=self.sort,
            limit=self.limit,
            offset=self.offset,
        )

    @property
    def query(self) -> str:
        """What a link to the first page of its results says."""
        asked = {
            "q": self.text,
            "room_id": self.narrowed.room_id,
            "creator_id": self.narrowed.creator_id,
            "sort": None if self.sort == "newest" else self.sort,
        }
        return urlencode({name: value for name, value in asked.items() if value})

    @property
    def url(self) -> str:
        return f"/searches?{self.query}" if self.query else "/searches"

    def saying(self, text: str) -> "Question":
        return replace(self, text=text)

    def adding(self, word: str) -> "Question":
        return self.saying(f"{self.text.strip()} {word}".strip())

    def without(self, *filters: str) -> "Question":
        return self.saying(words.without(self.text, *filters))

    def sorted(self, sort: searches.Sort) -> "Question":
        return replace(self, sort=sort)

    def among(
        self, *, room_id: int | None = None, creator_id: int | None = None
    ) -> "Question":
        return replace(self, narrowed=Narrowed(room_id=room_id, creator_id=creator_id))


@dataclass(frozen=True, slots=True)
class Filter:
    """A pill: a part of the sentence that says what is looked for.

    Pressing one that is on takes it out; one that is off adds it, or, without an
    address, opens the form where it can be chosen.
    """

    icon: str
    words: str
    is_on: bool = False
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A hit as the page shows it, and the address that shows it in its room."""

    message: render.Shown
    room_name: str
    snippet: Markup
    before: Line | None
    after: Line | None
    url: str


@dataclass(frozen=True, slots=True)
class Sight:
    """Everything the page shows, from one snapshot."""

    account: Account
    rooms: Sequence[Room]
    people: Sequence[User]
    recent: Sequence[str]
    results: Results
    around: Mapping[int, tuple[Line | None, Line | None]]


def sight(db: Reads, user_id: int, question: Question) -> Sight:
    results = question.look(db, user_id)
    ids = [hit.message.id for hit in results.hits]
    return Sight(
        accounts.require(db),
        rooms.all_of(db, user_id),
        users.all_active(db),
        searches.recent(db, user_id),
        results,
        searches.lines_around(db, user_id, ids),
    )


@routes.get("/searches")
async def index(request: web.Request) -> web.Response:
    user = await viewer(request)
    question = Question.of(request)
    if not words.asked(question.text).is_empty:
        request.app[LIMITS].hit(SEARCHES, str(user.id))
    if representation(request) == "page":

        async def make() -> tuple[str, str, dict[str, str], Iterable[Scope]]:
            async with AT_ONCE:
                seen = await request.app[DB].read(sight, user.id, question)
            seen_rooms = [("room", room.id) for room in seen.rooms]
            scopes = [("user", user.id), EVERYBODY, ACCOUNT, *seen_rooms]
            return await page(request, question, seen), HTML, {}, scopes

        form = f"search {'plain' in request.query}"
        return await request.app[PAGES].answer(request, (user.id, form, question), make)
    async with AT_ONCE:
        results = await request.app[DB].read(question.look, user.id)
    base = request.app[PEERS].base
    response = responses.json([render.hit(hit, base) for hit in results.hits])
    response.headers["X-Total-Count"] = str(results.total)
    if results.is_capped:
        response.headers["X-Total-Count-Capped"] = "true"
    response.headers.update(next_link(request, results))
    return response


@routes.post("/searches")
async def create(request: web.Request) -> web.Response:
    """Remembers what is looked for, and leads to what is found.

    The fields beside the words are those of the form that narrows a search down.
    """
    user = await viewer(request)
    fields = await forms.body(request)
    question = chosen(fields)
    if len(question.text) > searches.LONGEST:
        raise Invalid("That is too long to look for.", q="16 kB is the limit.")
    with contextlib.suppress(Busy):  # What was found shows all the same.
        await request.app[DB].write(searches.remember, user.id, question.text)
    return responses.see(question.url, 302)


@routes.delete("/searches")
@routes.post("/searches/delete")
async def clear(request: web.Request) -> web.Response:
    user = await viewer(request)
    await request.app[DB].write(searches.forget, user.id)
    return responses.done(request, "/searches")


def chosen(fields: forms.Fields) -> Question:
    """What a form asks for. Raises Invalid."""
    text = forms.optional_text(fields, "q") or ""
    for name, shift in (("after", 0), ("before", 1)):
        if day := forms.optional_text(fields, name):
            try:
                first = date.fromisoformat(day) + timedelta(days=shift)
            except (ValueError, OverflowError):
                raise Invalid("This is no day.", **{name: "Such as 2026-11-23."})
            text += f" {name}:{first}"
    for name in ("file", "link"):
        if forms.flag(fields, name):
            text += f" has:{name}"
    ids = {
        name: forms.whole_number(fields, name) if fields.get(name) else None
        for name in ("room_id", "creator_id")
    }
    sort = forms.optional_text(fields, "sort")
    return Question(
        " ".join(text.split()),
        Narrowed(**ids),
        "relevance" if sort == "relevance" else "newest",
        limit=searches.PAGE,
        offset=0,
        seen=0,
    )


async def page(request: web.Request, question: Question, seen: Sight) -> str:
    asked = words.asked(question.text)
    filters = sentence(question, asked, seen)
    return await shell.page(
        request,
        "searches/index.html",
        seen.account,
        question=question,
        # What the form for narrowing down does not say itself.
        rest=words.without(question.text, "before", "after", "has:file", "has:link"),
        asked=asked,
        since=day(asked.after),
        until=day(asked.before, timedelta(days=-1)),
        filters=filters,
        everywhere=question.without(
            *("from", "in", "before", "after", "has:file", "has:link")
        ).among(),
        is_narrowed=any(each.is_on for each in filters),
        rooms=seen.rooms,
        people=seen.people,
        recent=seen.recent,
        total=seen.results.total,
        is_capped=seen.results.is_capped,
        found=shown(question, seen, request.app[PEERS].base),
        older=older(request, seen.results),
    )


def shown(question: Question, seen: Sight, base: str) -> list[Found]:
    return [
        Found(
            render.Shown.of(hit.message, base),
            hit.room_name,
            render.snippet(hit),
            *seen.around.get(hit.message.id, (None, None)),
            url=in_context(question, hit, question.seen + place + 1),
        )
        for place, hit in enumerate(seen.results.hits)
    ]


def in_context(question: Question, hit: Hit, place: int) -> str:
    """The room around a hit; what was asked goes along, for the hits next to it."""
    return f"{render.message_url(hit.message)}?{question.query}&hit={place}"


def sentence(question: Question, asked: Asked, seen: Sight) -> list[Filter]:
    """The filters, so that they read like a sentence."""
    narrowed = question.narrowed
    room = next((each for each in seen.rooms if each.id == narrowed.room_id), None)
    author = next(
        (each for each in seen.people if each.id == narrowed.creator_id), None
    )
    filters = []
    if narrowed.room_id is not None:
        name = room.name if room else "a room"
        url = question.among(creator_id=narrowed.creator_id).url
        filters.append(Filter("room", f"In {name}", True, url))
    elif asked.in_names:
        about = f"In {' or '.join(asked.in_names)}"
        filters.append(Filter("room", about, True, question.without("in").url))
    else:
        filters.append(Filter("room", "In every room"))
    if narrowed.creator_id is not None:
        name = author.name if author else "somebody"
        url = question.among(room_id=narrowed.room_id).url
        filters.append(Filter("people", f"From {name}", True, url))
    elif asked.from_names:
        about = f"From {' or '.join(asked.from_names)}"
        filters.append(Filter("people", about, True, question.without("from").url))
    else:
        filters.append(Filter("people", "From anyone"))
    for kind, word, since in (
        ("after", "Since", day(asked.after)),
        ("before", "Until", day(asked.before, timedelta(days=-1))),
    ):
        if since is not None:
            about = f"{word} {said(since)}"
            filters.append(Filter("clock", about, True, question.without(kind).url))
    if asked.after is None and asked.before is None:
        filters.append(Filter("clock", "At any time"))
    for icon, name in (("attach", "file"), ("link", "link")):
        is_on = name in asked.has
        has = f"has:{name}"
        url = (question.without(has) if is_on else question.adding(has)).url
        filters.append(Filter(icon, f"With a {name}", is_on, url))
    return filters


def day(moment: int | None, shift: timedelta = timedelta()) -> date | None:
    if moment is None:
        return None
    try:
        return datetime.fromtimestamp(moment / 1000, UTC).date() + shift
    except (OverflowError, ValueError):
        return None


def said(day: date) -> str:
    year = "" if day.year == datetime.now(UTC).year else f" {day.year}"
    return f"{day.day} {MONTHS[day.month - 1]}{year}"


def older(request: web.Request, results: Results) -> str | None:
    """The address of the page that follows: by key, or by place in a ranking."""
    if not results.more:
        return None
    query = dict(request.query)
    before = forms.number(request, "offset") or forms.number(request, "seen") or 0
    seen = len(results.hits) + before
    if query.get("sort") == "relevance":
        query["offset"] = str(seen)
    else:
        query.pop("offset", None)
        query["before"] = str(results.hits[-1].message.id)
        if representation(request) == "page":
            query["seen"] = str(seen)
    return f"{request.app[PEERS].path(request)}?{urlencode(query)}"


def next_link(request: web.Request, results: Results) -> dict[str, str]:
    """A Link header (RFC 8288) to what follows, as far as a header holds it."""
    target = older(request, results)
    if target is None or len(target) > LONGEST_LINK:
        return {}
    return {hdrs.LINK: f'<{target}>; rel="next"'}
