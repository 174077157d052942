"""The doors: first run, sign in, sign out, and the way in by invitation."""

import asyncio
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, CookieJar, DummyCookieJar
from aiohttp.test_utils import TestServer

from campfire import app, database
from campfire.chat import accounts, users
from campfire.config import Config
from campfire.web.keys import DB
from campfire.web.middleware import RETURN_TO
from campfire.web.requests import COOKIE
from tests.conftest import DAVID, KEVIN, PASSWORD, SignIn, address
from tests.web.conftest import FORMS, FRAGMENT, HTML, JSON, Browse

DAVIDS = {
    "name": "David",
    "email_address": address("David"),
    "password": "correct horse battery",
}
BENS = DAVIDS | {"name": "Ben", "email_address": address("Ben")}
KEVINS = {"email_address": address("Kevin"), "password": PASSWORD}


@pytest.fixture
async def nobody(tmp_path: Path) -> AsyncIterator[ClientSession]:
    """Somebody at a server that was never used, asking for JSON."""
    server = TestServer(await app.create(Config(data=tmp_path, password_cost=4)))
    await server.start_server()
    async with ClientSession(
        base_url=server.make_url("/"), headers=JSON, cookie_jar=DummyCookieJar()
    ) as client:
        yield client
    await server.close()


@pytest.fixture
async def door(sign_in: SignIn) -> str:
    """The way in, as a member may pass it on."""
    david = await sign_in("David")
    account = await (await david.client.get("/account")).json()
    url: str = account["join_url"]
    return url[url.index("/join/") :]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


# First run


async def test_first_run_makes_an_administrator_and_a_room(
    nobody: ClientSession,
) -> None:
    assert (await nobody.get("/first_run", headers=HTML)).status == 200
    response = await nobody.post("/first_run", json=DAVIDS)
    assert response.status == 201
    begun = await response.json()
    assert set(begun) == {"token", "user", "room"}
    assert begun["user"] == {
        "id": DAVID,
        "name": "David",
        "role": "administrator",
        "status": "active",
        "bio": "",
        "avatar_url": begun["user"]["avatar_url"],
        "email_address": address("David"),
    }
    assert begun["room"]["membership"]["unread_count"] == 0
    rooms = await nobody.get("/rooms", headers=bearer(begun["token"]))
    assert await rooms.json() == [begun["room"]]
    cookie = {"Cookie": f"{COOKIE}={response.cookies[COOKIE].value}"}
    assert (await nobody.get("/rooms", headers=cookie)).status == 200


async def test_before_first_run_every_page_leads_to_it(nobody: ClientSession) -> None:
    for path, leads_to in (("/", "/session/new"), ("/session/new", "/first_run")):
        response = await nobody.get(path, headers=HTML, allow_redirects=False)
        assert (response.status, response.headers["Location"]) == (302, leads_to)
    assert (await nobody.get("/join/x")).status == 404
    assert (await nobody.post("/session", json=KEVINS)).status == 401


async def test_first_run_happens_once_however_many_try(nobody: ClientSession) -> None:
    async def begin(number: int) -> tuple[int, Any]:
        words = DAVIDS | {"email_address": f"david{number}@37signals.example"}
        response = await nobody.post("/first_run", json=words)
        return response.status, await response.json(content_type=None)

    answers = await asyncio.gather(*map(begin, range(50)))
    statuses = [status for status, _ in answers]
    assert statuses.count(201) == 1
    assert set(statuses) <= {201, 409, 429}
    token = next(answer["token"] for status, answer in answers if status == 201)
    people = await nobody.get("/rooms/1", headers=bearer(token))
    assert [user["id"] for user in (await people.json())["members"]] == [DAVID]


async def test_after_first_run_its_page_is_closed(
    client: ClientSession, stranger: ClientSession
) -> None:
    for method in ("GET", "POST"):
        told = await client.request(method, "/first_run", json=DAVIDS)
        assert told.status == 409
        assert (await told.json(content_type=None))["status"] == 409
        led = await stranger.request(method, "/first_run", allow_redirects=False)
        assert (led.status, led.headers["Location"]) == (302, "/")


