"""A room that forgets: what would go is seen first, and goes on every screen."""

from playwright.async_api import expect

from campfire.chat import messages, richtext
from campfire.chat.scopes import DAY
from campfire.database import Tx, applied
from tests.browser.conftest import (
    Campfire,
    OpenWindow,
    awake,
    join,
    light_the_fire,
    said,
    say,
)


def say_long_ago(tx: Tx) -> None:
    tx.now -= 100 * DAY
    messages.post(tx, 1, 1, richtext.draft("Long ago"), "long-ago")


async def test_old_words_go_once_they_were_counted(
    campfire: Campfire, open_window: OpenWindow
) -> None:
    david, jason = await open_window(), await open_window()
    link = await light_the_fire(david)
    applied(campfire.data / "campfire.sqlite3", say_long_ago)
    await join(jason, link, "Jason")
    await awake(jason)
    await say(jason, "Today")
    assert await said(jason) == ["Long ago", "Today"]

    await david.goto("/rooms/1/edit")
    await david.get_by_role("region", name="How long messages stay").get_by_role(
        "link"
    ).click()
    await david.get_by_label("Days").fill("30")
    await david.get_by_role("button", name="See what would go").click()
    loss = david.get_by_role("region", name="Keep messages for 30 days?")
    await expect(loss).to_contain_text("1 message would go now")
    assert await said(jason) == ["Long ago", "Today"]

    await loss.get_by_role("button", name="Keep for 30 days").click()
    await expect(david.get_by_text("For 30 days.")).to_be_visible()
    await expect(jason.locator("#log article")).to_have_count(1)
    assert await said(jason) == ["Today"]
