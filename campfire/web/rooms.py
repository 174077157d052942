"""Rooms: the list, the page, what changed, how far one has read."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, get_args

from aiohttp import hdrs, web
from markupsafe import Markup

from campfire.chat import (
    accounts,
    memberships,
    messages,
    quiet_hours,
    retentions,
    richtext,
    rooms,
    sounds,
    users,
)
from campfire.chat.messages import Message, Page, Removal
from campfire.chat.rooms import Room
from campfire.chat.users import User
from campfire.database import Reads
from campfire.refusals import Invalid, NotFound
from campfire.web import forms, posting, render, responses, shell
from campfire.web.kept import ACCOUNT, EVERYBODY, Scope
from campfire.web.keys import DB, ID, LIMITS, PAGES, PEERS, PRESENT, RENDERER
from campfire.web.limits import POSTS, ROOMS
from campfire.web.middleware import for_bots
from campfire.web.pages import Middle
from campfire.web.requests import cookie, representation
from campfire.web.sessions import viewer

routes = web.RouteTableDef()

ROOM: Final = f"/rooms/{{room_id:{ID}}}"
LAST_ROOM: Final = "last_room"
MINUTE: Final = 60_000
TWENTY_YEARS: Final = 20 * 365 * 24 * 3600
HTML: Final = "text/html; charset=utf-8"
# What completion after `/play` offers.
SOUNDS: Final = " ".join(
    f"{sound.name}:{sound.emoji}" for sound in sounds.SOUNDS.values()
)


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
    """Everything a room page shows, from one snapshot.

    `page` is None, and so is `members`, where the room is still at the `seq` of which
    somebody knows them.
    """

    account: accounts.Account
    rooms: list[Room]
    room: Room
    members: int | None
    page: Page | None
    is_first: bool
    first_unread: int | None


def sight(
    db: Reads, user_id: int, room_id: int, window: Window, seq: int | None = None
) -> Sight:
    account = accounts.require(db)
    memberships.require(db, user_id, room_id)
    listed = rooms.all_of(db, user_id)
    room = next(room for room in listed if room.id == room_id)
    is_known = room.seq == seq
    return Sight(
        account,
        listed,
        room,
        None if is_known else rooms.member_count(db, user_id, room_id),
        None if is_known else window.look(db, user_id, room_id),
        rooms.is_first(db, room_id),
        memberships.first_unread(db, user_id, room_id),
    )


@routes.get(ROOM)
@for_bots
async def show(request: web.Request) -> web.Response:
    """What is asked for most stands first: aiohttp tries routes in their order."""
    if representation(request) == "json":
        user = await viewer(request)
        room, members = await request.app[DB].read(
            with_members, user.id, forms.path_id(request, "room_id")
        )
        return with_people(request, room, members)
    return await page(request, Window())


@routes.get("/")
async def home(request: web.Request) -> web.Response:
    """Leads to the room that was open last, or to the oldest."""
    user = await viewer(request)
    listed = await request.app[DB].read(rooms.all_of, user.id)
    if not listed:
        return await no_rooms(request)
    last = cookie(request, LAST_ROOM) or ""
    ids = [room.id for room in listed]
    chosen = int(last) if last.isdecimal() and len(last) < 19 else 0
    return responses.see(f"/rooms/{chosen if chosen in ids else min(ids)}", 302)


@routes.get("/rooms")
@for_bots
async def index(request: web.Request) -> web.Response:
    user = await viewer(request)
    match representation(request):
        case "json":
            listed = await request.app[DB].read(rooms.all_of, user.id)
            return responses.json([render.room(room) for room in listed])
        case "fragment":
            return await fragment_of_list(request, user.id)
    return responses.see("/", 302)


async def fragment_of_list(request: web.Request, user_id: int) -> web.Response:
    """The list with who is here now, and whose night it is this minute."""
    now = time.time_ns() // 1_000_000
    present = frozenset(request.app[PRESENT]())

    async def make() -> tuple[str, str, dict[str, str], Iterable[Scope]]:
        context = await request.app[DB].read(behind_the_list, user_id, now)
        shown = await shell.page(
            request, "rooms/_list.html", present=present, **context
        )
        listed = [("room", room.id) for room in context["rooms"]]
        return shown, HTML, {}, [("user", user_id), EVERYBODY, ACCOUNT, *listed]

    key = (user_id, "list", hash(present), now // MINUTE)
    return await request.app[PAGES].answer(request, key, make)


def behind_the_list(db: Reads, user_id: int, now: int) -> dict[str, Any]:
    """The rooms, and the nights of those with whom one is alone in one of them."""
    listed = rooms.all_of(db, user_id)
    people = {
        room.others[0].id
        for room in listed
        if room.kind == "direct" and len(room.others) == 1
    }
    return {
        "account": accounts.require(db),
        "rooms": listed,
        "nights": quiet_hours.nights(db, people, now),
    }


@routes.get("/rooms/new")
async def new(request: web.Request) -> web.Response:
    """The form for a room of a kind; a direct one comes with its first message."""
    user = await viewer(request)
    kind = request.query.get("kind", "open")
    if kind not in ("open", "closed", "direct"):
        raise NotFound("There is no such page.")
    if kind != "direct":
        await request.app[DB].read(rooms.require_creating, user.id)
    chosen = [
        value for value in request.query.getall("user_ids", []) if value.isdecimal()
    ]
    return await form(
        request, user, "rooms/new.html", kind=kind, chosen=chosen, typed={}
    )


@routes.post("/rooms")
async def create(request: web.Request) -> web.Response:
    user = await viewer(request)
    request.app[LIMITS].hit(ROOMS, str(user.id))
    fields = await forms.body(request)
    try:
        room, is_new = await made(request, user, fields)
    except Invalid as refusal:
        kind = fields.get("kind")
        if representation(request) != "page" or kind not in get_args(rooms.Kind):
            raise
        return await form(
            request,
            user,
            "rooms/new.html",
            refusal,
            kind=kind,
            chosen=fields.get("user_ids", []),
            typed=fields,
        )
    if representation(request) == "json":
        location = f"/rooms/{room.id}"
        status = 201 if is_new else 200
        return responses.json(render.room(room), status, Location=location)
    return responses.see(f"/rooms/{room.id}")


async def made(
    request: web.Request, user: User, fields: forms.Fields
) -> tuple[Room, bool]:
    """A room as it was asked for, and whether it is new."""
    kind = forms.text(fields, "kind")
    user_ids = forms.whole_numbers(fields, "user_ids")
    if kind == "direct":
        body = forms.optional_text(fields, "body")
        if body is not None:
            request.app[LIMITS].hit(POSTS, str(user.id))
            richtext.draft(body)  # No room for a message that cannot be posted.
        room, is_new = await request.app[DB].write(rooms.direct, user.id, user_ids)
        if body is not None:
            await posting.post(request.app[DB], user.id, room.id, body, None)
        return room, is_new
    if kind not in ("open", "closed"):
        raise Invalid("This is no kind of room.", kind="One of open, closed, direct.")
    room = await request.app[DB].write(
        rooms.create,
        user.id,
        "open" if kind == "open" else "closed",
        forms.text(fields, "name"),
        user_ids,
    )
    return room, True


@routes.post("/rooms/read")
async def read_all(request: web.Request) -> web.Response:
    user = await viewer(request)
    await request.app[DB].write(memberships.read_all, user.id)
    return responses.done(request, "/")


@routes.get(f"{ROOM}/edit")
async def edit(request: web.Request) -> web.Response:
    return await settings(request, await viewer(request), {})


@routes.patch(ROOM)
@routes.post(ROOM)
async def update(request: web.Request) -> web.Response:
    """Changes a room; a form, which can only get and post, posts."""
    user = await viewer(request)
    fields = await forms.body(request)
    try:
        room = await revised(request, user, fields)
    except Invalid as refusal:
        if representation(request) == "page":
            return await settings(request, user, fields, refusal)
        raise
    if room is None:
        return responses.done(request, "/")
    if representation(request) != "json":
        return responses.see(f"/rooms/{room.id}")
    members = await request.app[DB].read(rooms.members, user.id, room.id)
    return with_people(request, room, members)


async def revised(
    request: web.Request, user: User, fields: forms.Fields
) -> Room | None:
    """The room as it was asked for; None when one is not in it any more."""
    kind = forms.optional_text(fields, "kind")
    if kind not in (None, "open", "closed"):
        raise Invalid("This is no kind of room.", kind="One of open, closed.")
    user_ids = forms.whole_numbers(fields, "user_ids") if "user_ids" in fields else None
    if request.method == hdrs.METH_POST and representation(request) == "page":
        # A form names people whatever else is chosen in it, and nobody by silence.
        if kind == "open":
            user_ids = None
        elif kind == "closed":
            user_ids = user_ids or []
    return await request.app[DB].write(
        rooms.revise,
        user.id,
        forms.path_id(request, "room_id"),
        name=forms.optional_text(fields, "name"),
        kind="open" if kind == "open" else "closed" if kind == "closed" else None,
        user_ids=user_ids,
    )


async def settings(
    request: web.Request,
    user: User,
    typed: forms.Fields,
    refusal: Invalid | None = None,
) -> web.Response:
    room, members, days = await request.app[DB].read(
        behind_the_settings, user.id, forms.path_id(request, "room_id")
    )
    ids = [str(member.id) for member in members]
    return await form(
        request,
        user,
        "rooms/edit.html",
        refusal,
        room=room,
        members=members,
        days=days,
        chosen=typed.get("user_ids", []) if typed else ids,
        administrable=rooms.is_administrable(room, user),
        typed=typed,
    )


@routes.delete(ROOM)
@routes.post(f"{ROOM}/delete")
async def destroy(request: web.Request) -> web.Response:
    user = await viewer(request)
    room_id = forms.path_id(request, "room_id")
    await request.app[DB].write(rooms.remove, user.id, room_id)
    return responses.done(request, "/")


@routes.post(f"{ROOM}/leave")
async def leave(request: web.Request) -> web.Response:
    user = await viewer(request)
    room_id = forms.path_id(request, "room_id")
    await request.app[DB].write(rooms.leave, user.id, room_id)
    return responses.done(request, "/")


@routes.put(f"{ROOM}/involvement")
@routes.post(f"{ROOM}/involvement")
async def involve(request: web.Request) -> web.Response:
    user = await viewer(request)
    room_id = forms.path_id(request, "room_id")
    involvement = forms.text(await forms.body(request), "involvement")
    membership = await request.app[DB].write(
        rooms.involve, user.id, room_id, involvement
    )
    if representation(request) == "json":
        return responses.json(render.membership(membership))
    return responses.done(request, f"/rooms/{room_id}")


@routes.put(f"{ROOM}/star")
@routes.post(f"{ROOM}/star")
async def star(request: web.Request) -> web.Response:
    return await starred(request, True)


@routes.delete(f"{ROOM}/star")
@routes.post(f"{ROOM}/star/delete")
async def unstar(request: web.Request) -> web.Response:
    return await starred(request, False)


async def starred(request: web.Request, is_starred: bool) -> web.Response:
    user = await viewer(request)
    room_id = forms.path_id(request, "room_id")
    await request.app[DB].write(rooms.star, user.id, room_id, is_starred)
    return responses.done(request, f"/rooms/{room_id}")


async def form(
    request: web.Request,
    user: User,
    template: str,
    refusal: Invalid | None = None,
    **context: object,
) -> web.Response:
    """A page with the people of the account to choose from, and what was wrong."""
    listed, people, account = await request.app[DB].read(around_form, user.id)
    page = await shell.page(
        request,
        template,
        account,
        rooms=listed,
        people=people,
        errors=refusal.errors if refusal else {},
        **context,
    )
    return responses.html(page, refusal.status if refusal else 200)


def around_form(
    db: Reads, user_id: int
) -> tuple[list[Room], list[User], accounts.Account]:
    return rooms.all_of(db, user_id), users.all_active(db), accounts.require(db)


@routes.get(f"{ROOM}/changes")
@for_bots
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
    base = request.app[PEERS].base
    return responses.json(
        {
            "seq": found.seq,
            "more": found.more,
            "messages": [render.message(change, base) for change in changed],
            "removed": [render.removal(change) for change in removed],
        }
    )


@routes.post(f"{ROOM}/read")
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
        seen, middle = await looked(request, user.id, room_id, window)
        seen_rooms = [("room", room.id) for room in seen.rooms]
        scopes = [("user", user.id), EVERYBODY, ACCOUNT, *seen_rooms]
        return await room_page(request, seen, middle, window), HTML, {}, scopes

    # The invitation in the page names the host that this browser used, and `?plain`
    # leaves the account's styles out.
    form = f"page {request.app[PEERS].origin(request)} {'plain' in request.query}"
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
            path=request.app[PEERS].base or "/",
        )
    return response


async def refused(
    request: web.Request, user_id: int, room_id: int, refusal: Invalid, body: str
) -> web.Response:
    """The room's page with the words that could not be posted, to mend, and why."""
    window = Window()
    seen, middle = await looked(request, user_id, room_id, window)
    reason = " ".join([refusal.detail, *refusal.errors.values()])
    page = await room_page(request, seen, middle, window, body, reason)
    return responses.html(page, refusal.status)


