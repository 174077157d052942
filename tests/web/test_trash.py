"""The trash in a browser, as JSON and down the socket."""

from tests.conftest import ALL_PETS, WATERCOOLER, SignIn
from tests.web.conftest import FRAGMENT, Browse

ROOM = f"/rooms/{ALL_PETS}/messages"


async def test_a_program_deletes_and_brings_back(sign_in: SignIn) -> None:
    jz = (await sign_in("JZ")).client
    message = await (await jz.post(ROOM, json={"body": "kettle"})).json()
    path = f"{ROOM}/{message['id']}"
    assert (await jz.post(f"{path}/restore")).status == 404
    await jz.delete(path)
    trash = await (await jz.get("/trash")).json()
    (gone,) = trash["messages"]
    assert (gone["id"], gone["room_name"], gone["plain"]) == (
        *(message["id"], "All Talk"),
        "kettle",
    )
    answer = await jz.post(f"{path}/restore")
    assert answer.status == 200
    back = await answer.json()
    assert back == message | {"seq": message["seq"] + 2}
    assert await (await jz.get(path)).json() == back
    changes = await (await jz.get(f"/rooms/{ALL_PETS}/changes?since=0")).json()
    assert (changes["messages"], changes["removed"]) == ([back], [])
    assert (await (await jz.get("/trash")).json()) == {"rooms": [], "messages": []}


async def test_a_browser_without_scripts_brings_back_a_message(browse: Browse) -> None:
    jz = await browse("JZ")
    await jz.post(ROOM, data={"body": "the kettle <b>boils</b>"})
    page = await (await jz.get(f"{ROOM}/1/edit")).text()
    assert "for 7 days" in page and 'href="/trash"' in page
    await jz.post(f"{ROOM}/1/delete")
    page = await (await jz.get("/trash")).text()
    assert "the kettle &lt;b&gt;boils" in page and "All Talk" in page
    assert f'action="{ROOM}/1/restore"' in page
    back = await jz.post(f"{ROOM}/1/restore", allow_redirects=False)
    assert (back.status, back.headers["Location"]) == (303, f"/rooms/{ALL_PETS}/@1")
    page = await (await jz.get(f"/rooms/{ALL_PETS}")).text()
    assert "the kettle" in page


async def test_a_script_gets_the_message_as_it_is_shown(browse: Browse) -> None:
    jz = await browse("JZ")
    await jz.post(ROOM, data={"body": "kettle"})
    await jz.delete(f"{ROOM}/1", headers=FRAGMENT)
    answer = await jz.post(f"{ROOM}/1/restore", headers=FRAGMENT)
    assert answer.status == 200
    assert (await answer.text()).startswith("<article")


async def test_a_room_comes_back_with_the_kept_pages_of_it(browse: Browse) -> None:
    david, kevin = await browse("David"), await browse("Kevin")
    await kevin.post(ROOM, data={"body": "kettle"})
    await david.post(f"/rooms/{ALL_PETS}/delete", data={})
    assert (await kevin.get(f"/rooms/{ALL_PETS}")).status == 404
    assert "All Talk" not in await (await kevin.get("/trash")).text()
    page = await (await david.get("/trash")).text()
    assert f'action="/rooms/{ALL_PETS}/restore"' in page
    back = await david.post(f"/rooms/{ALL_PETS}/restore", allow_redirects=False)
    assert (back.status, back.headers["Location"]) == (303, f"/rooms/{ALL_PETS}")
    page = await (await kevin.get(f"/rooms/{ALL_PETS}")).text()
    assert "kettle" in page
    assert "brought back a room" in await (await david.get("/account/acts")).text()


async def test_a_program_brings_back_a_room(sign_in: SignIn) -> None:
    david = (await sign_in("David")).client
    room = await (await david.get(f"/rooms/{WATERCOOLER}")).json()
    await david.delete(f"/rooms/{WATERCOOLER}")
    trash = await (await david.get("/trash")).json()
    assert [gone["name"] for gone in trash["rooms"]] == ["Watercooler"]
    answer = await david.post(f"/rooms/{WATERCOOLER}/restore")
    assert answer.status == 200
    assert room == await answer.json() | {"members": room["members"]}
