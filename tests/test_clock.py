"""A clock that steps does no harm: not to order, to limits, or to what is over."""

import time
from collections.abc import Callable

import pytest
from aiohttp import ClientSession

from tests.conftest import ALL_PETS, SignIn

DAY = 86_400
ROOM = f"/rooms/{ALL_PETS}/messages"
Step = Callable[[float], None]


@pytest.fixture
def step(monkeypatch: pytest.MonkeyPatch) -> Step:
    """Sets the clock of the wall by so many seconds from what it is."""
    wall, wall_ns = time.time, time.time_ns

    def step(seconds: float) -> None:
        monkeypatch.setattr(time, "time", lambda: wall() + seconds)
        monkeypatch.setattr(time, "time_ns", lambda: wall_ns() + int(seconds * 1e9))

    return step


async def test_messages_keep_their_order(sign_in: SignIn, step: Step) -> None:
    kevin = (await sign_in("Kevin")).client
    said: list[str] = []
    for seconds in (0, -6 * 365 * DAY, DAY, *(-1, 1) * 5):
        step(seconds)
        said.append(f"At {seconds}, number {len(said)}")
        assert (await kevin.post(ROOM, json={"body": said[-1]})).status == 201
    answer = await kevin.get(ROOM)
    messages = await answer.json()
    assert [each["body"]["plain"] for each in messages] == said
    older = await kevin.get(f"{ROOM}?before={messages[4]['id']}&limit=2")
    assert [each["body"]["plain"] for each in await older.json()] == said[2:4]
    room = await (await kevin.get(f"/rooms/{ALL_PETS}")).json()
    assert room["membership"]["unread_count"] == 0


async def test_a_sign_in_that_was_over_stays_over(sign_in: SignIn, step: Step) -> None:
    kevin = (await sign_in("Kevin")).client
    step(-6 * 365 * DAY)
    assert (await kevin.get("/rooms")).status == 200
    step(400 * DAY)
    assert (await kevin.get("/rooms")).status == 401
    step(0)
    assert (await kevin.get("/rooms")).status == 401


async def test_who_tried_too_often_waits_no_longer_and_no_shorter(
    client: ClientSession, step: Step
) -> None:
    wrong = {"email_address": "nobody@x.example", "password": "wrong wrong"}
    for _ in range(10):
        assert (await client.post("/session", json=wrong)).status == 401
    for seconds in (0, -6 * 365 * DAY, 400 * DAY):
        step(seconds)
        refused = await client.post("/session", json=wrong)
        assert refused.status == 429
        assert 0 < int(refused.headers["Retry-After"]) <= 1_800
