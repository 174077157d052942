"""Answers that may be given again: tags, compression, and never a stale word."""

import asyncio
import gzip
import random
import zlib
from typing import Any

import apsw
import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from campfire.chat import memberships, messages
from campfire.database import Reads
from campfire.web.keys import DB
from campfire.web.pages import MOST_BYTES, OVERHEAD, Made, Pages
from tests.conftest import ALL_PETS, DAVID, JZ, KEVIN, WATERCOOLER, SignIn, night
from tests.web.conftest import FORMS, Browse, posted

PATHS = {
    "page": "/rooms/1",
    "permalink": "/rooms/1/@1",
    "window": "/rooms/1/messages",
    "older": "/rooms/1/messages?after=1",
}


@pytest.mark.parametrize("form", FORMS)
async def test_what_a_browser_still_has_is_304(browse: Browse, form: str) -> None:
    kevin = await browse("Kevin")
    await kevin.post("/rooms/1/messages", data={"body": "Hello"})
    first = await kevin.get("/rooms/1/messages", headers=FORMS[form])
    tag = first.headers["ETag"]
    assert first.status == 200
    assert tag.startswith('W/"')
    for tags in (tag, f'"x", {tag}', f'{tag}, W/"y"'):
        again = await kevin.get(
            "/rooms/1/messages", headers=FORMS[form] | {"If-None-Match": tags}
        )
        assert (again.status, await again.read()) == (304, b"")
        for header in ("ETag", "Cache-Control", "Vary"):
            assert again.headers[header] == first.headers[header]
    for tags in ("", '"x"', "*x", 'W/"' + "y" * 4000 + '"'):
        other = await kevin.get(
            "/rooms/1/messages", headers=FORMS[form] | {"If-None-Match": tags}
        )
        assert other.status == 200


async def test_the_same_room_twice_is_the_same_bytes(browse: Browse) -> None:
    kevin = await browse("Kevin")
    await kevin.post("/rooms/1/messages", data={"body": "Hello"})
    first = await (await kevin.get("/rooms/1")).read()
    assert await (await kevin.get("/rooms/1")).read() == first
    other = await browse("Kevin")
    assert await (await other.get("/rooms/1")).read() == first


async def test_each_form_of_an_address_is_kept_apart(sign_in: SignIn) -> None:
    david, kevin = await sign_in("David"), await sign_in("Kevin")
    await posted(david.client, "Hello")
    for _ in range(2):
        types = [
            (await kevin.client.get("/rooms/1/messages", headers=headers)).content_type
            for headers in FORMS.values()
        ]
        assert types == ["text/html", "text/html", "application/json"]
    pages = [
        await (await person.client.get("/rooms/1", headers=FORMS["page"])).text()
        for person in (david, kevin)
    ]
    assert pages[0] != pages[1], "one person's page is not another's"


async def test_private_answers_are_kept_by_nobody_in_between(sign_in: SignIn) -> None:
    david = await sign_in("David")
    for path in ("/rooms", "/rooms/1", "/rooms/1/messages", "/account"):
        for headers in FORMS.values():
            response = await david.client.get(
                path, headers=headers, allow_redirects=False
            )
            if response.status == 200:
                assert "private" in response.headers["Cache-Control"]
                assert {"Accept", "Authorization", "Cookie", "HX-Request"} <= set(
                    response.headers["Vary"].split(", ")
                )


async def test_a_long_answer_is_compressed_for_those_who_take_it(
    server: TestServer, sign_in: SignIn
) -> None:
    david = await sign_in("David")
    await posted(david.client, "Hello " * 1000)
    async with ClientSession(
        base_url=server.make_url("/"),
        headers={"Authorization": f"Bearer {david.token}"},
        auto_decompress=False,
    ) as client:
        bodies = {}
        for accepted in ("identity", "gzip", "br, gzip;q=0.5"):
            response = await client.get(
                "/rooms/1", headers={"Accept-Encoding": accepted}
            )
            data = await response.read()
            if "gzip" in accepted:
                assert response.headers["Content-Encoding"] == "gzip"
                assert "Accept-Encoding" in response.headers["Vary"]
                data = gzip.decompress(data)
            else:
                assert "Content-Encoding" not in response.headers
            assert int(response.headers["Content-Length"]) > 0
            bodies[accepted] = (data, response.headers["ETag"])
        assert len(set(bodies.values())) == 1
        refused = await client.get("/rooms/1", headers={"Accept-Encoding": "gzip;q=0"})
        assert "Content-Encoding" not in refused.headers
        head = await client.head("/rooms/1", headers={"Accept-Encoding": "gzip"})
        assert (head.status, await head.read()) == (200, b"")


async def seen(client: ClientSession, path: str, form: str) -> str:
    response = await client.get(path, headers=FORMS[form])
    return await response.text() if response.status == 200 else str(response.status)


