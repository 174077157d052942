"""Messages: pages of them, and posting, editing and removing one."""

from collections.abc import Iterable
from typing import Final

from aiohttp import web

from campfire.chat import accounts, messages, richtext
from campfire.chat.messages import Message
from campfire.refusals import Invalid
from campfire.web import forms, posting, render, responses, rooms, shell
from campfire.web.kept import EVERYBODY, Scope
from campfire.web.keys import DB, ID, LIMITS, PAGES, PEERS, RENDERER, UPLOADS
from campfire.web.limits import DRAFTS, POSTS
from campfire.web.middleware import for_bots
from campfire.web.requests import representation
from campfire.web.sessions import viewer

routes = web.RouteTableDef()

ROOM: Final = f"/rooms/{{room_id:{ID}}}/messages"
PREVIEW: Final = f"/rooms/{{room_id:{ID}}}/preview"
PERMALINK: Final = f"/rooms/{{room_id:{ID}}}/@{{message_id:{ID}}}"
AROUND: Final = 81
MESSAGE: Final = f"{ROOM}/{{message_id:{ID}}}"


@routes.get(ROOM)
@for_bots
async def index(request: web.Request) -> web.Response:
    user = await viewer(request)
    room_id = forms.path_id(request, "room_id")
    window = rooms.Window.of(request)
    wanted = representation(request)
    if wanted == "page":
        return await rooms.page(request, window)

    async def make() -> tuple[str, str, dict[str, str], Iterable[Scope]]:
        page = await request.app[DB].read(window.look, user.id, room_id)
        if wanted == "json":
            base = request.app[PEERS].base
            shown = [render.message(message, base) for message in page.messages]
            text, content_type = render.json(shown), "application/json"
        else:
            text = request.app[RENDERER].fragments(page.messages)
            content_type = rooms.HTML
        scopes: list[Scope] = [("user", user.id), EVERYBODY, ("room", room_id)]
        return text, content_type, rooms.more_link(request, page, window), scopes

    key = (user.id, wanted, room_id, window)
    return await request.app[PAGES].answer(request, key, make)


@routes.post(ROOM)
@for_bots
async def create(request: web.Request) -> web.Response:
    user = await viewer(request)
    room_id = forms.path_id(request, "room_id")
    request.app[LIMITS].hit(POSTS, str(user.id))
    async with request.app[UPLOADS].received(request, user.id, room_id) as came:
        body = forms.optional_text(came.fields, "body")
        try:
            message, is_new = await posting.post(
                request.app[DB],
                user.id,
                room_id,
                (body or "") if came.files else forms.text(came.fields, "body"),
                forms.optional_text(came.fields, "client_message_id"),
                came.files,
            )
        except Invalid as refusal:
            if representation(request) != "page":
                raise
            return await rooms.refused(request, user.id, room_id, refusal, body or "")
        came.is_named = is_new
    if representation(request) == "page":
        return responses.see(f"/rooms/{room_id}")
    location = f"/rooms/{room_id}/messages/{message.id}"
    return shown(request, message, 201 if is_new else 200, Location=location)


@routes.post(PREVIEW)
async def preview(request: web.Request) -> web.Response:
    """What was written as it would be shown, for its author alone."""
    user = await viewer(request)
    request.app[LIMITS].hit(DRAFTS, str(user.id))
    body = forms.text(await forms.body(request), "body")
    room_id = forms.path_id(request, "room_id")
    html = await posting.shown(request.app[DB], user.id, room_id, body)
    return responses.html(richtext.below(request.app[PEERS].base, html))


@routes.get(MESSAGE)
@for_bots
async def show(request: web.Request) -> web.Response:
    message = await found(request)
    if representation(request) == "page":
        return responses.see(render.message_url(message), 302)
    return shown(request, message)


@routes.get(PERMALINK)
@for_bots
async def permalink(request: web.Request) -> web.Response:
    """The room's page around the message; to a program, the message."""
    if representation(request) == "page":
        around = forms.path_id(request, "message_id")
        return await rooms.page(request, rooms.Window(around=around, limit=AROUND))
    return shown(request, await found(request))


@routes.get(f"{MESSAGE}/edit")
async def edit(request: web.Request) -> web.Response:
    user = await viewer(request)
    message = await request.app[DB].read(
        messages.changeable,
        user.id,
        forms.path_id(request, "room_id"),
        forms.path_id(request, "message_id"),
    )
    shown = render.Shown.of(message, request.app[PEERS].base)
    if representation(request) == "page":
        account = await request.app[DB].read(accounts.require)
        page = await shell.page(
            request,
            "messages/editing.html",
            account,
            message=shown,
            source=message.source,
        )
        return responses.html(page)
    return responses.html(
        request.app[RENDERER].page(
            "messages/edit.html", message=shown, source=message.source
        )
    )


@routes.patch(MESSAGE)
@routes.post(MESSAGE)
@for_bots
async def update(request: web.Request) -> web.Response:
    user = await viewer(request)
    db, room_id = request.app[DB], forms.path_id(request, "room_id")
    message_id = forms.path_id(request, "message_id")
    body = forms.text(await forms.body(request), "body")
    draft = await posting.drafted(
        db, user.id, room_id, body, message_id, may_be_empty=True
    )
    message = await db.write(messages.edit, user.id, room_id, message_id, draft)
    if representation(request) == "page" and request.method == "POST":
        return responses.see(render.message_url(message))
    return shown(request, message)


@routes.delete(MESSAGE)
@routes.post(f"{MESSAGE}/delete")
@for_bots
async def destroy(request: web.Request) -> web.Response:
    user = await viewer(request)
    room_id = forms.path_id(request, "room_id")
    await request.app[DB].write(
        messages.remove, user.id, room_id, forms.path_id(request, "message_id")
    )
    if request.method == "POST":
        return responses.done(request, f"/rooms/{room_id}")
    return responses.nothing()


async def found(request: web.Request) -> Message:
    user = await viewer(request)
    return await request.app[DB].read(
        messages.find,
        user.id,
        forms.path_id(request, "room_id"),
        forms.path_id(request, "message_id"),
    )


def shown(
    request: web.Request, message: Message, status: int = 200, **headers: str
) -> web.Response:
    if representation(request) == "json":
        return responses.json(
            render.message(message, request.app[PEERS].base), status, **headers
        )
    return responses.html(request.app[RENDERER].fragment(message), status, **headers)
