"""What happens to every request: its number, its guard, its answer.

The lists of routes are complete: a route that is in none of them fails a test.
"""

import asyncio
import json
import re
import threading
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession
from aiohttp.test_utils import TestServer

from campfire.database import Tx
from campfire.refusals import Busy
from campfire.web.keys import DB
from campfire.web.middleware import MOST_LINES, SECURITY, Lines
from campfire.web.static import Static
from tests.conftest import SignIn
from tests.web.conftest import FORMS, FRAGMENT, HTML, JSON, Browse, Raw, posted

# Some of everything that is private; the matrix in test_permissions has all of it.
PRIVATE = [
    *(("GET", "/"), ("GET", "/rooms"), ("POST", "/rooms"), ("GET", "/rooms/1")),
    *(("GET", "/rooms/1/@1"), ("GET", "/rooms/1/changes"), ("POST", "/rooms/1/read")),
    *(("GET", "/rooms/1/messages"), ("POST", "/rooms/1/messages")),
    *(("GET", "/rooms/1/messages/1"), ("PATCH", "/rooms/1/messages/1")),
    *(("DELETE", "/rooms/1/messages/1"), ("GET", "/rooms/1/messages/1/edit")),
    *(("DELETE", "/session"), ("POST", "/session/end")),
    *(("GET", "/account"), ("GET", "/users/1/avatar"), ("GET", "/socket")),
    *(("PATCH", "/rooms/1"), ("POST", "/rooms/1"), ("DELETE", "/rooms/1")),
    *(("POST", "/rooms/1/delete"), ("GET", "/rooms/1/edit"), ("GET", "/rooms/new")),
    *(("PUT", "/rooms/1/involvement"), ("POST", "/rooms/1/involvement")),
    *(("PUT", "/rooms/1/star"), ("POST", "/rooms/1/star")),
    *(("DELETE", "/rooms/1/star"), ("POST", "/rooms/1/star/delete")),
    *(("POST", "/rooms/read"), ("GET", "/users"), ("GET", "/users/me")),
    *(("PATCH", "/users/me"), ("POST", "/users/me"), ("GET", "/users/1")),
    *(("DELETE", "/users/me/avatar"), ("POST", "/users/me/avatar/delete")),
    *(("POST", "/users/1/ban"), ("DELETE", "/users/1/ban")),
    *(("POST", "/users/1/ban/delete"), ("POST", "/users/1/transfers")),
    *(("PATCH", "/account"), ("POST", "/account"), ("POST", "/account/join_code")),
    *(("GET", "/account/users"), ("PATCH", "/account/users/1")),
    *(("POST", "/account/users/1"), ("DELETE", "/account/users/1")),
    *(("POST", "/account/users/1/delete"), ("DELETE", "/account/logo")),
    *(("POST", "/account/logo/delete"), ("GET", "/account/styles.css")),
    *(("GET", "/sessions"), ("DELETE", "/sessions"), ("POST", "/sessions/delete")),
    *(("DELETE", "/sessions/1"), ("POST", "/sessions/1/delete")),
    *(("POST", "/session/transfers"), ("GET", "/qr_code/1")),
]
# What only members of a room are answered, with bodies that would do.
IN_A_ROOM: list[tuple[str, str, dict[str, Any] | None]] = [
    ("GET", "/rooms/{room}", None),
    ("GET", "/rooms/{room}/@{message}", None),
    ("GET", "/rooms/{room}/changes?since=0", None),
    ("POST", "/rooms/{room}/read", {"message_id": 1}),
    ("GET", "/rooms/{room}/messages", None),
    ("GET", "/rooms/{room}/messages?before={message}", None),
    ("GET", "/rooms/{room}/messages?after={message}", None),
    ("GET", "/rooms/{room}/messages?around={message}", None),
    ("POST", "/rooms/{room}/messages", {"body": "Hello @David"}),
    ("GET", "/rooms/{room}/messages/{message}", None),
    ("GET", "/rooms/{room}/messages/{message}/edit", None),
    ("PATCH", "/rooms/{room}/messages/{message}", {"body": "Mine now"}),
    ("DELETE", "/rooms/{room}/messages/{message}", None),
]


async def seen(response: ClientResponse) -> tuple[int, list[tuple[str, str]], bytes]:
    """All that an answer tells, but for the two that tell each answer from others."""
    headers = [
        (name, value)
        for name, value in response.headers.items()
        if name.lower() not in ("date", "x-request-id")
    ]
    return response.status, headers, await response.read()


