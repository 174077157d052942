"""The page of what takes place, and the same as JSON."""

from tests.conftest import SignIn
from tests.web.conftest import Browse, posted
from tests.web.test_uploads import sent


async def test_a_program_reads_what_takes_place(sign_in: SignIn) -> None:
    david, kevin = await sign_in("David"), await sign_in("Kevin")
    await sent(kevin.client, ("notes.txt", bytes(6_000)))
    await posted(david.client, "Hello")
    used = await (await david.client.get("/account/usage")).json()
    assert 0 < used["free_bytes"] <= used["disk_bytes"]
    assert used["database_bytes"] > 0
    assert used["total"] == {
        **{"id": None, "name": "All"},
        **{"messages": 2, "files": 1, "bytes": 6_000},
    }
    assert [each["name"] for each in used["rooms"]] == ["All Talk"]
    assert [each["name"] for each in used["people"]] == ["Kevin", "David"]
    assert [each["name"] for each in used["kinds"]] == ["other"]


async def test_the_page_shows_it_in_tables(browse: Browse) -> None:
    david, kevin = await browse("David"), await browse("Kevin")
    await kevin.post("/rooms/1/messages", data={"body": "Hello"})
    page = await (await david.get("/account/usage")).text()
    assert '<a href="/rooms/1"><bdi>All Talk</bdi></a>' in page
    assert "<bdi>Kevin</bdi>" in page and "in the trash" not in page
    await kevin.post("/rooms/1/messages/1/delete")
    page = await (await david.get("/account/usage")).text()
    assert "in the trash" in page
    assert "Storage" not in await (await kevin.get("/account")).text()
