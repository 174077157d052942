"""Push: which devices ring for what, what they are told, and a ledger of the answers.

A message asks for one job; that one asks for a push to each device that may ring. Who
still hears of it, and in which words, is read again when it is sent. A subscription
goes with its sign-in, or when its push service says that it is gone, and never else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from campfire.chat import jobs, memberships, quiet_hours, sessions, users
from campfire.chat.jobs import Job
from campfire.chat.quiet_hours import QuietHours
from campfire.database import Reads, Tx, vital
from campfire.refusals import Forbidden, Invalid, NotFound

Outcome = Literal["delivered", "late", "refused"]

# The two kinds of job: to whom a message goes, and one push to one device.
ROUND: Final = "push round"
PUSH: Final = "push"

MOST: Final = 20
AT_ONCE: Final = 200
# Whoever is here has this long to read a message before it rings elsewhere.
HELD_FOR: Final = 30_000
# What waited longer than this is told by the newest of its room alone.
LATE: Final = 120_000
GONE: Final = frozenset({404, 410})
KEPT: Final = 50

COLUMNS: Final = """push_subscriptions.id, push_subscriptions.session_id,
                    push_subscriptions.endpoint, push_subscriptions.user_agent,
                    push_subscriptions.created_at"""
# Whether the member wants the message: `messages` and `memberships` are joined.
WANTED: Final = """messages.creator_id <> memberships.user_id
                   AND memberships.last_read_id < messages.id
                   AND (memberships.involvement = 'everything'
                        OR memberships.involvement = 'mentions'
                        AND (messages.calls_everyone OR EXISTS (
                          SELECT 1 FROM mentions
                          WHERE mentions.message_id = messages.id
                            AND mentions.user_id = memberships.user_id)))"""


@dataclass(frozen=True, slots=True)
class Keys:
    """What a browser gave for sealing: a point of P-256, and a secret (RFC 8291)."""

    endpoint: str
    p256dh: bytes
    auth: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the ledger. `status` is None where nothing answered; `took` is in ms.

    `author` and `room` are as they are now, and empty where the person sees neither.
    """

    session_id: int
    subscription_id: int
    outcome: Outcome
    status: int | None
    took: int
    at: int
    is_test: bool
    author: str
    room: str


@dataclass(frozen=True, slots=True)
class Subscription:
    """A device that takes pushes, with the last thing that came of one."""

    id: int
    session_id: int
    endpoint: str
    user_agent: str
    created_at: int
    last: Entry | None = None


@dataclass(frozen=True, slots=True)
class Notification:
    """What the device is told. `id` grows with what was said, `tag` joins a room's."""

    id: int
    title: str
    body: str
    path: str
    badge: int
    tag: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A push that is to be sent now."""

    keys: Keys
    notification: Notification


@dataclass(frozen=True, slots=True)
class Held:
    """A push whose time has not come: so many milliseconds are left."""

    wait: int


def subscribe(
    tx: Tx, user_id: int, session_id: int, keys: Keys, user_agent: str
) -> Subscription:
    """Keeps where a device can be reached; it is this person's and sign-in's now.

    The oldest beyond twenty is forgotten. Raises NotFound for a bot.
    """
    users.require_person(tx, user_id)
    subscription = Subscription(
        *tx.row(
            f"""INSERT INTO push_subscriptions
                  (user_id, session_id, endpoint, p256dh, auth, user_agent, created_at)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (endpoint) DO UPDATE SET user_id = excluded.user_id,
                  session_id = excluded.session_id, p256dh = excluded.p256dh,
                  auth = excluded.auth, user_agent = excluded.user_agent
                RETURNING {COLUMNS.replace("push_subscriptions.", "")}""",
            (
                *(user_id, session_id, keys.endpoint, keys.p256dh, keys.auth),
                *(user_agent[:500], tx.now),
            ),
        )
    )
    tx.row(
        """DELETE FROM push_subscriptions WHERE id IN (
             SELECT id FROM push_subscriptions WHERE user_id = ? AND id <> ?
             ORDER BY id DESC LIMIT -1 OFFSET ?)""",
        (user_id, subscription.id, MOST - 1),
    )
    return subscription


def unsubscribe(tx: Tx, user_id: int, subscription_id: int) -> None:
    """Raises NotFound when it is not the person's."""
    find(tx, user_id, subscription_id)
    tx.row("DELETE FROM push_subscriptions WHERE id = ?", (subscription_id,))


