"""`/socket` from outside: who gets one, what it hears, what it may say, how it ends."""

import asyncio
import json
import random
import threading
import zlib
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from campfire import __version__, app
from campfire.chat import health, memberships
from campfire.config import Config
from campfire.database import connect
from campfire.live import hub, outbox, presence, sockets
from campfire.web.keys import DB
from campfire.web.requests import COOKIE
from tests.conftest import (
    ALL_PETS,
    DAVID,
    JZ,
    KEVIN,
    WATERCOOLER,
    Person,
    SignIn,
)
from tests.live.conftest import JSON, RawSocket
from tests.live.line import Line

CHANGES = ("message.posted", "message.edited", "message.removed")


@pytest.fixture(params=[1, 2], ids=["alone", "two workers"])
def workers(request: pytest.FixtureRequest) -> int:
    """All of this holds too where people come to different workers."""
    return int(request.param)


async def post(
    person: Person, body: str, room_id: int = ALL_PETS, **more: Any
) -> dict[str, Any]:
    response = await person.client.post(
        f"/rooms/{room_id}/messages", json={"body": body} | more
    )
    assert response.status == 201, await response.text()
    message: dict[str, Any] = await response.json()
    return message


def bearer(person: Person) -> dict[str, str]:
    return {"Authorization": f"Bearer {person.token}"}


# Opening


@pytest.mark.parametrize("format", ["campfire.json", "campfire.html"])
async def test_a_socket_is_welcomed_first(sign_in: SignIn, format: str) -> None:
    kevin = await sign_in("Kevin")
    ws = await kevin.client.ws_connect("/socket", protocols=(format,))
    assert ws.protocol == format
    assert json.loads((await ws.receive()).data) == {
        "event": "welcome",
        "user_id": KEVIN,
        "version": __version__,
        "heartbeat": 30,
    }
    await ws.close()


async def test_json_is_spoken_to_those_who_ask_for_nothing(sign_in: SignIn) -> None:
    david, kevin = await sign_in("David"), await sign_in("Kevin")
    for protocols in ((), ("campfire.xml",)):
        line = Line(await kevin.client.ws_connect("/socket", protocols=protocols))
        assert (await line.next())["event"] == "welcome"
        await line.enter(ALL_PETS)
        await post(david, "Hello")
        assert "message" in await line.hear("message.posted")
        await line.ws.close()


@pytest.mark.parametrize("accept", ["application/json", "text/html", "*/*"])
@pytest.mark.parametrize(
    "headers",
    [
        *({}, {"Authorization": "Bearer x"}, {"Cookie": f"{COOKIE}=x"}),
        {"HX-Request": "true"},
    ],
)
async def test_a_stranger_gets_401_whatever_they_accept(
    raw_socket: RawSocket, sign_in: SignIn, accept: str, headers: dict[str, str]
) -> None:
    kevin = await sign_in("Kevin")
    answer = await raw_socket(
        headers | {"Accept": accept}, start=f"GET /socket?token={kevin.token} HTTP/1.1"
    )
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == "bearer"


async def test_a_cookie_or_a_bearer_token_opens_it(
    raw_socket: RawSocket, sign_in: SignIn
) -> None:
    kevin = await sign_in("Kevin")
    for headers in (bearer(kevin), {"Cookie": f"{COOKIE}={kevin.token}"}):
        line = await raw_socket(headers)
        assert line.status == 101
        assert json.loads(await line.text())["event"] == "welcome"


