"""Deliveries: what a bot is called with, and what came back.

A person who mentions a bot, or writes where it is one of a few, calls it; a bot never
calls another, so that no two can keep each other busy. What a bot without a webhook is
called with waits for its stream, and so it does where the webhook is switched off. Of
each bot the last two hundred are kept.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal
from urllib.parse import urlsplit

from campfire.chat import bots, jobs, memberships, richtext, users
from campfire.chat.jobs import Job
from campfire.chat.users import User
from campfire.database import Reads, Tx
from campfire.refusals import Conflict, NotFound

State = Literal["kept", "waiting", "delivered", "failed"]

KIND: Final = "webhook"
MOST: Final = 200
# What nobody who listens would answer; 5xx too, and no answer at all.
FAILING: Final = frozenset({404, 410, 429})
LONGEST_ANSWER: Final = 4_096
PAGE: Final = 50
# Of a stream, in bytes: one payload may be half of it.
MOST_AT_ONCE: Final = 1_000_000
# After the first try, and after each of the next four.
WAITS: Final = (1_000, 5_000, 30_000, 300_000, 3_600_000)


@dataclass(frozen=True, slots=True)
class Delivery:
    """As administrators see it; `words` are for those who are in the room."""

    id: int
    message_id: int
    state: State
    attempts: int
    code: int | None
    fault: str
    took: int | None
    has_reply: bool
    created_at: int
    tried_at: int | None
    words: "Words | None"


@dataclass(frozen=True, slots=True)
class Words:
    """What was said on either side."""

    room_id: int
    payload: dict[str, Any]
    content_type: str
    answer: str


@dataclass(frozen=True, slots=True)
class Call:
    """Everything that is needed to call a webhook."""

    bot: User
    room_id: int
    url: str
    signing_secret: str
    body: bytes
    people: Sequence[tuple[int, str]]
    may_be_near: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a try: a status of HTTP, or a word for why there is none."""

    code: int | None
    fault: str
    took: int
    content_type: str = ""
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Added:
    """A bot was called."""

    name: ClassVar = "delivery.added"
    bot_id: int


def ask(
    tx: Tx,
    room_id: int,
    message_id: int,
    creator: User,
    mentions: Sequence[int],
    html: str,
    plain: str,
) -> None:
    """Calls the bots that a new message is for."""
    if creator.role == "bot":
        return
    called = tx.rows(
        """SELECT bots.user_id FROM bots
           CROSS JOIN memberships ON memberships.user_id = bots.user_id
             AND memberships.room_id = :room
           JOIN rooms ON rooms.id = :room
           WHERE bots.secret_hash IS NOT NULL
             AND (rooms.kind = 'direct'
                  OR bots.user_id IN (SELECT value FROM json_each(:mentions)))""",
        {"room": room_id, "mentions": json.dumps(list(mentions))},
    )
    for (bot_id,) in called:
        _add(tx, bot_id, room_id, message_id, creator, html, plain)


def attempt(
    tx: Tx,
    bot_id: int,
    room_id: int,
    message_id: int,
    creator: User,
    html: str,
    plain: str,
) -> int:
    """Calls a bot of the room with any of its messages. Raises NotFound."""
    memberships.require(tx, bot_id, room_id)
    return _add(tx, bot_id, room_id, message_id, creator, html, plain)


def _add(
    tx: Tx,
    bot_id: int,
    room_id: int,
    message_id: int,
    creator: User,
    html: str,
    plain: str,
) -> int:
    bot_name, room_name, url = tx.row(
        """SELECT users.name, rooms.name,
                  iif(bots.switched_off_at IS NULL, bots.webhook_url, NULL)
           FROM bots JOIN users ON users.id = bots.user_id JOIN rooms ON rooms.id = ?
           WHERE bots.user_id = ?""",
        (room_id, bot_id),
    )
    payload = {
        "user": {"id": creator.id, "name": creator.name},
        "room": {
            "id": room_id,
            "name": room_name,
            "path": f"/rooms/{room_id}/messages",
        },
        "message": {
            "id": message_id,
            "body": {"html": html or None, "plain": without_name(plain, bot_name)},
            "path": f"/rooms/{room_id}/@{message_id}",
        },
    }
    delivery_id: int = tx.value(
        """INSERT INTO deliveries (bot_id, message_id, payload, state, created_at)
           VALUES (?, ?, ?, ?, ?) RETURNING id""",
        (
            *(bot_id, message_id, json.dumps(payload)),
            *("waiting" if url else "kept", tx.now),
        ),
    )
    tx.row(
        """DELETE FROM deliveries
           WHERE bot_id = :bot AND state <> 'waiting' AND id <=
             (SELECT id FROM deliveries WHERE bot_id = :bot
              ORDER BY id DESC LIMIT 1 OFFSET :most)""",
        {"bot": bot_id, "most": MOST},
    )
    if url:
        _send(tx, delivery_id, url, posts=True)
    tx.announce(Added(bot_id))
    return delivery_id


