"""Somebody writes to somebody for whom it is night."""

from typing import Any

from playwright.async_api import Page, expect

from tests.browser.conftest import PASSWORD, OpenWindow, awake, light_the_fire, say
from tests.conftest import night


async def asleep(page: Page, invitation: str, **more: Any) -> dict[str, str]:
    """Jason, who has been here and is gone; answers with what he proves himself by."""
    person: dict[str, str | float | bool] = {
        "name": "Jason",
        "email_address": "jason@37signals.example",
        "password": PASSWORD,
    }
    headers = {"Accept": "application/json"}
    joined = await page.request.post(invitation, headers=headers, form=person)
    assert joined.status == 201
    # The request brought a cookie along, which is Jason's.
    await page.context.clear_cookies()
    headers["Authorization"] = f"Bearer {(await joined.json())['token']}"
    await keep(page, headers, **more)
    return headers


async def keep(page: Page, headers: dict[str, str], **more: Any) -> None:
    kept = await page.request.put(
        "/users/me/quiet_hours", headers=headers, data=night() | more
    )
    assert kept.status == 204


async def test_a_message_rings_in_the_morning_or_now(open_window: OpenWindow) -> None:
    other, david = await open_window(), await open_window()
    invitation = await light_the_fire(david)
    jason = await asleep(other, invitation)
    await awake(david)
    await david.goto("/rooms/new?kind=direct&user_ids=2")
    await david.get_by_role("textbox", name="Message to Jason").fill("Wake up")
    await david.get_by_role("button", name="Send").click()
    row = david.locator("a[data-room-id='2']")
    await expect(row.locator(".presence.is-quiet")).to_be_visible()
    await expect(row.locator(".sidebar-note")).to_contain_text("until ")
    await expect(row).to_contain_text("quiet hours")

    dialog = david.get_by_role("dialog")
    for words in ("Wake up", "The hut burns"):
        await expect(dialog).to_contain_text("Jason is off until ")
        await expect(dialog.get_by_role("button", name="Ring at ")).to_be_focused()
        await expect(david.locator("#log")).to_contain_text(words)
        await dialog.get_by_role("button", name="Ring now").click()
        await david.get_by_text("It rings now.").wait_for()
        await david.get_by_text("It rings now.").wait_for(state="hidden")
        if words == "Wake up":
            await say(david, "The hut burns", "Jason")

    # Who chooses the morning is asked once, also after the page was loaded anew.
    await say(david, "It is out", "Jason")
    await expect(dialog).to_contain_text("Jason is off until ")
    await david.keyboard.press("Escape")
    # A dialog is closed before the page is told that it was.
    await expect(david.locator("dialog")).to_have_count(0)
    await david.reload()
    await expect(row.locator(".presence.is-quiet")).to_be_visible()
    await say(david, "Sleep well", "Jason")
    await expect(david.locator("article.is-pending")).to_have_count(0)
    await expect(david.locator("#log article[data-message-id]")).to_have_count(4)
    await expect(dialog).to_have_count(0)

    # His hours are over: nobody is told of a night any more.
    await other.request.delete("/users/me/quiet_hours", headers=jason)
    await expect(row.locator(".presence.is-quiet")).to_have_count(0)
    await expect(row.locator(".sidebar-note")).to_have_count(0)


async def test_who_wants_no_ring_is_shown_and_not_asked_about(
    open_window: OpenWindow,
) -> None:
    other, david = await open_window(), await open_window()
    invitation = await light_the_fire(david)
    jason = await asleep(other, invitation, may_ring=False)
    await awake(david)
    await david.goto("/rooms/new?kind=direct&user_ids=2")
    await david.get_by_role("textbox", name="Message to Jason").fill("Good night")
    await david.get_by_role("button", name="Send").click()
    row = david.locator("a[data-room-id='2']")
    await expect(row.locator(".presence.is-quiet")).to_be_visible()
    await say(david, "Sleep well", "Jason")
    await expect(david.locator("#log article[data-message-id]")).to_have_count(2)
    await expect(david.get_by_role("dialog")).to_have_count(0)
    # It would be there: now that he lets people, it is.
    await keep(other, jason, may_ring=True)
    await expect(row.locator("[data-may-ring]")).to_have_count(1)
    await say(david, "Are you awake?", "Jason")
    await expect(david.get_by_role("dialog")).to_contain_text("Jason is off until ")
