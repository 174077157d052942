"""The pages and the JSON with which administrators look after bots."""

import asyncio
import io
from typing import Any

import pytest
from aiohttp import FormData, web
from aiohttp.test_utils import TestServer
from PIL import Image

from campfire.chat import bots
from campfire.database import Tx
from campfire.web.keys import DB
from tests.conftest import SignIn
from tests.live.line import Line
from tests.web.conftest import HTML, Browse, posted

URL = "https://bot.example/hook"


async def test_a_program_makes_changes_and_retires_a_bot(sign_in: SignIn) -> None:
    client = (await sign_in("David")).client
    answer = await client.post(
        "/account/bots", json={"name": "Bender", "webhook_url": URL}
    )
    assert answer.status == 201
    assert answer.headers["Cache-Control"] == "no-store"
    made = await answer.json()
    key, secret = made.pop("bot_key"), made.pop("signing_secret")
    assert key.startswith(f"{made['id']}-") and secret.startswith("whsec_")
    assert (made["role"], made["webhook_url"]) == ("bot", URL)
    path = f"/account/bots/{made['id']}"
    assert await (await client.get("/account/bots")).json() == [made]
    assert await (await client.get(path)).json() == made
    answer = await client.patch(path, json={"name": "Flexo", "webhook_url": None})
    changed = await answer.json()
    assert (changed["name"], changed["webhook_url"]) == ("Flexo", None)
    renewed = await client.put(f"{path}/key")
    assert renewed.status == 200
    assert (await renewed.json())["bot_key"] not in ("", key)
    assert (await client.delete(path)).status == 204
    assert (await client.get(path)).status == 404
    assert await (await client.get("/account/bots")).json() == []


@pytest.mark.parametrize(
    "fields", [{}, {"name": " "}, {"name": "B", "webhook_url": "x"}]
)
async def test_a_bot_that_cannot_be_is_refused(
    sign_in: SignIn, fields: dict[str, str]
) -> None:
    client = (await sign_in("David")).client
    answer = await client.post("/account/bots", json=fields)
    assert answer.status == 422
    assert (await answer.json())["errors"]
    assert await (await client.get("/account/bots")).json() == []


async def test_the_key_is_shown_once(browse: Browse) -> None:
    david = await browse("David")
    form = {"name": "Bender", "webhook_url": ""}
    answer = await david.post("/account/bots", data=form)
    page = await answer.text()
    key = page.partition("/rooms/1/")[2].partition("/messages")[0]
    assert answer.status == 201 and page.count(key) == 3
    for path in ("/account/bots", f"/account/bots/{key.partition('-')[0]}"):
        again = await (await david.get(path)).text()
        assert "Bender" in again and key not in again
    answer = await david.post(f"/account/bots/{key.partition('-')[0]}/key")
    assert answer.status == 200
    assert key not in await answer.text()


async def test_a_form_that_is_wrong_comes_back(browse: Browse) -> None:
    david = await browse("David")
    form = {"name": "Bender", "webhook_url": "nowhere"}
    answer = await david.post("/account/bots", data=form)
    page = await answer.text()
    assert answer.status == 422
    assert 'value="Bender"' in page and 'value="nowhere"' in page
    assert 'aria-invalid="true"' in page


async def test_a_bot_has_a_face_until_it_has_a_picture(
    server: TestServer, browse: Browse
) -> None:
    david = await browse("David")
    made = io.BytesIO()
    Image.new("RGB", (900, 600), "teal").save(made, "PNG")
    answer = await david.post("/account/bots", data={"name": "Bender"})
    bot_id = (await answer.text()).partition("/rooms/1/")[2].partition("-")[0]
    avatar = await david.get(f"/users/{bot_id}/avatar")
    assert avatar.content_type == "image/svg+xml"
    assert "<text" not in await avatar.text()
    form = FormData()
    form.add_field("avatar", made.getvalue(), filename="a.png")
    answer = await david.post(f"/account/bots/{bot_id}", data=form)
    assert answer.status == 200 and "Saved." in await answer.text()
    avatar = await david.get(f"/users/{bot_id}/avatar")
    assert avatar.content_type == "image/webp"
    await david.post(f"/account/bots/{bot_id}/avatar/delete")
    avatar = await david.get(f"/users/{bot_id}/avatar")
    assert avatar.content_type == "image/svg+xml"


async def test_members_find_no_way_to_the_bots(browse: Browse) -> None:
    for name, found in (("David", True), ("Kevin", False)):
        browser = await browse(name)
        page = await (await browser.get("/account", headers=HTML)).text()
        assert ("/account/bots" in page) == found
        status = 200 if found else 403
        assert (await browser.get("/account/bots", headers=HTML)).status == status


def hook(answer: str, status: int = 200) -> tuple[TestServer, list[dict[str, Any]]]:
    came: list[dict[str, Any]] = []

    async def receive(request: web.Request) -> web.Response:
        came.append(await request.json())
        return web.Response(text=answer, status=status)

    app = web.Application()
    app.router.add_post("/hook", receive)
    return TestServer(app), came


