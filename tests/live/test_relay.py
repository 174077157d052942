"""Two workers and a broker: one order of events, and nothing missed without it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from campfire.chat import memberships, sessions
from campfire.live import broker as brokers
from campfire.live import presence, relay
from campfire.web.keys import DB, READINESS
from campfire.web.limits import SIGN_IN
from tests import brokers as real
from tests.conftest import (
    ALL_PETS,
    DAVID,
    JASON,
    JZ,
    KEVIN,
    WATERCOOLER,
    SignIn,
    agreement,
    relay_of,
)
from tests.live.line import Line
from tests.live.test_sockets import CHANGES, post


@pytest.fixture
def workers() -> int:
    return 2


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "LOOKS_EVERY", 0.02)
    monkeypatch.setattr(brokers, "AGAIN_AFTER", 0.02)


@pytest.fixture
async def own(request: pytest.FixtureRequest) -> AsyncIterator[real.Broker]:
    """The broker of these workers alone, which may be ended."""
    yield request.getfixturevalue("broker_of_one")


@pytest.fixture
def broker(request: pytest.FixtureRequest) -> Any:
    """As the session's, unless the test ends it."""
    if "own" not in request.fixturenames:
        return request.getfixturevalue("session_broker")
    return request.getfixturevalue("broker_of_one").url


@pytest.fixture
def broker_of_one() -> Any:
    with real.Broker() as broker:
        yield broker


async def lost(servers: list[TestServer]) -> None:
    async with asyncio.timeout(30):
        while any(relay_of(server).broker.is_up for server in servers):
            await asyncio.sleep(0.001)


async def found(servers: list[TestServer]) -> None:
    async with asyncio.timeout(30):
        while not all(relay_of(server).broker.is_up for server in servers):
            await asyncio.sleep(0.001)


async def test_posts_through_both_come_to_all_in_one_order(
    servers: list[TestServer], sign_in: SignIn
) -> None:
    people = [await sign_in(name) for name in ("David", "Kevin", "Jason", "JZ")]
    lines = [await Line.open(person) for person in people]
    for line in lines:
        await line.enter(ALL_PETS)

    async def write(number: int) -> None:
        for text in range(50):
            await post(people[number], f"{number}.{text}")

    await asyncio.gather(*map(write, range(4)))
    heard = []
    for line in lines:
        while line.heard[-1].get("seq") != 200:
            await line.next()
        posted = [event for event in line.heard if event["event"] in CHANGES]
        assert [event["seq"] for event in posted] == list(range(1, 201))
        heard.append([event["message"]["id"] for event in posted])
    assert all(each == heard[0] for each in heard)


async def test_counts_agree_with_the_database_whoever_wrote_where(
    servers: list[TestServer], sign_in: SignIn
) -> None:
    """A grant and what is posted after it, each at another worker."""
    david, kevin, jason = [await sign_in(n) for n in ("David", "Kevin", "Jason")]
    line = await Line.open(kevin)
    path = f"/rooms/{WATERCOOLER}"
    members = {"user_ids": [DAVID, JASON, JZ, KEVIN]}
    for _ in range(5):
        granted = await david.client.patch(path, json=members)
        assert granted.status == 200, await granted.text()
        for text in "abc":
            await post(jason, text, room_id=WATERCOOLER)
        await david.client.patch(path, json={"user_ids": [DAVID, JASON, JZ]})
    await david.client.patch(path, json=members)
    await post(jason, "last", room_id=WATERCOOLER)
    await kevin.agreed()
    told = [e for e in await line.up_to_now() if e["event"] == "room.unread"]
    room = await (await kevin.client.get(path)).json()
    assert told[-1]["unread_count"] == room["membership"]["unread_count"]


async def test_a_sign_in_that_ends_at_one_closes_its_sockets_at_the_other(
    servers: list[TestServer], sign_in: SignIn
) -> None:
    await sign_in("David")
    kevin = await sign_in("Kevin")  # At the second.
    line = await Line.open(kevin)
    db = servers[0].app[DB]
    await db.write(sessions.end_others, KEVIN, None)
    assert await line.closing() == 4401
    assert (await kevin.client.get("/rooms")).status == 401


async def test_a_page_is_fresh_at_the_other_worker_at_once(
    servers: list[TestServer], sign_in: SignIn
) -> None:
    david, kevin = await sign_in("David"), await sign_in("Kevin")
    path = f"/rooms/{ALL_PETS}"

    async def shown() -> str:
        html = {"Accept": "text/html"}
        return await (await kevin.client.get(path, headers=html)).text()

    message = await post(david, "before")
    assert "before" in await shown()
    await david.client.patch(f"{path}/messages/{message['id']}", json={"body": "after"})
    assert "after" in await shown() and "before" not in await shown()
    await david.client.patch(path, json={"name": "Campers"})
    assert "Campers" in await shown()
    db = servers[0].app[DB]
    await db.write(memberships.revoke, ALL_PETS, [KEVIN])
    assert (await kevin.client.get(path)).status == 404


async def test_people_are_here_wherever_their_socket_is(
    servers: list[TestServer], sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "GONE_AFTER", 0.0)
    david, kevin = await sign_in("David"), await sign_in("Kevin")
    first = await Line.open(david)
    second = await Line.open(kevin)
    came = await first.hear("presence.changed", user_id=KEVIN)
    assert came["online"]
    entered = await second.enter(ALL_PETS)
    assert {each["id"] for each in entered["present"]} == {DAVID, KEVIN}
    await first.enter(ALL_PETS)
    await second.say("room.type", room_id=ALL_PETS)
    assert (await first.hear("room.typing"))["user"]["id"] == KEVIN
    await post(kevin, "written")
    await first.hear("room.typing", typing=False)
    await second.ws.close()
    went = await first.hear("presence.changed", user_id=KEVIN)
    assert not went["online"]


