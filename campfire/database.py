"""Where everything is kept: one SQLite file, one writer thread, a few reader threads.

A change is a plain function given to the writer, a look is one given to a reader.
Every change that waits is committed together, once, with `synchronous=FULL`; what
it announced is published in commit order, after the commit, before it is answered.
"""

import asyncio
import contextlib
import errno
import fcntl
import logging
import math
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import IO, Any, Concatenate, Final, ParamSpec, Protocol, TypeVar, cast
from urllib.parse import quote

import apsw
import apsw.bestpractice

from campfire.histograms import Histogram
from campfire.refusals import Busy, Full
from campfire.relevance import relevance
from campfire.turns import FILE, NOBODY, Turns

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
Change = TypeVar("Change", bound=Callable[..., Any])
NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)
# What a broken disk or file raises.
Fault = apsw.Error

Bindings = Sequence[Any] | Mapping[str, Any]
# Where it begins and ends in the text, and what it became.
Token = tuple[int, int, str]

BATCH: Final = 64
BATCHES: Final = (1, 2, 4, 8, 16, 32)
WAITING: Final = 1_000
CHECKPOINT_PAGES: Final = 1_000
BACKSTOP_PAGES: Final = 16_000
# Some microseconds of SQLite's virtual machine.
STEPS_UNWATCHED: Final = 2_000
# With less than this on the disk nothing more is taken in, while there is still enough
# to take away: on a disk that is really full SQLite cannot even delete.
LEAST_FREE: Final = 64 * 1024 * 1024
# An old snapshot keeps the log from being moved into the file.
LONGEST_LOOK: Final = 5.0
LARGEST_IDLE_LOG: Final = 4 * 1024 * 1024
OLDEST_SQLITE: Final = 3_051_003


class Unusable(Exception):
    """The file cannot be served; says why in one line for the operator."""


class Event(Protocol):
    """A fact that was committed, with a dotted name: see the nouns in `chat/`."""

    @property
    def name(self) -> str: ...


class Copies(Protocol):
    """Copies what is committed, before it is moved out of the log."""

    def note(self, frame: int) -> None: ...
    def move(self, *, at_once: bool = True) -> bool: ...
    def close(self) -> None: ...


class Reads:
    """What a look may do: run statements on one snapshot."""

    __slots__ = ("_connection",)

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def rows(self, sql: str, bindings: Bindings = ()) -> list[Any]:
        return self._connection.execute(sql, bindings).fetchall()

    def row(self, sql: str, bindings: Bindings = ()) -> Any:
        """The first row, or None."""
        return self._connection.execute(sql, bindings).fetchone()

    def value(self, sql: str, bindings: Bindings = ()) -> Any:
        """The first column of the first row, or None."""
        row = self._connection.execute(sql, bindings).fetchone()
        return None if row is None else row[0]

    def tokens(self, text: bytes, name: str, *options: str) -> list[Token]:
        """How an index with this tokenizer of FTS5 cuts a text in UTF-8."""
        tokenizer = self._connection.fts5_tokenizer(name, list(options))
        cut = tokenizer(
            text, apsw.FTS5_TOKENIZE_DOCUMENT, None, include_colocated=False
        )
        return cast(list[Token], cut)

    @contextlib.contextmanager
    def at_most(self, seconds: float) -> Iterator[None]:
        """Cuts off what takes more of this thread's time than that. Raises Busy."""
        deadline = time.thread_time() + seconds
        self._connection.set_progress_handler(
            lambda: time.thread_time() > deadline, STEPS_UNWATCHED
        )
        try:
            yield
        except apsw.InterruptError:
            raise Busy("That takes too long to answer.", retry_after=1) from None
        finally:
            self._connection.set_progress_handler(None)


