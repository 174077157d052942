"""The JSON interface as OpenAPI 3.1, made from the routes that there are.

Paths, ids and who may ask come from the router; what a body holds and what comes back
stands here, a line for each route. Forms of pages are aliases and are left out.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import orjson
from aiohttp import hdrs, web

from campfire import __version__
from campfire.web.keys import OPENAPI
from campfire.web.middleware import PROBLEM, public
from campfire.web.requests import JSON, cookie_name, etag

Schema = dict[str, Any]

routes = web.RouteTableDef()

INTEGER: Final[Schema] = {"type": "integer"}
STRING: Final[Schema] = {"type": "string"}
BOOLEAN: Final[Schema] = {"type": "boolean"}
OBJECT: Final[Schema] = {"type": "object"}
TIME: Final[Schema] = {"type": "string", "format": "date-time"}
# What is not a string, wherever it is called this.
TYPES: Final[dict[str, Schema]] = {
    **dict.fromkeys(("before", "after", "around", "limit", "offset", "since"), INTEGER),
    **dict.fromkeys(("room_id", "creator_id", "message_id"), INTEGER),
    "user_ids": {"type": "array", "items": INTEGER},
    "settings": OBJECT,
    "keys": OBJECT,
    "kind": {"enum": ["open", "closed", "direct"]},
    "involvement": {"enum": ["invisible", "nothing", "mentions", "everything"]},
    "role": {"enum": ["member", "administrator"]},
    "sort": {"enum": ["newest", "relevance"]},
    "webhook_url": {"type": ["string", "null"]},
    "days": {"type": ["integer", "null"]},
    "posts": BOOLEAN,
    "may_ring": BOOLEAN,
}
PLACEHOLDER: Final = re.compile(r"{(\w+)}")
# Addresses that only lead browsers somewhere.
PAGES: Final = frozenset(
    {
        *("GET /", "GET /session/new", "GET /account/logo", "GET /account/styles.css"),
        *("GET /rooms/{room_id}/@{message_id}", "POST /session/end", "GET /rooms/new"),
        *("GET /account/bots/new", "GET /rooms/{room_id}/edit", "POST /searches"),
        "GET /rooms/{room_id}/messages/{message_id}/edit",
        "GET /static/{digest}/{name}",
        *("POST /rooms/{room_id}/preview", "GET /offline", "GET /share"),
    }
)


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def nullable(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def fields(**properties: Schema) -> Schema:
    """An object that has all of these."""
    return {
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
    }


def also(name: str, **properties: Schema) -> Schema:
    return {"allOf": [ref(name), fields(**properties)]}


PERSON: Final = fields(id=INTEGER, name=STRING)
SCHEMAS: Final[dict[str, Schema]] = {
    "User": fields(
        id=INTEGER,
        name=STRING,
        role={"enum": ["member", "administrator", "bot"]},
        status={"enum": ["active", "deactivated", "banned"]},
        bio=STRING,
        avatar_url=STRING,
    ),
    "Me": also("User", email_address=nullable(STRING)),
    "Bot": also(
        "User",
        webhook_url=nullable(STRING),
        webhook_switched_off_at=nullable(TIME),
    ),
    "Membership": fields(
        involvement=TYPES["involvement"],
        last_read_id=INTEGER,
        unread_count=INTEGER,
        starred=BOOLEAN,
    ),
    "Room": fields(
        id=INTEGER,
        kind=TYPES["kind"],
        name=STRING,
        creator_id=nullable(INTEGER),
        created_at=TIME,
        seq=INTEGER,
        last_message_id=nullable(INTEGER),
        membership=ref("Membership"),
    ),
    "RoomWithMembers": also("Room", members=array(ref("User"))),
    "Attachment": fields(
        id=INTEGER,
        filename=STRING,
        content_type=STRING,
        byte_size=INTEGER,
        width=nullable(INTEGER),
        height=nullable(INTEGER),
        url=STRING,
        thumbnail_url=nullable(STRING),
    ),
    "Delivery": fields(
        id=INTEGER,
        message_id=INTEGER,
        status={"enum": ["kept", "waiting", "delivered", "failed"]},
        attempts=INTEGER,
        answered=BOOLEAN,
        at=TIME,
        code=nullable(INTEGER),
        fault=nullable(STRING),
        took_ms=nullable(INTEGER),
    ),
    "Share": fields(
        id=nullable(INTEGER),
        name=STRING,
        messages=INTEGER,
        files=INTEGER,
        bytes=INTEGER,
    ),
    "Retention": fields(
        days=nullable(INTEGER),
        asked=nullable(INTEGER),
        loss=nullable(fields(messages=INTEGER, files=INTEGER, bytes=INTEGER)),
    ),
    "Trash": fields(
        rooms=array(fields(id=INTEGER, name=STRING, deleted_at=TIME)),
        messages=array(
            fields(
                id=INTEGER,
                room_id=INTEGER,
                room_name=STRING,
                plain=STRING,
                creator=ref("User"),
                created_at=TIME,
                deleted_at=TIME,
            )
        ),
    ),
    "Act": fields(
        id=INTEGER,
        at=TIME,
        kind=STRING,
        origin={"enum": ["person", "command line", "campfire"]},
        actor=nullable(ref("User")),
        user=nullable(ref("User")),
        room_id=nullable(INTEGER),
        room_name=nullable(STRING),
        detail=STRING,
    ),
    "Queue": fields(
        kind=STRING,
        destination=nullable(STRING),
        waiting=INTEGER,
        retried=INTEGER,
        leased=INTEGER,
        dead=INTEGER,
        oldest_at=TIME,
    ),
    "DeadJob": fields(
        id=INTEGER,
        kind=STRING,
        destination=nullable(STRING),
        attempts=INTEGER,
        fault=STRING,
        created_at=TIME,
    ),
    "Boost": fields(
        id=INTEGER, message_id=INTEGER, content=STRING, booster=PERSON, created_at=TIME
    ),
    "Message": fields(
        id=INTEGER,
        room_id=INTEGER,
        client_message_id=STRING,
        seq=INTEGER,
        body=fields(source=STRING, html=STRING, plain=STRING),
        creator=ref("User"),
        created_at=TIME,
        edited_at=nullable(TIME),
        mentions=array(INTEGER),
        attachments=array(ref("Attachment")),
        preview=nullable(OBJECT),
        boosts=array(ref("Boost")),
        url=STRING,
    ),
    # As a bot gets them that has its key in the path.
    "KeyedMessage": also(
        "Message",
        body=fields(source=STRING, html=STRING, plain=STRING, plain_text=STRING),
        room=fields(id=INTEGER),
    ),
    "KeyedBoost": also(
        "Boost", booster=ref("User"), message=fields(id=INTEGER, url=STRING)
    ),
    "PushSubscription": fields(
        id=INTEGER,
        endpoint=STRING,
        user_agent=STRING,
        created_at=TIME,
        last_delivery=nullable(
            fields(
                at=TIME,
                outcome={"enum": ["delivered", "late", "refused"]},
                status=nullable(INTEGER),
            )
        ),
    ),
    "SearchHit": fields(message=ref("Message"), room=PERSON, snippet=STRING),
    "SignedIn": fields(token=STRING, user=ref("Me")),
    "Begun": fields(token=STRING, user=ref("Me"), room=ref("Room")),
    "Account": fields(name=STRING, join_url=STRING, settings=OBJECT),
    "Changes": fields(
        seq=INTEGER,
        more=BOOLEAN,
        messages=array(ref("Message")),
        removed=array(fields(id=INTEGER, seq=INTEGER)),
    ),
    "Ready": fields(
        status=STRING,
        components=fields(database=STRING, writer=STRING, jobs=STRING, disk=STRING),
    ),
    "Problem": fields(type=STRING, title=STRING, status=INTEGER, detail=STRING),
}


@dataclass(frozen=True, slots=True)
class Operation:
    """What the router does not say. In `body` and `query`, `!` marks what is needed.

    A body may be `text` of any type, and not an object.
    """

    summary: str
    answers: dict[int, Schema | None]
    body: str = ""
    query: str = ""
    type: str = JSON
    text: bool = False


def operation(
    summary: str, *answers: int | tuple[int, Schema], **more: Any
) -> Operation:
    known = [each if isinstance(each, tuple) else (each, None) for each in answers]
    return Operation(summary, dict(known), **more)


NEWCOMER: Final = "name! email_address! password!"
BOT: Final = "/rooms/{room_id}/{bot_key}/messages"
DELIVERIES: Final = "/account/bots/{bot_id}/deliveries"
MESSAGES: Final = "/rooms/{room_id}/messages"
MESSAGE: Final = MESSAGES + "/{message_id}"
PREVIEW: Final = MESSAGE + "/previews/{preview_id}"
DEVICES: Final = "/users/me/push_subscriptions"
TRANSFER: Final = fields(transfer_url=STRING, expires_at=TIME)
PICTURE: Final = "image/*"
OPERATIONS: Final[dict[str, Operation]] = {
    "GET /health": operation(
        "Is it alive", (200, fields(status=STRING, version=STRING))
    ),
    "GET /ready": operation(
        "Is it well, and which part is not", (200, ref("Ready")), (503, ref("Ready"))
    ),
    "GET /metrics": operation(
        "Numbers for Prometheus, on this machine or with the token",
        200,
        type="text/plain",
    ),
    "GET /openapi.json": operation("This document", (200, OBJECT)),
    "GET /first_run": operation("Whether there is an account", 200),
    "POST /first_run": operation(
        "Begin: the first administrator", (201, ref("Begun")), body=NEWCOMER
    ),
    "POST /session": operation(
        "Sign in", (201, ref("SignedIn")), body="email_address! password!"
    ),
    "DELETE /session": operation(
        "Sign out; the token is dead at once", 204, body="push_subscription_endpoint"
    ),
    "GET /sessions": operation("My sign-ins", (200, array(OBJECT))),
    "DELETE /sessions": operation("End all of my other sign-ins", 204),
    "DELETE /sessions/{session_id}": operation("End one of my sign-ins", 204),
    "POST /session/transfers": operation(
        "A way to another device, once, for four hours", (201, TRANSFER)
    ),
    "POST /users/{user_id}/transfers": operation(
        "A way in for somebody; administrators", (201, TRANSFER)
    ),
    "GET /session/transfers/{token}": operation(
        "How long a transfer is good for; signs nobody in",
        (200, fields(expires_at=TIME)),
    ),
    "PUT /session/transfers/{token}": operation(
        "Sign in by transfer", (201, ref("SignedIn"))
    ),
    "GET /join/{code}": operation(
        "Whose invitation this is", (200, fields(name=STRING))
    ),
    "POST /join/{code}": operation(
        "Join by invitation", (201, ref("SignedIn")), body=NEWCOMER
    ),
    "GET /account": operation("The account", (200, ref("Account"))),
    "PATCH /account": operation(
        "Change the account; administrators",
        (200, ref("Account")),
        body="name custom_styles settings",
    ),
    "DELETE /account/logo": operation("Take the logo away; administrators", 204),
    "POST /account/join_code": operation(
        "A new invitation; the old one ends; administrators",
        (201, fields(join_url=STRING)),
    ),
    "GET /account/users": operation("Everybody", (200, array(ref("User")))),
    "PATCH /account/users/{user_id}": operation(
        "Give somebody a role; administrators", (200, ref("User")), body="role!"
    ),
    "DELETE /account/users/{user_id}": operation(
        "Deactivate somebody; administrators", 204
    ),
    "POST /users/{user_id}/ban": operation("Ban somebody; administrators", 204),
    "DELETE /users/{user_id}/ban": operation("Lift a ban; administrators", 204),
    "GET /users": operation(
        "People to complete a name", (200, array(ref("User"))), query="query room_id"
    ),
    "GET /users/me": operation("Me", (200, ref("Me"))),
    "PATCH /users/me": operation(
        "Change what is mine",
        (200, ref("Me")),
        body="name email_address bio password current_password",
    ),
    f"GET {DEVICES}": operation(
        "My devices that take pushes, each with its last delivery",
        (200, array(ref("PushSubscription"))),
    ),
    f"POST {DEVICES}": operation(
        "Take pushes: what `PushSubscription.toJSON()` says in a browser",
        (201, ref("PushSubscription")),
        body="endpoint! keys!",
    ),
    f"DELETE {DEVICES}/{{subscription_id}}": operation("Push no more to a device", 204),
    f"POST {DEVICES}/{{subscription_id}}/test_notifications": operation(
        "Push a test to a device", 202
    ),
    "POST /users/me/export": operation(
        "What I wrote, as pages to read offline, in a ZIP file",
        200,
        type="application/zip",
    ),
    "PUT /users/me/quiet_hours": operation(
        "When no push is sent: two times such as 19:00, and a zone such as UTC",
        204,
        body="from! to! time_zone! may_ring",
    ),
    f"POST {MESSAGE}/ring": operation(
        "Ring with my direct message in somebody's quiet hours", 202
    ),
    "DELETE /users/me/quiet_hours": operation("Have no quiet hours", 204),
    "GET /webmanifest": operation(
        "What makes it an app", 200, type="application/manifest+json"
    ),
    "GET /service-worker.js": operation(
        "The app's worker", 200, type="text/javascript"
    ),
    "DELETE /users/me/avatar": operation("Take my picture away", 204),
    "GET /users/{user_id}": operation("Somebody", (200, ref("User"))),
    "GET /users/{user_id}/avatar": operation("Somebody's picture", 200, type=PICTURE),
    "GET /qr_code/{text}": operation(
        "A QR code of text in base64url", 200, type=PICTURE
    ),
    "GET /rooms": operation("My rooms", (200, array(ref("Room")))),
    "POST /rooms": operation(
        "Open a room; a direct room that exists is 200",
        (200, ref("Room")),
        (201, ref("Room")),
        body="kind! name user_ids",
    ),
    "POST /rooms/read": operation("Everything is read", 204),
    "GET /rooms/{room_id}": operation(
        "A room with its members", (200, ref("RoomWithMembers"))
    ),
    "PATCH /rooms/{room_id}": operation(
        "Change a room; who made it or administrators",
        (200, ref("RoomWithMembers")),
        body="name kind user_ids",
    ),
    "DELETE /rooms/{room_id}": operation(
        "Delete a room; who made it or administrators", 204
    ),
    "GET /rooms/{room_id}/retention": operation(
        "For how many days messages are kept, and what would go with so many",
        (200, ref("Retention")),
        query="days",
    ),
    "PUT /rooms/{room_id}/retention": operation(
        "Keep messages for so many days, or for ever; who made it or administrators",
        (200, ref("Retention")),
        body="days",
    ),
    "POST /rooms/{room_id}/restore": operation(
        "Bring back a room from the trash; who deleted it or administrators",
        (200, ref("Room")),
    ),
    "POST /rooms/{room_id}/leave": operation("Leave a closed room", 204),
    "PUT /rooms/{room_id}/involvement": operation(
        "How much of a room reaches me", (200, ref("Membership")), body="involvement!"
    ),
    "PUT /rooms/{room_id}/star": operation("Star a room", 204),
    "DELETE /rooms/{room_id}/star": operation("Take the star away", 204),
    "POST /rooms/{room_id}/read": operation(
        "Read up to a message, and no further",
        (200, ref("Membership")),
        body="message_id!",
    ),
    "GET /rooms/{room_id}/changes": operation(
        "The latest state of what changed after `since`",
        (200, ref("Changes")),
        query="since! limit",
    ),
    f"GET {MESSAGES}": operation(
        "Messages, oldest first; at most one anchor",
        (200, array(ref("Message"))),
        query="before after around limit",
    ),
    f"POST {MESSAGES}": operation(
        "Post; sent again with the same client_message_id it is 200",
        (200, ref("Message")),
        (201, ref("Message")),
        body="body! client_message_id",
    ),
    f"GET {MESSAGE}": operation("A message", (200, ref("Message"))),
    f"PATCH {MESSAGE}": operation(
        "Edit a message; its author or administrators",
        (200, ref("Message")),
        body="body!",
    ),
    f"DELETE {MESSAGE}": operation(
        "Remove a message; its author or administrators", 204
    ),
    f"POST {MESSAGE}/restore": operation(
        "Bring back a message from the trash; who deleted it", (200, ref("Message"))
    ),
    f"DELETE {PREVIEW}": operation("Take the preview of a link away", 204),
    "GET /previews/{preview_id}/image": operation(
        "The picture of a preview", 200, type=PICTURE
    ),
    "GET /messages/{message_id}/boosts": operation("Boosts of a message", 200),
    "POST /messages/{message_id}/boosts": operation(
        "Boost a message; one that is there already is 200",
        (200, ref("Boost")),
        (201, ref("Boost")),
        body="content!",
    ),
    "DELETE /messages/{message_id}/boosts/{boost_id}": operation(
        "Take a boost back", 204
    ),
    "GET /files/{file_id}/{filename}": operation(
        "A file, whole or in ranges", 200, 206, type="application/octet-stream"
    ),
    "GET /files/{file_id}/thumbnail": operation(
        "A small picture of a file", 200, type=PICTURE
    ),
    "GET /searches": operation(
        "Messages with these words in my rooms; X-Total-Count is that of all pages, or"
        " with X-Total-Count-Capped a number that there are more than",
        (200, array(ref("SearchHit"))),
        query="q room_id creator_id before after sort limit offset",
    ),
    "DELETE /searches": operation("Forget what I looked for", 204),
    "GET /trash": operation(
        "What I can bring back, of what was deleted lately", (200, ref("Trash"))
    ),
    "GET /inbox": operation(
        "What mentions me, or is unread",
        (200, array(ref("SearchHit"))),
        query="kind before",
    ),
    "POST /inbox/read": operation("What mentions me is read", 204),
    "GET /account/bots": operation(
        "The bots; administrators", (200, array(ref("Bot")))
    ),
    "POST /account/bots": operation(
        "Make a bot; its key is told once; administrators",
        (201, also("Bot", bot_key=STRING, signing_secret=STRING)),
        body="name! webhook_url",
    ),
    "GET /account/bots/{bot_id}": operation("A bot; administrators", (200, ref("Bot"))),
    "PATCH /account/bots/{bot_id}": operation(
        "Change a bot; administrators", (200, ref("Bot")), body="name webhook_url"
    ),
    "DELETE /account/bots/{bot_id}": operation("Deactivate a bot; administrators", 204),
    f"GET {DELIVERIES}": operation(
        "What a bot was called with; administrators",
        (200, array(ref("Delivery"))),
        query="before",
    ),
    f"POST {DELIVERIES}": operation(
        "Call a bot with an old message; administrators", 202, body="message_url!"
    ),
    f"DELETE {DELIVERIES}/{{delivery_id}}": operation(
        "Try a delivery no more; administrators", 204
    ),
    f"POST {DELIVERIES}/{{delivery_id}}/replay": operation(
        "Make a delivery again; administrators", 202, body="posts"
    ),
    "PUT /account/bots/{bot_id}/webhook": operation(
        "Call a webhook again that failed for too long; administrators",
        (200, ref("Bot")),
    ),
    "DELETE /account/bots/{bot_id}/avatar": operation(
        "Take a bot's picture away; administrators", 204
    ),
    "PUT /account/bots/{bot_id}/key": operation(
        "A new key; the old one is dead; administrators",
        (200, also("Bot", bot_key=STRING, signing_secret=STRING)),
    ),
    "GET /account/acts": operation(
        "What was done with an administrator's power, newest first; administrators",
        (200, array(ref("Act"))),
        query="before limit",
    ),
    "GET /account/usage": operation(
        "What takes place, by room, person and kind of file; administrators",
        (
            200,
            fields(
                database_bytes=INTEGER,
                free_bytes=INTEGER,
                disk_bytes=INTEGER,
                total=ref("Share"),
                trash=ref("Share"),
                rooms=array(ref("Share")),
                people=array(ref("Share")),
                kinds=array(ref("Share")),
            ),
        ),
    ),
    "GET /account/jobs": operation(
        "What is to be done outside, and what was given up; administrators",
        (200, fields(queues=array(ref("Queue")), dead=array(ref("DeadJob")))),
    ),
    "POST /account/jobs/{job_id}/retry": operation(
        "Try once more what was given up; administrators", 202
    ),
    "DELETE /account/jobs/{job_id}": operation(
        "Forget what was given up; administrators", 204
    ),
    f"GET {BOT}": operation(
        "As a bot: the newest messages",
        (200, array(ref("KeyedMessage"))),
        query="before after around limit",
    ),
    f"POST {BOT}": operation("As a bot: post what the body holds", 201, text=True),
    f"PUT {BOT}/{{message_id}}": operation(
        "As a bot: edit its message", (200, ref("KeyedMessage")), text=True
    ),
    f"DELETE {BOT}/{{message_id}}": operation("As a bot: remove its message", 204),
    f"POST {BOT}/{{message_id}}/boosts": operation(
        "As a bot: boost a message; one that is there already is 200",
        (200, ref("KeyedBoost")),
        (201, ref("KeyedBoost")),
        text=True,
    ),
    f"DELETE {BOT}/{{message_id}}/boosts/{{boost_id}}": operation(
        "As a bot: take a boost back", 204
    ),
    "GET /bots/{bot_key}/events": operation(
        "As a bot: what it is called with, as it comes", 200, type="text/event-stream"
    ),
    "GET /bots/me/events": operation(
        "The same, with the key as bearer token", 200, type="text/event-stream"
    ),
    "GET /socket": operation("Upgrade to a WebSocket: events down, commands up", 101),
}


@routes.get("/openapi.json")
@public
async def show(request: web.Request) -> web.Response:
    body = request.app[OPENAPI]
    headers = {hdrs.CACHE_CONTROL: "no-cache", hdrs.ETAG: etag(body)}
    if headers[hdrs.ETAG] in request.headers.get(hdrs.IF_NONE_MATCH, ""):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, content_type=JSON, headers=headers)


def described(router: web.UrlDispatcher, origin: str | None, base: str = "") -> bytes:
    """The document, for the routes that the router has; they do not name the base."""
    paths: dict[str, dict[str, Any]] = {}
    for route in offered(router):
        key = name_of(route)
        if key in OPERATIONS:
            assert route.resource is not None, "it has a name"
            about = worded(route, OPERATIONS[key])
            path = paths.setdefault(route.resource.canonical, {})
            path[route.method.lower()] = about
    bearer = {"type": "http", "scheme": "bearer"}
    is_https = (origin or "").startswith("https:")
    cookie = {"type": "apiKey", "in": "cookie", "name": cookie_name(base, is_https)}
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "Campfire",
            "version": __version__,
            "description": "A chat server for one team. Send `Accept: application/json`"
            " with every request; times are UTC, ids are integers.",
        },
        "servers": [{"url": f"{origin or ''}{base}" or "/"}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"bearer": bearer, "cookie": cookie},
        },
    }
    return orjson.dumps(document)


def offered(router: web.UrlDispatcher) -> list[web.AbstractRoute]:
    """Every route that is not the form of a page for another one."""
    routes = [
        route
        for route in router.routes()
        if route.resource is not None and route.method != hdrs.METH_HEAD
    ]
    names = {name_of(route) for route in routes}
    return [route for route in routes if not is_of_pages(name_of(route), names)]


def name_of(route: web.AbstractRoute) -> str:
    resource = route.resource
    return f"{route.method} {resource.canonical if resource else ''}"


def is_of_pages(name: str, names: Iterable[str]) -> bool:
    """A form can only GET and POST, so what it does another way is there twice."""
    method, path = name.split(" ", 1)
    if method != hdrs.METH_POST:
        return name in PAGES
    return (
        name in PAGES
        or path.endswith("/delete")
        or any(f"{other} {path}" in names for other in ("PATCH", "PUT"))
    )


def worded(route: web.AbstractRoute, operation: Operation) -> dict[str, Any]:
    name = name_of(route)
    about: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", name.lower()).strip("_"),
        "summary": operation.summary,
        "responses": {
            str(status): answer(schema, status, operation.type)
            for status, schema in operation.answers.items()
        },
    }
    problem = {"schema": ref("Problem")}
    about["responses"]["default"] = {
        "description": "Why not",
        "content": {PROBLEM: problem},
    }
    parameters = [
        {"name": part, "in": "path", "required": True, "schema": of_path(part)}
        for part in PLACEHOLDER.findall(name)
    ]
    for word in operation.query.split():
        part = word.rstrip("!")
        schema = STRING if (part, name) == ("kind", "GET /inbox") else of(part)
        required = word.endswith("!")
        given = {"name": part, "in": "query", "required": required, "schema": schema}
        parameters.append(given)
    if parameters:
        about["parameters"] = parameters
    if operation.text:
        about["requestBody"] = {
            "required": True,
            "content": {"*/*": {"schema": STRING}},
        }
    if operation.body:
        about["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": body(operation.body)}},
        }
    if hasattr(route.handler, "is_public"):
        about["security"] = []
    else:
        about["security"] = [{"bearer": []}, {"cookie": []}]
    return about


def answer(schema: Schema | None, status: int, type: str) -> Schema:
    about: Schema = {"description": "Done" if status < 300 else "Not so"}
    if schema is not None:
        about["content"] = {type: {"schema": schema}}
    elif type != JSON and status in (200, 206):
        about["content"] = {type: {}}
    return about


def body(words: str) -> Schema:
    names = words.split()
    return {
        "type": "object",
        "properties": {name.rstrip("!"): of(name.rstrip("!")) for name in names},
        "required": [name.rstrip("!") for name in names if name.endswith("!")],
    }


def of(name: str) -> Schema:
    return TYPES.get(name, STRING)


def of_path(name: str) -> Schema:
    if name.endswith("_id"):
        return {"type": "integer", "minimum": 1}
    return {"type": "string", "minLength": 1}
