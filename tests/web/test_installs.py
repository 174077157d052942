"""What makes Campfire an app of the device, as a browser fetches it."""

import json
import re
from typing import Any

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from campfire.web.keys import STATIC
from tests.conftest import SignIn
from tests.web.conftest import HTML, Browse


async def manifest(client: ClientSession) -> dict[str, Any]:
    response = await client.get("/webmanifest")
    assert response.status == 200
    assert response.content_type == "application/manifest+json"
    told: dict[str, Any] = json.loads(await response.read())
    return told


async def test_the_manifest_says_what_it_takes_to_be_installed(
    stranger: ClientSession,
) -> None:
    told = await manifest(stranger)
    assert told["name"] == told["short_name"] == "Campfire"
    assert (told["start_url"], told["scope"], told["display"]) == (
        "/",
        "/",
        "standalone",
    )
    for icon in told["icons"]:
        response = await stranger.get(icon["src"])
        assert (response.status, response.content_type) == (200, icon["type"])


@pytest.mark.parametrize("name", ['Say "fire"', "<script>", "a\\b", "Ünïcode 🔥"])
async def test_the_name_may_have_any_characters(
    stranger: ClientSession, sign_in: SignIn, name: str
) -> None:
    david = await sign_in("David")
    assert (await david.client.patch("/account", json={"name": name})).status == 200
    assert (await manifest(stranger))["name"] == name


async def test_every_shortcut_leads_somewhere(
    stranger: ClientSession, browse: Browse
) -> None:
    david = await browse("David")
    told = await manifest(stranger)
    for shortcut in told["shortcuts"]:
        response = await david.get(shortcut["url"], allow_redirects=False)
        assert response.status == 200, shortcut["url"]


async def test_every_page_names_the_manifest(
    stranger: ClientSession, browse: Browse
) -> None:
    david = await browse("David")
    for client, path in ((stranger, "/session/new"), (david, "/rooms/1")):
        text = await (await client.get(path)).text()
        assert '<link rel="manifest" href="/webmanifest">' in text


async def test_the_worker_names_the_files_of_its_time(
    server: TestServer, stranger: ClientSession
) -> None:
    response = await stranger.get("/service-worker.js")
    assert (response.status, response.content_type) == (200, "text/javascript")
    assert response.headers["Cache-Control"] == "no-cache"
    assert "Service-Worker-Allowed" not in response.headers
    text = await response.text()
    told = re.match(r"self\.campfire = (\{.*?\});\n", text)
    assert told is not None
    campfire = json.loads(told[1])
    assert server.app is not None
    assert campfire["digest"] == server.app[STATIC].digest
    assert server.app[STATIC].url("js/main.js") in campfire["files"]
    assert not [name for name in campfire["files"] if "sounds/" in name]
    for path in [*campfire["files"], campfire["offline"]]:
        assert (await stranger.get(path)).status == 200, path


async def test_the_page_without_a_line_knows_nobody(browse: Browse) -> None:
    david = await browse("David")
    response = await david.get("/offline")
    text = await response.text()
    assert response.status == 200 and "You are offline" in text
    assert "David" not in text and "user-id" not in text


async def test_what_is_shared_goes_to_the_composer(browse: Browse) -> None:
    david = await browse("David")
    query = {"title": "A page", "text": "Look & see", "url": "https://a.example/?b=1#c"}
    response = await david.get("/share", params=query, allow_redirects=False)
    assert response.status == 302
    assert response.headers["Location"] == (
        "/#share=A%20page%0ALook%20%26%20see%0Ahttps%3A%2F%2Fa.example%2F%3Fb%3D1%23c"
    )
    twice = {"text": "https://a.example/", "url": "https://a.example/"}
    response = await david.get("/share", params=twice, allow_redirects=False)
    assert response.headers["Location"] == "/#share=https%3A%2F%2Fa.example%2F"


async def test_sharing_waits_for_a_sign_in(stranger: ClientSession) -> None:
    response = await stranger.get(
        "/share?text=Hello", headers=HTML, allow_redirects=False
    )
    assert response.headers["Location"] == "/session/new"
    assert "/share?text=Hello" in response.headers["Set-Cookie"]
