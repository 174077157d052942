"""How text is cut for the search index, and what somebody asked for into its words.

Scripts that are written without spaces are cut into overlapping pairs of characters;
the rest is left to the tokenizers of FTS5. Pure, and safe for any text.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final, Literal

MOST_WORDS: Final = 12
LONGEST_WORD: Final = 64
SHORTEST_PART: Final = 3
# The columns of words: what stands for rooms and people is in others.
SAID: Final = "{plain filenames}"

# Han, kana, Hangul, Thai, Lao, Myanmar, Khmer: words are not parted by spaces there, or
# not where one would look for them.
UNSPACED: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u30ff"
    "\u3130-\u318f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff"
    "\uf900-\ufaff\U00020000-\U0003ffff]+"
)
ASKED: Final = re.compile(
    r"(?P<without>-)?(?:(?P<filter>from|in|has|before|after):)?"
    r'(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))',
    re.IGNORECASE,
)

Has = Literal["file", "link"]


@dataclass(frozen=True, slots=True)
class Word:
    """A word or, from between quotes, a phrase that is looked for as it stands."""

    text: str
    is_phrase: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody looks for. `before` and `after` are UTC milliseconds."""

    words: Sequence[Word] = ()
    without: Sequence[Word] = ()
    from_names: Sequence[str] = ()
    in_names: Sequence[str] = ()
    has: frozenset[Has] = frozenset()
    before: int | None = None
    after: int | None = None

    @property
    def is_empty(self) -> bool:
        return self == Asked()


def composed(text: str) -> str:
    """One form for the many that Unicode has for the same letters (NFKC)."""
    return unicodedata.normalize("NFKC", text.replace("\0", " "))


def pairs(text: str) -> str:
    """Every pair of neighbours in what is written without spaces, for the index."""
    return " ".join(
        pair for run in UNSPACED.findall(composed(text)) for pair in _paired(run)
    )


def _paired(run: str) -> Iterator[str]:
    if len(run) == 1:
        yield run
    for first, second in zip(run, run[1:]):
        yield first + second


def asked(text: str) -> Asked:
    """Reads a query: words, "phrases", -without, and filters. Any text is one.

    What looks like a filter and is none, such as a date that does not exist, is
    looked for as it was written.
    """
    words: list[Word] = []
    without: list[Word] = []
    names: dict[str, list[str]] = {"from": [], "in": []}
    has: set[Has] = set()
    times: dict[str, int] = {}
    for found in ASKED.finditer(composed(text)):
        kind = (found["filter"] or "").lower()
        value = found["phrase"] if found["phrase"] is not None else found["word"]
        if kind in names and not found["without"] and value.strip("@# "):
            names[kind].append(value.strip("@# "))
        elif kind == "has" and not found["without"] and value.lower() == "file":
            has.add("file")
        elif kind == "has" and not found["without"] and value.lower() == "link":
            has.add("link")
        elif kind in ("before", "after") and (moment := _moment(value)) is not None:
            times[kind] = moment
        else:
            whole = f"{kind}:{value}" if kind else value
            word = Word(whole[:LONGEST_WORD], found["phrase"] is not None)
            if any(map(str.isalnum, word.text)):
                (without if found["without"] else words).append(word)
    return Asked(
        tuple(words[:MOST_WORDS]),
        tuple(without[:MOST_WORDS]),
        tuple(names["from"][:MOST_WORDS]),
        tuple(names["in"][:MOST_WORDS]),
        frozenset(has),
        times.get("before"),
        times.get("after"),
    )


def without(text: str, *filters: str) -> str:
    """The query without some of its filters: `from`, `before`, `has:file` and so on."""

    def kept(found: re.Match[str]) -> str:
        kind = (found["filter"] or "").lower()
        value = found["phrase"] if found["phrase"] is not None else found["word"]
        is_named = kind in filters or f"{kind}:{value.lower()}" in filters
        return "" if kind and is_named and not found["without"] else found[0]

    return " ".join(ASKED.sub(kept, composed(text)).split())


def _moment(text: str) -> int | None:
    """Midnight of a day, such as 2026-11-23, in UTC milliseconds."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return int(datetime.combine(day, time(), UTC).timestamp()) * 1000


def as_words(word: Word) -> Sequence[str]:
    """The word for the index of words: what has spaces as a phrase, the rest as pairs.

    All of these phrases have to be there; none for what that index cannot hold.
    """
    parts = []
    position = 0
    for run in UNSPACED.finditer(word.text):
        parts.append((SAID, word.text[position : run.start()], ""))
        pairs = " ".join(_paired(run[0]))
        parts.append(("pairs", pairs, "*" if len(run[0]) == 1 else ""))
        position = run.end()
    parts.append((SAID, word.text[position:], ""))
    return [
        f"{columns}: {_quoted(text)}{ending}"
        for columns, text, ending in parts
        if any(map(str.isalnum, text))
    ]


def as_part(word: Word) -> str | None:
    """The word for the index of parts, or None where it is too short for that."""
    if len(word.text) < SHORTEST_PART:
        return None
    return f"{SAID}: {_quoted(word.text)}"


def _quoted(text: str) -> str:
    """As a string of FTS5, in which nothing is an operator."""
    return '"' + text.replace('"', '""').strip() + '"'
