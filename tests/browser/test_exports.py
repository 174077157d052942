"""An export opens from the disk, its search finds, and nothing leaves the folder."""

import zipfile
from pathlib import Path

from playwright.async_api import Browser, expect

from campfire import exports
from tests import test_exports
from tests.browser.conftest import OpenWindow, join, light_the_fire, say
from tests.conftest import ALL_PETS

data = test_exports.data


async def test_a_folder_is_read_and_searched_without_a_server(
    chromium: Browser, data: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "pets"
    exports.of_room(data, ALL_PETS, folder)
    data.rename(tmp_path / "gone")
    context = await chromium.new_context()
    page = await context.new_page()
    asked: list[str] = []
    told: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda line: told.append(line.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    await page.goto(f"file://{folder}/index.html")
    await page.get_by_role("searchbox").fill("CAFE grusse")
    hits = page.locator(".hits li")
    await expect(hits).to_have_count(1)
    await hits.get_by_role("link").click()
    await expect(page.locator("article:target")).to_contain_text("Grüße from the café")
    picture = page.get_by_role("img", name="moon.png")
    await expect(picture).to_have_js_property("naturalWidth", 90)
    await expect(page.locator("body")).to_have_css("max-width", "736px")
    await page.get_by_role("searchbox").fill("alert")
    await page.get_by_role("searchbox").press("Enter")
    await expect(page.locator("output")).to_have_text("1 found")
    await expect(hits).to_contain_text("<script>alert(1)</script>")
    await context.close()
    assert told == []
    assert {url.rpartition("?")[0] or url for url in asked} >= {
        *(f"file://{folder}/{name}" for name in ("index.html", "said.js", "style.css")),
    }
    assert [url for url in asked if not url.startswith(f"file://{folder}/")] == []


async def test_one_takes_ones_own_words_along(
    open_window: OpenWindow, tmp_path: Path
) -> None:
    david, jason = await open_window(), await open_window()
    await join(jason, await light_the_fire(david), "Jason")
    await say(david, "Words of David")
    await say(jason, "Words of **Jason**")
    await expect(jason.locator("#log article")).to_have_count(2)
    await expect(jason.locator("article.is-pending")).to_have_count(0)

    await jason.goto("/users/me")
    card = jason.get_by_role("region", name="Take your words along")
    async with jason.expect_download() as download:
        await card.get_by_role("button", name="Download").click()
    taken = await download.value
    assert taken.suggested_filename == "words.zip"
    with zipfile.ZipFile(await taken.path()) as archive:
        archive.extractall(tmp_path)
    await expect(jason).to_have_url("/users/me")

    await jason.goto(f"file://{tmp_path}/words/index.html")
    await jason.get_by_role("searchbox").fill("words")
    hits = jason.locator(".hits li")
    await expect(hits).to_have_count(1)
    await hits.get_by_role("link").click()
    await expect(jason.locator("article:target strong")).to_have_text("Jason")
