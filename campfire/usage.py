"""`campfire usage`: what takes place, by room, person and kind of file."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from campfire.chat import retentions, usage
from campfire.chat.scopes import DAY
from campfire.chat.usage import Share
from campfire.config import Config
from campfire.database import Unusable, looked
from campfire.web.usage import Disk

FILE: Final = "campfire.sqlite3"
MEGABYTE: Final = 1_000_000


def add_to(command: Any) -> None:
    """Adds `usage` to the command line."""
    about = "what takes place, by room, person and kind of file"
    usage = command.add_parser("usage", help=about)
    usage.add_argument("--data", type=Path, help="folder for what is kept")
    usage.add_argument("--room", type=int, help="of this room alone")
    older = "what is older than so many days"
    usage.add_argument("--older-than", type=int, metavar="DAYS", help=older, default=0)


def run(given: argparse.Namespace, config: Config) -> None:
    """Prints it, in megabytes, with tabs between. Raises Unusable."""
    file = config.data / FILE
    if not file.exists():
        raise Unusable(f"There is no Campfire in {config.data}.")
    if given.room is not None:
        print_older(file, given.room, given.older_than)
        return
    used, disk = looked(file, usage.look), Disk.look(file)
    print(f"Database\t{megabytes(disk.database)}")
    print(f"Free\t{megabytes(disk.free)} of {megabytes(disk.size)}")
    for title, shares in (
        ("All", [used.total, used.trash]),
        ("Rooms", used.rooms),
        ("People", used.people),
        ("Kinds", used.kinds),
    ):
        table(title, shares)


def print_older(file: Path, room_id: int, days: int) -> None:
    """What would go if the room kept its messages for so many days."""
    limit = time.time_ns() // 1_000_000 - days * DAY
    loss = looked(file, retentions.older, room_id, limit)
    print(f"{loss.messages:,} messages\t{loss.files:,} files\t{megabytes(loss.bytes)}")


def table(title: str, shares: Sequence[Share]) -> None:
    print(f"\n{title}\tMB of files\tfiles\tmessages")
    for share in shares:
        print(
            f"{share.name}\t{megabytes(share.bytes)}\t{share.files:,}"
            f"\t{share.messages:,}"
        )


def megabytes(size: int) -> str:
    return f"{size / MEGABYTE:,.1f} MB"
