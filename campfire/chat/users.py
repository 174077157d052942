"""People and bots: who they are, what they are called, how they come to be here."""

import heapq
import json
import secrets
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Final, Literal

from campfire.chat import memberships, passwords, richtext
from campfire.database import Reads, Tx
from campfire.refusals import Conflict, Forbidden, Invalid, NotFound

Role = Literal["member", "administrator", "bot"]
Status = Literal["active", "deactivated", "banned"]

COLUMNS: Final = """users.id, users.name, users.role, users.status, users.bio,
                    users.updated_at"""
LONGEST_BIO: Final = 200
LONGEST_NAME: Final = 100
LONGEST_ADDRESS: Final = 254
# They turn what stands after a name around, and make one name look like another.
TURNING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
HEARD: Final = 300


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
class Changed:
    """Somebody is not called, seen or trusted as before; everybody may know."""

    name: ClassVar = "user.changed"
    user: User


@dataclass(frozen=True, slots=True)
class Credentials:
    user_id: int
    password_hash: str | None


@dataclass(frozen=True, slots=True)
class Profile:
    """What somebody changes about themselves; None leaves it as it is."""

    name: str | None = None
    email_address: str | None = None
    bio: str | None = None
    password_hash: str | None = None
    theme: str | None = None
    shows_previews: bool | None = None
    plays_sounds: bool | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    name: str
    email_address: str


def canonical_address(text: str) -> str:
    """One spelling for an address, whatever its letters' case or width."""
    return unicodedata.normalize("NFKC", text).strip().lower()


def require_name(text: str) -> str:
    """A name as it is kept, of a person, a room or the place. Raises Invalid.

    Composed, with single spaces, and with something in it that can be seen.
    """
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not any(
        unicodedata.category(letter)[0] in "LNPS" and letter not in richtext.FILLERS
        for letter in name
    ):
        raise Invalid("A name is needed.", name="Write a name.")
    if len(name) > LONGEST_NAME:
        raise Invalid(
            "This name is too long.", name=f"Use at most {LONGEST_NAME} characters."
        )
    if any(
        unicodedata.category(letter) in ("Cc", "Cs") or letter in TURNING
        for letter in name
    ):
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


def by_address(db: Reads, email_address: str) -> User:
    """For the operator. Raises NotFound."""
    row = db.row(
        f"SELECT {COLUMNS} FROM users WHERE email_address = ?",
        (canonical_address(email_address),),
    )
    if row is None:
        raise NotFound("Nobody has this address.")
    return User(*row)


def directory(db: Reads) -> list[tuple[User, str | None]]:
    """For the operator: everybody, with their address."""
    rows = db.rows(f"SELECT email_address, {COLUMNS} FROM users ORDER BY id")
    return [(User(*row[1:]), row[0]) for row in rows]


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


def require_bio(text: str) -> str:
    bio = unicodedata.normalize("NFC", text).strip()
    if len(bio) > LONGEST_BIO:
        raise Invalid("This is too long.", bio=f"Use at most {LONGEST_BIO} characters.")
    return bio


def active(db: Reads) -> list[int]:
    """The ids of everybody on the account, bots included."""
    rows = db.rows("SELECT id FROM users WHERE status = 'active' ORDER BY id")
    return [user_id for (user_id,) in rows]


def all_active(db: Reads, room_id: int | None = None) -> list[User]:
    """Everybody on the account, or in one room of it, by name."""
    rows = db.rows(
        f"""SELECT {COLUMNS} FROM users
            WHERE status = 'active' AND (:room IS NULL OR EXISTS (
              SELECT 1 FROM memberships
              WHERE memberships.room_id = :room AND memberships.user_id = users.id))""",
        {"room": room_id},
    )
    return by_name(User(*row) for row in rows)


def by_name(people: Iterable[User]) -> list[User]:
    """In the order in which people look for a name, whatever its case and accents."""
    return sorted(people, key=lambda user: (folded_name(user.name), user.id))


def completions(
    db: Reads, user_id: int, query: str, room_id: int | None, limit: int = 20
) -> list[User]:
    """Whom the beginning of a name may mean, best first; without case and accents.

    First names that begin so, then names with a part that does, then any that hold it.
    In a room those come first who begin so and wrote last; oneself is seldom meant.
    """
    spoken: dict[int, int] = {}
    if room_id is not None:
        memberships.require(db, user_id, room_id)
        spoken = _last_messages(db, room_id)
        spoken.pop(user_id, None)
    wanted = richtext.fold(query.strip()[:LONGEST_NAME])
    ranked = []
    for user in all_active(db, room_id):
        name = folded_name(user.name)
        if name.startswith(wanted):
            rank = 0
        elif any(part.startswith(wanted) for part in name.split()):
            rank = 1
        elif wanted in name:
            rank = 2
        else:
            continue
        latest = 0 if rank == 2 else spoken.get(user.id, 0)
        ranked.append((-latest, rank, name, user.id, user))
    return [user for *_, user in heapq.nsmallest(limit, ranked)]


def _last_messages(db: Reads, room_id: int) -> dict[int, int]:
    """The newest message of each who wrote one of the last few hundred in the room."""
    rows: list[tuple[int, int]] = db.rows(
        """SELECT creator_id, max(id) FROM (
             SELECT creator_id, id FROM messages
             WHERE room_id = ? ORDER BY id DESC LIMIT ?)
           GROUP BY creator_id""",
        (room_id, HEARD),
    )
    return dict(rows)


@lru_cache(10_000)
def folded_name(name: str) -> str:
    return richtext.fold(name)


def password_hash(db: Reads, user_id: int) -> str | None:
    known: str | None = db.value(
        "SELECT password_hash FROM users WHERE id = ?", (user_id,)
    )
    return known


