"""Messages: posting, editing, removing them, and the pages and changes one can ask for.

Each change takes the next `seq` of its room, so that a client can prove that it has
missed nothing. Whom it concerns is worked out in the transaction that makes it.
"""

import json
import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

from campfire.chat import (
    acts,
    bots,
    deliveries,
    files,
    memberships,
    parts,
    previews,
    push,
    replies,
    richtext,
    rooms,
    trash,
    users,
)
from campfire.chat.deliveries import Outcome
from campfire.chat.files import Stored
from campfire.chat.jobs import Job
from campfire.chat.parts import Attachment, Boost, Preview
from campfire.chat.previews import Card
from campfire.chat.richtext import Draft
from campfire.chat.users import User
from campfire.database import Reads, Tx, vital
from campfire.refusals import Forbidden, Gone, Invalid, NotFound

COLUMNS: Final = f"""messages.id, messages.room_id, messages.client_message_id,
                     messages.seq, messages.posted_seq, messages.source, messages.html,
                     messages.plain, messages.created_at, messages.edited_at,
                     messages.calls_everyone, {parts.COLUMNS}, {users.COLUMNS}"""
TABLES: Final = "messages JOIN users ON users.id = messages.creator_id"
CLIENT_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
PAGE: Final = 40
LONGEST_PAGE: Final = 100
MOST_CHANGES: Final = 500
SWEPT_AT_ONCE: Final = 200
MOST_BYTES: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Message:
    """A message as everybody in the room sees it, with current names in it.

    `mentions` are those called by name; `calls_everyone` is a call to all in the room.
    """

    id: int
    room_id: int
    client_message_id: str
    seq: int
    posted_seq: int
    source: str
    html: str
    plain: str
    created_at: int
    edited_at: int | None
    creator: User
    mentions: tuple[int, ...] = ()
    calls_everyone: bool = False
    boosts: tuple[Boost, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    previews: tuple[Preview, ...] = ()


@dataclass(frozen=True, slots=True)
class Posted:
    name: ClassVar = "message.posted"
    audience: frozenset[int]
    message: Message


@dataclass(frozen=True, slots=True)
class Edited:
    """The message is not as it was; `returned` when it was deleted before."""

    name: ClassVar = "message.edited"
    audience: frozenset[int]
    message: Message
    returned: bool = False


@dataclass(frozen=True, slots=True)
class Removed:
    name: ClassVar = "message.removed"
    audience: frozenset[int]
    removal: "Removal"
    creator_id: int


@dataclass(frozen=True, slots=True)
class Removal:
    """What is left of a removed message."""

    room_id: int
    seq: int
    id: int
    client_message_id: str


@dataclass(frozen=True, slots=True)
class Page:
    """Messages in order; `older` and `newer` say whether there are more that way."""

    messages: Sequence[Message]
    older: bool
    newer: bool


@dataclass(frozen=True, slots=True)
class Changes:
    """The latest state of what changed, in order of `seq`; `seq` is where it ends."""

    seq: int
    more: bool
    changed: Sequence[Message | Removal]


@dataclass(frozen=True, slots=True)
class Missed:
    """What a room has become behind somebody's back, up to `seq`, as events for those
    who are in it now. `is_whole` is whether each number since has its event."""

    room_id: int
    seq: int
    is_whole: bool
    events: Sequence[Posted | Edited | Removed]


def client_message_id(text: str | None) -> str:
    """The id a client chose, or one made here. Raises Invalid."""
    if text is None:
        return secrets.token_hex(12)
    if not CLIENT_ID.fullmatch(text):
        raise Invalid(
            "This client_message_id cannot be used.",
            client_message_id="1 to 64 of A-Z a-z 0-9 . _ : -",
        )
    return text


def post(
    tx: Tx,
    user_id: int,
    room_id: int,
    draft: Draft,
    client_message_id: str,
    attachments: Sequence[Stored] = (),
) -> tuple[Message, bool]:
    """Posts once, however often it is tried; says whether this was the first time.

    Raises NotFound to an outsider, Gone when the message was posted and removed.
    """
    row = tx.row(
        f"""SELECT (SELECT id FROM messages
                    WHERE creator_id = :user AND room_id = :room
                      AND client_message_id = :client),
                   EXISTS (SELECT 1 FROM removals
                           WHERE creator_id = :user AND room_id = :room
                             AND client_message_id = :client),
                   {users.COLUMNS}
            FROM memberships JOIN users ON users.id = memberships.user_id
            WHERE memberships.room_id = :room AND memberships.user_id = :user
              AND users.status = 'active'""",
        {"user": user_id, "room": room_id, "client": client_message_id},
    )
    if row is None:
        raise NotFound("There is no such room.")
    existing_id, removed, *creator = row
    if existing_id is not None:
        return find(tx, user_id, room_id, existing_id), False
    if removed:
        raise Gone("This message was removed.")
    seq, members_version = rooms.advance(tx, room_id)
    filenames = files.names(attachments)
    plain = draft.plain or filenames
    message_id: int = tx.value(
        """INSERT INTO messages (room_id, creator_id, client_message_id, seq,
             posted_seq, source, html, plain, pairs, filenames, calls_everyone,
             created_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id""",
        (
            *(room_id, user_id, client_message_id, seq, seq),
            *(draft.source, draft.html, plain, draft.pairs),
            *(filenames, draft.calls_everyone, tx.now),
        ),
    )
    replies.keep(tx, room_id, message_id, draft.quoted)
    audience = memberships.audience(tx, room_id, members_version)
    message = _presented(
        (
            *(message_id, room_id, client_message_id, seq, seq),
            *(draft.source, draft.html, plain, tx.now, None),
            *(draft.calls_everyone, *parts.NONE, *creator),
        ),
        _mention(tx, message_id, draft.mentions, audience),
    )
    if attachments:
        attached = files.attach(tx, message_id, attachments)
        message = replace(message, attachments=attached)
    if draft.links:
        previews.ask(tx, user_id, message_id, draft.links)
    is_called = bool(message.mentions) or message.calls_everyone
    push.ask(tx, room_id, user_id, message_id, is_called=is_called)
    deliveries.ask(
        *(tx, room_id, message_id, message.creator, message.mentions),
        *(message.html, message.plain),
    )
    tx.announce(Posted(audience, message))
    return message, True


def answer(
    tx: Tx,
    job: Job,
    outcome: Outcome,
    bot_id: int,
    room_id: int,
    draft: Draft | None,
    attachments: Sequence[Stored] = (),
) -> bool:
    """Ends a delivery with what came back, and posts its answer if there is one.

    Posts once for each delivery; says whether it was now. Raises Stale.
    """
    deliveries.settle(tx, job, outcome)
    if draft is None:
        return False
    delivery_id = job.payload["delivery_id"]
    try:
        _, is_new = post(
            tx, bot_id, room_id, draft, f"delivery-{delivery_id}", attachments
        )
    except (Gone, NotFound):  # It was removed, or the bot is not in the room any more.
        return False
    deliveries.answered(tx, delivery_id)
    return is_new


def attempt(tx: Tx, admin_id: int, bot_id: int, room_id: int, message_id: int) -> int:
    """Calls a bot with a message of a room that it and the administrator are in."""
    bots.find(tx, admin_id, bot_id)
    message = find(tx, admin_id, room_id, message_id)
    return deliveries.attempt(
        *(tx, bot_id, room_id, message_id, message.creator),
        *(message.html, message.plain),
    )


def bring(
    tx: Tx,
    room_id: int,
    user_id: int,
    seq: int,
    draft: Draft,
    created_at: int,
    *,
    message_id: int | None = None,
    edited_at: int | None = None,
    attachments: Sequence[Stored] = (),
) -> int:
    """Keeps a message that was written elsewhere, or long ago: nobody is told.

    Messages are brought in order, with the next `seq`; `settle` then makes it known.
    Whoever they mention is mentioned, also one who is not in the room any more.
    """
    filenames = files.names(attachments)
    brought_id: int = tx.value(
        """INSERT INTO messages (id, room_id, creator_id, client_message_id, seq,
             posted_seq, source, html, plain, pairs, filenames, created_at, edited_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id""",
        (
            *(message_id, room_id, user_id, f"brought-{room_id}-{seq}", seq, seq),
            *(draft.source, draft.html, draft.plain or filenames, draft.pairs),
            *(filenames, created_at, edited_at),
        ),
    )
    files.attach(tx, brought_id, attachments)
    _mention(tx, brought_id, draft.mentions, frozenset(draft.mentions))
    replies.keep(tx, room_id, brought_id, draft.quoted)
    return brought_id


def settle(tx: Tx, room_id: int) -> int:
    """The room is as far as what was brought into it; answers with the newest id."""
    newest_id, seq, at = tx.row(
        """SELECT ifnull(max(id), 0), ifnull(max(seq), 0), ifnull(max(created_at), ?)
           FROM messages WHERE room_id = ?""",
        (tx.now, room_id),
    )
    rooms.catch_up(tx, room_id, seq, at)
    return int(newest_id)


def edit(tx: Tx, user_id: int, room_id: int, message_id: int, draft: Draft) -> Message:
    """Replaces the words; for the author and administrators.

    Whom the message mentions already stays mentioned where it still calls them,
    though they are gone. Words that stay as they are are no edit: nobody is told.
    Raises Invalid when nothing would be left to see: no words and no files.
    """
    before = changeable(tx, user_id, room_id, message_id)
    plain = draft.plain or files.names(before.attachments)
    if not draft.source and not before.attachments:
        raise Invalid("This message is empty.", body="Write something.")
    if _is_same(tx, before, draft):
        return before
    if before.creator.id != user_id:
        _note(tx, user_id, "message.edited", before)
    seq, members_version = rooms.advance(tx, room_id)
    tx.row(
        """UPDATE messages SET seq = ?, source = ?, html = ?, plain = ?, pairs = ?,
             calls_everyone = ?, edited_at = ? WHERE id = ?""",
        (
            *(seq, draft.source, draft.html, plain, draft.pairs),
            *(draft.calls_everyone, tx.now, message_id),
        ),
    )
    audience = memberships.audience(tx, room_id, members_version)
    tx.row("DELETE FROM mentions WHERE message_id = ?", (message_id,))
    _mention(tx, message_id, draft.mentions, audience.union(before.mentions))
    replies.forget(tx, message_id)
    replies.keep(tx, room_id, message_id, draft.quoted)
    previews.follow(tx, user_id, message_id, draft.links)
    message = find(tx, user_id, room_id, message_id)
    tx.announce(Edited(audience, message))
    return message


def _is_same(db: Reads, before: Message, draft: Draft) -> bool:
    """Whether the draft would change nothing that is kept, nor whom it calls."""
    kept = db.row(
        "SELECT source, html, calls_everyone FROM messages WHERE id = ?", (before.id,)
    )
    return tuple(kept) == (draft.source, draft.html, draft.calls_everyone) and set(
        draft.mentions
    ) <= set(before.mentions)


def preview(tx: Tx, job: Job, card: Card | None) -> None:
    """Ends a preview's job, and shows its card if there is one. Raises Stale."""
    if shown_on := previews.keep(tx, job, card):
        room_id, message_id = shown_on
        audience = touch(tx, room_id, message_id)
        (message,) = _select(tx, "messages.id = ?", (message_id,))
        tx.announce(Edited(audience, message))


def remove_preview(
    tx: Tx, user_id: int, room_id: int, message_id: int, preview_id: int
) -> Message:
    """Takes a card off the message; for the author and administrators."""
    changeable(tx, user_id, room_id, message_id)
    previews.remove(tx, message_id, preview_id)
    audience = touch(tx, room_id, message_id)
    message = find(tx, user_id, room_id, message_id)
    tx.announce(Edited(audience, message))
    return message


@vital
def remove(tx: Tx, user_id: int, room_id: int, message_id: int) -> None:
    """Puts the message into the trash; for the author and administrators."""
    message = changeable(tx, user_id, room_id, message_id)
    seq = _leave(tx, room_id, message_id)
    rooms.make_trash(tx, user_id)
    trash.put(tx, user_id, room_id, message_id, seq)
    # Both are unique within a room.
    _move(tx, message_id, trash.ROOM, message_id, str(message_id))
    if message.creator.id != user_id:
        _note(tx, user_id, "message.removed", message)


def restore(tx: Tx, user_id: int, room_id: int, message_id: int) -> Message:
    """Brings the message back to where it was, with all that hangs on it.

    For whoever deleted it, and among administrators for each of them. Nobody is
    notified once more. Raises NotFound, also when it is gone for good.
    """
    memberships.require(tx, user_id, room_id)
    trashed = trash.message(tx, user_id, room_id, message_id)
    if trashed is None:
        raise NotFound("There is no such message in the trash.")
    seq, members_version = rooms.advance(tx, room_id)
    trash.take(tx, message_id)
    client_message_id = tx.value(
        """DELETE FROM removals WHERE room_id = ? AND seq = ?
           RETURNING client_message_id""",
        (room_id, trashed.seq),
    )
    _move(tx, message_id, room_id, seq, client_message_id)
    message = find(tx, user_id, room_id, message_id)
    if message.creator.id != user_id:
        _note(tx, user_id, "message.restored", message)
    audience = memberships.audience(tx, room_id, members_version)
    tx.announce(Edited(audience, message, returned=True))
    return message


def trashed(db: Reads, user_id: int, limit: int) -> list[tuple[Message, int]]:
    """What the person can bring back, and when it was deleted, the newest first."""
    found = {each.message_id: each for each in trash.messages(db, user_id, limit)}
    messages = _select(
        db,
        "messages.id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(found)),),
    )
    by_id = {message.id: message for message in messages}
    return [
        (replace(by_id[each.message_id], room_id=each.room_id), each.trashed_at)
        for each in found.values()
    ]


def _note(tx: Tx, admin_id: int, kind: acts.Kind, message: Message) -> None:
    """Notes what an administrator does with the words of another."""
    author_id, room_id = message.creator.id, message.room_id
    acts.note(tx, admin_id, kind, user_id=author_id, room_id=room_id)


def purge(tx: Tx, room_id: int, message_id: int) -> None:
    """Deletes a message for good, and tells those who could see it."""
    if room_id != trash.ROOM:
        _leave(tx, room_id, message_id)
    _delete(tx, [message_id])


def _leave(tx: Tx, room_id: int, message_id: int) -> int:
    """Tells that the message is not in its room any more; answers with the `seq`."""
    seq, members_version = rooms.advance(tx, room_id)
    creator_id, client_message_id = tx.row(
        """INSERT INTO removals (room_id, seq, message_id, creator_id,
             client_message_id, removed_at)
           SELECT room_id, ?, id, creator_id, client_message_id, ?
           FROM messages WHERE id = ? RETURNING creator_id, client_message_id""",
        (seq, tx.now, message_id),
    )
    audience = memberships.audience(tx, room_id, members_version)
    removal = Removal(room_id, seq, message_id, client_message_id)
    tx.announce(Removed(audience, removal, creator_id))
    return seq


def _move(
    tx: Tx, message_id: int, room_id: int, seq: int, client_message_id: str
) -> None:
    tx.row(
        """UPDATE messages SET room_id = ?, seq = ?, client_message_id = ?
           WHERE id = ?""",
        (room_id, seq, client_message_id, message_id),
    )


def touch(tx: Tx, room_id: int, message_id: int) -> frozenset[int]:
    """Counts a change of what hangs on the message; answers who can see it."""
    seq, members_version = rooms.advance(tx, room_id)
    tx.row("UPDATE messages SET seq = ? WHERE id = ?", (seq, message_id))
    return memberships.audience(tx, room_id, members_version)


@vital
def sweep(tx: Tx, kept_for: int) -> bool:
    """Deletes a little of what has been in the trash for so many milliseconds.

    Says whether there may be more.
    """
    until = tx.now - kept_for
    if expired := trash.expired(tx, until, SWEPT_AT_ONCE):
        _delete(tx, expired)
        return True
    room_id = rooms.expired(tx, until)
    if room_id is None:
        return False
    rows = tx.rows(
        "SELECT id FROM messages WHERE room_id = ? LIMIT ?", (room_id, SWEPT_AT_ONCE)
    )
    within = [message_id for (message_id,) in rows]
    if left := within or trash.of_room(tx, room_id, SWEPT_AT_ONCE):
        _delete(tx, left)
    else:
        rooms.forget(tx, room_id)
    return True


def _delete(tx: Tx, message_ids: Sequence[int]) -> None:
    tx.row(
        "DELETE FROM messages WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(message_ids),),
    )


def find(db: Reads, user_id: int, room_id: int, message_id: int) -> Message:
    memberships.require(db, user_id, room_id)
    found = _select(
        db, "messages.id = ? AND messages.room_id = ?", (message_id, room_id)
    )
    if not found:
        raise NotFound("There is no such message.")
    return found[0]


def mentioned(
    db: Reads, user_id: int, room_id: int, message_id: int
) -> Sequence[tuple[int, str]]:
    """Ids and names of those whom the message mentions, wherever they are by now."""
    memberships.require(db, user_id, room_id)
    rows: Sequence[tuple[int, str]] = db.rows(
        """SELECT users.id, users.name
           FROM messages
           JOIN mentions ON mentions.message_id = messages.id
           JOIN users ON users.id = mentions.user_id
           WHERE messages.id = ? AND messages.room_id = ?""",
        (message_id, room_id),
    )
    return rows


def room_of(db: Reads, user_id: int, message_id: int) -> int:
    """The room that the person shares with the message. Raises NotFound."""
    room_id: int | None = db.value(
        """SELECT messages.room_id FROM messages
           JOIN memberships ON memberships.room_id = messages.room_id
           WHERE messages.id = ? AND memberships.user_id = ?""",
        (message_id, user_id),
    )
    if room_id is None:
        raise NotFound("There is no such message.")
    return room_id


def among(db: Reads, user_id: int, message_ids: Collection[int]) -> list[Message]:
    """Those of the messages that are in rooms of the person, oldest first."""
    return _select(
        db,
        """messages.id IN (SELECT value FROM json_each(?))
           AND EXISTS (SELECT 1 FROM memberships
                       WHERE memberships.room_id = messages.room_id
                         AND memberships.user_id = ?)
           ORDER BY messages.id""",
        (json.dumps(list(message_ids)), user_id),
    )


def all_in(db: Reads, room_id: int, after: int, limit: int) -> list[Message]:
    """For the operator: the room's messages after one of them, oldest first."""
    return _newer(db, room_id, after, limit)[0]


def own(db: Reads, user_id: int, after: int, limit: int) -> list[Message]:
    """What the person wrote in rooms they are in, after one of them, oldest first."""
    return _select(
        db,
        """messages.creator_id = ? AND messages.id > ?
           AND EXISTS (SELECT 1 FROM memberships
                       WHERE memberships.room_id = messages.room_id
                         AND memberships.user_id = messages.creator_id)
           ORDER BY messages.id LIMIT ?""",
        (user_id, after, limit),
    )


def changeable(db: Reads, user_id: int, room_id: int, message_id: int) -> Message:
    """The message, if the person wrote it or is an administrator. Raises Forbidden."""
    message = find(db, user_id, room_id, message_id)
    if message.creator.id != user_id:
        if users.find(db, user_id).role != "administrator":
            raise Forbidden("Only its author can change this message.")
    return message


def page(
    db: Reads,
    user_id: int,
    room_id: int,
    *,
    before: int | None = None,
    after: int | None = None,
    around: int | None = None,
    limit: int = PAGE,
) -> Page:
    """The newest messages, or those next to an anchor, oldest first.

    Raises NotFound when the anchor is not in the room, Invalid for two of them.
    """
    anchors = [anchor for anchor in (before, after, around) if anchor is not None]
    if len(anchors) > 1:
        raise Invalid("Give one of before, after and around.")
    memberships.require(db, user_id, room_id)
    if anchors and not db.value(
        "SELECT 1 FROM messages WHERE id = ? AND room_id = ?", (anchors[0], room_id)
    ):
        raise NotFound("There is no such message.")
    if after is not None:
        newer, more = _newer(db, room_id, after, limit)
        return Page(newer, older=True, newer=more)
    if around is not None:
        older, is_older = _older(db, room_id, around, limit // 2)
        newer, is_newer = _newer(db, room_id, around - 1, limit - len(older))
        return Page([*older, *newer], older=is_older, newer=is_newer)
    older, more = _older(db, room_id, before, limit)
    return Page(older, older=more, newer=before is not None)


def count(db: Reads, user_id: int, room_id: int) -> int:
    """How many messages there are in the room."""
    memberships.require(db, user_id, room_id)
    counted: int = db.value(
        "SELECT count(*) FROM messages WHERE room_id = ?", (room_id,)
    )
    return counted


def newest_seq(db: Reads, user_id: int, room_id: int) -> int:
    """The number of the room's latest change."""
    memberships.require(db, user_id, room_id)
    seq: int = db.value("SELECT seq FROM rooms WHERE id = ?", (room_id,))
    return seq


def changes(
    db: Reads,
    user_id: int,
    room_id: int,
    since: int,
    limit: int = MOST_CHANGES,
    most_bytes: int = MOST_BYTES,
) -> Changes:
    """What changed after `since`, each thing in its latest state.

    At most `limit` of them, and about `most_bytes` of words, but always one.
    """
    newest = newest_seq(db, user_id, room_id)
    sizes = db.rows(
        """SELECT seq, octet_length(source) + octet_length(html) FROM messages
           WHERE room_id = :room AND seq > :since
           UNION ALL
           SELECT seq, 0 FROM removals WHERE room_id = :room AND seq > :since
           ORDER BY seq LIMIT :limit""",
        {"room": room_id, "since": since, "limit": limit + 1},
    )
    last, size = since, 0
    for seq, bytes_more in sizes[:limit]:
        size += bytes_more
        if size > most_bytes and last > since:
            break
        last = seq
    changed: list[Message | Removal] = [
        *_changed(db, room_id, since, last),
        *(removal for removal, _ in _removed(db, room_id, since, last)),
    ]
    changed.sort(key=lambda change: change.seq)
    more = len(changed) < len(sizes)
    return Changes(last if more else newest, more, changed)


def missed(db: Reads, known: Mapping[int, int]) -> list[Missed]:
    """What changed in every room after the `seq` that is known of it.

    A room with too many changes is not looked into.
    """
    return [
        _missed(db, room_id, known.get(room_id, 0), seq)
        for room_id, seq in rooms.seqs(db).items()
        if seq > known.get(room_id, 0)
    ]


def _missed(db: Reads, room_id: int, since: int, seq: int) -> Missed:
    if seq - since > MOST_CHANGES:
        return Missed(room_id, seq, False, ())
    members = db.rows("SELECT user_id FROM memberships WHERE room_id = ?", (room_id,))
    audience = frozenset(user_id for (user_id,) in members)
    events: dict[int, Posted | Edited | Removed] = {
        message.seq: (Posted if message.posted_seq > since else Edited)(
            audience, message
        )
        for message in _changed(db, room_id, since, seq)
    }
    for removal, creator_id in _removed(db, room_id, since, seq):
        events[removal.seq] = Removed(audience, removal, creator_id)
    is_whole = len(events) == seq - since
    return Missed(room_id, seq, is_whole, [events[at] for at in sorted(events)])


def _changed(db: Reads, room_id: int, since: int, last: int) -> list[Message]:
    return _select(
        db,
        """messages.room_id = ? AND messages.seq > ? AND messages.seq <= ?
           ORDER BY messages.seq""",
        (room_id, since, last),
    )


def _removed(
    db: Reads, room_id: int, since: int, last: int
) -> list[tuple[Removal, int]]:
    """With whose message it was."""
    rows = db.rows(
        """SELECT room_id, seq, message_id, client_message_id, creator_id FROM removals
           WHERE room_id = ? AND seq > ? AND seq <= ?""",
        (room_id, since, last),
    )
    return [(Removal(*removal), creator_id) for *removal, creator_id in rows]


def _older(
    db: Reads, room_id: int, before: int | None, limit: int
) -> tuple[list[Message], bool]:
    found = _select(
        db,
        """messages.room_id = ? AND messages.id < ?
           ORDER BY messages.id DESC LIMIT ?""",
        (room_id, 2**63 - 1 if before is None else before, limit + 1),
    )
    return found[:limit][::-1], len(found) > limit


def _newer(
    db: Reads, room_id: int, after: int, limit: int
) -> tuple[list[Message], bool]:
    found = _select(
        db,
        "messages.room_id = ? AND messages.id > ? ORDER BY messages.id LIMIT ?",
        (room_id, after, limit + 1),
    )
    return found[:limit], len(found) > limit


def _select(
    db: Reads, condition: str, bindings: tuple[int | str, ...]
) -> list[Message]:
    rows = db.rows(f"SELECT {COLUMNS} FROM {TABLES} WHERE {condition}", bindings)
    called = _called(db, [row[0] for row in rows if richtext.OPEN in row[6]])
    return [_presented(row, called.get(row[0], ())) for row in rows]


@dataclass(frozen=True, slots=True)
class _Called:
    """Somebody a message mentions.

    `shared` when the room, or the message, knows another one by this name.
    """

    id: int
    name: str
    shared: bool
    is_gone: bool


def _called(db: Reads, message_ids: Sequence[int]) -> dict[int, Sequence[_Called]]:
    """Whom each of these messages mentions."""
    rows = (
        db.rows(
            """SELECT messages.id, messages.room_id, users.id, users.name,
                      users.status <> 'active'
               FROM messages
               JOIN mentions ON mentions.message_id = messages.id
               JOIN users ON users.id = mentions.user_id
               WHERE messages.id IN (SELECT value FROM json_each(?))""",
            (json.dumps(message_ids),),
        )
        if message_ids
        else ()
    )
    called: dict[int, list[_Called]] = {}
    beside: dict[tuple[int, str], set[int]] = {}
    for message_id, _, user_id, name, _ in rows:
        beside.setdefault((message_id, richtext.fold(name)), set()).add(user_id)
    namesakes: dict[int, dict[str, set[int]]] = {}
    for message_id, room_id, user_id, name, is_gone in rows:
        if room_id not in namesakes:
            namesakes[room_id] = _namesakes(db, room_id)
        folded = richtext.fold(name)
        others = namesakes[room_id].get(folded, set())
        shared = len(beside[message_id, folded] | others) > 1
        whom = _Called(user_id, name, shared, bool(is_gone))
        called.setdefault(message_id, []).append(whom)
    return called  # type: ignore[return-value]


def _namesakes(db: Reads, room_id: int) -> dict[str, set[int]]:
    """Members by name, as names are compared when somebody is called."""
    namesakes: dict[str, set[int]] = {}
    for user_id, name in db.rows(
        """SELECT users.id, users.name
           FROM memberships JOIN users ON users.id = memberships.user_id
           WHERE memberships.room_id = ? AND users.status = 'active'""",
        (room_id,),
    ):
        namesakes.setdefault(richtext.fold(name), set()).add(user_id)
    return namesakes


def _presented(row: Sequence[Any], called: Sequence[_Called]) -> Message:
    """The row as it is shown: with current names where it keeps ids."""
    source, html = row[5], row[6]
    if richtext.OPEN in html:
        names = {whom.id: whom.name for whom in called}
        html = richtext.shown_html(
            html, names, {whom.id for whom in called if whom.is_gone}
        )
        alone = {whom.id: whom.name for whom in called if not whom.shared}
        source = richtext.shown_source(source, alone)
    mentions = tuple(whom.id for whom in called)
    hung = parts.from_row(row[11:14])
    shown = (*row[:5], source, html, *row[7:10], User(*row[14:]), mentions)
    hung_on = (hung.boosts, hung.attachments, hung.previews)
    return Message(*(*shown, bool(row[10]), *hung_on))


def _mention(
    tx: Tx, message_id: int, mentions: Sequence[int], audience: frozenset[int]
) -> Sequence[_Called]:
    """Keeps whom the message mentions, as far as they are in the audience."""
    present = [user_id for user_id in mentions if user_id in audience]
    if not present:
        return ()
    tx.row(
        """INSERT INTO mentions (message_id, user_id)
           SELECT ?, value FROM json_each(?)""",
        (message_id, json.dumps(present)),
    )
    return _called(tx, [message_id])[message_id]
