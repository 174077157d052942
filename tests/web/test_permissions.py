"""Who may do what: every route of the application, asked by everybody there is.

The table is compared with the router, so a route without its line fails the suite.
Each cell has people, a room and a message of its own, made as production makes them.
"""

import asyncio
import itertools
import json
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from typing import Any, Final

import pytest
from aiohttp import ClientResponse, ClientSession
from aiohttp.test_utils import TestServer

from campfire.chat import (
    accounts,
    bans,
    boosts,
    bots,
    deliveries,
    files,
    jobs,
    memberships,
    messages,
    push,
    richtext,
    rooms,
    sessions,
    users,
)
from campfire.chat.files import Stored
from campfire.chat.previews import KIND, Card, Picture
from campfire.chat.push import PUSH, Keys
from campfire.database import Database, Reads, Tx
from campfire.web.keys import DB, STATIC, STORAGE
from tests.conftest import DAVID, PASSWORD, PASSWORD_HASH, VAPID_KEYS
from tests.web.conftest import FORMS, HTML, JSON

# Everybody from `me` to `ad` is in the room; `ad` and `so` are administrators.
WHO: Final = {
    "no": "nobody",
    "me": "a member of the room",
    "ou": "a member of another room",
    "au": "who wrote the message",
    "cr": "who made the room",
    "ad": "an administrator in the room",
    "so": "an administrator outside of it",
    "de": "somebody deactivated",
    "ba": "somebody banned",
    "bi": "a bot in the room",
    "bo": "a bot of another room",
}
TABLE: Final = """
                                             no  me  ou  au  cr  ad  so  de  ba  bi  bo
GET    /                                    401 302 302 302 302 302 302 401 401 403 403
GET    /account                             401 200 200 200 200 200 200 401 401 403 403
PATCH  /account                             401 403 403 403 403 200 200 401 401 403 403
POST   /account                             401 403 403 403 403 200 200 401 401 403 403
POST   /account/join_code                   401 403 403 403 403 201 201 401 401 403 403
GET    /account/bots                        401 403 403 403 403 200 200 401 401 403 403
POST   /account/bots                        401 403 403 403 403 201 201 401 401 403 403
GET    /account/bots/new                    401 403 403 403 403 200 200 401 401 403 403
GET    /account/bots/{bot_id}               401 403 403 403 403 200 200 401 401 403 403
PATCH  /account/bots/{bot_id}               401 403 403 403 403 200 200 401 401 403 403
POST   /account/bots/{bot_id}               401 403 403 403 403 200 200 401 401 403 403
DELETE /account/bots/{bot_id}               401 403 403 403 403 204 204 401 401 403 403
POST   /account/bots/{bot_id}/delete        401 403 403 403 403 204 204 401 401 403 403
GET    /account/bots/{bot_id}/deliveries    401 403 403 403 403 200 200 401 401 403 403
POST   /account/bots/{bot_id}/deliveries    401 403 403 403 403 202 404 401 401 403 403
DELETE /account/bots/{bot_id}/deliveries/{delivery_id}
                                            401 403 403 403 403 204 204 401 401 403 403
POST   /account/bots/{bot_id}/deliveries/{delivery_id}/delete
                                            401 403 403 403 403 204 204 401 401 403 403
POST   /account/bots/{bot_id}/deliveries/{delivery_id}/replay
                                            401 403 403 403 403 202 202 401 401 403 403
DELETE /account/bots/{bot_id}/avatar        401 403 403 403 403 204 204 401 401 403 403
POST   /account/bots/{bot_id}/avatar/delete 401 403 403 403 403 204 204 401 401 403 403
PUT    /account/bots/{bot_id}/key           401 403 403 403 403 200 200 401 401 403 403
POST   /account/bots/{bot_id}/key           401 403 403 403 403 200 200 401 401 403 403
PUT    /account/bots/{bot_id}/webhook       401 403 403 403 403 200 200 401 401 403 403
POST   /account/bots/{bot_id}/webhook       401 403 403 403 403 200 200 401 401 403 403
GET    /account/acts                        401 403 403 403 403 200 200 401 401 403 403
GET    /account/jobs                        401 403 403 403 403 200 200 401 401 403 403
GET    /account/usage                       401 403 403 403 403 200 200 401 401 403 403
DELETE /account/jobs/{job_id}               401 403 403 403 403 204 204 401 401 403 403
POST   /account/jobs/{job_id}/delete        401 403 403 403 403 204 204 401 401 403 403
POST   /account/jobs/{job_id}/retry         401 403 403 403 403 202 202 401 401 403 403
GET    /account/logo                        200 200 200 200 200 200 200 200 200 200 200
DELETE /account/logo                        401 403 403 403 403 204 204 401 401 403 403
POST   /account/logo/delete                 401 403 403 403 403 204 204 401 401 403 403
GET    /account/styles.css                  401 200 200 200 200 200 200 401 401 403 403
GET    /account/users                       401 200 200 200 200 200 200 401 401 403 403
PATCH  /account/users/{user_id}             401 403 403 403 403 200 200 401 401 403 403
POST   /account/users/{user_id}             401 403 403 403 403 200 200 401 401 403 403
DELETE /account/users/{user_id}             401 403 403 403 403 204 204 401 401 403 403
POST   /account/users/{user_id}/delete      401 403 403 403 403 204 204 401 401 403 403
GET    /bots/me/events                      401 403 403 403 403 403 403 401 401 200 200
GET    /bots/{bot_key}/events               401 401 401 401 401 401 401 401 401 200 200
GET    /files/{file_id}/thumbnail           401 200 404 200 200 200 404 401 401 403 403
GET    /files/{file_id}/{filename}          401 200 404 200 200 200 404 401 401 403 403
GET    /first_run                           409 409 409 409 409 409 409 409 409 409 409
POST   /first_run                           409 409 409 409 409 409 409 409 409 403 403
GET    /health                              200 200 200 200 200 200 200 200 200 200 200
GET    /metrics                             200 200 200 200 200 200 200 200 200 200 200
GET    /openapi.json                        200 200 200 200 200 200 200 200 200 200 200
GET    /inbox                               401 200 200 200 200 200 200 401 401 403 403
POST   /inbox/read                          401 204 404 204 204 204 404 401 401 403 403
GET    /join/{code}                         200 200 200 200 200 200 200 200 200 200 200
POST   /join/{code}                         201 201 201 201 201 201 201 201 201 403 403
GET    /messages/{message_id}/boosts        401 200 404 200 200 200 404 401 401 200 404
POST   /messages/{message_id}/boosts        401 201 404 201 201 201 404 401 401 201 404
DELETE /messages/{message_id}/boosts/{boost_id}
                                            401 404 404 204 404 404 404 401 401 404 404
POST   /messages/{message_id}/boosts/{boost_id}/delete
                                            401 404 404 204 404 404 404 401 401 404 404
GET    /offline                             200 200 200 200 200 200 200 200 200 200 200
GET    /previews/{preview_id}/image         401 200 404 200 200 200 404 401 401 403 403
GET    /qr_code/{text}                      401 200 200 200 200 200 200 401 401 403 403
GET    /ready                               200 200 200 200 200 200 200 200 200 200 200
GET    /rooms                               401 200 200 200 200 200 200 401 401 200 200
POST   /rooms                               401 201 201 201 201 201 201 401 401 403 403
GET    /rooms/new                           401 200 200 200 200 200 200 401 401 403 403
POST   /rooms/read                          401 204 204 204 204 204 204 401 401 403 403
GET    /rooms/{room_id}                     401 200 404 200 200 200 404 401 401 200 404
PATCH  /rooms/{room_id}                     401 403 404 403 200 200 404 401 401 403 403
POST   /rooms/{room_id}                     401 403 404 403 200 200 404 401 401 403 403
DELETE /rooms/{room_id}                     401 403 404 403 204 204 404 401 401 403 403
POST   /rooms/{room_id}/delete              401 403 404 403 204 204 404 401 401 403 403
GET    /rooms/{room_id}/retention           401 200 404 200 200 200 404 401 401 403 403
PUT    /rooms/{room_id}/retention           401 403 404 403 200 200 404 401 401 403 403
POST   /rooms/{room_id}/retention           401 403 404 403 200 200 404 401 401 403 403
POST   /rooms/{room_id}/restore             401 404 404 404 404 404 404 401 401 403 403
GET    /rooms/{room_id}/edit                401 200 404 200 200 200 404 401 401 403 403
GET    /rooms/{room_id}/@{message_id}       401 200 404 200 200 200 404 401 401 200 404
GET    /rooms/{room_id}/changes             401 200 404 200 200 200 404 401 401 200 404
PUT    /rooms/{room_id}/involvement         401 200 404 200 200 200 404 401 401 403 403
POST   /rooms/{room_id}/involvement         401 200 404 200 200 200 404 401 401 403 403
POST   /rooms/{room_id}/leave               401 204 404 204 204 204 404 401 401 403 403
GET    /rooms/{room_id}/messages            401 200 404 200 200 200 404 401 401 200 404
POST   /rooms/{room_id}/messages            401 201 404 201 201 201 404 401 401 201 404
GET    /rooms/{room_id}/messages/{message_id}
                                            401 200 404 200 200 200 404 401 401 200 404
PATCH  /rooms/{room_id}/messages/{message_id}
                                            401 403 404 200 403 200 404 401 401 403 404
POST   /rooms/{room_id}/messages/{message_id}
                                            401 403 404 200 403 200 404 401 401 403 404
DELETE /rooms/{room_id}/messages/{message_id}/previews/{preview_id}
                                            401 403 404 204 403 204 404 401 401 403 403
POST   /rooms/{room_id}/messages/{message_id}/previews/{preview_id}/delete
                                            401 403 404 204 403 204 404 401 401 403 403
DELETE /rooms/{room_id}/messages/{message_id}
                                            401 403 404 204 403 204 404 401 401 403 404
POST   /rooms/{room_id}/messages/{message_id}/delete
                                            401 403 404 204 403 204 404 401 401 403 404
POST   /rooms/{room_id}/messages/{message_id}/restore
                                            401 404 404 404 404 404 404 401 401 403 403
GET    /rooms/{room_id}/messages/{message_id}/edit
                                            401 403 404 200 403 200 404 401 401 403 403
POST   /rooms/{room_id}/messages/{message_id}/ring
                                            401 403 404 422 403 403 404 401 401 403 403
POST   /rooms/{room_id}/preview             401 200 404 200 200 200 404 401 401 403 403
POST   /rooms/{room_id}/read                401 200 404 200 200 200 404 401 401 403 403
PUT    /rooms/{room_id}/star                401 204 404 204 204 204 404 401 401 403 403
POST   /rooms/{room_id}/star                401 204 404 204 204 204 404 401 401 403 403
DELETE /rooms/{room_id}/star                401 204 404 204 204 204 404 401 401 403 403
POST   /rooms/{room_id}/star/delete         401 204 404 204 204 204 404 401 401 403 403
GET    /rooms/{room_id}/{bot_key}/messages  401 401 401 401 401 401 401 401 401 200 404
POST   /rooms/{room_id}/{bot_key}/messages  401 401 401 401 401 401 401 401 401 201 404
PUT    /rooms/{room_id}/{bot_key}/messages/{message_id}
                                            401 401 401 401 401 401 401 401 401 403 404
DELETE /rooms/{room_id}/{bot_key}/messages/{message_id}
                                            401 401 401 401 401 401 401 401 401 403 404
POST   /rooms/{room_id}/{bot_key}/messages/{message_id}/boosts
                                            401 401 401 401 401 401 401 401 401 201 404
DELETE /rooms/{room_id}/{bot_key}/messages/{message_id}/boosts/{boost_id}
                                            401 401 401 401 401 401 401 401 401 404 404
POST   /session                             201 201 201 201 201 201 201 201 201 403 403
DELETE /session                             401 204 204 204 204 204 204 401 401 403 403
POST   /session/end                         401 303 303 303 303 303 303 401 401 403 403
GET    /searches                            401 200 200 200 200 200 200 401 401 403 403
POST   /searches                            401 302 302 302 302 302 302 401 401 403 403
DELETE /searches                            401 204 204 204 204 204 204 401 401 403 403
POST   /searches/delete                     401 204 204 204 204 204 204 401 401 403 403
GET    /service-worker.js                   200 200 200 200 200 200 200 200 200 200 200
GET    /session/new                         200 200 200 200 200 200 200 200 200 200 200
POST   /session/transfers                   401 201 201 201 201 201 201 401 401 403 403
GET    /session/transfers/{token}           200 200 200 200 200 200 200 200 200 200 200
PUT    /session/transfers/{token}           201 201 201 201 201 201 201 201 201 403 403
POST   /session/transfers/{token}           201 201 201 201 201 201 201 201 201 403 403
GET    /sessions                            401 200 200 200 200 200 200 401 401 403 403
DELETE /sessions                            401 204 204 204 204 204 204 401 401 403 403
POST   /sessions/delete                     401 204 204 204 204 204 204 401 401 403 403
DELETE /sessions/{session_id}               401 204 204 204 204 204 204 401 401 403 403
POST   /sessions/{session_id}/delete        401 204 204 204 204 204 204 401 401 403 403
GET    /share                               401 302 302 302 302 302 302 401 401 403 403
GET    /socket                              401 400 400 400 400 400 400 401 401 400 400
GET    /static/{digest}/{name}              200 200 200 200 200 200 200 200 200 200 200
GET    /trash                               401 200 200 200 200 200 200 401 401 403 403
GET    /users                               401 200 200 200 200 200 200 401 401 403 403
GET    /users/me                            401 200 200 200 200 200 200 401 401 403 403
PATCH  /users/me                            401 200 200 200 200 200 200 401 401 403 403
POST   /users/me                            401 200 200 200 200 200 200 401 401 403 403
DELETE /users/me/avatar                     401 204 204 204 204 204 204 401 401 403 403
POST   /users/me/avatar/delete              401 204 204 204 204 204 204 401 401 403 403
POST   /users/me/export                     401 200 200 200 200 200 200 401 401 403 403
GET    /users/me/push_subscriptions         401 200 200 200 200 200 200 401 401 403 403
POST   /users/me/push_subscriptions         401 201 201 201 201 201 201 401 401 403 403
DELETE /users/me/push_subscriptions/{subscription_id}
                                            401 204 404 404 404 404 404 401 401 403 403
POST   /users/me/push_subscriptions/{subscription_id}/delete
                                            401 204 404 404 404 404 404 401 401 403 403
POST   /users/me/push_subscriptions/{subscription_id}/test_notifications
                                            401 202 404 404 404 404 404 401 401 403 403
PUT    /users/me/quiet_hours                401 204 204 204 204 204 204 401 401 403 403
POST   /users/me/quiet_hours                401 204 204 204 204 204 204 401 401 403 403
DELETE /users/me/quiet_hours                401 204 204 204 204 204 204 401 401 403 403
GET    /users/{user_id}                     401 200 200 200 200 200 200 401 401 403 403
GET    /users/{user_id}/avatar              401 200 200 200 200 200 200 401 401 403 403
POST   /users/{user_id}/ban                 401 403 403 403 403 204 204 401 401 403 403
DELETE /users/{user_id}/ban                 401 403 403 403 403 204 204 401 401 403 403
POST   /users/{user_id}/ban/delete          401 403 403 403 403 204 204 401 401 403 403
POST   /users/{user_id}/transfers           401 403 403 403 403 201 201 401 401 403 403
GET    /webmanifest                         200 200 200 200 200 200 200 200 200 200 200
"""
NEWCOMER: Final = {"name": "Ben", "password": "correct horse battery"}
SUBSCRIPTION: Final[dict[str, Any]] = {
    "endpoint": "https://push.example/new",
    "keys": {"p256dh": json.loads(VAPID_KEYS)["public"], "auth": "A" * 22},
}
POINT: Final = urlsafe_b64decode(SUBSCRIPTION["keys"]["p256dh"] + "=")
NIGHT: Final = {"from": "19:00", "to": "07:30", "time_zone": "Europe/Berlin"}
# What makes a request one that would be obeyed.
BODIES: Final[dict[str, dict[str, Any]]] = {
    "POST /account/bots": {"name": "Flexo"},
    "PATCH /account/bots/{bot_id}": {"name": "Flexo"},
    "POST /account/bots/{bot_id}": {"name": "Flexo"},
    "POST /account/bots/{bot_id}/deliveries": {"message_url": "{message_url}"},
    "POST /rooms/{room_id}/{bot_key}/messages": {"text": "Hello"},
    "PUT /rooms/{room_id}/{bot_key}/messages/{message_id}": {"text": "Mine now"},
    "POST /rooms/{room_id}/{bot_key}/messages/{message_id}/boosts": {"a": "b"},
    "PATCH /account": {"name": "Campground"},
    "POST /account": {"name": "Campground"},
    "PATCH /account/users/{user_id}": {"role": "administrator"},
    "POST /account/users/{user_id}": {"role": "administrator"},
    "POST /first_run": NEWCOMER | {"email_address": "ben@37signals.example"},
    "POST /join/{code}": NEWCOMER | {"email_address": "{new}"},
    "POST /rooms": {"kind": "closed", "name": "Designers"},
    "PATCH /rooms/{room_id}": {"name": "Writers"},
    "POST /rooms/{room_id}": {"name": "Writers"},
    "PUT /rooms/{room_id}/involvement": {"involvement": "everything"},
    "POST /rooms/{room_id}/involvement": {"involvement": "everything"},
    "POST /rooms/{room_id}/messages": {"body": "Hello"},
    "PATCH /rooms/{room_id}/messages/{message_id}": {"body": "Mine now"},
    "POST /rooms/{room_id}/messages/{message_id}": {"body": "Mine now"},
    "POST /messages/{message_id}/boosts": {"content": "🔥"},
    "POST /rooms/{room_id}/preview": {"body": "Hello"},
    "PUT /rooms/{room_id}/retention": {"days": 90},
    "POST /rooms/{room_id}/retention": {"days": 90},
    "POST /rooms/{room_id}/read": {"message_id": 1},
    "POST /inbox/read": {"message_id": "{message_id}"},
    "POST /searches": {"q": "hut"},
    "POST /session": {"email_address": "{target}", "password": PASSWORD},
    "PATCH /users/me": {"bio": "Likes fires"},
    "POST /users/me": {"bio": "Likes fires"},
    "POST /users/me/push_subscriptions": SUBSCRIPTION,
    "PUT /users/me/quiet_hours": NIGHT,
    "POST /users/me/quiet_hours": NIGHT,
}
QUERIES: Final = {"GET /rooms/{room_id}/changes": "?since=0"}
# These look for somebody who is banned, the others for somebody who is not.
UNBANNING: Final = {"DELETE /users/{user_id}/ban", "POST /users/{user_id}/ban/delete"}
NOWHERE: Final = 999_999
BOTS: Final = ("bi", "bo")
numbers = itertools.count(1)


