"""What one deletes by mistake comes back where it was, on every screen."""

from playwright.async_api import Page, expect

from tests.browser.conftest import (
    OpenWindow,
    awake,
    badge,
    join,
    light_the_fire,
    listed,
    said,
    say,
)

WORDS = ["One", "Two", "Three"]


async def delete(page: Page, number: int) -> None:
    article = page.locator("#log article").nth(number)
    await article.focus()
    await page.keyboard.press("Delete")
    await page.get_by_role("button", name="Delete message").click()


async def test_a_message_comes_back_between_its_neighbours(
    open_window: OpenWindow,
) -> None:
    david, jason = await open_window(), await open_window()
    await join(jason, await light_the_fire(david), "Jason")
    await awake(david)
    for words in WORDS:
        await say(david, words)
    await expect(jason.locator("#log article")).to_have_count(3)

    await delete(david, 1)
    await expect(jason.locator("#log article")).to_have_count(2)
    flash = david.get_by_role("status").filter(has_text="Message deleted")
    await flash.get_by_role("button", name="Undo").click()
    for page in (david, jason):
        await expect(page.locator("#log article")).to_have_count(3)
        assert await said(page) == WORDS
    await expect(david.locator("#log article").nth(1)).to_be_focused()
    await expect(flash).to_have_count(0)

    await delete(david, 2)
    await expect(jason.locator("#log article")).to_have_count(2)
    await expect(flash).to_be_visible()
    await david.keyboard.press("Control+z")
    for page in (david, jason):
        await expect(page.locator("#log article")).to_have_count(3)
        assert await said(page) == WORDS


async def test_a_room_comes_back_from_the_trash(open_window: OpenWindow) -> None:
    david, jason = await open_window(), await open_window()
    await join(jason, await light_the_fire(david), "Jason")
    await david.goto("/rooms/new")
    await david.get_by_label("Name of the room").fill("Garden")
    await david.get_by_role("button", name="Make the room").click()
    await david.get_by_label("Message to Garden").wait_for()
    await awake(david)
    await say(david, "Plums", "Garden")
    await expect(badge(jason, "Garden")).to_have_text("1")

    await david.get_by_role("link", name="Room settings").click()
    await david.get_by_text("Delete Garden…").click()
    await david.get_by_label("Type the name").fill("garden")
    await david.get_by_role("button", name="Delete the room").click()
    await expect(listed(jason, "Garden")).to_have_count(0)

    await david.goto("/account")
    await david.get_by_role("link", name="Trash").click()
    await expect(david.get_by_text("Garden")).to_be_visible()
    await david.get_by_role("button", name="Bring back").click()
    await david.get_by_label("Message to Garden").wait_for()
    assert await said(david) == ["Plums"]
    await expect(badge(jason, "Garden")).to_have_text("1")
