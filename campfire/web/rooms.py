"""Rooms: the list, the page, what changed, how far one has read."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from aiohttp import hdrs, web
from markupsafe import Markup

from campfire.chat import accounts, memberships, messages, rooms
from campfire.chat.messages import Message, Page, Removal
from campfire.chat.rooms import Room
from campfire.chat.users import User
from campfire.database import Reads
from campfire.refusals import Invalid
from campfire.web import forms, render, responses
from campfire.web.kept import Scope
from campfire.web.keys import DB, ID, PAGES, PEERS, RENDERER
from campfire.web.requests import cookie, representation
from campfire.web.sessions import viewer

routes = web.RouteTableDef()

LAST_ROOM: Final = "last_room"
TWENTY_YEARS: Final = 20 * 365 * 24 * 3600
HTML: Final = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Window:
    """Which messages a page shows: next to at most one anchor."""

    before: int | None = None
    after: int | None = None
    around: int | None = None
    limit: int = messages.PAGE

    @classmethod
    def of(cls, request: web.Request) -> "Window":
        limit = forms.number(request, "limit")
        return cls(
            before=forms.number(request, "before"),
            after=forms.number(request, "after"),
            around=forms.number(request, "around"),
            limit=forms.clamped(limit, messages.PAGE, messages.LONGEST_PAGE),
        )

    def look(self, db: Reads, user_id: int, room_id: int) -> Page:
        return messages.page(
            db,
            user_id,
            room_id,
            before=self.before,
            after=self.after,
            around=self.around,
            limit=self.limit,
        )


@dataclass(frozen=True, slots=True)
class Sight:
    """Everything a room page shows, from one snapshot."""

    account: accounts.Account
    rooms: list[Room]
    room: Room
    members: int
    page: Page
    is_first: bool


def sight(db: Reads, user_id: int, room_id: int, window: Window) -> Sight:
    account = accounts.find(db)
    assert account is not None, "somebody is signed in, so there is an account"
    page = window.look(db, user_id, room_id)
    listed = rooms.all_of(db, user_id)
    return Sight(
        account,
        listed,
        next(room for room in listed if room.id == room_id),
        rooms.member_count(db, user_id, room_id),
        page,
        rooms.is_first(db, room_id),
    )


@routes.get("/")
async def home(request: web.Request) -> web.Response:
    """Leads to the room that was open last, or to the oldest."""
    user = await viewer(request)
    listed = await request.app[DB].read(rooms.all_of, user.id)
    if not listed:
        return await no_rooms(request, user)
    last = cookie(request, LAST_ROOM) or ""
    ids = [room.id for room in listed]
    chosen = int(last) if last.isdecimal() and len(last) < 19 else 0
    return responses.see(f"/rooms/{chosen if chosen in ids else min(ids)}", 302)


@routes.get("/rooms")
async def index(request: web.Request) -> web.Response:
    user = await viewer(request)
    listed = await request.app[DB].read(rooms.all_of, user.id)
    if representation(request) == "json":
        return responses.json([render.room(room) for room in listed])
    return responses.see("/", 302)


@routes.post("/rooms")
async def create(request: web.Request) -> web.Response:
    user = await viewer(request)
    fields = await forms.body(request)
    kind = forms.text(fields, "kind")
    if kind not in ("open", "closed"):
        raise Invalid("This is no kind of room.", kind="Use open or closed.")
    room = await request.app[DB].write(
        rooms.create,
        user.id,
        "open" if kind == "open" else "closed",
        forms.text(fields, "name"),
        forms.whole_numbers(fields, "user_ids"),
    )
    if representation(request) == "json":
        return responses.json(render.room(room), 201, Location=f"/rooms/{room.id}")
    return responses.see(f"/rooms/{room.id}")


@routes.get(f"/rooms/{{room_id:{ID}}}")
async def show(request: web.Request) -> web.Response:
    if representation(request) == "json":
        user = await viewer(request)
        room, members = await request.app[DB].read(
            with_members, user.id, forms.path_id(request, "room_id")
        )
        people = [render.user(member) for member in members]
        return responses.json(render.room(room) | {"members": people})
    return await page(request, Window())


@routes.get(f"/rooms/{{room_id:{ID}}}/changes")
async def changes(request: web.Request) -> web.Response:
    user = await viewer(request)
    since, limit = forms.number(request, "since"), forms.number(request, "limit")
    if since is None:
        raise Invalid("Since when?", since="This is needed.")
    found = await request.app[DB].read(
        messages.changes,
        user.id,
        forms.path_id(request, "room_id"),
        since,
        forms.clamped(limit, messages.MOST_CHANGES, messages.MOST_CHANGES),
    )
    changed = [change for change in found.changed if isinstance(change, Message)]
    removed = [change for change in found.changed if isinstance(change, Removal)]
    return responses.json(
        {
            "seq": found.seq,
            "more": found.more,
            "messages": [render.message(change) for change in changed],
            "removed": [render.removal(change) for change in removed],
        }
    )


@routes.post(f"/rooms/{{room_id:{ID}}}/read")
async def read(request: web.Request) -> web.Response:
    user = await viewer(request)
    room_id = forms.path_id(request, "room_id")
    message_id = forms.whole_number(await forms.body(request), "message_id")
    membership = await request.app[DB].write(
        memberships.read, user.id, room_id, message_id
    )
    if representation(request) == "json":
        return responses.json(render.membership(membership))
    return responses.nothing()


async def page(request: web.Request, window: Window) -> web.Response:
    """The whole page of a room, the window of messages in its middle."""
    user = await viewer(request)
    room_id = forms.path_id(request, "room_id")

    async def make() -> tuple[str, str, dict[str, str], Iterable[Scope]]:
        seen = await request.app[DB].read(sight, user.id, room_id, window)
        scopes = [("user", user.id), *(("room", room.id) for room in seen.rooms)]
        return room_page(request, user, seen, window), HTML, {}, scopes

    # The invitation in the page names the host that this browser used.
    form = f"page {request.app[PEERS].origin(request)}"
    response = await request.app[PAGES].answer(
        request, (user.id, form, room_id, window), make
    )
    if cookie(request, LAST_ROOM) != str(room_id):
        response.set_cookie(
            LAST_ROOM,
            str(room_id),
            max_age=TWENTY_YEARS,
            httponly=True,
            samesite="Lax",
        )
    return response


def room_page(request: web.Request, user: User, seen: Sight, window: Window) -> str:
    renderer, page = request.app[RENDERER], seen.page
    shown = page.messages
    return renderer.page(
        "rooms/show.html",
        account_name=seen.account.name,
        viewer=user,
        rooms=seen.rooms,
        room=seen.room,
        members=seen.members,
        messages=Markup(renderer.fragments(shown)),  # Rendered with autoescape on.
        older=shown[0].id if shown and page.older else None,
        newer=shown[-1].id if shown and page.newer else None,
        target=window.around,
        welcome=seen.is_first and not (page.older or page.newer),
        join_url=join_url(request, seen.account),
    )


async def no_rooms(request: web.Request, user: User) -> web.Response:
    account = await request.app[DB].read(accounts.find)
    return responses.html(
        request.app[RENDERER].page(
            "rooms/empty.html",
            account_name=account.name if account else accounts.NAME,
            viewer=user,
            rooms=[],
        )
    )


def with_members(db: Reads, user_id: int, room_id: int) -> tuple[Room, list[User]]:
    return rooms.find(db, user_id, room_id), rooms.members(db, user_id, room_id)


def join_url(request: web.Request, account: accounts.Account) -> str:
    return f"{request.app[PEERS].origin(request)}/join/{account.join_code}"


def more_link(request: web.Request, page: Page, window: Window) -> dict[str, str]:
    """A Link header (RFC 8288) to what follows in the direction asked for."""
    if not page.messages:
        return {}
    path = request.path
    if window.after is not None and page.newer:
        target = f"{path}?after={page.messages[-1].id}&limit={window.limit}"
    elif window.after is None and page.older:
        target = f"{path}?before={page.messages[0].id}&limit={window.limit}"
    else:
        return {}
    return {hdrs.LINK: f'<{target}>; rel="next"'}
