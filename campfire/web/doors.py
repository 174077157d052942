"""The doors: first run, sign in, sign out, and the way in by invitation."""

import hmac
import time
from typing import Final
from urllib.parse import quote

import aiohttp_session
from aiohttp import hdrs, web

from campfire.chat import accounts, passwords, push, sessions, users
from campfire.chat.users import User
from campfire.database import Reads
from campfire.refusals import (
    Conflict,
    Invalid,
    NotFound,
    SignedOut,
    TooMany,
    Unreadable,
)
from campfire.web import forms, render, responses, shell
from campfire.web.keys import DB, ID, LIMITS, PASSWORDS, PEERS, RENDERER
from campfire.web.limits import (
    GUESSES,
    INVITATIONS,
    JOINS,
    SIGN_IN,
    TRANSFERS,
    subscriber,
)
from campfire.web.middleware import RETURN_TO, public
from campfire.web.requests import representation
from campfire.web.sessions import viewer, viewer_of

routes = web.RouteTableDef()

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
            account=account,
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
        request.app[LIMITS].hit(JOINS, who(request))
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
            account=account,
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
    guesses = users.canonical_address(address)[:300]
    try:
        request.app[LIMITS].hit(SIGN_IN, who(request))
        request.app[LIMITS].require_room(GUESSES, guesses)
    except TooMany as refusal:
        if representation(request) == "page":
            response = await sign_in_page(request, address, status=429, error=WRONG)
            response.headers[hdrs.RETRY_AFTER] = str(refusal.retry_after)
            return response
        raise
    known = await request.app[DB].read(users.credentials, address)
    right = await request.app[PASSWORDS].matches(
        password, known.password_hash if known else None
    )
    if known is None or not right:
        request.app[LIMITS].hit(GUESSES, guesses)
        if representation(request) == "page":
            return await sign_in_page(request, address, status=401, error=WRONG)
        raise SignedOut(WRONG)
    proven = known.password_hash
    if proven is not None and passwords.is_foreign(proven):
        made = await request.app[PASSWORDS].hashed(password)
        if await request.app[DB].write(users.rehash, known.user_id, proven, made):
            proven = made
    user = await request.app[DB].read(users.find, known.user_id)
    return await signed_in(request, user, 201, proven=proven)


@routes.delete("/session")
async def destroy(request: web.Request) -> web.Response:
    await sign_out(request)
    return forgotten(request, responses.nothing())


@routes.post("/session/end")
async def end(request: web.Request) -> web.Response:
    """For a form, which can only get and post."""
    await sign_out(request)
    return forgotten(request, responses.see("/session/new"))


@routes.get("/sessions")
async def index(request: web.Request) -> web.Response:
    """Where one is signed in; which of them is this one."""
    session = await viewer_of(request)
    assert session is not None, "the guard lets nobody unknown through"
    listed = await request.app[DB].read(sessions.all_of, session.user.id)
    return responses.json([render.sign_in(sign_in, session.id) for sign_in in listed])


@routes.delete("/sessions")
@routes.post("/sessions/delete")
async def end_others(request: web.Request) -> web.Response:
    """Ends every sign-in but this one."""
    session = await viewer_of(request)
    assert session is not None, "the guard lets nobody unknown through"
    await request.app[DB].write(sessions.end_others, session.user.id, session.id)
    return responses.done(request, "/users/me")


@routes.delete(f"/sessions/{{session_id:{ID}}}")
@routes.post(f"/sessions/{{session_id:{ID}}}/delete")
async def end_one(request: web.Request) -> web.Response:
    session = await viewer_of(request)
    assert session is not None, "the guard lets nobody unknown through"
    session_id = forms.path_id(request, "session_id")
    await request.app[DB].write(sessions.end, session.user.id, session_id)
    return responses.done(request, "/users/me")


@routes.post("/session/transfers")
async def transfer(request: web.Request) -> web.Response:
    """A link to sign in on another device."""
    return await transferred(request, await viewer(request))


@routes.post(f"/users/{{user_id:{ID}}}/transfers")
async def way_back(request: web.Request) -> web.Response:
    """A link for somebody who is locked out, from an administrator."""
    user = await viewer(request)
    db = request.app[DB]
    await db.read(users.require_administrator, user.id)
    locked_out = await db.read(users.require_person, forms.path_id(request, "user_id"))
    return await transferred(request, locked_out)


