"""Rooms as each person sees them, and who is in a new one."""

from typing import Any

import apsw
import pytest

from campfire.chat import (
    accounts,
    bans,
    memberships,
    messages,
    richtext,
    rooms,
    trash,
    users,
)
from campfire.database import Tx
from campfire.refusals import Forbidden, Invalid, NotFound
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
    assert room.membership == memberships.Membership(
        "mentions", 0, 0, False, frozenset()
    )
    assert tx.events == [rooms.Created(dict.fromkeys(EVERYBODY, room))]
    assert {user.id for user in rooms.members(tx, JZ, room.id)} == EVERYBODY


def test_a_closed_room_has_in_it_who_was_named_and_who_made_it(tx: Tx) -> None:
    room = rooms.create(tx, KEVIN, "closed", "Designers", [JZ, KEVIN, JZ])
    assert tx.events == [rooms.Created({KEVIN: room, JZ: room})]
    with pytest.raises(NotFound):
        rooms.find(tx, DAVID, room.id)


def test_who_is_not_here_cannot_be_let_in(tx: Tx) -> None:
    with pytest.raises(Invalid):
        rooms.create(tx, KEVIN, "closed", "Designers", [99])
    assert tx.events == []


def test_who_is_deactivated_is_not_in_a_new_open_room(tx: Tx) -> None:
    tx.row("UPDATE users SET status = 'deactivated' WHERE id = ?", (JZ,))
    room = rooms.create(tx, DAVID, "open", "Pancakes")
    assert tx.events == [rooms.Created(dict.fromkeys(EVERYBODY - {JZ}, room))]


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


# Direct rooms


def direct(tx: Tx, user_id: int, *user_ids: int) -> rooms.Room:
    return rooms.direct(tx, user_id, user_ids)[0]


@pytest.mark.parametrize(
    "people", [[], [DAVID], [KEVIN], [KEVIN, JZ], [JASON, JZ, KEVIN]]
)
def test_a_direct_room_is_one_for_exactly_these_people(
    tx: Tx, people: list[int]
) -> None:
    room, is_new = rooms.direct(tx, DAVID, people)
    everybody = {DAVID, *people}
    assert is_new and room.kind == "direct"
    (created,) = tx.events
    assert isinstance(created, rooms.Created)
    assert created.rooms.keys() == everybody
    assert created.rooms[DAVID] == room
    tx.events.clear()
    for asking in everybody:
        for others in (everybody, everybody - {asking}, [*everybody, *everybody]):
            found, is_new = rooms.direct(tx, asking, others)
            assert (found.id, is_new) == (room.id, False)
    assert tx.events == []
    if len(everybody) < 4:
        assert direct(tx, DAVID, JASON, JZ, KEVIN).id != room.id


def test_a_direct_room_is_called_after_the_others(tx: Tx) -> None:
    assert direct(tx, DAVID).name == "David"
    pair, trio = direct(tx, DAVID, KEVIN), direct(tx, DAVID, KEVIN, JZ)
    four = direct(tx, DAVID, KEVIN, JZ, JASON)
    assert (pair.name, trio.name) == ("Kevin", "JZ and Kevin")
    assert four.name == "Jason, JZ, and Kevin"
    assert rooms.find(tx, KEVIN, pair.id).name == "David"
    assert rooms.find(tx, JZ, trio.id).name == "David and Kevin"
    (created,) = [e for e in tx.events if e.name == "room.created"][1:2]
    assert isinstance(created, rooms.Created)
    assert {viewer: room.name for viewer, room in created.rooms.items()} == {
        DAVID: "Kevin",
        KEVIN: "David",
    }
    users.revise(tx, KEVIN, users.Profile(name="Kev"))
    assert rooms.find(tx, DAVID, pair.id).name == "Kev"
    assert rooms.find(tx, DAVID, pair.id).membership.involvement == "everything"


@pytest.mark.parametrize("people", [[99], [KEVIN, 0], [-1], range(1, 60)])
def test_a_direct_room_is_for_people_who_are_here_and_not_too_many(
    tx: Tx, people: list[int]
) -> None:
    with pytest.raises(Invalid) as refused:
        rooms.direct(tx, DAVID, people)
    assert refused.value.errors.keys() == {"user_ids"}
    assert tx.events == []


