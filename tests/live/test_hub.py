"""The hub: who hears of what, in which order, once, and who is let go."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from campfire.chat import memberships, messages, richtext, rooms, sessions, users
from campfire.chat.messages import Edited, Message, Posted, Removed
from campfire.chat.users import User
from campfire.database import Database, Event
from campfire.live import hub as hubs
from campfire.live import outbox
from campfire.live.hub import Format, Hub, Socket
from tests.conftest import (
    ALL_PETS,
    DAVID,
    JASON,
    JZ,
    KEVIN,
    WATERCOOLER,
    set_the_stage,
)


class Line(asyncio.WriteTransport):
    """The other end of a socket: the events that arrived, until it stops reading."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[dict[str, Any]] = []
        self.came = asyncio.Event()
        self.writes = 0
        self.reads = True
        self.buffered = 0
        self.closed: int | None = None

    def is_closing(self) -> bool:
        return False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert self.closed is None, "nothing is written after goodbye"
        self.writes += 1
        data = bytes(data)
        if not self.reads:
            self.buffered += len(data)
        while data:
            size, start = data[1], 2
            if size == 126:
                size, start = int.from_bytes(data[2:4], "big"), 4
            elif size == 127:
                size, start = int.from_bytes(data[2:10], "big"), 10
            self.events.append(json.loads(data[start : start + size]))
            data = data[start + size :]
        self.came.set()

    def get_write_buffer_size(self) -> int:
        return self.buffered

    def close_with(self, code: int) -> None:
        self.closed = code
        self.came.set()

    async def until(self, event: str) -> list[dict[str, Any]]:
        """Everything up to the first of this name, taken off the line."""
        async with asyncio.timeout(10):
            while event not in (names := [heard["event"] for heard in self.events]):
                self.came.clear()
                await self.came.wait()
        end = names.index(event) + 1
        taken, self.events = self.events[:end], self.events[end:]
        return taken

    async def goodbye(self) -> int:
        async with asyncio.timeout(10):
            while self.closed is None:
                self.came.clear()
                await self.came.wait()
        return self.closed


class House:
    """A hub on a database; words events as their number, and notes each wording."""

    def __init__(self, path: Path) -> None:
        self.worded: list[tuple[str, Format]] = []
        self.hub = Hub(self.present)
        self.db = self.hub.db = Database(path, publish=self.hub.publish)
        self.said = 0

    def present(self, event: Event, format: Format, viewer: int) -> dict[str, Any]:
        self.worded.append((event.name, format))
        match event:
            case Posted() | Edited():
                return {"event": event.name, "seq": event.message.seq}
            case Removed():
                return {"event": event.name, "seq": event.removal.seq}
        return {"event": event.name}

    async def connect(
        self, user_id: int, session_id: int = 1, format: Format = "json"
    ) -> tuple[Socket, Line]:
        user: User = await self.db.read(users.find, user_id)
        line = Line()
        socket = Socket(
            user, session_id, "127.0.0.1", format, False, line, line.close_with
        )
        await self.hub.add(socket)
        return socket, line

    async def enter(self, user_id: int, room_id: int = WATERCOOLER) -> Line:
        """A socket that is live in the room from here on."""
        socket, line = await self.connect(user_id)
        await self.go_live(socket, room_id)
        return line

    async def go_live(self, socket: Socket, room_id: int = WATERCOOLER) -> None:
        self.hub.enter(socket, room_id)
        user_id = socket.user.id
        seq = await self.db.read(messages.newest_seq, user_id, room_id)
        self.hub.go_live(socket, room_id, seq)

    async def say(
        self, user_id: int = JASON, room_id: int = WATERCOOLER, text: str = "hello"
    ) -> Message:
        self.said += 1
        draft = richtext.draft(text)
        message, _ = await self.db.write(
            messages.post, user_id, room_id, draft, f"{self.said}"
        )
        return message


def numbers(events: list[dict[str, Any]]) -> list[int]:
    return [event["seq"] for event in events if event["event"].startswith("message.")]


async def heard(house: House, socket: Socket, line: Line) -> list[dict[str, Any]]:
    """Everything that was on its way to the socket."""
    house.hub.send(socket, {"event": "mark"})
    return (await line.until("mark"))[:-1]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path / "campfire.sqlite3")
    await house.db.write(set_the_stage)
    house.worded.clear()
    yield house
    house.hub.close(1001)
    await house.db.close()


