"""Revocation: after the answer to what took it away, nothing more is given."""

from collections.abc import Awaitable, Callable

import pytest
from aiohttp import ClientSession

from tests.conftest import JZ, PASSWORD, WATERCOOLER, Person, SignIn
from tests.live.line import Line

ROOM = f"/rooms/{WATERCOOLER}"
FORMS = {
    "page": {"Accept": "text/html"},
    "fragment": {"Accept": "text/html", "HX-Request": "true"},
    "json": {"Accept": "application/json"},
}
Act = Callable[[ClientSession, ClientSession], Awaitable[object]]


async def removed_from_the_room(david: ClientSession, jz: ClientSession) -> None:
    await david.patch(ROOM, json={"user_ids": [1, 2]})


async def room_deleted(david: ClientSession, jz: ClientSession) -> None:
    await david.delete(ROOM)


async def deactivated(david: ClientSession, jz: ClientSession) -> None:
    await david.delete(f"/account/users/{JZ}")


async def banned(david: ClientSession, jz: ClientSession) -> None:
    await david.post(f"/users/{JZ}/ban")


async def signed_out(david: ClientSession, jz: ClientSession) -> None:
    await jz.delete("/session")


OF_THE_ROOM = (removed_from_the_room, room_deleted)
OF_THE_PERSON = (deactivated, banned, signed_out)


async def warmed(sign_in: SignIn) -> tuple[Person, Person, Line, dict[str, str]]:
    """David, JZ, a socket of hers in the room, and the tags of what she has seen."""
    david, jz = await sign_in("David"), await sign_in("JZ")
    body = {"body": "Between us"}
    await david.client.post(f"{ROOM}/messages", json=body)
    line = await Line.open(jz)
    await line.enter(WATERCOOLER)
    tags = {}
    for form, headers in FORMS.items():
        answer = await jz.client.get(f"{ROOM}/messages", headers=headers)
        assert "Between us" in await answer.text()
        tags[form] = answer.headers["ETag"]
    return david, jz, line, tags


@pytest.mark.parametrize("act", OF_THE_ROOM + OF_THE_PERSON)
async def test_nothing_is_given_after_the_answer(sign_in: SignIn, act: Act) -> None:
    david, jz, line, tags = await warmed(sign_in)
    await act(david.client, jz.client)
    refused = 404 if act in OF_THE_ROOM else 401
    for form, headers in FORMS.items():
        for path in (f"{ROOM}/messages", ROOM, f"{ROOM}/@1", f"{ROOM}/changes?since=0"):
            answer = await jz.client.get(
                path,
                headers=headers | {"If-None-Match": tags[form]},
                allow_redirects=False,
            )
            led_to_the_door = form == "page" and refused == 401
            assert answer.status == (302 if led_to_the_door else refused)
            assert "Between us" not in await answer.text()
    posted = await jz.client.post(f"{ROOM}/messages", json={"body": "Still here?"})
    assert posted.status == refused


@pytest.mark.parametrize("act", OF_THE_PERSON)
async def test_the_sockets_of_who_is_gone_close(sign_in: SignIn, act: Act) -> None:
    david, jz, line, _ = await warmed(sign_in)
    await act(david.client, jz.client)
    while (message := await line.ws.receive(10)).data != 4401:
        assert "Between us" not in str(message.data)


@pytest.mark.parametrize("act", OF_THE_ROOM)
async def test_who_is_out_of_the_room_is_told_and_hears_no_more(
    sign_in: SignIn, act: Act
) -> None:
    david, jz, line, _ = await warmed(sign_in)
    await act(david.client, jz.client)
    await line.hear("membership.revoked", "room.removed", room_id=WATERCOOLER)
    await david.client.post(f"{ROOM}/messages", json={"body": "Without her"})
    heard = await line.up_to_now()
    assert [event for event in heard if event.get("room_id") == WATERCOOLER] == []
    refused = await line.obeyed("room.type", room_id=WATERCOOLER)
    assert (refused["event"], refused["status"]) == ("command.refused", 404)


@pytest.mark.parametrize(
    "change", [{"password": "another horse"}, {"email_address": "jz@new.example"}]
)
async def test_a_new_password_or_address_ends_the_other_sign_ins_only(
    sign_in: SignIn, change: dict[str, str]
) -> None:
    here, there = await sign_in("JZ"), await sign_in("JZ")
    line = await Line.open(there)
    proof = {"current_password": PASSWORD}
    assert (await here.client.patch("/users/me", json=change | proof)).status == 200
    while (await line.ws.receive(10)).data != 4401:
        pass
    assert (await there.client.get("/rooms")).status == 401
    assert (await here.client.get("/rooms")).status == 200


async def test_signing_out_everywhere_else_keeps_this_one(sign_in: SignIn) -> None:
    here, there = await sign_in("JZ"), await sign_in("JZ")
    assert (await here.client.delete("/sessions")).status == 204
    assert (await there.client.get("/rooms")).status == 401
    assert (await here.client.get("/rooms")).status == 200
