"""For how long a room keeps its messages, and what would go if that were changed."""

import time
from dataclasses import asdict, dataclass
from typing import Final

from aiohttp import web

from campfire.chat import accounts, retentions, rooms, users
from campfire.chat.retentions import Loss
from campfire.chat.rooms import Room
from campfire.database import Reads
from campfire.refusals import Invalid
from campfire.web import forms, responses, shell
from campfire.web.keys import DB, LIMITS
from campfire.web.limits import SEARCHES
from campfire.web.requests import representation
from campfire.web.rooms import ROOM
from campfire.web.sessions import viewer

routes = web.RouteTableDef()

RETENTION: Final = f"{ROOM}/retention"


@dataclass(frozen=True, slots=True)
class Sight:
    """`loss` is what would go with the `asked` number of days."""

    account: accounts.Account
    room: Room
    administrable: bool
    days: int | None
    asked: int | None
    loss: Loss | None

    @classmethod
    def look(
        cls, db: Reads, user_id: int, room_id: int, asked: int | None, now: int
    ) -> "Sight":
        room = rooms.find(db, user_id, room_id)
        loss = None
        if asked is not None:
            loss = retentions.loss(db, user_id, room_id, asked, now)
        return cls(
            accounts.require(db),
            room,
            rooms.is_administrable(room, users.find(db, user_id)),
            retentions.find(db, user_id, room_id),
            asked,
            loss,
        )


@routes.get(RETENTION)
async def show(request: web.Request) -> web.Response:
    """What would go is counted one by one, and so asked for as seldom as a search."""
    asked = forms.number(request, "days")
    if asked is not None:
        user = await viewer(request)
        request.app[LIMITS].hit(SEARCHES, str(user.id))
    return await shown(request, asked)


async def shown(
    request: web.Request, asked: int | None, refusal: Invalid | None = None
) -> web.Response:
    user = await viewer(request)
    room_id, now = forms.path_id(request, "room_id"), time.time_ns() // 1_000_000
    try:
        seen = await request.app[DB].read(Sight.look, user.id, room_id, asked, now)
    except Invalid as unfit:
        if asked is None or representation(request) != "page":
            raise
        return await shown(request, None, unfit)
    if representation(request) == "json":
        loss = seen.loss and asdict(seen.loss)
        return responses.json({"days": seen.days, "asked": seen.asked, "loss": loss})
    errors = refusal.errors if refusal else {}
    page = await shell.page(
        request, "retentions/show.html", seen.account, seen=seen, errors=errors
    )
    return responses.html(page, refusal.status if refusal else 200)


@routes.put(RETENTION)
@routes.post(RETENTION)
async def update(request: web.Request) -> web.Response:
    """Nothing in the field, or null, is for ever."""
    user = await viewer(request)
    room_id, fields = forms.path_id(request, "room_id"), await forms.body(request)
    if "days" not in fields:
        raise Invalid("For how long?", days="This is needed.")
    days = None
    if fields["days"] not in (None, ""):
        days = forms.whole_number(fields, "days")
    try:
        await request.app[DB].write(retentions.keep, user.id, room_id, days)
    except Invalid as refusal:
        if representation(request) != "page":
            raise
        return await shown(request, None, refusal)
    if representation(request) == "page":
        return responses.see(f"/rooms/{room_id}/retention")
    return responses.json({"days": days, "asked": None, "loss": None})
