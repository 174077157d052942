"""What may be answered again: dropped by events, by others' commits, and by time."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from campfire.chat import (
    boosts,
    memberships,
    messages,
    rooms,
    searches,
    sessions,
    users,
)
from campfire.chat.memberships import Membership
from campfire.chat.messages import Message, Removal
from campfire.chat.parts import Boost
from campfire.chat.rooms import Room
from campfire.chat.users import User
from campfire.database import Event
from campfire.web import kept
from campfire.web.kept import Kept, Scope, scopes
from tests.conftest import DAVID, KEVIN

USER = User(DAVID, "David", "member", "active", "", 0)
BOOST = Boost(1, 5, "👍", 0, USER)
MESSAGE = Message(5, 1, "x", 1, 1, "x", "x", "x", 0, None, USER)
ROOM = Room(
    3, "open", "HQ", DAVID, 0, 0, None, Membership("mentions", 0, 0, False, frozenset())
)
BOTH = frozenset({DAVID, KEVIN})


@dataclass
class Generation:
    number: int = 0

    def __call__(self) -> int:
        return self.number


@pytest.fixture
def generation() -> Generation:
    return Generation()


@pytest.fixture
def shelf(generation: Callable[[], int]) -> Kept[str, str]:
    return Kept(generation, 10, len)


def keep(shelf: Kept[str, str], key: str, value: str, *scopes: Scope) -> None:
    shelf.keep(key, value, scopes, shelf.start())


def test_an_entry_is_dropped_by_any_of_its_scopes(shelf: Kept[str, str]) -> None:
    keep(shelf, "a", "A", ("room", 1), ("user", 1))
    keep(shelf, "b", "B", ("room", 2), ("user", 1))
    shelf.drop(("room", 1))
    assert (shelf.get("a"), shelf.get("b")) == (None, "B")
    shelf.drop(("user", 1))
    assert shelf.get("b") is None


def test_what_was_read_before_a_drop_is_not_kept_after_it(
    shelf: Kept[str, str],
) -> None:
    started = shelf.start()
    shelf.drop(("room", 1))
    shelf.keep("a", "stale", [("room", 1)], started)
    shelf.keep("b", "fine", [("room", 2)], started)
    assert (shelf.get("a"), shelf.get("b")) == (None, "fine")
    keep(shelf, "a", "fresh", ("room", 1))
    assert shelf.get("a") == "fresh"


def test_the_commit_of_another_process_forgets_everything(
    shelf: Kept[str, str], generation: Generation
) -> None:
    keep(shelf, "a", "A", ("room", 1))
    started = shelf.start()
    generation.number += 1
    assert shelf.get("a") is None
    shelf.keep("a", "stale", [("room", 1)], started)
    assert shelf.get("a") is None
    keep(shelf, "a", "fresh", ("room", 1))
    assert shelf.get("a") == "fresh"


def test_what_was_used_least_recently_goes_first(shelf: Kept[str, str]) -> None:
    for key in "abc":
        keep(shelf, key, "123")
    assert shelf.get("a") == "123"
    keep(shelf, "d", "12345")
    assert [shelf.get(key) for key in "abcd"] == ["123", None, None, "12345"]


def test_an_entry_that_is_replaced_weighs_once(shelf: Kept[str, str]) -> None:
    for value in ("12345", "1234", "123"):
        keep(shelf, "a", value, ("room", 1))
    keep(shelf, "b", "1234567")
    assert (shelf.get("a"), shelf.get("b")) == ("123", "1234567")
    shelf.drop(("room", 1))
    keep(shelf, "c", "123")
    assert (shelf.get("b"), shelf.get("c")) == ("1234567", "123")


def test_what_is_too_heavy_is_not_kept(shelf: Kept[str, str]) -> None:
    keep(shelf, "a", "12345678901")
    assert shelf.get("a") is None
    keep(shelf, "b", "B")
    assert shelf.get("b") == "B"


def test_many_drops_are_remembered_as_one(
    shelf: Kept[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "MOST_DROPS", 3)
    started = shelf.start()
    for room_id in range(5):
        shelf.drop(("room", room_id))
    shelf.keep("a", "stale", [("room", 0)], started)
    assert shelf.get("a") is None
    keep(shelf, "a", "fresh", ("room", 0))
    assert shelf.get("a") == "fresh"


@pytest.mark.parametrize(
    ("event", "touched"),
    [
        (messages.Posted(BOTH, MESSAGE), {("room", 1)}),
        (messages.Edited(BOTH, MESSAGE), {("room", 1)}),
        (boosts.Added(BOTH, MESSAGE, BOOST), {("room", 1)}),
        (boosts.Removed(BOTH, MESSAGE, BOOST), {("room", 1)}),
        (messages.Removed(BOTH, Removal(1, 2, 5, "x"), DAVID), {("room", 1)}),
        (memberships.Read(KEVIN, 1, 1, 5, 0), {("user", KEVIN)}),
        (
            rooms.Created({DAVID: ROOM, KEVIN: ROOM}),
            {("room", 3), ("user", DAVID), ("user", KEVIN)},
        ),
        (rooms.Granted({KEVIN: ROOM}), {("room", 3), ("user", KEVIN)}),
        (rooms.Changed({KEVIN: ROOM}), {("room", 3), ("user", KEVIN)}),
        (rooms.Removed(BOTH, 3), {("room", 3), ("user", DAVID), ("user", KEVIN)}),
        (users.Changed(USER), {("user", DAVID), kept.EVERYBODY}),
        (memberships.Revoked(frozenset({KEVIN}), 1), {("room", 1), ("user", KEVIN)}),
        (sessions.Ended(KEVIN, (7,)), {("user", KEVIN)}),
        (sessions.Started(KEVIN), set()),
        (users.Joined(USER, (1, 3)), {kept.EVERYBODY, ("room", 1), ("room", 3)}),
        (searches.Remembered(KEVIN), {("user", KEVIN)}),
    ],
)
def test_an_event_touches_what_it_changes(event: Event, touched: set[Scope]) -> None:
    assert set(scopes(event)) == touched
