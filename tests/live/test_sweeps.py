"""What goes in the background: started by what happened, and by starting again."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from campfire.chat import bans, files, messages, richtext, rooms, trash
from campfire.chat.files import Stored
from campfire.database import Database, Event, Reads, Tx
from campfire.live import sweeps
from campfire.storage import Storage
from tests.conftest import (
    ALL_PETS,
    DAVID,
    EVERYBODY,
    JZ,
    WATERCOOLER,
    SignIn,
    set_the_stage,
)
from tests.live.line import Line

SECONDS = 10.0


def say_much(tx: Tx) -> None:
    for number in range(120):
        messages.post(tx, JZ, WATERCOOLER, richtext.draft("goes"), str(number))
        messages.post(tx, JZ, ALL_PETS, richtext.draft("goes"), str(number))
    messages.post(tx, DAVID, ALL_PETS, richtext.draft("stays"), "x")


def left(db: Reads) -> list[str]:
    return [text for (text,) in db.rows("SELECT plain FROM messages ORDER BY id")]


def gone(db: Reads) -> list[int]:
    """Rooms that were deleted and are there still."""
    rows = db.rows(
        "SELECT id FROM rooms WHERE deleted_at IS NOT NULL AND id <> ?", (trash.ROOM,)
    )
    return [room_id for (room_id,) in rows]


async def until(db: Database, look: Callable[[Reads], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not await db.read(look):
            await asyncio.sleep(0.01)


async def sweeping(db: Database, events: list[Event]) -> sweeps.Sweeps:
    """Sweeps as the application has it: hearing what is published."""
    broom = sweeps.Sweeps(db, Storage(db.path.with_name("files")), 0)

    def publish(event: Event) -> None:
        events.append(event)
        broom.hear(event)

    db.publish = publish
    return broom


async def test_a_ban_and_a_removed_room_are_swept_when_they_happen(
    db: Database, events: list[Event]
) -> None:
    await db.write(say_much)
    broom = await sweeping(db, events)
    await db.write(bans.add, DAVID, JZ)
    await until(db, lambda db: left(db) == ["stays"])
    told = [event for event in events if isinstance(event, messages.Removed)]
    assert len(told) == 240
    assert {e.audience for e in told if e.removal.room_id == ALL_PETS} == {EVERYBODY}
    await db.write(rooms.remove, DAVID, ALL_PETS)
    await until(db, lambda db: left(db) == [])
    await until(db, lambda db: not gone(db))
    await broom.close()


async def test_what_was_left_is_swept_after_a_restart(
    tmp_path: Path, events: list[Event]
) -> None:
    db = Database(tmp_path / "campfire.sqlite3")
    await db.write(set_the_stage)

    def leave_in_the_middle(tx: Tx) -> None:
        say_much(tx)
        bans.add(tx, DAVID, JZ)
        assert bans.sweep(tx)
        rooms.remove(tx, DAVID, WATERCOOLER)
        assert messages.sweep(tx, 0)

    await db.write(leave_in_the_middle)
    assert 1 < len(await db.read(left)) < 241
    await db.close()
    again = Database(tmp_path / "campfire.sqlite3")
    broom = await sweeping(again, events)
    await until(again, lambda db: left(db) == ["stays"])
    await until(again, lambda db: not gone(db))
    await broom.close()
    await again.close()


async def test_what_grows_old_is_swept_though_nothing_happens(
    db: Database, events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "HOUR", 0.01)
    monkeypatch.setattr(sweeps, "DAY", 1)
    await db.write(say_much)
    broom = sweeps.Sweeps(db, Storage(db.path.with_name("files")), days=1_000_000)
    await db.write(rooms.remove, DAVID, ALL_PETS)
    assert "stays" in await db.read(left)

    def grow_old(tx: Tx) -> None:
        tx.row("UPDATE rooms SET deleted_at = deleted_at - 1000000")

    await db.write(grow_old)
    await until(db, lambda db: "stays" not in left(db) and not gone(db))
    await broom.close()


async def test_others_write_between_the_parts_of_a_sweep(
    db: Database, events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bans, "SWEPT_AT_ONCE", 1)
    await db.write(say_much)
    broom = await sweeping(db, events)
    await db.write(bans.add, DAVID, JZ)
    draft = richtext.draft("meanwhile")
    message, _ = await db.write(messages.post, DAVID, ALL_PETS, draft, "meanwhile")
    assert "goes" in await db.read(left), "it did not wait for the whole sweep"
    await until(db, lambda db: left(db) == ["stays", "meanwhile"])
    await broom.close()


async def test_closing_in_the_middle_is_no_fault(
    tmp_path: Path, events: list[Event]
) -> None:
    db = Database(tmp_path / "other.sqlite3")
    await db.write(set_the_stage)
    await db.write(say_much)
    broom = await sweeping(db, events)
    await db.write(bans.add, DAVID, JZ)
    await broom.close()
    await db.close()


async def test_a_ban_takes_the_words_off_every_screen(sign_in: SignIn) -> None:
    """Ban while talking: the author is let go, and each message of theirs goes."""
    david, jz, kevin = [await sign_in(name) for name in ("David", "JZ", "Kevin")]
    theirs, watching = await Line.open(jz), await Line.open(kevin)
    for line in (theirs, watching):
        await line.enter(ALL_PETS)
    ids = set()
    for number in range(3):
        await theirs.say("message.post", room_id=ALL_PETS, body=str(number))
        ids.add((await watching.hear("message.posted"))["message"]["id"])
    assert (await david.client.post(f"/users/{JZ}/ban")).status == 204
    assert await theirs.closing() == 4401
    assert {(await watching.hear("message.removed"))["id"] for _ in ids} == ids
    counts = [event for event in watching.heard if event["event"] == "room.unread"]
    while not counts or counts[-1]["unread_count"]:
        counts.append(await watching.hear("room.unread"))
    room = await (await kevin.client.get(f"/rooms/{ALL_PETS}")).json()
    assert room["membership"]["unread_count"] == 0
    assert await (await kevin.client.get(f"/rooms/{ALL_PETS}/messages")).json() == []


def names_on(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


async def until_there_are_only(folder: Path, names: set[str]) -> None:
    async with asyncio.timeout(SECONDS):
        while names_on(folder) != names:
            await asyncio.sleep(0.01)


def file(storage: Storage) -> Stored:
    """A file with a thumbnail, on the disk."""
    incoming = storage.incoming()
    incoming.write(b"bytes")
    key = storage.keep(incoming, b"small")
    return Stored(key, "a.png", "image/png", 5, bytes(32), 9, 6, has_thumbnail=True)


async def test_the_bytes_of_a_removed_message_leave_the_disk(
    db: Database, events: list[Event]
) -> None:
    broom = await sweeping(db, events)
    folder = db.path.with_name("files")
    kept, gone = [file(Storage(folder)) for _ in range(2)]
    draft = richtext.draft("with a file")
    await db.write(messages.post, JZ, ALL_PETS, draft, "kept", [kept])
    message, _ = await db.write(messages.post, JZ, ALL_PETS, draft, "gone", [gone])
    assert len(names_on(folder)) == 4
    await db.write(messages.remove, JZ, ALL_PETS, message.id)
    await until_there_are_only(folder, {kept.key, f"{kept.key}.thumbnail"})
    await until(db, lambda db: not files.discarded(db))
    await broom.close()


async def test_the_bytes_of_a_deleted_room_leave_the_disk(
    db: Database, events: list[Event]
) -> None:
    broom = await sweeping(db, events)
    folder = db.path.with_name("files")
    draft = richtext.draft("with a file")
    given = [file(Storage(folder))]
    await db.write(messages.post, JZ, WATERCOOLER, draft, "x", given)
    await db.write(rooms.remove, DAVID, WATERCOOLER)
    await until_there_are_only(folder, set())
    await broom.close()


async def test_what_a_crash_left_on_the_disk_goes_at_the_next_start(
    db: Database, events: list[Event]
) -> None:
    """Bytes without a row, half a file, and a row's key that was still to discard."""
    folder = db.path.with_name("files")
    storage = Storage(folder)
    kept, gone, orphan = [file(storage) for _ in range(3)]
    half = storage.incoming()
    half.file.close()
    draft = richtext.draft("with a file")
    await db.write(messages.post, JZ, ALL_PETS, draft, "kept", [kept])
    message, _ = await db.write(messages.post, JZ, ALL_PETS, draft, "gone", [gone])
    await db.write(messages.remove, JZ, ALL_PETS, message.id)
    for path in folder.rglob("*"):
        os.utime(path, (0, 0))
    assert {orphan.key, half.key, gone.key} < names_on(folder)
    broom = await sweeping(db, events)
    meanwhile = file(storage)
    left = {kept.key, meanwhile.key}
    await until_there_are_only(folder, left | {f"{key}.thumbnail" for key in left})
    await broom.close()
