"""Puts the house together: the only place that knows every part.

Starts from the database up, stops from the sockets down, and hands each part what it
needs as an argument.
"""

import asyncio
import functools
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import aiohttp_jinja2
import aiohttp_session
import jinja2
from aiohttp import web

from campfire import __version__, archive, exports
from campfire.chat import deliveries
from campfire.chat.previews import KIND
from campfire.chat.push import PUSH, ROUND
from campfire.chat.users import User
from campfire.config import Config
from campfire.database import Database, Event
from campfire.live.hub import Hub
from campfire.live.sockets import Sockets
from campfire.live.streams import Streams
from campfire.live.sweeps import Sweeps
from campfire.live.watch import Watch
from campfire.metrics import Numbers
from campfire.nights import Nights
from campfire.outside import vapid
from campfire.outside.addresses import NEAR
from campfire.outside.client import Client
from campfire.outside.jobs import Runner
from campfire.outside.previews import SIZE, Previews
from campfire.outside.push import Push
from campfire.outside.webhooks import Webhooks
from campfire.storage import Storage
from campfire.turns import FILE as TURNS
from campfire.turns import Turns, Worker
from campfire.web import (
    accounts,
    acts,
    boosts,
    bots,
    doors,
    files,
    health,
    inbox,
    installs,
    jobs,
    keyed,
    messages,
    openapi,
    pictures,
    posting,
    previews,
    push,
    render,
    responses,
    retentions,
    rooms,
    searches,
    trash,
    usage,
    users,
)
from campfire.web.bans import Bans
from campfire.web.forms import LARGEST_BODY
from campfire.web.kept import Kept
from campfire.web.keys import (
    DB,
    DRILL,
    EXPORT,
    EXPORTING,
    LIMITS,
    OPENAPI,
    PAGES,
    PASSWORDS,
    PEERS,
    PRESENT,
    PUSHABLE,
    READINESS,
    RENDERER,
    STATIC,
    STOPPING,
    STORAGE,
    UPLOADS,
)
from campfire.web.limits import BOTS, POSTS, Limits
from campfire.web.metrics import Metrics, Traffic
from campfire.web.middleware import (
    answering,
    for_bots,
    guarding,
    numbering,
    public,
)
from campfire.web.origins import Origins
from campfire.web.pages import Pages
from campfire.web.readiness import Readiness
from campfire.web.render import Renderer
from campfire.web.requests import BOT_KEY, Peers
from campfire.web.sessions import Passwords, Sessions
from campfire.web.static import Static
from campfire.web.uploads import Uploads

if TYPE_CHECKING:
    from campfire.live.relay import Relay

# aiohttp tries those that begin alike in this order: first what is asked for most.
ROUTES: Final = (
    rooms.routes,
    messages.routes,
    accounts.routes,
    acts.routes,
    boosts.routes,
    bots.routes,
    doors.routes,
    files.routes,
    health.routes,
    inbox.routes,
    keyed.routes,
    installs.routes,
    jobs.routes,
    openapi.routes,
    previews.routes,
    push.routes,
    retentions.routes,
    searches.routes,
    trash.routes,
    usage.routes,
    users.routes,
)
FILE: Final = "campfire.sqlite3"
FILES: Final = "files"
PUSH_KEYS: Final = "push-keys.json"
# With the key as bearer token, or in the path.
STREAMS: Final = ("/bots/me/events", f"/bots/{{{BOT_KEY}:[^/]+}}/events")
MEGABYTE: Final = 1_000_000