async def test_first_run_says_what_is_wrong_beside_each_field(
    nobody: ClientSession,
) -> None:
    words = {"name": " ", "email_address": "nowhere", "password": "short"}
    response = await nobody.post("/first_run", json=words)
    assert response.status == 422
    assert set((await response.json(content_type=None))["errors"]) == set(words)
    page = await nobody.post("/first_run", data=words, headers=HTML)
    assert page.status == 422
    text = await page.text()
    assert 'value="nowhere"' in text
    assert "short" not in text


# Sign in


@pytest.mark.parametrize("form", FORMS)
async def test_wrong_words_are_401_whoever_they_are_about(
    server: TestServer, stranger: ClientSession, form: str
) -> None:
    assert server.app is not None
    await server.app[DB].write(users.add, "Bender", address("Bender"), "!", role="bot")
    answers = []
    for name, password in (
        ("Kevin", "wrong"),
        ("Nobody", PASSWORD),
        ("Bender", PASSWORD),
        ("Kevin", PASSWORD + "\0"),
        ("Kevin", f" {PASSWORD} "),
        ("Kevin", ""),
        ("Kevin", "x" * 5000),
    ):
        response = await stranger.post(
            "/session",
            data={"email_address": "x@example.org", "password": password}
            | {"email_address": address(name)},
            headers=FORMS[form],
        )
        text = (await response.text()).replace(address(name), "ADDRESS")
        answers.append((response.status, response.headers.get("Set-Cookie"), text))
        if form != "page":
            assert response.headers["WWW-Authenticate"] == "Bearer"
    assert set(answers) == {(401, None, answers[0][2])}
    assert "That did not work." in answers[0][2]


async def test_an_address_has_one_spelling(client: ClientSession) -> None:
    for spelling in (
        "KEVIN@37signals.example",
        " kevin@37SIGNALS.example ",
        "ｋevin@37signals.example",
    ):
        words = KEVINS | {"email_address": spelling}
        assert (await client.post("/session", json=words)).status == 201


