"""What a message may contain: Markdown in, sanitized HTML and plain text out.

Pure and safe on any thread. A mention is kept as a mark around the person's id, in
source and HTML alike, and gets the current name whenever the message is shown.
"""

import json
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock, table
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from campfire.chat import colours
from campfire.chat.words import pairs
from campfire.refusals import Invalid

LONGEST: Final = 65_536
MOST_MENTIONS: Final = 100
MOST_LINKS: Final = 100
DEEPEST: Final = 32
# Characters of code that get colours, over all of one message.
MOST_COLOURED: Final = 16_384
LONGEST_LANGUAGE: Final = 32
MOST_CELLS: Final = 20_000
# Elements of one message, besides table cells and the colours of code.
MOST_ELEMENTS: Final = 2_000
MOST_LINES: Final = 4_000
# Lists and quotations that the lines of one message open: each line each of its own.
MOST_OPENED: Final = 1_200
# Lines times the most that one of them opens, as a line may go on with all of those.
MOST_CONTINUED: Final = 24_000
# Parsing the words of one message may cost as much as this many marks do.
MOST_MARKS: Final = 3_000
EVERYONE: Final = 0

# Characters of the private use area, which nobody can send: they are replaced.
# A mark holds the id of whom a message mentions. A stand-in takes the place of what
# could be a mention until parsing has shown whether it stands in words or in code.
OPEN, CLOSE, STAND_IN, STAND_OUT = PRIVATE = "\ue000\ue001\ue002\ue003"
# How a link to somebody begins; nobody else's link has a class.
PEOPLE: Final = '<a class="mention" href="/'
MARK: Final = re.compile(f"{OPEN}([0-9]{{1,19}}){CLOSE}")
STANDING: Final = re.compile(f"{STAND_IN}([0-9]{{1,9}}){STAND_OUT}")
STANDING_IN_URL: Final = re.compile(
    f"{quote(STAND_IN)}([0-9]{{1,9}}){quote(STAND_OUT)}", re.IGNORECASE
)
REPLACED: Final = str.maketrans({"\0": None} | dict.fromkeys(PRIVATE, "\ufffd"))
TASK: Final = re.compile(r"\[([ xX])\][ \t]+(?=\S)")
WEB: Final = re.compile(r"https?://\S+", re.IGNORECASE)
CALL: Final = re.compile(r"(?<![\w\\/])@(?=\S)|<@([1-9]\d{0,17})>", re.ASCII)
# What the cleaner makes of a tag; its quotes hold no quotation mark.
TAG: Final = re.compile(r'<(/?)([a-z][a-z0-9]*)((?: [a-z-]+="[^"]*")*)>')
# A colon that belongs to a time or a path is part of no emoji.
EMOJI: Final = re.compile(r"(?<![\w:]):([a-z0-9_+-]{1,40}):(?!\w)", re.ASCII)
# The list with which a browser completes what is typed, copied from npm at setup.
EMOJI_FILE: Final = Path(__file__).parents[1] / "static" / "vendor" / "emoji.json"
# Marks that pile up on one letter, in the scripts where they do; eight are enough.
MARKS: Final = (
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u064b-\u065f\u0e31\u0e34-\u0e3a"
    "\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20f0"
    "\ufe20-\ufe2f]"
)
PILE: Final = re.compile(f"({MARKS}{{8}}){MARKS}+")
SPELLED: Final = re.compile(
    r"&#(?:x0*e00[0-3](?![0-9a-f])|0*5734[4-7](?![0-9]));?", re.IGNORECASE
)

# What the parser stops at in words: an address takes it about thrice as long as a
# mark, a sign an eighth.
STOPS: Final = re.compile(r"[*_~`\[\]!<>&\\\n]")
ADDRESSES: Final = re.compile(r"://|[.@](?=[^\W\d_])")
SIGNS: Final = re.compile(r"[-:@=+#%$^{}(]")
OPENER: Final = re.compile(r">|(?:[-+*]|\d{1,9}[.)])(?=\s)")
OPENERS: Final = re.compile(rf"^(?:[ \t]*(?:{OPENER.pattern}))+", re.MULTILINE)
ELEMENTS: Final = re.compile(r'<(?!span class="hl-|t[dh]\b)[a-z]')
BLANK: Final = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
ALIGNED: Final = {"text-align:right": "is-number", "text-align:center": "is-centred"}