@pytest.mark.parametrize(("method", "path"), PRIVATE)
async def test_a_stranger_is_led_to_the_door_or_told(
    stranger: ClientSession, method: str, path: str
) -> None:
    ask = stranger.request
    page = await ask(method, path, headers=HTML, allow_redirects=False)
    if path == "/socket":
        assert page.status == 401
    else:
        assert (page.status, page.headers["Location"]) == (302, "/session/new")
    part = await ask(method, path, headers=FRAGMENT, allow_redirects=False)
    assert (part.status, part.content_type) == (401, "text/html")
    assert (await part.text()).strip() == '<p role="alert">Please sign in.</p>'
    for headers in (JSON, JSON | {"HX-Request": "true"}):
        told = await ask(method, path, headers=headers, allow_redirects=False)
        assert told.status == 401
        assert told.headers["WWW-Authenticate"] == "Bearer"
        assert told.content_type == "application/problem+json"
        assert await told.json(content_type=None) == {
            "type": "about:blank",
            "title": "Unauthorized",
            "status": 401,
            "detail": "Please sign in.",
        }


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("method", "path", "body"), IN_A_ROOM)
async def test_what_is_not_yours_looks_like_what_does_not_exist(
    sign_in: SignIn, method: str, path: str, body: dict[str, Any] | None, form: str
) -> None:
    david, kevin = await sign_in("David"), await sign_in("Kevin")
    secret = (await posted(david.client, "Not for Kevin", room_id=2))["id"]
    headers = FORMS[form]

    async def ask(client: ClientSession, room: int, message: int) -> ClientResponse:
        address = path.format(room=room, message=message)
        return await client.request(
            method, address, json=body, headers=headers, allow_redirects=False
        )

    closed = await seen(await ask(kevin.client, 2, secret))
    missing = await seen(await ask(kevin.client, 9, secret))
    assert closed == missing
    assert closed[0] == 404
    member = await ask(david.client, 2, secret)
    assert member.status < 400, "need a member for this to mean anything"


async def test_a_message_of_another_room_looks_like_one_that_does_not_exist(
    sign_in: SignIn,
) -> None:
    david, kevin = await sign_in("David"), await sign_in("Kevin")
    secret = (await posted(david.client, "Not for Kevin", room_id=2))["id"]
    for path in ("messages/{}", "@{}", "messages?around={}", "messages/{}/edit"):
        there = await kevin.client.get("/rooms/1/" + path.format(secret))
        nowhere = await kevin.client.get("/rooms/1/" + path.format(secret + 1))
        assert await seen(there) == await seen(nowhere)
        assert there.status == 404


@pytest.mark.parametrize("form", FORMS)
async def test_refusals_come_in_the_form_that_was_asked_for(
    sign_in: SignIn, form: str
) -> None:
    david = await sign_in("David")
    response = await david.client.get("/rooms/9", headers=FORMS[form])
    assert response.status == 404
    if form == "page":
        assert response.content_type == "text/html"
        assert "Nobody at this fire" in await response.text()
    elif form == "fragment":
        assert response.content_type == "text/html"
        words = '<p role="alert">There is no such room.</p>'
        assert (await response.text()).strip() == words
    else:
        assert response.content_type == "application/problem+json"
        assert await response.json(content_type=None) == {
            "type": "about:blank",
            "title": "Not Found",
            "status": 404,
            "detail": "There is no such room.",
        }


async def test_what_is_invalid_is_told_field_by_field(sign_in: SignIn) -> None:
    david = await sign_in("David")
    response = await david.client.post("/rooms/1/messages", json={"body": 5})
    assert response.status == 422
    assert response.content_type == "application/problem+json"
    assert await response.json(content_type=None) == {
        "type": "about:blank",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "Something is not text.",
        "errors": {"body": "This must be text."},
    }


async def test_json_wins_wherever_it_stands_among_what_is_accepted(
    sign_in: SignIn,
) -> None:
    david = await sign_in("David")
    for accept in (
        "application/json",
        "text/html, application/json;q=0.1",
        "*/*,application/json",
        "Application/JSON",
    ):
        for more in ({}, {"HX-Request": "true"}):
            response = await david.client.get(
                "/rooms/1", headers={"Accept": accept} | more
            )
            assert response.content_type == "application/json", accept


async def answers(
    server: TestServer, browser: ClientSession, client: ClientSession
) -> list[ClientResponse]:
    """One answer of each kind that there is."""
    page = await browser.get("/rooms/1")
    return [
        page,
        await browser.get("/rooms/1", headers={"If-None-Match": page.headers["ETag"]}),
        await browser.get("/", allow_redirects=False),
        await browser.get("/rooms/9"),
        await browser.get("/nowhere"),
        await browser.put("/rooms/1"),
        await browser.options("/rooms"),
        await browser.post("/rooms/1/messages", data={"body": " "}),
        await browser.post("/rooms", data={}, headers={"Sec-Fetch-Site": "cross-site"}),
        await browser.post(
            "/rooms/1/messages", data="x", headers={"Content-Type": "a/b"}
        ),
        await browser.post("/rooms/1/messages", data={"body": "x" * 600_000}),
        await browser.get("/users/1/avatar"),
        await browser.get(Static().url("css/tokens.css")),
        await client.get("/health"),
        await client.get("/ready"),
        await client.get("/rooms"),
        await client.get("/socket"),
        await client.post("/session", json={"email_address": "a@b.c", "password": "x"}),
        await client.head("/health"),
    ]


