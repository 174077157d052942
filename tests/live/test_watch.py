"""What another process writes reaches the sockets that are open."""

import asyncio
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from campfire.app import FILE
from campfire.chat import memberships, profiles
from campfire.database import applied
from campfire.live import watch
from tests.conftest import ALL_PETS, DAVID, KEVIN, WATERCOOLER, SignIn
from tests.live.line import Line


@pytest.fixture(autouse=True)
def every(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "EVERY", 0.02)


async def test_a_sign_in_that_ends_elsewhere_takes_its_socket_along(
    tmp_path: Path, sign_in: SignIn
) -> None:
    kevin, david = await sign_in("Kevin"), await sign_in("David")
    line, other = await Line.open(kevin), await Line.open(david)
    await asyncio.to_thread(
        applied, tmp_path / FILE, profiles.reset_password, KEVIN, "another hash"
    )
    assert (await kevin.client.get("/rooms")).status == 401
    assert await line.closing() == 4401
    await other.up_to_now()


async def test_a_member_who_is_put_out_elsewhere_hears_nothing_more(
    tmp_path: Path, sign_in: SignIn
) -> None:
    david, jason = await sign_in("David"), await sign_in("Jason")
    line, other = await Line.open(david), await Line.open(jason)
    for room_id in (ALL_PETS, WATERCOOLER):
        await line.enter(room_id)
    await other.enter(WATERCOOLER)
    await asyncio.to_thread(
        applied, tmp_path / FILE, memberships.revoke, WATERCOOLER, [DAVID]
    )
    async with asyncio.timeout(10):
        refused = False
        while not refused:
            await asyncio.sleep(0.05)
            await line.say("room.type", room_id=WATERCOOLER)
            events = await line.up_to_now()
            refused = "command.refused" in [event["event"] for event in events]
    line.heard.clear()
    await other.say("room.type", room_id=WATERCOOLER)
    posted = await jason.client.post(
        f"/rooms/{WATERCOOLER}/messages", json={"body": "Without David"}
    )
    assert posted.status == 201
    await other.hear("message.posted")
    posted = await jason.client.post(
        f"/rooms/{ALL_PETS}/messages", json={"body": "With David"}
    )
    heard = await line.hear("message.posted")
    assert heard["room_id"] == ALL_PETS, "the other room is still open"
    about = {
        event["event"] for event in line.heard if event.get("room_id") == WATERCOOLER
    }
    assert not about & {"message.posted", "room.typing"}


async def test_what_the_server_writes_itself_is_not_looked_for(
    server: TestServer, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = 0

    async def count(self: watch.Watch) -> None:
        nonlocal looked
        looked += 1

    monkeypatch.setattr(watch.Watch, "revalidate", count)
    kevin = await sign_in("Kevin")
    for number in range(5):
        await kevin.client.post(f"/rooms/{ALL_PETS}/messages", json={"body": "x"})
        await asyncio.sleep(0.03)
    assert looked == 0
