"""What a copy of the database has to show: its tables, its numbers, its health."""

from campfire.chat import backups, health, messages, richtext
from campfire.database import Reads, Tx, blank, migrations
from tests.conftest import ALL_PETS, KEVIN


def test_the_tables_of_a_real_file_are_those_of_its_migrations(tx: Tx) -> None:
    newest = migrations()[-1][0]
    assert health.look(tx) == newest
    expected = blank(newest)
    assert backups.schema(tx) == backups.schema(Reads(expected))
    expected.execute("CREATE TABLE another (id INTEGER)")
    assert backups.schema(tx) != backups.schema(Reads(expected))
    expected.close()


def test_the_numbers_change_with_every_message(tx: Tx) -> None:
    before = backups.counts(tx)
    message, _ = messages.post(tx, KEVIN, ALL_PETS, richtext.draft("Hello"), "x")
    after = backups.counts(tx)
    assert (before["messages"], after["messages"]) == (0, 1)
    assert before["rooms_sha256"] != after["rooms_sha256"]
    messages.edit(tx, KEVIN, ALL_PETS, message.id, richtext.draft("Other words"))
    assert backups.counts(tx)["rooms_sha256"] != after["rooms_sha256"]
