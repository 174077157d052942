"""Posting: what is long is rendered beside the loop, what is not for one is refused."""

import pytest

from campfire.database import Database
from campfire.refusals import NotFound
from campfire.web import posting
from tests.conftest import ALL_PETS, DAVID, KEVIN, WATERCOOLER


@pytest.mark.parametrize("words", ["short", "long " * 200])
async def test_a_message_is_posted_once(db: Database, words: str) -> None:
    first = await posting.post(db, DAVID, ALL_PETS, words, "once")
    second = await posting.post(db, DAVID, ALL_PETS, words, "once")
    assert (first[1], second[1]) == (True, False)
    assert first[0] == second[0]


async def test_whom_a_message_calls_is_looked_up_in_the_room(db: Database) -> None:
    message, _ = await posting.post(db, DAVID, ALL_PETS, "Hello @Kevin", None)
    assert message.mentions == (KEVIN,)
    message, _ = await posting.post(db, DAVID, WATERCOOLER, "Hello @Kevin", None)
    assert message.mentions == ()
    with pytest.raises(NotFound):
        await posting.post(db, KEVIN, WATERCOOLER, "Hello @David", None)
