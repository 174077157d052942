"""Boosting, answering, changing what was said: with a mouse, keys alone, a finger."""

import re

from playwright.async_api import Page, expect

from tests.browser.conftest import OpenWindow, join, light_the_fire, said, say


async def two_people(david: Page, jason: Page, *lines: str) -> None:
    """David says the lines; Jason sees them."""
    await join(jason, await light_the_fire(david), "Jason")
    for line in lines:
        await say(david, line)
    await expect(jason.locator("article[data-message-id]")).to_have_count(len(lines))


async def test_a_boost_is_given_repeated_and_taken_back(
    open_window: OpenWindow,
) -> None:
    david, jason = await open_window(), await open_window()
    await two_people(david, jason, "We are live")
    await jason.locator("article").hover()
    await jason.get_by_role("button", name="Boost with fire").click()
    theirs = david.locator(".boost", has_text="🔥")
    await expect(theirs).to_have_attribute("aria-pressed", "false")
    await expect(theirs).to_have_text("Jason: 🔥")
    await theirs.click()
    for page in (david, jason):
        pill = page.locator("button.boost")
        await expect(pill).to_have_text("Jason and David: 🔥")
        await expect(pill).to_have_attribute("aria-pressed", "true")
    await expect(david.locator("article")).to_have_attribute("data-seq", "3")
    await david.locator("button.boost").click()
    await expect(jason.locator("button.boost")).to_have_text("Jason: 🔥")
    await jason.locator("button.boost").click()
    for page in (david, jason):
        await expect(page.locator(".boost")).to_have_count(0)


async def test_a_refused_boost_leaves_what_was_there(open_window: OpenWindow) -> None:
    david, jason = await open_window(), await open_window()
    await two_people(david, jason, "We are live")
    await jason.context.set_offline(True)
    await jason.locator("article").hover()
    await jason.get_by_role("button", name="Boost with fire").click()
    await expect(jason.get_by_role("alert")).to_contain_text("the line is down")
    await expect(jason.locator(".boost")).to_have_count(0)


async def test_half_typed_words_survive_boosts_and_edits_by_others(
    open_window: OpenWindow,
) -> None:
    david, jason = await open_window(), await open_window()
    await two_people(david, jason, "Helo")
    article = jason.locator("article")
    await article.focus()
    await jason.keyboard.press("b")
    field = jason.get_by_label("Your own words, up to 16 characters")
    await expect(field).to_be_focused()
    await jason.keyboard.type("worth the")
    await david.locator("article").hover()
    await david.get_by_role("button", name="Boost with thumbs up").click()
    await expect(article.locator("button.boost")).to_have_count(1)
    await david.get_by_label("Message to All Talk").press("ArrowUp")
    await david.locator("article textarea").fill("Hello")
    await david.locator("article textarea").press("Enter")
    await expect(article).to_contain_text("Hello")
    await expect(field).to_have_value("worth the")
    await expect(field).to_be_focused()
    await jason.keyboard.type(" wait and more")
    await expect(field).to_have_value("worth the wait a")
    await field.press("Enter")
    own = david.locator("button.boost", has_text="worth the wait a")
    await expect(own).to_have_text("Jason: worth the wait a")
    await expect(article).to_be_focused()


async def test_one_edits_while_another_boosts(open_window: OpenWindow) -> None:
    david, jason = await open_window(), await open_window()
    await two_people(david, jason, "Helo")
    await david.get_by_label("Message to All Talk").press("ArrowUp")
    editor = david.locator("article textarea")
    await editor.fill("Hello th")
    await jason.locator("article").hover()
    await jason.get_by_role("button", name="Boost with thumbs up").click()
    await expect(jason.locator("article")).to_have_attribute("data-seq", "2")
    await expect(editor).to_have_value("Hello th")
    await editor.press_sequentially("ere")
    await editor.press("Control+Enter")
    for page in (david, jason):
        await expect(page.locator(".message-body").first).to_have_text("Hello there")
        await expect(page.locator("button.boost")).to_have_text("Jason: 👍")
        await expect(page.locator(".message-edited")).to_have_attribute(
            "title", re.compile(r"\d")
        )

    await david.get_by_label("Message to All Talk").press("ArrowUp")
    await editor.fill("never to be")
    await editor.press("Escape")
    assert await said(david) == ["Hello there"]


async def test_an_answer_quotes_links_back_and_calls_nobody_again(
    open_window: OpenWindow,
) -> None:
    david, jason = await open_window(), await open_window()
    await two_people(david, jason, "Ask @Jason about `a@b` and **more**")
    article = jason.locator("article").first
    await expect(article).to_have_class(re.compile("is-mention"))
    await article.focus()
    await jason.keyboard.press("r")
    composer = jason.get_by_label("Message to All Talk")
    await expect(composer).to_be_focused()
    await jason.keyboard.type("I know")
    await jason.keyboard.press("Enter")
    answer = david.locator("article").last
    await expect(answer).to_contain_text("I know")
    quote = answer.locator("blockquote")
    await expect(quote).to_contain_text("Ask @Jason about a@b and more")
    await expect(quote.locator("strong")).to_have_text("more")
    await expect(answer.locator(".mention")).to_have_count(0)
    link = quote.get_by_role("link", name="David")
    await expect(link).to_have_attribute("href", re.compile(r"/rooms/1/@1$"))
    await link.click()
    first = david.locator("article").first
    await expect(first).to_be_focused()
    assert david.url.endswith(f"#{await first.get_attribute('id')}")

    await say(david, "Thanks")
    await jason.locator("article").nth(1).focus()
    await jason.keyboard.press("r")
    await expect(composer).to_have_value(re.compile(r"^> I know\n>\n> — \[Jason\]"))


