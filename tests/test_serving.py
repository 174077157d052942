"""`campfire serve` as its operator sees it: a process, its words, its exit, its files.

Nothing here is in the process of the tests, and nothing is killed politely.
"""

import asyncio
import contextlib
import json
import os
import random
import resource
import signal
import ssl
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import apsw
import pytest
from aiohttp import ClientError, ClientSession, DummyCookieJar, WSMsgType

from campfire.__main__ import main
from campfire.database import migrations
from campfire.web.protocol import SAID_EVERY
from tests.samples import certificate

JSON = {"Accept": "application/json"}
DAVID = {
    "name": "David",
    "email_address": "david@37signals.example",
    "password": "correct horse battery",
}
SECONDS = 30.0


@dataclass
class Process:
    """A server of its own; `words` is what it has said on standard output."""

    process: asyncio.subprocess.Process
    words: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def end(self, number: signal.Signals | None = None) -> int:
        """Its exit code, after this signal or by itself."""
        if number is not None:
            self.process.send_signal(number)
        async with asyncio.timeout(SECONDS):
            await asyncio.gather(*self.listening)
            return await self.process.wait()

    def listen(self) -> None:
        async def hear(stream: asyncio.StreamReader | None, heard: list[str]) -> None:
            assert stream is not None
            while line := await stream.readline():
                heard.append(line.decode().rstrip("\n"))
                if heard[-1].startswith("Campfire is at http"):
                    self.port = int(heard[-1].rsplit(":", 1)[1])
                    self.ready.set()
            self.ready.set()

        self.ready = asyncio.Event()
        self.listening = [
            asyncio.create_task(hear(self.process.stdout, self.words)),
            asyncio.create_task(hear(self.process.stderr, self.complaints)),
        ]


Serve = Callable[..., Awaitable[Process]]


@pytest.fixture
async def serve(tmp_path: Path) -> AsyncIterator[Serve]:
    """`await serve()` starts a server on a free port and waits for its ready line."""
    started: list[Process] = []

    async def serve(*more: str, fails: bool = False, **environment: str) -> Process:
        environ = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("CAMPFIRE_")
        }
        arguments = ["--port", "0", "--data", str(tmp_path / "data"), *more]
        process = Process(
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "campfire", "serve", *arguments),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=environ | environment,
            )
        )
        started.append(process)
        process.listen()
        if not fails:
            async with asyncio.timeout(SECONDS):
                await process.ready.wait()
            assert process.port, process.complaints
        return process

    yield serve
    for process in started:
        if process.process.returncode is None:
            await process.end(signal.SIGKILL)


@pytest.fixture
async def client() -> AsyncIterator[ClientSession]:
    async with ClientSession(headers=JSON, cookie_jar=DummyCookieJar()) as client:
        yield client


async def begun(client: ClientSession, server: Process) -> dict[str, str]:
    """First run; answers with the headers of who is signed in."""
    response = await client.post(f"{server.url}/first_run", json=DAVID)
    assert response.status == 201, await response.text()
    return {"Authorization": f"Bearer {(await response.json())['token']}"}


# Starting and stopping


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_says_where_it_is_and_stops_when_told(
    serve: Serve, client: ClientSession, tmp_path: Path, number: signal.Signals
) -> None:
    server = await serve()
    assert [line for line in server.words if "http" in line] == [
        f"Campfire is at {server.url}"
    ]
    assert (await client.get(f"{server.url}/health")).status == 200
    proof = await begun(client, server)
    posted = await client.post(
        f"{server.url}/rooms/1/messages", json={"body": "Kept"}, headers=proof
    )
    assert posted.status == 201
    assert await server.end(number) == 0
    assert server.complaints == []
    left = {path.name for path in (tmp_path / "data").iterdir()}
    assert not [name for name in left if name.endswith(("-wal", "-shm"))]
    again = await serve()
    shown = await client.get(f"{again.url}/rooms/1/messages", headers=proof)
    assert [message["body"]["source"] for message in await shown.json()] == ["Kept"]


async def test_its_folder_is_for_nobody_else(serve: Serve, tmp_path: Path) -> None:
    await serve()
    data = tmp_path / "data"
    assert data.stat().st_mode & 0o077 == 0
    for path in data.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path.name


async def test_it_stops_while_sockets_are_open(
    serve: Serve, client: ClientSession
) -> None:
    server = await serve()
    proof = await begun(client, server)
    lines = [
        await client.ws_connect(f"{server.url}/socket", headers=proof) for _ in range(5)
    ]
    for line in lines:
        assert json.loads((await line.receive()).data)["event"] == "welcome"

    async def code(number: int) -> int | None:
        while (await lines[number].receive()).type is WSMsgType.TEXT:
            pass
        return lines[number].close_code

    codes = asyncio.gather(*map(code, range(5)))
    assert await server.end(signal.SIGTERM) == 0
    assert await codes == [1001] * 5


