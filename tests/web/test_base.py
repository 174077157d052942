"""Where Campfire is not at the root of its name: nothing leads out of the base."""

import json
import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urldefrag, urlsplit

import pytest
from aiohttp import ClientResponse, ClientSession, CookieJar, FormData
from aiohttp.test_utils import TestServer

from tests.conftest import (
    ALL_PETS,
    JZ,
    PASSWORD,
    SignIn,
    address,
)
from tests.samples import picture
from tests.web.conftest import HTML

BASE = "/chat"
PAGES = (
    *("/", "/rooms/2", "/rooms/1/edit", "/rooms/new?kind=open", "/rooms/999"),
    *("/rooms/new?kind=direct", "/users/2", "/account/bots/new", "/inbox?kind=unread"),
    *(
        "/account/jobs",
        "/account/acts",
        "/trash",
        "/account/usage",
        "/searches?q=hello",
        "/offline",
    ),
    *("/messages/1/boosts", "/rooms/1/messages/1/edit", "/webmanifest"),
)
LISTS = (
    *("/account", "/account/users", "/account/acts?limit=1", "/account/bots"),
    *("/users/me", "/users?query=j", "/rooms/1", "/rooms/1/messages?limit=1"),
    *("/rooms/1/changes?since=0", "/searches?q=hello&limit=1", "/users/3"),
)
HEADERS = ("Location", "Link", "HX-Redirect", "Content-Location")


@pytest.fixture
def base() -> str:
    return BASE


@pytest.fixture
async def browser(server: TestServer) -> AsyncIterator[ClientSession]:
    """Whoever has not signed in yet."""
    async with ClientSession(
        base_url=server.make_url("/"), headers=HTML, cookie_jar=CookieJar(unsafe=True)
    ) as browser:
        yield browser


