"""`/socket`: one open line of one person, its commands and its closing codes.

Only this file reads a socket. What is sent goes through the hub, straight to the
transport, as frames that are shared; aiohttp keeps the handshake, pings and closing.
"""

import asyncio
import logging
import re
import socket as sockets
import time
import zlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import orjson
from aiohttp import WSCloseCode, WSMsgType, hdrs, web
from multidict import CIMultiDict

from campfire import __version__
from campfire.chat import memberships, messages
from campfire.chat.messages import Message, Removal
from campfire.chat.sessions import Session
from campfire.chat.users import User
from campfire.database import Database, Reads
from campfire.live.hub import SESSION_ENDED, Hub, Present, Socket
from campfire.refusals import Invalid, NotFound, Refusal, SignedOut, TooMany, Unreadable

log = logging.getLogger(__name__)

FORMATS: Final = ("campfire.json", "campfire.html")
HEARTBEAT: Final = 30
LARGEST_FRAME: Final = 65_536
MOST_MISSED: Final = 1_000
MOST_AT_ONCE: Final = 256 * 1024
MOST_PER_SECOND: Final = 50
MOST_NONSENSE: Final = 3
MOST_PER_PERSON: Final = 20
MOST_PER_ADDRESS: Final = 200
MOST_ROOMS: Final = 64
SEND_BUFFER: Final = 128 * 1024
CLOSING_TAKES: Final = 10.0
GOODBYE_TAKES: Final = 1.0

DEFLATE: Final = (
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
)
ACCEPTED: Final = re.compile(
    "(server|client)_no_context_takeover|client_max_window_bits(=([89]|1[0-5]))?"
)
# Sixteen bytes in base64.
KEY: Final = re.compile("[A-Za-z0-9+/]{22}==")
STOPPING: Final = 1001
BROKEN: Final = 1011
NONSENSE: Final = 4400
FLOOD: Final = 4429

Viewer = Callable[[web.Request], Awaitable[Session | None]]


class Post(Protocol):
    """How a message is posted, as the web does it."""

    def __call__(
        self, user: User, room_id: int, body: str, client_message_id: str | None
    ) -> Awaitable[tuple[Message, bool]]: ...


