"""`campfire export`: a room, or what somebody wrote, as a folder to read without us.

Its pages open in a browser from the disk, with a search that works there. Nothing in
them asks for anything outside of the folder, and no file in it is run when it is
opened. The folder has its name only when it is whole.
"""

import argparse
import contextlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final
from urllib.parse import quote

import jinja2
import orjson
from markupsafe import Markup

from campfire.chat import files, messages, rooms, usage, users
from campfire.chat.files import Kept
from campfire.chat.messages import Message
from campfire.chat.parts import Attachment
from campfire.chat.users import User
from campfire.config import Config
from campfire.database import Unusable, looked, refusal_of, require_room
from campfire.refusals import NotFound
from campfire.web import render

FILE: Final = "campfire.sqlite3"
FILES: Final = "files"
STATIC: Final = Path(__file__).parent / "static"
STYLES: Final = ("tokens", "prose", "exports")
PAGE: Final = 200
# A browser goes by the ending, and looks into what has none that it knows: then it
# could find a page to run there.
INERT: Final = {
    *(".png", ".jpg", ".jpeg", ".gif", ".webp", ".mp4", ".mov", ".webm", ".ogg"),
    *(".mp3", ".m4a", ".wav", ".flac", ".pdf", ".zip", ".gz", ".txt", ".csv"),
    *(".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp", ".epub"),
}
# In bytes; together less than the 255 that a folder takes.
LONGEST_NAME: Final = 200
LONGEST_ENDING: Final = 40

UNFINISHED: Final = ".words-"

Look = Callable[[int], list[Message]]
Keep = Callable[[Path, Path], object]


@dataclass(frozen=True, slots=True)
class File:
    """A file beside the pages; `path` is how they link to it, None when it is lost."""

    attachment: Attachment
    path: str | None


@dataclass(frozen=True, slots=True)
class Said:
    """A message as a page shows it; `room` is named where there are several."""

    message: Message
    day: str
    clock: str
    time: str
    words: Markup
    files: Sequence[File]
    room: str


@dataclass(frozen=True, slots=True)
class Page:
    number: int
    first: str
    last: str


def add_to(command: Any) -> None:
    """Adds `export` to the command line."""
    about = "write a room, or what somebody wrote, as pages to read offline"
    export = command.add_parser("export", help=about)
    what = export.add_mutually_exclusive_group(required=True)
    what.add_argument("--person", metavar="ADDRESS", help="what this person wrote")
    what.add_argument("room", nargs="?", type=int, help="the number of a room")
    export.add_argument("target", type=Path, help="a folder that does not exist yet")
    export.add_argument("--data", type=Path, help="folder for what is kept")


def run(given: argparse.Namespace, config: Config) -> None:
    """Prints what was written. Raises Unusable with words for the operator."""
    if not (config.data / FILE).exists():
        raise Unusable(f"There is no Campfire in {config.data}.")
    try:
        if given.room is not None:
            count = of_room(config.data, given.room, given.target)
        else:
            person = looked(config.data / FILE, users.by_address, given.person)
            count = of_person(config.data, person, given.target)
    except NotFound as refusal:
        raise Unusable(refusal.detail) from None
    print(f"{count:,} messages: open {given.target / 'index.html'} in a browser.")


def of_room(data: Path, room_id: int, target: Path) -> int:
    """Everything that is said in the room; answers with how many messages that is."""
    title = looked(data / FILE, rooms.title, room_id)

    def look(after: int) -> list[Message]:
        return looked(data / FILE, messages.all_in, room_id, after, PAGE)

    kept = looked(data / FILE, files.kept)
    return Export(data, title, {}, kept).write(target, look)


def of_person(
    data: Path, person: User, target: Path, keep: Keep = shutil.copyfile
) -> int:
    """What somebody wrote, in the rooms that they can see."""
    seen = looked(data / FILE, rooms.all_of, person.id)

    def look(after: int) -> list[Message]:
        return looked(data / FILE, messages.own, person.id, after, PAGE)

    named = {room.id: room.name for room in seen}
    kept = looked(data / FILE, files.kept, person.id)
    title = f"Written by {person.name}"
    return Export(data, title, named, kept, keep).write(target, look)


def zipped(data: Path, person: User) -> IO[bytes]:
    """The same as a ZIP file without a name, which is gone when it is closed.

    Raises Full where the disk has no room for it.
    """
    require_room(data, sum(looked(data / FILE, usage.of_person, person.id)))
    try:
        with contextlib.ExitStack() as undone:
            file = undone.enter_context(tempfile.TemporaryFile(dir=data))
            _zip(data, person, file)
            undone.pop_all()
    except OSError as error:
        raise refusal_of(error) from error
    return file


