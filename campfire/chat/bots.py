"""Bots: users without a password, known by a key of which only the hash is kept.

The key is shown once, in the answer that makes it, and a new one ends the old one at
once. Everything about bots but what they say is for administrators.
"""

import hashlib
import hmac
import re
import secrets
import string
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final
from urllib.parse import urlsplit

from campfire.chat import acts, memberships, profiles, rooms, sessions, users
from campfire.chat.rooms import Room
from campfire.chat.sessions import Session
from campfire.chat.users import Profile, User
from campfire.database import Reads, Tx, vital
from campfire.refusals import Invalid, NotFound

LETTERS: Final = string.ascii_letters + string.digits
KEY: Final = re.compile(r"([1-9][0-9]{0,17})-([A-Za-z0-9]{12})")
LONGEST_URL: Final = 2_048
# Of failing, in milliseconds and in tries, before a webhook is switched off.
FAILING_FOR: Final = 86_400_000
FEWEST_FAILURES: Final = 12
# A bot stays until it is retired: its session is never idle and never too old.
NEVER: Final = 2**62


@dataclass(frozen=True, slots=True)
class Bot:
    """A webhook that is switched off has failed so many times, ever since."""

    user: User
    webhook_url: str | None
    switched_off_at: int | None = None
    failures: int = 0
    failing_since: int | None = None


@dataclass(frozen=True, slots=True)
class Secrets:
    """What is shown once: the key, and what the bot's webhooks are signed with."""

    key: str
    signing: str


@dataclass(frozen=True, slots=True)
class Switched:
    """A webhook is called no more, or again."""

    name: ClassVar = "webhook.switched"
    bot_id: int
    is_on: bool


def find(db: Reads, admin_id: int, bot_id: int) -> Bot:
    """For administrators. Raises NotFound, also for one that is retired."""
    users.require_administrator(db, admin_id)
    found = _select(db, "AND users.id = ?", (bot_id,))
    if not found:
        raise NotFound("There is no such bot.")
    return found[0]


def all_of(db: Reads, admin_id: int) -> list[Bot]:
    """Every bot that is not retired, by name; for administrators."""
    users.require_administrator(db, admin_id)
    return _select(db, "ORDER BY lower(users.name), users.id")


def rooms_of(db: Reads, admin_id: int, bots: Iterable[Bot]) -> dict[int, list[Room]]:
    """The shared rooms that each bot is in, as far as the administrator is as well."""
    known = memberships.rooms_of(db, admin_id)
    return {
        bot.user.id: [
            room
            for room in rooms.all_of(db, bot.user.id)
            if room.kind != "direct" and room.id in known
        ]
        for bot in bots
    }


def add(
    tx: Tx, admin_id: int, name: str, webhook_url: str | None = None
) -> tuple[Bot, Secrets]:
    """Makes a bot and lets it into every open room."""
    users.require_administrator(tx, admin_id)
    user = users.add(tx, users.require_name(name), None, None, "bot")
    tx.row(
        "INSERT INTO bots (user_id, signing_secret, webhook_url) VALUES (?, '-', ?)",
        (user.id, require_url(webhook_url or "")),
    )
    acts.note(tx, admin_id, "bot.made", user_id=user.id)
    return _renewed(tx, admin_id, user.id)


def bring(tx: Tx, bot_id: int, secret: str | None, webhook_url: str | None) -> None:
    """Keeps what a bot was known by elsewhere: its key stays good."""
    tx.row(
        """INSERT INTO bots (user_id, secret_hash, signing_secret, webhook_url)
           VALUES (?, ?, ?, ?)""",
        (bot_id, secret and hashed(secret), _signing_secret(), webhook_url),
    )


def revise(
    tx: Tx,
    admin_id: int,
    bot_id: int,
    *,
    name: str | None = None,
    webhook_url: str | None = None,
) -> Bot:
    """Changes what is given; an empty URL takes the webhook away, another is on."""
    before = find(tx, admin_id, bot_id)
    if name is not None:
        users.revise(tx, bot_id, Profile(name=users.require_name(name)))
    if webhook_url is not None:
        tx.row(
            "UPDATE bots SET webhook_url = ? WHERE user_id = ?",
            (require_url(webhook_url), bot_id),
        )
        if find(tx, admin_id, bot_id).webhook_url != before.webhook_url:
            _switch_on(tx, bot_id)
    after = find(tx, admin_id, bot_id)
    if after.user.name != before.user.name:
        acts.note(tx, admin_id, "bot.changed", user_id=bot_id, detail="name")
    if after.webhook_url != before.webhook_url:
        acts.note(tx, admin_id, "bot.changed", user_id=bot_id, detail="webhook")
    return after


def switch_on(tx: Tx, admin_id: int, bot_id: int) -> Bot:
    """Has the webhook called again, and forgets how it failed."""
    find(tx, admin_id, bot_id)
    _switch_on(tx, bot_id)
    acts.note(tx, admin_id, "webhook.started", user_id=bot_id)
    return find(tx, admin_id, bot_id)


def _switch_on(tx: Tx, bot_id: int) -> None:
    tx.row(
        """UPDATE bots SET failing_since = NULL, failures = 0, switched_off_at = NULL
           WHERE user_id = ?""",
        (bot_id,),
    )
    tx.announce(Switched(bot_id, True))