class Sockets:
    """Opens sockets and obeys what comes up them. `limited` is off for measuring."""

    def __init__(
        self,
        db: Database,
        hub: Hub,
        *,
        viewer: Viewer,
        post: Post,
        present: Present,
        address: Callable[[web.Request], str],
        limited: bool,
    ) -> None:
        self._db = db
        self._hub = hub
        self._viewer = viewer
        self._post = post
        self._present = present
        self._address = address
        self._limited = limited
        self._closing: dict[web.WebSocketResponse, asyncio.Task[None]] = {}

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Upgrades the request and serves the socket until it closes."""
        session = await self._viewer(request)
        if session is None:
            raise SignedOut("Please sign in.")  # It ended since the guard looked.
        require_handshake(request)
        address = self._address(request)
        self._require_room_for(session, address)
        ws = Upgrade(
            protocols=FORMATS,
            heartbeat=HEARTBEAT,
            max_msg_size=LARGEST_FRAME + 1,
            timeout=GOODBYE_TAKES,
        )
        await ws.prepare(request)
        # Nobody needs them again, and they would be held for as long as the line.
        ws.headers.clear()
        request.clear()
        transport = request.transport
        if transport is None:
            return ws
        shrink_send_buffer(transport)
        socket = Socket(
            session.user,
            session.id,
            address,
            "html" if ws.ws_protocol == "campfire.html" else "json",
            bool(ws.compress),
            transport,
            lambda code: self._close(ws, transport, code),
        )
        log.info("socket opened", extra={"user_id": session.user.id})
        try:
            self._hub.send(
                socket,
                {
                    "event": "welcome",
                    "user_id": session.user.id,
                    "version": __version__,
                    "heartbeat": HEARTBEAT,
                },
            )
            await self._hub.add(socket)
            if await self._viewer(request) is None:  # It ended while we added it.
                self._hub.dismiss(socket, SESSION_ENDED)
            await self._listen(ws, socket, request)
        except Exception:  # An answer of HTTP would be read as a broken frame.
            log.exception("bug")
            self._hub.dismiss(socket, BROKEN)
        finally:
            if closing := self._closing.get(ws):  # Or aiohttp closes it, with 1000.
                await asyncio.wait([closing])
            self._hub.remove(socket)
            log.info(
                "socket closed",
                extra={"user_id": session.user.id, "code": ws.close_code},
            )
        return ws

    async def close(self) -> None:
        """The server stops: everybody is told, and given time to say goodbye."""
        self._hub.close(STOPPING)
        if self._closing:
            await asyncio.wait(self._closing.values(), timeout=2)

    def _require_room_for(self, session: Session, address: str) -> None:
        if not self._limited:
            return
        if len(self._hub.sockets_of(session.user.id)) >= MOST_PER_PERSON:
            raise TooMany("Too many windows are open.", retry_after=30)
        if self._hub.sockets_at(address) >= MOST_PER_ADDRESS:
            raise TooMany("Too many sockets from this address.", retry_after=30)

    def _close(
        self, ws: web.WebSocketResponse, transport: asyncio.WriteTransport, code: int
    ) -> None:
        task = asyncio.create_task(closed(ws, transport, code))
        self._closing[ws] = task
        task.add_done_callback(lambda task: self._closing.pop(ws, None))

    async def _listen(
        self, ws: web.WebSocketResponse, socket: Socket, request: web.Request
    ) -> None:
        recent: list[float] = []
        nonsense = 0
        async for message in ws:
            if not socket.is_open or message.type is WSMsgType.ERROR:
                break
            if await self._viewer(request) is None:
                self._hub.dismiss(socket, SESSION_ENDED)
                break
            if self._limited:
                now = time.monotonic()
                recent = [*(then for then in recent if now - then < 1.0), now]
            if len(recent) > MOST_PER_SECOND:
                self._hub.dismiss(socket, FLOOD)
                break
            is_text = message.type is WSMsgType.TEXT
            command = parsed(message.data) if is_text else {}
            if not is_known(command):
                nonsense += 1
                if nonsense >= MOST_NONSENSE:
                    self._hub.dismiss(socket, NONSENSE)
                    break
                refusal = Unreadable("Send a JSON object with a known command.")
                self._refuse(socket, id_of(command), refusal)
                continue
            nonsense = 0
            await self._obey(socket, command)

    async def _obey(self, socket: Socket, command: dict[str, Any]) -> None:
        command_id = id_of(command)
        try:
            match command["command"]:
                case "room.enter":
                    await self._enter(socket, command)
                case "room.leave":
                    self._hub.leave(socket, integer(command, "room_id"))
                case "room.type":
                    room_id = entered(socket, command)
                    self._hub.typing.start(room_id, socket.user)
                case "room.stop_typing":
                    self._hub.typing.stop(entered(socket, command), socket.user)
                case "room.read":
                    await self._db.write(
                        memberships.read,
                        socket.user.id,
                        integer(command, "room_id"),
                        integer(command, "message_id"),
                    )
                    self._done(socket, command_id, 200)
                case "message.post":
                    message, is_new = await self._post(
                        socket.user,
                        integer(command, "room_id"),
                        text(command, "body"),
                        text(command, "client_message_id", optional=True),
                    )
                    status = 201 if is_new else 200
                    self._done(socket, command_id, status, message_id=message.id)
                case "ping":
                    self._hub.send(socket, answer("pong", command_id))
        except Refusal as refusal:
            self._refuse(socket, command_id, refusal)

    async def _enter(self, socket: Socket, command: dict[str, Any]) -> None:
        """Subscribes, replays what was missed, says where that ends, then goes live."""
        room_id = integer(command, "room_id")
        since = None
        if command.get("since") is not None:
            since = integer(command, "since")
        if len(socket.rooms) >= MOST_ROOMS and room_id not in socket.rooms:
            raise TooMany("Too many rooms are open in one window.", retry_after=1)
        subscribed = self._hub.enter(socket, room_id)
        here = self._hub.presence.users()
        replayed = 0
        try:
            present, missed = await self._db.read(
                arrival, socket.user.id, room_id, since, frozenset(here)
            )
            while True:
                if socket.rooms.get(room_id) is not subscribed:
                    raise NotFound("There is no such room.")  # Revoked while we read.
                replayed += self._replay(socket, since or 0, missed.changed)
                if not missed.more:
                    break
                await self._hub.drained(socket)
                missed = await self._db.read(portion, socket.user.id, room_id, missed)
        except Refusal:
            self._hub.leave(socket, room_id)
            raise
        if missed.is_reset:
            reset = {"event": "room.reset", "room_id": room_id, "seq": missed.seq}
            self._hub.send(socket, reset)
        self._hub.send(
            socket,
            answer("room.entered", id_of(command))
            | {
                "room_id": room_id,
                "seq": missed.seq,
                "missed": replayed,
                "present": [
                    {"id": user.id, "name": user.name}
                    for user_id in present
                    if (user := here.get(user_id))
                ],
            },
        )
        self._hub.go_live(socket, room_id, missed.seq)

    def _replay(
        self, socket: Socket, since: int, changed: Iterable[Message | Removal]
    ) -> int:
        """Sends the latest state of each thing that changed; answers how many."""
        nobody: frozenset[int] = frozenset()
        replayed = 0
        for replayed, change in enumerate(changed, 1):
            event: messages.Posted | messages.Edited | messages.Removed
            if isinstance(change, Removal):
                event = messages.Removed(nobody, change, 0)
            elif change.posted_seq > since:
                event = messages.Posted(nobody, change)
            else:
                event = messages.Edited(nobody, change)
            shown = self._present(event, socket.format, socket.user.id)
            self._hub.send(socket, shown)
        return replayed

    def _done(
        self, socket: Socket, command_id: str | None, status: int, **made: int
    ) -> None:
        self._hub.send(
            socket, answer("command.done", command_id) | {"status": status} | made
        )

    def _refuse(self, socket: Socket, command_id: str | None, refusal: Refusal) -> None:
        self._hub.send(
            socket,
            answer("command.refused", command_id)
            | {"status": refusal.status, "detail": refusal.detail},
        )


@dataclass(frozen=True, slots=True)
class Missed:
    """A portion of what was missed, up to `seq`; a reset is too much to replay."""

    seq: int
    changed: Sequence[Message | Removal] = ()
    more: bool = False
    is_reset: bool = False


def arrival(
    db: Reads, user_id: int, room_id: int, since: int | None, here: frozenset[int]
) -> tuple[list[int], Missed]:
    """Who of those here is in the room, and what the person missed, from one snapshot.

    Without `since` that is nothing; a number from another history is a reset too.
    """
    seq = messages.newest_seq(db, user_id, room_id)
    present = memberships.among(db, room_id, here)
    if since is None:
        return present, Missed(seq)
    if since > seq or seq - since > MOST_MISSED:
        return present, Missed(seq, is_reset=True)
    return present, portion(db, user_id, room_id, Missed(since))


def portion(db: Reads, user_id: int, room_id: int, after: Missed) -> Missed:
    """What follows, as much as is read into memory at once."""
    found = messages.changes(db, user_id, room_id, after.seq, MOST_MISSED, MOST_AT_ONCE)
    return Missed(found.seq, found.changed, found.more)


def answer(event: str, command_id: str | None) -> dict[str, Any]:
    """The head of an answer: it names the command only if the command had a name."""
    return {"event": event} | ({} if command_id is None else {"id": command_id})


def id_of(command: dict[str, Any]) -> str | None:
    """The client's name for the command: any string, echoed in the answer."""
    command_id = command.get("id")
    return command_id if isinstance(command_id, str) else None


