"""Writing: marks, pastes, completions, emoji, drafts and the look before sending."""

import re
from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import OpenWindow, join, light_the_fire, said, say
from tests.browser.test_accessibility import faults

NARROW = {"width": 560, "height": 800}


def field(page: Page) -> Locator:
    return page.get_by_label("Message to All Talk")


def suggestions(page: Page) -> Locator:
    return page.get_by_role("option")


async def equip(page: Page) -> None:
    """The tools come with the first key; the focus, when the page is ready for it."""
    await expect(field(page)).to_be_focused()
    async with page.expect_response(re.compile(r"js/emoji\.js$")):
        await field(page).press("Shift")
    await page.wait_for_load_state("networkidle")


async def paste(page: Page, key: str = "Control+V", **given: str) -> None:
    """Puts these types into the clipboard of the window and presses the keys."""
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.evaluate(
        """given => navigator.clipboard.write([new ClipboardItem(Object.fromEntries(
             Object.entries(given).map(([type, text]) =>
               [`text/${type}`, new Blob([text], {type: `text/${type}`})])))])""",
        given,
    )
    await field(page).press(key)


@pytest_asyncio.fixture(loop_scope="session")
async def david(open_window: OpenWindow) -> AsyncIterator[Page]:
    page = await open_window()
    await light_the_fire(page)
    await equip(page)
    yield page


async def test_marks_are_put_around_words_and_undone(david: Page) -> None:
    for button, key, made in (
        ("Bold", "Control+B", "**smoke signals**"),
        ("Italic", "Control+I", "_smoke signals_"),
        ("Strike through", None, "~~smoke signals~~"),
        ("Link", "Control+L", "[smoke signals](url)"),
        ("Heading", None, "### smoke signals"),
        ("Quote", None, "> smoke signals"),
        ("Code", "Control+E", "`smoke signals`"),
        ("List", None, "- smoke signals"),
        ("Numbered list", None, "1. smoke signals"),
        ("Task list", None, "- [ ] smoke signals"),
    ):
        for press in filter(None, (button, key)):
            await field(david).fill("smoke signals")
            await field(david).press("Control+A")
            if press == button:
                await david.get_by_role("button", name=button, exact=True).click()
            else:
                await field(david).press(press)
            await expect(field(david)).to_have_value(made)
            await expect(field(david)).to_be_focused()
            await field(david).press("Control+Z")
            await expect(field(david)).to_have_value("smoke signals")
    await field(david).fill("one\ntwo")
    await field(david).press("Control+A")
    await field(david).press("Control+E")
    await expect(field(david)).to_have_value("```\none\ntwo\n```")


async def test_the_toolbar_is_one_stop_and_its_buttons_are_walked_with_arrows(
    david: Page,
) -> None:
    await field(david).press("Tab")
    await david.keyboard.press("Tab")
    await david.keyboard.press("Tab")
    for key, name in (
        *((None, "Bold"), ("ArrowRight", "Italic"), ("End", "Task list")),
        *(("ArrowRight", "Bold"), ("ArrowLeft", "Task list"), ("Home", "Bold")),
    ):
        if key:
            await david.keyboard.press(key)
        button = david.get_by_role("button", name=name, exact=True)
        await expect(button).to_be_focused()
    await david.keyboard.press("Enter")
    await expect(field(david)).to_have_value("****")
    await expect(field(david)).to_be_focused()
    await field(david).press("Tab")
    for _ in range(3):
        await david.keyboard.press("Tab")
    await expect(david.get_by_role("button", name="Preview")).to_be_focused()


async def test_lists_go_on_until_an_item_stays_empty(david: Page) -> None:
    for typed, made in (
        (["- one", "two", "", "end"], "- one\n- two\n\nend"),
        (["9. nine", "ten", "", ""], "9. nine\n10. ten\n\n"),
        (["* [x] done", "next"], "* [x] done\n* [ ] next"),
        (["no list", "at all"], "no list\nat all"),
        (["```", "- as it is", "so"], "```\n- as it is\nso"),
    ):
        await field(david).fill("")
        for at, line in enumerate(typed):
            if at:
                await david.keyboard.press("Shift+Enter")
            await david.keyboard.type(line)
        assert await field(david).input_value() == made
    assert await said(david) == []


