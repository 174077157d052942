"""Turns: one writes at a time, each turn has a number, and everybody sees them."""

import asyncio
import contextlib
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from campfire.database import Database, Event, Reads, Tx, applied, connect
from campfire.turns import Turns

# Takes a turn, says so, and is never done with it.
TAKES = """
import pathlib, sys, time
from campfire.turns import Turns
with Turns(pathlib.Path(sys.argv[1]), 2).turn() as number:
    print(number, flush=True)
    time.sleep(60)
"""


@dataclass(frozen=True)
class Written:
    name: ClassVar = "line.written"
    text: str


def write(tx: Tx, text: str) -> None:
    tx.row("INSERT INTO lines VALUES (?)", (text,))
    tx.announce(Written(text))


def written(db: Reads) -> list[str]:
    return [text for (text,) in db.rows("SELECT text FROM lines ORDER BY rowid")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    Turns.begin(tmp_path / "turns")
    return tmp_path / "turns"


@pytest.fixture
def turns(path: Path) -> Iterator[list[Turns]]:
    turns = [Turns(path, 1), Turns(path, 2)]
    yield turns
    for each in turns:
        each.close()


def test_a_turn_has_the_next_number_and_is_seen_when_it_is_over(
    turns: list[Turns],
) -> None:
    first, second = turns
    assert first.newest() == second.newest() == 0
    with first.turn() as number:
        assert number == 1
        assert second.newest() == second.elsewhere() == 0, "it is not over"
    assert (first.newest(), first.elsewhere()) == (1, 0)
    assert second.newest() == 1
    seen = second.elsewhere()
    assert seen > 0
    with second.turn() as number:
        assert number == 2
    assert second.elsewhere() == seen, "one's own turns are nothing new"
    assert first.newest() == 2


def test_one_waits_for_the_other(turns: list[Turns]) -> None:
    first, second = turns
    order: list[str] = []
    waits = threading.Event()

    def take() -> None:
        waits.set()
        with second.turn():
            order.append("second")

    with first.turn():
        thread = threading.Thread(target=take)
        thread.start()
        assert waits.wait(30)
        order.append("first")
    thread.join(30)
    assert order == ["first", "second"]


def test_a_turn_ends_with_its_process_and_its_number_is_left_out(
    path: Path, turns: list[Turns]
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", TAKES, str(path)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"1\n"
        process.kill()
    with turns[0].turn() as number:
        assert number == 2


def test_each_start_of_the_server_has_its_own_name(path: Path) -> None:
    names = set()
    for _ in range(2):
        Turns.begin(path)
        turns = Turns(path, 1)
        names.add(turns.name)
        assert turns.newest() == 0
        turns.close()
    assert len(names) == 2
    assert path.stat().st_mode & 0o077 == 0


@dataclass
class Worker:
    db: Database
    turns: Turns
    heard: list[tuple[int, list[Event]]]

    def hear(self, number: int, events: list[Event]) -> None:
        self.heard.append((number, events))
        self.turns.heard = number


@pytest.fixture
async def workers(tmp_path: Path, turns: list[Turns]) -> AsyncIterator[list[Worker]]:
    workers = []
    for each in turns:
        db = Database(tmp_path / "lines.sqlite3", turns=each)
        heard: list[tuple[int, list[Event]]] = []
        worker = Worker(db, each, heard)
        db.pass_on = worker.hear
        workers.append(worker)
    applied(tmp_path / "lines.sqlite3", lambda tx: tx.row("CREATE TABLE lines (text)"))
    yield workers
    for worker in workers:
        await worker.db.close()


async def test_two_writers_wait_for_each_other_and_agree_on_the_order(
    workers: list[Worker],
) -> None:
    texts = [f"{at}.{number}" for number in range(200) for at in range(2)]
    await asyncio.gather(
        *(workers[int(text[0])].db.write(write, text) for text in texts)
    )
    told = dict(workers[0].heard) | dict(workers[1].heard)
    first = min(told)
    assert sorted(told) == list(range(first, first + len(told)))
    in_order = [event for number in sorted(told) for event in told[number]]
    on_the_disk = await workers[0].db.read(written)
    assert in_order == [Written(text) for text in on_the_disk]
    assert sorted(on_the_disk) == sorted(texts)
    assert len(workers[0].heard) > 1 < len(workers[1].heard)


async def test_what_was_answered_here_is_new_there_at_once(
    workers: list[Worker],
) -> None:
    """Also while the other one writes, when it does not ask the database."""
    first, second = (worker.db for worker in workers)
    started, go_on = threading.Event(), threading.Event()

    def hold(db: Reads) -> None:
        started.set()
        assert go_on.wait(30)

    await first.write(write, "before")
    known = second.generation()
    assert second.generation() == known
    await first.write(write, "one")
    assert second.generation() != known
    known = second.generation()
    own = first.generation()
    looking = asyncio.create_task(second.read(hold))
    await asyncio.to_thread(started.wait, 30)
    await first.write(write, "two")
    assert second.generation() != known
    assert first.generation() == own, "what one writes oneself is nothing new"
    go_on.set()
    await looking


async def test_a_change_that_fails_has_a_turn_without_events(
    workers: list[Worker],
) -> None:
    def fail(tx: Tx) -> None:
        write(tx, "undone")
        raise LookupError

    with pytest.raises(LookupError):
        await workers[0].db.write(fail)
    await workers[0].db.write(write, "done")
    assert [events for _, events in workers[0].heard] == [[], [Written("done")]]


async def test_a_command_of_the_operator_takes_a_turn_too(
    workers: list[Worker], tmp_path: Path
) -> None:
    db, turns = workers[0].db, workers[0].turns
    await db.write(write, "one")
    known, over = db.generation(), turns.newest()
    await asyncio.to_thread(applied, db.path, write, "two")
    assert turns.newest() == over + 1
    assert db.generation() != known


async def test_what_was_heard_of_is_no_reason_to_forget(workers: list[Worker]) -> None:
    first, second = workers
    await second.db.write(write, "one")
    first.turns.heard = first.turns.newest()
    known = first.db.generation()
    await second.db.write(write, "two")
    first.turns.heard = first.turns.newest()
    assert first.db.generation() == known
    await second.db.write(write, "three")
    assert first.db.generation() != known
    known = first.db.generation()
    assert first.db.generation() == known, "it is doubted once"
    first.turns.skip(first.turns.newest())
    assert first.db.generation() != known


async def test_one_who_takes_no_turns_is_noticed(workers: list[Worker]) -> None:
    db = workers[0].db
    await db.write(write, "one")
    await asyncio.sleep(0)
    known = db.generation()

    def write_beside() -> None:
        with contextlib.closing(connect(db.path)) as connection:
            connection.execute("INSERT INTO lines VALUES ('two')")

    await asyncio.to_thread(write_beside)
    assert db.generation() != known
