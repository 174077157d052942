"""The app on the device: rooms without a line, notifications, what they lead to.

Chromium reaches no push service here, so what one would deliver is handed to the real
worker through the debugger, and `subscribe` is given an address of nobody's.
"""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import pytest_asyncio
from playwright.async_api import Browser, CDPSession, Page

from tests.browser.conftest import (
    Campfire,
    OpenWindow,
    awake,
    launched,
    light_the_fire,
    said,
    say,
    until,
)
from tests.conftest import VAPID_KEYS

GRANTED: Final = {"permissions": ["notifications"]}
ENDPOINT: Final = "https://push.example/send/1"
# The browser's side of a push service that cannot be reached from a test.
SUBSCRIBES: Final = """
  const kept = { now: null, key: null };
  const made = () => ({
    endpoint: "%s",
    options: { applicationServerKey: kept.key },
    toJSON: () => ({ endpoint: "%s", keys: { p256dh: "%s", auth: "%s" } }),
    unsubscribe: async () => { kept.now = null; return true; },
  });
  PushManager.prototype.subscribe = async function ({ applicationServerKey }) {
    kept.key = applicationServerKey.buffer;
    return (kept.now = made());
  };
  PushManager.prototype.getSubscription = async () => kept.now;
""" % (
    ENDPOINT,
    ENDPOINT,
    json.loads(VAPID_KEYS)["public"],
    "A" * 22,
)
CONTROLLED: Final = "Boolean(navigator.serviceWorker.controller)"
SHOWN: Final = """async () => {
  const registration = await navigator.serviceWorker.ready;
  const shown = await registration.getNotifications();
  return shown.map(({ title, body, tag, data }) => ({ title, body, tag, ...data }));
}"""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """The whole of it: a shell without windows has no notifications."""
    async with launched("chromium") as browser:
        yield browser


async def sheltered(page: Page) -> None:
    """The worker holds the page from here on."""
    await until(page, CONTROLLED)


async def worker(page: Page) -> tuple[CDPSession, str]:
    """The debugger of the page's worker, and the number of its registration."""
    debugger = await page.context.new_cdp_session(page)
    found: list[str] = []

    def note(told: dict[str, Any]) -> None:
        for each in told["registrations"]:
            found.append(each["registrationId"])

    debugger.on("ServiceWorker.workerRegistrationUpdated", note)
    await debugger.send("ServiceWorker.enable")
    await until(page, "navigator.serviceWorker.ready")
    while not found:
        await page.wait_for_timeout(20)
    return debugger, found[-1]


async def deliver(page: Page, told: object) -> None:
    debugger, registration = await worker(page)
    await debugger.send(
        "ServiceWorker.deliverPushMessage",
        {
            "origin": page.url.split("/rooms")[0],
            "registrationId": registration,
            "data": told if isinstance(told, str) else json.dumps(told),
        },
    )


def news(id: int = 1, **other: Any) -> dict[str, Any]:
    return {
        "id": id,
        "title": "All Talk",
        "body": f"Kevin: news {id}",
        "path": "/rooms/1",
        "badge": 1,
        "tag": "room-1",
    } | other


async def shown(page: Page, is_right: Callable[[list[Any]], bool]) -> list[Any]:
    """The notifications on the screen, once they are as they should be."""
    for _ in range(250):
        found: list[Any] = await page.evaluate(SHOWN)
        if is_right(found):
            return found
        await page.wait_for_timeout(20)
    raise AssertionError(found)


# Without a line


async def test_the_last_rooms_can_be_read_without_a_line(
    campfire: Campfire, open_window: OpenWindow
) -> None:
    page = await open_window()
    await light_the_fire(page)
    await sheltered(page)
    await awake(page)
    await say(page, "Before the tunnel")
    await page.locator("#log article[data-message-id]").wait_for()
    await page.reload()
    await page.get_by_text("Before the tunnel").wait_for()
    await campfire.stop()
    await page.goto("/rooms/1")
    assert await said(page) == ["Before the tunnel"]
    # The page is whole: its styles and scripts are there.
    assert await page.evaluate("document.styleSheets.length") > 5
    await page.get_by_label("Message to All Talk").fill("Written in the dark")
    await page.goto("/")
    await page.wait_for_url("**/rooms/1")
    await page.goto("/users/me")
    await page.get_by_role("heading", name="You are offline").wait_for()
    await campfire.start()
    await page.get_by_role("heading", name="You", exact=True).wait_for(timeout=20_000)


async def test_signing_out_leaves_nothing_to_read(
    campfire: Campfire, open_window: OpenWindow
) -> None:
    page = await open_window()
    await light_the_fire(page)
    await sheltered(page)
    await page.reload()
    await until(page, "caches.match('/rooms/1')")
    await page.goto("/users/me")
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url("**/session/new")
    assert await page.evaluate("() => caches.match('/rooms/1').then(Boolean)") is False
    kept = await page.evaluate("""async () => (await Promise.all((await caches.keys())
            .filter((name) => name.startsWith("campfire.rooms."))
            .map(async (name) => (await (await caches.open(name)).keys()).length)))
          .reduce((all, one) => all + one, 0)""")
    assert kept == 0


async def test_what_a_script_asks_for_is_never_kept(open_window: OpenWindow) -> None:
    page = await open_window()
    await light_the_fire(page)
    await sheltered(page)
    await page.reload()
    await awake(page)
    await page.evaluate("""async () => {
          await fetch("/rooms/1", { headers: { Accept: "application/json" } });
          await fetch("/rooms/1/messages");
        }""")
    kept = await page.evaluate("""async () => {
          const found = [];
          for (const name of await caches.keys())
            for (const { url } of await (await caches.open(name)).keys())
              found.push(new URL(url).pathname);
          return found.filter((path) => !path.startsWith("/static/"));
        }""")
    assert sorted(kept) == ["/offline", "/rooms/1"]


