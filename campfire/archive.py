"""What was committed since a backup, kept beside it, so that any moment comes back.

The frames of SQLite's write-ahead log are copied with the time of each commit. While
an archive is kept a snapshot is always held, and exchanged for a newer one only after
everything before that one was copied. A checkpoint moves nothing beyond a snapshot, and
no log begins anew under one, whoever asks: so nothing is lost while the server runs.
https://sqlite.org/walformat.html says what a frame is.
"""

import contextlib
import hashlib
import logging
import os
import re
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import apsw
import orjson

from campfire.database import CHECKPOINT_PAGES, LEAST_FREE, connect, require_room
from campfire.refusals import Full

log = logging.getLogger(__name__)

EVERY: Final = 1.0
# Each move waits for the disk, as those do who post.
PAUSE: Final = 0.5
NAME: Final = re.compile(r"\d{8}\.log")
REACHED: Final = "reached"
# Within the folder of the backups, which take whatever is called otherwise for strange.
FOLDER: Final = "archive"
FILES: Final = "files"
# What was sent so long before a backup was, is in it or was gone by then.
DAY: Final = 24 * 60 * 60 * 1000
# A record has at most so many frames, and a file is followed by another at this size.
FRAMES: Final = 1_000
LARGEST: Final = 16 * 1024 * 1024
WAL_HEADER: Final = 32
FRAME_HEADER: Final = 24
LEVEL: Final = 1
NOTING_TAKES: Final = 0.01

# Both salts of a log: they name it, and the first grows by one with each.
Salts = tuple[int, int]


class Gap(Exception):
    """Something was committed that the archive has not seen, or it is damaged."""


@dataclass(frozen=True, slots=True)
class Record:
    """Some frames that follow each other; without any, how the file was left.

    `commits` are frame, pages of the database, and between which times it was made, in
    UTC milliseconds: both are the same for what this process committed. `before` is the
    digest of the record before, empty where a chain begins, which was at `begun`.
    `file` says which database file a stop left.
    """

    salts: Salts
    page_size: int
    first: int
    count: int
    checksum: str
    commits: list[tuple[int, int, int, int]]
    before: str
    begun: int
    at: int
    size: int
    sha256: str
    file: list[int] | None = None

    @property
    def last(self) -> int:
        return self.first + self.count - 1

    def head(self) -> bytes:
        text = orjson.dumps(asdict(self))
        return hashlib.sha256(text).hexdigest().encode() + b" " + text + b"\n"

    @property
    def digest(self) -> str:
        return self.head()[:64].decode()


