"""The inbox: what concerns somebody, as JSON and as a page."""

from dataclasses import dataclass
from typing import Final, cast, get_args
from urllib.parse import urlencode

from aiohttp import hdrs, web
from markupsafe import Markup

from campfire.chat import accounts, inbox, memberships, rooms
from campfire.chat.accounts import Account
from campfire.chat.inbox import Entry, Kind, Missed, Page, Reason
from campfire.chat.rooms import Room
from campfire.chat.users import User
from campfire.database import Reads
from campfire.refusals import Busy, Invalid
from campfire.web import forms, render, responses, shell
from campfire.web.keys import DB, PEERS
from campfire.web.requests import representation
from campfire.web.sessions import viewer

routes = web.RouteTableDef()

TABS: Final[dict[Kind, str]] = {
    "all": "For you",
    "mentions": "Mentions",
    "replies": "Replies",
    "unread": "Unread",
}
SAID: Final[dict[Reason, str]] = {
    "mention": "mentioned you",
    "reply": "answered you",
    "everyone": "called everyone",
    "direct": "wrote to you",
    "unread": "wrote",
    "boost": "boosted your message",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry as the page shows it."""

    message: render.Shown
    who: User
    room_name: str
    words: Markup
    said: str
    moment: str
    is_unread: bool

    @classmethod
    def of(cls, entry: Entry, base: str) -> "Shown":
        words, who = render.opening(entry.message), entry.message.creator
        if entry.boost:
            who = entry.boost.booster
            words = Markup("{} on \u201c{}\u201d").format(entry.boost.content, words)
        return cls(
            render.Shown.of(entry.message, base),
            who,
            entry.room_name,
            words,
            SAID[entry.reason],
            render.time(entry.moment),
            entry.is_unread,
        )


@dataclass(frozen=True, slots=True)
class Sight:
    """Everything the page shows, from one snapshot."""

    account: Account
    rooms: list[Room]
    page: Page
    missed: list[Missed]


def sight(db: Reads, user_id: int, kind: Kind, before: int | None, limit: int) -> Sight:
    return Sight(
        accounts.require(db),
        rooms.all_of(db, user_id),
        inbox.page(db, user_id, kind, before, limit),
        lately(db, user_id) if kind == "all" and before is None else [],
    )


def lately(db: Reads, user_id: int) -> list[Missed]:
    """What was missed, or nothing where so much was that it takes too long to say."""
    try:
        return inbox.missed(db, user_id)
    except Busy:
        return []


@routes.get("/inbox")
async def index(request: web.Request) -> web.Response:
    user = await viewer(request)
    name = request.query.get("kind", "all")
    if name not in get_args(Kind):
        raise Invalid("There is no such list.", kind=f"One of {', '.join(TABS)}.")
    kind = cast(Kind, name)
    base, before = request.app[PEERS].base, forms.number(request, "before")
    limit = forms.clamped(
        forms.number(request, "limit"), inbox.PAGE, inbox.LONGEST_PAGE
    )
    if representation(request) == "json":
        found = await request.app[DB].read(inbox.page, user.id, kind, before, limit)
        messages = [entry for entry in found.entries if not entry.boost]
        response = responses.json([render.entry(entry, base) for entry in messages])
        if target := older(request, found):
            response.headers[hdrs.LINK] = f'<{target}>; rel="next"'
        return response
    seen = await request.app[DB].read(sight, user.id, kind, before, limit)
    is_page = representation(request) == "page"
    return responses.html(
        await shell.page(
            request,
            "inbox/index.html" if is_page else "inbox/_list.html",
            seen.account,
            rooms=seen.rooms,
            tabs=TABS,
            kind=kind,
            before=before,
            entries=[Shown.of(entry, base) for entry in seen.page.entries],
            missed=seen.missed,
            opening=render.opening,
            message_url=render.message_url,
            older=older(request, seen.page),
        )
    )


@routes.post("/inbox/read")
async def read(request: web.Request) -> web.Response:
    """A room is read up to a message; without one, everything is."""
    user = await viewer(request)
    fields = await forms.body(request)
    if fields.get("message_id"):
        message_id = forms.whole_number(fields, "message_id")
        await request.app[DB].write(inbox.read, user.id, message_id)
    else:
        await request.app[DB].write(memberships.read_all, user.id)
    return responses.done(request, "/inbox")


def older(request: web.Request, page: Page) -> str | None:
    """The address of the page that follows, by key."""
    if page.next_id is None:
        return None
    query = dict(request.query) | {"before": str(page.next_id)}
    return f"{request.app[PEERS].path(request)}?{urlencode(query)}"
