"""A keyboard alone: everything is reached with Tab, used with keys, and left again."""

from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import OpenWindow, awake, join, light_the_fire, listed

# More stops than there are on any of the pages.
MOST_STOPS = 60


async def tab_to(page: Page, target: Locator) -> None:
    """Presses Tab until the target has the focus."""
    for _ in range(MOST_STOPS):
        await page.keyboard.press("Tab")
        if await target.evaluate("(node) => node === document.activeElement"):
            return
    raise AssertionError(f"Tab does not reach {target}")


async def test_rooms_people_and_the_bell_are_used_with_keys_alone(
    open_window: OpenWindow,
) -> None:
    # Where nobody was asked yet whether it may ring, the bell asks before it opens.
    david = await open_window(permissions=["notifications"])
    jason = await open_window()
    await join(jason, await light_the_fire(david), "Jason")
    keyboard = david.keyboard
    await david.goto("/rooms/new")
    await expect(david.get_by_label("Name of the room")).to_be_focused()
    await keyboard.type("Garden")
    await keyboard.press("Enter")
    await david.get_by_label("Message to Garden").wait_for()
    await awake(david)

    field = david.get_by_label("Filter rooms and people")
    await tab_to(david, field)
    await keyboard.type("gar")
    await expect(listed(david, "All Talk")).to_be_hidden()
    await keyboard.press("Escape")
    await expect(field).to_have_value("")
    await keyboard.type("talk")
    await keyboard.press("ArrowDown")
    await expect(listed(david, "All Talk")).to_be_focused()
    await keyboard.press("ArrowUp")
    await expect(field).to_be_focused()
    await keyboard.press("Enter")
    await david.get_by_label("Message to All Talk").wait_for()
    await awake(david)

    bell = david.get_by_label("Notifications: Mentions")
    await tab_to(david, bell)
    await keyboard.press("Enter")
    chosen = david.get_by_role("menuitemradio", name="Mentions")
    await expect(chosen).to_be_focused()
    await keyboard.press("ArrowDown")
    await expect(david.get_by_role("menuitemradio", name="Nothing")).to_be_focused()
    await keyboard.press("Escape")
    await expect(bell).to_be_focused()
    await keyboard.press("Enter")
    await expect(chosen).to_be_focused()
    await keyboard.press("ArrowUp")
    await keyboard.press("Enter")
    await expect(david.get_by_label("Notifications: Everything")).to_be_focused()

    await tab_to(david, david.get_by_role("link", name="New message"))
    await keyboard.press("Enter")
    who = david.get_by_role("combobox", name="Who is it for?")
    await expect(who).to_be_focused()
    await keyboard.type("ja")
    await expect(david.get_by_role("option", name="Jason")).to_be_visible()
    await keyboard.press("Enter")
    await expect(david.get_by_role("button", name="Remove Jason")).to_be_visible()
    await keyboard.press("Backspace")
    await expect(david.get_by_role("button", name="Remove Jason")).to_have_count(0)
    await keyboard.type("jas")
    await keyboard.press("Tab")
    await expect(david.get_by_role("button", name="Remove Jason")).to_be_visible()
    await tab_to(david, david.get_by_label("Message to Jason"))
    await keyboard.type("With ten fingers")
    await keyboard.press("Enter")
    await expect(david.locator("#log")).to_contain_text("With ten fingers")
    await expect(listed(jason, "David")).to_be_visible()