class Tx(Reads):
    """What a change may do besides: write, and announce what it did.

    `now` is the time of the change in UTC milliseconds. `kept` is what the writer
    remembers between changes; it is emptied whenever anything is rolled back, so an
    entry whose key names a version of the data can be trusted.
    """

    __slots__ = ("now", "events", "kept")

    def __init__(self, connection: apsw.Connection, kept: dict[Any, Any]) -> None:
        super().__init__(connection)
        self.now = time.time_ns() // 1_000_000
        self.events: list[Event] = []
        self.kept = kept

    def announce(self, event: Event) -> None:
        self.events.append(event)


@dataclass(slots=True)
class Job:
    change: Callable[[Tx], Any]
    answer: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None
    events: Sequence[Event] = ()
    is_vital: bool = False


# The jobs that were done, and the turn in which.
Commit = tuple[list[Job], int | None]


def vital(change: Change) -> Change:
    """Marks a change that is made on a nearly full disk: it takes away or shuts out."""
    change.is_vital = True  # type: ignore[attr-defined]
    return change


def free(folder: Path) -> int:
    """The bytes that are still to be had where the folder is."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def require_room(folder: Path, wanted: int = 0) -> None:
    """Raises Full where the disk would be nearly full with that many bytes more."""
    if free(folder) - wanted < LEAST_FREE:
        raise Full("The disk of this server is nearly full.", retry_after=60)


def refusal_of(fault: BaseException) -> BaseException:
    """What to raise instead: a full disk is no bug of ours."""
    if isinstance(fault, OSError) and fault.errno in NO_ROOM:
        return Full("There is no room for it just now.", retry_after=60)
    return fault


def connect(path: Path, *, read_only: bool = False) -> apsw.Connection:
    """Opens the file the way all of Campfire does.

    FULL makes an acknowledged commit survive a power cut; grouping pays for it.
    """
    flags = (
        apsw.SQLITE_OPEN_READONLY
        if read_only
        else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    )
    connection = apsw.Connection(str(path), flags=flags, statementcachesize=200)
    apsw.bestpractice.connection_busy_timeout(connection)
    apsw.bestpractice.connection_enable_foreign_keys(connection)
    apsw.bestpractice.connection_dqs(connection)
    # Where statistics were made, SQLite would prepare a statement anew for each value.
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    connection.execute("PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY")
    if not read_only:
        connection.execute(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
            "PRAGMA secure_delete = ON; PRAGMA recursive_triggers = ON"
        )
        connection.execute(f"PRAGMA journal_size_limit = {LARGEST_IDLE_LOG:d}")
        connection.wal_autocheckpoint(0)
    # Last: where the file is no database it would only say that there is no FTS5.
    connection.register_fts5_function("relevance", relevance)
    return connection


def guarded(path: Path) -> apsw.Connection:
    """Opens a file that anybody may have made, to look and for nothing else.

    Nothing in its schema is run, no page of it is believed unseen, and no file is
    made beside it.
    """
    connection = apsw.Connection(
        f"file:{quote(str(path))}?immutable=1",
        flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI,
    )
    connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)
    connection.execute("PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY")
    return connection


def copied(path: Path, copy: Path, look: Callable[[Reads], T]) -> T:
    """Makes an exact copy of one snapshot, and answers what `look` saw in the same.

    It goes in one step: in several, every commit in between begins it anew. Writers
    go on meanwhile.
    """
    with (
        contextlib.closing(connect(path)) as connection,
        contextlib.closing(apsw.Connection(str(copy))) as made,
    ):
        connection.execute("BEGIN")
        seen = look(Reads(connection))
        with made.backup("main", connection, "main") as backup:
            backup.step(-1)
        connection.execute("COMMIT")
        # One file, that can be opened without making another beside it.
        made.execute("PRAGMA journal_mode = DELETE")
    return seen


def blank(version: int) -> apsw.Connection:
    """An empty database in memory as this schema has it."""
    connection = apsw.Connection(":memory:")
    for number, script in migrations():
        if number <= version:
            connection.execute(script)
    return connection


def require_sqlite() -> None:
    """Refuses a library with the checkpoint bug of 3.7.0 to 3.51.2, or without FTS5."""
    if apsw.SQLITE_VERSION_NUMBER < OLDEST_SQLITE:
        raise Unusable(f"SQLite {apsw.sqlite_lib_version()} is older than 3.51.3.")
    if "ENABLE_FTS5" not in apsw.compile_options:
        raise Unusable("SQLite was built without FTS5.")


def migrations() -> list[tuple[int, str]]:
    """Number and text of every migration, oldest first."""
    folder = resources.files("campfire") / "migrations"
    return sorted(
        (int(file.name.split("_")[0]), file.read_text(encoding="utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".sql")
    )


def migrate(connection: apsw.Connection, path: Path) -> None:
    """Brings the file to the newest schema, each step whole or not at all.

    A snapshot is left beside the file first. Raises Unusable for a newer file.
    """
    steps = migrations()
    newest = steps[-1][0]
    current: int = connection.pragma("user_version")
    if current > newest:
        raise Unusable(
            f"{path} was written by a newer Campfire "
            f"(schema {current}, this one knows {newest})."
        )
    if 0 < current < newest:
        snapshot = path.with_name(f"{path.stem}-schema-{current}{path.suffix}")
        snapshot.unlink(missing_ok=True)
        connection.execute("VACUUM INTO ?", (str(snapshot),))
        log.info("snapshot before migrating", extra={"snapshot": snapshot.name})
    for number, script in steps:
        if number > current:
            connection.execute("BEGIN IMMEDIATE")
            try:
                connection.execute(script)
                connection.execute(f"PRAGMA user_version = {number:d}")
                connection.execute("COMMIT")
            except apsw.Error:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            log.info("migrated", extra={"schema": number})


def alone(data: Path) -> IO[str]:
    """Holds the folder for this process; a second server on it would lie to both."""
    lock = open(data / "lock", "w", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise Unusable(f"Another Campfire is running on {data}.") from None
    return lock


def applied(
    path: Path,
    change: Callable[Concatenate[Tx, P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """One change from a process that is not the server, which notices it by itself."""
    with contextlib.closing(connect(path)) as connection:
        migrate(connection, path)
        with waited_for(path):
            connection.execute("BEGIN IMMEDIATE")
            result = change(Tx(connection, {}), *args, **kwargs)
            connection.execute("COMMIT")
    return result


@contextlib.contextmanager
def waited_for(path: Path) -> Iterator[None]:
    """A turn of somebody who serves nobody, where several workers take turns."""
    try:
        turns = Turns(path.with_name(FILE), NOBODY)
    except FileNotFoundError:
        yield
        return
    with contextlib.closing(turns), turns.turn():
        yield


def looked(
    path: Path,
    look: Callable[Concatenate[Reads, P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """One look from a process that is not the server."""
    with contextlib.closing(connect(path)) as connection:
        return look(Reads(connection), *args, **kwargs)


def refused(error: Exception) -> Exception:
    """What a caller is told of a lost transaction: a disk's trouble is not a bug."""
    if isinstance(error, (apsw.FullError, apsw.IOError, apsw.ReadOnlyError)):
        return Full("Nothing can be written just now.", retry_after=5)
    return error


