"""The page of jobs, for administrators: what waits, and what was given up.

It tells how many, for whom and since when, and nothing of what is sent.
"""

import time
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from campfire.chat import accounts, deliveries, jobs, push
from campfire.chat.jobs import Dead, Queue
from campfire.chat.previews import KIND as PREVIEW
from campfire.database import Reads
from campfire.web import forms, render, responses, shell
from campfire.web.keys import DB, ID
from campfire.web.requests import representation
from campfire.web.sessions import viewer

routes = web.RouteTableDef()

JOB: Final = f"/account/jobs/{{job_id:{ID}}}"
# Whose destinations are told: a receiver that administrators chose, a push service.
TOLD: Final = frozenset({deliveries.KIND, push.PUSH})
WORDS: Final = {
    deliveries.KIND: "Webhooks",
    push.PUSH: "Notifications",
    push.ROUND: "Who is to be notified",
    PREVIEW: "Previews of links",
}
AGES: Final = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


@dataclass(frozen=True, slots=True)
class Overview:
    account: accounts.Account
    queues: list[Queue]
    dead: list[Dead]

    @classmethod
    def look(cls, db: Reads, admin_id: int) -> "Overview":
        return cls(accounts.require(db), *jobs.overview(db, admin_id, TOLD))


@routes.get("/account/jobs")
async def index(request: web.Request) -> web.Response:
    user = await viewer(request)
    found = await request.app[DB].read(Overview.look, user.id)
    if representation(request) == "json":
        queues = [presented_queue(queue) for queue in found.queues]
        dead = [presented_dead(each) for each in found.dead]
        return responses.json({"queues": queues, "dead": dead})
    page = await shell.page(
        request,
        "jobs/index.html",
        found.account,
        queues=found.queues,
        dead=found.dead,
        left=sum(queue.dead for queue in found.queues) - len(found.dead),
        words=WORDS,
        age=age,
    )
    return responses.html(page)


@routes.post(f"{JOB}/retry")
async def retry(request: web.Request) -> web.Response:
    user, job_id = await viewer(request), forms.path_id(request, "job_id")
    await request.app[DB].write(jobs.retry, user.id, job_id)
    if representation(request) == "page":
        return responses.see("/account/jobs")
    return web.Response(status=202)


@routes.delete(JOB)
@routes.post(f"{JOB}/delete")
async def destroy(request: web.Request) -> web.Response:
    user, job_id = await viewer(request), forms.path_id(request, "job_id")
    await request.app[DB].write(jobs.discard, user.id, job_id)
    return responses.done(request, "/account/jobs")


def presented_queue(queue: Queue) -> dict[str, Any]:
    return {
        "kind": queue.kind,
        "destination": queue.destination or None,
        "waiting": queue.waiting,
        "retried": queue.retried,
        "leased": queue.leased,
        "dead": queue.dead,
        "oldest_at": render.time(queue.oldest),
    }


def presented_dead(dead: Dead) -> dict[str, Any]:
    return {
        "id": dead.id,
        "kind": dead.kind,
        "destination": dead.destination or None,
        "attempts": dead.attempts,
        "fault": dead.fault,
        "created_at": render.time(dead.created_at),
    }


def age(created_at: int) -> str:
    """How long ago, in the largest unit of which there is one."""
    seconds = max(0, time.time_ns() // 1_000_000 - created_at) // 1_000
    for length, unit in AGES:
        if count := seconds // length:
            return f"{count} {unit}{'s' if count != 1 else ''}"
    return "a moment"