async def test_signing_in_answers_with_token_person_and_cookie(
    client: ClientSession, server: TestServer
) -> None:
    response = await client.post("/session", json=KEVINS)
    assert response.status == 201
    signed_in = await response.json()
    assert set(signed_in) == {"token", "user"}
    assert signed_in["user"]["id"] == KEVIN
    assert signed_in["user"]["email_address"] == address("Kevin")
    cookie = response.cookies[COOKIE]
    assert cookie.value == signed_in["token"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (
        True,
        "Lax",
        "/",
    )
    assert not cookie["secure"], "this server is not on https"
    assert int(cookie["max-age"]) > 30 * 24 * 3600


async def test_a_token_that_was_planted_is_not_the_one_that_signs_in(
    sign_in: SignIn, stranger: ClientSession
) -> None:
    kevin = await sign_in("Kevin")
    for planted in ("planted", kevin.token):
        cookie = {"Cookie": f"{COOKIE}={planted}"}
        response = await stranger.post("/session", json=KEVINS, headers=JSON | cookie)
        token = (await response.json())["token"]
        assert token != planted
        assert (await stranger.get("/rooms", headers=JSON | cookie)).status == 401
        assert (
            await stranger.get("/rooms", headers=JSON | bearer(token))
        ).status == 200


async def test_the_sign_in_page_shows_what_was_typed_as_text(
    stranger: ClientSession,
) -> None:
    attack = '"><script>alert(1)</script>'
    page = await stranger.get("/session/new", params={"email_address": attack})
    assert (page.status, page.content_type) == (200, "text/html")
    failed = await stranger.post(
        "/session", data={"email_address": attack, "password": "x"}
    )
    for text in (await page.text(), await failed.text()):
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert" in text


async def test_one_comes_back_to_the_page_that_asked_for_a_sign_in(
    server: TestServer,
) -> None:
    async with ClientSession(
        base_url=server.make_url("/"), headers=HTML, cookie_jar=CookieJar(unsafe=True)
    ) as browser:
        led = await browser.get("/rooms/1/messages?limit=5", allow_redirects=False)
        assert led.headers["Location"] == "/session/new"
        back = await browser.post("/session", data=KEVINS, allow_redirects=False)
        assert (back.status, back.headers["Location"]) == (
            303,
            "/rooms/1/messages?limit=5",
        )
        again = await browser.post("/session", data=KEVINS, allow_redirects=False)
        assert again.headers["Location"] == "/", "once is enough"


@pytest.mark.parametrize(
    "path",
    [
        *("//evil.example", "/\\evil.example", "https:evil.example", "evil.example"),
        *("javascript:alert(1)", "/\tevil", "/\x7f", "/é", "", "https://evil.example/"),
    ],
)
async def test_one_comes_back_to_our_own_pages_only(
    stranger: ClientSession, path: str
) -> None:
    jar = SimpleCookie({RETURN_TO: path})
    cookie = {"Cookie": jar.output(header="", sep="").strip()}
    response = await stranger.post(
        "/session", data=KEVINS, headers=cookie, allow_redirects=False
    )
    assert (response.status, response.headers["Location"]) == (303, "/")


# Sign out


async def test_signing_out_kills_the_token_at_once(sign_in: SignIn) -> None:
    david, elsewhere = await sign_in("David"), await sign_in("David")
    assert david.id == DAVID
    assert (await david.client.get("/rooms")).status == 200
    assert (await david.client.delete("/session")).status == 204
    assert (await david.client.get("/rooms")).status == 401
    assert (await david.client.delete("/session")).status == 401
    assert (await elsewhere.client.get("/rooms")).status == 200, "only this sign-in"


async def test_signing_out_by_form_leaves_nothing_behind(browse: Browse) -> None:
    kevin = await browse("Kevin")
    page = await kevin.get("/rooms/1")
    tag = {"If-None-Match": page.headers["ETag"]}
    assert (await kevin.get("/rooms/1", headers=tag)).status == 304
    replayed = {
        "Cookie": f"{COOKIE}={page.request_info.headers['Cookie'].split('=')[1]}"
    }
    out = await kevin.post("/session/end", allow_redirects=False)
    assert (out.status, out.headers["Location"]) == (303, "/session/new")
    assert out.cookies[COOKIE].value == ""
    assert '"storage"' in out.headers["Clear-Site-Data"]
    for headers in ({}, tag, replayed, tag | replayed):
        response = await kevin.get("/rooms/1", headers=headers, allow_redirects=False)
        assert (response.status, response.headers["Location"]) == (302, "/session/new")


# Join


async def test_an_invitation_lets_one_in(
    client: ClientSession, door: str, stranger: ClientSession
) -> None:
    assert await (await client.get(door)).json() == {"name": "Campfire"}
    page = await stranger.get(door)
    assert (page.status, page.content_type) == (200, "text/html")
    response = await client.post(door, json=BENS)
    assert response.status == 201
    joined = await response.json()
    assert set(joined) == {"token", "user"}
    assert joined["user"]["role"] == "member"
    rooms = await client.get("/rooms", headers=bearer(joined["token"]))
    assert [room["name"] for room in await rooms.json()] == ["All Talk"]
    room = await (await client.get("/rooms/1", headers=bearer(joined["token"]))).json()
    assert "Ben" in [member["name"] for member in room["members"]]


async def test_joining_by_form_signs_in(door: str, server: TestServer) -> None:
    async with ClientSession(
        base_url=server.make_url("/"), headers=HTML, cookie_jar=CookieJar(unsafe=True)
    ) as browser:
        response = await browser.post(door, data=BENS)
        assert response.status == 200
        assert response.url.path == "/rooms/1"
        inside = await browser.get(door, allow_redirects=False)
        assert (inside.status, inside.headers["Location"]) == (302, "/")


async def test_a_wrong_invitation_is_no_door(client: ClientSession, door: str) -> None:
    for wrong in (door + "x", door[:-1], door.lower().swapcase(), "/join/-", "/join/é"):
        for method in ("GET", "POST"):
            response = await client.request(method, wrong, json=BENS)
            assert response.status == 404
    assert (await client.get(door)).status == 200


async def test_an_address_that_is_taken_is_409_and_a_page_leads_to_signing_in(
    client: ClientSession, stranger: ClientSession, door: str
) -> None:
    taken = BENS | {"email_address": address("Kevin").upper()}
    assert (await client.post(door, json=taken)).status == 409
    led = await stranger.post(door, data=taken, allow_redirects=False)
    assert led.status == 303
    assert led.headers["Location"] == (
        "/session/new?email_address=kevin%4037signals.example"
    )
    assert COOKIE not in led.cookies


async def test_nobody_becomes_more_than_a_member_by_asking(
    client: ClientSession, door: str
) -> None:
    more = {"role": "administrator", "status": "banned", "id": 1, "created_at": 0}
    response = await client.post(door, json=BENS | more)
    user = (await response.json())["user"]
    assert (user["role"], user["status"]) == ("member", "active")
    assert user["id"] != 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("name", ""), ("name", " \u200b "), ("name", "x" * 101), ("name", "a\0b")),
        *(("email_address", "x"), ("email_address", "@"), ("email_address", "a b@c.d")),
        *(("password", "short"), ("password", "x" * 1025)),
        *(("password", BENS["email_address"]), ("password", "password1")),
    ],
)
async def test_a_newcomer_is_told_what_cannot_be_used(
    client: ClientSession, stranger: ClientSession, door: str, field: str, value: str
) -> None:
    response = await client.post(door, json=BENS | {field: value})
    assert response.status == 422
    assert list((await response.json(content_type=None))["errors"]) == [field]
    page = await stranger.post(door, data=BENS | {field: value})
    assert (page.status, page.content_type) == (422, "text/html")
    fragment = await stranger.post(door, data=BENS | {field: value}, headers=FRAGMENT)
    assert fragment.status == 422


