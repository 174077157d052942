"""Finding things with keys alone: searching, walking along hits, jumping, the inbox."""

from playwright.async_api import Page, expect

from tests.browser.conftest import (
    OpenWindow,
    awake,
    join,
    light_the_fire,
    listed,
    say,
    until,
)
from tests.browser.test_keyboard import tab_to


async def jump(page: Page, words: str) -> None:
    await awake(page)
    await page.keyboard.press("Control+k")
    await expect(page.get_by_role("combobox", name="Jump to")).to_be_focused()
    await page.keyboard.type(words)


async def test_words_are_found_narrowed_down_and_shown_where_they_were_said(
    open_window: OpenWindow,
) -> None:
    david, jason = await open_window(), await open_window()
    await join(jason, await light_the_fire(david), "Jason")
    await say(david, "The hut opens at nine")
    await expect(jason.locator("#log")).to_contain_text("opens at nine")
    await say(jason, "See you at the hut")
    await expect(david.locator("#log")).to_contain_text("See you at")
    keyboard = david.keyboard

    await jump(david, "hut")
    said = david.get_by_role("option", name="See you at the hut")
    await expect(said).to_be_visible()
    await keyboard.press("ArrowUp")
    everywhere = david.get_by_role("option", name="Search all messages")
    await expect(everywhere).to_have_attribute("aria-selected", "true")
    await keyboard.press("Enter")
    results = david.locator(".result")
    await expect(results).to_have_count(2)
    await expect(results.locator("mark")).to_have_text(["hut", "hut"])

    field = david.get_by_role("combobox", name="Search messages and files")
    await tab_to(david, field)
    await keyboard.press("End")
    await keyboard.type(" from:jas")
    await expect(david.get_by_role("option", name="from:Jason")).to_be_visible()
    await keyboard.press("Enter")
    await expect(field).to_have_value("hut from:Jason ")
    await keyboard.press("Enter")
    await expect(results).to_have_count(1)
    await tab_to(david, david.get_by_role("link", name="From Jason, remove"))
    await keyboard.press("Enter")
    await expect(results).to_have_count(2)

    await tab_to(david, results.first.get_by_role("link"))
    await keyboard.press("Enter")
    bar = david.get_by_role("navigation", name="Search results")
    await expect(bar).to_contain_text("Hit 1 of 2")
    target = david.locator("#log article:target")
    await expect(target).to_contain_text("See you at the hut")
    await until(david, "CSS.highlights.get('found')?.size === 1")
    await tab_to(david, bar.get_by_role("link", name="Next hit"))
    await keyboard.press("Enter")
    await expect(bar).to_contain_text("Hit 2 of 2")
    await expect(target).to_contain_text("The hut opens at nine")
    await tab_to(david, bar.get_by_role("link", name="Back to results"))
    await keyboard.press("Enter")
    await expect(results).to_have_count(2)

    await awake(david)
    await keyboard.press("Escape")
    await expect(field).to_be_focused()
    await expect(field).to_have_value("")
    await keyboard.press("Escape")
    await david.get_by_label("Message to All Talk").wait_for()


async def test_a_few_letters_lead_to_a_room_and_to_somebody(
    open_window: OpenWindow,
) -> None:
    david, jason = await open_window(), await open_window()
    await join(jason, await light_the_fire(david), "Jason")
    await david.goto("/rooms/new")
    await david.get_by_label("Name of the room").fill("Garden")
    await david.keyboard.press("Enter")
    await david.get_by_label("Message to Garden").wait_for()
    await jump(david, "tal")
    await expect(david.get_by_role("option").first).to_contain_text("All Talk")
    await david.keyboard.press("Enter")
    await david.get_by_label("Message to All Talk").wait_for()
    await jump(david, "jas")
    await expect(david.get_by_role("option", name="Jason")).to_be_visible()
    await david.keyboard.press("Escape")
    await expect(david.locator("dialog")).to_have_count(0)
    await expect(david.get_by_label("Message to All Talk")).to_be_visible()
    await jump(david, "jas")
    await expect(david.get_by_role("option").first).to_contain_text("Jason")
    await david.keyboard.press("Enter")
    await david.get_by_label("Message to Jason").wait_for()


async def test_the_inbox_fills_and_empties_as_things_happen(
    open_window: OpenWindow,
) -> None:
    david, jason = await open_window(), await open_window()
    await join(jason, await light_the_fire(david), "Jason")
    await jason.get_by_role("link", name="Mentions and replies").click()
    await expect(jason.get_by_text("All quiet")).to_be_visible()
    shortcut = jason.locator("#inbox-open .badge")
    await expect(shortcut).to_be_hidden()

    await say(david, "nothing for anybody")
    await expect(listed(jason, "All Talk").locator(".badge b")).to_have_text("1")
    await say(david, "@Jason look at this")
    await expect(shortcut.locator("b")).to_have_text("1")
    entry = jason.locator(".inbox-item")
    await expect(entry).to_contain_text("mentioned you")
    await expect(jason.locator(".missed")).to_contain_text("needs you")

    await entry.get_by_role("button", name="Mark as read").focus()
    await jason.keyboard.press("Enter")
    await expect(shortcut).to_be_hidden()
    await expect(entry).not_to_have_class("inbox-item is-unread")
    await expect(jason.locator(".missed")).to_have_count(0)
    await entry.get_by_role("link").click()
    await expect(jason.locator("#log article:target")).to_contain_text("look at this")


async def test_searching_and_the_inbox_need_no_script(open_window: OpenWindow) -> None:
    david, jason = [await open_window(java_script_enabled=False) for _ in range(2)]
    await join(jason, await light_the_fire(david), "Jason")
    await say_plainly(david, "The hut opens at nine")
    await say_plainly(david, "@Jason bring the key to the hut")
    await jason.get_by_role("link", name="Search", exact=False).first.click()
    await jason.get_by_label("Search messages and files").fill("hut")
    await jason.keyboard.press("Enter")
    results = jason.locator(".result")
    await expect(results).to_have_count(2)
    narrow = jason.get_by_role("form", name="Narrow it down")
    await narrow.get_by_label("Written by").select_option("Jason")
    await narrow.get_by_role("button", name="Search").click()
    await expect(jason.get_by_text("Nothing found")).to_be_visible()
    await jason.get_by_role("link", name="Search everywhere").click()
    await expect(results).to_have_count(2)
    await jason.get_by_role("link", name="With a link").click()
    await expect(results).to_have_count(0)
    await expect(jason.locator(".recent")).to_contain_text("hut")
    await jason.get_by_text("Clear", exact=True).click()
    await jason.get_by_role("button", name="Forget all of it").click()
    await expect(jason.locator(".recent")).to_have_count(0)

    await jason.get_by_role("link", name="Mentions and replies").click()
    await expect(jason.locator(".inbox-item.is-unread")).to_have_count(1)
    await jason.get_by_role("button", name="Mark all read").click()
    await expect(jason.locator(".inbox-item")).to_have_count(1)
    await expect(jason.locator(".inbox-item.is-unread")).to_have_count(0)


async def say_plainly(page: Page, words: str) -> None:
    await page.get_by_label("Message to All Talk").fill(words)
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator("#log")).to_contain_text(words)
