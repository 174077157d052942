"""What answering costs, in numbers that do not swing: looks, statements and bytes.

How long it takes is measured in bench/. A number here may only grow with a reason.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import brotli
import pytest
from aiohttp.test_utils import TestServer

from campfire.database import Database
from campfire.web.keys import DB
from tests.conftest import SignIn
from tests.web.conftest import HTML

STATIC = Path(__file__).resolve().parents[2] / "campfire" / "static"
IMPORTED = re.compile(r'^(?:import|export)\b[^;"]*"(\.\.?/[^"]+)"', re.MULTILINE)
KIB = 1024


def traced(connection: apsw.Connection) -> list[str]:
    """The statements that this connection runs from here on."""
    statements: list[str] = []

    def note(cursor: apsw.Cursor, sql: str, bindings: Any) -> bool:
        statements.append(sql)
        return True

    connection.exec_trace = note
    return statements


@pytest.fixture
def db(server: TestServer) -> Database:
    assert server.app is not None
    return server.app[DB]


@pytest.fixture
def looks(db: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What readers were asked for: each look is a hop to another thread."""
    asked: list[str] = []
    read: Callable[..., Any] = db.read

    async def note(look: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        asked.append(look.__name__)
        return await read(look, *args, **kwargs)

    monkeypatch.setattr(db, "read", note)
    yield asked


async def test_a_message_is_at_most_ten_statements(
    db: Database, sign_in: SignIn
) -> None:
    kevin = await sign_in("Kevin")
    assert (await kevin.client.post("/rooms/1/messages", json={"body": "Hello"})).ok
    statements = traced(db._writer)
    assert (await kevin.client.post("/rooms/1/messages", json={"body": "Again"})).ok
    # What runs in the background may have been committed together with it.
    begun = [place for place, sql in enumerate(statements) if "SAVEPOINT" in sql]
    ended = [place for place, sql in enumerate(statements) if "RELEASE" in sql]
    changes = [statements[first : last + 1] for first, last in zip(begun, ended)]
    (posted,) = [
        change
        for change in changes
        if any(sql.startswith("INSERT INTO messages ") for sql in change)
    ]
    assert len(["BEGIN", *posted, "COMMIT"]) <= 10


@pytest.mark.parametrize(
    ("path", "most"),
    [
        *(("/rooms/1", 1), ("/rooms/1/messages?before=20", 1), ("/inbox", 1)),
        *(("/searches?q=hello", 1), ("/users/me", 3), ("/account", 3)),
    ],
)
async def test_a_page_asks_once_and_when_it_is_asked_for_again_not_at_all(
    db: Database, sign_in: SignIn, looks: list[str], path: str, most: int
) -> None:
    kevin = await sign_in("Kevin")
    for number in range(60):
        body = {"body": f"Hello {number}"}
        assert (await kevin.client.post("/rooms/1/messages", json=body)).ok
    looks.clear()
    assert (await kevin.client.get(path, headers=HTML)).status == 200
    assert len(looks) <= most
    if path.startswith("/rooms/"):
        looks.clear()
        assert (await kevin.client.get(path, headers=HTML)).status == 200
        assert looks == []


async def test_a_room_page_stays_small(sign_in: SignIn) -> None:
    kevin = await sign_in("Kevin")
    for number in range(60):
        body = {"body": f"Hello **{number}**"}
        assert (await kevin.client.post("/rooms/1/messages", json=body)).ok
    gzip = HTML | {"Accept-Encoding": "gzip"}
    kevin.client._auto_decompress = False
    page = await (await kevin.client.get("/rooms/1", headers=gzip)).read()
    assert len(page) <= 10 * KIB


def compressed(paths: set[Path]) -> int:
    return sum(len(brotli.compress(path.read_bytes())) for path in paths)


def imported(*names: str) -> set[Path]:
    """These scripts and all that they import."""
    pending = [STATIC / "js" / name for name in names]
    wanted: set[Path] = set()
    while pending:
        script = pending.pop()
        if script not in wanted:
            wanted.add(script)
            for name in IMPORTED.findall(script.read_text(encoding="utf-8")):
                pending.append((script.parent / name).resolve())
    return wanted


def test_the_scripts_of_a_room_are_at_most_sixty_kilobytes() -> None:
    wanted = imported("main.js", "messages.js")
    assert STATIC / "vendor" / "htmx.js" in wanted
    assert compressed(wanted) <= 60_000


async def test_what_a_room_waits_for_is_asked_for_at_once(sign_in: SignIn) -> None:
    """Another script that the first one imports would be known a round trip later."""
    kevin = await sign_in("Kevin")
    page = await (await kevin.client.get("/rooms/1", headers=HTML)).text()
    ahead = re.findall(r'rel="modulepreload" href="/static/\w+/js/([^"]+)"', page)
    (awaited,) = re.findall(r'blocking="render" src="/static/\w+/js/([^"]+)"', page)
    assert sorted([awaited, *ahead]) == sorted(path.name for path in imported(awaited))


async def test_the_styles_of_a_room_are_at_most_twenty_five_kilobytes(
    sign_in: SignIn,
) -> None:
    kevin = await sign_in("Kevin")
    page = await (await kevin.client.get("/rooms/1", headers=HTML)).text()
    names = set(re.findall(r"/static/[^\"]+/css/([a-z-]+\.css)", page))
    assert "tokens.css" in names
    assert compressed({STATIC / "css" / name for name in names}) <= 25_000
