"""People: finding them, their cards and pictures, and one's own profile."""

import asyncio
import os
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from aiohttp import hdrs, web

from campfire.chat import (
    accounts,
    avatars,
    bans,
    passwords,
    profiles,
    push,
    quiet_hours,
    rooms,
    sessions,
    sounds,
    users,
)
from campfire.chat.push import Entry, Subscription
from campfire.chat.users import Profile, User
from campfire.database import Reads
from campfire.refusals import Conflict, Invalid, TooMany
from campfire.web import forms, pictures, render, responses, shell
from campfire.web.keys import (
    DB,
    EXPORT,
    EXPORTING,
    ID,
    LIMITS,
    PASSWORDS,
    PEERS,
    PRESENT,
)
from campfire.web.limits import EXPORTS, GUESSES, SEARCHES, UPLOADS
from campfire.web.requests import representation
from campfire.web.sessions import viewer, viewer_of

routes = web.RouteTableDef()

USER: Final = f"/users/{{user_id:{ID}}}"
AVATAR: Final = 512
CHUNK: Final = 256 * 1024
EXPORTS_AT_ONCE: Final = 2

# Dark enough that white letters on them reach 4.5:1.
COLOURS: Final = (
    *("#af2e1b", "#a4501a", "#3b4b59", "#7a6236", "#8a5200", "#b5351a", "#bf1b1b"),
    *("#6b6418", "#96561f", "#5f6a48", "#ad1d1d", "#83581d", "#85633f", "#52707c"),
    *("#5c714c", "#5d618f", "#3b3633", "#67695e"),
)
HALF_AN_HOUR: Final = "private, max-age=1800, stale-while-revalidate=604800"


@routes.get("/users")
async def index(request: web.Request) -> web.Response:
    """Whom a few letters may mean, best first."""
    user = await viewer(request)
    request.app[LIMITS].hit(SEARCHES, str(user.id))
    found = await request.app[DB].read(
        users.completions,
        user.id,
        request.query.get("query", ""),
        forms.number(request, "room_id"),
    )
    base = request.app[PEERS].base
    return responses.json([render.user(each, base) for each in found])


@routes.get("/users/me")
async def me(request: web.Request) -> web.Response:
    user = await viewer(request)
    if representation(request) == "json":
        address = await request.app[DB].read(users.email_address, user.id)
        return responses.json(render.me(user, address, request.app[PEERS].base))
    return await profile(request, user, {}, {})


@routes.patch("/users/me")
@routes.post("/users/me")
async def update(request: web.Request) -> web.Response:
    """Changes what is given: fields, or a picture as one part of a form."""
    session = await viewer_of(request)
    assert session is not None, "the guard lets nobody unknown through"
    user = session.user
    db = request.app[DB]
    fields = await forms.body(request, largest=pictures.LARGEST)
    try:
        change, proven = await revision(request, user, fields)
        if image := forms.file(fields, "avatar"):
            request.app[LIMITS].hit(UPLOADS, str(user.id))
            image = await pictures.remade(image, "square", AVATAR, "WEBP", "avatar")
        if change != Profile():
            user = await db.write(
                profiles.revise, user.id, change, proven=proven, session_id=session.id
            )
        if image:
            user = await db.write(profiles.picture, user.id, image)
    except (Conflict, Invalid) as refusal:
        if representation(request) == "page":
            errors = (
                refusal.errors
                if isinstance(refusal, Invalid)
                else {"email_address": refusal.detail}
            )
            return await profile(request, user, errors, fields, refusal.status)
        raise
    if representation(request) == "page":
        return responses.see(f"/users/me?saved{'=photo' if image else ''}")
    address = await db.read(users.email_address, user.id)
    return responses.json(render.me(user, address, request.app[PEERS].base))