PASTED = (
    (
        "<p style='color: red'>A <b>bold</b> and <i>thin</i> <s>word</s></p>"
        "<h2>Wood</h2><ul><li>dry<ol><li>oak</li><li>ash</li></ol></li>"
        "<li>wet</li></ul><blockquote><p>Burn</p><p>on</p></blockquote>"
        "<pre>a = 1\nb = 2</pre><p>as <code>code</code>, 2*3*4</p>",
        "A bold and thin word",
        "A **bold** and _thin_ ~~word~~\n\n## Wood\n\n- dry\n  1. oak\n  2. ash\n"
        "- wet\n\n> Burn\n>\n> on\n\n```\na = 1\nb = 2\n```\n\nas `code`, 2\\*3\\*4",
    ),
    (
        "<b style='font-weight:normal'><p>Not bold <strong> but here </strong>"
        "<a href='https://example.org/(x)'>there</a></p></b>",
        "Not bold but here there",
        "Not bold **but here** [there](https://example.org/%28x%29)",
    ),
    (
        "<table><tr><th>Wood</th><th>Heat</th></tr>"
        "<tr><td>Oak</td><td>4.2</td></tr></table>",
        "Wood\tHeat\nOak\t4.2",
        "| Wood | Heat |\n| --- | --- |\n| Oak | 4.2 |",
    ),
    (
        "<p>Read <a href='https://example.org/'>this</a></p>",
        "Read this",
        "Read [this](https://example.org/)",
    ),
    ("<p><span>As it is</span></p>", "As it is", "As it is"),
)


async def test_rich_text_is_pasted_as_markdown(david: Page) -> None:
    """Given to the module that pastes, for a page may not copy styles like theirs."""
    for html, plain, made in PASTED:
        await field(david).fill("")
        await david.evaluate(
            """async ([html, plain]) => {
              const main = document.querySelector('script[src$="main.js"]').src;
              const { paste } = await import(new URL("pastes.js", main));
              const data = [["text/plain", plain], ["text/html", html]];
              paste(document.querySelector("#composer-text"), data);
            }""",
            [html, plain],
        )
        assert (await field(david).input_value()).strip() == made
    html = "<p>A <b>bold</b> word</p>"
    for key, made in (
        ("Control+V", "A **bold** word"),
        ("Control+Shift+V", "A bold word"),
        ("Control+V", "A **bold** word"),
    ):
        await field(david).fill("")
        await paste(david, key, html=html, plain="A bold word")
        await expect(field(david)).to_have_value(made)
    await field(david).press("Control+Z")
    await expect(field(david)).to_have_value("")


async def test_an_address_pasted_on_words_is_their_link(david: Page) -> None:
    await field(david).fill("the map")
    await field(david).press("Control+A")
    await paste(david, plain="https://example.org/map")
    await expect(field(david)).to_have_value("[the map](https://example.org/map)")
    await field(david).press("Control+Z")
    await expect(field(david)).to_have_value("the map")
    await field(david).press("Control+A")
    await paste(david, "Control+Shift+V", plain="https://example.org/map")
    await expect(field(david)).to_have_value("https://example.org/map")


async def test_people_are_completed_who_wrote_last_first_and_without_accents(
    open_window: OpenWindow,
) -> None:
    david = await open_window()
    invitation = await light_the_fire(david)
    for name in ("Zita", "Zoë", "Zara"):
        other = await open_window()
        await join(other, invitation, name, f"{ord(name[2])}@x.example")
        if name != "Zara":
            await say(other, f"{name} was here")
            await expect(david.locator("#log")).to_contain_text(f"{name} was here")
    await field(david).click()
    await david.keyboard.type("Ask @z")
    await expect(suggestions(david)).to_have_text(["Zoë", "Zita", "Zara"])
    await expect(field(david)).to_have_attribute("aria-controls", "suggestions")
    await expect(field(david)).to_have_attribute("aria-autocomplete", "list")
    assert await field(david).get_attribute("role") is None
    await david.keyboard.press("ArrowDown")
    second = david.get_by_role("option", name="Zita")
    await expect(second).to_have_attribute("aria-selected", "true")
    marked = await field(david).get_attribute("aria-activedescendant")
    assert await second.get_attribute("id") == marked
    await expect(david.locator(".composer-box [role=status]")).to_have_text(
        "Zita, 2 of 3"
    )
    await david.keyboard.press("Enter")
    await expect(field(david)).to_have_value("Ask @Zita ")
    await expect(suggestions(david)).to_have_count(0)
    assert await field(david).get_attribute("aria-activedescendant") is None

    for typed, taken, made in (
        ("@zoe", "Tab", "@Zoë "),
        ("@ZOE", " ", "@Zoë "),
        ("(@zoe", "!", "(@Zoë!"),
    ):
        await field(david).fill("")
        await david.keyboard.type(typed)
        await expect(suggestions(david)).to_have_text(["Zoë"])
        await david.keyboard.press(taken)
        await expect(field(david)).to_have_value(made)
    await david.keyboard.press("Enter")
    await expect(david.locator("#log a.mention").last).to_have_text("@Zoë")


