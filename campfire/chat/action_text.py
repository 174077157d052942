"""What was written in a Campfire on Rails, as Markdown for one of our messages.

Action Text keeps a message as HTML, with what it mentions and embeds in elements of its
own. Markdown is what its author may go on editing. Nothing here is safe to show:
`richtext` renders it like what anybody types.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final
from urllib.parse import unquote

EMBED: Final = "application/vnd.actiontext.opengraph-embed"
ATTACHMENT: Final = "action-text-attachment"
GLOBAL_ID: Final = re.compile(rb"gid://[\w.-]+/([\w:]+)/(\d{1,18})")
DEEPEST: Final = 24
LINK: Final = re.compile(r"(?:https?://|mailto:)[^\s<>]+", re.IGNORECASE)
# What Markdown could take for a mark, within words and where a line begins.
MARKS: Final = re.compile(
    r"[\\`*\[\]<~]|(?<![^\W_])_|_(?![^\W_])|&(?=#|[A-Za-z]\w*;)|(?<!\w)@"
    r"|:(?=[a-z0-9_+-]{1,40}:)"
)
BEGINNINGS: Final = re.compile(r"[#>+=|:-]|\d{1,9}(?=[.)])")
BREAKS: Final = re.compile(r"[ \t]*\n[ \t]*")
SPACES: Final = re.compile(r"\s+")
STRONG: Final = {"b": "**", "strong": "**", "em": "*", "i": "*", "cite": "*"}
STYLES: Final = STRONG | dict.fromkeys(("del", "s", "strike"), "~~")
HEADINGS: Final = {f"h{level}": "#" * level + " " for level in range(1, 7)}
BLOCKS: Final = {
    *("address", "article", "aside", "blockquote", "dd", "div", "dl", "dt", "figure"),
    *("figcaption", "footer", "header", "hr", "li", "ol", "p", "pre", "section"),
    *("table", "ul", "horizontal-divider", *HEADINGS),
}
TIGHT: Final = {"div", "dd", "dt", "figcaption", "address"}
VOID: Final = {"br", "hr", "img", "input", "wbr", "col", "source", "link", "meta"}
UNSEEN: Final = {"script", "style", "template", "title", "colgroup"}


@dataclass(frozen=True, slots=True)
class Embed:
    """What a page said of itself when its address was pasted."""

    url: str
    title: str
    description: str


@dataclass(slots=True)
class Written:
    """A message as Markdown: `mentions` are ids of users, as `<@ID>` in the source.

    `strangers` counts mentions that name nobody, `unknown` are kinds of what was
    embedded and cannot be shown; `blobs` are ids of files among the words.
    """

    source: str = ""
    mentions: dict[int, None] = field(default_factory=dict)
    strangers: int = 0
    embeds: list[Embed] = field(default_factory=list)
    blobs: list[int] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Element:
    tag: str
    attributes: dict[str, str]
    children: list["Element | str"] = field(default_factory=list)

    def words(self) -> str:
        """All that is written in it, as it is written."""
        return "".join(
            (
                child
                if isinstance(child, str)
                else "\n" * (child.tag == "br") + child.words()
            )
            for child in self.children
        )


def markdown(html: str, is_known: Callable[[int], bool]) -> Written:
    """What somebody wrote; a mention calls a user that `is_known` by the id."""
    written = Written()
    source = _Writer(written, is_known).blocks(_Tree(html).root)
    written.source = source.strip("\n")
    for embed in written.embeds:
        if embed.url not in written.source:
            written.source = f"{written.source}\n\n{embed.url}".lstrip("\n")
    return written


def escaped(text: str) -> str:
    """The text so that Markdown shows it as it is; addresses stay addresses."""
    parts: list[str] = []
    at = 0
    for link in LINK.finditer(text):
        parts += (MARKS.sub(r"\\\g<0>", text[at : link.start()]), link[0])
        at = link.end()
    return "".join((*parts, MARKS.sub(r"\\\g<0>", text[at:])))


def global_id(signed: str) -> tuple[str, int] | None:
    """Model and id that a signed global id names, in the format of any Rails.

    The signature is not asked for: its key is not ours, and a mention grants nothing.
    """
    data = _decoded(unquote(signed).partition("--")[0])
    for _ in range(3):
        if found := GLOBAL_ID.search(data):
            return found[1].decode(), int(found[2])
        try:
            envelope = json.loads(data)
            data = _decoded(str(envelope["_rails"]["message"]))
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
    return None


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(
            text.translate({ord("-"): "+", ord("_"): "/"}) + "=" * (-len(text) % 4)
        )
    except (binascii.Error, ValueError):
        return b""


class _Tree(HTMLParser):
    """The elements of the HTML; what is too deep stands beside what it was in."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.root = Element("body", {})
        self._open = [self.root]
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self._open[-1].children.append(element)
        if tag not in VOID and len(self._open) < DEEPEST:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        for place in range(len(self._open) - 1, 0, -1):
            if self._open[place].tag == tag:
                del self._open[place:]
                break

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)


