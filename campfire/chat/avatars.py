"""Pictures of people: small, square and re-encoded before they come here."""

from campfire.database import Reads, Tx


def find(db: Reads, user_id: int) -> bytes | None:
    """The picture as WebP, if there is one."""
    image: bytes | None = db.value(
        "SELECT image FROM avatars WHERE user_id = ?", (user_id,)
    )
    return image


def put(tx: Tx, user_id: int, image: bytes) -> None:
    tx.row(
        """INSERT INTO avatars (user_id, image, updated_at) VALUES (?, ?, ?)
           ON CONFLICT (user_id) DO UPDATE
           SET image = excluded.image, updated_at = excluded.updated_at""",
        (user_id, image, tx.now),
    )


def remove(tx: Tx, user_id: int) -> None:
    tx.row("DELETE FROM avatars WHERE user_id = ?", (user_id,))
