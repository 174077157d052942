"""A working day in minutes: people come and go, write, send files, copies are made.

Watches what the server holds meanwhile. It ends with a fault when memory, descriptors,
tasks or threads grew, when an acknowledged message is not there, or when the server
complained.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import random
import signal
import sys
import tempfile
from collections.abc import Coroutine
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

import apsw
from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, FormData, TCPConnector
from prometheus_client.parser import text_string_to_metric_families

from bench import data
from campfire.app import FILE

PEOPLE: Final = 50
SAID: Final = 2_000
LOOKS_EVERY: Final = 5.0
LONGEST_STAY: Final = 40.0
UPLOADS_EVERY: Final = 60.0
BACKUPS_EVERY: Final = 120.0
# What grows in the beginning is not looked at: caches that fill, code that is read.
WARMING: Final = 0.3
PNG: Final = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c63f8cfc0f01f0005000201cfa7c3390000000049454e44ae426082"
)
PROMETHEUS: Final = {
    "mb": "process_resident_memory_bytes",
    "descriptors": "process_open_fds",
    "tasks": "campfire_tasks",
    "threads": "campfire_threads",
    "wal_mb": "campfire_wal_bytes",
    "sockets": "campfire_sockets",
}
MEGABYTES: Final = ("mb", "wal_mb")
# How much the last third may hold more than the first, in its own unit.
MAY_GROW: Final = {"mb": 3.0, "descriptors": 5.0, "tasks": 5.0, "threads": 0.0}
LARGEST_LOG: Final = 64.0

Held = dict[str, float]


@dataclass(slots=True)
class Done:
    """What the people of the load have done so far."""

    posts: int = 0
    uploads: int = 0
    visits: int = 0
    heard: int = 0
    backups: int = 0


class Load:
    """`rate` messages a second among so many sockets that come and go."""

    def __init__(self, url: str, folder: Path, tokens: list[str], rate: float) -> None:
        self.url = url
        self.done = Done()
        self._folder = folder
        self._rate = rate
        self._heads = [
            {"Accept": "application/json", "Authorization": f"Bearer {token}"}
            for token in tokens
        ]

    def head(self) -> dict[str, str]:
        return random.choice(self._heads)

    async def post(self, client: ClientSession) -> None:
        for number in itertools.count():
            body = {"body": f"Said {number}", "client_message_id": f"soak-{number}"}
            async with client.post(
                f"{self.url}/rooms/{data.ROOM}/messages", json=body, headers=self.head()
            ) as answer:
                assert answer.status == 201, answer.status
            self.done.posts += 1
            await asyncio.sleep(1 / self._rate)

    async def visit(self, client: ClientSession) -> None:
        """Opens the page and a socket, stays a while, goes, and comes again."""
        while True:
            head = self.head()
            async with client.get(
                f"{self.url}/rooms/{data.ROOM}", headers=head | {"Accept": "text/html"}
            ) as page:
                assert page.status == 200, page.status
                await page.read()
            async with client.ws_connect(f"{self.url}/socket", headers=head) as line:
                await line.send_json({"command": "room.enter", "room_id": data.ROOM})
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(random.uniform(1, LONGEST_STAY)):
                        async for _ in line:
                            self.done.heard += 1
            self.done.visits += 1

    async def upload(self, client: ClientSession) -> None:
        for number in itertools.count():
            form = FormData({"body": f"Picture {number}"})
            form.add_field("attachment", PNG, filename="dot.png")
            async with client.post(
                f"{self.url}/rooms/{data.ROOM}/messages", data=form, headers=self.head()
            ) as answer:
                assert answer.status == 201, answer.status
            self.done.uploads += 1
            await asyncio.sleep(UPLOADS_EVERY)

    async def back_up(self) -> None:
        for number in itertools.count():
            await asyncio.sleep(BACKUPS_EVERY)
            target = self._folder / f"backup-{number}"
            where = ("backup", str(target), "--data", str(self._folder / "data"))
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "campfire", *where),
                stdout=asyncio.subprocess.DEVNULL,
            )
            assert await process.wait() == 0, "no backup"
            self.done.backups += 1


async def held(client: ClientSession, url: str) -> Held:
    async with client.get(f"{url}/metrics") as answer:
        families = text_string_to_metric_families(await answer.text())
    values = {sample.name: sample.value for each in families for sample in each.samples}
    return {
        key: values[name] / (1_000_000 if key in MEGABYTES else 1)
        for key, name in PROMETHEUS.items()
    }


async def watched(load: Load, client: ClientSession, seconds: float) -> list[Held]:
    """What the server held all the time, a line for each look."""
    seen: list[Held] = []
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while loop.time() < until:
        await asyncio.sleep(LOOKS_EVERY)
        seen.append(await held(client, load.url))
        said = {key: round(value, 1) for key, value in seen[-1].items()}
        print(json.dumps(said | asdict(load.done)), flush=True)
    return seen


async def soaked(load: Load, sockets: int, seconds: float) -> list[Held]:
    """Runs the load; the first fault of any part of it ends it all."""
    async with (
        ClientSession(
            cookie_jar=DummyCookieJar(),
            connector=TCPConnector(limit=0),
            timeout=ClientTimeout(total=None, sock_connect=20),
        ) as client,
        asyncio.TaskGroup() as group,
    ):
        parts: list[Coroutine[Any, Any, None]] = [load.post(client)]
        parts += [load.upload(client), load.back_up()]
        parts += [load.visit(client) for _ in range(sockets)]
        tasks = [group.create_task(part) for part in parts]
        seen = await watched(load, client, seconds)
        for task in tasks:
            task.cancel()
    return seen


def faults(seen: list[Held]) -> list[str]:
    """What grew, by the medians of the first and the last third after the warming."""
    kept = seen[int(len(seen) * WARMING) :]
    third = max(1, len(kept) // 3)
    found = []
    for key, most in MAY_GROW.items():
        first = median(each[key] for each in kept[:third])
        last = median(each[key] for each in kept[-third:])
        print(f"{key}: {first:.1f} at first, {last:.1f} in the end")
        if last - first > most:
            found.append(f"{key} grew by {last - first:.1f}")
    longest = max(each["wal_mb"] for each in seen)
    print(f"wal_mb: {longest:.1f} at most")
    if longest > LARGEST_LOG:
        found.append(f"the log grew to {longest:.1f} MB")
    return found


def stored(file: Path) -> int:
    connection = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)
    with contextlib.closing(connection):
        assert connection.pragma("integrity_check") == "ok"
        found = connection.execute(
            "SELECT count(*) FROM messages WHERE client_message_id LIKE 'soak-%'"
        ).fetchone()
    return int(found[0])  # type: ignore[index]


async def run(folder: Path, given: argparse.Namespace) -> list[str]:
    tokens = await data.fill(folder / "data", PEOPLE, SAID)
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "campfire", "serve"),
        *("--port", "0", "--data", str(folder / "data")),
        env=os.environ | {"CAMPFIRE_RATE_LIMITS": "off"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert server.stdout and server.stderr
    complaining = asyncio.create_task(server.stderr.read())
    said = await anext(
        line async for line in server.stdout if line.startswith(b"Campfire is at")
    )
    logging = asyncio.create_task(unusual(server.stdout))
    load = Load(said.split()[-1].decode(), folder, tokens, given.posts)
    try:
        seen = await soaked(load, given.sockets, given.minutes * 60)
    finally:
        server.send_signal(signal.SIGTERM)
        code = await server.wait()
    found = faults(seen)
    found += [f"it ended with {code}"] * (code != 0)
    found += (await complaining).decode().splitlines()
    found += await logging
    missing = load.done.posts - stored(folder / "data" / FILE)
    found += [f"{missing} messages are not there"] * (missing > 0)
    return found


async def unusual(words: asyncio.StreamReader) -> list[str]:
    """The lines of the log that no quiet day has."""
    return [
        line.decode().strip()
        async for line in words
        if b"level=warning" in line or b"level=error" in line
    ]


def main() -> int:
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--sockets", type=int, default=300)
    parser.add_argument("--posts", type=float, default=5, help="a second")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(run(Path(folder), given))
    for fault in found:
        print(f"soak: {fault}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
