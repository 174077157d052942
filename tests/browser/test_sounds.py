"""Sounds in two windows: heard once as they come, and again at a press."""

from playwright.async_api import Page, expect

from tests.browser.conftest import (
    Campfire,
    OpenWindow,
    join,
    light_the_fire,
    said,
    say,
    until,
)

# Every sound that began, by the name of its file: what a loudspeaker would tell.
LISTEN = """
window.heard = [];
const play = HTMLMediaElement.prototype.play;
HTMLMediaElement.prototype.play = function () {
  window.player = this;
  this.addEventListener("playing", () => {
    window.heard.push(this.src.split("/").at(-1));
  }, { once: true });
  return play.call(this);
};
"""


async def listen(page: Page) -> None:
    """Records from the next page on."""
    await page.add_init_script(LISTEN)


async def hears(page: Page, *names: str) -> None:
    await until(page, f"heard.length >= {len(names)}")
    assert await page.evaluate("heard") == [f"{name}.wav" for name in names]


async def is_there(page: Page, people: int) -> None:
    """The line of this page is up: it knows who else is here."""
    await expect(page.locator("#present")).to_contain_text(f"{people} here now")


async def test_a_sound_is_heard_once_by_everybody_there_and_again_at_a_press(
    open_window: OpenWindow,
) -> None:
    david, jason = await open_window(), await open_window()
    for page in (david, jason):
        await listen(page)
    await join(jason, await light_the_fire(david), "Jason")
    await is_there(jason, 2)

    await say(david, "/play owl")
    await hears(david, "owl")
    await hears(jason, "owl")
    assert await said(jason) == ["David plays owl 🦉"]

    await say(jason, "/play dodo")
    await expect(david.locator("#log")).to_contain_text("/play dodo")
    await say(jason, "/play bell")
    await hears(david, "owl", "bell")
    await hears(jason, "owl", "bell")

    owl = david.locator(".sound[data-sound=owl]")
    await expect(david.locator("[data-playing]")).to_have_count(0)
    await david.evaluate("player.loop = true")
    await owl.get_by_role("button", name="Play the sound: owl").press("Enter")
    await hears(david, "owl", "bell", "owl")
    await expect(owl).to_have_attribute("data-playing", "")
    await owl.get_by_role("button", name="Stop the sound: owl").press("Enter")
    await expect(david.locator("[data-playing]")).to_have_count(0)


async def test_what_came_while_the_line_was_down_stays_silent(
    campfire: Campfire, open_window: OpenWindow
) -> None:
    david, jason = await open_window(), await open_window()
    for page in (david, jason):
        await listen(page)
    await join(jason, await light_the_fire(david), "Jason")
    await is_there(jason, 2)
    await campfire.stop()
    await jason.context.set_offline(True)
    await campfire.start()
    await say(david, "/play horn")
    await expect(david.locator(".sound[data-sound=horn]")).to_be_visible(timeout=40_000)
    await jason.context.set_offline(False)
    await expect(jason.locator(".sound[data-sound=horn]")).to_be_visible(timeout=40_000)
    await say(david, "/play yay")
    await hears(jason, "yay")


async def test_who_wants_silence_has_it(open_window: OpenWindow) -> None:
    david, jason = await open_window(), await open_window()
    still = await open_window(reduced_motion="reduce")
    for page in (david, jason, still):
        await listen(page)
    invitation = await light_the_fire(david)
    await join(jason, invitation, "Jason")
    await join(still, invitation, "Kevin")
    await jason.goto("/users/me")
    await jason.get_by_role("radio", name="Mute").check()
    await expect(jason.get_by_text("Saved")).to_be_visible()
    await jason.goto("/rooms/1")
    for page in (jason, still):
        await is_there(page, 3)

    await say(david, "/play tada")
    await hears(david, "tada")
    await say(david, "Did you hear it?")
    for page in (jason, still):
        await expect(page.locator("#log")).to_contain_text("Did you hear it?")
        await hears(page)
        await page.get_by_role("button", name="Play the sound: tada").click()
        await hears(page, "tada")


async def test_without_scripts_a_sound_leads_to_its_file(
    open_window: OpenWindow,
) -> None:
    david = await open_window(java_script_enabled=False)
    await light_the_fire(david)
    await david.goto("/users/me")
    await david.get_by_role("radio", name="Mute").check()
    await david.get_by_role("button", name="Keep this for sounds").click()
    await expect(david.get_by_role("radio", name="Mute")).to_be_checked()
    await david.goto("/rooms/1")
    await david.get_by_label("Message to All Talk").fill("/play fire")
    await david.get_by_role("button", name="Send").click()
    form = david.locator(".sound")
    await expect(form).to_contain_text("David plays fire 🔥")
    address = await form.get_attribute("action")
    assert address and address.endswith("/sounds/fire.wav")
    answer = await david.request.get(address)
    assert (answer.status, answer.headers["content-type"]) == (200, "audio/x-wav")
