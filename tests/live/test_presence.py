"""Who is here and who is writing, and when that ends by itself."""

import asyncio
from dataclasses import replace

import pytest

from campfire.chat.users import User
from campfire.live import presence
from campfire.live.presence import Presence, Typing

DAVID = User(1, "David", "administrator", "active", "", 0)
KEVIN = User(4, "Kevin", "member", "active", "", 0)


class Told:
    """What was told, and a way to wait for the next."""

    def __init__(self) -> None:
        self.facts: list[tuple[object, ...]] = []
        self.came = asyncio.Event()

    def __call__(self, *fact: object) -> None:
        self.facts.append(fact)
        self.came.set()

    async def another(self) -> None:
        self.came.clear()
        async with asyncio.timeout(10):
            await self.came.wait()


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Minutes are moments."""
    monkeypatch.setattr(presence, "GONE_AFTER", 0.01)
    monkeypatch.setattr(presence, "SILENT_AFTER", 0.01)


async def test_somebody_is_here_from_the_first_socket() -> None:
    told = Told()
    here = Presence(told)
    here.arrive(DAVID)
    here.arrive(DAVID)
    assert told.facts == [(DAVID, True)]
    assert here.users() == {DAVID.id: DAVID}


async def test_who_comes_back_within_a_minute_was_never_gone() -> None:
    told = Told()
    here = Presence(told)
    here.arrive(DAVID)
    here.leave(DAVID)
    assert here.users() == {DAVID.id: DAVID}
    here.arrive(DAVID)
    assert told.facts == [(DAVID, True)]


async def test_who_does_not_come_back_is_gone(soon: None) -> None:
    told = Told()
    here = Presence(told)
    here.arrive(DAVID)
    here.arrive(KEVIN)
    here.leave(DAVID)
    await told.another()
    assert told.facts == [(DAVID, True), (KEVIN, True), (DAVID, False)]
    assert here.users() == {KEVIN.id: KEVIN}
    here.arrive(DAVID)
    assert told.facts[3:] == [(DAVID, True)]


async def test_who_came_back_is_not_gone_later(soon: None) -> None:
    told = Told()
    here = Presence(told)
    here.arrive(DAVID)
    here.leave(DAVID)
    here.arrive(DAVID)
    here.arrive(KEVIN)
    here.leave(KEVIN)
    await told.another()
    assert told.facts == [(DAVID, True), (KEVIN, True), (KEVIN, False)]


async def test_a_new_name_is_known_from_the_next_socket() -> None:
    here = Presence(Told())
    here.arrive(DAVID)
    renamed = User(1, "DHH", "administrator", "active", "", 1)
    here.arrive(renamed)
    assert here.users() == {1: renamed}


async def test_nobody_is_gone_after_closing(soon: None) -> None:
    told = Told()
    here, others = Presence(told), Presence(told)
    here.arrive(DAVID)
    here.leave(DAVID)
    here.close()
    others.arrive(KEVIN)
    others.leave(KEVIN)
    await told.another()
    assert told.facts == [(DAVID, True), (KEVIN, True), (KEVIN, False)]


async def test_writing_is_told_once_and_stopping_too() -> None:
    told = Told()
    typing = Typing(told)
    typing.start(7, DAVID)
    typing.start(7, DAVID)
    typing.stop(7, DAVID)
    typing.stop(7, DAVID)
    assert told.facts == [(7, DAVID, True), (7, DAVID, False)]


async def test_rooms_and_people_write_apart() -> None:
    told = Told()
    typing = Typing(told)
    typing.start(7, DAVID)
    typing.start(8, DAVID)
    typing.start(7, KEVIN)
    typing.stop(7, DAVID)
    assert told.facts == [
        (7, DAVID, True),
        (8, DAVID, True),
        (7, KEVIN, True),
        (7, DAVID, False),
    ]
    typing.close()


async def test_who_falls_silent_has_stopped(soon: None) -> None:
    told = Told()
    typing = Typing(told)
    typing.start(7, DAVID)
    await told.another()
    assert told.facts == [(7, DAVID, True), (7, DAVID, False)]
    typing.start(7, DAVID)
    assert told.facts[2:] == [(7, DAVID, True)]
    typing.close()


async def test_every_key_gives_another_ten_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = Told()
    typing = Typing(told)
    monkeypatch.setattr(presence, "SILENT_AFTER", 0.01)
    typing.start(7, DAVID)
    monkeypatch.setattr(presence, "SILENT_AFTER", 100)
    typing.start(7, DAVID)
    monkeypatch.setattr(presence, "SILENT_AFTER", 0.02)
    typing.start(7, KEVIN)
    await told.another()
    assert told.facts == [(7, DAVID, True), (7, KEVIN, True), (7, KEVIN, False)]
    typing.close()


async def test_somebody_is_here_as_long_as_any_worker_has_them(soon: None) -> None:
    told, own = Told(), Told()
    presence = Presence(told)
    presence.own = own
    presence.hear("second", {KEVIN.id: KEVIN})
    presence.arrive(KEVIN)
    presence.arrive(KEVIN)
    assert told.facts == [(KEVIN, True)]
    assert own.facts == [(KEVIN, True)]
    presence.leave(KEVIN)
    await own.another()
    assert own.facts == [(KEVIN, True), (KEVIN, False)]
    assert presence.users() == {KEVIN.id: KEVIN}
    assert presence.own_users() == []
    presence.hear("third", {KEVIN.id: KEVIN, DAVID.id: DAVID})
    presence.hear("second", {})
    assert told.facts == [(KEVIN, True), (DAVID, True)]
    presence.hear("third", {DAVID.id: DAVID})
    assert told.facts[2:] == [(KEVIN, False)]
    renamed = replace(DAVID, name="Dave")
    presence.rename(renamed)
    assert presence.users() == presence.users_at("third") == {DAVID.id: renamed}


async def test_what_is_typed_elsewhere_is_told_once_and_not_passed_on(
    soon: None,
) -> None:
    told, own = Told(), Told()
    typing = Typing(told)
    typing.own = own
    typing.hear(7, KEVIN, True)
    typing.hear(7, KEVIN, True)
    assert told.facts == [(7, KEVIN, True)]
    await told.another()
    assert told.facts == [(7, KEVIN, True), (7, KEVIN, False)]
    assert own.facts == []
    typing.start(7, DAVID)
    typing.stop(7, DAVID)
    typing.stop(7, DAVID)
    assert own.facts == [(7, DAVID, True), (7, DAVID, False)]
    typing.close()