def test_a_direct_room_stays_when_somebody_leaves_the_account(tx: Tx) -> None:
    room = direct(tx, DAVID, KEVIN)
    accounts.deactivate(tx, DAVID, KEVIN)
    found, is_new = rooms.direct(tx, DAVID, [KEVIN])
    assert (found.id, found.name, is_new) == (room.id, "Kevin", False)
    with pytest.raises(Invalid):
        rooms.direct(tx, DAVID, [KEVIN, JZ])


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "open"},
        {"kind": "closed"},
        {"name": "Secret"},
        {"user_ids": [DAVID, KEVIN, JZ]},
        {"kind": "closed", "name": "Secret", "user_ids": [DAVID]},
        {},
    ],
)
def test_a_direct_room_is_never_made_into_another(
    tx: Tx, change: dict[str, Any]
) -> None:
    room = direct(tx, DAVID, KEVIN)
    tx.events.clear()
    with pytest.raises(Invalid):
        rooms.revise(tx, DAVID, room.id, **change)
    assert rooms.find(tx, DAVID, room.id) == room
    assert tx.events == []


def test_a_third_cannot_tell_a_direct_room_from_one_that_is_not_there(tx: Tx) -> None:
    room = direct(tx, KEVIN, JZ)
    for change in (
        rooms.remove,
        rooms.find,
        rooms.members,
        rooms.require_administrable,
    ):
        with pytest.raises(NotFound):
            change(tx, DAVID, room.id)


def test_anybody_in_a_direct_room_may_remove_it_and_a_new_one_can_begin(tx: Tx) -> None:
    room = direct(tx, DAVID, KEVIN)
    messages.post(tx, DAVID, room.id, richtext.draft("between us"), "1")
    tx.events.clear()
    rooms.remove(tx, KEVIN, room.id)
    assert tx.events == [rooms.Removed(frozenset({DAVID, KEVIN}), room.id)]
    again, is_new = rooms.direct(tx, DAVID, [KEVIN])
    assert is_new and again.id != room.id
    assert again.last_message_id is None


# Changing a room


def seen(tx: Tx, room_id: int, *user_ids: int) -> dict[int, rooms.Room]:
    return {user_id: rooms.find(tx, user_id, room_id) for user_id in user_ids}


def test_a_new_name_is_told_to_everybody_in_the_room(tx: Tx) -> None:
    messages.post(tx, JZ, WATERCOOLER, richtext.draft("hello"), "1")
    rooms.star(tx, JASON, WATERCOOLER, True)
    tx.events.clear()
    room = rooms.revise(tx, DAVID, WATERCOOLER, name=" Tea \n room ")
    assert room and room.name == "Tea room"
    assert tx.events == [rooms.Changed(seen(tx, WATERCOOLER, *INSIDERS))]
    changed = tx.events[0]
    assert isinstance(changed, rooms.Changed)
    unread = {
        user_id: room.membership.unread_count for user_id, room in changed.rooms.items()
    }
    assert unread == {DAVID: 1, JASON: 1, JZ: 0}, "each with one's own membership"
    assert changed.rooms[JASON].membership.starred


def test_opening_lets_everybody_in_and_tells_the_new_ones_so(tx: Tx) -> None:
    messages.post(tx, JZ, WATERCOOLER, richtext.draft("hello"), "1")
    before = rooms.find(tx, DAVID, WATERCOOLER).membership
    tx.events.clear()
    room = rooms.revise(tx, DAVID, WATERCOOLER, kind="open")
    assert room and room.kind == "open"
    assert tx.events == [
        rooms.Changed(seen(tx, WATERCOOLER, *INSIDERS)),
        rooms.Granted(seen(tx, WATERCOOLER, KEVIN)),
    ]
    assert room.membership == before, "who was there keeps everything"
    assert rooms.find(tx, KEVIN, WATERCOOLER).membership.unread_count == 0


def test_closing_keeps_who_is_named_and_puts_out_the_others(tx: Tx) -> None:
    room = rooms.revise(tx, DAVID, ALL_PETS, kind="closed", user_ids=[DAVID, JZ])
    assert room and room.kind == "closed"
    assert tx.events == [
        memberships.Revoked(EVERYBODY - {DAVID, JZ}, ALL_PETS),
        rooms.Changed(seen(tx, ALL_PETS, DAVID, JZ)),
    ]
    for user_id in (JASON, KEVIN):
        with pytest.raises(NotFound):
            rooms.find(tx, user_id, ALL_PETS)
    newcomer = users.add(tx, "Bob", "bob@37signals.example", "!")
    with pytest.raises(NotFound):
        rooms.find(tx, newcomer.id, ALL_PETS)


def test_closing_without_a_list_keeps_everybody(tx: Tx) -> None:
    rooms.revise(tx, DAVID, ALL_PETS, kind="closed")
    assert tx.events == [rooms.Changed(seen(tx, ALL_PETS, *EVERYBODY))]


def test_members_are_exactly_those_who_are_named(tx: Tx) -> None:
    room = rooms.revise(tx, DAVID, WATERCOOLER, user_ids=[DAVID, KEVIN, JZ, KEVIN])
    assert room
    assert tx.events == [
        memberships.Revoked(frozenset({JASON}), WATERCOOLER),
        rooms.Changed(seen(tx, WATERCOOLER, DAVID, JZ)),
        rooms.Granted(seen(tx, WATERCOOLER, KEVIN)),
    ]


