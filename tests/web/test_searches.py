"""Searches as programs ask for them: hits, counts, pages, refusals."""

import pytest
from aiohttp import ClientSession

from campfire.chat import searches
from tests.conftest import ALL_PETS, WATERCOOLER, SignIn
from tests.web.conftest import Browse


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
                assert answer.headers["X-Total-Count"] == "5", "on every page"
                assert "X-Total-Count-Capped" not in answer.headers
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


async def test_a_link_that_no_header_holds_is_left_out(sign_in: SignIn) -> None:
    jz = (await sign_in("JZ")).client
    for number in range(2):
        await say(jz, f"hut {number}")
    for text, is_linked in (("hut", True), ("hut " * 1_250, False)):
        async with jz.get("/searches", params={"q": text, "limit": "1"}) as answer:
            assert len(await answer.json()) == 1
            assert ("Link" in answer.headers) is is_linked


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
        ("q=hut&before=99999999999999999999", 200),
        ("q=hut&limit=1&seen=" + "9" * 5_000, 200),
    ],
)
async def test_numbers_are_clamped_and_nonsense_is_refused(
    sign_in: SignIn, query: str, status: int
) -> None:
    jz = (await sign_in("JZ")).client
    for number in range(2):
        await say(jz, f"hut {number}")
    async with jz.get(f"/searches?{query}") as answer:
        assert answer.status == status


async def page(browser: ClientSession, path: str) -> str:
    async with browser.get(path) as answer:
        assert answer.status == 200
        return await answer.text()


async def test_the_page_shows_hits_with_marks_between_their_neighbours(
    sign_in: SignIn, browse: Browse
) -> None:
    jz, kevin = (await sign_in("JZ")).client, await browse("Kevin")
    await say(jz, "come in")
    message_id = await say(jz, "The <b>hut</b> & the hill")
    await say(jz, "shut the door")
    found = await page(kevin, "/searches?q=hut+hill")
    assert "<b>1 message</b> with" in found
    assert (
        "The &lt;b&gt;<mark>hut</mark>&lt;/b&gt; &amp; the <mark>hill</mark>" in found
    )
    assert "come in" in found
    assert "shut the door" in found
    assert f'/rooms/{ALL_PETS}/@{message_id}?q=hut+hill&amp;hit=1"' in found


async def test_filters_read_like_a_sentence_and_are_taken_out_by_a_link(
    browse: Browse,
) -> None:
    kevin = await browse("Kevin")
    query = "q=hut+has:file+after:2026-11-01&room_id=1&creator_id=3&sort=relevance"
    found = await page(kevin, f"/searches?{query}")
    for words in ("In All Talk", "From JZ", "Since 1 November", "With a file"):
        assert f'aria-label="{words}, remove"' in found or f"{words} 2026, rem" in found
    rest = "q=hut+after%3A2026-11-01&amp;room_id=1&amp;creator_id=3&amp;sort=relevance"
    assert f'href="/searches?{rest}" aria-label="With a file, remove"' in found
    assert "Nothing found" in found
    assert 'href="/searches?q=hut&amp;sort=relevance">Search everywhere' in found


async def test_more_than_is_counted_is_said_to_be_more(
    sign_in: SignIn, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searches, "MOST_COUNTED", 3)
    jz, kevin = (await sign_in("JZ")).client, await browse("Kevin")
    ids = [await say(jz, f"hut {number}") for number in range(5)]
    for query in ("q=hut&limit=2", f"q=hut&limit=2&before={ids[2]}"):
        async with jz.get(f"/searches?{query}") as answer:
            assert answer.headers["X-Total-Count"] == "3"
            assert answer.headers["X-Total-Count-Capped"] == "true"
        assert "<b>More than 3 messages</b> with" in await page(
            kevin, f"/searches?{query}"
        )


async def test_a_form_narrows_down_and_is_remembered(browse: Browse) -> None:
    kevin = await browse("Kevin")
    fields = {
        "q": " the  hut ",
        "room_id": "1",
        "creator_id": "",
        "after": "2026-11-01",
        "before": "2026-11-05",
        "file": "on",
    }
    async with kevin.post("/searches", data=fields, allow_redirects=False) as answer:
        assert answer.status == 302
        location = answer.headers["Location"]
    text = "the+hut+after%3A2026-11-01+before%3A2026-11-06+has%3Afile"
    assert location == f"/searches?q={text}&room_id=1"
    found = await page(kevin, location)
    assert 'name="before" value="2026-11-05"' in found, "the last day is part of it"
    assert 'value="the hut"' in found
    again = await page(kevin, "/searches")
    assert "the hut after:2026-11-01 before:2026-11-06 has:file</span>" in again
    async with kevin.post("/searches/delete") as answer:
        assert str(answer.url.relative()) == "/searches"
        assert "the hut" not in await answer.text()


async def test_looking_writes_nothing(sign_in: SignIn, browse: Browse) -> None:
    kevin = await browse("Kevin")
    await page(kevin, "/searches?q=hut")
    assert "Looked for lately" not in await page(kevin, "/searches")
    async with kevin.post("/searches", data={"q": "hut"}):
        pass
    assert "Looked for lately" in await page(kevin, "/searches")


@pytest.mark.parametrize(
    "fields", [{"after": "yesterday"}, {"before": "9999-12-31"}, {"room_id": "x"}]
)
async def test_a_form_with_nonsense_is_refused(
    browse: Browse, fields: dict[str, str]
) -> None:
    kevin = await browse("Kevin")
    async with kevin.post("/searches", data={"q": "hut"} | fields) as answer:
        assert answer.status == 422


async def test_older_results_follow_by_key_and_go_on_counting(
    sign_in: SignIn, browse: Browse
) -> None:
    jz, kevin = (await sign_in("JZ")).client, await browse("Kevin")
    ids = [await say(jz, f"hut {number}") for number in range(5)]
    found = await page(kevin, "/searches?q=hut&limit=2")
    query = f"q=hut&amp;limit=2&amp;before={ids[3]}&amp;seen=2"
    assert f'href="/searches?{query}" rel="next"' in found
    found = await page(kevin, "/searches?" + query.replace("&amp;", "&"))
    assert "<b>5 messages</b> with" in found
    assert f'/@{ids[2]}?q=hut&amp;hit=3"' in found
