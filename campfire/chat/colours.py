"""Colours for code: which part of it has which class, by its language.

The classes are few and ours, so that the cleaner can name them. Nothing is guessed: a
language that is not listed has no colours. A lexer is a heap of expressions that nobody
made for hostile input: each gets so much time and is spared what takes one expression
long, during which no other thread could run. Without colours code is as good as text.
"""

import re
import time
from functools import lru_cache
from html import escape
from typing import Any, Final

CLASSES: Final = {
    *("hl-comment", "hl-keyword", "hl-string", "hl-number"),
    *("hl-function", "hl-type", "hl-added", "hl-removed"),
}
LANGUAGES: Final = frozenset("""
        bash sh shell zsh c cpp c++ csharp c# clojure css dart diff udiff docker
        dockerfile elixir erlang go golang graphql haskell hcl terraform html xml ini
        java javascript js jsx json julia kotlin latex tex lua make makefile nginx nix
        objective-c ocaml perl php powershell protobuf python py python3 r ruby rb
        rust rs scala scss sql swift toml typescript ts tsx vim yaml yml zig
    """.split())
# The most parts with a class of their own; with each the HTML grows by forty bytes.
MOST_PARTS: Final = 4_000
# Seconds of this thread, where a hundred lines take ten milliseconds.
LONGEST: Final = 0.5
# Each is squared or worse by some lexer; people write neither.
TIRING: Final = re.compile(r"\s{100}|[\w.:]{400}|[\w\s]{400}")
# By the name of a kind of token or of one above it, the nearest first.
BY_KIND: Final = {
    "Token.Comment": "hl-comment",
    "Token.Comment.Preproc": "hl-keyword",
    "Token.Comment.PreprocFile": "hl-string",
    "Token.Generic.Deleted": "hl-removed",
    "Token.Generic.Heading": "hl-keyword",
    "Token.Generic.Inserted": "hl-added",
    "Token.Generic.Prompt": "hl-comment",
    "Token.Generic.Subheading": "hl-function",
    "Token.Keyword": "hl-keyword",
    "Token.Keyword.Type": "hl-type",
    "Token.Literal.Date": "hl-number",
    "Token.Literal.Number": "hl-number",
    "Token.Literal.String": "hl-string",
    "Token.Literal.String.Interpol": None,
    "Token.Name.Attribute": "hl-type",
    "Token.Name.Builtin": "hl-type",
    "Token.Name.Builtin.Pseudo": "hl-keyword",
    "Token.Name.Class": "hl-type",
    "Token.Name.Decorator": "hl-function",
    "Token.Name.Entity": "hl-number",
    "Token.Name.Exception": "hl-type",
    "Token.Name.Function": "hl-function",
    "Token.Name.Tag": "hl-keyword",
    "Token.Operator.Word": "hl-keyword",
}


def coloured(code: str, language: str) -> str | None:
    """The code as HTML with classes, or None when it is to be shown without."""
    language = language.lower()
    if language not in LANGUAGES or TIRING.search(code):
        return None
    parts: list[tuple[str | None, str]] = []
    lexer = _lexer(language)(stripnl=False, ensurenl=False)
    ends = time.thread_time() + LONGEST
    for kind, text in lexer.get_tokens(code):
        if time.thread_time() > ends:
            return None
        name = _class(str(kind)) if len(parts) < MOST_PARTS else None
        if parts and (parts[-1][0] == name or not text.strip()):
            name, before = parts.pop()
            text = before + text
        parts.append((name, text))
    return "".join(
        (
            f'<span class="{name}">{escape(text, quote=False)}</span>'
            if name
            else escape(text, quote=False)
        )
        for name, text in parts
    )


@lru_cache(len(LANGUAGES))
def _lexer(language: str) -> Any:
    # Imported when it is needed: most servers see few languages, and some none.
    from pygments.lexers import (  # type: ignore[import-untyped]
        find_lexer_class_by_name,
    )

    return find_lexer_class_by_name(language)


@lru_cache(512)
def _class(kind: str) -> str | None:
    while kind not in BY_KIND and "." in kind:
        kind = kind.rpartition(".")[0]
    return BY_KIND.get(kind)
