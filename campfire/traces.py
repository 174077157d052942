"""Takes out of a picture what a camera or a program left in it; no pixel is touched.

`python -m campfire.traces` reads a JPEG, PNG or WebP file on standard input and writes
the same one without place, time, device, comments and anything after its end. Only the
colour profile and which way is up stay. Fails when the file is not as it should be.
"""

import mmap
import re
import struct
import sys
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

ORIENTATION: Final = 0x0112
DEEP: Final = 64 * 1024
# After these come pixels up to the next marker that is not part of them (T.81).
NEXT_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
# What a PNG needs to look as it does: all others describe, or say who made it.
PNG_KEPT: Final = frozenset(
    {
        *(b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB"),
        *(b"iCCP", b"cICP", b"sBIT", b"bKGD", b"pHYs", b"acTL", b"fcTL", b"fdAT"),
    }
)
WEBP_KEPT: Final = frozenset(
    {b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"}
)
HAS_EXIF, HAS_XMP = 0x08, 0x04

Data = mmap.mmap | bytes


def pieces(data: Data) -> Iterator[bytes]:
    """The file without its traces, bit by bit. Raises ValueError when it is broken."""
    if data[:3] == b"\xff\xd8\xff":
        return jpeg(data)
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return png(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return webp(data)
    raise ValueError("neither JPEG, PNG nor WebP")


def jpeg(data: Data) -> Iterator[bytes]:
    yield b"\xff\xd8"
    at, upright = 2, True
    while True:
        at = _marker(data, at)
        kind = data[at + 1]
        if kind == 0xD9:
            yield b"\xff\xd9"
            return
        if len(data) < at + 4:
            raise ValueError("it ends early")
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if end < at + 4 or end > len(data):
            raise ValueError("a part is longer than the file")
        if kind == 0xDA:
            found = NEXT_MARKER.search(data, end)
            if found is None:
                raise ValueError("the pixels have no end")
            end = found.start()
        segment = data[at:end]
        if kind == 0xE1 and segment[4:10] == b"Exif\0\0" and upright:
            if (orientation := _orientation(segment[10:])) > 1:
                exif = b"Exif\0\0" + _exif(orientation)
                yield b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
                upright = False
        is_profile = kind == 0xE2 and segment[4:16] == b"ICC_PROFILE\0"
        # 0xE0 and 0xEE say how the colours are coded.
        if not (0xE0 <= kind <= 0xEF or kind == 0xFE) or is_profile:
            yield segment
        elif kind == 0xEE or (kind == 0xE0 and segment[4:9] == b"JFIF\0"):
            yield segment if kind == 0xEE else _without_thumbnail(segment)
        at = end


def png(data: Data) -> Iterator[bytes]:
    yield data[:8]
    at = 8
    while True:
        if len(data) < at + 12:
            raise ValueError("it ends early")
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        end = at + 12 + length
        if end > len(data):
            raise ValueError("a part is longer than the file")
        if kind in PNG_KEPT:
            yield data[at:end]
        elif kind == b"eXIf":
            if (orientation := _orientation(data[at + 8 : end - 4])) > 1:
                exif = b"eXIf" + _exif(orientation)
                yield struct.pack(">I", len(exif) - 4) + exif
                yield struct.pack(">I", zlib.crc32(exif))
        if kind == b"IEND":
            return
        at = end


def webp(data: Data) -> Iterator[bytes]:
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise ValueError("it ends early")
    kept: list[bytes] = []
    orientation, at = 1, 12
    while at + 8 <= end:
        kind, length = struct.unpack("<4sI", data[at : at + 8])
        after = at + 8 + length + length % 2
        if at + 8 + length > end:
            raise ValueError("a part is longer than the file")
        if kind in WEBP_KEPT:
            kept.append(data[at:after])
        elif kind == b"EXIF":
            orientation = _orientation(data[at + 8 : at + 8 + length])
        at = after
    if not kept:
        raise ValueError("there is no picture in it")
    exif = b""
    if kept[0][:4] == b"VP8X":
        flags = kept[0][8] & ~HAS_XMP & ~HAS_EXIF
        if orientation > 1:
            exif = _exif(orientation)
            exif = b"EXIF" + struct.pack("<I", len(exif)) + exif
            flags |= HAS_EXIF
        kept[0] = kept[0][:8] + bytes([flags]) + kept[0][9:]
    size = 4 + sum(map(len, kept)) + len(exif)
    yield b"RIFF" + struct.pack("<I", size) + b"WEBP"
    yield from kept
    yield exif


def _marker(data: Data, at: int) -> int:
    """Where the marker stands: any number of 0xFF may come before it."""
    while data[at : at + 2] == b"\xff\xff":
        at += 1
    if len(data) < at + 2 or data[at] != 0xFF:
        raise ValueError("something stands between the parts")
    return at


def _without_thumbnail(jfif: bytes) -> bytes:
    return b"\xff\xe0\x00\x10" + jfif[4:16] + b"\0\0"


def _orientation(exif: bytes) -> int:
    """Which way is up, 1 to 8 (Exif 2.32, 4.6.5); 1 when it does not say."""
    exif = exif.removeprefix(b"Exif\0\0")[:DEEP]
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, start)
        for index in range(count):
            entry = start + 2 + 12 * index
            tag, kind, number = struct.unpack_from(f"{order}HHI", exif, entry)
            if (tag, kind, number) == (ORIENTATION, 3, 1):
                (value,) = struct.unpack_from(f"{order}H", exif, entry + 8)
                return int(value) if 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1


def _exif(orientation: int) -> bytes:
    """Camera data that says nothing but which way is up."""
    entry = struct.pack(">HHIHH", ORIENTATION, 3, 1, orientation, 0)
    return b"MM\0*" + struct.pack(">IH", 8, 1) + entry + b"\0\0\0\0"


def main(given: BinaryIO, made: BinaryIO) -> int:
    try:
        with mmap.mmap(given.fileno(), 0, access=mmap.ACCESS_READ) as data:
            for piece in pieces(data):
                made.write(piece)
        made.flush()
    except (OSError, ValueError, IndexError, struct.error):
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.stdin.buffer, sys.stdout.buffer))