async def test_nothing_is_completed_in_words_or_code_or_after_escape(
    david: Page,
) -> None:
    await field(david).click()
    await david.keyboard.type("@")
    await expect(suggestions(david)).to_have_text(
        ["David", re.compile("@everyone.*all in this room")]
    )
    await david.keyboard.press("Escape")
    await expect(suggestions(david)).to_have_count(0)
    asked: list[str] = []
    david.on("request", lambda request: asked.append(request.url))
    await david.keyboard.type("da")
    for before, typed in (
        *(("mail", "@da"), ("`", "@da"), ("```\n", "@da"), ("@ ", "da")),
        *(("10", ":30"), ("a", ":tada")),
    ):
        await field(david).fill(before)
        await field(david).press("Control+End")
        await david.keyboard.type(typed)
        await david.wait_for_timeout(200)
        assert await suggestions(david).count() == 0, typed
    assert [url for url in asked if "/users" in url] == []
    await field(david).fill("")
    await david.keyboard.type("@da")
    await expect(suggestions(david)).to_have_text(["David"])
    await david.keyboard.press("Home")
    await expect(suggestions(david)).to_have_count(0)


async def test_emoji_are_completed_by_their_shortcodes(david: Page) -> None:
    await field(david).click()
    await david.keyboard.type("Done :tad")
    await expect(suggestions(david).first).to_have_text("🎉:tada:")
    await david.keyboard.press("Tab")
    await expect(field(david)).to_have_value("Done 🎉 ")
    await david.keyboard.press("Control+Z")
    await expect(field(david)).to_have_value("Done :tad")


async def test_what_is_completed_follows_each_letter(david: Page) -> None:
    await field(david).click()
    await david.keyboard.type(":sm")
    await expect(suggestions(david)).not_to_have_count(1)
    await david.keyboard.type("ile_cat")
    await expect(suggestions(david)).to_contain_text([":smile_cat:"])
    await david.keyboard.press("ArrowLeft")
    await expect(suggestions(david)).to_have_count(0)


async def edited(page: Page, words: str) -> Locator:
    """The field in which one's last message, of these words, is being changed."""
    await field(page).fill(words)
    await field(page).press("Control+Enter")
    await expect(page.locator("#log article[data-message-id]")).to_have_count(1)
    await field(page).press("ArrowUp")
    editor = page.locator("article textarea")
    await expect(editor).to_be_focused()
    await page.wait_for_load_state("networkidle")
    return editor


async def test_what_is_begun_is_completed_in_an_edit_too(david: Page) -> None:
    editor = await edited(david, "Ask @David")
    await editor.press("Control+A")
    await david.keyboard.type("Tell @da")
    await expect(suggestions(david)).to_have_text(["David"])
    await david.keyboard.press("Escape")
    await expect(suggestions(david)).to_have_count(0)
    await expect(editor).to_be_focused()
    await david.keyboard.type(" or @da")
    await expect(suggestions(david)).to_have_text(["David"])
    await expect(suggestions(david)).to_be_in_viewport(ratio=1)
    await david.keyboard.press("Enter")
    await expect(editor).to_have_value("Tell @da or @David ")
    await david.keyboard.type(":tad")
    await expect(suggestions(david).first).to_have_text("🎉:tada:")
    await suggestions(david).first.click()
    await expect(editor).to_have_value("Tell @da or @David 🎉 ")
    await editor.fill("")
    await david.keyboard.type("/play ow")
    await expect(suggestions(david)).to_have_count(1)
    await david.keyboard.press("Enter")
    await david.keyboard.press("Enter")
    sound = david.get_by_role("button", name="Play the sound: owl")
    await expect(sound).to_be_visible()
    await expect(editor).to_have_count(0)


