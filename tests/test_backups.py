"""Backups are made while people post, and nothing but a perfect one is restored."""

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest
from aiohttp import ClientSession, FormData
from aiohttp.test_utils import TestServer

from campfire import app, backups
from campfire.__main__ import main
from campfire.chat import messages, richtext
from campfire.chat.files import Stored, discarded
from campfire.config import Config
from campfire.database import (
    Tx,
    Unusable,
    applied,
    connect,
    copied,
    migrate,
    migrations,
)
from campfire.outside.client import Client
from campfire.storage import Storage
from tests.conftest import ALL_PETS, JZ, WATERCOOLER, SignIn, set_the_stage

ENOUGH = 40


def attached(tx: Tx, storage: Storage, content: bytes) -> int:
    """A message with a file whose thumbnail is its first byte."""
    incoming = storage.incoming()
    incoming.write(content)
    key = storage.keep(incoming, content[:1])
    file = Stored(
        *(key, "a.png", "image/png", incoming.size, incoming.sha256),
        *(1, 1),
        has_thumbnail=True,
    )
    draft = richtext.draft("", may_be_empty=True)
    return messages.post(tx, JZ, WATERCOOLER, draft, key, [file])[0].id


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder as a server leaves it, with two files."""
    path = tmp_path / "data" / backups.FILE
    storage = Storage(path.parent / backups.FILES)
    applied(path, set_the_stage)
    (path.parent / "push-keys.json").write_text("{}")
    for content in (b"first", b"second"):
        applied(path, attached, storage, content)
    return path.parent


@pytest.fixture
def backup(data: Path, tmp_path: Path) -> Path:
    backups.made(data, tmp_path / "backup")
    return tmp_path / "backup"


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def rows(folder: Path) -> list[Any]:
    connection = connect(folder / backups.FILE)
    found = connection.execute(
        "SELECT room_id, id, seq, client_message_id, source FROM messages ORDER BY id"
    ).fetchall()
    connection.close()
    return found


# Making and restoring


async def test_what_was_acknowledged_before_is_in_it_while_everybody_posts(
    server: TestServer, sign_in: SignIn, tmp_path: Path
) -> None:
    kevin, jz = await sign_in("Kevin"), await sign_in("JZ")
    acknowledged: list[int] = []
    enough, done = asyncio.Event(), asyncio.Event()

    async def post(person: Any) -> None:
        while not done.is_set():
            form = FormData({"body": "Put **wood** on it"})
            form.add_field("attachment", os.urandom(2_000), filename="a.bin")
            response = await person.client.post(
                f"/rooms/{ALL_PETS}/messages", data=form
            )
            if response.status == 201:
                acknowledged.append((await response.json())["id"])
            if len(acknowledged) >= 5:
                enough.set()

    posting = [asyncio.create_task(post(person)) for person in (kevin, jz)]
    await enough.wait()
    before = set(acknowledged)
    manifest = await asyncio.to_thread(backups.made, tmp_path, tmp_path / "backup")
    done.set()
    await asyncio.gather(*posting)

    elsewhere = tmp_path / "elsewhere"
    await asyncio.to_thread(backups.restored, tmp_path / "backup", elsewhere)
    kept = rows(elsewhere)
    assert before <= {id for _, id, *_ in kept}
    assert manifest.counts["messages"] == len(kept)
    shutdown = TestServer(
        await app.create(
            Config(data=elsewhere, password_cost=4), Client(lookup=lambda name: [])
        )
    )
    await shutdown.start_server()
    headers = {"Accept": "application/json", "Authorization": f"Bearer {jz.token}"}
    async with ClientSession(shutdown.make_url("/"), headers=headers) as again:
        found = await (await again.get("/searches?q=wood")).json()
        assert found
        (attachment,) = found[0]["message"]["attachments"]
        answer = await again.get(attachment["url"])
        assert answer.status == 200 and len(await answer.read()) == 2_000
    await shutdown.close()


def test_a_backup_and_what_comes_of_it_are_the_same(
    data: Path, backup: Path, tmp_path: Path
) -> None:
    restored = tmp_path / "restored"
    backups.restored(backup, restored)
    assert rows(restored) == rows(data)
    assert files(restored / "files") == files(data / "files") == files(backup / "files")
    kept = {backups.FILE, "files", "push-keys.json"}
    assert {path.name for path in restored.iterdir()} == kept
    assert (restored / "push-keys.json").read_text() == "{}"
    for path in (backup, restored, *backup.rglob("*"), *restored.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path


def test_files_are_linked_where_they_can_be(data: Path, backup: Path) -> None:
    for path in (backup / "files").rglob("*"):
        if path.is_file():
            assert path.samefile(data / path.relative_to(backup))


def test_a_file_on_another_disk_is_copied(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    backups.made(data, tmp_path / "backup")
    assert files(tmp_path / "backup" / "files") == files(data / "files")


def test_a_message_that_is_removed_meanwhile_is_not_missed(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = Storage(data / backups.FILES)
    removed: list[str] = []

    def copied_slowly(path: Path, copy: Path, look: Any) -> Any:
        seen = copied(path, copy, look)
        if not removed:
            with_file = applied(path, attached, storage, b"third")
            seen = copied(path, Path(f"{copy}-again"), look)
            os.replace(f"{copy}-again", copy)
            applied(path, messages.remove, JZ, WATERCOOLER, with_file)
            applied(path, messages.sweep, 0)
            removed.extend(applied(path, discarded))
            for key in removed:
                storage.discard(key)
        return seen

    monkeypatch.setattr(backups, "copied", copied_slowly)
    manifest = backups.made(data, tmp_path / "backup")
    assert removed
    assert not [name for name in manifest.files if removed[0] in name]
    assert len(files(tmp_path / "backup" / "files")) == 4


def test_the_commands_say_what_they_did(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = str(tmp_path / "backups" / "monday")
    assert main(["backup", target, "--data", str(data)]) == 0
    assert main(["restore", target, "--data", str(tmp_path / "new")]) == 0
    made, restored = capsys.readouterr().out.splitlines()
    assert made.startswith("4 users, 2 rooms, 2 messages, 2 files: ")
    assert made.endswith(f"verified in {target}")
    assert restored.endswith(f"restored to {tmp_path / 'new'}")


# Refusing to make one


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    assert main([str(argument) for argument in arguments]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_a_backup_replaces_nothing(
    data: Path, backup: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    before = files(backup)
    assert "exists already" in complaint(capsys, "backup", backup, "--data", data)
    assert files(backup) == before
    nowhere = tmp_path / "nowhere"
    line = complaint(capsys, "backup", tmp_path / "b", "--data", nowhere)
    assert "There is no Campfire" in line


@pytest.mark.parametrize("harm", ["missing", "changed", "linked"])
def test_a_backup_that_would_not_be_perfect_is_not_made(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], harm: str
) -> None:
    path = next(path for path in (data / "files").rglob("*") if len(path.name) == 26)
    content = path.read_bytes()
    path.unlink()
    if harm == "changed":
        path.write_bytes(content[::-1])
    if harm == "linked":
        (tmp_path / "elsewhere").write_bytes(content)
        path.symlink_to(tmp_path / "elsewhere")
    line = complaint(capsys, "backup", tmp_path / "b", "--data", data)
    assert path.name in line
    assert {"missing": "missing", "changed": "damaged", "linked": "link"}[harm] in line
    assert [path.name for path in tmp_path.iterdir() if "b" in path.name[:2]] == []


def test_a_database_that_is_damaged_is_found_in_its_copy(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = data / backups.FILE
    connection = connect(path)
    root: Any = connection.execute(
        "SELECT rootpage FROM sqlite_schema WHERE name = 'messages_by_creator'"
    ).fetchone()
    size: int = connection.pragma("page_size")
    connection.close()
    bytes_ = bytearray(path.read_bytes())
    end = root[0] * size
    bytes_[end - 3 : end] = b"\xff\xff\xff"
    path.write_bytes(bytes_)
    line = complaint(capsys, "backup", tmp_path / "b", "--data", data)
    assert "The database is damaged" in line
    assert not (tmp_path / "b").exists()


# Refusing to restore one


def rewritten(backup: Path, **fields: Any) -> None:
    """Somebody writes another manifest, with the right digests."""
    manifest = json.loads((backup / "manifest.json").read_text())
    del manifest["sha256"]
    entry = backups.measured(backup / backups.FILE)
    manifest["files"][backups.FILE] = {"sha256": entry.sha256, "size": entry.size}
    for name, value in fields.items():
        manifest[name] = manifest[name] | value if name == "files" else value
    text = json.dumps(manifest | {"sha256": backups.digest(manifest)})
    (backup / "manifest.json").write_text(text)


def a_file(backup: Path) -> Path:
    return next(path for path in (backup / "files").rglob("*") if path.is_file())


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    path.unlink()  # It may be linked to the one that is served.
    content[at] ^= 1
    path.write_bytes(content)


def changed(backup: Path, sql: str) -> None:
    connection = apsw.Connection(str(backup / backups.FILE))
    connection.execute(sql)
    connection.close()
    rewritten(backup)


def truncate(backup: Path) -> None:
    os.truncate(backup / backups.FILE, 8_192)


def another_log(backup: Path) -> None:
    (backup / f"{backups.FILE}-wal").write_bytes(b"7\x7f\x06\x82" + bytes(28))


def link(backup: Path) -> None:
    path = a_file(backup)
    path.unlink()
    path.symlink_to("/etc/passwd")


def pipe(backup: Path) -> None:
    path = a_file(backup)
    path.unlink()
    os.mkfifo(path)


def linked_folder(backup: Path) -> None:
    (backup / "files").rename(backup.parent / "moved")
    (backup / "files").symlink_to(backup.parent / "moved")


def strange_database(backup: Path) -> None:
    (backup / backups.FILE).unlink()
    changed(backup, "CREATE TABLE users (id); PRAGMA user_version = 5")


def other_rows(backup: Path) -> None:
    changed(backup, "UPDATE messages SET source = 'x'")


def no_manifest(backup: Path) -> None:
    (backup / "manifest.json").unlink()


def outside(path: str) -> Callable[[Path], None]:
    return lambda backup: rewritten(backup, files={path: {"sha256": "", "size": 0}})


HARM: dict[str, tuple[Callable[[Path], None], str]] = {
    "the database ends early": (truncate, "campfire.sqlite3 is damaged"),
    "a byte of the database is another": (
        lambda backup: flip(backup / backups.FILE, 5_000),
        "campfire.sqlite3 is damaged",
    ),
    "a byte of a file is another": (
        lambda backup: flip(a_file(backup), 0),
        "is damaged",
    ),
    "a byte of the manifest is another": (
        lambda backup: flip(backup / "manifest.json", 20),
        "manifest is damaged",
    ),
    "a file is gone": (lambda backup: a_file(backup).unlink(), "is missing"),
    "a file is there that nobody knows": (
        lambda backup: (a_file(backup).with_name("x" * 26).touch()),
        "does not belong",
    ),
    "there is a log of another day": (another_log, "does not belong"),
    "a file is a link": (link, "does not belong|is a link"),
    "a file is a pipe": (pipe, "is not a file"),
    "a folder is a link": (linked_folder, "does not belong"),
    "a path leads up": (outside("files/../../x"), "does not belong"),
    "a path begins at the root": (outside("/etc/cron.d/x"), "does not belong"),
    "a path has another shard": (outside("files/ab/" + "c" * 26), "does not belong"),
    "the database is a stranger's": (strange_database, "not one of Campfire's"),
    "the database has one more trigger": (
        lambda backup: changed(
            backup,
            """CREATE TRIGGER evil AFTER INSERT ON messages
               BEGIN DELETE FROM users; END""",
        ),
        "not one of Campfire's",
    ),
    "the rows are others": (other_rows, "does not hold what was backed up"),
    "it was made by a newer Campfire": (
        lambda backup: rewritten(backup, schema=migrations()[-1][0] + 1),
        "newer Campfire",
    ),
    "the schema is another than it says": (
        lambda backup: rewritten(backup, schema=1),
        "not one of Campfire's",
    ),
    "the manifest is gone": (no_manifest, "is not a backup"),
}


@pytest.mark.parametrize("harm", HARM)
def test_a_damaged_or_foreign_copy_is_refused_with_a_reason(
    backup: Path, tmp_path: Path, harm: str
) -> None:
    do, reason = HARM[harm]
    do(backup)
    with pytest.raises(Unusable, match=reason):
        backups.restored(backup, tmp_path / "new")
    assert list((tmp_path / "new").glob("*")) == []


def test_what_is_not_empty_is_left_alone(
    data: Path, backup: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    before = files(data)
    assert "not an empty" in complaint(capsys, "restore", backup, "--data", data)
    assert files(data) == before
    (tmp_path / "empty").mkdir()
    assert main(["restore", str(backup), "--data", str(tmp_path / "empty")]) == 0


def test_a_backup_of_an_older_schema_is_restored(tmp_path: Path) -> None:
    path = tmp_path / "old" / backups.FILE
    path.parent.mkdir()
    connection = connect(path)
    for number, script in migrations()[:2]:
        connection.execute(script)
        connection.pragma("user_version", number)
    connection.close()
    backups.made(path.parent, tmp_path / "backup")
    backups.restored(tmp_path / "backup", tmp_path / "new")
    connection = connect(tmp_path / "new" / backups.FILE)
    migrate(connection, tmp_path / "new" / backups.FILE)
    connection.close()
