"""People: a ban in the middle of a talk, and a first message to one person."""

from playwright.async_api import expect

from tests.browser.conftest import (
    PASSWORD,
    OpenWindow,
    awake,
    badge,
    join,
    light_the_fire,
    say,
)


async def test_who_is_banned_is_signed_out_and_their_words_vanish(
    open_window: OpenWindow,
) -> None:
    david, jason, jz = [await open_window() for _ in range(3)]
    invitation = await light_the_fire(david)
    await join(jason, invitation, "Jason")
    await join(jz, invitation, "JZ")
    for window in (jason, jz):
        await awake(window)
    await say(jason, "Good morning")
    for words in ("Buy cheap coal", "Cheap coal here", "Coal"):
        await say(jz, words)
    for window in (david, jason):
        await expect(window.locator("#log")).to_contain_text("Cheap coal here")
    await jz.get_by_label("Message to All Talk").fill("And one more")

    desk = await david.context.new_page()
    await desk.goto("/users/3")
    await desk.get_by_text("Ban JZ…").click()
    await desk.get_by_label("Type the name").fill("JZ")
    await desk.get_by_role("button", name="Ban JZ").click()
    await desk.get_by_role("button", name="Lift the ban").wait_for()

    await expect(jz.get_by_role("heading", name="Come sit down")).to_be_visible()
    for window in (david, jason):
        await expect(window.locator("#log article")).to_have_count(1)
        await expect(window.locator("#log")).to_contain_text("Good morning")
    await jz.get_by_label("E-mail").fill("jz@37signals.example")
    await jz.get_by_label("Password").fill(PASSWORD)
    await jz.get_by_role("button", name="Sign in").click()
    await expect(jz.get_by_role("alert")).to_contain_text("That did not work.")


async def test_a_direct_room_is_made_by_the_first_message_and_not_by_a_click(
    open_window: OpenWindow,
) -> None:
    david, jason = await open_window(), await open_window()
    await join(jason, await light_the_fire(david), "Jason")
    direct = "#section-direct a[data-room-id]"
    await david.goto("/users/2")
    await david.get_by_role("link", name="Write to Jason").click()
    await david.get_by_label("Message to Jason").wait_for()
    await david.get_by_role("link", name="Close").click()
    await david.get_by_label("Message to All Talk").wait_for()
    await awake(david)
    await say(david, "Are you there?")
    await expect(jason.locator("#log")).to_contain_text("Are you there?")
    listed = await david.request.get("/rooms", headers={"Accept": "application/json"})
    assert [room["name"] for room in await listed.json()] == ["All Talk"]

    await david.goto("/rooms/new?kind=direct&user_ids=2")
    await awake(david)
    await david.get_by_label("Message to Jason").fill("Between us")
    await david.get_by_label("Message to Jason").press("Enter")
    await expect(david.locator("#log article")).to_have_count(1)
    await expect(jason.locator(direct)).to_have_count(1)
    await expect(badge(jason, "David")).to_have_text("1")
    await jason.locator(direct).click()
    await expect(jason.locator("#log")).to_contain_text("Between us")
    await awake(jason)
    await say(jason, "It stays here", "David")
    await expect(david.locator("#log")).to_contain_text("It stays here")
    await david.goto("/users/2")
    await david.get_by_role("link", name="Write to Jason").click()
    await expect(david.locator("#log article")).to_have_count(2)
    await expect(david.locator(direct)).to_have_count(1)


async def test_an_open_direct_room_is_called_as_the_other_person_is_now(
    open_window: OpenWindow,
) -> None:
    david, jason = await open_window(), await open_window()
    await join(jason, await light_the_fire(david), "Jason")
    await david.goto("/rooms/new?kind=direct&user_ids=2")
    await awake(david)
    await david.get_by_label("Message to Jason").fill("Between us")
    await david.get_by_label("Message to Jason").press("Enter")
    await expect(david.locator("#log article")).to_have_count(1)
    await awake(david)
    await jason.goto("/users/me")
    await jason.get_by_label("Name", exact=True).fill("Jason & Co")
    await jason.keyboard.press("Enter")
    await expect(david.locator("#room-name")).to_have_text("Jason & Co")
    await expect(david).to_have_title("Jason & Co · Campfire")
    await expect(david.get_by_label("Message to Jason & Co")).to_be_visible()
