"""The trash: what one has deleted lately, and the way back for it."""

from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from campfire.chat import accounts, messages, rooms
from campfire.chat.messages import Message
from campfire.chat.rooms import Trashed
from campfire.database import Reads
from campfire.web import forms, render, responses, shell
from campfire.web.keys import DB, PEERS
from campfire.web.messages import MESSAGE, shown
from campfire.web.requests import representation
from campfire.web.rooms import ROOM
from campfire.web.sessions import viewer

routes = web.RouteTableDef()

MOST: Final = 100


@dataclass(frozen=True, slots=True)
class Trash:
    account: accounts.Account
    rooms: list[Trashed]
    messages: list[tuple[Message, int]]
    names: dict[int, str]

    @classmethod
    def look(cls, db: Reads, user_id: int) -> "Trash":
        found = messages.trashed(db, user_id, MOST)
        within = {message.room_id for message, _ in found}
        names = rooms.names(db, user_id, within)
        return cls(accounts.require(db), rooms.trashed(db, user_id), found, names)


@routes.get("/trash")
async def index(request: web.Request) -> web.Response:
    user = await viewer(request)
    trash = await request.app[DB].read(Trash.look, user.id)
    if representation(request) == "json":
        base = request.app[PEERS].base
        return responses.json(presented(trash, base))
    page = await shell.page(request, "trash/index.html", trash.account, trash=trash)
    return responses.html(page)


@routes.post(f"{MESSAGE}/restore")
async def restore_message(request: web.Request) -> web.Response:
    user = await viewer(request)
    message = await request.app[DB].write(
        messages.restore,
        user.id,
        forms.path_id(request, "room_id"),
        forms.path_id(request, "message_id"),
    )
    if representation(request) == "page":
        return responses.see(render.message_url(message))
    return shown(request, message)


@routes.post(f"{ROOM}/restore")
async def restore_room(request: web.Request) -> web.Response:
    user = await viewer(request)
    room_id = forms.path_id(request, "room_id")
    room = await request.app[DB].write(rooms.restore, user.id, room_id)
    if representation(request) == "page":
        return responses.see(f"/rooms/{room_id}")
    return responses.json(render.room(room))


def presented(trash: Trash, base: str) -> dict[str, Any]:
    return {
        "rooms": [
            {
                "id": room.id,
                "name": room.name,
                "deleted_at": render.time(room.deleted_at),
            }
            for room in trash.rooms
        ],
        "messages": [
            {
                "id": message.id,
                "room_id": message.room_id,
                "room_name": trash.names[message.room_id],
                "plain": message.plain,
                "creator": render.user(message.creator, base),
                "created_at": render.time(message.created_at),
                "deleted_at": render.time(at),
            }
            for message, at in trash.messages
        ],
    }
