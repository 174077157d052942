"""What is around every page of somebody who is signed in: place, person and taste."""

from aiohttp import web

from campfire.chat.accounts import Account
from campfire.web.keys import RENDERER
from campfire.web.sessions import viewer_of


async def page(
    request: web.Request, template: str, account: Account, **context: object
) -> str:
    """The page; `?plain` leaves the account's styles out, so one can repair them."""
    session = await viewer_of(request)
    assert session is not None, "the guard lets nobody unknown through"
    styles = f"/account/styles.css?v={account.updated_at}"
    has_styles = account.has_styles and "plain" not in request.query
    return request.app[RENDERER].page(
        template,
        account=account,
        account_name=account.name,
        viewer=session.user,
        theme=session.theme,
        shows_previews=session.shows_previews,
        plays_sounds=session.plays_sounds,
        custom_styles=styles if has_styles else None,
        **context,
    )
