"""What a message may contain: Markdown in, sanitized HTML and plain text out.

Pure and safe on any thread. A mention is kept as a mark around the person's id, in
source and HTML alike, and gets the current name whenever the message is shown.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from html.parser import HTMLParser
from typing import Final
from urllib.parse import quote

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from campfire.refusals import Invalid

LONGEST: Final = 65_536
MOST_MENTIONS: Final = 100

# Characters of the private use area, which nobody can send: they are replaced.
# A mark holds the id of whom a message mentions. A stand-in takes the place of what
# could be a mention until parsing has shown whether it stands in words or in code.
OPEN, CLOSE, STAND_IN, STAND_OUT = PRIVATE = "\ue000\ue001\ue002\ue003"
MARK: Final = re.compile(f"{OPEN}([0-9]{{1,19}}){CLOSE}")
STANDING: Final = re.compile(f"{STAND_IN}([0-9]{{1,9}}){STAND_OUT}")
STANDING_IN_URL: Final = re.compile(
    f"{quote(STAND_IN)}([0-9]{{1,9}}){quote(STAND_OUT)}", re.IGNORECASE
)
REPLACED: Final = str.maketrans({"\0": None} | dict.fromkeys(PRIVATE, "\ufffd"))
TASK: Final = re.compile(r"\[([ xX])\][ \t]+(?=\S)")
CALL: Final = re.compile(r"(?<![\w\\/])@(?=\S)|<@(\d{1,18})>")

CLEANER: Final = nh3.Cleaner(
    tags={
        *("a", "b", "blockquote", "br", "cite", "code", "del", "em", "h1", "h2"),
        *("h3", "h4", "h5", "h6", "hr", "i", "input", "li", "ol", "p", "pre", "s"),
        *("strong", "table", "tbody", "td", "th", "thead", "tr", "u", "ul"),
    },
    clean_content_tags={"script", "style"},
    attributes={
        "a": {"href"},
        "ol": {"start"},
        "input": {"checked", "disabled"},
    },
    tag_attribute_values={
        "input": {"type": {"checkbox"}, "aria-label": {"Done", "To do"}}
    },
    set_tag_attribute_values={"input": {"disabled": "disabled"}},
    url_schemes={"http", "https", "mailto"},
    url_relative="deny",
    link_rel="noopener noreferrer nofollow",
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A message body, ready to be kept; `mentions` are ids in order of appearance."""

    source: str
    html: str
    plain: str
    mentions: Sequence[int]


def draft(text: str, people: Iterable[tuple[int, str]] = ()) -> Draft:
    """Renders what somebody wrote; `people` are those whom it can mention.

    Raises Invalid when nothing in it can be seen, or over 64 KiB of UTF-8.
    """
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError:
        raise Invalid("This is not text.", body="It cannot be written down.") from None
    if size > LONGEST:
        raise Invalid("This message is too long.", body="64 KiB is the limit.")
    text = text.translate(REPLACED)
    people = list(people)
    marked, calls = _marked(text, people) if "@" in text else (text, [])
    mentioned: set[int] = set()
    html = MARKDOWN.render(marked, {"calls": calls, "mentioned": mentioned})
    html = CLEANER.clean(html)
    words = _Plain()
    words.feed(html)
    words.close()
    if not words.are_visible:
        raise Invalid("This message is empty.", body="Write something.")

    def kept(mark: re.Match[str]) -> str:
        call = calls[int(mark[1])]
        return (
            f"{OPEN}{call.user_id}{CLOSE}" if int(mark[1]) in mentioned else call.typed
        )

    in_order = dict.fromkeys(calls[index].user_id for index in sorted(mentioned))
    plain = words.text(dict(people))
    return Draft(STANDING.sub(kept, marked), html, plain, tuple(in_order))


def is_visible(text: str) -> bool:
    """Whether a reader would see anything: not only spaces and control characters."""
    return any(
        unicodedata.category(letter)[0] not in "ZC" and letter not in "\u2800\u3164"
        for letter in text
    )


