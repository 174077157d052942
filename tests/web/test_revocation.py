"""Revocation: after the answer to what took it away, nothing more is given."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from aiohttp import WSMsgType

from campfire.live import sockets
from tests.conftest import JZ, PASSWORD, WATERCOOLER, Person, SignIn
from tests.live.line import Line

ROOM = f"/rooms/{WATERCOOLER}"
FORMS = {
    "page": {"Accept": "text/html"},
    "fragment": {"Accept": "text/html", "HX-Request": "true"},
    "json": {"Accept": "application/json"},
}
PATHS = (f"{ROOM}/messages", ROOM, f"{ROOM}/@1", f"{ROOM}/changes?since=0")
BEFORE, AFTER, NAME = "Between us", "Without her", "Watercooler"
# Enough to be sure, few enough to be quick: how often is asked after the answer.
LATE = 3


@dataclass(frozen=True)
class Scene:
    """Who takes it away, and from whom: JZ as she is signed in here, and elsewhere."""

    david: Person
    jason: Person
    jz: Person
    elsewhere: Person


Act = Callable[[Scene], Awaitable[object]]


async def removed_from_the_room(scene: Scene) -> None:
    answer = await scene.david.client.patch(ROOM, json={"user_ids": [1, 2]})
    assert answer.status == 200


async def room_deleted(scene: Scene) -> None:
    assert (await scene.david.client.delete(ROOM)).status == 204


async def room_closed(scene: Scene) -> None:
    """It was open before: `open_to_all` saw to that."""
    words = {"kind": "closed", "user_ids": [1, 2]}
    assert (await scene.david.client.patch(ROOM, json=words)).status == 200


async def deactivated(scene: Scene) -> None:
    answer = await scene.david.client.delete(f"/account/users/{JZ}")
    assert answer.status == 204


async def banned(scene: Scene) -> None:
    assert (await scene.david.client.post(f"/users/{JZ}/ban")).status == 204


async def signed_out(scene: Scene) -> None:
    assert (await scene.jz.client.delete("/session")).status == 204


async def signed_out_from_elsewhere(scene: Scene) -> None:
    assert (await scene.elsewhere.client.delete("/sessions")).status == 204


async def password_changed_elsewhere(scene: Scene) -> None:
    words = {"password": "another horse", "current_password": PASSWORD}
    answer = await scene.elsewhere.client.patch("/users/me", json=words)
    assert answer.status == 200


OF_THE_ROOM = (removed_from_the_room, room_deleted, room_closed)
OF_THE_PERSON = (
    *(deactivated, banned, signed_out),
    *(signed_out_from_elsewhere, password_changed_elsewhere),
)


async def set_scene(sign_in: SignIn, act: Act) -> Scene:
    """Something has been said in the room, and the room is as the act needs it."""
    names = ("David", "Jason", "JZ", "JZ")
    scene = Scene(*[await sign_in(name) for name in names])
    if act is room_closed:
        await scene.david.client.patch(ROOM, json={"kind": "open"})
    await say(scene.david, BEFORE)
    return scene


async def say(person: Person, words: str) -> int:
    body = {"body": words}
    answer = await person.client.post(f"{ROOM}/messages", json=body)
    return answer.status


async def warmed(sign_in: SignIn, act: Act) -> tuple[Scene, Line, dict[str, str]]:
    """The scene, a socket of hers in the room, and the tags of what she has seen."""
    scene = await set_scene(sign_in, act)
    line = await Line.open(scene.jz)
    await line.enter(WATERCOOLER)
    tags = {}
    for form, headers in FORMS.items():
        answer = await scene.jz.client.get(f"{ROOM}/messages", headers=headers)
        assert BEFORE in await answer.text()
        tags[form] = answer.headers["ETag"]
    return scene, line, tags


def is_refusal(act: Act, form: str, status: int) -> bool:
    """Whether the status says so: a page leads to the door whoever is signed out."""
    if act in OF_THE_ROOM:
        return status == 404
    return status == (302 if form == "page" else 401)


@pytest.mark.parametrize("act", OF_THE_ROOM + OF_THE_PERSON)
async def test_nothing_is_given_after_the_answer(sign_in: SignIn, act: Act) -> None:
    scene, _, tags = await warmed(sign_in, act)
    await act(scene)
    for form, headers in FORMS.items():
        for path in PATHS:
            answer = await scene.jz.client.get(
                path,
                headers=headers | {"If-None-Match": tags[form]},
                allow_redirects=False,
            )
            assert is_refusal(act, form, answer.status)
            assert BEFORE not in await answer.text()
    assert is_refusal(act, "json", await say(scene.jz, "Still here?"))


@pytest.mark.parametrize("act", OF_THE_PERSON)
async def test_the_sockets_of_who_is_gone_close(sign_in: SignIn, act: Act) -> None:
    scene, line, _ = await warmed(sign_in, act)
    await act(scene)
    while (message := await line.ws.receive(10)).data != 4401:
        assert BEFORE not in str(message.data)


@pytest.mark.parametrize("act", OF_THE_ROOM)
async def test_who_is_out_of_the_room_is_told_and_hears_no_more(
    sign_in: SignIn, act: Act
) -> None:
    scene, line, _ = await warmed(sign_in, act)
    await act(scene)
    await line.hear("membership.revoked", "room.removed", room_id=WATERCOOLER)
    await say(scene.david, AFTER)
    heard = await line.up_to_now()
    assert [event for event in heard if event.get("room_id") == WATERCOOLER] == []
    refused = await line.obeyed("room.type", room_id=WATERCOOLER)
    assert (refused["event"], refused["status"]) == ("command.refused", 404)


# Raced: everything at once, in a tight loop, while it is taken away


@dataclass
class Asker:
    """Asks for the same thing again and again, until it was too late some times."""

    person: Person
    path: str
    form: str
    was_given: asyncio.Event = field(default_factory=asyncio.Event)
    late: list[tuple[int, str]] = field(default_factory=list)

    async def run(self, answered: asyncio.Event) -> None:
        while len(self.late) < LATE:
            is_late = answered.is_set()
            answer = await self.person.client.get(
                self.path, headers=FORMS[self.form], allow_redirects=False
            )
            text = await answer.text()
            if is_late:
                self.late.append((answer.status, text))
            elif BEFORE in text or NAME in text:
                self.was_given.set()


@dataclass
class Enterer:
    """Enters the room again and again on its own line; keeps all that comes."""

    line: Line
    was_given: asyncio.Event = field(default_factory=asyncio.Event)
    came: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    code: int | None = None

    async def run(self, answered: asyncio.Event) -> None:
        tries = 0
        while tries < LATE and self.code is None:
            is_late = answered.is_set()
            tries += is_late
            try:
                await self.line.say(
                    "room.enter", room_id=WATERCOOLER, since=0, id=f"{is_late}"
                )
            except ConnectionError:
                pass  # What came before the end is still to be read.
            while (text := await self.next()) and f'"id":"{is_late}"' not in text:
                if BEFORE in text and not is_late:
                    self.was_given.set()
            if is_late and text:
                self.late.append(text)

    async def next(self) -> str | None:
        """What comes next, or None once the line has been closed."""
        message = await self.line.ws.receive(10)
        if message.type is WSMsgType.TEXT:
            self.came.append(message.data)
            return str(message.data)
        self.code = self.line.ws.close_code or message.data
        return None


async def chat(person: Person, answered: asyncio.Event) -> None:
    """Says something all the time, and something else once it is too late."""
    late = 0
    while late < LATE:
        late += answered.is_set()
        await say(person, AFTER if answered.is_set() else BEFORE)


@pytest.mark.parametrize("act", OF_THE_ROOM + OF_THE_PERSON)
async def test_however_much_is_under_way_nothing_starts_after_the_answer(
    sign_in: SignIn, act: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "MOST_PER_SECOND", 1_000_000)
    scene = await set_scene(sign_in, act)
    askers = [Asker(scene.jz, path, form) for path in PATHS for form in FORMS]
    formats = ("campfire.json", "campfire.html", "campfire.json")
    enterers = [Enterer(await Line.open(scene.jz, format)) for format in formats]
    everybody: list[Asker | Enterer] = [*askers, *enterers]
    answered = asyncio.Event()
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        for each in everybody:
            group.create_task(each.run(answered))
        group.create_task(chat(scene.jason, answered))
        for each in everybody:
            await each.was_given.wait()
        await act(scene)
        answered.set()
    for asker in askers:
        assert len(asker.late) == LATE
        for status, text in asker.late:
            assert is_refusal(act, asker.form, status), (asker.path, asker.form)
            assert not [secret for secret in (BEFORE, AFTER, NAME) if secret in text]
    for enterer in enterers:
        assert not [text for text in enterer.came if AFTER in text]
        if act in OF_THE_PERSON:
            assert (enterer.code, enterer.late) == (4401, [])
        else:
            assert len(enterer.late) == LATE
            assert all('"status":404' in text for text in enterer.late)


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
