"""`campfire verify`: compares what is kept with itself and with the files beside it.

All of it is looked at in a copy of one moment, so that a running server neither waits
nor is waited for. Each fault is one line.
"""

import argparse
import contextlib
import hashlib
import os
import tempfile
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Final

from campfire.chat import files, health, memberships, searches, usage
from campfire.chat.files import Kept
from campfire.config import Config
from campfire.database import (
    Fault,
    Reads,
    Tx,
    Unusable,
    alone,
    applied,
    connect,
    copied,
    looked,
    migrations,
)
from campfire.storage import CHUNK, FLAGS, KEY, THUMBNAIL

FILE: Final = "campfire.sqlite3"
FILES: Final = "files"


def add_to(command: Any) -> None:
    """Adds `verify` to the command line."""
    about = "compare what is kept with itself; exits with 1 on any fault"
    verify = command.add_parser("verify", help=about)
    verify.add_argument("--data", type=Path, help="folder for what is kept")
    repair = "make the search index anew first; the server must not run"
    verify.add_argument("--repair", action="store_true", help=repair)


def run(given: argparse.Namespace, config: Config) -> None:
    """Prints what is wrong. Raises Unusable if anything is."""
    file = config.data / FILE
    if not file.exists():
        raise Unusable(f"There is no Campfire in {config.data}.")
    if given.repair:
        with alone(config.data):
            applied(file, searches.rebuild)
        print("The search index was made anew.")
    found = 0
    for fault in faults(config.data):
        print(fault)
        found += 1
    if lost := len(unnamed(config.data)):
        print(f"files: {lost} belong to no message; the server takes them away itself")
    if found:
        raise Unusable(f"{found} faults." if found > 1 else "One fault.")
    print("Everything is as it should be.")


def faults(data: Path) -> Iterator[str]:
    """Whatever is not as it should be, each in one line."""
    with tempfile.TemporaryDirectory(prefix=".verify-", dir=data) as folder:
        copy = Path(folder) / FILE
        try:
            copied(data / FILE, copy, health.look)
            kept = yield from inside(copy)
        except Fault as fault:
            yield f"database: {fault}"
            return
    for file in kept:
        wrong = outside(data, file)
        # Its message may have been removed since the copy was made.
        if wrong and not looked(data / FILE, files.unnamed, [file.key]):
            yield f"files: {file.id} {wrong}"


def inside(copy: Path) -> Generator[str, None, list[Kept]]:
    """The faults of the database itself; answers with the files it names."""
    with contextlib.closing(connect(copy)) as connection:
        db = Reads(connection)
        newest = migrations()[-1][0]
        if (schema := health.look(db)) != newest:
            raise Unusable(
                f"This is schema {schema}, and not {newest}: start the server once."
            )
        yield from (f"database: {fault}" for fault in health.faults(db))
        for room_id in memberships.miscounted(db):
            yield f"counts: those of room {room_id} are not of its messages"
        for room_id in usage.miscounted(db):
            yield f"storage: what is counted of room {room_id} is not what it has"
        connection.execute("BEGIN IMMEDIATE")
        for index in searches.faults(Tx(connection, {})):
            yield f"index: {index} does not say what the messages say"
        connection.execute("ROLLBACK")
        return files.kept(db)


def outside(data: Path, file: Kept) -> str | None:
    """What is wrong with the bytes of a file, or None."""
    try:
        descriptor = os.open(path(data, file.key), FLAGS | os.O_RDONLY)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    size, digest = 0, hashlib.sha256()
    with open(descriptor, "rb") as stored:
        while chunk := stored.read(CHUNK):
            size += len(chunk)
            digest.update(chunk)
    if size != file.byte_size:
        return f"has {size} bytes, not {file.byte_size}"
    if digest.digest() != file.sha256:
        return "has other bytes than were sent"
    return None


def unnamed(data: Path) -> list[str]:
    """Keys of files that no message has. What came just now may be on its way."""
    just_now = time.time() - 60
    keys = {
        entry.name.removesuffix(THUMBNAIL)
        for entry in (data / FILES).glob("??/*")
        if entry.lstat().st_mtime < just_now
    }
    present = sorted(filter(KEY.fullmatch, keys))
    return looked(data / FILE, files.unnamed, present)


def path(data: Path, key: str) -> Path:
    return data / FILES / key[:2] / key