@pytest.mark.parametrize(
    "password",
    ["x7" * 36 + "a", " leading and trailing ", "n\0l in it", "\N{FIRE}" * 20],
)
async def test_every_byte_of_a_password_counts(
    client: ClientSession, door: str, password: str
) -> None:
    joined = await client.post(door, json=BENS | {"password": password})
    assert joined.status == 201
    words = {"email_address": BENS["email_address"], "password": password}
    assert (await client.post("/session", json=words)).status == 201
    for wrong in (
        password[:-1] + "b",
        password.strip() + "b",
        password[:72],
        password + " ",
    ):
        if wrong != password:
            words["password"] = wrong
            assert (await client.post("/session", json=words)).status == 401


async def test_joining_has_an_end_for_one_address(
    client: ClientSession, door: str
) -> None:
    for _ in range(100):
        assert (await client.post(door, json=BENS)).status in (201, 409)
    refused = await client.post(door, json=BENS)
    assert refused.status == 429 and int(refused.headers["Retry-After"]) > 0


async def test_a_program_may_ask_about_a_link_without_using_it_up(
    client: ClientSession, stranger: ClientSession, sign_in: SignIn
) -> None:
    kevin = await sign_in("Kevin")
    made = await (await kevin.client.post("/session/transfers")).json()
    for _ in range(2):
        asked = await client.get(made["transfer_url"])
        assert (asked.status, await asked.json()) == (
            200,
            {"expires_at": made["expires_at"]},
        )
    page = await stranger.post(made["transfer_url"], allow_redirects=False)
    assert page.status == 303
    asked = await client.get(made["transfer_url"])
    assert asked.status == 400
    assert asked.content_type == "application/problem+json"
    used = await stranger.post(made["transfer_url"])
    assert used.status == 400 and "This link has gone out" in await used.text()


async def test_the_logo_of_the_place_is_on_its_doors(
    stranger: ClientSession, server: TestServer, door: str
) -> None:
    logo = 'src="/account/logo?size=small'
    for path in ("/session/new", door):
        assert logo not in await (await stranger.get(path)).text()
    await server.app[DB].write(accounts.set_logo, DAVID, (b"large", b"small"))
    for path in ("/session/new", door):
        assert logo in await (await stranger.get(path)).text()


async def test_on_a_nearly_full_disk_one_signs_out_looks_and_stays_signed_in(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    kevin = (await sign_in("Kevin")).client
    monkeypatch.setattr(database, "LEAST_FREE", 1 << 80)
    searched = await kevin.post("/searches", data={"q": "hut"}, allow_redirects=False)
    assert searched.status == 302
    known = {"email_address": address("Kevin"), "password": PASSWORD}
    assert (await kevin.post("/session", json=known)).status == 507
    assert (await kevin.get("/rooms")).status == 200
    device = {"push_subscription_endpoint": "https://push.example/1"}
    assert (await kevin.delete("/session", json=device)).status == 204
    assert (await kevin.get("/rooms")).status == 401
