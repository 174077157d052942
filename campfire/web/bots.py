"""Bots, for administrators: who they are, how they post, their keys.

A key is in the answer that makes it and in no other.
"""

from typing import Any, Final

from aiohttp import web

from campfire.chat import accounts, bots, rooms
from campfire.chat.bots import Bot, Secrets
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


@routes.get("/account/bots")
async def index(request: web.Request) -> web.Response:
    user = await viewer(request)
    if representation(request) == "json":
        found = await request.app[DB].read(bots.all_of, user.id)
        return responses.json([presented(bot) for bot in found])
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
        return responses.json(presented(bot))
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
    return responses.json(presented(bot))


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


@routes.delete(BOT)
@routes.post(f"{BOT}/delete")
async def destroy(request: web.Request) -> web.Response:
    user, bot_id = await viewer(request), forms.path_id(request, "bot_id")
    await request.app[DB].write(bots.retire, user.id, bot_id)
    return responses.done(request, "/account/bots")


async def unveiled(
    request: web.Request, bot: Bot, secrets: Secrets, status: int
) -> web.Response:
    """The one answer that holds the key; nothing may keep it."""
    if representation(request) == "page":
        response = await settings(request, bot, secrets=secrets, status=status)
    else:
        shown = presented(bot) | {
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


def presented(bot: Bot) -> dict[str, Any]:
    return render.user(bot.user) | {"webhook_url": bot.webhook_url}
