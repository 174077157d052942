"""Who hears of rooms and people over a socket: everybody it is for, and nobody else."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import ClientResponse

from tests.conftest import (
    ALL_PETS,
    DAVID,
    JZ,
    KEVIN,
    WATERCOOLER,
    Person,
    SignIn,
    address,
)
from tests.live.line import Line

NAMES = ("David", "Jason", "JZ", "Kevin")
Event = dict[str, Any]
Act = Callable[["House"], Coroutine[Any, Any, ClientResponse]]


@dataclass
class House:
    """Everybody is signed in and has a line open in no room; JZ has a second one."""

    people: dict[str, Person]
    lines: dict[str, Line]

    async def patch(self, who: str, path: str, **words: Any) -> ClientResponse:
        return await self.people[who].client.patch(path, json=words)

    async def post(self, who: str, path: str, **words: Any) -> ClientResponse:
        return await self.people[who].client.post(path, json=words)

    async def put(self, who: str, path: str, **words: Any) -> ClientResponse:
        return await self.people[who].client.put(path, json=words)

    async def delete(self, who: str, path: str) -> ClientResponse:
        return await self.people[who].client.delete(path)

    async def hear_out(self) -> dict[str, list[Event]]:
        """All that each has heard, up to something that is for everybody.

        Who could hear that and nothing of what came before it was not meant.
        """
        renamed = await self.patch("David", "/account", name="Later")
        assert renamed.status == 200
        for line in self.lines.values():
            await line.hear("account.changed", account={"name": "Later"})
        return {name: line.heard[:-1] for name, line in self.lines.items()}


@pytest.fixture
async def house(sign_in: SignIn) -> House:
    """What the coming of the people brought is heard and forgotten."""
    people = {name: await sign_in(name) for name in NAMES}
    lines: dict[str, Line] = {}
    for name, person in people.items():
        newcomer = await Line.open(person)
        for line in lines.values():
            await line.hear("presence.changed", user_id=person.id)
        lines[name] = newcomer
    lines["JZ elsewhere"] = await Line.open(people["JZ"])
    for line in lines.values():
        line.heard.clear()
    return House(people, lines)


async def opens_a_room(house: House) -> ClientResponse:
    return await house.post("JZ", "/rooms", kind="open", name="HQ")


async def makes_a_closed_room(house: House) -> ClientResponse:
    words = {"kind": "closed", "name": "Designers", "user_ids": [DAVID]}
    return await house.post("JZ", "/rooms", **words)


async def writes_to_one_person(house: House) -> ClientResponse:
    words = {"kind": "direct", "user_ids": [KEVIN], "body": "Psst"}
    return await house.post("JZ", "/rooms", **words)


async def renames_the_room(house: House) -> ClientResponse:
    return await house.patch("David", f"/rooms/{WATERCOOLER}", name="Tea kitchen")


async def stars_the_room(house: House) -> ClientResponse:
    return await house.put("JZ", f"/rooms/{WATERCOOLER}/star")


async def hides_the_room(house: House) -> ClientResponse:
    path = f"/rooms/{WATERCOOLER}/involvement"
    return await house.put("JZ", path, involvement="invisible")


async def lets_kevin_in(house: House) -> ClientResponse:
    user_ids = [1, 2, 3, KEVIN]
    return await house.patch("David", f"/rooms/{WATERCOOLER}", user_ids=user_ids)


async def opens_the_room(house: House) -> ClientResponse:
    return await house.patch("David", f"/rooms/{WATERCOOLER}", kind="open")


async def closes_the_room(house: House) -> ClientResponse:
    words = {"kind": "closed", "user_ids": [1, 2]}
    return await house.patch("David", f"/rooms/{ALL_PETS}", **words)


async def puts_jz_out(house: House) -> ClientResponse:
    return await house.patch("David", f"/rooms/{WATERCOOLER}", user_ids=[1, 2])


async def deletes_the_room(house: House) -> ClientResponse:
    return await house.delete("David", f"/rooms/{WATERCOOLER}")


async def changes_their_name(house: House) -> ClientResponse:
    return await house.patch("JZ", "/users/me", name="Jay Zed", bio="Here")


async def appoints_an_administrator(house: House) -> ClientResponse:
    return await house.patch("David", f"/account/users/{JZ}", role="administrator")


async def renames_the_account(house: House) -> ClientResponse:
    return await house.patch("David", "/account", name="37signals")


async def speaks(house: House) -> ClientResponse:
    return await house.post("JZ", f"/rooms/{WATERCOOLER}/messages", body="Hello")


JZS = {"JZ", "JZ elsewhere"}
INSIDE = {"David", "Jason", *JZS}
ALL = {"Kevin", *INSIDE}


@pytest.mark.parametrize(
    ("act", "name", "hear"),
    [
        (opens_a_room, "room.created", ALL),
        (makes_a_closed_room, "room.created", {"David", *JZS}),
        (writes_to_one_person, "room.created", {"Kevin", *JZS}),
        (writes_to_one_person, "room.unread", {"Kevin"}),
        (renames_the_room, "room.changed", INSIDE),
        (stars_the_room, "room.changed", JZS),
        (hides_the_room, "room.changed", JZS),
        (lets_kevin_in, "membership.granted", {"Kevin"}),
        (lets_kevin_in, "room.changed", INSIDE),
        (opens_the_room, "membership.granted", {"Kevin"}),
        (opens_the_room, "room.changed", INSIDE),
        (closes_the_room, "membership.revoked", {"Kevin", *JZS}),
        (closes_the_room, "room.changed", {"David", "Jason"}),
        (puts_jz_out, "membership.revoked", JZS),
        (puts_jz_out, "room.changed", {"David", "Jason"}),
        (deletes_the_room, "room.removed", INSIDE),
        (changes_their_name, "user.changed", ALL),
        (appoints_an_administrator, "user.changed", ALL),
        (renames_the_account, "account.changed", ALL),
        (speaks, "room.unread", {"David", "Jason"}),
    ],
)
async def test_everybody_it_is_for_hears_once_and_nobody_else(
    house: House, act: Act, name: str, hear: set[str]
) -> None:
    answer = await act(house)
    assert answer.ok, await answer.text()
    heard = await house.hear_out()
    told = {
        who: [event for event in events if event["event"] == name]
        for who, events in heard.items()
    }
    assert {who: len(events) for who, events in told.items() if events} == {
        who: 1 for who in hear
    }
    for who in told.keys() - hear:
        assert "Tea kitchen" not in str(heard[who])
        assert "Designers" not in str(heard[who])


@pytest.mark.parametrize(
    "act", [makes_a_closed_room, puts_jz_out, deletes_the_room, renames_the_room]
)
async def test_who_is_outside_hears_nothing_at_all(house: House, act: Act) -> None:
    assert (await act(house)).ok
    heard = await house.hear_out()
    assert heard["David"] != []
    assert heard["Kevin"] == []


async def test_reading_clears_the_count_on_each_device_of_ones_own(
    house: House,
) -> None:
    message = await (
        await house.post("David", f"/rooms/{WATERCOOLER}/messages", body="Hello")
    ).json()
    for name in JZS:
        await house.lines[name].hear("room.unread", unread_count=1)
    path = f"/rooms/{WATERCOOLER}/read"
    assert (await house.post("JZ", path, message_id=message["id"])).ok
    heard = await house.hear_out()
    for name, events in heard.items():
        read = [event for event in events if event["event"] == "room.read"]
        expected = {
            "event": "room.read",
            "room_id": WATERCOOLER,
            "message_id": message["id"],
            "last_read_id": message["id"],
            "unread_count": 0,
            "mentioned": False,
        }
        assert read == ([expected] if name in JZS else [])


async def test_what_is_removed_corrects_the_count_of_those_who_had_not_read_it(
    house: House,
) -> None:
    path = f"/rooms/{WATERCOOLER}/messages"
    message = await (await house.post("David", path, body="Oh")).json()
    for name in ("Jason", *JZS):
        await house.lines[name].hear("room.unread", unread_count=1)
    assert (await house.delete("David", f"{path}/{message['id']}")).ok
    for name in ("Jason", *JZS):
        await house.lines[name].hear("room.unread", unread_count=0)
    heard = await house.hear_out()
    assert "room.unread" not in [event["event"] for event in heard["David"]]
    assert heard["Kevin"] == []


async def test_who_is_banned_is_shown_out_and_the_others_are_told(
    house: House,
) -> None:
    gone = [house.lines.pop(name) for name in JZS]
    assert (await house.post("David", f"/users/{JZ}/ban")).ok
    assert [await line.closing() for line in gone] == [4401, 4401]
    heard = await house.hear_out()
    for events in heard.values():
        (told,) = [event for event in events if event["event"] == "user.changed"]
        assert (told["user"]["id"], told["user"]["status"]) == (JZ, "banned")


async def test_nobody_hears_an_address_or_the_invitation(house: House) -> None:
    account = await (await house.people["David"].client.get("/account")).json()
    words = {"name": "Jay", "bio": "Here"}
    assert (await house.patch("JZ", "/users/me", **words)).ok
    assert (await house.post("David", "/account/join_code")).ok
    renewed = await (await house.people["David"].client.get("/account")).json()
    heard = str(await house.hear_out())
    assert "user.changed" in heard and "account.changed" in heard
    for secret in (account["join_url"], renewed["join_url"]):
        assert secret.rpartition("/")[2] not in heard
    assert address("JZ") not in heard


async def test_only_those_who_share_a_room_hear_who_comes(
    sign_in: SignIn,
) -> None:
    david, jz, kevin = [await sign_in(name) for name in ("David", "JZ", "Kevin")]
    assert (await david.client.delete(f"/rooms/{ALL_PETS}")).status == 204
    lines = {"David": await Line.open(david), "Kevin": await Line.open(kevin)}
    await Line.open(jz)
    came = await lines["David"].hear("presence.changed")
    assert came == {"event": "presence.changed", "user_id": JZ, "online": True}
    heard = await House({"David": david}, lines).hear_out()
    assert heard["Kevin"][1:] == []