@pytest.mark.parametrize("proof", ["cookie", "bearer", "neither"])
async def test_a_foreign_origin_gets_403(
    raw_socket: RawSocket, sign_in: SignIn, server: TestServer, proof: str
) -> None:
    kevin = await sign_in("Kevin")
    own = f"http://127.0.0.1:{server.port}"
    headers = {
        "cookie": {"Cookie": f"{COOKIE}={kevin.token}"},
        "bearer": bearer(kevin),
        "neither": {},
    }[proof]
    for origin in (
        *("null", "https://evil.example", own + ".evil.example", own + "0"),
        *(own.replace("http", "https"), "http://127.0.0.1", own + "/", ""),
    ):
        attack = headers | {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
        assert (await raw_socket(attack)).status == 403, origin
    if proof != "neither":
        assert (await raw_socket(headers | {"Origin": own})).status == 101


async def test_an_old_version_of_the_protocol_is_426(
    raw_socket: RawSocket, sign_in: SignIn
) -> None:
    kevin = await sign_in("Kevin")
    for version in ("8", "7", "0", "14", "x", ""):
        answer = await raw_socket(bearer(kevin) | {"Sec-WebSocket-Version": version})
        assert answer.status == 426
        assert answer.headers["sec-websocket-version"] == "13"


@pytest.mark.parametrize(
    ("headers", "drop", "start", "status"),
    [
        ({}, "Upgrade", "GET /socket HTTP/1.1", 400),
        ({"Upgrade": "h2c"}, "", "GET /socket HTTP/1.1", 400),
        ({}, "Sec-WebSocket-Key", "GET /socket HTTP/1.1", 400),
        ({"Sec-WebSocket-Key": "short"}, "", "GET /socket HTTP/1.1", 400),
        ({"Sec-WebSocket-Key": "é"}, "", "GET /socket HTTP/1.1", 400),
        ({}, "", "POST /socket HTTP/1.1", 405),
    ],
)
async def test_half_a_handshake_is_refused(
    raw_socket: RawSocket,
    sign_in: SignIn,
    headers: dict[str, str],
    drop: str,
    start: str,
    status: int,
) -> None:
    kevin = await sign_in("Kevin")
    answer = await raw_socket(bearer(kevin) | headers, drop=drop, start=start)
    assert answer.status == status


@pytest.mark.parametrize("workers", [1])  # Each worker counts its own.
async def test_there_are_only_so_many_sockets(
    raw_socket: RawSocket, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    kevin, jz, david = [await sign_in(name) for name in ("Kevin", "JZ", "David")]
    lines = [await Line.open(kevin) for _ in range(sockets.MOST_PER_PERSON)]
    refused = await raw_socket(bearer(kevin))
    assert refused.status == 429
    assert int(refused.headers["retry-after"]) > 0
    monkeypatch.setattr(sockets, "MOST_PER_ADDRESS", len(lines) + 1)
    lines.append(await Line.open(jz))
    assert (await raw_socket(bearer(david))).status == 429
    await lines[0].ws.close()
    # The server may hear of the closing after the client is done with it.
    while (line := await raw_socket(bearer(david))).status == 429:
        pass
    assert line.status == 101


# Compression


@pytest.mark.parametrize(
    "offer",
    [
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; server_max_window_bits=10, permessage-deflate",
        "x-webkit-deflate-frame, permessage-deflate; client_max_window_bits=15",
    ],
)
async def test_compression_takes_over_no_context(
    raw_socket: RawSocket, sign_in: SignIn, offer: str
) -> None:
    david, kevin = await sign_in("David"), await sign_in("Kevin")
    line = await raw_socket(bearer(kevin) | {"Sec-WebSocket-Extensions": offer})
    assert line.status == 101
    first, *parameters = line.headers["sec-websocket-extensions"].split("; ")
    assert first == "permessage-deflate"
    assert sorted(parameters) == [
        "client_no_context_takeover",
        "server_no_context_takeover",
    ]
    await line.text()
    enter = json.dumps({"command": "room.enter", "room_id": ALL_PETS}).encode()
    stream = zlib.compressobj(wbits=-15)
    packed = stream.compress(enter) + stream.flush(zlib.Z_SYNC_FLUSH)
    line.send(packed[:-4], first=0xC1)
    while json.loads(await line.text())["event"] != "room.entered":
        pass
    for number in range(3):
        await post(david, f"{number} " * 500)
        while (event := json.loads(await line.text()))["event"] != "message.posted":
            pass
        assert event["message"]["body"]["plain"].startswith(f"{number} ")


async def test_a_smaller_window_is_not_promised(
    raw_socket: RawSocket, sign_in: SignIn
) -> None:
    """RFC 7692, 7.1.2.1: who takes up the offer must keep to it; our frames do not."""
    kevin = await sign_in("Kevin")
    offer = "permessage-deflate; server_max_window_bits=10"
    line = await raw_socket(bearer(kevin) | {"Sec-WebSocket-Extensions": offer})
    assert line.status == 101
    assert "sec-websocket-extensions" not in line.headers


async def test_a_long_frame_is_compressed_only_for_those_who_offered(
    raw_socket: RawSocket, sign_in: SignIn
) -> None:
    david, kevin = await sign_in("David"), await sign_in("Kevin")
    deflate = {"Sec-WebSocket-Extensions": "permessage-deflate"}
    packed = await raw_socket(bearer(kevin) | deflate)
    plain = await raw_socket(bearer(kevin))
    assert "sec-websocket-extensions" not in plain.headers
    for line in (packed, plain):
        line.send(json.dumps({"command": "room.enter", "room_id": ALL_PETS}).encode())
        while json.loads(await line.text())["event"] != "room.entered":
            pass
    await post(david, "Hello " * 1000)
    sizes = []
    for line, first in ((packed, 0xC1), (plain, 0x81)):
        while True:
            opened, payload = await line.frame()
            if len(payload) > 150 and b"room.unread" not in payload:
                break
        assert opened == first
        sizes.append(len(payload))
    assert sizes[0] < sizes[1] / 10


# Entering


async def test_entering_without_since_replays_nothing(sign_in: SignIn) -> None:
    david, kevin = await sign_in("David"), await sign_in("Kevin")
    await post(david, "Before")
    line = await Line.open(kevin)
    entered = await line.enter(ALL_PETS)
    assert entered == {
        "event": "room.entered",
        "id": "enter",
        "room_id": ALL_PETS,
        "seq": 1,
        "missed": 0,
        "present": [{"id": KEVIN, "name": "Kevin"}],
    }
    message = await post(david, "After")
    posted = await line.hear(*CHANGES)
    assert posted == {
        "event": "message.posted",
        "room_id": ALL_PETS,
        "seq": 2,
        "message": message,
    }
    assert not [event for event in line.heard[:-1] if event["event"] in CHANGES]


async def test_entering_with_since_replays_the_latest_state(sign_in: SignIn) -> None:
    david, kevin = await sign_in("David"), await sign_in("Kevin")
    first, second, third = [await post(david, word) for word in ("a", "b", "c")]
    path = f"/rooms/{ALL_PETS}/messages"
    await david.client.patch(f"{path}/{first['id']}", json={"body": "A"})
    await david.client.patch(f"{path}/{third['id']}", json={"body": "C"})
    await david.client.delete(f"{path}/{second['id']}")
    line = await Line.open(kevin)
    entered = await line.enter(ALL_PETS, since=2)
    assert (entered["seq"], entered["missed"]) == (6, 3)
    replayed = [event for event in line.heard if event["event"] in CHANGES]
    assert [(event["event"], event["seq"]) for event in replayed] == [
        ("message.edited", 4),
        ("message.posted", 5),
        ("message.removed", 6),
    ]
    assert replayed[0]["message"]["body"]["source"] == "A"
    assert replayed[2] == {
        "event": "message.removed",
        "room_id": ALL_PETS,
        "seq": 6,
        "id": second["id"],
        "client_message_id": second["client_message_id"],
    }
    before = len(line.heard)
    entered = await line.enter(ALL_PETS, since=6)
    assert (entered["seq"], entered["missed"]) == (6, 0)
    assert len(line.heard) == before + 1


async def test_a_line_of_html_hears_fragments(sign_in: SignIn) -> None:
    david, kevin = await sign_in("David"), await sign_in("Kevin")
    message = await post(david, "Before", client_message_id="x")
    line = await Line.open(kevin, "campfire.html")
    await line.enter(ALL_PETS, since=0)
    (replayed,) = [event for event in line.heard if event["event"] in CHANGES]
    path = f"/rooms/{ALL_PETS}/messages/{message['id']}"
    shown = await kevin.client.get(
        path, headers={"Accept": "*/*", "HX-Request": "true"}
    )
    assert replayed == {
        "event": "message.posted",
        "room_id": ALL_PETS,
        "seq": 1,
        "html": await shown.text(),
    }
    await david.client.patch(path, json={"body": "Edited"})
    edited = await line.hear("message.edited")
    assert 'id="message_x"' in edited["html"] and "Edited" in edited["html"]
    assert "message" not in edited
    await david.client.delete(path)
    assert (await line.hear("message.removed"))["client_message_id"] == "x"


@pytest.mark.parametrize("since", [0, 2, 99])
async def test_too_far_behind_is_a_reset(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch, since: int
) -> None:
    monkeypatch.setattr(sockets, "MOST_MISSED", 3)
    david, kevin = await sign_in("David"), await sign_in("Kevin")
    for number in range(5):
        await post(david, str(number))
    line = await Line.open(kevin)
    entered = await line.enter(ALL_PETS, since=since)
    told = [event for event in line.heard if event.get("room_id") == ALL_PETS]
    told = [event for event in told if event["event"] != "room.unread"]
    if since == 2:
        assert entered["missed"] == 3
        assert [event["event"] for event in told[:-1]] == ["message.posted"] * 3
    else:
        reset = {"event": "room.reset", "room_id": ALL_PETS, "seq": 5}
        assert told == [reset, entered]
        assert (entered["seq"], entered["missed"]) == (5, 0)
    await post(david, "And on")
    assert (await line.hear("message.posted"))["seq"] == 6


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        *(({"room_id": WATERCOOLER}, 404), ({"room_id": 99}, 404)),
        *(({"room_id": 0}, 404), ({"room_id": -1}, 404)),
        *(({"room_id": 2**63 - 1}, 404), ({"room_id": 2**63}, 422)),
        *(({"room_id": "1"}, 422), ({"room_id": 1.5}, 422), ({"room_id": [1]}, 422)),
        *(({"room_id": None}, 422), ({}, 422), ({"room_id": True}, 422)),
        *(({"room_id": 1, "since": "0"}, 422), ({"room_id": 1, "since": 1.5}, 422)),
        ({"room_id": WATERCOOLER, "since": 0}, 404),
    ],
)
async def test_entering_is_refused_with_a_status(
    sign_in: SignIn, fields: dict[str, Any], status: int
) -> None:
    kevin = await sign_in("Kevin")
    line = await Line.open(kevin)
    refused = await line.obeyed("room.enter", **fields)
    assert refused["event"] == "command.refused"
    assert refused["status"] == status
    assert refused["detail"]


