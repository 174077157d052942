"""Addresses that are shut out: they may look, and change nothing."""

from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path

import pytest
from aiohttp import ClientSession, DummyCookieJar
from aiohttp.test_utils import TestServer

from campfire import app
from campfire.config import Config
from campfire.web.keys import DB
from tests.conftest import JZ, KEVIN, PASSWORD, SignIn, address, set_the_stage
from tests.web.conftest import HTML, JSON

BANNED = "8.8.8.8"
ELSEWHERE = "9.9.9.9"


@pytest.fixture
async def public(tmp_path: Path) -> AsyncIterator[ClientSession]:
    """A server behind a proxy that says where people come from."""
    trusted = (ip_network("127.0.0.0/8"),)
    config = Config(data=tmp_path, password_cost=4, trusted_proxies=trusted)
    server = TestServer(await app.create(config))
    await server.start_server()
    await server.app[DB].write(set_the_stage)
    async with ClientSession(
        base_url=server.make_url("/"), headers=JSON, cookie_jar=DummyCookieJar()
    ) as client:
        yield client
    await server.close()


async def from_(public: ClientSession, name: str, place: str) -> dict[str, str]:
    """Headers of somebody who signed in at a place."""
    words = {"email_address": address(name), "password": PASSWORD}
    headers = {"X-Forwarded-For": place}
    response = await public.post("/session", json=words, headers=headers)
    assert response.status == 201, await response.text()
    token = (await response.json())["token"]
    return headers | {"Authorization": f"Bearer {token}"}


async def test_nobody_changes_anything_from_where_the_banned_came_from(
    public: ClientSession,
) -> None:
    david = await from_(public, "David", ELSEWHERE)
    await from_(public, "Kevin", BANNED)
    jz = await from_(public, "JZ", BANNED)
    hello = {"body": "Hello"}
    posted = await public.post("/rooms/1/messages", json=hello, headers=jz)
    assert posted.status == 201, "the answer is known to be fresh later"
    banned = await public.post(f"/users/{KEVIN}/ban", headers=david)
    assert banned.status == 204
    for who in (jz, {"X-Forwarded-For": BANNED}):
        for method, path in (
            *(("POST", "/rooms/1/messages"), ("DELETE", "/session")),
            *(("POST", "/session"), ("PATCH", "/users/me"), ("PUT", "/rooms/1/star")),
            *(("POST", "/no/such/page"), ("DELETE", "/rooms/1")),
        ):
            refused = await public.request(method, path, json=hello, headers=who)
            assert refused.status == 429, (method, path)
            assert int(refused.headers["Retry-After"]) > 0
    page = await public.post("/session", data={}, headers=HTML | jz)
    assert (page.status, page.content_type) == (429, "text/html")
    assert (await public.get("/rooms/1", headers=jz)).status == 200
    jz["X-Forwarded-For"] = ELSEWHERE
    posted = await public.post("/rooms/1/messages", json=hello, headers=jz)
    assert posted.status == 201


async def test_a_ban_that_is_lifted_opens_the_place_again(
    public: ClientSession,
) -> None:
    david = await from_(public, "David", ELSEWHERE)
    jz = await from_(public, "JZ", BANNED)
    for _ in range(2):
        await from_(public, "Kevin", BANNED)
        banned = await public.post(f"/users/{KEVIN}/ban", headers=david)
        assert banned.status == 204
        assert (await public.put("/rooms/1/star", headers=jz)).status == 429
        lifted = await public.delete(f"/users/{KEVIN}/ban", headers=david)
        assert lifted.status == 204
        assert (await public.put("/rooms/1/star", headers=jz)).status == 204


async def test_at_home_nobody_else_is_shut_out(sign_in: SignIn) -> None:
    david, kevin, jz = [await sign_in(name) for name in ("David", "Kevin", "JZ")]
    assert (await david.client.post(f"/users/{KEVIN}/ban")).status == 204
    assert (await kevin.client.get("/rooms")).status == 401
    assert (await jz.client.put("/rooms/1/star")).status == 204
    words = {"email_address": address("Kevin"), "password": PASSWORD}
    assert (await jz.client.post("/session", json=words)).status == 401
    person = await (await david.client.get(f"/users/{KEVIN}")).json()
    assert person["status"] == "banned"


async def test_one_cannot_ban_oneself_nor_anybody_twice(sign_in: SignIn) -> None:
    david = await sign_in("David")
    assert (await david.client.post(f"/users/{david.id}/ban")).status == 422
    assert (await david.client.delete(f"/users/{JZ}/ban")).status == 422
    assert (await david.client.post(f"/users/{JZ}/ban")).status == 204
    assert (await david.client.post(f"/users/{JZ}/ban")).status == 404
    assert (await david.client.delete(f"/users/{JZ}/ban")).status == 204


async def test_a_form_leads_back_to_the_card(sign_in: SignIn) -> None:
    david = await sign_in("David")
    for path in (f"/users/{JZ}/ban", f"/users/{JZ}/ban/delete"):
        led = await david.client.post(path, headers=HTML, allow_redirects=False)
        assert (led.status, led.headers["Location"]) == (303, f"/users/{JZ}")
