"""Takes out of a WebM or Matroska film what says where, when and with what it was made.

They are elements in elements (RFC 8794, RFC 9559), and an index says where in the file
some of them are. So nothing moves: an element that is not needed becomes `Void`.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from campfire.films import Change, Data

HEAD: Final = 0x1A45DFA3
SEGMENT: Final = 0x18538067
SEEK_HEAD: Final = 0x114D9B74
INFO: Final = 0x1549A966
TRACKS: Final = 0x1654AE6B
CLUSTER: Final = 0x1F43B675
CUES: Final = 0x1C53BB6B
CHAPTERS: Final = 0x1043A770
NEEDED: Final = frozenset({SEEK_HEAD, INFO, TRACKS, CLUSTER, CUES, CHAPTERS})
# What a tick is, how many there are, and the library, whose faults players know.
INFO_NEEDED: Final = frozenset({0x2AD7B1, 0x4489, 0x4D80})
WRITING_APP: Final = 0x5741
# A cluster that does not say how long it is ends with what cannot stand in it.
IN_CLUSTER: Final = frozenset({0xE7, 0x5854, 0xA7, 0xAB, 0xA3, 0xA0, 0xAF, 0xEC, 0xBF})
# A film of a day has fewer.
MOST_ELEMENTS: Final = 3_000_000


class Element(NamedTuple):
    """`inside` is where the content begins; `end` is None when it does not say."""

    id: int
    start: int
    inside: int
    end: int | None


def changes(data: Data) -> list[Change]:
    """What to write over the file. Raises ValueError when it is no film."""
    film = Film(data)
    film.clean()
    return film.changes


class Film:
    """One file, and what was found in it so far."""

    def __init__(self, data: Data) -> None:
        self.changes: list[Change] = []
        self._data = data
        self._left = MOST_ELEMENTS
        self._has_tracks = False

    def clean(self) -> None:
        size = len(self._data)
        for element in self._within(0, size):
            if element.id == SEGMENT:
                self._clean_segment(element.inside, element.end or size)
            elif element.id != HEAD:
                self._blank(element)
        if not self._has_tracks:
            raise ValueError("there is nothing to see and to hear in it")

    def _clean_segment(self, start: int, end: int) -> None:
        for element in self._within(start, end):
            self._has_tracks |= element.id == TRACKS
            if element.id == INFO:
                self._clean_info(element)
            elif element.id not in NEEDED:
                self._blank(element)

    def _clean_info(self, info: Element) -> None:
        for element in self._within(info.inside, _end(info)):
            if element.id == WRITING_APP:
                length = _end(element) - element.inside
                self.changes.append((element.inside, b"", length))
            elif element.id not in INFO_NEEDED:
                self._blank(element)

    def _blank(self, element: Element) -> None:
        length = _end(element) - element.start
        if length < 9:
            head = bytes((0xEC, 0x80 | (length - 2)))
        else:
            head = b"\xec\x01" + (length - 9).to_bytes(7, "big")
        self.changes.append((element.start, head, length - len(head)))

    def _within(self, at: int, limit: int) -> Iterator[Element]:
        """What stands there. The file may be cut off, which its last elements show."""
        while element := self._element(at, limit):
            yield element
            if element.end is not None:
                at = element.end
            elif element.id == CLUSTER:
                at = self._after(element.inside, limit)
            else:
                at = limit

    def _after(self, at: int, limit: int) -> int:
        """Where a cluster ends that does not say it: with what cannot stand in one."""
        while element := self._element(at, limit):
            if element.id not in IN_CLUSTER:
                break
            at = _end(element)
        return at if element else limit

    def _element(self, start: int, limit: int) -> Element | None:
        if start >= limit:
            return None
        self._left -= 1
        if self._left < 0:
            raise ValueError("it has too many elements")
        id, at = self._number(start, 4)
        size, inside = self._number(at, 8)
        if inside > limit:
            if limit == len(self._data):
                return None
            raise ValueError("an element is longer than what it stands in")
        # The length is in front of the number, as the first bit that is set.
        bits = 7 * (inside - at)
        size -= 1 << bits
        if size == (1 << bits) - 1:
            return Element(id, start, inside, None)
        if inside + size > limit < len(self._data):
            raise ValueError("an element is longer than what it stands in")
        return Element(id, start, inside, min(inside + size, limit))

    def _number(self, at: int, most: int) -> tuple[int, int]:
        """With the bit that tells its length, and where it ends, be it past the end."""
        first = self._data[at] if at < len(self._data) else 0x80
        length = 9 - first.bit_length()
        if length > most:
            raise ValueError("that is no element")
        return int.from_bytes(self._data[at : at + length], "big"), at + length


def _end(element: Element) -> int:
    """Only what holds a whole film, or a moment of it, may leave it open."""
    if element.end is None:
        raise ValueError("an element does not say where it ends")
    return element.end
