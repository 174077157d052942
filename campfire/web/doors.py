"""The doors: first run, sign in, sign out, and the way in by invitation."""

import hmac
from typing import Final
from urllib.parse import quote

import aiohttp_session
from aiohttp import hdrs, web

from campfire.chat import accounts, sessions, users
from campfire.chat.users import User
from campfire.database import Reads
from campfire.refusals import Conflict, Invalid, NotFound, SignedOut
from campfire.web import forms, render, responses
from campfire.web.keys import DB, PASSWORDS, PEERS, RENDERER
from campfire.web.middleware import RETURN_TO, public
from campfire.web.requests import representation
from campfire.web.sessions import viewer_of

routes = web.RouteTableDef()

# Nobody who presses "back" after a sign-out finds the rooms or the drafts.
FORGET: Final = {"Clear-Site-Data": '"cache", "storage"'}
WRONG: Final = (
    "That did not work. Check the e-mail and the password, "
    "or wait three minutes and try again."
)


@routes.get("/first_run")
@public
async def first_run(request: web.Request) -> web.Response:
    if await request.app[DB].read(accounts.find) is not None:
        return already_set_up(request)
    return responses.html(
        request.app[RENDERER].page(
            "accounts/first_run.html", name="", email_address="", errors={}
        )
    )


@routes.post("/first_run")
@public
async def begin(request: web.Request) -> web.Response:
    db = request.app[DB]
    if await db.read(accounts.find) is not None:
        return already_set_up(request)
    fields = await forms.body(request)
    try:
        name, address, password = newcomer(fields)
        password_hash = await request.app[PASSWORDS].hashed(password)
        user, room = await db.write(accounts.begin, name, address, password_hash)
    except Conflict:
        return already_set_up(request)
    except Invalid as refusal:
        return again(request, "accounts/first_run.html", fields, refusal)
    return await signed_in(request, user, 201, room=render.room(room))


@routes.get("/join/{code}")
@public
async def invitation(request: web.Request) -> web.Response:
    account = await invited(request)
    if representation(request) == "json":
        return responses.json({"name": account.name})
    if await viewer_of(request) is not None:
        return responses.see("/", 302)
    return responses.html(
        request.app[RENDERER].page(
            "accounts/join.html",
            code=account.join_code,
            account_name=account.name,
            name="",
            email_address="",
            errors={},
        )
    )


@routes.post("/join/{code}")
@public
async def join(request: web.Request) -> web.Response:
    account = await invited(request)
    fields = await forms.body(request)
    try:
        name, address, password = newcomer(fields)
        password_hash = await request.app[PASSWORDS].hashed(password)
        user = await request.app[DB].write(
            users.join, account.join_code, name, address, password_hash
        )
    except Conflict:
        if representation(request) != "page":
            raise
        return responses.see(f"/session/new?email_address={quote(address)}")
    except Invalid as refusal:
        return again(
            request,
            "accounts/join.html",
            fields,
            refusal,
            code=account.join_code,
            account_name=account.name,
        )
    return await signed_in(request, user, 201)


@routes.get("/session/new")
@public
async def new(request: web.Request) -> web.Response:
    if await request.app[DB].read(accounts.find) is None:
        return responses.see("/first_run", 302)
    return await sign_in_page(request, request.query.get("email_address", ""))


@routes.post("/session")
@public
async def create(request: web.Request) -> web.Response:
    """Signs in; the answer is the same, and as slow, for an address nobody has."""
    fields = await forms.body(request)
    address = forms.text(fields, "email_address")
    password = forms.text(fields, "password")
    known = await request.app[DB].read(users.credentials, address)
    right = await request.app[PASSWORDS].matches(
        password, known.password_hash if known else None
    )
    if known is None or not right:
        if representation(request) == "page":
            return await sign_in_page(request, address, status=401, error=WRONG)
        raise SignedOut(WRONG)
    user = await request.app[DB].read(users.find, known.user_id)
    return await signed_in(request, user, 201)


@routes.delete("/session")
async def destroy(request: web.Request) -> web.Response:
    await sign_out(request)
    response = responses.nothing()
    response.headers.update(FORGET)
    return response


@routes.post("/session/end")
async def end(request: web.Request) -> web.Response:
    """For a form, which can only get and post."""
    await sign_out(request)
    response = responses.see("/session/new")
    response.headers.update(FORGET)
    return response


async def sign_out(request: web.Request) -> None:
    session = await viewer_of(request)
    assert session is not None, "the guard lets nobody unknown through"
    await request.app[DB].write(sessions.end, session.user.id, session.id)
    (await aiohttp_session.get_session(request)).invalidate()


async def signed_in(
    request: web.Request, user: User, status: int, **more: object
) -> web.Response:
    """Starts a session in place of the one the request came with."""
    former = await viewer_of(request)
    db = request.app[DB]
    if former is not None:
        await db.write(sessions.end, former.user.id, former.id)
    token = await db.write(
        sessions.start,
        user.id,
        request.app[PEERS].address(request),
        request.headers.get(hdrs.USER_AGENT, ""),
    )
    session = await aiohttp_session.new_session(request)
    session["token"] = token
    if representation(request) == "page":
        response = responses.see(return_path(request))
        response.del_cookie(RETURN_TO)
        return response
    address = await db.read(users.email_address, user.id)
    return responses.json(
        {"token": token, "user": render.me(user, address), **more}, status
    )


def return_path(request: web.Request) -> str:
    """Where somebody was going: only a path of ours, as we wrote it."""
    path = request.cookies.get(RETURN_TO, "/")
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if is_ours and path.isprintable() and path.isascii() else "/"


async def invited(request: web.Request) -> accounts.Account:
    account = await request.app[DB].read(accounts.find)
    given = request.match_info["code"].encode("utf-8", "surrogatepass")
    if account is None or not hmac.compare_digest(account.join_code.encode(), given):
        raise NotFound("This invitation is not valid any more.")
    return account


def newcomer(fields: forms.Fields) -> tuple[str, str, str]:
    """Name, address and password of somebody new. Raises Invalid."""
    password = forms.text(fields, "password")
    name, address = users.require_new(
        forms.text(fields, "name"), forms.text(fields, "email_address"), password
    )
    return name, address, password


def already_set_up(request: web.Request) -> web.Response:
    if representation(request) == "page":
        return responses.see("/", 302)
    raise Conflict("Campfire is set up already.")


def again(
    request: web.Request,
    template: str,
    fields: forms.Fields,
    refusal: Invalid,
    **context: object,
) -> web.Response:
    """The form as it was filled in, with what is wrong beside each field."""
    if representation(request) != "page":
        raise refusal
    page = request.app[RENDERER].page(
        template,
        name=fields.get("name", ""),
        email_address=fields.get("email_address", ""),
        errors=refusal.errors,
        **context,
    )
    return responses.html(page, 422)


async def sign_in_page(
    request: web.Request, address: str, *, status: int = 200, error: str | None = None
) -> web.Response:
    account, administrator = await request.app[DB].read(behind_the_door)
    page = request.app[RENDERER].page(
        "sessions/new.html",
        account_name=account.name if account else accounts.NAME,
        email_address=address,
        error=error,
        help=administrator,
    )
    return responses.html(page, status)


def behind_the_door(
    db: Reads,
) -> tuple[accounts.Account | None, users.Contact | None]:
    return accounts.find(db), users.first_administrator(db)
