"""What one line of curl with a bot's key does, and what no key opens."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest
from aiohttp import ClientSession, FormData
from aiohttp.test_utils import TestServer

from campfire.chat import bots, memberships, rooms
from campfire.database import Tx
from campfire.web.keys import DB
from tests.conftest import ALL_PETS, DAVID, KEVIN, WATERCOOLER, SignIn
from tests.live.line import Line
from tests.web.conftest import HTML, JSON, posted

MEGABYTE = "x" * 1024 * 1024


@dataclass
class Bender:
    """A bot that is in All Pets, with its key; `client` sends nothing but it."""

    id: int
    key: str
    client: ClientSession
    signing: str = field(repr=False)

    def path(self, rest: str = "", room_id: int = ALL_PETS) -> str:
        return f"/rooms/{room_id}/{self.key}/messages{rest}"

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


@pytest.fixture
async def bender(server: TestServer) -> AsyncIterator[Bender]:
    assert server.app is not None
    bot, secrets = await server.app[DB].write(bots.add, DAVID, "Bender")
    async with ClientSession(base_url=server.make_url("/")) as client:
        yield Bender(bot.user.id, secrets.key, client, secrets.signing)


async def test_a_line_of_curl_posts(bender: Bender, sign_in: SignIn) -> None:
    kevin = await sign_in("Kevin")
    line = await Line.open(kevin)
    await line.enter(ALL_PETS)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await bender.client.post(bender.path(), data="Hello!", headers=form)
    assert (answer.status, await answer.read()) == (201, b"")
    heard = await line.hear("message.posted")
    assert heard["message"]["body"]["plain"] == "Hello!"
    assert heard["message"]["creator"]["role"] == "bot"
    found = await kevin.client.get(answer.headers["Location"])
    assert (await found.json())["id"] == heard["message"]["id"]
    await line.up_to_now()
    (unread,) = [event for event in line.heard if event["event"] == "room.unread"]
    assert unread["unread_count"] == 1


async def test_a_bot_writes_html_and_it_is_cleaned(
    bender: Bender, sign_in: SignIn
) -> None:
    kevin = await sign_in("Kevin")
    body = "<b>Bold</b><script>alert(1)</script> @Kevin"
    await bender.client.post(bender.path(), data=body)
    (message,) = await (await kevin.client.get("/rooms/1/messages")).json()
    assert "<b>Bold</b>" in message["body"]["html"]
    assert "script" not in message["body"]["html"]
    assert message["mentions"] == [KEVIN]


async def test_a_bot_sends_a_file(bender: Bender, sign_in: SignIn) -> None:
    form = FormData()
    form.add_field("attachment", b"a,b\n1,2\n", filename="report.csv")
    answer = await bender.client.post(bender.path(), data=form)
    assert answer.status == 201
    kevin = await sign_in("Kevin")
    (message,) = await (await kevin.client.get("/rooms/1/messages")).json()
    assert [file["filename"] for file in message["attachments"]] == ["report.csv"]


async def test_a_bot_reads_what_campfires_bots_read(
    bender: Bender, sign_in: SignIn
) -> None:
    empty = await bender.client.get(bender.path())
    assert (await empty.json(), empty.headers["X-Total-Count"]) == ([], "0")
    assert "Link" not in empty.headers
    kevin = await sign_in("Kevin")
    ids = [(await posted(kevin.client, f"No. {number}"))["id"] for number in range(42)]
    newest = await bender.client.get(bender.path())
    assert newest.headers["X-Total-Count"] == "42"
    shown = await newest.json()
    assert [message["id"] for message in shown] == ids[2:]
    link = newest.headers["Link"]
    assert link.endswith('; rel="next"')
    older = await bender.client.get(link[1:].partition(">")[0])
    assert [message["id"] for message in await older.json()] == ids[:2]
    after = await bender.client.get(bender.path(f"?after={ids[39]}"))
    assert [message["id"] for message in await after.json()] == ids[40:]
    message = shown[-1]
    assert message["body"]["plain_text"] == "No. 41"
    assert message["room"] == {"id": ALL_PETS}
    assert message["creator"]["name"] == "Kevin"
    assert message["url"].startswith("http://127.0.0.1")
    assert message["url"].endswith(f"/rooms/1/@{ids[-1]}")


async def test_a_bot_edits_removes_and_boosts(bender: Bender, sign_in: SignIn) -> None:
    kevin = await sign_in("Kevin")
    theirs = (await posted(kevin.client, "Mine"))["id"]
    location = (await bender.client.post(bender.path(), data="One")).headers["Location"]
    own = int(location.rpartition("/")[2])
    edited = await bender.client.put(bender.path(f"/{own}"), data="Two")
    assert edited.status == 200
    assert (await edited.json())["body"]["plain_text"] == "Two"
    assert (await bender.client.put(bender.path(f"/{theirs}"), data="x")).status == 403
    boosts = bender.path(f"/{theirs}/boosts")
    given = await bender.client.post(boosts, data="🔥")
    boost = await given.json()
    assert given.status == 201
    assert boost["booster"]["id"] == bender.id
    assert boost["message"]["id"] == theirs
    assert (await bender.client.post(boosts, data=" ")).status == 422
    taken = await bender.client.delete(f"{boosts}/{boost['id']}")
    assert (taken.status, await taken.read()) == (204, b"")
    assert (await bender.client.delete(f"{boosts}/{boost['id']}")).status == 404
    assert (await bender.client.delete(bender.path(f"/{theirs}"))).status == 403
    assert (await bender.client.delete(bender.path(f"/{own}"))).status == 204
    assert (await bender.client.delete(bender.path(f"/{own}"))).status == 404


@pytest.mark.parametrize(
    ("body", "type", "status"),
    [
        *((b"", "", 422), (b" \n\t", "", 422), (b"\0\0", "", 422), (b"<br>", "", 422)),
        (MEGABYTE.encode(), "", 413),
        (MEGABYTE[:70_000].encode(), "", 422),
        (b"caf\xe9", "text/plain; charset=latin-1", 400),
        (b"", "multipart/form-data", 400),
        (b"", "multipart/form-data; boundary=x", 400),
        (b"--x--\r\n", "multipart/form-data; boundary=x", 422),
        (b"Hello", "image/png", 201),
    ],
)
async def test_a_body_that_is_no_message_is_refused(
    bender: Bender, body: bytes, type: str, status: int
) -> None:
    headers = {"Content-Type": type} if type else {}
    answer = await bender.client.post(bender.path(), data=body, headers=headers)
    assert answer.status == status, await answer.text()
    if status != 201:
        assert answer.content_type == "application/problem+json"


async def test_no_other_key_opens_anything(
    server: TestServer, bender: Bender, sign_in: SignIn
) -> None:
    kevin = await sign_in("Kevin")
    secret = bender.key.partition("-")[2]
    wrong = (
        *("1-", "-", "1", "1-%00", "1--x", "%201-x", f"{KEVIN}-{secret}", "messages"),
        *(f"{bender.id}-", f"%20{bender.key}", f"{bender.key}%0a", f"0{bender.key}"),
        *(f"{bender.id}-{secret[::-1]}x", kevin.token),
    )
    for key in wrong:
        answer = await bender.client.post(f"/rooms/1/{key}/messages", data="Hello")
        assert answer.status == 401, key
        assert answer.content_type == "application/problem+json"
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        header = JSON | {"Authorization": f"Bearer {key}"}
        if key != kevin.token:
            answer = await bender.client.get("/rooms", headers=header)
            assert answer.status == 401, key
    # Neither cookie nor token makes up for a wrong key in the path.
    answer = await kevin.client.post("/rooms/1/1-/messages", data="Hello")
    assert answer.status == 401
    cookie = JSON | {"Cookie": f"campfire_session={bender.key}"}
    assert (await bender.client.get("/rooms", headers=cookie)).status == 401
    assert await (await kevin.client.get("/rooms/1/messages")).json() == []


async def test_a_bot_is_not_heard_outside_of_its_rooms(bender: Bender) -> None:
    for room_id in (WATERCOOLER, 999):
        path = bender.path(room_id=room_id)
        assert (await bender.client.get(path)).status == 404
        assert (await bender.client.post(path, data="Hello")).status == 404
        assert (await bender.client.post(path, data="Hello @Kevin")).status == 404


async def test_a_key_is_a_bearer_token_where_bots_are_expected(
    bender: Bender, sign_in: SignIn
) -> None:
    client, bearer = bender.client, bender.bearer
    listed = await client.get("/rooms", headers=bearer)
    assert [room["name"] for room in await listed.json()] == ["All Talk"]
    answer = await client.post(
        "/rooms/1/messages", json={"body": "Hello"}, headers=bearer
    )
    assert answer.status == 201
    own = (await answer.json())["id"]
    page = await client.get("/rooms/1", headers=bearer | HTML)
    assert page.content_type == "application/json"
    for method, path in (
        *(("GET", "/"), ("GET", "/account"), ("GET", "/users/me"), ("GET", "/users")),
        *(("POST", "/rooms"), ("DELETE", "/session"), ("POST", "/session")),
        *(("GET", "/sessions"), ("POST", "/rooms/1/read"), ("GET", "/account/bots")),
        *(("GET", "/searches"), ("GET", f"/rooms/1/messages/{own}/edit")),
    ):
        answer = await client.request(method, path, headers=bearer)
        assert answer.status == 403, path
    other = await bender.client.get("/account?bot_key=" + bender.key)
    assert other.url.path == "/session/new"


async def test_a_bot_has_a_socket_until_its_key_ends(
    server: TestServer, bender: Bender, sign_in: SignIn
) -> None:
    assert server.app is not None
    kevin = await sign_in("Kevin")
    line = await Line.open(bender.client, headers=bender.bearer)
    await line.enter(ALL_PETS)
    await posted(kevin.client, "Hello")
    assert (await line.hear("message.posted"))["message"]["body"]["plain"] == "Hello"
    done = await line.obeyed("message.post", room_id=ALL_PETS, body="Hi")
    assert done["status"] == 201
    await server.app[DB].write(bots.renew_key, DAVID, bender.id)
    assert await line.closing() == 4401
    assert (await bender.client.get(bender.path())).status == 401


@pytest.mark.parametrize("end", [bots.retire, bots.renew_key])
async def test_nothing_is_posted_with_a_key_that_has_ended(
    server: TestServer, bender: Bender, end: Callable[[Tx, int, int], object]
) -> None:
    assert server.app is not None
    db = server.app[DB]

    async def post(number: int) -> None:
        answer = await bender.client.post(bender.path(), data=f"No. {number}")
        answer.release()

    posts = [asyncio.create_task(post(number)) for number in range(40)]
    await asyncio.wait(posts, return_when=asyncio.FIRST_COMPLETED)
    await db.write(end, DAVID, bender.id)
    look = "SELECT count(*) FROM messages"
    before = await db.read(lambda db: db.value(look))
    await asyncio.gather(*posts)
    assert await db.read(lambda db: db.value(look)) == before > 0


async def test_a_key_is_in_no_log_and_in_no_number(
    bender: Bender, client: ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "campfire")
    asked = [
        *(("GET", bender.path()), ("POST", bender.path()), ("GET", bender.path("/1"))),
        *(("POST", bender.path(room_id=999)), ("GET", f"/bots/{bender.key}/events")),
    ]
    for method, path in asked:
        answer = await bender.client.request(method, path, data=b"caf\xe9")
        assert bender.key not in str(answer.headers)
        answer.close()
    numbers = await (await client.get("/metrics")).text()
    assert "{bot_key}" in numbers and bender.key not in numbers
    # The test's server logs what it was asked; ours has no such log.
    ours = [each for each in caplog.records if each.name.startswith("campfire")]
    assert "{bot_key}" in str(ours[0].__dict__)
    assert [each for each in ours if bender.key in str(each.__dict__)] == []


async def test_a_bot_is_slowed_down(bender: Bender) -> None:
    answers = await asyncio.gather(
        *(bender.client.post(bender.path(), data="Hello") for _ in range(60))
    )
    refused = [answer for answer in answers if answer.status == 429]
    assert len(refused) == 10
    assert refused[0].headers["Retry-After"]
    assert {answer.status for answer in answers} == {201, 429}
    line = await Line.open(bender.client, headers=bender.bearer)
    refusal = await line.obeyed("message.post", room_id=ALL_PETS, body="Hello")
    assert refusal["status"] == 429


async def test_a_key_for_one_room_works_in_its_path_alone(
    server: TestServer, bender: Bender
) -> None:
    assert server.app is not None
    await server.app[DB].write(
        rooms.revise, DAVID, WATERCOOLER, user_ids=[DAVID, bender.id]
    )
    key = bots.room_key(bender.id, bender.signing, ALL_PETS)
    path = f"/rooms/{ALL_PETS}/{key}/messages"
    elsewhere = f"/rooms/{WATERCOOLER}/{key}/messages"
    assert (await bender.client.post(path, data="Hello")).status == 201
    assert (await bender.client.post(elsewhere, data="Hello")).status == 401
    header = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
    assert (await bender.client.get("/rooms", headers=header)).status == 401
    assert (await bender.client.post(path, data="Again")).status == 201


async def test_a_browser_of_another_site_needs_the_key_as_anybody(
    bender: Bender,
) -> None:
    headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    answer = await bender.client.post(bender.path(), data="Hello", headers=headers)
    assert answer.status == 201
    answer = await bender.client.post("/rooms/1/1-x/messages", headers=headers)
    assert answer.status == 401


async def test_a_revoked_bot_hears_and_says_nothing(
    server: TestServer, bender: Bender
) -> None:
    assert server.app is not None
    assert (await bender.client.get(bender.path())).status == 200
    await server.app[DB].write(memberships.revoke, ALL_PETS, [bender.id])
    assert (await bender.client.get(bender.path())).status == 404


@pytest.mark.parametrize(
    ("body", "plain"),
    [
        ('{"text": "*Up*"}', "Up"),
        ("payload=%7B%22text%22%3A+%22*Up*+now%22%7D", "Up now"),
        ('{"colour": "red"}', '{"colour": "red"}'),
        ('{"text": ', '{"text":'),
    ],
)
async def test_what_was_written_for_slack_is_read(
    bender: Bender, body: str, plain: str
) -> None:
    answer = await bender.client.post(bender.path(), data=body)
    assert answer.status == 201
    (message,) = await (await bender.client.get(bender.path())).json()
    assert message["body"]["plain_text"] == plain
    answer = await bender.client.post(bender.path(), data='{"text": null}')
    assert answer.status == 422