async def test_the_keyboard_alone_is_enough(open_window: OpenWindow) -> None:
    david, jason = await open_window(), await open_window()
    await two_people(david, jason, "One", "Two", "Three")
    keys = jason.keyboard
    await jason.get_by_label("Message to All Talk").focus()
    await keys.press("Shift+Tab")
    await expect(jason.locator("article").last).to_be_focused()
    await keys.press("ArrowUp")
    second = jason.locator("article").nth(1)
    await expect(second).to_be_focused()
    await keys.press("Enter")
    await expect(second.get_by_role("button", name="thumbs up")).to_be_focused()
    await keys.press("Enter")
    await expect(david.locator("button.boost")).to_have_text("Jason: 👍")
    await expect(second.locator("button.boost")).to_have_count(1)
    await expect(second.get_by_role("button", name="thumbs up")).to_be_focused()
    await keys.press("Escape")
    await expect(second).to_be_focused()
    await keys.press("ArrowRight")
    pill = second.locator("button.boost")
    await expect(pill).to_be_focused()
    await keys.press("Enter")
    await expect(david.locator(".boost")).to_have_count(0)
    await expect(second).to_be_focused()
    await keys.press("+")
    await keys.press("ArrowUp")
    await keys.press("ArrowRight")
    await keys.press("Enter")
    await expect(david.locator("button.boost")).to_have_text("Jason: 👏")
    await keys.press("u")
    await expect(jason.locator("#first-unread + article")).to_contain_text("Two")
    rooms = jason.locator("#sidebar")
    await expect(rooms).to_contain_text("2")
    await keys.press("e")
    await expect(jason.locator("article textarea")).to_have_count(0)
    await keys.press("End")
    await expect(jason.locator("article").last).to_be_focused()
    await keys.press("Home")
    await expect(jason.locator("article").first).to_be_focused()

    await david.locator("article").nth(1).focus()
    await david.keyboard.press("Delete")
    await david.keyboard.press("Tab")
    await david.keyboard.press("Enter")
    await expect(jason.locator("article")).to_have_count(2)
    assert await said(jason) == ["One", "Three"]


async def test_a_finger_finds_the_same_in_a_sheet(open_window: OpenWindow) -> None:
    david = await open_window()
    phone = {"width": 390, "height": 844}
    jason = await open_window(has_touch=True, is_mobile=True, viewport=phone)
    await two_people(david, jason, "Look at this")
    article = jason.locator("article")
    await article.get_by_role("button", name="Actions for").tap()
    menu = jason.get_by_role("menu", name="Actions for the message by David")
    await expect(menu).to_be_visible()
    box = await menu.bounding_box()
    assert box is not None and (box["x"], box["width"]) == (0, 390)
    assert round(box["y"] + box["height"]) == 844
    await jason.touchscreen.tap(200, 100)
    await expect(menu).to_be_hidden()

    place = await article.locator(".message-body").bounding_box()
    assert place is not None
    line = await jason.context.new_cdp_session(jason)
    finger = {"x": place["x"] + 5, "y": place["y"] + 5}
    await line.send(
        "Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [finger]}
    )
    await expect(menu).to_be_visible()
    await line.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    await menu.get_by_role("menuitem", name="party popper").tap()
    await expect(menu).to_be_hidden()
    await expect(david.locator("button.boost")).to_have_text("Jason: 🎉")
    await jason.locator("button.boost").tap()
    await expect(david.locator(".boost")).to_have_count(0)


async def test_one_boosts_edits_and_deletes_without_scripts(
    open_window: OpenWindow,
) -> None:
    david = await open_window(java_script_enabled=False)
    await light_the_fire(david)
    await david.get_by_label("Message to All Talk").fill("Helo")
    await david.get_by_role("button", name="Send").click()
    await david.get_by_role("link", name="More").click()
    await david.get_by_label("Up to 16 characters").fill("yes")
    await david.get_by_role("button", name="Boost", exact=True).click()
    await expect(david.locator("button.boost")).to_have_text("David: yes")
    await david.get_by_role("button", name="Add a boost").or_(
        david.get_by_role("link", name="Add a boost")
    ).click()
    await david.get_by_role("button", name="Take back yes").click()
    await expect(david.locator(".boost")).to_have_count(0)
    await david.get_by_role("link", name="More").click()
    await david.get_by_role("link", name="Edit or delete").click()
    await david.get_by_role("textbox", name="Message").fill("Hello")
    await david.get_by_role("button", name="Save").click()
    await expect(david.locator(".message-body")).to_have_text("Hello")
    await david.get_by_role("link", name="More").click()
    await david.get_by_role("link", name="Edit or delete").click()
    await david.get_by_text("Delete message…").click()
    await david.get_by_role("button", name="Delete message").click()
    await expect(david.locator("article")).to_have_count(0)
