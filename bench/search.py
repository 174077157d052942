"""Measures searches in a large place: in the database alone, and thus without a server.

Makes the place once with `campfire demo`, keeps it below build/bench, and prints for
each question how long it takes somebody in all rooms, and somebody in the fewest.
"""

import argparse
import contextlib
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from campfire.chat import memberships, searches, users
from campfire.chat.scopes import Narrowed
from campfire.chat.searches import Sort
from campfire.database import Reads, connect
from campfire.demo import FILE
from campfire.refusals import Busy

BUILT: Final = Path(__file__).parent.parent / "build" / "bench"
ASKED: Final[Sequence[tuple[str, str, Sort]]] = (
    ("a common word", "poster", "newest"),
    ("the same, ranked", "poster", "relevance"),
    ("two common words", "trail map", "newest"),
    ("a rare word", "parcel", "newest"),
    ("a number said once or never", "parcel 4711", "newest"),
    ("part of a word", "oste", "newest"),
    ("one letter", "e", "newest"),
    ("a script without spaces", "明日", "newest"),
    ("a phrase", '"came back from the printer"', "newest"),
    ("without a common word", "poster -the", "newest"),
    ("by one person", "poster from:Ana", "newest"),
    ("with a link", "poster has:link", "newest"),
    ("no words, only a link", "has:link", "newest"),
    ("what nobody said", "qqqzzz", "newest"),
)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--messages", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=50)
    given = options.parse_args()
    folder = made(given.messages)
    with contextlib.closing(connect(folder / FILE, read_only=True)) as connection:
        db = Reads(connection)
        few, many = people(db)
        about = f"p50 and p99 of {given.rounds}, in ms of this thread"
        print(f"{given.messages:,} messages, {about}")
        fewest = f"in {len(few[1])} of them"
        print(f"{'':30} {'in all rooms':>21} {fewest:>21}")
        for name, text, sort in ASKED:
            figures = [
                figure(timed(db, user_id, text, sort, given.rounds))
                for user_id, _ in (many, few)
            ]
            print(f"{name:30} {figures[0]:>21} {figures[1]:>21}")


def made(messages: int) -> Path:
    """The place, as an earlier run left it or new."""
    folder = BUILT / f"search-{messages}"
    if not (folder / FILE).exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "campfire", "demo", "--data", str(folder)]
        subprocess.run([*command, "--messages", str(messages)], check=True)
    return folder


def people(db: Reads) -> list[tuple[int, frozenset[int]]]:
    """Whoever is in the fewest rooms and whoever is in the most, with those rooms."""
    rooms = {
        person.id: memberships.rooms_of(db, person.id)
        for person in users.all_active(db)
    }
    by_number = sorted(rooms.items(), key=lambda item: (len(item[1]), item[0]))
    return [by_number[0], by_number[-1]]


def timed(db: Reads, user_id: int, text: str, sort: Sort, rounds: int) -> list[float]:
    """Processor time of each round, in ms; without an end where it was cut off."""
    took = []
    for _ in range(rounds + 1):
        started = time.thread_time()
        try:
            searches.find(db, user_id, text, Narrowed(), sort=sort)
            took.append((time.thread_time() - started) * 1000)
        except Busy:
            took.append(float("inf"))
    return took[1:]  # The first one filled the cache.


def figure(took: Sequence[float]) -> str:
    ordered = sorted(took)
    worst = ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
    if worst == float("inf"):
        return "cut off"
    return f"{statistics.median(ordered):.1f}  {worst:.1f}"


if __name__ == "__main__":
    main()
