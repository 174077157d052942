"""Devices that take pushes, over HTTP: what is taken, whose it is, quiet hours."""

import json
from typing import Any, Final

import pytest
from aiohttp.test_utils import TestServer

from campfire.chat import jobs, push, quiet_hours
from campfire.chat.push import Keys
from campfire.chat.quiet_hours import QuietHours
from campfire.database import Tx
from campfire.web.keys import DB
from tests.conftest import JASON, VAPID_KEYS, SignIn, night
from tests.web.conftest import HTML, Browse, posted

DEVICES: Final = "/users/me/push_subscriptions"
PUBLIC: Final = json.loads(VAPID_KEYS)["public"]
NIGHT: Final = {"from": "19:00", "to": "07:30", "time_zone": "Europe/Berlin"}


def subscription(name: str = "a", **other: Any) -> dict[str, Any]:
    """As a browser says it; any point of the curve will do for its key."""
    kept = {"endpoint": f"https://push.example/{name}", "expirationTime": None}
    return kept | {"keys": {"p256dh": PUBLIC, "auth": "A" * 22}} | other


async def test_a_device_is_kept_listed_and_removed(sign_in: SignIn) -> None:
    jason = await sign_in("Jason")
    response = await jason.client.post(
        DEVICES, json=subscription(), headers={"User-Agent": "Firefox/1"}
    )
    assert response.status == 201
    made = await response.json()
    assert made == {
        "id": made["id"],
        "endpoint": "https://push.example/a",
        "user_agent": "Firefox/1",
        "created_at": made["created_at"],
        "last_delivery": None,
    }
    assert await (await jason.client.get(DEVICES)).json() == [made]
    again = await jason.client.post(DEVICES, json=subscription())
    assert again.status == 201 and (await again.json())["id"] == made["id"]
    assert (await jason.client.delete(f"{DEVICES}/{made['id']}")).status == 204
    assert (await jason.client.delete(f"{DEVICES}/{made['id']}")).status == 404
    assert await (await jason.client.get(DEVICES)).json() == []


async def test_the_list_says_what_came_of_the_last_push(
    server: TestServer, sign_in: SignIn
) -> None:
    jason = await sign_in("Jason")
    made = await (await jason.client.post(DEVICES, json=subscription())).json()
    keys = Keys(made["endpoint"], b"\x04" + bytes(64), bytes(16))

    def answer(tx: Tx) -> None:
        push.test(tx, JASON, made["id"])
        now = jobs.clock()
        (job,) = jobs.lease(tx, push.PUSH, now, most=1, each=1, lasts=1_000).jobs
        push.settle(tx, job, keys, 201, 300)

    assert server.app is not None
    await server.app[DB].write(answer)
    (listed,) = await (await jason.client.get(DEVICES)).json()
    last = listed["last_delivery"]
    assert last == {"at": last["at"], "outcome": "delivered", "status": 201}


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://push.example/a",
        "https://127.0.0.1/a",
        "https://10.0.0.1/a",
        "https://[::1]/a",
        "https://[::ffff:10.0.0.1]/a",
        "https://0x7f.1/a",
        "https://2130706433/a",
        "https://169.254.169.254/latest/meta-data",
        "https://localhost/a",
        "https://push.example:22/a",
        "https://user:secret@push.example/a",
        "https://push.example\\@127.0.0.1/a",
        "ftp://push.example/a",
        "javascript:alert(1)",
        "push.example",
        "",
        "https://push.example/" + "a" * 5_000,
    ],
)
async def test_an_address_that_is_no_push_service_is_refused(
    sign_in: SignIn, endpoint: str
) -> None:
    jason = await sign_in("Jason")
    told = subscription() | {"endpoint": endpoint}
    response = await jason.client.post(DEVICES, json=told)
    assert response.status == 422
    assert list((await response.json())["errors"]) == ["endpoint"]
    assert await (await jason.client.get(DEVICES)).json() == []


def changed(**keys: Any) -> dict[str, Any]:
    told = subscription()
    return told | {"keys": told["keys"] | keys}


