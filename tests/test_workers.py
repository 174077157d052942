"""`campfire serve --workers 2`: processes that are killed, and a broker that is too.

Whoever listens hears every message once and in order, whatever ends in between.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import ClientError, ClientSession, DummyCookieJar, WSMsgType

from campfire.__main__ import main
from campfire.config import Config
from campfire.supervisors import Supervisor
from campfire.turns import Worker
from campfire.workers import Inherited, Workers, bound, environment
from tests import brokers

SECONDS = 50.0
DAVID = {
    "name": "David",
    "email_address": "david@37signals.example",
    "password": "correct horse battery",
}


class Server:
    """Two workers; what they say is kept as objects."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.url = ""
        self.said: list[dict[str, object]] = []
        self.spoke = asyncio.Condition()
        self.listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            async with self.spoke:
                if line.startswith(b"{"):
                    self.said.append(json.loads(line))
                elif line.startswith(b"Campfire is at "):
                    self.url = line.split()[-1].decode()
                self.spoke.notify_all()

    async def until(self, true: Callable[[], object]) -> None:
        async with asyncio.timeout(SECONDS), self.spoke:
            await self.spoke.wait_for(true)

    def workers(self) -> dict[int, int]:
        """The process of each worker, as the kernel knows its children."""
        workers = {}
        for pid in os.listdir("/proc"):
            with contextlib.suppress(OSError, ValueError):
                stat = Path("/proc", pid, "stat").read_text().rsplit(")", 1)[1]
                line = Path("/proc", pid, "cmdline").read_bytes().split(b"\0")
                if int(stat.split()[1]) == self.process.pid and b"--worker" in line:
                    number = line[line.index(b"--worker") + 1].split(b",")[0]
                    workers[int(number)] = int(pid)
        return workers

    async def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        async with asyncio.timeout(SECONDS):
            await self.listening
            return await self.process.wait()


@pytest.fixture
def own() -> brokers.Broker:
    return brokers.Broker()


@pytest.fixture
async def server(tmp_path: Path, own: brokers.Broker) -> AsyncIterator[Server]:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("CAMPFIRE_")}
    settings = {
        "CAMPFIRE_BROKER": own.url,
        "CAMPFIRE_LOG_FORMAT": "json",
        "CAMPFIRE_RATE_LIMITS": "off",
    }
    with own:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "campfire", "serve", "--workers", "2"),
            *("--port", "0", "--data", str(tmp_path / "data")),
            stdout=asyncio.subprocess.PIPE,
            env=environ | settings,
        )
        server = Server(process)
        await server.until(lambda: server.url)
        yield server
        if process.returncode is None:
            await server.end(signal.SIGTERM)


@pytest.fixture
async def client() -> AsyncIterator[ClientSession]:
    json_please = {"Accept": "application/json"}
    async with ClientSession(
        headers=json_please, cookie_jar=DummyCookieJar()
    ) as client:
        yield client


async def begun(client: ClientSession, server: Server) -> dict[str, str]:
    made = await client.post(f"{server.url}/first_run", json=DAVID)
    assert made.status == 201, await made.text()
    return {"Authorization": f"Bearer {(await made.json())['token']}"}


class Listener:
    """Comes back with the last number that it has, as a browser does."""

    def __init__(self, client: ClientSession, url: str, proof: dict[str, str]) -> None:
        self.seqs: list[int] = []
        self.codes: list[int | None] = []
        self.entered = asyncio.Event()
        self.task = asyncio.create_task(self._listen(client, url, proof))

    async def _listen(
        self, client: ClientSession, url: str, proof: dict[str, str]
    ) -> None:
        while True:
            with contextlib.suppress(ClientError):
                async with client.ws_connect(f"{url}/socket", headers=proof) as line:
                    since = self.seqs[-1] if self.seqs else 0
                    enter = {"command": "room.enter", "room_id": 1, "since": since}
                    await line.send_json(enter)
                    async for message in line:
                        if message.type is WSMsgType.TEXT:
                            self._hear(json.loads(message.data))
                self.codes.append(line.close_code)
            await asyncio.sleep(0.05)

    def _hear(self, event: dict[str, object]) -> None:
        if event["event"] == "room.entered":
            self.entered.set()
        elif event["event"] == "message.posted":
            assert isinstance(event["seq"], int)
            self.seqs.append(event["seq"])


