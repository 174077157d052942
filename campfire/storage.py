"""The bytes of files, each on the disk under a random key that says nothing.

They are written under another name, made safe, and only then given their key, so a key
never stands for half a file. The row that names the key is written after that. All of
this blocks and is called from threads.
"""

import contextlib
import hashlib
import logging
import os
import re
import secrets
import shutil
import string
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

log = logging.getLogger(__name__)

KEY: Final = re.compile(r"[a-z0-9]{26}")
SHARD: Final = re.compile(r"[a-z0-9]{2}")
LETTERS: Final = string.ascii_lowercase + string.digits
CHUNK: Final = 256 * 1024
INCOMING: Final = "incoming"
THUMBNAIL: Final = ".thumbnail"
# Another account of this machine may not lead us elsewhere with a link.
FLAGS: Final = os.O_NOFOLLOW | os.O_CLOEXEC


class Incoming:
    """Bytes on their way, with their number and SHA-256 so far."""

    def __init__(self, path: Path, key: str) -> None:
        self.path, self.key = path, key
        flags = FLAGS | os.O_CREAT | os.O_EXCL | os.O_RDWR
        self.file: BinaryIO = open(os.open(path, flags, 0o600), "w+b")
        self.size = 0
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> bytes:
        return self._digest.digest()

    def write(self, data: bytes) -> None:
        self.file.write(data)
        self._digest.update(data)
        self.size += len(data)

    def head(self, length: int) -> bytes:
        """The first bytes; the file stands at its beginning afterwards."""
        self.file.seek(0)
        head = self.file.read(length)
        self.file.seek(0)
        return head

    def measure(self) -> None:
        """Takes note of what another process wrote, be it over what was read before."""
        self.size, self._digest = 0, hashlib.sha256()
        while data := os.pread(self.file.fileno(), CHUNK, self.size):
            self._digest.update(data)
            self.size += len(data)

    def drop(self) -> None:
        self.file.close()
        self.path.unlink(missing_ok=True)


class Storage:
    """A folder of files, sharded by the first two characters of their keys.

    Each is linked into `second` too, where it stays when it is discarded here, or
    copied where that is another disk.
    """

    def __init__(self, folder: Path, second: Path | None = None) -> None:
        self._folder = folder
        self._second = second
        self._incoming = folder / INCOMING
        self._incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        # By the clock that also dates the files: what is older was left by another run.
        os.utime(self._incoming)
        self._begun = self._incoming.stat().st_mtime_ns

    def incoming(self) -> Incoming:
        """A new file to write to, which `keep` makes last and `drop` takes away."""
        key = "".join(secrets.choice(LETTERS) for _ in range(26))
        return Incoming(self._incoming / key, key)

    def keep(self, incoming: Incoming, thumbnail: bytes | None = None) -> str:
        """Answers with the key once the file survives a power cut under it."""
        path = self._path(incoming.key)
        if not path.parent.exists():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            _sync_folder(self._folder)
        if thumbnail is not None:
            small = self.incoming()
            try:
                small.write(thumbnail)
                _sync(small)
                small.path.rename(path.with_name(path.name + THUMBNAIL))
            finally:
                small.drop()
        _sync(incoming)
        incoming.path.rename(path)
        incoming.file.close()
        _sync_folder(path.parent)
        if self._second is not None:
            beside = path.with_name(path.name + THUMBNAIL)
            for each in (path, *([beside] if thumbnail is not None else ())):
                self._keep_second(each, self._second / each.parent.name)
        return incoming.key

    def _keep_second(self, path: Path, shard: Path) -> None:
        """What goes wrong here is said, and keeps nobody from sending a file."""
        copy = shard / path.name
        try:
            shard.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                os.link(path, copy)
            except OSError:
                shutil.copy2(path, copy)
            _sync_folder(shard)
        except OSError:
            log.exception("file not archived")

    def copied(self, key: str) -> str:
        """Keeps the same bytes once more, with their thumbnail, under another key."""
        incoming, thumbnail = self.incoming(), None
        try:
            with open(self.opened(key), "rb") as file:
                while chunk := file.read(CHUNK):
                    incoming.write(chunk)
            with contextlib.suppress(FileNotFoundError):
                with open(self.opened(key, thumbnail=True), "rb") as small:
                    thumbnail = small.read()
            return self.keep(incoming, thumbnail)
        finally:
            incoming.drop()

    def opened(self, key: str, *, thumbnail: bool = False) -> int:
        """A descriptor to read from. Raises FileNotFoundError, also for a link."""
        path = self._path(key)
        if thumbnail:
            path = path.with_name(path.name + THUMBNAIL)
        try:
            return os.open(path, FLAGS | os.O_RDONLY)
        except OSError as error:
            raise FileNotFoundError(key) from error

    def discard(self, key: str) -> None:
        """Takes a file off the disk with its thumbnail; it may be gone already."""
        path = self._path(key)
        path.unlink(missing_ok=True)
        path.with_name(path.name + THUMBNAIL).unlink(missing_ok=True)

    def discard_unfinished(self) -> None:
        """Takes away what another run of the server left in the middle."""
        with os.scandir(self._incoming) as entries:
            for entry in entries:
                if self._is_older(entry):
                    os.unlink(entry.path)

    def older(self) -> Iterator[list[str]]:
        """The keys that are older than this process, one shard at a time."""
        for shard in sorted(self._folder.iterdir()):
            if SHARD.fullmatch(shard.name) and not shard.is_symlink():
                with os.scandir(shard) as entries:
                    keys = {
                        entry.name.removesuffix(THUMBNAIL)
                        for entry in entries
                        if self._is_older(entry)
                    }
                yield sorted(filter(KEY.fullmatch, keys))

    def _is_older(self, entry: os.DirEntry[str]) -> bool:
        """False too for what was sent, or taken away, since the folder was listed."""
        try:
            return entry.stat(follow_symlinks=False).st_mtime_ns < self._begun
        except FileNotFoundError:
            return False

    def _path(self, key: str) -> Path:
        if not KEY.fullmatch(key):
            raise FileNotFoundError(key)
        return self._folder / key[:2] / key


def _sync(incoming: Incoming) -> None:
    incoming.file.flush()
    os.fsync(incoming.file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