def fared(tx: Tx, bot_id: int, *, well: bool) -> None:
    """Counts how a call went; one that has failed for a day and often is the last.

    Both, so that neither a clock that is set nor a bot that is called twice a week
    is enough.
    """
    if well:
        tx.row(
            """UPDATE bots SET failing_since = NULL, failures = 0
               WHERE user_id = ? AND failures AND switched_off_at IS NULL""",
            (bot_id,),
        )
        return
    is_off = tx.value(
        """UPDATE bots SET failing_since = ifnull(failing_since, :now),
             failures = failures + 1
           WHERE user_id = :bot AND switched_off_at IS NULL
           RETURNING failing_since <= :now - :longest AND failures >= :fewest""",
        {
            "bot": bot_id,
            "now": tx.now,
            "longest": FAILING_FOR,
            "fewest": FEWEST_FAILURES,
        },
    )
    if is_off:
        tx.row(
            "UPDATE bots SET switched_off_at = ? WHERE user_id = ?", (tx.now, bot_id)
        )
        tx.announce(Switched(bot_id, False))
        acts.note(tx, None, "webhook.stopped", user_id=bot_id, origin="campfire")


def picture(tx: Tx, admin_id: int, bot_id: int, image: bytes | None) -> Bot:
    """Sets the bot's picture, or takes it away."""
    find(tx, admin_id, bot_id)
    profiles.picture(tx, bot_id, image)
    acts.note(tx, admin_id, "bot.changed", user_id=bot_id, detail="picture")
    return find(tx, admin_id, bot_id)


@vital
def renew_key(tx: Tx, admin_id: int, bot_id: int) -> tuple[Bot, Secrets]:
    """Makes a new key and a new signing secret; the old ones are dead at once."""
    find(tx, admin_id, bot_id)
    tx.announce(sessions.Ended(bot_id, (session_id(bot_id),)))
    acts.note(tx, admin_id, "bot.keyed", user_id=bot_id)
    return _renewed(tx, admin_id, bot_id)


@vital
def retire(tx: Tx, admin_id: int, bot_id: int) -> None:
    """The bot leaves: its words and direct rooms stay, its key is dead at once."""
    find(tx, admin_id, bot_id)
    tx.row(
        """UPDATE bots SET secret_hash = NULL, webhook_url = NULL,
             switched_off_at = NULL WHERE user_id = ?""",
        (bot_id,),
    )
    users.retire(tx, bot_id)
    tx.announce(sessions.Ended(bot_id, (session_id(bot_id),)))
    for room in rooms.all_of(tx, bot_id):
        if room.kind != "direct":
            memberships.revoke(tx, room.id, (bot_id,))
    acts.note(tx, admin_id, "bot.removed", user_id=bot_id)


def sign_in(db: Reads, key: str, room_id: int | None = None) -> Session | None:
    """Whose key this is, if they are an active bot.

    With a room, a key for this room alone is good as well: see `room_key`.
    """
    parts = KEY.fullmatch(key)
    row = parts and db.row(
        f"""SELECT bots.secret_hash, bots.signing_secret, {users.COLUMNS}
            FROM bots JOIN users ON users.id = bots.user_id
            WHERE bots.user_id = ? AND bots.secret_hash IS NOT NULL
              AND users.role = 'bot' AND users.status = 'active'""",
        (int(parts[1]),),
    )
    if not parts or row is None:
        return None
    secret_hash, signing_secret, *user = row
    bot = User(*user)
    is_known = hmac.compare_digest(hashed(parts[2]), secret_hash)
    if not is_known and room_id is not None:
        is_known = hmac.compare_digest(room_key(bot.id, signing_secret, room_id), key)
    if not is_known:
        return None
    return Session(session_id(bot.id), NEVER, NEVER, "auto", True, True, bot)


def session_id(bot_id: int) -> int:
    """What a bot's sockets are closed by: no sign-in has a number below zero."""
    return -bot_id


def hashed(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("ascii")).digest()


def room_key(bot_id: int, signing_secret: str, room_id: int) -> str:
    """A key that opens one room: a receiver is told where to post, not the real one.

    It is worked out from the signing secret, so that it ends with it.
    """
    digest = hmac.digest(signing_secret.encode(), f"room {room_id}".encode(), "sha256")
    number = int.from_bytes(digest, "big")
    letters = []
    for _ in range(12):
        number, letter = divmod(number, len(LETTERS))
        letters.append(LETTERS[letter])
    return f"{bot_id}-{''.join(letters)}"


def require_url(text: str) -> str | None:
    """The address of a webhook, None for an empty one. Raises Invalid.

    Where it leads is not asked here but each time that it is called.
    """
    url = text.strip()
    if not url:
        return None
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname)
        is_address = is_address and parts.port != 0 and parts.username is None
    except ValueError:
        is_address = False
    if not is_address or not url.isascii() or " " in url or not url.isprintable():
        raise Invalid(
            "This is no address.",
            webhook_url="Write an address such as https://bot.example/hook.",
        )
    if len(url) > LONGEST_URL:
        raise Invalid("This address is too long.", webhook_url="This is too long.")
    return url


def _renewed(tx: Tx, admin_id: int, bot_id: int) -> tuple[Bot, Secrets]:
    secret = "".join(secrets.choice(LETTERS) for _ in range(12))
    signing = _signing_secret()
    tx.row(
        "UPDATE bots SET secret_hash = ?, signing_secret = ? WHERE user_id = ?",
        (hashed(secret), signing, bot_id),
    )
    return find(tx, admin_id, bot_id), Secrets(f"{bot_id}-{secret}", signing)


def _signing_secret() -> str:
    return f"whsec_{b64encode(secrets.token_bytes(24)).decode()}"


def _select(db: Reads, condition: str, bindings: tuple[int, ...] = ()) -> list[Bot]:
    rows = db.rows(
        f"""SELECT bots.webhook_url, bots.switched_off_at, bots.failures,
                   bots.failing_since, {users.COLUMNS}
            FROM bots JOIN users ON users.id = bots.user_id
            WHERE users.status = 'active' {condition}""",
        bindings,
    )
    return [Bot(User(*row[4:]), *row[:4]) for row in rows]
