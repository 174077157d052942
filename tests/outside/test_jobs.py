"""The runner: what is due runs, one receiver delays nobody, and nothing is lost."""

import asyncio
import os
import signal
import sys
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from campfire.chat import jobs
from campfire.chat.jobs import Job
from campfire.database import Database, Event, connect, migrate
from campfire.outside import jobs as module
from campfire.outside.jobs import Kind, Runner

HEARS = 10.0


@asynccontextmanager
async def running(
    db: Database,
    handle: Callable[[Job], Awaitable[None]],
    *,
    most: int = 4,
    each: int = 1,
    patience: float = 5.0,
) -> AsyncIterator[Runner]:
    runner = Runner(db, {"push": Kind(handle, most, each, patience)})
    publish = db.publish

    def hear(event: Event) -> None:
        publish(event)
        runner.hear(event)

    db.publish = hear
    yield runner
    await runner.close()
    db.publish = publish


async def add(db: Database, *keys: str, destination: str = "one") -> None:
    for key in keys:
        await db.write(jobs.add, "push", destination, key, {})


async def left(db: Database) -> list[str]:
    return [key for (key,) in await db.read(lambda db: db.rows("SELECT key FROM jobs"))]


async def gone(db: Database) -> None:
    async with asyncio.timeout(HEARS):
        while await left(db):
            await asyncio.sleep(0.01)


async def test_what_is_added_runs_at_once_and_is_gone(db: Database) -> None:
    ran: list[str] = []

    async def handle(job: Job) -> None:
        ran.append(job.key)
        await db.write(jobs.done, job)

    async with running(db, handle):
        await add(db, "a", "b", "c")
        await gone(db)
    assert ran == ["a", "b", "c"]


async def test_what_was_there_before_the_start_runs(db: Database) -> None:
    await add(db, "a", "b")
    await db.write(
        lambda tx: jobs.lease(tx, "push", jobs.clock(), most=1, each=1, lasts=10**9)
    )

    async def handle(job: Job) -> None:
        await db.write(jobs.done, job)

    async with running(db, handle):
        await gone(db)


async def test_a_receiver_that_says_nothing_delays_nobody(db: Database) -> None:
    never, under_way = asyncio.Event(), 0
    most_under_way = 0

    async def handle(job: Job) -> None:
        nonlocal under_way, most_under_way
        if job.destination == "dead":
            under_way += 1
            most_under_way = max(most_under_way, under_way)
            await never.wait()
        await db.write(jobs.done, job)

    async with running(db, handle, most=3, each=2):
        await add(db, *(f"dead-{number}" for number in range(20)), destination="dead")
        alive = [f"alive-{number}" for number in range(20)]
        await add(db, *alive, destination="alive")
        async with asyncio.timeout(HEARS):
            while set(await left(db)) & set(alive):
                await asyncio.sleep(0.01)
        assert most_under_way == 2
        never.set()
        await gone(db)


async def test_what_fails_is_tried_again_and_dies_in_the_end(
    db: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(jobs, "FIRST_DELAY", 2)
    tries: list[int] = []

    async def handle(job: Job) -> None:
        tries.append(job.attempts)
        raise ArithmeticError

    async with running(db, handle):
        await add(db, "a")
        async with asyncio.timeout(HEARS):
            while (
                await db.read(lambda db: db.value("SELECT state FROM jobs")) != "dead"
            ):
                await asyncio.sleep(0.01)
    assert tries == [0, 1, 2, 3, 4]
    assert await db.read(lambda db: db.value("SELECT fault FROM jobs")) == (
        "ArithmeticError"
    )
    assert caplog.messages.count("job failed") == 5


async def test_what_takes_too_long_is_stopped(db: Database) -> None:
    stopped = asyncio.Event()

    async def handle(job: Job) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async with running(db, handle, patience=0.02):
        await add(db, "a")
        async with asyncio.timeout(HEARS):
            await stopped.wait()
            while not (
                fault := await db.read(lambda db: db.value("SELECT fault FROM jobs"))
            ):
                await asyncio.sleep(0.01)
    assert fault == "timeout"


async def test_what_is_withdrawn_meanwhile_is_nobodys_fault(
    db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def handle(job: Job) -> None:
        begun.set()
        await go_on.wait()
        await db.write(jobs.done, job)

    async with running(db, handle):
        await add(db, "1:a")
        await begun.wait()
        await db.write(jobs.withdraw, "push", "1:")
        go_on.set()
    assert await left(db) == []
    assert caplog.messages == []


async def test_the_end_waits_a_moment_and_not_longer(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STOPPING_TAKES", 0.05)
    begun = asyncio.Event()
    soon = asyncio.Event()

    async def handle(job: Job) -> None:
        if job.key == "never":
            begun.set()
            await asyncio.Event().wait()
        await soon.wait()
        await db.write(jobs.done, job)

    async with running(db, handle, each=2):
        await add(db, "soon", "never")
        await begun.wait()
        soon.set()
    assert await left(db) == ["never"]


STORM = """
    import asyncio, sys
    from pathlib import Path
    from campfire.chat import jobs
    from campfire.database import Database
    from campfire.outside.jobs import Kind, Runner

    async def main(path, log):
        db = Database(Path(path))
        async def handle(job):
            with open(log, "a") as file:
                file.write(job.key + "\\n")
            await db.write(jobs.done, job)
        runner = Runner(db, {"push": Kind(handle, 4, 2, 5.0)})
        print("up", flush=True)
        await asyncio.Event().wait()

    asyncio.run(main(*sys.argv[1:]))
"""


async def test_nothing_is_lost_when_the_process_is_killed_again_and_again(
    tmp_path: Path,
) -> None:
    path, log = tmp_path / "campfire.sqlite3", tmp_path / "delivered"
    connection = connect(path)
    migrate(connection, path)
    wanted = {f"{number}" for number in range(600)}
    with connection:
        connection.executemany(
            """INSERT INTO jobs (kind, destination, key, payload, due_at, created_at)
               VALUES ('push', ?, ?, '{}', 0, 0)""",
            ((f"{int(key) % 7}", key) for key in sorted(wanted)),
        )
    kills = 0
    async with asyncio.timeout(45):
        while connection.execute("SELECT count(*) FROM jobs").get:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", textwrap.dedent(STORM), str(path), str(log)),
                stdout=asyncio.subprocess.PIPE,
            )
            assert process.stdout is not None
            await process.stdout.readline()
            before = connection.execute("SELECT count(*) FROM jobs").get
            while connection.execute("SELECT count(*) FROM jobs").get > before - 100:
                if not connection.execute("SELECT count(*) FROM jobs").get:
                    break
                await asyncio.sleep(0.001)
            os.kill(process.pid, signal.SIGKILL)
            await process.wait()
            kills += 1
    connection.close()
    delivered = log.read_text().split()
    assert kills > 3
    assert set(delivered) == wanted
    assert len(delivered) - len(wanted) <= 4 * kills, "no more than were under way"


async def test_whoever_watches_is_told_when_it_has_stopped(db: Database) -> None:
    async def handle(job: Job) -> None:
        raise AssertionError(job)

    async with running(db, handle) as runner:
        assert runner.state() == "ok"
    assert runner.state() == "stopped"