def test_one_may_leave_a_room_by_naming_the_others(tx: Tx) -> None:
    assert rooms.revise(tx, DAVID, WATERCOOLER, user_ids=[JASON, JZ]) is None
    with pytest.raises(NotFound):
        rooms.find(tx, DAVID, WATERCOOLER)


@pytest.mark.parametrize(
    "change",
    [
        {"user_ids": []},
        {"user_ids": [99]},
        {"user_ids": [DAVID, -1]},
        {"name": " "},
        {"name": "x" * 101},
        {"kind": "open", "user_ids": [DAVID]},
    ],
)
def test_a_change_that_cannot_be_is_refused_whole(
    connection: apsw.Connection, tx: Tx, change: dict[str, Any]
) -> None:
    before = seen(tx, WATERCOOLER, *INSIDERS)
    with pytest.raises(Invalid), connection:  # As the writer does: a savepoint.
        rooms.revise(tx, DAVID, WATERCOOLER, **change)
    assert seen(tx, WATERCOOLER, *INSIDERS) == before
    assert tx.events == []


def test_who_is_banned_keeps_the_room_when_others_are_chosen(tx: Tx) -> None:
    bans.add(tx, DAVID, JZ)
    tx.events.clear()
    rooms.revise(tx, DAVID, WATERCOOLER, user_ids=[DAVID])
    assert tx.events[0] == memberships.Revoked(frozenset({JASON}), WATERCOOLER)
    bans.remove(tx, DAVID, JZ)
    assert rooms.find(tx, JZ, WATERCOOLER).name == "Watercooler"


def test_only_its_creator_and_administrators_change_a_room(tx: Tx) -> None:
    room = rooms.create(tx, KEVIN, "closed", "Designers", [JZ, JASON])
    tx.events.clear()
    for user_id, refusal in ((JZ, Forbidden), (DAVID, NotFound), (99, NotFound)):
        with pytest.raises(refusal):
            rooms.revise(tx, user_id, room.id, name="Mine")
        with pytest.raises(refusal):
            rooms.remove(tx, user_id, room.id)
    assert tx.events == []
    for user_id in (KEVIN, JASON):
        assert rooms.revise(tx, user_id, room.id, name=f"Room of {user_id}")


def test_making_rooms_can_be_kept_to_administrators(tx: Tx) -> None:
    room = rooms.create(tx, KEVIN, "closed", "Designers", [DAVID])
    accounts.revise(tx, DAVID, only_administrators_create_rooms=True)
    with pytest.raises(Forbidden):
        rooms.create(tx, KEVIN, "open", "Mine")
    with pytest.raises(Forbidden):
        rooms.revise(tx, KEVIN, room.id, kind="open")
    assert rooms.revise(tx, KEVIN, room.id, name="Renamed", kind="closed")
    assert direct(tx, KEVIN, JZ).creator_id == KEVIN
    assert rooms.create(tx, DAVID, "open", "Theirs").creator_id == DAVID
    accounts.revise(tx, DAVID, only_administrators_create_rooms=False)
    assert rooms.create(tx, KEVIN, "open", "Mine").creator_id == KEVIN


# Removing a room


def test_a_closed_room_can_be_left(tx: Tx) -> None:
    rooms.leave(tx, JZ, WATERCOOLER)
    with pytest.raises(NotFound):
        rooms.find(tx, JZ, WATERCOOLER)
    revoked, changed = tx.events
    assert isinstance(revoked, memberships.Revoked)
    assert revoked.audience == {JZ}
    assert isinstance(changed, rooms.Changed)
    assert changed.rooms.keys() == {DAVID, JASON}


def test_an_open_room_and_a_direct_one_stay(tx: Tx) -> None:
    room, _ = rooms.direct(tx, JZ, [KEVIN])
    for room_id in (ALL_PETS, room.id):
        with pytest.raises(Invalid, match="hidden"):
            rooms.leave(tx, JZ, room_id)


def test_the_last_one_deletes_a_room_instead_of_leaving_it(tx: Tx) -> None:
    room = rooms.create(tx, DAVID, "closed", "Den")
    with pytest.raises(Invalid, match="Delete"):
        rooms.leave(tx, DAVID, room.id)
    with pytest.raises(NotFound):
        rooms.leave(tx, KEVIN, room.id)


