"""The bench: a receiver breaks, an administrator looks, mends it and plays it again."""

from collections.abc import AsyncIterator

import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import expect

from tests.browser.conftest import Campfire, OpenWindow, light_the_fire, said, say


class Postbox:
    """A receiver that can break."""

    def __init__(self) -> None:
        self.is_broken = True
        app = web.Application()
        app.router.add_post("/hook", self.answer)
        self.server = TestServer(app)

    async def answer(self, request: web.Request) -> web.Response:
        if self.is_broken:  # Nothing that is tried again by itself.
            return web.Response(status=404, text="No such parcel")
        return web.Response(text="At the border")


@pytest_asyncio.fixture(loop_scope="session")
async def postbox() -> AsyncIterator[Postbox]:
    postbox = Postbox()
    await postbox.server.start_server()
    yield postbox
    await postbox.server.close()


async def test_a_bot_is_made_and_mended_at_the_bench(
    campfire: Campfire, open_window: OpenWindow, postbox: Postbox
) -> None:
    page = await open_window()
    await light_the_fire(page)
    await page.goto("/account")
    await page.get_by_role("link", name="Bots").click()
    await page.get_by_role("link", name="New bot").click()
    await page.get_by_label("Name").fill("Postbox")
    hook = str(postbox.server.make_url("/hook"))
    await page.get_by_label("Webhook address").fill(hook)
    await page.get_by_role("button", name="Make this bot").click()
    line = await page.locator("code", has_text="curl -d").inner_text()
    url = line.split()[-1]
    assert (await page.request.post(url, data="Here I am")).status == 201

    await page.get_by_role("link", name="Back to the bots").click()
    await page.get_by_role("radio", name="Private addresses too").check()
    await page.get_by_role("button", name="Keep").click()
    await page.get_by_text("Saved.").wait_for()

    await page.goto("/rooms/1")
    await say(page, "@Postbox where is it?")
    await page.get_by_text("where is it?").wait_for()
    await page.goto("/account/bots/2/deliveries")
    row = page.locator(".delivery").first
    while not await row.get_by_text("404", exact=True).count():
        await page.reload()
    await row.locator("summary").focus()
    await page.keyboard.press("Enter")
    await expect(row.get_by_label("What came back")).to_have_text("No such parcel")
    await expect(row.get_by_label("What we send")).to_contain_text("where is it?")

    postbox.is_broken = False
    await row.get_by_role("button", name="Replay now").click()
    while not await row.get_by_text("200, answered").count():
        await page.reload()
    await page.goto("/rooms/1")
    await page.get_by_text("At the border").wait_for()
    assert [words.strip() for words in await said(page)] == [
        *("Here I am", "@Postbox where is it?"),
        "At the border",
    ]
