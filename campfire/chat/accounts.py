"""The one account of a deployment: its name and its invitation."""

import secrets
import string
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

from campfire.chat import acts, memberships, profiles, rooms, sessions, users
from campfire.chat.rooms import Room
from campfire.chat.users import Role, User
from campfire.database import Reads, Tx, vital
from campfire.refusals import Conflict, Invalid

NAME: Final = "Campfire"
FIRST_ROOM: Final = "All Talk"
LONGEST_STYLES: Final = 65_536
SETTINGS: Final = ("name", "styles", "who makes rooms", "where webhooks may lead")


@dataclass(frozen=True, slots=True)
class Account:
    """`updated_at` and `logo_at` are when these changed last: part of addresses.

    `webhooks_off` is how many bots are not called any more, because they failed.
    """

    name: str
    join_code: str
    has_styles: bool
    only_administrators_create_rooms: bool
    updated_at: int
    logo_at: int | None
    webhooks_may_be_near: bool = False
    webhooks_off: int = 0


@dataclass(frozen=True, slots=True)
class Changed:
    name: ClassVar = "account.changed"
    account: Account


def find(db: Reads) -> Account | None:
    """The account, or None before first run."""
    row = db.row("""SELECT name, join_code, custom_styles <> '',
                  only_administrators_create_rooms, accounts.updated_at,
                  logos.updated_at, webhooks_may_be_near,
                  (SELECT count(*) FROM bots WHERE switched_off_at IS NOT NULL)
           FROM accounts LEFT JOIN logos USING (id)""")
    if row is None:
        return None
    name, code, has_styles, only_administrators, updated_at, logo_at, near, off = row
    settings = bool(has_styles), bool(only_administrators)
    return Account(name, code, *settings, updated_at, logo_at, bool(near), off)


def require(db: Reads) -> Account:
    """The account, where somebody is signed in and so there is one."""
    account = find(db)
    assert account is not None, "nobody is signed in before first run"
    return account


def custom_styles(db: Reads) -> str:
    styles: str | None = db.value("SELECT custom_styles FROM accounts")
    return styles or ""


def logo(db: Reads, size: Literal["large", "small"]) -> bytes | None:
    """The custom logo as PNG, if there is one."""
    row = db.row("SELECT large, small FROM logos")
    if row is None:
        return None
    image: bytes = row[0] if size == "large" else row[1]
    return image


def revise(
    tx: Tx,
    admin_id: int,
    *,
    name: str | None = None,
    custom_styles: str | None = None,
    only_administrators_create_rooms: bool | None = None,
    webhooks_may_be_near: bool | None = None,
) -> Account:
    """Changes what is given; for administrators."""
    users.require_administrator(tx, admin_id)
    if custom_styles is not None and len(custom_styles) > LONGEST_STYLES:
        raise Invalid("This is too long.", custom_styles="64 KiB is the limit.")
    if name is not None:
        name = users.require_name(name)
    before = _settings(tx)
    tx.row(
        """UPDATE accounts
           SET name = ifnull(?, name), custom_styles = ifnull(?, custom_styles),
               only_administrators_create_rooms =
                 ifnull(?, only_administrators_create_rooms),
               webhooks_may_be_near = ifnull(?, webhooks_may_be_near),
               updated_at = ?""",
        (
            *(name, custom_styles, only_administrators_create_rooms),
            *(webhooks_may_be_near, tx.now),
        ),
    )
    after = _settings(tx)
    if changed := [word for word in SETTINGS if after[word] != before[word]]:
        acts.note(tx, admin_id, "account.changed", detail=", ".join(changed))
    return _changed(tx)


def _settings(db: Reads) -> dict[str, Any]:
    """The settings, by what people call them."""
    row = db.row("""SELECT name, custom_styles, only_administrators_create_rooms,
                  webhooks_may_be_near FROM accounts""")
    return dict(zip(SETTINGS, row))


