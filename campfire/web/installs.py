"""What makes Campfire an app of the device: manifest, service worker, what is shared
with it, and the page for when there is no line."""

from typing import Final
from urllib.parse import quote

import orjson
from aiohttp import hdrs, web

from campfire.chat import accounts
from campfire.web import responses
from campfire.web.keys import DB, PEERS, RENDERER, STATIC
from campfire.web.middleware import public
from campfire.web.sessions import viewer

routes = web.RouteTableDef()

WORKER: Final = "js/worker.js"
OFFLINE: Final = "/offline"
# Pages need these; sounds and what is rarely looked at come when they are asked for.
KEPT: Final = (".css", ".js", ".svg")
# Looked at each time, so that nobody keeps an old worker for a day.
ASK_EACH_TIME: Final = "no-cache"
LONGEST_SHARED: Final = 4_000


@routes.get("/webmanifest")
@public
async def manifest(request: web.Request) -> web.Response:
    account = await request.app[DB].read(accounts.find)
    name = account.name if account else accounts.NAME
    base = request.app[PEERS].base
    logo = f"{base}/account/logo?v={account.logo_at or 0 if account else 0}"
    icon = {"src": logo, "sizes": "512x512", "type": "image/png"}
    icons = [
        {"src": f"{logo}&size=small", "sizes": "192x192", "type": "image/png"},
        icon,
        icon | {"purpose": "maskable"},
    ]
    told = {
        "id": f"{base}/",
        "name": name,
        "short_name": name,
        "description": "A chat for one team, around one fire.",
        "start_url": f"{base}/",
        "scope": f"{base}/",
        "display": "standalone",
        "background_color": "#f4efe9",
        "theme_color": "#f4efe9",
        "categories": ["social", "business", "productivity"],
        "icons": icons,
        "shortcuts": [
            {"name": "New chat room", "url": f"{base}/rooms/new?kind=open"},
            {"name": "New message", "url": f"{base}/rooms/new?kind=direct"},
            {"name": "My profile", "url": f"{base}/users/me"},
        ],
        "share_target": {
            "action": f"{base}/share",
            "method": "GET",
            "params": {"title": "title", "text": "text", "url": "url"},
        },
    }
    return web.Response(
        body=orjson.dumps(told),
        content_type="application/manifest+json",
        headers={hdrs.CACHE_CONTROL: ASK_EACH_TIME},
    )


@routes.get("/service-worker.js")
@public
async def worker(request: web.Request) -> web.Response:
    """The worker, told which files are of its time: other files, another worker."""
    static, base = request.app[STATIC], request.app[PEERS].base
    told = {
        "base": base,
        "digest": static.digest,
        "offline": f"{base}{OFFLINE}",
        "files": [
            static.url(name)
            for name in static.names()
            if name.endswith(KEPT) and name != WORKER
        ],
    }
    text = f"self.campfire = {orjson.dumps(told).decode()};\n{static.text(WORKER)}"
    return web.Response(
        text=text,
        content_type="text/javascript",
        charset="utf-8",
        headers={hdrs.CACHE_CONTROL: ASK_EACH_TIME},
    )


@routes.get(OFFLINE)
@public
async def offline(request: web.Request) -> web.Response:
    """Kept by the worker for when nothing else can be had; it says nothing private."""
    return responses.html(request.app[RENDERER].page("installs/offline.html"))


@routes.get("/share")
async def share(request: web.Request) -> web.Response:
    """Brings what another app shares into the composer of the room that was open last.

    It travels behind the hash, so it is a draft on the device and nothing else.
    """
    await viewer(request)
    words = [request.query.get(name, "").strip() for name in ("title", "text", "url")]
    shared = "\n".join(dict.fromkeys(filter(None, words)))[:LONGEST_SHARED]
    return responses.see(f"/#share={quote(shared, safe='')}", 302)
