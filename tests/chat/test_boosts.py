"""Boosts: given once, taken back by who gave them, told to the room only."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campfire.chat import boosts, memberships, messages, richtext, rooms
from campfire.chat.messages import Message, Removal
from campfire.chat.parts import Boost
from campfire.database import Event, Tx
from campfire.refusals import Invalid, NotFound
from tests.chat.conftest import Stage
from tests.conftest import ALL_PETS, DAVID, INSIDERS, JASON, JZ, KEVIN, WATERCOOLER


def say(tx: Tx, user_id: int = JASON, room_id: int = WATERCOOLER) -> Message:
    client_id = messages.client_message_id(None)
    draft = richtext.draft("hello")
    return messages.post(tx, user_id, room_id, draft, client_id)[0]


def give(tx: Tx, user_id: int, message: Message, content: str = "👍") -> Boost:
    return boosts.add(tx, user_id, message.id, boosts.content(content))[1]


def shown(tx: Tx, message: Message) -> Message:
    return messages.find(tx, JASON, message.room_id, message.id)


def seq(tx: Tx, room_id: int = WATERCOOLER) -> int:
    return rooms.find(tx, DAVID, room_id).seq


def test_a_boost_is_told_to_the_room_with_the_message_as_it_is_now(tx: Tx) -> None:
    message = say(tx)
    tx.events.clear()
    boosted, boost, is_new = boosts.add(tx, DAVID, message.id, "👍")
    assert is_new
    assert (boost.content, boost.booster.id, boost.message_id) == (
        *("👍", DAVID),
        message.id,
    )
    assert boosted == shown(tx, message)
    assert list(boosted.boosts) == [boost]
    assert (boosted.seq, boosted.posted_seq, boosted.edited_at) == (2, 1, None)
    assert tx.events == [boosts.Added(INSIDERS, boosted, boost)]


def test_the_same_boost_again_is_the_one_that_exists(tx: Tx) -> None:
    message = say(tx)
    boost = give(tx, DAVID, message)
    tx.events.clear()
    assert boosts.add(tx, DAVID, message.id, "👍") == (
        *(shown(tx, message), boost),
        False,
    )
    assert tx.events == []
    assert seq(tx) == 2
    assert give(tx, DAVID, message, "👏") != boost
    assert give(tx, JZ, message) != boost
    assert len(shown(tx, message).boosts) == 3


def test_who_gave_it_takes_it_back_and_nobody_else(tx: Tx) -> None:
    message = say(tx)
    boost = give(tx, JZ, message)
    tx.events.clear()
    for other in (JASON, DAVID, KEVIN):
        with pytest.raises(NotFound):
            boosts.remove(tx, other, message.id, boost.id)
    assert tx.events == []
    left = boosts.remove(tx, JZ, message.id, boost.id)
    assert left == shown(tx, message)
    assert (left.boosts, left.seq) == ((), 3)
    assert tx.events == [boosts.Removed(INSIDERS, left, boost)]
    with pytest.raises(NotFound):
        boosts.remove(tx, JZ, message.id, boost.id)


def test_a_boost_is_found_on_its_own_message_only(tx: Tx) -> None:
    boost = give(tx, JZ, say(tx))
    other = say(tx)
    with pytest.raises(NotFound):
        boosts.remove(tx, JZ, other.id, boost.id)


def test_an_outsider_finds_no_message_to_boost(tx: Tx) -> None:
    message = say(tx)
    boost = give(tx, JZ, message)
    memberships.revoke(tx, WATERCOOLER, [JZ])
    tx.events.clear()
    for attempt in (
        lambda: boosts.add(tx, KEVIN, message.id, "👍"),
        lambda: boosts.add(tx, JZ, message.id, "👏"),
        lambda: boosts.remove(tx, JZ, message.id, boost.id),
        lambda: boosts.add(tx, KEVIN, 999, "👍"),
        lambda: messages.room_of(tx, KEVIN, message.id),
    ):
        with pytest.raises(NotFound, match="There is no such message."):
            attempt()
    assert tx.events == []
    assert messages.room_of(tx, DAVID, message.id) == WATERCOOLER


def test_a_removed_message_takes_no_boost(tx: Tx) -> None:
    message = say(tx)
    messages.remove(tx, JASON, WATERCOOLER, message.id)
    with pytest.raises(NotFound):
        give(tx, DAVID, message)


@pytest.mark.parametrize(
    "text, kept",
    [
        (" 👍 ", "👍"),
        ("so  very\ttrue", "so very true"),
        ("x" * 16, "x" * 16),
        ("👨‍👩‍👧‍👦" * 2, "👨‍👩‍👧‍👦" * 2),
        ("❤️", "❤️"),
        ("<b>hi</b>", "<b>hi</b>"),
    ],
)
def test_a_boost_is_what_was_written_with_single_spaces(text: str, kept: str) -> None:
    assert boosts.content(text) == kept


@pytest.mark.parametrize(
    "text", ["", "  ", "\u200b", "\u3164", "x" * 17, "👍" * 17, "a\0b", "a\x1bb"]
)
def test_what_cannot_be_a_boost_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        boosts.content(text)
    assert refused.value.errors.keys() == {"content"}


def test_one_person_gives_fifty_to_one_message(tx: Tx) -> None:
    message = say(tx)
    first = [give(tx, DAVID, message, f"word {number}") for number in range(50)]
    with pytest.raises(Invalid):
        give(tx, DAVID, message, "one more")
    assert len(shown(tx, message).boosts) == 50
    assert give(tx, DAVID, message, "word 0") == first[0], "those there are answered"
    give(tx, JZ, message, "one more")
    give(tx, DAVID, say(tx), "one more")
    boosts.remove(tx, DAVID, message.id, first[0].id)
    give(tx, DAVID, message, "one more")


def test_a_message_carries_a_hundred_different_ones(tx: Tx) -> None:
    message = say(tx)
    for number in range(100):
        give(tx, DAVID if number < 50 else JZ, message, f"word {number}")
    with pytest.raises(Invalid):
        give(tx, JASON, message, "one more")
    give(tx, JASON, message, "word 99")


def test_a_message_carries_so_many_and_no_more(
    tx: Tx, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boosts, "MOST", 2)
    message = say(tx)
    give(tx, DAVID, message)
    give(tx, JZ, message)
    with pytest.raises(Invalid):
        give(tx, JASON, message)


def test_a_boost_leaves_nothing_unread_and_touches_the_room(tx: Tx) -> None:
    message = say(tx)
    memberships.read(tx, DAVID, WATERCOOLER, message.id)
    before = tx.value("SELECT updated_at FROM rooms WHERE id = ?", (WATERCOOLER,))
    tx.row("UPDATE rooms SET updated_at = 0")
    give(tx, JZ, message)
    assert rooms.find(tx, DAVID, WATERCOOLER).membership.unread_count == 0
    after = tx.value("SELECT updated_at FROM rooms WHERE id = ?", (WATERCOOLER,))
    assert after >= before > 0


# Properties

PEOPLE = st.sampled_from([DAVID, JASON, JZ, KEVIN])
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["post", "edit", "remove", "give", "give", "give", "take"]),
        PEOPLE,
        st.integers(0, 5),
        st.sampled_from(["👍", "👏", "yes"]),
    ),
    max_size=30,
)


def change_of(event: Event) -> tuple[Message | Removal, int]:
    if isinstance(event, messages.Removed):
        return event.removal, event.removal.seq
    assert isinstance(
        event, messages.Posted | messages.Edited | boosts.Added | boosts.Removed
    )
    return event.message, event.message.seq


def play(tx: Tx, step: str, person: int, message: Message, word: str) -> None:
    if step == "edit":
        draft = richtext.draft(f"changed {word}")
        messages.edit(tx, message.creator.id, ALL_PETS, message.id, draft)
    elif step == "remove":
        messages.remove(tx, message.creator.id, ALL_PETS, message.id)
    elif step == "give":
        boosts.add(tx, person, message.id, word)
    else:
        for boost in message.boosts:
            if boost.booster.id == person:
                boosts.remove(tx, person, message.id, boost.id)


@given(steps=STEPS, since=st.integers(0, 30), limit=st.integers(1, 7))
@settings(max_examples=60)
def test_boosts_count_as_changes_without_holes_and_are_caught_up_with(
    stage: Stage, steps: list[tuple[str, int, int, str]], since: int, limit: int
) -> None:
    with stage() as tx:
        tx.events.clear()
        known: dict[int, Message] = {}
        for step, person, index, word in steps:
            there = list(messages.page(tx, DAVID, ALL_PETS, limit=100).messages)
            if step == "post":
                say(tx, person, ALL_PETS)
            elif there:
                play(tx, step, person, there[index % len(there)], word)
        heard = [change_of(event)[1] for event in tx.events]
        assert heard == list(range(1, len(heard) + 1))
        assert messages.newest_seq(tx, KEVIN, ALL_PETS) == len(heard)

        since = min(since, len(heard))
        for event in tx.events[:since]:
            change, _ = change_of(event)
            if isinstance(change, Message):
                known[change.id] = change
            else:
                known.pop(change.id)
        more = True
        while more:
            piece = messages.changes(tx, KEVIN, ALL_PETS, since, limit)
            for change in piece.changed:
                if isinstance(change, Removal):
                    known.pop(change.id, None)
                else:
                    known[change.id] = change
            since, more = piece.seq, piece.more
        now = messages.page(tx, KEVIN, ALL_PETS, limit=100).messages
        assert known == {message.id: message for message in now}
