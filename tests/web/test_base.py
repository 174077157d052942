"""What pages lead to, where Campfire is not at the root of its name."""

import re

import pytest
from aiohttp.test_utils import TestServer

from campfire.web.keys import RENDERER
from tests.web.conftest import Browse

PAGES = (
    *("/rooms/1", "/rooms/1/edit", "/rooms/new?kind=open", "/rooms/new?kind=direct"),
    *("/users/me", "/users/2", "/account", "/account/bots", "/account/bots/new"),
    *("/account/jobs", "/account/acts", "/searches?q=hello", "/inbox", "/rooms/999"),
    *("/messages/1/boosts", "/rooms/1/messages/1/edit", "/offline"),
)
LEADS = re.compile(r'\b(?:href|src|action|formaction)="(/[^"]*)"')


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_leads_nowhere_else(
    server: TestServer, browse: Browse, path: str
) -> None:
    assert server.app is not None
    david = await browse("David")
    server.app[RENDERER]._environment.globals["base"] = "/chat"
    await david.post("/rooms/1/messages", data={"body": "hello"})
    page = await (await david.get(path)).text()
    found = LEADS.findall(page)
    assert found
    assert sorted({link for link in found if not link.startswith("/chat/")}) == []