VOID: Final = {"br", "hr", "input"}

CLEANER: Final = nh3.Cleaner(
    tags={
        *("a", "abbr", "b", "blockquote", "br", "cite", "code", "dd", "del", "dfn"),
        *("div", "dl", "dt", "em", "figcaption", "figure", "h1", "h2", "h3", "h4"),
        *("h5", "h6", "hr", "i", "input", "ins", "kbd", "li", "ol", "p", "pre", "s"),
        *("samp", "small", "span", "strong", "sub", "sup", "table", "tbody", "td"),
        *("th", "thead", "tr", "u", "ul", "var"),
    },
    clean_content_tags={"script", "style"},
    attributes={
        "*": set(),
        "a": {"href", "title"},
        "code": {"data-language"},
        "ol": {"start"},
        "input": {"checked", "disabled"},
    },
    tag_attribute_values={
        "input": {"type": {"checkbox"}, "aria-label": {"Done", "To do"}},
        "span": {"class": set(colours.CLASSES)},
        "td": {"class": set(ALIGNED.values())},
        "th": {"class": set(ALIGNED.values())},
    },
    set_tag_attribute_values={"input": {"disabled": "disabled"}},
    url_schemes={"http", "https", "mailto"},
    url_relative="deny",
    link_rel="noopener noreferrer nofollow",
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A message body, ready to be kept; `mentions` are ids in order of appearance.

    `calls_everyone` is a call to all in the room, which is none of the `mentions`.
    `links` are the addresses on the web that one can follow from it, in order and
    each once; an address in code is none of them. `quoted` are those of them that
    stand in a quotation.
    """

    source: str
    html: str
    plain: str
    mentions: Sequence[int] = ()
    links: Sequence[str] = ()
    calls_everyone: bool = False
    pairs: str = ""
    quoted: Sequence[str] = ()


EMPTY: Final = Draft("", "", "")


def draft(
    text: str,
    people: Iterable[tuple[int, str]] = (),
    *,
    is_bot: bool = False,
    may_be_empty: bool = False,
    may_call_everyone: bool = False,
) -> Draft:
    """Renders what somebody wrote; `people` are those whom it can mention.

    HTML is shown as text, except from a bot, whose HTML is cleaned. A text that would
    become too many elements, too deep, or too much work is shown as it was typed. An
    id of nobody among `people` has a mark too and mentions nobody. Raises Invalid over
    64 KiB of UTF-8, and when nothing in it can be seen, unless it `may_be_empty`
    because something else will be there to see.
    """
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError:
        raise Invalid("This is not text.", body="It cannot be written down.") from None
    if size > LONGEST:
        raise Invalid("This message is too long.", body="64 KiB is the limit.")
    text = text.translate(REPLACED)
    names = dict(people)
    marked, calls = text, list[_Call]()
    if "@" in text:
        marked, calls = _marked(text, names, may_call_everyone)
    mentioned: set[int] = set()
    html = _rendered(marked, calls, mentioned, is_bot)
    is_typed = html is None
    if html is None:
        html = _typed(marked, calls, mentioned)
    if not html.isascii():
        html = PILE.sub(r"\1", html)
    words = _Plain(html)
    if not is_typed and (
        is_bot
        or words.has_dead_link
        or words.depth > DEEPEST
        or html.count("<a ") > MOST_LINKS
    ):
        html = _cleaned(_fitted(html, calls, mentioned))
        words = _Plain(html)
    if not words.are_visible:
        if may_be_empty:
            return EMPTY
        raise Invalid("This message is empty.", body="Write something.")

    def kept(mark: re.Match[str]) -> str:
        call = calls[int(mark[1])]
        return (
            f"{OPEN}{call.user_id}{CLOSE}" if int(mark[1]) in mentioned else call.typed
        )

    called = dict.fromkeys(calls[index].user_id for index in sorted(mentioned))
    plain = words.text({**names, EVERYONE: "everyone"})
    return Draft(
        source=STANDING.sub(kept, marked),
        html=html,
        plain=plain,
        mentions=tuple(user_id for user_id in called if user_id in names),
        links=tuple(words.links),
        calls_everyone=EVERYONE in called,
        pairs="" if plain.isascii() else pairs(plain),
        quoted=tuple(words.quoted),
    )


def is_visible(text: str) -> bool:
    """Whether a reader would see anything: not only spaces and control characters."""
    return any(
        unicodedata.category(letter)[0] not in "ZC" and letter not in FILLERS
        for letter in text
    )


# Letters that look empty, and letters whose stroke or bow no decomposition takes off.
FILLERS: Final = "\u115f\u1160\u2800\u3164\uffa0"
PLAIN: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t", "ı": "i"}
    | {"æ": "ae", "œ": "oe", "þ": "th"}
)


@lru_cache(4_096)
def fold(text: str) -> str:
    """The text without case and accents, for comparing names."""
    return "".join(
        letter
        for letter in unicodedata.normalize("NFKD", text).casefold()
        if not unicodedata.combining(letter)
    ).translate(PLAIN)


def shown_html(html: str, names: Mapping[int, str], gone: Collection[int] = ()) -> str:
    """The HTML with every mention as a link that carries the current name.

    Those who are `gone` are named and cannot be visited; a mark without a name is
    shown as somebody who is missing.
    """

    def chip(mark: re.Match[str]) -> str:
        user_id = int(mark[1])
        if user_id == EVERYONE:
            return '<span class="mention is-everyone">@everyone</span>'
        name = names.get(user_id)
        if name is None or user_id in gone:
            return f'<span class="mention is-missing">@{escape(name or "…")}</span>'
        return f'{PEOPLE}users/{user_id}" data-user-id="{user_id}">@{escape(name)}</a>'

    return MARK.sub(chip, html) if OPEN in html else html


def below(base: str, html: str) -> str:
    """What `shown_html` made, with its links to people below a path."""
    return html.replace(PEOPLE, f'<a class="mention" href="{base}/') if base else html


def shown_source(source: str, names: Mapping[int, str]) -> str:
    """The Markdown as its author may edit it: `@Name`, or `<@ID>` without one name."""
    names = {**names, EVERYONE: "everyone"}
    return MARK.sub(
        lambda mark: (
            f"@{names[int(mark[1])]}" if int(mark[1]) in names else f"<@{mark[1]}>"
        ),
        source,
    )


@lru_cache(1)
def emoji() -> Mapping[str, str]:
    """Every emoji by its shortcodes; read when the first one is typed."""
    listed = json.loads(EMOJI_FILE.read_bytes())
    return {
        code: each["emoji"] for each in listed for code in each.get("shortcodes", ())
    }


@dataclass(frozen=True, slots=True)
class _Call:
    user_id: int
    typed: str


def _marked(
    text: str, people: Mapping[int, str], may_call_everyone: bool
) -> tuple[str, list[_Call]]:
    """Puts a stand-in in place of everything that could be a mention.

    A name that two people share calls nobody; `<@ID>` says which of them is meant.
    """
    by_name: dict[str, int | None] = {}
    for user_id, name in people.items():
        folded = fold(name)
        by_name[folded] = None if folded in by_name else user_id
    if may_call_everyone:  # Whoever takes this for a name does not take it away.
        by_name["everyone"] = EVERYONE
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
            called = int(call[1])
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
        if state.md.options.html:
            state.push("mention", "", 0).content = standing[0]  # See `_fitted`.
        elif state.linkLevel:  # A link inside a link is none.
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
            if token.type in ("html_block", "html_inline"):  # See `_fitted`.
                token.content = SPELLED.sub("\ufffd", token.content)
            elif token.type != "mention":
                token.content = settled(token.content)
            token.info = settled(token.info)
            for name, value in token.attrs.items():
                if isinstance(value, str):
                    value = STANDING_IN_URL.sub(lambda mark: quote(typed(mark)), value)
                    token.attrs[name] = settled(value)


class _Beyond(Exception):
    """This Markdown is too deep, or too much work to go on with."""


def _bound(state: StateCore) -> None:
    """The rule between blocks and their words, where code is known and left out."""
    work = 0
    for token in state.tokens:
        if token.nesting == 1 and token.level >= DEEPEST and not token.hidden:
            raise _Beyond
        if token.type == "inline":
            text = token.content
            work += 8 * len(STOPS.findall(text)) + len(SIGNS.findall(text))
            work += 24 * len(ADDRESSES.findall(text))
    if work > 8 * MOST_MARKS:
        raise _Beyond


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


def _emoji(state: StateCore) -> None:
    """Makes emoji of shortcodes in words; a bare address stays as it is."""

    def drawn(code: re.Match[str]) -> str:
        return emoji().get(code[1], code[0])

    for block in state.tokens:
        is_address = False
        for token in block.children or ():
            if token.type == "link_open":
                is_address = token.markup in ("autolink", "linkify")
            elif token.type == "link_close":
                is_address = False
            elif token.type == "text" and not is_address and ":" in token.content:
                token.content = EMOJI.sub(drawn, token.content)


def _parser(*, html: bool = False) -> MarkdownIt:
    """CommonMark with strikethrough, tables, tasks and bare links; breaks as typed.

    No images: a picture on somebody's server would tell who reads and when.
    """
    # Whatever is deeper than `maxNesting` is lost; `_bound` stops at it before.
    options = {"linkify": True, "breaks": True, "maxNesting": DEEPEST + 1}
    parser = MarkdownIt("commonmark", {"html": html, **options})
    parser.enable(["strikethrough", "table", "linkify"]).disable("image")
    parser.core.ruler.after("block", "bound", _bound)
    parser.core.ruler.after("inline", "tasks", _tasks)
    parser.core.ruler.before("text_join", "emoji", _emoji)
    parser.inline.add_terminator_char(STAND_IN)
    parser.inline.ruler.before("link", "mention", _mention)
    parser.core.ruler.push("settle", _settle)
    parser.add_render_rule("mention", _shown)
    parser.add_render_rule("fence", _fence)
    parser.block.ruler.at("table", _table, {"alt": ["paragraph", "reference"]})
    return parser


def _shown(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, *given: object
) -> str:
    return tokens[index].content


def _table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """The block rule for tables, as long as the message is not all cells.

    A row is filled up to the width of the head, so that few bytes make many cells.
    """
    width = state.src.count("|", state.bMarks[start], state.eMarks[start]) + 1
    cells = state.env.get("cells", 0)
    if cells + width * (end - start) > MOST_CELLS:
        return False
    before = len(state.tokens)
    is_table = table(state, start, end, silent)
    if is_table and not silent:
        state.env["cells"] = cells + width * (state.line - start)
        for token in state.tokens[before:]:
            if aligned := ALIGNED.get(str(token.attrs.pop("style", ""))):
                token.attrs["class"] = aligned
    return is_table


def _fence(
    renderer: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    options: object,
    env: MutableMapping[str, Any],
) -> str:
    """Code with its colours, as far as this message has not used up what it may."""
    token = tokens[index]
    language = token.info.split(maxsplit=1)[0][:LONGEST_LANGUAGE] if token.info else ""
    named = f' data-language="{escape(language)}"' if language else ""
    left = env.setdefault("coloured", MOST_COLOURED) - len(token.content)
    coloured = colours.coloured(token.content, language) if left >= 0 else None
    if coloured is None:
        coloured = escape(token.content, quote=False)
    else:
        env["coloured"] = left
    return f"<pre><code{named}>{coloured}</code></pre>\n"


MARKDOWN: Final = _parser()
MARKDOWN_AND_HTML: Final = _parser(html=True)


def _rendered(
    marked: str, calls: Sequence[_Call], mentioned: set[int], is_bot: bool
) -> str | None:
    """The Markdown as cleaned HTML; None when that is beyond what a message may be."""
    lines = len(marked.splitlines())
    opened = [len(OPENER.findall(f"{each[0]} ")) for each in OPENERS.finditer(marked)]
    if (
        lines > MOST_LINES
        or sum(opened) > MOST_OPENED
        or lines * max(opened, default=0) > MOST_CONTINUED
    ):
        return None
    parser = MARKDOWN_AND_HTML if is_bot else MARKDOWN
    environment = {"calls": calls, "mentioned": mentioned}
    try:
        html = parser.render(marked, environment)
    except _Beyond:
        return None
    html = _cleaned(html) if is_bot else CLEANER.clean(html)
    if len(ELEMENTS.findall(html)) > MOST_ELEMENTS:
        mentioned.clear()
        return None
    return html


def _typed(marked: str, calls: Sequence[_Call], mentioned: set[int]) -> str:
    """The text as it was typed, with whom it calls: paragraphs with breaks, or where
    those would be too many, one element with all lines."""

    def called(mark: re.Match[str]) -> str:
        mentioned.add(int(mark[1]))
        return f"{OPEN}{calls[int(mark[1])].user_id}{CLOSE}"

    text = marked.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    text = STANDING.sub(called, escape(text, quote=False))
    if text.count("\n") >= MOST_ELEMENTS:
        return CLEANER.clean(f"<pre>{text}</pre>\n")
    paragraphs = (part.replace("\n", "<br>\n") for part in BLANK.split(text))
    return CLEANER.clean("".join(f"<p>{part}</p>\n" for part in paragraphs))


def _cleaned(html: str) -> str:
    """What the cleaner leaves of somebody's own HTML, when it leaves it as it is.

    Without an element that is not allowed the rest may nest in another way than
    before; what does not settle is shown as text.
    """
    for _ in range(4):
        html, before = CLEANER.clean(html), html
        if html == before:
            return html
    return f"<p>{escape(html, quote=False)}</p>"


def _fitted(html: str, calls: Sequence[_Call], mentioned: set[int]) -> str:
    """Cleaned HTML without what is too deep, links to nowhere, and too many links.

    The words of a tag that goes stay. A stand-in in somebody's own HTML is settled
    here, where it is known what is a word, code, or an address.
    """
    parts: list[str] = []
    open_tags: list[tuple[str, bool]] = []
    links = 0

    def inside(*tags: str) -> bool:
        return any(tag in tags for tag, _ in open_tags)

    def typed(mark: re.Match[str]) -> str:
        return escape(calls[int(mark[1])].typed)

    def called(mark: re.Match[str]) -> str:
        if inside("a", "code", "pre"):
            return typed(mark)
        mentioned.add(int(mark[1]))
        return f"{OPEN}{calls[int(mark[1])].user_id}{CLOSE}"

    position = 0
    for tag in TAG.finditer(html):
        parts.append(STANDING.sub(called, html[position : tag.start()]))
        position = tag.end()
        name = tag[2]
        if tag[1]:
            _, is_kept = open_tags.pop()
        else:
            is_link = name == "a" and ' href="' in tag[3]
            links += is_link
            is_kept = len(open_tags) < DEEPEST and (
                name != "a" or (is_link and links <= MOST_LINKS and not inside("a"))
            )
            if name not in VOID:
                open_tags.append((name, is_kept))
        if is_kept:
            parts.append(STANDING.sub(typed, tag[0]))
    parts.append(STANDING.sub(called, html[position:]))
    return "".join(parts)


class _Plain(HTMLParser):
    """Collects the words of sanitized HTML, laid out as lines, and its links.

    For search, notifications and programs, and to know whether there are any.
    """

    BLOCKS: Final = {
        *("p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "table"),
        *("dl", "figure"),
    }
    LINES: Final = {"li", "tr", "div", "dt", "dd", "figcaption"}

    def __init__(self, html: str) -> None:
        super().__init__()
        self.depth = self.nested = 0
        self.parts: list[str] = []
        self.lists: list[int | None] = []
        self.links: dict[str, None] = {}
        self.quoted: dict[str, None] = {}
        self.codes = self.quotes = 0
        self.are_visible = self.has_dead_link = False
        self.feed(html)
        self.close()

    def text(self, names: Mapping[int, str]) -> str:
        text = "".join(self.parts).strip()
        return MARK.sub(lambda mark: "@" + names.get(int(mark[1]), "…"), text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.nested += 1
            self.depth = max(self.depth, self.nested)
        match tag:
            case "a":
                href = dict(attrs).get("href") or ""
                self.has_dead_link = self.has_dead_link or not href
                if not self.codes and WEB.fullmatch(href):
                    self.links[href] = None
                    if self.quotes:
                        self.quoted[href] = None
            case "code":
                self.codes += 1
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
                self.quotes += 1
                self.parts.append("\u201c")

    def handle_endtag(self, tag: str) -> None:
        self.nested -= 1
        if tag == "code":
            self.codes -= 1
        elif tag == "blockquote":
            self.quotes -= 1
            self._rstrip()
            self.parts.append("\u201d\n\n")
        elif tag in ("ul", "ol"):
            self._rstrip()
            self.lists.pop()
            self.parts.append("\n" if self.lists else "\n\n")
        elif tag in self.BLOCKS:
            self._rstrip()
            self.parts.append("\n\n")
        elif tag in self.LINES:
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
