"""Measures searches in a large place: in the database alone, and thus without a server.

Makes the place once with `campfire demo`, goes on talking there one commit at a time,
and keeps it below build/bench. Prints how long each question takes somebody in all
rooms, somebody in most of them, and a newcomer in two of the least talked in.
"""

import argparse
import contextlib
import random
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, get_args

import apsw

from campfire.chat import memberships, messages, rooms, searches, users
from campfire.chat.scopes import Narrowed
from campfire.chat.searches import Sort
from campfire.database import Bindings, Reads, Tx, connect, migrate
from campfire.demo import ADDRESS, FILE, spoken
from campfire.refusals import Busy

BUILT: Final = Path(__file__).parent.parent / "build" / "bench"
# One commit each, so that the index is in as many pieces as where people live.
SAID_LATELY: Final = 5_000
NEWCOMER: Final = "newcomer@campfire.example"
UNUSABLE: Final = "!"  # A password hash that no password has.
CUT_OFF: Final = float("inf")
# In ms: in SQLite, in this thread with what Python does, by the clock on the wall.
Took = tuple[float, float, float]

COMMON: Final = ("poster", "bridge", "budget", "projector", "map", "ladder", "lunch")
ASKED: Final[Sequence[tuple[str, Sequence[str]]]] = (
    ("a common word", COMMON),
    ("the most common word", ("the",)),
    ("two common words", ("trail map", "spare tent", "coffee machine", "the bridge")),
    ("a word in one of fifty", ("parcel", "desk", "Brücke", "cámara", "карта")),
    ("a number said a few times", tuple(f"parcel {n}" for n in range(4711, 4731))),
    ("what nobody said", ("qqqzzz", "the qqqzzz", "zebra crossing", "4711-4712")),
    ("a phrase", ('"came back from the printer"', '"guest book"', '"hut list"')),
    ("part of a word", ("oste", "ridg", "rojecto", "eettin")),
    ("part of a word said rarely", ("parce 471", "rcel 90", "arcel 0815")),
    ("a script without spaces", ("明日", "登山地図", "会议记录", "등산 지도", "東京")),
    ("one character of one", ("東", "图", "사")),
    ("one letter", ("e", "x")),
    ("without a word", tuple(f"{word} -tomorrow" for word in COMMON)),
    ("from:", tuple(f"{word} from:Ana" for word in COMMON)),
    ("in:", tuple(f"{word} in:Photos" for word in COMMON)),
    ("has:link", tuple(f"{word} has:link" for word in COMMON)),
    ("before:", tuple(f"{word} before:{{early}}" for word in COMMON)),
    ("after:", tuple(f"{word} after:{{late}}" for word in COMMON)),
    ("from: and before:", tuple(f"{w} from:Ana before:{{late}}" for w in COMMON)),
    ("only from:", ("from:Ana", "from:Priya", "from:me")),
    ("only has:link", ("has:link",)),
    ("only before:", ("before:{early}", "before:{late}")),
)
# What no index helps with: lists that are long and hardly meet.
WALKING_FAR: Final[Sequence[tuple[str, Sequence[str]]]] = (
    ("without what all of them have", ("poster -the",)),
    ("a phrase of common words", ('"the the"',)),
)


class Clocked(Reads):
    """Adds up what the statements take of this thread, their rows included."""

    __slots__ = ("seconds",)

    def __init__(self, connection: apsw.Connection) -> None:
        super().__init__(connection)
        self.seconds = 0.0

    def rows(self, sql: str, bindings: Bindings = ()) -> list[Any]:
        with self._clock():
            return super().rows(sql, bindings)

    def row(self, sql: str, bindings: Bindings = ()) -> Any:
        with self._clock():
            return super().row(sql, bindings)

    def value(self, sql: str, bindings: Bindings = ()) -> Any:
        with self._clock():
            return super().value(sql, bindings)

    @contextlib.contextmanager
    def _clock(self) -> Any:
        started = time.thread_time()
        try:
            yield
        finally:
            self.seconds += time.thread_time() - started


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--messages", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=60)
    given = options.parse_args()
    file = made(given.messages)
    with contextlib.closing(connect(file, read_only=True)) as opened:
        opened.execute("BEGIN")  # As readers do: one snapshot for all of a page.
        measure(Clocked(opened), given.rounds)


