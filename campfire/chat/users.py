"""People and bots: who they are, what they are called, how they come to be here."""

import json
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from campfire.chat import memberships, passwords
from campfire.database import Reads, Tx
from campfire.refusals import Conflict, Invalid, NotFound

Role = Literal["member", "administrator", "bot"]
Status = Literal["active", "deactivated", "banned"]

COLUMNS: Final = """users.id, users.name, users.role, users.status, users.bio,
                    users.updated_at"""
LONGEST_NAME: Final = 100
LONGEST_ADDRESS: Final = 254


@dataclass(frozen=True, slots=True)
class User:
    id: int
    name: str
    role: Role
    status: Status
    bio: str
    updated_at: int

    @property
    def title(self) -> str:
        return f"{self.name} – {self.bio}" if self.bio else self.name

    @property
    def avatar_url(self) -> str:
        return f"/users/{self.id}/avatar?v={self.updated_at}"


@dataclass(frozen=True, slots=True)
class Joined:
    """Somebody new is on the account, in `rooms` from now on."""

    name: ClassVar = "user.joined"
    user: User
    rooms: Sequence[int]


@dataclass(frozen=True, slots=True)
class Credentials:
    user_id: int
    password_hash: str | None


@dataclass(frozen=True, slots=True)
class Contact:
    name: str
    email_address: str


def canonical_address(text: str) -> str:
    """One spelling for an address, whatever its letters' case or width."""
    return unicodedata.normalize("NFKC", text).strip().lower()


def require_name(text: str) -> str:
    """The name as it is kept: composed, single spaces. Raises Invalid."""
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not any(unicodedata.category(letter)[0] in "LNPS" for letter in name):
        raise Invalid("A name is needed.", name="Write a name.")
    if len(name) > LONGEST_NAME:
        raise Invalid(
            "This name is too long.", name=f"Use at most {LONGEST_NAME} characters."
        )
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
        raise Invalid("This name cannot be shown.", name="Use visible characters.")
    return name


def require_address(text: str) -> str:
    """The address in its canonical form. Raises Invalid."""
    address = canonical_address(text)
    local, at, domain = address.rpartition("@")
    if not (at and local and domain) or len(address) > LONGEST_ADDRESS:
        raise Invalid(
            "This is not an e-mail address.",
            email_address="Write an address such as name@example.org.",
        )
    if any(letter.isspace() or not letter.isprintable() for letter in address):
        raise Invalid(
            "This is not an e-mail address.",
            email_address="An address has no spaces.",
        )
    return address


def find(db: Reads, user_id: int) -> User:
    row = db.row(f"SELECT {COLUMNS} FROM users WHERE id = ?", (user_id,))
    if row is None:
        raise NotFound("There is nobody by that number.")
    return User(*row)


def require_active(db: Reads, user_ids: Collection[int]) -> Collection[int]:
    """The ids, if each is an active person or bot. Raises Invalid."""
    known: int = db.value(
        """SELECT count(*) FROM users
           WHERE status = 'active' AND id IN (SELECT value FROM json_each(?))""",
        (json.dumps(list(user_ids)),),
    )
    if known < len(user_ids):
        raise Invalid("Somebody is not there.", user_ids="Name people who are here.")
    return user_ids


def credentials(db: Reads, email_address: str) -> Credentials | None:
    """What a sign-in is compared with: only active people have any."""
    row = db.row(
        """SELECT id, password_hash FROM users
           WHERE email_address = ? AND status = 'active' AND role <> 'bot'""",
        (canonical_address(email_address),),
    )
    return None if row is None else Credentials(*row)


def email_address(db: Reads, user_id: int) -> str | None:
    address: str | None = db.value(
        "SELECT email_address FROM users WHERE id = ?", (user_id,)
    )
    return address


def first_administrator(db: Reads) -> Contact | None:
    """Whom the doors name as the one to ask for help."""
    row = db.row("""SELECT name, email_address FROM users
           WHERE role = 'administrator' AND status = 'active'
             AND email_address IS NOT NULL
           ORDER BY id LIMIT 1""")
    return None if row is None else Contact(*row)


def require_new(name: str, email_address: str, password: str) -> tuple[str, str]:
    """Checks a form that makes somebody; answers with name and address as kept."""
    errors: dict[str, str] = {}
    kept = [name, email_address]
    for index, check in enumerate((require_name, require_address)):
        try:
            kept[index] = check(kept[index])
        except Invalid as refusal:
            errors |= refusal.errors
    try:
        passwords.require_acceptable(password, kept[1])
    except Invalid as refusal:
        errors |= refusal.errors
    if errors:
        raise Invalid("Some of this cannot be used.", **errors)
    return kept[0], kept[1]


def add(
    tx: Tx,
    name: str,
    email_address: str,
    password_hash: str,
    role: Role = "member",
) -> User:
    """Makes a person and lets them into every open room. Raises Conflict."""
    row = tx.row(
        f"""INSERT INTO users
              (name, email_address, password_hash, role, created_at, updated_at)
            VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (email_address) DO NOTHING
            RETURNING {COLUMNS.replace("users.", "")}""",
        (name, email_address, password_hash, role, tx.now, tx.now),
    )
    if row is None:
        raise Conflict("Somebody with this address is already here.")
    user = User(*row)
    tx.announce(Joined(user, memberships.grant_open_rooms(tx, user.id)))
    return user


def join(
    tx: Tx, join_code: str, name: str, email_address: str, password_hash: str
) -> User:
    """Lets in whoever holds the invitation. Raises NotFound for a wrong code."""
    known = tx.value("SELECT 1 FROM accounts WHERE join_code = ?", (join_code,))
    if known is None:
        raise NotFound("This invitation is not valid any more.")
    return add(tx, name, email_address, password_hash)