def _zip(data: Path, person: User, file: IO[bytes]) -> None:
    with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=data) as folder:
        target = Path(folder) / "words"
        of_person(data, person, target, linked)
        # Of a file from before 1980, which a ZIP has no date for, the date is changed.
        with zipfile.ZipFile(file, "w", strict_timestamps=False) as archive:
            for path in sorted(filter(Path.is_file, target.rglob("*"))):
                is_text = path.suffix in (".html", ".js", ".css")
                method = zipfile.ZIP_DEFLATED if is_text else zipfile.ZIP_STORED
                archive.write(path, path.relative_to(folder), method)


def discard_unfinished(data: Path) -> None:
    """Takes away what another run of the server left in the middle."""
    for folder in data.glob(f"{UNFINISHED}*"):
        shutil.rmtree(folder, ignore_errors=True)


def linked(source: Path, target: Path) -> None:
    """For what only we read: a copy would take its place on the disk once more."""
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(source, target)


class Export:
    """`named` are the rooms that are told apart, `kept` the files that there may be."""

    def __init__(
        self,
        data: Path,
        title: str,
        named: dict[int, str],
        kept: Iterable[Kept],
        keep: Keep = shutil.copyfile,
    ) -> None:
        self._data = data
        self._title = title
        self._named = named
        self._kept = {file.id: file for file in kept}
        self._keep = keep
        loader = jinja2.PackageLoader("campfire")
        self._templates = jinja2.Environment(loader=loader, autoescape=True)

    def write(self, target: Path, look: Look) -> int:
        """Makes the folder, whole or not at all. Raises Unusable."""
        if os.path.lexists(target):
            raise Unusable(f"{target} exists already.")
        target.parent.mkdir(parents=True, exist_ok=True)
        before = os.umask(0o077)
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        try:
            count = self._fill(folder, look)
            folder.rename(target)
        finally:
            os.umask(before)
            shutil.rmtree(folder, ignore_errors=True)
        return count

    def _fill(self, folder: Path, look: Look) -> int:
        pages: list[Page] = []
        count = 0
        shown = self._templates.get_template("exports/page.html")
        with (folder / "said.js").open("wb") as index:
            index.write(b"const said = [")
            for number, (found, is_last) in enumerate(paged(look), 1):
                said = [self._said(message, folder) for message in found]
                pages.append(Page(number, said[0].day, said[-1].day))
                of = number if is_last else number + 1
                days = [
                    (day, [*those]) for day, those in groupby(said, attrgetter("day"))
                ]
                page = {"title": self._title, "days": days, "number": number, "of": of}
                write(folder / f"page-{number}.html", shown.render(page))
                for each in said:
                    index.write(b"," * bool(count) + b"\n" + indexed(number, each))
                    count += 1
            index.write(b"];\n")
        first = self._templates.get_template("exports/index.html")
        now = datetime.now(UTC)
        made_at = f"{now.day} {now:%B %Y}"
        title = {"title": self._title, "count": count, "made_at": made_at}
        write(folder / "index.html", first.render(**title, pages=pages))
        sheets = (STATIC / "css" / f"{name}.css" for name in STYLES)
        write(folder / "style.css", "\n".join(map(Path.read_text, sheets)))
        shutil.copyfile(STATIC / "js" / "exports.js", folder / "search.js")
        return count

    def _said(self, message: Message, folder: Path) -> Said:
        moment = datetime.fromtimestamp(message.created_at / 1000, UTC)
        return Said(
            message,
            f"{moment.day} {moment:%B %Y}",
            f"{moment:%H:%M} UTC",
            render.time(message.created_at),
            render.alone(message.html),
            [self._file(file, folder) for file in message.attachments],
            self._named.get(message.room_id, ""),
        )

    def _file(self, attachment: Attachment, folder: Path) -> File:
        name = inert(attachment.filename)
        path = folder / FILES / str(attachment.id) / name
        kept = self._kept.get(attachment.id)
        if kept is None:  # It came after the list was made.
            return File(attachment, None)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._keep(self._data / FILES / kept.key[:2] / kept.key, path)
        except FileNotFoundError:
            return File(attachment, None)
        return File(attachment, f"{FILES}/{attachment.id}/{quote(name)}")


def paged(look: Look) -> Iterator[tuple[list[Message], bool]]:
    """The messages by the page, and whether it is the last one."""
    found = look(0)
    while found:
        following = look(found[-1].id)
        yield found, not following
        found = following


def indexed(number: int, said: Said) -> bytes:
    """What the search knows of a message; of all that is in JSON, JavaScript too."""
    message = said.message
    names = files.names(message.attachments)
    text = message.plain if names in message.plain else f"{message.plain} {names}"
    when = f"{said.day}, {said.clock}"
    return orjson.dumps([number, message.id, message.creator.name, when, text])


def inert(filename: str) -> str:
    """A name under which a browser runs nothing."""
    ending = PurePosixPath(filename).suffix
    stem = cut(filename.removesuffix(ending), LONGEST_NAME)
    ending = cut(ending, LONGEST_ENDING)
    return stem + ending + ("" if ending.lower() in INERT else ".bin")


def cut(text: str, most: int) -> str:
    """As much of the text as fits into so many bytes."""
    return text.encode()[:most].decode(errors="ignore")


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", errors="replace")
