"""Colours for code: only classes of ours, only in known languages, in little time."""

import subprocess
import sys
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campfire.chat import colours


def words(html: str) -> str:
    """The text of what was made, which holds nothing but parts with our classes."""
    heard: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(
            self, tag: str, attrs: list[tuple[str, str | None]]
        ) -> None:
            assert tag == "span"
            [(name, value)] = attrs
            assert name == "class" and value in colours.CLASSES

        def handle_data(self, data: str) -> None:
            heard.append(data)

    reader = Reader()
    reader.feed(html)
    reader.close()
    return "".join(heard)


@pytest.mark.parametrize(
    ("language", "code", "made"),
    [
        ("python", "return 1", '<span class="hl-keyword">return </span>'),
        ("Python", "x = 'a<b'", "<span class=\"hl-string\">'a&lt;b'</span>"),
        ("python", "def f(): 1", '<span class="hl-function">f</span>'),
        ("js", "// <b>", '<span class="hl-comment">// &lt;b&gt;</span>'),
        ("sql", "SELECT 12", '<span class="hl-number">12</span>'),
        ("diff", "+a\n-b\n", '<span class="hl-removed">-b\n</span>'),
        ("java", "int x;", '<span class="hl-type">int </span>'),
    ],
)
def test_code_has_colours(language: str, code: str, made: str) -> None:
    assert made in (colours.coloured(code, language) or "")


@pytest.mark.parametrize("language", ["", "text", "brainfuck", "python3000", "../x"])
def test_an_unknown_language_is_not_guessed(language: str) -> None:
    assert colours.coloured("return 1", language) is None
    assert colours.coloured("return 1", "python") is not None


@pytest.mark.parametrize("language", sorted(colours.LANGUAGES))
def test_every_language_that_is_listed_is_there(language: str) -> None:
    code = "a = 1 /* <b> */ 'c' # d\n\n\tx && y\n"
    assert words(colours.coloured(code, language) or "") == code


PIECES = st.sampled_from(
    [*"\"'`(){}[]<>/*#$@:;=-+\\ \n\ta1é_", "/*", "*/", "//", "<!--", "def ", "class a"]
)


@given(
    language=st.sampled_from(sorted(colours.LANGUAGES)),
    code=st.lists(PIECES, max_size=40).map("".join),
)
@settings(max_examples=300)
def test_the_words_of_the_code_stay(language: str, code: str) -> None:
    made = colours.coloured(code, language)
    assert made is None or words(made) == code


def test_there_is_a_limit_to_how_much_the_code_grows() -> None:
    made = colours.coloured("1+" * 3_000, "python") or ""
    assert made.count("<span") == colours.MOST_PARTS // 2
    assert words(made) == "1+" * 3_000


def test_nothing_is_loaded_before_there_is_code() -> None:
    asked = (
        "import sys; from campfire.chat import richtext; "
        "richtext.draft('`a` and **b**'); print('pygments' in sys.modules); "
        "richtext.draft('```python\\nx\\n```'); print('pygments' in sys.modules)"
    )
    told = subprocess.check_output([sys.executable, "-c", asked], text=True)
    assert told.split() == ["False", "True"]


# Each of these took a lexer seconds, and some of them minutes.
@pytest.mark.parametrize(
    ("language", "piece"),
    [
        *(("c", " \n"), ("cpp", "\t\n"), ("java", "a b "), ("csharp", "a\n")),
        *(("typescript", "a."), ("hcl", "_"), ("js", '\\"'), ("jsx", '"\\')),
        *(("java", "a b " * 90 + ";"), ("c", " " * 90 + ";"), ("html", "<style>")),
        *(("bash", "a::"), ("xml", "&"), ("yaml", "**"), ("ini", "\t"), ("go", "(")),
    ],
)
def test_hostile_code_ends(language: str, piece: str) -> None:
    colours.coloured("", language)
    started = time.process_time()
    colours.coloured((piece * 16_384)[:16_384], language)
    assert time.process_time() - started < 2
