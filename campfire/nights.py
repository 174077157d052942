"""A backup every night, made by the server itself in a process of its own.

Old ones are taken away once a new one is there, never before. A night that was missed
is made up for after the start.
"""

import asyncio
import contextlib
import logging
import os
import re
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import orjson

from campfire.archive import Archive
from campfire.chat.backups import Drill

log = logging.getLogger(__name__)

HOUR: Final = 3
LOOKS_EVERY: Final = 600.0
GENTLE: Final = 10
NAME: Final = re.compile(r"campfire-\d{8}T\d{6}Z")
FORMAT: Final = "campfire-%Y%m%dT%H%M%SZ"
MANIFEST: Final = "manifest.json"
UNFINISHED: Final = re.compile(rf"\.{NAME.pattern}-\w+")


class Nights:
    """Looks every ten minutes whether a backup is due; `close` ends one under way.

    An `archive` that had to begin anew wants one too, and forgets with the oldest.
    """

    def __init__(
        self, data: Path, folder: Path, kept: int, archive: Archive | None = None
    ) -> None:
        self._data = data
        self._folder = folder
        self._kept = kept
        self._archive = archive
        self.fault: str | None = None
        self._measured = (data, 0)
        self._task = asyncio.create_task(self._pass(), name="nights")

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def newest(self, now: datetime) -> datetime | None:
        """When the newest backup was begun, whatever a wrong clock has named others."""
        return newest(self._folder, now)

    def last_made(self) -> float:
        """When the newest was made, in seconds since 1970; 0 for never."""
        made = self.newest(datetime.now(UTC))
        return made.timestamp() if made else 0.0

    async def drill(self) -> Drill:
        """How the last night went, for administrators."""
        made = self.newest(datetime.now(UTC))
        if made is None:
            return Drill(None, 0, self.fault)
        path = self._folder / made.strftime(FORMAT)
        if path != self._measured[0]:
            self._measured = path, await asyncio.to_thread(size, path)
        return Drill(int(made.timestamp() * 1_000), self._measured[1], self.fault)

    async def make(self, now: datetime) -> bool:
        """Makes a backup and takes the oldest away; says in the log what went wrong."""
        target = self._folder / now.strftime(FORMAT)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "campfire", "backup", str(target)),
            *("--data", str(self._data)),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, process.pid, GENTLE)
        try:
            _, words = await process.communicate()
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            raise
        if process.returncode:
            lines = words.decode(errors="replace").splitlines() or ["it was ended"]
            self.fault = lines[-1].removeprefix("campfire: ")
            log.error("backup failed", extra={"fault": self.fault})
            return False
        self.fault = None
        log.info("backup made", extra={"backup": target.name})
        await asyncio.to_thread(self._tidy)
        return True

    async def _pass(self) -> None:
        while True:
            await asyncio.sleep(LOOKS_EVERY)
            now = datetime.now(UTC)
            made = self.newest(now)
            if made is None or made < last_night(now) or self._is_wanted(made):
                await self.make(now)

    def _is_wanted(self, made: datetime) -> bool:
        begun = self._archive.begun if self._archive else None
        return begun is not None and made.timestamp() * 1000 < begun

    def _tidy(self) -> None:
        for path in made_in(self._folder)[: -self._kept]:
            shutil.rmtree(path, ignore_errors=True)
        for path in self._folder.iterdir():
            if UNFINISHED.fullmatch(path.name):
                shutil.rmtree(path, ignore_errors=True)
        if self._archive:
            left = made_in(self._folder)
            oldest = int(moment(left[0]).timestamp() * 1000)
            self._archive.prune({log for path in left if (log := log_of(path))}, oldest)


def made_in(folder: Path) -> list[Path]:
    """Ours, oldest first; anything else that lies there is somebody else's."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if NAME.fullmatch(path.name))


def newest(folder: Path, now: datetime) -> datetime | None:
    """When the newest backup was begun, whatever a wrong clock has named others."""
    moments = [moment(path) for path in made_in(folder)]
    return max((made for made in moments if made <= now), default=None)


def size(path: Path) -> int:
    """The bytes of a backup, as its manifest has them; 0 where nobody can tell."""
    try:
        files = orjson.loads((path / MANIFEST).read_bytes())["files"]
        return sum(int(entry["size"]) for entry in files.values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return 0


def log_of(path: Path) -> tuple[int, int] | None:
    """On which log a backup was begun, as its manifest has it."""
    try:
        first, second, *_ = orjson.loads((path / MANIFEST).read_bytes())["log"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return first, second


def moment(path: Path) -> datetime:
    return datetime.strptime(path.name, FORMAT).replace(tzinfo=UTC)


def last_night(now: datetime) -> datetime:
    """The last time that it was three o'clock where the server stands."""
    local = now.astimezone()
    three = local.replace(hour=HOUR, minute=0, second=0, microsecond=0)
    return three if three <= local else three - timedelta(days=1)
