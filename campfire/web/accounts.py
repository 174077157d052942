"""The account, as every member may see it."""

from aiohttp import web

from campfire.chat import accounts
from campfire.web import responses
from campfire.web.keys import DB
from campfire.web.rooms import join_url

routes = web.RouteTableDef()


@routes.get("/account")
async def show(request: web.Request) -> web.Response:
    account = await request.app[DB].read(accounts.find)
    assert account is not None, "somebody is signed in, so there is an account"
    return responses.json(
        {"name": account.name, "join_url": join_url(request, account), "settings": {}}
    )
