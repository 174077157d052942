"""Signs of life: a look that reads something and a change that writes nothing."""

from campfire.database import Reads, Tx, vital


def look(db: Reads) -> int:
    schema: int = db.value("PRAGMA user_version")
    return schema


@vital
def beat(tx: Tx) -> int:
    """Answered only by a writer that still commits."""
    return tx.now


@vital
def write(tx: Tx) -> None:
    """Answered only by a writer that still gets something to the disk."""
    tx.row(f"PRAGMA user_version = {look(tx):d}")


def newest(db: Reads) -> int | None:
    """When the newest message was posted, in UTC milliseconds."""
    moment: int | None = db.value(
        "SELECT created_at FROM messages ORDER BY id DESC LIMIT 1"
    )
    return moment


def faults(db: Reads) -> list[str]:
    """What SQLite finds wrong, page by page and reference by reference."""
    orphans = db.rows("PRAGMA foreign_key_check")
    return damage(db) + [
        f"{table} {rowid or ''} names what is not in {parent}"
        for table, rowid, parent, _ in orphans
    ]


def damage(db: Reads) -> list[str]:
    """What SQLite finds wrong page by page."""
    return [text for (text,) in db.rows("PRAGMA integrity_check") if text != "ok"]
