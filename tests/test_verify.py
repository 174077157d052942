"""Verifying: what is sound passes, and whatever is made wrong is named."""

import hashlib
import os
from pathlib import Path

import pytest

from campfire import verify
from campfire.__main__ import main
from campfire.chat import messages, richtext
from campfire.chat.files import Stored
from campfire.database import Tx, alone, applied, connect
from tests.conftest import ALL_PETS, JZ, set_the_stage

BYTES = b"a map of the huts"
KEY = "m" * 26


def say(tx: Tx, text: str, *given: Stored) -> None:
    client_id = messages.client_message_id(None)
    messages.post(tx, JZ, ALL_PETS, richtext.draft(text), client_id, given)


def placed(data: Path, key: str, content: bytes = BYTES) -> Path:
    path = data / "files" / key[:2] / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (0, 0))
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A small place with words and a file in it."""
    digest = hashlib.sha256(BYTES).digest()
    file = Stored(KEY, "map.txt", "text/plain", len(BYTES), digest)
    applied(tmp_path / verify.FILE, set_the_stage)
    applied(tmp_path / verify.FILE, say, "The hut is open", file)
    placed(tmp_path, KEY)
    return tmp_path


def run(data: Path, *words: str) -> int:
    return main(["verify", "--data", str(data), *words])


def wreck(data: Path, sql: str) -> None:
    connection = connect(data / verify.FILE)
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute(sql)
    connection.close()


def test_a_sound_place_passes_and_stays_as_it_was(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(path.name for path in data.rglob("*"))
    assert run(data) == 0
    assert capsys.readouterr().out == "Everything is as it should be.\n"
    left = {"campfire.sqlite3-wal", "campfire.sqlite3-shm"}
    after = {path.name for path in data.rglob("*")}
    assert after - left == set(before) - left


def test_it_is_verified_while_a_server_runs(data: Path) -> None:
    with alone(data):
        writing = connect(data / verify.FILE)
        writing.execute("BEGIN IMMEDIATE")
        assert run(data) == 0
        writing.execute("ROLLBACK")
        writing.close()


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("UPDATE messages SET room_id = 99", "database: messages 1 names what is not"),
        (
            "INSERT INTO messages_words (messages_words) VALUES ('delete-all')",
            "index: messages_words does not say",
        ),
        (
            """INSERT INTO messages_parts (messages_parts, rowid, plain)
               VALUES ('delete', 1, 'The hut is open')""",
            "index: messages_parts does not say",
        ),
        ("UPDATE tallies SET count = 9", "counts: those of room 1 are not of its"),
        ("UPDATE storage SET files = 9", "storage: what is counted of room 1 is not"),
        ("UPDATE attachments SET byte_size = 3", "files: 1 has 17 bytes, not 3"),
        ("UPDATE attachments SET sha256 = zeroblob(32)", "files: 1 has other bytes"),
    ],
)
def test_what_does_not_fit_is_named(
    data: Path, capsys: pytest.CaptureFixture[str], sql: str, named: str
) -> None:
    wreck(data, sql)
    assert run(data) == 1
    assert named in capsys.readouterr().out


def test_missing_bytes_and_links_elsewhere_are_named(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = data / "files" / KEY[:2] / KEY
    path.unlink()
    assert run(data) == 1
    assert "files: 1 cannot be read" in capsys.readouterr().out
    path.symlink_to("/etc/hostname")
    assert run(data) == 1
    assert "files: 1 cannot be read" in capsys.readouterr().out


def test_pages_that_were_overwritten_are_named(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wreck(data, "PRAGMA wal_checkpoint(TRUNCATE)")
    with open(data / verify.FILE, "r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096 * 8)
    assert run(data) == 1
    assert "database: " in capsys.readouterr().out


def test_bytes_that_no_message_has_are_no_fault(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    placed(data, "z" * 26)
    assert run(data) == 0
    assert "files: 1 belong to no message" in capsys.readouterr().out


def test_the_index_is_made_anew_when_asked_for_and_nobody_serves(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wreck(data, "INSERT INTO messages_words (messages_words) VALUES ('delete-all')")
    with alone(data):
        assert run(data, "--repair") == 1
        assert "running" in capsys.readouterr().err
    assert run(data) == 1
    assert run(data, "--repair") == 0
    assert run(data) == 0


def test_there_is_nothing_to_verify_in_an_empty_folder(tmp_path: Path) -> None:
    assert run(tmp_path) == 1
    assert list(tmp_path.iterdir()) == []


def test_another_schema_is_not_judged(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wreck(data, "PRAGMA user_version = 3")
    assert run(data) == 1
    assert "start the server once" in capsys.readouterr().err
