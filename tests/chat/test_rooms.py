"""Rooms as each person sees them, and who is in a new one."""

import pytest

from campfire.chat import memberships, messages, richtext, rooms
from campfire.database import Tx
from campfire.refusals import Invalid, NotFound
from tests.conftest import (
    ALL_PETS,
    DAVID,
    EVERYBODY,
    INSIDERS,
    JASON,
    JZ,
    KEVIN,
    WATERCOOLER,
)


def test_an_open_room_has_everybody_in_it(tx: Tx) -> None:
    room = rooms.create(tx, KEVIN, "open", " Pancakes ")
    assert (room.name, room.kind, room.creator_id) == ("Pancakes", "open", KEVIN)
    assert (room.seq, room.last_message_id) == (0, None)
    assert room.membership == memberships.Membership("mentions", 0, 0, False)
    assert tx.events == [rooms.Created(EVERYBODY, room)]
    assert {user.id for user in rooms.members(tx, JZ, room.id)} == EVERYBODY


def test_a_closed_room_has_in_it_who_was_named_and_who_made_it(tx: Tx) -> None:
    room = rooms.create(tx, KEVIN, "closed", "Designers", [JZ, KEVIN, JZ])
    assert tx.events == [rooms.Created(frozenset({KEVIN, JZ}), room)]
    with pytest.raises(NotFound):
        rooms.find(tx, DAVID, room.id)


def test_who_is_not_here_cannot_be_let_in(tx: Tx) -> None:
    with pytest.raises(Invalid):
        rooms.create(tx, KEVIN, "closed", "Designers", [99])
    assert tx.events == []


def test_who_is_deactivated_is_not_in_a_new_open_room(tx: Tx) -> None:
    tx.row("UPDATE users SET status = 'deactivated' WHERE id = ?", (JZ,))
    room = rooms.create(tx, DAVID, "open", "Pancakes")
    assert tx.events == [rooms.Created(EVERYBODY - {JZ}, room)]


def test_an_outsider_cannot_tell_a_closed_room_from_one_that_is_not_there(
    tx: Tx,
) -> None:
    assert rooms.find(tx, DAVID, WATERCOOLER).name == "Watercooler"
    looks = (rooms.find, rooms.members, rooms.member_count)
    for look in looks:
        refusals = set()
        for room_id in (WATERCOOLER, 99):
            with pytest.raises(NotFound) as refused:
                look(tx, KEVIN, room_id)
            refusals.add((type(refused.value), refused.value.detail))
        assert len(refusals) == 1


def test_rooms_are_listed_by_name_whatever_its_case(tx: Tx) -> None:
    for name in ("beta", "Alpha", "gamma"):
        rooms.create(tx, DAVID, "open", name)
    names = [room.name for room in rooms.all_of(tx, DAVID)]
    assert names == ["All Talk", "Alpha", "beta", "gamma", "Watercooler"]
    assert "Watercooler" not in [room.name for room in rooms.all_of(tx, KEVIN)]


def test_a_room_in_the_list_is_the_room_one_finds(tx: Tx) -> None:
    messages.post(tx, JASON, ALL_PETS, richtext.draft("hello"), "1")
    for room in rooms.all_of(tx, DAVID):
        assert rooms.find(tx, DAVID, room.id) == room


def test_a_room_knows_its_newest_message_and_change(tx: Tx) -> None:
    message, _ = messages.post(tx, JASON, ALL_PETS, richtext.draft("hello"), "1")
    room = rooms.find(tx, DAVID, ALL_PETS)
    assert (room.seq, room.last_message_id) == (1, message.id)
    assert room.membership.unread_count == 1
    assert rooms.find(tx, JASON, ALL_PETS).membership.unread_count == 0


def test_members_are_listed_by_name_without_those_who_left_the_account(tx: Tx) -> None:
    names = [user.name for user in rooms.members(tx, KEVIN, ALL_PETS)]
    assert names == ["David", "Jason", "JZ", "Kevin"]
    assert rooms.member_count(tx, JZ, WATERCOOLER) == len(INSIDERS)
    tx.row("UPDATE users SET status = 'deactivated' WHERE id = ?", (JASON,))
    names = [user.name for user in rooms.members(tx, KEVIN, ALL_PETS)]
    assert names == ["David", "JZ", "Kevin"]
    assert rooms.member_count(tx, KEVIN, ALL_PETS) == 3


def test_the_oldest_room_welcomes_newcomers(tx: Tx) -> None:
    assert rooms.is_first(tx, ALL_PETS)
    assert not rooms.is_first(tx, WATERCOOLER)


@pytest.mark.parametrize(
    "name", ["", " \t", "\u200b", "\u0301", "a" * 101, "a\0b", "a\ud800"]
)
def test_a_room_needs_a_name_that_can_be_shown(tx: Tx, name: str) -> None:
    with pytest.raises(Invalid) as refused:
        rooms.create(tx, DAVID, "open", name)
    assert refused.value.errors.keys() == {"name"}
    assert tx.events == []
