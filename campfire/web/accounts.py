"""The account: its name, logo and styles, its invitation, and who is on it."""

import base64
import io
from importlib import resources
from typing import Any, Final, Literal
from urllib.parse import urlencode

import segno
from aiohttp import hdrs, web

from campfire.chat import accounts, rooms, users
from campfire.chat.accounts import Account
from campfire.chat.users import User
from campfire.database import Reads
from campfire.refusals import Invalid, NotFound
from campfire.web import forms, pictures, render, responses, shell
from campfire.web.keys import DB, DRILL, ID, LIMITS, PEERS
from campfire.web.limits import UPLOADS
from campfire.web.middleware import public
from campfire.web.requests import etag, representation
from campfire.web.rooms import join_url
from campfire.web.sessions import viewer

routes = web.RouteTableDef()

PERSON: Final = f"/account/users/{{user_id:{ID}}}"
LARGE: Final = 512
SMALL: Final = 192
FIVE_MINUTES: Final = "public, max-age=300, stale-while-revalidate=604800"
STATIC: Final = resources.files("campfire") / "static"
OURS: Final = {
    size: (STATIC / f"logo-{size}.png").read_bytes() for size in ("large", "small")
}
RESTRICTED: Final = "restrict_room_creation_to_administrators"
NEAR: Final = "webhooks_may_reach_private_addresses"


@routes.get("/account")
async def show(request: web.Request) -> web.Response:
    user = await viewer(request)
    if representation(request) == "json":
        account = await request.app[DB].read(accounts.require)
        return responses.json(presented(request, account))
    return await settings(request, user, {})


@routes.patch("/account")
@routes.post("/account")
async def update(request: web.Request) -> web.Response:
    user = await viewer(request)
    fields = await forms.body(request, largest=pictures.LARGEST)
    db = request.app[DB]
    try:
        if image := forms.file(fields, "logo"):
            await db.read(users.require_administrator, user.id)
            request.app[LIMITS].hit(UPLOADS, str(user.id))
            large = await pictures.remade(image, "fit", LARGE, "PNG", "logo")
            small = await pictures.remade(large, "fit", SMALL, "PNG", "logo")
        account = await db.write(
            accounts.revise,
            user.id,
            name=forms.optional_text(fields, "name"),
            custom_styles=forms.optional_text(fields, "custom_styles"),
            only_administrators_create_rooms=setting(fields, RESTRICTED),
            webhooks_may_be_near=setting(fields, NEAR),
        )
        if image:
            account = await db.write(accounts.set_logo, user.id, (large, small))
    except Invalid as refusal:
        if representation(request) == "page":
            return await settings(request, user, refusal.errors)
        raise
    if representation(request) == "page":
        return responses.see("/account?saved")
    return responses.json(presented(request, account))


@routes.post("/account/join_code")
async def renew_invitation(request: web.Request) -> web.Response:
    user = await viewer(request)
    account = await request.app[DB].write(accounts.renew_join_code, user.id)
    if representation(request) == "page":
        return responses.see("/account")
    return responses.json({"join_url": join_url(request, account)}, 201)


@routes.get("/account/users")
async def people(request: web.Request) -> web.Response:
    user = await viewer(request)
    query = request.query.get("query", "")
    found, more = await request.app[DB].read(
        users.on_account, user, query=query, after=forms.number(request, "after") or 0
    )
    base = request.app[PEERS].base
    listed = responses.json([render.user(person, base) for person in found])
    if more:
        onward = urlencode(
            {"after": found[-1].id} | ({"query": query} if query else {})
        )
        listed.headers[hdrs.LINK] = f'</account/users?{onward}>; rel="next"'
    return listed


@routes.patch(PERSON)
@routes.post(PERSON)
async def appoint(request: web.Request) -> web.Response:
    user = await viewer(request)
    person = await request.app[DB].write(
        accounts.appoint,
        user.id,
        forms.path_id(request, "user_id"),
        forms.text(await forms.body(request), "role"),
    )
    if representation(request) == "page":
        return responses.see("/account#people")
    return responses.json(render.user(person, request.app[PEERS].base))


