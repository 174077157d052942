"""Rooms: the list, the page, what changed, how far one has read."""

import re
from typing import Any

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from campfire.chat import memberships
from campfire.web.keys import DB
from tests.conftest import ALL_PETS, DAVID, JASON, JZ, KEVIN, WATERCOOLER, SignIn
from tests.web.conftest import FRAGMENT, HTML, JSON, Browse, posted

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


async def json_of(client: ClientSession, path: str) -> Any:
    response = await client.get(path)
    assert response.status == 200, await response.text()
    return await response.json()


async def test_one_sees_ones_own_rooms_by_name(sign_in: SignIn) -> None:
    david, kevin = await sign_in("David"), await sign_in("Kevin")
    rooms = await json_of(david.client, "/rooms")
    assert [room["name"] for room in rooms] == ["All Talk", "Watercooler"]
    assert [room["id"] for room in await json_of(kevin.client, "/rooms")] == [ALL_PETS]
    room = rooms[1]
    assert TIME.fullmatch(room.pop("created_at"))
    assert room == {
        "id": WATERCOOLER,
        "kind": "closed",
        "name": "Watercooler",
        "creator_id": DAVID,
        "seq": 0,
        "last_message_id": None,
        "membership": {
            "involvement": "mentions",
            "last_read_id": 0,
            "unread_count": 0,
            "starred": False,
        },
    }


async def test_a_room_names_its_members(sign_in: SignIn) -> None:
    jz = await sign_in("JZ")
    room = await json_of(jz.client, f"/rooms/{WATERCOOLER}")
    assert [member["id"] for member in room["members"]] == [DAVID, JASON, JZ]
    assert set(room["members"][0]) == {
        *("id", "name", "role", "status", "bio", "avatar_url")
    }
    (listed,) = [r for r in await json_of(jz.client, "/rooms") if r["id"] == room["id"]]
    assert {key: room[key] for key in listed} == listed


@pytest.mark.parametrize("kind", ["open", "closed"])
async def test_making_a_room_is_201_with_its_address(
    sign_in: SignIn, kind: str
) -> None:
    jz = await sign_in("JZ")
    fields = {"kind": kind, "name": "Designers", "user_ids": [DAVID]}
    response = await jz.client.post("/rooms", json=fields)
    assert response.status == 201
    room = await response.json()
    assert response.headers["Location"] == f"/rooms/{room['id']}"
    assert (room["kind"], room["name"], room["creator_id"]) == (kind, "Designers", JZ)
    found = await json_of(jz.client, response.headers["Location"])
    members = [member["id"] for member in found["members"]]
    assert members == ([DAVID, JASON, JZ, KEVIN] if kind == "open" else [DAVID, JZ])


@pytest.mark.parametrize(
    "fields",
    [
        *({}, {"kind": "open"}, {"name": "x"}, {"kind": "open", "name": " "}),
        *({"kind": "secret", "name": "x"}, {"kind": "open", "name": "x" * 101}),
        {"kind": ["open"], "name": "x"},
    ],
)
async def test_a_room_needs_a_kind_and_a_name(
    sign_in: SignIn, fields: dict[str, Any]
) -> None:
    david = await sign_in("David")
    assert (await david.client.post("/rooms", json=fields)).status == 422


async def test_home_leads_to_the_room_that_was_open_last(browse: Browse) -> None:
    david = await browse("David")
    home = await david.get("/", allow_redirects=False)
    assert (home.status, home.headers["Location"]) == (302, f"/rooms/{ALL_PETS}")
    opened = await david.get(f"/rooms/{WATERCOOLER}")
    assert opened.cookies["last_room"]["httponly"]
    home = await david.get("/", allow_redirects=False)
    assert home.headers["Location"] == f"/rooms/{WATERCOOLER}"
    listed = await david.get("/rooms", allow_redirects=False)
    assert (listed.status, listed.headers["Location"]) == (302, "/")


@pytest.mark.parametrize("last", ["2", "99", "x", "²", "9" * 30, "-1", ""])
async def test_home_leads_nowhere_one_may_not_go(sign_in: SignIn, last: str) -> None:
    kevin = await sign_in("Kevin")
    home = await kevin.client.get(
        "/", headers=HTML | {"Cookie": f"last_room={last}"}, allow_redirects=False
    )
    assert (home.status, home.headers["Location"]) == (302, f"/rooms/{ALL_PETS}")


async def test_somebody_without_a_room_is_told_so(
    server: TestServer, sign_in: SignIn
) -> None:
    assert server.app is not None
    kevin = await sign_in("Kevin")
    await server.app[DB].write(memberships.revoke, ALL_PETS, [KEVIN])
    home = await kevin.client.get("/", headers=HTML, allow_redirects=False)
    assert (home.status, home.content_type) == (200, "text/html")
    assert await json_of(kevin.client, "/rooms") == []


async def test_a_page_shows_the_room_and_its_messages_in_order(
    sign_in: SignIn, browse: Browse
) -> None:
    david = await sign_in("David")
    made = [await posted(david.client, f"Number {number}") for number in range(45)]
    kevin = await browse("Kevin")
    page = await kevin.get("/rooms/1")
    assert (page.status, page.content_type, page.charset) == (200, "text/html", "utf-8")
    text = await page.text()
    shown = [int(found) for found in re.findall(r'data-message-id="(\d+)"', text)]
    assert shown == [message["id"] for message in made[-40:]]
    for message in made[-40:]:
        assert f'id="message_{message["client_message_id"]}"' in text
    assert re.search(rf'href="[^"]*before={made[5]["id"]}\b', text)
    older = await (await kevin.get(f"/rooms/1/messages?before={made[5]['id']}")).text()
    shown = [int(found) for found in re.findall(r'data-message-id="(\d+)"', older)]
    assert shown == [message["id"] for message in made[:5]]
    assert "before=" not in older, "there is nothing older"
    assert "after=" in older and "after=" not in text


