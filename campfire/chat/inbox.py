"""The inbox: what calls somebody or answers them, what is unread, what they missed.

Nothing is kept for it. What is read and what is not follows from how far the person
has read each room, so that the rooms and the inbox always say the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from campfire.chat import memberships, messages, rooms
from campfire.chat.messages import Message
from campfire.chat.parts import Boost
from campfire.database import Reads, Tx

Kind = Literal["all", "mentions", "replies", "unread"]
Reason = Literal["mention", "reply", "everyone", "direct", "unread", "boost"]

PAGE: Final = 20
LONGEST_PAGE: Final = 100
# What an absence comes down to: so many of the rooms where most happened lately, after
# a look at the newest unread messages of more of them.
MOST_ROOMS: Final = 12
MOST_BEHIND: Final = 40
MOST_LOOKED_AT: Final = 200
MOST_NAMED: Final = 3
PATIENCE: Final = 0.1

# Each finds ids, newest first. A room's own share is bounded before they meet, and
# whoever has read nothing for years waits no longer than others.
FOUND: Final[dict[Reason, str]] = {
    "mention": """
        SELECT messages.id FROM mentions
        CROSS JOIN messages ON messages.id = mentions.message_id
        JOIN memberships ON memberships.room_id = messages.room_id
                        AND memberships.user_id = mentions.user_id
        WHERE mentions.user_id = :user AND mentions.message_id < :before
          AND messages.creator_id <> :user
        ORDER BY mentions.message_id DESC LIMIT :most""",
    "reply": """
        SELECT DISTINCT messages.id FROM replies
        CROSS JOIN messages ON messages.id = replies.message_id
        JOIN memberships ON memberships.room_id = messages.room_id
                        AND memberships.user_id = replies.user_id
        WHERE replies.user_id = :user AND replies.message_id < :before
          AND messages.creator_id <> :user
        ORDER BY replies.message_id DESC LIMIT :most""",
    "everyone": """
        SELECT messages.id FROM memberships CROSS JOIN messages
        WHERE memberships.user_id = :user AND messages.id IN (
          SELECT calling.id FROM messages AS calling
          WHERE calling.room_id = memberships.room_id AND calling.calls_everyone
            AND calling.id < :before AND calling.creator_id <> :user
            AND calling.created_at >= memberships.created_at
          ORDER BY calling.id DESC LIMIT :most)
        ORDER BY messages.id DESC LIMIT :most""",
    "direct": """
        SELECT newest.id FROM (
          SELECT (SELECT max(messages.id) FROM messages
                  WHERE messages.room_id = memberships.room_id
                    AND messages.id > memberships.last_read_id
                    AND messages.creator_id <> :user) AS id
          FROM memberships JOIN rooms ON rooms.id = memberships.room_id
          WHERE memberships.user_id = :user AND rooms.kind = 'direct'
            AND memberships.involvement <> 'invisible') AS newest
        WHERE newest.id < :before ORDER BY newest.id DESC LIMIT :most""",
    "unread": """
        SELECT messages.id FROM memberships CROSS JOIN messages
        WHERE memberships.user_id = :user AND memberships.involvement <> 'invisible'
          AND messages.id IN (
            SELECT unread.id FROM messages AS unread
            WHERE unread.room_id = memberships.room_id
              AND unread.id > memberships.last_read_id
              AND unread.id < :before AND unread.creator_id <> :user
            ORDER BY unread.id DESC LIMIT :most)
        ORDER BY messages.id DESC LIMIT :most""",
}
# Why something is there; of several reasons the first.
REASONS: Final[dict[Kind, Sequence[Reason]]] = {
    "all": ("mention", "reply", "everyone", "direct"),
    "mentions": ("mention", "everyone"),
    "replies": ("reply",),
    "unread": ("unread",),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A message that concerns the person, and why; their own, if it got the `boost`."""

    message: Message
    room_name: str
    reason: Reason
    is_unread: bool
    boost: Boost | None = None

    @property
    def moment(self) -> int:
        """When it came to concern them, in UTC milliseconds."""
        return self.boost.created_at if self.boost else self.message.created_at


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, newest first; older ones are before `next_id`, if there are any."""

    entries: Sequence[Entry] = ()
    next_id: int | None = None


@dataclass(frozen=True, slots=True)
class Missed:
    """What there is to know of one room since the person last read in it.

    Of many unread messages only the newest MOST_LOOKED_AT are looked through.
    `calling` mention or answer the person, but for `answers`, which answer a question
    of theirs; `boosted` is the message with the most boosts. The link of a quotation is
    none of the `links`.
    """

    room_id: int
    room_name: str
    unread_count: int
    calling: Sequence[Message]
    answers: Sequence[Message]
    boosted: Message | None
    boosts: int
    files: int
    links: int
    first_id: int


def page(
    db: Reads, user_id: int, kind: Kind, before: int | None = None, limit: int = PAGE
) -> Page:
    """What concerns the person, of one kind. Raises Busy when it takes too long."""
    bindings = {
        "user": user_id,
        "before": 2**63 - 1 if before is None else before,
        "most": limit + 1,
    }
    reasons: dict[int, Reason] = {}
    with db.at_most(PATIENCE):
        for reason in REASONS[kind]:
            for (message_id,) in db.rows(FOUND[reason], bindings):
                reasons.setdefault(message_id, reason)
    newest = sorted(reasons, reverse=True)
    by_id = _known(db, user_id, newest[:limit])
    names = rooms.names(db, user_id, {each.room_id for each in by_id.values()})
    read = _read(db, user_id)
    entries = [
        Entry(
            by_id[message_id],
            names[by_id[message_id].room_id],
            reasons[message_id],
            message_id > read[by_id[message_id].room_id],
        )
        for message_id in newest[:limit]
        if message_id in by_id
    ]
    next_id = newest[limit - 1] if len(newest) > limit else None
    if kind == "all":
        entries += _boosts(db, user_id, next_id, before)
        entries.sort(key=lambda entry: entry.moment, reverse=True)
    return Page(entries, next_id)


def _boosts(
    db: Reads, user_id: int, since: int | None, until: int | None
) -> list[Entry]:
    """Boosts on what the person wrote lately, given between two messages."""
    rows = db.rows(
        """SELECT boosts.id, own.id FROM (
             SELECT id, room_id FROM messages WHERE creator_id = :user
             ORDER BY id DESC LIMIT :looked_at) AS own
           JOIN memberships ON memberships.room_id = own.room_id
                           AND memberships.user_id = :user
           JOIN boosts ON boosts.message_id = own.id
           WHERE boosts.booster_id <> :user
             AND boosts.created_at >= ifnull(
               (SELECT created_at FROM messages WHERE id = :since), 0)
             AND boosts.created_at < ifnull(
               (SELECT created_at FROM messages WHERE id = :until), :ever)
           ORDER BY boosts.id DESC LIMIT :most""",
        {
            **{"user": user_id, "since": since, "until": until},
            **{"looked_at": MOST_LOOKED_AT, "ever": 2**63 - 1, "most": PAGE},
        },
    )
    by_id = _known(db, user_id, [message_id for _, message_id in rows])
    names = rooms.names(db, user_id, {each.room_id for each in by_id.values()})
    given = {boost.id: boost for each in by_id.values() for boost in each.boosts}
    return [
        Entry(
            by_id[message_id],
            names[by_id[message_id].room_id],
            "boost",
            False,
            given[boost_id],
        )
        for boost_id, message_id in rows
    ]


def missed(db: Reads, user_id: int) -> list[Missed]:
    """What the person needs to know of the rooms that went on without them.

    An absence begins where they stopped reading in each room: a glance at the page
    ends none, and what was read on another device is not new here. Raises Busy.
    """
    with db.at_most(PATIENCE):
        return _missed(db, user_id)


def _missed(db: Reads, user_id: int) -> list[Missed]:
    rows = db.rows(
        """WITH behind AS MATERIALIZED (
             SELECT memberships.room_id, memberships.last_read_id
             FROM memberships JOIN rooms ON rooms.id = memberships.room_id
             WHERE memberships.user_id = :user
               AND memberships.involvement <> 'invisible' AND EXISTS (
                 SELECT 1 FROM messages WHERE messages.room_id = rooms.id
                   AND messages.id > memberships.last_read_id
                   AND messages.creator_id <> :user)
             ORDER BY rooms.updated_at DESC LIMIT :rooms),
           unread AS MATERIALIZED (
             SELECT messages.id, messages.room_id,
                    messages.html LIKE '%<a href=%' AND NOT EXISTS (
                      SELECT 1 FROM replies
                      WHERE replies.message_id = messages.id) AS has_link
             FROM behind CROSS JOIN messages
             WHERE messages.id IN (
               SELECT newer.id FROM messages AS newer
               WHERE newer.room_id = behind.room_id
                 AND newer.id > behind.last_read_id AND newer.creator_id <> :user
               ORDER BY newer.id DESC LIMIT :looked_at))
           SELECT unread.id, unread.room_id,
             EXISTS (SELECT 1 FROM mentions WHERE mentions.message_id = unread.id
                     AND mentions.user_id = :user),
             EXISTS (SELECT 1 FROM replies WHERE replies.message_id = unread.id
                     AND replies.user_id = :user),
             EXISTS (SELECT 1 FROM replies
                     JOIN messages AS asked ON asked.id = replies.answered_id
                     WHERE replies.message_id = unread.id AND replies.user_id = :user
                       AND (asked.plain LIKE '%?%' OR asked.plain LIKE '%\uff1f%')),
             (SELECT count(*) FROM boosts WHERE boosts.message_id = unread.id),
             (SELECT count(*) FROM attachments
              WHERE attachments.message_id = unread.id),
             unread.has_link
           FROM unread ORDER BY unread.id DESC""",
        {"user": user_id, "rooms": MOST_BEHIND, "looked_at": MOST_LOOKED_AT},
    )
    by_room: dict[int, list[Any]] = {}
    for row in rows:
        by_room.setdefault(row[1], []).append(row)
    told = {
        room_id: unread
        for room_id, unread in by_room.items()
        if any(map(any, (row[2:] for row in unread)))
    }
    # Where somebody is called comes first, then where most was said.
    ordered = sorted(
        told,
        key=lambda room_id: (
            -sum(row[2] or row[3] for row in told[room_id]),
            -len(told[room_id]),
            room_id,
        ),
    )[:MOST_ROOMS]
    return [
        _told(db, user_id, room_id, told[room_id], name)
        for room_id, name in (
            (room_id, rooms.names(db, user_id, {room_id})[room_id])
            for room_id in ordered
        )
    ]


def _told(
    db: Reads, user_id: int, room_id: int, unread: Sequence[Any], name: str
) -> Missed:
    answers = [row[0] for row in unread if row[4]][:MOST_NAMED]
    calling = [row[0] for row in unread if (row[2] or row[3]) and not row[4]]
    boosted = max(unread, key=lambda row: (row[5], row[0]))
    known = _known(db, user_id, [*answers, *calling[:MOST_NAMED], boosted[0]])
    return Missed(
        room_id,
        name,
        memberships.find(db, user_id, room_id).unread_count,
        [known[message_id] for message_id in calling[:MOST_NAMED]],
        [known[message_id] for message_id in answers],
        known[boosted[0]] if boosted[5] else None,
        boosted[5],
        sum(row[6] for row in unread),
        sum(row[7] for row in unread),
        unread[-1][0],
    )


def read(tx: Tx, user_id: int, message_id: int) -> None:
    """The room is read up to the message, if it is not read further already."""
    room_id = messages.room_of(tx, user_id, message_id)
    if message_id > memberships.find(tx, user_id, room_id).last_read_id:
        memberships.read(tx, user_id, room_id, message_id)


def _known(db: Reads, user_id: int, message_ids: Sequence[int]) -> dict[int, Message]:
    found = messages.among(db, user_id, message_ids)
    return {message.id: message for message in found}


def _read(db: Reads, user_id: int) -> dict[int, int]:
    """How far the person has read each room; in one out of sight, everything."""
    rows = db.rows(
        """SELECT room_id, iif(involvement = 'invisible', 9223372036854775807,
                               last_read_id)
           FROM memberships WHERE user_id = ?""",
        (user_id,),
    )
    return dict(rows)