@routes.post("/users/me/export")
async def export(request: web.Request) -> web.StreamResponse:
    """What one wrote, as pages to read without us, in a ZIP file."""
    user = await viewer(request)
    exporting = request.app[EXPORTING]
    if user.id in exporting:
        raise TooMany("Your words are on their way already.", retry_after=60)
    if len(exporting) >= EXPORTS_AT_ONCE:
        raise TooMany("Others are taking their words along just now.", retry_after=60)
    request.app[LIMITS].hit(EXPORTS, str(user.id))
    exporting.add(user.id)
    try:
        file = await asyncio.to_thread(request.app[EXPORT], user)
    finally:
        exporting.remove(user.id)
    with file:
        response = web.StreamResponse(
            headers={
                hdrs.CONTENT_TYPE: "application/zip",
                hdrs.CONTENT_DISPOSITION: 'attachment; filename="words.zip"',
                hdrs.CACHE_CONTROL: "no-store",
            }
        )
        response.content_length = file.seek(0, os.SEEK_END)
        file.seek(0)
        await response.prepare(request)
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            await response.write(chunk)
        await response.write_eof()
        return response


@routes.delete("/users/me/avatar")
@routes.post("/users/me/avatar/delete")
async def remove_picture(request: web.Request) -> web.Response:
    user = await viewer(request)
    await request.app[DB].write(profiles.picture, user.id, None)
    return responses.done(request, "/users/me")


@routes.get(USER)
async def show(request: web.Request) -> web.Response:
    asking = await viewer(request)
    user = await request.app[DB].read(users.find, forms.path_id(request, "user_id"))
    if representation(request) == "json":
        return responses.json(render.user(user, request.app[PEERS].base))
    context = await request.app[DB].read(beside_a_person, asking, user)
    return responses.html(
        await shell.page(
            request,
            "users/show.html",
            user=user,
            is_here=user.id in request.app[PRESENT](),
            **context,
        )
    )


@routes.post(f"{USER}/ban")
async def ban(request: web.Request) -> web.Response:
    asking, user_id = await viewer(request), forms.path_id(request, "user_id")
    await request.app[DB].write(bans.add, asking.id, user_id)
    return responses.done(request, f"/users/{user_id}")


@routes.delete(f"{USER}/ban")
@routes.post(f"{USER}/ban/delete")
async def unban(request: web.Request) -> web.Response:
    asking, user_id = await viewer(request), forms.path_id(request, "user_id")
    await request.app[DB].write(bans.remove, asking.id, user_id)
    return responses.done(request, f"/users/{user_id}")


@routes.get(f"{USER}/avatar")
async def avatar(request: web.Request) -> web.Response:
    user = await request.app[DB].read(users.find, forms.path_id(request, "user_id"))
    tag = f'W/"{user.id}-{user.updated_at}"'
    headers = {hdrs.CACHE_CONTROL: HALF_AN_HOUR, hdrs.ETAG: tag}
    if tag in request.headers.get(hdrs.IF_NONE_MATCH, ""):
        return web.Response(status=304, headers=headers)
    image = await request.app[DB].read(avatars.find, user.id)
    if image is not None:
        return web.Response(body=image, content_type="image/webp", headers=headers)
    return web.Response(
        text=picture(user), content_type="image/svg+xml", headers=headers
    )


async def revision(
    request: web.Request, user: User, fields: forms.Fields
) -> tuple[Profile, str | None]:
    """What is to change, and the hash that the current password matched.

    An address left as it is and an empty password change nothing.
    """
    db, passwords_at = request.app[DB], request.app[PASSWORDS]
    name, bio = forms.optional_text(fields, "name"), forms.optional_text(fields, "bio")
    address = forms.optional_text(fields, "email_address")
    known = await db.read(users.email_address, user.id) or ""
    if address is not None:
        address = users.require_address(address)
        address = None if address == known else address
    password = forms.optional_text(fields, "password") or None
    theme = forms.optional_text(fields, "theme")
    if theme not in (None, "auto", "light", "dark"):
        raise Invalid("This is no light.", theme="One of auto, light, dark.")
    proven = None
    password_hash = None
    if address is not None or password is not None:
        current = forms.optional_text(fields, "current_password") or ""
        # Whoever sits at somebody else's screen guesses no better than at the door.
        limits, guesses = request.app[LIMITS], known or str(user.id)
        limits.require_room(GUESSES, guesses)
        stored = await db.read(users.password_hash, user.id)
        if await passwords_at.matches(current, stored):
            proven = stored
        elif current:
            limits.hit(GUESSES, guesses)
    name = None if name is None else users.require_name(name)
    if password is not None and proven is not None:
        passwords.require_acceptable(password, address or known, name or user.name)
        password_hash = await passwords_at.hashed(password)
    elif password is not None:
        password_hash = ""  # Refused below: nothing proves who asks.
    return (
        Profile(
            name=name,
            email_address=address,
            bio=None if bio is None else users.require_bio(bio),
            password_hash=password_hash,
            theme=theme,
            shows_previews=forms.flag(fields, "shows_previews"),
            plays_sounds=forms.flag(fields, "plays_sounds"),
        ),
        proven,
    )


