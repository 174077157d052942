"""A data folder to measure on: people who are signed in, and a room they talk in.

Written with the functions the server itself uses, so that what is measured is what
would be there.
"""

import asyncio
from pathlib import Path
from typing import Final

from campfire.app import FILE
from campfire.chat import accounts, messages, richtext, sessions, users
from campfire.database import Database, Tx

WORDS: Final = (
    "Good morning. The build is green and the coffee is not.",
    "Can **somebody** look at `deploy.sh` before noon? It says _permission denied_.",
    "Notes from the meeting:\n\n- the date stays\n- the colours change\n- tea wins",
    "See https://example.org/plans/2026/autumn for the plan; page four is new.",
    "Yes.",
    "```python\nfor fire in camp:\n    fire.light()\n```",
    "I will be away on Thursday and Friday, and back with photographs on Monday. "
    "Ask Kevin about the keys; he has two sets and a good memory.",
    "> The colours change\n\nAgain? I have just learned the old ones.",
)
ROOM: Final = 1
UNUSABLE: Final = "!"  # A password hash that no password has.


async def fill(folder: Path, people: int, said: int) -> list[str]:
    """Makes the folder; answers with a token of each person, the first one's first."""
    folder.mkdir(mode=0o700, parents=True)
    db = Database(folder / FILE)
    try:
        tokens = await db.write(arrive, people)
        for start in range(0, said, 1_000):
            await db.write(talk, range(start, min(said, start + 1_000)), people)
    finally:
        await db.close()
    return tokens


def arrive(tx: Tx, people: int) -> list[str]:
    first, _ = accounts.begin(tx, "Person 1", "person-1@example.org", UNUSABLE)
    everybody = [first.id]
    for number in range(2, people + 1):
        address = f"person-{number}@example.org"
        everybody.append(users.add(tx, f"Person {number}", address, UNUSABLE).id)
    return [sessions.start(tx, person, "127.0.0.1", "bench") for person in everybody]


def talk(tx: Tx, numbers: range, people: int) -> None:
    for number in numbers:
        draft = richtext.draft(WORDS[number % len(WORDS)], ())
        messages.post(tx, number % min(people, 9) + 1, ROOM, draft, f"said-{number}")


def made(folder: Path, people: int, said: int) -> list[str]:
    return asyncio.run(fill(folder, people, said))