async def test_people_of_a_worker_that_was_ended_vanish(
    servers: list[TestServer], sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    david, kevin = await sign_in("David"), await sign_in("Kevin")
    first, _ = await Line.open(david), await Line.open(kevin)
    assert (await first.hear("presence.changed", user_id=KEVIN))["online"]
    monkeypatch.setattr(relay, "BELIEVED_FOR", 0.1)
    await relay_of(servers[1]).close()
    assert not (await first.hear("presence.changed", user_id=KEVIN))["online"]


async def test_tries_are_counted_together(
    servers: list[TestServer], sign_in: SignIn
) -> None:
    await sign_in("David")
    statuses = []
    async with ClientSession() as stranger:
        for number in range(SIGN_IN.amount + 1):
            url = servers[number % 2].make_url("/session")
            tried = {"email_address": f"{number}@a.example", "password": "wrong wrong"}
            statuses.append((await stranger.post(url, json=tried)).status)
            await agreement(servers)
    assert statuses == [401] * SIGN_IN.amount + [429]


async def test_numbers_are_those_of_all_workers(
    servers: list[TestServer], sign_in: SignIn
) -> None:
    await agreement(servers)
    async with ClientSession() as operator:
        response = await operator.get(servers[1].make_url("/metrics"))
        text = await response.text()
    assert text.count("# TYPE campfire_sockets gauge") == 1
    for worker in (1, 2):
        assert f'campfire_sockets{{worker="{worker}"}} 0.0' in text
        assert f'campfire_broker_up{{worker="{worker}"}} 1.0' in text
    assert 'campfire_requests_total{method="GET"' not in text.split("worker")[0]


async def test_without_the_broker_everybody_still_hears_everything(
    servers: list[TestServer], sign_in: SignIn, own: real.Broker
) -> None:
    """What is said is read from the database, what is revoked too, until it is back."""
    david, kevin = await sign_in("David"), await sign_in("Kevin")
    jason = await sign_in("Jason")
    lines = [await Line.open(david), await Line.open(kevin)]
    for line in lines:
        await line.enter(ALL_PETS)
    elsewhere = await Line.open(kevin)
    put_out = await Line.open(jason)
    await put_out.enter(WATERCOOLER)
    own.stop()
    await lost(servers)
    for number in range(1, 11):
        await post((david, kevin)[number % 2], f"{number}")
        for line in lines:
            assert (await line.hear("message.posted"))["seq"] == number
    counted = await elsewhere.hear("room.unread", unread_count=5)
    assert counted["room_id"] == ALL_PETS
    ready = await (await david.client.get("/ready")).json()
    assert ready["status"] == "degraded"
    assert ready["components"]["broker"] == "lost"
    db = servers[1].app[DB]
    await db.write(memberships.revoke, WATERCOOLER, [JASON])
    await put_out.hear("membership.revoked")
    granted = {"user_ids": [DAVID, JASON, JZ, KEVIN]}
    await david.client.patch(f"/rooms/{WATERCOOLER}", json=granted)
    await elsewhere.hear("membership.granted")
    own.start()
    await found(servers)
    await post(david, "11")
    for line in lines:
        assert (await line.hear("message.posted"))["seq"] == 11
        numbers = [e["seq"] for e in line.heard if e["event"] in CHANGES]
        assert numbers == list(range(1, 12))
    if not [event for event in lines[0].heard if event["event"] == "account.changed"]:
        await lines[0].hear("account.changed")
    servers[0].app[READINESS]._asked = 0.0
    ready = await (await david.client.get("/ready")).json()
    assert ready["status"] == "ok"


async def test_a_change_that_another_replaced_sends_its_readers_to_the_replay(
    servers: list[TestServer], sign_in: SignIn, own: real.Broker
) -> None:
    david, kevin = await sign_in("David"), await sign_in("Kevin")
    line = await Line.open(kevin)
    await line.enter(ALL_PETS)
    relay_of(servers[1])._catching = True  # It looks when all is done, not before.
    own.stop()
    await lost(servers)
    first = await post(david, "first")
    await david.client.patch(
        f"/rooms/{ALL_PETS}/messages/{first['id']}", json={"body": "edited"}
    )
    await relay_of(servers[1]).catch_up()
    assert await line.closing() == 1013
    back = await Line.open(kevin)
    await back.enter(ALL_PETS, since=0)
    replayed = [e["seq"] for e in back.heard if e["event"] in CHANGES]
    assert replayed == [2]


async def test_a_turn_whose_worker_was_ended_holds_nobody_up(
    servers: list[TestServer], sign_in: SignIn, tmp_path: Path
) -> None:
    david, kevin = await sign_in("David"), await sign_in("Kevin")
    lines = [await Line.open(david), await Line.open(kevin)]
    for line in lines:
        await line.enter(ALL_PETS)
    await agreement(servers)
    with relay_of(servers[0])._turns.turn():
        pass  # Over, and never told.
    await post(david, "after")
    for line in lines:
        assert (await line.hear("message.posted"))["seq"] == 1
