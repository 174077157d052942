"""The shell: light and styles of a page, and the way to do without the styles."""

from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from campfire.chat import accounts, users
from campfire.chat.users import Profile
from campfire.web.keys import DB
from tests.conftest import DAVID, SignIn

PAGE = {"Accept": "text/html"}


async def text(client: ClientSession, path: str) -> str:
    return await (await client.get(path, headers=PAGE)).text()


async def test_the_accounts_own_styles_are_a_file_and_can_be_left_out(
    server: TestServer, sign_in: SignIn
) -> None:
    assert server.app is not None
    david = await sign_in("David")
    assert "/account/styles.css" not in await text(david.client, "/rooms/1")
    styles = "body { color: red }</style><script>"
    await server.app[DB].write(accounts.revise, DAVID, custom_styles=styles)
    page = await text(david.client, "/rooms/1")
    assert "/account/styles.css?v=" in page and "color: red" not in page
    assert "/account/styles.css" not in await text(david.client, "/account?plain")
    answer = await david.client.get("/account/styles.css")
    assert (answer.content_type, await answer.text()) == ("text/css", styles)


async def test_the_light_somebody_chose_is_on_the_page_from_the_start(
    server: TestServer, sign_in: SignIn
) -> None:
    assert server.app is not None
    david = await sign_in("David")
    assert 'data-theme="dark"' not in await text(david.client, "/rooms/1")
    await server.app[DB].write(users.revise, DAVID, Profile(theme="dark"))
    assert 'data-theme="dark"' in await text(david.client, "/rooms/1")
