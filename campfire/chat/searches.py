"""Searches: finding messages again, and what somebody looked for lately.

Only rooms that the person is in are looked through, and only what is in them is
counted. Two indexes serve: words, stemmed and without accents, and, where these find
little, parts of words. What takes too long is cut off.
"""

import json
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from campfire.chat import memberships, messages, richtext, rooms, words
from campfire.chat.messages import Message
from campfire.chat.words import Asked, Word
from campfire.database import Fault, Reads, Tx
from campfire.refusals import Invalid

Sort = Literal["newest", "relevance"]

LONGEST: Final = 16_384
PAGE: Final = 20
LONGEST_PAGE: Final = 100
MOST_COUNTED: Final = 1_000
RECENT: Final = 10
# With fewer whole words found than this, parts of words are looked for too.
FEW: Final = 20
# More rooms than this are tested one message at a time, not met in the index.
MOST_NAMED: Final = 24
PATIENCE: Final = 0.1
WINDOW: Final = 160
REBUILD: Final = (
    "INSERT INTO messages_words (messages_words) VALUES ('rebuild')",
    "INSERT INTO messages_parts (messages_parts) VALUES ('rebuild')",
)
CHECK: Final = {
    "messages_words": """INSERT INTO messages_words (messages_words, rank)
                         VALUES ('integrity-check', 1)""",
    "messages_parts": """INSERT INTO messages_parts (messages_parts, rank)
                         VALUES ('integrity-check', 1)""",
}
BEFORE_MARK: Final = 60
FIRST_LETTER, LETTERS = 44_032, 10_000

# What may be shown of what an index has found, newest first.
SCOPE: Final = """
    messages.id > :after AND messages.id < :before
    AND messages.created_at >= :since AND messages.created_at < :until
    AND (:rooms IS NULL
         OR messages.room_id IN (SELECT value FROM json_each(:rooms)))
    AND (:authors IS NULL
         OR messages.creator_id IN (SELECT value FROM json_each(:authors)))
    AND (NOT :with_file OR EXISTS (
           SELECT 1 FROM attachments WHERE attachments.message_id = messages.id))
    AND (NOT :with_link OR messages.html LIKE '%<a href=%')
    AND EXISTS (SELECT 1 FROM memberships
                WHERE memberships.room_id = messages.room_id
                  AND memberships.user_id = :user)
    ORDER BY messages.id DESC LIMIT :most"""
IN_WORDS: Final = f"""SELECT messages.id FROM messages_words
    CROSS JOIN messages ON messages.id = messages_words.rowid
    WHERE messages_words MATCH :match AND messages_words.rowid < :before
      AND messages_words.rowid > :after AND {SCOPE}"""
IN_PARTS: Final = f"""SELECT messages.id FROM messages_parts
    CROSS JOIN messages ON messages.id = messages_parts.rowid
    WHERE messages_parts MATCH :match AND messages_parts.rowid < :before
      AND messages_parts.rowid > :after AND {SCOPE}"""
IN_ALL: Final = f"SELECT messages.id FROM messages WHERE {SCOPE}"


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that was found. In `snippet`, marks stand around what was found:
    `richtext.OPEN` and `richtext.CLOSE`; the rest is text as somebody wrote it."""

    message: Message
    room_name: str
    snippet: str


@dataclass(frozen=True, slots=True)
class Results:
    """A page of hits; `total` counts all, up to MOST_COUNTED."""

    hits: Sequence[Hit] = ()
    total: int = 0
    more: bool = False


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Where to look, besides the words: what a program or a page of results asks."""

    room_id: int | None = None
    creator_id: int | None = None
    before: int | None = None
    after: int | None = None


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
        return _found(db, user_id, asked, narrowed, sort, limit, offset)


