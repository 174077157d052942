"""Bots, for administrators: who they are, how they post, their keys.

A key is in the answer that makes it and in no other.
"""

import json
import re
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from aiohttp import hdrs, web

from campfire.chat import accounts, bots, deliveries, messages, rooms
from campfire.chat.bots import Bot, Secrets
from campfire.chat.deliveries import Delivery
from campfire.database import Reads
from campfire.refusals import Invalid
from campfire.web import forms, pictures, render, responses, shell
from campfire.web.keys import DB, ID, LIMITS, PEERS
from campfire.web.limits import UPLOADS
from campfire.web.requests import representation
from campfire.web.sessions import viewer
from campfire.web.users import AVATAR

routes = web.RouteTableDef()

BOT: Final = f"/account/bots/{{bot_id:{ID}}}"
MESSAGE_URL: Final = re.compile(rf"/rooms/({ID})/(?:@|messages/)({ID})$")


@routes.get("/account/bots")
async def index(request: web.Request) -> web.Response:
    user = await viewer(request)
    if representation(request) == "json":
        found = await request.app[DB].read(bots.all_of, user.id)
        return responses.json([presented(request, bot) for bot in found])
    context = await request.app[DB].read(behind_the_list, user.id)
    return await page(request, "bots/index.html", **context)


@routes.get("/account/bots/new")
async def new(request: web.Request) -> web.Response:
    return await blank(request, {}, {})


@routes.post("/account/bots")
async def create(request: web.Request) -> web.Response:
    user = await viewer(request)
    fields = await forms.body(request, largest=pictures.LARGEST)
    db = request.app[DB]
    try:
        image = await picture(request, fields)
        name = forms.text(fields, "name")
        webhook_url = forms.optional_text(fields, "webhook_url")
        bot, secrets = await db.write(bots.add, user.id, name, webhook_url)
    except Invalid as refusal:
        if representation(request) == "page":
            return await blank(request, refusal.errors, fields)
        raise
    if image:
        bot = await db.write(bots.picture, user.id, bot.user.id, image)
    return await unveiled(request, bot, secrets, 201)


@routes.get(BOT)
async def show(request: web.Request) -> web.Response:
    user = await viewer(request)
    bot = await request.app[DB].read(
        bots.find, user.id, forms.path_id(request, "bot_id")
    )
    if representation(request) == "json":
        return responses.json(presented(request, bot))
    return await settings(request, bot)


@routes.patch(BOT)
@routes.post(BOT)
async def update(request: web.Request) -> web.Response:
    user = await viewer(request)
    bot_id = forms.path_id(request, "bot_id")
    fields = await forms.body(request, largest=pictures.LARGEST)
    db = request.app[DB]
    bot = await db.read(bots.find, user.id, bot_id)
    # A program takes the webhook away with null, a form with nothing.
    if "webhook_url" in fields and fields["webhook_url"] is None:
        fields = {**fields, "webhook_url": ""}
    try:
        image = await picture(request, fields)
        bot = await db.write(
            bots.revise,
            user.id,
            bot_id,
            name=forms.optional_text(fields, "name"),
            webhook_url=forms.optional_text(fields, "webhook_url"),
        )
    except Invalid as refusal:
        if representation(request) == "page":
            return await settings(request, bot, errors=refusal.errors, typed=fields)
        raise
    if image:
        bot = await db.write(bots.picture, user.id, bot_id, image)
    if representation(request) == "page":
        return responses.see(f"/account/bots/{bot_id}?saved")
    return responses.json(presented(request, bot))


@routes.delete(f"{BOT}/avatar")
@routes.post(f"{BOT}/avatar/delete")
async def remove_picture(request: web.Request) -> web.Response:
    user, bot_id = await viewer(request), forms.path_id(request, "bot_id")
    await request.app[DB].write(bots.picture, user.id, bot_id, None)
    return responses.done(request, f"/account/bots/{bot_id}")


@routes.put(f"{BOT}/key")
@routes.post(f"{BOT}/key")
async def renew_key(request: web.Request) -> web.Response:
    user, bot_id = await viewer(request), forms.path_id(request, "bot_id")
    bot, secrets = await request.app[DB].write(bots.renew_key, user.id, bot_id)
    return await unveiled(request, bot, secrets, 200)


