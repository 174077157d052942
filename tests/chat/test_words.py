"""Words: any text is a query, and scripts without spaces are cut into pairs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campfire.chat import words
from campfire.chat.words import SAID, Asked, Word


def test_words_are_what_stands_between_spaces() -> None:
    assert words.asked("hut  opening").words == (Word("hut"), Word("opening"))


def test_a_phrase_stands_between_quotes() -> None:
    assert words.asked('"hut opening" soon').words == (
        Word("hut opening", is_phrase=True),
        Word("soon"),
    )
    assert words.asked('"never closed').words == (Word("never closed", True),)


def test_a_minus_leaves_something_out() -> None:
    asked = words.asked('hut -lake -"old map" a-b')
    assert asked.words == (Word("hut"), Word("a-b"))
    assert asked.without == (Word("lake"), Word("old map", True))


def test_filters_are_no_words() -> None:
    asked = words.asked(
        'from:ana from:"Mei Tanaka" in:#Trailhead has:file HAS:link soup'
    )
    assert asked.from_names == ("ana", "Mei Tanaka")
    assert asked.in_names == ("Trailhead",)
    assert asked.has == {"file", "link"}
    assert asked.words == (Word("soup"),)


def test_a_day_begins_at_midnight_in_utc() -> None:
    asked = words.asked("before:2026-11-23 after:1970-01-02")
    assert asked.before == 1_795_392_000_000
    assert asked.after == 86_400_000


@pytest.mark.parametrize(
    "text", ["before:never", "has:dream", "after:2026-02-30", "-from:ana", "body:x"]
)
def test_what_is_no_filter_is_looked_for(text: str) -> None:
    asked = words.asked(text)
    assert [word.text for word in (*asked.words, *asked.without)] == [text.strip("-")]


@pytest.mark.parametrize("text", ["", "  ", "\0", "- : ( ) * ^ \" '", "🏕️🎉", "from:"])
def test_nothing_is_asked_without_a_letter_or_a_digit(text: str) -> None:
    assert words.asked(text) in (Asked(), Asked(words=(Word("from:"),)))


def test_a_question_is_bounded() -> None:
    asked = words.asked("x" * 5_000 + " y" * 10_000)
    assert len(asked.words) == words.MOST_WORDS
    assert len(asked.words[0].text) == words.LONGEST_WORD


def test_scripts_without_spaces_are_cut_into_pairs() -> None:
    assert words.pairs("東京都 is 東") == "東京 京都 東"
    assert words.pairs("plain words") == ""
    assert words.pairs("ﾃﾞｰﾀ") == words.pairs("データ"), "one form for both"


def test_a_word_is_asked_for_in_quotes_and_pairs() -> None:
    assert words.as_words(Word('a"b')) == [f'{SAID}: "a""b"']
    assert words.as_words(Word("東京都")) == ['pairs: "東京 京都"']
    assert words.as_words(Word("東")) == ['pairs: "東"*']
    assert words.as_words(Word("v2東京")) == [f'{SAID}: "v2"', 'pairs: "東京"']
    assert words.as_words(Word("++")) == []


def test_a_part_needs_three_characters() -> None:
    assert words.as_part(Word("ab")) is None
    assert words.as_part(Word('c++"')) == f'{SAID}: "c++"""'


@given(st.text())
def test_any_text_is_a_question(text: str) -> None:
    asked = words.asked(text)
    for word in (*asked.words, *asked.without):
        words.as_words(word)
        words.as_part(word)


@given(st.text())
def test_any_text_can_be_cut(text: str) -> None:
    assert all(len(pair) <= 2 for pair in words.pairs(text).split(" "))


@pytest.mark.parametrize(
    ("text", "filters", "rest"),
    [
        ("hut from:ana", ["from"], "hut"),
        ('in:"Kitchen table" hut in:huts', ["in"], "hut"),
        ("has:file has:link hut", ["has:file"], "has:link hut"),
        ("after:2026-11-01 hut before:2026-12-01", ["after", "before"], "hut"),
        ("-from:ana hut", ["from"], "-from:ana hut"),
        ('"from: ana" hut', ["from"], '"from: ana" hut'),
        ("hut", ["from"], "hut"),
    ],
)
def test_a_query_goes_on_without_some_filters(
    text: str, filters: list[str], rest: str
) -> None:
    assert words.without(text, *filters) == rest