async def profile(
    request: web.Request,
    user: User,
    errors: dict[str, str],
    typed: forms.Fields,
    status: int = 200,
) -> web.Response:
    """One's own page; after a mistake with what was typed, which is not yet kept."""
    context = await request.app[DB].read(behind_a_profile, user.id)
    session = await viewer_of(request)
    page = await shell.page(
        request,
        "users/me.html",
        errors=errors,
        typed=typed,
        saved=request.query.get("saved"),
        session_id=session.id if session else None,
        **context,
    )
    return responses.html(page, status)


@dataclass(frozen=True, slots=True)
class Devices:
    """What rings where, as a list of sign-ins shows it."""

    subscriptions: Sequence[Subscription]
    ledger: Sequence[Entry]

    def subscription(self, session_id: int) -> Subscription | None:
        """Where the sign-in is rung; the newest, if a program named several."""
        found = [each for each in self.subscriptions if each.session_id == session_id]
        return found[-1] if found else None

    def entries(self, session_id: int) -> list[Entry]:
        """The last twelve answers, the newest last."""
        found = [each for each in self.ledger if each.session_id == session_id]
        return found[:12][::-1]


def behind_a_profile(db: Reads, user_id: int) -> dict[str, Any]:
    hours = quiet_hours.find(db, user_id)
    return {
        "account": accounts.require(db),
        "rooms": rooms.all_of(db, user_id),
        "email_address": users.email_address(db, user_id),
        "sign_ins": sessions.all_of(db, user_id),
        "devices": Devices(push.all_of(db, user_id), push.ledger(db, user_id)),
        "hours": hours,
        "quiet_until": hours and hours.until(time.time_ns() // 1_000_000),
        "sounds": sounds.SOUNDS.values(),
        "has_picture": avatars.find(db, user_id) is not None,
    }


def beside_a_person(db: Reads, asking: User, user: User) -> dict[str, Any]:
    """What stands on somebody's card; the address only for administrators."""
    is_administrator = asking.role == "administrator"
    return {
        "account": accounts.require(db),
        "rooms": rooms.all_of(db, asking.id),
        "direct_room_id": rooms.direct_among(db, {asking.id, user.id}),
        "email_address": users.email_address(db, user.id) if is_administrator else None,
    }


def picture(user: User) -> str:
    if user.role == "bot":
        return face(user)
    letters = initials(user.name)
    colour = colour_of(user)
    squeeze = ' textLength="435" lengthAdjust="spacingAndGlyphs"'
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 512 512">'
        f'<rect width="512" height="512" rx="50" fill="{colour}"/>'
        '<text x="256" y="256" dy="0.35em" text-anchor="middle" fill="#fff"'
        ' font-family="system-ui, sans-serif" font-size="230" font-weight="700"'
        f'{squeeze if len(letters) > 2 else ""}>{escape(letters)}</text></svg>'
    )


def face(user: User) -> str:
    """A bot without a picture has a face: two eyes, an antenna."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 512 512">'
        f'<rect width="512" height="512" rx="50" fill="{colour_of(user)}"/>'
        '<g fill="#fff"><rect x="116" y="186" width="280" height="210" rx="56"/>'
        '<rect x="244" y="118" width="24" height="80"/>'
        '<circle cx="256" cy="112" r="30"/></g>'
        f'<g fill="{colour_of(user)}"><circle cx="200" cy="276" r="30"/>'
        '<circle cx="312" cy="276" r="30"/>'
        '<rect x="196" y="332" width="120" height="20" rx="10"/></g></svg>'
    )


def colour_of(user: User) -> str:
    return COLOURS[zlib.crc32(str(user.id).encode()) % len(COLOURS)]


def initials(name: str) -> str:
    """The first letter or digit of each word, at most three."""
    firsts = (next(filter(str.isalnum, word), "") for word in name.split())
    return "".join(firsts)[:3] or "?"
