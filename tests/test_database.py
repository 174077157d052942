"""The writer, the readers and what they promise each other, on a real file."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import apsw
import pytest

from campfire import database
from campfire.chat import health, rooms
from campfire.database import Database, Event, Reads, Tx, Unusable, connect
from campfire.refusals import Busy, Full, NotFound
from tests.conftest import ALL_PETS, DAVID


@dataclass(frozen=True)
class Written:
    """A line was written."""

    name: ClassVar = "line.written"
    text: str


@pytest.fixture
async def lines(tmp_path: Path, events: list[Event]) -> AsyncIterator[Database]:
    """A database with a table of lines, some of which must follow another."""
    db = Database(tmp_path / "lines.sqlite3", publish=events.append)
    await db.write(create_lines)
    yield db
    await db.close()


def create_lines(tx: Tx) -> None:
    tx.row("""CREATE TABLE lines (
             id INTEGER PRIMARY KEY, text TEXT UNIQUE, follows INTEGER REFERENCES lines
           ) STRICT""")


def write(tx: Tx, text: str) -> int:
    line: int = tx.value("INSERT INTO lines (text) VALUES (?) RETURNING id", (text,))
    tx.announce(Written(text))
    return line


def written(db: Reads) -> list[str]:
    return [text for (text,) in db.rows("SELECT text FROM lines ORDER BY id")]


def on_the_disk(db: Database) -> list[str]:
    """What another process sees."""
    connection = connect(db.path, read_only=True)
    try:
        return written(Reads(connection))
    finally:
        connection.close()


def held(started: threading.Event, go_on: threading.Event) -> Callable[[Tx], None]:
    """A change that keeps the writer busy until it may go on."""

    def hold(tx: Tx) -> None:
        started.set()
        assert go_on.wait(30)

    return hold


class Hold:
    """Keeps the writer busy, so that everything written meanwhile waits together."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.go_on = threading.Event()

    async def __aenter__(self) -> None:
        started = threading.Event()
        self.held = asyncio.create_task(self.db.write(held(started, self.go_on)))
        assert await asyncio.to_thread(started.wait, 30)

    async def __aexit__(self, *raised: object) -> None:
        self.go_on.set()
        await self.held


# Order


async def test_two_hundred_writes_at_once_keep_the_order_of_the_calls(
    lines: Database, events: list[Event]
) -> None:
    texts = [f"line {number}" for number in range(200)]
    answered: list[str] = []

    async def one(text: str) -> int:
        line = await lines.write(write, text)
        answered.append(text)
        return line

    rowids = await asyncio.gather(*map(one, texts))

    assert rowids == list(range(1, 201))
    assert answered == texts
    assert events == [Written(text) for text in texts]
    assert on_the_disk(lines) == texts


async def test_what_waits_together_is_committed_together(lines: Database) -> None:
    async with Hold(lines):
        first = asyncio.create_task(lines.write(write, "first"))
        first.add_done_callback(lambda done: seen.extend(on_the_disk(lines)))
        seen: list[str] = []
        others = [asyncio.create_task(lines.write(write, text)) for text in "abc"]
        await asyncio.sleep(0)
        assert lines.waiting == 4
    await asyncio.gather(first, *others)
    assert seen == ["first", "a", "b", "c"]


async def test_a_batch_has_an_end(lines: Database) -> None:
    async with Hold(lines):
        first = asyncio.create_task(lines.write(write, "0"))
        first.add_done_callback(lambda done: seen.append(len(on_the_disk(lines))))
        seen: list[int] = []
        others = [
            asyncio.create_task(lines.write(write, str(number + 1)))
            for number in range(2 * database.BATCH)
        ]
        await asyncio.sleep(0)
    await asyncio.gather(first, *others)
    assert database.BATCH - 1 <= seen[0] <= 2 * database.BATCH


async def test_events_are_published_after_the_commit_and_before_the_answer(
    tmp_path: Path,
) -> None:
    seen: list[tuple[str, list[str]]] = []

    def publish(event: Event) -> None:
        assert isinstance(event, Written)
        seen.append((event.text, on_the_disk(db)))

    db = Database(tmp_path / "lines.sqlite3", publish=publish)
    await db.write(create_lines)
    await db.write(write, "hello")
    assert seen == [("hello", ["hello"])]
    await db.close()


