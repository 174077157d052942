"""Messages over HTTP: pages of them, posting once, editing, removing."""

import asyncio
import re
from html import escape
from typing import Any

import pytest
from aiohttp import ClientSession, FormData

from tests.conftest import DAVID, KEVIN, SignIn
from tests.web.conftest import FRAGMENT, HTML, JSON, Browse, posted

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
ROOM = "/rooms/1/messages"


async def ids(client: ClientSession, query: str = "") -> list[int]:
    response = await client.get(f"{ROOM}{query}")
    assert response.status == 200, await response.text()
    return [message["id"] for message in await response.json()]


# Posting


async def test_a_message_is_as_the_contract_says(sign_in: SignIn) -> None:
    david = await sign_in("David")
    fields = {"body": "Hello **@Kevin**", "client_message_id": "A-z.0_9:x"}
    response = await david.client.post(ROOM, json=fields)
    assert response.status == 201
    message = await response.json()
    path = f"{ROOM}/{message['id']}"
    assert response.headers["Location"] == path
    creator = message.pop("creator")
    assert set(creator) == {"id", "name", "role", "status", "bio", "avatar_url"}
    assert creator["id"] == DAVID
    assert TIME.fullmatch(message.pop("created_at"))
    assert "<strong>" in message["body"].pop("html")
    assert message == {
        "id": message["id"],
        "room_id": 1,
        "client_message_id": "A-z.0_9:x",
        "seq": 1,
        "body": {"source": "Hello **@Kevin**", "plain": "Hello @Kevin"},
        "edited_at": None,
        "mentions": [KEVIN],
        "attachments": [],
        "preview": None,
        "boosts": [],
        "url": f"/rooms/1/@{message['id']}",
    }
    shown = await (await david.client.get(path)).json()
    assert shown["id"] == message["id"]
    assert (await david.client.get(shown["url"], headers=HTML)).status == 200


async def test_the_server_makes_an_id_when_the_client_has_none(sign_in: SignIn) -> None:
    david = await sign_in("David")
    made = [(await posted(david.client, "x"))["client_message_id"] for _ in range(3)]
    assert len(set(made)) == 3
    assert all(re.fullmatch(r"[A-Za-z0-9._:-]{1,64}", made_id) for made_id in made)


async def test_a_message_is_posted_once_however_often_it_is_sent(
    sign_in: SignIn,
) -> None:
    david, kevin = await sign_in("David"), await sign_in("Kevin")
    fields = {"body": "Once", "client_message_id": "once"}

    async def post(number: int) -> tuple[int, dict[str, Any]]:
        response = await david.client.post(ROOM, json=fields)
        return response.status, await response.json()

    answers = await asyncio.gather(*map(post, range(10)))
    assert sorted(status for status, _ in answers) == [200] * 9 + [201]
    assert all(message == answers[0][1] for _, message in answers)
    other = await david.client.post(ROOM, json=fields | {"body": "Other words"})
    assert (other.status, await other.json()) == (200, answers[0][1])
    assert other.headers["Location"] == f"{ROOM}/{answers[0][1]['id']}"
    assert len(await ids(david.client)) == 1
    room = await (await david.client.get("/rooms/1")).json()
    assert room["seq"] == 1, "nothing was written again"
    kevins = await kevin.client.post(ROOM, json=fields)
    assert kevins.status == 201, "the same id of another person is another message"
    elsewhere = await david.client.post("/rooms/2/messages", json=fields)
    assert elsewhere.status == 201, "and so it is in another room"


async def test_what_was_removed_cannot_be_sent_again(sign_in: SignIn) -> None:
    david = await sign_in("David")
    fields = {"body": "Once", "client_message_id": "once"}
    message = await (await david.client.post(ROOM, json=fields)).json()
    await david.client.delete(f"{ROOM}/{message['id']}")
    again = await david.client.post(ROOM, json=fields)
    assert again.status == 410
    assert (await again.json(content_type=None))["title"] == "Gone"
    assert await ids(david.client) == []


async def test_posting_is_answered_in_the_form_that_was_asked_for(
    browse: Browse,
) -> None:
    kevin = await browse("Kevin")
    page = await kevin.post(ROOM, data={"body": "One"}, allow_redirects=False)
    assert (page.status, page.headers["Location"]) == (303, "/rooms/1")
    fields = {"body": "Two", "client_message_id": "two"}
    for status in (201, 200):
        response = await kevin.post(ROOM, data=fields, headers=FRAGMENT)
        assert (response.status, response.content_type) == (status, "text/html")
        text = await response.text()
        assert text.count("<article") == 1
        assert re.search(
            r'<article [^>]*id="message_two" data-message-id="2" data-seq="2"'
            rf' data-creator-id="{KEVIN}"',
            text,
        )
    window = await (await kevin.get(ROOM, headers=FRAGMENT)).text()
    assert text in window, "the same bytes as in the page"
    assert text in await (await kevin.get("/rooms/1")).text()


