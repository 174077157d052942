"""The inbox: as programs ask for it, and as a page that works without scripts."""

import pytest
from aiohttp import ClientSession

from tests.conftest import ALL_PETS, DAVID, JASON, WATERCOOLER, SignIn
from tests.web.conftest import FRAGMENT, Browse, posted


async def listed(client: ClientSession, query: str = "") -> list[int]:
    async with client.get(f"/inbox{query}") as answer:
        assert answer.status == 200, await answer.text()
        return [hit["message"]["id"] for hit in await answer.json()]


async def text(client: ClientSession, path: str) -> str:
    async with client.get(path) as answer:
        assert answer.status == 200
        return await answer.text()


async def test_an_entry_is_a_hit_as_the_contract_says(sign_in: SignIn) -> None:
    jz, kevin = (await sign_in("JZ")).client, (await sign_in("Kevin")).client
    message = await posted(jz, "@Kevin the <b>hut</b>\n\n& the hill")
    async with kevin.get("/inbox", params={"kind": "mentions"}) as answer:
        (hit,) = await answer.json()
    assert hit == {
        "message": message,
        "room": {"id": ALL_PETS, "name": "All Talk"},
        "snippet": "@Kevin the &lt;b&gt;hut&lt;/b&gt; &amp; the hill",
    }


async def test_mentions_and_what_is_unread_have_lists_of_their_own(
    sign_in: SignIn,
) -> None:
    jz, kevin = (await sign_in("JZ")).client, (await sign_in("Kevin")).client
    called = (await posted(jz, "@Kevin look"))["id"]
    other = (await posted(jz, "nothing for you"))["id"]
    assert await listed(kevin, "?kind=mentions") == [called]
    assert await listed(kevin, "?kind=unread") == [other, called]
    assert await listed(kevin) == [called]
    assert await listed(jz, "?kind=unread") == []
    async with kevin.get("/inbox?kind=starred") as answer:
        assert answer.status == 422


async def test_pages_are_followed_by_their_links(sign_in: SignIn) -> None:
    jz, kevin = (await sign_in("JZ")).client, (await sign_in("Kevin")).client
    ids = [(await posted(jz, f"@Kevin {number}"))["id"] for number in range(5)]
    seen: list[int] = []
    url = "/inbox?kind=mentions&limit=2"
    while url:
        async with kevin.get(url) as answer:
            seen += [hit["message"]["id"] for hit in await answer.json()]
            url = str(answer.links["next"]["url"]) if answer.links else ""
            url = url.replace(str(answer.url.origin()), "")
    assert seen == ids[::-1]


async def test_what_is_read_here_is_read_in_the_room(sign_in: SignIn) -> None:
    jz, kevin = (await sign_in("JZ")).client, (await sign_in("Kevin")).client
    first, second = [(await posted(jz, f"@Kevin {n}"))["id"] for n in range(2)]

    async def unread() -> int:
        async with kevin.get(f"/rooms/{ALL_PETS}") as answer:
            count: int = (await answer.json())["membership"]["unread_count"]
            return count

    assert await unread() == 2
    async with kevin.post("/inbox/read", json={"message_id": first}) as answer:
        assert answer.status == 204
    assert (await unread(), await listed(kevin, "?kind=unread")) == (1, [second])
    async with kevin.post("/inbox/read") as answer:
        assert answer.status == 204
    assert (await unread(), await listed(kevin, "?kind=unread")) == (0, [])


async def test_the_page_says_who_wants_what_and_marks_it_read(
    sign_in: SignIn, browse: Browse
) -> None:
    jz, kevin = (await sign_in("JZ")).client, await browse("Kevin")
    assert "All quiet" in await text(kevin, "/inbox")
    message = await posted(jz, "@Kevin the <b>hut</b>")
    page = await text(kevin, "/inbox")
    assert "All quiet" not in page
    assert "mentioned you" in page
    assert "the &lt;b&gt;hut&lt;/b&gt;" in page
    assert "What you missed" in page
    assert '<b>1</b><span class="visually-hidden"> unread' in page, "the shortcut"
    async with kevin.post("/inbox/read", data={"message_id": message["id"]}) as answer:
        assert str(answer.url.relative()) == "/inbox"
        page = await answer.text()
    assert "mentioned you" in page
    assert "What you missed" not in page
    assert "Mark as read" not in page


async def test_the_list_alone_is_a_fragment(sign_in: SignIn) -> None:
    jz, kevin = (await sign_in("JZ")).client, (await sign_in("Kevin")).client
    await posted(jz, "@Kevin look")
    async with kevin.get("/inbox", headers=FRAGMENT) as answer:
        fragment = await answer.text()
    assert "inbox-item" in fragment
    assert "<html" not in fragment


@pytest.mark.parametrize("kind", ["all", "mentions", "unread"])
async def test_nobody_sees_what_is_in_rooms_of_others(
    sign_in: SignIn, kind: str
) -> None:
    jason, jz = (await sign_in("Jason")).client, await sign_in("JZ")
    message = await posted(jason, "@JZ between us", WATERCOOLER)
    assert await listed(jz.client, f"?kind={kind}") == [message["id"]]
    david = (await sign_in("David")).client
    fields = {"kind": "closed", "user_ids": [DAVID, JASON]}
    async with david.patch(f"/rooms/{WATERCOOLER}", json=fields) as answer:
        assert answer.status == 200
    assert await listed(jz.client, f"?kind={kind}") == []


async def test_an_answer_begins_after_what_it_quotes(sign_in: SignIn) -> None:
    jz, kevin = (await sign_in("JZ")).client, (await sign_in("Kevin")).client
    asked = await posted(kevin, "Is it lit?")
    link = f"http://here{asked['url']}"
    await posted(jz, f"> Is it lit?\n>\n> — [Kevin]({link})\n\nSince noon")
    async with kevin.get("/inbox?kind=replies") as answer:
        assert [hit["snippet"] for hit in await answer.json()] == ["Since noon"]


async def test_a_boost_on_my_words_is_on_the_page_and_no_hit(
    sign_in: SignIn, browse: Browse
) -> None:
    jz, kevin = (await sign_in("JZ")).client, await sign_in("Kevin")
    message = await posted(kevin.client, "It is <lit>")
    path = f"/messages/{message['id']}/boosts"
    async with jz.post(path, json={"content": "<b>🔥"}) as answer:
        assert answer.status == 201
    page = await text(await browse("Kevin"), "/inbox")
    assert "boosted your message" in page
    assert "&lt;b&gt;🔥 on “It is &lt;lit&gt;”" in page
    assert await listed(kevin.client) == []
