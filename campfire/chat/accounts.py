"""The one account of a deployment: its name and its invitation."""

import secrets
import string
from dataclasses import dataclass
from typing import Final

from campfire.chat import rooms, users
from campfire.chat.rooms import Room
from campfire.chat.users import User
from campfire.database import Reads, Tx
from campfire.refusals import Conflict

NAME: Final = "Campfire"
FIRST_ROOM: Final = "All Talk"


@dataclass(frozen=True, slots=True)
class Account:
    name: str
    join_code: str


def find(db: Reads) -> Account | None:
    """The account, or None before first run."""
    row = db.row("SELECT name, join_code FROM accounts")
    return None if row is None else Account(*row)


def join_code() -> str:
    """Twelve random letters and digits, in three groups that can be read out."""
    alphabet = string.ascii_letters + string.digits
    letters = "".join(secrets.choice(alphabet) for _ in range(12))
    return "-".join((letters[:4], letters[4:8], letters[8:]))


def begin(
    tx: Tx, name: str, email_address: str, password_hash: str
) -> tuple[User, Room]:
    """First run: the account, its first administrator and its first room.

    Raises Conflict for everybody but the first, however many try at once.
    """
    created = tx.row(
        """INSERT INTO accounts (id, name, join_code, created_at, updated_at)
           VALUES (1, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id""",
        (NAME, join_code(), tx.now, tx.now),
    )
    if created is None:
        raise Conflict("Campfire is set up already.")
    user = users.add(tx, name, email_address, password_hash, role="administrator")
    return user, rooms.create(tx, user.id, "open", FIRST_ROOM)
