"""Banned addresses: they may look, and change nothing, until they are let in again."""

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from campfire.chat import bans, sessions
from campfire.web.keys import DB, PEERS
from campfire.web.requests import Peers
from tests.conftest import DAVID, KEVIN


async def test_a_banned_address_changes_nothing_whoever_asks(
    server: TestServer, client: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert server.app is not None
    db = server.app[DB]
    await db.write(sessions.start, KEVIN, "8.8.8.8", "a browser")
    await db.write(bans.add, DAVID, KEVIN)
    assert isinstance(server.app[PEERS], Peers)
    monkeypatch.setattr(Peers, "address", lambda peers, request: "8.8.8.8")
    refused = await client.post(
        "/session", json={"email_address": "a", "password": "b"}
    )
    assert (refused.status, refused.headers["Retry-After"]) == (429, "3600")
    assert (await client.get("/health")).status == 200
    await db.write(bans.remove, DAVID, KEVIN)
    again = await client.post("/session", json={"email_address": "a", "password": "b"})
    assert again.status == 401
