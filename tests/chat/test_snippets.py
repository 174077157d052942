"""Snippets: the words around what was found, marked where the index finds them."""

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campfire.chat import messages, richtext, snippets, words
from campfire.chat.files import Stored
from campfire.database import Tx
from tests.chat.conftest import Stage
from tests.conftest import ALL_PETS, JZ


def snippet(tx: Tx, said: str, asked: str, *filenames: str) -> str:
    client_id = messages.client_message_id(None)
    draft = richtext.draft(said)
    attached = [
        Stored(
            secrets.token_hex(13), name, "image/png", 5, bytes(32), None, None, False
        )
        for name in filenames
    ]
    message, _ = messages.post(tx, JZ, ALL_PETS, draft, client_id, attached)
    text = snippets.snippet(tx, message, words.asked(asked).words)
    return text.replace(richtext.OPEN, "[").replace(richtext.CLOSE, "]")


@pytest.mark.parametrize(
    ("said", "asked", "shown"),
    [
        ("The wardens open the huts", "hut opening", "The wardens [open] the [huts]"),
        ("The wardens open the huts", "arden", "The w[arden]s open the huts"),
        ("shut huts", "hut", "shut [huts]"),
        ("an old map, a map", '"old map"', "an [old map], a map"),
        ("hut hut hut", '"hut hut"', "[hut hut hut]"),
        (
            "Wo ist die Brücke? – Éclair",
            "eclair brucke",
            "Wo ist die [Brücke]? – [Éclair]",
        ),
        ("見て: the 🔥 hut", "hut", "見て: the 🔥 [hut]"),
        ("私は東京都に住む", "東京都", "私は[東京都]に住む"),
        ("use C++ here", "C++", "use [C]++ here"),
        ("nothing of it", "hut", "nothing of it"),
    ],
)
def test_what_was_found_is_marked(tx: Tx, said: str, asked: str, shown: str) -> None:
    assert snippet(tx, said, asked) == shown


def test_a_long_message_is_cut_around_it(tx: Tx) -> None:
    said = "before " * 100 + "**needle** " + "after " * 100
    shown = snippet(tx, said, "needle")
    assert "[needle]" in shown
    assert shown.startswith("…before") and shown.endswith("…")
    assert len(shown) < snippets.WINDOW + 10


def test_the_name_of_a_file_is_shown_where_only_it_was_found(tx: Tx) -> None:
    assert snippet(tx, "Look at this", "ridge", "ridge-map.png") == "[ridge]-map.png"
    assert snippet(tx, "Look at this", "look", "ridge-map.png") == "[Look] at this"


@given(st.text(), st.text())
def test_marks_change_nothing_else(stage: Stage, said: str, asked: str) -> None:
    said = f"x{said}".replace(richtext.OPEN, "").replace(richtext.CLOSE, "")
    with stage() as tx:
        client_id = messages.client_message_id(None)
        draft = richtext.draft(said)
        message, _ = messages.post(tx, JZ, ALL_PETS, draft, client_id)
        shown = snippets.snippet(tx, message, words.asked(asked).words)
    bare = shown.replace(richtext.OPEN, "").replace(richtext.CLOSE, "").strip("…")
    assert bare in message.plain
    assert shown.count(richtext.OPEN) == shown.count(richtext.CLOSE)