def without_name(plain: str, name: str) -> str:
    """The words without the call itself."""
    return re.sub(f"@{re.escape(name)}", "", plain, flags=re.IGNORECASE).strip()


def _send(tx: Tx, delivery_id: int, url: str, *, posts: bool) -> None:
    """Has the webhook called, at once and from the first try on."""
    jobs.withdraw(tx, KIND, key(delivery_id))
    payload = {"delivery_id": delivery_id, "posts": posts}
    jobs.add(tx, KIND, destination(url), key(delivery_id), payload)


def key(delivery_id: int) -> str:
    return f"{delivery_id}."


def destination(url: str) -> str:
    """Whoever answers there: one that is dead must not hold up the others."""
    return urlsplit(url).netloc.lower()


def call(db: Reads, delivery_id: int, base: str = "") -> Call | None:
    """What to send and where to; None when there is nothing to send any more.

    Its paths are below the base.
    """
    row = db.row(
        f"""SELECT deliveries.payload, messages.room_id, bots.webhook_url,
                   bots.signing_secret, accounts.webhooks_may_be_near, {users.COLUMNS}
            FROM deliveries
            JOIN messages ON messages.id = deliveries.message_id
            JOIN bots ON bots.user_id = deliveries.bot_id
            JOIN users ON users.id = bots.user_id
            JOIN memberships ON memberships.user_id = bots.user_id
              AND memberships.room_id = messages.room_id
            JOIN accounts
            WHERE deliveries.id = ? AND bots.webhook_url IS NOT NULL
              AND bots.switched_off_at IS NULL
              AND bots.secret_hash IS NOT NULL AND users.status = 'active'""",
        (delivery_id,),
    )
    if row is None:
        return None
    payload, room_id, url, secret, may_be_near, *user = row
    bot = User(*user)
    people = memberships.mentionable(db, bot.id, room_id)
    body = _told(payload, bot.id, secret, room_id, base).encode()
    return Call(bot, room_id, url, secret, body, people, bool(may_be_near))


def _told(
    payload: str, bot_id: int, signing_secret: str, room_id: int, base: str
) -> str:
    """What the bot gets: the payload, in one line, with where it may answer."""
    said = json.loads(payload)
    room_key = bots.room_key(bot_id, signing_secret, room_id)
    said["room"]["path"] = f"/rooms/{room_id}/{room_key}/messages"
    return json.dumps(below(base, said), ensure_ascii=False)


def below(base: str, payload: dict[str, Any]) -> dict[str, Any]:
    """A payload as it is kept, with everything in it that leads somewhere moved."""
    room, message = payload["room"], payload["message"]
    body = message["body"]
    html = body["html"] and richtext.below(base, body["html"])
    return payload | {
        "room": room | {"path": f"{base}{room['path']}"},
        "message": message
        | {"body": body | {"html": html}, "path": f"{base}{message['path']}"},
    }


def failed(tx: Tx, job: Job, outcome: Outcome) -> None:
    """Notes a try that is to be made again, or was the last. Raises Stale."""
    fault = outcome.fault or str(outcome.code)
    is_over = jobs.failed(tx, job, jobs.clock(), fault, waits=WAITS)
    _note(tx, job, "failed" if is_over else "waiting", outcome)


def settle(tx: Tx, job: Job, outcome: Outcome) -> None:
    """Ends the job with what came back. Raises Stale."""
    jobs.done(tx, job)
    _note(tx, job, "delivered", outcome)


def answered(tx: Tx, delivery_id: int) -> None:
    """The answer is in the room."""
    tx.row("UPDATE deliveries SET has_reply = 1 WHERE id = ?", (delivery_id,))


def drop(tx: Tx, job: Job) -> None:
    """Ends the job of a delivery that cannot be made any more. Raises Stale."""
    jobs.done(tx, job)
    tx.row(
        "UPDATE deliveries SET state = 'failed', fault = 'withdrawn' WHERE id = ?",
        (job.payload["delivery_id"],),
    )


