"""What a browser makes of a room: measured by Chromium itself, over its protocol.

    make bench-browser

The first view of a room is cold, over an emulated line of 1.6 Mbit/s and 150 ms; then
one scrolls up to three hundred messages, and through a room of five thousand and back.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from playwright._impl._api_structures import SetCookieParam
from playwright.sync_api import CDPSession, Page, sync_playwright

from bench.run import PAGE, Bench, campfire, place, url

PEOPLE: Final = 9
PORT: Final = 8_791
LINE: Final = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1_600_000 / 8,
    "uploadThroughput": 750_000 / 8,
}
SETTLED: Final = 2_000
STEP: Final = 240  # Pixels in each frame: five screens a second and more.
# 60 frames in a second, and what clocks differ by.
SMOOTH: Final = 17.5

WATCH: Final = """
window.measured = { lcp: 0, cls: 0, longest: 0 };
const watch = (type, note) =>
  new PerformanceObserver((list) => list.getEntries().forEach(note))
    .observe({ type, buffered: true });
watch("largest-contentful-paint", (entry) => (measured.lcp = entry.startTime));
watch("layout-shift", (entry) => {
  if (!entry.hadRecentInput) measured.cls += entry.value;
});
watch("longtask", ({ duration }) => {
  measured.longest = Math.max(measured.longest, duration);
});
"""
# Encoded sizes, as they came over the line.
WEIGHED: Final = """() => {
  const of = (ending) => performance.getEntriesByType("resource")
    .filter((entry) => new URL(entry.name).pathname.endsWith(ending))
    .reduce((sum, entry) => sum + entry.encodedBodySize, 0) / 1024;
  const [page] = performance.getEntriesByType("navigation");
  return { script: of(".js"), styles: of(".css"), page: page.encodedBodySize / 1024 };
}"""
# Scrolls a little in each frame until there is nothing more that way, or so many
# messages; answers with the time between frames.
SCROLL: Final = """async ([step, most]) => {
  const box = document.getElementById("messages");
  const edge = document.getElementById(step < 0 ? "older" : "newer");
  const frames = [];
  let last = await new Promise(requestAnimationFrame);
  const isDone = () => {
    const { scrollTop, scrollHeight, clientHeight } = box;
    // The newest message is where the box begins: it scrolls up into negative numbers.
    const left = step < 0 ? scrollHeight - clientHeight + scrollTop : -scrollTop;
    return (edge.hidden && left < 2) || box.querySelectorAll("article").length >= most;
  };
  while (!isDone()) {
    box.scrollTop += step;
    const now = await new Promise(requestAnimationFrame);
    frames.push(now - last);
    last = now;
  }
  return frames;
}"""


@contextmanager
def room(messages: int) -> Iterator[tuple[Page, CDPSession]]:
    """A tab of somebody who is signed in, where nothing is loaded yet."""
    with tempfile.TemporaryDirectory(prefix="campfire-bench-") as folder:
        bench = Bench(Path(folder), PORT, PEOPLE, 1)
        shutil.copytree(place(PEOPLE, messages), bench.folder, dirs_exist_ok=True)
        with campfire(bench) as server:
            server.answers(url(bench), bench.token())
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=shutil.which("chromium")
                )
                context = browser.new_context(
                    base_url=f"http://127.0.0.1:{PORT}",
                    viewport={"width": 1280, "height": 800},
                )
                cookie = SetCookieParam(
                    name="campfire_session",
                    value=bench.token(),
                    url=f"http://127.0.0.1:{PORT}",
                )
                context.add_cookies([cookie])
                page = context.new_page()
                newest = {"message_id": 10**9}  # Or the room opens at the first unread.
                context.request.post(f"{PAGE}/read", data=newest)
                page.add_init_script(WATCH)
                yield page, context.new_cdp_session(page)
                browser.close()


def opened(slowdown: int) -> dict[str, float]:
    """The first view, then three hundred messages; `slowdown` is the processor's."""
    with room(400) as (page, chromium):
        chromium.send("Network.enable")
        chromium.send("Network.emulateNetworkConditions", LINE)
        chromium.send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
        page.goto(PAGE, wait_until="networkidle")
        page.wait_for_timeout(SETTLED)
        first: dict[str, float] = page.evaluate("measured")
        weighed: dict[str, float] = page.evaluate(WEIGHED)
        page.evaluate("measured.longest = 0")
        page.evaluate(SCROLL, [-STEP, 300])
        page.wait_for_timeout(SETTLED)
        later: dict[str, float] = page.evaluate("measured")
    return {
        "lcp_ms": first["lcp"],
        "cls": first["cls"],
        "longest_task_ms": first["longest"],
        "longest_task_to_300_ms": later["longest"],
        "page_kib": weighed["page"],
        "script_kib": weighed["script"],
        "styles_kib": weighed["styles"],
    }


def scrolled() -> dict[str, float]:
    """Up through five thousand messages and down again."""
    with room(5_000) as (page, chromium):
        chromium.send("Performance.enable")
        page.goto(PAGE, wait_until="networkidle")
        before = held(chromium)
        frames = page.evaluate(SCROLL, [-STEP, 10**9])
        frames += page.evaluate(SCROLL, [STEP, 10**9])
        page.wait_for_timeout(SETTLED)
        after = held(chromium)
    smooth = sum(frame <= SMOOTH for frame in frames) / len(frames)
    return {
        "frames": len(frames),
        "frames_a_second": 1000 * len(frames) / sum(frames),
        "smooth_percent": 100 * smooth,
        "frame_p99_ms": statistics.quantiles(frames, n=100)[98],
        "frame_max_ms": max(frames),
        "heap_before_mb": before["JSHeapUsedSize"] / 1e6,
        "heap_after_mb": after["JSHeapUsedSize"] / 1e6,
        "nodes_before": before["Nodes"],
        "nodes_after": after["Nodes"],
    }


def held(chromium: CDPSession) -> dict[str, float]:
    """What is left after the garbage is collected."""
    chromium.send("HeapProfiler.collectGarbage")
    metrics: Any = chromium.send("Performance.getMetrics")
    return {each["name"]: each["value"] for each in metrics["metrics"]}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures Campfire in a browser.")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    if shutil.which("chromium") is None:
        sys.exit("bench: there is no chromium; 'make programs' installs it")
    for name, measure in {
        "open": lambda: opened(1),
        "slow": lambda: opened(4),
        "scroll": scrolled,
    }.items():
        found: dict[str, list[float]] = {}
        for _ in range(given.rounds):
            for figure, value in (measure()).items():
                found.setdefault(figure, []).append(value)
        for figure, values in found.items():
            spread = f"{min(values):.2f} to {max(values):.2f}"
            median = statistics.median(values)
            print(f"{name:6} {figure:26} {median:12.2f}   {spread}", flush=True)


if __name__ == "__main__":
    main()
