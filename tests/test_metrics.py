"""What the numbers say, read as Prometheus reads them."""

import asyncio
import threading
from pathlib import Path

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from prometheus_client.parser import text_string_to_metric_families

from campfire import metrics
from campfire.chat import jobs
from campfire.web.keys import DB
from tests.conftest import ALL_PETS, PASSWORD, SignIn, address
from tests.test_house import ROOT
from tests.web.conftest import posted

Numbers = dict[tuple[str, tuple[str, ...]], float]


async def read(client: ClientSession) -> Numbers:
    response = await client.get("/metrics")
    assert response.status == 200
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(await response.text())
        for sample in family.samples
    }


async def test_what_happened_is_counted(
    server: TestServer, client: ClientSession, sign_in: SignIn
) -> None:
    kevin = await sign_in("Kevin")
    before = await read(client)
    for number in range(3):
        await posted(kevin.client, f"Number {number}")
    assert server.app is not None
    await server.app[DB].write(jobs.add, "tests", "x.example", "1", {})
    assert (await kevin.client.get(f"/rooms/{ALL_PETS}/messages")).status == 200
    assert (await kevin.client.get("/rooms/99/messages")).status == 404
    async with kevin.client.ws_connect("/socket") as line:
        await line.receive()
        now = await read(client)
    route = "/rooms/{room_id}/messages"
    assert now["campfire_requests_total", ("POST", route, "201")] == 3
    assert now["campfire_requests_total", ("GET", route, "200")] == 1
    assert now["campfire_requests_total", ("GET", route, "404")] == 1
    assert now["campfire_request_seconds_count", ("rooms",)] == 5
    changes = "campfire_batch_changes_sum", ()
    assert now[changes] >= before[changes] + 4
    commits = "campfire_commit_seconds_count", ()
    assert 0 < now[commits] - before[commits] <= now[changes] - before[changes]
    assert now["campfire_commit_seconds_sum", ()] > 0
    assert now["campfire_reader_wait_seconds_count", ()] > 0
    assert now["campfire_sockets", ()] == 1
    assert now["campfire_outbox_drops_total", ()] == 0
    assert now["campfire_writer_queue", ()] == 0
    assert now["campfire_wal_bytes", ()] > 0
    assert now["campfire_jobs", ("tests", "waiting")] == 1
    assert 0 <= now["campfire_jobs_oldest_seconds", ("tests", "waiting")] < 60
    assert now["campfire_cache_lookups_total", ("sessions", "hit")] > 0
    assert now["campfire_cache_lookups_total", ("sessions", "miss")] > 0
    for name in (
        *("process_cpu_seconds_total", "process_resident_memory_bytes"),
        *("process_open_fds", "process_max_fds", "campfire_database_bytes"),
        *("campfire_disk_free_bytes", "campfire_disk_bytes"),
        *("campfire_tasks", "campfire_threads"),
    ):
        assert now[name, ()] > 0, name
    assert now["campfire_backup_timestamp_seconds", ()] == 0
    assert ("campfire_archive_failed", ()) not in now


async def test_numbers_are_read_while_the_readers_are_stuck(
    server: TestServer, client: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "PATIENCE", 0.05)
    assert server.app is not None
    db, free = server.app[DB], threading.Event()
    stuck = [asyncio.create_task(db.read(lambda reads: free.wait())) for _ in "ab"]
    now = await read(client)
    assert now["campfire_writer_queue", ()] == 0
    assert not [name for name, _ in now if name == "campfire_jobs"]
    free.set()
    await asyncio.gather(*stuck)


async def test_there_are_few_whatever_is_asked_and_they_name_nobody(
    server: TestServer, client: ClientSession, sign_in: SignIn
) -> None:
    """Every route there is, by several people, with several answers."""
    assert server.app is not None
    kevin, david = await sign_in("Kevin"), await sign_in("David")
    secret = "marshmallows"
    words = {"email_address": address("Kevin"), "password": PASSWORD + secret}
    await client.post("/session", json=words)
    await posted(kevin.client, secret)
    for resource in server.app.router.resources():
        path = resource.canonical
        for name in ("1", secret):
            given = path
            while "{" in given:
                start, _, rest = given.partition("{")
                given = start + name + rest.partition("}")[2]
            if given in ("/socket", "/session/end"):
                continue
            for person in (client, kevin.client):
                for method in ("GET", "PUT", "DELETE", "OPTIONS"):
                    async with asyncio.timeout(10):
                        await person.request(method, given, allow_redirects=False)
    response = await david.client.get("/metrics")
    text = await response.text()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert 150 < len(lines) < 500
    for private in (secret, PASSWORD, "37signals", "Kevin", kevin.token, "127.0.0.1"):
        assert private not in text


async def test_papers_name_every_number(client: ClientSession) -> None:
    text = await (await client.get("/metrics")).text()
    names = {line.split()[2] for line in text.splitlines() if line.startswith("# HELP")}
    names = {name.removesuffix("_created") for name in names}
    assert "campfire_commit_seconds" in names
    paper = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    assert {name for name in names if f"`{name}`" not in paper} == set()
    board = Path(ROOT / "docs" / "grafana.json").read_text(encoding="utf-8")
    ours = {name for name in names if name.startswith("campfire_")}
    shown = {name for name in ours if name in board}
    assert ours - shown <= {"campfire_info", "campfire_scrape_seconds"}
