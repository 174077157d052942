"""Who may see `/metrics`, and what is counted of a request."""

import timeit
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer, make_mocked_request

from campfire import app
from campfire.config import Config
from campfire.outside.client import Client
from campfire.web import metrics
from campfire.web.metrics import Traffic, is_local

TOKEN = "a-long-secret"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"X-Forwarded-For": "127.0.0.1"}, 404),
        ({"X-Forwarded-For": ""}, 404),
        ({"Forwarded": "for=127.0.0.1"}, 404),
        ({"X-Forwarded-For": "8.8.8.8", "Authorization": f"Bearer {TOKEN}"}, 200),
        ({"X-Forwarded-For": "8.8.8.8", "Authorization": f"Bearer {TOKEN}x"}, 404),
        ({"X-Forwarded-For": "8.8.8.8", "Authorization": "Bearer \xe9"}, 404),
        ({"X-Forwarded-For": "8.8.8.8", "Authorization": "Basic x"}, 404),
    ],
)
async def test_it_is_for_this_machine_or_for_who_has_the_token(
    tmp_path: Path, headers: dict[str, str], status: int
) -> None:
    config = Config(data=tmp_path, password_cost=4, metrics_token=TOKEN)
    server = TestServer(await app.create(config, Client(lookup=lambda name: [])))
    await server.start_server()
    async with ClientSession(server.make_url("/")) as client:
        response = await client.get("/metrics", headers=headers)
        nowhere = await client.get("/metricks", headers=headers)
        if status == 404:
            assert await response.read() == await nowhere.read()
        else:
            assert response.headers["Content-Type"].startswith("text/plain")
    assert response.status == status
    await server.close()


async def test_without_a_token_nothing_opens_it_from_elsewhere(
    client: ClientSession,
) -> None:
    for proof in ("Bearer ", "Bearer None", "Bearer x"):
        response = await client.get(
            "/metrics", headers={"X-Forwarded-For": "8.8.8.8", "Authorization": proof}
        )
        assert response.status == 404


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        *(("127.0.0.1", True), ("127.8.0.1", True), ("::1", True)),
        *(("::ffff:127.0.0.1", True), ("::ffff:10.0.0.1", False)),
        *(("10.0.0.1", False), ("", False), (None, False)),
    ],
)
def test_this_machine_has_several_addresses(
    address: str | None, expected: bool
) -> None:
    request = make_mocked_request("GET", "/metrics")
    assert is_local(request.clone(remote=address or "")) is expected


async def asked(path: str) -> web.Request:
    """A request as the router leaves it."""
    application = web.Application()

    async def answer(request: web.Request) -> web.Response:
        return web.Response()

    for route in ("/rooms/{room_id}", "/bots/me/events", "/socket"):
        application.router.add_get(route, answer)
    request = make_mocked_request("GET", path)
    request._match_info = await application.router.resolve(request)
    return request


async def test_routes_beyond_the_bound_are_counted_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metrics, "MOST_ROUTES", 3)
    traffic, request = Traffic(), await asked("/rooms/1")
    for status in (200, 201, 202, 203, 203):
        traffic.hit(request, status, 0.002)
    answers = traffic.answers()
    assert len(answers) == 4
    assert answers["*", "other", 203] == 2
    assert sum(answers.values()) == 5
    times = traffic.times()
    assert times["rooms"].buckets()[-1] == ("+Inf", 3)
    assert times["other"].buckets()[-1] == ("+Inf", 2)


async def test_what_stays_open_is_counted_and_not_timed() -> None:
    traffic = Traffic()
    for path, status in (("/socket", 101), ("/bots/me/events", 200), ("/rooms/1", 200)):
        traffic.hit(await asked(path), status, 3_600.0)
    assert len(traffic.answers()) == 3
    assert traffic.times().keys() == {"rooms"}


async def test_counting_costs_next_to_nothing() -> None:
    """Three microseconds is a thirtieth of a room page; the best of many is told."""
    traffic, request = Traffic(), await asked("/rooms/1")
    traffic.hit(request, 200, 0.001)
    took = timeit.repeat(
        lambda: traffic.hit(request, 200, 0.001), number=1_000, repeat=20
    )
    assert min(took) / 1_000 < 3e-6
