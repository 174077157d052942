"""People's pictures: initials on a colour of their own, in any script."""

import zlib
from html import escape
from typing import Final

from aiohttp import hdrs, web

from campfire.chat import users
from campfire.chat.users import User
from campfire.web import forms
from campfire.web.keys import DB, ID

routes = web.RouteTableDef()

# Dark enough that white letters on them reach 4.5:1.
COLOURS: Final = (
    *("#af2e1b", "#a4501a", "#3b4b59", "#7a6236", "#8a5200", "#b5351a", "#bf1b1b"),
    *("#6b6418", "#96561f", "#5f6a48", "#ad1d1d", "#83581d", "#85633f", "#52707c"),
    *("#5c714c", "#5d618f", "#3b3633", "#67695e"),
)
HALF_AN_HOUR: Final = "private, max-age=1800, stale-while-revalidate=604800"


@routes.get(f"/users/{{user_id:{ID}}}/avatar")
async def avatar(request: web.Request) -> web.Response:
    user = await request.app[DB].read(users.find, forms.path_id(request, "user_id"))
    tag = f'W/"{user.id}-{user.updated_at}"'
    headers = {hdrs.CACHE_CONTROL: HALF_AN_HOUR, hdrs.ETAG: tag}
    if tag in request.headers.get(hdrs.IF_NONE_MATCH, ""):
        return web.Response(status=304, headers=headers)
    return web.Response(
        text=picture(user), content_type="image/svg+xml", headers=headers
    )


def picture(user: User) -> str:
    letters = initials(user.name)
    colour = COLOURS[zlib.crc32(str(user.id).encode()) % len(COLOURS)]
    squeeze = ' textLength="435" lengthAdjust="spacingAndGlyphs"'
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 512 512">'
        f'<rect width="512" height="512" rx="50" fill="{colour}"/>'
        '<text x="256" y="256" dy="0.35em" text-anchor="middle" fill="#fff"'
        ' font-family="system-ui, sans-serif" font-size="230" font-weight="700"'
        f'{squeeze if len(letters) > 2 else ""}>{escape(letters)}</text></svg>'
    )


def initials(name: str) -> str:
    """The first letter or digit of each word, at most three."""
    firsts = (next(filter(str.isalnum, word), "") for word in name.split())
    return "".join(firsts)[:3] or "?"
