"""What counts as read, and what the list of rooms says about it."""

import asyncio

from playwright.async_api import Page, expect

from tests.browser.conftest import OpenWindow, join, light_the_fire, listed, say

JSON = {"Accept": "application/json"}


async def posted(page: Page, *words: str) -> list[int]:
    """Says this in the first room, as a program would; answers with the ids."""
    ids: list[int] = []
    for body in words:
        answer = await page.request.post(
            "/rooms/1/messages", data={"body": body}, headers=JSON
        )
        ids.append((await answer.json())["id"])
    return ids


async def last_read_id(page: Page) -> int:
    answer = await page.request.get("/rooms/1", headers=JSON)
    read: int = (await answer.json())["membership"]["last_read_id"]
    return read


async def test_a_room_opens_where_one_stopped_and_reads_what_was_seen(
    open_window: OpenWindow,
) -> None:
    david, jason = await open_window(), await open_window()
    await join(jason, await light_the_fire(david), "Jason")
    await jason.goto("/users/me")
    tall = "\n\n.".join([""] * 12)
    ids = await posted(david, *(f"Message {number}{tall}" for number in range(8)))

    await jason.goto("/rooms/1")
    line = jason.get_by_role("separator", name="New since your last visit")
    await expect(line).to_be_in_viewport()
    await expect(jason.get_by_text("Message 0", exact=True)).to_be_in_viewport()
    unread = jason.locator('#room-list [data-room-id="1"]')
    await expect(unread).not_to_have_attribute("data-unread", "8")
    assert ids[0] <= await last_read_id(jason) < ids[4]

    await jason.get_by_role("button", name="Newest messages").click()
    await expect(jason.get_by_text("Message 7", exact=True)).to_be_in_viewport()
    await expect(unread).to_have_attribute("data-unread", "0")
    assert await last_read_id(jason) == ids[-1]


async def test_the_mark_of_a_mention_stays_until_it_is_read(
    open_window: OpenWindow,
) -> None:
    david, jason = await open_window(), await open_window()
    await join(jason, await light_the_fire(david), "Jason")
    await jason.goto("/rooms/new?kind=direct")
    mark = listed(jason, "All Talk").locator(".badge")
    await posted(david, "Look, @Jason")
    await expect(mark).to_contain_text("1 unread, you are mentioned")
    (plain,) = await posted(david, "Nothing for anybody")
    await expect(mark).to_contain_text("2 unread, you are mentioned")
    await david.request.delete(f"/rooms/1/messages/{plain}")
    await expect(mark).to_contain_text("1 unread, you are mentioned")
    await jason.goto("/rooms/1")
    await expect(mark).to_be_hidden()


async def test_what_is_changed_elsewhere_shows_at_once(
    open_window: OpenWindow,
) -> None:
    david, jason = await open_window(), await open_window()
    invitation = await light_the_fire(david)
    await join(jason, invitation, "Jason")
    await expect(david.locator("#members")).to_have_text("2 people")
    new_room = jason.get_by_role("link", name="New room")
    await expect(new_room).to_be_visible()
    for value, count in (("on", 0), ("off", 1)):
        setting: dict[str, str | float | bool] = {
            "restrict_room_creation_to_administrators": value
        }
        await david.request.post("/account", form=setting, headers=JSON)
        await expect(new_room).to_have_count(count)

    await say(david, "Hello @Jason")
    await expect(jason.locator("#log")).to_contain_text("Hello @Jason")
    await david.request.patch("/users/me", data={"name": "DHH"}, headers=JSON)
    author = jason.locator("#log .message-author").get_by_role("link", name="DHH")
    await expect(author).to_have_attribute("href", "/users/1")
    await expect(author).to_have_attribute("tabindex", "-1")
    await jason.request.patch("/users/me", data={"name": "Fried"}, headers=JSON)
    await expect(jason.locator("#log .mention")).to_have_text("@Fried")

    await jason.goto("/users/1")
    dot = jason.locator("[data-presence='1']")
    await expect(dot).to_have_class("presence is-here")


async def test_the_settings_of_a_room_end_with_it(open_window: OpenWindow) -> None:
    david, jason = await open_window(), await open_window()
    await join(jason, await light_the_fire(david), "Jason")
    made = await david.request.post(
        "/rooms",
        data={"kind": "closed", "name": "Secret", "user_ids": [2]},
        headers=JSON,
    )
    room_id = (await made.json())["id"]
    heard = asyncio.Event()
    jason.on("websocket", lambda line: line.on("framereceived", lambda _: heard.set()))
    await jason.goto(f"/rooms/{room_id}/edit")
    await heard.wait()
    await david.request.patch(f"/rooms/{room_id}", data={"user_ids": [1]}, headers=JSON)
    await expect(jason.get_by_role("alert")).to_contain_text("Secret is closed to you")
    await jason.get_by_role("link", name="To your rooms").click()
    await expect(jason.get_by_label("Message to All Talk")).to_be_visible()


async def test_a_page_brought_back_from_memory_asks_who_is_there(
    open_window: OpenWindow,
) -> None:
    david = await open_window()
    await light_the_fire(david)
    await expect(david.locator("#me")).to_have_class("presence is-here")
    await david.context.clear_cookies()
    await david.evaluate(
        'dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }))'
    )
    await expect(david.get_by_role("heading", name="Come sit down")).to_be_visible()
