"""Two people in two windows, and a server that does not always stay up."""

import signal

from playwright.async_api import expect

from tests.browser.conftest import (
    Campfire,
    OpenWindow,
    awake,
    join,
    light_the_fire,
    said,
    say,
)


async def test_two_people_talk_and_nothing_is_lost_when_the_server_is_killed(
    campfire: Campfire, open_window: OpenWindow
) -> None:
    david, jason = await open_window(), await open_window()
    invitation = await light_the_fire(david)
    await join(jason, invitation, "Jason")

    await say(david, "Is anybody here?")
    await expect(jason.locator("#log")).to_contain_text("Is anybody here?")
    await say(jason, "I am, **David**")
    await expect(david.locator("#log strong")).to_have_text("David")

    await campfire.stop(signal.SIGKILL)
    for words in ("first in the dark", "second in the dark"):
        await say(david, f"David {words}")
        await say(jason, f"Jason {words}")
    await expect(david.locator("#connection")).to_contain_text("Reconnecting")
    await expect(david.locator("article.is-pending")).to_have_count(2)
    await david.get_by_label("Message to All Talk").fill("half a thou")

    await campfire.start()
    for page in (david, jason):
        await expect(page.locator("#log article")).to_have_count(6, timeout=40_000)
        await expect(page.locator("article.is-pending")).to_have_count(0)
    assert sorted(await said(david)) == sorted(await said(jason))
    assert await said(jason) == await said(david)
    composer = david.get_by_label("Message to All Talk")
    await expect(composer).to_have_value("half a thou")
    await david.reload()
    await expect(composer).to_have_value("half a thou")
    await expect(david.locator("#log article")).to_have_count(6)


async def test_what_was_written_without_a_line_survives_a_closed_window(
    campfire: Campfire, open_window: OpenWindow
) -> None:
    david = await open_window()
    await light_the_fire(david)
    await awake(david)
    await david.context.set_offline(True)
    await say(david, "Kept for later")
    await expect(david.locator("article.is-pending")).to_have_count(1)
    again = await david.context.new_page()
    await david.close()
    await again.context.set_offline(False)
    await again.goto("/")
    await expect(again.locator("article[data-message-id]")).to_have_count(1)
    assert await said(again) == ["Kept for later"]


async def test_an_edit_and_a_removal_show_in_the_other_window(
    open_window: OpenWindow,
) -> None:
    david, jason = await open_window(), await open_window()
    await join(jason, await light_the_fire(david), "Jason")
    await say(david, "Helo")
    await say(david, "Never mind")
    await expect(jason.locator("#log article")).to_have_count(2)

    await david.get_by_label("Message to All Talk").press("ArrowUp")
    editor = david.locator("article textarea")
    await editor.fill("Never you mind")
    await editor.press("Control+Enter")
    await expect(jason.locator("#log")).to_contain_text("Never you mind")
    await expect(jason.locator(".message-edited")).to_have_count(1)

    first = david.locator("#log article").first
    await first.hover()
    await first.get_by_role("button", name="More").click()
    await david.get_by_role("menuitem", name="Delete").click()
    await david.get_by_role("button", name="Delete message").click()
    await expect(jason.locator("#log article")).to_have_count(1)
    assert await said(jason) == ["Never you mind"]


async def test_one_reads_pages_and_posts_without_scripts(
    open_window: OpenWindow,
) -> None:
    david = await open_window(java_script_enabled=False)
    await light_the_fire(david)
    for number in range(45):
        await david.get_by_label("Message to All Talk").fill(f"Message {number}")
        await david.get_by_role("button", name="Send").click()
    await expect(david.locator("#log article")).to_have_count(40)
    await expect(david.locator("#log article").last).to_contain_text("Message 44")
    await david.get_by_role("link", name="Earlier messages").click()
    await expect(david.locator("#log article").first).to_contain_text("Message 0")
    await david.goto("/users/me")
    await david.get_by_role("button", name="Sign out", exact=True).click()
    await expect(david.get_by_role("heading", name="Come sit down")).to_be_visible()