async def test_every_answer_is_numbered_and_says_what_a_browser_may_do(
    server: TestServer, browse: Browse, client: ClientSession
) -> None:
    found = await answers(server, await browse("David"), client)
    statuses = [response.status for response in found]
    assert {200, 302, 304, 401, 403, 404, 405, 413, 415, 422} <= set(statuses)
    for response in found:
        about = f"{response.method} {response.url} {response.status}"
        assert SECURITY.items() <= dict(response.headers).items(), about
        assert "Server" not in response.headers, about
        assert re.fullmatch(r"[0-9a-f]{16}", response.headers["X-Request-Id"]), about
    numbers = {response.headers["X-Request-Id"] for response in found}
    assert len(numbers) == len(found)


def test_the_content_policy_allows_no_inline_script_and_no_framing() -> None:
    policy = dict(
        rule.split(" ", 1) for rule in SECURITY["Content-Security-Policy"].split("; ")
    )
    assert policy["default-src"] == policy["base-uri"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert "unsafe" not in SECURITY["Content-Security-Policy"]


async def test_a_method_that_is_not_there_is_answered_with_those_that_are(
    client: ClientSession,
) -> None:
    response = await client.put("/rooms/1")
    assert response.status == 405
    allowed = {"DELETE", "GET", "HEAD", "PATCH", "POST"}
    assert set(response.headers["Allow"].split(",")) == allowed
    assert (await response.json(content_type=None))["title"] == "Method Not Allowed"


async def test_a_method_cannot_be_smuggled_in(sign_in: SignIn) -> None:
    david = await sign_in("David")
    message = await posted(david.client, "Stays")
    path = f"/rooms/1/messages/{message['id']}"
    override = {"X-HTTP-Method-Override": "DELETE"}
    await david.client.post(path, data={"_method": "DELETE"}, headers=override)
    await david.client.get(path + "?_method=DELETE", headers=override)
    assert (await david.client.get(path)).status == 200


async def test_getting_writes_nothing(server: TestServer, sign_in: SignIn) -> None:
    assert server.app is not None
    david = await sign_in("David")
    message = await posted(david.client, "Read me")
    db = server.app[DB]
    before = await db.read(lambda db: db.value("SELECT seq FROM rooms WHERE id = 1"))
    read = (await (await david.client.get("/rooms/1")).json())["membership"]
    for method, path in PRIVATE:
        if method == "GET" and path != "/socket":
            for headers in FORMS.values():
                path = path.replace("@1", f"@{message['id']}")
                await david.client.get(path, headers=headers)
                await david.client.head(path, headers=headers)
    after = await db.read(lambda db: db.value("SELECT seq FROM rooms WHERE id = 1"))
    assert after == before
    assert (await (await david.client.get("/rooms/1")).json())["membership"] == read


async def test_a_bug_is_500_and_tells_nothing(
    server: TestServer,
    sign_in: SignIn,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*args: object) -> None:
        raise RuntimeError("the password is fish")

    david = await sign_in("David")
    monkeypatch.setattr("campfire.chat.rooms.all_of", broken)
    response = await david.client.get("/rooms")
    assert response.status == 500
    assert await response.json(content_type=None) == {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "detail": "Something broke. It is noted.",
    }
    assert SECURITY.items() <= dict(response.headers).items()
    page = await david.client.get("/rooms", headers=HTML)
    assert (page.status, page.content_type) == (500, "text/html")
    assert "fish" not in await page.text()
    assert [record.getMessage() for record in caplog.records if record.exc_info] == [
        "bug",
        "bug",
    ]


async def test_a_nearly_full_disk_is_507_and_people_go_on_reading(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    david = (await sign_in("David")).client
    hello = await david.post("/rooms/1/messages", json={"body": "Hello"})
    async with david.ws_connect("/socket") as line:
        await line.receive()
        monkeypatch.setattr("campfire.database.LEAST_FREE", 1 << 80)
        refused = await david.post("/rooms/1/messages", json={"body": "Too much"})
        assert (refused.status, refused.headers["Retry-After"]) == (507, "60")
        problem = await refused.json(content_type=None)
        assert problem["detail"] == "The disk of this server is nearly full."
        post = {"command": "message.post", "id": "1", "room_id": 1, "body": "Too"}
        await line.send_json(post | {"client_message_id": "one"})
        answer = await line.receive_json()
        assert (answer["event"], answer["status"]) == ("command.refused", 507)
        messages = await david.get("/rooms/1/messages")
        assert [each["body"]["plain"] for each in await messages.json()] == ["Hello"]
        gone = await david.delete(f"/rooms/1/messages/{(await hello.json())['id']}")
        assert gone.status == 204
        monkeypatch.undo()
        again = await david.post("/rooms/1/messages", json={"body": "Too much"})
        assert again.status == 201


async def test_a_full_queue_is_503_with_when_to_come_again(
    server: TestServer, sign_in: SignIn
) -> None:
    assert server.app is not None
    david = await sign_in("David")
    db = server.app[DB]
    begun, release = threading.Event(), threading.Event()

    def hold(tx: Tx) -> bool:
        begun.set()
        return release.wait(60)

    changes = [asyncio.create_task(db.write(hold))]
    assert await asyncio.to_thread(begun.wait, 60)
    while not changes[-1].done():
        changes.append(asyncio.create_task(db.write(lambda tx: True)))
        await asyncio.sleep(0)
    response = await david.client.post("/rooms/1/messages", json={"body": "Hello"})
    release.set()
    with pytest.raises(Busy):
        await changes.pop()
    assert all(await asyncio.gather(*changes))
    assert response.status == 503
    assert int(response.headers["Retry-After"]) >= 1
    assert (await response.json(content_type=None))["title"] == "Service Unavailable"


@pytest.mark.parametrize(
    "path",
    [
        *("/rooms/%zz", "/rooms/%ff", "/rooms/%00", "/rooms/%E2%80%AE", "/rooms/1%2f2"),
        *("/rooms/1;x", "/rooms/0", "/rooms/-1", "/rooms/01", "/rooms/1/", "//rooms/1"),
        *("/rooms/1/x.css", "/rooms/9223372036854775808", "/rooms/1e3"),
        *("/rooms/%D9%A1", "/rooms/1/messages/%D9%A1", "/rooms/" + "9" * 18),
        *("/join/%00", "/join/%ff%fe", "/join/" + "x" * 4000, "/users/99/avatar"),
        *("/rooms/../etc/passwd", "/rooms/1/@0", "/rooms/1/messages/" + "9" * 19),
    ],
)
async def test_a_bad_path_leads_nowhere(sign_in: SignIn, raw: Raw, path: str) -> None:
    david = await sign_in("David")
    request = (
        f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\n"
        f"Connection: close\r\nAuthorization: Bearer {david.token}\r\n\r\n"
    )
    head, _, body = (await raw(request.encode())).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 404 "), head
    assert json.loads(body)["status"] == 404


@pytest.mark.parametrize("version", ["HTTP/2.0", "HTTP/0.9"])
async def test_another_version_of_http_is_not_spoken(raw: Raw, version: str) -> None:
    answer = await raw(f"GET /health {version}\r\nHost: x\r\n\r\n".encode())
    assert b" 505 " in answer.splitlines()[0]


async def test_an_expectation_that_nobody_meets_is_417(raw: Raw) -> None:
    answer = await raw(
        b"POST /session HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\n"
        b"Accept: application/json\r\nConnection: close\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 417 ")


async def test_a_refused_body_is_not_read_as_the_next_request(raw: Raw) -> None:
    smuggled = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = await raw(
        b"POST /session HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
        b"Accept: application/json\r\nConnection: close\r\n"
        + b"Content-Length: %d\r\n\r\n" % len(smuggled)
        + smuggled
    )
    assert answer.startswith(b"HTTP/1.1 415 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b'"version"' not in answer


# Lines in the log


async def test_a_request_is_one_line_with_its_route_and_who_asked(
    sign_in: SignIn, caplog: pytest.LogCaptureFixture
) -> None:
    kevin = await sign_in("Kevin")
    caplog.set_level("INFO", "campfire.web.middleware")
    response = await kevin.client.get("/rooms/1/messages?before=9&secret=marshmallow")
    assert response.status == 404
    (line,) = [record for record in caplog.records if record.msg == "request"]
    said = vars(line)
    assert said["route"] == "/rooms/{room_id}/messages"
    assert (said["method"], said["status"], said["user_id"]) == ("GET", 404, kevin.id)
    assert said["ms"] >= 0
    assert "marshmallow" not in str(said)


def test_a_flood_leaves_lines_out_and_says_how_many() -> None:
    lines = Lines()
    written = [lines.left_out(1.0 + n / 10_000) for n in range(MOST_LINES + 50)]
    assert written == [0] * MOST_LINES + [None] * 50
    assert lines.left_out(2.0) == 50
    assert lines.left_out(2.1) == 0
