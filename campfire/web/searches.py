"""Searches: the page, its results as JSON, and what was looked for lately."""

import asyncio
from typing import Final, get_args
from urllib.parse import urlencode

from aiohttp import hdrs, web

from campfire.chat import searches
from campfire.chat.searches import Narrowed, Results
from campfire.refusals import Invalid
from campfire.web import forms, render, responses
from campfire.web.keys import DB, LIMITS
from campfire.web.limits import SEARCHES
from campfire.web.sessions import viewer

routes = web.RouteTableDef()

# One reader is left for pages, whatever is looked for.
AT_ONCE: Final = asyncio.Semaphore(1)
MOST_OFFSET: Final = searches.MOST_COUNTED


@routes.get("/searches")
async def index(request: web.Request) -> web.Response:
    results = await found(request)
    shown = [render.hit(hit) for hit in results.hits]
    response = responses.json(shown)
    response.headers["X-Total-Count"] = str(results.total)
    response.headers.update(next_link(request, results))
    return response


async def found(request: web.Request) -> Results:
    """What the query of the request asks for."""
    user = await viewer(request)
    request.app[LIMITS].hit(SEARCHES, str(user.id))
    sort = request.query.get("sort", "newest")
    if sort not in get_args(searches.Sort):
        raise Invalid("This is no order.", sort="One of newest, relevance.")
    limit = forms.number(request, "limit")
    offset = forms.number(request, "offset")
    async with AT_ONCE:
        return await request.app[DB].read(
            searches.find,
            user.id,
            request.query.get("q", ""),
            Narrowed(
                room_id=forms.number(request, "room_id"),
                creator_id=forms.number(request, "creator_id"),
                before=forms.number(request, "before"),
                after=forms.number(request, "after"),
            ),
            sort="relevance" if sort == "relevance" else "newest",
            limit=forms.clamped(limit, searches.PAGE, searches.LONGEST_PAGE),
            offset=min(max(offset or 0, 0), MOST_OFFSET),
        )


def next_link(request: web.Request, results: Results) -> dict[str, str]:
    """A Link header (RFC 8288) to older hits: by key, or by place in a ranking."""
    if not results.more:
        return {}
    query = dict(request.query)
    if query.get("sort") == "relevance":
        offset = int(query.get("offset", 0)) + len(results.hits)
        query["offset"] = str(offset)
    else:
        query.pop("offset", None)
        query["before"] = str(results.hits[-1].message.id)
    return {hdrs.LINK: f'<{request.path}?{urlencode(query)}>; rel="next"'}