class Archive:
    """Copies what the database commits into `folder`, every second, until `close`.

    Trouble never reaches who posts: `fault` says it, and another chain is begun once it
    is over. That one needs a backup of its own: see `begun`.
    """

    def __init__(self, path: Path, folder: Path) -> None:
        self._path = path
        self._wal = path.with_name(f"{path.name}-wal")
        self._folder = folder
        self._noted: dict[int, int] = {}
        self._lock = threading.Lock()
        self._mover: apsw.Connection | None = None
        self._held: list[apsw.Connection] = []
        self._last: Record | None = None
        self._stopping = False
        self._waking = threading.Event()
        self._frame = 0
        self._seen = 0
        self._moved = -PAUSE
        self.fault: str | None = None
        self.reached = 0
        self.begun: int | None = None
        self.look()
        self._thread = threading.Thread(target=self._watch, name="archive", daemon=True)
        self._thread.start()

    def note(self, frame: int) -> None:
        """Says that the commit that ends with this frame was made just now."""
        self._noted[frame] = now()
        if frame < self._frame:  # After a crash this log could not be told from others.
            self._waking.set()
        self._frame = frame

    def look(self) -> bool:
        """Copies what is new; False if it cannot."""
        with self._lock:
            return self._tried()

    def move(self, *, at_once: bool = True) -> bool:
        """Copies what is new, then has it moved into the file; False if it cannot.

        If it need not be at once, it is left for later when it was done just now.
        """
        if not at_once and time.monotonic() < self._moved + PAUSE:
            return self.fault is None
        with self._lock:
            if not self._tried():
                return False
            self._moved = time.monotonic()
            try:
                assert self._mover is not None
                self._mover.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
                self._exchange()
            except apsw.BusyError:
                pass  # Somebody else is moving it.
            except (apsw.Error, OSError, Full, Gap) as fault:
                self._fail(fault)
            return self.fault is None

    def close(self) -> None:
        """Copies the rest, empties the log and notes how the file was left."""
        self._stopping = True
        self._waking.set()
        self._thread.join()
        with self._lock:
            mover = self._mover
            if mover is not None:
                seen = mover.pragma("data_version")
                if self._tried() and self._mover is mover:
                    with contextlib.suppress(apsw.Error, OSError, Full):
                        self._leave(mover, seen)
            self._release()

    def _leave(self, mover: apsw.Connection, seen: int) -> None:
        """Empties the log; says so if no other program wrote since `seen`."""
        while self._held:
            self._held.pop().close()
        left, _ = mover.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        file = identity(self._path)
        if self._last and not left and mover.pragma("data_version") == seen:
            end = replace(self._last, count=0, commits=[], size=0, sha256="", file=file)
            self._write(end, b"")
            self._reach(self.reached)

    def prune(self, kept: set[Salts], moment: int) -> None:
        """Forgets what follows no backup that is kept.

        Those were made on the logs `kept`, the oldest at `moment`, in milliseconds.
        """
        with self._lock:
            paths = files(self._folder)
            keep = [
                path
                for path in paths
                if any(r.salts in kept and r.first == 1 for r, _ in heads(path))
            ]
            for path in paths[:-1]:
                if path == next(iter(keep), None):
                    break
                if keep or modified(path) < moment:
                    path.unlink()
        for path in (self._folder / FILES).glob("??/*"):
            if modified(path) < moment - DAY:
                path.unlink(missing_ok=True)

    # Looking

    def _watch(self) -> None:
        while not self._stopping:
            self._waking.wait(EVERY)
            self._waking.clear()
            # With several workers most of it is written by others.
            self.move(at_once=False) if self._seen >= CHECKPOINT_PAGES else self.look()

    def _tried(self) -> bool:
        try:
            if self._mover is None:
                self._begin()
            self._exchange()
        except (apsw.Error, OSError, Full, Gap, zlib.error) as fault:
            self._fail(fault)
            return False
        if self.fault is not None:
            log.info("archive goes on")
        self.fault = None
        return True

    def _fail(self, fault: Exception) -> None:
        said = str(fault) or type(fault).__name__
        if said != self.fault:
            log.error("archive failed", extra={"fault": said})
        self.fault = said
        self._last = None
        self.begun = None
        self._noted.clear()
        self._release()

    def _release(self) -> None:
        for connection in (*self._held, *([self._mover] if self._mover else ())):
            with contextlib.suppress(apsw.Error):
                connection.close()
        self._held = []
        self._mover = None

    def _begin(self) -> None:
        """Goes on with the chain that is there if nothing can be missing in between."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._mover = connect(self._path)
        self._held = [self._snapshot()]
        self._number = max((int(path.stem) for path in files(self._folder)), default=0)
        self._number += 1
        self._last = None if self.fault else self._joined()
        self.begun = self._last.begun if self._last else now()
        if self._last:
            self.reached = max(self.reached, self._last.at)
            self.reached = max(self.reached, reached(self._folder, self._last))

    def _joined(self) -> Record | None:
        paths = files(self._folder)
        last: Record | None = None
        for path in paths[-1:]:
            for record, _ in heads(path):
                last = record
        if last is None:
            return None
        if last.file is not None:
            return last if last.file == identity(self._path) else None
        frames, _ = self._frames()
        if self._salts() != last.salts or frames < last.last:
            return None
        (head,) = self._read(last.page_size, last.last, 1)
        return last if head[16:24].hex() == last.checksum else None

    def _snapshot(self) -> apsw.Connection:
        connection = connect(self._path, read_only=True)
        connection.execute("BEGIN")
        connection.pragma("user_version")
        return connection

    def _frames(self) -> tuple[int, int]:
        """How many frames are committed, and how many of them are in the file."""
        assert self._mover is not None
        return self._mover.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_NOOP)

    def _exchange(self) -> None:
        """Copies every frame that a newer snapshot sees, then holds that one."""
        looked = now()
        newer = self._snapshot()
        self._held.append(newer)
        frames, moved = self._frames()
        self._seen = frames if frames > moved else 0
        last = self._last
        if frames > 0 and (frames > moved or last is None):
            salts = self._salts()
            first = 1
            if last is not None and last.file is None:
                follows = ((last.salts[0] + 1) & 0xFFFF_FFFF) == salts[0]
                if salts == last.salts:
                    first = last.last + 1
                elif not follows:
                    raise Gap("The log began anew while nobody looked.")
            self._copy(salts, first, frames)
        self._reach(looked)
        while len(self._held) > 1:
            self._held.pop(0).close()

    def _copy(self, salts: Salts, first: int, frames: int) -> None:
        if first <= frames and frames not in self._noted:
            time.sleep(NOTING_TAKES)  # It is committed, and the writer says so next.
        # What others commit was written since the last look, and before the log was.
        before = self.reached
        latest = max(before, min(now(), modified(self._wal)))
        with open(self._wal, "rb") as file:
            page_size = struct.unpack(">4I", file.read(16))[2]
        while first <= frames:
            count = min(FRAMES, frames - first + 1)
            found = self._read(page_size, first, count)
            commits = []
            for number, frame in enumerate(found, first):
                _, pages, *named = struct.unpack(">4I", frame[:16])
                if tuple(named) != salts:
                    raise Gap("The log changed under a snapshot.")
                if pages:
                    made = self._noted.pop(number, -1)
                    is_known = made >= before
                    earliest = max(self.reached, made if is_known else 0)
                    self.reached = max(earliest, 0 if is_known else latest)
                    commits.append((number, pages, earliest, self.reached))
            body = zlib.compress(b"".join(found), LEVEL)
            self._write(
                Record(
                    *(salts, page_size, first, count, found[-1][16:24].hex(), commits),
                    *("", self.begun or 0, self.reached),
                    *(len(body), hashlib.sha256(body).hexdigest()),
                ),
                body,
            )
            first += count

    def _salts(self) -> Salts:
        found = salts(self._path)
        if found is None:
            raise Gap("There is no log.")
        return found

    def _read(self, page_size: int, first: int, count: int) -> list[bytes]:
        size = FRAME_HEADER + page_size
        with open(self._wal, "rb") as file:
            file.seek(WAL_HEADER + (first - 1) * size)
            data = file.read(count * size)
        if len(data) != count * size:
            raise Gap("The log is shorter than it says.")
        return [data[at : at + size] for at in range(0, len(data), size)]

    def _write(self, record: Record, body: bytes) -> None:
        # It stops before those who post have to.
        require_room(self._folder, LEAST_FREE + len(body))
        record = replace(record, before=self._last.digest if self._last else "")
        path = self._folder / f"{self._number:08d}.log"
        is_new = not path.exists()
        with open(path, "ab") as file:
            file.write(record.head() + body)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        if is_new:
            folder = os.open(self._folder, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        self._last = record
        if size > LARGEST:
            self._number += 1

    def _reach(self, looked: int) -> None:
        """Notes that until then nothing else was committed."""
        self.reached = max(self.reached, looked)
        if self._last is not None:
            new = self._folder / f"{REACHED}.new"
            new.write_bytes(orjson.dumps([self._last.digest, self.reached]))
            new.replace(self._folder / REACHED)


def now() -> int:
    return time.time_ns() // 1_000_000


def salts(path: Path) -> Salts | None:
    """Which log this database has now; None for none."""
    try:
        with open(path.with_name(f"{path.name}-wal"), "rb") as file:
            head = file.read(WAL_HEADER)
    except FileNotFoundError:
        return None
    return struct.unpack(">2I", head[16:24]) if len(head) == WAL_HEADER else None


def position(path: Path) -> tuple[Salts, int] | None:
    """The log and how many of its frames are committed, or a little more."""
    with contextlib.closing(connect(path)) as connection:
        frames, _ = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_NOOP)
        found = salts(path)
    return None if found is None or frames < 1 else (found, frames)


def identity(path: Path) -> list[int]:
    """Changes with anything that is written into the file, and with a copy of it."""
    about = path.stat()
    return [about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns]


def reached(folder: Path, last: Record) -> int:
    """Until when nothing was committed after this one, as was noted; 0 if it was not.

    The note may have been lost or be about another record: then nothing is known.
    """
    try:
        digest, until = orjson.loads((folder / REACHED).read_bytes())
    except (OSError, ValueError):
        return 0
    return int(until) if digest == last.digest else 0


def newest(folder: Path) -> tuple[int, int] | None:
    """When the last chain was begun, and until when it has everything."""
    last: Record | None = None
    for path in files(folder)[-1:]:
        for last, _ in heads(path):
            pass
    if last is None:
        return None
    return last.begun, max(last.at, reached(folder, last))


def modified(path: Path) -> int:
    return path.stat().st_mtime_ns // 1_000_000


def files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if NAME.fullmatch(path.name))


def heads(path: Path) -> Iterator[tuple[Record, int]]:
    """The records of a file and where the frames of each are, up to a damaged one."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        while (line := file.readline()).endswith(b"\n"):
            record = parsed(line)
            if record is None or file.tell() + record.size > size:
                return
            yield record, file.tell()
            file.seek(record.size, os.SEEK_CUR)


def parsed(line: bytes) -> Record | None:
    text = line[65:-1]
    if hashlib.sha256(text).hexdigest().encode() != line[:64]:
        return None
    try:
        fields = orjson.loads(text)
        fields["salts"] = tuple(fields["salts"])
        return Record(**fields)
    except (ValueError, TypeError, KeyError):
        return None
