"""`python -m tests.outside.lives webhooks PATH` begins a life for each line it reads.

Or `… pushes PATH PORT CHAIN`, whose push service is on that port with that certificate.
Each life is a process that does to the database what a server does, until somebody
kills it. Everything is imported once, and all lives are copies of that.
"""

import asyncio
import gc
import json
import os
import ssl
import sys
from collections.abc import Callable, Coroutine, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from campfire.chat import deliveries
from campfire.chat.files import Stored
from campfire.chat.push import PUSH, ROUND
from campfire.database import Database
from campfire.outside import vapid
from campfire.outside.addresses import NEAR
from campfire.outside.client import Client
from campfire.outside.jobs import Runner
from campfire.outside.push import Push
from campfire.outside.vapid import Keys, Signer
from campfire.outside.webhooks import Webhooks

NEXT_DOOR = (ip_network("127.0.0.0/8"),)


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


async def pushes(path: str, port: str, chain: str) -> None:
    db = Database(Path(path))
    client = Client(
        allowed=NEXT_DOOR,
        ports={int(port)},
        lookup=lambda name: ["127.0.0.1"],
        tls=ssl.create_default_context(cafile=chain),
    )
    pushing = Push(db, client, Signer(PAIR), frozenset, "https://chat.example")
    runner = Runner(db, {ROUND: pushing.rounds, PUSH: pushing.pushes})
    db.publish = runner.hear
    await asyncio.Event().wait()


PAIR = Keys(**json.loads(vapid.pair()))
KINDS: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {
    "webhooks": webhooks,
    "pushes": pushes,
}


def main(kind: str, *given: str) -> None:
    if kind == "pushes":
        import pywebpush  # noqa: F401  # Or every life would do it anew.
    gc.freeze()  # A copy leaves the pages of its mother alone.
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            asyncio.run(KINDS[kind](*given))
        print(child, flush=True)
        os.waitpid(child, 0)
        print("dead", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