@pytest.mark.parametrize(
    ("path", "form"),
    [
        pytest.param(path, form, id=f"{name}, {form}")
        for name, path in PATHS.items()
        for form in FORMS
        if path != "/rooms/1/@1" or form == "page"  # Elsewhere it is one message.
    ],
)
async def test_an_answer_shows_every_change_that_was_answered_before(
    sign_in: SignIn, path: str, form: str
) -> None:
    david, kevin = await sign_in("David"), await sign_in("Kevin")
    await posted(david.client, "The first")
    await posted(david.client, "The second")
    await seen(kevin.client, path, form)
    third = await posted(david.client, "The third")
    if path != "/rooms/1" or form != "json":
        assert "The third" in await seen(kevin.client, path, form)
        address = f"/rooms/1/messages/{third['id']}"
        await david.client.patch(address, json={"body": "Edited"})
        text = await seen(kevin.client, path, form)
        assert "Edited" in text and "The third" not in text
        await david.client.delete(address)
        assert "Edited" not in await seen(kevin.client, path, form)
    await kevin.client.post("/rooms/1/read", json={"message_id": 2})
    if path in ("/rooms/1", "/rooms/1/@1") and form == "page":
        before = await seen(kevin.client, path, form)
        await kevin.client.post("/rooms/1/read", json={"message_id": 1})
        assert await seen(kevin.client, path, form) != before