async def test_a_room_that_is_not_yours_sounds_like_one_that_does_not_exist(
    sign_in: SignIn,
) -> None:
    kevin = await sign_in("Kevin")
    line = await Line.open(kevin)
    for command, more in (
        ("room.enter", {}),
        ("room.type", {}),
        ("room.stop_typing", {}),
        ("room.read", {"message_id": 1}),
        ("message.post", {"body": "x"}),
    ):
        answers = [
            await line.obeyed(command, room_id=room_id, **more)
            for room_id in (WATERCOOLER, 99)
        ]
        assert answers[0] == answers[1]
        assert answers[0]["event"] == "command.refused"
        assert answers[0]["status"] == 404


async def test_after_leaving_a_room_it_is_silent(sign_in: SignIn) -> None:
    david, kevin = await sign_in("David"), await sign_in("Kevin")
    line = await Line.open(kevin)
    await line.enter(ALL_PETS)
    await line.say("room.leave", room_id=ALL_PETS)
    await line.up_to_now()
    await post(david, "Anybody?")
    await line.hear("room.unread")
    assert not [event for event in await line.up_to_now() if event["event"] in CHANGES]


async def test_only_so_many_rooms_are_open_in_one_line(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "MOST_ROOMS", 1)
    david = await sign_in("David")
    line = await Line.open(david)
    await line.enter(ALL_PETS)
    await line.enter(ALL_PETS, since=0)
    refused = await line.obeyed("room.enter", room_id=WATERCOOLER)
    assert (refused["event"], refused["status"]) == ("command.refused", 429)
    await line.say("room.leave", room_id=ALL_PETS)
    await line.enter(WATERCOOLER)


async def test_every_change_comes_once_and_in_order_whoever_joins_when(
    sign_in: SignIn,
) -> None:
    """Eight posters flat out, fifty sockets joining in the middle from anywhere."""
    posters = [
        await sign_in(n) for n in ("David", "Jason", "JZ", "Kevin") for _ in "ab"
    ]
    listeners = [await sign_in(n) for n in ("David", "Jason", "JZ", "Kevin")]
    bursts, dice = 6, random.Random(8)
    total = len(posters) * bursts * 8
    seq = 0

    async def write(person: Person) -> None:
        nonlocal seq
        for _ in range(bursts):
            burst = (post(person, f"number {number}") for number in range(8))
            for message in await asyncio.gather(*burst):
                seq = max(seq, message["seq"])

    async def listen(number: int) -> None:
        await joined.wait()
        person = listeners[number % len(listeners)]
        format = dice.choice(("campfire.json", "campfire.html"))
        compress = dice.choice((0, 15))
        for _ in range(dice.randrange(60)):
            await asyncio.sleep(0)
        since = dice.randint(0, seq)
        line = await Line.open(person, format, compress=compress)
        heard: list[int] = []
        await line.say("room.enter", room_id=ALL_PETS, since=since)
        entered = None
        while not entered or max(heard, default=since) < total:
            event = await line.next()
            if event["event"] in CHANGES:
                heard.append(event["seq"])
            elif event["event"] == "room.entered":
                assert heard == list(range(since + 1, event["seq"] + 1))
                assert event["missed"] == len(heard)
                entered = event
            if entered and entered["seq"] == total:
                break
        assert heard == list(range(since + 1, total + 1))
        await line.ws.close()

    joined = asyncio.Event()
    lines = [asyncio.create_task(listen(number)) for number in range(50)]
    writing = [asyncio.create_task(write(person)) for person in posters]
    asyncio.get_running_loop().call_later(0.05, joined.set)
    await asyncio.gather(*writing, *lines)
    assert seq == total