class _Writer:
    def __init__(self, written: Written, is_known: Callable[[int], bool]) -> None:
        self._written = written
        self._is_known = is_known

    def blocks(self, element: Element) -> str:
        """The element as paragraphs and other blocks, with blank lines between."""
        text, was_tight = "", False
        for block, is_tight in self._blocks(element):
            if text:
                is_nested = element.tag == "li" and block.startswith(("- ", "1. "))
                text += "\n" if was_tight and is_tight or is_nested else "\n\n"
            text += block
            was_tight = is_tight
        return text

    def _blocks(self, element: Element) -> Iterator[tuple[str, bool]]:
        # Bots post plain text, in which a new line is one.
        is_plain = not any(
            child.tag in BLOCKS or child.tag == "br"
            for child in element.children
            if isinstance(child, Element)
        )
        run: list[Element | str] = []
        for child in (*element.children, None):
            if child is not None and not _is_block(child):
                run.append(child)
                continue
            text = self._lines(run, keeps_lines=is_plain and element.tag == "body")
            run = []
            if text:
                yield text, True
            if isinstance(child, Element) and (block := self._block(child)):
                yield block, child.tag in TIGHT and "\n\n" not in block

    def _block(self, element: Element) -> str:
        match element.tag:
            case "hr" | "horizontal-divider":
                return "---"
            case "pre":
                return _fenced(element)
            case "blockquote":
                lines = self.blocks(element).split("\n")
                return "\n".join(f"> {line}".rstrip() for line in lines)
            case "ul" | "ol":
                return "\n".join(self._items(element))
            case "table":
                return self._table(element)
            case tag if tag in HEADINGS:
                words = SPACES.sub(" ", self._lines(element.children)).strip()
                return HEADINGS[tag] + words if words else ""
        return self.blocks(element)

    def _items(self, element: Element) -> Iterator[str]:
        number = 0
        for child in element.children:
            if isinstance(child, str):
                if not child.strip():
                    continue
                child = Element("li", {}, [child])
            number += 1
            mark = f"{number}. " if element.tag == "ol" else "- "
            if child.tag in ("ul", "ol"):
                text = self._block(child)
            else:
                text = self.blocks(child)
            indented = text.replace("\n", "\n" + " " * len(mark))
            yield (mark + indented).rstrip()

    def _table(self, element: Element) -> str:
        rows = [
            [
                SPACES.sub(" ", self._lines([cell])).replace("|", r"\|")
                for cell in row.children
                if isinstance(cell, Element) and cell.tag in ("td", "th")
            ]
            for row in _within(element, "tr")
        ]
        width = max((len(row) for row in rows), default=0)
        if not width:
            return ""
        lines = [f"| {' | '.join(row + [''] * (width - len(row)))} |" for row in rows]
        return "\n".join((lines[0], "|" + " --- |" * width, *lines[1:]))

    def _lines(
        self, children: Sequence[Element | str], *, keeps_lines: bool = False
    ) -> str:
        """Words with their styles; what could begin a block begins none."""
        text = self._joined(children, keeps_lines)
        lines = (line.strip(" \t\u00a0") for line in text.split("\n"))
        return "\n".join(
            (
                BEGINNINGS.sub(_beginning, line, count=1)
                if BEGINNINGS.match(line)
                else line
            )
            for line in lines
        ).strip("\n")

    def _joined(self, children: Sequence[Element | str], keeps_lines: bool) -> str:
        parts = [self._inline(child, keeps_lines) for child in children]
        for place, child in enumerate(children):
            if isinstance(child, Element) and child.tag in STYLES:
                before = parts[place - 1] if place else ""
                after = parts[place + 1] if place + 1 < len(parts) else ""
                if not _is_seen(parts[place], STYLES[child.tag], before, after):
                    parts[place] = parts[place].replace(STYLES[child.tag], "")
        return "".join(parts)

    def _inline(self, child: "Element | str", keeps_lines: bool) -> str:
        if isinstance(child, str):
            if keeps_lines:
                return escaped(BREAKS.sub("\n", child.replace("\r\n", "\n")))
            return escaped(SPACES.sub(" ", child))
        inside = self._joined(child.children, keeps_lines)
        match child.tag:
            case "br":
                return "\n"
            case tag if tag in STYLES:
                return _styled(inside, STYLES[tag])
            case "code" | "tt" | "samp" | "kbd":
                return _code(child.words())
            case "a":
                return _linked(inside, child.attributes.get("href", ""))
            case "img":
                src = child.attributes.get("src", "")
                return _linked(escaped(child.attributes.get("alt", "")), src)
            case "action-text-attachment" | "figure" if "sgid" in child.attributes or (
                "content-type" in child.attributes
            ):
                return self._attached(child)
            case tag if tag in UNSEEN:
                return ""
        return inside

    def _attached(self, element: Element) -> str:
        attributes, written = element.attributes, self._written
        kind = attributes.get("content-type", "")
        href = attributes.get("href", "")
        if kind == EMBED and LINK.fullmatch(href):
            title, about = attributes.get("filename", ""), attributes.get("caption", "")
            written.embeds.append(Embed(href, title, about))
            return ""
        model, number = global_id(attributes.get("sgid", "")) or ("", 0)
        if model == "User" and self._is_known(number):
            written.mentions[number] = None
            return f"<@{number}>"
        if model == "ActiveStorage::Blob":
            written.blobs.append(number)
            return ""
        named = SPACES.sub(" ", _Tree(attributes.get("content", "")).root.words())
        if model == "User" or kind.endswith(".mention"):
            written.strangers += 1
            return escaped(f"@{named.strip().removeprefix('@') or '…'}")
        written.unknown.append(kind or model or "something without a type")
        return escaped(attributes.get("caption", "") or named.strip())


