"""What is still to be done outside of the house, kept in the transaction that asks.

A job is leased to one holder at a time, whose token refuses every earlier one, and is
gone when it is done; what failed comes back later, and is dead after a few times. A
handler may be stopped anywhere and then runs again, so it must bear being run twice.

Time is `clock()`, which does not jump. A server that starts takes every lease back
with `restart`: there is one process, so nobody can be holding one.
"""

import json
import random
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from campfire.chat import acts, users
from campfire.database import Reads, Tx
from campfire.refusals import NotFound

MOST_ATTEMPTS: Final = 5
FIRST_DELAY: Final = 2_000
LONGEST_DELAY: Final = 300_000
MOST_DEAD: Final = 1_000
MOST_TOLD: Final = 100


class Stale(Exception):
    """The job is somebody else's by now, or nobody's: what was done is not to count."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job as its holder has it. `key` stays the same however often it is tried."""

    id: int
    kind: str
    destination: str
    key: str
    payload: Mapping[str, Any]
    attempts: int
    token: int


@dataclass(frozen=True, slots=True)
class Lease:
    """What can be begun now, and the milliseconds until there is more, if there is."""

    jobs: Sequence[Job]
    wait: int | None


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many jobs of a kind are in a state; `oldest` is in UTC milliseconds."""

    kind: str
    state: str
    count: int
    oldest: int


@dataclass(frozen=True, slots=True)
class Queue:
    """The jobs of a kind for one destination: how many are waiting for their first try,
    for another one, under way or given up; `oldest` is in UTC milliseconds."""

    kind: str
    destination: str
    waiting: int
    retried: int
    leased: int
    dead: int
    oldest: int


@dataclass(frozen=True, slots=True)
class Dead:
    """A job that was given up, without what was to be sent."""

    id: int
    kind: str
    destination: str
    attempts: int
    fault: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Added:
    name: ClassVar = "job.added"
    kind: str


def clock() -> int:
    """Milliseconds since some moment of this machine; never set back, nor forward."""
    return time.monotonic_ns() // 1_000_000


def add(
    tx: Tx, kind: str, destination: str, key: str, payload: Mapping[str, Any]
) -> None:
    """Asks for a job, once for each key; one that is dead gets another life."""
    tx.row(
        """INSERT INTO jobs (kind, destination, key, payload, due_at, created_at)
           VALUES (?, ?, ?, ?, ?, ?)
           ON CONFLICT (kind, key) DO UPDATE
             SET state = 'waiting', attempts = 0, delay = 0, due_at = excluded.due_at,
                 payload = excluded.payload, fault = NULL
             WHERE state = 'dead'""",
        (kind, destination, key, json.dumps(payload), clock(), tx.now),
    )
    tx.announce(Added(kind))


def withdraw(tx: Tx, kind: str, prefix: str, but: Collection[str] = ()) -> None:
    """Forgets the jobs whose key begins like this; who holds one will be refused."""
    tx.row(
        """DELETE FROM jobs
           WHERE kind = :kind AND key >= :prefix AND key < :prefix || char(1114111)
             AND key NOT IN (SELECT value FROM json_each(:but))""",
        {"kind": kind, "prefix": prefix, "but": json.dumps(list(but))},
    )


def restart(tx: Tx, now: int) -> None:
    """Takes back what another process held, and counts every wait from here."""
    tx.row(
        "UPDATE jobs SET state = 'waiting', leased_until = NULL WHERE state = 'leased'"
    )
    tx.row(
        "UPDATE jobs SET due_at = ? + delay WHERE state = 'waiting' AND delay", (now,)
    )
    tx.row("UPDATE jobs SET due_at = 0 WHERE state = 'waiting' AND NOT delay")


def lease(tx: Tx, kind: str, now: int, *, most: int, each: int, lasts: int) -> Lease:
    """Hands out up to `most` jobs that are due, never over `each` to one destination.

    Those that wait longest come first. A lease `lasts` so many milliseconds; whoever
    has not finished by then has lost it.
    """
    tx.row(
        """UPDATE jobs SET state = 'waiting', leased_until = NULL
           WHERE state = 'leased' AND kind = ? AND leased_until <= ?""",
        (kind, now),
    )
    held: dict[str, int] = dict(
        tx.rows(
            """SELECT destination, count(*) FROM jobs
               WHERE state = 'leased' AND kind = ? GROUP BY destination""",
            (kind,),
        )
    )
    jobs: list[Job] = []
    for destination in _destinations(tx, kind, now):
        room = min(each - held.get(destination, 0), most - len(jobs))
        if room > 0:
            jobs += _leased(tx, kind, destination, now, room, now + lasts)
    next_due = tx.value(
        """SELECT min(due) FROM
             (SELECT min(due_at) AS due FROM jobs
              WHERE state = 'waiting' AND kind = :kind AND due_at > :now
              UNION ALL
              SELECT min(leased_until) FROM jobs
              WHERE state = 'leased' AND kind = :kind)""",
        {"kind": kind, "now": now},
    )
    return Lease(jobs, None if next_due is None else next_due - now)


def _destinations(db: Reads, kind: str, now: int) -> list[str]:
    """Where something is due, longest wait first: one step for each destination."""
    rows = db.rows(
        """WITH RECURSIVE places (destination) AS (
             SELECT min(destination) FROM jobs WHERE state = 'waiting' AND kind = :kind
             UNION ALL
             SELECT (SELECT min(destination) FROM jobs
                     WHERE state = 'waiting' AND kind = :kind
                       AND destination > places.destination)
             FROM places WHERE places.destination IS NOT NULL)
           SELECT destination,
                  (SELECT min(due_at) FROM jobs WHERE state = 'waiting'
                     AND kind = :kind AND destination = places.destination) AS due
           FROM places WHERE destination IS NOT NULL AND due <= :now
           ORDER BY due, destination""",
        {"kind": kind, "now": now},
    )
    return [destination for destination, _ in rows]


def _leased(
    tx: Tx, kind: str, destination: str, now: int, most: int, until: int
) -> list[Job]:
    rows = tx.rows(
        """UPDATE jobs SET state = 'leased', token = token + 1, leased_until = :until
           WHERE id IN (SELECT id FROM jobs
                        WHERE state = 'waiting' AND kind = :kind
                          AND destination = :destination AND due_at <= :now
                        ORDER BY due_at, id LIMIT :most)
           RETURNING id, kind, destination, key, payload, attempts, token""",
        {
            "kind": kind,
            "destination": destination,
            "now": now,
            "most": most,
            "until": until,
        },
    )
    return [Job(*(*row[:4], json.loads(row[4]), *row[5:])) for row in sorted(rows)]


def done(tx: Tx, job: Job) -> None:
    """Ends the job, with whatever else the transaction does. Raises Stale."""
    if not tx.row(
        """DELETE FROM jobs WHERE id = ? AND token = ? AND state = 'leased'
           RETURNING id""",
        (job.id, job.token),
    ):
        raise Stale


def postpone(tx: Tx, job: Job, now: int, wait: int) -> None:
    """Gives the job back because its time has not come: no failure. Raises Stale.

    A server that starts anew hands it out at once, for its handler to look again.
    """
    if not tx.row(
        """UPDATE jobs SET state = 'waiting', leased_until = NULL, delay = 0,
             due_at = ?
           WHERE id = ? AND token = ? AND state = 'leased' RETURNING id""",
        (now + wait, job.id, job.token),
    ):
        raise Stale


def hurry(tx: Tx, kind: str, prefix: str) -> None:
    """Has what was postponed looked at again, where the key begins like this."""
    tx.row(
        """UPDATE jobs SET due_at = 0
           WHERE kind = :kind AND key >= :prefix AND key < :prefix || char(1114111)
             AND state = 'waiting' AND delay = 0""",
        {"kind": kind, "prefix": prefix},
    )
    tx.announce(Added(kind))


def failed(
    tx: Tx,
    job: Job,
    now: int,
    fault: str,
    *,
    least: int | None = None,
    waits: Sequence[int] | None = None,
) -> bool:
    """Gives the job back for later, or for good after too many times. Raises Stale.

    `fault` is one word for the operator, and nothing of what was sent. `least` is
    how many milliseconds the other side wants to be left alone; `waits` are those
    after each failure but the last. Says whether it was the last. Of the dead the
    last thousand are kept.
    """
    attempts = job.attempts + 1
    most = MOST_ATTEMPTS if waits is None else len(waits) + 1
    wait = delay(attempts)
    if waits is not None and attempts < most:
        wait = random.randint(waits[attempts - 1], round(1.1 * waits[attempts - 1]))
    wait = max(wait, least or 0)
    if not tx.row(
        """UPDATE jobs SET state = iif(:attempts < :most, 'waiting', 'dead'),
             leased_until = NULL, attempts = :attempts, delay = :delay,
             due_at = :now + :delay, fault = :fault
           WHERE id = :id AND token = :token AND state = 'leased' RETURNING id""",
        {
            "id": job.id,
            "token": job.token,
            "attempts": attempts,
            "most": most,
            "delay": wait,
            "now": now,
            "fault": fault,
        },
    ):
        raise Stale
    if attempts >= most:
        tx.row(
            """DELETE FROM jobs WHERE id IN (
                 SELECT id FROM jobs WHERE state = 'dead'
                 ORDER BY id DESC LIMIT -1 OFFSET ?)""",
            (MOST_DEAD,),
        )
    return attempts >= most


def backlogs(db: Reads) -> list[Backlog]:
    """What there is to do, for whoever watches."""
    rows = db.rows("""SELECT kind, state, count(*), min(created_at) FROM jobs
           GROUP BY kind, state ORDER BY kind, state""")
    return [Backlog(*row) for row in rows]


def overview(
    db: Reads, admin_id: int, told: Collection[str]
) -> tuple[list[Queue], list[Dead]]:
    """What there is to do for whom, and the newest that were given up.

    For administrators. Where the jobs of kinds beside `told` go is not said: it may be
    somebody's words, such as the link that is to be previewed.
    """
    users.require_administrator(db, admin_id)
    known = {"told": json.dumps(list(told)), "most": MOST_TOLD}
    place = "iif(kind IN (SELECT value FROM json_each(:told)), destination, '')"
    queues = db.rows(
        f"""SELECT kind, {place} AS place,
                   count(*) FILTER (WHERE state = 'waiting' AND attempts = 0),
                   count(*) FILTER (WHERE state = 'waiting' AND attempts > 0),
                   count(*) FILTER (WHERE state = 'leased'),
                   count(*) FILTER (WHERE state = 'dead') AS dead,
                   min(created_at)
            FROM jobs GROUP BY kind, place
            ORDER BY dead DESC, count(*) DESC, kind, place LIMIT :most""",
        known,
    )
    dead = db.rows(
        f"""SELECT id, kind, {place}, attempts, fault, created_at FROM jobs
            WHERE state = 'dead' ORDER BY id DESC LIMIT :most""",
        known,
    )
    return [Queue(*row) for row in queues], [Dead(*row) for row in dead]


def retry(tx: Tx, admin_id: int, job_id: int) -> None:
    """Gives one that is dead another life, from the first try on. Raises NotFound."""
    users.require_administrator(tx, admin_id)
    kind = tx.value(
        """UPDATE jobs SET state = 'waiting', attempts = 0, delay = 0, due_at = ?,
             fault = NULL
           WHERE id = ? AND state = 'dead' RETURNING kind""",
        (clock(), job_id),
    )
    if kind is None:
        raise NotFound("There is no such job.")
    acts.note(tx, admin_id, "job.retried")
    tx.announce(Added(kind))


def discard(tx: Tx, admin_id: int, job_id: int) -> None:
    """Forgets one that is dead. Raises NotFound."""
    users.require_administrator(tx, admin_id)
    if not tx.row(
        "DELETE FROM jobs WHERE id = ? AND state = 'dead' RETURNING id", (job_id,)
    ):
        raise NotFound("There is no such job.")
    acts.note(tx, admin_id, "job.discarded")


def delay(attempts: int) -> int:
    """Milliseconds: twice as long each time, and never all at once again."""
    longest = min(LONGEST_DELAY, FIRST_DELAY << min(attempts - 1, 16))
    return random.randint(longest // 2, longest)
