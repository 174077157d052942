"""Takes out of pictures and films what a camera or a program left in them; no pixel.

`python -m campfire.traces` gets a file on standard input. Of a JPEG, PNG, WebP or GIF
it writes what is left to standard output: of what was said only the colour profile and
which way is up stay, and nothing after the end. All others are changed where they lie,
by `films` and `matroska`. What is none of these is left alone.
"""

import mmap
import os
import re
import resource
import struct
import sys
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final

from campfire import films, matroska
from campfire.films import Change, Data

NOT_UNDERSTOOD: Final = 3
MEMORY: Final = 256 * 1024 * 1024
CPU_SECONDS: Final = 10
BIT: Final = 256 * 1024
ORIENTATION: Final = 0x0112
DEEP: Final = 64 * 1024
# Any number of 0xFF, then what it is; pixels have markers of their own (T.81, B.1.1).
MARKER: Final = re.compile(rb"\xff+([^\x00\xff])")
AFTER_PIXELS: Final = re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])")
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
# How a frame is shown, and words that are one; how often it plays, and its colours.
GIF_SHOWN: Final = (b"\xf9", b"\x01")
GIF_KEPT: Final = frozenset({b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012"})
MOST_BLOCKS: Final = 4_000_000


def pieces(data: Data) -> Iterator[bytes] | None:
    """A picture without its traces, bit by bit; None for what is changed in place.

    One that is cut off stays so. Raises ValueError, also on the way, when it is none.
    """
    if data[:3] == b"\xff\xd8\xff":
        return jpeg(data)
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return png(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return webp(data)
    if data[:4] == b"GIF8":
        return gif(data)
    return None


def changes(data: Data) -> Iterable[Change]:
    """What to write over a film. Raises ValueError when it is none."""
    if data[:4] == b"\x1a\x45\xdf\xa3":
        return matroska.changes(data)
    return films.changes(data)


def jpeg(data: Data) -> Iterator[bytes]:
    yield b"\xff\xd8"
    at, upright, has_pixels = 2, True, False
    while found := MARKER.search(data, at):
        at, kind = found.end() - 2, found[1][0]
        if kind == 0xD9:
            break
        if kind == 0x01 or 0xD0 <= kind <= 0xD8:  # They stand alone, and not here.
            at += 2
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if end < at + 4 or end > len(data):
            break
        if kind == 0xDA:
            has_pixels = True
            after = AFTER_PIXELS.search(data, end)
            yield from _bits(data, at, end := after.start() if after else len(data))
            at = end
            continue
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
    if not has_pixels:
        raise ValueError("there is no picture in it")
    yield b"\xff\xd9"


def png(data: Data) -> Iterator[bytes]:
    yield data[:8]
    at, has_pixels = 8, False
    while len(data) >= at + 8:
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        end = at + 12 + length
        has_pixels |= kind == b"IDAT"
        if kind in PNG_KEPT:
            yield from _bits(data, at, min(end, len(data)))
        elif kind == b"eXIf":
            if (
                orientation := _orientation(data[at + 8 : min(end - 4, at + DEEP)])
            ) > 1:
                exif = b"eXIf" + _exif(orientation)
                yield struct.pack(">I", len(exif) - 4) + exif
                yield struct.pack(">I", zlib.crc32(exif))
        if kind == b"IEND":
            break
        at = end
    if not has_pixels:
        raise ValueError("there is no picture in it")


def webp(data: Data) -> Iterator[bytes]:
    limit = min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    kept: list[tuple[int, int]] = []
    orientation, at = 1, 12
    while at + 8 <= limit:
        kind, length = struct.unpack("<4sI", data[at : at + 8])
        after = min(at + 8 + length + length % 2, limit)
        if kind in WEBP_KEPT:
            kept.append((at, after))
        elif kind == b"EXIF":
            orientation = _orientation(data[at + 8 : min(after, at + DEEP)])
        at = after
    if not kept:
        raise ValueError("there is no picture in it")
    head = exif = b""
    at, end = kept[0]
    if data[at : at + 4] == b"VP8X" and end > at + 8:
        flags = data[at + 8] & ~HAS_XMP & ~HAS_EXIF
        if orientation > 1:
            exif = _exif(orientation)
            exif = b"EXIF" + struct.pack("<I", len(exif)) + exif
            flags |= HAS_EXIF
        head = data[at : at + 8] + bytes([flags]) + data[at + 9 : end]
        del kept[0]
    size = 4 + len(head) + sum(end - at for at, end in kept) + len(exif)
    yield b"RIFF" + struct.pack("<I", size) + b"WEBP" + head
    for at, end in kept:
        yield from _bits(data, at, end)
    yield exif


def gif(data: Data) -> Iterator[bytes]:
    at = 13 + _colours(data, 10)
    yield data[:at]
    has_pixels, left = False, MOST_BLOCKS
    while (kind := data[at : at + 1]) in (b"!", b","):
        if kind == b",":
            end = at + 11 + _colours(data, at + 9)
            is_kept = has_pixels = True
        else:
            end = at + 2
            label, name = data[at + 1 : end], data[end + 1 : end + 12]
            is_kept = label in GIF_SHOWN or (label == b"\xff" and name in GIF_KEPT)
        while end < len(data) and (size := data[end]):
            end += 1 + size
            left -= 1
            if not left:
                raise ValueError("it has too many blocks")
        end = min(end + 1, len(data))
        if is_kept:
            yield from _bits(data, at, end)
        at = end
    if not has_pixels:
        raise ValueError("there is no picture in it")
    yield b";"


def _bits(data: Data, start: int, end: int) -> Iterator[bytes]:
    for at in range(start, end, BIT):
        yield data[at : min(at + BIT, end)]


def _colours(data: Data, at: int) -> int:
    """How many bytes of colours follow what describes a GIF or a frame of one."""
    packed = data[at] if at < len(data) else 0
    return 3 << (packed & 7) + 1 if packed & 0x80 else 0


def _without_thumbnail(jfif: bytes) -> bytes:
    return b"\xff\xe0\x00\x10" + jfif[4:16] + b"\0\0"


def _orientation(exif: bytes) -> int:
    """Which way is up, 1 to 8 (Exif 2.32, 4.6.5); 1 when it does not say."""
    exif = exif.removeprefix(b"Exif\0\0")
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


def limit() -> None:
    """What a file that was made to fool us may take."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def overwrite(file: BinaryIO, changes: Iterable[Change]) -> None:
    nothing = bytes(BIT)
    for at, data, zeros in changes:
        _write(file, at, data)
        at += len(data)
        for start in range(at, at + zeros, BIT):
            _write(file, start, nothing[: at + zeros - start])


def _write(file: BinaryIO, at: int, data: bytes) -> None:
    while data:
        written = os.pwrite(file.fileno(), data, at)
        at, data = at + written, data[written:]


def main(given: BinaryIO, made: BinaryIO) -> int:
    try:
        with mmap.mmap(given.fileno(), 0, access=mmap.ACCESS_READ) as data:
            left = pieces(data)
            if left is None:
                overwrite(given, changes(data))
            else:
                made.writelines(left)
                made.flush()
    except ValueError:
        return NOT_UNDERSTOOD
    return 0


if __name__ == "__main__":
    limit()
    sys.exit(main(sys.stdin.buffer, sys.stdout.buffer))