class Database:
    """The file, open for one writer and several readers, until `close`.

    `publish` is called on the event loop with each committed event. Where several
    processes write they take `turns`, and `pass_on` is called in its place, with the
    number of each turn and all that was announced in it. With an `archive` the log is
    moved by that while it can.
    """

    pass_on: Callable[[int, list[Event]], None]
    archive: Copies | None = None

    def __init__(
        self,
        path: Path,
        *,
        publish: Callable[[Event], None] = lambda event: None,
        readers: int = 2,
        turns: Turns | None = None,
    ) -> None:
        require_sqlite()
        self.path = path
        self.publish = publish
        self._turns = turns
        self._writer = connect(path)
        migrate(self._writer, path)
        self._writer.set_wal_hook(self._grown)
        self._local = threading.local()
        self._readers = ThreadPoolExecutor(readers, "reader", self._open_reader)
        self._reader_connections: list[apsw.Connection] = []
        self._checkpoints = ThreadPoolExecutor(1, "checkpoint")
        self._checkpointing = threading.Event()
        self._wal_pages = 0
        self.batches = Histogram(BATCHES)
        self.commits = Histogram()
        self.waits = Histogram()
        self._measuring = threading.Lock()
        self._waiting: asyncio.Queue[Job | None] = asyncio.Queue(WAITING)
        self._batches: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._kept: dict[Any, Any] = {}
        self._closing = False
        self._observer = connect(path, read_only=True)
        self._own_version = self._version(self._writer)
        self._seen_version = self._version(self._observer)
        elsewhere = turns.elsewhere() if turns else 0
        self._elsewhere = {self._writer: elsewhere, self._observer: elsewhere}
        self._committing = False
        self._asked = False
        self._generation = 0
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(
            target=self._commits, name="writer", daemon=True
        )
        self._thread.start()
        self._pump = self._loop.create_task(self._pumped(), name="writer pump")

    async def write(
        self,
        change: Callable[Concatenate[Tx, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Runs the change on the writer and answers when it is on the disk.

        Raises what the change raises, Busy when too many are waiting, and Full when
        there is no room. A caller who stops waiting does not undo the change.
        """
        if self._closing:
            raise Busy("The server is stopping.", retry_after=1)
        answer: asyncio.Future[T] = self._loop.create_future()
        try:
            self._waiting.put_nowait(
                Job(
                    lambda tx: change(tx, *args, **kwargs),
                    answer,
                    is_vital=hasattr(change, "is_vital"),
                )
            )
        except asyncio.QueueFull:
            raise Busy("Too much is being written at once.", retry_after=1) from None
        return await answer

    async def read(
        self,
        look: Callable[Concatenate[Reads, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Runs the look on a reader thread, on one snapshot of the file.

        The snapshot holds every change that was answered before the call. Raises Busy
        for a look that takes five seconds.
        """
        asked = time.perf_counter()
        return await self._loop.run_in_executor(
            self._readers, lambda: self._looked(asked, look, *args, **kwargs)
        )

    @property
    def waiting(self) -> int:
        """How many changes wait for the writer."""
        return self._waiting.qsize()

    def wal_bytes(self) -> int:
        """How long the write-ahead log is on the disk."""
        try:
            return self.path.with_name(f"{self.path.name}-wal").stat().st_size
        except FileNotFoundError:
            return 0

    def generation(self) -> int:
        """Grows when another process has changed the file; what was kept is stale then.

        Cheap enough for every request: `PRAGMA data_version` on a connection of its
        own, compared with what it was after our last commit. While the writer is at
        work it answers as before, and so it does for the rest of a turn of the loop:
        what a request follows from was on the disk before the turn that reads it.
        """
        if not self._committing and not self._asked:
            self._asked = True
            self._loop.call_soon(self._ask_again)
            version = self._version(self._observer)
            if version != self._seen_version:
                self._seen_version = version
                self._generation += self._is_by_nobody(self._observer)
        if self._turns:  # They write as often as we do, and we may be at work.
            return self._generation + self._turns.generation()
        return self._generation

    def _ask_again(self) -> None:
        self._asked = False

    async def close(self) -> None:
        """Finishes what is queued, moves the log into the file and closes it."""
        self._closing = True
        await self._waiting.put(None)
        await self._pump
        await self._loop.run_in_executor(None, self._shut)

    def _shut(self) -> None:
        self._thread.join()
        self._readers.shutdown()
        self._checkpoints.shutdown()
        for connection in self._reader_connections:
            connection.close()
        self._observer.close()
        if self.archive:
            self.archive.close()
        self._move(self._writer, apsw.SQLITE_CHECKPOINT_TRUNCATE)
        self._writer.close()

    # The event loop's side of the writer

    async def _pumped(self) -> None:
        """Hands batches to the writer thread; settles one while the next is written."""
        settling: list[Job] = []
        turn: int | None = None
        stopping = False
        while True:
            batch = self._taken()
            if not batch and not settling and not stopping:
                batch = [await self._waiting.get(), *self._taken()]
            if None in batch:
                stopping = True
            jobs = [job for job in batch if job is not None]
            commit = self._handed(jobs) if jobs else None
            if turn is not None:
                self.pass_on(turn, [event for job in settling for event in job.events])
            for job in settling:
                self._settle(job, turn is None)
            settling, turn = [], None
            if commit:
                settling, turn = await commit
                self._landed()
            if stopping and not settling:
                self._batches.put(None)
                return

    def _taken(self) -> list[Job | None]:
        size = min(self._waiting.qsize(), BATCH - 1)
        return [self._waiting.get_nowait() for _ in range(size)]

    def _handed(self, jobs: list[Job]) -> asyncio.Future[Commit]:
        commit: asyncio.Future[Commit] = self._loop.create_future()
        self._committing = True
        self._batches.put((jobs, commit))
        return commit

    def _landed(self) -> None:
        """The writer is idle: takes its commit as seen, but nobody else's."""
        self._committing = False
        self._seen_version = self._version(self._observer)
        if self._turns:
            self._elsewhere[self._observer] = self._turns.elsewhere()
        self._watch_own_version()

    def _settle(self, job: Job, publishes: bool) -> None:
        for event in job.events if publishes else ():
            try:
                self.publish(event)
            except Exception:  # One listener's bug must not stop the writer.
                log.exception("listener failed", extra={"event": event.name})
        if job.answer.done():
            return
        if job.error is None:
            job.answer.set_result(job.result)
        else:
            job.answer.set_exception(job.error)

    # The writer thread

    def _commits(self) -> None:
        while (handed := self._batches.get()) is not None:
            jobs, commit = handed
            turn = self._take_turn(self._with_room(jobs))
            self._loop.call_soon_threadsafe(commit.set_result, (jobs, turn))

    def _with_room(self, jobs: list[Job]) -> list[Job]:
        """Those that there is room for; the others are refused."""
        try:
            require_room(self.path.parent)
        except Full as refusal:
            for job in jobs:
                if not job.is_vital:
                    job.error = refusal
            return [job for job in jobs if job.is_vital]
        except OSError:
            pass  # A disk that cannot be asked says so when it is written to.
        return jobs

    def _take_turn(self, jobs: list[Job]) -> int | None:
        """Commits them; answers with the turn in which, where there are turns."""
        if not jobs:
            return None
        if self._turns is None:
            self._commit(jobs)
            return None
        with self._turns.turn() as turn:
            self._commit(jobs)
        return turn

    def _commit(self, jobs: list[Job]) -> None:
        writer = self._writer
        started = time.perf_counter()
        try:
            writer.execute("BEGIN IMMEDIATE")
            self._watch_own_version()
            for job in jobs:
                self._attempt(job)
            writer.execute("COMMIT")
        except Exception as error:  # A lost transaction must not stop the writer.
            log.error("commit failed", extra={"error": type(error).__name__})
            if writer.in_transaction:
                writer.execute("ROLLBACK")
            self._kept.clear()
            for job in jobs:
                job.error, job.events = job.error or refused(error), ()
            if isinstance(error, apsw.IOError):
                self._reopen()
        self.batches.add(len(jobs))
        self.commits.add(time.perf_counter() - started)
        self._checkpoint_when_grown()

    def _reopen(self) -> None:
        """What this connection holds of the file is not to be believed any more."""
        try:
            fresh = connect(self.path)
        except apsw.Error as error:
            log.warning("not opened anew", extra={"error": type(error).__name__})
            return
        self._writer.close()
        self._writer = fresh
        fresh.set_wal_hook(self._grown)
        self._own_version = self._version(fresh)
        self._generation += 1

    def _attempt(self, job: Job) -> None:
        """Runs one change inside its own savepoint, so that it fails alone."""
        writer = self._writer
        tx = Tx(writer, self._kept)
        writer.execute("SAVEPOINT job")
        try:
            job.result = job.change(tx)
        except Exception as error:  # One change's bug must not stop the writer.
            self._kept.clear()
            if not writer.in_transaction:
                raise  # SQLite gave up the whole transaction: disk full, I/O error.
            writer.execute("ROLLBACK TO job")
            job.error = error
        else:
            job.events = tx.events
        writer.execute("RELEASE job")

    def _watch_own_version(self) -> None:
        """Notices commits of other processes: ours do not change this number."""
        version = self._version(self._writer)
        if version != self._own_version:
            self._own_version = version
            self._generation += self._is_by_nobody(self._writer)
            self._kept.clear()

    def _is_by_nobody(self, seen_on: apsw.Connection) -> bool:
        """Whether who has written takes no turns, as far as one can see."""
        if self._turns is None:
            return True
        before = self._elsewhere.get(seen_on)
        self._elsewhere[seen_on] = now = self._turns.elsewhere()
        return before == now

    @staticmethod
    def _version(connection: apsw.Connection) -> int:
        row = connection.execute("PRAGMA data_version").fetchone()
        return int(row[0])  # type: ignore[index]

    def _grown(self, connection: apsw.Connection, schema: str, pages: int) -> int:
        self._wal_pages = pages
        if self.archive:
            self.archive.note(pages)
        return apsw.SQLITE_OK

    def _checkpoint_when_grown(self) -> None:
        """Checkpoints run beside the writer, unless the log outgrows them."""
        if self._wal_pages >= BACKSTOP_PAGES:
            if not (self.archive and self.archive.move()):
                self._move(self._writer)
            self._wal_pages = 0
        elif (
            self._wal_pages >= CHECKPOINT_PAGES
            and not self._checkpointing.is_set()
            and not self._closing
        ):
            self._checkpointing.set()
            self._checkpoints.submit(self._checkpoint)

    def _checkpoint(self) -> None:
        try:
            if self.archive and self.archive.move(at_once=False):
                return
            connection = connect(self.path)
            self._move(connection)
            connection.close()
        except apsw.Error as error:
            log.warning("checkpoint failed", extra={"error": type(error).__name__})
        finally:
            self._checkpointing.clear()

    @staticmethod
    def _move(
        connection: apsw.Connection, mode: int = apsw.SQLITE_CHECKPOINT_PASSIVE
    ) -> None:
        """Moves the log into the file, or leaves it to whoever is doing so already."""
        try:
            connection.wal_checkpoint(mode=mode)
        except apsw.Error as error:
            log.info("checkpoint left", extra={"error": type(error).__name__})

    # The reader threads

    def _open_reader(self) -> None:
        connection = connect(self.path, read_only=True)
        connection.set_progress_handler(self._is_late, STEPS_UNWATCHED * 10, id="look")
        self._local.connection = connection
        self._reader_connections.append(self._local.connection)

    def _looked(
        self,
        asked: float,
        look: Callable[Concatenate[Reads, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        with self._measuring:
            self.waits.add(time.perf_counter() - asked)
        connection: apsw.Connection = self._local.connection
        self._local.until = time.monotonic() + LONGEST_LOOK
        connection.execute("BEGIN")
        try:
            return look(Reads(connection), *args, **kwargs)
        except apsw.InterruptError:
            raise Busy("That takes too long to answer.", retry_after=1) from None
        finally:
            self._local.until = math.inf
            connection.execute("COMMIT")

    def _is_late(self) -> bool:
        return time.monotonic() > float(self._local.until)
