"""Between backups: any moment comes back as it was, or is refused with a reason."""

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import apsw
import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from campfire import app, archive, backups, database, moments
from campfire.archive import Archive
from campfire.chat import messages, richtext
from campfire.chat.files import Stored, discarded, forget
from campfire.config import Config
from campfire.database import Database, Tx, Unusable, applied
from campfire.outside import vapid
from campfire.outside.client import Client
from campfire.storage import Storage
from campfire.web.keys import DB
from tests.conftest import DAVID, JZ, VAPID_KEYS, WATERCOOLER, set_the_stage

START = 1_795_000_000_000
SECOND = 1_000


class Clock:
    """The time that commits are noted with, set by the test."""

    def __init__(self) -> None:
        self.now = START


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(archive, "now", lambda: clock.now)
    return clock


class Server:
    """A database with its archive, as the application puts them together."""

    def __init__(self, data: Path, clock: Clock) -> None:
        self.data = data
        self.clock = clock
        self.folder = data / "backups" / archive.FOLDER
        self.posted: list[tuple[int, str]] = []

    def start(self) -> None:
        self.db = Database(self.data / backups.FILE)
        self.archive = self.db.archive = Archive(self.db.path, self.folder)

    async def stop(self) -> None:
        await self.db.close()

    def leave(self) -> None:
        """Stops archiving as a process does that is killed."""
        self.archive._stopping = True
        self.archive._waking.set()
        self.archive._thread.join()
        self.archive._release()
        self.db.archive = None

    async def post(self, times: int = 1) -> None:
        """One message in each second."""
        for _ in range(times):
            self.clock.now += SECOND
            body = f"{len(self.posted)} {'word ' * 400}"
            await self.db.write(said, body)
            self.posted.append((self.clock.now, body))

    async def back_up(self, name: str = "backup") -> Path:
        path = self.data / "backups" / name
        await asyncio.to_thread(backups.made, self.data, path)
        return path

    def bodies(self, until: int) -> list[str]:
        return [body for made, body in self.posted if made <= until]


def said(tx: Tx, body: str) -> None:
    messages.post(tx, JZ, WATERCOOLER, richtext.draft(body), str(hash(body)), [])


def sources(data: Path) -> list[str]:
    with apsw.Connection(str(data / backups.FILE)) as connection:
        rows = connection.execute("SELECT source FROM messages ORDER BY id").fetchall()
    return [str(source).strip() for (source,) in rows]


def found(data: Path) -> int:
    """How many messages a search finds."""
    with apsw.Connection(str(data / backups.FILE)) as connection:
        (count,) = next(
            connection.execute(
                "SELECT count(*) FROM messages_words WHERE messages_words MATCH 'word'"
            )
        )
    return int(count)


@pytest.fixture
async def server(tmp_path: Path, clock: Clock) -> AsyncIterator[Server]:
    data = tmp_path / "data"
    data.mkdir()
    applied(data / backups.FILE, set_the_stage)
    server = Server(data, clock)
    server.start()
    await server.post(2)
    yield server
    await server.stop()


Restore = Callable[..., list[str]]


@pytest.fixture
def restore(tmp_path: Path, server: Server) -> Restore:
    def restore(backup: Path, wanted: int, folder: Path | None = None) -> list[str]:
        data = tmp_path / f"restored-{len(list(tmp_path.iterdir()))}"
        backups.restored(backup, data, folder or server.folder, wanted)
        return sources(data)

    return restore


def expected(server: Server, until: int) -> list[str]:
    return [body.strip() for body in server.bodies(until)]


