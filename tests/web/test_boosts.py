"""Boosts over HTTP: one round trip, in the form that was asked for."""

import pytest

from campfire.chat.parts import Boost
from campfire.chat.users import User
from campfire.web import render
from tests.conftest import KEVIN, SignIn
from tests.web.conftest import FRAGMENT, Browse, posted


async def test_a_boost_is_as_the_contract_says(sign_in: SignIn) -> None:
    david, kevin = await sign_in("David"), await sign_in("Kevin")
    message = await posted(david.client, "Hello")
    path = f"/messages/{message['id']}/boosts"
    answer = await kevin.client.post(path, json={"content": " so  true "})
    assert answer.status == 201
    boost = await answer.json()
    assert boost == {
        "id": boost["id"],
        "message_id": message["id"],
        "content": "so true",
        "booster": {"id": KEVIN, "name": "Kevin"},
        "created_at": boost["created_at"],
    }
    again = await kevin.client.post(path, json={"content": "so true"})
    assert (again.status, await again.json()) == (200, boost)
    assert await (await david.client.get(path)).json() == [boost]
    changes = await (await david.client.get("/rooms/1/changes?since=1")).json()
    assert changes["seq"] == 2
    assert [each["boosts"] for each in changes["messages"]] == [[boost]]

    removal = f"{path}/{boost['id']}"
    assert (await david.client.delete(removal)).status == 404
    answer = await kevin.client.delete(removal)
    assert (answer.status, await answer.read()) == (204, b"")
    assert (await kevin.client.delete(removal)).status == 404
    assert await (await david.client.get(path)).json() == []


async def test_a_fragment_is_the_whole_message(browse: Browse) -> None:
    kevin = await browse("Kevin")
    await kevin.post("/rooms/1/messages", data={"body": "Hello"})
    path = "/messages/1/boosts"
    data = {"content": "<b>🔥</b>"}
    answer = await kevin.post(path, data=data, headers=FRAGMENT)
    text = await answer.text()
    assert answer.status == 201
    assert text.startswith("<article") and 'data-seq="2"' in text
    assert "&lt;b&gt;🔥&lt;/b&gt;</bdi>" in text
    assert f'data-boosts="1:{KEVIN}"' in text
    assert "Kevin: </span>" in text
    answer = await kevin.delete(f"{path}/1", headers=FRAGMENT)
    assert answer.status == 200
    text = await answer.text()
    assert 'data-seq="3"' in text and "data-boosts" not in text


async def test_without_scripts_one_boosts_and_takes_back_with_forms(
    browse: Browse,
) -> None:
    kevin = await browse("Kevin")
    await kevin.post("/rooms/1/messages", data={"body": "Hello"})
    path = "/messages/1/boosts"
    page = await (await kevin.get(path)).text()
    assert 'value="👍"' in page and "Take back" not in page
    data = {"content": "👍"}
    answer = await kevin.post(path, data=data, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/rooms/1/@1")
    assert "Take back" in await (await kevin.get(path)).text()
    answer = await kevin.post(f"{path}/1/delete", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/rooms/1/@1")
    assert "Take back" not in await (await kevin.get(path)).text()


@pytest.mark.parametrize(
    "content", ["", "  ", "x" * 17, "\0", "a\0b", "\u200b", 3, None, ["x"]]
)
async def test_what_cannot_be_a_boost_is_refused(
    sign_in: SignIn, content: object
) -> None:
    david = await sign_in("David")
    message = await posted(david.client, "Hello")
    path = f"/messages/{message['id']}/boosts"
    answer = await david.client.post(path, json={"content": content})
    assert answer.status == 422
    assert (await answer.json(content_type=None))["errors"].keys() == {"content"}
    assert await (await david.client.get(path)).json() == []


def test_equal_boosts_share_a_pill_that_stays_small() -> None:
    people = [
        User(number, f"P{number}", "member", "active", "", 0) for number in range(1, 41)
    ]
    given = [Boost(person.id, 7, "👍", 0, person) for person in people]
    given.insert(1, Boost(99, 7, "yes", 0, people[0]))
    first, second = render.pills(given)
    assert (first.content, second.content) == ("👍", "yes")
    assert (len(first.faces), first.more) == (3, 37)
    assert first.names == "P1, P2, P3, P4, P5, P6, P7, P8, P9, P10 and 30 others"
    assert first.ids.startswith("1:1 2:2 3:3 ")
    assert (second.names, second.ids, second.more) == ("P1", "99:1", 0)
    (pair,) = render.pills(given[2:4])
    assert pair.names == "P2 and P3"
    (eleven,) = render.pills(given[2:13])
    assert eleven.names.endswith("P11 and one other")