COMMANDS: Final = frozenset(
    {
        *("room.enter", "room.leave", "room.type", "room.stop_typing", "room.read"),
        *("message.post", "ping"),
    }
)


def parsed(data: str) -> dict[str, Any]:
    """The JSON object, or an empty one for anything else."""
    try:
        command = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    return command if isinstance(command, dict) else {}


def is_known(command: dict[str, Any]) -> bool:
    name = command.get("command")
    return isinstance(name, str) and name in COMMANDS


def integer(command: dict[str, Any], field: str) -> int:
    value = command.get(field)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 2**63:
        raise Invalid(f"{field} must be a whole number.")
    return value


def text(command: dict[str, Any], field: str, *, optional: bool = False) -> Any:
    value = command.get(field)
    if not isinstance(value, str) and not (optional and value is None):
        raise Invalid(f"{field} must be text.")
    return value


def entered(socket: Socket, command: dict[str, Any]) -> int:
    """The room of the command, if the socket has entered it."""
    room_id = integer(command, "room_id")
    if room_id not in socket.rooms:
        raise NotFound("There is no such room.")
    return room_id


def require_handshake(request: web.Request) -> None:
    """Refuses what aiohttp accepts or fails on: old versions, odd keys (RFC 6455)."""
    if request.headers.get(hdrs.UPGRADE, "").lower() != "websocket":
        raise Unreadable("This address is for WebSockets.")
    if request.headers.get(hdrs.SEC_WEBSOCKET_VERSION) != "13":
        raise web.HTTPUpgradeRequired(headers={hdrs.SEC_WEBSOCKET_VERSION: "13"})
    if not KEY.fullmatch(request.headers.get(hdrs.SEC_WEBSOCKET_KEY, "")):
        raise Unreadable("The handshake has no key.")


