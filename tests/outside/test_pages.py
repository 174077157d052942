"""What a page says of itself, from pages that mean well and pages that do not."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campfire.outside import pages
from campfire.outside.pages import Page

URL = "https://page.example/a/b"


def page(html: str | bytes, charset: str | None = None) -> Page | None:
    body = html.encode() if isinstance(html, str) else html
    return pages.read(body, charset, URL)


def title(html: str | bytes, charset: str | None = None) -> str | None:
    found = page(html, charset)
    return None if found is None else found.title


def meta(name: str, content: str, attribute: str = "property") -> str:
    return f'<meta {attribute}="{name}" content="{content}">'


def test_a_page_that_says_everything_is_taken_at_its_word() -> None:
    assert page(
        "<!doctype html><html><head><title>Plain</title>"
        + meta("twitter:title", "Bird", "name")
        + meta("og:title", "Graph &amp; more")
        + meta("description", "Plain about", "name")
        + meta("og:description", "Graph about")
        + meta("og:image", "/picture.png?a=1&amp;b=2")
        + "</head>"
    ) == Page("Graph & more", "Graph about", "https://page.example/picture.png?a=1&b=2")


def test_a_page_with_less_says_less() -> None:
    assert page("<title>\n Just \t a  title </title>") == Page("Just a title", "", None)
    bird = meta("twitter:title", "Bird", "name") + meta("twitter:image", "p.png")
    assert page(bird) == Page("Bird", "", "https://page.example/a/p.png")
    assert page(meta("OG:Title", "Loud") + meta("og:description", "")) == Page(
        "Loud", "", None
    )
    about = meta("description", "About", "name")
    assert page(f"<title>T</title>{about}") == Page("T", "About", None)
    assert page(meta("og:title", " ") + "<title>T</title>") == Page("T", "", None)


@pytest.mark.parametrize("html", ["", "Hello", "<title></title>", "<title> \n</title>"])
def test_a_page_without_a_name_has_nothing_to_show(html: str) -> None:
    assert page(html) is None


def test_only_the_first_of_each_counts() -> None:
    assert title("<title>A</title><title>B</title>") == "A"
    assert title(meta("og:title", "A") + meta("og:title", "B")) == "A"


def test_nothing_after_the_head_is_read() -> None:
    assert title("<head></head>" + meta("og:title", "A")) is None
    assert title("<body>" + meta("og:title", "A")) is None
    assert title("<script>'</head>'</script>" + meta("og:title", "A")) == "A"
    assert title("<!-- </head> -->" + meta("og:title", "A")) == "A"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("&lt;b&gt;Bold&lt;/b&gt; words", "Bold words"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;", "alert(1)"),
        ("a &lt; b &amp;amp; c &gt; d", "a < b &amp; c > d"),
        ("a\u202eb\u2066c\u0000d\u200be", "a b c \ufffdd e"),
        ("👩\u200d👩\u200d👧", "👩\u200d👩\u200d👧"),
        ("x" * 300, "x" * 279 + "…"),
    ],
)
def test_it_is_text_and_nothing_else(given: str, shown: str) -> None:
    assert title(meta("og:title", given)) in (shown, shown.replace("\ufffd", ""))


def test_what_is_long_is_cut() -> None:
    found = page(meta("og:title", "t" * 281) + meta("og:description", "d" * 561))
    assert found is not None
    assert (len(found.title), len(found.description)) == (280, 560)
    found = page(meta("og:title", "t" * 280) + meta("og:description", "d" * 560))
    assert found == Page("t" * 280, "d" * 560, None)


@pytest.mark.parametrize(
    ("picture", "absolute"),
    [
        ("http://else.example/p.png", "http://else.example/p.png"),
        ("//else.example/p.png", "https://else.example/p.png"),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("http://[", None),
    ],
)
def test_a_picture_is_only_a_url_until_it_is_checked(
    picture: str, absolute: str | None
) -> None:
    found = page("<title>T</title>" + meta("og:image", picture))
    assert found is not None and found.picture == absolute


# Letters


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        ("<title>Käse</title>".encode(), None),
        ("<title>Käse</title>".encode(), "utf-8"),
        ("<title>Käse</title>".encode("cp1252"), None),
        ("<title>Käse</title>".encode("latin-1"), "ISO-8859-1"),
        ("<meta charset=iso-8859-1><title>Käse</title>".encode("latin-1"), None),
        ("<meta charset='utf-8'><title>Käse</title>".encode(), None),
        ("<meta charset=utf-16><title>Käse</title>".encode(), None),
        (
            b'<meta http-equiv=Content-Type content="text/html; charset=windows-1252">'
            + "<title>Käse</title>".encode("cp1252"),
            None,
        ),
        ("<title>Käse</title>".encode("utf-16"), None),
        ("<title>Käse</title>".encode("utf-16-be"), "utf-16be"),
        ("<title>Käse</title>".encode("utf-8-sig"), "latin-1"),
        ("<title>Käse</title>".encode(), "nonsense"),
        ("<title>Käse</title>".encode(), "utf-7"),
        ("<title>Käse</title>".encode(), "unicode_escape"),
        ("<title>Käse</title>".encode(), "idna"),
        ("<title>Käse</title>".encode(), "zlib"),
        ("<title>Käse</title>".encode() + "ä".encode()[:1], None),
    ],
)
def test_letters_are_found_out(body: bytes, charset: str | None) -> None:
    assert title(body, charset) == "Käse"


def test_utf_7_is_not_a_language_here() -> None:
    body = b"<meta charset=utf-7><title>+ADw-b+AD4-</title>"
    assert title(body) == "+ADw-b+AD4-"


def test_a_page_in_japanese_keeps_its_letters() -> None:
    for charset in ("shift_jis", "euc-jp", "iso-2022-jp"):
        assert title("<title>焚き火</title>".encode(charset), charset) == "焚き火"


# Pages that mean harm

MUCH = 256 * 1024
HOSTILE = {
    "attributes": "<meta " + "a " * MUCH,
    "values": "<meta " + "a=" * MUCH,
    "one value": '<meta a="' + "x" * MUCH,
    "signs": "<" * MUCH,
    "tags in tags": "<a<" * MUCH,
    "comments": "<!--" * MUCH,
    "marked sections": "<![" * MUCH,
    "letters": "&#" * MUCH,
    "metas": "<meta name=a content=b>" * 50_000,
    "depth": "<div>" * 100_000,
    "a title": "<title>" + "x<b>" * MUCH,
    "a script": "<script>" + "</" * MUCH,
    "slashes": "<meta " + "a/" * MUCH,
    "spaces": "<meta a" + " " * MUCH,
    "quotes": "<meta " + "\"'" * MUCH,
    "a type": "<!DOCTYPE a [" + "<!ELEMENT " * MUCH,
    "tags in a value": meta("og:title", "<a " * 1_300),
    "a zip": "PK\x03\x04" + "\x00" * MUCH,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_page_takes_longer_than_it_may(name: str) -> None:
    body = HOSTILE[name].encode()
    before = time.thread_time()
    pages.read(body, None, URL)
    assert time.thread_time() - before < 4 * pages.SECONDS


@pytest.mark.parametrize("html", ["<![x", "<![CDATA[x", "<!x", "<?x", "</", "<!--"])
def test_what_came_before_a_fault_counts(html: str) -> None:
    assert title(f"<title>T</title>{html}") == "T"


@given(st.binary(max_size=200), st.sampled_from([None, "utf-8", "utf-16", "x"]))
def test_no_bytes_are_a_bug(body: bytes, charset: str | None) -> None:
    page(body, charset)
    found = page(b"<title>a" + body, charset)
    assert found is None or 0 < len(found.title) <= pages.LONGEST_TITLE
