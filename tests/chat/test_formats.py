"""What a file is, whatever it is called."""

import pytest

from campfire.chat import formats
from tests.samples import film, picture

ZIP = b"PK\x03\x04" + bytes(30)


@pytest.mark.parametrize(
    ("head", "name", "known"),
    [
        (picture(), "a.png", "image/png"),
        (picture(), "a.html", "image/png"),
        (picture(format="JPEG"), "a", "image/jpeg"),
        (picture(format="GIF"), "a.gif", "image/gif"),
        (picture(format="WEBP"), "a.webp", "image/webp"),
        (film(), "a.webm", "video/webm"),
        (film(), "a.weba", "audio/webm"),
        (film().replace(b"webm", b"matr"), "a.webm", "video/x-matroska"),
        (b"\0\0\0\x18ftypmp42", "a.png", "video/mp4"),
        (b"\0\0\0\x18ftypqt  ", "a.mov", "video/quicktime"),
        (b"\0\0\0\x08wide\0\0\0\0mdat", "a.MOV", "video/quicktime"),
        (b"\0\0\0\x18ftypM4A ", "a.m4a", "audio/mp4"),
        (b"\0\0\0\x18ftypheic", "a.jpg", "image/heic"),
        (b"ID3\x04", "a", "audio/mpeg"),
        (b"\xff\xfb\x90", "a.mp3", "audio/mpeg"),
        (b"RIFF\0\0\0\0WAVEfmt ", "a.wav", "audio/wav"),
        (b"OggS\0\x02" + bytes(22) + b"\x80theora", "a", "video/ogg"),
        (b"OggS\0\x02" + bytes(22) + b"OpusHead", "a", "audio/ogg"),
        (b"%PDF-1.7", "a.png", "application/pdf"),
        (ZIP, "a.zip", "application/zip"),
        (ZIP, "a.odt", "application/vnd.oasis.opendocument.text"),
        (b"hello", "a.txt", "text/plain"),
        (b"a;b", "a.CSV", "text/csv"),
    ],
)
def test_the_bytes_say_it_and_the_ending_helps(
    head: bytes, name: str, known: str
) -> None:
    assert formats.content_type(head, name) == known


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.svg"),
        (b"<!doctype html><script>alert(1)</script>", "a.html"),
        (b"<?xml version='1.0'?><x/>", "a.xml"),
        (b"alert(1)", "a.js"),
        (b"%!PS-Adobe", "a.png"),
        (b"8BPS", "a.psd"),
        (b"BM" + bytes(30), "a.bmp"),
        (b"II*\0", "a.tiff"),
        (b"hello\0", "a.txt"),
        (b"", "a.png"),
        (b"", ""),
        (b"\xff", "a.mp3"),
        (b"RIFF\0\0\0\0AVI ", "a.avi"),
        (b"\0\0\0\x08wide\0\0\0\0mdat", "a"),
    ],
)
def test_everything_else_is_only_bytes(head: bytes, name: str) -> None:
    assert formats.content_type(head, name) == formats.BYTES


def test_nothing_that_can_run_is_shown_in_place() -> None:
    shown = formats.PICTURES | formats.VIDEOS | formats.SOUNDS
    assert {kind.split("/")[0] for kind in shown} == {"image", "video", "audio"}
    assert not [kind for kind in shown if "xml" in kind]