def _found(
    db: Reads,
    user_id: int,
    asked: Asked,
    narrowed: Narrowed,
    sort: Sort,
    limit: int,
    offset: int,
) -> Results:
    places = _rooms(db, user_id, asked, narrowed)
    authors = _authors(db, user_id, asked, narrowed)
    if places == set() or authors == set():
        return Results()
    match, parts = _expressions(asked, places, authors)
    bindings: dict[str, Any] = {
        "user": user_id,
        "rooms": None if places is None else json.dumps(sorted(places)),
        "authors": None if authors is None else json.dumps(sorted(authors)),
        "after": narrowed.after or 0,
        "before": narrowed.before or 2**63 - 1,
        "since": asked.after or 0,
        "until": 2**63 - 1 if asked.before is None else asked.before,
        "with_file": "file" in asked.has,
        "with_link": "link" in asked.has,
        "most": MOST_COUNTED,
    }
    if match is None:
        found = _ids(db, IN_ALL, bindings)
    else:
        found = _ids(db, IN_WORDS, bindings | {"match": match})
        if parts is not None and _are_few(db, found, bindings | {"match": match}):
            in_parts = _ids(db, IN_PARTS, bindings | {"match": parts})
            found = sorted({*found, *in_parts}, reverse=True)
    if sort == "relevance" and match is not None:
        found = _ranked(db, match, found)
    shown = found[offset : offset + limit]
    total = min(len(found), MOST_COUNTED)
    return Results(
        _hits(db, user_id, asked, match, shown), total, len(found) > offset + limit
    )


def _ids(db: Reads, sql: str, bindings: dict[str, Any]) -> list[int]:
    return [message_id for (message_id,) in db.rows(sql, bindings)]


def _are_few(db: Reads, found: Sequence[int], bindings: dict[str, Any]) -> bool:
    """Whether whole words are found seldom, on whatever page of results we are."""
    if len(found) >= FEW:
        return False
    everywhere = {"before": 2**63 - 1, "after": 0, "most": FEW}
    return len(_ids(db, IN_WORDS, bindings | everywhere)) < FEW


def _rooms(
    db: Reads, user_id: int, asked: Asked, narrowed: Narrowed
) -> set[int] | None:
    """The rooms to look in; None for all of many."""
    mine = set(memberships.rooms_of(db, user_id))
    if narrowed.room_id is not None:
        mine &= {narrowed.room_id}
    if asked.in_names:
        named = db.rows(
            """SELECT rooms.id, rooms.name FROM memberships
               JOIN rooms ON rooms.id = memberships.room_id
               WHERE memberships.user_id = ? AND rooms.name IS NOT NULL""",
            (user_id,),
        )
        mine &= _named(asked.in_names, named)
    elif narrowed.room_id is None and len(mine) > MOST_NAMED:
        return None
    return mine


def _authors(
    db: Reads, user_id: int, asked: Asked, narrowed: Narrowed
) -> set[int] | None:
    """Whose messages to look for; None for everybody's."""
    authors = None if narrowed.creator_id is None else {narrowed.creator_id}
    if asked.from_names:
        everybody = db.rows("SELECT id, name FROM users")
        named = _named(asked.from_names, everybody)
        if "me" in map(str.lower, asked.from_names):
            named.add(user_id)
        authors = named if authors is None else authors & named
    return authors


def _named(names: Iterable[str], things: Iterable[tuple[int, str]]) -> set[int]:
    """What is called so, or else what begins so, case and accents aside."""
    folded = [(thing_id, richtext.fold(name)) for thing_id, name in things]
    found: set[int] = set()
    for name in map(richtext.fold, names):
        whole = {thing_id for thing_id, known in folded if known == name}
        begun = {
            thing_id
            for thing_id, known in folded
            if known.startswith(name) or f" {name}" in known
        }
        found |= whole or begun
    return found


def _expressions(
    asked: Asked, places: set[int] | None, authors: set[int] | None
) -> tuple[str | None, str | None]:
    """The question as FTS5 wants it, for the index of words and for that of parts."""
    tags = [
        f"{column}: ({' OR '.join(map(_letters, sorted(ids)))})"
        for column, ids in (("room", places), ("author", authors))
        if ids is not None and len(ids) <= MOST_NAMED
    ]
    as_words = [words.as_words(word) for word in asked.words]
    as_parts = [words.as_part(word) for word in asked.words]
    return (
        _joined(as_words, [words.as_words(word) for word in asked.without], tags),
        (
            _joined(as_parts, [words.as_part(word) for word in asked.without], tags)
            if as_parts and None not in as_parts
            else None
        ),
    )


def _joined(
    wanted: Sequence[str | None], unwanted: Sequence[str | None], tags: Sequence[str]
) -> str | None:
    said = [word for word in wanted if word is not None]
    spared = [word for word in unwanted if word is not None]
    if not (said or (spared and tags)):
        return None
    match = " AND ".join([*said, *tags])
    return f"({match}) NOT ({' OR '.join(spared)})" if spared else match