def lines() -> dict[str, dict[str, int]]:
    """Each route as "METHOD /path", with the status that everybody gets."""
    words = TABLE.split()
    who, words = words[: len(WHO)], words[len(WHO) :]
    assert who == list(WHO)
    width = 2 + len(WHO)
    rows = [words[at : at + width] for at in range(0, len(words), width)]
    return {
        f"{method} {path}": dict(zip(who, map(int, statuses), strict=True))
        for method, path, *statuses in rows
    }


ROUTES: Final = lines()
PRIVATE: Final = [route for route, told in ROUTES.items() if told["no"] == 401]
IN_A_ROOM: Final = [
    route
    for route in ROUTES
    if "{room_id}" in route or "{message_id}" in route or "{file_id}" in route
]


@dataclass
class Scene:
    """People with their tokens around one closed room, and what paths are made of."""

    tokens: dict[str, str]
    ids: dict[str, int]
    addresses: dict[str, str]
    parts: dict[str, Any]


def set_up(tx: Tx, viewer: str, is_banned: bool, key: str) -> Scene:
    number = next(numbers)
    ids, tokens, addresses = {}, {}, {}
    for who in [*WHO, "target"]:
        if who == "no":
            continue
        if who in BOTS:
            bot, secrets = bots.add(tx, DAVID, f"{who} {number}")
            ids[who], tokens[who] = bot.user.id, secrets.key
            continue
        role: users.Role = "administrator" if who in ("ad", "so") else "member"
        addresses[who] = f"{who}{number}@37signals.example"
        user = users.add(tx, f"{who} {number}", addresses[who], PASSWORD_HASH, role)
        ids[who] = user.id
        tokens[who] = sessions.start(tx, user.id, "127.0.0.1", "Firefox")
    inside = [ids[who] for who in ids if who not in ("ou", "so", "bo", "target")]
    room = rooms.create(tx, ids["cr"], "closed", f"Room {number}", inside)
    other = rooms.create(
        tx, ids["so"], "closed", f"Else {number}", [ids["ou"], ids["bo"]]
    )
    draft = richtext.draft(f"Between us: https://page{number}.example/")
    message, _ = messages.post(tx, ids["au"], room.id, draft, "x")
    draft = richtext.draft("Between others")
    elsewhere, _ = messages.post(tx, ids["ou"], other.id, draft, "x")
    _, boost, _ = boosts.add(tx, ids["au"], message.id, "👍")
    file = Stored(key, "a.png", "image/png", 5, bytes(32), 1, 1, has_thumbnail=True)
    shared, _ = messages.post(tx, ids["au"], room.id, draft, "y", [file])
    (job,) = jobs.lease(tx, KIND, jobs.clock(), most=1, each=1, lasts=1_000).jobs
    messages.preview(tx, job, Card("page.example", "A page", "", Picture(1, 1, b"-")))
    preview_id = tx.value("SELECT max(id) FROM previews")
    # It is still to be made, but to a room that the bot has left it never is.
    hook, _ = bots.add(tx, DAVID, f"hook {number}", "http://127.0.0.1:1/")
    memberships.grant(tx, room.id, [hook.user.id])
    delivery_id = messages.attempt(tx, ids["ad"], hook.user.id, room.id, message.id)
    jobs.withdraw(tx, deliveries.KIND, deliveries.key(delivery_id))
    memberships.revoke(tx, room.id, [hook.user.id])
    job_id = given_up(tx, number)
    token, _ = sessions.transfer(tx, ids["target"])
    mine = sessions.all_of(tx, ids["me"])[0]
    keys = Keys(f"https://push.example/{number}", POINT, bytes(16))
    device = push.subscribe(tx, ids["me"], mine.id, keys, "Firefox")
    own = sessions.all_of(tx, ids.get(viewer, DAVID))
    accounts.deactivate(tx, DAVID, ids["de"])
    bans.add(tx, DAVID, ids["ba"])
    parts = {
        "room_id": room.id,
        "bot_id": ids["bi"],
        "hook_id": hook.user.id,
        "delivery_id": delivery_id,
        "job_id": job_id,
        "message_url": f"/rooms/{room.id}/@{message.id}",
        "message_id": message.id,
        "elsewhere": elsewhere.id,
        "boost_id": boost.id,
        "file_id": shared.attachments[0].id,
        "filename": "a.png",
        "preview_id": preview_id,
        "user_id": ids["ba" if is_banned else "target"],
        "session_id": own[0].id if own else 1,
        "subscription_id": device.id,
        "token": token,
        "code": accounts.require(tx).join_code,
        "text": "eA",
        "new": f"new{number}@37signals.example",
        "target": addresses["target"],
    }
    return Scene(tokens, ids, addresses, parts)