@pytest.mark.parametrize("headers", [HTML, FRAGMENT, JSON])
async def test_an_empty_message_is_422(browse: Browse, headers: dict[str, str]) -> None:
    kevin = await browse("Kevin")
    response = await kevin.post(ROOM, data={"body": "\u200b \n"}, headers=headers)
    assert response.status == 422


@pytest.mark.parametrize("words", ["", " \n", "</textarea>" + "x" * 65_536])
async def test_without_scripts_refused_words_come_back_to_be_mended(
    browse: Browse, words: str
) -> None:
    kevin = await browse("Kevin")
    form = FormData({"body": words}, default_to_multipart=True)
    for data in (form, {"body": words}):
        response = await kevin.post(ROOM, data=data, headers=HTML)
        page = await response.text()
        assert response.status == 422
        assert 'action="/rooms/1/messages"' in page
        assert f"{escape(words)}</textarea>" in page
        reason = "too long. 64 KiB" if words.strip() else "empty. Write"
        assert f"<span>This message is {reason}" in page
    page = await (await kevin.get("/rooms/1")).text()
    assert 'id="draft" hidden' in page and "data-message-id" not in page


# Pages of messages


async def test_pages_hang_together_in_both_directions(sign_in: SignIn) -> None:
    david = await sign_in("David")
    made = [(await posted(david.client, str(number)))["id"] for number in range(10)]
    assert await ids(david.client) == made
    assert await ids(david.client, "?limit=3") == made[-3:]
    assert await ids(david.client, f"?before={made[5]}&limit=3") == made[2:5]
    assert await ids(david.client, f"?after={made[5]}&limit=3") == made[6:9]
    assert await ids(david.client, f"?around={made[5]}&limit=5") == made[3:8]
    assert await ids(david.client, f"?before={made[0]}") == []
    assert await ids(david.client, f"?after={made[-1]}") == []


async def test_links_lead_through_everything_once(sign_in: SignIn) -> None:
    david = await sign_in("David")
    made = [(await posted(david.client, str(number)))["id"] for number in range(11)]
    for start in ("?limit=3", f"?after={made[0]}&limit=4"):
        path, seen = f"{ROOM}{start}", []
        while path:
            response = await david.client.get(path)
            seen.append([message["id"] for message in await response.json()])
            link = response.headers.get("Link", "")
            found = re.fullmatch(r'<(/[^>]+)>; rel="next"', link)
            assert found or not link
            path = found[1] if found else ""
        if "after" in start:
            assert [one for part in seen for one in part] == made[1:]
        else:
            assert [one for part in reversed(seen) for one in part] == made


async def test_there_is_no_link_where_there_is_no_more(sign_in: SignIn) -> None:
    david = await sign_in("David")
    assert "Link" not in (await david.client.get(ROOM)).headers
    made = [(await posted(david.client, str(number)))["id"] for number in range(3)]
    for query in ("", f"?before={made[2]}", f"?after={made[0]}", f"?before={made[0]}"):
        assert "Link" not in (await david.client.get(ROOM + query)).headers


@pytest.mark.parametrize(
    ("limit", "fits"), [("0", 1), ("-3", 1), ("1", 1), ("100", 100), ("101", 100)]
)
async def test_a_limit_is_clamped(sign_in: SignIn, limit: str, fits: int) -> None:
    david = await sign_in("David")
    for number in range(101):
        await posted(david.client, str(number))
    assert len(await ids(david.client, f"?limit={limit}")) == fits
    assert len(await ids(david.client, f"?limit={limit}&around=50")) == fits
    assert len(await ids(david.client)) == 40


@pytest.mark.parametrize("anchor", ["before", "after", "around"])
async def test_an_anchor_that_is_not_there_is_404(sign_in: SignIn, anchor: str) -> None:
    david = await sign_in("David")
    elsewhere = (await posted(david.client, "x", room_id=2))["id"]
    for missing in (elsewhere, elsewhere + 1, 0, -1):
        response = await david.client.get(f"{ROOM}?{anchor}={missing}")
        assert response.status == 404


# Editing and removing