@routes.put(f"{BOT}/webhook")
@routes.post(f"{BOT}/webhook")
async def switch_on(request: web.Request) -> web.Response:
    """Has a webhook called again that was switched off because it failed."""
    user, bot_id = await viewer(request), forms.path_id(request, "bot_id")
    bot = await request.app[DB].write(bots.switch_on, user.id, bot_id)
    if representation(request) == "page":
        return responses.see(f"/account/bots/{bot_id}/deliveries")
    return responses.json(presented(request, bot))


@routes.delete(BOT)
@routes.post(f"{BOT}/delete")
async def destroy(request: web.Request) -> web.Response:
    user, bot_id = await viewer(request), forms.path_id(request, "bot_id")
    await request.app[DB].write(bots.retire, user.id, bot_id)
    return responses.done(request, "/account/bots")


@routes.get(f"{BOT}/deliveries")
async def bench(request: web.Request) -> web.Response:
    """What the bot was called with and what came back, newest first."""
    user, bot_id = await viewer(request), forms.path_id(request, "bot_id")
    before = forms.number(request, "before")
    found, more = await request.app[DB].read(deliveries.of_bot, user.id, bot_id, before)
    headers = {}
    if more:
        older = f"/account/bots/{bot_id}/deliveries?before={found[-1].id}"
        headers = {hdrs.LINK: f'<{older}>; rel="next"'}
    if representation(request) == "json":
        shown = [render.delivery(delivery) for delivery in found]
        response = responses.json(shown)
    else:
        bot = await request.app[DB].read(bots.find, user.id, bot_id)
        base = request.app[PEERS].base
        response = await page(
            request,
            "bots/bench.html",
            bot=bot,
            deliveries=[Tried.of(delivery, base) for delivery in found],
            older=found[-1].id if more else None,
            failed=sum(delivery.state == "failed" for delivery in found),
        )
    response.headers.update(headers)
    return response


@routes.post(f"{BOT}/deliveries")
async def attempt(request: web.Request) -> web.Response:
    """Calls the bot with a message that is there already, named by its address."""
    user, bot_id = await viewer(request), forms.path_id(request, "bot_id")
    url = forms.text(await forms.body(request), "message_url")
    place = MESSAGE_URL.search(url)
    if place is None:
        raise Invalid(
            "This is no message.",
            message_url="Copy the link of a message, such as /rooms/1/@2.",
        )
    await request.app[DB].write(
        messages.attempt, user.id, bot_id, int(place[1]), int(place[2])
    )
    return accepted(request, bot_id)


@routes.post(f"{BOT}/deliveries/{{delivery_id:{ID}}}/replay")
async def replay(request: web.Request) -> web.Response:
    """Makes a delivery again; `{"posts": false}` only to see what comes back."""
    user, bot_id = await viewer(request), forms.path_id(request, "bot_id")
    posts = forms.flag(await forms.body(request), "posts")
    delivery_id = forms.path_id(request, "delivery_id")
    await request.app[DB].write(
        partial(deliveries.replay, posts=posts is not False),
        *(user.id, bot_id, delivery_id),
    )
    return accepted(request, bot_id)


@routes.delete(f"{BOT}/deliveries/{{delivery_id:{ID}}}")
@routes.post(f"{BOT}/deliveries/{{delivery_id:{ID}}}/delete")
async def give_up(request: web.Request) -> web.Response:
    user, bot_id = await viewer(request), forms.path_id(request, "bot_id")
    delivery_id = forms.path_id(request, "delivery_id")
    await request.app[DB].write(deliveries.give_up, user.id, bot_id, delivery_id)
    return responses.done(request, f"/account/bots/{bot_id}/deliveries")


