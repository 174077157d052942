"""A broker of one's own: Debian's redis-server on a free port, which keeps nothing."""

import contextlib
import socket
import subprocess
import time
from typing import Self

SECONDS = 30.0


class Broker:
    """Runs from `start` to `stop`, and again; its address stays the same."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *fault: object) -> None:
        self.stop()

    def start(self) -> None:
        """Returns when it can be connected to."""
        self._process = subprocess.Popen(
            [
                *("redis-server", "--bind", "127.0.0.1", "--port", str(self.port)),
                *("--save", "", "--appendonly", "no", "--loglevel", "warning"),
            ],
            stdout=subprocess.DEVNULL,
        )
        until = time.monotonic() + SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            time.sleep(0.01)
        raise AssertionError("The broker did not start.")

    def stop(self) -> None:
        """At once, as if it had crashed."""
        if self._process:
            self._process.kill()
            self._process.wait(SECONDS)
            self._process = None