class Upgrade(web.WebSocketResponse):
    """Answers every offer of compression with no context takeover, both ways.

    A context for each socket costs 100 KiB, and frames are shared; RFC 7692 lets a
    server decline both whatever was offered. An offer that wants a smaller window is
    not taken up.
    """

    def _handshake(
        self, request: web.BaseRequest
    ) -> tuple[CIMultiDict[str], str | None, int, bool]:
        headers, protocol, _, _ = super()._handshake(request)
        headers.popall(hdrs.SEC_WEBSOCKET_EXTENSIONS, None)
        offers = request.headers.get(hdrs.SEC_WEBSOCKET_EXTENSIONS, "").split(",")
        if not any(map(is_acceptable, offers)):
            return headers, protocol, 0, True
        headers[hdrs.SEC_WEBSOCKET_EXTENSIONS] = DEFLATE
        return headers, protocol, zlib.MAX_WBITS, True

    def _set_closing(self, code: WSCloseCode) -> None:
        """Has `close` wait for the answer to our goodbye (RFC 6455, 7.1.1).

        aiohttp hangs up at once when another task closes. A client whose answer meets
        a dead line takes the end for an accident, 1006, and forgets our code.
        """
        if not self._closed:
            super()._set_closing(code)


def is_acceptable(offer: str) -> bool:
    """Whether we know all that is offered, and can keep to it (RFC 7692, 7.1)."""
    name, *parameters = (part.strip() for part in offer.split(";"))
    return name == "permessage-deflate" and all(map(ACCEPTED.fullmatch, parameters))


def shrink_send_buffer(transport: asyncio.BaseTransport) -> None:
    """Two megabytes in the kernel for each reader who does not read is too much."""
    line = transport.get_extra_info("socket")
    line.setsockopt(sockets.SOL_SOCKET, sockets.SO_SNDBUF, SEND_BUFFER)


async def closed(
    ws: web.WebSocketResponse, transport: asyncio.WriteTransport, code: int
) -> None:
    """Closes politely, then not: a reader who does not read hears no goodbye."""
    try:
        async with asyncio.timeout(CLOSING_TAKES):
            await ws.close(code=code)
    except (TimeoutError, ConnectionError):
        transport.abort()
    else:
        # What the transport still holds, the goodbye at its end, is on its way.
        transport.close()
        asyncio.get_running_loop().call_later(CLOSING_TAKES, transport.abort)