@vital
def leave(tx: Tx, user_id: int, endpoint: str) -> None:
    """Forgets the device that somebody signs out on, if it is known."""
    tx.row(
        "DELETE FROM push_subscriptions WHERE user_id = ? AND endpoint = ?",
        (user_id, endpoint),
    )


def find(db: Reads, user_id: int, subscription_id: int) -> Subscription:
    row = db.row(
        f"SELECT {COLUMNS} FROM push_subscriptions WHERE id = ? AND user_id = ?",
        (subscription_id, user_id),
    )
    if row is None:
        raise NotFound("There is no such device.")
    return Subscription(*row)


def all_of(db: Reads, user_id: int) -> list[Subscription]:
    """The person's devices that take pushes, each with its last answer."""
    rows = db.rows(
        f"SELECT {COLUMNS} FROM push_subscriptions WHERE user_id = ? ORDER BY id",
        (user_id,),
    )
    last = {
        entry.subscription_id: entry
        for entry in _entries(
            db,
            user_id,
            """pushes.id IN (SELECT max(id) FROM pushes
                             WHERE subscription_id IN
                               (SELECT id FROM push_subscriptions WHERE user_id = ?)
                             GROUP BY subscription_id)""",
        )
    }
    return [Subscription(*(*row, last.get(row[0]))) for row in rows]


def ledger(db: Reads, user_id: int) -> list[Entry]:
    """What became of the last pushes to the person's devices, the newest first."""
    return _entries(
        db,
        user_id,
        "pushes.session_id IN (SELECT id FROM sessions WHERE user_id = ?)",
    )


def _entries(db: Reads, user_id: int, condition: str) -> list[Entry]:
    rows = db.rows(
        f"""SELECT pushes.session_id, pushes.subscription_id, pushes.outcome,
                   pushes.status, pushes.took, pushes.at, pushes.message_id IS NULL,
                   iif(memberships.user_id IS NULL, '', ifnull(users.name, '')),
                   iif(memberships.user_id IS NULL OR rooms.kind = 'direct', '',
                       ifnull(rooms.name, ''))
            FROM pushes
            LEFT JOIN messages ON messages.id = pushes.message_id
            LEFT JOIN users ON users.id = messages.creator_id
            LEFT JOIN rooms ON rooms.id = messages.room_id
            LEFT JOIN memberships ON memberships.room_id = messages.room_id
                                 AND memberships.user_id = ?
            WHERE {condition} ORDER BY pushes.id DESC""",
        (user_id, user_id),
    )
    return [Entry(*(*row[:6], bool(row[6]), *row[7:])) for row in rows]


def keep_quiet(tx: Tx, user_id: int, hours: QuietHours | None) -> None:
    """Sets the person's quiet hours; what is held by the old ones is looked at anew."""
    quiet_hours.keep(tx, user_id, hours)
    jobs.hurry(tx, PUSH, f"{user_id}:")
    users.changed(tx, user_id)


def ring(tx: Tx, user_id: int, room_id: int, message_id: int) -> None:
    """Has one's direct message ring now for those who let people do that.

    Raises NotFound, Forbidden for somebody else's message, Invalid in a shared room.
    """
    memberships.require(tx, user_id, room_id)
    row = tx.row(
        """SELECT messages.creator_id, rooms.kind
           FROM messages JOIN rooms ON rooms.id = messages.room_id
           WHERE messages.id = ? AND messages.room_id = ?""",
        (message_id, room_id),
    )
    if row is None:
        raise NotFound("There is no such message.")
    if row[0] != user_id:
        raise Forbidden("Only who wrote a message can ring with it.")
    if row[1] != "direct":
        raise Invalid("Only a direct message can ring now.")
    tx.row(
        "INSERT INTO rings (message_id, asked_at) VALUES (?, ?) ON CONFLICT DO NOTHING",
        (message_id, tx.now),
    )
    for (member_id,) in tx.rows(
        "SELECT user_id FROM memberships WHERE room_id = ?", (room_id,)
    ):
        jobs.hurry(tx, PUSH, f"{member_id}:")


# From a message to its pushes


