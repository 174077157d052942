"""The pages and the JSON with which administrators look after bots."""

import io

import pytest
from aiohttp import FormData
from aiohttp.test_utils import TestServer
from PIL import Image

from tests.conftest import SignIn
from tests.web.conftest import HTML, Browse

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
