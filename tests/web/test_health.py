"""Is it alive, and is it well."""

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from campfire import __version__
from campfire.web.keys import DB, READINESS


async def test_health_asks_nobody(
    server: TestServer, client: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert server.app is not None
    with monkeypatch.context() as without:
        without.delattr(type(server.app[DB]), "read")
        without.delattr(type(server.app[DB]), "write")
        response = await client.get("/health")
    assert response.status == 200
    assert await response.json() == {"status": "ok", "version": __version__}


async def test_ready_names_every_part(client: ClientSession) -> None:
    response = await client.get("/ready")
    assert response.status == 200
    assert await response.json() == {
        "status": "ok",
        "components": {"database": "ok", "writer": "ok", "jobs": "ok", "disk": "ok"},
    }


async def test_not_ready_is_503_with_the_reason(
    server: TestServer, client: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert server.app is not None
    monkeypatch.setattr("campfire.database.LEAST_FREE", 1 << 80)
    server.app[READINESS]._asked = 0
    response = await client.get("/ready")
    assert response.status == 503
    assert int(response.headers["Retry-After"]) > 0
    ready = await response.json()
    assert ready["status"] != "ok"
    assert ready["components"]["disk"] == "less than 64 MB free"
    assert ready["components"]["writer"] == "ok"
