"""A real server process and one real Chromium; each person has windows of their own."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import (
    Browser,
    BrowserContext,
    Locator,
    Page,
    async_playwright,
    expect,
)

PASSWORD = "correct horse"
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update"),
)
READY = "Campfire is at "
# A bound on how long a busy machine may take, not on how fast a page must be.
expect.set_options(timeout=30_000)
LONGEST = 240


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A journey has many steps, and all have one browser, which belongs to one loop."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.timeout(LONGEST))
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@dataclass
class Campfire:
    """The server as its operator runs it, on a port that stays the same."""

    data: Path
    port: int
    program: Sequence[str] = ("-m", "campfire")
    settings: dict[str, str] = field(default_factory=dict)
    process: asyncio.subprocess.Process | None = None
    lines: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, *self.program, "serve"),
            *("--port", str(self.port), "--data", str(self.data)),
            stdout=asyncio.subprocess.PIPE,
            env=os.environ | {"CAMPFIRE_RATE_LIMITS": "off"} | self.settings,
        )
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.lines.append(line.decode())
            if line.decode().startswith(READY):
                return
        raise AssertionError("".join(self.lines))

    async def stop(self, number: int = signal.SIGTERM) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(number)
            await self.process.communicate()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest_asyncio.fixture(loop_scope="session")
async def campfire(tmp_path: Path) -> AsyncIterator[Campfire]:
    campfire = Campfire(tmp_path / "data", free_port())
    await campfire.start()
    yield campfire
    await campfire.stop()


@contextlib.asynccontextmanager
async def launched(program: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=f"/usr/bin/{program}", args=list(FLAGS)
        )
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """Without what draws a window, which takes a third of the time."""
    async with launched("chromium-headless-shell") as browser:
        yield browser


OpenWindow = Callable[..., Awaitable[Page]]


@pytest_asyncio.fixture(loop_scope="session")
async def open_window(
    chromium: Browser, campfire: Campfire
) -> AsyncIterator[OpenWindow]:
    """`await open_window()` opens a window of somebody new; it may have no scripts.

    Whatever runs in it without being allowed, or throws, fails the test.
    """
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def note(fault: str) -> None:
        # Chromium's own word when a page is shown before its fade could begin.
        if not fault.startswith("Transition was "):
            faults.append(fault)

    async def open_window(**options: object) -> Page:
        context = await chromium.new_context(
            base_url=campfire.url, **options  # type: ignore[arg-type]
        )
        contexts.append(context)
        page = await context.new_page()
        page.on("pageerror", lambda error: note(str(error)))
        page.on(
            "console",
            lambda line: (
                faults.append(line.text) if "Content Security" in line.text else None
            ),
        )
        return page

    yield open_window
    for context in contexts:
        await context.close()
    assert faults == []


async def light_the_fire(page: Page, name: str = "David", at: str = "/") -> str:
    """First run in a window; answers with the invitation it shows."""
    await page.goto(at)
    await page.get_by_label("Your name").fill(name)
    await page.get_by_label("E-mail").fill(f"{name.lower()}@37signals.example")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Open Campfire").click()
    invitation = page.get_by_label("Invite link")
    await invitation.wait_for()
    return await invitation.input_value()


async def join(
    page: Page, invitation: str, name: str, address: str | None = None
) -> None:
    await page.goto(invitation)
    await page.get_by_label("Your name").fill(name)
    await page.get_by_label("E-mail").fill(
        address or f"{name.lower()}@37signals.example"
    )
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Join").click()
    await page.get_by_label("Message to All Talk").wait_for()


async def awake(page: Page) -> None:
    """The page's scripts run and its line is up: from here on Enter sends."""
    await page.locator("#me.is-here").wait_for()


async def say(page: Page, words: str, room: str = "All Talk") -> None:
    """Writes and sends, once the script of the composer runs; the line may be down."""
    composer = page.get_by_label(f"Message to {room}")
    await composer.wait_for()
    await expect(page.locator("#composer")).to_have_js_property("noValidate", True)
    await composer.fill(words)
    await composer.press("Enter")


async def until(page: Page, condition: str) -> None:
    """Waits for an expression to be true in the page, under the page's own policy.

    Page.wait_for_function evaluates a string each time, which the policy forbids.
    """
    await page.evaluate(f"""() => new Promise((resolve) => {{
      const look = async () => (await ({condition}) ? resolve() : setTimeout(look, 20));
      look();
    }})""")


async def said(page: Page) -> list[str]:
    """The words of every message in the log, in order."""
    return await page.locator("#log article .message-body").all_inner_texts()


def listed(page: Page, name: str) -> Locator:
    """The room in the list of rooms."""
    return page.locator(f'#room-list a[title="{name}"]')


def badge(page: Page, name: str) -> Locator:
    """How much is unread in the room, as the list of rooms has it."""
    return listed(page, name).locator(".badge b")