def ask(
    tx: Tx, room_id: int, user_id: int, message_id: int, *, is_called: bool
) -> None:
    """Has the message pushed, if that may concern anybody's device."""
    if is_called:
        concerned = tx.value("SELECT 1 FROM push_subscriptions LIMIT 1")
    else:
        concerned = tx.value(
            """SELECT 1 FROM memberships JOIN push_subscriptions USING (user_id)
               WHERE memberships.room_id = ? AND memberships.user_id <> ?
                 AND memberships.involvement = 'everything' LIMIT 1""",
            (room_id, user_id),
        )
    if concerned:
        payload = {"message_id": message_id, "after": 0}
        jobs.add(tx, ROUND, str(room_id), f"{message_id}:0", payload)


def recipients(db: Reads, job: Job) -> list[tuple[int, int, int, str]]:
    """The next devices of a round: subscription, person, room and endpoint."""
    rows: list[tuple[int, int, int, str]] = db.rows(
        f"""SELECT push_subscriptions.id, push_subscriptions.user_id,
                   messages.room_id, push_subscriptions.endpoint
            FROM messages
            JOIN push_subscriptions ON push_subscriptions.id > ?
            JOIN memberships ON memberships.room_id = messages.room_id
                            AND memberships.user_id = push_subscriptions.user_id
            WHERE messages.id = ? AND {WANTED}
            ORDER BY push_subscriptions.id LIMIT ?""",
        (job.payload["after"], job.payload["message_id"], AT_ONCE),
    )
    return rows


def spread(tx: Tx, job: Job, found: Sequence[tuple[int, int, int, str]]) -> None:
    """Ends a round, or the first part of it, with a job for each device found.

    Few at once, so that nobody who posts waits behind them. Raises Stale.
    """
    jobs.done(tx, job)
    message_id = job.payload["message_id"]
    for subscription_id, user_id, room_id, endpoint in found:
        payload = {
            "subscription_id": subscription_id,
            "user_id": user_id,
            "room_id": room_id,
            "message_id": message_id,
        }
        key = f"{_thread(payload)}{message_id:019d}"
        jobs.add(tx, PUSH, urlsplit(endpoint).netloc, key, payload)
    if len(found) == AT_ONCE:
        after = found[-1][0]
        payload = {"message_id": message_id, "after": after}
        jobs.add(tx, ROUND, job.destination, f"{message_id}:{after}", payload)


def _thread(payload: Mapping[str, Any]) -> str:
    """What the keys of a person's pushes from one room to one device begin with."""
    return f"{payload['user_id']}:{payload['subscription_id']}:{payload['room_id']}:"


def test(tx: Tx, user_id: int, subscription_id: int) -> None:
    """Asks for a push that says nothing, to see whether it arrives."""
    subscription = find(tx, user_id, subscription_id)
    payload = {"subscription_id": subscription_id, "user_id": user_id}
    destination = urlsplit(subscription.endpoint).netloc
    jobs.add(tx, PUSH, destination, f"{user_id}:{subscription_id}:test", payload)


def letter(db: Reads, job: Job, now: int, is_here: bool) -> Letter | Held | None:
    """What is to be sent now, with everything about it read again.

    None when nobody wants it any more: read, removed, left, turned off, signed out.
    """
    payload = job.payload
    row = db.row(
        """SELECT push_subscriptions.endpoint, push_subscriptions.p256dh,
                   push_subscriptions.auth,
                   (SELECT count(*) FROM memberships
                    WHERE memberships.user_id = users.id
                      AND memberships.involvement <> 'invisible'
                      AND EXISTS (SELECT 1 FROM messages
                                  WHERE messages.room_id = memberships.room_id
                                    AND messages.id > memberships.last_read_id
                                    AND messages.creator_id <> users.id))
            FROM push_subscriptions
            JOIN sessions ON sessions.id = push_subscriptions.session_id
            JOIN users ON users.id = push_subscriptions.user_id
            WHERE push_subscriptions.id = ? AND users.id = ?
              AND users.status = 'active'
              AND sessions.last_active_at >= ? AND sessions.created_at >= ?""",
        (
            *(payload["subscription_id"], payload["user_id"]),
            *(now - sessions.IDLE, now - sessions.OLDEST),
        ),
    )
    if row is None:
        return None
    keys, badge = Keys(*row[:3]), row[3]
    if "message_id" not in payload:
        body = "Notifications arrive on this device."
        return Letter(
            keys, Notification(now, "It rings", body, "/users/me", badge, "test")
        )
    row = db.row(
        f"""SELECT messages.created_at, messages.plain, author.name, rooms.name,
                   rooms.kind
            FROM messages
            JOIN rooms ON rooms.id = messages.room_id
            JOIN users AS author ON author.id = messages.creator_id
            JOIN memberships ON memberships.room_id = messages.room_id
                            AND memberships.user_id = :user
            WHERE messages.id = :message AND rooms.deleted_at IS NULL AND {WANTED}""",
        {"user": payload["user_id"], "message": payload["message_id"]},
    )
    if row is None:
        return None
    created_at, plain, author, room, kind = row
    if is_here and 0 <= now - created_at < HELD_FOR:
        return Held(HELD_FOR - (now - created_at))
    hours = quiet_hours.find(db, payload["user_id"])
    if hours is not None and (until := hours.until(now)) is not None:
        if not (hours.may_ring and _rings(db, payload["message_id"])):
            return Held(until - now)
    if now - created_at > LATE and _is_outdone(db, job):
        return None
    title, body = (author, plain) if kind == "direct" else (room, f"{author}: {plain}")
    message_id, room_id = payload["message_id"], payload["room_id"]
    path, tag = f"/rooms/{room_id}", f"room-{room_id}"
    return Letter(keys, Notification(message_id, title, body, path, badge, tag))