async def test_what_is_alike_in_many_pages_is_made_once(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    david, jz, kevin = [await sign_in(name) for name in ("David", "JZ", "Kevin")]
    looked: list[int] = []
    look = messages.page

    def noted(db: Reads, user_id: int, room_id: int, **more: Any) -> messages.Page:
        looked.append(user_id)
        return look(db, user_id, room_id, **more)

    monkeypatch.setattr(messages, "page", noted)
    await posted(david.client, "The first")
    for person in (david, jz, kevin):
        assert "The first" in await seen(person.client, "/rooms/1", "page")
    assert looked == [DAVID]
    await posted(david.client, "The second")
    for person in (kevin, jz):
        assert "The second" in await seen(person.client, "/rooms/1", "page")
    assert looked == [DAVID, KEVIN]
    assert (await kevin.client.get(f"/rooms/{WATERCOOLER}")).status == 404


async def test_what_is_committed_is_seen_before_it_is_announced(
    server: TestServer, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a page would name a `seq` beyond what it shows, and its socket skip that."""
    assert server.app is not None
    db = server.app[DB]
    david, jz = await sign_in("David"), await sign_in("JZ")
    await posted(david.client, "The first")
    await seen(david.client, "/rooms/1", "page")
    monkeypatch.setattr(db, "publish", lambda event: None)
    await posted(david.client, "The second")
    assert "The second" in await seen(jz.client, "/rooms/1", "page")


async def test_hits_show_every_change_that_was_answered_before(
    server: TestServer, sign_in: SignIn
) -> None:
    assert server.app is not None
    david, jz = await sign_in("David"), await sign_in("JZ")

    async def found() -> str:
        pages = [await seen(jz.client, "/searches?q=kettle", "page") for _ in range(2)]
        assert pages[0] == pages[1]
        return pages[0]

    assert "Nothing found" in await found()
    await jz.client.post("/searches", data={"q": "teapot"})
    assert "teapot" in await found()
    await jz.client.post("/searches/delete")
    assert "teapot" not in await found()
    message = await posted(david.client, "A kettle sings", room_id=WATERCOOLER)
    assert "sings" in await found()
    address = f"/rooms/{WATERCOOLER}/messages/{message['id']}"
    await david.client.patch(address, json={"body": "The kettle whistles"})
    assert "whistles" in await found()
    await david.client.patch("/users/me", json={"name": "Dave"})
    assert "Dave" in await found()
    await server.app[DB].write(memberships.revoke, WATERCOOLER, [JZ])
    text = await found()
    assert "Nothing found" in text and "Watercooler" not in text


async def test_a_sidebar_shows_what_happens_in_other_rooms(sign_in: SignIn) -> None:
    david, jz = await sign_in("David"), await sign_in("JZ")
    pages = [await seen(jz.client, "/rooms/1", "page")]
    await posted(david.client, "Psst", room_id=WATERCOOLER)
    pages.append(await seen(jz.client, "/rooms/1", "page"))
    await david.client.post(
        "/rooms", json={"kind": "closed", "name": "Designers", "user_ids": [JZ]}
    )
    pages.append(await seen(jz.client, "/rooms/1", "page"))
    assert "Designers" in pages[2]
    assert len(set(pages)) == 3


async def test_the_list_shows_who_came_and_whose_night_it_is(
    sign_in: SignIn,
) -> None:
    kevin, jz = await sign_in("Kevin"), await sign_in("JZ")
    await kevin.client.post("/rooms", json={"kind": "direct", "user_ids": [JZ]})

    async def listed() -> str:
        lists = [await seen(kevin.client, "/rooms", "fragment") for _ in range(2)]
        assert lists[0] == lists[1]
        return lists[0]

    assert "is-here" not in await listed()
    async with jz.client.ws_connect("/socket"):
        assert "is-here" in await listed()
    assert "data-quiet-from" not in await listed()
    await jz.client.put("/users/me/quiet_hours", json=night())
    assert "data-quiet-from" in await listed()
    await jz.client.patch("/users/me", json={"name": "Jay"})
    assert "Jay" in await listed()
    await posted(jz.client, "Hello", room_id=ALL_PETS)
    assert 'data-unread="1"' in await listed()


async def test_a_newcomer_is_counted_at_once(
    sign_in: SignIn, stranger: ClientSession
) -> None:
    david = await sign_in("David")
    before = await seen(david.client, "/rooms/1", "page")
    assert "Ben</option>" not in await seen(david.client, "/searches?q=x", "page")
    account = await (await david.client.get("/account")).json()
    words = {
        "name": "Ben",
        "email_address": "ben@37signals.example",
        "password": "correct horse battery",
    }
    joined = await stranger.post(account["join_url"], data=words, allow_redirects=False)
    assert joined.status == 303
    assert await seen(david.client, "/rooms/1", "page") != before
    assert "Ben</option>" in await seen(david.client, "/searches?q=x", "page")


@pytest.mark.parametrize("form", FORMS)
async def test_somebody_who_was_put_out_sees_nothing_from_then_on(
    server: TestServer, sign_in: SignIn, form: str
) -> None:
    assert server.app is not None
    db = server.app[DB]
    david, jz = await sign_in("David"), await sign_in("JZ")
    await posted(david.client, "Psst", room_id=WATERCOOLER)
    room = f"/rooms/{WATERCOOLER}"
    for path in (f"{room}/messages", room):
        assert await seen(jz.client, path, form) != "404"
    tag = (await jz.client.get(f"{room}/messages", headers=FORMS[form])).headers["ETag"]
    await db.write(memberships.revoke, WATERCOOLER, [JZ])
    for path in (f"{room}/messages", room):
        assert await seen(jz.client, path, form) == "404"
    tagged = await jz.client.get(
        f"{room}/messages", headers=FORMS[form] | {"If-None-Match": tag}
    )
    assert tagged.status == 404
    assert "Watercooler" not in await seen(jz.client, f"/rooms/{ALL_PETS}", "page")


async def test_an_answer_shows_what_another_process_wrote(
    server: TestServer, sign_in: SignIn
) -> None:
    assert server.app is not None
    david = await sign_in("David")
    await posted(david.client, "As it was")
    other = apsw.Connection(str(server.app[DB].path))
    other.set_busy_timeout(5000)
    for number in range(20):
        for form in FORMS:
            await seen(david.client, "/rooms/1/messages", form)
        if number % 3 == 0:
            await posted(david.client, "Ours in between")
        other.execute("UPDATE messages SET html = ? WHERE id = 1", (f"as {number} is",))
        for form in FORMS:
            assert f"as {number} is" in await seen(
                david.client, "/rooms/1/messages", form
            )
    other.close()


async def test_no_answer_is_older_than_the_question_whatever_happens_meanwhile(
    server: TestServer, sign_in: SignIn
) -> None:
    """Readers ask all the time while one edits; none sees less than was answered."""
    david = await sign_in("David")
    readers = [await sign_in("Kevin"), await sign_in("Jason")]
    message = await posted(david.client, "version 0")
    latest, done = 0, asyncio.Event()

    async def read(client: ClientSession) -> int:
        asked = 0
        while not done.is_set():
            known = latest
            response = await client.get("/rooms/1/messages")
            (shown,) = await response.json()
            assert int(shown["body"]["source"].split()[1]) >= known
            asked += 1
        return asked

    tasks = [asyncio.create_task(read(person.client)) for person in readers]
    for number in range(1, 100):
        response = await david.client.patch(
            f"/rooms/1/messages/{message['id']}", json={"body": f"version {number}"}
        )
        assert response.status == 200
        latest = number
    done.set()
    assert min(await asyncio.gather(*tasks)) > 10


def test_what_is_kept_is_bounded() -> None:
    pages = Pages(lambda: 0)
    noise = random.Random(1)
    for number in range(100):
        made = Made(noise.randbytes(256 * 1024), "text/html", {}, "x")
        pages.kept.keep((DAVID, "page", str(number)), made, (), pages.kept.start())
    weight = 2 * 256 * 1024 + OVERHEAD
    assert len(pages.kept._entries) == MOST_BYTES // weight


def test_an_answer_is_compressed_once() -> None:
    made = Made(b"Hello", "text/html", {}, "x")
    assert zlib.decompress(made.compressed(), 31) == b"Hello"
    assert made.compressed() is made.compressed()