async def test_who_is_in_the_room_hears_every_change_in_order(house: House) -> None:
    line = await house.enter(DAVID)
    message = await house.say()
    await house.say()
    draft = richtext.draft("changed")
    await house.db.write(messages.edit, JASON, WATERCOOLER, message.id, draft)
    await house.db.write(messages.remove, JASON, WATERCOOLER, message.id)
    assert numbers(await line.until("message.removed")) == [1, 2, 3, 4]


async def test_who_is_in_another_room_hears_only_that_something_is_unread(
    house: House,
) -> None:
    inside, outside = await house.enter(DAVID), await house.enter(JZ, ALL_PETS)
    kevin = await house.enter(KEVIN, ALL_PETS)
    message = await house.say()
    await house.say(room_id=ALL_PETS)
    assert numbers(await inside.until("message.posted")) == [1]
    (told,) = [
        event
        for event in await outside.until("message.posted")
        if event["event"] == "room.unread" and event["room_id"] == WATERCOOLER
    ]
    assert (told["message_id"], told["unread_count"]) == (message.id, 1)
    assert all(
        event.get("room_id") != WATERCOOLER
        for event in await kevin.until("message.posted")
    )


async def test_nothing_is_missed_or_doubled_between_replay_and_live(
    house: House,
) -> None:
    socket, line = await house.connect(DAVID)
    await house.say()
    house.hub.enter(socket, WATERCOOLER)
    await house.say()
    await house.say()
    house.hub.go_live(socket, WATERCOOLER, 2)
    await house.say()
    assert numbers(await heard(house, socket, line)) == [3, 4]


async def test_entering_again_hears_once(house: House) -> None:
    socket, line = await house.connect(DAVID)
    await house.go_live(socket)
    await house.go_live(socket)
    await house.say()
    assert numbers(await heard(house, socket, line)) == [1]


async def test_who_left_the_room_hears_no_more(house: House) -> None:
    socket, line = await house.connect(DAVID)
    await house.go_live(socket)
    await house.say()
    house.hub.leave(socket, WATERCOOLER)
    await house.say()
    assert numbers(await heard(house, socket, line)) == [1]


async def test_a_revoked_member_stops_hearing_at_once(house: House) -> None:
    socket, line = await house.connect(JZ)
    await house.go_live(socket)
    other = await house.enter(DAVID)
    await house.say()
    await asyncio.gather(
        house.db.write(memberships.revoke, WATERCOOLER, [JZ]), house.say()
    )
    assert numbers(await other.until("message.posted")) == [1]
    events = await heard(house, socket, line)
    assert numbers(events) == [1]
    assert events[-1] == {"event": "membership.revoked"}
    assert WATERCOOLER not in socket.rooms


async def test_who_was_no_member_at_the_commit_hears_nothing_whatever_it_entered(
    house: House,
) -> None:
    socket, line = await house.connect(KEVIN)
    house.hub.enter(socket, WATERCOOLER)
    await house.say()
    house.hub.go_live(socket, WATERCOOLER, 0)
    await house.say()
    assert numbers(await heard(house, socket, line)) == []


async def test_an_event_is_worded_once_for_each_format(house: House) -> None:
    lines = [await house.enter(DAVID) for _ in range(5)]
    for _ in range(5):
        socket, line = await house.connect(JZ, format="html")
        await house.go_live(socket)
        lines.append(line)
    await house.say()
    for line in lines:
        assert numbers(await line.until("message.posted")) == [1]
    assert sorted(house.worded) == [
        ("message.posted", "html"),
        ("message.posted", "json"),
    ]


async def test_what_one_turn_brings_is_one_write(house: House) -> None:
    message = await house.say()
    socket, quiet = await house.connect(DAVID)
    await house.go_live(socket)
    await heard(house, socket, quiet)
    writes = quiet.writes
    for seq in range(message.seq + 1, message.seq + 11):
        house.hub.publish(Edited(frozenset({DAVID}), replace(message, seq=seq)))
    await asyncio.sleep(0)  # What is for one socket may overtake what is for a room.
    assert len(numbers(await heard(house, socket, quiet))) == 10
    assert quiet.writes - writes <= 2


async def test_more_sockets_than_fit_in_one_go_all_hear(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "AT_ONCE", 4)
    lines = [await house.enter(DAVID) for _ in range(15)]
    for _ in range(3):
        await house.say()
    for line in lines:
        seen: list[int] = []
        while len(seen) < 3:
            seen += numbers(await line.until("message.posted"))
        assert seen == [1, 2, 3]


