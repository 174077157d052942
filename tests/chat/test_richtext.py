"""What a message may contain: what Markdown becomes, who is called, what never passes.

Whatever somebody writes, the HTML is on the allow-list of this file, which is read by
another parser than the one that cleaned it.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from campfire.chat import colours, richtext
from campfire.refusals import Invalid

PEOPLE = [(1, "David"), (2, "Jason"), (3, "JZ"), (4, "Kevin"), (5, "José Núñez")]
PEOPLE += [(6, "\U0001f525 Bob"), (7, "A" * 100)]
NAMES = dict(PEOPLE)

# Tag and what its attributes may say.
HREF = re.compile(r"(https?|mailto):[^\n]*", re.IGNORECASE)
REL = re.compile("noopener noreferrer nofollow")
ANYTHING = re.compile(".*", re.DOTALL)
PLAIN_TAGS = (
    "p br hr em strong s del u i b code pre blockquote ul li h1 h2 h3 h4 h5 h6 "
    "table thead tbody tr th td cite abbr dd dfn div dl dt figcaption figure ins kbd "
    "samp small sub sup var"
)
ALLOWED: Mapping[str, Mapping[str, re.Pattern[str]]] = {
    **{tag: {} for tag in PLAIN_TAGS.split()},
    "a": {"href": HREF, "rel": REL, "title": ANYTHING},
    "code": {"data-language": ANYTHING},
    "span": {"class": re.compile("|".join(sorted(colours.CLASSES)))},
    "td": {"class": re.compile("is-number|is-centred")},
    "th": {"class": re.compile("is-number|is-centred")},
    "ol": {"start": re.compile(r"\d{1,9}")},
    "input": {
        "type": re.compile("checkbox"),
        "aria-label": re.compile("Done|To do"),
        "checked": re.compile("checked|"),
        "disabled": re.compile("disabled|"),
    },
}
SHOWN: Mapping[str, Mapping[str, re.Pattern[str]]] = {
    **ALLOWED,
    "a": {
        **ALLOWED["a"],
        "href": re.compile(rf"{HREF.pattern}|/users/[0-9]+", re.IGNORECASE),
        "class": re.compile("mention"),
        "data-user-id": re.compile("[0-9]+"),
    },
    "span": {
        "class": re.compile(
            "|".join(["mention is-(missing|everyone)", *sorted(colours.CLASSES)])
        )
    },
}
EMPTY = {"br", "hr", "input"}


class Reader(HTMLParser):
    """Reads what was made, and stops at whatever is not allowed."""

    def __init__(self, allowed: Mapping[str, Mapping[str, re.Pattern[str]]]) -> None:
        super().__init__()
        self.allowed = allowed
        self.open: list[str] = []
        self.links = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in self.allowed
        assert not (tag == "a" and "a" in self.open)
        for name, value in attrs:
            assert self.allowed[tag][name].fullmatch(value or ""), (tag, name, value)
            if name == "href":
                urlsplit(value or "")
        if tag == "input":
            assert "disabled" in dict(attrs)
        self.links += tag == "a" and dict(attrs).get("class") != "mention"
        assert self.links <= richtext.MOST_LINKS
        if tag not in EMPTY:
            self.open.append(tag)
        assert len(self.open) <= richtext.DEEPEST + 1  # The chip of a mention.

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)


def require_allowed(
    html: str, allowed: Mapping[str, Mapping[str, re.Pattern[str]]] = ALLOWED
) -> None:
    reader = Reader(allowed)
    reader.feed(html)
    reader.close()
    assert reader.open == []


def html(text: str) -> str:
    return richtext.draft(text).html


def plain(text: str) -> str:
    return richtext.draft(text, PEOPLE).plain


def called(text: str, people: list[tuple[int, str]] = PEOPLE) -> list[int]:
    return list(richtext.draft(text, people).mentions)


# Markdown


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("hello", "<p>hello</p>"),
        ("*a* **b**", "<p><em>a</em> <strong>b</strong></p>"),
        ("~~c~~ `d`", "<p><s>c</s> <code>d</code></p>"),
        ("one\ntwo", "<p>one<br>\ntwo</p>"),
        ("# Head", "<h1>Head</h1>"),
        ("> said", "<blockquote>\n<p>said</p>\n</blockquote>"),
        ("3. a\n4. b", '<ol start="3">\n<li>a</li>\n<li>b</li>\n</ol>'),
        ("```\nx < 1\n```", "<pre><code>x &lt; 1\n</code></pre>"),
        ("    x < 1", "<pre><code>x &lt; 1\n</code></pre>"),
        (
            "```python title\nif x < 1\n```",
            '<pre><code data-language="python"><span class="hl-keyword">if </span>x'
            ' &lt; <span class="hl-number">1\n</span></code></pre>',
        ),
        (
            '~~~ <b>"\nif x\n~~~',
            '<pre><code data-language="&lt;b&gt;&quot;">if x\n</code></pre>',
        ),
        ("```@David\nx\n```", '<pre><code data-language="@David">x\n</code></pre>'),
        (":tada: :+1:", "<p>🎉 👍️</p>"),
        ("**:fire:** (:heart:)", "<p><strong>🔥</strong> (❤️)</p>"),
        ("`:fire:` \\:fire:", "<p><code>:fire:</code> :fire:</p>"),
        ("1:100:2 a:fire: :fire:b", "<p>1:100:2 a:fire: :fire:b</p>"),
        (":no_such_thing: ::", "<p>:no_such_thing: ::</p>"),
        (
            "[:fire:](https://a.example/:fire:)",
            '<p><a href="https://a.example/:fire:"'
            ' rel="noopener noreferrer nofollow">🔥</a></p>',
        ),
        (
            "https://a.example/:fire:",
            '<p><a href="https://a.example/:fire:"'
            ' rel="noopener noreferrer nofollow">https://a.example/:fire:</a></p>',
        ),
        ("```\n:fire:\n```", "<pre><code>:fire:\n</code></pre>"),
        ("a\n\n---", "<p>a</p>\n<hr>"),
        ("<b>bold</b>", "<p>&lt;b&gt;bold&lt;/b&gt;</p>"),
        ("&amp; &lt; &copy;", "<p>&amp; &lt; ©</p>"),
        (
            "- [ ] a\n- [x] b",
            '<ul>\n<li><input type="checkbox" disabled="disabled"'
            ' aria-label="To do"> a</li>\n'
            '<li><input type="checkbox" disabled="disabled"'
            ' aria-label="Done" checked=""> b</li>\n'
            "</ul>",
        ),
        (
            "|a|\n|-|\n|b|",
            "<table>\n<thead>\n<tr>\n<th>a</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n"
            "<td>b</td>\n</tr>\n</tbody>\n</table>",
        ),
    ],
)
def test_markdown_becomes_html(text: str, made: str) -> None:
    assert html(text).strip() == made


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/a?b=c#d",
        "<https://example.org/>",
        "[words](https://example.org/)",
        "www.example.org",
        "[words][1]\n\n[1]: https://example.org/",
        "<mailto:david@example.org>",
    ],
)
def test_a_link_opens_without_telling_where_from(text: str) -> None:
    assert html(text).count("<a href=") == 1
    assert 'rel="noopener noreferrer nofollow"' in html(text)


@pytest.mark.parametrize(
    "text",
    [
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](java\tscript:alert(1))",
        "[x](&#x6A;avascript:alert(1))",
        "[x](javascript&colon;alert(1))",
        "[x](vbscript:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "[x](data:image/png;base64,AAAA)",
        "[x](file:///etc/passwd)",
        "[x](//evil.example)",
        "[x](/session)",
        "[x](session)",
        "[x](?q)",
        "[x](#composer)",
        "[x](\\\\evil.example)",
        "<javascript:alert(1)>",
        "[x](ftp://example.org)",
    ],
)
def test_only_the_web_and_mail_can_be_linked(text: str) -> None:
    assert "href" not in html(text)
    assert html("[x](https://example.org)").count("href") == 1


@pytest.mark.parametrize(
    "text", ["[x](ftp://example.org)", "[x](//evil.example)", "[x](/rooms/1 'y')"]
)
def test_a_link_to_nowhere_is_its_words(text: str) -> None:
    assert html(f"{text} [z](https://example.org)").startswith('<p>x <a href="')


def test_columns_are_aligned_without_a_style() -> None:
    made = html("|a|b|c|d|\n|--|--:|:-:|:--|\n|1|2|3|4|")
    assert [row.split("\n") for row in re.findall("<td.*</td>", made, re.DOTALL)] == [
        [
            "<td>1</td>",
            '<td class="is-number">2</td>',
            '<td class="is-centred">3</td>',
            "<td>4</td>",
        ]
    ]
    require_allowed(made)


def test_a_message_has_colours_for_so_much_code() -> None:
    code = "```python\n" + "if x: 1\n" * 1_000 + "```\n\n"
    made = html(code * 3 + "```python\nif y\n```")
    assert [part.count("hl-") > 0 for part in made.split("</pre>")[:4]] == [
        *(True, True),
        *(False, True),
    ]
    require_allowed(made)


def test_a_picture_elsewhere_is_not_fetched() -> None:
    assert "<img" not in html("![x](https://example.org/x.png)")
    assert "<img" not in html('<img src="https://example.org/x.png">')


# What the cleaner lets through when somebody gets around the parser.
VECTORS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg></p><style><a id='</style><img src=1 onerror=alert(1)>'>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1>'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<select><style></select><img src=x onerror=alert(1)></style></select>",
    "<textarea><img title='</textarea><img src=x onerror=alert(1)>'>",
    "<xmp><p title='</xmp><img src=x onerror=alert(1)>'>",
    "<template><script>alert(1)</script></template>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<form action=/session method=post><input name=x><button>Sign out</button></form>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a id=composer name=config class=button style='position:fixed'>x</a>",
    "<p hx-get=/session hx-trigger=load data-hx-post=/x hx-on:click=a>x</p>",
    "<base href=//evil.example><link rel=x href=//a><meta http-equiv=x>",
    "<input type=text><input type=checkbox onclick=alert(1) name=x>",
    "<!-- <img src=x> --><![CDATA[<img src=x>]]><?php x ?><!DOCTYPE html>",
    "<span class=mention data-user-id=1>x</span>",
    "<div><section><details open ontoggle=alert(1)>x</details></section></div>",
    "<td>a<tr>b</table><li>c</ul></p></p>",
    "<a href=https://a><a href=https://b>x</a></a>",
]


@pytest.mark.parametrize("vector", VECTORS)
def test_html_that_somebody_writes_is_shown_as_text(vector: str) -> None:
    made = html(vector + " x")
    require_allowed(made)
    assert "&lt;" in made
    assert richtext.CLEANER.clean(made) == made


@pytest.mark.parametrize("vector", VECTORS)
def test_the_cleaner_leaves_nothing_but_what_is_allowed(vector: str) -> None:
    once = richtext.CLEANER.clean(vector)
    require_allowed(once)
    assert richtext.CLEANER.clean(once) == once


# Plain text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("*a* **b** ~~c~~ `d`", "a b c d"),
        ("one\ntwo", "one\ntwo"),
        ("one\n\ntwo", "one\n\ntwo"),
        ("# Head\n\nwords", "Head\n\nwords"),
        ("- a\n- b", "• a\n• b"),
        ("3. a\n4. b", "3. a\n4. b"),
        ("- a\n  - b\n    - c\n- d", "• a\n  • b\n    • c\n• d"),
        ("> said", "“said”"),
        ("> one\n> two\n\nthree", "“one\ntwo”\n\nthree"),
        ("```\nx\n  y\n```", "x\n  y"),
        ("|a|b|\n|-|-|\n|c|d|", "a\tb\nc\td"),
        ("[words](https://example.org)", "words"),
        ("&lt;b&gt; &amp;", "<b> &"),
        ("<b>bold</b>", "<b>bold</b>"),
        ("@jz, @david", "@JZ, @David"),
        ("a\n\n---\n\nb", "a\n\n\nb"),
        ("", None),
    ],
)
def test_the_words_alone_are_laid_out_as_lines(text: str, words: str | None) -> None:
    if words is None:
        with pytest.raises(Invalid):
            plain(text)
    else:
        assert plain(text) == words


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t",
        "\u200b\u200d",
        "\u00a0",
        "\u2800",
        "\u3164",
        "\0",
        "---",
        "[](https://example.org)",
        "- ",
        "> ",
        "[a]: https://example.org",
        "&nbsp;",
        "&#8203;",
        "```\n```",
    ],
)
def test_what_nobody_can_see_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        richtext.draft(text)
    assert refused.value.errors.keys() == {"body"}


@pytest.mark.parametrize("text", ["a", "\U0001f525", "`\u00b7`", "\u0663", "!"])
def test_one_sign_is_enough(text: str) -> None:
    assert richtext.draft(text).plain


def test_the_limit_is_in_bytes() -> None:
    assert richtext.draft("é" * 32_768).source == "é" * 32_768
    for text in ("a" * 65_537, "é" * 32_768 + "a"):
        with pytest.raises(Invalid, match="too long"):
            richtext.draft(text)


def test_half_a_character_is_refused() -> None:
    with pytest.raises(Invalid, match="This is not text."):
        richtext.draft("half \ud83d")


def test_a_zero_byte_and_private_characters_are_not_kept() -> None:
    draft = richtext.draft("a\0b\ue000\ue001\ue002\ue003\ue004")
    assert draft.source == draft.plain == "ab\ufffd\ufffd\ufffd\ufffd\ue004"


def test_an_empty_message_passes_where_something_else_can_be_seen() -> None:
    for text in ("", " \n", "\u200b", "[a]: https://example.org"):
        draft = richtext.draft(text, may_be_empty=True)
        assert (draft.source, draft.html, draft.plain) == ("", "", "")
    assert richtext.draft("*a*", may_be_empty=True) == richtext.draft("*a*")


# Links


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("nothing", []),
        ("https://example.org/a?b=c&d#e", ["https://example.org/a?b=c&d#e"]),
        ("see example.org, www.example.com", ["http://example.org"]),
        ("<https://a.example/> http://b.example", ["https://a.example/"]),
        ("[x](https://a.example) [x]", ["https://a.example"]),
        ("[x][1]\n\n[1]: HTTPS://a.example/", ["HTTPS://a.example/"]),
        ("**[x](https://a.example)** <mailto:a@b.example>", ["https://a.example"]),
        ("`https://a.example`", []),
        ("```\nhttps://a.example\n```\n\n    https://a.example", []),
        ("[x](javascript:alert(1)) [y](/a) [z](//a.example)", []),
        ("<a title='x'>x</a>", []),
    ],
)
def test_the_links_are_those_that_can_be_followed(text: str, links: list[str]) -> None:
    found = richtext.draft(text).links
    assert list(found[:1]) == links
    assert len(found) == html(text).count('href="http') + html(text).count('href="HTTP')


def test_the_links_are_in_order_and_each_once() -> None:
    text = "https://b.example [x](https://a.example) https://b.example c.com"
    links = ("https://b.example", "https://a.example", "http://c.com")
    assert richtext.draft(text).links == links


# Mentions


@pytest.mark.parametrize(
    ("text", "whom"),
    [
        ("@David", [1]),
        ("hi @david.", [1]),
        ("(@DAVID)", [1]),
        ("@Jason, @JZ and @jason", [2, 3]),
        ("@jz\n@kevin", [3, 4]),
        ("@jose nunez", [5]),
        ("@JOSE\u0301 NU\u0301N\u0303EZ", [5]),
        ("@josé", []),
        ("@David's", [1]),
        ("@Davids", []),
        ("@David_", []),
        ("@Davi", []),
        ("@David\u0301", [1]),
        ("@", []),
        ("@ David", []),
        ("@@David", [1]),
        ("@\U0001f525 Bob", [6]),
        ("david@David", []),
        ("david@david.example", []),
        ("/@David", []),
        ("\\@David", []),
        ("<@3>", [3]),
        ("<@3><@1>", [3, 1]),
        ("<@99> <@0> <@> <@1", []),
        ("<@1111111111111111111111111111111>", []),
        ("**@David** ~~@JZ~~ # @Kevin", [1, 3, 4]),
        ("- @David\n\n> @JZ\n\n# @Kevin\n\n|@Jason|\n|-|", [1, 3, 4, 2]),
        ("`@David` @JZ", [3]),
        ("```\n@David\n```\n@JZ", [3]),
        ("```@David\n@JZ\n```", []),
        ("    @David", []),
        ("[@David](https://example.org) @JZ", [3]),
        ("[x](https://example.org/?@David)", []),
        ("[x](https://example.org '@David')", []),
        ("https://example.org/?q=@David", []),
        ("<https://example.org/?q=@David>", []),
        ("&#64;David", []),
    ],
)
def test_who_is_called(text: str, whom: list[int]) -> None:
    assert called(text) == whom


def test_the_longest_name_that_stands_there_is_meant() -> None:
    people = [(1, "Ann"), (2, "Ann Lee"), (3, "Ann Lee Smith")]
    assert called("@Ann", people) == [1]
    assert called("@ann lee!", people) == [2]
    assert called("@Ann Lee Smith", people) == [3]
    assert called("@Ann Lee Smithson", people) == [2]
    assert called("@Ann Leeds", people) == [1]
    assert called("@Ann  Lee", people) == [1]


def test_a_name_that_two_share_calls_nobody() -> None:
    people = [(1, "David"), (2, "DAVÍD"), (3, "JZ")]
    assert called("@David @JZ", people) == [3]
    assert called("<@2> @david", people) == [2]


@pytest.mark.parametrize(
    "name",
    ["*star*", "_under_score_", "a`b", "a[b](c)", "R&D", "a<b>", "1 2", "\u674e\u96f7"],
)
def test_a_name_is_a_name_whatever_is_in_it(name: str) -> None:
    draft = richtext.draft(f"hi @{name}, you", [(7, name)])
    assert draft.mentions == (7,)
    assert draft.plain == f"hi @{name}, you"
    shown = richtext.shown_html(draft.html, {7: name})
    require_allowed(shown, SHOWN)
    assert richtext.shown_source(draft.source, {7: name}) == f"hi @{name}, you"


def test_a_mention_shows_the_name_that_is_given_later() -> None:
    draft = richtext.draft("ask @david", PEOPLE)
    shown = richtext.shown_html(draft.html, {1: "D<H>H"})
    assert shown == (
        '<p>ask <a class="mention" href="/users/1" data-user-id="1">'
        "@D&lt;H&gt;H</a></p>\n"
    )
    assert richtext.shown_source(draft.source, {1: "DHH"}) == "ask @DHH"
    assert richtext.shown_source(draft.source, {}) == "ask <@1>"


def test_who_is_not_known_any_more_is_not_named() -> None:
    draft = richtext.draft("ask @david", PEOPLE)
    shown = richtext.shown_html(draft.html, {})
    assert shown == '<p>ask <span class="mention is-missing">@…</span></p>\n'


def test_what_calls_nobody_stays_as_it_was_typed() -> None:
    text = "`@David` [x](https://example.org/?@jz) &#64;JZ\n\n    <@1>"
    draft = richtext.draft(text, PEOPLE)
    assert draft.source == text
    assert draft.html == (
        "<p><code>@David</code> "
        '<a href="https://example.org/?%40jz" rel="noopener noreferrer nofollow">x</a>'
        " @JZ</p>\n<pre><code>&lt;@1&gt;\n</code></pre>\n"
    )


def test_one_message_calls_a_bounded_number_of_times() -> None:
    people = [(number, f"name{number}x") for number in range(300)]
    text = " ".join(f"@{name}" for _, name in people)
    assert called(text, people) == list(range(richtext.MOST_MENTIONS))


FORGERIES = [
    "&#xe000;3&#xe001;",
    "&#57344;3&#57345;",
    "&#xE002;0&#xE003;",
    "&#xe002;7&#xe003;",
    "&#xe000;" + "9" * 5_000 + "&#xe001;",
    "&#xe000;\u0663&#xe001;",
    '[x](https://a.example "&#xe000;3&#xe001;")',
    "[x](https://a.example/&#xe000;3&#xe001;)",
    "https://a.example/%EE%80%803%EE%80%81",
    "<https://a.example/%EE%80%803%EE%80%81>",
    "[x](https://a.example/%EE%80%827%EE%80%83)",
    "[x](https://a.example/%ee%80%820%ee%80%83)",
    "http://xn--3-ro7ge.com/",
    "```&#xe000;3&#xe001;\nx\n```",
]


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.parametrize("beside", ["@David and ", ""])
def test_a_mention_cannot_be_forged(forgery: str, beside: str) -> None:
    draft = richtext.draft(beside + forgery, PEOPLE)
    assert list(draft.mentions) == ([1] if beside else [])
    assert draft.html.count(richtext.OPEN) == draft.html.count(richtext.CLOSE)
    assert len(richtext.MARK.findall(draft.html)) == len(draft.mentions)
    require_allowed(draft.html)
    require_allowed(richtext.shown_html(draft.html, NAMES), SHOWN)


@pytest.mark.parametrize("text", ["@everyone", "@Everyone!", "hi\n\n> @EVERYONE"])
def test_everyone_is_called_by_those_who_may(text: str) -> None:
    draft = richtext.draft(text, PEOPLE, may_call_everyone=True)
    assert draft.calls_everyone
    assert draft.mentions == ()
    assert "@everyone" in draft.plain
    shown = richtext.shown_html(draft.html, {})
    assert '<span class="mention is-everyone">@everyone</span>' in shown
    assert "@everyone" in richtext.shown_source(draft.source, {})
    other = richtext.draft(text, PEOPLE)
    assert not other.calls_everyone
    assert "mention" not in richtext.shown_html(other.html, NAMES)
    assert other.source == text


@pytest.mark.parametrize("text", ["`@everyone`", "@everyones", "<@0>", "a@everyone"])
def test_what_only_looks_like_a_call_to_everyone_is_none(text: str) -> None:
    draft = richtext.draft(text + " @David", PEOPLE, may_call_everyone=True)
    assert not draft.calls_everyone
    assert draft.mentions == (1,)


def test_a_name_does_not_take_the_call_to_everyone_away() -> None:
    people = [(8, "Everyone"), (9, "Everyone Else")]
    draft = richtext.draft("@everyone", people, may_call_everyone=True)
    assert draft.calls_everyone and draft.mentions == ()
    assert richtext.draft("@everyone", people).mentions == (8,)
    draft = richtext.draft("@everyone else", people, may_call_everyone=True)
    assert not draft.calls_everyone and draft.mentions == (9,)


def test_an_id_of_nobody_is_shown_as_somebody_who_is_missing() -> None:
    draft = richtext.draft("ask <@999> or <@3>", PEOPLE)
    assert draft.mentions == (3,)
    assert draft.plain == "ask @… or @JZ"
    assert '<span class="mention is-missing">@…</span>' in richtext.shown_html(
        draft.html, NAMES
    )
    assert richtext.shown_source(draft.source, NAMES) == "ask <@999> or @JZ"


# What bots write


def from_bot(text: str) -> richtext.Draft:
    return richtext.draft(text, PEOPLE, is_bot=True)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        (
            "<b>bold</b> and **strong**",
            "<p><b>bold</b> and <strong>strong</strong></p>",
        ),
        ("<div>one</div>\n\n*two*", "<div>one</div>\n<p><em>two</em></p>"),
        ("<p>Press <kbd>Ctrl</kbd></p>", "<p>Press <kbd>Ctrl</kbd></p>"),
        ("<img src=x onerror=alert(1)>x", "<p>x</p>"),
        ("<p hx-get=/session class=button style='top:0' id=log>x</p>", "<p>x</p>"),
        ("<script>alert(1)</script>x", "x"),
        ("a < b & c > d", "<p>a &lt; b &amp; c &gt; d</p>"),
        ("<ul><li>a<li>b</ul>", "<ul><li>a</li><li>b</li></ul>"),
        ("`<b>`", "<p><code>&lt;b&gt;</code></p>"),
        ("<p><button><p>x", "<p></p><p>x</p><p></p>"),
    ],
)
def test_a_bot_may_write_html_of_the_list(text: str, made: str) -> None:
    assert from_bot(text).html.strip() == made


@pytest.mark.parametrize(
    ("text", "whom"),
    [
        ("@David", [1]),
        ("<p>@David and <b>@JZ</b></p>", [1, 3]),
        ("<b>@David</b> hello", [1]),
        ("<code>@David</code> and <@3>", [3]),
        ("<pre>@David</pre>", []),
        ("<a href='https://a.example/?@David'>@JZ</a>", []),
        ("<div title='@David'>@Kevin</div>", [4]),
        ("<!-- @David --><p>x</p>", []),
        ("`@David` [@David](https://a.example) x", []),
    ],
)
def test_a_bot_calls_in_words_alone(text: str, whom: list[int]) -> None:
    draft = from_bot(text)
    assert list(draft.mentions) == whom
    require_safe(draft)


def test_the_links_of_a_bot_are_those_that_one_can_follow() -> None:
    text = (
        "<p><a href='https://a.example'>x</a> <a href='/rooms/1'>y</a></p>\n\n"
        "<code><a href='https://b.example'>z</a></code> https://c.example"
    )
    assert from_bot(text).links == ("https://a.example", "https://c.example")


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.parametrize(
    "around", ["<p>{}</p>", "<b>{}</b> x", "<a href='https://a.example/{}'>x</a>"]
)
def test_a_bot_cannot_forge_a_mention(forgery: str, around: str) -> None:
    draft = from_bot("<p>@David</p>\n\n" + around.format(forgery))
    assert draft.mentions == (1,)
    require_safe(draft)


@pytest.mark.parametrize("vector", VECTORS)
def test_the_html_of_a_bot_is_cleaned(vector: str) -> None:
    for text in (f"x {vector}", f"x {vector}\n\n<div>\n{vector}\n</div>\n\nx"):
        require_safe(from_bot(text))
    with suppress(Invalid):  # Some of it hides what comes after.
        require_safe(from_bot(f"{vector} x"))


# Limits


def test_no_message_has_more_links_than_a_hundred() -> None:
    made = html("https://a.example " * 150)
    assert made.count("<a ") == richtext.MOST_LINKS
    assert made.count("https://a.example ") == 49
    require_allowed(made)


def test_no_message_is_deeper_than_thirty_two_levels() -> None:
    made = html("*a " * 100 + "x" + " a*" * 100)
    assert made.count("<em>") == richtext.DEEPEST - 1
    made = from_bot("<b>" * 1_000 + "a").html
    assert 30 < made.count("<b>") < 40
    require_allowed(made)


@pytest.mark.parametrize(
    "text",
    [
        "before\n\n" + ">" * 40 + " deep\n\nafter",
        "".join("  " * level + f"- level {level}\n" for level in range(20)),
        ">" * 500 + " x",
    ],
    ids=["quotation", "list", "one line"],
)
def test_what_is_too_deep_is_shown_as_it_was_typed(text: str) -> None:
    draft = richtext.draft(text)
    assert draft.html.count("<p>") + 2 * draft.html.count("<br>") <= 40
    assert "<blockquote>" not in draft.html and "<li>" not in draft.html
    assert draft.plain.split() == text.split()
    require_allowed(draft.html)


def test_what_is_deep_keeps_its_words() -> None:
    made = html("before\n\n" + ">" * 25 + " deep\n\nafter")
    assert made.count("<blockquote>") == 25
    assert all(f"<p>{word}</p>" in made for word in ("before", "deep", "after"))
    made = html("".join("  " * level + f"- level {level}\n" for level in range(16)))
    assert made.count("<li>") == made.count("level") == 16


@pytest.mark.parametrize(
    "text",
    [
        *("*_" * 32_000, "*_" * 20_000, "[" * 20_000, "[a](http://x.y) " * 3_000),
        *("<" * 60_000, "*a " * 16_000, "&" * 30_000, "![" * 30_000, "ab.co " * 9_000),
        *(
            "- " * 30_000 + "x",
            ("- " * 15 + "a\n") * 1_900,
            "> " * 30 + "a\n" * 3_900,
            ":" * 65_000,
        ),
    ],
    ids=lambda text: text[:8],
)
def test_too_many_marks_are_shown_as_typed_and_not_parsed(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[str] = []
    inline = richtext.MARKDOWN.inline
    parse = inline.parse

    def counted(src: str, *given: Any) -> Any:
        parsed.append(src)
        return parse(src, *given)

    monkeypatch.setattr(inline, "parse", counted)
    html("*a*")
    assert parsed == ["*a*"]
    draft = richtext.draft(text)
    assert parsed == ["*a*"]
    assert draft.plain.split() == text.split()
    assert len(richtext.ELEMENTS.findall(draft.html)) <= richtext.MOST_ELEMENTS


def test_no_message_has_more_than_two_thousand_elements() -> None:
    bound = richtext.MOST_ELEMENTS
    assert html("a\n" * bound).count("<br>") == bound - 1
    assert html("a\n" * (bound + 1)).startswith("<pre>a\na\n")
    draft = richtext.draft("@David *a*\n\n" + "# a\n" * (bound + 1), PEOPLE)
    assert draft.html.count("<") == 2 and "*a*" in draft.html
    assert draft.mentions == (1,)
    require_safe(draft)
    require_safe(from_bot("<i>a</i>" * (bound + 1)))


def test_a_long_document_and_a_long_log_are_rendered() -> None:
    part = (
        "## Head\n\nSome *words* and `code`, [here](https://a.example).\n\n- a\n- b\n\n"
    )
    made = html((part + "word " * 200 + "\n\n") * 30)
    assert made.count("<em>") == made.count("<a ") == 30
    line = "2026-01-02 03:04:05.678 [INFO] app.web: took 12.3 ms for <1.2.3.4>"
    assert html("*log*\n" + f"{line}\n" * 300).count("<em>log</em>") == 1
    code = "if (a[i] & b[j]) { *p = c_d < e; }\n" * 1_500
    assert html(f"```\n{code}```").startswith("<pre><code>if (a[i] &amp; b")


@pytest.mark.parametrize("mark", ["\u0301", "\u0e47", "&#769;"])
def test_marks_do_not_pile_up(mark: str) -> None:
    assert len(plain("e" + mark * 500 + "x")) == 10
    assert plain("e\u0301\u0302x") == "e\u0301\u0302x"


def test_a_table_has_so_many_cells_and_is_text_beyond() -> None:

    def table(columns: int, rows: int) -> str:
        return "|a" * columns + "\n" + "|-" * columns + "\n" + "x\n" * rows + "\n"

    assert html(table(100, 100)).count("<td") == 10_000
    assert "<td" not in html(table(100, 300))
    assert html(table(10, 300)).count("<table") == 1
    assert html(table(160, 105)).count("<table") == 1
    assert html(table(10, 300) + table(160, 105)).count("<table") == 1


# Properties

PIECES = st.sampled_from(
    [
        *("*", "**", "_", "~~", "`", "```", "\n", "\n\n", "    ", "> ", "- ", "1. "),
        *(
            "# ",
            "---",
            "|",
            "|-|",
            "[",
            "](",
            ")",
            "![",
            "<",
            ">",
            "</",
            "&",
            "&#",
            ";",
        ),
        *("<@1>", "@David", "@jz", "@", "\\", "https://a.example/", "www.a.example"),
        *("javascript:", "mailto:", "data:", '"', "'", "<script>", "<!--", "-->", "x"),
        *("[ ] ", "[x] ", "&#xe000;", "&#xe001;", "&#xe002;0&#xe003;", "%EE%80%82"),
        *("%EE%80%83", "9", "xn--", ":", "[a]: ", "\u0301", "\u202e", "\ue000", "\r"),
    ]
)
HTML = st.sampled_from(
    [
        *(
            "<b>",
            "</b>",
            "<p>",
            "</p>",
            "<div>",
            "</div>",
            "<a href='https://a.example'>",
        ),
        *(
            "</a>",
            "<table>",
            "<tr>",
            "<td>",
            "</td>",
            "</table>",
            "<ul>",
            "<li>",
            "</ul>",
        ),
        *("<button>", "</button>", "<svg>", "</svg>", "<math>", "<mtext>", "<style>"),
        *("</style>", "<select>", "<option>", "<template>", "<textarea>", "<title>"),
        *("<pre>", "</pre>", "<code>", "</code>", "<h1>", "<form>", "<input>", "<br/>"),
        *("<!--", "-->", "<![CDATA[", "]]>", "<x", " id=a", " class='mention'", ">"),
        *("@David", "<@3>", "&#xe002;0&#xe003;", "&#57344;1&#57345;", "\n\n", "x", "'"),
        *("<b>" * 40, "<div>" * 40, "<blockquote>" * 12, "```\n", "`", "*"),
    ]
)
BOT_TEXTS = st.lists(HTML | PIECES, max_size=30).map("".join)
TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(PIECES | st.text(max_size=3), max_size=25).map("".join),
)


def require_safe(draft: richtext.Draft) -> None:
    require_allowed(draft.html)
    assert richtext.CLEANER.clean(draft.html) == draft.html
    marks = [int(number) for number in richtext.MARK.findall(draft.html)]
    assert set(marks) & set(NAMES) == set(draft.mentions)
    assert (richtext.EVERYONE in marks) == draft.calls_everyone
    for private in richtext.PRIVATE:
        counted = len(marks) if private in (richtext.OPEN, richtext.CLOSE) else 0
        assert draft.html.count(private) == counted
    for names in (NAMES, {}, {1: '"><script>alert(1)</script>'}):
        require_allowed(richtext.shown_html(draft.html, names), SHOWN)
        source = richtext.shown_source(draft.source, names)
        assert not set(source) & set(richtext.PRIVATE)
    assert not set(draft.plain) & set(richtext.PRIVATE)
    assert richtext.is_visible(draft.plain)


@given(text=TEXTS)
@example(text="[@David](https://a.example)")
@example(text="[@David @jz](https://a.example) www.a.example/?@David")
@settings(max_examples=400)
def test_whatever_is_written_is_safe_or_refused(text: str) -> None:
    try:
        draft = richtext.draft(text, PEOPLE)
    except Invalid:
        return
    require_safe(draft)


@given(text=BOT_TEXTS)
@settings(max_examples=400)
def test_whatever_a_bot_writes_is_safe_or_refused(text: str) -> None:
    try:
        draft = from_bot(text)
    except Invalid:
        return
    require_safe(draft)


@given(text=TEXTS)
@settings(max_examples=200)
def test_the_cleaner_is_stable_on_anything(text: str) -> None:
    once = richtext.CLEANER.clean(text)
    require_allowed(once)
    assert richtext.CLEANER.clean(once) == once


@given(text=TEXTS)
@settings(max_examples=200)
def test_saying_the_same_twice_makes_the_same(text: str) -> None:
    try:
        draft = richtext.draft(text, PEOPLE)
    except Invalid:
        return
    assert richtext.draft(text, PEOPLE) == draft


def test_the_reader_of_these_tests_notices_what_is_not_allowed() -> None:
    for bad in (
        "<script>",
        "<p onclick=x></p>",
        '<a href="javascript:x">x</a>',
        '<a href="/session">x</a>',
        "<p>",
        "</p>",
        "<!-- x -->",
        '<input type="text" disabled>',
        '<a href="https://a"><a href="https://b"></a></a>',
    ):
        with pytest.raises((AssertionError, KeyError, IndexError)):
            require_allowed(bad)


# Hostile lengths: each ends long before the test's time is up.


@pytest.mark.parametrize(
    "text",
    [
        "[" * 65_536,
        "](" * 32_000,
        "![" * 30_000,
        "[a](b" * 12_000,
        "[x](<" * 12_000,
        "[a]: b\n" * 9_000 + "x",
        "*a **a " * 9_000,
        "*_a" * 20_000,
        "a**b" * 16_000,
        "~~a" * 20_000,
        "a`" * 32_768,
        "x" + "`" * 65_000,
        "<" * 65_536,
        "<a " * 20_000,
        "<!-" * 20_000,
        "&#" * 32_000,
        "> " * 30_000 + "x",
        "- " * 30_000 + "x",
        "- a\n" * 16_000,
        "- [ ] a\n" * 2_000,
        "*_" * 2_000 + "a" + "_*" * 2_000,
        "|a" * 100 + "\n" + "|-" * 100 + "\n" + "x\n" * 30_000,
        "@David " * 9_000,
        "@" * 65_536,
        "@a" * 30_000,
        "@" + "a" * 65_000,
        "@a " * 20_000,
        "<@1>" * 16_000,
        "http://" * 9_000,
        "https://a.b " * 5_000,
        "ab.co " * 10_000,
        "a.b@" * 16_000,
        "http://a" + "(" * 60_000,
        "\\" * 65_536,
        "e\u0301" * 20_000,
        " " * 65_000 + "x",
    ],
    ids=lambda text: repr(text[:8]),
)
def test_a_hostile_message_ends(text: str) -> None:
    with suppress(Invalid):
        require_allowed(richtext.draft(text, PEOPLE).html)


@pytest.mark.parametrize(
    ("name", "typed"),
    [("Ørsted", "orsted"), ("Łódź", "lodz"), ("Æsir", "aesir"), ("Straße", "strasse")],
)
def test_letters_with_a_stroke_are_found_without_it(name: str, typed: str) -> None:
    assert richtext.fold(name) == richtext.fold(typed) == typed
