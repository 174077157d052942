"""Signs of life: a look that reads something and a change that writes nothing."""

from campfire.database import Reads, Tx


def look(db: Reads) -> int:
    schema: int = db.value("PRAGMA user_version")
    return schema


def beat(tx: Tx) -> int:
    """Answered only by a writer that still commits."""
    return tx.now