async def test_an_edit_that_ends_with_a_name_is_saved_with_one_key(david: Page) -> None:
    editor = await edited(david, "Ask @David")
    await editor.press("Enter")
    await expect(editor).to_have_count(0)


async def test_sounds_are_completed_and_sent_with_the_next_key(david: Page) -> None:
    await field(david).press_sequentially("/play ow")
    await expect(suggestions(david)).to_have_count(1)
    await field(david).press("Enter")
    await expect(field(david)).to_have_value("/play owl")
    await expect(suggestions(david)).to_have_count(0)
    await field(david).press("Enter")
    await expect(
        david.get_by_role("button", name="Play the sound: owl")
    ).to_be_visible()


async def test_the_palette_finds_an_emoji_and_puts_it_in(david: Page) -> None:
    opener = david.get_by_role("button", name="Insert an emoji")
    await field(david).fill("Hot ")
    await field(david).press("Tab")
    await david.keyboard.press("Tab")
    await expect(opener).to_be_focused()
    await david.keyboard.press("Enter")
    palette = david.get_by_role("dialog", name="Emoji")
    await expect(
        palette.get_by_role("button", name="grinning face", exact=True)
    ).to_be_visible()
    await expect(opener).to_have_attribute("aria-expanded", "true")
    search = palette.get_by_label("Find an emoji")
    await expect(search).to_be_focused()
    await david.keyboard.type("fire")
    await expect(palette.get_by_role("button", name="fire", exact=True)).to_be_visible()
    await expect(palette.get_by_role("button", name="grinning face")).to_have_count(0)
    await david.keyboard.press("ArrowDown")
    await expect(palette.get_by_role("button", name="fire", exact=True)).to_be_focused()
    await david.keyboard.press("ArrowRight")
    await david.keyboard.press("ArrowLeft")
    await david.keyboard.press("Enter")
    await expect(palette).to_have_count(0)
    await expect(field(david)).to_have_value("Hot 🔥")
    await expect(field(david)).to_be_focused()

    await opener.click()
    lately = palette.get_by_role("group", name="Used lately")
    await expect(lately.get_by_role("button")).to_have_text(["🔥"])
    await david.keyboard.press("Escape")
    await expect(palette).to_have_count(0)
    await expect(opener).to_be_focused()
    await opener.click()
    await expect(palette).to_be_visible()
    await david.locator("#log").click()
    await expect(palette).to_have_count(0)


async def test_enter_belongs_to_an_input_method_while_it_composes(david: Page) -> None:
    line = await david.context.new_cdp_session(david)
    await field(david).click()
    await line.send(
        "Input.imeSetComposition",
        {"text": "にほん", "selectionStart": 3, "selectionEnd": 3},
    )
    enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 229}
    await line.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **enter})
    await line.send("Input.insertText", {"text": "日本"})
    await line.send("Input.dispatchKeyEvent", {"type": "keyUp", **enter})
    await expect(field(david)).to_have_value("日本")
    assert await said(david) == []
    await david.keyboard.press("Enter")
    await expect(david.locator("article[data-message-id]")).to_have_count(1)
    assert await said(david) == ["日本"]


async def test_a_draft_belongs_to_its_room_and_stays_until_it_is_sent(
    david: Page,
) -> None:
    await field(david).fill("For all")
    await expect(david.locator("#draft")).to_contain_text(
        re.compile(r"Draft kept .*\d")
    )
    answer = await david.request.post(
        "/rooms",
        data={"kind": "closed", "name": "Woodshed"},
        headers={"Accept": "application/json"},
    )
    shed = (await answer.json())["id"]
    await david.goto(f"/rooms/{shed}")
    other = david.get_by_label("Message to Woodshed")
    await expect(other).to_have_value("")
    row = david.locator('#room-list [data-room-id="1"]')
    await expect(row.locator(".has-draft")).to_have_text("has a draft")
    await other.fill("For few")
    await expect(david.locator("#draft")).to_contain_text("Draft kept")
    await david.reload()
    await expect(other).to_have_value("For few")

    await david.goto("/rooms/1")
    await expect(field(david)).to_have_value("For all")
    await expect(row.locator(".has-draft")).to_have_count(0)
    again = await david.context.new_page()
    await again.goto("/rooms/1")
    await expect(field(again)).to_have_value("For all")
    await field(again).press("Enter")
    await expect(david.locator("#log")).to_contain_text("For all")
    await expect(field(david)).to_have_value("")
    await again.goto("/users/me")
    await again.get_by_role("button", name="Sign out", exact=True).click()
    await again.get_by_role("heading", name="Come sit down").wait_for()
    kept = await again.evaluate("Object.keys(localStorage)")
    assert [key for key in kept if "draft" in key] == []


