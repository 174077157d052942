"""Boosts: giving one and taking it back, answered with the whole message.

The page of a message's boosts is for those without scripts; with them the same is done
in place.
"""

from typing import Final

from aiohttp import web

from campfire.chat import accounts, boosts, messages
from campfire.chat.accounts import Account
from campfire.chat.messages import Message
from campfire.database import Reads
from campfire.web import forms, render, responses, shell
from campfire.web.keys import DB, ID, LIMITS, PEERS, RENDERER
from campfire.web.limits import POSTS
from campfire.web.middleware import for_bots
from campfire.web.requests import representation
from campfire.web.sessions import viewer

routes = web.RouteTableDef()

BOOSTS: Final = f"/messages/{{message_id:{ID}}}/boosts"
BOOST: Final = f"{BOOSTS}/{{boost_id:{ID}}}"
QUICK: Final = {
    "👍": "thumbs up",
    "👏": "clapping",
    "👋": "waving hand",
    "💪": "muscle",
    "❤️": "red heart",
    "😂": "tears of joy",
    "🎉": "party popper",
    "🔥": "fire",
}


@routes.get(BOOSTS)
@for_bots
async def index(request: web.Request) -> web.Response:
    user = await viewer(request)
    message_id = forms.path_id(request, "message_id")
    account, message = await request.app[DB].read(look, user.id, message_id)
    wanted = representation(request)
    if wanted == "json":
        return responses.json([render.boost(boost) for boost in message.boosts])
    if wanted == "fragment":
        return responses.html(request.app[RENDERER].fragment(message))
    page = await shell.page(
        request,
        "boosts/index.html",
        account,
        message=render.Shown.of(message, request.app[PEERS].base),
        own=[boost for boost in message.boosts if boost.booster.id == user.id],
        quick=QUICK,
        may_edit=message.creator.id == user.id or user.role == "administrator",
    )
    return responses.html(page)


@routes.post(BOOSTS)
@for_bots
async def create(request: web.Request) -> web.Response:
    user = await viewer(request)
    message_id = forms.path_id(request, "message_id")
    request.app[LIMITS].hit(POSTS, str(user.id))
    content = boosts.content(forms.text(await forms.body(request), "content"))
    message, boost, is_new = await request.app[DB].write(
        boosts.add, user.id, message_id, content
    )
    if representation(request) == "json":
        return responses.json(render.boost(boost), 201 if is_new else 200)
    return shown(request, message, 201 if is_new else 200)


@routes.delete(BOOST)
@routes.post(f"{BOOST}/delete")
@for_bots
async def destroy(request: web.Request) -> web.Response:
    user = await viewer(request)
    request.app[LIMITS].hit(POSTS, str(user.id))
    message = await request.app[DB].write(
        boosts.remove,
        user.id,
        forms.path_id(request, "message_id"),
        forms.path_id(request, "boost_id"),
    )
    if representation(request) == "json":
        return responses.nothing()
    return shown(request, message)


def look(db: Reads, user_id: int, message_id: int) -> tuple[Account, Message]:
    room_id = messages.room_of(db, user_id, message_id)
    message = messages.find(db, user_id, room_id, message_id)
    return accounts.require(db), message


def shown(request: web.Request, message: Message, status: int = 200) -> web.Response:
    if representation(request) == "page":
        return responses.see(render.message_url(message))
    return responses.html(request.app[RENDERER].fragment(message), status)
