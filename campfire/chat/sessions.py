"""Sign-ins: who holds a token. Only its SHA-256 is stored; the token is the secret."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from campfire.chat import users
from campfire.chat.users import User
from campfire.database import Reads, Tx
from campfire.refusals import SignedOut

DAY: Final = 86_400_000
IDLE: Final = 31 * DAY
OLDEST: Final = 181 * DAY
MOST: Final = 50
TOUCHED_EVERY: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in of an active person."""

    id: int
    created_at: int
    last_active_at: int
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


def start(tx: Tx, user_id: int, ip_address: str, user_agent: str) -> str:
    """Signs an active person in; answers with the token, which is kept nowhere.

    The least recently used sign-in beyond fifty ends. Raises SignedOut.
    """
    active = tx.value(
        "SELECT 1 FROM users WHERE id = ? AND status = 'active'", (user_id,)
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
                   {users.COLUMNS}
            FROM sessions JOIN users ON users.id = sessions.user_id
            WHERE sessions.token_hash = ? AND users.status = 'active'""",
        (token_hash,),
    )
    return None if row is None else Session(*(*row[:3], User(*row[3:])))


def touch(tx: Tx, session_id: int, ip_address: str, user_agent: str) -> None:
    """Notes that the sign-in is used; at most hourly, so that reading stays reading."""
    tx.row(
        """UPDATE sessions SET last_active_at = ?, ip_address = ?, user_agent = ?
           WHERE id = ? AND last_active_at <= ?""",
        (tx.now, ip_address, user_agent[:500], session_id, tx.now - TOUCHED_EVERY),
    )


def end(tx: Tx, user_id: int, session_id: int) -> None:
    tx.row("DELETE FROM sessions WHERE id = ? AND user_id = ?", (session_id, user_id))
    tx.announce(Ended(user_id, (session_id,)))