def _is_block(child: Element | str) -> bool:
    """Whether it stands by itself, or holds something that does."""
    if isinstance(child, str):
        return False
    if child.tag == ATTACHMENT or "sgid" in child.attributes:
        return False
    return child.tag in BLOCKS or any(map(_is_block, child.children))


def _within(element: Element, tag: str) -> Iterator[Element]:
    for child in element.children:
        if isinstance(child, Element):
            if child.tag == tag:
                yield child
            else:
                yield from _within(child, tag)


def _beginning(mark: re.Match[str]) -> str:
    return f"{mark[0]}\\" if mark[0].isdigit() else f"\\{mark[0]}"


def _styled(text: str, mark: str) -> str:
    """The marks stand at the words of each line, or Markdown does not see them."""
    styled = []
    for line in text.split("\n"):
        words = line.strip()
        if words:
            start = line.index(words)
            line = line[:start] + mark + words + mark + line[start + len(words) :]
        styled.append(line)
    return "\n".join(styled)


def _is_seen(text: str, mark: str, before: str, after: str) -> bool:
    """Whether Markdown sees a style between these: within a word it is particular."""
    words = text.strip().removeprefix(mark).removesuffix(mark)
    if not words or not text.startswith(mark):
        return True
    if before.endswith(mark[0]) or before[-1:].isalnum() and not words[0].isalnum():
        return False
    return not after[:1].isalnum() or words[-1].isalnum()


def _code(text: str) -> str:
    words = SPACES.sub(" ", text).strip()
    if not words:
        return ""
    fence = "`" * (max(map(len, re.findall("`+", words)), default=0) + 1)
    gap = " " if "`" in words else ""
    return f"{fence}{gap}{words}{gap}{fence}"


def _fenced(element: Element) -> str:
    code = element.words().strip("\n")
    if not code.strip():
        return ""
    fence = "`" * max(3, max(map(len, re.findall("`+", code)), default=0) + 1)
    language = element.attributes.get("data-language", "")
    language = language if re.fullmatch(r"[\w+#.-]{1,32}", language) else ""
    return f"{fence}{language}\n{code}\n{fence}"


def _linked(text: str, href: str) -> str:
    words = SPACES.sub(" ", text).strip()
    if not LINK.fullmatch(href):
        return text
    if not words or words == href:
        return href
    return f"[{words}](<{href}>)"
