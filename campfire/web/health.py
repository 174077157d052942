"""Is it alive, and is it well: two questions from whoever watches the process."""

from typing import Final

from aiohttp import web

from campfire import __version__
from campfire.web import responses
from campfire.web.keys import READINESS
from campfire.web.middleware import public

# Without them all goes on, only later.
DISPENSABLE: Final = frozenset({"broker"})

routes = web.RouteTableDef()


@routes.get("/health")
@public
async def alive(request: web.Request) -> web.Response:
    return responses.json({"status": "ok", "version": __version__})


@routes.get("/ready")
@public
async def ready(request: web.Request) -> web.Response:
    components = await request.app[READINESS].components()
    ill = {name for name, state in components.items() if state != "ok"}
    if ill <= DISPENSABLE:
        status = "degraded" if ill else "ok"
        return responses.json({"status": status, "components": components})
    body = {"status": "unavailable", "components": components}
    return responses.json(body, 503, **{"Retry-After": "5"})
