"""Previews: their pictures, and taking one away."""

from typing import Final

from aiohttp import hdrs, web

from campfire.chat import messages, previews
from campfire.web import forms, responses
from campfire.web.keys import DB, ID
from campfire.web.messages import MESSAGE
from campfire.web.sessions import viewer

routes = web.RouteTableDef()

PREVIEW: Final = f"{MESSAGE}/previews/{{preview_id:{ID}}}"
# It never changes, but who may see it does.
ASK_EACH_TIME: Final = "private, no-cache"


@routes.get(f"/previews/{{preview_id:{ID}}}/image")
async def show(request: web.Request) -> web.Response:
    user, preview_id = await viewer(request), forms.path_id(request, "preview_id")
    data = await request.app[DB].read(previews.picture, user.id, preview_id)
    headers = {hdrs.CACHE_CONTROL: ASK_EACH_TIME, hdrs.ETAG: f'"{preview_id}"'}
    if headers[hdrs.ETAG] in request.headers.get(hdrs.IF_NONE_MATCH, ""):
        return web.Response(status=304, headers=headers)
    return web.Response(body=data, content_type="image/webp", headers=headers)


@routes.delete(PREVIEW)
@routes.post(f"{PREVIEW}/delete")
async def destroy(request: web.Request) -> web.Response:
    user = await viewer(request)
    room_id = forms.path_id(request, "room_id")
    message_id = forms.path_id(request, "message_id")
    await request.app[DB].write(
        messages.remove_preview,
        user.id,
        room_id,
        message_id,
        forms.path_id(request, "preview_id"),
    )
    return responses.done(request, f"/rooms/{room_id}/@{message_id}")
