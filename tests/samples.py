"""Files to send: made here, so that none of somebody else's lies in the repository."""

import io
import struct
import zlib
from typing import Any

from PIL import Image

SECRET = b"taken in the secret garden"


def picture(
    width: int = 90, height: int = 60, format: str = "PNG", **options: Any
) -> bytes:
    """Red on the left half, blue on the right."""
    image = Image.new("RGB", (width, height), "red")
    image.paste("blue", (width // 2, 0, width, height))
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def from_a_camera(format: str = "JPEG", orientation: int = 1) -> bytes:
    """A picture that says where it was taken, in every way its format knows."""
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    exif[0x0112] = orientation
    exif.get_ifd(0x8825).update({1: "N", 2: (46.0, 56.0, 53.0), 3: "E"})
    options: dict[str, Any] = {"exif": exif, "xmp": b"<x:xmpmeta>" + SECRET}
    if format == "JPEG":
        options["comment"] = SECRET
    data = picture(format=format, **options)
    if format == "PNG":
        data = data[:-12] + chunk(b"tEXt", b"Comment\0" + SECRET) + data[-12:]
    if format == "JPEG":  # As phones append a film or a second picture.
        data += picture(format="JPEG", comment=SECRET)
    assert SECRET in data
    return data


def chunk(kind: bytes, data: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + checksum


def png(width: int, height: int, rows: bytes) -> bytes:
    """A grey picture that says this of itself, whatever is in it."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", rows), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def film(width: int = 90, height: int = 60) -> bytes:
    """A WebM of one frame: what is in a lossy WebP is a frame of VP8 (RFC 6386)."""
    webp = picture(width, height, "WEBP", quality=90)
    assert webp[12:16] == b"VP8 "
    frame = webp[20 : 20 + int.from_bytes(webp[16:20], "little")]

    def element(id: str, *inside: bytes) -> bytes:
        data = b"".join(inside)
        return bytes.fromhex(id) + (len(data) | 1 << 56).to_bytes(8, "big") + data

    def number(id: str, value: int) -> bytes:
        return element(id, value.to_bytes(2, "big"))

    head = element("1a45dfa3", element("4282", b"webm"))
    about = element("1549a966", element("2ad7b1", (1_000_000).to_bytes(4, "big")))
    size = element("e0", number("b0", width), number("ba", height))
    track = (number("d7", 1), number("73c5", 1), number("83", 1))
    tracks = element("1654ae6b", element("ae", *track, element("86", b"V_VP8"), size))
    block = element("a3", b"\x81\0\0\x80" + frame)
    cluster = element("1f43b675", number("e7", 0), block)
    return head + element("18538067", about, tracks, cluster)
