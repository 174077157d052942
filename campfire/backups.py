"""`campfire backup` and `campfire restore`: a copy that was checked, or none at all.

A backup is a folder with the database, the files that it names, and a manifest with
the SHA-256 of each. It has its name only when everything in it was found as it should
be. Files never change once they are named, so on the same disk they are linked.
"""

import argparse
import contextlib
import errno
import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

import apsw
import orjson

from campfire import __version__, archive, moments
from campfire.chat import backups, files, health
from campfire.chat.files import Kept
from campfire.config import Config
from campfire.database import Reads, Unusable, blank, copied, guarded, migrations
from campfire.storage import CHUNK, FLAGS, THUMBNAIL

FILE: Final = "campfire.sqlite3"
FILES: Final = "files"
# What the server has made for itself, and nobody could make again.
KEYS: Final = "*-keys.json"
MANIFEST: Final = "manifest.json"
RESTORING: Final = "restoring"
LARGEST_MANIFEST: Final = 1 << 30
# A message may lose its file between the copy of the database and its own.
ATTEMPTS: Final = 4
NAME: Final = re.compile(
    r"campfire\.sqlite3|[a-z]+-keys\.json|files/(..)/\1[a-z0-9]{24}(\.thumbnail)?"
)
UNLINKABLE: Final = {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP}


@dataclass(frozen=True, slots=True)
class Entry:
    """What a file must be: its SHA-256, in hexadecimal, and its bytes."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds, by the paths within it.

    `log` is on which log of SQLite it was begun, both salts, then on which it was
    finished and after how many frames; None where no server kept one meanwhile.
    """

    campfire: str
    schema: int
    made_at: str
    counts: dict[str, Any]
    files: dict[str, Entry]
    log: list[int] | None = None

    def written(self) -> bytes:
        """As JSON, with a digest of itself at the end."""
        fields = asdict(self)
        return orjson.dumps(fields | {"sha256": digest(fields)})

    def __str__(self) -> str:
        size = sum(entry.size for entry in self.files.values()) / 1_000_000
        counts = (
            f"{self.counts[noun]} {noun}" for noun in ("users", "rooms", "messages")
        )
        sent = sum(
            name.startswith(f"{FILES}/") and not name.endswith(THUMBNAIL)
            for name in self.files
        )
        return f"{', '.join(counts)}, {sent} files: {size:.1f} MB"


def digest(fields: dict[str, Any]) -> str:
    text = orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()


def add_to(command: Any) -> None:
    """Adds both commands to the command line."""
    about = "copy everything that is kept, while the server runs"
    backup = command.add_parser("backup", help=about)
    backup.add_argument("target", type=Path, help="a folder that does not exist yet")
    restore = command.add_parser("restore", help="begin from a backup")
    restore.add_argument("source", type=Path, help="a folder made by backup")
    about = "a later time with its zone, such as 2026-11-26T12:00:05Z"
    restore.add_argument("--to", metavar="TIME", help=about)
    about = "what was kept since; beside the backup unless it is given"
    restore.add_argument("--archive", type=Path, help=about)
    for action in (backup, restore):
        action.add_argument("--data", type=Path, help="folder for what is kept")


def back_up(given: argparse.Namespace, config: Config) -> None:
    print(f"{made(config.data, given.target)}, verified in {given.target}")


def restore(given: argparse.Namespace, config: Config) -> None:
    wanted = None if given.to is None else moments.moment(given.to)
    kept = given.archive or given.source.absolute().parent / archive.FOLDER
    manifest = restored(given.source, config.data, kept, wanted)
    moment = "" if wanted is None else f" as it was at {manifest.made_at}"
    print(f"{manifest}, restored to {config.data}{moment}")


# Making


def made(data: Path, target: Path) -> Manifest:
    """Makes a backup whose folder appears whole or not at all. Raises Unusable."""
    if not (data / FILE).exists():
        raise Unusable(f"There is no Campfire in {data}.")
    if os.path.lexists(target):
        raise Unusable(f"{target} exists already.")
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    before = os.umask(0o077)
    try:
        manifest = gathered(data, folder)
        require_perfect(folder, manifest)
        with written(folder / MANIFEST) as file:
            file.write(manifest.written())
        for path, _, _ in os.walk(folder):
            sync(Path(path))
        if os.path.lexists(target):
            raise Unusable(f"{target} exists already.")
        folder.rename(target)
        sync(target.parent)
    finally:
        os.umask(before)
        shutil.rmtree(folder, ignore_errors=True)
    return manifest


