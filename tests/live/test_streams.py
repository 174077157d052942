"""What a bot without an address hears: everything once, in order, and nothing late."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession
from aiohttp.test_utils import TestServer

from campfire.chat import bots, deliveries, memberships, messages, richtext
from campfire.database import Database, Tx
from campfire.live import streams
from campfire.web.keys import DB
from tests.conftest import ALL_PETS, DAVID, JZ, Person, SignIn
from tests.web.conftest import posted

HEARS = 10.0


class Reader:
    """Reads a stream as HTML says, block for block."""

    def __init__(self, response: ClientResponse) -> None:
        self.response = response
        self.last = ""

    async def block(self) -> dict[str, str] | None:
        """Fields of the next block, a comment under "", or None at the end."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(HEARS):
            while line := await self.response.content.readline():
                name, _, value = line.decode().rstrip("\n").partition(":")
                if line == b"\n":
                    self.last = fields.get("id", self.last)
                    return fields
                fields[name] = value.removeprefix(" ")
        return None

    async def told(self) -> str:
        """The words of the next event."""
        while (block := await self.block()) is not None:
            if "data" in block:
                said: dict[str, Any] = json.loads(block["data"])
                return str(said["message"]["body"]["plain"])
        raise EOFError

    async def end(self) -> list[dict[str, str]]:
        """What still came before the stream ended."""
        blocks = []
        while (block := await self.block()) is not None:
            blocks.append(block)
        return blocks


@dataclass
class Bender:
    id: int
    key: str
    client: ClientSession
    db: Database
    responses: list[ClientResponse] = field(default_factory=list)

    async def listen(self, last: str | None = None, path: str = "me") -> Reader:
        """A stream that has begun."""
        headers = {} if last is None else {"Last-Event-ID": last}
        if path == "me":
            headers["Authorization"] = f"Bearer {self.key}"
        response = await self.client.get(f"/bots/{path}/events", headers=headers)
        assert response.status == 200, await response.text()
        self.responses.append(response)
        reader = Reader(response)
        begun = await reader.block()
        assert begun is not None and begun["retry"] == "1000"
        return reader


@pytest.fixture
async def bender(server: TestServer) -> AsyncIterator[Bender]:
    assert server.app is not None
    db = server.app[DB]
    bot, secrets = await db.write(bots.add, DAVID, "Bender")
    async with ClientSession(base_url=server.make_url("/")) as client:
        bender = Bender(bot.user.id, secrets.key, client, db)
        yield bender
        for response in bender.responses:
            response.close()


@pytest.fixture
async def jz(sign_in: SignIn) -> Person:
    return await sign_in("JZ")


async def test_it_hears_what_it_is_called_with_as_its_webhook_would(
    bender: Bender, jz: Person
) -> None:
    reader = await bender.listen()
    head = reader.response.headers
    assert head["Content-Type"] == "text/event-stream"
    assert head["Cache-Control"] == "no-store"
    message = await posted(jz.client, "@Bender **now**,\nplease")
    block = await reader.block()
    assert block is not None
    number = await bender.db.read(deliveries.newest, bender.id)
    assert block.keys() == {"id", "data"} and block["id"] == str(number)
    said = json.loads(block["data"])
    path = said["room"].pop("path")
    assert said == {
        "user": {"id": JZ, "name": "JZ"},
        "room": {"id": ALL_PETS, "name": "All Talk"},
        "message": {
            "id": message["id"],
            "body": {"html": message["body"]["html"], "plain": "now,\nplease"},
            "path": f"/rooms/{ALL_PETS}/@{message['id']}",
        },
    }
    # Where it answers, with a key for this room and not with its own.
    assert bender.key not in path
    assert (await bender.client.post(path, data="Here")).status == 201


async def test_the_key_may_stand_in_the_path(bender: Bender, jz: Person) -> None:
    reader = await bender.listen(path=bender.key)
    await posted(jz.client, "@Bender hello")
    assert await reader.told() == "hello"


async def test_who_comes_back_with_the_last_number_misses_nothing(
    bender: Bender, jz: Person
) -> None:
    await posted(jz.client, "@Bender long ago")
    reader = await bender.listen()
    begun = reader.last
    await posted(jz.client, "@Bender one")
    assert await reader.told() == "one"
    seen = reader.last
    reader.response.close()
    many = [f"{number}" for number in range(deliveries.PAGE + 5)]
    for words in many:
        await bender.db.write(say, f"@Bender {words}")
    reader = await bender.listen(seen)
    assert [await reader.told() for _ in many] == many
    # Whoever broke off before anything came has the number from the beginning.
    again = await bender.listen(begun)
    assert [await again.told() for _ in range(3)] == ["one", "0", "1"]
    everything = await bender.listen("0")
    assert await everything.told() == "long ago"
    live = await bender.listen()
    from_elsewhere = await bender.listen("999999")
    await posted(jz.client, "@Bender last")
    for reader in (reader, live, from_elsewhere):
        assert await reader.told() == "last"


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "\u0661", "9" * 30])
async def test_what_is_no_number_is_refused(bender: Bender, last: str) -> None:
    headers = {"Authorization": f"Bearer {bender.key}", "Last-Event-ID": last}
    answer = await bender.client.get("/bots/me/events", headers=headers)
    assert answer.status == 422
    assert answer.content_type == "application/problem+json"


