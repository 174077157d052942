"""Whether each part works, asked at most once a second."""

import asyncio
from typing import Any

import apsw
import pytest

from campfire.database import Database
from campfire.refusals import Busy
from campfire.web import readiness
from campfire.web.readiness import Readiness, answered


async def test_however_many_ask_the_parts_are_asked_once(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    write = db.write

    async def counted(*args: Any) -> Any:
        asked.append(args)
        return await write(*args)

    monkeypatch.setattr(db, "write", counted)
    parts = Readiness(db, {"jobs": lambda: "ok"})
    answers = await asyncio.gather(*(parts.components() for _ in range(50)))
    assert len(asked) == 1
    assert all(answer == answers[0] for answer in answers)
    monkeypatch.setattr(readiness, "FRESH", -1.0)
    await parts.components()
    assert len(asked) == 2


async def test_a_part_that_fails_is_named_not_raised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def refuse() -> None:
        raise Busy("Too much.")

    async def fail() -> None:
        raise apsw.FullError("disk full at /somewhere/secret")

    assert await answered(refuse()) == "too busy"
    assert await answered(fail()) == "FullError"
    monkeypatch.setattr(readiness, "PATIENCE", 0.01)
    assert await answered(asyncio.Event().wait()) == "does not answer"


async def test_a_writer_that_is_stuck_is_not_ready(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "PATIENCE", 0.05)
    other = apsw.Connection(str(db.path))
    other.execute("BEGIN IMMEDIATE")
    components = await Readiness(db, {"jobs": lambda: "ok"}).components()
    assert (components["database"], components["writer"]) == ("ok", "does not answer")
    other.execute("ROLLBACK")
    other.close()


async def test_whatever_is_ill_is_named_and_the_others_are_not(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("os.statvfs", refuse)
    assert await Readiness(db, {"jobs": lambda: "stopped"}).components() == {
        "database": "ok",
        "writer": "ok",
        "jobs": "stopped",
        "disk": "cannot be asked: Input/output error",
    }
