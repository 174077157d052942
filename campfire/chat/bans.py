"""Bans: somebody is shut out, with the addresses they came from and all they wrote.

What they wrote goes in the background, a little at a time: `sweep` finds what is left.
"""

from ipaddress import ip_address
from typing import Final

from campfire.chat import acts, memberships, messages, sessions, users
from campfire.database import Reads, Tx, vital
from campfire.refusals import Invalid

SWEPT_AT_ONCE: Final = 50


@vital
def add(tx: Tx, admin_id: int, user_id: int) -> None:
    """Shuts somebody out at once, everywhere. Their private addresses stay open."""
    users.require_administrator(tx, admin_id)
    user = users.require_person(tx, user_id)
    if user_id == admin_id:
        raise Invalid("You cannot ban yourself.", user_id="This is you.")
    users.require_another_administrator(tx, user)
    for sign_in in sessions.all_of(tx, user_id):
        if is_public(sign_in.ip_address):
            tx.row(
                """INSERT INTO bans (user_id, ip_address, created_at) VALUES (?, ?, ?)
                   ON CONFLICT DO NOTHING""",
                (user_id, sign_in.ip_address, tx.now),
            )
    users.judge(tx, user_id, "banned")
    sessions.end_others(tx, user_id, None)
    acts.note(tx, admin_id, "person.banned", user_id=user_id)


def remove(tx: Tx, admin_id: int, user_id: int) -> None:
    """Lets somebody in again, also into rooms that were opened meanwhile.

    What they wrote does not come back.
    """
    users.require_administrator(tx, admin_id)
    if users.find(tx, user_id).status != "banned":
        raise Invalid("This person is not banned.", user_id="Nothing to lift.")
    tx.row("DELETE FROM bans WHERE user_id = ?", (user_id,))
    memberships.grant_open_rooms(tx, user_id)
    users.judge(tx, user_id, "active")
    acts.note(tx, admin_id, "person.readmitted", user_id=user_id)


def bring(tx: Tx, user_id: int, ip_address: str, created_at: int) -> None:
    """Keeps an address that was shut out elsewhere."""
    tx.row(
        """INSERT INTO bans (user_id, ip_address, created_at) VALUES (?, ?, ?)
           ON CONFLICT DO NOTHING""",
        (user_id, ip_address, created_at),
    )


def addresses(db: Reads) -> frozenset[str]:
    """Every address that is shut out."""
    rows = db.rows("SELECT DISTINCT ip_address FROM bans")
    return frozenset(address for (address,) in rows)


@vital
def sweep(tx: Tx) -> bool:
    """Removes a little of what banned people wrote; says whether there may be more."""
    rows = tx.rows(
        """SELECT messages.room_id, messages.id
           FROM users JOIN messages ON messages.creator_id = users.id
           WHERE users.status = 'banned' LIMIT ?""",
        (SWEPT_AT_ONCE,),
    )
    for room_id, message_id in rows:
        messages.purge(tx, room_id, message_id)
    return bool(rows)


def is_public(address: str) -> bool:
    """Whether a ban of the address could only hit somebody out there."""
    try:
        return ip_address(address).is_global
    except ValueError:
        return False
