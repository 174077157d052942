"""Files dropped into a room: each with its own fate, and pictures that open."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, Page, Route, expect

from tests.browser.conftest import OpenWindow, awake, join, light_the_fire
from tests.movies import movie
from tests.samples import SECRET, film, picture

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


COPY = """async data => {
  const picture = new Blob([new Uint8Array(data)], { type: "image/png" });
  await navigator.clipboard.write([new ClipboardItem({ "image/png": picture })]);
}"""


def tray(page: Page) -> Locator:
    return page.get_by_role("list", name="Files to send").get_by_role("listitem")


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
    await expect(tray(david)).to_have_count(3)
    composer = david.get_by_label("Message to All Talk")
    await composer.fill("Three files")
    await composer.press("Enter")
    await expect(tray(david)).to_have_count(0)

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

    async def garble(route: Route) -> None:
        await route.continue_(post_data=b"junk")

    await david.route("**/messages", garble)
    await david.evaluate(DROP, [["fourth.txt"], "hello"])
    await expect(tray(david)).to_have_count(1)
    await composer.press("Enter")
    await expect(failed).to_contain_text("Not sent, the form cannot be read.")
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


async def test_files_that_were_chosen_before_the_scripts_ran_are_in_the_tray(
    open_window: OpenWindow, tmp_path: Path
) -> None:
    david = await open_window()
    await light_the_fire(david)
    are_chosen = asyncio.Event()

    async def hold(route: Route) -> None:
        await are_chosen.wait()
        await route.continue_()

    await david.route("**/js/uploads.js", hold)
    await david.goto(david.url, wait_until="commit")
    await choose(david, tmp_path, "a.png", "b.png")
    await expect(tray(david)).to_have_count(0)
    are_chosen.set()
    await expect(tray(david)).to_have_count(2)
    await awake(david)
    await david.get_by_role("button", name="Send").click()
    await expect(david.locator("article[data-message-id] a.picture img")).to_have_count(
        2
    )


class Silence:
    """Takes one request and never answers it; the others pass."""

    def __init__(self) -> None:
        self.has_fallen = asyncio.Event()

    async def __call__(self, route: Route) -> None:
        if self.has_fallen.is_set():
            await route.continue_()
        self.has_fallen.set()


async def stalled(page: Page, folder: Path) -> None:
    """A file is on its way, and nothing is heard of it."""
    await light_the_fire(page)
    await awake(page)
    await page.clock.install(time=0)
    await page.clock.pause_at(1_000)
    silence = Silence()
    await page.route("**/messages", silence)
    await choose(page, folder, "a.png")
    await page.get_by_role("button", name="Send").click()
    await silence.has_fallen.wait()


async def test_an_upload_that_goes_silent_is_given_up_and_can_be_sent_again(
    open_window: OpenWindow, tmp_path: Path
) -> None:
    david = await open_window()
    await stalled(david, tmp_path)
    await david.clock.run_for(19_000)
    await expect(david.locator("#log article progress")).to_have_count(1)
    await david.clock.run_for(1_000)
    failed = david.locator("article.is-failed")
    await expect(failed).to_contain_text("Not sent, the line dropped")
    await failed.get_by_role("button", name="Retry").click()
    await expect(
        david.locator("article[data-message-id] a.picture img")
    ).to_be_visible()
    await expect(david.locator("#log article")).to_have_count(1)


@pytest.mark.parametrize("silent_for", [0, 6_000])
async def test_an_upload_on_the_old_line_goes_again_when_there_is_a_new_one(
    open_window: OpenWindow, tmp_path: Path, silent_for: int
) -> None:
    """One that was heard of a moment ago is left alone."""
    david = await open_window()
    await stalled(david, tmp_path)
    await david.clock.run_for(silent_for)
    await david.evaluate("dispatchEvent(new Event('online'))")
    if silent_for:
        await expect(david.locator("#log article")).to_contain_text(
            "Waits for its turn"
        )
        await david.clock.run_for(1_000)
        sent = david.locator("article[data-message-id] a.picture img")
        await expect(sent).to_be_visible()
    else:
        await expect(david.locator("#log article progress")).to_have_count(1)
    await expect(david.locator("#log article")).to_have_count(1)


async def test_a_picture_that_is_pasted_is_a_file(open_window: OpenWindow) -> None:
    david = await open_window()
    await light_the_fire(david)
    await awake(david)
    await david.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await david.evaluate(COPY, list(picture()))
    composer = david.get_by_label("Message to All Talk")
    await composer.press("Control+V")
    await expect(tray(david)).to_have_count(1)
    await expect(tray(david)).to_contain_text("image.png")
    await expect(composer).to_have_value("")
    await composer.press("Enter")
    sent = david.locator("article[data-message-id] a.picture img")
    await expect(sent).to_have_attribute("alt", "image.png")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.mp4", movie(SECRET)),
        ("cut.mp4", movie(SECRET, is_cut=True)),
        ("a.mov", movie(SECRET, b"qt  ")),
        ("a.webm", film(said=SECRET)),
        ("live.webm", film(said=SECRET, is_live=True)),
    ],
)
async def test_a_film_plays_and_does_not_say_where_it_was_made(
    open_window: OpenWindow, tmp_path: Path, name: str, data: bytes
) -> None:
    david = await open_window()
    await light_the_fire(david)
    await awake(david)
    (tmp_path / name).write_bytes(data)
    await david.get_by_label("Attach files").set_input_files(tmp_path / name)
    await david.get_by_role("button", name="Send").click()
    video = david.locator("article[data-message-id] video")
    await expect(video).to_have_count(1)
    served = await david.request.get(await video.get_attribute("src") or "")
    left = await served.body()
    assert SECRET in data and SECRET not in left
    assert len(left) == len(data)
    assert await video.evaluate("""async video => {
          const ended = new Promise((resolve) => { video.onended = resolve; });
          await video.play();
          await ended;
          return [video.videoWidth, video.videoHeight];
        }""") == [90, 60]
