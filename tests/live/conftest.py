"""Lines to the whole application, and lines that speak frames byte by byte."""

import asyncio
import base64
import os
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
from aiohttp import ClientSession, DummyCookieJar
from aiohttp.test_utils import TestServer

JSON = {"Accept": "application/json"}
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": base64.b64encode(b"0123456789abcdef").decode(),
}
HEARS = 30.0


@dataclass
class RawLine:
    """A socket without a library: what is sent is what was written."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    status: int
    headers: dict[str, str]

    async def frame(self) -> tuple[int, bytes]:
        """The first byte and the payload of the next frame."""
        async with asyncio.timeout(HEARS):
            first, size = await self.reader.readexactly(2)
            assert size < 128, "a server masks nothing"
            if size == 126:
                size = int.from_bytes(await self.reader.readexactly(2), "big")
            elif size == 127:
                size = int.from_bytes(await self.reader.readexactly(8), "big")
            return first, await self.reader.readexactly(size)

    async def text(self) -> str:
        """The next text, inflated on its own when it is compressed."""
        first, payload = await self.frame()
        if first == 0xC1:
            stream = zlib.decompressobj(-15)
            payload = stream.decompress(payload + b"\x00\x00\xff\xff")
        else:
            assert first == 0x81
        return payload.decode("utf-8")

    async def closing(self) -> int:
        """The code of the closing frame; what comes before it is forgotten."""
        while True:
            first, payload = await self.frame()
            if first == 0x88:
                return int.from_bytes(payload[:2], "big")

    def send(self, payload: bytes, first: int = 0x81, size: int | None = None) -> None:
        size = len(payload) if size is None else size
        if size < 126:
            head = bytes((first, 0x80 | size))
        elif size < 65_536:
            head = bytes((first, 0x80 | 126)) + size.to_bytes(2, "big")
        else:
            head = bytes((first, 0x80 | 127)) + size.to_bytes(8, "big")
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
        self.writer.write(head + mask + masked)


RawSocket = Callable[..., Awaitable[RawLine]]


@pytest.fixture
async def raw_socket(server: TestServer) -> AsyncIterator[RawSocket]:
    """`await raw_socket({"Origin": …})` shakes hands with these headers."""
    writers: list[asyncio.StreamWriter] = []

    async def raw_socket(
        headers: dict[str, str], *, drop: str = "", start: str = "GET /socket HTTP/1.1"
    ) -> RawLine:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writers.append(writer)
        given = {"Host": f"127.0.0.1:{server.port}"} | UPGRADE | headers
        given.pop(drop, None)
        lines = [start, *(f"{name}: {value}" for name, value in given.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        answered = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        return RawLine(reader, writer, int(head[0].split()[1]), answered)

    yield raw_socket
    for writer in writers:
        writer.close()


@pytest.fixture
async def stranger(server: TestServer) -> AsyncIterator[ClientSession]:
    """Somebody unknown, who keeps no cookie."""
    async with ClientSession(
        base_url=server.make_url("/"), cookie_jar=DummyCookieJar()
    ) as stranger:
        yield stranger