async def test_what_was_begun_is_finished_when_it_stops(
    serve: Serve, client: ClientSession
) -> None:
    server = await serve(CAMPFIRE_RATE_LIMITS="off")
    proof = await begun(client, server)
    acknowledged: list[int] = []
    enough = asyncio.Event()

    async def post() -> None:
        with contextlib.suppress(ClientError):
            while True:
                response = await client.post(
                    f"{server.url}/rooms/1/messages", json={"body": "x"}, headers=proof
                )
                if response.status != 201:
                    assert response.status == 503
                    return
                acknowledged.append((await response.json())["id"])
                if len(acknowledged) > 50:
                    enough.set()

    posting = [asyncio.create_task(post()) for _ in range(8)]
    await enough.wait()
    assert await server.end(signal.SIGTERM) == 0
    await asyncio.gather(*posting)
    again = await serve()
    room = await client.get(f"{again.url}/rooms/1", headers=proof)
    assert (await room.json())["seq"] >= len(set(acknowledged)) == len(acknowledged)


# Refusing to start


async def refusal(server: Process) -> str:
    assert await server.end() == 1
    assert server.port == 0
    (line,) = server.complaints
    return line


async def test_a_port_in_use_is_one_line(serve: Serve, tmp_path: Path) -> None:
    first = await serve()
    second = await serve(
        *("--port", str(first.port), "--data", str(tmp_path / "other")), fails=True
    )
    assert "address already in use" in await refusal(second)


async def test_a_second_server_on_the_same_folder_is_refused(
    serve: Serve, client: ClientSession
) -> None:
    first = await serve()
    second = await serve(fails=True)
    assert "Another Campfire is running" in await refusal(second)
    assert (await client.get(f"{first.url}/ready")).status == 200


async def test_a_setting_nobody_knows_names_the_nearest(serve: Serve) -> None:
    server = await serve(fails=True, CAMPFIRE_PROT="80")
    assert await refusal(server) == (
        "campfire: CAMPFIRE_PROT is not a setting; did you mean CAMPFIRE_PORT?"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("CAMPFIRE_RATE_LIMITS", "no"), ("CAMPFIRE_LOG_FORMAT", "xml")),
        *(("CAMPFIRE_ORIGIN", "chat.example"), ("CAMPFIRE_TRUSTED_PROXIES", "x")),
    ],
)
async def test_a_setting_that_makes_no_sense_is_one_line(
    serve: Serve, name: str, value: str
) -> None:
    assert name in await refusal(await serve(fails=True, **{name: value}))


