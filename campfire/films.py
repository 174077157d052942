"""Takes out of a film in boxes what a device left beside sound and picture.

MP4, QuickTime, M4A, HEIC and AVIF are boxes in boxes (ISO/IEC 14496-12 and 23008-12),
and tables in them say where in the file each sample lies. So nothing moves: a box that
is not needed becomes `free`, and what no sample of sound or picture covers, zeros.
"""

import mmap
import re
import sys
from array import array
from collections.abc import Iterator
from typing import Final, NamedTuple

Data = mmap.mmap | bytes
# At a place in the file these bytes, and after them so many zeros.
Change = tuple[int, bytes, int]

# What is needed to show and to hear it, by what it stands in; `b""` is the file.
NEEDED: Final = {
    b"": b"ftyp styp moov moof mdat sidx ssix mfra pdin meta".split(),
    b"moov": b"mvhd trak mvex iods".split(),
    b"trak": b"tkhd edts tref mdia tapt load trgr".split(),
    b"mdia": b"mdhd hdlr minf elng".split(),
    b"minf": b"vmhd smhd nmhd sthd gmhd hdlr dinf stbl".split(),
    b"stbl": (
        b"stsd stts ctts cslg stsc stsz stz2 stco co64 stss stps sdtp sbgp sgpd subs "
        b"saiz saio stsh padb stdp"
    ).split(),
    b"mvex": b"mehd trex leva".split(),
    b"moof": b"mfhd traf".split(),
    b"traf": b"tfhd tfdt trun sdtp sbgp sgpd subs saiz saio senc".split(),
    b"meta": b"hdlr pitm iinf iloc iref iprp idat grpl dinf".split(),
    b"iprp": b"ipco ipma".split(),
}
# Of the properties of a picture most are needed; these are who, when and anything.
UNNEEDED: Final = b"udes crtt mdft uuid free skip".split()
PICTURES: Final = frozenset(b"vide pict auxv".split())
WORDS: Final = frozenset(b"subt sbtl text clcp".split())
KEPT: Final = PICTURES | WORDS | {b"soun"}
# As drones write it into subtitles, beside shutter and height.
PLACE: Final = re.compile(rb"GPS|HOME ?\(|latitude", re.IGNORECASE)
SAID_OF_PICTURES: Final = frozenset((b"Exif", b"mime", b"uri "))
# A film of a day has fewer.
MOST_BOXES: Final = 1_000_000
MOST_NUMBERS: Final = 8_000_000


class Box(NamedTuple):
    """`inside` is where the content begins."""

    kind: bytes
    start: int
    inside: int
    end: int


def changes(data: Data) -> list[Change]:
    """What to write over the file, in this order. Raises ValueError when it is no film.

    One that is cut off, or with something else behind it, is one.
    """
    film = Film(data)
    film.clean()
    return film.changes


