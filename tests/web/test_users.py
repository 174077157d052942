"""People's pictures: initials on a colour, one for each version of a person."""

import io
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from aiohttp import FormData
from aiohttp.test_utils import TestServer

from campfire.chat import passwords
from campfire.chat.users import User
from campfire.web.keys import EXPORTING
from campfire.web.users import COLOURS, initials, picture
from tests.conftest import DAVID, JZ, KEVIN, PASSWORD, WATERCOOLER, SignIn, address
from tests.web.conftest import HTML, posted


def test_initials_are_the_first_letters_in_any_script() -> None:
    assert initials("David Heinemeier Hansson") == "DHH"
    assert initials("jz") == "j"
    assert initials("(Łukasz) 2nd") == "Ł2"
    assert initials("山田 太郎") == "山太"
    assert initials("\N{FIRE} \N{FIRE}") == "?"
    assert initials("a b c d") == "abc"


@pytest.mark.parametrize("name", ["David", "<script> &", "David Heinemeier Hansson"])
def test_a_picture_is_well_formed_whatever_the_name(name: str) -> None:
    user = User(DAVID, name, "member", "active", "", 0)
    drawn = ElementTree.fromstring(picture(user))
    assert drawn.tag == "{http://www.w3.org/2000/svg}svg"
    text = drawn.find("{http://www.w3.org/2000/svg}text")
    assert text is not None and text.text == initials(name)


def test_white_letters_can_be_read_on_every_colour() -> None:
    def luminance(colour: str) -> float:
        def linear(part: str) -> float:
            value = int(part, 16) / 255
            return (
                value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4
            )

        red, green, blue = (linear(colour[at : at + 2]) for at in (1, 3, 5))
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    assert all(1.05 / (luminance(colour) + 0.05) >= 4.5 for colour in COLOURS)


@pytest.mark.parametrize(
    "change",
    [
        {"password": "password1"},
        {"password": address("Kevin")},
        {"password": "kevin@new.example", "email_address": "kevin@new.example"},
        {"password": "kevin rose", "name": "Kevin Rose"},
    ],
)
async def test_a_new_password_that_is_guessed_first_is_refused_beside_its_field(
    sign_in: SignIn, change: dict[str, str]
) -> None:
    kevin = await sign_in("Kevin")
    words = change | {"current_password": PASSWORD}
    refused = await kevin.client.patch("/users/me", json=words)
    assert refused.status == 422
    assert (await refused.json())["errors"].keys() == {"password"}
    page = await kevin.client.post("/users/me", data=words, headers=HTML)
    assert page.status == 422
    assert 'id="password-error"' in await page.text()
    words["password"] = "another horse"
    assert (await kevin.client.patch("/users/me", json=words)).status == 200


async def test_a_form_takes_a_password_as_long_as_it_may_be(sign_in: SignIn) -> None:
    kevin = await sign_in("Kevin")
    text = await (await kevin.client.get("/users/me", headers=HTML)).text()
    assert text.count(f'maxlength="{passwords.LONGEST}"') == 2


async def test_a_picture_is_kept_by_the_browser_until_it_changes(
    sign_in: SignIn,
) -> None:
    david = await sign_in("David")
    room = await (await david.client.get("/rooms/1")).json()
    for member in room["members"]:
        response = await david.client.get(member["avatar_url"])
        assert (response.status, response.content_type) == (200, "image/svg+xml")
        assert response.headers["Cache-Control"].startswith("private, max-age=")
        again = await david.client.get(
            member["avatar_url"], headers={"If-None-Match": response.headers["ETag"]}
        )
        assert (again.status, await again.read()) == (304, b"")
    assert (await david.client.get("/users/99/avatar")).status == 404


async def test_the_current_password_is_not_guessed_for_long(sign_in: SignIn) -> None:
    kevin = await sign_in("Kevin")
    wrong = {"email_address": "k@x.example", "current_password": "wrong"}
    for _ in range(10):
        assert (await kevin.client.patch("/users/me", json=wrong)).status == 422
    right = wrong | {"current_password": PASSWORD}
    refused = await kevin.client.patch("/users/me", json=right)
    assert refused.status == 429 and int(refused.headers["Retry-After"]) > 0
    assert (await kevin.client.patch("/users/me", json={"bio": "Hi"})).status == 200


async def test_a_photo_that_cannot_be_used_is_refused_beside_its_field(
    sign_in: SignIn,
) -> None:
    kevin = await sign_in("Kevin")

    def form() -> FormData:
        form = FormData()
        form.add_field("avatar", b"no picture", filename="kevin.png")
        return form

    refused = await kevin.client.patch("/users/me", data=form())
    assert refused.status == 422
    assert (await refused.json())["errors"].keys() == {"avatar"}
    page = await kevin.client.post("/users/me", data=form(), headers=HTML)
    assert page.status == 422 and 'id="avatar-error"' in await page.text()


async def test_only_a_photo_takes_its_time(sign_in: SignIn) -> None:
    kevin = await sign_in("Kevin")
    saved = await kevin.client.post("/users/me", data={"bio": "Hi"}, headers=HTML)
    assert "Saved." in await saved.text()
    assert "half an hour" not in await saved.text()
    photo = await kevin.client.get("/users/me?saved=photo", headers=HTML)
    assert "half an hour" in await photo.text()


async def test_one_takes_along_ones_own_words_and_no_others(
    sign_in: SignIn, tmp_path: Path
) -> None:
    david, jz = await sign_in("David"), await sign_in("JZ")
    await posted(david.client, "Of David")
    await posted(jz.client, "Of JZ")
    await posted(jz.client, "Among few", room_id=WATERCOOLER)
    answer = await jz.client.post("/users/me/export")
    assert (answer.status, answer.content_type) == (200, "application/zip")
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    with zipfile.ZipFile(io.BytesIO(await answer.read())) as archive:
        said = archive.read("words/said.js").decode()
        page = archive.read("words/page-1.html").decode()
    assert "Of JZ" in said and "Among few" in page
    assert "Of David" not in said + page
    assert not list(tmp_path.glob(".words-*"))


async def test_it_is_not_made_for_many_at_once_nor_all_the_time(
    server: TestServer, sign_in: SignIn
) -> None:
    assert server.app is not None
    jz = await sign_in("JZ")
    for others in ({DAVID, KEVIN}, {JZ}):
        server.app[EXPORTING].update(others)
        answer = await jz.client.post("/users/me/export")
        assert (answer.status, answer.headers["Retry-After"]) == (429, "60")
        server.app[EXPORTING].clear()
    statuses = [(await jz.client.post("/users/me/export")).status for _ in range(5)]
    assert statuses == [200] * 4 + [429]
