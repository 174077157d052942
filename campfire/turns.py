"""Whose turn it is to write, where several processes serve one folder.

SQLite lets one of them write at a time and has the others sleep and try again, up to a
tenth of a second. Here they wait in the kernel, each turn has a number, and everybody
sees how far the others have come, without asking the database.
"""

import fcntl
import mmap
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FILE: Final = "turns"
MOST_WORKERS: Final = 64
# Who writes without being one of them: the operator's commands.
NOBODY: Final = 0
NAME_BYTES: Final = 16
# After the name: the number that was taken last, then one place for each worker.
PLACES: Final = MOST_WORKERS + 2
BYTES: Final = NAME_BYTES + 8 * PLACES


@dataclass(frozen=True, slots=True)
class Worker:
    """One `of` so many processes of a server, from 1 on; `is_new` when all are."""

    number: int
    of: int
    is_new: bool = True


class Turns:
    """The turns of one worker, from 1 on; the file that they share is the path's.

    Turns are taken in the writer thread and looked at from anywhere. A number that was
    taken and did not land belongs to a process that was ended in between. Every turn
    up to `heard` is known here with what was announced in it.
    """

    def __init__(self, path: Path, worker: int) -> None:
        self.heard = 0
        self._doubted = 0
        self._generation = 0
        self._worker = worker
        self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self._shared = mmap.mmap(self._file, BYTES)
        self._numbers = memoryview(self._shared)[NAME_BYTES:].cast("Q")
        # Of this start of the server, and of no other that uses the same broker.
        self.name = self._shared[:NAME_BYTES].hex()

    @staticmethod
    def begin(path: Path) -> None:
        """Makes the file anew, before the first worker opens it."""
        path.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with open(os.open(path, flags, 0o600), "wb") as file:
            file.write(secrets.token_bytes(NAME_BYTES) + bytes(8 * PLACES))

    @contextmanager
    def turn(self) -> Iterator[int]:
        """Waits until nobody else writes; the number that the turn has."""
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            number = self._numbers[0] = self._numbers[0] + 1
            yield number
        finally:
            # What was written is on the disk or undone, before anybody is told of it.
            self._numbers[self._worker + 1] = number
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def newest(self) -> int:
        """The newest turn that is over; so are all that have a lower number."""
        return max(self._numbers[1:])

    def elsewhere(self) -> int:
        """Grows with each turn of another worker that is over."""
        return sum(self._numbers[1:]) - self._numbers[self._worker + 1]

    def generation(self) -> int:
        """Grows when a turn is over that was not heard of yet: what is kept may be
        wrong, and nobody has said what."""
        newest = self.newest()
        if newest > self.heard and newest > self._doubted:
            self._doubted = newest
            self._generation += 1
        return self._generation

    def skip(self, number: int) -> None:
        """What was announced up to this turn will not be heard."""
        self.heard = max(self.heard, number)
        self._generation += 1

    def close(self) -> None:
        self._numbers.release()
        self._shared.close()
        os.close(self._file)
