"""What a bot does with its key in the path, so that one line of curl is enough.

It is Campfire's API for bots: the body is the message itself, whatever its type says,
and answers are JSON. What Slack would take in the same place is taken as well.
"""

from typing import Any, Final
from urllib.parse import unquote_plus

import orjson
from aiohttp import hdrs, web

from campfire.chat import boosts, messages, slack
from campfire.chat.messages import Message, Page
from campfire.database import Reads
from campfire.refusals import Unreadable, Unsupported
from campfire.web import forms, posting, render, responses, rooms
from campfire.web.keys import DB, ID, PEERS, UPLOADS
from campfire.web.middleware import for_bots
from campfire.web.requests import BOT_KEY
from campfire.web.sessions import viewer

routes = web.RouteTableDef()

MESSAGES: Final = f"/rooms/{{room_id:{ID}}}/{{{BOT_KEY}:[^/]+}}/messages"
MESSAGE: Final = f"{MESSAGES}/{{message_id:{ID}}}"
MULTIPART: Final = "multipart/form-data"


@routes.get(MESSAGES)
@for_bots
async def index(request: web.Request) -> web.Response:
    bot = await viewer(request)
    room_id = forms.path_id(request, "room_id")
    window = rooms.Window.of(request)

    def look(db: Reads) -> tuple[Page, int]:
        page = window.look(db, bot.id, room_id)
        return page, messages.count(db, bot.id, room_id)

    page, total = await request.app[DB].read(look)
    shown = [worded(request, message) for message in page.messages]
    response = responses.json(shown)
    response.headers.update(rooms.more_link(request, page, window))
    response.headers["X-Total-Count"] = str(total)
    return response


@routes.post(MESSAGES)
@for_bots
async def create(request: web.Request) -> web.Response:
    bot = await viewer(request)
    db, room_id = request.app[DB], forms.path_id(request, "room_id")
    if request.content_type == MULTIPART:
        async with request.app[UPLOADS].received(request, bot.id, room_id) as came:
            body = forms.optional_text(came.fields, "body") or ""
            message, came.is_named = await posting.post(
                db, bot.id, room_id, body, None, came.files
            )
    else:
        body = spoken(await said(request))
        message, _ = await posting.post(db, bot.id, room_id, body, None)
    path = f"/rooms/{room_id}/messages/{message.id}"
    location = request.app[PEERS].url(request, path)
    return web.Response(status=201, headers={hdrs.LOCATION: location})


@routes.put(MESSAGE)
@for_bots
async def update(request: web.Request) -> web.Response:
    bot = await viewer(request)
    db, room_id = request.app[DB], forms.path_id(request, "room_id")
    message_id = forms.path_id(request, "message_id")
    draft = await posting.drafted(
        db, bot.id, room_id, await said(request), message_id, may_be_empty=True
    )
    message = await db.write(messages.edit, bot.id, room_id, message_id, draft)
    return responses.json(worded(request, message))


@routes.delete(MESSAGE)
@for_bots
async def destroy(request: web.Request) -> web.Response:
    bot = await viewer(request)
    await request.app[DB].write(
        messages.remove,
        bot.id,
        forms.path_id(request, "room_id"),
        forms.path_id(request, "message_id"),
    )
    return responses.nothing()


@routes.post(f"{MESSAGE}/boosts")
@for_bots
async def boost(request: web.Request) -> web.Response:
    bot = await viewer(request)
    message = await found(request)
    content = boosts.content(await said(request))
    message, given, is_new = await request.app[DB].write(
        boosts.add, bot.id, message.id, content
    )
    peers = request.app[PEERS]
    url = peers.url(request, render.message_url(message))
    shown = render.boost(given) | {
        "booster": render.user(bot, peers.base),
        "message": {"id": message.id, "url": url},
    }
    return responses.json(shown, 201 if is_new else 200)


@routes.delete(f"{MESSAGE}/boosts/{{boost_id:{ID}}}")
@for_bots
async def unboost(request: web.Request) -> web.Response:
    bot = await viewer(request)
    message = await found(request)
    boost_id = forms.path_id(request, "boost_id")
    await request.app[DB].write(boosts.remove, bot.id, message.id, boost_id)
    return responses.nothing()


async def found(request: web.Request) -> Message:
    """The message of the path, through the room of the path."""
    bot = await viewer(request)
    return await request.app[DB].read(
        messages.find,
        bot.id,
        forms.path_id(request, "room_id"),
        forms.path_id(request, "message_id"),
    )


async def said(request: web.Request) -> str:
    """The body as it is, whatever type it has. Raises Unreadable."""
    if hdrs.CONTENT_ENCODING in request.headers:
        raise Unsupported("A compressed body is not accepted.")
    try:
        return (await request.read()).decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable("The body must be UTF-8.") from None


def spoken(body: str) -> str:
    """What is to be posted: the body itself, unless it was written for Slack.

    Its shape comes as JSON, or in a form whose only field is `payload`.
    """
    text = body
    if body.startswith("payload="):
        text = unquote_plus(body.removeprefix("payload="))
    if not text.lstrip().startswith("{"):
        return body
    try:
        shape = orjson.loads(text)
    except orjson.JSONDecodeError:
        return body
    return slack.html(shape) if slack.is_shaped(shape) else body


def worded(request: web.Request, message: Message) -> dict[str, Any]:
    """The message as every program gets it, with what Campfire's bots look for."""
    peers = request.app[PEERS]
    shown = render.message(message, peers.base)
    return shown | {
        "body": shown["body"] | {"plain_text": message.plain},
        "room": {"id": message.room_id},
        "url": peers.url(request, render.message_url(message)),
    }