@pytest.mark.parametrize(
    "told",
    [
        {"endpoint": "https://push.example/a"},
        subscription(keys="none"),
        subscription(keys={}),
        changed(p256dh=PUBLIC[:-2]),
        changed(p256dh=PUBLIC + "AAAA"),
        changed(p256dh="A" * 87),
        changed(p256dh="B" + "A" * 86),
        # The right length and beginning, but not on the curve.
        changed(p256dh=PUBLIC[:-4] + ("AAAA" if PUBLIC[-4:] != "AAAA" else "BBBB")),
        changed(p256dh="!" * 87),
        changed(p256dh=7),
        changed(auth=""),
        changed(auth="A" * 20),
        changed(auth="A" * 24),
        changed(auth="é" * 22),
    ],
)
async def test_keys_with_which_nothing_can_be_sealed_are_refused(
    sign_in: SignIn, told: dict[str, Any]
) -> None:
    jason = await sign_in("Jason")
    response = await jason.client.post(DEVICES, json=told)
    assert response.status == 422, await response.text()
    assert await (await jason.client.get(DEVICES)).json() == []


async def test_a_device_is_whose_it_was_told_last(sign_in: SignIn) -> None:
    jason, kevin = await sign_in("Jason"), await sign_in("Kevin")
    await jason.client.post(DEVICES, json=subscription())
    await kevin.client.post(DEVICES, json=subscription())
    assert await (await jason.client.get(DEVICES)).json() == []
    assert len(await (await kevin.client.get(DEVICES)).json()) == 1


async def test_signing_out_takes_the_device_that_is_named(sign_in: SignIn) -> None:
    here, there = await sign_in("Jason"), await sign_in("Jason")
    await here.client.post(DEVICES, json=subscription("here"))
    await there.client.post(DEVICES, json=subscription("named"))
    await there.client.post(DEVICES, json=subscription("there"))
    endpoint = {"push_subscription_endpoint": "https://push.example/named"}
    assert (await here.client.delete("/session", json=endpoint)).status == 204
    left = await (await there.client.get(DEVICES)).json()
    assert [device["endpoint"] for device in left] == ["https://push.example/there"]


async def test_signing_out_takes_only_ones_own_device(sign_in: SignIn) -> None:
    jason, kevin = await sign_in("Jason"), await sign_in("Kevin")
    await kevin.client.post(DEVICES, json=subscription())
    endpoint = {"push_subscription_endpoint": "https://push.example/a"}
    assert (await jason.client.delete("/session", json=endpoint)).status == 204
    assert len(await (await kevin.client.get(DEVICES)).json()) == 1


async def test_a_test_is_asked_for_and_not_too_often(sign_in: SignIn) -> None:
    jason = await sign_in("Jason")
    made = await (await jason.client.post(DEVICES, json=subscription())).json()
    path = f"{DEVICES}/{made['id']}/test_notifications"
    statuses = [(await jason.client.post(path)).status for _ in range(12)]
    assert statuses == 10 * [202] + 2 * [429]


async def test_quiet_hours_are_set_and_left_off(
    server: TestServer, sign_in: SignIn
) -> None:
    jason = await sign_in("Jason")
    path = "/users/me/quiet_hours"
    assert server.app is not None
    db = server.app[DB]
    assert (await jason.client.put(path, json=NIGHT)).status == 204
    kept = QuietHours(19 * 60, 7 * 60 + 30, "Europe/Berlin")
    assert await db.read(quiet_hours.find, JASON) == kept
    refused = await jason.client.put(path, json=NIGHT | {"time_zone": "Mars"})
    assert refused.status == 422
    assert list((await refused.json())["errors"]) == ["time_zone"]
    assert await db.read(quiet_hours.find, JASON) == kept
    assert (await jason.client.delete(path)).status == 204
    assert await db.read(quiet_hours.find, JASON) is None


async def test_a_form_keeps_quiet_hours_while_its_box_is_ticked(
    server: TestServer, browse: Browse
) -> None:
    browser = await browse("Jason")
    assert server.app is not None
    db = server.app[DB]
    path = "/users/me/quiet_hours"
    response = await browser.post(
        path, data=NIGHT | {"on": "on"}, allow_redirects=False
    )
    assert (response.status, response.headers["Location"]) == (303, "/users/me#quiet")
    assert await db.read(quiet_hours.find, JASON) is not None
    wrong = await browser.post(path, data=NIGHT | {"on": "on", "from": "late"})
    text = await wrong.text()
    assert wrong.status == 422 and "Write a time such as 19:00." in text
    assert await db.read(quiet_hours.find, JASON) is not None
    await browser.post(path, data=NIGHT)
    assert await db.read(quiet_hours.find, JASON) is None


