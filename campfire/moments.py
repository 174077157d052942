"""Bringing the copy of a database forward to a moment, from an archive of its log.

Frames are whole pages, so whoever applies all of them from before a copy was made gets
what was there at the last of them, whichever of them the copy has already.
"""

import hashlib
import os
import struct
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from campfire.archive import (
    FRAME_HEADER,
    Record,
    Salts,
    files,
    heads,
    reached,
)
from campfire.database import Unusable

# Both versions of the format in the head of a database: 1 is without a log.
VERSIONS: Final = (18, b"\1\1")


@dataclass(frozen=True, slots=True)
class Piece:
    """A record and where its frames are."""

    record: Record
    path: Path
    at: int

    def body(self) -> bytes | None:
        """Its frames, or None if they are damaged."""
        with open(self.path, "rb") as file:
            file.seek(self.at)
            data = file.read(self.record.size)
        if hashlib.sha256(data).hexdigest() != self.record.sha256:
            return None
        size = self.record.count * (FRAME_HEADER + self.record.page_size)
        try:
            frames = zlib.decompressobj().decompress(data, size + 1)
        except zlib.error:
            return None
        return frames if len(frames) == size else None


def moment(text: str) -> int:
    """UTC milliseconds of a time with its zone (RFC 3339). Raises Unusable."""
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        given = None
    if given is None or given.tzinfo is None:
        raise Unusable(f"{text} is no time such as 2026-11-26T12:00:05Z.")
    return round(given.timestamp() * 1000)


def said(milliseconds: int) -> str:
    given = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return given.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def forwarded(copy: Path, folder: Path, log: list[int] | None, wanted: int) -> int:
    """Applies every commit until then; answers when the last of them was made.

    `log` is what the backup says of itself. Raises Unusable where the archive does not
    cover that time without a gap.
    """
    if log is None:
        raise Unusable("The server kept no log while this backup was made.")
    pieces, is_whole = following(folder, (log[0], log[1]))
    commits = covered(pieces, (log[2], log[3]), log[4])
    if not commits:
        raise Unusable("The archive ends before this backup was finished.")
    until = commits[-1][4]
    if is_whole:
        until = max(until, reached(folder, pieces[-1].record))
    if not commits[0][4] <= wanted <= until:
        raise Unusable(
            f"{said(wanted)} is not covered: with this backup the archive reaches from"
            f" {said(commits[0][4])} to {said(until)}"
            + ("." if is_whole else ", where something is missing or damaged.")
        )
    done = [each for each in commits if each[4] <= wanted]
    for _, _, _, earliest, latest in commits[len(done) :]:
        if earliest < wanted:
            raise Unusable(
                f"What was committed between {said(earliest)} and {said(latest)} has no"
                " time of its own: take one of these two."
            )
    index, frame, pages, _, made = done[-1]
    apply(copy, pieces[: index + 1], frame, pages)
    return made


def following(folder: Path, salts: Salts) -> tuple[list[Piece], bool]:
    """What follows the beginning of that log, and whether nothing comes after a gap."""
    found: list[Piece] = []
    is_whole = True
    for path in files(folder):
        for record, at in heads(path):
            if record.salts == salts and record.first == 1 and record.count:
                found, is_whole = [], True
            elif not found or not is_whole:
                continue
            elif record.before != found[-1].record.digest:
                is_whole = False
                continue
            piece = Piece(record, path, at)
            if record.count and piece.body() is None:
                is_whole = False
            else:
                found.append(piece)
    if not found:
        raise Unusable(f"{folder} does not hold what followed this backup.")
    return found, is_whole


def covered(
    pieces: list[Piece], salts: Salts, frames: int
) -> list[tuple[int, int, int, int, int]]:
    """Commits from the given one on: piece, frame, pages, and between which times."""
    commits: list[tuple[int, int, int, int, int]] = []
    has_begun = False
    for index, piece in enumerate(pieces):
        is_same = piece.record.salts == salts
        has_passed = has_begun and not is_same
        has_begun = has_begun or is_same
        for frame, pages, earliest, latest in piece.record.commits:
            if has_passed or (is_same and frame >= frames):
                commits.append((index, frame, pages, earliest, latest))
    return commits


def apply(copy: Path, pieces: list[Piece], last: int, pages: int) -> None:
    """Writes the pages of the frames, of the last piece up to that frame."""
    size = pieces[-1].record.page_size
    with open(copy, "r+b") as file:
        if struct.unpack(">H", file.read(18)[16:])[0] % 65_535 != size % 65_535:
            raise Unusable("The archive is of another database.")
        for piece in pieces:
            if not piece.record.count:
                continue
            body = piece.body()
            if body is None:
                raise Unusable(f"{piece.path} is damaged.")
            frames = range(piece.record.first, piece.record.last + 1)
            for number, at in zip(frames, range(0, len(body), FRAME_HEADER + size)):
                if piece is pieces[-1] and number > last:
                    break
                (page,) = struct.unpack(">I", body[at : at + 4])
                if page < 1:
                    raise Unusable(f"{piece.path} is damaged.")
                file.seek((page - 1) * size)
                file.write(body[at + FRAME_HEADER : at + FRAME_HEADER + size])
        file.truncate(pages * size)
        file.seek(VERSIONS[0])
        file.write(VERSIONS[1])
        file.flush()
        os.fsync(file.fileno())