# Notifications


async def test_the_bell_asks_once_and_then_has_its_menu(
    open_window: OpenWindow,
) -> None:
    page = await open_window()
    await page.add_init_script(SUBSCRIBES)
    await page.add_init_script(
        """Object.defineProperty(Notification, "permission",
             { get: () => window.allowed ?? "default" });
           Notification.requestPermission = async () => (window.allowed = "granted");"""
    )
    await light_the_fire(page)
    bell = page.locator("#level > summary")
    await page.locator("#level > summary.is-calling").wait_for()
    assert await bell.get_attribute("aria-label") == (
        "Turn on notifications in this browser"
    )
    await sheltered(page)
    async with page.expect_response("**/users/me/push_subscriptions") as told:
        await bell.click()
    assert (await told.value).status == 201
    await page.get_by_text("Notifications ring on this device").wait_for()
    await page.get_by_role("menuitemradio", name="Mentions").wait_for()
    assert "is-calling" not in (await bell.get_attribute("class") or "")
    assert await bell.get_attribute("aria-label") == "Notifications: Mentions"


async def test_a_browser_that_is_allowed_mends_itself_on_load(
    open_window: OpenWindow,
) -> None:
    page = await open_window(**GRANTED)
    await page.add_init_script(SUBSCRIBES)
    async with page.expect_response("**/users/me/push_subscriptions") as told:
        await light_the_fire(page)
    assert (await told.value).status == 201
    devices = await page.evaluate("""() => fetch("/users/me/push_subscriptions",
             { headers: { Accept: "application/json" } }).then((it) => it.json())""")
    assert [device["endpoint"] for device in devices] == [ENDPOINT]


async def test_one_s_own_page_tests_and_silences_a_device(
    open_window: OpenWindow,
) -> None:
    page = await open_window(**GRANTED)
    await page.add_init_script(SUBSCRIBES)
    async with page.expect_response("**/users/me/push_subscriptions"):
        await light_the_fire(page)
    await page.goto("/users/me")
    await page.get_by_text("Nothing sent yet").wait_for()
    await page.get_by_role("button", name="Send a test").click()
    # Nobody has that address: the ledger says so.
    await page.locator("#push-devices .tag.is-bad").wait_for(timeout=20_000)
    await page.get_by_role("button", name="Silence").click()
    await page.get_by_role("button", name="Ring on this device").wait_for()
    await page.reload()
    await page.get_by_role("button", name="Ring on this device").wait_for()
    await page.get_by_role("button", name="Ring on this device").click()
    await page.get_by_role("button", name="Send a test").wait_for()


async def test_what_is_pushed_is_shown_once_for_each_room(
    open_window: OpenWindow,
) -> None:
    page = await open_window(**GRANTED)
    await light_the_fire(page)
    await sheltered(page)
    await deliver(page, news(1))
    (first,) = await shown(page, lambda found: len(found) == 1)
    assert (first["title"], first["body"]) == ("All Talk", "Kevin: news 1")
    await deliver(page, news(3))
    await shown(page, lambda found: [each["id"] for each in found] == [3])
    # One that was delayed on its way does not take the place of what is newer.
    await deliver(page, news(2))
    await deliver(page, news(9, tag="room-2", title="Else"))
    found = await shown(page, lambda found: len(found) == 2)
    assert {each["tag"]: each["id"] for each in found} == {"room-1": 3, "room-2": 9}


async def test_something_is_shown_even_for_a_push_that_says_nothing(
    open_window: OpenWindow,
) -> None:
    page = await open_window(**GRANTED)
    await light_the_fire(page)
    await sheltered(page)
    await deliver(page, "no json")
    (one,) = await shown(page, lambda found: len(found) == 1)
    assert one["title"] == "Campfire"


CLICK: Final = """async (path) => {
  await self.registration.showNotification("News", { tag: "click", data: { path } });
  const [notification] = await self.registration.getNotifications({ tag: "click" });
  const event = new NotificationEvent("notificationclick", { notification });
  // Only a click of a hand may be waited for, or bring a window to the front.
  event.waitUntil = () => {};
  self.dispatchEvent(event);
}"""


async def click(page: Page, path: str) -> None:
    (running,) = page.context.service_workers
    await running.evaluate(CLICK, path)


async def test_a_click_leads_to_the_room_in_the_window_that_is_open(
    open_window: OpenWindow,
) -> None:
    page = await open_window(**GRANTED)
    await page.add_init_script(SUBSCRIBES)
    await light_the_fire(page)
    await sheltered(page)
    await page.goto("/users/me")
    await click(page, "/rooms/1")
    await page.wait_for_url("**/rooms/1")
    assert await shown(page, lambda found: not found) == []
    await page.goto("/users/me")
    await click(page, "https://elsewhere.example/rooms/1")
    await page.wait_for_url("**/rooms/1")
    assert len(page.context.pages) == 1


# What others share


async def test_what_is_shared_is_a_draft_in_the_room_that_was_open_last(
    open_window: OpenWindow,
) -> None:
    page = await open_window()
    await light_the_fire(page)
    composer = page.get_by_label("Message to All Talk")
    await page.goto("/share?text=Look+%3Cb%3E%26&url=https%3A%2F%2Fa.example%2F")
    await until(page, "!location.hash")
    assert await composer.input_value() == "Look <b>&\nhttps://a.example/"
    assert page.url.endswith("/rooms/1")
    assert await said(page) == []
    await page.goto("/share?text=More")
    await until(page, "!location.hash")
    assert (await composer.input_value()).endswith("https://a.example/\nMore")
