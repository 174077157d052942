"""A real disk that somebody else fills to the last byte, three times, under a server.

Mounting one takes root, as containers and CI have it; elsewhere these are left out.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import apsw
import pytest
from aiohttp import ClientSession, CookieJar, FormData

from campfire.app import FILE
from campfire.database import LEAST_FREE

SIZE = 160_000_000
SECONDS = 30.0
JSON = {"Accept": "application/json"}
DAVID = {
    "name": "David",
    "email_address": "david@37signals.example",
    "password": "correct horse battery",
}


@pytest.fixture(params=["tmpfs", "ext4"])
def disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={SIZE}", "none"]
    if request.param == "ext4":
        image = tmp_path / "image"
        with image.open("wb") as file:
            file.truncate(SIZE)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], check=True)
        options = ["-o", "loop", str(image)]
    mounted = subprocess.run(["mount", *options, folder], capture_output=True)
    if mounted.returncode:
        pytest.skip(mounted.stderr.decode())
    yield folder
    subprocess.run(["umount", folder], check=True)


def fill(ballast: Path, leave: int) -> None:
    """Takes what is free but for so many bytes, whatever else is written meanwhile."""
    with ballast.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            disk = os.statvfs(ballast.parent)
            free = disk.f_bavail * disk.f_frsize - leave
            if free <= 0:
                return
            file.write(bytes(min(free, 1_000_000)))


@contextlib.asynccontextmanager
async def serving(data: Path) -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "campfire", "serve", "--port", "0"),
        *("--data", str(data)),
        env={k: v for k, v in os.environ.items() if not k.startswith("CAMPFIRE_")},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout
        async with asyncio.timeout(SECONDS):
            async for line in process.stdout:
                if line.startswith(b"Campfire is at"):
                    break
        draining = asyncio.create_task(process.stdout.read())
        yield line.split()[-1].decode()
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
        assert b"bug" not in await draining
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def post(client: ClientSession, url: str, body: str) -> int:
    where = f"{url}/rooms/1/messages"
    async with client.post(where, json={"body": body}) as answer:
        assert answer.status != 507 or int(answer.headers["Retry-After"]) > 0
        return answer.status


async def upload(client: ClientSession, url: str) -> int:
    form = FormData()
    form.add_field("attachment", b"a" * 100_000, filename="notes.txt")
    async with client.post(f"{url}/rooms/1/messages", data=form) as answer:
        return answer.status


async def bodies(client: ClientSession, url: str) -> list[str]:
    async with client.get(f"{url}/rooms/1/messages") as answer:
        assert answer.status == 200
        return [message["body"]["source"] for message in await answer.json()]


@pytest.mark.parametrize("leave", [LEAST_FREE - 1_000_000, 0])
async def test_a_full_disk_is_for_reading_and_heals(disk: Path, leave: int) -> None:
    """With little left, and with nothing at all."""
    ballast = disk / "of somebody else"
    said: list[str] = []
    jar = CookieJar(unsafe=True)
    async with (
        serving(disk / "data") as url,
        ClientSession(headers=JSON, cookie_jar=jar) as client,
    ):
        async with client.post(f"{url}/first_run", json=DAVID) as answer:
            assert answer.status == 201
        async with client.ws_connect(f"{url}/socket") as line:
            for number in range(3):
                assert await post(client, url, f"Before {number}") == 201
                said.append(f"Before {number}")
                fill(ballast, leave)
                assert await post(client, url, "Too much") == 507
                assert await upload(client, url) == 507
                assert await bodies(client, url) == said
                await line.send_json({"command": "ping"})
                async with asyncio.timeout(SECONDS):
                    while (await line.receive_json())["event"] != "pong":
                        pass
                async with client.get(f"{url}/ready") as answer:
                    assert answer.status == 503
                    assert (await answer.json())["components"]["disk"] != "ok"
                ballast.unlink()
                assert await post(client, url, f"After {number}") == 201
                said.append(f"After {number}")
                assert await upload(client, url) == 201
                said.append("")
        assert await bodies(client, url) == said
    connection = apsw.Connection(
        str(disk / "data" / FILE), flags=apsw.SQLITE_OPEN_READONLY
    )
    assert connection.pragma("integrity_check") == "ok"
    connection.close()
