"""The name we are asked under, and the sites that may read what we answer."""

from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path

import pytest
from aiohttp import ClientSession, DummyCookieJar
from aiohttp.test_utils import TestServer

from campfire import app
from campfire.chat import sessions
from campfire.config import Config
from campfire.outside.client import Client
from campfire.web.keys import DB
from tests.conftest import ALL_PETS, KEVIN, set_the_stage

SITE = "https://tools.example"
HOST = {"Host": "chat.example", "Accept": "application/json"}
ASKS = {"Access-Control-Request-Method": "POST"}


@pytest.fixture
async def named(tmp_path: Path) -> AsyncIterator[tuple[ClientSession, str]]:
    """A server with a name of its own and a friend; Kevin's token."""
    config = Config(
        data=tmp_path,
        password_cost=4,
        origin="https://chat.example",
        cors_origins=(SITE,),
        trusted_proxies=(ip_network("127.0.0.2/32"),),
    )
    server = TestServer(await app.create(config, Client(lookup=lambda name: [])))
    await server.start_server()
    assert server.app is not None
    await server.app[DB].write(set_the_stage)
    token = await server.app[DB].write(sessions.start, KEVIN, "127.0.0.1", "tests")
    async with ClientSession(
        server.make_url("/"), cookie_jar=DummyCookieJar()
    ) as client:
        yield client, token
    await server.close()


Named = tuple[ClientSession, str]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        *(("chat.example", 200), ("CHAT.example", 200), ("chat.example:443", 200)),
        *(("evil.example", 421), ("chat.example.evil.example", 421)),
        *(("chat.example:80", 421), ("chat.example:8000", 421), ("127.0.0.1", 421)),
        *(("", 421), ("chat.example@evil.example", 421)),
    ],
)
async def test_a_name_that_is_not_ours_is_refused(
    named: Named, host: str, status: int
) -> None:
    client, token = named
    headers = HOST | {"Host": host, "Authorization": f"Bearer {token}"}
    assert (await client.get("/rooms", headers=headers)).status == status
    forwarded = headers | {"X-Forwarded-Host": "chat.example"}
    assert (await client.get("/rooms", headers=forwarded)).status == status


async def test_who_watches_on_this_machine_may_use_any_name(named: Named) -> None:
    client, _ = named
    for path in ("/health", "/ready", "/metrics"):
        assert (await client.get(path)).status == 200
        elsewhere = {"X-Forwarded-For": "8.8.8.8"}
        assert (await client.get(path, headers=elsewhere)).status == 421
    assert (await client.get("/session/new")).status == 421


async def test_without_a_name_of_our_own_any_is_taken(client: ClientSession) -> None:
    response = await client.get("/health", headers={"Host": "any.example"})
    assert response.status == 200
    assert "Strict-Transport-Security" not in response.headers


async def test_a_browser_that_came_by_https_stays_there(named: Named) -> None:
    client, _ = named
    for path in ("/health", "/nowhere", "/session/new"):
        response = await client.get(path, headers=HOST)
        assert response.headers["Strict-Transport-Security"] == "max-age=63072000"


async def test_a_site_that_may_reads_answers_to_a_token(named: Named) -> None:
    client, token = named
    path = f"/rooms/{ALL_PETS}/messages"
    asked = await client.options(path, headers=HOST | ASKS | {"Origin": SITE})
    assert asked.status == 204
    assert asked.headers["Access-Control-Allow-Origin"] == SITE
    assert "Authorization" in asked.headers["Access-Control-Allow-Headers"]
    assert "PATCH" in asked.headers["Access-Control-Allow-Methods"]
    proof = {"Authorization": f"Bearer {token}", "Origin": SITE}
    foreign = {"Sec-Fetch-Site": "cross-site"}
    posted = await client.post(
        path, json={"body": "From afar"}, headers=HOST | proof | foreign
    )
    assert posted.status == 201
    refused = await client.get("/rooms/99", headers=HOST | proof)
    assert refused.status == 404
    for response in (asked, posted, refused):
        assert response.headers["Access-Control-Allow-Origin"] == SITE
        assert "Access-Control-Allow-Credentials" not in response.headers
        assert "Origin" in response.headers["Vary"]


async def test_a_cookie_opens_nothing_to_another_site(named: Named) -> None:
    client, token = named
    cookie = {"Cookie": f"__Host-campfire_session={token}", "Origin": SITE}
    read = await client.get("/rooms", headers=HOST | cookie)
    assert read.status == 200
    write = await client.post("/rooms", json={}, headers=HOST | cookie)
    assert write.status == 403
    for response in (read, write):
        assert not [name for name in response.headers if "Access-Control" in name]


@pytest.mark.parametrize(
    "site", ["https://evil.example", "null", f"{SITE}.evil.example", SITE.upper(), ""]
)
async def test_any_other_site_is_told_nothing(named: Named, site: str) -> None:
    client, token = named
    headers = HOST | {"Origin": site, "Authorization": f"Bearer {token}"}
    for response in (
        await client.get("/rooms", headers=headers),
        await client.options("/rooms", headers=headers | ASKS),
    ):
        assert not [name for name in response.headers if "Access-Control" in name]


async def test_nobody_is_told_anything_unless_the_operator_says_so(
    client: ClientSession,
) -> None:
    response = await client.options("/rooms", headers=ASKS | {"Origin": SITE})
    assert response.status != 204
    assert not [name for name in response.headers if "Access-Control" in name]