def gathered(data: Path, folder: Path) -> Manifest:
    """Copies the database, then the files it names, until nothing is missing."""
    for _ in range(ATTEMPTS):
        (folder / FILE).unlink(missing_ok=True)
        begun = archive.salts(data / FILE)
        schema, counts = copied(data / FILE, folder / FILE, looked_at)
        ended = archive.position(data / FILE)
        with contextlib.closing(guarded(folder / FILE)) as connection:
            named = files.kept(Reads(connection))
        missing = [
            name
            for file in named
            for name in names(file)
            if not taken(data / name, folder / name)
        ]
        if not missing:
            break
    else:
        raise Unusable(f"{len(missing)} files are missing, {missing[0]} among them.")
    entries = {
        names(file)[0]: Entry(file.sha256.hex(), file.byte_size) for file in named
    }
    keys = [path.name for path in data.glob(KEYS)]
    for name in keys:
        copy_file(data / name, folder / name)
    for name in [FILE, *keys, *(name for file in named for name in names(file)[1:])]:
        entries[name] = measured(folder / name)
    for name in list(present(folder)):
        if name not in entries:  # Its message is gone since the first attempt.
            (folder / name).unlink()
    sync(folder / FILE)
    moment = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    log = [*begun, *ended[0], ended[1]] if begun and ended else None
    return Manifest(__version__, schema, moment, counts, entries, log)


def looked_at(db: Reads) -> tuple[int, dict[str, Any]]:
    return health.look(db), backups.counts(db)


def names(file: Kept) -> list[str]:
    path = f"{FILES}/{file.key[:2]}/{file.key}"
    return [path, path + THUMBNAIL] if file.has_thumbnail else [path]


def taken(source: Path, copy: Path) -> bool:
    """Links or copies a file, unless it was; False when there is none."""
    if copy.exists():
        return True
    copy.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, copy, follow_symlinks=False)
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno not in UNLINKABLE:
            raise
        copy_file(source, copy)
    return True


# Restoring


def restored(
    source: Path, data: Path, kept: Path | None = None, wanted: int | None = None
) -> Manifest:
    """Fills an empty folder from a backup, whole or not at all. Raises Unusable.

    With `wanted`, in UTC milliseconds, it is as it was then, by the archive `kept`.
    """
    if os.path.lexists(data) and (not data.is_dir() or any(data.iterdir())):
        raise Unusable(f"{data} is not an empty folder.")
    manifest = read(source)
    before = os.umask(0o077)
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = data / RESTORING
    try:
        folder.mkdir()
        for name in present(source):
            if name not in manifest.files and name != MANIFEST:
                raise Unusable(f"{name} does not belong into a backup.")
        for name in manifest.files:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            try:
                copy_file(source / name, folder / name)
            except FileNotFoundError:
                raise Unusable(f"{name} is missing.") from None
        require_perfect(folder, manifest)
        if kept is not None and wanted is not None:
            manifest = forwarded(folder, manifest, kept, wanted)
            require_perfect(folder, manifest)
        if (folder / FILES).exists():
            (folder / FILES).rename(data / FILES)
        for path in folder.glob(KEYS):
            path.rename(data / path.name)
        if (data / FILE).exists():
            raise Unusable(f"A server was started on {data} meanwhile.")
        (folder / FILE).rename(data / FILE)
        sync(data)
    finally:
        os.umask(before)
        shutil.rmtree(folder, ignore_errors=True)
    return manifest


def forwarded(folder: Path, manifest: Manifest, kept: Path, wanted: int) -> Manifest:
    """Brings a checked copy to that time, with the files that were there then."""
    made = moments.forwarded(folder / FILE, kept, manifest.log, wanted)
    try:
        with contextlib.closing(guarded(folder / FILE)) as connection:
            schema, counts = looked_at(Reads(connection))
            named = files.kept(Reads(connection))
    except apsw.Error as error:
        raise Unusable(f"The archive is damaged: {error}.") from None
    listed = {name for file in named for name in names(file)}
    for name in sorted(listed):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if not (folder / name).exists():
            try:
                copy_file(kept / name, folder / name)
            except FileNotFoundError:
                raise Unusable(f"{name} is not in the archive.") from None
    for name in list(present(folder)):
        if name.startswith(f"{FILES}/") and name not in listed:
            (folder / name).unlink()
    keys = [name for name in manifest.files if Path(name).match(KEYS)]
    entries = {name: measured(folder / name) for name in (FILE, *keys, *listed)}
    moment = moments.said(made)
    return replace(
        manifest, schema=schema, made_at=moment, counts=counts, files=entries, log=None
    )


