"""Campfire below a path, behind nginx as the paper has it: all asks stay inside."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser.conftest import (
    PASSWORD,
    Campfire,
    OpenWindow,
    awake,
    free_port,
    join,
    light_the_fire,
    said,
    say,
    until,
)
from tests.browser.test_finding import jump
from tests.samples import picture
from tests.test_deploying import LOCATION, replaced, started, written

BASE = "/chat"
# What somebody else on the same name keeps in the browser, and what is left of it.
KEEP = "() => { localStorage.setItem('blog', '1'); return caches.open('blog-1'); }"
LEFT = """async () => {
  const kept = (await caches.keys()).filter((name) => name.startsWith("blog"));
  return [...kept, ...Object.keys(localStorage)].sort();
}"""


class Behind(Campfire):
    """What browsers reach is the proxy."""

    @property
    def url(self) -> str:
        return self.settings["CAMPFIRE_ORIGIN"]


@pytest_asyncio.fixture(loop_scope="session")
async def campfire(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Campfire]:
    port = free_port()
    settings = {
        "CAMPFIRE_ORIGIN": f"http://127.0.0.1:{port}",
        "CAMPFIRE_BASE": BASE,
        "CAMPFIRE_TRUSTED_PROXIES": "127.0.0.1",
    }
    campfire = Behind(tmp_path / "data", free_port(), settings=settings)
    block = LOCATION.sub(lambda found: written("nginx, below a path"), written("nginx"))
    # No certificate that a worker would be taken with, and a port to be named.
    changes = {
        "listen 443 ssl http2": f"listen 127.0.0.1:{port}",
        "127.0.0.1:8000": f"127.0.0.1:{campfire.port}",
        "$host;": "$http_host;",
    }
    block = re.sub(r"^ +ssl_.*\n", "", replaced(block, changes), flags=re.M)
    await campfire.start()
    folder = tmp_path_factory.mktemp("nginx")
    proxy = await asyncio.create_subprocess_exec(*started(folder, block))
    async with asyncio.timeout(30):
        while not (folder / "nginx.pid").exists():
            assert proxy.returncode is None, "it does not start"
            await asyncio.sleep(0.05)
    yield campfire
    proxy.terminate()
    await proxy.wait()
    await campfire.stop()


def watch(page: Page) -> list[str]:
    """Every path that anything in the window's context asks for."""
    asked: list[str] = []

    def note(url: str) -> None:
        place = urlsplit(url)
        if place.scheme in ("http", "https", "ws", "wss"):
            asked.append(place.path)

    page.context.on("request", lambda request: note(request.url))
    page.on("websocket", lambda socket: note(socket.url))
    return asked


async def test_two_people_below_a_path(
    campfire: Campfire, open_window: OpenWindow, tmp_path: Path
) -> None:
    david, jason = await open_window(), await open_window()
    asked = watch(david), watch(jason)
    await david.goto(f"{BASE}/health")
    await david.evaluate(KEEP)
    invitation = await light_the_fire(david, at=f"{BASE}/")
    assert invitation.startswith(f"{campfire.url}{BASE}/join/")
    await join(jason, invitation, "Jason")
    await awake(david)
    await awake(jason)

    await say(david, "hello @Jason")
    mention = jason.locator("#log").get_by_role("link", name="@Jason")
    await expect(mention).to_have_attribute("href", re.compile(f"^{BASE}/users/"))

    file = tmp_path / "a dog.png"
    file.write_bytes(picture(900, 600))
    await jason.get_by_label("Attach files").set_input_files(file)
    await jason.get_by_role("button", name="Send").click()
    shown = "document.querySelector('#log .message-extras img')?.naturalWidth > 0"
    await until(david, shown)

    await david.reload()
    await awake(david)
    assert (await said(david))[0] == "hello @Jason"
    await until(david, shown)
    await jump(david, "hello")
    found = david.get_by_role("option", name="hello @Jason")
    await expect(found).to_be_visible()
    await found.click()
    await david.wait_for_url(f"**{BASE}/rooms/1/@1*")
    await awake(david)

    await david.goto(f"{BASE}/users/me")
    await until(david, "Boolean(navigator.serviceWorker.controller)")
    scope = await david.evaluate(
        "navigator.serviceWorker.ready.then(({ scope }) => scope)"
    )
    assert scope == f"{campfire.url}{BASE}/"
    await david.get_by_role("button", name="Sign out").click()
    await david.wait_for_url(f"**{BASE}/session/new")
    left = await david.evaluate(LEFT)
    assert left[:2] == ["blog", "blog-1"], "what is not ours stays"
    assert not [key for key in left if "draft" in key or "outbox" in key]
    await david.get_by_label("E-mail").fill("david@37signals.example")
    await david.get_by_label("Password").fill(PASSWORD)
    await david.get_by_role("button", name="Sign in").click()
    await david.wait_for_url(f"**{BASE}/rooms/1")
    assert (await said(david))[0] == "hello @Jason"

    for paths in asked:
        assert f"{BASE}/socket" in paths
        assert [path for path in paths if not path.startswith(f"{BASE}/")] == []