@lru_cache(4_096)
def fold(text: str) -> str:
    """The text without case and accents, for comparing names."""
    return "".join(
        letter
        for letter in unicodedata.normalize("NFKD", text).casefold()
        if not unicodedata.combining(letter)
    )


def shown_html(html: str, names: Mapping[int, str]) -> str:
    """The HTML with every mention as a link that carries the current name."""

    def chip(mark: re.Match[str]) -> str:
        user_id = int(mark[1])
        if (name := names.get(user_id)) is None:
            return '<span class="mention is-missing">@…</span>'
        return (
            f'<a class="mention" href="/users/{user_id}"'
            f' data-user-id="{user_id}">@{escape(name)}</a>'
        )

    return MARK.sub(chip, html) if OPEN in html else html


def shown_source(source: str, names: Mapping[int, str]) -> str:
    """The Markdown as its author may edit it: `@Name`, or `<@ID>` without one name."""
    return MARK.sub(
        lambda mark: (
            f"@{names[int(mark[1])]}" if int(mark[1]) in names else f"<@{mark[1]}>"
        ),
        source,
    )


@dataclass(frozen=True, slots=True)
class _Call:
    user_id: int
    typed: str


def _marked(text: str, people: Sequence[tuple[int, str]]) -> tuple[str, list[_Call]]:
    """Puts a stand-in in place of everything that could be a mention.

    A name that two people share calls nobody; `<@ID>` says which of them is meant.
    """
    ids = {user_id for user_id, _ in people}
    by_name: dict[str, int | None] = {}
    for user_id, name in people:
        folded = fold(name)
        by_name[folded] = None if folded in by_name else user_id
    longest = max((len(name) for name in by_name), default=0)
    first_letters = {name[:1] for name in by_name}
    calls: list[_Call] = []
    parts: list[str] = []
    position = 0
    for call in CALL.finditer(text):
        if call.start() < position or len(calls) == MOST_MENTIONS:
            continue
        end = call.end()
        called = None
        if call[1] is not None:
            called = int(call[1]) if int(call[1]) in ids else None
        elif fold(text[end])[:1] in first_letters:
            called, end = _named(text, end, by_name, longest)
        if called is not None:
            parts += (
                text[position : call.start()],
                STAND_IN,
                str(len(calls)),
                STAND_OUT,
            )
            calls.append(_Call(called, text[call.start() : end]))
            position = end
    return "".join(parts) + text[position:], calls


def _named(
    text: str, start: int, by_name: Mapping[str, int | None], longest: int
) -> tuple[int | None, int]:
    """Who is called by the longest name that stands here whole, and where it ends."""
    found, end = None, start
    folded = ""
    for position in range(start, len(text)):
        folded += fold(text[position])
        if len(folded) > longest:
            break
        after = text[position + 1 : position + 2]
        if after and (after.isalnum() or after == "_" or unicodedata.combining(after)):
            continue
        if (user_id := by_name.get(folded)) is not None:
            found, end = user_id, position + 1
    return found, end


def _mention(state: StateInline, silent: bool) -> bool:
    """The inline rule: a stand-in that is reached here stands in words."""
    standing = STANDING.match(state.src, state.pos)
    if standing is None:
        return False
    if not silent:
        index = int(standing[1])
        call = state.env["calls"][index]
        if state.linkLevel:  # A link inside a link is none.
            state.push("text", "", 0).content = call.typed
        else:
            state.env["mentioned"].add(index)
            state.push("mention", "", 0).content = f"{OPEN}{call.user_id}{CLOSE}"
    state.pos = standing.end()
    return True


def _settle(state: StateCore) -> None:
    """The last rule: a stand-in that is left stands in code or in an address.

    Entities, percent escapes and Punycode can spell the characters that mark things;
    whatever they spelled is replaced here, so that a mark is always ours.
    """
    calls: Sequence[_Call] = state.env["calls"]

    def typed(mark: re.Match[str]) -> str:
        index = int(mark[1])
        return calls[index].typed if index < len(calls) else "\ufffd"

    def settled(text: str) -> str:
        return STANDING.sub(typed, text).translate(REPLACED)

    for block in state.tokens:
        for token in (block, *(block.children or ())):
            if token.type != "mention":
                token.content = settled(token.content)
            for name, value in token.attrs.items():
                if isinstance(value, str):
                    value = STANDING_IN_URL.sub(lambda mark: quote(typed(mark)), value)
                    token.attrs[name] = settled(value)