def given_up(tx: Tx, number: int) -> int:
    """A job of a kind that nobody runs, and so nobody ends."""
    jobs.add(tx, "tests", "tests.example", f"{number}", {})
    (job,) = jobs.lease(tx, "tests", jobs.clock(), most=1, each=1, lasts=1_000).jobs
    jobs.failed(tx, job, jobs.clock(), "502", waits=())
    return job.id


async def staged(server: TestServer, route: str, viewer: str) -> Scene:
    assert server.app is not None
    incoming = server.app[STORAGE].incoming()
    incoming.write(b"bytes")
    key = server.app[STORAGE].keep(incoming, b"small")
    # What an earlier viewer had sent goes on in the background, and is no answer.
    await server.app[DB].write(jobs.withdraw, PUSH, "")
    scene = await server.app[DB].write(set_up, viewer, route in UNBANNING, key)
    _, _, digest, name = server.app[STATIC].url("logo.svg").split("/")
    scene.parts |= {"digest": digest, "name": name}
    if "{delivery_id}" in route:
        scene.parts["bot_id"] = scene.parts["hook_id"]
    return scene


async def asked(
    client: ClientSession,
    scene: Scene,
    route: str,
    viewer: str,
    headers: dict[str, str] = JSON,
    **other: int,
) -> ClientResponse:
    """What the viewer is answered; `other` takes the place of parts of the path."""
    method, path = route.split()
    parts = scene.parts | {"bot_key": scene.tokens.get(viewer, "nobody")} | other
    body = {
        name: value.format_map(parts) if isinstance(value, str) else value
        for name, value in BODIES.get(route, {}).items()
    }
    if viewer in scene.tokens:
        headers = headers | {"Authorization": f"Bearer {scene.tokens[viewer]}"}
    return await client.request(
        method,
        path.format_map(parts) + QUERIES.get(route, ""),
        json=body or None,
        headers=headers,
        allow_redirects=False,
    )


