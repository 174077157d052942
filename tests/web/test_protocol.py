"""The line that requests come on: what is no request is refused in our words."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import cast
from unittest.mock import Mock

import pytest
from aiohttp import ClientSession, web

from campfire import app
from campfire.config import Config
from campfire.web import protocol
from campfire.web.middleware import PROBLEM
from campfire.web.protocol import Line, Lines, Surplus
from tests.conftest import PASSWORD

Raw = Callable[[bytes], Awaitable[bytes]]


@pytest.fixture
async def port(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> AsyncIterator[int]:
    """A server on lines of ours, which must log nothing of what was sent to it."""
    caplog.set_level(logging.DEBUG)
    runner = web.AppRunner(await app.create(Config(data=tmp_path)), shutdown_timeout=1)
    await runner.setup()
    assert runner.server is not None
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Lines(runner.server, 100), "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await runner.cleanup()
    assert "Traceback" not in caplog.text
    assert "secret" not in caplog.text and "aaaa" not in caplog.text
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.fixture
def raw(port: int) -> Raw:
    """Sends these bytes and reads until the server closes the connection."""

    async def raw(request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        async with asyncio.timeout(10):
            answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer

    return raw


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST /session HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        *(
            b"POST /session HTTP/1.1\r\nHost: x\r\nContent-Length: %b\r\n\r\n{}"
            % length
            for length in (b"+4", b"-1", b"9" * 23, b"2\r\nContent-Length: 3", b"x")
        ),
        *(
            b"POST /session HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
            b"%b\r\n\r\n0\r\n\r\n" % coding
            for coding in (b"xchunked", b"chunked, chunked", b"\x0bchunked")
        ),
        b"POST /session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0x4\r\n{}{}\r\n0\r\n\r\n",
        *(b"GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",),
        *(b"GET /health HTTP/1.1\r\n\r\n", b"GET /health HTTP/1.1\r\nHost : x\r\n\r\n"),
        b"GET /health HTTP/1.1\r\nHost: x\r\nCookie: campfire_session=secret\0\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nA b: c\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\n: c\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nX: secret" + b"a" * 9000 + b"\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\n" + b"X: a\r\n" * 300 + b"\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        *(b"FOO / HTTP/1.1\r\nHost: x\r\n\r\n", b"get / HTTP/1.1\r\nHost: x\r\n\r\n"),
        *(
            b"GET / HTTP/1.2\r\nHost: x\r\n\r\n",
            b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        ),
        *(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00"),
        *(
            b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
            b"\x04\x01\x00\x50\x00\x00\x00\x01\x00\r\n\r\n",
        ),
    ],
)
async def test_what_is_no_request_is_400_and_the_end(
    raw: Raw, request_bytes: bytes
) -> None:
    answer = await raw(request_bytes)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split()[1] == b"400"
    assert b"\nserver:" not in head.lower()
    assert b"\nx-content-type-options: nosniff" in head.lower()
    assert b"secret" not in body and b"aaaa" not in body
    assert b"Traceback" not in body


async def test_any_text_of_16_kb_can_be_looked_for_and_no_other_address_is_long(
    port: int,
) -> None:
    newcomer = {"name": "Ada", "email_address": "ada@example.com"}
    async with ClientSession(
        f"http://127.0.0.1:{port}", headers={"Accept": "application/json"}
    ) as client:
        answer = await client.post("/first_run", json=newcomer | {"password": PASSWORD})
        client.headers["Authorization"] = f"Bearer {(await answer.json())['token']}"
        for text in ("a" * 16_384, "\u00fc" * 8_192, "hut " * 4_096):
            answer = await client.get("/searches", params={"q": text})
            assert (answer.status, await answer.json()) == (200, [])
        answer = await client.get("/searches", params={"q": "a" * 16_385})
        assert answer.status == 422
        for path in ("/rooms", "/nowhere"):
            answer = await client.get(path, params={"q": "a" * 9_000})
            assert (answer.status, answer.content_type) == (414, PROBLEM)
        del client.headers["Authorization"]
        client.headers["Accept"] = "text/html"
        client.cookie_jar.clear()
        long = {"q": "a" * 16_384}
        answer = await client.get("/searches", params=long, allow_redirects=False)
        assert (answer.status, dict(answer.cookies)) == (302, {}), "nothing to carry it"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "identity, gzip", "x"])
async def test_a_compressed_body_is_refused_unread(raw: Raw, encoding: str) -> None:
    answer = await raw(
        f"POST /session HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        f"Accept: application/json\r\nContent-Type: application/json\r\n"
        f"Content-Encoding: {encoding}\r\nContent-Length: 6\r\n\r\nsecret".encode(),
    )
    assert answer.startswith(b"HTTP/1.1 415 ")


async def test_somebody_who_hangs_up_in_the_middle_of_a_body_is_no_bug(
    port: int,
) -> None:
    for body in (b"", b'{"email_address": "secret'):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"POST /session HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
            b"Content-Type: application/json\r\nContent-Length: 300\r\n\r\n" + body
        )
        assert b" 100 " in await reader.readline()
        writer.close()
        await writer.wait_closed()
    async with ClientSession() as client:
        assert (await client.get(f"http://127.0.0.1:{port}/health")).status == 200


async def test_requests_in_one_go_are_answered_in_order(raw: Raw) -> None:
    count = 200
    paths = [f"/nowhere/{number}" for number in range(count)]
    requests = "".join(
        f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\n\r\n"
        for path in paths
    )
    last = "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = await raw((requests + last).encode())
    assert answer.count(b"HTTP/1.1 404 ") == count
    assert answer.count(b"HTTP/1.1 200 ") == 1
    assert answer.rindex(b"HTTP/1.1 404 ") < answer.index(b"HTTP/1.1 200 ")


@pytest.fixture
async def lines() -> Lines:
    async def answer(request: web.BaseRequest) -> web.Response:
        raise AssertionError("nobody asks")

    return Lines(web.Server(answer), 2)


async def test_what_is_in_the_middle_of_its_handshake_takes_a_place(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = lines(), lines()
    assert [type(first), type(second), type(lines())] == [Line, Line, Surplus]
    first.connection_made(Mock())
    assert type(lines()) is Surplus
    monkeypatch.setattr(protocol, "HANDSHAKE_TAKES", -1)
    third = lines()
    assert type(third) is Line, "the second has had its time"
    third.connection_made(Mock())
    assert (lines.open, type(lines())) == (2, Surplus)
    cast(Line, first).connection_lost(None)
    assert type(lines()) is Line
