"""The cast, and the three ways to put them on a stage: `tx`, `db` and `client`.

David and Jason are administrators, JZ and Kevin members. All Pets is open to all four;
Watercooler is closed, with everybody but Kevin in it. Production code sets the stage.
"""

import asyncio
import contextlib
import itertools
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import apsw
import jinja2
import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from hypothesis import settings

from campfire import app
from campfire.chat import accounts, passwords, rooms, sessions, users
from campfire.config import Config
from campfire.database import Database, Event, Tx, applied, connect, migrate
from campfire.outside import vapid
from campfire.outside.client import Client
from campfire.turns import FILE as TURNS
from campfire.turns import Turns, Worker
from campfire.web.keys import DB
from tests.brokers import Broker

PASSWORD = "correct horse"
PASSWORD_HASH = passwords.hashed(PASSWORD, cost=4)
VAPID_KEYS = vapid.pair()

# How long an example may take is measured in bench/, not here.
settings.register_profile("house", settings(), deadline=None)
settings.load_profile("house")

DAVID, JASON, JZ, KEVIN = 1, 2, 3, 4
ALL_PETS, WATERCOOLER = 1, 2
EVERYBODY = frozenset({DAVID, JASON, JZ, KEVIN})
INSIDERS = frozenset({DAVID, JASON, JZ})


def night() -> dict[str, str]:
    """Quiet hours that began an hour ago and go on for twelve more."""
    now = datetime.now(UTC)
    begun, over = now - timedelta(hours=1), now + timedelta(hours=12)
    return {"from": f"{begun:%H:%M}", "to": f"{over:%H:%M}", "time_zone": "UTC"}


def address(name: str) -> str:
    return f"{name.lower()}@37signals.example"


def set_the_stage(tx: Tx) -> None:
    """First run, three people by invitation, two rooms."""
    accounts.begin(tx, "David", address("David"), PASSWORD_HASH)
    users.add(tx, "Jason", address("Jason"), PASSWORD_HASH, "administrator")
    users.add(tx, "JZ", address("JZ"), PASSWORD_HASH)
    users.add(tx, "Kevin", address("Kevin"), PASSWORD_HASH)
    rooms.create(tx, DAVID, "closed", "Watercooler", INSIDERS)


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with nothing in it, to be copied."""
    path = tmp_path_factory.mktemp("empty") / app.FILE
    with contextlib.closing(connect(path)) as connection:
        migrate(connection, path)
    return path


@pytest.fixture(scope="session")
def cast(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the cast in it, to be copied."""
    path = tmp_path_factory.mktemp("cast") / app.FILE
    applied(path, set_the_stage)
    return path


@pytest.fixture(scope="session", autouse=True)
def compiled_once() -> Iterator[None]:
    """Each application has its templates compiled; here there are thousands of them."""
    compiled = jinja2.Environment.compile
    kept: dict[Any, Any] = {}

    def compile(
        environment: jinja2.Environment, source: str, *more: Any, **options: Any
    ) -> Any:
        key = environment.globals.get("base"), source, more, tuple(options.items())
        if key not in kept:
            kept[key] = compiled(environment, source, *more, **options)
        return kept[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jinja2.Environment, "compile", compile)
        yield


@pytest.fixture
def connection(empty: Path, tmp_path: Path) -> Iterator[apsw.Connection]:
    connection = connect(Path(shutil.copy(empty, tmp_path)))
    yield connection
    connection.close()


@pytest.fixture
def tx(connection: apsw.Connection) -> Iterator[Tx]:
    """A change under way on a real file, the cast on stage, nothing announced yet."""
    connection.execute("BEGIN IMMEDIATE")
    tx = Tx(connection, {})
    set_the_stage(tx)
    tx.events.clear()
    yield tx
    connection.execute("ROLLBACK")


@pytest.fixture
def events() -> list[Event]:
    """What `db` has published."""
    return []


