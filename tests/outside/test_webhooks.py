"""Webhooks at real receivers on this machine: good, slow, dead and hostile ones."""

import asyncio
import gzip
import hmac
import json
import time
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from campfire.chat import bots, deliveries, memberships, messages, richtext
from campfire.chat.bots import Secrets
from campfire.chat.deliveries import Delivery
from campfire.chat.files import Stored
from campfire.chat.messages import Message
from campfire.database import Database, Event, Reads, Tx
from campfire.outside import webhooks as module
from campfire.outside.addresses import NEAR
from campfire.outside.client import Client
from campfire.outside.jobs import Runner
from campfire.outside.webhooks import Webhooks
from tests.conftest import ALL_PETS, DAVID, JZ, set_the_stage
from tests.outside.conftest import Lives, Serve, answered, sent_to

HEARS = 30.0

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
Receive = Callable[[Answer], Awaitable["Receiver"]]


class Receiver:
    """Keeps what came: headers and bodies, in order."""

    def __init__(self, answer: Answer) -> None:
        self.came: list[tuple[dict[str, str], bytes]] = []
        self.asked = asyncio.Event()
        app = web.Application(client_max_size=10**8)

        async def receive(request: web.Request) -> web.StreamResponse:
            self.came.append((dict(request.headers), await request.read()))
            self.asked.set()
            return await answer(request)

        app.router.add_route("*", "/{path:.*}", receive)
        self.server = TestServer(app)

    @property
    def url(self) -> str:
        return str(self.server.make_url("/hook"))

    @property
    def said(self) -> list[str]:
        return [json.loads(body)["message"]["body"]["plain"] for _, body in self.came]


@pytest.fixture
async def receive() -> AsyncIterator[Receive]:
    receivers: list[Receiver] = []

    async def receive(answer: Answer) -> Receiver:
        receivers.append(Receiver(answer))
        # A receiver that hangs shall not hold up the end of its test.
        await receivers[-1].server.start_server(shutdown_timeout=0.1)
        return receivers[-1]

    yield receive
    for receiver in receivers:
        await receiver.server.close()


async def silence(request: web.Request) -> web.Response:
    return web.Response(status=204)


class House:
    """A database with its runner; files are kept in memory."""

    def __init__(self, db: Database, client: Client) -> None:
        self.db = db
        self.kept: dict[str, bytes] = {}
        hooks = Webhooks(db, Client(), client, self.keep, self.discard)
        self.runner = Runner(db, {deliveries.KIND: hooks.kind})

        def publish(event: Event) -> None:
            hooks.hear(event)
            self.runner.hear(event)

        db.publish = publish

    async def keep(self, data: bytes, filename: str) -> Stored:
        key = f"{len(self.kept):026}"
        self.kept[key] = data
        return Stored(key, filename, "image/png", len(data), bytes(32))

    async def discard(self, stored: object) -> None:
        for file in stored:  # type: ignore[attr-defined]
            del self.kept[file.key]

    async def bot(self, url: str, name: str = "Bender") -> tuple[int, Secrets]:
        bot, secrets = await self.db.write(bots.add, DAVID, name, url)
        return bot.user.id, secrets

    async def say(self, body: str, who: int = JZ) -> Message:
        def post(tx: Tx) -> Message:
            people = memberships.mentionable(tx, who, ALL_PETS)
            draft = richtext.draft(body, people)
            client_id = messages.client_message_id(None)
            return messages.post(tx, who, ALL_PETS, draft, client_id)[0]

        return await self.db.write(post)

    async def delivery(self, bot_id: int) -> Delivery:
        """The newest one, once it is over or was tried."""

        def look(db: Reads) -> Delivery | None:
            found, _ = deliveries.of_bot(db, DAVID, bot_id)
            return found[0] if found and found[0].attempts else None

        async with asyncio.timeout(HEARS):
            while (found := await self.db.read(look)) is None:
                await asyncio.sleep(0.01)
            return found

    async def replies(self) -> list[Message]:
        def look(db: Reads) -> list[Message]:
            page = messages.page(db, JZ, ALL_PETS).messages
            return [each for each in page if each.creator.role == "bot"]

        return await self.db.read(look)


@pytest.fixture
async def house(db: Database) -> AsyncIterator[House]:
    await db.write(lambda tx: tx.row("UPDATE accounts SET webhooks_may_be_near = 1"))
    house = House(db, Client(allowed=NEAR, ports=None))
    yield house
    await house.runner.close()