async def test_what_is_answered_is_on_the_disk(lines: Database) -> None:
    for number in range(20):
        await lines.write(write, str(number))
        assert len(on_the_disk(lines)) == number + 1


async def test_an_acknowledged_commit_is_flushed_to_the_disk(lines: Database) -> None:
    def synchronous(tx: Tx) -> int:
        level: int = tx.value("PRAGMA synchronous")
        return level

    assert await lines.write(synchronous) == 2
    assert await lines.read(lambda db: db.value("PRAGMA journal_mode")) == "wal"


# Failing


async def test_a_failed_change_fails_alone_and_is_rolled_back_alone(
    lines: Database, events: list[Event]
) -> None:
    def fail(tx: Tx) -> None:
        write(tx, "half done")
        raise NotFound("There is no such line.")

    async with Hold(lines):
        before = asyncio.create_task(lines.write(write, "before"))
        failing = asyncio.create_task(lines.write(fail))
        after = asyncio.create_task(lines.write(write, "after"))
        await asyncio.sleep(0)

    assert await before == 1
    with pytest.raises(NotFound, match="There is no such line."):
        await failing
    assert await after == 2
    assert on_the_disk(lines) == ["before", "after"]
    assert events == [Written("before"), Written("after")]


async def test_a_change_that_breaks_a_rule_of_the_schema_fails_alone(
    lines: Database, events: list[Event]
) -> None:
    answers = await asyncio.gather(
        lines.write(write, "once"),
        lines.write(write, "once"),
        lines.write(write, "twice"),
        return_exceptions=True,
    )
    assert answers[0] == 1
    assert isinstance(answers[1], apsw.ConstraintError)
    assert on_the_disk(lines) == ["once", "twice"]
    assert events == [Written("once"), Written("twice")]


async def test_a_failed_commit_fails_its_batch_and_announces_nothing(
    lines: Database, events: list[Event]
) -> None:
    def follow_nothing(tx: Tx) -> None:
        tx.row("PRAGMA defer_foreign_keys = ON")
        tx.row("INSERT INTO lines (text, follows) VALUES ('lost', 99)")
        tx.announce(Written("lost"))

    async with Hold(lines):
        batch = [
            asyncio.create_task(lines.write(write, "before")),
            asyncio.create_task(lines.write(follow_nothing)),
            asyncio.create_task(lines.write(write, "after")),
        ]
        await asyncio.sleep(0)

    answers = await asyncio.gather(*batch, return_exceptions=True)
    assert [type(answer) for answer in answers] == [apsw.ConstraintError] * 3
    assert events == []
    assert on_the_disk(lines) == []
    await lines.write(write, "and on it goes")
    assert events == [Written("and on it goes")]
    assert on_the_disk(lines) == ["and on it goes"]


async def test_a_transaction_that_sqlite_gives_up_fails_its_batch(
    lines: Database, events: list[Event]
) -> None:
    def give_up(tx: Tx) -> None:
        tx.row("INSERT OR ROLLBACK INTO lines (id, text) VALUES (1, 'again')")

    await lines.write(write, "taken")
    async with Hold(lines):
        batch = [
            asyncio.create_task(lines.write(write, "before")),
            asyncio.create_task(lines.write(give_up)),
            asyncio.create_task(lines.write(write, "after")),
        ]
        await asyncio.sleep(0)

    answers = await asyncio.gather(*batch, return_exceptions=True)
    assert [type(answer) for answer in answers] == [apsw.ConstraintError] * 3
    await lines.write(write, "and on it goes")
    assert on_the_disk(lines) == ["taken", "and on it goes"]
    assert events == [Written("taken"), Written("and on it goes")]


async def test_a_writer_that_cannot_begin_says_so_and_lives_on(
    lines: Database, events: list[Event]
) -> None:
    other = connect(lines.path)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(apsw.BusyError):
        await lines.write(write, "locked out")
    other.execute("ROLLBACK")
    other.close()
    await lines.write(write, "back")
    assert events == [Written("back")]