def set_logo(tx: Tx, admin_id: int, images: tuple[bytes, bytes] | None) -> Account:
    """Sets the logo, large and small, or takes it away; for administrators."""
    users.require_administrator(tx, admin_id)
    if images is None:
        tx.row("DELETE FROM logos")
    else:
        keep_logo(tx, images)
    acts.note(tx, admin_id, "account.changed", detail="logo")
    return _changed(tx)


def keep_logo(tx: Tx, images: tuple[bytes, bytes]) -> None:
    tx.row(
        """INSERT INTO logos (id, large, small, updated_at) VALUES (1, ?, ?, ?)
           ON CONFLICT (id) DO UPDATE SET large = excluded.large,
             small = excluded.small, updated_at = excluded.updated_at""",
        (*images, tx.now),
    )


@vital
def renew_join_code(tx: Tx, admin_id: int) -> Account:
    """Makes a new invitation; the old one is dead at once."""
    users.require_administrator(tx, admin_id)
    tx.row("UPDATE accounts SET join_code = ?, updated_at = ?", (join_code(), tx.now))
    acts.note(tx, admin_id, "invitation.renewed")
    return _changed(tx)


def appoint(tx: Tx, admin_id: int, user_id: int, role: str) -> User:
    """Makes an administrator of a member, or the reverse; never of a bot."""
    users.require_administrator(tx, admin_id)
    user = users.require_person(tx, user_id)
    match role:
        case "administrator":
            pass
        case "member":
            users.require_another_administrator(tx, user)
        case _:
            raise Invalid("This is no role.", role="One of member, administrator.")
    if role != user.role:
        acts.note(tx, admin_id, "person.appointed", user_id=user_id, detail=role)
    return users.appoint(tx, user_id, role)


@vital
def deactivate(tx: Tx, admin_id: int, user_id: int) -> None:
    """Somebody leaves: their words and direct rooms stay.

    They are out of every shared room and signed out everywhere at once.
    """
    users.require_administrator(tx, admin_id)
    user = users.require_person(tx, user_id)
    users.require_another_administrator(tx, user)
    users.retire(tx, user_id)
    sessions.end_others(tx, user_id, None)
    for room in rooms.all_of(tx, user_id):
        if room.kind != "direct":
            memberships.revoke(tx, room.id, (user_id,))
    acts.note(tx, admin_id, "person.deactivated", user_id=user_id)


# What the operator does at the command line


def admit(
    tx: Tx, name: str, email_address: str, password_hash: str, role: Role
) -> User:
    """Lets somebody in without an invitation. Raises Conflict."""
    user = users.add(tx, name, email_address, password_hash, role)
    _note_operator(tx, "person.added", user.id, role)
    return user


def promote(tx: Tx, user_id: int) -> User:
    """Makes an administrator of a member. Raises NotFound."""
    if users.require_person(tx, user_id).role != "administrator":
        _note_operator(tx, "person.appointed", user_id, "administrator")
    return users.appoint(tx, user_id, "administrator")


def reset_password(tx: Tx, user_id: int, password_hash: str) -> None:
    """Gives somebody a new password and ends their sign-ins."""
    profiles.reset_password(tx, user_id, password_hash)
    _note_operator(tx, "password.reset", user_id)


def _note_operator(tx: Tx, kind: acts.Kind, user_id: int, detail: str = "") -> None:
    acts.note(tx, None, kind, user_id=user_id, detail=detail, origin="command line")


def _changed(tx: Tx) -> Account:
    account = require(tx)
    tx.announce(Changed(account))
    return account


def join_code() -> str:
    """Twelve random letters and digits, in three groups that can be read out."""
    alphabet = string.ascii_letters + string.digits
    letters = "".join(secrets.choice(alphabet) for _ in range(12))
    return "-".join((letters[:4], letters[4:8], letters[8:]))


def bring(tx: Tx, name: str, join_code: str, created_at: int, *, strict: bool) -> None:
    """The account as it was elsewhere; `strict` when only administrators make rooms."""
    tx.row(
        """INSERT INTO accounts (id, name, join_code, created_at, updated_at,
             only_administrators_create_rooms) VALUES (1, ?, ?, ?, ?, ?)""",
        (name, join_code, created_at, tx.now, strict),
    )


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