async def test_whether_one_may_be_rung_at_night_is_kept_with_the_hours(
    server: TestServer, browse: Browse, sign_in: SignIn
) -> None:
    assert server.app is not None
    db, path = server.app[DB], "/users/me/quiet_hours"
    client = (await sign_in("Jason")).client

    async def may_ring() -> bool:
        hours = await db.read(quiet_hours.find, JASON)
        assert hours is not None
        return hours.may_ring

    # A program that says nothing about it has it as it is for everybody.
    for said, kept in (({}, True), ({"may_ring": False}, False)):
        assert (await client.put(path, json=NIGHT | said)).status == 204
        assert await may_ring() == kept
    browser = await browse("Jason")
    for box, kept in (({"may_ring": "on"}, True), ({}, False)):
        await browser.post(path, data=NIGHT | {"on": "on"} | box)
        assert await may_ring() == kept
        page = await (await browser.get("/users/me")).text()
        assert ('name="may_ring" value="on" checked' in page) == kept


async def test_who_writes_directly_sees_whose_night_it_is_and_may_ring(
    server: TestServer, sign_in: SignIn
) -> None:
    jason, jz = await sign_in("Jason"), await sign_in("JZ")
    await jason.client.put("/users/me/quiet_hours", json=night())
    made = await jz.client.post("/rooms", json={"kind": "direct", "user_ids": [JASON]})
    room_id = (await made.json())["id"]
    fragment = {"Accept": "text/html", "HX-Request": "true"}
    rows = await (await jz.client.get("/rooms", headers=fragment)).text()
    assert 'data-quiet-until="' in rows and 'data-may-ring="true"' in rows
    kevin = await sign_in("Kevin")
    rows = await (await kevin.client.get("/rooms", headers=fragment)).text()
    assert "data-quiet" not in rows
    message = await posted(jz.client, "Are you there?", room_id)
    path = f"/rooms/{room_id}/messages/{message['id']}/ring"
    assert (await jz.client.post(path)).status == 202
    assert (await jason.client.post(path)).status == 403
    answer = await jz.client.post(path, headers=HTML, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, f"/rooms/{room_id}")
    statuses = [(await jz.client.post(path)).status for _ in range(19)]
    assert statuses == 18 * [202] + [429]


async def test_one_s_own_page_shows_devices_and_their_ledger(
    server: TestServer, sign_in: SignIn
) -> None:
    jason = await sign_in("Jason")
    page = await (await jason.client.get("/users/me", headers=HTML)).text()
    assert f'data-push-key="{PUBLIC}"' in page
    assert "Send a test" not in page
    made = await (await jason.client.post(DEVICES, json=subscription())).json()
    page = await (await jason.client.get("/users/me", headers=HTML)).text()
    assert "Send a test" in page and "Nothing sent yet" in page

    def answer(tx: Tx) -> None:
        for status in (201, 201, 410):
            push.test(tx, JASON, made["id"])
            now = jobs.clock()
            (job,) = jobs.lease(tx, push.PUSH, now, most=1, each=1, lasts=1_000).jobs
            push.settle(tx, job, Keys(made["endpoint"], b"", b""), status, 300)

    assert server.app is not None
    await server.app[DB].write(answer)
    page = await (await jason.client.get("/users/me", headers=HTML)).text()
    assert "Last 3 notifications: 2 delivered, 1 refused" in page
    assert "The browser gave up its address." in page
    assert "410, address gone" in page
    assert "Send a test" not in page


async def test_the_list_of_devices_is_part_of_ones_own_page(browse: Browse) -> None:
    browser = await browse("Jason")
    response = await browser.get(DEVICES, allow_redirects=False)
    assert (response.status, response.headers["Location"]) == (
        302,
        "/users/me#devices",
    )