def everything(db: Reads) -> dict[str, list[Any]]:
    """The whole database."""
    names = db.rows("SELECT name FROM pragma_table_list WHERE type = 'table'")
    return {
        name: db.rows(f"SELECT * FROM {name}")
        for (name,) in names
        if not name.startswith("sqlite_")
    }


async def at_rest(db: Database) -> dict[str, list[Any]]:
    """The same, after what is swept in the background."""
    while await db.read(
        lambda db: files.discarded(db)
        or db.rows("SELECT 1 FROM jobs WHERE kind = ?", (deliveries.KIND,))
    ):
        await asyncio.sleep(0)
    return await db.read(everything)


async def told(response: ClientResponse) -> tuple[int, list[tuple[str, str]], bytes]:
    """All that an answer tells, but for what tells each answer from others."""
    headers = [
        (name, value)
        for name, value in response.headers.items()
        if name.lower() not in ("date", "x-request-id")
    ]
    return response.status, headers, await response.read()


def test_the_table_has_a_line_for_every_route(server: TestServer) -> None:
    assert server.app is not None
    routes = {
        f"{route.method} {route.resource.canonical}"
        for route in server.app.router.routes()
        if route.method != "HEAD" and route.resource is not None
    }
    assert ROUTES.keys() == routes


def test_every_body_belongs_to_a_route() -> None:
    assert BODIES.keys() | QUERIES.keys() | UNBANNING <= ROUTES.keys()