@pytest.fixture
async def db(
    cast: Path, tmp_path: Path, events: list[Event]
) -> AsyncIterator[Database]:
    """A real database with its writer thread, the cast on stage."""
    db = Database(Path(shutil.copy(cast, tmp_path)), publish=events.append)
    yield db
    await db.close()


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in: `client` speaks JSON with their token.

    `agreed` waits until each of those who serve has heard what the others know.
    """

    id: int
    token: str
    client: ClientSession
    agreed: Callable[[], Awaitable[None]]


SignIn = Callable[[str], Awaitable[Person]]
JSON = {"Accept": "application/json"}


@pytest.fixture(scope="session")
def session_broker() -> Iterator[str]:
    with Broker() as broker:
        yield broker.url


@pytest.fixture
def broker(session_broker: str) -> str:
    """The address of one that is shared and stays."""
    return session_broker


@pytest.fixture
def workers() -> int:
    """How many applications serve together."""
    return 1


@pytest.fixture
def base() -> str:
    """The path that they are below."""
    return ""


@pytest.fixture
async def servers(
    cast: Path, tmp_path: Path, workers: int, base: str, request: pytest.FixtureRequest
) -> AsyncIterator[list[TestServer]]:
    """The whole application on a free port, or several; the cast on stage."""
    config = Config(data=tmp_path, password_cost=4, base=base)
    # As an earlier start left them: making them takes a process.
    vapid.keep(tmp_path / app.PUSH_KEYS, VAPID_KEYS)
    shutil.copy(cast, tmp_path)
    nowhere = Client(lookup=lambda name: [])  # No test asks the internet.
    together: list[Worker | None] = [None]
    if workers > 1:
        config = replace(config, broker=request.getfixturevalue("broker"))
        Turns.begin(tmp_path / TURNS)
        together = [Worker(number, workers) for number in range(1, workers + 1)]
    servers = []
    for worker in together:
        servers.append(TestServer(await app.create(config, nowhere, worker)))
        await servers[-1].start_server()
    yield servers
    for server in servers:
        await server.close()


@pytest.fixture
def server(servers: list[TestServer]) -> TestServer:
    return servers[0]


@pytest.fixture
async def client(server: TestServer) -> AsyncIterator[ClientSession]:
    """Nobody in particular, asking for JSON."""
    async with ClientSession(base_url=server.make_url("/"), headers=JSON) as client:
        yield client


def relay_of(server: TestServer) -> Any:
    """The part of a worker that speaks with the others."""
    return server.app[DB].pass_on.__self__  # type: ignore[attr-defined]


async def agreement(servers: list[TestServer]) -> None:
    """Until every worker has published what is on the disk, and has heard the rest."""
    relays = [relay_of(server) for server in servers]
    async with asyncio.timeout(30):
        newest = relays[0]._turns.newest()
        while any(relay._turns.heard < newest for relay in relays):
            await asyncio.sleep(0.001)
        # What was said before a question is heard before it.
        await asyncio.gather(*(relay.ask() for relay in relays))


@pytest.fixture
async def sign_in(servers: list[TestServer]) -> AsyncIterator[SignIn]:
    """`await sign_in("Kevin")` signs in, beside the door, and keeps the token.

    Where several serve, each comes to another one than who came before.
    """
    people: list[Person] = []
    turns = itertools.cycle(servers)

    async def agreed() -> None:
        if len(servers) > 1:
            await agreement(servers)

    async def sign_in(name: str) -> Person:
        server = next(turns)
        db = server.app[DB]
        user = await db.read(users.by_address, address(name))
        token = await db.write(sessions.start, user.id, "127.0.0.1", "tests")
        client = ClientSession(
            base_url=server.make_url("/"),
            headers=JSON | {"Authorization": f"Bearer {token}"},
        )
        people.append(Person(user.id, token, client, agreed))
        return people[-1]

    yield sign_in
    for person in people:
        await person.client.close()
