"""Scopes: where a search looks, and how the index of words is told so.

Room, author, and whether there is a file or a link stand in the index as words of three
letters, so that their lists of messages meet there; `messages_indexed` writes them.
What the index is not told is tested hit by hit, whatever it was told.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, replace
from typing import Final

from campfire.chat import richtext
from campfire.chat.words import Asked, Has
from campfire.database import Reads

# More rooms or authors than this are tested hit by hit, and so are rooms that hold more
# than one message in MUCH.
MOST_NAMED: Final = 100
MUCH: Final = 4
NEVER: Final = 2**63 - 1
DAY: Final = 24 * 3600 * 1000
FIRST_LETTER, LETTERS = 44_032, 10_000
AUTHORS: Final = 1_000_000
HAS: Final[dict[Has, str]] = {"file": "fil", "link": "lin"}


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Where to look, besides the words: what a program or a page of results asks.

    `before` and `after` are ids of messages: they choose a page, and count nothing out.
    """

    room_id: int | None = None
    creator_id: int | None = None
    before: int | None = None
    after: int | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """Where to look: in which rooms, at whose messages, when.

    `places` says how much happened in each room; they are all that the person is in
    where `is_everywhere`. `authors` is None for everybody. Messages lie between the ids
    `after` and `before`, and were written at the time `since` or later, before `until`.
    """

    user_id: int
    newest_id: int
    places: Mapping[int, int]
    is_everywhere: bool
    authors: Set[int] | None
    after: int
    before: int
    since: int
    until: int

    @property
    def is_empty(self) -> bool:
        nobody = self.authors is not None and not self.authors
        return nobody or not self.places or not self.length

    @property
    def length(self) -> int:
        """How many messages there are to look through at most."""
        return max(0, self.before - self.after - 1)

    def within(self, narrowed: Narrowed) -> "Scope":
        """The part that a page is chosen from."""
        after, before = self.after, self.before
        if narrowed.after is not None:
            after = max(after, narrowed.after)
        if narrowed.before is not None:
            before = min(before, narrowed.before)
        return replace(self, after=after, before=before)

    @property
    def by_anybody(self) -> "Scope":
        """The same rooms, whoever wrote there, and whenever."""
        before = self.newest_id + 1
        return replace(self, authors=None, after=0, before=before, since=0, until=NEVER)

    def tags(self, asked: Asked) -> list[str]:
        """What is asked for besides words, for the index of words."""
        places, authors = self.places, self.authors
        by_room = self._is_by_room(asked)
        tags = has(asked)
        if authors is not None and by_room and len(places) * len(authors) <= MOST_NAMED:
            both = [room * AUTHORS + id % AUTHORS for room in places for id in authors]
            return [*tags, tag("room_author", both)]
        if authors is not None and len(authors) <= MOST_NAMED:
            tags.append(tag("author", authors))
        return [*tags, tag("room", places)] if by_room else tags

    def tags_of_parts(self, asked: Asked) -> list[str]:
        """The same for the index of parts, which knows no authors."""
        tags = has(asked)
        return [*tags, tag("room", self.places)] if self._is_by_room(asked) else tags

    def _is_by_room(self, asked: Asked) -> bool:
        """The list of a room is met with others only where it is short: to walk a long
        one costs more than to test what is not in it."""
        is_long = MUCH * sum(self.places.values()) >= self.newest_id
        # What is left out needs something to be left out of.
        named = self.authors is not None and len(self.authors) <= MOST_NAMED
        is_needed = asked.without and not (asked.words or asked.has or named)
        return bool(is_needed) or (len(self.places) <= MOST_NAMED and not is_long)


def has(asked: Asked) -> list[str]:
    return [f'has: "{HAS[kind]}"' for kind in sorted(asked.has)]


def tag(column: str, numbers: Iterable[int]) -> str:
    return f"{column}: ({' OR '.join(map(letters, sorted(numbers)))})"


def letters(number: int) -> str:
    digits = (number // LETTERS**2, number // LETTERS, number)
    return '"' + "".join(chr(FIRST_LETTER + digit % LETTERS) for digit in digits) + '"'


def of(db: Reads, user_id: int, asked: Asked, narrowed: Narrowed) -> Scope:
    """Where the person may look, and wants to."""
    newest_id = db.value("SELECT ifnull(max(id), 0) FROM messages")
    after, before = between(db, asked, newest_id)
    return Scope(
        user_id,
        newest_id,
        places(db, user_id, asked, narrowed),
        not asked.in_names and narrowed.room_id is None,
        authors(db, user_id, asked, narrowed),
        after,
        before,
        asked.after or 0,
        NEVER if asked.before is None else asked.before,
    )


def places(db: Reads, user_id: int, asked: Asked, narrowed: Narrowed) -> dict[int, int]:
    mine = db.rows(
        """SELECT rooms.id, rooms.name, rooms.seq FROM memberships
           JOIN rooms ON rooms.id = memberships.room_id
           WHERE memberships.user_id = ?""",
        (user_id,),
    )
    seqs = {room_id: seq for room_id, _, seq in mine}
    if asked.in_names:
        called = named(asked.in_names, [(id, name) for id, name, _ in mine if name])
        seqs = {room_id: seqs[room_id] for room_id in called}
    if narrowed.room_id is not None:
        seqs = {id: seq for id, seq in seqs.items() if id == narrowed.room_id}
    return seqs


def authors(
    db: Reads, user_id: int, asked: Asked, narrowed: Narrowed
) -> set[int] | None:
    chosen = None if narrowed.creator_id is None else {narrowed.creator_id}
    if asked.from_names:
        called = named(asked.from_names, db.rows("SELECT id, name FROM users"))
        if "me" in map(str.lower, asked.from_names):
            called.add(user_id)
        chosen = called if chosen is None else chosen & called
    return chosen


def named(names: Iterable[str], things: Iterable[tuple[int, str]]) -> set[int]:
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


def between(db: Reads, asked: Asked, newest_id: int) -> tuple[int, int]:
    """The last message before the days that are asked for, and the first one after.

    Where a clock went wrong, some between them are of other days.
    """
    if asked.after is None and asked.before is None:
        return 0, newest_id + 1
    first = (asked.after or 0) // DAY
    last = (NEVER if asked.before is None else asked.before - 1) // DAY
    after, before = db.row(
        """SELECT ifnull(min(first_id) - 1, 0), ifnull(max(last_id) + 1, 0)
           FROM days WHERE day BETWEEN ? AND ?""",
        (first, last),
    )
    return after, min(before, newest_id + 1)
