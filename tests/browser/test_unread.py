"""What is unread: the same on every device of a person, whichever one they read on."""

from playwright.async_api import Page, expect

from tests.browser.conftest import (
    PASSWORD,
    OpenWindow,
    awake,
    badge,
    join,
    light_the_fire,
    listed,
    say,
)


async def counts(windows: list[Page], count: int) -> None:
    """All of them come to show this count for the garden."""
    for window in windows:
        if count:
            await expect(badge(window, "Garden")).to_have_text(f"{count}")
        await expect(badge(window, "Garden")).to_be_visible(visible=count > 0)


async def test_what_is_read_on_one_device_is_read_on_the_other(
    open_window: OpenWindow,
) -> None:
    david, desk, phone = [await open_window() for _ in range(3)]
    await join(desk, await light_the_fire(david), "Jason")
    await phone.goto("/session/new")
    await phone.get_by_label("E-mail").fill("jason@37signals.example")
    await phone.get_by_label("Password").fill(PASSWORD)
    await phone.get_by_role("button", name="Sign in").click()
    await phone.get_by_label("Message to All Talk").wait_for()
    both = [desk, phone]
    await david.goto("/rooms/new")
    await david.get_by_label("Name of the room").fill("Garden")
    await david.get_by_role("button", name="Make the room").click()
    await david.get_by_label("Message to Garden").wait_for()
    await awake(david)
    for words in ("The plums", "are ripe", "at last"):
        await say(david, words, "Garden")
    await counts(both, 3)

    await listed(desk, "Garden").click()
    await expect(desk.locator("#log article")).to_have_count(3)
    await counts(both, 0)

    second = desk.locator("#log article").nth(1)
    await second.hover()
    await second.get_by_role("button", name="More").click()
    await desk.get_by_role("menuitem", name="Mark unread from here").click()
    await counts(both, 2)
    await expect(phone).to_have_title("(2) All Talk · Campfire")

    await david.locator("#log article").last.hover()
    await david.get_by_role("button", name="More").click()
    await david.get_by_role("menuitem", name="Delete").click()
    await david.get_by_role("button", name="Delete message").click()
    await counts(both, 1)

    await desk.goto("/rooms/1")
    await say(david, "Come and pick", "Garden")
    await counts(both, 2)
    await phone.get_by_role("button", name="Mark everything read").click()
    await counts(both, 0)
    await expect(phone).to_have_title("All Talk · Campfire")
    await say(david, "Now", "Garden")
    await counts(both, 1)


async def test_a_message_is_marked_unread_with_a_key(open_window: OpenWindow) -> None:
    david, jason = await open_window(), await open_window()
    await join(jason, await light_the_fire(david), "Jason")
    await awake(jason)
    await awake(david)
    await say(david, "The plums")
    await say(jason, "are ripe")
    await expect(jason.locator("#log article[data-message-id]")).to_have_count(2)
    await jason.locator("#log article").first.focus()
    await jason.keyboard.press("u")
    await expect(badge(jason, "All Talk")).to_have_text("1")
    own = jason.locator("#log article").last
    await own.hover()
    await own.get_by_role("button", name="More").click()
    await expect(jason.get_by_role("menuitem", name="Edit")).to_be_visible()
    mark = jason.get_by_role("menuitem", name="Mark unread from here")
    await expect(mark).to_have_count(0)
