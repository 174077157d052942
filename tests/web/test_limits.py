"""Limits: counted by who asks, refused with the time to wait, off when measuring."""

import pytest
from aiohttp.test_utils import TestServer
from limits import RateLimitItem

from campfire.refusals import TooMany
from campfire.web import limits
from campfire.web.keys import LIMITS
from campfire.web.limits import GUESSES, SIGN_IN, Limits, subscriber
from tests.conftest import KEVIN, SignIn


def test_the_eleventh_sign_in_waits_and_nobody_else_does() -> None:
    limits = Limits(enabled=True)
    for _ in range(10):
        limits.hit(SIGN_IN, "1.2.3.4")
    with pytest.raises(TooMany) as refusal:
        limits.hit(SIGN_IN, "1.2.3.4")
    assert refusal.value.retry_after is not None
    assert 1 <= refusal.value.retry_after <= 180
    limits.hit(SIGN_IN, "4.3.2.1")
    limits.hit(GUESSES, "1.2.3.4")


def test_looking_whether_there_is_room_counts_nothing() -> None:
    limits = Limits(enabled=True)
    for _ in range(30):
        limits.require_room(GUESSES, "david@37signals.example")


def test_nothing_is_counted_when_somebody_measures() -> None:
    limits = Limits(enabled=False)
    for _ in range(100):
        limits.hit(SIGN_IN, "1.2.3.4")


@pytest.mark.parametrize(
    ("address", "who"),
    [
        ("1.2.3.4", "1.2.3.4"),
        ("::ffff:1.2.3.4", "1.2.3.4"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("not an address", "not an address"),
    ],
)
def test_a_subscriber_is_an_address_or_a_network(address: str, who: str) -> None:
    assert subscriber(address) == who


@pytest.mark.parametrize(
    ("limit", "method", "path", "fields"),
    [
        (limits.POSTS, "POST", "/rooms/1/messages", {"body": "Hello"}),
        (limits.POSTS, "POST", "/messages/1/boosts", {"content": "👍"}),
        (limits.ROOMS, "POST", "/rooms", {"kind": "open", "name": "Garden"}),
        (limits.TRANSFERS, "POST", "/session/transfers", {}),
        (limits.SEARCHES, "GET", "/searches?q=hello", None),
        (limits.SEARCHES, "GET", "/users?query=ja", None),
    ],
)
async def test_who_asks_too_often_is_told_when_to_come_again_and_nobody_else_is(
    server: TestServer,
    sign_in: SignIn,
    limit: RateLimitItem,
    method: str,
    path: str,
    fields: dict[str, str] | None,
) -> None:
    kevin, jz = await sign_in("Kevin"), await sign_in("JZ")
    assert (await jz.client.post("/rooms/1/messages", json={"body": "Hi"})).ok
    for _ in range(limit.amount):
        server.app[LIMITS].hit(limit, str(KEVIN))
    refused = await kevin.client.request(method, path, json=fields)
    assert refused.status == 429
    assert 0 < int(refused.headers["Retry-After"]) <= limit.get_expiry()
    assert (await jz.client.request(method, path, json=fields)).status < 300
