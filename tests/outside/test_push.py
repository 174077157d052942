"""Pushes to real receivers that open them: good, slow, dead and hostile ones."""

import asyncio
import json
import os
import ssl
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from campfire.chat import (
    jobs,
    memberships,
    messages,
    push,
    richtext,
    sessions,
    users,
)
from campfire.chat.messages import Message
from campfire.chat.push import PUSH, ROUND, Entry, Notification, Subscription
from campfire.database import Database, Event, Reads, Tx
from campfire.outside.client import Answer, Client
from campfire.outside.jobs import Runner
from campfire.outside.push import LARGEST, Push, packed, sealed, topic
from campfire.outside.vapid import Keys, Signer
from campfire.refusals import Invalid
from tests.conftest import (
    DAVID,
    JASON,
    JZ,
    PASSWORD_HASH,
    VAPID_KEYS,
    WATERCOOLER,
    address,
)
from tests.outside.conftest import NEXT_DOOR, Lives
from tests.outside.test_vapid import proven

HEARS = 15.0
NAME = "push.example"
PAIR = json.loads(VAPID_KEYS)


@dataclass
class Device:
    """A browser: its keys, and what it read of what its push service got."""

    auth: bytes = field(default_factory=lambda: os.urandom(16))
    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    @property
    def p256dh(self) -> bytes:
        return self.private.public_key().public_bytes(
            Encoding.X962, PublicFormat.UncompressedPoint
        )

    def opened(self, body: bytes) -> dict[str, Any]:
        """What a push says (RFC 8291)."""
        plain = http_ece.decrypt(
            body, private_key=self.private, auth_secret=self.auth, version="aes128gcm"
        )
        told: dict[str, Any] = json.loads(plain)
        return told


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


