"""What systemd hands over and is told: a socket, and signs of life.

The protocols are sd_listen_fds(3) and sd_notify(3); both are a few lines. The sign of
life follows a commit on the disk, so a writer that is stuck restarts the service.
"""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from campfire.database import Fault
from campfire.refusals import Busy, Full

FIRST: Final = 3


@dataclass(frozen=True, slots=True)
class Supervisor:
    """Who started this process, as far as the environment says; `watchdog` in seconds
    after which it loses patience."""

    notify: str | None = None
    watchdog: float | None = None
    listening: int = 0
    line: socket.socket | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str], pid: int) -> "Supervisor":
        """What is meant for another process is not for this one."""
        is_ours = environ.get("LISTEN_PID") == str(pid)
        is_watched = environ.get("WATCHDOG_PID", str(pid)) == str(pid)
        watchdog = environ.get("WATCHDOG_USEC", "") if is_watched else ""
        return cls(
            environ.get("NOTIFY_SOCKET") or None,
            int(watchdog) / 1_000_000 if watchdog.isdecimal() else None,
            int(environ.get("LISTEN_FDS", "0")) if is_ours else 0,
        )

    def inherited(self) -> socket.socket | None:
        """The socket that listens already, so that a restart refuses nobody."""
        if not self.listening:
            return None
        listening = socket.socket(fileno=FIRST)
        listening.setblocking(False)
        listening.set_inheritable(False)
        return listening

    def line_to(self, descriptor: int) -> "Supervisor":
        """The same for one of several workers, which tells who started it."""
        line = socket.socket(fileno=descriptor)
        line.setblocking(False)
        line.set_inheritable(False)
        return replace(self, line=line)

    def when_gone(self, do: Callable[[], None]) -> None:
        """Has something done when who started the worker is there no more."""
        loop, line = asyncio.get_running_loop(), self.line
        assert line is not None, "only a worker has one"

        def hear() -> None:
            with contextlib.suppress(BlockingIOError):
                if not line.recv(1):
                    loop.remove_reader(line)
                    do()

        loop.add_reader(line, hear)

    def tell(self, state: str) -> None:
        """Sends one line; nobody listening is no error."""
        if self.line is not None:
            with contextlib.suppress(OSError):
                self.line.send(f"{state}\n".encode())
            return
        if self.notify is None:
            return
        address = self.notify
        if address.startswith("@"):
            address = "\0" + address[1:]
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line,
        ):
            line.sendto(state.encode(), address)

    async def watch(self, write: Callable[[], Awaitable[Any]]) -> None:
        """Says for ever that it lives, each time after another write.

        A disk that is full refuses it, and people go on reading: to start anew would
        help nobody.
        """
        if self.watchdog is None:
            return
        while True:
            try:
                await write()
            except (Busy, Fault) as error:
                if isinstance(error, Full):
                    self.tell("WATCHDOG=1")
            else:
                self.tell("WATCHDOG=1")
            await asyncio.sleep(self.watchdog / 2)
