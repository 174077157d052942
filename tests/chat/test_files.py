"""Files of messages: for those in the room, cleanly named, gone with the message."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campfire.chat import files, messages, richtext, rooms
from campfire.chat.files import Stored
from campfire.chat.messages import Message
from campfire.database import Tx
from campfire.refusals import Invalid, NotFound
from tests.conftest import ALL_PETS, DAVID, EVERYBODY, INSIDERS, JZ, KEVIN, WATERCOOLER

BARE = richtext.draft("", may_be_empty=True)


def stored(name: str = "map.png", key: str = "a", size: int = 5) -> Stored:
    return Stored(
        key=key * 26,
        filename=name,
        content_type="image/png",
        byte_size=size,
        sha256=bytes(32),
        width=9,
        height=6,
        has_thumbnail=True,
    )


def sent(tx: Tx, *given: Stored, room_id: int = ALL_PETS, words: str = "") -> Message:
    draft = richtext.draft(words, may_be_empty=True)
    client_id = messages.client_message_id(None)
    return messages.post(tx, JZ, room_id, draft, client_id, given)[0]


def test_files_come_with_the_message_and_everybody_is_told_once(tx: Tx) -> None:
    message = sent(tx, stored("b.png"), stored("a.pdf", "b"))
    assert [file.filename for file in message.attachments] == ["b.png", "a.pdf"]
    assert message.attachments[0].thumbnail_url is not None
    assert tx.events == [messages.Posted(EVERYBODY, message)]
    assert messages.find(tx, DAVID, ALL_PETS, message.id) == message


def test_what_the_bytes_must_be_is_listed_for_every_file(tx: Tx) -> None:
    map_, card = sent(tx, stored("a.png"), stored("b.png", "b")).attachments
    assert files.kept(tx) == [
        files.Kept(map_.id, "a" * 26, map_.byte_size, bytes(32), True),
        files.Kept(card.id, "b" * 26, card.byte_size, bytes(32), True),
    ]


def test_a_message_without_words_is_found_by_its_files(tx: Tx) -> None:
    assert sent(tx, stored("b.png"), stored("a.pdf", "b")).plain == "b.png a.pdf"
    assert sent(tx, stored("c.png", "c"), words="Look").plain == "Look"


def test_words_may_be_taken_away_where_a_file_stays(tx: Tx) -> None:
    message = sent(tx, stored("map.png"), words="Look")
    edited = messages.edit(tx, JZ, ALL_PETS, message.id, BARE)
    assert (edited.html, edited.plain) == ("", "map.png")
    assert edited.attachments == message.attachments
    assert messages.edit(tx, JZ, ALL_PETS, message.id, BARE) == edited
    words = sent(tx, words="Look")
    with pytest.raises(Invalid):
        messages.edit(tx, JZ, ALL_PETS, words.id, BARE)


def test_the_same_again_is_the_message_that_exists(tx: Tx) -> None:
    first = messages.post(tx, JZ, ALL_PETS, BARE, "x", [stored()])
    again = messages.post(tx, JZ, ALL_PETS, BARE, "x", [stored(key="b")])
    assert again == (first[0], False)
    assert tx.value("SELECT count(*) FROM attachments") == 1


def test_a_file_is_for_those_in_its_room(tx: Tx) -> None:
    (file,) = sent(tx, stored(), room_id=WATERCOOLER).attachments
    for user_id in INSIDERS:
        assert files.find(tx, user_id, file.id).key == "a" * 26
    with pytest.raises(NotFound):
        files.find(tx, KEVIN, file.id)
    with pytest.raises(NotFound):
        files.find(tx, DAVID, file.id + 1)


def test_who_has_left_the_room_has_left_its_files(tx: Tx) -> None:
    (file,) = sent(tx, stored(), room_id=WATERCOOLER).attachments
    assert files.find(tx, DAVID, file.id).id == file.id
    rooms.remove(tx, DAVID, WATERCOOLER)
    with pytest.raises(NotFound):
        files.find(tx, DAVID, file.id)


def test_a_removed_message_leaves_its_keys_to_be_discarded(tx: Tx) -> None:
    message = sent(tx, stored(), stored(key="b"))
    assert files.discarded(tx) == []
    messages.remove(tx, JZ, ALL_PETS, message.id)
    assert files.discarded(tx) == [], "it may come back"
    assert messages.sweep(tx, 0)
    assert files.discarded(tx) == ["a" * 26, "b" * 26]
    files.forget(tx, ["a" * 26])
    assert files.discarded(tx) == ["b" * 26]


def test_a_deleted_room_leaves_its_keys_to_be_discarded(tx: Tx) -> None:
    sent(tx, stored(), room_id=WATERCOOLER)
    rooms.remove(tx, DAVID, WATERCOOLER)
    while messages.sweep(tx, 0):
        pass
    assert files.discarded(tx) == ["a" * 26]


def test_keys_without_a_message_are_told_from_the_others(tx: Tx) -> None:
    sent(tx, stored())
    assert files.unnamed(tx, ["a" * 26, "b" * 26]) == ["b" * 26]
    assert files.unnamed(tx, []) == []


def test_outsiders_attach_nothing(tx: Tx) -> None:
    with pytest.raises(NotFound):
        messages.post(tx, KEVIN, WATERCOOLER, BARE, "x", [stored()])
    assert tx.value("SELECT count(*) FROM attachments") == 0


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ("map.png", "map.png"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("/absolute", "absolute"),
        ("../../a\0b", "ab"),
        (".htaccess", "htaccess"),
        ("dots. . .", "dots"),
        ('a"b\r\nc.png', 'a"bc.png'),
        ("photo\u202egpj.exe", "photogpj.exe"),
        ("half\ud800.txt", "half.txt"),
        ("cafe\u0301.txt", "café.txt"),
        ("👩‍🚒.png", "👩‍🚒.png"),
        ("thumbnail", "thumbnail.bin"),
        ("", "file"),
        ("..", "file"),
        ("\u200b\u200d", "file"),
        ("x" * 5000 + ".tar.gz", "x" * 252 + ".gz"),
        ("ü" * 200 + ".pdf", "ü" * 125 + ".pdf"),
        ("a." + "x" * 400, "a." + "x" * 253),
    ],
)
def test_a_name_is_made_fit_to_show_and_to_save(given: str, clean: str) -> None:
    assert files.clean(given) == clean


@given(st.text())
def test_every_name_has_a_clean_one(name: str) -> None:
    clean = files.clean(name)
    assert 1 <= len(clean.encode()) <= files.LONGEST_NAME
    assert not set(clean) & set("/\\\0\r\n\u202e")
    assert clean == unicodedata.normalize("NFC", clean)
    assert files.clean(clean) == clean
