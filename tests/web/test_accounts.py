"""The account, as every member may see it."""

import io
import re
from pathlib import Path

from aiohttp import ClientSession, FormData
from aiohttp.test_utils import TestServer
from PIL import Image

from campfire.web.keys import DB
from tests.conftest import SignIn
from tests.web.conftest import HTML, Browse


async def test_every_member_may_invite(sign_in: SignIn) -> None:
    for name in ("David", "Kevin"):
        person = await sign_in(name)
        response = await person.client.get("/account")
        assert response.status == 200
        account = await response.json()
        assert account["name"] == "Campfire"
        assert isinstance(account["settings"], dict)
        assert re.fullmatch(
            r"http://127\.0\.0\.1:\d+/join/\w{4}-\w{4}-\w{4}", account["join_url"]
        )


async def test_without_a_logo_of_its_own_the_place_shows_ours(
    client: ClientSession,
) -> None:
    for query, size in (("", 512), ("?size=small", 192)):
        shown = await client.get(f"/account/logo{query}")
        assert (shown.status, shown.content_type) == (200, "image/png")
        assert Image.open(io.BytesIO(await shown.read())).size == (size, size)
        tag = {"If-None-Match": shown.headers["ETag"]}
        assert (await client.get(f"/account/logo{query}", headers=tag)).status == 304


async def test_a_logo_that_cannot_be_used_is_refused_beside_its_field(
    sign_in: SignIn,
) -> None:
    david = await sign_in("David")

    def form() -> FormData:
        form = FormData()
        form.add_field("logo", b"no picture", filename="logo.png")
        return form

    refused = await david.client.patch("/account", data=form())
    assert refused.status == 422
    assert (await refused.json())["errors"].keys() == {"logo"}
    page = await david.client.post("/account", data=form(), headers=HTML)
    assert page.status == 422 and 'id="logo-error"' in await page.text()


async def test_somebody_is_found_whichever_page_they_are_on(sign_in: SignIn) -> None:
    kevin = await sign_in("Kevin")
    found = await kevin.client.get("/account/users?query=JAS")
    assert [person["name"] for person in await found.json()] == ["Jason"]
    page = await (await kevin.client.get("/account?query=jas", headers=HTML)).text()
    assert 'data-name="Jason"' in page and 'data-name="David"' not in page
    assert 'name="query" value="jas"' in page


async def test_administrators_see_the_last_restore_drill(
    server: TestServer, browse: Browse
) -> None:
    assert server.app is not None
    david, kevin = await browse("David"), await browse("Kevin")
    page = await (await david.get("/account")).text()
    assert "None yet." in page and "verified</span>" not in page
    folder = Path(server.app[DB].path.parent) / "backups"
    made = folder / "campfire-20251126T030001Z"
    made.mkdir(parents=True)
    (made / "manifest.json").write_text('{"files": {"a": {"size": 2500000}}}')
    page = await (await david.get("/account")).text()
    assert "2025-11-26 03:00 UTC</time>, 2.5 MB" in page
    assert "Opened and verified</span>" in page and "failed:" not in page
    assert "Backups" not in await (await kevin.get("/account")).text()