async def test_what_is_written_is_seen_before_it_is_sent(david: Page) -> None:
    preview = david.get_by_role("button", name="Preview")
    await field(david).fill("**Hot** @David <b>")
    await preview.click()
    page = david.get_by_role("region", name="Preview")
    await expect(page.locator("strong")).to_have_text("Hot")
    await expect(page.locator("a.mention")).to_have_text("@David")
    await expect(page).to_be_focused()
    await expect(field(david)).to_be_hidden()
    await david.keyboard.press("Escape")
    await expect(page).to_have_count(0)
    await expect(field(david)).to_be_focused()
    await expect(field(david)).to_have_value("**Hot** @David <b>")
    assert await said(david) == []
    await preview.click()
    await expect(page).to_be_visible()
    await david.get_by_role("button", name="Send", exact=True).click()
    await expect(david.locator("article[data-message-id]")).to_have_count(1)
    await expect(page).to_have_count(0)
    await expect(field(david)).to_have_value("")


async def test_arrow_up_edits_ones_last_message_from_an_empty_field(
    david: Page,
) -> None:
    await say(david, "First")
    await say(david, "Second")
    await expect(david.locator("article[data-message-id]")).to_have_count(2)
    await field(david).fill("not empty")
    await field(david).press("ArrowUp")
    await expect(david.locator("article textarea")).to_have_count(0)
    await field(david).fill("")
    await field(david).press("ArrowUp")
    await expect(david.locator("article textarea")).to_have_value("Second")


async def test_formats_open_in_a_narrow_sheet_and_enter_breaks_lines_there(
    open_window: OpenWindow,
) -> None:
    page = await open_window(viewport=NARROW)
    await light_the_fire(page)
    bold = page.get_by_role("button", name="Bold")
    more = page.get_by_role("button", name="Formatting")
    await field(page).click()
    await expect(bold).to_be_hidden()
    await page.keyboard.type("one")
    await more.click()
    await expect(bold).to_be_visible()
    await expect(more).to_have_attribute("aria-expanded", "true")
    await expect(field(page)).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.type("two")
    await expect(field(page)).to_have_value("one\ntwo")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("article[data-message-id]")).to_have_count(1)
    await expect(bold).to_be_hidden()
    await page.keyboard.type("three")
    await page.keyboard.press("Enter")
    await expect(page.locator("article[data-message-id]")).to_have_count(2)


async def test_with_a_finger_only_the_button_sends(open_window: OpenWindow) -> None:
    page = await open_window(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    await light_the_fire(page)
    await field(page).tap()
    await page.keyboard.type("one")
    await page.keyboard.press("Enter")
    await page.keyboard.type("two")
    await expect(field(page)).to_have_value("one\ntwo")
    await page.get_by_role("button", name="Send", exact=True).tap()
    await expect(page.locator("article[data-message-id]")).to_have_count(1)


async def test_nothing_that_opens_stands_in_anybodys_way(
    open_window: OpenWindow,
) -> None:
    page = await open_window(viewport=NARROW, bypass_csp=True, reduced_motion="reduce")
    await light_the_fire(page)
    await equip(page)
    await page.keyboard.type("**Hello** @")
    await expect(suggestions(page).first).to_be_visible()
    found = {"suggestions": await faults(page)}
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Formatting").click()
    found["formats"] = await faults(page)
    await page.get_by_role("button", name="Insert an emoji").click()
    await expect(page.get_by_role("searchbox", name="Find an emoji")).to_be_focused()
    await page.keyboard.type("fire")  # axe takes minutes for two thousand buttons.
    await expect(page.get_by_role("button", name="fire", exact=True)).to_be_visible()
    found["palette"] = await faults(page)
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Preview").click()
    await expect(page.get_by_role("region", name="Preview")).to_be_visible()
    found["preview"] = await faults(page)
    assert {name: each for name, each in found.items() if each} == {}


async def test_what_the_server_does_not_take_says_why(david: Page) -> None:
    await field(david).fill("&nbsp;")
    await field(david).press("Enter")
    trouble = david.locator("#log article [role=alert]")
    await expect(trouble).to_contain_text("Not sent yet. This message is empty.")
