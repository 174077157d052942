"""A link gets its card while everybody looks, and loses it when its author says so."""

import asyncio
import io
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from PIL import Image
from playwright.async_api import expect

from tests.browser.conftest import (
    Campfire,
    OpenWindow,
    free_port,
    join,
    light_the_fire,
    say,
)
from tests.outside.conftest import NAME, answered

PICTURE = '<meta property="og:image" content="/picture">'
ABOUT = '<meta name="description" content="The closer you look, the longer it gets.">'
PAGE = f"<title>How far is it, really?</title>{ABOUT}{PICTURE}"


class Site:
    """A page that answers when it is allowed to."""

    def __init__(self) -> None:
        self.is_open = asyncio.Event()
        self.asked = asyncio.Event()
        self.port = free_port()

    async def meet(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.set()
        await self.is_open.wait()
        if head.startswith(b"GET /picture "):
            picture = io.BytesIO()
            Image.radial_gradient("L").save(picture, "PNG")
            writer.write(answered(picture.getvalue(), "image/png"))
        else:
            writer.write(answered(PAGE))
        writer.close()

    @property
    def url(self) -> str:
        return f"http://{NAME}:{self.port}/contour"


@pytest_asyncio.fixture(loop_scope="session")
async def site() -> AsyncIterator[Site]:
    site = Site()
    server = await asyncio.start_server(site.meet, "127.0.0.1", site.port)
    yield site
    server.close()
    site.is_open.set()


@pytest_asyncio.fixture(loop_scope="session")
async def campfire(tmp_path: Path, site: Site) -> AsyncIterator[Campfire]:
    program = ("-m", "tests.outside.next_door", str(site.port))
    campfire = Campfire(tmp_path / "data", free_port(), program)
    await campfire.start()
    yield campfire
    await campfire.stop()


async def test_a_link_gets_its_card_in_every_window_and_loses_it_again(
    site: Site, open_window: OpenWindow
) -> None:
    small = {"width": 1000, "height": 600}
    david, jason = await open_window(viewport=small), await open_window(viewport=small)
    await join(jason, await light_the_fire(david), "Jason")
    for number in range(16):
        await say(david, f"Something to scroll past, {number}")
    await expect(jason.locator("#log article")).to_have_count(16)
    await say(david, f"Look: {site.url}")
    await expect(jason.locator("#log")).to_contain_text("Look:")
    await say(jason, "Where?")
    await site.asked.wait()
    # Jason reads further up: what comes in below must not move him.
    await jason.evaluate("document.getElementById('messages').scrollTop -= 200")
    seen = jason.locator("article", has_text="scroll past, 8")
    top = "node => node.getBoundingClientRect().top"
    before = await seen.evaluate(top)
    site.is_open.set()

    card = jason.locator(".preview")
    await expect(card).to_contain_text("How far is it, really?")
    await expect(card).to_contain_text("The closer you look")
    await expect(card.get_by_role("link")).to_have_attribute("href", site.url)
    assert abs(await seen.evaluate(top) - before) < 1
    for page in (david, jason):
        picture = page.locator(".preview-picture")
        await picture.scroll_into_view_if_needed()
        await expect(picture).to_have_js_property("complete", True)
        await expect(picture).to_have_js_property("naturalWidth", 256)
        await expect(page.locator(".message-edited")).to_have_count(0)

    remove = "Remove the preview of"
    await card.hover()
    await expect(jason.get_by_role("button", name=remove)).to_have_count(0)
    await david.locator(".preview").hover()
    await david.get_by_role("button", name=remove).click()
    for page in (david, jason):
        await expect(page.locator(".preview")).to_have_count(0)
        await expect(page.locator("#log")).to_contain_text("Look:")
    assert await david.evaluate("document.activeElement.localName") == "article"


async def test_a_card_comes_although_the_server_was_killed_before_it_could(
    site: Site, campfire: Campfire, open_window: OpenWindow
) -> None:
    david = await open_window()
    await light_the_fire(david)
    await say(david, site.url)
    await site.asked.wait()
    await campfire.stop(signal.SIGKILL)
    site.is_open.set()
    await campfire.start()
    await expect(david.locator(".preview")).to_contain_text("How far", timeout=40_000)


async def test_the_card_stands_for_a_message_that_is_only_its_link(
    site: Site, open_window: OpenWindow
) -> None:
    david = await open_window()
    await light_the_fire(david)
    await say(david, site.url)
    link = david.locator("#log .message-body").get_by_text(site.url)
    await expect(link).to_be_visible()
    site.is_open.set()
    await expect(david.locator(".preview")).to_be_visible()
    await expect(link).to_be_hidden()

    # Where cards are hidden, and where this one was taken away, the link is shown.
    await david.evaluate("document.body.classList.add('hides-previews')")
    await expect(link).to_be_visible()
    await david.evaluate("document.body.classList.remove('hides-previews')")
    await expect(link).to_be_hidden()
    await david.locator("#log article").press("e")
    await expect(david.locator("article textarea")).to_have_value(site.url)
    await david.locator("article textarea").press("Escape")
    await david.locator(".preview").hover()
    await david.get_by_role("button", name="Remove the preview of").click()
    await expect(link).to_be_visible()