def revise(tx: Tx, user_id: int, profile: Profile) -> User:
    """Changes what is said about somebody. Raises Conflict for an address in use."""
    taken = profile.email_address is not None and tx.value(
        "SELECT 1 FROM users WHERE email_address = ? AND id <> ?",
        (profile.email_address, user_id),
    )
    if taken:
        raise Conflict("Somebody with this address is already here.")
    tx.row(
        """UPDATE users
           SET name = ifnull(?, name), email_address = ifnull(?, email_address),
               bio = ifnull(?, bio), password_hash = ifnull(?, password_hash),
               theme = ifnull(?, theme),
               shows_previews = ifnull(?, shows_previews),
               plays_sounds = ifnull(?, plays_sounds), updated_at = ?
           WHERE id = ?""",
        (
            *(profile.name, profile.email_address, profile.bio),
            *(profile.password_hash, profile.theme),
            *(profile.shows_previews, profile.plays_sounds, tx.now, user_id),
        ),
    )
    return changed(tx, user_id)


def appoint(tx: Tx, user_id: int, role: Role) -> User:
    tx.row(
        "UPDATE users SET role = ?, updated_at = ? WHERE id = ?",
        (role, tx.now, user_id),
    )
    return changed(tx, user_id)


def retire(tx: Tx, user_id: int) -> User:
    """Somebody left; their address can be used again."""
    tx.row(
        """UPDATE users SET status = 'deactivated', updated_at = ?,
             email_address = replace(email_address, '@', '-deactivated-' || ? || '@')
           WHERE id = ?""",
        (tx.now, secrets.token_hex(8), user_id),
    )
    return changed(tx, user_id)


def judge(tx: Tx, user_id: int, status: Literal["active", "banned"]) -> User:
    tx.row(
        "UPDATE users SET status = ?, updated_at = ? WHERE id = ?",
        (status, tx.now, user_id),
    )
    return changed(tx, user_id)


def changed(tx: Tx, user_id: int) -> User:
    """Tells everybody how somebody is now."""
    user = find(tx, user_id)
    tx.announce(Changed(user))
    return user


def require_administrator(db: Reads, user_id: int) -> None:
    """Raises Forbidden for everybody else."""
    if find(db, user_id).role != "administrator":
        raise Forbidden("Only administrators may do this.")


def require_person(db: Reads, user_id: int) -> User:
    """An active person, not a bot. Raises NotFound."""
    user = find(db, user_id)
    if user.status != "active" or user.role == "bot":
        raise NotFound("There is nobody by that number.")
    return user


def require_another_administrator(db: Reads, user: User) -> None:
    """Raises Invalid when nobody would be left to look after the place."""
    if user.role == "administrator" and not db.value(
        """SELECT 1 FROM users
           WHERE role = 'administrator' AND status = 'active' AND id <> ?""",
        (user.id,),
    ):
        raise Invalid("Somebody must look after the place.", role="The last one stays.")


def on_account(
    db: Reads, viewer: User, *, query: str = "", after: int = 0, limit: int = 100
) -> tuple[list[User], bool]:
    """A page of the account's people, administrators first, then by name.

    Those whose name holds the query, after one of them; administrators see the banned
    too. Raises NotFound when there is nobody to begin after.
    """
    rows = db.rows(
        f"""SELECT {COLUMNS} FROM users
            WHERE role <> 'bot' AND (status = 'active' OR status = 'banned' AND ?)""",
        (viewer.role == "administrator",),
    )
    wanted = richtext.fold(query.strip()[:LONGEST_NAME])
    last = _place(find(db, after)) if after else None
    listed = sorted(
        (
            user
            for user in (User(*row) for row in rows)
            if wanted in folded_name(user.name)
            and (last is None or _place(user) > last)
        ),
        key=_place,
    )
    return listed[:limit], len(listed) > limit


def _place(user: User) -> tuple[bool, str, int]:
    """Where somebody stands among the account's people."""
    return user.role != "administrator", folded_name(user.name), user.id


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
        passwords.require_acceptable(password, kept[1], kept[0])
    except Invalid as refusal:
        errors |= refusal.errors
    if errors:
        raise Invalid("Some of this cannot be used.", **errors)
    return kept[0], kept[1]


def add(
    tx: Tx,
    name: str,
    email_address: str | None,
    password_hash: str | None,
    role: Role = "member",
) -> User:
    """Makes a person, or a bot without an address, and lets them into every open room.

    Raises Conflict.
    """
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


def bring(
    tx: Tx,
    user: User,
    email_address: str | None,
    password_hash: str | None,
    created_at: int,
) -> None:
    """Keeps somebody who was here elsewhere, under their number: nobody is told."""
    tx.row(
        """INSERT INTO users (id, name, role, status, bio, updated_at, email_address,
             password_hash, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            *(user.id, user.name, user.role, user.status, user.bio, user.updated_at),
            *(email_address, password_hash, created_at),
        ),
    )


def rehash(tx: Tx, user_id: int, before: str, password_hash: str) -> bool:
    """Keeps the same password in another way, if it is the same still."""
    return bool(
        tx.value(
            """UPDATE users SET password_hash = ? WHERE id = ? AND password_hash = ?
               RETURNING 1""",
            (password_hash, user_id, before),
        )
    )


def join(
    tx: Tx, join_code: str, name: str, email_address: str, password_hash: str
) -> User:
    """Lets in whoever holds the invitation. Raises NotFound for a wrong code."""
    known = tx.value("SELECT 1 FROM accounts WHERE join_code = ?", (join_code,))
    if known is None:
        raise NotFound("This invitation is not valid any more.")
    return add(tx, name, email_address, password_hash)
