"""What was rich text on Rails is Markdown here, and says the same."""

import base64
import json
from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campfire.chat import action_text, richtext
from tests.rails import embed, mention, signed

MARSHALLED = b"\x04\bI\"'gid://campfire/User/7?expires_in\x06:\x06ET"


def markdown(html: str) -> str:
    return action_text.markdown(html, lambda user_id: user_id == 3).source


@pytest.mark.parametrize(
    ("html", "source"),
    [
        ("<div>Hello <strong>big </strong>world</div>", "Hello **big** world"),
        ("<div>one<br>two<br><br>three</div>", "one\ntwo\n\nthree"),
        ("<div>one</div><div>two</div>", "one\ntwo"),
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("<div><em>a<br>b</em> <del>c</del></div>", "*a*\n*b* ~~c~~"),
        ("<blockquote>said<br>so</blockquote><div>No</div>", "> said\n> so\n\nNo"),
        (
            "<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>",
            "- a\n  - b\n- c",
        ),
        ("<ol><li>a</li><li>b</li></ol>", "1. a\n2. b"),
        ("<pre>if a:\n  *b*</pre>", "```\nif a:\n  *b*\n```"),
        ('<pre data-language="ruby">a<br>```</pre>', "````ruby\na\n```\n````"),
        ("<h1>Title<br>here</h1>", "# Title here"),
        ("<p><code>a ` b</code></p>", "`` a ` b ``"),
        ('<a href="https://a.example/x_y">this</a>', "[this](<https://a.example/x_y>)"),
        ('<a href="https://a.example/">https://a.example/</a>', "https://a.example/"),
        ('<a href="javascript:alert(1)">this</a>', "this"),
        ('<a href="/rooms/1">this</a>', "this"),
        ("<p>a</p><script>alert(1)</script>", "a"),
        (
            "<table><tr><th>A</th><td>b|c</td></tr><tr><td>1</td></tr></table>",
            "| A | b\\|c |\n| --- | --- |\n| 1 |  |",
        ),
        ("line\nand <b>line</b>", "line\nand **line**"),
        ("<div>in\nHTML</div>", "in HTML"),
        ("/play tada", "/play tada"),
        ("", ""),
    ],
)
def test_rich_text_is_markdown(html: str, source: str) -> None:
    assert markdown(html) == source


@given(st.text("ab 1.)-+*_~`#>|[]()<&\\:@!=\n\"'{}é漢/", max_size=20))
def test_no_letter_of_plain_text_becomes_a_mark(text: str) -> None:
    html = f"<div>{escape(text)}</div>".replace("\n", "<br>")
    kept = richtext.draft(markdown(html), may_be_empty=True)
    assert kept.plain.split() == text.split()


@given(st.text("<>/ abdivpulobr=\"'&;#x-", max_size=60))
def test_nothing_stops_it(html: str) -> None:
    richtext.draft(markdown(html), may_be_empty=True)


def test_what_is_deep_stays_readable() -> None:
    assert markdown("<div>" * 10_000 + "deep") == "deep"
    assert markdown("<blockquote>" * 10_000 + "deep").endswith("> deep")


def test_a_style_that_markdown_would_not_see_is_left_out() -> None:
    assert markdown("<p>a<b>(b)</b>c</p>") == "a(b)c"
    assert markdown("<p><b>a</b><i>b</i></p>") == "**a**b"


def test_a_mention_calls_whom_it_names_and_nobody_else() -> None:
    html = f"<div>{mention(3, 'JZ')} and {mention(9, 'Gone')} and @Kevin</div>"
    written = action_text.markdown(html, lambda user_id: user_id == 3)
    assert written.source == "<@3> and \\@Gone and \\@Kevin"
    assert (list(written.mentions), written.strangers) == ([3], 1)


def test_an_embed_is_a_preview_of_a_link_that_stays() -> None:
    card = embed("https://a.example/", "Title", "About")
    written = action_text.markdown(f"<div>{card}</div>", lambda user_id: False)
    assert written.source == "https://a.example/"
    assert written.embeds == [action_text.Embed("https://a.example/", "Title", "About")]


def test_what_else_was_embedded_is_named() -> None:
    file = f'<action-text-attachment sgid="{signed("ActiveStorage::Blob", 5)}">'
    poll = '<action-text-attachment content-type="x/poll" caption="Lunch?">'
    written = action_text.markdown(f"<p>a {file}</p><p>{poll}</p>", lambda id: False)
    assert (written.blobs, written.unknown) == ([5], ["x/poll"])
    assert written.source == "a\n\nLunch?"


def test_ids_are_read_as_every_rails_has_written_them() -> None:
    inner = base64.b64encode(MARSHALLED).decode()
    envelope = {"_rails": {"message": inner, "exp": None, "pur": "attachable"}}
    older = base64.b64encode(json.dumps(envelope).encode()).decode()
    assert action_text.global_id(signed("User", 3)) == ("User", 3)
    assert action_text.global_id(f"{older}--0f") == ("User", 7)
    assert action_text.global_id(older.replace("=", "%3D")) == ("User", 7)


@pytest.mark.parametrize("sgid", ["", "--", "rubbish", "e30=", "W10=", "\u2603" * 9])
def test_what_is_no_id_names_nobody(sgid: str) -> None:
    assert action_text.global_id(sgid) is None
