"""Searches: finding messages again, and what somebody looked for lately.

Only rooms that the person is in are looked through, and only what is in them is
counted. Two indexes serve: words, stemmed and without accents, and, where these find
little, parts of words. Both are walked from the newest message down, no further than a
page and a bounded count need. What takes too long is cut off.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final, Literal

from campfire.chat import messages, rooms, scopes, snippets, words
from campfire.chat.messages import Message
from campfire.chat.scopes import DAY, Narrowed, Scope
from campfire.chat.words import Asked, Word
from campfire.database import Fault, Reads, Tx
from campfire.refusals import Invalid

Sort = Literal["newest", "relevance"]

LONGEST: Final = 16_384
PAGE: Final = 20
LONGEST_PAGE: Final = 100
# Hits are counted and ranked up to this many; among more messages than LITTLE, where
# they may lie far apart, up to fewer.
MOST_COUNTED: Final = 1_000
LITTLE: Final = 50_000
MOST_COUNTED_IN_MUCH: Final = 100
MOST_RANKED_IN_MUCH: Final = 200
RECENT: Final = 10
# With fewer whole words found than this, parts of words are looked for too.
FEW: Final = 20
# How rare a word is can be seen from this many messages.
SAMPLED: Final = 100
PATIENCE: Final = 0.1
# How much is shown of what was said around a hit.
GLIMPSE: Final = 160
REBUILD: Final = (
    "INSERT INTO messages_words (messages_words) VALUES ('rebuild')",
    "INSERT INTO messages_words (messages_words) VALUES ('optimize')",
    "INSERT INTO messages_parts (messages_parts) VALUES ('rebuild')",
    "INSERT INTO messages_parts (messages_parts) VALUES ('optimize')",
    "DELETE FROM days",
    f"""INSERT INTO days (day, first_id, last_id)
        SELECT created_at / {DAY}, min(id), max(id) | 1023 FROM messages
        GROUP BY created_at / {DAY}""",
)
CHECK: Final = {
    "messages_words": """INSERT INTO messages_words (messages_words, rank)
                         VALUES ('integrity-check', 1)""",
    "messages_parts": """INSERT INTO messages_parts (messages_parts, rank)
                         VALUES ('integrity-check', 1)""",
}
# What may be shown of what an index has found. No message is read for it: what this
# asks of messages is in `messages_places`.
SCOPE: Final = """
    messages.created_at >= :since AND messages.created_at < :until
    AND (:rooms IS NULL
         OR messages.room_id IN (SELECT value FROM json_each(:rooms)))
    AND (:authors IS NULL
         OR messages.creator_id IN (SELECT value FROM json_each(:authors)))
    AND EXISTS (SELECT 1 FROM memberships
                WHERE memberships.room_id = messages.room_id
                  AND memberships.user_id = :user)"""
# Ordered by the index's own number: by that of `messages`, which is the same, all hits
# would be found and sorted before the first is shown.
FROM_WORDS: Final = f"""FROM messages_words
    CROSS JOIN messages INDEXED BY messages_places
      ON messages.id = messages_words.rowid
    WHERE messages_words MATCH :match AND messages_words.rowid > :after
      AND messages_words.rowid < :before AND {SCOPE}
    ORDER BY messages_words.rowid DESC LIMIT :most"""
IN_WORDS: Final = f"SELECT messages_words.rowid, 0 {FROM_WORDS}"
RANKED: Final = f"""SELECT messages_words.rowid, relevance(messages_words{{}})
    {FROM_WORDS}"""
IN_PARTS: Final = f"""SELECT messages_parts.rowid, 0 FROM messages_parts
    CROSS JOIN messages INDEXED BY messages_places
      ON messages.id = messages_parts.rowid
    WHERE messages_parts MATCH :match AND messages_parts.rowid > :after
      AND messages_parts.rowid < :before AND {SCOPE}
    ORDER BY messages_parts.rowid DESC LIMIT :most"""
IN_ALL: Final = f"""SELECT messages.id, 0 FROM messages INDEXED BY messages_places
    WHERE messages.id > :after AND messages.id < :before AND {SCOPE}
    ORDER BY messages.id DESC LIMIT :most"""


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that was found. In `snippet`, marks stand around what was found:
    `richtext.OPEN` and `richtext.CLOSE`; the rest is text as somebody wrote it."""

    message: Message
    room_name: str
    snippet: str


@dataclass(frozen=True, slots=True)
class Results:
    """A page of hits; `total` counts those of all pages.

    Counting stops at MOST_COUNTED, in a large place sooner: then there are more hits
    than that, and `is_capped`.
    """

    hits: Sequence[Hit] = ()
    total: int = 0
    more: bool = False
    is_capped: bool = False