async def looked(
    request: web.Request, user_id: int, room_id: int, window: Window
) -> tuple[Sight, Middle]:
    """What one person sees of the room, and what everybody in it does."""
    middles, key = request.app[PAGES].middles, (room_id, window)
    known, started = middles.get(key), middles.start()
    seq = known.seq if known else None
    seen = await request.app[DB].read(sight, user_id, room_id, window, seq)
    if known and seen.page is None:
        return seen, known
    page, members = seen.page, seen.members
    assert page is not None and members is not None, "it is looked at where not known"
    shown = page.messages
    middle = Middle(
        seen.room.seq,
        request.app[RENDERER].fragments(shown),
        members,
        not (page.older or page.newer),
        shown[0].id if shown and page.older else None,
        shown[-1].id if shown and page.newer else None,
    )
    middles.keep(key, middle, [EVERYBODY, ("room", room_id)], started)
    return seen, middle


async def room_page(
    request: web.Request,
    seen: Sight,
    middle: Middle,
    window: Window,
    written: str = "",
    reason: str = "",
) -> str:
    return await shell.page(
        request,
        "rooms/show.html",
        seen.account,
        rooms=seen.rooms,
        room=seen.room,
        members=middle.members,
        messages=Markup(middle.html),  # Rendered with autoescape on.
        older=middle.first_id,
        newer=middle.last_id,
        target=window.around,
        first_unread=seen.first_unread,
        welcome=seen.is_first and middle.is_all,
        join_url=join_url(request, seen.account),
        sounds=SOUNDS,
        written=written,
        reason=reason,
    )