class Film:
    """One file, and what was found in it so far."""

    def __init__(self, data: Data) -> None:
        self.changes: list[Change] = []
        self._data = data
        self._left = {"boxes": MOST_BOXES, "numbers": MOST_NUMBERS}
        # Where samples may lie, and where those lie that stay.
        self._areas: list[tuple[int, int]] = []
        self._samples: list[tuple[int, int]] = []
        # The tracks that stay, and how large a sample is where a fragment is silent.
        self._tracks: set[int] = set()
        self._sizes: dict[int, int] = {}

    def clean(self) -> None:
        file = Box(b"", 0, 0, len(self._data))
        # Which tracks stay is known before the fragments of them come.
        for box in sorted(self._within(file), key=lambda box: box.kind != b"moov"):
            self._clean(box, file)
        if not self._tracks and not self._samples:
            raise ValueError("there is nothing to see and to hear in it")
        self._clear()

    def _clean(self, box: Box, parent: Box) -> None:
        if not self._is_needed(box, parent):
            self._blank(box, parent)
            return
        match box.kind:
            case b"mvhd" | b"tkhd" | b"mdhd":
                self.changes.append((box.inside + 4, b"", self._times(box)))
            case b"hdlr":  # After the kind of track a name, such as the device's.
                at = box.inside + 12
                self.changes.append((at, b"", max(0, box.end - at)))
            case b"trex":
                track = self._number(box, box.inside + 4)
                self._sizes[track] = self._number(box, box.inside + 16)
            case b"mdat" | b"idat":
                self._areas.append((box.inside, box.end))
            case b"trak":
                self._clean_track(box)
            case b"moof":
                self._samples.extend(self._runs(box))
            case b"meta":
                self._clean_items(box)
        if box.kind in NEEDED or box.kind == b"ipco":
            for each in self._within(box):
                self._clean(each, box)

    def _is_needed(self, box: Box, parent: Box) -> bool:
        if parent.kind == b"ipco":
            return box.kind not in UNNEEDED
        if box.kind not in NEEDED[parent.kind]:
            return False
        match box.kind:
            case b"meta":  # A film's may be built otherwise, with no handler in front.
                first = self._data[box.inside + 8 : box.inside + 12]
                return first == b"hdlr" and self._handler(box) == b"pict"
            case b"trak":
                handler = self._handler(self._find(box, b"mdia"))
                return handler in KEPT and not self._tells_place(box, handler)
            case b"traf":
                return self._number(*self._track_of(box)) in self._tracks
        return True

    def _blank(self, box: Box, parent: Box) -> None:
        if box.kind:
            self.changes.append((box.start + 4, b"free", 0))
        if parent.kind:
            self.changes.append((box.inside, b"", box.end - box.inside))
        else:  # Where a table is right and a box wrong, a film still plays.
            self._areas.append((box.inside, box.end))

    def _clear(self) -> None:
        """Leaves of the areas what is a sample."""
        self._samples.sort()
        at = index = 0
        for start, end in sorted(self._areas):
            at = max(at, start)
            while index < len(self._samples) and self._samples[index][0] < end:
                first, last = self._samples[index]
                if first > at:
                    self.changes.append((at, b"", first - at))
                at = max(at, last)
                if last > end:  # The next area may begin with it.
                    break
                index += 1
            if at < end:
                self.changes.append((at, b"", end - at))

    # Boxes

    def _within(self, box: Box, skipped: int = 0) -> Iterator[Box]:
        """What stands in it. The file may be cut off, or end in something else."""
        at = box.inside + (4 if box.kind == b"meta" else skipped)
        while box.end - at >= 8:
            self._spend("boxes", 1)
            size, kind = self._number(box, at), self._data[at + 4 : at + 8]
            inside = at + 8
            if size == 1 and inside + 8 <= box.end:
                size, inside = self._number(box, inside, 8), at + 16
            end = at + size if size else box.end
            if not inside <= end <= box.end:
                if box.kind:
                    raise ValueError("a box does not fit into what it stands in")
                if end < inside or kind not in NEEDED[b""]:
                    kind, inside = b"", at
                end = box.end
            yield Box(kind, at, inside, end)
            at = end

    def _find(self, box: Box, *path: bytes) -> Box:
        for kind in path:
            found = [each for each in self._within(box) if each.kind == kind]
            if len(found) != 1:
                raise ValueError("a box is missing, or there are two")
            (box,) = found
        return box

    def _number(self, box: Box, at: int, length: int = 4) -> int:
        if at + length > box.end:
            raise ValueError("a box is too short")
        return int.from_bytes(self._data[at : at + length], "big")

    def _numbers(self, box: Box, at: int, code: str, count: int) -> "array[int]":
        numbers = array(code)
        self._spend("numbers", count)
        end = at + count * numbers.itemsize
        if end > box.end:
            raise ValueError("a table is longer than its box")
        numbers.frombytes(self._data[at:end])
        if sys.byteorder == "little":
            numbers.byteswap()
        return numbers

    def _spend(self, what: str, count: int) -> None:
        self._left[what] -= count
        if self._left[what] < 0:
            raise ValueError(f"it has too many {what}")

    def _times(self, box: Box) -> int:
        """How many bytes it gives to when it was made and changed."""
        length = 16 if self._number(box, box.inside, 1) else 8
        self._number(box, box.inside + 4, length)
        return length

    def _handler(self, box: Box) -> bytes:
        hdlr = self._find(box, b"hdlr")
        return self._number(hdlr, hdlr.inside + 8).to_bytes(4, "big")

    # Tracks

    def _clean_track(self, trak: Box) -> None:
        tkhd = self._find(trak, b"tkhd")
        track = self._number(tkhd, tkhd.inside + 4 + self._times(tkhd))
        self._tracks.add(track)
        self._samples.extend(self._chunks(trak))
        if self._handler(self._find(trak, b"mdia")) in PICTURES:
            stsd = self._find(trak, b"mdia", b"minf", b"stbl", b"stsd")
            for coded in self._within(stsd, skipped=8):
                if coded.end - coded.start >= 86:  # The vendor, and what coded it.
                    self.changes.append((coded.start + 20, b"", 4))
                    self.changes.append((coded.start + 50, b"", 32))

    def _tells_place(self, trak: Box, handler: bytes) -> bool:
        if handler not in WORDS:
            return False
        left = len(self._data)
        for start, end in self._chunks(trak):
            left -= end - start
            if left < 0 or PLACE.search(self._data, start, end):
                return True
        return False

    def _chunks(self, trak: Box) -> list[tuple[int, int]]:
        """From where to where its samples lie, those that are not in fragments."""
        stbl = self._find(trak, b"mdia", b"minf", b"stbl")
        tables = {box.kind: box for box in self._within(stbl)}
        if not {b"stsd", b"stsc"} <= tables.keys():
            raise ValueError("a table is missing")
        offsets = self._offsets(tables)
        size, sizes = self._sample_sizes(tables)
        runs = tables[b"stsc"]
        count = self._number(runs, runs.inside + 4)
        numbers = self._numbers(runs, runs.inside + 8, "I", 3 * count)
        firsts, many = numbers[0::3], numbers[1::3]
        if any(first >= after for first, after in zip(firsts, firsts[1:])):
            raise ValueError("chunks are not in order")
        firsts.append(len(offsets) + 1)
        chunks: list[tuple[int, int]] = []
        at = 0
        for first, after, each in zip(firsts, firsts[1:], many):
            for start in offsets[max(0, first - 1) : after - 1]:
                end = start + (each * size or sum(sizes[at : at + each]))
                at += each
                if chunks and chunks[-1][1] == start:
                    start = chunks.pop()[0]
                chunks.append((start, end))
        return chunks

    def _offsets(self, tables: dict[bytes, Box]) -> "array[int]":
        for kind, code in ((b"stco", "I"), (b"co64", "Q")):
            if box := tables.get(kind):
                count = self._number(box, box.inside + 4)
                return self._numbers(box, box.inside + 8, code, count)
        return array("I")

    def _sample_sizes(self, tables: dict[bytes, Box]) -> tuple[int, "array[int]"]:
        """The one that all have, or 0 and that of each."""
        if box := tables.get(b"stsz"):
            size = self._number(box, box.inside + 4)
            if size:  # Old sound says one byte, and means one moment of all channels.
                return max(size, self._moment(tables[b"stsd"])), array("I")
            count = self._number(box, box.inside + 8)
            return 0, self._numbers(box, box.inside + 12, "I", count)
        if box := tables.get(b"stz2"):
            code = {8: "B", 16: "H"}.get(self._number(box, box.inside + 7, 1))
            count = self._number(box, box.inside + 8)
            if code is None:
                raise ValueError("sizes of an unknown size")
            return 0, self._numbers(box, box.inside + 12, code, count)
        return 0, array("I")

    def _moment(self, stsd: Box) -> int:
        """How many bytes a moment of uncompressed sound has."""
        for coded in self._within(stsd, skipped=8):
            if coded.end - coded.start >= 28:
                channels = self._number(coded, coded.start + 24, 2)
                return channels * self._number(coded, coded.start + 26, 2) // 8
        return 0

    def _track_of(self, traf: Box) -> tuple[Box, int]:
        tfhd = self._find(traf, b"tfhd")
        return tfhd, tfhd.inside + 4

    def _runs(self, moof: Box) -> Iterator[tuple[int, int]]:
        """From where to where the samples of a fragment lie, of tracks that stay."""
        place = moof.start
        for traf in self._within(moof):
            if traf.kind != b"traf":
                continue
            tfhd, at = self._track_of(traf)
            track, flags = self._number(tfhd, at), self._number(tfhd, at - 3, 3)
            at += 4
            if flags & 0x1:
                place = self._number(tfhd, at, 8)
                at += 8
            elif flags & 0x20000:
                place = moof.start
            start = place
            at += 4 * (flags & 0x2 > 0) + 4 * (flags & 0x8 > 0)
            size = self._sizes.get(track, 0)
            if flags & 0x10:
                size = self._number(tfhd, at)
            for trun in self._within(traf):
                if trun.kind != b"trun":
                    continue
                flags = self._number(trun, trun.inside + 1, 3)
                count, at = self._number(trun, trun.inside + 4), trun.inside + 8
                if flags & 0x1:
                    offset = self._number(trun, at)
                    place = start + offset - (offset >> 31 << 32)
                    at += 4
                at += 4 * (flags & 0x4 > 0)
                length = count * size
                if flags & 0x200:
                    columns = (flags & 0xF00).bit_count()
                    rows = self._numbers(trun, at, "I", count * columns)
                    length = sum(rows[flags & 0x100 > 0 :: columns])
                if track in self._tracks:
                    yield place, place + length
                place += length

    # Pictures

    def _clean_items(self, meta: Box) -> None:
        """What is said of a picture becomes an item of no kind, and its bytes zeros."""
        unneeded = set()
        iinf = self._find(meta, b"iinf")
        head = 8 if self._number(iinf, iinf.inside, 1) else 6
        for infe in self._within(iinf, skipped=head):
            wide = 2 if self._number(infe, infe.inside, 1) > 2 else 0
            at = infe.inside + 8 + wide
            if self._number(infe, at).to_bytes(4, "big") in SAID_OF_PICTURES:
                unneeded.add(self._number(infe, infe.inside + 4, 2 + wide))
                self.changes.append((at, b"free", 0))
        for item, start, end in self._extents(meta):
            if item not in unneeded:
                self._samples.append((start, end))

    def _extents(self, meta: Box) -> Iterator[tuple[int, int, int]]:
        """Which item lies from where to where."""
        iloc = self._find(meta, b"iloc")
        idat = next((box for box in self._within(meta) if box.kind == b"idat"), None)
        at = iloc.inside + 4

        def number(length: int) -> int:
            nonlocal at
            at += length
            return self._number(iloc, at - length, length)

        version = self._number(iloc, iloc.inside, 1)
        lengths = number(2)
        of_offset, of_length = lengths >> 12, lengths >> 8 & 15
        of_base, of_index = lengths >> 4 & 15, (lengths & 15) * (version > 0)
        of_item = 4 if version > 1 else 2
        for _ in range(number(of_item)):
            item = number(of_item)
            method = number(2) & 15 if version else 0
            number(2)  # Which file it lies in.
            base = number(of_base)
            for _ in range(number(2)):
                self._spend("numbers", 1)
                number(of_index)
                start, length = base + number(of_offset), number(of_length)
                if method == 0:
                    yield item, start, start + length if length else len(self._data)
                elif method == 1 and idat:
                    start += idat.inside
                    yield item, start, start + length if length else idat.end
