"""Rooms as they are made, opened, closed and hidden, in the windows of those around."""

from playwright.async_api import Page, expect

from tests.browser.conftest import (
    OpenWindow,
    awake,
    badge,
    join,
    light_the_fire,
    listed,
    say,
)

# Three windows and many pages: on a machine that is busy elsewhere a minute is short.

LOCK = 'use[href$="#icon-lock"]'


async def make_room(page: Page, name: str, kind: str, *people: str) -> None:
    """Ends in the new room."""
    await page.goto("/rooms/new")
    await page.get_by_label("Name of the room").fill(name)
    await page.get_by_role("radio", name=kind).check()
    for person in people:
        await page.get_by_role("switch", name=person).check()
    await page.get_by_role("button", name="Make the room").click()
    await page.get_by_label(f"Message to {name}").wait_for()
    await awake(page)


async def choose(page: Page, path: str, kind: str, *without: str) -> None:
    """Opens or closes a room, and takes people out of it."""
    await page.goto(f"{path}/edit")
    await page.get_by_role("radio", name=kind).check()
    for person in without:
        await page.get_by_role("switch", name=person).uncheck()
    await page.get_by_role("button", name="Save").click()
    await page.wait_for_url(f"**{path}")
    await awake(page)


async def test_a_room_opens_live_and_what_is_unread_in_it_stays_so(
    open_window: OpenWindow,
) -> None:
    david, jason, jz = [await open_window() for _ in range(3)]
    invitation = await light_the_fire(david)
    await join(jason, invitation, "Jason")
    await join(jz, invitation, "JZ")
    await make_room(david, "Kitchen", "Chosen people", "Jason")
    await expect(listed(jason, "Kitchen").locator(LOCK)).to_have_count(1)
    for words in ("Who has the kettle?", "It was here yesterday"):
        await say(david, words, "Kitchen")
    await expect(badge(jason, "Kitchen")).to_have_text("2")
    await make_room(david, "Garden", "Everyone")
    await expect(listed(jz, "Garden")).to_be_visible()
    await expect(listed(jz, "Kitchen")).to_have_count(0)

    await choose(david, "/rooms/2", "Everyone")
    await expect(listed(jz, "Kitchen")).to_be_visible()
    await expect(badge(jz, "Kitchen")).to_be_hidden()
    await expect(listed(jason, "Kitchen").locator(LOCK)).to_have_count(0)
    await expect(badge(jason, "Kitchen")).to_have_text("2")
    await say(david, "Found it", "Kitchen")
    await expect(badge(jason, "Kitchen")).to_have_text("3")
    await expect(badge(jz, "Kitchen")).to_have_text("1")


async def test_who_falls_out_of_a_room_is_told_and_led_away(
    open_window: OpenWindow,
) -> None:
    david, jason, jz = [await open_window() for _ in range(3)]
    invitation = await light_the_fire(david)
    await join(jason, invitation, "Jason")
    await join(jz, invitation, "JZ")
    await make_room(david, "Kitchen", "Everyone")
    await say(david, "Who has the kettle?", "Kitchen")
    await listed(jz, "Kitchen").click()
    await expect(jz.locator("#log")).to_contain_text("Who has the kettle?")
    await awake(jz)
    await jz.get_by_label("Message to Kitchen").fill("I think I")

    desk = await david.context.new_page()
    await desk.goto("/account")
    role = desk.get_by_role("group", name="Role of Jason")
    await role.get_by_role("radio", name="Administrator").check()
    await expect(desk.get_by_text("Saved")).to_be_visible()
    await choose(jason, "/rooms/2", "Chosen people", "JZ")
    told = jz.get_by_role("alert")
    await expect(told).to_contain_text("Kitchen is closed to you")
    await expect(jz.get_by_label("What you were writing")).to_have_value("I think I")
    await expect(jz.get_by_text("Who has the kettle?")).to_have_count(0)
    await expect(listed(jz, "Kitchen")).to_have_count(0)
    await expect(listed(david, "Kitchen").locator(LOCK)).to_have_count(1)
    await told.get_by_role("link", name="To your rooms").click()
    await jz.get_by_label("Message to All Talk").wait_for()

    await choose(jason, "/rooms/2", "Everyone")
    await listed(jz, "Kitchen").click()
    await expect(jz.locator("#log")).to_contain_text("Who has the kettle?")
    await expect(jz.get_by_label("Message to Kitchen")).to_have_value("I think I")


async def test_a_hidden_room_leaves_the_list_on_every_device_of_who_hid_it(
    open_window: OpenWindow,
) -> None:
    david, jz = [await open_window(permissions=["notifications"]) for _ in range(2)]
    await join(jz, await light_the_fire(david), "JZ")
    await make_room(david, "Garden", "Everyone")
    await expect(listed(jz, "Garden")).to_be_visible()
    phone = await jz.context.new_page()
    await phone.goto("/rooms/1")
    await expect(listed(phone, "Garden")).to_be_visible()

    await listed(jz, "Garden").click()
    await jz.wait_for_url("**/rooms/2")
    await awake(jz)
    await jz.get_by_label("Notifications: Mentions").click()
    await jz.get_by_role("menuitemradio", name="Hidden").click()
    for window in (jz, phone):
        await expect(listed(window, "Garden")).to_have_count(0)
    await expect(listed(david, "Garden")).to_be_visible()
    await jz.goto("/users/me")
    levels = jz.get_by_role("group", name="Notifications for Garden")
    await levels.get_by_role("radio", name="Everything").check()
    await expect(listed(phone, "Garden")).to_be_visible()


async def test_who_is_in_a_room_that_is_deleted_is_told(
    open_window: OpenWindow,
) -> None:
    david, jz = await open_window(), await open_window()
    await join(jz, await light_the_fire(david), "JZ")
    await make_room(david, "Garden", "Everyone")
    await listed(jz, "Garden").click()
    await jz.get_by_label("Message to Garden").wait_for()
    await awake(jz)
    await david.goto("/rooms/2/edit")
    await david.get_by_text("Delete Garden…").click()
    await david.get_by_label("Type the name").fill("garden")
    await david.get_by_role("button", name="Delete the room").click()
    await expect(jz.get_by_role("alert")).to_contain_text("Garden is not here any more")
    for window in (david, jz):
        await expect(listed(window, "Garden")).to_have_count(0)
