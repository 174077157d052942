"""Signs of life from the readers and from the writer."""

from campfire.chat import health
from campfire.database import Database, Event, migrations


async def test_the_readers_and_the_writer_answer(
    db: Database, events: list[Event]
) -> None:
    assert await db.read(health.look) == migrations()[-1][0]
    assert await db.write(health.beat) > 0
    assert events == []
