"""The watch: what an operator's command changed reaches open sockets."""

import pytest
from aiohttp.test_utils import TestServer

from campfire.chat import memberships, profiles
from campfire.database import applied
from campfire.live import watch
from campfire.web.keys import DB
from tests.conftest import ALL_PETS, KEVIN, SignIn
from tests.live.line import Line


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "EVERY", 0.01)


async def test_a_password_reset_from_outside_closes_the_sockets(
    server: TestServer, sign_in: SignIn
) -> None:
    assert server.app is not None
    line = await Line.open(await sign_in("Kevin"))
    applied(server.app[DB].path, profiles.reset_password, KEVIN, "hash")
    assert (await line.ws.receive(10)).data == 4401


async def test_who_is_put_out_from_outside_hears_no_more(
    server: TestServer, sign_in: SignIn
) -> None:
    assert server.app is not None
    david, kevin = await sign_in("David"), await Line.open(await sign_in("Kevin"))
    await kevin.enter(ALL_PETS)
    applied(server.app[DB].path, memberships.revoke, ALL_PETS, [KEVIN])
    body = {"body": "Not for Kevin"}
    await david.client.post(f"/rooms/{ALL_PETS}/messages", json=body)
    heard = [event["event"] for event in await kevin.up_to_now()]
    assert "message.posted" not in heard