def _tasks(core: StateCore) -> None:
    """Makes a box of `[ ]` or `[x]` at the start of an item; in one pass, as the
    plugin for it takes seconds for a long list."""
    tokens = core.tokens
    for item, paragraph, inline in zip(tokens, tokens[1:], tokens[2:]):
        if item.type != "list_item_open" or paragraph.type != "paragraph_open":
            continue
        task = TASK.match(inline.content)
        if not task or not inline.children or inline.children[0].type != "text":
            continue
        words = inline.children[0]
        words.content = words.content.removeprefix(task[0])
        state = 'aria-label="To do"' if task[1] == " " else 'aria-label="Done" checked'
        box = Token("html_inline", "", 0)
        box.content = f'<input type="checkbox" disabled {state}> '
        inline.children.insert(0, box)


def _parser() -> MarkdownIt:
    """CommonMark with strikethrough, tables, tasks and bare links; breaks as typed.

    No images: a picture on somebody's server would tell who reads and when.
    """
    options = {"html": False, "linkify": True, "breaks": True}
    parser = MarkdownIt("commonmark", options)
    parser.enable(["strikethrough", "table", "linkify"]).disable("image")
    parser.core.ruler.after("inline", "tasks", _tasks)
    parser.inline.add_terminator_char(STAND_IN)
    parser.inline.ruler.before("link", "mention", _mention)
    parser.core.ruler.push("settle", _settle)
    parser.add_render_rule("mention", _shown)
    return parser


def _shown(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, *given: object
) -> str:
    return tokens[index].content


MARKDOWN: Final = _parser()


class _Plain(HTMLParser):
    """Collects the words of sanitized HTML, laid out as lines.

    For search, notifications and programs, and to know whether there are any.
    """

    BLOCKS: Final = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "table"}

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.lists: list[int | None] = []
        self.are_visible = False

    def text(self, names: Mapping[int, str]) -> str:
        text = "".join(self.parts).strip()
        return MARK.sub(lambda mark: "@" + names.get(int(mark[1]), "…"), text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        match tag:
            case "br" | "hr":
                self.parts.append("\n")
            case "ul":
                self.lists.append(None)
            case "ol":
                start = dict(attrs).get("start") or "1"
                self.lists.append(int(start) if start.isdecimal() else 1)
            case "li":
                self._item()
            case "blockquote":
                self.parts.append("\u201c")

    def handle_endtag(self, tag: str) -> None:
        if tag == "blockquote":
            self._rstrip()
            self.parts.append("\u201d\n\n")
        elif tag in ("ul", "ol"):
            self._rstrip()
            self.lists.pop()
            self.parts.append("\n" if self.lists else "\n\n")
        elif tag in self.BLOCKS:
            self._rstrip()
            self.parts.append("\n\n")
        elif tag in ("li", "tr"):
            self._rstrip()
            self.parts.append("\n")
        elif tag in ("td", "th"):
            self.parts.append("\t")

    def handle_data(self, data: str) -> None:
        self.are_visible = self.are_visible or is_visible(data)
        if self.parts and self.parts[-1] == "\n":  # A break has one already.
            data = data.removeprefix("\n")
        if data != "\n":
            self.parts.append(data)

    def _item(self) -> None:
        number = self.lists[-1] if self.lists else None
        if number is not None:
            self.lists[-1] = number + 1
        if len(self.lists) > 1:
            self._rstrip()
            self.parts.append("\n" + "  " * (len(self.lists) - 1))
        self.parts.append("\u2022 " if number is None else f"{number}. ")

    def _rstrip(self) -> None:
        while self.parts and not (kept := self.parts[-1].rstrip()):
            self.parts.pop()
        if self.parts:
            self.parts[-1] = kept
