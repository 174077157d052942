"""Files dropped into a room: each with its own fate, and pictures that open."""

from pathlib import Path
from typing import Any

from playwright.async_api import Page, Route, expect

from tests.browser.conftest import OpenWindow, join, light_the_fire
from tests.samples import picture

DROP = """([names, text]) => {
  const data = new DataTransfer();
  for (const name of names) data.items.add(new File([text], name));
  const main = document.getElementById("main");
  for (const type of ["dragover", "drop"]) {
    main.dispatchEvent(
      new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }),
    );
  }
}"""


async def choose(page: Page, folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_bytes(picture(900, 600))
    files = [folder / name for name in names]
    await page.get_by_label("Attach files").set_input_files(files)


async def test_of_three_files_that_are_dropped_one_fails_and_waits(
    open_window: OpenWindow,
) -> None:
    david, jason = await open_window(), await open_window()
    await join(jason, await light_the_fire(david), "Jason")

    async def lose_the_second(route: Route) -> None:
        body: Any = route.request.post_data_buffer or b""
        if b'filename="second.txt"' in body:
            await route.abort("connectionreset")
        else:
            await route.continue_()

    await david.route("**/messages", lose_the_second)
    await david.evaluate(DROP, [["first.txt", "second.txt", "third.txt"], "hello"])
    tray = david.get_by_role("list", name="Files to send")
    await expect(tray.get_by_role("listitem")).to_have_count(3)
    composer = david.get_by_label("Message to All Talk")
    await composer.fill("Three files")
    await composer.press("Enter")
    await expect(tray).to_be_hidden()

    await expect(jason.locator("#log article")).to_have_count(3)
    for name in ("first", "third"):
        await expect(jason.locator("#log")).to_contain_text(name)
    failed = david.locator("article.is-failed")
    await expect(failed).to_have_count(1)
    await expect(failed).to_contain_text("Not sent, the line dropped")
    await expect(failed).to_contain_text("second.txt")

    await david.unroute("**/messages")
    await failed.get_by_role("button", name="Retry").click()
    await expect(david.locator("article.is-failed")).to_have_count(0)
    await expect(jason.locator("#log article")).to_have_count(4)
    await expect(jason.locator("#log article").last).to_contain_text("second")


async def test_pictures_chosen_together_are_a_gallery_that_opens(
    open_window: OpenWindow, tmp_path: Path
) -> None:
    david = await open_window()
    await light_the_fire(david)
    await choose(david, tmp_path, "a.png", "b.png", "c.png", "d.png")
    await david.get_by_role("button", name="Send").click()
    gallery = david.locator("article[data-message-id] .pictures.has-three")
    await expect(gallery.locator("img")).to_have_count(3)
    await expect(gallery).to_contain_text("+1")

    first = gallery.locator("a").first
    await first.focus()
    await first.press("Enter")
    box = david.get_by_role("dialog")
    await expect(box).to_contain_text("a.png · 900 × 600 · 1 of 4")
    await david.keyboard.press("ArrowLeft")
    await expect(box).to_contain_text("d.png")
    await david.keyboard.press("ArrowRight")
    await david.keyboard.press("ArrowRight")
    await expect(box).to_contain_text("b.png")
    await david.keyboard.press("Escape")
    await expect(box).to_have_count(0)
    await expect(first).to_be_focused()


async def test_a_file_is_sent_without_scripts(
    open_window: OpenWindow, tmp_path: Path
) -> None:
    david = await open_window(java_script_enabled=False)
    await light_the_fire(david)
    await choose(david, tmp_path, "a.png")
    await david.get_by_role("button", name="Send").click()
    await expect(david.locator("#log article a.picture img")).to_have_count(1)