async def create(
    config: Config, client: Client | None = None, worker: Worker | None = None
) -> web.Application:
    """The application, with its database open; it closes both when it stops.

    Its way out is the guarded one; only who builds the application can widen it. It is
    alone, or the `worker` that is given among several.
    """
    app = web.Application(client_max_size=LARGEST_BODY)
    static = Static(config.base)
    environment = aiohttp_jinja2.setup(
        app,
        loader=jinja2.PackageLoader("campfire"),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        auto_reload=False,
        extensions=(render.Constants,),
    )
    environment.globals |= {
        "account_name": "Campfire",
        "base": config.base,
        "largest_file": config.largest_file * MEGABYTE,
        "qr_code": accounts.qr_code_path,
        "undelete_days": config.undelete_days,
        "version": __version__,
    }
    environment.filters |= {
        "icon": functools.partial(render.icon, static.url("icons.svg")),
        "static": static.url,
        "stylesheets": static.stylesheets,
        "time": render.time,
    }
    renderer = Renderer(environment, config.base)
    hub = Hub(renderer.present)
    config.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    push_keys = await vapid.keys(config.data / PUSH_KEYS)
    environment.globals["push_key"] = push_keys.public
    turns = Turns(config.data / TURNS, worker.number) if worker else None
    db = hub.db = Database(config.data / FILE, turns=turns)
    # What is done once for all of them is done by the first.
    has_duties = worker is None or worker.number == 1
    kept_since: archive.Archive | None = None
    second: Path | None = None
    if config.archive and config.backups:
        folder = config.data / config.backups / archive.FOLDER
        second = folder / archive.FILES
        if has_duties:
            kept_since = db.archive = archive.Archive(db.path, folder)
    storage = Storage(config.data / FILES, second)
    peers = Peers(config.origin, config.trusted_proxies, config.base)
    sessions = Sessions(db, peers)
    pages = Pages(db.generation)
    bans = Bans(db, peers)

    def publish(event: Event) -> None:
        """First what was kept is dropped, then everybody is told."""
        sessions.hear(event)
        pages.hear(event)
        bans.hear(event)
        hub.publish(event)
        streams.hear(event)
        webhooks.hear(event)
        if has_duties:
            sweeps.hear(event)
            runner.hear(event)

    db.publish = publish
    streams = Streams(
        db, viewer=sessions.viewer, limited=config.rate_limits, base=config.base
    )
    watch = Watch(db, hub, rarely=turns is not None)
    if has_duties:
        sweeps = Sweeps(
            db,
            storage,
            config.undelete_days,
            orphans=worker is None or worker.is_new,
        )
    nights = (
        Nights(
            config.data, config.data / config.backups, config.backups_kept, kept_since
        )
        if config.backups and has_duties
        else None
    )
    if worker is None or worker.is_new:
        exports.discard_unfinished(config.data)
    app[EXPORT] = lambda person: exports.zipped(config.data, person)
    app[EXPORTING] = set()
    app[DRILL] = nights.drill if nights else None
    app[PRESENT] = lambda: hub.presence.users().keys()
    way_out = client or Client(own=config.origin)
    unfolding = Previews(
        db,
        way_out,
        functools.partial(pictures.remade, shape="fit", size=SIZE, format="WEBP"),
        limited=config.rate_limits,
    )
    signer = vapid.Signer(push_keys)
    pushing = Push(
        db, way_out, signer, app[PRESENT], origin=config.origin, base=config.base
    )
    app[PUSHABLE] = pushing.require_usable
    app[DB] = db
    app[PAGES] = pages
    app[PASSWORDS] = Passwords(config.password_cost)
    app[PEERS] = peers
    limits = app[LIMITS] = Limits(enabled=config.rate_limits)
    app[RENDERER] = renderer
    app[STATIC] = static
    app[STORAGE] = storage
    app[UPLOADS] = Uploads(
        db,
        storage,
        limits,
        largest=config.largest_file * MEGABYTE,
        quota=config.files_per_person * MEGABYTE,
    )
    webhooks = Webhooks(
        db,
        client or Client(own=config.origin, ports=None),
        Client(own=config.origin, allowed=NEAR, ports=None),
        app[UPLOADS].keep,
        app[UPLOADS].discard,
        config.base,
    )
    kinds = {
        KIND: unfolding.kind,
        ROUND: pushing.rounds,
        PUSH: pushing.pushes,
        deliveries.KIND: webhooks.kind,
    }
    if has_duties:
        runner = Runner(db, kinds)
    traffic = Traffic(config.base)
    stopping = app[STOPPING] = asyncio.Event()
    app.middlewares.append(numbering(traffic.hit, stopping.is_set, config.base))
    app.middlewares.append(answering(renderer))
    aiohttp_session.setup(app, sessions)
    origins = Origins(peers, config.origin, config.cors_origins)
    app.middlewares.append(
        guarding(peers, bans, limits, origins.require_own_name, origins.preflight)
    )
    app.on_response_prepare.append(origins.mark)
    for routes in ROUTES:
        app.add_routes(routes)
    kept: dict[str, Kept[Any, Any]] = {
        "middles": pages.middles,
        "pages": pages.kept,
        "sessions": sessions.kept,
    }
    numbers = Numbers(db, hub, traffic, nights, kept, kept_since)
    relay: "Relay | None" = None
    if turns and worker and config.broker:
        # Who serves alone does without the library, and its ten megabytes.
        from campfire.live import relay as relays

        def look_again() -> None:
            streams.look_again()
            if has_duties:
                sweeps.look_again()
                runner.look_again()

        relay = relays.Relay(
            config.broker,
            turns,
            worker,
            db,
            hub,
            publish=publish,
            revalidate=watch.revalidate,
            look_again=look_again,
            tried=limits.windows.hear,
            numbers=numbers.own_text,
        )
        db.pass_on = relay.pass_on
        limits.windows.own = relay.try_made
        numbers.relay = relay
    components: dict[str, Callable[[], str]] = {}
    if has_duties:
        components["jobs"] = runner.state
    if relay:
        components["broker"] = relay.state
    app[READINESS] = Readiness(db, components)
    metrics = Metrics(numbers.text, config.metrics_token)
    app.router.add_get("/metrics", public(metrics.show))
    app.router.add_get("/static/{digest}/{name:.+}", public(static.show))

    async def post(
        user: User, room_id: int, body: str, client_message_id: str | None
    ) -> posting.Posting:
        limits.hit(BOTS if user.role == "bot" else POSTS, str(user.id))
        return await posting.post(db, user.id, room_id, body, client_message_id)

    sockets = Sockets(
        db,
        hub,
        viewer=sessions.viewer,
        post=post,
        present=renderer.present,
        address=peers.address,
        limited=config.rate_limits,
    )
    app.router.add_get("/socket", for_bots(sockets.show))
    for path in STREAMS:
        app.router.add_get(path, for_bots(streams.show), allow_head=False)
    app[OPENAPI] = openapi.described(app.router, config.origin, config.base)
    if config.base:
        move(app.router, config.base)

    async def stop(app: web.Application) -> None:
        await asyncio.gather(sockets.close(), streams.close())

    async def parts(app: web.Application) -> AsyncIterator[None]:
        yield
        if nights:
            await nights.close()
        if has_duties:
            await runner.close()
            await sweeps.close()
        await watch.close()
        if relay:
            await relay.close()
        app[PASSWORDS].close()
        await db.close()
        if turns:
            turns.close()

    app.on_shutdown.append(stop)
    app.cleanup_ctx.append(parts)
    if relay:
        await relay.start()
    return app


def move(router: web.UrlDispatcher, base: str) -> None:
    """Puts every route below a path; who asks for the path itself is led into it."""
    for resource in router.resources():
        router.unindex_resource(resource)
        resource.add_prefix(base)
        router.index_resource(resource)
    router.add_get(base, public(front_door))


async def front_door(request: web.Request) -> web.Response:
    return responses.see("/", 302)