async def test_a_permalink_shows_the_page_around_its_message(
    sign_in: SignIn, browse: Browse
) -> None:
    david = await sign_in("David")
    made = [await posted(david.client, f"Number {number}") for number in range(120)]
    kevin = await browse("Kevin")
    text = await (await kevin.get(made[60]["url"])).text()
    shown = [int(found) for found in re.findall(r'data-message-id="(\d+)"', text)]
    assert shown == [message["id"] for message in made[20:101]]
    show = await kevin.get(f"/rooms/1/messages/{made[60]['id']}", allow_redirects=False)
    assert (show.status, show.headers["Location"]) == (302, made[60]["url"])


async def test_what_anybody_wrote_is_text_wherever_it_is_shown(
    sign_in: SignIn, browse: Browse
) -> None:
    attack = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    david = await sign_in("David")
    await david.client.post("/rooms", json={"kind": "open", "name": attack})
    await posted(david.client, attack)
    kevin = await browse("Kevin")
    for path in ("/rooms/1", "/rooms/3", "/rooms/1/messages"):
        for headers in (HTML, FRAGMENT):
            text = await (await kevin.get(path, headers=headers)).text()
            assert "<script>alert" not in text
            assert "<img src=x" not in text


# Changes


async def test_changes_are_the_latest_state_in_order(sign_in: SignIn) -> None:
    david = await sign_in("David")
    first, second, third = [await posted(david.client, word) for word in "abc"]
    await david.client.patch(f"/rooms/1/messages/{first['id']}", json={"body": "A"})
    await david.client.delete(f"/rooms/1/messages/{second['id']}")
    changes = await json_of(david.client, "/rooms/1/changes?since=0")
    assert set(changes) == {"seq", "more", "messages", "removed"}
    assert (changes["seq"], changes["more"]) == (5, False)
    assert [(m["seq"], m["body"]["source"]) for m in changes["messages"]] == [
        (3, "c"),
        (4, "A"),
    ]
    assert changes["removed"] == [{"id": second["id"], "seq": 5}]
    none = await json_of(david.client, "/rooms/1/changes?since=5")
    assert none == {"seq": 5, "more": False, "messages": [], "removed": []}


async def test_changes_come_in_parts_that_fit_together(sign_in: SignIn) -> None:
    david = await sign_in("David")
    made = [await posted(david.client, str(number)) for number in range(7)]
    await david.client.delete(f"/rooms/1/messages/{made[3]['id']}")
    since, more, seen = 0, True, []
    while more:
        path = f"/rooms/1/changes?since={since}&limit=3"
        changes = await json_of(david.client, path)
        part = [*changes["messages"], *changes["removed"]]
        assert len(part) <= 3
        seen += sorted(change["seq"] for change in part)
        since, more = changes["seq"], changes["more"]
    assert seen == [1, 2, 3, 5, 6, 7, 8]


@pytest.mark.parametrize("limit", ["0", "-1", "-5", "501", "100000000000000000"])
async def test_a_limit_of_changes_is_clamped(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr("campfire.chat.messages.MOST_CHANGES", 4)
    david = await sign_in("David")
    for number in range(6):
        await posted(david.client, str(number))
    changes = await json_of(david.client, f"/rooms/1/changes?since=0&limit={limit}")
    fits = 1 if int(limit) < 1 else 4
    assert len(changes["messages"]) == changes["seq"] == fits
    assert changes["more"]


@pytest.mark.parametrize("query", ["", "?since=", "?since=x", "?since=1&since=2"])
async def test_changes_need_a_number(sign_in: SignIn, query: str) -> None:
    david = await sign_in("David")
    response = await david.client.get(f"/rooms/1/changes{query}")
    assert response.status == 422


# Reading


async def test_reading_moves_the_mark_both_ways(sign_in: SignIn) -> None:
    david, kevin = await sign_in("David"), await sign_in("Kevin")
    made = [await posted(david.client, word) for word in "abc"]
    assert (await json_of(kevin.client, "/rooms/1"))["membership"]["unread_count"] == 3
    for message, unread in ((made[2], 0), (made[0], 2), (made[1], 1)):
        response = await kevin.client.post(
            "/rooms/1/read", json={"message_id": message["id"]}
        )
        assert response.status == 200
        membership = await response.json()
        assert membership == {
            "involvement": "mentions",
            "last_read_id": message["id"],
            "unread_count": unread,
            "starred": False,
        }
        room = await json_of(kevin.client, "/rooms/1")
        assert room["membership"] == membership
    assert (await json_of(david.client, "/rooms/1"))["membership"]["unread_count"] == 0


async def test_reading_works_as_a_form_too(sign_in: SignIn, browse: Browse) -> None:
    david, kevin = await sign_in("David"), await browse("Kevin")
    message = await posted(david.client, "Hello")
    for headers in (HTML, FRAGMENT):
        response = await kevin.post(
            "/rooms/1/read", data={"message_id": message["id"]}, headers=headers
        )
        assert response.status == 204
    room = await (await kevin.get("/rooms/1", headers=JSON)).json()
    assert room["membership"]["last_read_id"] == message["id"]


async def test_the_address_of_a_message_leads_a_program_to_it(
    sign_in: SignIn,
) -> None:
    david = await sign_in("David")
    response = await david.client.post("/rooms/1/messages", json={"body": "Here I am"})
    message = await response.json()
    response = await david.client.get(message["url"])
    assert await response.json() == message