async def test_the_sockets_of_an_ended_session_close_and_no_others(
    house: House,
) -> None:
    first, line = await house.connect(DAVID, session_id=7)
    await house.go_live(first)
    second, other = await house.connect(DAVID, session_id=8)
    await house.go_live(second)
    await house.say()
    house.hub.publish(sessions.Ended(DAVID, (7,)))
    assert await line.goodbye() == 4401
    assert numbers(line.events) == [1]
    await house.say()
    assert numbers(await heard(house, second, other)) == [1, 2]
    assert other.closed is None
    assert not first.is_open


async def test_a_new_room_is_told_to_those_in_it(house: House) -> None:
    jz, inside = await house.connect(JZ)
    kevin, outside = await house.connect(KEVIN)
    room = await house.db.write(rooms.create, DAVID, "closed", "Designers", [JZ])
    await house.say(DAVID, room.id)
    events = [event["event"] for event in await heard(house, jz, inside)]
    # Who shares a room with Kevin is looked up meanwhile, and takes its time.
    told = [event for event in events if event != "presence.changed"]
    assert told[-2:] == ["room.created", "room.unread"]
    names = [event["event"] for event in await heard(house, kevin, outside)]
    assert "room.created" not in names and "room.unread" not in names


async def test_reading_is_told_to_all_of_ones_own_sockets(house: House) -> None:
    first, line = await house.connect(DAVID)
    second, other = await house.connect(DAVID)
    third, stranger = await house.connect(JZ)
    message = await house.say()
    await house.db.write(memberships.read, DAVID, WATERCOOLER, message.id)
    for socket, end in ((first, line), (second, other)):
        names = [event["event"] for event in await heard(house, socket, end)]
        assert names[-2:] == ["room.unread", "room.read"]
    names = [event["event"] for event in await heard(house, third, stranger)]
    assert "room.unread" in names and "room.read" not in names


async def test_who_writes_is_told_to_the_others_in_the_room_until_they_post(
    house: House,
) -> None:
    jason, own = await house.connect(JASON)
    await house.go_live(jason)
    line = await house.enter(DAVID)
    house.hub.typing.start(WATERCOOLER, jason.user)
    started = (await line.until("room.typing"))[-1]
    assert (started["user"]["id"], started["typing"]) == (JASON, True)
    await house.say(JASON)
    assert (await line.until("room.typing"))[-1]["typing"] is False
    names = [event["event"] for event in await heard(house, jason, own)]
    assert "room.typing" not in names


async def test_who_reads_nothing_is_let_go_and_nobody_waits_for_them(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MOST_WAITING", 2_000)
    monkeypatch.setattr(outbox, "TRANSPORT_TAKES", 100)
    monkeypatch.setattr(hubs, "DRAIN_EVERY", 0.001)
    mute, healthy = await house.enter(DAVID), await house.enter(JZ)
    mute.reads = False
    seen: list[int] = []
    while mute.closed is None:
        await house.say()
        seen += numbers(await healthy.until("message.posted"))
    assert mute.closed == 1013
    await house.say()
    seen += numbers(await healthy.until("message.posted"))
    assert seen == list(range(1, len(seen) + 1))
    assert healthy.closed is None


async def test_coming_and_going_is_told_to_those_who_share_a_room(
    house: House,
) -> None:
    line = await house.enter(DAVID)
    await house.connect(KEVIN)
    came = (await line.until("presence.changed"))[-1]
    assert came == {"event": "presence.changed", "user_id": KEVIN, "online": True}


async def test_what_is_counted_at_an_address_goes_with_its_sockets(
    house: House,
) -> None:
    sockets = [(await house.connect(DAVID))[0] for _ in range(3)]
    assert house.hub.sockets_at("127.0.0.1") == 3
    for socket in sockets:
        house.hub.remove(socket)
        house.hub.remove(socket)
    assert house.hub.sockets_at("127.0.0.1") == 0
    assert house.hub.sockets() == []


async def test_stopping_lets_everybody_go_with_what_was_sent_before(
    house: House,
) -> None:
    lines = [await house.enter(user_id) for user_id in (DAVID, JASON, JZ)]
    await house.say()
    house.hub.close(1001)
    for line in lines:
        assert line.closed == 1001
        assert numbers(line.events) == [1]
    assert house.hub.sockets() == []
