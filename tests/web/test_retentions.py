"""How long a room keeps its messages, in a browser and as JSON."""

from aiohttp.test_utils import TestServer

from campfire.chat.scopes import DAY
from campfire.database import Tx
from campfire.web.keys import DB
from tests.conftest import ALL_PETS, SignIn
from tests.web.conftest import Browse

PATH = f"/rooms/{ALL_PETS}/retention"


async def grow_old(server: TestServer, days: int) -> None:
    def older(tx: Tx) -> None:
        tx.row("UPDATE messages SET created_at = created_at - ?", (days * DAY,))
        tx.row("INSERT INTO days SELECT 0, min(id), max(id) FROM messages")

    assert server.app is not None
    await server.app[DB].write(older)


async def test_a_program_looks_first_and_then_changes_it(
    server: TestServer, sign_in: SignIn
) -> None:
    david, kevin = (await sign_in("David")).client, (await sign_in("Kevin")).client
    await kevin.post(f"/rooms/{ALL_PETS}/messages", json={"body": "Hello"})
    await grow_old(server, 100)
    nothing = {"days": None, "asked": None, "loss": None}
    assert await (await kevin.get(PATH)).json() == nothing
    assert (await kevin.get(f"{PATH}?days=30")).status == 403
    looked = await (await david.get(f"{PATH}?days=30")).json()
    loss = {"messages": 1, "files": 0, "bytes": 0}
    assert looked == {"days": None, "asked": 30, "loss": loss}
    async with kevin.ws_connect("/socket", protocols=["campfire.json"]) as line:
        await line.receive_json()
        await line.send_json({"command": "room.enter", "room_id": ALL_PETS})
        await line.receive_json()
        answer = await david.put(PATH, json={"days": 30})
        assert (answer.status, (await answer.json())["days"]) == (200, 30)
        event = await line.receive_json(timeout=10)
        assert (event["event"], event["id"]) == ("message.removed", 1)
    assert (await (await kevin.get(PATH)).json())["days"] == 30
    await david.put(PATH, json={"days": None})
    assert (await (await kevin.get(PATH)).json())["days"] is None
    for days in (0, "x", 10**9, True):
        assert (await david.put(PATH, json={"days": days})).status == 422
    assert (await david.put(PATH, json={})).status == 422


async def test_a_browser_sees_what_would_go_before_it_does(
    server: TestServer, browse: Browse
) -> None:
    david, kevin = await browse("David"), await browse("Kevin")
    await kevin.post(f"/rooms/{ALL_PETS}/messages", data={"body": "Hello"})
    await grow_old(server, 100)
    page = await (await david.get(f"/rooms/{ALL_PETS}/edit")).text()
    assert f'href="{PATH}"' in page and "For ever." in page
    page = await (await david.get(f"{PATH}?days=30")).text()
    assert "1 message would go now" in page and 'value="30">Keep for 30 days' in page
    page = await (await david.get(f"{PATH}?days=200")).text()
    assert "Nothing is as old yet" in page
    refused = await david.get(f"{PATH}?days=0")
    assert refused.status == 422 and "From 1 to 36,500." in await refused.text()
    back = await david.post(PATH, data={"days": "30"}, allow_redirects=False)
    assert (back.status, back.headers["Location"]) == (303, PATH)
    page = await (await kevin.get(f"/rooms/{ALL_PETS}/edit")).text()
    assert "For 30 days, then they are deleted for good." in page
    page = await (await kevin.get(PATH)).text()
    assert "For 30 days." in page and "See what would go" not in page
    page = await (await david.get(PATH)).text()
    assert "Keep them for ever" in page
    await david.post(PATH, data={"days": ""})
    assert "For ever." in await (await kevin.get(PATH)).text()