@pytest.mark.parametrize("route", ROUTES)
async def test_everybody_is_answered_as_the_table_says(
    server: TestServer, stranger: ClientSession, route: str
) -> None:
    assert server.app is not None
    answers = {}
    for viewer in WHO:
        scene = await staged(server, route, viewer)
        before = await at_rest(server.app[DB])
        response = await asked(stranger, scene, route, viewer)
        response.release()  # One of them has no end.
        answers[viewer] = response.status
        if response.status >= 400:
            assert await at_rest(server.app[DB]) == before, viewer
    assert answers == ROUTES[route]


@pytest.mark.parametrize("form", ["page", "fragment"])
@pytest.mark.parametrize("route", PRIVATE)
async def test_who_is_refused_is_refused_in_every_form(
    server: TestServer, stranger: ClientSession, route: str, form: str
) -> None:
    for viewer, status in ROUTES[route].items():
        scene = await staged(server, route, viewer)
        response = await asked(stranger, scene, route, viewer, FORMS[form])
        response.release()
        if status != 401:
            assert (response.status >= 400) == (status >= 400), viewer
        elif form == "fragment" or route == "GET /socket" or "{bot_key}" in route:
            assert response.status == 401
        else:
            assert response.status == 302
            assert response.headers["Location"] == "/session/new"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("route", IN_A_ROOM)