def _letters(number: int) -> str:
    """An id as the index writes it: see `messages_indexed`."""
    digits = (number // LETTERS**2, number // LETTERS, number)
    return '"' + "".join(chr(FIRST_LETTER + digit % LETTERS) for digit in digits) + '"'


def _ranked(db: Reads, match: str, found: Sequence[int]) -> list[int]:
    """The newest that were found, the most fitting first; parts of words come last."""
    if not found:
        return []
    ranks = dict(
        db.rows(
            """SELECT rowid, bm25(messages_words) FROM messages_words
               WHERE messages_words MATCH ? AND rowid BETWEEN ? AND ?""",
            (match, found[-1], found[0]),
        )
    )
    return sorted(found, key=lambda id: (ranks.get(id, 0.0), -id))


def _hits(
    db: Reads, user_id: int, asked: Asked, match: str | None, shown: Sequence[int]
) -> list[Hit]:
    ids = json.dumps(list(shown))
    marked: dict[int, tuple[str, str]] = {}
    if match is not None:
        marked = {
            message_id: (plain, filenames)
            for message_id, plain, filenames in db.rows(
                # Without the plus the index would be asked anew for each id.
                """SELECT rowid, highlight(messages_words, 0, :open, :close),
                          highlight(messages_words, 1, :open, :close)
                   FROM messages_words
                   WHERE messages_words MATCH :match
                     AND rowid BETWEEN :first AND :last
                     AND +rowid IN (SELECT value FROM json_each(:ids))""",
                {
                    "match": match,
                    "ids": ids,
                    "first": min(shown, default=0),
                    "last": max(shown, default=0),
                    "open": richtext.OPEN,
                    "close": richtext.CLOSE,
                },
            )
        }
    by_id = {message.id: message for message in messages.among(db, user_id, shown)}
    names = rooms.names(db, user_id, {each.room_id for each in by_id.values()})
    return [
        Hit(
            by_id[message_id],
            names[by_id[message_id].room_id],
            _snippet(by_id[message_id], asked, marked.get(message_id)),
        )
        for message_id in shown
        if message_id in by_id
    ]


def _snippet(message: Message, asked: Asked, marked: tuple[str, str] | None) -> str:
    """The words around what was found first, and what was found in them marked."""
    candidates = list(marked or ())
    candidates.append(_marked(message.plain, asked.words))
    text = next((text for text in candidates if richtext.OPEN in text), message.plain)
    start = max(0, text.find(richtext.OPEN) - BEFORE_MARK)
    if start:
        start = max(start, text.rfind(" ", 0, start + BEFORE_MARK // 2) + 1)
    cut = text[start : start + WINDOW]
    if cut.rfind(richtext.OPEN) > cut.rfind(richtext.CLOSE):
        cut += richtext.CLOSE
    return ("…" if start else "") + cut + ("…" if start + WINDOW < len(text) else "")


def _marked(text: str, wanted: Iterable[Word]) -> str:
    """The text with marks around the words, wherever they stand in it."""
    folded, places = "", []
    for place, letter in enumerate(text):
        for each in unicodedata.normalize("NFKD", letter).casefold():
            if not unicodedata.combining(each):
                folded += each
                places.append(place)
    is_found = [False] * (len(text) + 1)
    for word in wanted:
        looked_for = "".join(
            each
            for each in unicodedata.normalize("NFKD", word.text).casefold()
            if not unicodedata.combining(each)
        )
        at = folded.find(looked_for) if looked_for else -1
        while at >= 0:
            for place in places[at : at + len(looked_for)]:
                is_found[place] = True
            at = folded.find(looked_for, at + len(looked_for))
    parts = []
    was_found = False
    for letter, found in zip(text + " ", is_found):
        if found != was_found:
            parts.append(richtext.OPEN if found else richtext.CLOSE)
            was_found = found
        parts.append(letter)
    return "".join(parts)[:-1]


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
        {"user": user_id, "ids": json.dumps(list(message_ids)), "most": WINDOW},
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
    """Makes both indexes anew from what the messages say."""
    for sql in (*REBUILD, *triggers):
        tx.row(sql)


def faults(tx: Tx) -> list[str]:
    """Which index does not say what the messages say; each is read whole."""
    return [index for index, check in CHECK.items() if not _passes(tx, check)]


def _passes(tx: Tx, check: str) -> bool:
    try:
        tx.row(check)
    except Fault:
        return False
    return True


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


def forget(tx: Tx, user_id: int) -> None:
    """Forgets what the person looked for."""
    tx.row("DELETE FROM searches WHERE user_id = ?", (user_id,))