async def test_its_author_and_administrators_change_a_message(sign_in: SignIn) -> None:
    kevin, jz, david = [await sign_in(name) for name in ("Kevin", "JZ", "David")]
    message = await posted(kevin.client, "First")
    path = f"{ROOM}/{message['id']}"
    refused = await jz.client.patch(path, json={"body": "Mine"})
    assert refused.status == 403
    assert (await jz.client.delete(path)).status == 403
    assert (await jz.client.get(f"{path}/edit", headers=HTML)).status == 403
    for person, words in ((kevin, "Second"), (david, "Third")):
        response = await person.client.patch(path, json={"body": words})
        assert response.status == 200
        edited = await response.json()
        assert edited["body"]["source"] == words
        assert edited["creator"]["id"] == KEVIN
        assert TIME.fullmatch(edited["edited_at"])
    assert edited["seq"] == 3
    assert await (await jz.client.get(path)).json() == edited
    response = await kevin.client.delete(path)
    assert (response.status, await response.read()) == (204, b"")
    for method in ("GET", "PATCH", "DELETE"):
        response = await kevin.client.request(method, path, json={"body": "x"})
        assert response.status == 404


@pytest.mark.parametrize("body", [{}, {"body": " "}, {"body": "x" * 65_537}])
async def test_an_edit_keeps_the_rules_of_posting(
    sign_in: SignIn, body: dict[str, str]
) -> None:
    kevin = await sign_in("Kevin")
    message = await posted(kevin.client, "First")
    path = f"{ROOM}/{message['id']}"
    assert (await kevin.client.patch(path, json=body)).status == 422
    assert await (await kevin.client.get(path)).json() == message


async def test_a_message_is_edited_in_its_place(browse: Browse) -> None:
    kevin = await browse("Kevin")
    await kevin.post(ROOM, data={"body": "**</textarea>**", "client_message_id": "x"})
    form = await (await kevin.get(f"{ROOM}/1/edit", headers=FRAGMENT)).text()
    assert "**&lt;/textarea&gt;**" in form
    response = await kevin.patch(f"{ROOM}/1", data={"body": "New"}, headers=FRAGMENT)
    assert (response.status, response.content_type) == (200, "text/html")
    text = await response.text()
    assert re.search(r'id="message_x" data-message-id="1" data-seq="2"', text)
    gone = await kevin.delete(f"{ROOM}/1", headers=FRAGMENT)
    assert (gone.status, await gone.text()) == (204, "")


async def test_a_mention_follows_its_name(sign_in: SignIn) -> None:
    david = await sign_in("David")
    message = await posted(david.client, f"Hello <@{KEVIN}> and <@99>")
    assert message["mentions"] == [KEVIN]
    assert message["body"]["source"] == "Hello @Kevin and <@99>"


async def test_without_scripts_one_edits_and_deletes_with_forms(browse: Browse) -> None:
    kevin = await browse("Kevin")
    await kevin.post(ROOM, data={"body": "a **b** <c>"})
    page = await (await kevin.get(f"{ROOM}/1/edit")).text()
    assert "<!doctype html>" in page and "\na **b** &lt;c&gt;</textarea>" in page
    fragment = await (await kevin.get(f"{ROOM}/1/edit", headers=FRAGMENT)).text()
    assert "<!doctype html>" not in fragment
    answer = await kevin.post(
        f"{ROOM}/1", data={"body": "changed"}, allow_redirects=False
    )
    assert (answer.status, answer.headers["Location"]) == (303, "/rooms/1/@1")
    assert "<p>changed</p>" in await (await kevin.get("/rooms/1/@1")).text()
    answer = await kevin.post(f"{ROOM}/1/delete", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/rooms/1")
    assert (await kevin.get(f"{ROOM}/1")).status == 404


# Before posting


async def test_what_is_written_is_shown_and_not_posted(browse: Browse) -> None:
    kevin = await browse("Kevin")
    for form in (FRAGMENT, JSON, HTML):
        answer = await kevin.post(
            "/rooms/1/preview",
            json={"body": "**Hello** @David <script>"},
            headers=form,
        )
        assert answer.status == 200
        html = await answer.text()
        assert "<strong>Hello</strong>" in html
        assert f'data-user-id="{DAVID}">@David</a>' in html
        assert "&lt;script&gt;" in html
    assert await (await kevin.get(ROOM, headers=JSON)).json() == []
    empty = await kevin.post("/rooms/1/preview", json={"body": " "}, headers=JSON)
    assert empty.status == 422


async def test_what_is_written_is_not_shown_without_end(sign_in: SignIn) -> None:
    david = await sign_in("David")
    answers = [
        await david.client.post("/rooms/1/preview", json={"body": "Hello"})
        for _ in range(61)
    ]
    assert [answer.status for answer in answers] == [200] * 60 + [429]