def read(source: Path) -> Manifest:
    """The manifest of a backup, if that is what it is. Raises Unusable."""
    try:
        with opened(source / MANIFEST) as file:
            text = file.read(LARGEST_MANIFEST)
    except (FileNotFoundError, NotADirectoryError):
        raise Unusable(f"{source} is not a backup of Campfire.") from None
    refused = Unusable("The manifest is damaged.")
    try:
        fields = orjson.loads(text)
        if fields.pop("sha256") != digest(fields):
            raise refused
        fields["files"] = {
            name: Entry(**entry) for name, entry in fields["files"].items()
        }
        manifest = Manifest(**fields)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise refused from None
    strange = [name for name in manifest.files if not NAME.fullmatch(name)]
    if strange or FILE not in manifest.files:
        raise Unusable("The manifest names what does not belong into a backup.")
    newest = migrations()[-1][0]
    if manifest.schema > newest:
        raise Unusable(
            f"This was made by a newer Campfire ({manifest.campfire}, "
            f"schema {manifest.schema}; this one knows {newest})."
        )
    return manifest


# Checking


def require_perfect(folder: Path, manifest: Manifest) -> None:
    """Compares a copy with what was written of it, byte by byte and row by row."""
    for name, entry in manifest.files.items():
        if measured(folder / name) != entry:
            raise Unusable(f"{name} is damaged: its bytes are not those of the file.")
    try:
        with contextlib.closing(guarded(folder / FILE)) as connection:
            require_sound(Reads(connection), manifest)
    except apsw.Error as error:
        raise Unusable(f"The database is damaged: {error}.") from None


def require_sound(db: Reads, manifest: Manifest) -> None:
    """Its schema comes first: nothing else of a strange file is looked at."""
    with contextlib.closing(blank(manifest.schema)) as expected:
        is_ours = backups.schema(db) == backups.schema(Reads(expected))
    if not is_ours or health.look(db) != manifest.schema:
        raise Unusable("The database is not one of Campfire's, or was changed.")
    for fault in health.faults(db):
        raise Unusable(f"The database is damaged: {fault}.")
    if backups.counts(db) != manifest.counts:
        raise Unusable("The database does not hold what was backed up.")
    named = {name: file for file in files.kept(db) for name in names(file)}
    listed = {name for name in manifest.files if name.startswith(f"{FILES}/")}
    if named.keys() != listed:
        raise Unusable("The database names other files than the manifest.")
    for file in named.values():
        if manifest.files[names(file)[0]].sha256 != file.sha256.hex():
            raise Unusable(f"{names(file)[0]} is not the file that was sent.")


def measured(path: Path) -> Entry:
    hashed, size = hashlib.sha256(), 0
    with opened(path) as file:
        while data := file.read(CHUNK):
            hashed.update(data)
            size += len(data)
    return Entry(hashed.hexdigest(), size)


def present(folder: Path) -> Iterator[str]:
    """Whatever lies below a folder and is no folder, however it came there."""
    for path, folders, others in os.walk(folder):
        within = Path(path).relative_to(folder)
        links = [name for name in folders if (Path(path) / name).is_symlink()]
        for name in (*others, *links):
            yield str(within / name)


# Bytes


def opened(path: Path) -> BinaryIO:
    """Refuses whatever is not a file: a link, a pipe, a device."""
    try:
        descriptor = os.open(path, FLAGS | os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise Unusable(f"{path} is a link.") from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Unusable(f"{path} is not a file.")
    return open(descriptor, "rb")


@contextlib.contextmanager
def written(path: Path) -> Iterator[BinaryIO]:
    """A new file that survives a power cut once it is closed."""
    flags = FLAGS | os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with open(os.open(path, flags, 0o600), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def copy_file(source: Path, copy: Path) -> None:
    with opened(source) as given, written(copy) as file:
        shutil.copyfileobj(given, file, CHUNK)


def sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