def find(
    db: Reads,
    user_id: int,
    text: str,
    narrowed: Narrowed = Narrowed(),
    *,
    sort: Sort = "newest",
    limit: int = PAGE,
    offset: int = 0,
) -> Results:
    """What the text asks for, in the rooms of the person.

    Raises Invalid over 16 kB, and Busy when it takes longer than 100 ms.
    """
    if len(text.encode("utf-8", "replace")) > LONGEST:
        raise Invalid("That is too long to look for.", q="16 kB is the limit.")
    asked = words.asked(text)
    if asked.is_empty:
        return Results()
    with db.at_most(PATIENCE):
        scope = scopes.of(db, user_id, asked, narrowed)
        return _found(db, scope, asked, narrowed, sort, limit, offset)


def _found(
    db: Reads,
    scope: Scope,
    asked: Asked,
    narrowed: Narrowed,
    sort: Sort,
    limit: int,
    offset: int,
) -> Results:
    if scope.is_empty:
        return Results()
    match, parts = _expressions(scope, asked)
    weights = _weights(db, scope, asked) if sort == "relevance" else {}
    sources = [(IN_ALL if match is None else _in_words(weights), match)]
    is_little = scope.length <= LITTLE
    counted = MOST_COUNTED if is_little else MOST_COUNTED_IN_MUCH
    ranked = MOST_COUNTED if is_little else MOST_RANKED_IN_MUCH
    last = offset + limit
    most = ranked if weights else max(counted, last)
    ranks = _look(db, scope, sources, most + 1, weights)
    if parts is not None and len(ranks) < FEW and not _is_common(db, scope, asked):
        sources.append((IN_PARTS, parts))
        ranks = _look(db, scope, sources[1:], most + 1) | ranks
    counted = min(most, max(counted, last))
    total, is_capped = min(len(ranks), counted), len(ranks) > counted
    if narrowed.before is not None or narrowed.after is not None:
        most = ranked if weights else last
        ranks = _look(db, scope.within(narrowed), sources, most + 1, weights)
    found = sorted(ranks, reverse=True)[: most + 1]
    found.sort(key=lambda message_id: -ranks[message_id])
    hits = _hits(db, scope.user_id, asked, found[offset:last])
    return Results(hits, total, len(found) > last, is_capped)


def _look(
    db: Reads,
    scope: Scope,
    sources: Sequence[tuple[str, str | None]],
    most: int,
    weights: Mapping[str, float] = {},
) -> dict[int, float]:
    """The newest that each of the sources finds, and how well each hit fits."""
    bindings = {
        "user": scope.user_id,
        "after": scope.after,
        "before": scope.before,
        "since": scope.since,
        "until": scope.until,
        "rooms": None if scope.is_everywhere else json.dumps(list(scope.places)),
        "authors": None if scope.authors is None else json.dumps(list(scope.authors)),
        "most": most,
        **weights,
    }
    ranks: dict[int, float] = {}
    for sql, match in reversed(sources):
        ranks.update(db.rows(sql, {**bindings, "match": match}))
    return ranks


def _is_common(db: Reads, scope: Scope, asked: Asked) -> bool:
    """Whether the words are not few themselves, but what they are narrowed down to."""
    alone = Asked(asked.words)
    if scope.authors is None and replace(asked, in_names=()) == alone:
        return False
    scope = scope.by_anybody
    match, _ = _expressions(scope, alone)
    return len(_look(db, scope, [(IN_WORDS, match)], FEW)) == FEW


def _expressions(scope: Scope, asked: Asked) -> tuple[str | None, str | None]:
    """The question as FTS5 wants it, for the index of words and for that of parts."""
    match = _joined(_phrases(asked.words), _phrases(asked.without), scope.tags(asked))
    parts = [[part] for part in map(words.as_part, asked.words) if part is not None]
    if not parts or len(parts) < len(asked.words):
        return match, None
    without = [[part] for part in map(words.as_part, asked.without) if part is not None]
    return match, _joined(parts, without, scope.tags_of_parts(asked))


def _phrases(wanted: Iterable[Word]) -> list[Sequence[str]]:
    return [phrases for phrases in map(words.as_words, wanted) if phrases]


def _joined(
    wanted: Iterable[Sequence[str]],
    unwanted: Iterable[Sequence[str]],
    tags: Sequence[str],
) -> str | None:
    """Phrases come first and in their order: `_weights` counts on it."""
    said = [phrase for phrases in wanted for phrase in phrases]
    spared = [f"({' AND '.join(phrases)})" for phrases in unwanted]
    if not (said or tags):
        return None
    match = " AND ".join([*said, *tags])
    return f"({match}) NOT ({' OR '.join(spared)})" if spared else match


def _in_words(weights: Mapping[str, float]) -> str:
    marks = "".join(f", :{name}" for name in weights)
    return RANKED.format(marks) if weights else IN_WORDS


def _weights(db: Reads, scope: Scope, asked: Asked) -> dict[str, float]:
    """How much each phrase says of a message: the more, the rarer its word is.

    Only what the person may see is looked at, and of that the newest: the order of
    hits tells nothing of rooms that one is not in.
    """
    wanted, tags = _phrases(asked.words), scope.tags(asked)
    weights: list[float] = []
    for phrases in wanted:
        rarity = 1.0
        if len(wanted) > 1:
            match = _joined([phrases], (), tags)
            having = _look(db, scope, [(IN_WORDS, match)], SAMPLED)
            after = min(having) if len(having) == SAMPLED else scope.after
            share = (scope.before - after) / (scope.before - scope.after)
            rarity = share * sum(scope.places.values()) / max(1, len(having))
        weights += [math.log1p(rarity)] * len(phrases)
    return {f"weight_{place}": weight for place, weight in enumerate(weights)}


