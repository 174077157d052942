"""Runs the jobs that `chat/jobs` keeps: a few at once, and few for one destination.

Awake when something was added or falls due, asleep otherwise. Nothing that matters is
in here: the process may end at any time, and the next one begins where the rows say.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from campfire.chat import jobs
from campfire.chat.jobs import Job
from campfire.database import Database, Event
from campfire.refusals import Busy

log = logging.getLogger(__name__)

PAUSE: Final = 1.0
STOPPING_TAKES: Final = 1.0


@dataclass(frozen=True, slots=True)
class Kind:
    """How jobs of a kind are run: `handle` ends them in the transaction that counts.

    It may be stopped anywhere and is then called again. `each` at once go to one
    destination, `most` in all; `patience` is in seconds, for one of them.
    """

    handle: Callable[[Job], Awaitable[None]]
    most: int
    each: int
    patience: float


class Runner:
    """Runs what is due, from the first turn of the loop until `close`."""

    def __init__(self, db: Database, kinds: Mapping[str, Kind]) -> None:
        self._db = db
        self._kinds = kinds
        self._due = asyncio.Event()
        self._running: dict[asyncio.Task[None], str] = {}
        self._task = asyncio.create_task(self._run(), name="jobs")

    def state(self) -> str:
        """One word for whoever watches: ok, or that nothing will be done any more."""
        return "stopped" if self._task.done() else "ok"

    def hear(self, event: Event) -> None:
        if isinstance(event, jobs.Added):
            self._due.set()

    def look_again(self) -> None:
        """Something may have been added that nobody has told."""
        self._due.set()

    async def close(self) -> None:
        """Begins nothing more, and gives what is under way a moment to end."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        if self._running:
            await asyncio.wait(self._running, timeout=STOPPING_TAKES)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _run(self) -> None:
        await self._restart()
        while True:
            self._due.clear()
            wait = await self._begin()
            try:
                async with asyncio.timeout(wait):
                    await self._due.wait()
            except TimeoutError:
                pass

    async def _restart(self) -> None:
        while True:
            try:
                return await self._db.write(jobs.restart, jobs.clock())
            except Busy:
                await asyncio.sleep(PAUSE)

    async def _begin(self) -> float | None:
        """Begins what may begin; answers the seconds until more may, if it is known."""
        waits: list[float] = []
        for name, kind in self._kinds.items():
            most = kind.most - list(self._running.values()).count(name)
            if most <= 0:
                continue
            try:
                lease = await self._db.write(
                    jobs.lease,
                    name,
                    jobs.clock(),
                    most=most,
                    each=kind.each,
                    lasts=round(2_000 * kind.patience),
                )
            except Busy:
                waits.append(PAUSE)
                continue
            for job in lease.jobs:
                task = asyncio.create_task(self._work(kind, job), name=f"job {job.id}")
                self._running[task] = name
                task.add_done_callback(self._ended)
            if lease.wait is not None:
                waits.append(lease.wait / 1_000)
        return min(waits, default=None)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        self._due.set()

    async def _work(self, kind: Kind, job: Job) -> None:
        try:
            async with asyncio.timeout(kind.patience):
                await kind.handle(job)
        except jobs.Stale:
            pass  # Withdrawn meanwhile, or handed to somebody else.
        except Busy:
            await self._fail(job, "busy")
        except TimeoutError:
            await self._fail(job, "timeout")
        except Exception as error:  # One handler's bug must not stop the runner.
            log.exception("job failed", extra={"kind": job.kind, "job": job.id})
            await self._fail(job, type(error).__name__)

    async def _fail(self, job: Job, fault: str) -> None:
        """When not even this can be written, the lease ends by itself."""
        try:
            await self._db.write(jobs.failed, job, jobs.clock(), fault)
        except (Busy, jobs.Stale):
            pass