async def test_who_joins_between_two_rounds_hears_nothing_twice(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    david, kevin, jz = [await sign_in(name) for name in ("David", "Kevin", "JZ")]
    early, late = await Line.open(kevin), await Line.open(jz)
    await early.enter(ALL_PETS)
    await early.up_to_now()
    resting: list[hub.Hub] = []
    is_live, go_live = asyncio.Event(), hub.Hub.go_live

    def live(of: hub.Hub, *args: Any) -> None:
        go_live(of, *args)
        is_live.set()

    with monkeypatch.context() as rest:
        rest.setattr(hub.Hub, "_begin_round", lambda of: resting.append(of))
        rest.setattr(hub.Hub, "go_live", live)
        await post(david, "first")
        await late.say("room.enter", room_id=ALL_PETS, since=0)
        await is_live.wait()
        await post(david, "second")
    for each in set(resting):
        each._begin_round()
    for line in (early, late):
        while line.heard[-1].get("seq") != 2:
            await line.next()
        changes = [event["seq"] for event in line.heard if event["event"] in CHANGES]
        assert changes == [1, 2]


async def test_edits_and_removals_replay_to_the_same_room(sign_in: SignIn) -> None:
    david, kevin = await sign_in("David"), await sign_in("Kevin")
    dice, path = random.Random(3), f"/rooms/{ALL_PETS}/messages"
    live = await Line.open(kevin)
    await live.enter(ALL_PETS)
    made: list[int] = []
    for number in range(60):
        choice = dice.random()
        if choice < 0.5 or not made:
            made.append((await post(david, f"new {number}"))["id"])
        elif choice < 0.8:
            await david.client.patch(
                f"{path}/{dice.choice(made)}", json={"body": f"edit {number}"}
            )
        else:
            await david.client.delete(f"{path}/{made.pop(dice.randrange(len(made)))}")
    whole = await (await kevin.client.get(f"{path}?limit=100")).json()

    def applied(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        room: dict[int, dict[str, Any]] = {}
        for event in events:
            if event["event"] == "message.removed":
                room.pop(event["id"], None)
            elif event["event"] in CHANGES:
                room[event["message"]["id"]] = event["message"]
        return [room[key] for key in sorted(room)]

    while live.heard[-1].get("seq") != 60:
        await live.next()
    changes = [event for event in live.heard if event["event"] in CHANGES]
    assert [event["seq"] for event in changes] == list(range(1, 61))
    assert applied(changes) == whole
    for since in (0, 7, 30, 59):
        line = await Line.open(kevin)
        await line.enter(ALL_PETS, since=since)
        replayed = [event for event in line.heard if event["event"] in CHANGES]
        numbers = [event["seq"] for event in replayed]
        assert numbers == sorted(set(numbers))
        assert all(number > since for number in numbers)
        assert applied(changes[:since] + replayed) == whole
        await line.ws.close()


async def test_boosts_are_heard_once_each_and_replay_as_the_message(
    sign_in: SignIn,
) -> None:
    david, kevin = await sign_in("David"), await sign_in("Kevin")
    live, page = await Line.open(kevin), await Line.open(kevin, "campfire.html")
    for line in (live, page):
        await line.enter(ALL_PETS)
    message = await post(david, "Hello")
    path = f"/messages/{message['id']}/boosts"
    boost = await (await kevin.client.post(path, json={"content": "👍"})).json()
    place = {"room_id": ALL_PETS, "message_id": message["id"]}
    added = await live.hear("boost.added")
    assert added == {"event": "boost.added", "seq": 2, "boost": boost} | place
    await kevin.client.post(path, json={"content": "👍"})
    await david.client.post(path, json={"content": "👏"})
    await kevin.client.delete(f"{path}/{boost['id']}")
    removed = await live.hear("boost.removed")
    assert removed == {"event": "boost.removed", "seq": 4, "id": boost["id"]} | place
    await page.hear("boost.removed")
    for line in (live, page):
        numbers = [event.get("seq") for event in line.heard[2:]]
        assert [number for number in numbers if number] == [1, 2, 3, 4]
    assert "👏" in page.heard[-1]["html"] and "👍" not in page.heard[-1]["html"]
    later = await Line.open(kevin)
    await later.enter(ALL_PETS, since=1)
    (replayed,) = [event for event in later.heard if event["event"] in CHANGES]
    assert (replayed["event"], replayed["seq"]) == ("message.edited", 4)
    assert [each["content"] for each in replayed["message"]["boosts"]] == ["👏"]
    assert [event for event in live.heard if event["event"] == "room.unread"] == [
        event for event in live.heard if event.get("unread_count") == 1
    ], "a boost leaves nothing unread"


# Commands


async def test_posting_is_answered_when_it_is_kept(sign_in: SignIn) -> None:
    kevin = await sign_in("Kevin")
    line = await Line.open(kevin)
    fields = {"room_id": ALL_PETS, "body": "Hello", "client_message_id": "x"}
    done = await line.obeyed("message.post", **fields)
    path = f"/rooms/{ALL_PETS}/messages/{done['message_id']}"
    message = await (await kevin.client.get(path)).json()
    assert message["client_message_id"] == "x"
    assert done["event"] == "command.done"
    assert done["status"] == 201
    again = await line.obeyed("message.post", **fields)
    assert again == done | {"status": 200}
    await kevin.client.delete(path)
    gone = await line.obeyed("message.post", **fields)
    assert (gone["event"], gone["status"]) == ("command.refused", 410)


async def test_a_posters_own_line_hears_the_message_too(sign_in: SignIn) -> None:
    kevin = await sign_in("Kevin")
    line = await Line.open(kevin)
    await line.enter(ALL_PETS)
    for number in range(3):
        await line.say("message.post", id=str(number), room_id=ALL_PETS, body="Hello")
        answers = [await line.hear("message.posted", "command.done") for _ in "ab"]
        assert {answer["event"] for answer in answers} == {
            "message.posted",
            "command.done",
        }
    assert not [event for event in line.heard if event["event"] == "room.unread"]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        *(({}, 422), ({"body": None}, 422), ({"body": 5}, 422), ({"body": " "}, 422)),
        *(({"body": "x", "client_message_id": 5}, 422), ({"body": ["x"]}, 422)),
        *(({"body": "x", "client_message_id": "a b"}, 422), ({"body": "\0"}, 422)),
        ({"body": "x", "client_message_id": ""}, 422),
    ],
)
async def test_posting_is_refused_with_a_status(
    sign_in: SignIn, fields: dict[str, Any], status: int
) -> None:
    kevin = await sign_in("Kevin")
    line = await Line.open(kevin)
    refused = await line.obeyed("message.post", room_id=ALL_PETS, **fields)
    assert (refused["event"], refused["status"]) == ("command.refused", status)


@pytest.mark.parametrize("command_id", ["", "x", "é\N{FIRE}", "x" * 5000, "\0"])
async def test_any_string_is_echoed_as_id(sign_in: SignIn, command_id: str) -> None:
    kevin = await sign_in("Kevin")
    line = await Line.open(kevin)
    for command, answer in (("ping", "pong"), ("room.enter", "room.entered")):
        await line.say(command, id=command_id, room_id=ALL_PETS)
        assert (await line.hear(answer))["id"] == command_id
    await line.say("dance", id=command_id)
    assert (await line.hear("command.refused"))["id"] == command_id


