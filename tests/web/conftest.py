"""People at browsers, strangers, and lines that speak HTTP byte by byte."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ClientSession, CookieJar, DummyCookieJar
from aiohttp.test_utils import TestServer

from tests.conftest import ALL_PETS, PASSWORD, address

HTML = {"Accept": "text/html"}
FRAGMENT = {"Accept": "*/*", "HX-Request": "true"}
JSON = {"Accept": "application/json"}
FORMS = {"page": HTML, "fragment": FRAGMENT, "json": JSON}

Browse = Callable[[str], Awaitable[ClientSession]]
Raw = Callable[[bytes], Awaitable[bytes]]


@pytest.fixture
async def browse(server: TestServer) -> AsyncIterator[Browse]:
    """`await browse("Kevin")` signs in through the form and keeps the cookie."""
    browsers: list[ClientSession] = []

    async def browse(name: str) -> ClientSession:
        browser = ClientSession(
            base_url=server.make_url("/"),
            headers=HTML,
            cookie_jar=CookieJar(unsafe=True),
        )
        browsers.append(browser)
        words = {"email_address": address(name), "password": PASSWORD}
        response = await browser.post("/session", data=words, allow_redirects=False)
        assert response.status == 303
        return browser

    yield browse
    for browser in browsers:
        await browser.close()


@pytest.fixture
async def stranger(server: TestServer) -> AsyncIterator[ClientSession]:
    """A browser that knows nobody and keeps no cookie."""
    async with ClientSession(
        base_url=server.make_url("/"), headers=HTML, cookie_jar=DummyCookieJar()
    ) as stranger:
        yield stranger


@pytest.fixture
async def raw(server: TestServer) -> Raw:
    """Sends these bytes and reads until the server closes the connection."""

    async def raw(request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(request)
        async with asyncio.timeout(10):
            answer = await reader.read()
        writer.close()
        return answer

    return raw


async def posted(
    client: ClientSession, body: str, room_id: int = ALL_PETS
) -> dict[str, Any]:
    """The message that was made."""
    response = await client.post(f"/rooms/{room_id}/messages", json={"body": body})
    assert response.status == 201, await response.text()
    message: dict[str, Any] = await response.json()
    return message
