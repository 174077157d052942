"""Whether each part works: asked by whoever watches, answered at most once a second."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from campfire.chat import health
from campfire.database import Database, Fault, require_room
from campfire.refusals import Busy, Full

PATIENCE: Final = 2.0
FRESH: Final = 1.0


class Readiness:
    """Asks each part whether it works, at most once a second however often asked.

    The `others` say "ok" or what is wrong with them.
    """

    def __init__(self, db: Database, others: Mapping[str, Callable[[], str]]) -> None:
        self._db = db
        self._others = others
        self._asked = 0.0
        self._components: dict[str, str] = {}
        self._asking = asyncio.Lock()

    async def components(self) -> dict[str, str]:
        async with self._asking:
            if time.monotonic() > self._asked + FRESH:
                self._components = {
                    "database": await answered(self._db.read(health.look)),
                    "writer": await answered(self._db.write(health.beat)),
                    "disk": await asyncio.to_thread(self._disk),
                } | {name: state() for name, state in self._others.items()}
                self._asked = time.monotonic()
        return self._components

    def _disk(self) -> str:
        try:
            require_room(self._db.path.parent)
        except Full:
            return "less than 64 MB free"
        except OSError as error:
            return f"cannot be asked: {error.strerror}"
        return "ok"


async def answered(question: Awaitable[Any]) -> str:
    try:
        await asyncio.wait_for(question, PATIENCE)
    except TimeoutError:
        return "does not answer"
    except Busy:
        return "too busy"
    except Fault as error:
        return type(error).__name__
    return "ok"
