"""Push: the devices that somebody may be rung on, a test of each, and quiet hours."""

import binascii
from base64 import urlsafe_b64decode
from typing import Any, Final

from aiohttp import hdrs, web

from campfire.chat import push, quiet_hours
from campfire.chat.push import Entry, Keys, Subscription
from campfire.chat.quiet_hours import QuietHours
from campfire.refusals import Invalid
from campfire.web import forms, render, responses, users
from campfire.web.keys import DB, ID, LIMITS, PUSHABLE
from campfire.web.limits import PUSH_TESTS, RINGS, SUBSCRIPTIONS
from campfire.web.requests import representation
from campfire.web.sessions import viewer, viewer_of

routes = web.RouteTableDef()

INDEX: Final = "/users/me/push_subscriptions"
DEVICE: Final = f"{INDEX}/{{subscription_id:{ID}}}"
DEVICES: Final = "/users/me#devices"
QUIET: Final = "/users/me#quiet"
LONGEST_ENDPOINT: Final = 2_048


@routes.get(INDEX)
async def index(request: web.Request) -> web.Response:
    user = await viewer(request)
    if representation(request) == "page":
        return responses.see(DEVICES, 302)
    found = await request.app[DB].read(push.all_of, user.id)
    return responses.json([presented(each) for each in found])


@routes.post(INDEX)
async def create(request: web.Request) -> web.Response:
    """Keeps a device; the same one again changes whose it is, and its keys."""
    session = await viewer_of(request)
    assert session is not None, "the guard lets nobody unknown through"
    request.app[LIMITS].hit(SUBSCRIPTIONS, str(session.user.id))
    keys = keys_of(await forms.body(request))
    await request.app[PUSHABLE](keys)
    kept = await request.app[DB].write(
        push.subscribe,
        session.user.id,
        session.id,
        keys,
        request.headers.get(hdrs.USER_AGENT, ""),
    )
    return responses.json(presented(kept), 201)


@routes.delete(DEVICE)
@routes.post(f"{DEVICE}/delete")
async def destroy(request: web.Request) -> web.Response:
    user = await viewer(request)
    subscription_id = forms.path_id(request, "subscription_id")
    await request.app[DB].write(push.unsubscribe, user.id, subscription_id)
    return responses.done(request, DEVICES)


@routes.post(f"{DEVICE}/test_notifications")
async def test(request: web.Request) -> web.Response:
    user = await viewer(request)
    subscription_id = forms.path_id(request, "subscription_id")
    request.app[LIMITS].hit(PUSH_TESTS, str(user.id))
    await request.app[DB].write(push.test, user.id, subscription_id)
    if representation(request) == "page":
        return responses.see(DEVICES)
    return web.Response(status=202)


@routes.put("/users/me/quiet_hours")
@routes.post("/users/me/quiet_hours")
async def keep_quiet(request: web.Request) -> web.Response:
    """Sets one's quiet hours, from and to in a time zone; a form may leave them off."""
    user = await viewer(request)
    fields = await forms.body(request)
    # A box that is not ticked is not in the form.
    is_on = forms.flag(fields, "on")
    if is_on is None:
        is_on = representation(request) != "page"
    try:
        hours = agreed(request, fields) if is_on else None
    except Invalid as refusal:
        if representation(request) != "page":
            raise
        return await users.profile(request, user, refusal.errors, fields, 422)
    await request.app[DB].write(push.keep_quiet, user.id, hours)
    return responses.done(request, QUIET)


@routes.delete("/users/me/quiet_hours")
async def stop_quiet(request: web.Request) -> web.Response:
    user = await viewer(request)
    await request.app[DB].write(push.keep_quiet, user.id, None)
    return responses.nothing()


@routes.post(f"/rooms/{{room_id:{ID}}}/messages/{{message_id:{ID}}}/ring")
async def ring(request: web.Request) -> web.Response:
    """Rings with one's direct message although it is night for who gets it."""
    user = await viewer(request)
    room_id = forms.path_id(request, "room_id")
    message_id = forms.path_id(request, "message_id")
    request.app[LIMITS].hit(RINGS, str(user.id))
    await request.app[DB].write(push.ring, user.id, room_id, message_id)
    if representation(request) == "page":
        return responses.see(f"/rooms/{room_id}")
    return web.Response(status=202)


def agreed(request: web.Request, fields: forms.Fields) -> QuietHours:
    may_ring = forms.flag(fields, "may_ring")
    if may_ring is None:
        may_ring = representation(request) != "page"
    return quiet_hours.agreed(
        forms.text(fields, "from", longest=5),
        forms.text(fields, "to", longest=5),
        forms.text(fields, "time_zone", longest=100),
        may_ring=may_ring,
    )


def keys_of(fields: forms.Fields) -> Keys:
    """What `PushSubscription.toJSON()` says in a browser. Raises Invalid."""
    endpoint = forms.text(fields, "endpoint", longest=LONGEST_ENDPOINT)
    keys = fields.get("keys")
    if not isinstance(keys, dict):
        raise Invalid("Something is missing.", keys="This is needed.")
    return Keys(endpoint, octets(keys, "p256dh"), octets(keys, "auth"))


def octets(keys: forms.Fields, name: str) -> bytes:
    text = forms.text(keys, name, longest=200).rstrip("=")
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise Invalid(
            "Something is not base64url.", **{name: "No base64url."}
        ) from None


def presented(subscription: Subscription) -> dict[str, Any]:
    last = subscription.last
    return {
        "id": subscription.id,
        "endpoint": subscription.endpoint,
        "user_agent": subscription.user_agent,
        "created_at": render.time(subscription.created_at),
        "last_delivery": None if last is None else delivery(last),
    }


def delivery(entry: Entry) -> dict[str, Any]:
    return {
        "at": render.time(entry.at),
        "outcome": entry.outcome,
        "status": entry.status,
    }
