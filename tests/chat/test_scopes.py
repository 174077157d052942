"""Scopes: what the index is told of where to look."""

import pytest

from campfire.chat import memberships, messages, richtext, rooms, scopes, words
from campfire.chat.scopes import Narrowed, Scope
from campfire.database import Tx
from tests.conftest import ALL_PETS, JASON, JZ, KEVIN, WATERCOOLER


def say(tx: Tx, times: int, room_id: int) -> None:
    for _ in range(times):
        client_id = messages.client_message_id(None)
        messages.post(tx, JZ, room_id, richtext.draft("hut"), client_id)


def scope(tx: Tx, text: str, user_id: int = JZ, **narrowed: int) -> Scope:
    return scopes.of(tx, user_id, words.asked(text), Narrowed(**narrowed))


def told(tx: Tx, text: str, user_id: int = JZ, **narrowed: int) -> list[str]:
    tags = scope(tx, text, user_id, **narrowed).tags(words.asked(text))
    return [tag.partition(":")[0] for tag in tags]


def test_rooms_are_those_one_is_in_and_asks_for(tx: Tx) -> None:
    say(tx, 1, ALL_PETS)
    assert scope(tx, "hut").places.keys() == {ALL_PETS, WATERCOOLER}
    assert scope(tx, "hut").is_everywhere
    assert scope(tx, "hut", KEVIN).places.keys() == {ALL_PETS}
    assert scope(tx, "hut in:water").places.keys() == {WATERCOOLER}
    assert not scope(tx, "hut in:water").is_everywhere
    assert scope(tx, "hut in:water", KEVIN).is_empty
    assert scope(tx, "hut", KEVIN, room_id=WATERCOOLER).is_empty
    assert scope(tx, "hut in:all", room_id=WATERCOOLER).is_empty


def test_authors_are_those_who_are_called_so(tx: Tx) -> None:
    say(tx, 1, ALL_PETS)
    assert scope(tx, "hut").authors is None
    assert scope(tx, "from:me from:jas").authors == {JZ, JASON}
    assert scope(tx, "from:jas", creator_id=JASON).authors == {JASON}
    assert scope(tx, "from:jas", creator_id=JZ).is_empty
    assert scope(tx, "from:nobody").is_empty


def test_only_a_short_list_of_a_room_is_met_in_the_index(tx: Tx) -> None:
    say(tx, 1, WATERCOOLER)
    say(tx, scopes.MUCH, ALL_PETS)
    assert told(tx, "hut") == []
    assert told(tx, "hut", KEVIN) == []
    assert told(tx, "hut in:water") == ["room"]
    say(tx, scopes.MUCH, WATERCOOLER)
    assert told(tx, "hut in:water") == []


def test_more_rooms_than_it_may_be_told_are_tested(
    tx: Tx, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(tx, 20, WATERCOOLER)
    say(tx, 1, ALL_PETS)
    for number in range(2):
        rooms.create(tx, KEVIN, "closed", f"Room {number}")
    assert told(tx, "hut", KEVIN) == ["room"]
    assert told(tx, "hut from:jz", KEVIN) == ["room_author"]
    monkeypatch.setattr(scopes, "MOST_NAMED", 2)
    assert told(tx, "hut", KEVIN) == []
    assert told(tx, "hut from:jz", KEVIN) == ["author"]
    assert told(tx, "-hut", KEVIN) == ["room"], "there is nothing else to walk"
    monkeypatch.setattr(scopes, "MOST_NAMED", 0)
    assert told(tx, "hut from:jz", KEVIN) == []
    assert told(tx, "from:jz -hut", KEVIN) == ["room"]


def test_the_index_of_parts_is_told_nothing_of_authors(tx: Tx) -> None:
    say(tx, 1, ALL_PETS)
    asked = words.asked("hut from:jz in:water has:link")
    tags = scope(tx, "hut from:jz in:water").tags_of_parts(asked)
    assert [tag.partition(":")[0] for tag in tags] == ["has", "room"]


def test_files_and_links_are_told(tx: Tx) -> None:
    say(tx, 1, ALL_PETS)
    assert told(tx, "has:link has:file") == ["has", "has"]
    assert told(tx, "-hut has:link") == ["has"]


def test_a_page_is_chosen_from_a_part_of_it(tx: Tx) -> None:
    say(tx, 9, ALL_PETS)
    whole = scope(tx, "hut")
    assert (whole.after, whole.before, whole.length) == (0, 10, 9)
    part = whole.within(Narrowed(before=5, after=2))
    assert (part.after, part.before) == (2, 5)
    assert whole.within(Narrowed(before=99, after=-1)) == whole
    assert part.by_anybody == whole


def test_a_day_without_messages_is_nowhere(tx: Tx) -> None:
    assert scope(tx, "hut").is_empty
    say(tx, 9, ALL_PETS)
    past = scope(tx, "hut before:2001-01-01")
    assert past.is_empty
    assert scope(tx, "hut after:2001-01-01").length == 9


def test_who_left_looks_nowhere(tx: Tx) -> None:
    say(tx, 1, ALL_PETS)
    assert not scope(tx, "hut", KEVIN).is_empty
    memberships.revoke(tx, ALL_PETS, [KEVIN])
    assert scope(tx, "hut", KEVIN).is_empty