async def test_nothing_is_lost_whoever_is_killed(
    server: Server, client: ClientSession, own: brokers.Broker
) -> None:
    proof = await begun(client, server)
    listeners: list[Listener] = []

    def at() -> Counter[object]:
        opened = [each for each in server.said if each["event"] == "socket opened"]
        return Counter(each["worker"] for each in opened)

    while min(at()[1], at()[2]) < 2:
        before = at().total()
        listeners.append(Listener(client, server.url, proof))
        await server.until(lambda: at().total() > before)
    for listener in listeners:
        await listener.entered.wait()
    acknowledged: set[str] = set()
    over = False

    async def post(name: str) -> None:
        number = 0
        while not over:
            each = {"body": f"{name} {number}", "client_message_id": f"{name}.{number}"}
            with contextlib.suppress(ClientError):
                path = f"{server.url}/rooms/1/messages"
                # A line of its own, so that both are posted to.
                more = proof | {"Connection": "close"}
                posted = await client.post(path, json=each, headers=more)
                assert posted.status in (200, 201, 503), await posted.text()
                if posted.status != 503:
                    acknowledged.add(each["client_message_id"])
                    number += 1

    async def more(count: int) -> None:
        enough = len(acknowledged) + count
        async with asyncio.timeout(SECONDS):
            while len(acknowledged) < enough:
                await asyncio.sleep(0.01)

    posting = [asyncio.create_task(post(name)) for name in "abcd"]
    await more(100)
    for number in (2, 1):
        os.kill(server.workers()[number], signal.SIGKILL)
        await server.until(
            lambda: [
                each
                for each in server.said
                if each["event"] == "worker ended" and each["worker"] == number
            ]
        )
        async with asyncio.timeout(SECONDS):
            while number not in server.workers():
                await asyncio.sleep(0.01)
        await more(100)
    own.stop()
    await more(100)
    own.start()
    await more(100)
    over = True
    await asyncio.gather(*posting)
    total = len(acknowledged)
    async with asyncio.timeout(SECONDS):
        for listener in listeners:
            while not listener.seqs or listener.seqs[-1] < total:
                await asyncio.sleep(0.01)
    for listener in listeners:
        listener.task.cancel()
        assert listener.seqs == list(range(1, total + 1))
    assert await server.end(signal.SIGTERM) == 0


async def test_it_stops_as_one_process_does(
    server: Server, client: ClientSession, tmp_path: Path
) -> None:
    proof = await begun(client, server)
    listeners = [Listener(client, server.url, proof) for _ in range(6)]
    for listener in listeners:
        await listener.entered.wait()
    assert await server.end(signal.SIGTERM) == 0
    async with asyncio.timeout(SECONDS):
        while not all(listener.codes for listener in listeners):
            await asyncio.sleep(0.01)
    assert {code for listener in listeners for code in listener.codes} == {1001}
    for listener in listeners:
        listener.task.cancel()
    left = {path.name for path in (tmp_path / "data").iterdir()}
    assert left == {"campfire.sqlite3", "files", "lock", "push-keys.json"}


async def test_workers_end_when_who_started_them_is_killed(
    server: Server, tmp_path: Path
) -> None:
    """Until then they hold the folder, so that no other server writes beside them."""
    workers = server.workers()
    assert workers.keys() == {1, 2}
    os.kill(workers[1], signal.SIGSTOP)
    server.process.kill()
    while server.process.returncode is None:  # Its output is open in the workers.
        await asyncio.sleep(0.01)
    again = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "campfire", "serve", "--port", "0"),
        *("--data", str(tmp_path / "data")),
        stderr=asyncio.subprocess.PIPE,
    )
    _, complaint = await again.communicate()
    assert b"Another Campfire is running" in complaint
    os.kill(workers[1], signal.SIGCONT)
    async with asyncio.timeout(SECONDS):
        await server.listening  # Until the last of them has closed its output.


def test_without_a_broker_several_are_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CAMPFIRE_BROKER", raising=False)
    assert main(["serve", "--workers", "2"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("campfire: CAMPFIRE_BROKER must say where")


def test_who_serves_alone_loads_nothing_for_it() -> None:
    loads = (
        "import sys, campfire.__main__; print({'redis', 'msgspec'} & {*sys.modules})"
    )
    said = subprocess.check_output([sys.executable, "-c", loads], text=True)
    assert said == "set()\n"


def test_an_address_that_somebody_has_is_not_shared_with_them() -> None:
    with bound(socket.AF_INET, ("127.0.0.1", 0), shared=True) as first:
        where = first.getsockname()
        with bound(socket.AF_INET, where, shared=True):
            pass
        with pytest.raises(OSError, match="in use"):
            bound(socket.AF_INET, where, shared=False)


def test_what_a_worker_is_given_is_read_as_it_was_written() -> None:
    for inherited in (
        Inherited(Worker(1, 2, True), (5,), 7),
        Inherited(Worker(2, 2, False), (5, 6), 7),
    ):
        assert Inherited.from_text(str(inherited)) == inherited


def test_what_systemd_says_is_for_who_it_started() -> None:
    names = ("NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "WATCHDOG_PID")
    said = dict.fromkeys(names, "1") | {"WATCHDOG_USEC": "20000000", "HOME": "/"}
    given = environment(said, 20.0)
    assert Supervisor.from_env(given, 5) == Supervisor(watchdog=10.0)
    assert environment(said, None) == {"HOME": "/"}


async def test_systemd_hears_of_life_when_all_are_alive(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(f"\0{tmp_path.name}{os.getpid()}")
        systemd.setblocking(False)
        supervisor = Supervisor(f"@{tmp_path.name}{os.getpid()}", watchdog=20.0)
        workers = Workers(Config(workers=2, broker="redis://x"), supervisor, {})

        def told() -> int:
            with contextlib.suppress(BlockingIOError):
                assert systemd.recv(100) == b"WATCHDOG=1"
                return 1 + told()
            return 0

        for _ in range(3):
            workers._hear(1, "WATCHDOG=1")
        assert told() == 0
        workers._hear(2, "WATCHDOG=1")
        assert told() == 1
        workers._hear(2, "WATCHDOG=1")
        assert told() == 0
        workers._hear(1, "WATCHDOG=1")
        assert told() == 1