class Leads(HTMLParser):
    """Every value of an attribute that is a path."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {value for _, value in attrs if value and value.startswith("/")}


def values(data: Any) -> list[str]:
    """Every text in what came as JSON."""
    match data:
        case str():
            return [data]
        case dict():
            return [text for each in data.values() for text in values(each)]
        case list():
            return [text for each in data for text in values(each)]
    return []


def is_inside(path: str) -> bool:
    return path == BASE or path.startswith(f"{BASE}/")


async def read(answer: ClientResponse) -> set[str]:
    """Where an answer leads, after a look at whether it stays inside."""
    origin = str(answer.url.origin())
    for header in HEADERS:
        leads = answer.headers.get(header, "").lstrip("<").removeprefix(origin)
        assert not leads or is_inside(leads), (answer.url, header, leads)
    if not answer.content_type.startswith(("text/html", "application/")):
        return set()
    text = (await answer.read()).decode("utf-8", "replace")
    assert not re.search(rf"{re.escape(origin)}(?!{BASE}\b)", text), answer.url
    if answer.content_type == "text/html":
        found = Leads(text).found
    elif answer.content_type.endswith("json"):
        # The interface is described without the base, which is among its servers.
        texts = values(json.loads(text)) if "openapi" not in answer.url.path else []
        marked = {lead for each in texts if "<" in each for lead in Leads(each).found}
        found = {each for each in texts if each.startswith("/")} | marked
    else:
        return set()
    assert not [path for path in found if not is_inside(path)], answer.url
    return found


async def enter(browser: ClientSession) -> ClientResponse:
    words = {"email_address": address("David"), "password": PASSWORD}
    return await browser.post(f"{BASE}/session", data=words, allow_redirects=False)


async def say(browser: ClientSession) -> None:
    """Something of every kind that leads somewhere."""
    form = FormData({"body": f"hello <@{JZ}>"})
    form.add_field("attachment", picture(), filename="a dog.jpg")
    room = f"{BASE}/rooms/{ALL_PETS}"
    for data in (form, {"body": "hello https://example.com"}):
        said = await browser.post(f"{room}/messages", data=data, allow_redirects=False)
        assert said.headers["Location"] == room
    boost = {"content": "👍"}
    assert (await browser.post(f"{BASE}/messages/1/boosts", data=boost)).status == 200
    bot = {"name": "Bender", "webhook_url": "https://bender.example/"}
    made = await browser.post(f"{BASE}/account/bots", data=bot)
    assert made.status == 201
    await read(made)


async def test_whoever_follows_every_link_stays_inside(browser: ClientSession) -> None:
    assert (await enter(browser)).headers["Location"] == f"{BASE}/"
    await say(browser)
    due, seen = {f"{BASE}{path}" for path in PAGES}, set()
    while due:
        path = due.pop()
        place = urlsplit(path)
        known = (place.path, tuple(name for name, _ in parse_qsl(place.query)))
        if known in seen:
            continue
        seen.add(known)
        answer = await browser.get(path, allow_redirects=False)
        # What only forms lead to is looked at, and not sent.
        assert answer.status in (200, 302, 405) or "999" in path, path
        due |= {urldefrag(lead).url for lead in await read(answer)}
    paths = {path for path, _ in seen}
    assert f"{BASE}/users/{JZ}" in paths, "a mention leads there"
    for part in ("/files/", "/static/", "/account/bots/", "/qr_code/", "/share"):
        assert any(path.startswith(BASE + part) for path in paths), part


async def test_what_programs_get_stays_inside(
    browser: ClientSession, sign_in: SignIn
) -> None:
    await enter(browser)
    await say(browser)
    david = await sign_in("David")
    for path in LISTS:
        answer = await david.client.get(f"{BASE}{path}")
        assert answer.status == 200
        assert await read(answer), path
    assert await read(await (await sign_in("JZ")).client.get(f"{BASE}/inbox"))
    room = f"{BASE}/rooms/{ALL_PETS}/messages"
    made = await david.client.post(room, json={"body": "hello"})
    assert made.headers["Location"] == f"{room}/3"
    first, *_ = await (await david.client.get(room)).json()
    (file,) = first["attachments"]
    for url in (file["url"], file["thumbnail_url"], first["creator"]["avatar_url"]):
        assert (await david.client.get(url)).status == 200
    about = await (await david.client.get(f"{BASE}/openapi.json")).json()
    assert about["servers"] == [{"url": BASE}] and "/rooms" in about["paths"]
    cookie = about["components"]["securitySchemes"]["cookie"]
    assert cookie["name"] == "campfire_session!chat"


@pytest.mark.parametrize("form", ["campfire.json", "campfire.html"])
async def test_what_comes_down_the_socket_stays_inside(
    sign_in: SignIn, form: str
) -> None:
    david = (await sign_in("David")).client
    async with david.ws_connect(f"{BASE}/socket", protocols=[form]) as line:
        await line.send_json({"command": "room.enter", "id": "1", "room_id": ALL_PETS})
        body = {"body": f"hello <@{JZ}>"}
        await david.post(f"{BASE}/rooms/{ALL_PETS}/messages", json=body)
        while (told := await line.receive_json())["event"] != "message.posted":
            pass
    html = told["html"] if form == "campfire.html" else told["message"]["body"]["html"]
    assert f'href="{BASE}/users/{JZ}"' in html
    leads = Leads(html).found | {each for each in values(told) if each[:1] == "/"}
    assert not [path for path in leads if not is_inside(path)]


async def test_a_bot_is_told_where_to_answer(sign_in: SignIn) -> None:
    david = (await sign_in("David")).client
    made = await david.post(f"{BASE}/account/bots", json={"name": "Bender"})
    bot = await made.json()
    bearer = {"Authorization": f"Bearer {bot['bot_key']}"}
    rooms = [bot["id"], *range(1, 5)]
    await david.patch(f"{BASE}/rooms/{ALL_PETS}", json={"user_ids": rooms})
    async with david.get(f"{BASE}/bots/me/events", headers=bearer) as stream:
        await stream.content.readuntil(b"\n\n")
        body = {"body": f"<@{bot['id']}> and <@{JZ}>"}
        await david.post(f"{BASE}/rooms/{ALL_PETS}/messages", json=body)
        event = await stream.content.readuntil(b"\n\n")
    told = json.loads(event.decode().partition("data: ")[2])
    assert told["message"]["path"] == f"{BASE}/rooms/{ALL_PETS}/@1"
    assert f'href="{BASE}/users/{JZ}"' in told["message"]["body"]["html"]
    answered = await david.post(told["room"]["path"], data="Bite me")
    assert answered.status == 201
    await read(answered)


async def test_a_stranger_comes_back_to_where_they_were_going(
    browser: ClientSession,
) -> None:
    wanted = f"{BASE}/rooms/2?around=1"
    led = await browser.get(wanted, allow_redirects=False)
    assert led.headers["Location"] == f"{BASE}/session/new"
    assert led.cookies["campfire_return_to"]["path"] == BASE
    assert await read(await browser.get(f"{BASE}/session/new"))
    entered = await enter(browser)
    assert entered.headers["Location"] == wanted
    room = await browser.get(wanted)
    assert room.cookies["last_room"]["path"] == BASE
    cookie = entered.cookies["campfire_session!chat"]
    assert cookie["path"] == "/", "what a browser wants of a name with its prefix"
    assert entered.cookies["campfire_return_to"]["path"] == BASE
    out = await browser.post(f"{BASE}/session/end", allow_redirects=False)
    assert out.headers["Location"] == f"{BASE}/session/new"
    assert "storage" not in out.headers["Clear-Site-Data"], "others keep theirs"


@pytest.mark.parametrize("planted", ["//evil.example", r"/\\evil.example", "http://e"])
async def test_nobody_is_led_elsewhere_by_a_planted_path(
    browser: ClientSession, planted: str
) -> None:
    words = {"email_address": address("David"), "password": PASSWORD}
    response = await browser.post(
        f"{BASE}/session",
        data=words,
        headers={"Cookie": f'campfire_return_to="{planted}"'},
        allow_redirects=False,
    )
    assert response.headers["Location"] == f"{BASE}/"


@pytest.mark.parametrize("path", ["/", "/rooms", "/chatter", "/health", "/session/new"])
async def test_nothing_outside_is_ours(browser: ClientSession, path: str) -> None:
    response = await browser.get(path, allow_redirects=False)
    assert response.status == 404
    assert await read(response)


async def test_the_base_itself_leads_in(browser: ClientSession) -> None:
    response = await browser.get(BASE, allow_redirects=False)
    assert (response.status, response.headers["Location"]) == (302, f"{BASE}/")


async def test_what_is_counted_is_named_as_at_the_root(browser: ClientSession) -> None:
    await browser.get(f"{BASE}/rooms/1")
    text = await (await browser.get(f"{BASE}/metrics")).text()
    assert 'route="/rooms/{room_id}"' in text and 'noun="rooms"' in text
    assert BASE not in text