async def test_a_call_is_signed_and_its_answer_posted(
    house: House, receive: Receive
) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text="<b>Ten</b> past", content_type="text/html")

    receiver = await receive(answer)
    bot_id, secrets = await house.bot(receiver.url)
    await house.say("@Bender the time?")
    delivery = await house.delivery(bot_id)
    ((headers, body),) = receiver.came
    assert headers["Content-Type"] == "application/json"
    number, stamp = headers["Webhook-Id"], headers["Webhook-Timestamp"]
    assert number == str(delivery.id)
    assert abs(time.time() - int(stamp)) < 60
    secret = b64decode(secrets.signing.removeprefix("whsec_"))
    digest = hmac.digest(secret, f"{number}.{stamp}.".encode() + body, "sha256")
    assert headers["Webhook-Signature"] == f"v1,{b64encode(digest).decode()}"
    assert secrets.key not in str(headers) and secrets.key.encode() not in body
    assert receiver.said == ["the time?"]
    (reply,) = await house.replies()
    assert (reply.creator.id, reply.plain) == (bot_id, "Ten past")
    assert "<b>Ten</b>" in reply.html
    assert (delivery.state, delivery.code, delivery.has_reply) == (
        *("delivered", 200),
        True,
    )
    assert delivery.words is not None
    assert delivery.words.answer == "<b>Ten</b> past"


async def test_a_file_is_posted_as_a_file(house: House, receive: Receive) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=b"\x89PNG", content_type="image/png")

    receiver = await receive(answer)
    bot_id, _ = await house.bot(receiver.url)
    await house.say("@Bender a picture")
    assert (await house.delivery(bot_id)).has_reply
    (reply,) = await house.replies()
    assert [file.filename for file in reply.attachments] == ["attachment.png"]
    assert list(house.kept.values()) == [b"\x89PNG"]
    # Made again it is posted no second time, and its bytes are not kept.
    await house.db.write(lambda tx: deliveries.replay(tx, DAVID, bot_id, 1, posts=True))
    async with asyncio.timeout(HEARS):
        while (await house.delivery(bot_id)).attempts < 2:
            await asyncio.sleep(0.01)
    assert len(await house.replies()) == 1 and len(house.kept) == 1


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (answered("Hello", "text/plain", "201 Created"), ""),
        (answered("Hello", "text/plain", "404 Not Found"), ""),
        (answered("", "text/plain"), ""),
        (answered(" \n\u00a0", "text/plain"), ""),
        (answered("<script>alert(1)</script>"), "unfit"),
        (answered("x" * 70_000, "text/plain"), "unfit"),
        (answered("x" * 300_000, "text/plain"), "unfit"),
        (answered(bytes(10_000_001), "image/png"), "unfit"),
        (answered("Hello", "application/x-nobody-knows"), ""),
        (answered("", "application/json"), ""),
        (sent_to("http://127.0.0.1:1/"), ""),
        (sent_to("http://169.254.169.254/", 307), ""),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n", ""),
    ],
)
async def test_what_is_no_answer_is_not_posted(
    house: House, serve: Serve, answer: bytes, fault: str
) -> None:
    receiver = await serve(answer)
    bot_id, _ = await house.bot(receiver.url(host="127.0.0.1"))
    await house.say("@Bender")
    delivery = await house.delivery(bot_id)
    assert (delivery.state, delivery.fault) == ("delivered", fault)
    assert (await house.replies(), receiver.connections) == ([], 1)


async def test_text_comes_in_whatever_letters(house: House, serve: Serve) -> None:
    receiver = await serve(answered("Grüße".encode("utf-16"), "text/plain"))
    bot_id, _ = await house.bot(receiver.url(host="127.0.0.1"))
    await house.say("@Bender")
    await house.delivery(bot_id)
    (reply,) = await house.replies()
    assert reply.plain == "Grüße"


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (answered("Hello", "text/plain", "502 Bad Gateway"), ""),
        (answered("Hello", "text/plain", "429 Too Many Requests"), ""),
        (b"nonsense\r\n\r\n", "unreachable"),
        (b"", "unreachable"),
        (answered("Hello")[:-3], "unreachable"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 29\r\n"
            b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"Hello")[:29],
            "unreachable",
        ),
    ],
)
async def test_what_failed_is_tried_again_and_nothing_is_said_in_the_room(
    house: House, serve: Serve, answer: bytes, fault: str
) -> None:
    receiver = await serve(answer)
    bot_id, _ = await house.bot(receiver.url(host="127.0.0.1"))
    await house.say("@Bender")
    delivery = await house.delivery(bot_id)
    assert (delivery.state, delivery.fault) == ("waiting", fault)
    # A second later it is better, and the number is still the same.
    receiver.answer = answered("Hello", "text/plain")
    async with asyncio.timeout(HEARS):
        while (delivery := await house.delivery(bot_id)).state != "delivered":
            await asyncio.sleep(0.05)
    numbers = {
        line
        for head in receiver.heads
        for line in head.split("\r\n")
        if line.lower().startswith("webhook-id:")
    }
    assert len(numbers) == 1 and receiver.connections == delivery.attempts >= 2
    assert [reply.plain for reply in await house.replies()] == ["Hello"]


