"""The audit log, as administrators read it: newest first, a page at a time."""

from dataclasses import dataclass
from typing import Any, Final

from aiohttp import hdrs, web

from campfire.chat import accounts, acts
from campfire.chat.acts import Act, Kind
from campfire.database import Reads
from campfire.web import forms, render, responses, shell
from campfire.web.keys import DB, PEERS
from campfire.web.requests import representation
from campfire.web.sessions import viewer

routes = web.RouteTableDef()

# What stands before and after whom it was done to.
WORDS: Final[dict[Kind, tuple[str, str]]] = {
    "account.changed": ("changed the settings", ""),
    "bot.changed": ("changed the bot", ""),
    "bot.keyed": ("made a new key for", ""),
    "bot.made": ("made the bot", ""),
    "bot.removed": ("removed the bot", ""),
    "invitation.renewed": ("made a new invitation", ""),
    "job.discarded": ("discarded a job", ""),
    "job.retried": ("tried a job once more", ""),
    "member.added": ("let", "into a room"),
    "member.removed": ("put", "out of a room"),
    "message.edited": ("edited a message of", ""),
    "message.removed": ("deleted a message of", ""),
    "message.restored": ("brought back a message of", ""),
    "password.reset": ("gave a new password to", ""),
    "person.added": ("let in", ""),
    "person.appointed": ("changed the role of", ""),
    "person.banned": ("banned", ""),
    "person.deactivated": ("removed", ""),
    "person.readmitted": ("lifted the ban on", ""),
    "room.closed": ("closed a room", ""),
    "room.deleted": ("deleted a room", ""),
    "room.kept": ("changed how long messages stay in a room", ""),
    "room.opened": ("opened a room", ""),
    "room.renamed": ("renamed a room", ""),
    "room.restored": ("brought back a room", ""),
    "room.swept": ("deleted what was old enough in a room", ""),
    "webhook.started": ("switched on the webhook of", ""),
    "webhook.stopped": ("switched off the failing webhook of", ""),
}
ORIGINS: Final = {"command line": "The command line", "campfire": "Campfire itself"}


@dataclass(frozen=True, slots=True)
class Log:
    account: accounts.Account
    acts: list[Act]
    more: bool

    @classmethod
    def look(cls, db: Reads, admin_id: int, before: int | None, limit: int) -> "Log":
        found = acts.page(db, admin_id, before=before, limit=limit)
        return cls(accounts.require(db), *found)


@routes.get("/account/acts")
async def index(request: web.Request) -> web.Response:
    user = await viewer(request)
    before, limit = forms.number(request, "before"), forms.number(request, "limit")
    size = forms.clamped(limit, acts.PAGE, acts.LONGEST_PAGE)
    found = await request.app[DB].read(Log.look, user.id, before, size)
    onward = (
        f"/account/acts?before={found.acts[-1].id}&limit={size}" if found.more else None
    )
    if representation(request) == "json":
        base = request.app[PEERS].base
        answer = responses.json([presented(each, base) for each in found.acts])
        if onward:
            answer.headers[hdrs.LINK] = f'<{onward}>; rel="next"'
        return answer
    page = await shell.page(
        request,
        "acts/index.html",
        found.account,
        acts=found.acts,
        words=WORDS,
        origins=ORIGINS,
        onward=onward,
    )
    return responses.html(page)


def presented(act: Act, base: str) -> dict[str, Any]:
    return {
        "id": act.id,
        "at": render.time(act.at),
        "kind": act.kind,
        "origin": act.origin,
        "actor": act.actor and render.user(act.actor, base),
        "user": act.user and render.user(act.user, base),
        "room_id": act.room_id,
        "room_name": act.room_name,
        "detail": act.detail,
    }