def test_a_removed_room_is_out_of_reach_at_once_and_empty_later(
    tx: Tx, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "SWEPT_AT_ONCE", 2)
    for number in range(5):
        messages.post(tx, JZ, WATERCOOLER, richtext.draft("secret"), str(number))
    message = messages.page(tx, JZ, WATERCOOLER).messages[0]
    messages.remove(tx, JZ, WATERCOOLER, message.id)
    messages.post(tx, JZ, ALL_PETS, richtext.draft("stays"), "1")
    tx.events.clear()
    rooms.remove(tx, DAVID, WATERCOOLER)
    assert tx.events == [rooms.Removed(INSIDERS, WATERCOOLER)]
    for user_id in INSIDERS:
        assert [room.id for room in rooms.all_of(tx, user_id)] == [ALL_PETS]
        with pytest.raises(NotFound):
            messages.page(tx, user_id, WATERCOOLER)
        with pytest.raises(NotFound):
            rooms.remove(tx, user_id, WATERCOOLER)
    tx.events.clear()
    rounds = 0
    while messages.sweep(tx, 0):
        rounds += 1
    assert rounds == 4, "the trash, a little at a time, then the room"
    assert tx.events == [], "who cannot see it is not told again"
    for table in ("messages", "removals"):
        rows = tx.rows(f"SELECT 1 FROM {table} WHERE room_id = ?", (WATERCOOLER,))
        assert rows == []
    assert tx.rows("SELECT id FROM rooms WHERE id <> ?", (trash.ROOM,)) == [(ALL_PETS,)]
    found = "SELECT count(*) FROM messages_words WHERE messages_words MATCH ?"
    assert (tx.value(found, ("secret",)), tx.value(found, ("stays",))) == (0, 1)


def test_nobody_comes_into_a_removed_room_before_it_is_swept(tx: Tx) -> None:
    rooms.create(tx, DAVID, "open", "Lounge")
    rooms.remove(tx, DAVID, ALL_PETS)
    newcomer = users.add(tx, "Bob", "bob@37signals.example", "!")
    names = [room.name for room in rooms.all_of(tx, newcomer.id)]
    assert names == ["Lounge"]
    assert rooms.is_first(tx, WATERCOOLER)


# How one sees it


@pytest.mark.parametrize("level", ["invisible", "nothing", "mentions", "everything"])
def test_how_much_one_hears_is_ones_own_choice(tx: Tx, level: str) -> None:
    messages.post(tx, DAVID, ALL_PETS, richtext.draft("hello"), "1")
    tx.events.clear()
    membership = rooms.involve(tx, KEVIN, ALL_PETS, level)
    assert membership.involvement == level
    assert membership.unread_count == (0 if level == "invisible" else 1)
    assert tx.events == [rooms.Changed(seen(tx, ALL_PETS, KEVIN))]
    assert ALL_PETS in [room.id for room in rooms.all_of(tx, KEVIN)]
    assert rooms.find(tx, JZ, ALL_PETS).membership.involvement == "mentions"
    back = rooms.involve(tx, KEVIN, ALL_PETS, "mentions")
    assert back.unread_count == 1


@pytest.mark.parametrize("level", ["", "loud", "Mentions", "everything "])
def test_there_are_four_levels(tx: Tx, level: str) -> None:
    with pytest.raises(Invalid) as refused:
        rooms.involve(tx, KEVIN, ALL_PETS, level)
    assert refused.value.errors.keys() == {"involvement"}
    with pytest.raises(NotFound):
        rooms.involve(tx, KEVIN, WATERCOOLER, "everything")


def test_a_star_is_ones_own(tx: Tx) -> None:
    for starred in (True, True, False, False):
        tx.events.clear()
        assert rooms.star(tx, KEVIN, ALL_PETS, starred).starred is starred
        assert tx.events == [rooms.Changed(seen(tx, ALL_PETS, KEVIN))]
        assert not rooms.find(tx, JZ, ALL_PETS).membership.starred
    with pytest.raises(NotFound):
        rooms.star(tx, KEVIN, WATERCOOLER, True)


def test_direct_rooms_come_after_the_others_the_newest_activity_first(tx: Tx) -> None:
    first, second, third = (
        direct(tx, DAVID, user_id) for user_id in (JASON, JZ, KEVIN)
    )
    for room in (third, first):
        tx.now += 1
        messages.post(tx, DAVID, room.id, richtext.draft("hello"), str(room.id))
    listed = [room.id for room in rooms.all_of(tx, DAVID)]
    assert listed == [ALL_PETS, WATERCOOLER, first.id, third.id, second.id]


def test_rooms_stand_where_one_looks_for_their_name(tx: Tx) -> None:
    for name in ("zoo", "Äpfel", "ångström", "Banana"):
        rooms.create(tx, DAVID, "open", name)
    names = [room.name for room in rooms.all_of(tx, KEVIN)]
    assert names == ["All Talk", "ångström", "Äpfel", "Banana", "zoo"]
