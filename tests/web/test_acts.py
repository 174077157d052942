"""The audit log in a browser and as JSON."""

from typing import get_args

from campfire.chat.acts import Kind
from campfire.web.acts import WORDS
from tests.conftest import KEVIN, SignIn
from tests.web.conftest import Browse


def test_every_kind_has_its_words() -> None:
    assert set(WORDS) == set(get_args(Kind))


async def test_a_program_follows_the_log_from_page_to_page(sign_in: SignIn) -> None:
    client = (await sign_in("David")).client
    appointed = {"role": "administrator"}
    await client.patch(f"/account/users/{KEVIN}", json=appointed)
    for _ in range(2):
        await client.post("/account/join_code")
    first = await client.get("/account/acts?limit=2")
    assert [act["kind"] for act in await first.json()] == ["invitation.renewed"] * 2
    second = await client.get(first.links["next"]["url"])
    (act,) = await second.json()
    assert "next" not in second.links
    assert act["actor"]["name"] == "David" and act["user"]["name"] == "Kevin"
    assert (act["kind"], act["detail"]) == ("person.appointed", "administrator")
    assert (act["origin"], act["room_id"], act["room_name"]) == ("person", None, None)


async def test_the_page_tells_it_in_words_and_leads_on(browse: Browse) -> None:
    david = await browse("David")
    page = await (await david.get("/account/acts")).text()
    assert "Nothing yet." in page
    await david.post(f"/account/users/{KEVIN}", data={"role": "administrator"})
    await david.post("/account/join_code")
    page = await (await david.get("/account/acts?limit=1")).text()
    assert "made a new invitation" in page and "changed the role of" not in page
    assert 'rel="next" href="/account/acts?before=2&amp;limit=1"' in page
    page = await (await david.get("/account/acts?before=2&limit=1")).text()
    assert "<bdi>Kevin</bdi>" in page and "· administrator" in page
    assert 'rel="next"' not in page
