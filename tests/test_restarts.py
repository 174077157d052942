"""Twenty restarts under load behind a socket that goes on listening, as under systemd.

Nobody is refused, nothing is lost, and who listens hears every message once, in order.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import (
    ClientConnectionError,
    ClientSession,
    DummyCookieJar,
    TCPConnector,
    WSMsgType,
)

JSON = {"Accept": "application/json"}
RESTARTS = 20
POSTERS = 6
SECONDS = 60.0
BETWEEN = 10


@contextlib.asynccontextmanager
async def serving(listening: socket.socket, data: Path) -> AsyncIterator[None]:
    """A process that takes this socket over, until SIGTERM; it must end well."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("CAMPFIRE_")}
    process = await asyncio.create_subprocess_exec(
        *("sh", "-c", 'LISTEN_PID=$$ exec "$0" -m campfire serve --data "$1" 3<&0'),
        *(sys.executable, str(data)),
        stdin=listening.fileno(),
        stdout=asyncio.subprocess.DEVNULL,
        env=environ | {"LISTEN_FDS": "1", "CAMPFIRE_RATE_LIMITS": "off"},
    )
    try:
        yield
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(SECONDS):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class Load:
    """People who post as fast as they are answered, and one who listens."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.headers: dict[str, str] = {}
        self.acknowledged: dict[str, int] = {}
        self.heard: list[tuple[int, int]] = []
        self.trouble: Counter[str] = Counter()
        self.told = asyncio.Condition()
        self.over = False

    async def begin(self, client: ClientSession) -> None:
        made = await client.post(
            f"{self.url}/first_run",
            json={
                "name": "David",
                "email_address": "david@37signals.example",
                "password": "correct horse battery",
            },
        )
        assert made.status == 201, await made.text()
        self.headers = {"Authorization": f"Bearer {(await made.json())['token']}"}

    async def until(self, satisfied: Callable[[], bool]) -> None:
        async with asyncio.timeout(SECONDS), self.told:
            await self.told.wait_for(satisfied)

    async def post(self, client: ClientSession, name: str) -> None:
        """A line that was closed is asked again, under the same client id."""
        number = 0
        while not self.over:
            number += 1
            client_id = f"{name}.{number}"
            while client_id not in self.acknowledged:
                try:
                    answer = await client.post(
                        f"{self.url}/rooms/1/messages",
                        json={"body": client_id, "client_message_id": client_id},
                        headers=self.headers,
                    )
                    if answer.status in (200, 201):
                        id = (await answer.json())["id"]
                        async with self.told:
                            self.acknowledged[client_id] = id
                            self.told.notify_all()
                    else:
                        self.trouble[str(answer.status)] += 1
                except ClientConnectionError as error:
                    self.trouble[f"{name[0]} {type(error).__name__}"] += 1

    async def listen(self, client: ClientSession) -> None:
        """Comes back with its `seq`, for ever."""
        seq = 0
        while True:
            with contextlib.suppress(ClientConnectionError):
                async with client.ws_connect(
                    f"{self.url}/socket", headers=self.headers
                ) as line:
                    await line.send_json(
                        {"command": "room.enter", "room_id": 1, "since": seq}
                    )
                    async for word in line:
                        assert word.type is WSMsgType.TEXT
                        event = json.loads(word.data)
                        if event["event"] == "message.posted":
                            seq = event["seq"]
                            async with self.told:
                                self.heard.append((seq, event["message"]["id"]))
                                self.told.notify_all()


@pytest.mark.timeout(180)
async def test_nobody_is_refused_and_nothing_is_lost(tmp_path: Path) -> None:
    listening = socket.create_server(("127.0.0.1", 0), backlog=4096)
    load = Load(f"http://127.0.0.1:{listening.getsockname()[1]}")
    kept = ClientSession(headers=JSON, cookie_jar=DummyCookieJar())
    fresh = ClientSession(
        headers=JSON,
        cookie_jar=DummyCookieJar(),
        connector=TCPConnector(force_close=True),
    )
    async with kept, fresh, contextlib.AsyncExitStack() as stack:
        stack.callback(listening.close)
        posting: list[asyncio.Task[None]] = []
        for restart in range(RESTARTS + 1):
            async with serving(listening, tmp_path / "data"):
                if not restart:
                    await load.begin(kept)
                    listener = asyncio.create_task(load.listen(kept))
                    for number in range(POSTERS):
                        who, name = (fresh, "f") if number % 2 else (kept, "k")
                        posting.append(
                            asyncio.create_task(load.post(who, f"{name}{number}"))
                        )
                wanted = len(load.acknowledged) + BETWEEN * POSTERS
                await load.until(lambda: len(load.acknowledged) >= wanted)
                if restart == RESTARTS:
                    load.over = True
                    await asyncio.gather(*posting)
                    await load.until(lambda: len(load.heard) >= len(load.acknowledged))
                    listener.cancel()
    ids = sorted(load.acknowledged.values())
    assert [id for _, id in load.heard] == ids
    assert [seq for seq, _ in load.heard] == list(range(1, len(ids) + 1))
    assert not load.trouble
