"""`campfire serve` with several workers: the process that starts them, and no more.

It holds the folder and the address, brings the database to the newest schema, starts a
worker anew that has ended, and is what systemd knows. It serves nobody: a worker that
dies takes its own connections along, and those that wait for it are kept.
"""

import asyncio
import contextlib
import logging
import signal
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from campfire.app import FILE, PUSH_KEYS
from campfire.config import Config
from campfire.database import alone, connect, migrate, require_sqlite
from campfire.outside import vapid
from campfire.supervisors import Supervisor
from campfire.turns import FILE as TURNS
from campfire.turns import Turns, Worker

log = logging.getLogger(__name__)

AGAIN_AFTER: Final = 0.1
AGAIN_AT_LATEST: Final = 5.0
# Who lived so long was well.
LIVED: Final = 30.0
STOPPING_TAKES: Final = 12.0
BACKLOG: Final = 1024


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a worker gets from the process that starts it: who it is, the sockets that
    listen and the line on which it says how it is."""

    worker: Worker
    listening: tuple[int, ...]
    line: int

    def __str__(self) -> str:
        sockets = "+".join(map(str, self.listening))
        worker = self.worker
        who = f"{worker.number},{worker.of},{worker.is_new:d}"
        return f"{who},{sockets},{self.line}"

    @classmethod
    def from_text(cls, text: str) -> "Inherited":
        number, of, is_new, sockets, line = text.split(",")
        worker = Worker(int(number), int(of), is_new == "1")
        return cls(worker, tuple(map(int, sockets.split("+"))), int(line))


class Workers:
    """Runs them until SIGTERM or SIGINT."""

    def __init__(
        self, config: Config, supervisor: Supervisor, environ: Mapping[str, str]
    ) -> None:
        self._config = config
        self._environ = environ
        self._supervisor = supervisor
        self._numbers = range(1, config.workers + 1)
        self._processes: dict[int, asyncio.subprocess.Process] = {}
        self._ready = {number: asyncio.Event() for number in self._numbers}
        self._alive: set[int] = set()
        self._stopping = asyncio.Event()
        self._listening: dict[int, list[socket.socket]] = {}

    async def run(self) -> int:
        """Answers with the exit code: 1 when the first of them did not start."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        if self._config.tls_certificate:
            loop.add_signal_handler(signal.SIGHUP, self._renew)
        data = self._config.data
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        with alone(data) as lock:
            migrated(data / FILE)
            await vapid.keys(data / PUSH_KEYS)
            Turns.begin(data / TURNS)
            self._listen()
            keeping = []
            try:
                # What is left of an earlier run is looked for before anybody else adds.
                for some in (self._numbers[:1], self._numbers[1:]):
                    keeping += [
                        asyncio.create_task(self._keep(number, lock.fileno()))
                        for number in some
                    ]
                    if not await self._are_ready(some, keeping):
                        return 0 if self._stopping.is_set() else 1
                sockets = self._listening[1]
                name = address(sockets[0], self._config)
                print(f"Campfire is at {name}{self._config.base}", flush=True)
                self._supervisor.tell("READY=1")
                await self._stopping.wait()
                self._supervisor.tell("STOPPING=1")
                return 0
            finally:
                await self._stop(keeping)
                (data / TURNS).unlink(missing_ok=True)

    def _listen(self) -> None:
        """One socket for each worker, so that the kernel spreads who comes; they are
        open here too, and keep who comes while a worker is started anew."""
        if inherited := self._supervisor.inherited():
            self._listening = {number: [inherited] for number in self._numbers}
            return
        host, port = self._config.host, self._config.port
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        for family, _, _, _, where in dict.fromkeys(found):
            # Two servers that both would share a port do not notice each other.
            with bound(family, where, shared=False) as probe:
                where = probe.getsockname()
            for number in self._numbers:
                each = bound(family, where, shared=True)
                self._listening.setdefault(number, []).append(each)

    async def _are_ready(
        self, numbers: range, keeping: list[asyncio.Task[None]]
    ) -> bool:
        async def all_ready() -> None:
            for number in numbers:
                await self._ready[number].wait()

        async def told_to_stop() -> None:
            await self._stopping.wait()

        ready = asyncio.create_task(all_ready())
        stopping = asyncio.create_task(told_to_stop())
        # A task that keeps a worker ends only when the worker never came to be.
        await asyncio.wait(
            {ready, stopping, *keeping}, return_when=asyncio.FIRST_COMPLETED
        )
        is_ready = ready.done()
        for task in (ready, stopping):
            task.cancel()
        return is_ready and not self._stopping.is_set()

    async def _keep(self, number: int, lock: int) -> None:
        """Starts a worker, and starts it anew whenever it has ended."""
        wait, is_new = AGAIN_AFTER, True
        while not self._stopping.is_set():
            begun = time.monotonic()
            worker = Worker(number, len(self._numbers), is_new)
            code = await self._lived(worker, lock)
            if self._stopping.is_set() or not self._ready[number].is_set():
                return
            log.error("worker ended", extra={"worker": number, "code": code})
            if time.monotonic() - begun > LIVED:
                wait = AGAIN_AFTER
            await asyncio.sleep(wait)
            wait, is_new = min(2 * wait, AGAIN_AT_LATEST), False

    async def _lived(self, worker: Worker, lock: int) -> int:
        """Runs a worker to its end; answers with its exit code."""
        listening = [each.fileno() for each in self._listening[worker.number]]
        ours, theirs = socket.socketpair()
        inherited = Inherited(worker, tuple(listening), theirs.fileno())
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "campfire", "serve"),
                *("--host", self._config.host, "--port", str(self._config.port)),
                *("--data", str(self._config.data), "--worker", str(inherited)),
                pass_fds=(*listening, theirs.fileno(), lock),
                stdin=asyncio.subprocess.DEVNULL,
                env=environment(self._environ, self._supervisor.watchdog),
            )
        self._processes[worker.number] = process
        reader, writer = await asyncio.open_connection(sock=ours)
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                self._hear(worker.number, line.decode().strip())
        writer.close()
        code = await process.wait()
        del self._processes[worker.number]
        return code

    def _hear(self, number: int, state: str) -> None:
        if state == "READY=1":
            self._ready[number].set()
        elif state == "WATCHDOG=1":
            self._alive.add(number)
            if len(self._alive) == len(self._numbers):
                self._alive.clear()
                self._supervisor.tell(state)

    def _renew(self) -> None:
        for process in self._processes.values():
            process.send_signal(signal.SIGHUP)

    async def _stop(self, keeping: list[asyncio.Task[None]]) -> None:
        """Has them finish what was begun; nobody new is let in meanwhile."""
        self._stopping.set()
        for sockets in self._listening.values():
            for each in sockets:
                each.close()
        for process in list(self._processes.values()):
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        _, late = await asyncio.wait(keeping, timeout=STOPPING_TAKES)
        for process in list(self._processes.values()):
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        for task in late:
            task.cancel()
        await asyncio.gather(*keeping)


