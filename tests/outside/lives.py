"""`python -m tests.outside.lives webhooks PATH` begins a life for each line it reads.

Each life is a process that does to the database what a server does, until somebody
kills it. Everything is imported once, and all lives are copies of that.
"""

import asyncio
import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from campfire.chat import deliveries
from campfire.chat.files import Stored
from campfire.database import Database
from campfire.outside.addresses import NEAR
from campfire.outside.client import Client
from campfire.outside.jobs import Runner
from campfire.outside.webhooks import Webhooks


async def webhooks(path: str) -> None:
    async def keep(data: bytes, filename: str) -> Stored:
        raise AssertionError("no receiver answers with a file")

    async def discard(stored: Sequence[Stored]) -> None:
        pass

    db = Database(Path(path))
    hooks = Webhooks(db, Client(), Client(allowed=NEAR, ports=None), keep, discard)
    runner = Runner(db, {deliveries.KIND: hooks.kind})
    db.publish = runner.hear
    await asyncio.Event().wait()


def main(kind: str, *given: str) -> None:
    gc.freeze()  # A copy leaves the pages of its mother alone.
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            asyncio.run({"webhooks": webhooks}[kind](*given))
        print(child, flush=True)
        os.waitpid(child, 0)
        print("dead", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
