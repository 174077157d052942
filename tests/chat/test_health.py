"""Signs of life from the readers and from the writer."""

from campfire.chat import health
from campfire.database import Database, Event, Tx, migrations


async def test_the_readers_and_the_writer_answer(
    db: Database, events: list[Event]
) -> None:
    assert await db.read(health.look) == migrations()[-1][0]
    assert await db.write(health.beat) > 0
    assert events == []


def test_a_sound_file_has_no_faults_and_an_orphan_is_one(tx: Tx) -> None:
    assert health.faults(tx) == []
    tx.row("PRAGMA defer_foreign_keys = ON")
    tx.row("UPDATE rooms SET creator_id = 99 WHERE id = 1")
    assert health.faults(tx) == ["rooms 1 names what is not in users"]