@pytest.mark.parametrize("command_id", [None, 5, [], {}, True])
async def test_an_id_that_is_no_string_is_not_echoed(
    sign_in: SignIn, command_id: Any
) -> None:
    kevin = await sign_in("Kevin")
    line = await Line.open(kevin)
    for command, answer in (("ping", "pong"), ("room.enter", "room.entered")):
        await line.say(command, id=command_id, room_id=ALL_PETS)
        assert "id" not in await line.hear(answer)


async def test_reading_reaches_all_tabs_of_the_reader_and_nobody_else(
    sign_in: SignIn,
) -> None:
    david, kevin = await sign_in("David"), await sign_in("Kevin")
    inside, elsewhere, others = [await Line.open(p) for p in (kevin, kevin, david)]
    await inside.enter(ALL_PETS)
    await others.enter(ALL_PETS)
    made = [await post(david, word) for word in "abc"]
    done = await elsewhere.obeyed(
        "room.read", room_id=ALL_PETS, message_id=made[1]["id"]
    )
    assert done["event"] == "command.done"
    for line in (inside, elsewhere):
        if not (read := [e for e in line.heard if e["event"] == "room.read"]):
            read = [await line.hear("room.read")]
        assert read == [
            {
                "event": "room.read",
                "room_id": ALL_PETS,
                "message_id": made[1]["id"],
                "last_read_id": made[1]["id"],
                "unread_count": 1,
                "mentioned": False,
            }
        ]
    assert "room.read" not in [event["event"] for event in await others.up_to_now()]
    room = await (await kevin.client.get(f"/rooms/{ALL_PETS}")).json()
    assert room["membership"]["last_read_id"] == made[1]["id"]


async def test_what_is_unread_reaches_those_inside_and_elsewhere(
    sign_in: SignIn,
) -> None:
    david, kevin = await sign_in("David"), await sign_in("Kevin")
    inside, elsewhere, own = [await Line.open(p) for p in (kevin, kevin, david)]
    await inside.enter(ALL_PETS)
    for count in (1, 2):
        message = await post(david, "Hello" if count == 1 else "Hello @Kevin")
        for line in (inside, elsewhere):
            assert await line.hear("room.unread") == {
                "event": "room.unread",
                "room_id": ALL_PETS,
                "message_id": message["id"],
                "unread_count": count,
                "mentioned": count == 2,
            }
    assert not [e for e in await own.up_to_now() if e["event"] == "room.unread"]
    assert not [e for e in elsewhere.heard if e["event"] in CHANGES]


async def test_rooms_of_others_make_no_sound(sign_in: SignIn) -> None:
    david, jz, kevin = [await sign_in(name) for name in ("David", "JZ", "Kevin")]
    insider, outsider = await Line.open(jz), await Line.open(kevin)
    talker = await Line.open(david)
    await talker.enter(WATERCOOLER)
    await insider.enter(WATERCOOLER)
    await talker.say("room.type", room_id=WATERCOOLER)
    await insider.hear("room.typing")
    await post(david, "Psst @JZ", room_id=WATERCOOLER)
    await insider.hear("message.posted")
    told = await outsider.up_to_now()
    assert {event["event"] for event in told} <= {"presence.changed"}


async def test_a_new_room_is_told_to_those_who_are_in_it(sign_in: SignIn) -> None:
    david, jz, kevin = [await sign_in(name) for name in ("David", "JZ", "Kevin")]
    inside, outside = await Line.open(jz), await Line.open(kevin)
    response = await david.client.post(
        "/rooms", json={"kind": "closed", "name": "Designers", "user_ids": [JZ]}
    )
    room = await response.json()
    told = await inside.hear("room.created")
    assert (told["room"]["id"], told["room"]["name"]) == (room["id"], "Designers")
    assert not [e for e in await outside.up_to_now() if e["event"] == "room.created"]
    await post(david, "Welcome", room_id=room["id"])
    assert (await inside.hear("room.unread"))["room_id"] == room["id"]


# Typing and presence


async def test_typing_is_heard_by_the_others_in_the_room(sign_in: SignIn) -> None:
    david, kevin = await sign_in("David"), await sign_in("Kevin")
    typist, listener, elsewhere = [await Line.open(p) for p in (kevin, david, david)]
    await typist.enter(ALL_PETS)
    await listener.enter(ALL_PETS)
    about = {
        "event": "room.typing",
        "room_id": ALL_PETS,
        "user": {"id": KEVIN, "name": "Kevin"},
    }
    forged = {"user_id": DAVID, "user": {"id": DAVID, "name": "David"}}
    for _ in range(3):
        await typist.say("room.type", room_id=ALL_PETS, **forged)
    assert await listener.hear("room.typing") == about | {"typing": True}
    await typist.say("room.stop_typing", room_id=ALL_PETS)
    assert await listener.hear("room.typing") == about | {"typing": False}
    await typist.say("room.type", room_id=ALL_PETS)
    assert await listener.hear("room.typing") == about | {"typing": True}
    await post(kevin, "Here it is")
    assert await listener.hear("room.typing") == about | {"typing": False}
    for line in (typist, elsewhere):
        assert not [e for e in await line.up_to_now() if e["event"] == "room.typing"]


