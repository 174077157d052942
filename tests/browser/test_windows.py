"""A room shows a window on what was said, and holds no more than that."""

from playwright.async_api import CDPSession, Page

from tests.browser.conftest import OpenWindow, awake, light_the_fire, said
from tests.browser.test_reading import posted

SAID = 500
# What the window may hold: see log.js.
MOST = 320
# Nodes, far less than those of one page of messages.
SLACK = 100
# Goes that way until there is nothing more, a page at a time; answers with the most
# messages and the most elements that there were.
WALK = """async (isUp) => {
  const box = document.getElementById("messages");
  const edge = document.getElementById(isUp ? "older" : "newer");
  let articles = 0;
  let elements = 0;
  while (!edge.hidden) {
    box.scrollTop = isUp ? -box.scrollHeight : 0;
    await new Promise(requestAnimationFrame);
    articles = Math.max(articles, box.querySelectorAll("article").length);
    elements = Math.max(elements, document.querySelectorAll("*").length);
  }
  return [articles, elements];
}"""


async def walked(page: Page) -> tuple[int, int]:
    """Up to the first message and down to the newest."""
    ups = await page.evaluate(WALK, True)
    assert (await said(page))[0] == "Message 0"
    downs = await page.evaluate(WALK, False)
    assert (await said(page))[-1] == f"Message {SAID - 1}"
    return max(ups[0], downs[0]), max(ups[1], downs[1])


async def held(chromium: CDPSession) -> int:
    """The nodes in memory, those that are in no document too."""
    await chromium.send("HeapProfiler.collectGarbage")
    counters = await chromium.send("Memory.getDOMCounters")
    nodes: int = counters["nodes"]
    return nodes


async def test_a_long_room_takes_no_more_the_further_one_goes(
    open_window: OpenWindow,
) -> None:
    david = await open_window()
    await light_the_fire(david)
    await posted(david, *(f"Message {number}" for number in range(SAID)))
    await david.goto("/rooms/1")
    await awake(david)
    chromium = await david.context.new_cdp_session(david)
    articles, elements = await walked(david)
    nodes = await held(chromium)
    assert articles <= MOST
    assert elements <= 13 * MOST
    assert await walked(david) == (articles, elements)
    assert await held(chromium) <= nodes + SLACK
