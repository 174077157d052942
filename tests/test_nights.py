"""A backup every night: when it is due, that it is made, which ones are kept."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from campfire import backups, nights
from campfire.archive import Archive
from campfire.chat.backups import Drill
from campfire.database import applied
from campfire.nights import Nights, last_night
from tests.conftest import set_the_stage

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Nights]:
    (tmp_path / "data").mkdir()
    made = Nights(tmp_path / "data", tmp_path / "backups", kept=2)
    yield made
    await made.close()


async def test_backups_are_made_and_the_oldest_leave(
    made: Nights, tmp_path: Path
) -> None:
    applied(tmp_path / "data" / backups.FILE, set_the_stage)
    folder = tmp_path / "backups"
    for days in (3, 2):
        (folder / f"campfire-2026112{5 - days}T030000Z").mkdir(parents=True)
    (folder / "mine").mkdir()
    (folder / ".campfire-20261121T030000Z-abc").mkdir()
    assert await made.make(NOW)
    assert sorted(path.name for path in folder.iterdir()) == [
        "campfire-20261123T030000Z",
        "campfire-20261125T120000Z",
        "mine",
    ]
    assert made.newest(NOW + timedelta(days=1)) == NOW
    backups.restored(folder / "campfire-20261125T120000Z", tmp_path / "restored")


async def test_the_drill_says_when_it_was_and_how_much(
    made: Nights, tmp_path: Path
) -> None:
    assert await made.drill() == Drill(None, 0, None)
    data = tmp_path / "data"
    applied(data / backups.FILE, set_the_stage)
    assert await made.make(datetime.now(UTC))
    drill = await made.drill()
    (folder,) = (tmp_path / "backups").iterdir()
    manifest = backups.read(folder)
    assert drill.made_at == nights.moment(folder).timestamp() * 1_000
    assert drill.byte_size == sum(entry.size for entry in manifest.files.values()) > 0
    assert drill.fault is None
    (data / backups.FILE).rename(data / "elsewhere")
    assert not await made.make(datetime.now(UTC) + timedelta(seconds=1))
    assert await made.drill() == replace(
        drill, fault=f"There is no Campfire in {data}."
    )


async def test_what_goes_wrong_is_said_and_costs_no_older_one(
    made: Nights, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old = [tmp_path / "backups" / f"campfire-2026112{n}T030000Z" for n in range(4)]
    for path in old:
        path.mkdir(parents=True)
    assert not await made.make(NOW)
    assert made.fault == f"There is no Campfire in {tmp_path / 'data'}."
    assert "backup failed" in caplog.messages
    assert all(path.exists() for path in old)


async def test_one_is_made_when_last_night_has_none(
    made: Nights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied(tmp_path / "data" / backups.FILE, set_the_stage)
    monkeypatch.setattr(nights, "LOOKS_EVERY", 0.01)
    looking = Nights(tmp_path / "data", tmp_path / "backups", kept=2)
    while looking.newest(datetime.now(UTC)) is None:
        await asyncio.sleep(0.01)
    await looking.close()
    assert len(list((tmp_path / "backups").glob("campfire-*"))) == 1


async def test_one_is_made_when_the_archive_began_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, folder = tmp_path / "data", tmp_path / "backups"
    data.mkdir()
    applied(data / backups.FILE, set_the_stage)
    old = folder / f"campfire-{datetime.now(UTC) - timedelta(seconds=2):%Y%m%dT%H%M%SZ}"
    old.mkdir(parents=True)
    monkeypatch.setattr(nights, "LOOKS_EVERY", 0.01)
    monkeypatch.setattr(nights, "last_night", lambda now: now - timedelta(days=1))
    archive = Archive(data / backups.FILE, folder / "archive")
    looking = Nights(data, folder, 2, archive)
    while len(nights.made_in(folder)) < 2:
        await asyncio.sleep(0.01)
    await looking.close()
    archive.close()


async def test_a_clock_that_was_ahead_does_not_end_backups(
    made: Nights, tmp_path: Path
) -> None:
    (tmp_path / "backups" / "campfire-20990101T000000Z").mkdir(parents=True)
    assert made.newest(NOW) is None
    (tmp_path / "backups" / "campfire-20261124T030000Z").mkdir()
    assert made.newest(NOW) == datetime(2026, 11, 24, 3, tzinfo=UTC)


def test_the_night_ends_at_three() -> None:
    local = datetime(2026, 11, 25, 2, 59).astimezone()
    assert last_night(local) == local.replace(day=24, hour=3, minute=0)
    assert last_night(local + timedelta(minutes=1)) == local + timedelta(minutes=1)