def _note(tx: Tx, job: Job, state: State, outcome: Outcome) -> None:
    bot_id = tx.value(
        """UPDATE deliveries
           SET state = ?, attempts = attempts + 1, code = ?, fault = ?, took = ?,
               content_type = ?, answer = ?, tried_at = ? WHERE id = ?
           RETURNING bot_id""",
        (
            *(state, outcome.code, outcome.fault, outcome.took),
            *(outcome.content_type[:200], outcome.answer[:LONGEST_ANSWER]),
            *(tx.now, job.payload["delivery_id"]),
        ),
    )
    if bot_id is not None:
        code = outcome.code
        is_failing = code is None or code >= 500 or code in FAILING
        bots.fared(tx, bot_id, well=not is_failing)


def of_bot(
    db: Reads, admin_id: int, bot_id: int, before: int | None = None
) -> tuple[list[Delivery], bool]:
    """The newest deliveries of a bot, and whether there are older ones.

    For administrators, who read the words of those rooms alone that they are in.
    """
    bots.find(db, admin_id, bot_id)
    rows = db.rows(
        """SELECT deliveries.id, deliveries.message_id, state, attempts, code, fault,
                  took, has_reply, deliveries.created_at, tried_at,
                  memberships.room_id, payload, content_type, answer
           FROM deliveries JOIN messages ON messages.id = deliveries.message_id
           LEFT JOIN memberships ON memberships.room_id = messages.room_id
             AND memberships.user_id = ?
           WHERE deliveries.bot_id = ? AND deliveries.id < ?
           ORDER BY deliveries.id DESC LIMIT ?""",
        (admin_id, bot_id, before or 2**63 - 1, PAGE + 1),
    )
    found = []
    for row in rows[:PAGE]:
        about, (room_id, payload, content_type, answer) = row[:10], row[10:]
        words = None
        if room_id is not None:
            words = Words(room_id, json.loads(payload), content_type, answer)
        found.append(Delivery(*(*about[:7], bool(about[7]), *about[8:], words)))
    return found, len(rows) > PAGE


def replay(
    tx: Tx, admin_id: int, bot_id: int, delivery_id: int, *, posts: bool
) -> None:
    """Makes a delivery again under the same number; without `posts` for a look alone.

    An answer that is in the room already does not come a second time.
    """
    bot = bots.find(tx, admin_id, bot_id)
    if bot.switched_off_at is not None:
        raise Conflict("The webhook is switched off.")
    url = bot.webhook_url
    known = tx.row(
        "SELECT 1 FROM deliveries WHERE id = ? AND bot_id = ?", (delivery_id, bot_id)
    )
    if known is None or url is None:
        raise NotFound("There is no such delivery.")
    tx.row("UPDATE deliveries SET state = 'waiting' WHERE id = ?", (delivery_id,))
    _send(tx, delivery_id, url, posts=posts)


def give_up(tx: Tx, admin_id: int, bot_id: int, delivery_id: int) -> None:
    """Does not try again what is still to be tried."""
    bots.find(tx, admin_id, bot_id)
    if not tx.row(
        """UPDATE deliveries SET state = 'failed', fault = 'given up'
           WHERE id = ? AND bot_id = ? AND state = 'waiting' RETURNING id""",
        (delivery_id, bot_id),
    ):
        raise NotFound("There is no such delivery.")
    jobs.withdraw(tx, KIND, key(delivery_id))


def since(db: Reads, bot_id: int, after: int, base: str = "") -> list[tuple[int, str]]:
    """What the bot was called with after number `after`, in order, as webhooks get it.

    Only of rooms that it is in now; about a megabyte at once, but always one.
    """
    rows = db.rows(
        """SELECT id, payload, signing_secret, room_id
           FROM (SELECT id, payload, signing_secret, room_id,
                        sum(octet_length(payload)) OVER (ORDER BY id)
                          - octet_length(payload) AS before
                 FROM (SELECT deliveries.id, deliveries.payload, bots.signing_secret,
                              messages.room_id
                       FROM deliveries JOIN bots ON bots.user_id = deliveries.bot_id
                       JOIN messages ON messages.id = deliveries.message_id
                       JOIN memberships ON memberships.room_id = messages.room_id
                         AND memberships.user_id = deliveries.bot_id
                       WHERE deliveries.bot_id = ? AND deliveries.id > ?
                       ORDER BY deliveries.id LIMIT ?))
           WHERE before < ? ORDER BY id""",
        (bot_id, after, PAGE, MOST_AT_ONCE),
    )
    return [
        (number, _told(payload, bot_id, secret, room_id, base))
        for number, payload, secret, room_id in rows
    ]


def newest(db: Reads, bot_id: int) -> int:
    """The number of the last delivery, or 0."""
    number: int = db.value(
        "SELECT ifnull(max(id), 0) FROM deliveries WHERE bot_id = ?", (bot_id,)
    )
    return number