async def test_a_webhook_is_called_looked_at_and_called_again(
    sign_in: SignIn, browse: Browse
) -> None:
    receiver, came = hook("Ten past")
    await receiver.start_server()
    david, kevin = (await sign_in("David")).client, await sign_in("Kevin")
    near = {"settings": {"webhooks_may_reach_private_addresses": True}}
    answer = await david.patch("/account", json=near)
    assert (await answer.json())["settings"].items() >= near["settings"].items()
    url = str(receiver.make_url("/hook"))
    fields = {"name": "Bender", "webhook_url": url}
    bot = await (await david.post("/account/bots", json=fields)).json()
    line = await Line.open(kevin)
    await line.enter(1)
    asked = await posted(kevin.client, "@Bender the time?")
    while (await line.hear("message.posted"))["message"]["creator"]["id"] != bot["id"]:
        pass
    path = f"/account/bots/{bot['id']}/deliveries"
    (delivery,) = await (await david.get(path)).json()
    assert delivery["message_id"] == asked["id"]
    assert (delivery["status"], delivery["attempts"], delivery["answered"]) == (
        *("delivered", 1),
        True,
    )
    assert delivery["at"] == asked["created_at"]
    # The path it is told is good for an answer of its own.
    answer = await kevin.client.post(came[0]["room"]["path"], data="Later")
    assert answer.status == 201
    assert (await line.hear("message.posted"))["message"]["creator"]["id"] == bot["id"]
    answer = await david.post(f"{path}/{delivery['id']}/replay")
    assert (answer.status, await answer.read()) == (202, b"")
    async with asyncio.timeout(10):
        while (await (await david.get(path)).json())[0]["attempts"] < 2:
            await asyncio.sleep(0.01)
    assert came[1] == came[0]
    answer = await david.post(path, json={"message_url": asked["url"]})
    assert answer.status == 202
    async with asyncio.timeout(10):
        while len(came) < 3:
            await asyncio.sleep(0.01)
    page = await (await (await browse("David")).get(path)).text()
    assert "Kevin in All Talk: the time?" in page and "200, answered" in page
    assert bot["bot_key"] not in page and came[0]["room"]["path"] not in page
    for wrong in ({"message_url": "/rooms/1"}, {}, {"message_url": "/rooms/1/@0"}):
        assert (await david.post(path, json=wrong)).status == 422
    await receiver.close()


async def test_the_words_of_others_are_not_on_the_bench(
    server: TestServer, sign_in: SignIn, browse: Browse
) -> None:
    david, kevin = (await sign_in("David")).client, await sign_in("Kevin")
    bot = await (await david.post("/account/bots", json={"name": "Bender"})).json()
    direct = {"kind": "direct", "user_ids": [bot["id"]]}
    room = await (await kevin.client.post("/rooms", json=direct)).json()
    await posted(kevin.client, "Between the two of us", room["id"])
    await posted(kevin.client, "@Bender among all")
    path = f"/account/bots/{bot['id']}/deliveries"
    found = await (await david.get(path)).json()
    assert [delivery["status"] for delivery in found] == ["kept", "kept"]
    page = await (await (await browse("David")).get(path)).text()
    assert "among all" in page and "Between the two of us" not in page


async def test_a_webhook_that_was_switched_off_is_told_to_administrators_alone(
    server: TestServer, browse: Browse, sign_in: SignIn
) -> None:
    assert server.app is not None
    david, kevin = await browse("David"), await browse("Kevin")
    client = (await sign_in("David")).client
    fields = {"name": "Bender", "webhook_url": URL}
    made = await (await client.post("/account/bots", json=fields)).json()
    path = f"/account/bots/{made['id']}"
    words = "A webhook is switched off"
    for browser in (david, kevin):
        assert words not in await (await browser.get("/rooms/1")).text()

    def switch_off(tx: Tx) -> None:
        for _ in range(bots.FEWEST_FAILURES):
            bots.fared(tx, made["id"], well=False)
        tx.now += bots.FAILING_FOR
        bots.fared(tx, made["id"], well=False)

    await server.app[DB].write(switch_off)
    assert words in await (await david.get("/rooms/1")).text()
    assert words not in await (await kevin.get("/rooms/1")).text()
    off = await (await client.get(path)).json()
    assert off["webhook_switched_off_at"].endswith("Z")
    for page in ("/account/bots", path, f"{path}/deliveries"):
        text = await (await david.get(page)).text()
        assert "failed 13 times in a row" in text
        assert f'action="{path}/webhook"' in text
    answer = await david.post(f"{path}/webhook")
    assert answer.status == 200 and "switched off" not in await answer.text()
    assert words not in await (await david.get("/rooms/1")).text()
    await server.app[DB].write(switch_off)
    answer = await client.put(f"{path}/webhook")
    assert (await answer.json())["webhook_switched_off_at"] is None
