"""Previews over HTTP: their pictures, and taking one away in each form."""

from typing import Any

from aiohttp.test_utils import TestServer

from campfire.chat import jobs, messages, richtext
from campfire.chat.previews import KIND, Card, Picture
from campfire.database import Tx
from campfire.web.keys import DB
from tests.conftest import JZ, WATERCOOLER, SignIn
from tests.web.conftest import FRAGMENT, Browse

MESSAGE = f"/rooms/{WATERCOOLER}/messages/1"
CARD = f"{MESSAGE}/previews/1"
HARM = "<script>alert(1)</script>\"'"


def unfold(tx: Tx) -> None:
    """A message of JZ's with a card on it."""
    draft = richtext.draft("https://page.example/?a=1&b=2")
    messages.post(tx, JZ, WATERCOOLER, draft, "x")
    (job,) = jobs.lease(tx, KIND, jobs.clock(), most=1, each=1, lasts=1_000).jobs
    picture = Picture(64, 48, b"RIFF")
    card = Card("page.example", f"Title {HARM}", f"About {HARM}", picture)
    messages.preview(tx, job, card)


async def staged(server: TestServer) -> None:
    assert server.app is not None
    await server.app[DB].write(unfold)


async def test_a_picture_is_shown_to_members_and_asked_for_each_time(
    server: TestServer, sign_in: SignIn
) -> None:
    await staged(server)
    jz, kevin = await sign_in("JZ"), await sign_in("Kevin")
    answer = await jz.client.get("/previews/1/image")
    assert (answer.status, await answer.read()) == (200, b"RIFF")
    assert answer.content_type == "image/webp"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    known = {"If-None-Match": answer.headers["ETag"]}
    again = await jz.client.get("/previews/1/image", headers=known)
    assert (again.status, await again.read()) == (304, b"")
    assert (await kevin.client.get("/previews/1/image", headers=known)).status == 404


async def test_a_message_shows_its_card_in_each_form(
    server: TestServer, sign_in: SignIn, browse: Browse
) -> None:
    await staged(server)
    jz, browser = await sign_in("JZ"), await browse("JZ")
    message: dict[str, Any] = await (await jz.client.get(MESSAGE)).json()
    assert message["edited_at"] is None
    assert message["preview"] == {
        "id": 1,
        "url": "https://page.example/?a=1&b=2",
        "site": "page.example",
        "title": f"Title {HARM}",
        "description": f"About {HARM}",
        "image_url": "/previews/1/image",
    }
    text = await (await browser.get(MESSAGE, headers=FRAGMENT)).text()
    assert "<script" not in text
    assert 'href="https://page.example/?a=1&amp;b=2"' in text
    assert "Title &lt;script&gt;" in text
    assert 'src="/previews/1/image"' in text


async def test_a_card_is_taken_away_by_a_program(
    server: TestServer, sign_in: SignIn
) -> None:
    await staged(server)
    jz = await sign_in("JZ")
    answer = await jz.client.delete(CARD)
    assert (answer.status, await answer.read()) == (204, b"")
    assert (await jz.client.delete(CARD)).status == 404
    message = await (await jz.client.get(MESSAGE)).json()
    assert (message["preview"], message["seq"]) == (None, 3)
    assert (await jz.client.get("/previews/1/image")).status == 404


async def test_a_card_is_taken_away_without_scripts(
    server: TestServer, browse: Browse
) -> None:
    await staged(server)
    jz = await browse("JZ")
    form = await (await jz.get(f"{MESSAGE}/edit")).text()
    assert f'action="{CARD}/delete"' in form
    answer = await jz.post(f"{CARD}/delete", allow_redirects=False)
    assert answer.status == 303
    assert answer.headers["Location"] == f"/rooms/{WATERCOOLER}/@1"
    assert CARD not in await (await jz.get(f"{MESSAGE}/edit")).text()