async def test_what_the_writer_keeps_does_not_outlive_a_rollback(
    lines: Database,
) -> None:
    def keep(tx: Tx) -> None:
        tx.kept["line"] = "half done"

    def keep_and_fail(tx: Tx) -> None:
        keep(tx)
        raise NotFound("There is no such line.")

    def kept(tx: Tx) -> object:
        return tx.kept.get("line")

    await lines.write(keep)
    assert await lines.write(kept) == "half done"
    with pytest.raises(NotFound):
        await lines.write(keep_and_fail)
    assert await lines.write(kept) is None


async def test_a_cancelled_caller_silences_nothing(
    lines: Database, events: list[Event]
) -> None:
    async with Hold(lines):
        impatient = asyncio.create_task(lines.write(write, "said"))
        await asyncio.sleep(0)
        impatient.cancel()
        patient = asyncio.create_task(lines.write(write, "answered"))
    await patient
    assert impatient.cancelled()
    assert events == [Written("said"), Written("answered")]
    assert on_the_disk(lines) == ["said", "answered"]


async def test_a_full_queue_is_busy_and_empties(
    lines: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(database, "WAITING", 3)
    db = Database(tmp_path / "small.sqlite3")
    await db.write(create_lines)
    async with Hold(db):
        waiting = [asyncio.create_task(db.write(write, text)) for text in "abc"]
        await asyncio.sleep(0)
        with pytest.raises(Busy) as refused:
            await db.write(write, "d")
        assert refused.value.retry_after == 1
    await asyncio.gather(*waiting)
    await db.write(write, "e")
    assert on_the_disk(db) == ["a", "b", "c", "e"]
    await db.close()


async def test_a_listener_that_fails_stops_neither_the_writer_nor_the_answer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[Event] = []

    def publish(event: Event) -> None:
        if event == Written("one"):
            raise ZeroDivisionError
        heard.append(event)

    db = Database(tmp_path / "lines.sqlite3", publish=publish)
    await db.write(create_lines)
    answers = await asyncio.gather(db.write(write, "one"), db.write(write, "two"))
    assert [*answers] == [1, 2]
    assert heard == [Written("two")]
    assert "listener failed" in caplog.text
    await db.close()


# Reading


async def test_a_read_sees_every_answered_write(lines: Database) -> None:
    async def write_and_look(number: int) -> None:
        await lines.write(write, str(number))
        assert str(number) in await lines.read(written)

    await asyncio.gather(*map(write_and_look, range(100)))


async def test_a_read_is_one_snapshot(lines: Database) -> None:
    started, go_on = threading.Event(), threading.Event()

    def look_twice(db: Reads) -> tuple[list[str], list[str]]:
        before = written(db)
        started.set()
        assert go_on.wait(30)
        return before, written(db)

    await lines.write(write, "before")
    looking = asyncio.create_task(lines.read(look_twice))
    assert await asyncio.to_thread(started.wait, 30)
    await lines.write(write, "meanwhile")
    go_on.set()
    assert await looking == (["before"], ["before"])
    assert await lines.read(written) == ["before", "meanwhile"]


async def test_a_reader_that_fails_reads_on(lines: Database) -> None:
    def fail(db: Reads) -> None:
        written(db)
        raise NotFound("There is no such line.")

    for _ in range(4):
        with pytest.raises(NotFound):
            await lines.read(fail)
    await lines.write(write, "later")
    assert await lines.read(written) == ["later"]


async def test_readers_cannot_write(lines: Database) -> None:
    def scribble(db: Reads) -> None:
        db.row("INSERT INTO lines (text) VALUES ('scribble')")

    with pytest.raises(apsw.ReadOnlyError):
        await lines.read(scribble)
    assert await lines.read(written) == []


async def test_readers_do_not_wait_for_the_writer(lines: Database) -> None:
    await lines.write(write, "before")
    async with Hold(lines):
        assert await lines.read(written) == ["before"]


async def test_the_writer_runs_what_production_runs(
    db: Database, events: list[Event]
) -> None:
    room = await db.write(rooms.create, DAVID, "open", "Pancakes")
    assert await db.read(rooms.find, DAVID, room.id) == room
    assert [event.name for event in events] == ["room.created"]
    with pytest.raises(NotFound):
        await db.read(rooms.find, 99, ALL_PETS)


# Other processes


async def test_our_own_commits_change_no_generation(lines: Database) -> None:
    generation = lines.generation()
    for number in range(50):
        await lines.write(write, str(number))
        assert lines.generation() == generation


async def test_our_own_commits_change_no_generation_while_they_are_made(
    lines: Database,
) -> None:
    generation = lines.generation()
    writing = asyncio.gather(*(lines.write(write, str(n)) for n in range(500)))
    while not writing.done():
        assert lines.generation() == generation
        await asyncio.sleep(0)
    assert lines.generation() == generation


async def test_a_commit_of_another_process_changes_the_generation(
    lines: Database,
) -> None:
    other = connect(lines.path)
    generation = lines.generation()
    other.execute("INSERT INTO lines (text) VALUES ('from outside')")
    await asyncio.sleep(0)  # It is asked once a turn of the loop.
    assert lines.generation() > generation
    generation = lines.generation()
    assert lines.generation() == generation
    other.close()


async def test_a_foreign_commit_does_not_hide_between_our_own(lines: Database) -> None:
    other = connect(lines.path)
    for number in range(20):
        generation = lines.generation()
        await lines.write(write, f"before {number}")
        assert lines.generation() == generation
        other.execute("INSERT INTO lines (text) VALUES (?)", (f"outside {number}",))
        await lines.write(write, f"after {number}")
        assert lines.generation() > generation
    other.close()


async def test_a_foreign_commit_empties_what_the_writer_keeps(lines: Database) -> None:
    def keep(tx: Tx) -> None:
        tx.kept["line"] = "old"

    def kept(tx: Tx) -> object:
        return tx.kept.get("line")

    await lines.write(keep)
    assert await lines.write(kept) == "old"
    other = connect(lines.path)
    other.execute("INSERT INTO lines (text) VALUES ('from outside')")
    other.close()
    assert await lines.write(kept) is None


# Checkpoints


def log_size(db: Database) -> int:
    return db.path.with_name(db.path.name + "-wal").stat().st_size


async def test_the_log_stays_bounded_while_writing(
    lines: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "CHECKPOINT_PAGES", 50)
    monkeypatch.setattr(database, "BACKSTOP_PAGES", 200)
    written = sizes = 0
    for number in range(200):
        await lines.write(write, f"{number} " + 40_000 * "x")
        written += 40_000
        sizes = max(sizes, log_size(lines))
    assert sizes < written / 4


async def test_checkpoints_run_beside_the_writer(
    lines: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "CHECKPOINT_PAGES", 50)
    monkeypatch.setattr(database, "BACKSTOP_PAGES", 1_000_000)
    number = 0
    while lines.path.stat().st_size < 1_000_000:
        await lines.write(write, f"{number} " + 40_000 * "x")
        number += 1


HOLD_THE_CHECKPOINT_LOCK = """
import fcntl, sys
with open(sys.argv[1] + "-shm", "r+b") as index:
    fcntl.lockf(index, fcntl.LOCK_EX, 1, 121)
    print("held", flush=True)
    sys.stdin.read()
"""


async def test_the_writer_leaves_a_checkpoint_to_whoever_is_at_it(
    lines: Database, monkeypatch: pytest.MonkeyPatch, events: list[Event]
) -> None:
    monkeypatch.setattr(database, "BACKSTOP_PAGES", 1)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_THE_CHECKPOINT_LOCK, str(lines.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdin and other.stdout
        assert other.stdout.readline() == b"held\n"
        for number in range(3):
            await lines.write(write, str(number))
        other.stdin.close()
    await lines.write(write, "3")
    assert on_the_disk(lines) == ["0", "1", "2", "3"]
    assert len(events) == 4


# Starting and stopping


async def test_closing_finishes_what_is_queued_and_leaves_no_log(
    tmp_path: Path, events: list[Event]
) -> None:
    db = Database(tmp_path / "lines.sqlite3", publish=events.append)
    await db.write(create_lines)
    writes = [asyncio.create_task(db.write(write, str(n))) for n in range(300)]
    await asyncio.sleep(0)
    await db.close()
    assert [await line for line in writes] == list(range(1, 301))
    assert len(events) == 300
    assert [file.name for file in tmp_path.iterdir()] == ["lines.sqlite3"]
    assert len(on_the_disk(db)) == 300


async def test_closing_refuses_what_comes_later(tmp_path: Path) -> None:
    db = Database(tmp_path / "lines.sqlite3")
    await db.write(create_lines)
    await db.close()
    with pytest.raises(Busy):
        await db.write(write, "too late")


async def test_closing_does_not_wait_for_a_reader_in_another_process(
    tmp_path: Path,
) -> None:
    db = Database(tmp_path / "lines.sqlite3")
    await db.write(create_lines)
    other = connect(db.path, read_only=True)
    other.execute("BEGIN; SELECT * FROM lines").fetchall()
    await db.write(write, "said")
    await db.close()
    other.close()
    assert on_the_disk(db) == ["said"]


async def test_what_was_written_is_there_after_opening_again(tmp_path: Path) -> None:
    for text in "abc":
        db = Database(tmp_path / "lines.sqlite3")
        if text == "a":
            await db.write(create_lines)
        await db.write(write, text)
        await db.close()
    assert on_the_disk(db) == ["a", "b", "c"]


async def test_the_library_is_one_without_the_checkpoint_bug(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert apsw.SQLITE_VERSION_NUMBER >= 3_051_003
    monkeypatch.setattr(database, "OLDEST_SQLITE", apsw.SQLITE_VERSION_NUMBER + 1)
    with pytest.raises(Unusable, match="is older than 3.51.3"):
        Database(tmp_path / "campfire.sqlite3")
    assert list(tmp_path.iterdir()) == []


async def test_a_library_without_a_search_index_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(apsw, "compile_options", ("THREADSAFE=1",))
    with pytest.raises(Unusable, match="FTS5"):
        Database(tmp_path / "campfire.sqlite3")


async def test_a_file_that_is_no_database_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "campfire.sqlite3"
    path.write_bytes(b"This is a letter to my aunt. " * 1_000)
    with pytest.raises(database.Fault):
        Database(path)


async def test_a_full_disk_is_busy_and_not_a_bug(lines: Database) -> None:
    def fill(tx: Tx) -> None:
        raise apsw.FullError("database or disk is full")

    def lost(tx: Tx) -> None:
        tx.row("ROLLBACK")  # As SQLite does by itself then.
        fill(tx)

    with pytest.raises(Busy):
        await lines.write(lost)
    assert await lines.write(write, "It goes on")


def test_a_text_is_cut_as_an_index_cuts_it(tmp_path: Path) -> None:
    connection = connect(tmp_path / "lines.sqlite3")
    text = "Die Brücken".encode()
    tokens = Reads(connection).tokens(text, "unicode61", "remove_diacritics", "2")
    assert tokens == [(0, 3, "die"), (4, len(text), "brucken")]


def test_statistics_do_not_make_a_statement_anew_for_each_value(tmp_path: Path) -> None:
    connection = connect(tmp_path / "lines.sqlite3")
    connection.execute("""CREATE TABLE lines (text TEXT, number INTEGER);
                          CREATE INDEX texts ON lines (text);
                          CREATE INDEX numbers ON lines (number)""")
    lines = [("often", number) for number in range(90)] + [("once", 1)]
    connection.executemany("INSERT INTO lines VALUES (?, ?)", lines)
    connection.execute("ANALYZE")
    steps = []
    connection.trace_v2(
        apsw.SQLITE_TRACE_PROFILE,
        lambda trace: steps.append(trace["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"]),
    )
    sql = "SELECT 1 FROM lines WHERE text = ? AND number = 1"
    for text in ("often", "once"):
        assert connection.execute(sql, (text,)).fetchall() == [(1,)]
    assert steps[0] == steps[1], "the plan is that of any value"


async def test_on_a_nearly_full_disk_only_what_takes_away_is_done(
    lines: Database, monkeypatch: pytest.MonkeyPatch, events: list[Event]
) -> None:
    @database.vital
    def remove(tx: Tx) -> None:
        tx.row("DELETE FROM lines")

    await lines.write(write, "kept")
    monkeypatch.setattr(database, "LEAST_FREE", 1 << 80)
    with pytest.raises(Full) as refusal:
        await lines.write(write, "too much")
    assert (refusal.value.status, refusal.value.retry_after) == (507, 60)
    assert await lines.read(written) == ["kept"]
    answers = await asyncio.gather(
        *(lines.write(write, "too much"), lines.write(remove)), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [Full, type(None)]
    assert on_the_disk(lines) == []
    monkeypatch.undo()
    await lines.write(write, "there is room again")
    assert events == [Written("kept"), Written("there is room again")]


class Disk(apsw.VFS):
    """The disk under the tests, until it fails `after` so many writes and syncs."""

    NAME = "failing"

    def __init__(self) -> None:
        self.after: int | None = None
        self.error: type[apsw.Error] = apsw.IOError
        self.failed = 0
        self.below = apsw.vfs_names()[0]
        super().__init__(self.NAME, self.below, makedefault=True)

    def xOpen(
        self, name: str | apsw.URIFilename | None, flags: list[int]
    ) -> apsw.VFSFile:
        return DiskFile(self, name, flags)

    def count(self) -> None:
        if self.after is not None:
            self.after -= 1
            if self.after < 0:
                self.failed += 1
                raise self.error("the disk fails")


class DiskFile(apsw.VFSFile):
    def __init__(
        self, disk: Disk, name: str | apsw.URIFilename | None, flags: list[int]
    ) -> None:
        self._disk = disk
        super().__init__(disk.below, name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:
        self._disk.count()
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:
        self._disk.count()
        super().xSync(flags)


@pytest.fixture
def disk() -> Iterator[Disk]:
    disk = Disk()
    yield disk
    disk.unregister()
    assert apsw.vfs_names()[0] == disk.below


@pytest.mark.parametrize("error", [apsw.IOError, apsw.FullError])
async def test_a_disk_that_fails_anywhere_costs_nothing_that_was_answered(
    disk: Disk, tmp_path: Path, error: type[apsw.Error]
) -> None:
    """At each write and each sync of a commit, for ever or until the next one."""
    db = Database(tmp_path / "campfire.sqlite3")
    await db.write(create_lines)
    disk.error = error
    kept: list[str] = []
    for after in range(12):
        writer = db._writer
        disk.after, disk.failed = after, 0
        try:
            await db.write(write, f"line {after}")
        except Full:
            assert await db.read(written) == kept
            assert (db._writer is writer) == (error is apsw.FullError)
        else:
            kept.append(f"line {after}")
            break
        finally:
            disk.after = None
        assert disk.failed
        await db.write(write, f"again {after}")
        kept.append(f"again {after}")
        assert await db.read(written) == kept
    assert len(kept) > 2 and kept[-1].startswith("line")
    assert await db.read(health.faults) == []
    assert on_the_disk(db) == kept
    await db.close()


async def test_a_look_that_takes_too_long_is_cut_off(
    lines: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(db: Reads) -> int:
        count: int = db.value("""WITH RECURSIVE numbers (number) AS (
                 SELECT 1 UNION ALL SELECT number + 1 FROM numbers)
               SELECT count(*) FROM numbers""")
        return count

    monkeypatch.setattr(database, "LONGEST_LOOK", 0.05)
    with pytest.raises(Busy):
        await lines.read(look)
    monkeypatch.undo()
    assert await lines.read(written) == []


async def test_a_log_that_an_old_snapshot_let_grow_shrinks_again(
    lines: Database,
) -> None:
    def write_much(tx: Tx) -> None:
        for _ in range(200):
            tx.row("INSERT INTO lines (text) VALUES (hex(randomblob(2000)))")

    other = connect(lines.path, read_only=True)
    other.execute("BEGIN; SELECT count(*) FROM lines").fetchall()
    while lines.wal_bytes() < 2 * database.LARGEST_IDLE_LOG:
        await lines.write(write_much)
    other.execute("COMMIT")
    other.close()
    async with asyncio.timeout(30):
        while lines.wal_bytes() > database.LARGEST_IDLE_LOG:
            await lines.write(write_much)