@dataclass(frozen=True, slots=True)
class Tried:
    """A delivery as the bench shows it."""

    delivery: Delivery
    at: str
    tried_at: str
    about: str
    tag: str
    outcome: str
    took: str
    payload: str

    @classmethod
    def of(cls, delivery: Delivery, base: str) -> "Tried":
        words, took = delivery.words, delivery.took
        about, payload = "A message of a room that you are not in", ""
        if words is not None:
            said = deliveries.below(base, words.payload)
            payload = json.dumps(said, indent=2, ensure_ascii=False)
            room = said["room"]["name"] or "a direct message"
            plain = said["message"]["body"]["plain"][:200]
            about = f"{said['user']['name']} in {room}: {plain}"
        code = delivery.code
        if delivery.state == "kept":
            tag, outcome = "", "not called"
        elif code is None:
            tag = "is-bad" if delivery.attempts or delivery.fault else ""
            outcome = delivery.fault or "on its way"
        elif delivery.state == "delivered" and code < 400:
            tag = "is-good" if delivery.has_reply else ""
            said_nothing = delivery.fault or "said nothing"
            outcome = f"{code}, {'answered' if delivery.has_reply else said_nothing}"
        else:
            tag, outcome = "is-bad", str(code)
        return cls(
            delivery,
            render.time(delivery.created_at),
            render.time(delivery.tried_at) if delivery.tried_at else "",
            about,
            tag,
            outcome,
            "" if took is None else f"{took / 1000:.1f} s",
            payload,
        )


def accepted(request: web.Request, bot_id: int) -> web.Response:
    """It is on its way: a form is led back to the bench."""
    if representation(request) == "page":
        return responses.see(f"/account/bots/{bot_id}/deliveries")
    return web.Response(status=202)


async def unveiled(
    request: web.Request, bot: Bot, secrets: Secrets, status: int
) -> web.Response:
    """The one answer that holds the key; nothing may keep it."""
    if representation(request) == "page":
        response = await settings(request, bot, secrets=secrets, status=status)
    else:
        shown = presented(request, bot) | {
            "bot_key": secrets.key,
            "signing_secret": secrets.signing,
        }
        response = responses.json(shown, status)
    response.headers["Cache-Control"] = "no-store"
    return response


async def blank(
    request: web.Request, errors: dict[str, str], typed: forms.Fields
) -> web.Response:
    user = await viewer(request)
    await request.app[DB].read(bots.all_of, user.id)  # For administrators alone.
    return await page(
        request,
        "bots/new.html",
        status=422 if errors else 200,
        errors=errors,
        typed=typed,
    )


async def settings(
    request: web.Request,
    bot: Bot,
    *,
    secrets: Secrets | None = None,
    errors: dict[str, str] | None = None,
    typed: forms.Fields | None = None,
    status: int = 200,
) -> web.Response:
    user = await viewer(request)
    shared = await request.app[DB].read(bots.rooms_of, user.id, [bot])
    return await page(
        request,
        "bots/show.html",
        status=422 if errors else status,
        bot=bot,
        secrets=secrets,
        shared=shared[bot.user.id],
        errors=errors or {},
        typed=typed or {},
        saved="saved" in request.query,
    )


async def page(
    request: web.Request, template: str, status: int = 200, **context: object
) -> web.Response:
    user = await viewer(request)
    account, listed = await request.app[DB].read(around, user.id)
    shown = await shell.page(
        request,
        template,
        account,
        rooms=listed,
        origin=request.app[PEERS].origin(request),
        **context,
    )
    return responses.html(shown, status)


def around(db: Reads, user_id: int) -> tuple[accounts.Account, list[rooms.Room]]:
    return accounts.require(db), rooms.all_of(db, user_id)


def behind_the_list(db: Reads, admin_id: int) -> dict[str, Any]:
    found = bots.all_of(db, admin_id)
    return {"bots": found, "shared": bots.rooms_of(db, admin_id, found)}


async def picture(request: web.Request, fields: forms.Fields) -> bytes | None:
    """The picture that came with a form, made small; None without one."""
    image = forms.file(fields, "avatar")
    if not image:
        return None
    user = await viewer(request)
    await request.app[DB].read(bots.all_of, user.id)  # For administrators alone.
    request.app[LIMITS].hit(UPLOADS, str(user.id))
    return await pictures.remade(image, "square", AVATAR, "WEBP")


def presented(request: web.Request, bot: Bot) -> dict[str, Any]:
    off_at = bot.switched_off_at
    return render.user(bot.user, request.app[PEERS].base) | {
        "webhook_url": bot.webhook_url,
        "webhook_switched_off_at": None if off_at is None else render.time(off_at),
    }