class Service:
    """A push service behind TLS on this machine; it takes what has no `status`."""

    def __init__(self) -> None:
        self.port = 0
        self.status: dict[str, str] = {}
        self.headers = ""
        self.received: list[Received] = []
        self.opened = 0
        self.most_at_once = 0
        self.slow: dict[str, asyncio.Event] = {}

    def endpoint(self, path: str = "/a", host: str = NAME) -> str:
        return f"https://{host}:{self.port}{path}"

    async def meet(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.opened += 1
        self.most_at_once = max(self.most_at_once, self.opened)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.rstrip().split("\r\n")
            headers = dict(line.split(": ", 1) for line in lines)
            body = await reader.readexactly(int(headers.get("Content-Length", 0)))
            path = first.split()[1]
            self.received.append(Received(path, headers, body))
            if path in self.slow:
                await self.slow[path].wait()
            status = self.status.get(path, "201 Created")
            writer.write(
                f"HTTP/1.1 {status}\r\n{self.headers}Content-Length: 0\r\n"
                "Connection: close\r\n\r\n".encode()
            )
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            self.opened -= 1
            writer.close()


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """A certificate for every name below .example, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key, chain = folder / "key.pem", folder / "chain.pem"
    names = ",".join(f"DNS:{name}" for name in (NAME, "other.example"))
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"),
            *("-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", f"/CN={NAME}"),
            *("-addext", f"subjectAltName={names}"),
            *("-keyout", str(key), "-out", str(chain)),
        ],
        check=True,
        capture_output=True,
    )
    yield key, chain


@pytest.fixture
async def service(trusted: tuple[Path, Path]) -> AsyncIterator[Service]:
    key, chain = trusted
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    service = Service()
    server = await asyncio.start_server(service.meet, "127.0.0.1", 0, ssl=context)
    service.port = server.sockets[0].getsockname()[1]
    yield service
    server.close()


@dataclass
class House:
    """The part of the application that pushes, and who it takes for present."""

    db: Database
    push: Push
    present: set[int]
    runner: Runner

    async def subscribe(
        self, device: Device, endpoint: str, user_id: int = JASON
    ) -> Subscription:
        keys = push.Keys(endpoint, device.p256dh, device.auth)
        await self.push.require_usable(keys)

        def subscribe(tx: Tx) -> Subscription:
            token = sessions.start(tx, user_id, "127.0.0.1", "Firefox/1")
            session = sessions.find(tx, sessions.token_hash(token))
            assert session is not None
            return push.subscribe(tx, user_id, session.id, keys, "Firefox/1")

        return await self.db.write(subscribe)

    async def post(self, body: str, user_id: int = JZ) -> Message:
        def post(tx: Tx) -> Message:
            people = memberships.mentionable(tx, user_id, WATERCOOLER)
            draft = richtext.draft(body, people, may_call_everyone=True)
            client_id = messages.client_message_id(None)
            return messages.post(tx, user_id, WATERCOOLER, draft, client_id)[0]

        return await self.db.write(post)

    async def waiting(self) -> int:
        found: int = await self.db.read(
            lambda db: db.value("SELECT count(*) FROM jobs WHERE state <> 'dead'")
        )
        return found

    async def done(self) -> None:
        async with asyncio.timeout(HEARS):
            while await self.waiting():
                await asyncio.sleep(0.01)

    async def ledger(self, user_id: int = JASON, most: int = 1) -> list[Entry]:
        """Once it has so many lines."""
        async with asyncio.timeout(HEARS):
            while len(found := await self.db.read(push.ledger, user_id)) < most:
                await asyncio.sleep(0.01)
        return found


Open = Callable[..., House]


@pytest.fixture
async def open_house(
    db: Database, events: list[Event], service: Service, trusted: tuple[Path, Path]
) -> AsyncIterator[Open]:
    runners: list[Runner] = []

    def open_house(
        origin: str | None = "https://chat.example:8443",
        base: str = "",
        **options: Any,
    ) -> House:
        known: dict[str, Any] = {
            "allowed": NEXT_DOOR,
            "ports": {443, service.port},
            "lookup": lambda name: ["127.0.0.1"],
            "tls": ssl.create_default_context(cafile=trusted[1]),
        }
        client = Client(own="https://chat.example", **(known | options))
        present: set[int] = set()
        signer = Signer(Keys(PAIR["private"], PAIR["public"]))
        pushing = Push(db, client, signer, lambda: present, origin, base)
        runner = Runner(db, {ROUND: pushing.rounds, PUSH: pushing.pushes})
        runners.append(runner)

        def publish(event: Event) -> None:
            events.append(event)
            runner.hear(event)

        db.publish = publish
        return House(db, pushing, present, runner)

    yield open_house
    for runner in runners:
        await runner.close()


# From a message to a screen


async def test_a_push_can_be_read_by_its_browser_and_by_nobody_else(
    service: Service, open_house: Open
) -> None:
    house, device = open_house(base="/chat"), Device()
    await house.subscribe(device, service.endpoint("/send/1"))
    message = await house.post("@Jason the **fire** is lit")
    await house.done()
    (got,) = service.received
    assert got.path == "/send/1"
    assert device.opened(got.body) == {
        "id": message.id,
        "title": "Watercooler",
        "body": "JZ: @Jason the fire is lit",
        "path": f"/chat/rooms/{WATERCOOLER}",
        "badge": 1,
        "tag": f"room-{WATERCOOLER}",
    }
    assert b"fire" not in got.body
    with pytest.raises(http_ece.ECEException):
        Device().opened(got.body)
    assert got.headers["Content-Encoding"] == "aes128gcm"
    assert got.headers["Urgency"] == "high" and int(got.headers["TTL"]) > 0
    assert len(got.headers["Topic"]) <= 32
    claims = proven(got.headers["Authorization"], PAIR["public"])
    assert claims["aud"] == f"https://{NAME}:{service.port}"
    assert claims["sub"] == "https://chat.example"
    (entry,) = await house.ledger()
    assert (entry.outcome, entry.status) == ("delivered", 201)


@pytest.mark.parametrize(
    "origin", [None, "http://127.0.0.1:8000", "https://10.0.0.1", "https://[::1]:8"]
)
async def test_a_house_without_a_name_is_reached_by_its_administrator(
    service: Service, open_house: Open, origin: str | None
) -> None:
    house, device = open_house(origin), Device()
    await house.subscribe(device, service.endpoint())
    await house.post("@Jason")
    await house.done()
    claims = proven(service.received[0].headers["Authorization"], PAIR["public"])
    named = "https://10.0.0.1" if origin == "https://10.0.0.1" else None
    assert claims["sub"] == (named or f"mailto:{address('David')}")


@pytest.mark.parametrize("text", ["long " * 3_000, "🔥" * 9_000, '"\\\n' * 4_000])
async def test_a_long_message_is_cut_and_arrives(
    service: Service, open_house: Open, text: str
) -> None:
    house, device = open_house(), Device()
    await house.subscribe(device, service.endpoint())
    await house.post(f"@Jason {text}")
    await house.done()
    (got,) = service.received
    told = device.opened(got.body)
    assert told["body"].startswith("JZ: @Jason ") and told["body"].endswith("…")
    assert len(got.body) < 4_096
    assert 0.9 * LARGEST < len(json.dumps(told, ensure_ascii=False).encode())


async def test_several_devices_are_rung_each_with_its_own_seal(
    service: Service, open_house: Open
) -> None:
    house = open_house()
    devices = {f"/{number}": Device() for number in range(3)}
    for path, device in devices.items():
        await house.subscribe(device, service.endpoint(path))
    await house.post("@Jason")
    await house.done()
    assert {got.path for got in service.received} == devices.keys()
    for got in service.received:
        assert devices[got.path].opened(got.body)["title"] == "Watercooler"


async def test_a_room_says_nothing_to_the_service_but_that_it_is_the_same(
    service: Service, open_house: Open
) -> None:
    house, one, two = open_house(), Device(), Device()
    await house.subscribe(one, service.endpoint("/1"))
    await house.subscribe(two, service.endpoint("/2"))
    await house.post("@Jason")
    await house.done()
    await house.post("@Jason again")
    await house.done()
    topics = [
        {got.headers["Topic"] for got in service.received if got.path == path}
        for path in ("/1", "/2")
    ]
    assert [len(each) for each in topics] == [1, 1] and topics[0] != topics[1]


# Held and dropped


async def test_who_is_here_is_not_rung_before_there_was_time_to_read(
    service: Service, open_house: Open
) -> None:
    house, device = open_house(), Device()
    house.present.add(JASON)
    await house.subscribe(device, service.endpoint())
    message = await house.post("@Jason")
    await house.subscribe(Device(), service.endpoint("/david"), DAVID)
    await house.post("@David")
    await house.ledger(DAVID)
    assert [got.path for got in service.received] == ["/david"]
    assert await house.waiting() == 1
    # Once they have read it, nothing is left to ring for.
    await house.db.write(memberships.read, JASON, WATERCOOLER, message.id)
    await house.db.write(jobs.hurry, PUSH, f"{JASON}:")
    await house.done()
    assert [got.path for got in service.received] == ["/david"]


async def test_what_was_not_read_rings_after_all(
    service: Service, open_house: Open, db: Database
) -> None:
    house, device = open_house(), Device()
    house.present.add(JASON)
    await house.subscribe(device, service.endpoint())
    await house.post("@Jason")

    def is_held(db: Reads) -> bool:
        due = db.value("SELECT min(due_at) FROM jobs WHERE kind = 'push'")
        return due is not None and due > jobs.clock() + 20_000

    async with asyncio.timeout(HEARS):
        while not await db.read(is_held):
            await asyncio.sleep(0.01)
    assert service.received == []
    house.present.clear()
    await db.write(jobs.hurry, PUSH, f"{JASON}:")
    await house.done()
    assert device.opened(service.received[0].body)["body"] == "JZ: @Jason"


# Receivers that are not good


@pytest.mark.parametrize("status", ["404 Not Found", "410 Gone"])
async def test_an_address_that_is_gone_is_forgotten(
    service: Service, open_house: Open, status: str
) -> None:
    house = open_house()
    await house.subscribe(Device(), service.endpoint("/gone"))
    await house.subscribe(Device(), service.endpoint("/here"))
    service.status["/gone"] = status
    await house.post("@Jason")
    await house.done()
    (left,) = await house.db.read(push.all_of, JASON)
    assert left.endpoint == service.endpoint("/here")
    outcomes = {entry.outcome for entry in await house.ledger(most=2)}
    assert outcomes == {"delivered", "refused"}


@pytest.mark.parametrize(
    "status", ["400 Bad", "401 Unsigned", "403 No", "413 Large", "302 Found"]
)
async def test_a_refusal_ends_the_push_and_nothing_else(
    service: Service, open_house: Open, status: str
) -> None:
    house = open_house()
    await house.subscribe(Device(), service.endpoint())
    service.status["/a"] = status
    service.headers = f"Location: {service.endpoint('/elsewhere')}\r\n"
    await house.post("@Jason")
    await house.done()
    assert [got.path for got in service.received] == ["/a"]
    assert len(await house.db.read(push.all_of, JASON)) == 1
    (entry,) = await house.ledger()
    assert (entry.outcome, entry.status) == ("refused", int(status[:3]))


@pytest.mark.parametrize("status", ["429 Slower", "500 Broken", "503 Busy"])
async def test_a_service_that_is_busy_is_asked_again_when_it_says(
    service: Service, open_house: Open, status: str
) -> None:
    house = open_house()
    subscription = await house.subscribe(Device(), service.endpoint())
    service.status["/a"] = status
    service.headers = "Retry-After: 900\r\n"
    await house.post("@Jason")
    (entry,) = await house.ledger()
    assert (entry.outcome, entry.status) == ("refused", int(status[:3]))
    wait = await house.db.read(
        lambda db: db.value("SELECT due_at FROM jobs") - jobs.clock()
    )
    assert 800_000 < wait <= 900_000
    del service.status["/a"]
    service.headers = ""

    def now_due(tx: Tx) -> None:
        tx.row("UPDATE jobs SET due_at = 0")
        tx.announce(jobs.Added(PUSH))

    await house.db.write(now_due)
    await house.done()
    newest, _ = await house.ledger(most=2)
    assert newest.outcome == "delivered"
    (left,) = await house.db.read(push.all_of, JASON)
    assert left.id == subscription.id


async def test_a_dead_service_loses_nobody_anything(
    service: Service, open_house: Open
) -> None:
    """Not reached, somebody else's certificate, a name that lies: not forgotten."""
    resolved = {NAME: ["127.0.0.1"], "strange.example": ["127.0.0.1"]}
    house = open_house(lookup=lambda name: resolved.get(name.rstrip("."), ["10.1.2.3"]))
    await house.subscribe(Device(), service.endpoint(host="strange.example"))
    await house.subscribe(Device(), service.endpoint("/x", host="inside.example"))
    await house.subscribe(Device(), "https://push.example/nothing-listens")
    await house.post("@Jason")
    entries = await house.ledger(most=3)
    assert {(each.outcome, each.status) for each in entries} == {("refused", None)}
    assert service.received == []
    assert len(await house.db.read(push.all_of, JASON)) == 3
    assert await house.waiting() == 3


async def test_a_slow_service_holds_up_only_its_own(
    service: Service, open_house: Open
) -> None:
    house = open_house()
    for number in range(19):
        path = f"/slow/{number}"
        service.slow[path] = asyncio.Event()
        await house.subscribe(Device(), service.endpoint(path))
    good = Device()
    await house.subscribe(good, service.endpoint("/good", "other.example"), DAVID)
    await house.post("@Jason")
    async with asyncio.timeout(HEARS):
        while service.opened < house.push.pushes.each:
            await asyncio.sleep(0.01)
    started = time.monotonic()
    await house.post("@David")
    await house.ledger(DAVID)
    assert time.monotonic() - started < 3.0
    assert service.most_at_once <= house.push.pushes.each + 1
    for event in service.slow.values():
        event.set()
    await house.done()


async def test_what_was_under_way_when_the_process_died_is_sent_by_the_next(
    service: Service, open_house: Open
) -> None:
    house, device = open_house(), Device()
    service.slow["/a"] = asyncio.Event()
    await house.subscribe(device, service.endpoint())
    await house.post("@Jason")
    async with asyncio.timeout(HEARS):
        while not service.received:
            await asyncio.sleep(0.01)
    await house.runner.close()
    assert await house.waiting() == 1
    service.slow.clear()
    next_house = open_house()
    await next_house.done()
    assert [device.opened(got.body)["body"] for got in service.received] == [
        "JZ: @Jason",
        "JZ: @Jason",
    ]


# Seconds from a push that arrives: not answered yet, or the answer is read or being
# written. None is the moment when something has been written.
MOMENTS = (0.0, None, 0.002, None, 0.008)


async def test_nothing_is_lost_when_the_process_is_killed_in_the_midst(
    service: Service, open_house: Open, trusted: tuple[Path, Path]
) -> None:
    """What comes twice is the same notification, in the place of the first one."""
    house, lives, posted = open_house(), 40, 0
    await house.runner.close()
    devices = {f"/{number}": Device() for number in range(3)}
    for path, device in devices.items():
        await house.subscribe(device, service.endpoint(path))
    given = (str(house.db.path), str(service.port), str(trusted[1]))
    server = await Lives.of("pushes", *given)
    for life in range(lives):
        while await house.waiting() < 20:
            await house.post("@Jason")
            posted += 1
        before, came = await house.waiting(), len(service.received)
        moment = MOMENTS[life % len(MOMENTS)]
        await server.begin()
        async with asyncio.timeout(HEARS):
            while len(service.received) <= came + life % 3:
                await asyncio.sleep(0.001)
            await asyncio.sleep(moment or 0)
            # One round makes three of itself, so what is left may grow at first.
            while moment is None and await house.waiting() >= before:
                await asyncio.sleep(0.001)
        await server.end()
    await server.begin()
    await house.done()
    await server.end()
    await server.close()
    told: dict[tuple[str, int], list[str]] = {}
    for got in service.received:
        number = devices[got.path].opened(got.body)["id"]
        told.setdefault((got.path, number), []).append(got.headers["Topic"])
    assert len(told) == posted * len(devices)
    assert all(len(set(topics)) == 1 for topics in told.values())
    repeats = len(service.received) - len(told)
    assert 0 < repeats <= house.push.pushes.each * lives
    entries = await house.db.read(push.ledger, JASON)
    assert {entry.outcome for entry in entries} == {"delivered"}


async def test_a_crowd_is_rung_while_others_write(
    service: Service, open_house: Open
) -> None:
    house, device = open_house(), Device()
    crowd = 250

    def gather(tx: Tx) -> None:
        for number in range(crowd):
            name = f"N{number}"
            user = users.add(tx, name, address(name), PASSWORD_HASH)
            memberships.grant(tx, WATERCOOLER, [user.id])
            token = sessions.start(tx, user.id, "127.0.0.1", "Firefox/1")
            session = sessions.find(tx, sessions.token_hash(token))
            assert session is not None
            endpoint = service.endpoint(f"/{number}")
            keys = push.Keys(endpoint, device.p256dh, device.auth)
            push.subscribe(tx, user.id, session.id, keys, "")

    await house.db.write(gather)
    await house.post("@everyone")
    waits = []
    async with asyncio.timeout(40):
        while await house.waiting():
            started = time.monotonic()
            await house.post("Meanwhile")
            waits.append(time.monotonic() - started)
            await asyncio.sleep(0.02)
    assert {got.path for got in service.received} == {f"/{n}" for n in range(crowd)}
    assert len(service.received) == crowd
    assert sorted(waits)[len(waits) // 2] < 0.5


class Outside(Client):
    """Push services of which one answers nobody until `well`; no line is opened."""

    def __init__(self, slow: str) -> None:
        super().__init__()
        self.slow = slow
        self.well = asyncio.Event()
        self.asked: Counter[str] = Counter()
        self.opened: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.memory = 0

    async def fetch(self, url: str, **options: Any) -> Answer:
        host = urlsplit(url).netloc
        self.asked[host] += 1
        for who in (host, "all"):
            self.opened[who] += 1
            self.most[who] = max(self.most[who], self.opened[who])
        self.memory = max(self.memory, resident())
        await (self.well.wait() if host == self.slow else asyncio.sleep(0.001))
        for who in (host, "all"):
            self.opened[who] -= 1
        return Answer(201, url, "", None, b"")


def resident() -> int:
    """Bytes of this process in memory."""
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.timeout(120)
async def test_five_thousand_devices_are_rung_few_at_a_time_and_a_slow_service_last(
    db: Database,
) -> None:
    people, each = 250, push.MOST
    slow, fast = "slow.example", "push.example"
    device = Device()

    def gather(tx: Tx) -> None:
        for number in range(people):
            name = f"N{number}"
            user = users.add(tx, name, address(name), PASSWORD_HASH)
            memberships.grant(tx, WATERCOOLER, [user.id])
            token = sessions.start(tx, user.id, "127.0.0.1", "Firefox/1")
            session = sessions.find(tx, sessions.token_hash(token))
            assert session is not None
            for other in range(each):
                host = slow if other % 10 == 0 else fast
                endpoint = f"https://{host}/{number}/{other}"
                keys = push.Keys(endpoint, device.p256dh, device.auth)
                push.subscribe(tx, user.id, session.id, keys, "")

    await db.write(gather)
    outside = Outside(slow)
    signer = Signer(Keys(PAIR["private"], PAIR["public"]))
    pushing = Push(db, outside, signer, frozenset, "https://chat.example")
    # However long this takes, the slow one is not given up.
    endless = replace(pushing.pushes, patience=600.0)
    runner = Runner(db, {ROUND: pushing.rounds, PUSH: endless})
    db.publish = runner.hear
    house = House(db, pushing, set(), runner)
    # Loads what seals, which is not what is measured.
    await house.push.require_usable(
        push.Keys(f"https://{fast}/", device.p256dh, device.auth)
    )
    before = resident()
    await house.post("@everyone")
    all_of_them = people * each
    while outside.asked[fast] < all_of_them * 9 // 10:
        await asyncio.sleep(0.01)
    # The slow one has what is its own and not a bit more, and nobody waited for it.
    assert outside.asked[slow] == outside.opened[slow] == pushing.pushes.each
    assert outside.most[fast] == pushing.pushes.each
    assert outside.most["all"] <= pushing.pushes.most
    outside.well.set()
    while await house.waiting():
        await asyncio.sleep(0.01)
    await runner.close()
    assert outside.asked == {slow: all_of_them // 10, fast: all_of_them * 9 // 10}
    assert outside.memory - before < 30_000_000


# What is taken


@pytest.mark.parametrize(
    "endpoint",
    ["http://push.example/a", "https://chat.example/a", "https://192.168.0.1/a", ""],
)
async def test_an_address_that_is_nobodys_service_is_not_taken(
    open_house: Open, endpoint: str
) -> None:
    device = Device()
    with pytest.raises(Invalid):
        await open_house(allowed=()).push.require_usable(
            push.Keys(endpoint, device.p256dh, device.auth)
        )


def test_a_point_that_is_not_on_the_curve_seals_nothing() -> None:
    device = Device()
    good = push.Keys("https://push.example/", device.p256dh, device.auth)
    assert device.opened(sealed(good, b"{}")) == {}
    bent = bytearray(device.p256dh)
    bent[-1] ^= 1
    for p256dh, auth in (
        (bytes(bent), device.auth),
        (b"\x02" + device.p256dh[1:33], device.auth),
        (b"\x00", device.auth),
        (device.p256dh, device.auth[:-1]),
        (device.p256dh, b""),
    ):
        with pytest.raises(ValueError):
            sealed(push.Keys("https://push.example/", p256dh, auth), b"{}")


def test_a_topic_is_what_the_standard_allows() -> None:
    keys = push.Keys("https://push.example/", b"", bytes(16))
    assert len(topic(keys, "room-1")) == 24
    assert topic(keys, "room-1") != topic(keys, "room-2")


def test_a_short_notification_is_left_as_it_is() -> None:
    told = Notification(1, "Title", "Body ✓", "/rooms/1", 2, "room-1")
    assert json.loads(packed(told)) == {
        "id": 1,
        "title": "Title",
        "body": "Body ✓",
        "path": "/rooms/1",
        "badge": 2,
        "tag": "room-1",
    }


def test_keys_are_not_loaded_before_they_are_needed() -> None:
    """What seals takes 15 MB, which a server without devices does without."""
    code = (
        "import sys, campfire.app; print(sorted({'pywebpush', 'py_vapid', 'requests',"
        " 'cryptography'} & set(sys.modules)))"
    )
    python = [sys.executable, "-c", code]
    assert subprocess.run(python, capture_output=True, text=True).stdout == "[]\n"