async def test_who_answers_late_or_by_drops_is_given_up(
    house: House, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert module.PATIENCE == 7.0
    monkeypatch.setattr(module, "PATIENCE", 0.3)

    async def never(path: str, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(5)

    async def drops(path: str, writer: asyncio.StreamWriter) -> None:
        for letter in answered("x" * 1_000, "text/plain"):
            writer.write(bytes((letter,)))
            await writer.drain()
            await asyncio.sleep(0.05)

    for name, answer in (("Bender", never), ("Flexo", drops)):
        receiver = await serve(answer)
        bot_id, _ = await house.bot(receiver.url(host="127.0.0.1"), name)
        await house.say(f"@{name}")
        delivery = await house.delivery(bot_id)
        assert (delivery.state, delivery.fault) == ("waiting", "timeout")
        assert delivery.took is not None and 300 <= delivery.took < 3_000
    assert await house.replies() == []


async def test_a_dead_receiver_delays_nobody(house: House, receive: Receive) -> None:
    async def hang(request: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    dead, good = await receive(hang), await receive(silence)
    await house.bot(dead.url, "Dead")
    bot_id, _ = await house.bot(good.url, "Good")
    for _ in range(100):
        await house.say("@Dead")
    await dead.asked.wait()
    started = time.monotonic()
    await house.say("@Good")
    await house.delivery(bot_id)
    assert time.monotonic() - started < 1.0
    assert len(dead.came) <= 4


async def test_a_receiver_of_one_label_is_next_door(
    house: House, receive: Receive
) -> None:
    receiver = await receive(silence)
    url = str(receiver.server.make_url("/hook").with_host("localhost"))
    bot_id, _ = await house.bot(url)
    await house.say("@Bender")
    assert (await house.delivery(bot_id)).state == "delivered"
    assert len(receiver.came) == 1


async def test_who_is_gone_for_long_is_not_called_again(
    house: House,
    receive: Receive,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(bots, "FAILING_FOR", 0)
    monkeypatch.setattr(bots, "FEWEST_FAILURES", 2)

    async def gone(request: web.Request) -> web.Response:
        return web.Response(status=410, text="Gone")

    receiver = await receive(gone)
    bot_id, _ = await house.bot(receiver.url)
    for number in range(1, 4):
        await house.say(f"@Bender {number}")
        if number < 3:
            assert (await house.delivery(bot_id)).id == number
    found, _ = await house.db.read(lambda db: deliveries.of_bot(db, DAVID, bot_id))
    assert [each.state for each in found] == ["kept", "delivered", "delivered"]
    assert receiver.said == ["1", "2"]
    assert await house.replies() == []
    (line,) = [each for each in caplog.records if each.levelname == "WARNING"]
    assert line.getMessage() == "webhook switched off"
    assert receiver.url not in str(vars(line))


async def test_a_million_crumbs_hold_up_nobody(house: House, serve: Serve) -> None:
    async def crumbs(path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        for _ in range(1_000):
            writer.write(b"1\r\nx\r\n" * 1_000)
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    receiver = await serve(crumbs)
    good = await serve(answered("Hello", "text/plain"))
    bad_id, _ = await house.bot(receiver.url(host="127.0.0.1"))
    good_id, _ = await house.bot(good.url(host="127.0.0.1"), "Good")
    await house.say("@Bender")
    await receiver.asked.wait()
    await house.say("@Good")
    assert (await house.delivery(good_id)).has_reply
    bad = await house.delivery(bad_id)
    assert (bad.state, bad.fault) in {("delivered", "unfit"), ("waiting", "timeout")}


async def test_private_addresses_are_for_where_they_are_allowed(
    house: House, receive: Receive
) -> None:
    receiver = await receive(silence)
    bot_id, _ = await house.bot(receiver.url)
    allow = "UPDATE accounts SET webhooks_may_be_near = ?"
    await house.db.write(lambda tx: tx.row(allow, (0,)))
    await house.say("@Bender no")
    assert (await house.delivery(bot_id)).fault == "unreachable"
    assert receiver.came == []
    await house.db.write(lambda tx: tx.row(allow, (1,)))
    await house.say("@Bender yes")
    await house.delivery(bot_id)
    async with asyncio.timeout(HEARS):
        await receiver.asked.wait()


async def test_a_bot_that_answers_with_a_call_starts_nothing(
    house: House, receive: Receive
) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text="@Bender @Flexo again", content_type="text/plain")

    receiver = await receive(answer)
    bender, _ = await house.bot(receiver.url)
    flexo, _ = await house.bot(receiver.url, "Flexo")
    await house.say("@Bender @Flexo go")
    await house.delivery(bender)
    await house.delivery(flexo)
    assert len(await house.replies()) == 2
    count = "SELECT count(*) FROM deliveries"
    assert await house.db.read(lambda db: db.value(count)) == 2


async def test_without_posting_it_is_only_a_look(
    house: House, receive: Receive
) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text="Hello", content_type="text/plain")

    receiver = await receive(answer)
    bot_id, _ = await house.bot("http://127.0.0.1:1/")
    await house.say("@Bender")
    await house.delivery(bot_id)
    await house.db.write(
        lambda tx: bots.revise(tx, DAVID, bot_id, webhook_url=receiver.url)
    )
    for posts in (False, True):
        attempts = (await house.delivery(bot_id)).attempts
        await house.db.write(
            lambda tx: deliveries.replay(tx, DAVID, bot_id, 1, posts=posts)
        )
        async with asyncio.timeout(HEARS):
            while (await house.delivery(bot_id)).attempts == attempts:
                await asyncio.sleep(0.01)
        assert bool(await house.replies()) == posts
    assert {headers["Webhook-Id"] for headers, _ in receiver.came} == {"1"}


# Seconds from the last call that a life gets: it is not answered yet, or the answer is
# read, or being written. None is the moment when something has been written.
MOMENTS = (0.0, None, 0.002, None, 0.008)


@pytest.mark.timeout(120)
async def test_nothing_is_lost_in_two_hundred_kills(
    tmp_path: Path, receive: Receive
) -> None:
    """Each is delivered, what comes twice has the same number, each answer is once."""
    wanted, lives = 0, 200
    came: Counter[str] = Counter()
    last_call = asyncio.Event()
    calls = 0

    async def answer(request: web.Request) -> web.Response:
        nonlocal calls
        came[request.headers["Webhook-Id"]] += 1
        calls -= 1
        if calls <= 0:
            last_call.set()
        return web.Response(text="Yes", content_type="text/plain")

    receiver = await receive(answer)
    path = tmp_path / "campfire.sqlite3"
    db = Database(path)
    await db.write(set_the_stage)
    await db.write(lambda tx: tx.row("UPDATE accounts SET webhooks_may_be_near = 1"))
    bot, _ = await db.write(bots.add, DAVID, "Bender", receiver.url)
    draft = richtext.draft("@Bender", [(bot.user.id, "Bender")])

    def to_do(db: Reads, /) -> int:
        left: int = db.value("SELECT count(*) FROM jobs")
        return left

    def ask(tx: Tx) -> None:
        """Nobody is killed who has nothing to do."""
        nonlocal wanted
        while to_do(tx) < 20:
            wanted += 1
            messages.post(tx, JZ, ALL_PETS, draft, f"x{wanted}")

    server = await Lives.of("webhooks", str(path))
    for life in range(lives):
        await db.write(ask)
        last_call.clear()
        calls = 1 + life % 3
        moment = MOMENTS[life % len(MOMENTS)]
        await server.begin()
        async with asyncio.timeout(HEARS):
            await last_call.wait()
            await asyncio.sleep(moment or 0)
            while moment is None and await db.read(to_do) == 20:
                await asyncio.sleep(0.001)
        await server.end()
    await server.begin()
    async with asyncio.timeout(HEARS):
        while await db.read(to_do):
            await asyncio.sleep(0.01)
    await server.end()
    await server.close()
    replies = await db.read(
        lambda db: db.value(
            "SELECT count(*) FROM messages WHERE creator_id = ?", (bot.user.id,)
        )
    )
    states = "SELECT DISTINCT state FROM deliveries"
    assert await db.read(lambda db: db.rows(states)) == [("delivered",)]
    await db.close()
    assert sorted(map(int, came)) == list(range(1, wanted + 1))
    assert replies == wanted > lives / 3
    repeats = sum(came.values()) - wanted
    assert 0 < repeats <= 4 * lives, "no more than were under way"