async def test_a_key_for_one_room_opens_no_stream(bender: Bender) -> None:
    secret = "SELECT signing_secret FROM bots"
    signing = await bender.db.read(lambda db: db.value(secret))
    key = bots.room_key(bender.id, signing, ALL_PETS)
    assert (await bender.client.get(f"/rooms/{ALL_PETS}/{key}/messages")).status == 200
    assert (await bender.client.get(f"/bots/{key}/events")).status == 401


async def test_silence_is_broken_by_comments(
    bender: Bender, jz: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT", 0.01)
    reader = await bender.listen()
    for _ in range(3):
        assert await reader.block() == {"": ""}
    await posted(jz.client, "@Bender hello")
    assert await reader.told() == "hello"


async def renewed(david: Person, bender: Bender) -> int:
    return (await david.client.put(f"/account/bots/{bender.id}/key")).status


async def retired(david: Person, bender: Bender) -> int:
    return (await david.client.delete(f"/account/bots/{bender.id}")).status


@pytest.mark.parametrize("act", [renewed, retired])
async def test_the_end_of_the_key_is_the_end_of_its_streams(
    bender: Bender, jz: Person, sign_in: SignIn, act: Any
) -> None:
    david = await sign_in("David")
    readers = [await bender.listen(), await bender.listen(path=bender.key)]
    assert await act(david, bender) in (200, 204)
    await posted(jz.client, "@Bender still here?")
    for reader in readers:
        assert await reader.end() == []
    answer = await bender.client.get(f"/bots/{bender.key}/events")
    assert answer.status == 401


async def test_streams_end_with_the_server(bender: Bender, server: TestServer) -> None:
    reader = await bender.listen()
    async with asyncio.timeout(HEARS):
        await server.close()
    assert await reader.end() == []


async def test_twenty_are_enough(bender: Bender) -> None:
    for _ in range(streams.MOST_PER_BOT):
        await bender.listen()
    headers = {"Authorization": f"Bearer {bender.key}"}
    answer = await bender.client.get("/bots/me/events", headers=headers)
    assert (answer.status, answer.headers["Retry-After"]) == (429, "30")


async def idle(server: TestServer, bender: Bender, last: int) -> socket.socket:
    """A line whose reader asked for everything after `last` and takes nothing of it."""
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    line.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(line, ("127.0.0.1", server.port))
    head = (
        "GET /bots/me/events HTTP/1.0\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {bender.key}\r\nLast-Event-ID: {last}\r\n\r\n"
    )
    await loop.sock_sendall(line, head.encode())
    return line


async def rest_of(line: socket.socket) -> bytes:
    """All that still comes; a line that was cut has no more."""
    loop = asyncio.get_running_loop()
    read = b""
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(HEARS):
            while some := await loop.sock_recv(line, 65_536):
                read += some
    line.close()
    return read


LOUD = 38
WORDS = "@Bender " + "loud " * 2_500


async def test_who_reads_nothing_is_let_go_and_little_was_kept_for_them(
    bender: Bender,
    server: TestServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "campfire.live.streams")
    monkeypatch.setattr(streams, "PATIENCE", 2.0)
    for _ in range(LOUD):
        await bender.db.write(say, WORDS)
    line = await idle(server, bender, 0)
    reader = await bender.listen("0")
    for _ in range(LOUD):
        await reader.told()
    async with asyncio.timeout(HEARS):
        while "stream closed" not in caplog.text:
            await asyncio.sleep(0.01)
    # What it was sent has room in the buffers of a line; then it was cut.
    assert (await rest_of(line)).count(b"\nid: ") < LOUD / 2


async def put_out(bender: Bender) -> None:
    await bender.db.write(memberships.revoke, ALL_PETS, [bender.id])


async def unsaid(bender: Bender) -> None:
    def remove(tx: Tx) -> None:
        for (message_id,) in tx.rows("SELECT id FROM messages"):
            messages.remove(tx, DAVID, ALL_PETS, message_id)

    await bender.db.write(remove)


@pytest.mark.parametrize("act", [put_out, unsaid])
async def test_what_it_may_not_hear_any_more_is_not_sent_late(
    bender: Bender,
    server: TestServer,
    monkeypatch: pytest.MonkeyPatch,
    act: Callable[[Bender], Awaitable[None]],
) -> None:
    """Not even what was read from the database before that."""
    monkeypatch.setattr(streams, "HEARTBEAT", 0.01)
    for _ in range(LOUD):
        await bender.db.write(say, WORDS)
    line = await idle(server, bender, 0)
    loop = asyncio.get_running_loop()
    begun = await loop.sock_recv(line, 4_096)
    while b"loud" not in begun:
        begun += await loop.sock_recv(line, 4_096)
    await act(bender)
    read = begun
    async with asyncio.timeout(HEARS):
        while not read.endswith(b"\n:\n\n:\n\n"):
            read += await loop.sock_recv(line, 65_536)
    line.close()
    assert 0 < read.count(b"\nid: ") < LOUD / 2


def say(tx: Tx, body: str) -> None:
    people = memberships.mentionable(tx, JZ, ALL_PETS)
    draft = richtext.draft(body, people)
    messages.post(tx, JZ, ALL_PETS, draft, messages.client_message_id(None))