def _rings(db: Reads, message_id: int) -> bool:
    rung = db.value("SELECT 1 FROM rings WHERE message_id = ?", (message_id,))
    return rung is not None


def _is_outdone(db: Reads, job: Job) -> bool:
    """Whether something newer of the room is on its way, or was told already."""
    payload = job.payload
    return bool(
        db.value(
            """SELECT EXISTS (SELECT 1 FROM jobs
                              WHERE kind = :kind AND key > :key
                                AND key < :thread || ':' AND state <> 'dead')
                   OR EXISTS (SELECT 1 FROM pushes
                              WHERE subscription_id = :subscription
                                AND room_id = :room AND message_id > :message
                                AND outcome <> 'refused')""",
            {
                "kind": PUSH,
                "key": job.key,
                "thread": _thread(payload),
                "subscription": payload["subscription_id"],
                "room": payload["room_id"],
                "message": payload["message_id"],
            },
        )
    )


def settle(tx: Tx, job: Job, keys: Keys, status: int, took: int) -> None:
    """Ends a push that was answered for good, and writes it down. Raises Stale.

    Only a push service that says that an address is gone has it removed.
    """
    jobs.done(tx, job)
    _note(tx, job, status, took)
    if status in GONE:
        tx.row(
            "DELETE FROM push_subscriptions WHERE id = ? AND endpoint = ?",
            (job.payload["subscription_id"], keys.endpoint),
        )


def retry(
    tx: Tx, job: Job, now: int, status: int | None, took: int, least: int | None
) -> None:
    """Has a push tried again that could not be taken in just now. Raises Stale.

    After too many times it is given up; the ledger says so, and nothing else stays.
    """
    if job.attempts + 1 < jobs.MOST_ATTEMPTS:
        fault = "unreachable" if status is None else str(status)
        jobs.failed(tx, job, now, fault, least=least)
    else:
        jobs.done(tx, job)
    _note(tx, job, status, took)


def _note(tx: Tx, job: Job, status: int | None, took: int) -> None:
    """A line in the ledger of the device, of which the newest few are kept."""
    payload = job.payload
    session_id = tx.value(
        "SELECT session_id FROM push_subscriptions WHERE id = ?",
        (payload["subscription_id"],),
    )
    if session_id is None:
        return
    message_id = payload.get("message_id")
    created_at = tx.value("SELECT created_at FROM messages WHERE id = ?", (message_id,))
    is_late = created_at is not None and tx.now - created_at > LATE
    is_taken = status is not None and 200 <= status < 300
    outcome = "refused" if not is_taken else "late" if is_late else "delivered"
    tx.row(
        """INSERT INTO pushes (session_id, subscription_id, room_id, message_id,
             outcome, status, took, at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            *(session_id, payload["subscription_id"], payload.get("room_id")),
            *(message_id, outcome, status, took, tx.now),
        ),
    )
    tx.row(
        """DELETE FROM pushes WHERE id IN (
             SELECT id FROM pushes WHERE session_id = ?
             ORDER BY id DESC LIMIT -1 OFFSET ?)""",
        (session_id, KEPT),
    )
