"""Sign-ins: who holds a token. Only its SHA-256 is stored; the token is the secret."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from campfire.chat import users
from campfire.chat.users import User
from campfire.database import Reads, Tx, vital
from campfire.refusals import NotFound, SignedOut, Unreadable

DAY: Final = 86_400_000
IDLE: Final = 31 * DAY
OLDEST: Final = 181 * DAY
MOST: Final = 50
TOUCHED_EVERY: Final = 3_600_000
TRANSFER: Final = 4 * 3_600_000


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in of an active person, with what they want to see and hear."""

    id: int
    created_at: int
    last_active_at: int
    theme: str
    shows_previews: bool
    plays_sounds: bool
    user: User

    def is_over(self, now: int) -> bool:
        """31 days unused, or 181 days old (ASVS 7.3)."""
        return now > self.last_active_at + IDLE or now > self.created_at + OLDEST


@dataclass(frozen=True, slots=True)
class Started:
    name: ClassVar = "session.started"
    user_id: int


@dataclass(frozen=True, slots=True)
class Ended:
    """These sign-ins are over: their tokens are dead and their sockets close."""

    name: ClassVar = "session.ended"
    user_id: int
    sessions: Sequence[int]


def token_hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def start(
    tx: Tx,
    user_id: int,
    ip_address: str,
    user_agent: str,
    *,
    proven: str | None = None,
) -> str:
    """Signs an active person in; answers with the token, which is kept nowhere.

    `proven` is the hash that a password matched: when it has changed meanwhile, the
    password proves nothing any more. The least recently used sign-in beyond fifty
    ends. Raises SignedOut.
    """
    active = tx.value(
        """SELECT 1 FROM users
           WHERE id = ? AND status = 'active' AND (? IS NULL OR password_hash = ?)""",
        (user_id, proven, proven),
    )
    if active is None:
        raise SignedOut("That did not work.")
    token = secrets.token_urlsafe(32)
    tx.row(
        """INSERT INTO sessions
             (user_id, token_hash, ip_address, user_agent, created_at, last_active_at)
           VALUES (?, ?, ?, ?, ?, ?)""",
        (user_id, token_hash(token), ip_address, user_agent[:500], tx.now, tx.now),
    )
    surplus = tx.rows(
        """SELECT id FROM sessions WHERE user_id = ?
           ORDER BY last_active_at DESC, id DESC LIMIT -1 OFFSET ?""",
        (user_id, MOST),
    )
    for (session_id,) in surplus:
        end(tx, user_id, session_id)
    tx.announce(Started(user_id))
    return token


def find(db: Reads, token_hash: bytes) -> Session | None:
    """Whose token this is, if they are active and the sign-in is not over."""
    row = db.row(
        f"""SELECT sessions.id, sessions.created_at, sessions.last_active_at,
                   users.theme, users.shows_previews, users.plays_sounds,
                   {users.COLUMNS}
            FROM sessions JOIN users ON users.id = sessions.user_id
            WHERE sessions.token_hash = ? AND users.status = 'active'""",
        (token_hash,),
    )
    if row is None:
        return None
    return Session(*(*row[:4], bool(row[4]), bool(row[5]), User(*row[6:])))


def touch(tx: Tx, session_id: int, ip_address: str, user_agent: str) -> None:
    """Notes that the sign-in is used; at most hourly, so that reading stays reading."""
    tx.row(
        """UPDATE sessions SET last_active_at = ?, ip_address = ?, user_agent = ?
           WHERE id = ? AND last_active_at <= ?""",
        (tx.now, ip_address, user_agent[:500], session_id, tx.now - TOUCHED_EVERY),
    )


@dataclass(frozen=True, slots=True)
class SignIn:
    """A sign-in as its owner sees it in a list."""

    id: int
    ip_address: str
    user_agent: str
    created_at: int
    last_active_at: int


def all_of(db: Reads, user_id: int) -> list[SignIn]:
    """Where somebody is signed in, the one used last first."""
    rows = db.rows(
        """SELECT id, ip_address, user_agent, created_at, last_active_at
           FROM sessions WHERE user_id = ? ORDER BY last_active_at DESC, id DESC""",
        (user_id,),
    )
    return [SignIn(*row) for row in rows]


def living(db: Reads) -> frozenset[int]:
    """Every sign-in of somebody active, and what stands for one of a bot."""
    rows = db.rows(
        """SELECT sessions.id FROM sessions JOIN users ON users.id = sessions.user_id
           WHERE users.status = 'active'
           UNION ALL
           SELECT -users.id FROM users JOIN bots ON bots.user_id = users.id
           WHERE users.status = 'active' AND bots.secret_hash IS NOT NULL"""
    )
    return frozenset(session_id for (session_id,) in rows)


@vital
def end_others(tx: Tx, user_id: int, kept_id: int | None) -> None:
    """Ends every sign-in of somebody but the one kept, and every way back in."""
    ended = tx.rows(
        "DELETE FROM sessions WHERE user_id = ? AND id IS NOT ? RETURNING id",
        (user_id, kept_id),
    )
    tx.row("DELETE FROM transfers WHERE user_id = ?", (user_id,))
    if ended:
        tx.announce(Ended(user_id, tuple(session_id for (session_id,) in ended)))


def transfer(tx: Tx, user_id: int) -> tuple[str, int]:
    """Makes a link that signs in once: its token, and when it ends, in four hours."""
    users.require_person(tx, user_id)
    token = secrets.token_urlsafe(32)
    expires_at = tx.now + TRANSFER
    tx.row("DELETE FROM transfers WHERE expires_at <= ?", (tx.now,))
    tx.row(
        "INSERT INTO transfers (token_hash, user_id, expires_at) VALUES (?, ?, ?)",
        (token_hash(token), user_id, expires_at),
    )
    return token, expires_at


def transfer_end(db: Reads, token: str, now: int) -> int:
    """Until when the link works, which it still does. Raises Unreadable."""
    expires_at: int | None = db.value(
        """SELECT transfers.expires_at
           FROM transfers JOIN users ON users.id = transfers.user_id
           WHERE token_hash = ? AND expires_at > ? AND users.status = 'active'""",
        (token_hash(token), now),
    )
    if expires_at is None:
        raise Unreadable("This link does not work any more.")
    return expires_at


def take_transfer(tx: Tx, token: str) -> User:
    """Whom the link signs in; it does so once. Raises Unreadable."""
    row = tx.row(
        "DELETE FROM transfers WHERE token_hash = ? RETURNING user_id, expires_at",
        (token_hash(token),),
    )
    if row is None or row[1] <= tx.now:
        raise Unreadable("This link does not work any more.")
    user = users.find(tx, row[0])
    if user.status != "active":
        raise Unreadable("This link does not work any more.")
    return user


@vital
def end(tx: Tx, user_id: int, session_id: int) -> None:
    """Ends one sign-in of the person. Raises NotFound."""
    ended = tx.row(
        "DELETE FROM sessions WHERE id = ? AND user_id = ? RETURNING id",
        (session_id, user_id),
    )
    if ended is None:
        raise NotFound("There is no such sign-in.")
    tx.announce(Ended(user_id, (session_id,)))
