"""What hangs on a message comes with it, in order, and under current names."""

from campfire.chat import memberships, messages, parts, profiles, richtext
from campfire.chat.parts import Attachment, Boost, Preview
from campfire.chat.users import Profile
from campfire.database import Tx
from tests.conftest import ALL_PETS, DAVID, JZ, KEVIN


def said(tx: Tx, text: str = "hello") -> int:
    people = memberships.mentionable(tx, JZ, ALL_PETS)
    draft = richtext.draft(text, people)
    client_id = messages.client_message_id(None)
    return messages.post(tx, JZ, ALL_PETS, draft, client_id)[0].id


def shown(tx: Tx, message_id: int) -> messages.Message:
    return messages.find(tx, DAVID, ALL_PETS, message_id)


def boost(tx: Tx, message_id: int, booster_id: int, content: str) -> None:
    tx.row(
        """INSERT INTO boosts (message_id, booster_id, content, created_at)
           VALUES (?, ?, ?, 7)""",
        (message_id, booster_id, content),
    )


def test_a_message_with_nothing_on_it_has_nothing(tx: Tx) -> None:
    message = shown(tx, said(tx))
    assert (message.boosts, message.attachments, message.previews) == ((), (), ())
    assert parts.from_row(parts.NONE) == parts.Parts()


def test_boosts_come_in_the_order_they_were_given(tx: Tx) -> None:
    message_id = said(tx)
    boost(tx, message_id, KEVIN, "👍")
    boost(tx, message_id, DAVID, 'so "true"')
    first, second = shown(tx, message_id).boosts
    assert isinstance(first, Boost)
    assert (first.message_id, first.content, first.created_at) == (message_id, "👍", 7)
    assert (second.content, second.booster.name) == ('so "true"', "David")


def test_a_boost_shows_the_current_name_of_whom_it_is_from(tx: Tx) -> None:
    message_id = said(tx)
    boost(tx, message_id, KEVIN, "👍")
    profiles.revise(tx, KEVIN, Profile(name="Kévin"), proven=None, session_id=0)
    assert shown(tx, message_id).boosts[0].booster.name == "Kévin"


def test_files_come_with_their_addresses(tx: Tx) -> None:
    message_id = said(tx)
    for name, has_thumbnail in (("a b/ü.png", 1), ("plain.txt", 0)):
        tx.row(
            """INSERT INTO attachments (message_id, key, filename, content_type,
                 byte_size, sha256, width, height, has_thumbnail)
               VALUES (?, printf('%026d', random() & 65535), ?, 'image/png', 3,
                 zeroblob(32), 4, 5, ?)""",
            (message_id, name, has_thumbnail),
        )
    picture, text = shown(tx, message_id).attachments
    assert isinstance(picture, Attachment)
    assert picture.url == f"/files/{picture.id}/a%20b%2F%C3%BC.png"
    assert picture.thumbnail_url == f"/files/{picture.id}/thumbnail"
    assert (picture.width, picture.height, picture.byte_size) == (4, 5, 3)
    assert text.thumbnail_url is None


def test_a_preview_that_was_taken_away_is_not_shown(tx: Tx) -> None:
    message_id = said(tx)
    for url, title in (("https://a.example/", "A"), ("https://b.example/", None)):
        tx.row(
            """INSERT INTO previews (message_id, url, title, created_at)
               VALUES (?, ?, ?, 0)""",
            (message_id, url, title),
        )
    (preview,) = shown(tx, message_id).previews
    assert isinstance(preview, Preview)
    assert (preview.url, preview.title, preview.image_url) == (
        *("https://a.example/", "A"),
        None,
    )


def test_what_hangs_on_a_message_goes_with_it(tx: Tx) -> None:
    message_id = said(tx)
    boost(tx, message_id, KEVIN, "👍")
    tx.row(
        """INSERT INTO attachments (message_id, key, filename, content_type,
             byte_size, sha256)
           VALUES (?, 'abcdefghijklmnopqrstuvwxyz', 'a', 'text/plain', 0,
             zeroblob(32))""",
        (message_id,),
    )
    assert tx.value("SELECT count(*) FROM boosts") == 1
    messages.remove(tx, JZ, ALL_PETS, message_id)
    assert messages.sweep(tx, 0)
    assert tx.value("SELECT count(*) FROM boosts") == 0
    assert tx.value("SELECT count(*) FROM attachments") == 0
    assert tx.value("SELECT key FROM discarded_files") == "abcdefghijklmnopqrstuvwxyz"


def file(name: str, kind: str, width: int | None = None, height: int = 0) -> Attachment:
    has_thumbnail = width is not None
    return Attachment(1, name, kind, 5, width, height or None, has_thumbnail)


def test_a_file_is_shown_as_what_it_is() -> None:
    assert file("a.png", "image/png", 9, 6).kind == "picture"
    assert file("a.png", "image/png").kind == "file"
    assert file("a.avif", "image/avif").kind == "file"
    assert file("a.mp4", "video/mp4").kind == "video"
    assert file("a.mp3", "audio/mpeg").kind == "sound"
    assert file("a.pdf", "application/pdf").kind == "file"


def test_the_room_a_file_takes_is_known_before_it_comes() -> None:
    for given, shown in (
        ((2400, 1200), (600, 300)),
        ((1000, 4000), (100, 400)),
        ((300, 200), (300, 200)),
        ((1, 30_000), (1, 400)),
    ):
        assert file("a.png", "image/png", *given).shown_size == shown
    assert file("a.mp4", "video/mp4").shown_size == (960, 640)


def test_the_ending_of_a_name_stands_apart() -> None:
    for name, parts_of_it in (
        ("map.final.pdf", ("map.final", ".pdf")),
        ("README", ("README", "")),
        ("a." + "x" * 20, ("a." + "x" * 20, "")),
    ):
        assert file(name, "text/plain").name_parts == parts_of_it
