"""axe-core on every page, in both lights, on a desk and on a phone."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from tests.browser.conftest import OpenWindow, join, light_the_fire, say

AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
PAGES = (
    *("/rooms/1", "/rooms/new?kind=open", "/rooms/new?kind=closed"),
    *("/rooms/new?kind=direct", "/rooms/1/edit", "/users/me", "/users/2"),
    *("/account", "/rooms/999", "/session/new", "/offline"),
    *("/messages/1/boosts", "/rooms/1/messages/1/edit"),
    *("/searches", "/searches?q=hello", "/searches?q=nothing+has:file", "/inbox"),
    *("/trash", "/account/usage", "/rooms/1/retention?days=9"),
    *("/inbox?kind=unread", "/rooms/1/@1?q=hello&hit=1"),
    *("/account/bots", "/account/bots/new", "/account/bots/3"),
    *("/account/bots/3/deliveries", "/account/jobs", "/account/acts"),
)


# As they are once the light has changed.
COLOURS = """async () => {
  const all = document.getAnimations();
  const changing = all.filter((each) => each instanceof CSSTransition);
  await Promise.all(changing.map((each) => each.finished));
  return axe.run({ runOnly: "color-contrast" });
}"""


async def faults(page: Page) -> list[str]:
    """In light, and what the colours alone can spoil in dark too."""
    await page.add_script_tag(path=AXE)
    found: dict[str, Any] = await page.evaluate("axe.run()")
    await page.emulate_media(color_scheme="dark")
    dark: dict[str, Any] = await page.evaluate(COLOURS)
    assert dark["passes"] or dark["incomplete"], "the colours were looked at"
    await page.emulate_media(color_scheme="light")
    return [
        f"{fault['id']}: {node['html'][:200]}"
        for fault in found["violations"] + dark["violations"]
        for node in fault["nodes"]
    ]


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)], ids=["desk", "phone"])
async def test_nothing_stands_in_anybodys_way(
    open_window: OpenWindow, size: tuple[int, int]
) -> None:
    """The styles of a page are ours alone, so what is found is ours to mend."""
    width, height = size
    seen = {
        "bypass_csp": True,
        "viewport": {"width": width, "height": height},
        "reduced_motion": "reduce",
    }
    page, other = await open_window(**seen), await open_window(**seen)
    await page.goto("/first_run")
    found = {"/first_run": await faults(page)}
    invitation = await light_the_fire(page)
    await other.goto(invitation)
    found["/join"] = await faults(other)
    await join(other, invitation, "Jason")
    await say(
        page, "Hello **all**\n\n- [ ] a task\n\n|a|b|\n|-|-|\n|1|2|\n\n```\ncode\n```"
    )
    await page.locator("#log article[data-message-id]").wait_for()
    await page.evaluate("""() => fetch("/messages/1/boosts", {
          method: "POST", body: new URLSearchParams({content: "yes"})
        })""")
    await page.goto("/account/bots/new")
    await page.get_by_label("Name").fill("Bender")
    await page.get_by_label("Webhook address").fill("http://127.0.0.1:1/")
    await page.get_by_role("button", name="Make this bot").click()
    await page.get_by_text("It is kept nowhere").wait_for()
    found["the key"] = await faults(page)
    await page.goto("/rooms/1")
    await say(page, "@Bender, hello")
    await page.locator("#log article[data-message-id]").nth(1).wait_for()
    for path in PAGES:
        await page.goto(path)
        found[path] = await faults(page)
    assert {path: each for path, each in found.items() if each} == {}
