"""Searches as programs ask for them: hits, counts, pages, refusals."""

import pytest
from aiohttp import ClientSession

from tests.conftest import ALL_PETS, WATERCOOLER, SignIn


async def say(client: ClientSession, text: str, room_id: int = ALL_PETS) -> int:
    async with client.post(f"/rooms/{room_id}/messages", json={"body": text}) as answer:
        assert answer.status == 201
        message_id: int = (await answer.json())["id"]
        return message_id


async def test_a_hit_is_as_the_contract_says(sign_in: SignIn) -> None:
    jz = (await sign_in("JZ")).client
    message_id = await say(jz, "The <b>hut</b> & the hill")
    async with jz.get("/searches", params={"q": "hut"}) as answer:
        assert answer.status == 200
        assert answer.headers["X-Total-Count"] == "1"
        (hit,) = await answer.json()
    async with jz.get(f"/rooms/{ALL_PETS}/messages/{message_id}") as answer:
        assert hit["message"] == await answer.json()
    assert hit["room"] == {"id": ALL_PETS, "name": "All Talk"}
    assert hit["snippet"] == (
        "The &lt;b&gt;<mark>hut</mark>&lt;/b&gt; &amp; the hill"
    ), "escaped first, marked then"
    assert hit.keys() == {"message", "room", "snippet"}


async def test_a_direct_room_is_named_after_the_others(sign_in: SignIn) -> None:
    jz, kevin = await sign_in("JZ"), await sign_in("Kevin")
    direct = {"kind": "direct", "user_ids": [kevin.id]}
    async with jz.client.post("/rooms", json=direct) as answer:
        room_id = (await answer.json())["id"]
    await say(jz.client, "our hut", room_id)
    async with kevin.client.get("/searches", params={"q": "hut"}) as answer:
        assert [hit["room"]["name"] for hit in await answer.json()] == ["JZ"]


async def test_pages_are_followed_by_their_links(sign_in: SignIn) -> None:
    jz = (await sign_in("JZ")).client
    ids = [await say(jz, f"hut {number}") for number in range(5)]
    for sort in ("newest", "relevance"):
        seen: list[int] = []
        url = f"/searches?q=hut&limit=2&sort={sort}"
        while url:
            async with jz.get(url) as answer:
                seen += [hit["message"]["id"] for hit in await answer.json()]
                url = str(answer.links["next"]["url"]) if answer.links else ""
                url = url.replace(str(answer.url.origin()), "")
        assert sorted(seen) == ids
        assert len(seen) == len(ids)


async def test_nobody_finds_what_is_in_rooms_of_others(sign_in: SignIn) -> None:
    jz, kevin = (await sign_in("JZ")).client, (await sign_in("Kevin")).client
    await say(jz, "the secret hut", WATERCOOLER)
    async with jz.get("/searches", params={"q": "hut"}) as answer:
        assert len(await answer.json()) == 1
    for query in ({"q": "hut"}, {"q": "hut", "room_id": str(WATERCOOLER)}):
        async with kevin.get("/searches", params=query) as answer:
            assert answer.headers["X-Total-Count"] == "0"
            assert await answer.json() == []


@pytest.mark.parametrize("query", ["", "q=", "q=%00", "q=%22", "q=%F0%9F%94%A5"])
async def test_nothing_asked_is_nothing_found(sign_in: SignIn, query: str) -> None:
    jz = (await sign_in("JZ")).client
    async with jz.get(f"/searches?{query}") as answer:
        assert (answer.status, await answer.json()) == (200, [])


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("q=hut&limit=100000", 200),
        ("q=hut&limit=-5", 200),
        ("q=hut&offset=-1", 200),
        ("q=hut&limit=x", 422),
        ("q=hut&room_id=x", 422),
        ("q=hut&sort=oldest", 422),
        ("q=hut&before=99999999999999999999", 422),
    ],
)
async def test_numbers_are_clamped_and_nonsense_is_refused(
    sign_in: SignIn, query: str, status: int
) -> None:
    jz = (await sign_in("JZ")).client
    async with jz.get(f"/searches?{query}") as answer:
        assert answer.status == status
