"""Receivers on this machine, with names that only the tests know."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from ipaddress import ip_network

import pytest

from campfire.outside.client import Client

NEXT_DOOR = (ip_network("127.0.0.0/8"),)
NAME = "page.example"

Serve = Callable[..., Awaitable["Receiver"]]


class Receiver:
    """Answers each request with the same bytes, or as it is told, and counts them."""

    def __init__(self, answer: "Answering", port: int = 0) -> None:
        self.answer = answer
        self.port = port
        self.heads: list[str] = []
        self.connections = 0
        self.asked = asyncio.Event()

    def url(self, path: str = "/", host: str = NAME) -> str:
        return f"http://{host}:{self.port}{path}"

    async def meet(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.heads.append(head.decode("latin-1"))
            self.asked.set()
            answer = self.answer
            if callable(answer):
                await answer(self.heads[-1].split()[1], writer)
            else:
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


Answering = bytes | Callable[[str, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """`await serve(b"HTTP/1.1 …")` listens on a free port of 127.0.0.1."""
    servers: list[asyncio.Server] = []

    async def serve(answer: Answering, **options: object) -> Receiver:
        receiver = Receiver(answer)
        server = await asyncio.start_server(
            receiver.meet, "127.0.0.1", 0, **options  # type: ignore[arg-type]
        )
        servers.append(server)
        receiver.port = server.sockets[0].getsockname()[1]
        return receiver

    yield serve
    for server in servers:
        server.close()


class Lives:
    """A server that is killed and lives again: see tests/outside/lives.py."""

    def __init__(self, mother: asyncio.subprocess.Process) -> None:
        assert mother.stdin is not None and mother.stdout is not None
        self._ask, self._hear = mother.stdin, mother.stdout
        self._mother = mother
        self._child = 0

    @classmethod
    async def of(cls, kind: str, *given: str) -> "Lives":
        return cls(
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.outside.lives", kind, *given),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
        )

    async def begin(self) -> None:
        self._ask.write(b"\n")
        self._child = int(await self._hear.readline())

    async def end(self) -> None:
        """Kills it, and waits until it holds nothing any more."""
        os.kill(self._child, signal.SIGKILL)
        assert await self._hear.readline() == b"dead\n"

    async def close(self) -> None:
        self._ask.close()
        await self._mother.wait()


def answered(
    body: bytes | str, content_type: str = "text/html", status: str = "200 OK"
) -> bytes:
    """A whole answer."""
    data = body.encode() if isinstance(body, str) else body
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(data)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + data


def sent_to(location: str, status: int = 302) -> bytes:
    return (
        f"HTTP/1.1 {status} Found\r\nLocation: {location}\r\n"
        "Content-Length: 0\r\nConnection: close\r\n\r\n"
    ).encode()


def neighbour(*receivers: Receiver, **options: object) -> Client:
    """A client that may go next door; every name means 127.0.0.1."""
    known: dict[str, object] = {
        "allowed": NEXT_DOOR,
        "ports": {receiver.port for receiver in receivers},
        "lookup": lambda name: ["127.0.0.1"],
    }
    return Client(**(known | options))  # type: ignore[arg-type]