def _hits(db: Reads, user_id: int, asked: Asked, shown: Sequence[int]) -> list[Hit]:
    by_id = {message.id: message for message in messages.among(db, user_id, shown)}
    names = rooms.names(db, user_id, {each.room_id for each in by_id.values()})
    return [
        Hit(
            by_id[message_id],
            names[by_id[message_id].room_id],
            snippets.snippet(db, by_id[message_id], asked.words),
        )
        for message_id in shown
        if message_id in by_id
    ]


@dataclass(frozen=True, slots=True)
class Line:
    """The beginning of what was said before or after a message."""

    name: str
    words: str


def lines_around(
    db: Reads, user_id: int, message_ids: Sequence[int]
) -> dict[int, tuple[Line | None, Line | None]]:
    """What was said right before and right after each of the messages."""
    rows = db.rows(
        """SELECT messages.id,
             (SELECT json_array(users.name, substr(other.plain, 1, :most))
              FROM messages AS other JOIN users ON users.id = other.creator_id
              WHERE other.room_id = messages.room_id AND other.id < messages.id
              ORDER BY other.id DESC LIMIT 1),
             (SELECT json_array(users.name, substr(other.plain, 1, :most))
              FROM messages AS other JOIN users ON users.id = other.creator_id
              WHERE other.room_id = messages.room_id AND other.id > messages.id
              ORDER BY other.id LIMIT 1)
           FROM messages
           JOIN memberships ON memberships.room_id = messages.room_id
                           AND memberships.user_id = :user
           WHERE messages.id IN (SELECT value FROM json_each(:ids))""",
        {"user": user_id, "ids": json.dumps(list(message_ids)), "most": GLIMPSE},
    )
    return {
        message_id: (
            Line(*json.loads(before)) if before else None,
            Line(*json.loads(after)) if after else None,
        )
        for message_id, before, after in rows
    }


def put_off(tx: Tx) -> list[str]:
    """Stops indexing, for the sake of very many messages; answers with what `rebuild`
    needs to start it again. In one transaction or while nobody else writes."""
    triggers = tx.rows("""SELECT name, sql FROM sqlite_schema
           WHERE type = 'trigger' AND name GLOB 'messages_found_*'""")
    for name, _ in triggers:
        tx.row(f"DROP TRIGGER {name}")
    return [sql for _, sql in triggers]


def rebuild(tx: Tx, triggers: Iterable[str] = ()) -> None:
    """Makes every index anew from what the messages say."""
    for sql in (*REBUILD, *triggers):
        tx.row(sql)


def faults(tx: Tx) -> list[str]:
    """Which index does not say what the messages say; each is read whole."""
    wrong = [index for index, check in CHECK.items() if not _passes(tx, check)]
    is_elsewhere = tx.value(
        """SELECT EXISTS (
             SELECT 1 FROM messages LEFT JOIN days ON days.day = created_at / ?
             WHERE id NOT BETWEEN ifnull(first_id, id + 1) AND ifnull(last_id, id))""",
        (DAY,),
    )
    return [*wrong, "days"] if is_elsewhere else wrong


def _passes(tx: Tx, check: str) -> bool:
    try:
        tx.row(check)
    except Fault:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the person looked for lately is not as it was."""

    name: ClassVar = "search.remembered"
    user_id: int


def recent(db: Reads, user_id: int) -> list[str]:
    """What the person looked for lately, the latest first."""
    rows = db.rows(
        """SELECT query FROM searches WHERE user_id = ?
           ORDER BY searched_at DESC, query LIMIT ?""",
        (user_id, RECENT),
    )
    return [query for (query,) in rows]


def remember(tx: Tx, user_id: int, text: str) -> None:
    """Keeps what was looked for, each once, the last few of them."""
    query = " ".join(text.split())[:200]
    if not query:
        return
    tx.row(
        """INSERT INTO searches (user_id, query, searched_at) VALUES (?, ?, ?)
           ON CONFLICT DO UPDATE SET searched_at = excluded.searched_at""",
        (user_id, query, tx.now),
    )
    tx.row(
        """DELETE FROM searches WHERE user_id = :user AND query NOT IN (
             SELECT query FROM searches WHERE user_id = :user
             ORDER BY searched_at DESC, query LIMIT :most)""",
        {"user": user_id, "most": RECENT},
    )
    tx.announce(Remembered(user_id))


def forget(tx: Tx, user_id: int) -> None:
    """Forgets what the person looked for."""
    tx.row("DELETE FROM searches WHERE user_id = ?", (user_id,))
    tx.announce(Remembered(user_id))
