"""Who a request comes from: tokens, how long they live, and how many may be hashed."""

import asyncio
import time

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from campfire.chat import sessions
from campfire.database import Tx
from campfire.refusals import TooMany
from campfire.web.keys import DB
from campfire.web.sessions import MOST_HASHING, Passwords
from tests.conftest import KEVIN, PASSWORD, SignIn, address

KEVINS = {"email_address": address("Kevin"), "password": PASSWORD}


def age(tx: Tx, created: int, active: int) -> None:
    """Moves every sign-in into the past, as time does."""
    now = time.time_ns() // 1_000_000
    tx.row(
        "UPDATE sessions SET created_at = ?, last_active_at = ?",
        (now - created, now - active),
    )
    tx.announce(sessions.Ended(KEVIN, ()))


@pytest.mark.parametrize(
    ("created", "active", "status"),
    [
        (sessions.OLDEST - sessions.DAY, sessions.IDLE - sessions.DAY, 200),
        (sessions.IDLE + sessions.DAY, sessions.IDLE + sessions.DAY, 401),
        (sessions.OLDEST + sessions.DAY, 0, 401),
    ],
)
async def test_a_sign_in_ends_unused_or_old(
    server: TestServer, sign_in: SignIn, created: int, active: int, status: int
) -> None:
    assert server.app is not None
    kevin = await sign_in("Kevin")
    await server.app[DB].write(age, created, active)
    assert (await kevin.client.get("/rooms")).status == status


async def test_a_sign_in_that_is_used_is_noted_once_an_hour(
    server: TestServer, sign_in: SignIn
) -> None:
    assert server.app is not None
    db = server.app[DB]
    kevin = await sign_in("Kevin")

    async def last_active() -> int:
        look = "SELECT last_active_at FROM sessions WHERE user_id = ?"
        return int(await db.read(lambda db: db.value(look, (KEVIN,))))

    fresh = await last_active()
    await kevin.client.get("/rooms")
    assert await last_active() == fresh
    await db.write(age, 2 * sessions.DAY, sessions.DAY)
    stale = await last_active()
    await kevin.client.get("/rooms")
    assert await last_active() > stale


async def test_only_a_hash_of_the_token_is_on_the_disk(
    server: TestServer, sign_in: SignIn
) -> None:
    assert server.app is not None
    kevin = await sign_in("Kevin")
    paths = server.app[DB].path.parent.rglob("*")
    kept = b"".join(path.read_bytes() for path in paths if path.is_file())
    assert address("Kevin").encode() in kept, "need the row for this to mean anything"
    assert kevin.token.encode() not in kept


async def test_the_fifty_first_sign_in_ends_the_first(sign_in: SignIn) -> None:
    first = await sign_in("Kevin")
    for _ in range(sessions.MOST - 1):
        await sign_in("Kevin")
    assert (await first.client.get("/rooms")).status == 200
    await sign_in("Kevin")
    assert (await first.client.get("/rooms")).status == 401


async def test_the_rooms_of_somebody_who_was_revoked_are_closed_at_once(
    server: TestServer, sign_in: SignIn
) -> None:
    assert server.app is not None
    kevin = await sign_in("Kevin")
    for _ in range(3):
        assert (await kevin.client.get("/rooms/1/messages")).status == 200

    def ended(tx: Tx) -> None:
        (session_id,) = tx.row("SELECT id FROM sessions WHERE user_id = ?", (KEVIN,))
        sessions.end(tx, KEVIN, session_id)

    await server.app[DB].write(ended)
    assert (await kevin.client.get("/rooms/1/messages")).status == 401


async def test_no_more_than_sixteen_passwords_wait() -> None:
    passwords = Passwords(4)
    waiting = [
        asyncio.ensure_future(passwords.hashed("secret")) for _ in range(MOST_HASHING)
    ]
    await asyncio.sleep(0)
    with pytest.raises(TooMany) as refused:
        await passwords.matches("secret", None)
    assert refused.value.retry_after
    assert len(set(await asyncio.gather(*waiting))) == MOST_HASHING
    assert await passwords.matches("secret", await waiting[0])
    assert not await passwords.matches("Secret", await waiting[0])
    assert not await passwords.matches("secret", None)
    passwords.close()


async def test_too_many_sign_ins_at_once_are_429_with_when_to_come_again(
    client: ClientSession,
) -> None:
    async def attempt() -> tuple[int, str | None]:
        response = await client.post("/session", json=KEVINS)
        return response.status, response.headers.get("Retry-After")

    answers = await asyncio.gather(*(attempt() for _ in range(60)))
    refused = [retry for status, retry in answers if status == 429]
    assert {status for status, _ in answers} == {201, 429}
    assert all(retry and int(retry) > 0 for retry in refused)
