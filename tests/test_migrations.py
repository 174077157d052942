"""Migrations: from every released schema to the newest, whole or not at all.

`schemas/` holds each released migration as it was released. They are never edited:
somebody's file was made with them.
"""

import logging
from pathlib import Path

import apsw
import pytest

from campfire import database
from campfire.database import Reads, Tx, Unusable, connect, migrate
from tests.conftest import DAVID, EVERYBODY, set_the_stage

SCHEMAS = Path(__file__).parent / "schemas"
RELEASED = sorted(SCHEMAS.glob("*.sql"))
POLLS = "CREATE TABLE polls (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;"


def released(path: Path, number: int) -> apsw.Connection:
    """A file as the release with this schema left it."""
    connection = connect(path)
    for file in RELEASED[:number]:
        connection.execute(file.read_text(encoding="utf-8"))
    connection.execute(f"PRAGMA user_version = {number}")
    return connection


def schema(connection: apsw.Connection) -> dict[str, str]:
    return dict(
        connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL")
    )


def newest() -> int:
    return database.migrations()[-1][0]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "campfire.sqlite3"


@pytest.mark.parametrize("number", range(1, len(RELEASED) + 1))
def test_a_released_schema_reaches_the_newest(path: Path, number: int) -> None:
    old = released(path, number)
    migrate(old, path)
    fresh = connect(path.with_name("fresh.sqlite3"))
    migrate(fresh, path.with_name("fresh.sqlite3"))
    assert schema(old) == schema(fresh)
    assert old.pragma("user_version") == newest()
    old.close()
    fresh.close()


def test_a_released_migration_is_never_edited() -> None:
    steps = dict(database.migrations())
    for file in RELEASED:
        assert steps[int(file.stem)] == file.read_text(encoding="utf-8")


def test_migrations_are_numbered_without_holes() -> None:
    numbers = [number for number, _ in database.migrations()]
    assert numbers == list(range(1, len(numbers) + 1))


def test_migrating_twice_changes_nothing(path: Path) -> None:
    connection = connect(path)
    migrate(connection, path)
    before = schema(connection)
    migrate(connection, path)
    assert schema(connection) == before
    assert [file.name for file in path.parent.glob("*schema*")] == []
    connection.close()


def test_every_table_is_strict(path: Path) -> None:
    connection = connect(path)
    migrate(connection, path)
    loose = connection.execute("""SELECT name FROM pragma_table_list
           WHERE type = 'table' AND NOT strict AND name NOT LIKE 'sqlite_%'""")
    assert loose.fetchall() == []
    connection.close()


def test_a_newer_file_is_refused_and_left_alone(path: Path) -> None:
    connection = connect(path)
    migrate(connection, path)
    connection.execute(f"PRAGMA user_version = {newest() + 1}")
    before = schema(connection)
    with pytest.raises(Unusable, match="was written by a newer Campfire"):
        migrate(connection, path)
    assert schema(connection) == before
    connection.close()


def test_a_snapshot_is_taken_before_an_upgrade(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    steps = database.migrations()
    connection = connect(path)
    migrate(connection, path)
    connection.execute("BEGIN")
    set_the_stage(Tx(connection, {}))
    connection.execute("COMMIT")

    newest_before = newest()
    steps.append((newest_before + 1, POLLS))
    monkeypatch.setattr(database, "migrations", lambda: steps)
    migrate(connection, path)

    assert "polls" in schema(connection)
    snapshot = path.with_name(f"campfire-schema-{newest_before}.sqlite3")
    assert "snapshot before migrating" in caplog.text
    kept = connect(snapshot, read_only=True)
    assert kept.pragma("user_version") == newest_before
    assert "polls" not in schema(kept)
    assert Reads(kept).value("SELECT count(*) FROM users") == len(EVERYBODY)
    assert Reads(kept).value("SELECT name FROM users WHERE id = ?", (DAVID,)) == "David"
    kept.close()
    connection.close()


def test_a_new_file_needs_no_snapshot(path: Path) -> None:
    connection = connect(path)
    migrate(connection, path)
    assert list(path.parent.glob("*schema*")) == []
    connection.close()


def test_a_step_that_fails_leaves_the_schema_before_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connect(path)
    migrate(connection, path)
    before, number = schema(connection), newest()
    steps = [
        *database.migrations(),
        (number + 1, POLLS),
        (number + 2, "CREATE TABLE answers (id INTEGER) STRICT; SELECT * FROM nothing"),
    ]
    monkeypatch.setattr(database, "migrations", lambda: steps)
    with pytest.raises(apsw.SQLError):
        migrate(connection, path)
    assert schema(connection).keys() - before.keys() == {"polls"}
    assert connection.pragma("user_version") == number + 1
    assert not connection.in_transaction
    connection.close()
