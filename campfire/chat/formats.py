"""What a file is, by its first bytes and its ending; never by what its sender claims.

What a browser could run, such as HTML and SVG, has no type here and is only bytes.
"""

from pathlib import PurePosixPath
from typing import Final

BYTES: Final = "application/octet-stream"
HEAD: Final = 4096

# What a browser shows in place without running anything in it.
PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
VIDEOS: Final = frozenset({"video/mp4", "video/quicktime", "video/webm", "video/ogg"})
SOUNDS: Final = frozenset(
    {
        *("audio/aac", "audio/flac", "audio/mp4", "audio/mpeg", "audio/ogg"),
        *("audio/wav", "audio/webm"),
    }
)

# What has these names is a picture or a film that can be read, or it is only bytes.
ENDINGS: Final = frozenset(
    {
        *(".jpg", ".jpeg", ".png", ".webp", ".gif", ".heic", ".heif", ".avif"),
        *(".mp4", ".m4v", ".mov", ".3gp", ".m4a", ".webm", ".mkv"),
    }
)

MAGIC: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"\x1f\x8b\x08", "application/gzip"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
)
BRANDS: Final = {
    **{b"qt  ": "video/quicktime", b"M4A ": "audio/mp4", b"M4B ": "audio/mp4"},
    **{b"avif": "image/avif", b"avis": "image/avif"},
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"heim", b"heis"), "image/heic"),
    **dict.fromkeys((b"mif1", b"msf1"), "image/heif"),
}
# A film may do without its first box, which says of which brand it is.
UNBRANDED: Final = frozenset(b"moov mdat wide free skip".split())
MP3: Final = (b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2")
OFFICE: Final = "application/vnd.openxmlformats-officedocument"
ZIPPED: Final = {
    ".docx": f"{OFFICE}.wordprocessingml.document",
    ".xlsx": f"{OFFICE}.spreadsheetml.sheet",
    ".pptx": f"{OFFICE}.presentationml.presentation",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".odp": "application/vnd.oasis.opendocument.presentation",
    ".epub": "application/epub+zip",
}
WORDS: Final = {
    **{".txt": "text/plain", ".log": "text/plain", ".md": "text/markdown"},
    ".csv": "text/csv",
}


def content_type(head: bytes, filename: str) -> str:
    """The type of a file that begins with `head`, at least its first 4 KiB."""
    ending = PurePosixPath(filename).suffix.lower()
    for magic, known in MAGIC:
        if head.startswith(magic):
            return known
    if head[:4] == b"RIFF":
        kinds = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}
        return kinds.get(head[8:12], BYTES)
    if head[4:8] == b"ftyp":
        return BRANDS.get(head[8:12], "video/mp4")
    if head[4:8] in UNBRANDED and ending in (".mov", ".mp4", ".m4v"):
        return "video/quicktime"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        if b"webm" not in head[:64]:
            return "video/x-matroska"
        return "audio/webm" if ending == ".weba" else "video/webm"
    if head[:4] == b"OggS":
        return "video/ogg" if b"theora" in head[:256] else "audio/ogg"
    if ending == ".mp3" and head[:2] in MP3:
        return "audio/mpeg"
    if ending == ".aac" and head[:2] in (b"\xff\xf1", b"\xff\xf9"):
        return "audio/aac"
    if head[:4] == b"PK\x03\x04":
        return ZIPPED.get(ending, "application/zip")
    if ending in WORDS and b"\0" not in head:
        return WORDS[ending]
    return BYTES
