"""The sample place: the same each time, friendly, and right in every index."""

from pathlib import Path

import pytest

from campfire import demo
from campfire.__main__ import main
from campfire.chat import memberships, passwords, rooms, searches, users
from campfire.database import Reads, Tx, applied, looked

SMALL = demo.Size(messages=300, users=40, rooms=25)


def said(db: Reads) -> list[tuple[int, int, int, str]]:
    return db.rows("SELECT id, room_id, creator_id, source FROM messages ORDER BY id")


def filled(folder: Path, size: demo.Size = SMALL) -> Path:
    folder.mkdir()
    file = folder / demo.FILE
    demo.fill(file, size)
    return file


def test_the_same_numbers_give_the_same_place(tmp_path: Path) -> None:
    first, second = filled(tmp_path / "first"), filled(tmp_path / "second")
    assert looked(first, said) == looked(second, said)
    assert len(looked(first, said)) == SMALL.messages


def test_robin_can_sign_in_and_is_in_every_room(tmp_path: Path) -> None:
    file = filled(tmp_path / "data")
    robin = looked(file, users.by_address, demo.ADDRESS)
    assert robin.role == "administrator"
    hashed = looked(file, users.password_hash, robin.id)
    assert hashed and passwords.matches(demo.PASSWORD, hashed)
    assert len(looked(file, rooms.all_of, robin.id)) == SMALL.rooms
    kinds = {room.kind for room in looked(file, rooms.all_of, robin.id)}
    assert kinds == {"open", "closed", "direct"}


def test_rooms_count_their_messages_without_holes(tmp_path: Path) -> None:
    def counted(db: Reads) -> list[tuple[int, int, int]]:
        return db.rows("""SELECT rooms.seq, count(messages.id), max(messages.seq)
               FROM rooms JOIN messages ON messages.room_id = rooms.id
               GROUP BY rooms.id""")

    for seq, count, newest in looked(filled(tmp_path / "data"), counted):
        assert seq == count == newest


def test_everybody_speaks_only_where_they_are(tmp_path: Path) -> None:
    def strangers(db: Reads) -> list[int]:
        return db.rows("""SELECT id FROM messages WHERE NOT EXISTS (
                 SELECT 1 FROM memberships
                 WHERE memberships.room_id = messages.room_id
                   AND memberships.user_id = messages.creator_id)""")

    assert looked(filled(tmp_path / "data"), strangers) == []


def test_what_was_said_is_found_and_stays_indexed(tmp_path: Path) -> None:
    file = filled(tmp_path / "data", demo.Size(2_000, 10, 5))
    robin = looked(file, users.by_address, demo.ADDRESS)
    for text in ("map", "rucker", "地図", "사진", "карта"):
        assert looked(file, searches.find, robin.id, text).total > 0, text
    assert applied(file, searches.faults) == []

    def removed(tx: Tx) -> None:
        tx.row("DELETE FROM messages WHERE id % 7 = 0")

    applied(file, removed)
    assert applied(file, searches.faults) == [], "the triggers are back"


def test_not_everything_is_read(tmp_path: Path) -> None:
    file = filled(tmp_path / "data", demo.Size(2_000, 10, 5))
    robin = looked(file, users.by_address, demo.ADDRESS)
    counts = [room.unread_count for room in looked(file, memberships.unread, robin.id)]
    assert 0 in counts
    assert any(counts)


def test_the_command_tells_how_to_sign_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    assert main(["demo", "--data", str(data), "--messages", "20"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[-1] == f"sign in: {demo.ADDRESS} {demo.PASSWORD}"
    assert "20 of 20" in err
    assert data.stat().st_mode & 0o777 == 0o700
    assert (data / demo.FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in data.iterdir()] == [demo.FILE]


def test_a_place_that_exists_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    assert main(["demo", "--data", str(data), "--messages", "1"]) == 0
    before = (data / demo.FILE).read_bytes()
    assert main(["demo", "--data", str(data)]) == 1
    assert "already" in capsys.readouterr().err
    assert (data / demo.FILE).read_bytes() == before


def test_many_people_and_rooms_have_names_of_their_own() -> None:
    names = {demo.person(number) for number in range(500)}
    assert len(names) == 500
