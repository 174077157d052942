"""A socket from systemd, signs of life to it, and the units that are shipped."""

import asyncio
import configparser
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import apsw
import pytest
from aiohttp import ClientSession

from campfire.app import FILE
from campfire.refusals import Busy, Full
from campfire.supervisors import Supervisor
from tests.test_house import ROOT

SECONDS = 30


def test_what_the_environment_says_is_for_one_process() -> None:
    environ = {
        "LISTEN_PID": "7",
        "LISTEN_FDS": "1",
        "NOTIFY_SOCKET": "@x",
        "WATCHDOG_USEC": "20000000",
    }
    assert Supervisor.from_env(environ, 7) == Supervisor("@x", 20.0, 1)
    assert Supervisor.from_env(environ, 8) == Supervisor("@x", 20.0, 0)
    watched = environ | {"WATCHDOG_PID": "9"}
    assert Supervisor.from_env(watched, 7).watchdog is None
    assert Supervisor.from_env({}, 7) == Supervisor()
    assert Supervisor().inherited() is None
    Supervisor().tell("READY=1")
    Supervisor("/nowhere/at/all").tell("READY=1")


async def test_it_takes_the_socket_says_that_it_is_ready_and_lives_while_it_writes(
    tmp_path: Path,
) -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    told.bind(str(tmp_path / "notify"))
    told.setblocking(False)
    loop = asyncio.get_running_loop()

    async def hear() -> str:
        async with asyncio.timeout(SECONDS):
            return (await loop.sock_recv(told, 100)).decode()

    environ = {k: v for k, v in os.environ.items() if not k.startswith("CAMPFIRE_")}
    process = await asyncio.create_subprocess_exec(
        *("sh", "-c", 'LISTEN_PID=$$ exec "$0" -m campfire serve --data "$1" 3<&0'),
        *(sys.executable, str(tmp_path / "data")),
        stdin=listening.fileno(),
        stdout=asyncio.subprocess.PIPE,
        env=environ
        | {
            "LISTEN_FDS": "1",
            "NOTIFY_SOCKET": str(tmp_path / "notify"),
            "WATCHDOG_USEC": "400000",
        },
    )
    listening.close()
    try:
        assert await hear() == "READY=1"
        assert process.stdout
        line = f"Campfire is at http://127.0.0.1:{port}\n"
        async with asyncio.timeout(SECONDS):
            while (await process.stdout.readline()).decode() != line:
                pass
        async with ClientSession() as client:
            answer = await client.get(f"http://127.0.0.1:{port}/ready")
            assert answer.status == 200
        assert [await hear(), await hear()] == ["WATCHDOG=1"] * 2
        # While nothing can be written it says nothing: at most what was on its way.
        other = apsw.Connection(str(tmp_path / "data" / FILE))
        other.set_busy_timeout(10_000)
        other.execute("BEGIN IMMEDIATE")
        heard = []
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2):
                while True:
                    heard.append(await loop.sock_recv(told, 100))
        assert len(heard) <= 1
        other.execute("ROLLBACK")
        other.close()
        assert await hear() == "WATCHDOG=1"
        process.send_signal(signal.SIGTERM)
        while (said := await hear()) == "WATCHDOG=1":
            pass
        assert said == "STOPPING=1"
        async with asyncio.timeout(SECONDS):
            assert await process.wait() == 0
    finally:
        told.close()
        if process.returncode is None:
            process.kill()
            await process.wait()


def unit(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_units_belong_together() -> None:
    service = unit("campfire.service")
    assert "Requires=campfire.socket" in service
    for line in ("Type=notify", "NotifyAccess=main", "WatchdogSec=20"):
        assert f"\n{line}\n" in service
    listening = configparser.ConfigParser()
    listening.read_string(unit("campfire.socket"))
    assert listening["Socket"]["ListenStream"] == "127.0.0.1:8000"


def test_the_filter_lets_pictures_be_decoded_within_bounds() -> None:
    """Their process bounds itself first, and would end if it could not."""
    lines = [
        line for line in unit("campfire.service").splitlines() if "Filter=" in line
    ]
    assert lines.index("SystemCallFilter=~@privileged @resources") < lines.index(
        "SystemCallFilter=prlimit64"
    )


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_the_service_is_as_closed_as_it_can_be() -> None:
    said = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "campfire.service"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    found = re.search(r"Overall exposure level for campfire.service: ([\d.]+)", said)
    assert found, said
    assert float(found[1]) <= 1.1


async def test_a_full_disk_is_no_reason_to_start_anew_and_a_stuck_writer_is(
    tmp_path: Path,
) -> None:
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    told.bind(str(tmp_path / "notify"))
    told.setblocking(False)
    answers: list[Exception] = [Busy("Too many."), apsw.BusyError(), Full("Full.")]
    tried = asyncio.Event()

    async def write() -> None:
        if not answers:
            tried.set()
            await asyncio.Event().wait()
        raise answers.pop(0)

    supervisor = Supervisor(str(tmp_path / "notify"), watchdog=0.02)
    watching = asyncio.create_task(supervisor.watch(write))
    async with asyncio.timeout(SECONDS):
        await tried.wait()
    assert told.recv(100) == b"WATCHDOG=1"
    with pytest.raises(BlockingIOError):
        told.recv(100)
    watching.cancel()
    told.close()
