"""Films in boxes to send, as small as a browser plays them; see `samples`."""

import struct
from collections.abc import Sequence
from typing import Final

from tests.samples import vp8


def box(kind: bytes, *inside: bytes) -> bytes:
    """A part of an MP4 file."""
    data = b"".join(inside)
    return struct.pack(">I", 8 + len(data)) + kind + data


def full_box(kind: bytes, *inside: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *inside)


def longs(*numbers: int) -> bytes:
    return struct.pack(f">{len(numbers)}I", *numbers)


def shorts(*numbers: int) -> bytes:
    return struct.pack(f">{len(numbers)}H", *numbers)


MATRIX: Final = longs(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
MADE_AT: Final = 0x5EC4E7ED


def tables(description: bytes, chunks: Sequence[tuple[int, int]]) -> list[bytes]:
    """Where samples of a second each lie, and how long they are."""
    count = len(chunks)
    return [
        full_box(b"stsd", longs(1), description),
        full_box(b"stts", longs(1, count, 1000) if count else longs(0)),
        full_box(b"stsc", longs(1, 1, 1, 1) if count else longs(0)),
        full_box(b"stsz", longs(0, count, *(size for _, size in chunks))),
        full_box(b"stco", longs(count, *(place for place, _ in chunks))),
    ]


def track(
    number: int, handler: bytes, tables: Sequence[bytes], said: bytes = b""
) -> bytes:
    here = box(b"dinf", full_box(b"dref", longs(1), full_box(b"url ", flags=1)))
    shown = full_box(b"vmhd", longs(0, 0), flags=1)
    times = longs(MADE_AT, MADE_AT)
    return box(
        b"trak",
        full_box(
            b"tkhd",
            *(times, longs(number, 0, 3000, 0, 0), shorts(0, 0, 0, 0)),
            *(MATRIX, longs(90 << 16, 60 << 16)),
            flags=7,
        ),
        box(
            b"mdia",
            full_box(b"mdhd", times, longs(1000, 3000), shorts(0x55C4, 0)),
            full_box(b"hdlr", longs(0), handler, longs(0, 0, 0), said + b"\0"),
            box(b"minf", shown, here, box(b"stbl", *tables)),
        ),
        *([box(b"udta", box(b"\xa9xyz", said))] if said else []),
    )


def coded(said: bytes = b"") -> bytes:
    """How a picture of VP8 is described."""
    config = full_box(b"vpcC", bytes((0, 10, 0x82, 2, 2, 2, 0, 0)), version=1)
    size = bytes(4) + said[:4].ljust(12, b"\0") + shorts(90, 60)
    about = longs(0x480000, 0x480000, 0) + shorts(1) + said.ljust(32, b"\0")[:32]
    start = bytes(6) + shorts(1)
    return box(b"vp08", start, size, about, shorts(24, 0xFFFF), config)


def movie(said: bytes = b"", brand: bytes = b"isom", *, is_cut: bool = False) -> bytes:
    """A film in boxes of three frames; what is said in it is a track and lies between.

    Cut, it is in fragments: each frame with what is needed to find it.
    """
    frame = vp8()
    # Where a drone or a camera for the car puts its place beside the frames.
    place = b"GPS " + said if said else b""
    spoken = box(b"free", place) + box(b"uuid", said.ljust(16)) if said else b""
    head = box(b"ftyp", brand, longs(512), brand) + spoken
    lies = len(head) + 8
    step = len(place + frame)
    frames = [(lies + index * step + len(place), len(frame)) for index in range(3)]
    places = [(lies + index * step, len(place)) for index in range(3)]
    if is_cut:
        frames = places = []
    tracks = [track(1, b"vide", tables(coded(said), frames), said)]
    if said:
        measured = box(b"gpmd", bytes(6), shorts(1))
        tracks.append(track(2, b"meta", tables(measured, places), said))
    extends = [full_box(b"trex", longs(index, 1, 1000, 0, 0)) for index in (1, 2)]
    more = [
        full_box(b"meta", full_box(b"hdlr", longs(0), b"mdta", bytes(13)), place),
        box(b"udta", box(b"\xa9xyz", said), full_box(b"meta", said)),
    ]
    about = box(
        b"moov",
        full_box(
            b"mvhd",
            longs(MADE_AT, MADE_AT, 1000, 0 if is_cut else 3000, 0x10000),
            *(shorts(0x100, 0), longs(0, 0), MATRIX, bytes(24), longs(3)),
        ),
        *(tracks + [box(b"mvex", *extends)] * is_cut + more * (said != b"")),
    )
    if not is_cut:
        return head + box(b"mdat", (place + frame) * 3) + about + spoken
    return head + about + b"".join(fragment(place, n, frame) for n in range(3)) + spoken


def fragment(place: bytes, number: int, frame: bytes) -> bytes:
    """A frame of `movie`, and what is said before it."""

    def part(track: int, at: int, size: int) -> bytes:
        tfhd = full_box(b"tfhd", longs(track), flags=0x20000)
        tfdt = full_box(b"tfdt", longs(number * 1000))
        trun = full_box(b"trun", longs(1, at, 1000, size), flags=0x301)
        return box(b"traf", tfhd, tfdt, trun)

    def head(at: int) -> bytes:
        parts = [part(1, at + len(place), len(frame))]
        if place:
            parts.insert(0, part(2, at, len(place)))
        return box(b"moof", full_box(b"mfhd", longs(number + 1)), *parts)

    return head(len(head(0)) + 8) + box(b"mdat", place + frame)
