"""A line to the server, from the client's side: says commands and hears events."""

import asyncio
import json
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from tests.conftest import Person

HEARS = 30.0


class Line:
    """`hear` answers the next event of a name and forgets those before it."""

    def __init__(
        self, ws: ClientWebSocketResponse, person: Person | None = None
    ) -> None:
        self.ws = ws
        self.person = person
        self.heard: list[dict[str, Any]] = []

    @classmethod
    async def open(
        cls, client: ClientSession | Person, format: str = "campfire.json", **more: Any
    ) -> "Line":
        """A line that has been welcomed."""
        person = client if isinstance(client, Person) else None
        session = client.client if isinstance(client, Person) else client
        ws = await session.ws_connect("/socket", protocols=(format,), **more)
        line = cls(ws, person)
        assert (await line.next())["event"] == "welcome"
        return line

    async def say(self, command: str, **fields: Any) -> None:
        await self.ws.send_str(json.dumps({"command": command} | fields))

    async def next(self) -> dict[str, Any]:
        """The next event, whatever it is."""
        message = await self.ws.receive(HEARS)
        assert message.type is WSMsgType.TEXT, message
        event: dict[str, Any] = json.loads(message.data)
        self.heard.append(event)
        return event

    async def hear(self, *names: str, **fields: Any) -> dict[str, Any]:
        """The next event of one of the names with these fields."""
        while True:
            event = await self.next()
            if event["event"] in names and fields.items() <= event.items():
                return event

    async def enter(self, room_id: int, since: int | None = None) -> dict[str, Any]:
        """Enters a room, and hears all that was missed on the way."""
        await self.say("room.enter", room_id=room_id, since=since, id="enter")
        event = await self.hear("room.entered", "command.refused")
        assert event["event"] == "room.entered", event
        return event

    async def obeyed(self, command: str, **fields: Any) -> dict[str, Any]:
        """What the command was answered with."""
        await self.say(command, id="obeyed", **fields)
        return await self.hear(
            "command.done", "command.refused", "pong", "room.entered", id="obeyed"
        )

    async def up_to_now(self) -> list[dict[str, Any]]:
        """Everything that was sent to this line before the answer to a ping.

        Where several serve, what one has to tell the other was told before.
        """
        if self.person:
            await self.person.agreed()
        await self.say("ping", id="up to now")
        before = len(self.heard)
        await self.hear("pong", id="up to now")
        return self.heard[before:-1]

    async def closing(self) -> int | None:
        """Reads to the end; answers with the code the server closed with."""
        async with asyncio.timeout(HEARS):
            while True:
                message = await self.ws.receive()
                if message.type is WSMsgType.TEXT:
                    self.heard.append(json.loads(message.data))
                elif message.type is WSMsgType.CLOSE:
                    return int(message.data)  # Whether or not our answer got through.
                elif message.type is WSMsgType.CLOSED:
                    return self.ws.close_code