async def no_rooms(request: web.Request) -> web.Response:
    account = await request.app[DB].read(accounts.require)
    return responses.html(
        await shell.page(request, "rooms/empty.html", account, rooms=[])
    )


def with_members(db: Reads, user_id: int, room_id: int) -> tuple[Room, list[User]]:
    return rooms.find(db, user_id, room_id), rooms.members(db, user_id, room_id)


def behind_the_settings(
    db: Reads, user_id: int, room_id: int
) -> tuple[Room, list[User], int | None]:
    return *with_members(db, user_id, room_id), retentions.find(db, user_id, room_id)


def with_people(
    request: web.Request, room: Room, members: Iterable[User]
) -> web.Response:
    base = request.app[PEERS].base
    people = [render.user(member, base) for member in members]
    return responses.json(render.room(room) | {"members": people})


def join_url(request: web.Request, account: accounts.Account) -> str:
    return request.app[PEERS].url(request, f"/join/{account.join_code}")


def more_link(request: web.Request, page: Page, window: Window) -> dict[str, str]:
    """A Link header (RFC 8288) to what follows in the direction asked for."""
    if not page.messages:
        return {}
    path = request.app[PEERS].path(request)
    if window.after is not None and page.newer:
        target = f"{path}?after={page.messages[-1].id}&limit={window.limit}"
    elif window.after is None and page.older:
        target = f"{path}?before={page.messages[0].id}&limit={window.limit}"
    else:
        return {}
    return {hdrs.LINK: f'<{target}>; rel="next"'}