async def test_a_newer_database_is_refused_untouched(
    serve: Serve, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    database = apsw.Connection(str(data / "campfire.sqlite3"))
    database.pragma("journal_mode", "wal")
    database.pragma("user_version", migrations()[-1][0] + 1)
    database.close()
    before = (data / "campfire.sqlite3").read_bytes()
    assert "newer Campfire" in await refusal(await serve(fails=True))
    assert (data / "campfire.sqlite3").read_bytes() == before


async def test_what_is_no_database_or_no_folder_is_one_line(
    serve: Serve, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "campfire.sqlite3").write_bytes(b"not a database" * 100)
    assert "not a database" in await refusal(await serve(fails=True))
    (tmp_path / "file").write_text("x")
    elsewhere = await serve("--data", str(tmp_path / "file"), fails=True)
    assert str(tmp_path / "file") in await refusal(elsewhere)


def test_a_command_nobody_knows_is_explained(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for arguments in ([], ["dance"], ["serve", "--port", "x"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2
        assert "usage: campfire" in capsys.readouterr().err


# Words


async def test_logs_say_nothing_that_anybody_wrote(
    serve: Serve, client: ClientSession
) -> None:
    server = await serve(CAMPFIRE_LOG_FORMAT="json")
    proof = await begun(client, server)
    account = await client.get(f"{server.url}/account", headers=proof)
    code = (await account.json())["join_url"].rsplit("/", 1)[1]
    await client.post(f"{server.url}/join/{code}", json={"name": "Whatever I wrote"})
    await client.post(
        f"{server.url}/rooms/1/messages",
        json={"body": "Whatever I wrote"},
        headers=proof,
    )
    await client.get(f"{server.url}/rooms/9?q=Whatever", headers=proof)
    await client.post(f"{server.url}/session", json=DAVID | {"password": "Whatever"})
    assert await server.end(signal.SIGTERM) == 0
    lines = [json.loads(line) for line in server.words if line.startswith("{")]
    assert len(lines) == len(server.words) - 1, "each line but the first is an object"
    requests = [line for line in lines if line["event"] == "request"]
    assert len({line["request_id"] for line in requests}) == len(requests) >= 3
    said = "\n".join(server.words)
    for secret in (
        *(DAVID["password"], DAVID["email_address"], "Whatever", code),
        proof["Authorization"].removeprefix("Bearer "),
    ):
        assert secret not in said


# Killing


async def test_what_was_acknowledged_survives_being_killed_in_the_middle(
    serve: Serve, client: ClientSession, tmp_path: Path
) -> None:
    """Five times: posters flat out, SIGKILL, and what was in doubt is sent again."""
    dice = random.Random(9)
    server = await serve(CAMPFIRE_RATE_LIMITS="off")
    proof = await begun(client, server)
    acknowledged: dict[str, int] = {}
    in_doubt: dict[str, str] = {}
    bodies: dict[str, str] = {}

    async def post(client_id: str) -> int:
        response = await client.post(
            f"{server.url}/rooms/1/messages",
            json={"body": bodies[client_id], "client_message_id": client_id},
            headers=proof,
        )
        message = await response.json()
        acknowledged[client_id] = message["id"]
        in_doubt.pop(client_id, None)
        return response.status

    for cycle in range(5):
        kill_after = len(acknowledged) + dice.randrange(100, 300)
        enough = asyncio.Event()

        async def poster(name: str) -> None:
            with contextlib.suppress(ClientError):
                for number in range(10_000):
                    client_id = f"{name}.{number}"
                    bodies[client_id] = f"unique{name}x{number} of the fire"
                    in_doubt[client_id] = name
                    assert await post(client_id) == 201
                    if len(acknowledged) >= kill_after:
                        enough.set()

        posting = [asyncio.create_task(poster(f"c{cycle}p{n}")) for n in range(8)]
        await enough.wait()
        assert await server.end(signal.SIGKILL) == -signal.SIGKILL
        await asyncio.gather(*posting)
        assert in_doubt, "somebody must have been waiting for this to mean anything"
        server = await serve(CAMPFIRE_RATE_LIMITS="off")
        assert {await post(client_id) for client_id in list(in_doubt)} <= {200, 201}
    assert await server.end(signal.SIGTERM) == 0

    database = apsw.Connection(
        str(tmp_path / "data" / "campfire.sqlite3"), flags=apsw.SQLITE_OPEN_READONLY
    )
    kept = database.execute(
        "SELECT client_message_id, id, source, seq FROM messages ORDER BY id"
    ).fetchall()
    assert {client_id: id for client_id, id, _, _ in kept} == acknowledged
    assert len(kept) == len(acknowledged)
    assert all(bodies[str(client_id)] == source for client_id, _, source, _ in kept)
    assert [seq for *_, seq in kept] == list(range(1, len(kept) + 1))
    for client_id, id, source, _ in kept:
        word, *_ = str(source).split()
        found = database.execute(
            "SELECT rowid FROM messages_words WHERE messages_words MATCH ?", (word,)
        ).fetchall()
        assert found == [(id,)], client_id
    assert database.pragma("integrity_check") == "ok"
    database.close()


async def test_more_connections_than_descriptors_are_turned_away_and_it_goes_on(
    serve: Serve, client: ClientSession
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        server = await serve()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    writers: list[asyncio.StreamWriter] = []
    begun = time.monotonic()

    async def ask() -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writers.append(writer)
        writer.write(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        async with asyncio.timeout(SECONDS):
            return (await reader.readline()).split()[1].decode()

    answers = [await ask() for _ in range(256 - 64)]
    assert set(answers) == {"200"}
    assert {await ask() for _ in range(300)} == {"503"}

    async def hang_up() -> None:
        while writers:
            writer = writers.pop()
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    await hang_up()
    async with asyncio.timeout(SECONDS):
        while await ask() != "200":
            await hang_up()
    await hang_up()
    assert (await client.get(f"{server.url}/ready")).status == 200
    assert await server.end(signal.SIGTERM) == 0
    said = [line for line in server.words if "too many connections" in line]
    assert 1 <= len(said) <= 2 + (time.monotonic() - begun) // SAID_EVERY
    assert not [line for line in server.words if "open files" in line]


async def test_it_speaks_tls_and_takes_a_new_certificate_when_told(
    serve: Serve, client: ClientSession, tmp_path: Path
) -> None:
    files = certificate(tmp_path, "chat.example")
    paths = dict(zip(("CAMPFIRE_TLS_CERTIFICATE", "CAMPFIRE_TLS_KEY"), map(str, files)))
    server = await serve(**paths)
    url = server.url.replace("http:", "https:")
    assert server.words[-1] == f"Campfire is at {url}"

    async def shown() -> bytes:
        """The certificate that a new connection is shown."""
        context = ssl.create_default_context(cadata=files[0].read_text())
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        _, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=context)
        shown: bytes = writer.get_extra_info("ssl_object").getpeercert(True)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return shown

    begun = await client.post(f"{url}/first_run", json=DAVID, ssl=False)
    assert begun.status == 201
    assert begun.headers["Set-Cookie"].startswith("__Host-campfire_session=")
    assert "max-age" in begun.headers["Strict-Transport-Security"]
    token = {"Authorization": f"Bearer {(await begun.json())['token']}"}
    async with client.ws_connect(f"{url}/socket", headers=token, ssl=False) as line:
        assert (await line.receive_json())["event"] == "welcome"
        before = await shown()
        certificate(tmp_path, "chat.example")
        server.process.send_signal(signal.SIGHUP)
        async with asyncio.timeout(SECONDS):
            while await shown() == before:
                pass
        await line.send_json({"command": "ping"})
        assert (await line.receive_json())["event"] == "pong"
    with pytest.raises(ClientError):
        await client.get(f"{server.url}/health")
    assert await server.end(signal.SIGTERM) == 0
