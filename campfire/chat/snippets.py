"""Snippets: what is shown of a message that was found, with marks around it.

Whole words are marked where the index of words would find them, because its tokenizer
cuts the message too; where none is, parts of words are.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

from campfire.chat import files, richtext
from campfire.chat.messages import Message
from campfire.chat.words import Word
from campfire.database import Reads

WINDOW: Final = 160
BEFORE_MARK: Final = 60
# As the index of words is made: see the migrations.
TOKENIZER: Final = ("porter", "unicode61", "remove_diacritics", "2")

# Where something begins and ends in a text.
Span = tuple[int, int]


def snippet(db: Reads, message: Message, wanted: Sequence[Word]) -> str:
    """The words around what was found first, between `richtext.OPEN` and `CLOSE`."""
    text = _marked(db, message, wanted)
    start = max(0, text.find(richtext.OPEN) - BEFORE_MARK)
    if start:
        start = max(start, text.rfind(" ", 0, start + BEFORE_MARK // 2) + 1)
    cut = text[start : start + WINDOW]
    if cut.rfind(richtext.OPEN) > cut.rfind(richtext.CLOSE):
        cut += richtext.CLOSE
    return ("…" if start else "") + cut + ("…" if start + WINDOW < len(text) else "")


def _marked(db: Reads, message: Message, wanted: Sequence[Word]) -> str:
    """What the message says, or the names of its files where only they were found."""
    plain, filenames = message.plain, files.names(message.attachments)
    phrases = [
        [token for _, _, token in db.tokens(word.text.encode(), *TOKENIZER)]
        for word in wanted
    ]
    for text in (plain, filenames):
        if spans := _words(db, text, phrases):
            return _with_marks(text, spans)
    return _with_marks(plain, _parts(plain, wanted))


def _words(db: Reads, text: str, phrases: Sequence[Sequence[str]]) -> list[Span]:
    """Where the phrases stand in the text."""
    data = text.encode()
    tokens = db.tokens(data, *TOKENIZER)
    stems = [token for _, _, token in tokens]
    spans = []
    letters = at = 0
    for place, (start, _, stem) in enumerate(tokens):
        for phrase in phrases:
            last = place + len(phrase)
            if phrase[:1] == [stem] and phrase == stems[place:last]:
                letters += len(data[at:start].decode())
                at, end = start, tokens[last - 1][1]
                spans.append((letters, letters + len(data[start:end].decode())))
    return spans


def _parts(text: str, wanted: Iterable[Word]) -> list[Span]:
    """Where the words stand in the text, case and accents aside, within words too."""
    letters = [
        (each, place) for place, letter in enumerate(text) for each in _folded(letter)
    ]
    folded = "".join(each for each, _ in letters)
    spans = []
    for looked_for in filter(None, (_folded(word.text) for word in wanted)):
        at = folded.find(looked_for)
        while at >= 0:
            end = at + len(looked_for)
            spans.append((letters[at][1], letters[end - 1][1] + 1))
            at = folded.find(looked_for, end)
    return spans


def _folded(text: str) -> str:
    return "".join(
        letter
        for letter in unicodedata.normalize("NFKD", text).casefold()
        if not unicodedata.combining(letter)
    )


def _with_marks(text: str, spans: Iterable[Span]) -> str:
    """The text with marks around the spans; those that touch are one."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            start, before = joined.pop()
            end = max(end, before)
        joined.append((start, end))
    pieces, done = [], 0
    for start, end in joined:
        pieces += [text[done:start], richtext.OPEN, text[start:end], richtext.CLOSE]
        done = end
    return "".join([*pieces, text[done:]])