@routes.delete(PERSON)
@routes.post(f"{PERSON}/delete")
async def deactivate(request: web.Request) -> web.Response:
    user = await viewer(request)
    user_id = forms.path_id(request, "user_id")
    await request.app[DB].write(accounts.deactivate, user.id, user_id)
    return responses.done(request, "/account#people")


@routes.get("/account/logo")
@public
async def logo(request: web.Request) -> web.Response:
    """The account's own logo, or ours, as PNG; open to all, for icons and doors."""
    size: Literal["large", "small"] = (
        "small" if request.query.get("size") == "small" else "large"
    )
    image = await request.app[DB].read(accounts.logo, size) or OURS[size]
    headers = {hdrs.CACHE_CONTROL: FIVE_MINUTES, hdrs.ETAG: etag(image)}
    if etag(image) in request.headers.get(hdrs.IF_NONE_MATCH, ""):
        return web.Response(status=304, headers=headers)
    return web.Response(body=image, content_type="image/png", headers=headers)


@routes.delete("/account/logo")
@routes.post("/account/logo/delete")
async def remove_logo(request: web.Request) -> web.Response:
    user = await viewer(request)
    await request.app[DB].write(accounts.set_logo, user.id, None)
    return responses.done(request, "/account")


@routes.get("/account/styles.css")
async def styles(request: web.Request) -> web.Response:
    """The account's own style sheet; `?plain` on a page leaves it out."""
    text = await request.app[DB].read(accounts.custom_styles)
    headers = {hdrs.CACHE_CONTROL: "private, max-age=31536000, immutable"}
    return web.Response(text=text, content_type="text/css", headers=headers)


@routes.get("/qr_code/{text}")
async def qr_code(request: web.Request) -> web.Response:
    """A picture of a short text, for a phone's camera."""
    text = request.match_info["text"]
    if len(text.encode("utf-8", "surrogatepass")) > 512:
        raise NotFound("There is no such code.")
    image = io.BytesIO()
    segno.make(decoded(text), micro=False).save(
        image, kind="svg", xmldecl=False, svgns=True, border=4, scale=8, omitsize=True
    )
    headers = {hdrs.CACHE_CONTROL: "private, max-age=31536000, immutable"}
    return web.Response(
        body=image.getvalue(), content_type="image/svg+xml", headers=headers
    )


async def settings(
    request: web.Request, user: User, errors: dict[str, str]
) -> web.Response:
    after, query = forms.number(request, "after") or 0, request.query.get("query", "")
    context = await request.app[DB].read(behind_settings, user, query, after)
    drill = request.app[DRILL]
    page = await shell.page(
        request,
        "accounts/show.html",
        errors=errors,
        saved="saved" in request.query,
        query=query,
        join_url=join_url(request, context["account"]),
        drill=await drill() if drill and user.role == "administrator" else None,
        **context,
    )
    return responses.html(page, 422 if errors else 200)


def behind_settings(db: Reads, user: User, query: str, after: int) -> dict[str, Any]:
    account = accounts.require(db)
    found, more = users.on_account(db, user, query=query, after=after)
    return {
        "account": account,
        "rooms": rooms.all_of(db, user.id),
        "styles": accounts.custom_styles(db),
        "people": found,
        "next": found[-1].id if more else None,
    }


def presented(request: web.Request, account: Account) -> dict[str, Any]:
    return {
        "name": account.name,
        "join_url": join_url(request, account),
        "settings": {
            RESTRICTED: account.only_administrators_create_rooms,
            NEAR: account.webhooks_may_be_near,
        },
        "logo_url": f"{request.app[PEERS].base}/account/logo?v={account.logo_at or 0}",
    }


def setting(fields: forms.Fields, name: str) -> bool | None:
    """A setting, as a program or a form says it; None leaves it."""
    settings = fields.get("settings", fields)
    if not isinstance(settings, dict):
        raise Invalid(
            "The settings cannot be read.", settings="This must be an object."
        )
    return forms.flag(settings, name)


def qr_code_path(text: str) -> str:
    """Where the picture of a text is."""
    return f"/qr_code/{base64.urlsafe_b64encode(text.encode()).decode().rstrip('=')}"


def decoded(text: str) -> str:
    """What the address holds: URL-safe base64, as Campfire has always had, or text."""
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return data.decode("utf-8")
    except ValueError:
        return text
