"""What was written for Slack, as HTML for one of our messages.

Programs that know Slack's incoming webhooks send `text`, `attachments` and `blocks`, in
its own marks. The words are kept and what can only be done there is left out. Nothing
here is safe to show: `richtext` cleans it like any HTML of a bot.
"""

import re
from collections.abc import Iterable
from html import escape, unescape
from typing import Any, Final

SHAPE: Final = frozenset({"text", "attachments", "blocks"})
MOST: Final = 100
DEEPEST: Final = 6
LINK: Final = re.compile(r"<(https?://[^|<>\s]+|mailto:[^|<>\s]+)(?:\|([^<>]*))?>")
CALL: Final = re.compile(r"<[@#!]([^|<>]*)(?:\|([^<>]*))?>")
CODE: Final = re.compile(r"```(.+?)```|`([^`\n]+)`", re.DOTALL)
MARKS: Final = (("\\*", "strong"), ("_", "em"), ("~", "del"))


def html(said: dict[str, Any]) -> str:
    """The message, or nothing where there are no words in it; never raises."""
    found = list(_blocks(said.get("blocks"), 0))
    if not found:
        found = [_paragraph(said.get("text"))]
    for attachment in _listed(said.get("attachments")):
        if isinstance(attachment, dict):
            found += _attachment(attachment)
    return "\n".join(filter(None, found))


def is_shaped(said: Any) -> bool:
    return isinstance(said, dict) and not SHAPE.isdisjoint(said)


def _attachment(said: dict[str, Any]) -> Iterable[str]:
    blocks = list(_blocks(said.get("blocks"), 0))
    yield _paragraph(said.get("pretext"))
    title, url = _text(said.get("title")), _text(said.get("title_link"))
    if title:
        shown = f'<a href="{escape(url)}">{escape(title)}</a>' if url else escape(title)
        yield f"<p><strong>{shown}</strong></p>"
    words = _paragraph(said.get("text"))
    yield words
    yield from blocks
    for field in _listed(said.get("fields")):
        if isinstance(field, dict):
            yield _paragraph(
                f"*{_text(field.get('title'))}* {_text(field.get('value'))}"
            )
    if not (title or words or blocks):
        yield _paragraph(said.get("fallback"))


def _blocks(blocks: Any, depth: int) -> Iterable[str]:
    if depth > DEEPEST:
        return
    for block in _listed(blocks):
        if not isinstance(block, dict):
            continue
        match block.get("type"):
            case "header":
                yield f"<h3>{escape(_words(block.get('text')))}</h3>"
            case "divider":
                yield "<hr>"
            case "image":
                url = _text(block.get("image_url"))
                name = _text(block.get("alt_text")) or url
                yield f'<p><a href="{escape(url)}">{escape(name)}</a></p>'
            case "section":
                yield _paragraph(_words(block.get("text")))
                for field in _listed(block.get("fields")):
                    yield _paragraph(_words(field))
            case "context":
                words = map(_words, _listed(block.get("elements")))
                yield _paragraph(" ".join(filter(None, words)))
            case "rich_text":
                yield from _blocks(block.get("elements"), depth + 1)
            case "rich_text_section" | "rich_text_quote" | "rich_text_preformatted":
                words = map(_element, _listed(block.get("elements")))
                yield f"<p>{''.join(words)}</p>"
            case "rich_text_list":
                for item in _blocks(block.get("elements"), depth + 1):
                    yield f"<ul><li>{item}</li></ul>"


def _element(element: Any) -> str:
    """A piece of rich text: words with a style, a link, an emoji by name."""
    if not isinstance(element, dict):
        return ""
    shown = escape(_text(element.get("text"))).replace("\n", "<br>")
    match element.get("type"):
        case "link":
            url = escape(_text(element.get("url")))
            shown = f'<a href="{url}">{shown or url}</a>'
        case "emoji":
            shown = f":{escape(_text(element.get('name')))}:"
    style = element.get("style")
    for name, tag in (("bold", "strong"), ("italic", "em"), ("strike", "del")):
        if isinstance(style, dict) and style.get(name) is True:
            shown = f"<{tag}>{shown}</{tag}>"
    return shown


def _words(said: Any) -> str:
    """The text of an object that holds some."""
    return _text(said.get("text")) if isinstance(said, dict) else ""


def _text(said: Any) -> str:
    return said if isinstance(said, str) else ""


def _listed(said: Any) -> list[Any]:
    return said[:MOST] if isinstance(said, list) else []


def _paragraph(said: Any) -> str:
    text = _text(said)
    return f"<p>{marked(text)}</p>" if text.strip() else ""


def marked(text: str) -> str:
    """Slack's marks as HTML; what is in code stays as it is."""
    pieces, at = [], 0
    for code in CODE.finditer(text):
        pieces.append(_spoken(text[at : code.start()]))
        tag = "pre" if code[1] else "code"
        pieces.append(f"<{tag}>{_plain(code[1] or code[2])}</{tag}>")
        at = code.end()
    return "".join((*pieces, _spoken(text[at:])))


def _spoken(text: str) -> str:
    pieces, at = [], 0
    for link in LINK.finditer(text):
        pieces.append(_styled(text[at : link.start()]))
        url, name = unescape(link[1]), unescape(link[2] or link[1])
        pieces.append(f'<a href="{escape(url)}">{escape(name)}</a>')
        at = link.end()
    return "".join((*pieces, _styled(text[at:])))


def _styled(text: str) -> str:
    shown = _plain(CALL.sub(lambda call: f"@{call[2] or call[1]}", text))
    for mark, tag in MARKS:
        pattern = rf"(?<![\w{mark}]){mark}(?=\S)([^\n]{{1,2000}}?)(?<=\S){mark}(?!\w)"
        shown = re.sub(pattern, rf"<{tag}>\1</{tag}>", shown)
    return shown.replace("\n", "<br>")


def _plain(text: str) -> str:
    """Slack escapes three characters, and so do we."""
    return escape(unescape(text), quote=False)
