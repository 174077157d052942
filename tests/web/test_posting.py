"""Posting: rendered before the write, with the members that can be called."""

import asyncio

import pytest

from campfire.chat import accounts, users
from campfire.database import Database
from campfire.refusals import Invalid, NotFound
from campfire.web import posting
from tests.conftest import ALL_PETS, DAVID, JASON, KEVIN, WATERCOOLER


async def test_a_message_is_posted_once_however_often_it_comes(db: Database) -> None:
    message, is_new = await posting.post(db, KEVIN, ALL_PETS, "Hello", "x")
    assert is_new and message.source == "Hello"
    for body in ("Hello", "Another"):
        again, is_new = await posting.post(db, KEVIN, ALL_PETS, body, "x")
        assert (again, is_new) == (message, False)
    other, is_new = await posting.post(db, KEVIN, ALL_PETS, "Hello", None)
    assert is_new and other.client_message_id != message.client_message_id


async def test_many_at_once_are_posted_once(db: Database) -> None:
    made = await asyncio.gather(
        *(posting.post(db, KEVIN, ALL_PETS, "Hello", "x") for _ in range(20))
    )
    assert len({message.id for message, _ in made}) == 1
    assert [is_new for _, is_new in made].count(True) == 1


@pytest.mark.parametrize("filling", ["", "and so on " * 300])
async def test_members_are_called_and_others_are_text(
    db: Database, filling: str
) -> None:
    """Short and long messages take different ways and arrive at the same."""
    body = f"@Jason and @Kevin {filling}"
    for room_id, called in ((ALL_PETS, [JASON, KEVIN]), (WATERCOOLER, [JASON])):
        message, _ = await posting.post(db, DAVID, room_id, body, None)
        assert sorted(message.mentions) == called


@pytest.mark.parametrize("filling", ["", "and so on " * 300])
async def test_administrators_call_everyone_and_bots_write_html(
    db: Database, filling: str
) -> None:
    bender = await db.write(users.add, "Bender", "bender@x.example", "!", "bot")
    body = f"@Everyone <b>look</b> {filling}"
    for user_id, calls, writes in (
        (DAVID, True, False),
        (KEVIN, False, False),
        (bender.id, False, True),
    ):
        message, _ = await posting.post(db, user_id, ALL_PETS, body, None)
        assert message.calls_everyone == calls
        assert ("<b>look</b>" in message.html) == writes
        assert ("&lt;b&gt;look" in message.html) != writes


async def test_an_edit_is_read_as_its_authors_words(db: Database) -> None:
    bender = await db.write(users.add, "Bender", "bender@x.example", "!", "bot")
    for author, is_html in ((bender.id, True), (KEVIN, False)):
        message, _ = await posting.post(db, author, ALL_PETS, "Hello", None)
        draft = await posting.drafted(
            db, DAVID, ALL_PETS, "@everyone <b>look</b>", message.id
        )
        assert ("<b>look</b>" in draft.html) == is_html
        assert not draft.calls_everyone, "an administrator's edit calls nobody"


async def test_an_edit_still_calls_who_is_gone(db: Database) -> None:
    message, _ = await posting.post(db, KEVIN, ALL_PETS, "bye @Jason", None)
    await db.write(accounts.deactivate, DAVID, JASON)
    for body, called in (("bye @Jason, edited", (JASON,)), (f"<@{JASON}>", (JASON,))):
        draft = await posting.drafted(db, KEVIN, ALL_PETS, body, message.id)
        assert draft.mentions == called
    draft = await posting.drafted(db, KEVIN, ALL_PETS, "bye @Jason")
    assert draft.mentions == (), "a new message calls nobody who is gone"


async def test_an_outsider_and_nonsense_write_nothing(db: Database) -> None:
    for body in ("Hello", "@Jason"):
        with pytest.raises(NotFound):
            await posting.post(db, KEVIN, WATERCOOLER, body, None)
    with pytest.raises(Invalid):
        await posting.post(db, KEVIN, ALL_PETS, " \u200b ", None)
    with pytest.raises(Invalid):
        await posting.post(db, KEVIN, ALL_PETS, "Hello", "not an id")
    assert await db.read(lambda db: db.value("SELECT count(*) FROM messages")) == 0


async def test_a_name_that_changed_is_called_by_the_new_one(db: Database) -> None:
    message, _ = await posting.post(db, DAVID, ALL_PETS, "@Kevin", None)
    assert message.source == "@Kevin"
    await db.write(users.revise, KEVIN, users.Profile(name="Kev"))
    later, _ = await posting.post(db, DAVID, ALL_PETS, "@Kev and @Kevin", None)
    assert list(later.mentions) == [KEVIN]
