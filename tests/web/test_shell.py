"""What is around every page: the account's name, its styles, one's own taste."""

import re

import pytest

from tests.conftest import Person, SignIn
from tests.web.conftest import HTML

PAGES = ("/rooms/1", "/rooms/1/edit", "/rooms/new", "/account", "/users/me", "/users/1")


async def text_of(person: Person, path: str) -> str:
    response = await person.client.get(path, headers=HTML)
    assert response.status == 200, path
    return await response.text()


@pytest.mark.parametrize("path", PAGES)
async def test_styles_are_a_sheet_of_their_own_and_can_be_left_out(
    sign_in: SignIn, path: str
) -> None:
    david, kevin = await sign_in("David"), await sign_in("Kevin")
    assert "/account/styles.css" not in await text_of(kevin, path)
    sheet = "body { display: none } </style><script>alert(1)</script>"
    changed = await david.client.patch("/account", json={"custom_styles": sheet})
    assert changed.status == 200
    text = await text_of(kevin, path)
    linked = re.search(r'href="(/account/styles\.css\?v=\d+)"', text)
    assert linked, "named in the page, with its version"
    if path != "/account":
        assert "display: none" not in text
    assert "<script>alert" not in text
    assert "/account/styles.css" not in await text_of(kevin, f"{path}?plain")
    styles = await kevin.client.get(linked[1])
    assert (styles.status, styles.content_type) == (200, "text/css")
    assert await styles.text() == sheet
    assert styles.headers["X-Content-Type-Options"] == "nosniff"
    await david.client.patch("/account", json={"custom_styles": "i { top: 0 }"})
    again = re.search(
        r'href="(/account/styles\.css\?v=\d+)"', await text_of(kevin, path)
    )
    assert again and again[1] != linked[1]


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_says_where_one_is(sign_in: SignIn, path: str) -> None:
    david, kevin = await sign_in("David"), await sign_in("Kevin")
    await david.client.patch("/account", json={"name": "Camp & <b>ground</b>"})
    text = await text_of(kevin, path)
    assert "<b>ground" not in text
    assert "Camp &amp; &lt;b&gt;ground" in text


async def test_the_light_is_ones_own(sign_in: SignIn) -> None:
    kevin, jz = await sign_in("Kevin"), await sign_in("JZ")
    before = await text_of(jz, "/rooms/1")
    for theme in ("dark", "light", "auto"):
        changed = await kevin.client.patch("/users/me", json={"theme": theme})
        assert changed.status == 200
        pages = [await text_of(kevin, path) for path in ("/rooms/1", "/users/me")]
        for text in pages:
            html = re.search("<html[^>]*>", text)
            assert html and (theme == "auto" or f'"{theme}"' in html[0])
    assert await text_of(jz, "/rooms/1") == before
    assert (await kevin.client.patch("/users/me", json={"theme": "x"})).status == 422


@pytest.mark.parametrize(
    ("field", "sign"),
    [("plays_sounds", "is-muted"), ("shows_previews", "hides-previews")],
)
async def test_what_one_wants_to_see_and_hear_is_ones_own(
    sign_in: SignIn, field: str, sign: str
) -> None:
    kevin, jz = await sign_in("Kevin"), await sign_in("JZ")

    async def bodies(person: Person) -> list[str]:
        pages = [await text_of(person, path) for path in PAGES]
        return [text.partition("<body")[2].partition(">")[0] for text in pages]

    for off, on in ((False, True), ("off", "on")):
        changed = await kevin.client.patch("/users/me", json={field: off})
        assert changed.status == 200
        assert field not in await changed.json(), "the shape of Me is what it was"
        assert all(sign in body for body in await bodies(kevin))
        assert not any(sign in body for body in await bodies(jz))
        await kevin.client.patch("/users/me", json={field: on})
        assert not any(sign in body for body in await bodies(kevin))
    refused = await kevin.client.patch("/users/me", json={field: "perhaps"})
    assert refused.status == 422
    assert (await refused.json())["errors"].keys() == {field}