async def test_every_second_comes_back_while_the_log_is_moved(
    server: Server, restore: Restore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "CHECKPOINT_PAGES", 20)
    backup = await server.back_up()
    await server.post(40)
    monkeypatch.setattr(database, "BACKSTOP_PAGES", 30)
    await server.post(10)
    await asyncio.to_thread(server.archive.move)
    logs = {r.salts for p in archive.files(server.folder) for r, _ in archive.heads(p)}
    assert len(logs) > 1, "the log began anew"
    for made, _ in server.posted[2:50:7]:
        for wanted in (made - 1, made, made + SECOND // 2):
            if wanted >= server.posted[1][0]:
                assert restore(backup, wanted) == expected(server, wanted)
    assert restore(backup, server.posted[-1][0]) == expected(server, server.clock.now)


async def test_what_the_archive_does_not_cover_is_refused(
    server: Server, restore: Restore
) -> None:
    backup = await server.back_up()
    await server.post(3)
    await asyncio.to_thread(server.archive.move)
    first, last = server.posted[1][0], server.posted[-1][0]
    covers = re.escape(f"from {moments.said(first)} to {moments.said(last)}.")
    for wanted in (first - 1, last + 1):
        with pytest.raises(Unusable, match=covers):
            restore(backup, wanted)
    server.clock.now += 60 * SECOND
    await asyncio.to_thread(server.archive.move)
    assert restore(backup, last + 60 * SECOND) == expected(server, last)


async def test_a_restart_and_a_crash_leave_no_gap(
    server: Server, restore: Restore
) -> None:
    backup = await server.back_up()
    await server.post(3)
    begun = server.archive.begun
    await server.stop()
    server.start()
    assert server.archive.begun == begun
    await server.post(3)
    await asyncio.to_thread(server.archive.look)
    copied, crashed = server.clock.now, server.db
    server.leave()
    await server.post(2)  # Nobody has copied these when the process ends.
    server.start()
    assert server.archive.begun == begun
    again = server.clock.now
    await server.post(3)
    await asyncio.to_thread(server.archive.look)
    for made, _ in server.posted[2:]:
        if copied < made < again:
            with pytest.raises(Unusable, match="has no time of its own"):
                restore(backup, made)
        else:
            assert restore(backup, made) == expected(server, made)
    await crashed.close()


async def test_what_was_written_while_nobody_looked_is_a_gap(
    server: Server, restore: Restore
) -> None:
    backup = await server.back_up()
    await server.post(3)
    last = server.clock.now
    await server.stop()
    applied(server.db.path, said, "by another program")
    server.clock.now += SECOND
    server.start()
    assert server.archive.begun == server.clock.now, "a backup is wanted"
    await server.post(2)
    await asyncio.to_thread(server.archive.move)
    assert restore(backup, last) == expected(server, last)
    with pytest.raises(Unusable, match="something is missing or damaged"):
        restore(backup, server.clock.now)
    later = await server.back_up("later")
    assert len(restore(later, server.clock.now)) == 8


async def test_another_program_may_write_while_the_server_runs(
    server: Server, restore: Restore
) -> None:
    backup = await server.back_up()
    await server.post()
    posted = server.clock.now
    server.clock.now += SECOND
    await asyncio.to_thread(applied, server.db.path, said, "by another program")
    await asyncio.to_thread(server.archive.move)
    between = server.clock.now
    await server.post()
    await asyncio.to_thread(server.archive.move)
    assert restore(backup, between)[-1] == "by another program"
    assert restore(backup, posted) == expected(server, posted)
    with pytest.raises(Unusable, match="has no time of its own"):
        restore(backup, between - 1)
    assert len(restore(backup, server.clock.now)) == 5


@pytest.mark.parametrize("damage", ["bytes", "head", "missing"])
async def test_it_ends_where_it_is_damaged(
    server: Server, restore: Restore, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "LARGEST", 1)
    backup = await server.back_up()
    for _ in range(6):
        await server.post()
        await asyncio.to_thread(server.archive.move)
    victim = archive.files(server.folder)[-3]
    ((record, at),) = archive.heads(victim)
    data = bytearray(victim.read_bytes())
    data[at + 5 if damage == "bytes" else 80] ^= 1
    victim.unlink() if damage == "missing" else victim.write_bytes(data)
    before = record.commits[0][2] - 1
    assert restore(backup, before - SECOND + 1) == expected(server, before)
    with pytest.raises(Unusable, match="something is missing or damaged"):
        restore(backup, server.clock.now)


async def test_an_archive_of_another_server_is_refused(
    server: Server, restore: Restore, tmp_path: Path, clock: Clock
) -> None:
    backup = await server.back_up()
    data = tmp_path / "other"
    data.mkdir()
    applied(data / backups.FILE, set_the_stage)
    other = Server(data, clock)
    other.start()
    await other.post(3)
    await other.stop()
    with pytest.raises(Unusable, match="does not hold what followed this backup"):
        restore(backup, clock.now, other.folder)


async def test_a_backup_without_a_server_has_no_archive(
    server: Server, restore: Restore
) -> None:
    await server.stop()
    backup = await server.back_up()
    server.start()
    with pytest.raises(Unusable, match="kept no log"):
        restore(backup, server.clock.now)


async def test_trouble_stops_nobody_and_begins_another_chain(
    server: Server, restore: Restore, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = await server.back_up()
    await server.post()
    await asyncio.to_thread(server.archive.move)
    last = server.clock.now
    monkeypatch.setattr(database, "LEAST_FREE", 1 << 62)
    monkeypatch.setattr(database.Database, "_with_room", lambda self, jobs: jobs)
    monkeypatch.setattr(database, "BACKSTOP_PAGES", 30)
    await server.post(10)
    assert not await asyncio.to_thread(server.archive.move)
    assert server.archive.fault is not None
    assert server.db.wal_bytes() < 80 * 4_200, "or 869 kB of ten"
    monkeypatch.undo()
    monkeypatch.setattr(archive, "now", lambda: server.clock.now)
    assert await asyncio.to_thread(server.archive.move)
    assert server.archive.begun == server.clock.now
    assert restore(backup, last) == expected(server, last)
    with pytest.raises(Unusable, match="missing or damaged"):
        restore(backup, server.clock.now)


async def test_files_come_back_that_were_sent_and_removed_since(
    server: Server, tmp_path: Path
) -> None:
    storage = Storage(server.data / "files", server.folder / "files")
    backup = await server.back_up()
    server.clock.now += SECOND
    incoming = storage.incoming()
    incoming.write(b"picture")
    key = storage.keep(incoming, b"small")
    file = Stored(
        *(key, "a.png", "image/png", incoming.size, incoming.sha256),
        *(1, 1),
        has_thumbnail=True,
    )
    draft = richtext.draft("", may_be_empty=True)
    posted, *_ = await server.db.write(
        messages.post, JZ, WATERCOOLER, draft, key, [file]
    )
    await asyncio.to_thread(server.archive.move)
    sent = server.clock.now
    server.clock.now += SECOND
    await server.db.write(messages.remove, DAVID, WATERCOOLER, posted.id)
    await server.db.write(messages.sweep, 0)
    (gone,) = await server.db.read(discarded)
    storage.discard(gone)
    await server.db.write(forget, [gone])
    await asyncio.to_thread(server.archive.move)
    for wanted, contents in ((sent, {b"picture", b"small"}), (server.clock.now, set())):
        data = tmp_path / str(wanted)
        backups.restored(backup, data, server.folder, wanted)
        kept = [path for path in (data / "files").rglob("*") if path.is_file()]
        assert {path.read_bytes() for path in kept} == contents


async def test_it_forgets_with_the_backups(
    server: Server, restore: Restore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "LARGEST", 1)
    monkeypatch.setattr(database, "BACKSTOP_PAGES", 10)
    await server.back_up("old")
    await server.post(10)
    await asyncio.to_thread(server.archive.move)
    await server.post()
    new = await server.back_up("new")
    await server.post(5)
    await asyncio.to_thread(server.archive.move)
    before = len(archive.files(server.folder))
    log = backups.read(new).log
    assert log is not None
    server.archive.prune({(log[0], log[1])}, 0)
    assert 0 < len(archive.files(server.folder)) < before
    assert restore(new, server.clock.now) == expected(server, server.clock.now)


async def test_the_server_keeps_one_when_it_is_asked_to(tmp_path: Path) -> None:
    config = Config(data=tmp_path, password_cost=4, archive=True)
    vapid.keep(tmp_path / app.PUSH_KEYS, VAPID_KEYS)
    server = TestServer(await app.create(config, Client(lookup=lambda name: [])))
    await server.start_server()
    assert server.app is not None
    await server.app[DB].write(set_the_stage)
    async with ClientSession() as client:
        text = await (await client.get(server.make_url("/metrics"))).text()
    assert "campfire_archive_failed 0.0" in text
    assert "campfire_archive_timestamp_seconds" in text
    await server.close()
    last = [
        record
        for path in archive.files(tmp_path / "backups" / archive.FOLDER)
        for record, _ in archive.heads(path)
    ][-1]
    assert last.file == archive.identity(tmp_path / backups.FILE)


KILLED = """
import asyncio, pathlib, sys
from campfire import archive, database
from campfire.archive import Archive
from tests.test_archive import said
database.CHECKPOINT_PAGES = 30
async def main(path):
    db = database.Database(path)
    db.archive = Archive(path, path.parent / "backups" / "archive")
    for number in range(100_000):
        await db.write(said, f"{number} by a process " + "word " * 200)
        made = archive.now()
        print(number, made, flush=True)
        while archive.now() == made:
            pass
        if number == 5 and not sys.stdin.readline():
            return
asyncio.run(main(pathlib.Path(sys.argv[1])))
"""


async def test_a_process_that_is_killed_loses_no_second(tmp_path: Path) -> None:
    path = tmp_path / "data" / backups.FILE
    path.parent.mkdir()
    applied(path, set_the_stage)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", KILLED, str(path)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin and process.stdout
    times: dict[int, int] = {}
    while len(times) < 400:
        number, made = map(int, (await process.stdout.readline()).split())
        times[number] = made
        if number == 5:
            backup = tmp_path / "backup"
            await asyncio.to_thread(backups.made, path.parent, backup)
            process.stdin.write(b"\n")
    process.send_signal(signal.SIGKILL)
    await process.wait()
    server = Server(path.parent, Clock())
    server.start()  # What was not yet copied is in the log still.
    await asyncio.to_thread(server.archive.move)
    await server.stop()
    newest = archive.newest(server.folder)
    assert newest is not None
    for number, wanted in (
        *((number, times[number]) for number in (6, 7, 100)),
        (max(times), newest[1]),
    ):
        data = tmp_path / str(number)
        backups.restored(backup, data, server.folder, wanted)
        there = [int(text.split()[0]) for text in sources(data)]
        # One may have been committed and not yet been said.
        assert there[: number + 1] == [*range(number + 1)]
        assert len(there) == number + 1 or wanted == newest[1] > times[number]
        assert found(data) == len(there)