@routes.get("/session/transfers/{token}")
@public
async def arrive(request: web.Request) -> web.Response:
    """Never signs in: whoever previews a link would. The page's form does."""
    token = request.match_info["token"]
    if representation(request) == "json":
        expires_at = await request.app[DB].read(
            sessions.transfer_end, token, time.time_ns() // 1_000_000
        )
        return responses.json({"expires_at": render.time(expires_at)})
    page = request.app[RENDERER].page("sessions/transfer.html", token=token)
    return responses.html(page)


@routes.put("/session/transfers/{token}")
@routes.post("/session/transfers/{token}")
@public
async def take_transfer(request: web.Request) -> web.Response:
    try:
        user = await request.app[DB].write(
            sessions.take_transfer, request.match_info["token"]
        )
    except Unreadable as refusal:
        if representation(request) != "page":
            raise
        page = request.app[RENDERER].page(
            "errors/show.html",
            status=refusal.status,
            title="This link has gone out",
            detail="It was used, or it is older than four hours. Make a new one.",
        )
        return responses.html(page, refusal.status)
    return await signed_in(request, user, 201)


async def transferred(request: web.Request, user: User) -> web.Response:
    request.app[LIMITS].hit(TRANSFERS, str((await viewer(request)).id))
    token, expires_at = await request.app[DB].write(sessions.transfer, user.id)
    url = request.app[PEERS].url(request, f"/session/transfers/{token}")
    if representation(request) == "json":
        made = {"transfer_url": url, "expires_at": render.time(expires_at)}
        return responses.json(made, 201)
    account = await request.app[DB].read(accounts.require)
    page = await shell.page(
        request, "sessions/transfer_link.html", account, url=url, user=user
    )
    return responses.html(page, 201)


def forgotten(request: web.Request, response: web.Response) -> web.Response:
    """Nobody who presses "back" after a sign-out finds the rooms or the drafts.

    What is kept belongs to the whole host: below a path of it others keep theirs, and
    the page and its worker forget ours alone.
    """
    kept = '"cache"' if request.app[PEERS].base else '"cache", "storage"'
    response.headers["Clear-Site-Data"] = kept
    return response


async def sign_out(request: web.Request) -> None:
    session = await viewer_of(request)
    assert session is not None, "the guard lets nobody unknown through"
    endpoint = forms.optional_text(
        await forms.body(request), "push_subscription_endpoint"
    )
    if endpoint:
        await request.app[DB].write(push.leave, session.user.id, endpoint)
    await request.app[DB].write(sessions.end, session.user.id, session.id)
    (await aiohttp_session.get_session(request)).invalidate()


async def signed_in(
    request: web.Request,
    user: User,
    status: int,
    *,
    proven: str | None = None,
    **more: object,
) -> web.Response:
    """Starts a session in place of the one the request came with."""
    former = await viewer_of(request)
    db = request.app[DB]
    token = await db.write(
        sessions.start,
        user.id,
        request.app[PEERS].address(request),
        request.headers.get(hdrs.USER_AGENT, ""),
        proven=proven,
    )
    if former is not None:
        await db.write(sessions.end, former.user.id, former.id)
    session = await aiohttp_session.new_session(request)
    session["token"] = token
    if representation(request) == "page":
        response = responses.see(return_path(request))
        response.del_cookie(RETURN_TO, path=request.app[PEERS].base or "/")
        return response
    address = await db.read(users.email_address, user.id)
    me = render.me(user, address, request.app[PEERS].base)
    return responses.json({"token": token, "user": me, **more}, status)


def return_path(request: web.Request) -> str:
    """Where somebody was going: only a path of ours, as we wrote it."""
    path = request.cookies.get(RETURN_TO, "/")
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if is_ours and path.isprintable() and path.isascii() else "/"


def who(request: web.Request) -> str:
    return subscriber(request.app[PEERS].address(request))


async def invited(request: web.Request) -> accounts.Account:
    """The account, for a right code; too many wrong ones from one place are refused."""
    request.app[LIMITS].require_room(INVITATIONS, who(request))
    account = await request.app[DB].read(accounts.find)
    given = request.match_info["code"].encode("utf-8", "surrogatepass")
    if account is None or not hmac.compare_digest(account.join_code.encode(), given):
        request.app[LIMITS].hit(INVITATIONS, who(request))
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
        account=account,
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
