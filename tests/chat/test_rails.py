"""A foreign database is looked at only where it has the shape of a Campfire."""

from pathlib import Path

import pytest

from campfire.chat import rails
from campfire.database import Reads
from tests.rails import BENDER, DAVID, HQ, JASON, JZ, Storage, with_the_cast


@pytest.fixture
def was(tmp_path: Path) -> Storage:
    return with_the_cast(tmp_path / "storage")


def test_its_shape_is_asked_first(was: Storage) -> None:
    assert rails.misshapen(Reads(was.connection)) is None
    was.connection.execute("ALTER TABLE boosts DROP COLUMN content")
    assert rails.misshapen(Reads(was.connection)) == "boosts.content"
    was.connection.execute("DROP TABLE accounts")
    assert rails.misshapen(Reads(was.connection)) == "accounts.created_at"


def test_times_are_milliseconds_and_order_what_was_said(was: Storage) -> None:
    first = was.say(HQ, DAVID, "before", created_at="2024-02-29 23:59:59.123456")
    ordered = rails.times(Reads(was.connection), (HQ,))
    assert ordered[0] == (first, 1_709_251_199_123)
    assert [message_id for message_id, _ in ordered[1:]] == [1, 2, 3, 4, 5]


def test_words_that_were_changed_later_were_edited(was: Storage) -> None:
    was.connection.execute("""UPDATE action_text_rich_texts
           SET updated_at = '2024-03-01 12:30:00' WHERE record_id = 1""")
    found = rails.messages(Reads(was.connection), [1, 2])
    assert (found[1].edited_at, found[2].edited_at) == (1_709_296_200_000, None)


def test_bytes_that_are_no_text_do_not_stop_the_reading(was: Storage) -> None:
    number = was.say(HQ, DAVID, "fine")
    was.connection.execute(
        f"""UPDATE action_text_rich_texts SET body = CAST(x'61ff62' AS TEXT)
            WHERE record_id = {number}"""
    )
    assert rails.messages(Reads(was.connection), [number])[number].body == "a\ufffdb"


def test_what_there_is_comes_as_it_was_written(was: Storage) -> None:
    db = Reads(was.connection)
    account = rails.account(db)
    assert account and account.only_administrators_create_rooms and account.has_styles
    assert [person.name for person in rails.people(db)] == [
        *("David", "Jason", "JZ", "Bender", "Kevin"),
    ]
    assert rails.webhooks(db) == {BENDER: "https://bender.example/hook"}
    assert len(rails.rooms(db)) == 4
    assert {member.user_id for member in rails.memberships(db)[HQ]} == {
        *(DAVID, JASON, JZ, BENDER),
    }
    assert rails.others(db) == [("push_subscriptions", 1), ("sessions", 1)]
    assert [blob.record_type for blob in rails.blobs(db)] == [
        *("Message", "Message", "User", "Account"),
    ]
    assert len(rails.boosts(db)) == 3 and len(rails.bans(db)) == 1
