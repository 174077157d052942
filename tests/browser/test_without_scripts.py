"""Rooms, people and the account without JavaScript: every form works alone."""

from playwright.async_api import Page, expect

from tests.browser.conftest import PASSWORD, OpenWindow, join, light_the_fire


async def save(page: Page, form: str) -> None:
    await page.get_by_role("form", name=form).get_by_role("button", name="Save").click()


async def test_a_room_is_made_and_its_people_chosen_without_scripts(
    open_window: OpenWindow,
) -> None:
    david, jason = [await open_window(java_script_enabled=False) for _ in range(2)]
    await join(jason, await light_the_fire(david), "Jason")
    await david.goto("/")
    await david.get_by_role("link", name="New room").click()
    await david.get_by_label("Name of the room").fill("Kitchen")
    await david.get_by_role("radio", name="Chosen people").check()
    await david.get_by_role("switch", name="Jason").check()
    await david.get_by_role("button", name="Make the room").click()
    await david.get_by_label("Message to Kitchen").fill("Who has the kettle?")
    await david.get_by_role("button", name="Send").click()

    await jason.goto("/")
    unread = jason.locator('#room-list a[title="Kitchen"] .badge')
    await expect(unread).to_contain_text("1 unread")
    await jason.get_by_role("button", name="Mark everything read").click()
    await expect(unread).to_be_hidden()
    await jason.goto("/rooms/2")
    await expect(jason.locator("#log")).to_contain_text("Who has the kettle?")
    await jason.get_by_role("button", name="Starred").click()
    await expect(jason.locator("#section-starred a")).to_have_attribute(
        "title", "Kitchen"
    )

    await david.get_by_role("link", name="Room settings").click()
    await david.get_by_label("Name of the room").fill("Tea kitchen")
    await david.get_by_role("switch", name="Jason").uncheck()
    await save(david, "Room settings")
    await expect(david.get_by_role("heading", name="Tea kitchen")).to_be_visible()
    await expect(david.get_by_text("only you so far")).to_be_visible()
    response = await jason.goto("/rooms/2")
    assert response and response.status == 404
    await jason.goto("/")
    await expect(jason.locator("#room-list a[data-room-id]")).to_have_count(1)

    await david.get_by_role("link", name="Room settings").click()
    await david.get_by_text("Delete Tea kitchen…").click()
    await david.get_by_label("Type the name").fill("Tea kitchen")
    await david.get_by_role("button", name="Delete the room").click()
    await expect(david.locator("#room-list a[data-room-id]")).to_have_count(1)


async def test_profile_roles_and_settings_change_without_scripts(
    open_window: OpenWindow,
) -> None:
    david, jason = [await open_window(java_script_enabled=False) for _ in range(2)]
    await join(jason, await light_the_fire(david), "Jason")
    await jason.goto("/users/me")
    await jason.get_by_label("Name", exact=True).fill("Jason Fried")
    await jason.get_by_label("A line about you").fill("Makes the tea")
    await jason.get_by_label("New password").fill("password1")
    await jason.get_by_label("Current password").fill(PASSWORD)
    await save(jason, "About you")
    await expect(jason.get_by_text("Too many people use this one.")).to_be_visible()
    await jason.get_by_label("New password").fill("another horse")
    await jason.get_by_label("Current password").fill(PASSWORD)
    await save(jason, "About you")
    await expect(jason.get_by_role("status").first).to_contain_text("Saved.")
    await jason.get_by_role("radio", name="Firelight").check()
    await jason.get_by_role("button", name="Use this light").click()
    await expect(jason.locator("html")).to_have_attribute("data-theme", "dark")

    await david.goto("/account")
    await expect(david.get_by_text("Makes the tea")).to_be_visible()
    role = david.get_by_role("group", name="Role of Jason Fried")
    await role.get_by_role("radio", name="Administrator").check()
    await david.get_by_role("button", name="Keep the role of Jason Fried").click()
    await expect(role.get_by_role("radio", name="Administrator")).to_be_checked()
    await jason.goto("/account")
    await jason.get_by_role("form", name="Name of the place").get_by_label("Name").fill(
        "37signals"
    )
    await save(jason, "Name of the place")
    makes = jason.get_by_role("group", name="Who makes new rooms")
    await makes.get_by_role("radio", name="Only administrators").check()
    await makes.locator("..").get_by_role("button", name="Keep").click()
    await expect(makes.get_by_role("radio", name="Only administrators")).to_be_checked()

    await david.goto("/")
    await expect(david.locator("#brand")).to_have_text("37signals")
    await david.goto("/users/2")
    await david.get_by_role("link", name="Write to Jason Fried").click()
    await david.get_by_label("Message", exact=True).fill("Nice place")
    await david.get_by_role("button", name="Send").click()
    await expect(david.locator("#log")).to_contain_text("Nice place")
    await jason.goto("/rooms/1")
    direct = jason.locator('#section-direct a[title="David"] .badge')
    await expect(direct).to_contain_text("1 unread")