async def test_what_is_not_yours_looks_like_what_is_not_there(
    server: TestServer, stranger: ClientSession, route: str, form: str
) -> None:
    assert server.app is not None
    for viewer in ("bo",) if "{bot_key}" in route else ("ou", "so"):
        scene = await staged(server, route, viewer)
        before = await server.app[DB].read(everything)
        answers = [
            await told(
                await asked(stranger, scene, route, viewer, FORMS[form], **other)
            )
            for other in (
                {},
                {"room_id": NOWHERE, "file_id": NOWHERE},
                {"message_id": NOWHERE},
            )
        ]
        assert answers[0][0] == 404
        assert answers == answers[:1] * 3
        assert await server.app[DB].read(everything) == before


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "route", [route for route in IN_A_ROOM if "{message_id}" in route]
)
async def test_a_message_is_found_through_its_own_room_only(
    server: TestServer, stranger: ClientSession, route: str, form: str
) -> None:
    """Neither a message of a room that one is not in, nor of one's other room."""
    for viewer in ("bi",) if "{bot_key}" in route else ("me", "ad"):
        scene = await staged(server, route, viewer)
        elsewhere: int = scene.parts["elsewhere"]
        answers = [
            await told(
                await asked(
                    stranger, scene, route, viewer, FORMS[form], message_id=number
                )
            )
            for number in (elsewhere, NOWHERE)
        ]
        assert answers[0][0] == 404
        assert answers[0] == answers[1]