def migrated(path: Path) -> None:
    """Once, before any of them opens it. Raises Unusable."""
    require_sqlite()
    with contextlib.closing(connect(path)) as connection:
        migrate(connection, path)


def bound(
    family: socket.AddressFamily, where: tuple[Any, ...], *, shared: bool
) -> socket.socket:
    """Raises OSError where somebody else listens already."""
    each = socket.socket(family, socket.SOCK_STREAM)
    each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if shared:
        each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        each.bind(where)
        if shared:
            each.listen(BACKLOG)
    except OSError:
        each.close()
        raise
    return each


def environment(environ: Mapping[str, str], watchdog: float | None) -> dict[str, str]:
    """What a worker gets of it: nothing that systemd has said to this process alone."""
    given = {
        name: value
        for name, value in environ.items()
        if not name.startswith(("NOTIFY_", "LISTEN_", "WATCHDOG_"))
    }
    if watchdog is not None:
        # Twice as often, for the slowest of them is the one that is passed on.
        given["WATCHDOG_USEC"] = str(round(watchdog * 500_000))
    return given


def address(listening: socket.socket, config: Config) -> str:
    """Where it is, as one types it into a browser."""
    name = listening.getsockname()
    scheme = "https" if config.tls_certificate else "http"
    return (
        f"{scheme}://{name[0]}:{name[1]}" if isinstance(name, tuple) else f"unix:{name}"
    )
