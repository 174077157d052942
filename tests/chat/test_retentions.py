"""Messages that a room does not keep for ever, and how many those are."""

import pytest

from campfire.chat import acts, messages, retentions, richtext, rooms
from campfire.chat.retentions import Changed, Loss
from campfire.chat.scopes import DAY
from campfire.database import Tx
from campfire.refusals import Forbidden, Invalid, NotFound
from tests.chat.test_files import sent, stored
from tests.conftest import ALL_PETS, DAVID, EVERYBODY, JZ, KEVIN, WATERCOOLER


def say(tx: Tx, *days_ago: int, room_id: int = ALL_PETS) -> None:
    """A message for each, in this order; and it is today."""
    today = tx.now
    for days in days_ago:
        tx.now = today - days * DAY
        draft = richtext.draft(f"{days} days ago")
        messages.post(tx, JZ, room_id, draft, f"{days}-{room_id}")
    tx.now = today


def left(tx: Tx, room_id: int = ALL_PETS) -> list[str]:
    return [message.plain for message in messages.page(tx, DAVID, room_id).messages]


def test_it_is_for_ever_unless_somebody_says_otherwise(tx: Tx) -> None:
    assert retentions.find(tx, KEVIN, ALL_PETS) is None
    retentions.keep(tx, DAVID, ALL_PETS, 90)
    assert retentions.find(tx, KEVIN, ALL_PETS) == 90
    assert tx.events == [Changed(ALL_PETS)]
    retentions.keep(tx, DAVID, ALL_PETS, 90)
    assert len(tx.events) == 1, "it was so already"
    retentions.keep(tx, DAVID, ALL_PETS, None)
    assert retentions.find(tx, KEVIN, ALL_PETS) is None
    details = [act.detail for act in acts.page(tx, DAVID)[0]]
    assert details == ["for ever", "90 days"]


def test_who_may_change_the_room_changes_it(tx: Tx) -> None:
    for act in (
        lambda: retentions.keep(tx, KEVIN, ALL_PETS, 9),
        lambda: retentions.loss(tx, KEVIN, ALL_PETS, 9, tx.now),
    ):
        with pytest.raises(Forbidden):
            act()
    with pytest.raises(NotFound):
        retentions.find(tx, KEVIN, WATERCOOLER)
    for days in (0, -1, retentions.MOST_DAYS + 1):
        with pytest.raises(Invalid):
            retentions.keep(tx, DAVID, ALL_PETS, days)
    ping, _ = rooms.direct(tx, DAVID, {KEVIN})
    with pytest.raises(Invalid):
        retentions.keep(tx, DAVID, ping.id, 9)
    with pytest.raises(Invalid):
        retentions.loss(tx, DAVID, ping.id, 9, tx.now)


def test_what_would_go_is_counted_with_its_files(tx: Tx) -> None:
    say(tx, 100, 50, 10)
    today = tx.now
    tx.now = today - 40 * DAY
    sent(tx, stored(size=5), stored(key="b", size=7))
    sent(tx, stored(key="c", size=100), room_id=WATERCOOLER)
    tx.now = today
    losses = {
        days: retentions.loss(tx, DAVID, ALL_PETS, days, tx.now)
        for days in (101, 60, 20, 5)
    }
    assert losses == {
        101: Loss(0, 0, 0),
        60: Loss(1, 0, 0),
        20: Loss(3, 2, 12),
        5: Loss(4, 2, 12),
    }


def test_what_is_too_old_goes_for_good_and_everybody_is_told(
    tx: Tx, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retentions, "SWEPT_AT_ONCE", 2)
    say(tx, 100, 50, 40, 10, 0)
    say(tx, 100, room_id=WATERCOOLER)
    retentions.keep(tx, DAVID, ALL_PETS, 30)
    tx.events.clear()
    assert retentions.sweep(tx) and retentions.sweep(tx)
    assert left(tx) == ["10 days ago", "0 days ago"]
    assert not retentions.sweep(tx)
    assert left(tx, WATERCOOLER) == ["100 days ago"]
    removed = [event for event in tx.events if isinstance(event, messages.Removed)]
    assert [event.removal.id for event in removed] == [1, 2, 3]
    assert {event.audience for event in removed} == {EVERYBODY}
    assert messages.trashed(tx, DAVID, 9) == []
    (act, *_), _ = acts.page(tx, DAVID)
    assert (act.origin, act.kind, act.detail) == (
        "campfire",
        "room.swept",
        "3 messages",
    )
    tx.now += 25 * DAY
    assert retentions.sweep(tx) and not retentions.sweep(tx)
    assert left(tx) == ["0 days ago"]


def test_a_deleted_room_keeps_what_it_has_until_it_is_back(tx: Tx) -> None:
    say(tx, 100)
    retentions.keep(tx, DAVID, ALL_PETS, 30)
    rooms.remove(tx, DAVID, ALL_PETS)
    assert not retentions.sweep(tx)
    rooms.restore(tx, DAVID, ALL_PETS)
    assert retentions.sweep(tx)
    assert left(tx) == []


def test_the_trash_keeps_nothing_for_longer(tx: Tx) -> None:
    say(tx, 100, 99, 10)
    for message_id in (1, 3):
        messages.remove(tx, JZ, ALL_PETS, message_id)
    retentions.keep(tx, DAVID, ALL_PETS, 30)
    while retentions.sweep(tx):
        pass
    assert [message.id for message, _ in messages.trashed(tx, JZ, 9)] == [3]
    assert noted(tx) == ["2 messages"]


def test_a_clock_that_was_wrong_hides_nothing_that_is_old(
    tx: Tx, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retentions, "SWEPT_AT_ONCE", 2)
    say(tx, 3, 2, 1, 100, 0)
    retentions.keep(tx, DAVID, ALL_PETS, 30)
    assert retentions.loss(tx, DAVID, ALL_PETS, 30, tx.now) == Loss(1, 0, 0)
    assert retentions.sweep(tx) and not retentions.sweep(tx)
    assert left(tx) == [f"{days} days ago" for days in (3, 2, 1, 0)]


def noted(tx: Tx) -> list[str]:
    return [act.detail for act in acts.page(tx, DAVID)[0] if act.kind == "room.swept"]


def test_what_went_is_noted_though_the_sweep_is_called_off(
    tx: Tx, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retentions, "SWEPT_AT_ONCE", 1)
    for room_id, days in ((ALL_PETS, 100), (WATERCOOLER, 90)):
        say(tx, days, days - 1, room_id=room_id)
        retentions.keep(tx, DAVID, room_id, 30)
        assert retentions.sweep(tx)
        assert noted(tx) == ["1 message"] * (room_id == WATERCOOLER)
        if room_id == ALL_PETS:
            retentions.keep(tx, DAVID, room_id, None)
            assert not retentions.sweep(tx)
    rooms.remove(tx, DAVID, WATERCOOLER)
    assert not retentions.sweep(tx) and not retentions.sweep(tx)
    assert noted(tx) == ["1 message"] * 2