async def test_a_typist_who_falls_silent_or_leaves_has_stopped(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert presence.SILENT_AFTER == 10.0
    david, kevin = await sign_in("David"), await sign_in("Kevin")
    typist, listener = await Line.open(kevin), await Line.open(david)
    await typist.enter(ALL_PETS)
    await listener.enter(ALL_PETS)
    await typist.say("room.type", room_id=ALL_PETS)
    assert (await listener.hear("room.typing"))["typing"]
    await typist.ws.close()
    assert not (await listener.hear("room.typing"))["typing"]
    monkeypatch.setattr(presence, "SILENT_AFTER", 0.05)
    typist = await Line.open(kevin)
    await typist.enter(ALL_PETS)
    await typist.say("room.type", room_id=ALL_PETS)
    assert [(await listener.hear("room.typing"))["typing"] for _ in "ab"] == [
        True,
        False,
    ]


async def test_typing_is_for_rooms_that_one_has_entered(sign_in: SignIn) -> None:
    kevin = await sign_in("Kevin")
    line = await Line.open(kevin)
    for command in ("room.type", "room.stop_typing"):
        refused = await line.obeyed(command, room_id=ALL_PETS)
        assert (refused["event"], refused["status"]) == ("command.refused", 404)


async def test_coming_and_going_is_told_to_neighbours(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert presence.GONE_AFTER == 60.0
    monkeypatch.setattr(presence, "GONE_AFTER", 0.05)
    david, kevin = await sign_in("David"), await sign_in("Kevin")
    watcher = await Line.open(david)
    first, second = await Line.open(kevin), await Line.open(kevin)
    change = {"event": "presence.changed", "user_id": KEVIN}
    assert await watcher.hear("presence.changed") == change | {"online": True}
    entered = await watcher.enter(ALL_PETS)
    assert entered["present"] == [
        {"id": DAVID, "name": "David"},
        {"id": KEVIN, "name": "Kevin"},
    ]
    await first.ws.close()
    await second.ws.close()
    assert await watcher.hear("presence.changed") == change | {"online": False}
    assert (await watcher.enter(ALL_PETS))["present"] == entered["present"][:1]
    told = [e for e in watcher.heard if e["event"] == "presence.changed"]
    assert [event["online"] for event in told] == [True, False]


async def test_the_last_word_on_who_is_here_is_true(
    server: TestServer, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert server.app is not None
    db = server.app[DB]
    read, overtaken = db.read, asyncio.Event()
    held: list[frozenset[int]] = []

    async def overtake(function: Any, *args: Any) -> Any:
        answer = await read(function, *args)
        if function is memberships.neighbours and not held:
            held.append(answer)
            await overtaken.wait()
        return answer

    david, kevin = await sign_in("David"), await sign_in("Kevin")
    watcher = await Line.open(david)
    monkeypatch.setattr(db, "read", overtake)
    line = await Line.open(kevin)
    monkeypatch.setattr(presence, "GONE_AFTER", 0.0)
    await line.ws.close()
    gone = {"event": "presence.changed", "user_id": KEVIN, "online": False}
    assert await watcher.hear("presence.changed") == gone
    overtaken.set()
    assert await watcher.hear("presence.changed") == gone


async def test_somebody_who_comes_back_in_time_was_never_gone(
    sign_in: SignIn,
) -> None:
    david, kevin = await sign_in("David"), await sign_in("Kevin")
    watcher = await Line.open(david)
    for _ in range(3):
        line = await Line.open(kevin)
        await line.ws.close()
    line = await Line.open(kevin)
    await watcher.hear("presence.changed", user_id=KEVIN)
    told = [e for e in await watcher.up_to_now() if e["event"] == "presence.changed"]
    assert told == []


# Closing

NONSENSE = ["", "x", "[]", "null", "5", '"x"', "{}", '{"command": 5}', "\ufeff{}"]
NONSENSE += ['{"command": "dance"}', '{"command": null}', '{"command": ["ping"]}']
NONSENSE += ["[" * 60_000, '{"a":' * 10_000, '{"command": "ping", "x": NaN}']
NONSENSE += ['{"command": "ping", "x": "\\ud800"}', '{"command": "ping"} {}']


@pytest.mark.parametrize("nonsense", NONSENSE, ids=range(len(NONSENSE)))
async def test_the_third_nonsense_in_a_row_closes(
    sign_in: SignIn, nonsense: str
) -> None:
    kevin = await sign_in("Kevin")
    line = await Line.open(kevin)
    for _ in range(2):
        await line.ws.send_str(nonsense)
        refused = await line.hear("command.refused")
        assert refused["status"] == 400
        assert refused["detail"]
    await line.ws.send_str(nonsense)
    assert await line.closing() == 4400


async def test_binary_frames_are_nonsense(sign_in: SignIn) -> None:
    kevin = await sign_in("Kevin")
    line = await Line.open(kevin)
    for _ in range(2):
        await line.ws.send_bytes(b'{"command": "ping"}')
        assert (await line.hear("command.refused"))["status"] == 400
    await line.ws.send_bytes(b"")
    assert await line.closing() == 4400


async def test_sense_in_between_is_forgiven(sign_in: SignIn) -> None:
    kevin = await sign_in("Kevin")
    line = await Line.open(kevin)
    for _ in range(4):
        for _ in range(2):
            await line.ws.send_str("nonsense")
            await line.hear("command.refused")
        assert (await line.obeyed("room.enter", room_id=99))["status"] == 404


@pytest.mark.parametrize("compress", [0, 15])
async def test_a_frame_of_64_kib_is_the_largest(sign_in: SignIn, compress: int) -> None:
    kevin = await sign_in("Kevin")
    line = await Line.open(kevin, compress=compress)
    frame = '{"command": "ping", "id": "large", "x": "%s"}'
    frame %= "x" * (65_536 - len(frame) + 2)
    assert len(frame) == 65_536
    await line.ws.send_str(frame)
    await line.hear("pong", id="large")
    await line.ws.send_str(frame + " " * (2 if compress else 1))
    assert await line.closing() == 1009


async def test_a_frame_that_announces_too_much_closes_unread(
    raw_socket: RawSocket, sign_in: SignIn
) -> None:
    kevin = await sign_in("Kevin")
    for size in (65_537, 2**30, 2**63 - 1):
        line = await raw_socket(bearer(kevin))
        line.send(b"", size=size)
        assert await line.closing() == 1009


async def test_a_bomb_is_not_inflated(raw_socket: RawSocket, sign_in: SignIn) -> None:
    kevin = await sign_in("Kevin")
    deflate = {"Sec-WebSocket-Extensions": "permessage-deflate"}
    line = await raw_socket(bearer(kevin) | deflate)
    stream = zlib.compressobj(9, wbits=-15)
    bomb = stream.compress(b" " * 40_000_000) + stream.flush(zlib.Z_SYNC_FLUSH)
    assert len(bomb) < 65_536
    line.send(bomb[:-4], first=0xC1)
    assert await line.closing() == 1009


@pytest.mark.parametrize(
    ("first", "payload", "code"),
    [
        *((0x81, b"\xff", 1007), (0x81, b"\xed\xa0\x80", 1007), (0xC1, b"x", 1002)),
        *((0x83, b"x", 1002), (0x89, b"x" * 126, 1002), (0x09, b"x", 1002)),
        *((0x80, b"x", 1002), (0x88, b"x", 1002), (0x88, b"\x03\xe7", 1002)),
        (0xF1, b"x", 1002),
    ],
)
async def test_broken_frames_close_and_nothing_follows(
    raw_socket: RawSocket, sign_in: SignIn, first: int, payload: bytes, code: int
) -> None:
    kevin = await sign_in("Kevin")
    line = await raw_socket(bearer(kevin))
    assert json.loads(await line.text())["event"] == "welcome"
    line.send(payload, first=first)
    assert await line.closing() == code
    line.send(code.to_bytes(2, "big"), first=0x88)
    async with asyncio.timeout(5):
        assert await line.reader.read() == b"", "nothing after the closing frame"


async def test_the_fifty_first_command_in_a_second_closes(sign_in: SignIn) -> None:
    kevin = await sign_in("Kevin")
    line = await Line.open(kevin)
    for number in range(51):
        await line.say("ping", id=str(number))
    assert await line.closing() == 4429
    pongs = [event["id"] for event in line.heard if event["event"] == "pong"]
    assert pongs == [str(number) for number in range(50)]


async def test_fifty_commands_in_a_second_are_fine(sign_in: SignIn) -> None:
    kevin = await sign_in("Kevin")
    line = await Line.open(kevin)
    for number in range(50):
        await line.say("ping", id=str(number))
    await line.hear("pong", id="49")


async def test_signing_out_closes_the_lines_of_that_sign_in_at_once(
    raw_socket: RawSocket, sign_in: SignIn
) -> None:
    kevin, elsewhere = await sign_in("Kevin"), await sign_in("Kevin")
    ends = [await Line.open(kevin), await Line.open(kevin, "campfire.html")]
    stays = await Line.open(elsewhere)
    await ends[0].enter(ALL_PETS)
    assert (await kevin.client.delete("/session")).status == 204
    assert [await line.closing() for line in ends] == [4401, 4401]
    await stays.enter(ALL_PETS)
    assert (await raw_socket(bearer(kevin))).status == 401


async def test_a_goodbye_is_answered_on_a_line_that_is_still_there(
    raw_socket: RawSocket, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the client calls it an accident, and does not know that it was 4401."""
    assert sockets.GOODBYE_TAKES == 1.0
    monkeypatch.setattr(sockets, "GOODBYE_TAKES", 30.0)
    kevin, watcher = await sign_in("Kevin"), await sign_in("JZ")
    line = await raw_socket(bearer(kevin))
    assert json.loads(await line.text())["event"] == "welcome"
    assert (await kevin.client.delete("/session")).status == 204
    assert await line.closing() == 4401
    assert (await watcher.client.get("/rooms")).status == 200, "time to hang up"
    assert not line.reader.at_eof()
    line.send((4401).to_bytes(2, "big"), first=0x88)
    async with asyncio.timeout(5):
        assert await line.reader.read() == b""


async def test_a_revoked_member_stops_hearing_at_once(
    server: TestServer, sign_in: SignIn
) -> None:
    assert server.app is not None
    db = server.app[DB]
    david, jz = await sign_in("David"), await sign_in("JZ")
    out, stays = await Line.open(jz), await Line.open(david)
    for line in (out, stays):
        await line.enter(WATERCOOLER)
    await post(david, "Before", room_id=WATERCOOLER)
    await out.hear("message.posted")
    await db.write(memberships.revoke, WATERCOOLER, [JZ])
    await post(david, "After", room_id=WATERCOOLER)
    await stays.say("room.type", room_id=WATERCOOLER)
    await stays.hear("message.posted")
    assert (await stays.hear("message.posted"))["message"]["body"]["plain"] == "After"
    await out.hear("membership.revoked")
    told = await out.up_to_now()
    assert not [event for event in told if event.get("room_id") == WATERCOOLER]
    for command in ("room.enter", "room.type"):
        refused = await out.obeyed(command, room_id=WATERCOOLER)
        assert (refused["event"], refused["status"]) == ("command.refused", 404)
    assert (await out.enter(ALL_PETS))["seq"] == 0, "the other rooms go on"


async def test_putting_out_wins_against_entering(
    server: TestServer, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Put out after the room was read for the newcomer, before it was answered."""
    assert server.app is not None
    db, arrival = server.app[DB], sockets.arrival
    looked, answered = threading.Event(), threading.Event()

    def slow_arrival(*args: Any) -> Any:
        found = arrival(*args)
        looked.set()
        assert answered.wait(10)
        return found

    david, jz = await sign_in("David"), await sign_in("JZ")
    line = await Line.open(jz)
    monkeypatch.setattr(sockets, "arrival", slow_arrival)
    await line.say("room.enter", room_id=WATERCOOLER, since=0, id="late")
    await asyncio.to_thread(looked.wait, 10)
    await db.write(memberships.revoke, WATERCOOLER, [JZ])
    await post(david, "Psst", room_id=WATERCOOLER)
    await jz.agreed()
    answered.set()
    answer = await line.hear("room.entered", "command.refused", id="late")
    assert (answer["event"], answer["status"]) == ("command.refused", 404)
    told = [*line.heard, *await line.up_to_now()]
    assert not [event for event in told if event["event"] in CHANGES]


async def test_a_sign_in_that_ends_during_the_handshake_gets_no_line(
    server: TestServer, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    kevin, prepare = await sign_in("Kevin"), web.WebSocketResponse.prepare

    async def late(ws: web.WebSocketResponse, request: web.BaseRequest) -> Any:
        assert (await kevin.client.delete("/session")).status == 204
        return await prepare(ws, request)

    monkeypatch.setattr(web.WebSocketResponse, "prepare", late)
    line = Line(await kevin.client.ws_connect("/socket"))
    assert await line.closing() == 4401


async def test_when_the_server_stops_everybody_is_told(
    servers: list[TestServer], sign_in: SignIn
) -> None:
    people = [await sign_in(name) for name in ("David", "Jason", "JZ", "Kevin")]
    lines = [await Line.open(person) for person in people for _ in range(5)]
    for line in lines:
        await line.enter(ALL_PETS)
    stopping = asyncio.gather(*(server.close() for server in servers))
    codes = await asyncio.gather(*(line.closing() for line in lines))
    assert set(codes) == {1001}
    await stopping


async def test_a_mute_reader_is_let_go_and_harms_nobody(
    raw_socket: RawSocket, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MOST_WAITING", 128 * 1024)
    monkeypatch.setattr(outbox, "TRANSPORT_TAKES", 16 * 1024)
    monkeypatch.setattr(hub, "DRAIN_EVERY", 0.01)
    # A busy machine takes longer to post all this than a goodbye usually waits.
    monkeypatch.setattr(sockets, "CLOSING_TAKES", 600.0)
    david, kevin, jz = [await sign_in(name) for name in ("David", "Kevin", "JZ")]
    mute = await raw_socket(bearer(kevin))
    mute.writer.transport.pause_reading()  # type: ignore[attr-defined]
    mute.send(json.dumps({"command": "room.enter", "room_id": ALL_PETS}).encode())
    healthy = await Line.open(jz)
    await healthy.enter(ALL_PETS)
    body, total = "x" * 60_000, 150
    for number in range(1, total + 1):
        await post(david, f"{number} {body}")
        assert (await healthy.hear("message.posted"))["seq"] == number
    mute.writer.transport.resume_reading()  # type: ignore[attr-defined]
    events = []
    while True:
        first, payload = await mute.frame()
        if first == 0x88:
            break
        events.append(json.loads(payload))
    assert int.from_bytes(payload[:2], "big") == 1013
    heard = [event["seq"] for event in events if event["event"] == "message.posted"]
    assert heard == list(range(1, len(heard) + 1)), "a part, but without a hole"
    assert len(heard) < total
    back = await Line.open(kevin)
    await back.enter(ALL_PETS, since=len(heard))
    replayed = [e["seq"] for e in back.heard if e["event"] == "message.posted"]
    assert heard + replayed == list(range(1, total + 1))


async def test_a_reader_who_is_stuck_is_let_go(
    raw_socket: RawSocket, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert outbox.PATIENCE == 30.0
    monkeypatch.setattr(outbox, "PATIENCE", 0.05)
    monkeypatch.setattr(outbox, "MOST_WAITING", 1 << 30)
    monkeypatch.setattr(outbox, "TRANSPORT_TAKES", 16 * 1024)
    monkeypatch.setattr(hub, "DRAIN_EVERY", 0.01)
    monkeypatch.setattr(sockets, "CLOSING_TAKES", 0.05)
    david, kevin, jz = [await sign_in(name) for name in ("David", "Kevin", "JZ")]
    watcher = await Line.open(jz)
    monkeypatch.setattr(presence, "GONE_AFTER", 0.01)
    stuck = await raw_socket(bearer(kevin))
    await watcher.hear("presence.changed", online=True)
    stuck.writer.transport.pause_reading()  # type: ignore[attr-defined]
    stuck.send(json.dumps({"command": "room.enter", "room_id": ALL_PETS}).encode())
    writing = asyncio.create_task(flood(david))
    async with asyncio.timeout(10):
        assert (await watcher.hear("presence.changed"))["user_id"] == KEVIN
    writing.cancel()
    await asyncio.wait([writing])


async def flood(person: Person) -> None:
    while True:
        await post(person, "x" * 60_000)


async def test_without_limits_one_may_say_as_much_as_one_likes(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("data")
    config = Config(data=folder, password_cost=4, rate_limits=False)
    server = TestServer(await app.create(config))
    await server.start_server()
    words = {
        "name": "David",
        "email_address": "david@37signals.example",
        "password": "correct horse battery",
    }
    async with ClientSession(base_url=server.make_url("/"), headers=JSON) as door:
        begun = await (await door.post("/first_run", json=words)).json()
    async with ClientSession(
        base_url=server.make_url("/"),
        headers={"Authorization": f"Bearer {begun['token']}"},
    ) as client:
        lines = [await Line.open(client) for _ in range(sockets.MOST_PER_PERSON + 1)]
        for number in range(200):
            await lines[0].say("ping", id=str(number))
        await lines[0].hear("pong", id="199")
        for line in lines:
            await line.ws.close()
    await server.close()


async def test_bytes_after_the_handshake_are_no_second_request(
    raw_socket: RawSocket, sign_in: SignIn
) -> None:
    kevin = await sign_in("Kevin")
    line = await raw_socket(bearer(kevin))
    line.writer.write(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
    assert await line.closing() == 1002


async def test_a_crowd_that_vanishes_silences_nobody(
    raw_socket: RawSocket, sign_in: SignIn
) -> None:
    """Their transports are closed before their handlers have noticed."""
    david, kevin = await sign_in("David"), await sign_in("Kevin")
    crowd = [await raw_socket(bearer(david)) for _ in range(15)]
    stays = await raw_socket(bearer(kevin))
    enter = json.dumps({"command": "room.enter", "room_id": ALL_PETS}).encode()
    for line in (*crowd, stays):
        line.send(enter)
        while json.loads(await line.text())["event"] != "room.entered":
            pass
    for line in crowd:
        line.writer.transport.abort()
    for number in range(20):
        await post(david, f"message {number}")
        while (event := json.loads(await stays.text()))["event"] != "message.posted":
            pass
        assert event["message"]["body"]["plain"] == f"message {number}"


async def test_a_long_replay_comes_in_portions_whole_and_in_order(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much was missed, little of it is in memory at a time."""
    monkeypatch.setattr("campfire.live.sockets.MOST_AT_ONCE", 10_000)
    david, kevin = await sign_in("David"), await sign_in("Kevin")
    for number in range(60):
        await post(david, f"{number} " + "word " * 400)
    back = await Line.open(kevin)
    await back.enter(ALL_PETS, since=0)
    heard = [e["seq"] for e in back.heard if e["event"] == "message.posted"]
    assert heard == list(range(1, 61))
    assert back.heard[-1]["missed"] == 60


async def test_a_session_that_another_process_ended_obeys_nothing(
    sign_in: SignIn, server: TestServer
) -> None:
    kevin = await sign_in("Kevin")
    socket = await Line.open(kevin)
    await socket.enter(ALL_PETS)
    other = connect(server.app[DB].path)
    other.execute("DELETE FROM sessions")
    other.close()
    # While a commit of ours is under way, what others did is seen when it is over.
    await server.app[DB].write(health.beat)
    await socket.say("message.post", room_id=ALL_PETS, body="Too late")
    assert (await socket.ws.receive(10)).data == 4401


async def test_a_fault_of_ours_closes_the_line_and_breaks_no_frame(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*given: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("campfire.chat.memberships.read", broken)
    socket = await Line.open(await sign_in("Kevin"))
    await socket.say("room.read", room_id=ALL_PETS, message_id=1)
    assert (await socket.ws.receive(10)).data == 1011
