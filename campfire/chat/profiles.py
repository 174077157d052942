"""What somebody changes about themselves, and the proof that it is them."""

from campfire.chat import avatars, sessions, users
from campfire.chat.users import Profile, User
from campfire.database import Tx
from campfire.refusals import Invalid


def revise(
    tx: Tx, user_id: int, profile: Profile, *, proven: str | None, session_id: int
) -> User:
    """Changes what is given.

    `proven` is the hash that the current password matched: without it, or when it has
    changed meanwhile, neither address nor password change. Either ends the person's
    other sign-ins and every way back in. Raises Conflict when the address is in use.
    """
    is_delicate = (profile.email_address or profile.password_hash) is not None
    if is_delicate and (proven is None or proven != users.password_hash(tx, user_id)):
        raise Invalid(
            "This is not your current password.",
            current_password="This is not your current password.",
        )
    user = users.revise(tx, user_id, profile)
    if is_delicate:
        sessions.end_others(tx, user_id, session_id)
    return user


def reset_password(tx: Tx, user_id: int, password_hash: str) -> None:
    """For the operator: a new password, and every sign-in ends."""
    users.revise(tx, user_id, Profile(password_hash=password_hash))
    sessions.end_others(tx, user_id, None)


def picture(tx: Tx, user_id: int, image: bytes | None) -> User:
    """Sets the person's picture, or takes it away; its address changes with it."""
    if image is None:
        avatars.remove(tx, user_id)
    else:
        avatars.put(tx, user_id, image)
    return users.revise(tx, user_id, Profile())