async def test_a_sign_in_of_another_looks_like_one_that_is_not_there(
    server: TestServer, stranger: ClientSession
) -> None:
    for route in (
        "DELETE /sessions/{session_id}",
        "POST /sessions/{session_id}/delete",
    ):
        for form in FORMS.values():
            scene = await staged(server, route, "me")
            answers = [
                await told(await asked(stranger, scene, route, "ad", form, **other))
                for other in ({}, {"session_id": NOWHERE})
            ]
            assert answers[0][0] == 404
            assert answers[0] == answers[1]
            assert (await asked(stranger, scene, "GET /rooms", "me")).status == 200


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("route", PRIVATE)
async def test_no_answer_to_a_member_holds_what_is_a_secret_of_others(
    server: TestServer, stranger: ClientSession, route: str, form: str
) -> None:
    scene = await staged(server, route, "me")
    response = await asked(stranger, scene, route, "me", FORMS[form])
    text = await response.text(errors="replace")
    others = {who: scene.addresses[who] for who in scene.addresses if who != "me"}
    assert [who for who, address in others.items() if address in text] == []
    assert [who for who, token in scene.tokens.items() if token in text] == []


async def test_administrators_may_keep_the_making_of_rooms_to_themselves(
    server: TestServer, stranger: ClientSession
) -> None:
    restricted = {"settings": {"restrict_room_creation_to_administrators": True}}
    scene = await staged(server, "GET /", "cr")
    admin = {"Authorization": f"Bearer {scene.tokens['ad']}"} | JSON
    answer = await stranger.patch("/account", json=restricted, headers=admin)
    settings = (await answer.json())["settings"]
    assert settings["restrict_room_creation_to_administrators"] is True
    creator = {"Authorization": f"Bearer {scene.tokens['cr']}"} | JSON
    path = f"/rooms/{scene.parts['room_id']}"
    for asking, made, renamed, opened, direct in (
        (creator, 403, 200, 403, 201),
        (admin, 201, 200, 200, 201),
    ):
        fields: dict[str, Any] = {"kind": "closed", "name": "Designers"}
        assert (
            await stranger.post("/rooms", json=fields, headers=asking)
        ).status == made
        page = await stranger.get("/rooms/new", headers=asking | HTML)
        assert page.status == (403 if made == 403 else 200)
        fields = {"name": "Writers"}
        answer = await stranger.patch(path, json=fields, headers=asking)
        assert answer.status == renamed
        answer = await stranger.patch(path, json={"kind": "open"}, headers=asking)
        assert answer.status == opened
        fields = {"kind": "direct", "user_ids": [scene.ids["me"]]}
        answer = await stranger.post("/rooms", json=fields, headers=asking)
        assert answer.status == direct


@pytest.mark.parametrize(
    "path",
    [
        *("/rooms/0", "/rooms/-1", "/rooms/01", "/rooms/1e3", "/rooms/0x1"),
        *("/rooms/%201", "/rooms/1%00", "/rooms/1%2f1", "/rooms/١", "/rooms/1;x"),
        *("/rooms/9223372036854775808", f"/rooms/{'9' * 400}"),
        *("/rooms/1/", "/ROOMS/1", "/account/", "/users/0", "/users/1%00/avatar"),
        *("/files/0/a", "/files/1", "/files/../1/a", "/files/1/a/b", "/files/x/a"),
        *("/users/999999999999999999", "/account/users/0", "/sessions/0"),
    ],
)
async def test_an_odd_path_leads_nowhere(
    server: TestServer, stranger: ClientSession, path: str
) -> None:
    scene = await staged(server, "GET /", "ad")
    headers = {"Authorization": f"Bearer {scene.tokens['ad']}"} | JSON
    for method in ("GET", "DELETE"):
        response = await stranger.request(method, path, headers=headers)
        assert response.status in ((404,) if method == "GET" else (404, 405))