def measure(db: Clocked, rounds: int) -> None:
    count = db.value("SELECT count(*) FROM messages")
    everybody = people(db)
    print(f"{count:,} messages, each question {rounds} times: p50 and p99 in ms of the")
    print("processor in SQLite, for somebody")
    print(f"{'':32}" + "".join(f"{about:>20}" for about in everybody))
    for title, asked in (("", ASKED), ("not in the sums:", WALKING_FAR)):
        sums: dict[Sort, list[Took]] = defaultdict(list)
        if title:
            print(title)
        for about, texts in asked:
            dated = [text.format(**days(db)) for text in texts]
            for sort in get_args(Sort):
                row = f"{about if sort == 'newest' else '  most fitting first':32}"
                for user_id in everybody.values():
                    took = timed(db, user_id, dated, sort, rounds)
                    sums[sort] += took
                    row += f"{figure([each[0] for each in took]):>20}"
                print(row, flush=True)
        for sort, took in sums.items() if asked is ASKED else ():
            in_sqlite, in_thread, by_clock = map(figure, zip(*took))
            print(f"all, {sort:27}{in_sqlite:>20}", end="")
            print(f"   with Python {in_thread}   by the clock {by_clock}")


def timed(
    db: Clocked, user_id: int, texts: Sequence[str], sort: Sort, rounds: int
) -> list[Took]:
    """Each text in turn, once before it counts: that fills the cache."""
    turns = [texts[turn % len(texts)] for turn in range(len(texts) + rounds)]
    return [once(db, user_id, text, sort) for text in turns][len(texts) :]


def once(db: Clocked, user_id: int, text: str, sort: Sort) -> Took:
    db.seconds = 0.0
    clock, thread = time.perf_counter(), time.thread_time()
    try:
        searches.find(db, user_id, text, Narrowed(), sort=sort)
    except Busy:
        return CUT_OFF, CUT_OFF, CUT_OFF
    spent = db.seconds, time.thread_time() - thread, time.perf_counter() - clock
    return spent[0] * 1000, spent[1] * 1000, spent[2] * 1000


def figure(took: Sequence[float]) -> str:
    ordered = sorted(took)
    worst = ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
    if worst == CUT_OFF:
        return "cut off"
    return f"{statistics.median(ordered):.2f} {worst:.2f}"


def people(db: Reads) -> Mapping[str, int]:
    entered = {
        person.id: len(memberships.rooms_of(db, person.id))
        for person in users.all_active(db)
    }
    newcomer = users.by_address(db, NEWCOMER).id
    fewest = min(entered.keys() - {newcomer}, key=lambda id: (entered[id], id))
    most = max(entered, key=lambda id: (entered[id], -id))
    return {f"in {entered[id]} rooms": id for id in (most, fewest, newcomer)}


def days(db: Reads) -> Mapping[str, str]:
    """One soon after the first message, one shortly before the last."""
    first, last = db.row("SELECT min(created_at), max(created_at) FROM messages")
    ago = (first + (last - first) // 8, last - (last - first) // 16)
    early, late = (datetime.fromtimestamp(at / 1000, UTC).date() for at in ago)
    return {"early": str(early), "late": str(late)}


def made(count: int) -> Path:
    """The place, as an earlier run left it or new."""
    folder = BUILT / f"search-{count}"
    file = folder / FILE
    if not file.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "campfire", "demo", "--data", str(folder)]
        started = time.perf_counter()
        subprocess.run([*command, "--messages", str(count)], check=True)
        print(f"campfire demo took {time.perf_counter() - started:.0f} s")
        with contextlib.closing(connect(file)) as opened:
            talk(opened)
    with contextlib.closing(connect(file)) as opened:
        migrate(opened, file)
    return file


def talk(connection: apsw.Connection) -> None:
    """Goes on talking in every room alike; a newcomer joins the last two."""
    chance = random.Random(2)
    connection.execute("PRAGMA synchronous = OFF")
    db = Reads(connection)
    robin = users.by_address(db, ADDRESS).id
    members = {
        room_id: sorted(id for id, _ in memberships.mentionable(db, robin, room_id))
        for room_id in sorted(memberships.rooms_of(db, robin))
    }
    for number in range(SAID_LATELY):
        room_id = chance.choice(list(members))
        user_id = chance.choice(members[room_id])
        connection.execute("BEGIN IMMEDIATE")
        tx = Tx(connection, {})
        messages.post(tx, user_id, room_id, spoken(chance), f"lately-{number}")
        connection.execute("COMMIT")
    connection.execute("BEGIN IMMEDIATE")
    join(Tx(connection, {}), robin)
    connection.execute("COMMIT")
    connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)


def join(tx: Tx, robin: int) -> None:
    newcomer = users.add(tx, "Newcomer", NEWCOMER, UNUSABLE).id
    shared = [room.id for room in rooms.all_of(tx, robin) if room.kind != "direct"]
    for room_id in shared:
        memberships.revoke(tx, room_id, [newcomer])
    for room_id in sorted(shared)[-2:]:
        memberships.grant(tx, room_id, [newcomer])


if __name__ == "__main__":
    main()
