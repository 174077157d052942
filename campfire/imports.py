"""`campfire import`: takes a Campfire on Rails along, whole or not at all.

Its storage folder is only looked at. A rehearsal does all of the same, beside nothing
that stays, so that its report is the one that the real run will give. Numbers of
people, rooms and messages stay, so links between messages and the keys of bots do too.
"""

import argparse
import asyncio
import base64
import contextlib
import hashlib
import os
import re
import shutil
import tempfile
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import apsw

from campfire.chat import (
    accounts,
    action_text,
    avatars,
    bans,
    boosts,
    bots,
    files,
    formats,
    health,
    memberships,
    messages,
    passwords,
    previews,
    rails,
    richtext,
    rooms,
    searches,
    users,
)
from campfire.chat.files import Stored
from campfire.chat.memberships import Involvement
from campfire.chat.rails import Blob, Message, Person
from campfire.chat.richtext import Draft
from campfire.chat.users import User
from campfire.config import Config
from campfire.database import Reads, Tx, Unusable, connect, guarded, migrate
from campfire.refusals import Invalid
from campfire.storage import CHUNK, Incoming, Storage
from campfire.web import pictures, uploads
from campfire.web.accounts import LARGE, SMALL
from campfire.web.users import AVATAR

FILE: Final = "campfire.sqlite3"
FILES: Final = "files"
DATABASE: Final = Path("db", "production.sqlite3")
IMPORTING: Final = "importing"
# Keys of Active Storage: letters and digits, of which the first four name folders.
KEY: Final = re.compile(r"[A-Za-z0-9]{5,128}")
SECRET: Final = re.compile(r"[A-Za-z0-9]{12}")
ROLES: Final[dict[int, users.Role]] = {0: "member", 1: "administrator", 2: "bot"}
STATUSES: Final[dict[int, users.Status]] = {0: "active", 1: "deactivated", 2: "banned"}
KINDS: Final[dict[str, rooms.Kind]] = {
    "Rooms::Open": "open",
    "Rooms::Closed": "closed",
    "Rooms::Direct": "direct",
}
INVOLVEMENTS: Final[dict[str | None, Involvement]] = {
    "invisible": "invisible",
    "nothing": "nothing",
    "mentions": "mentions",
    "everything": "everything",
}
AT_ONCE: Final = 500
# As many as are looked at: nobody waits for a process of another.
FILES_AT_ONCE: Final = 2
SHOWN: Final = 5
# What came with which noun of ours, in the order of the report.
CAME: Final = (
    *("people", "bots", "rooms", "memberships", "messages", "mentions", "boosts"),
    *("previews", "files", "pictures of people", "logos", "bans"),
)


@dataclass
class Report:
    """What came, and by heading what did not come as it was: each with examples."""

    came: Counter[str] = field(default_factory=Counter)
    notes: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    def note(self, heading: str, what: str, example: object) -> None:
        noted = self.notes.setdefault(heading, {}).setdefault(what, [])
        noted.append(printable(str(example)))

    def __str__(self) -> str:
        lines = ["came"]
        lines += [f"{self.came[noun]:>9,}  {noun}" for noun in CAME]
        for heading in ("clashed", "missing", "left out"):
            lines.append(heading)
            noted = self.notes.get(heading, {})
            for what, examples in noted.items():
                shown = ", ".join(examples[:SHOWN])
                more = ", …" if len(examples) > SHOWN else ""
                lines.append(f"{len(examples):>9,}  {what}: {shown}{more}")
            if not noted:
                lines.append("          nothing")
        return "\n".join(lines)


def add_to(command: Any) -> None:
    """Adds `import` to the command line."""
    about = "begin with what a Campfire on Rails has kept"
    action = command.add_parser("import", help=about)
    action.add_argument("source", type=Path, help="its storage folder")
    rehearsal = "report what would come, and change nothing"
    action.add_argument("--dry-run", action="store_true", help=rehearsal)
    action.add_argument("--data", type=Path, help="folder for what is kept")


def run(given: argparse.Namespace, config: Config) -> None:
    """Prints the report. Raises Unusable with words for the operator."""
    if given.dry_run:
        print(rehearsed(given.source))
        print("This was a rehearsal: nothing was changed.")
    else:
        print(imported(given.source, config.data))
        print(f"Everything is in {config.data}.")


def rehearsed(source: Path) -> Report:
    """Says what an import would do, and leaves nothing behind."""
    require_source(source)
    with tempfile.TemporaryDirectory(prefix="campfire-import-") as folder:
        return moved(source, Path(folder), None)


def imported(source: Path, data: Path) -> Report:
    """Fills an empty folder, whole or not at all. Raises Unusable."""
    if os.path.lexists(data) and (not data.is_dir() or any(data.iterdir())):
        raise Unusable(f"{data} is not an empty folder.")
    require_source(source)
    before = os.umask(0o077)
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = data / IMPORTING
    try:
        folder.mkdir()
        report = moved(source, folder, Storage(folder / FILES))
        os.sync()
        if (data / FILE).exists():
            raise Unusable(f"A server was started on {data} meanwhile.")
        (folder / FILES).rename(data / FILES)
        (folder / FILE).rename(data / FILE)
        os.sync()
    finally:
        os.umask(before)
        shutil.rmtree(folder, ignore_errors=True)
    return report


def require_source(source: Path) -> None:
    if not (source / DATABASE).is_file():
        raise Unusable(f"There is no Campfire in {source}: {DATABASE} is missing.")


def moved(source: Path, folder: Path, storage: Storage | None) -> Report:
    """Makes the database in the folder from what is in the source."""
    with old(source / DATABASE, folder) as was:
        try:
            take = Import(was, source / FILES, storage)
            taken = asyncio.run(take.files())
            with contextlib.closing(connect(folder / FILE)) as connection:
                migrate(connection, folder / FILE)
                connection.execute("BEGIN IMMEDIATE")
                tx = Tx(connection, {})
                triggers = searches.put_off(tx)
                take.everything(tx, taken)
                searches.rebuild(tx, triggers)
                connection.execute("COMMIT")
        except (UnicodeDecodeError, TypeError, ValueError) as fault:
            # Any value may stand in any column of somebody else's SQLite.
            raise Unusable(f"The database holds what Rails never wrote: {fault}.")
    return take.report


@contextlib.contextmanager
def old(database: Path, folder: Path) -> Iterator[Reads]:
    """A copy of the database with what is still in its log. Raises Unusable."""
    copy = folder / "rails.sqlite3"
    shutil.copyfile(database, copy)
    log = database.with_name(f"{database.name}-wal")
    if log.is_file():
        shutil.copyfile(log, copy.with_name(f"{copy.name}-wal"))
    try:
        try:
            with contextlib.closing(apsw.Connection(str(copy))) as connection:
                connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
                connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
                connection.execute("PRAGMA journal_mode = DELETE")
            with contextlib.closing(guarded(copy)) as connection:
                was = Reads(connection)
                if lacking := rails.misshapen(was):
                    raise Unusable(
                        f"{database} is not a database of Campfire: "
                        f"it has no {lacking}."
                    )
                for fault in health.damage(was):
                    raise Unusable(f"{database} is damaged: {fault}.")
                yield was
        except (apsw.NotADBError, apsw.CorruptError) as fault:
            raise Unusable(f"{database} is damaged or no database: {fault}.") from None
    finally:
        for left in folder.glob(f"{copy.name}*"):
            left.unlink()


@dataclass
class Taken:
    """Files whose bytes were found: those of messages, pictures of people, the logo."""

    stored: dict[int, Stored] = field(default_factory=dict)
    of_message: dict[int, list[Blob]] = field(default_factory=dict)
    in_words: dict[int, set[int]] = field(default_factory=dict)
    avatars: dict[int, bytes] = field(default_factory=dict)
    logo: tuple[bytes, bytes] | None = None


class Import:
    """One run; `storage` is None in a rehearsal, in which no bytes are kept."""

    def __init__(self, was: Reads, folder: Path, storage: Storage | None) -> None:
        self.report = Report()
        self._was = was
        self._folder = folder
        self._storage = storage
        self._people: dict[int, str] = {}
        self._renumbered: dict[int, int] = {}
        self._messages: set[int] = set()
        # The files that a message has, and how many were copied for another one.
        self._held: set[str] = set()
        self._copies = 0

    # Files

    async def files(self) -> Taken:
        taken = Taken()
        wanted = rails.blobs(self._was)
        for start in range(0, len(wanted), FILES_AT_ONCE):
            some = wanted[start : start + FILES_AT_ONCE]
            await asyncio.gather(*(self._file(blob, taken) for blob in some))
        for held in taken.of_message.values():
            held.sort(key=lambda blob: blob.id)
        return taken

    async def _file(self, blob: Blob, taken: Taken) -> None:
        whose = f"{blob.record_type} {blob.record_id}"
        match blob.record_type, blob.name:
            case "Message", "attachment":
                taken.of_message.setdefault(blob.record_id, []).append(blob)
            case "Message", "body":
                taken.in_words.setdefault(blob.record_id, set()).add(blob.id)
            case ("User", "avatar") | ("Account", "logo"):
                pass
            case _:
                self.report.note("left out", "files of an unknown kind", whose)
                return
        path = self._path(blob)
        if path is None:
            example = f"{whose} {blob.filename}"
            self.report.note("missing", "files that are not on the disk", example)
            return
        try:
            if blob.record_type in ("User", "Account"):
                if path.stat().st_size > pictures.LARGEST:
                    raise Invalid("This picture is too large.")
                data = path.read_bytes()
            if blob.record_type == "User":
                made = await pictures.remade(data, "square", AVATAR, "WEBP")
                taken.avatars[blob.record_id] = made
            elif blob.record_type == "Account":
                large = await pictures.remade(data, "fit", LARGE, "PNG")
                small = await pictures.remade(large, "fit", SMALL, "PNG")
                taken.logo = large, small
            elif blob.id not in taken.stored:
                taken.stored[blob.id] = await self._stored(blob, path)
        except Invalid:
            self.report.note("left out", "pictures that cannot be read", whose)

    async def _stored(self, blob: Blob, path: Path) -> Stored:
        filename = files.clean(blob.filename)
        if self._storage is None:
            checksum, size, head = digest(path, None)
            kind = formats.content_type(head, filename)
            stored = Stored(f"{blob.id:026d}", filename, kind, size, bytes(32))
        else:
            with contextlib.closing(Arriving(self._storage)) as arriving:
                checksum, *_ = digest(path, arriving.incoming)
                stored = await arriving.kept(filename)
        if blob.checksum and checksum != blob.checksum:
            example = f"{blob.record_type} {blob.record_id} {blob.filename}"
            self.report.note(
                "clashed", "files with other bytes than were sent", example
            )
        return stored

    def _path(self, blob: Blob) -> Path | None:
        """Where the bytes are; no key leads out of the folder, and no link."""
        if not KEY.fullmatch(blob.key):
            return None
        path = self._folder / blob.key[:2] / blob.key[2:4] / blob.key
        is_inside = path.resolve().is_relative_to(self._folder.resolve())
        return path if is_inside and path.is_file() else None

    # Rows

    def everything(self, tx: Tx, taken: Taken) -> None:
        account = rails.account(self._was)
        everybody = rails.people(self._was)
        if account is None or not everybody:
            raise Unusable("Nobody has ever begun in this Campfire.")
        accounts.bring(
            tx,
            self._name(account.name, accounts.NAME, "account"),
            account.join_code or accounts.join_code(),
            account.created_at or tx.now,
            strict=account.only_administrators_create_rooms,
        )
        if account.has_styles:
            self.report.note("left out", "styles", "they were made for other pages")
        for table, count in rails.others(self._was):
            self.report.note("left out", f"rows of {table}", f"{count:,}")
        if taken.logo:
            accounts.keep_logo(tx, taken.logo)
            self.report.came["logos"] += 1
        self._bring_people(tx, everybody, taken)
        self._bring_rooms(tx, taken)
        self._bring_boosts(tx)

    def _bring_people(self, tx: Tx, everybody: Sequence[Person], taken: Taken) -> None:
        webhooks = rails.webhooks(self._was)
        known: set[str] = set()
        looks_after = False
        for person in everybody:
            role = ROLES.get(person.role, "member")
            status = STATUSES.get(person.status, "deactivated")
            name = self._name(person.name, f"Person {person.id}", f"user {person.id}")
            bio = " ".join(person.bio.split())[: users.LONGEST_BIO]
            updated_at = person.updated_at or tx.now
            user = User(person.id, name, role, status, bio, updated_at)
            address = self._address(person, known)
            digest = person.password_digest if role != "bot" else None
            password_hash = passwords.brought(digest) if digest else None
            if digest and password_hash is None:
                self.report.note("left out", "passwords of another kind", name)
            users.bring(tx, user, address, password_hash, person.created_at or tx.now)
            self._people[person.id] = name
            if role == "bot":
                self._bring_bot(tx, person, webhooks.get(person.id, ""))
            if person.id in taken.avatars:
                avatars.put(tx, person.id, taken.avatars[person.id])
                self.report.came["pictures of people"] += 1
            looks_after |= (role, status) == ("administrator", "active")
            self.report.came["bots" if role == "bot" else "people"] += 1
        if not looks_after:
            promote = "make one with `campfire users promote`"
            self.report.note("missing", "administrators", promote)
        for user_id, address, created_at in rails.bans(self._was):
            if user_id in self._people and bans.is_public(address):
                bans.bring(tx, user_id, address, created_at or tx.now)
                self.report.came["bans"] += 1

    def _bring_bot(self, tx: Tx, person: Person, url: str) -> None:
        secret = person.bot_token
        if secret and not SECRET.fullmatch(secret):
            self.report.note("left out", "keys that are none here", person.name)
            secret = None
        try:
            webhook_url = bots.require_url(url)
        except Invalid:
            self.report.note("left out", "webhooks that are no address", person.name)
            webhook_url = None
        if person.status:
            secret = webhook_url = None
        bots.bring(tx, person.id, secret, webhook_url)

    def _address(self, person: Person, known: set[str]) -> str | None:
        if not person.email_address:
            return None
        try:
            address = users.require_address(person.email_address)
        except Invalid:
            self.report.note("left out", "addresses that are none", person.name)
            return None
        if address in known:
            self.report.note("clashed", "addresses that two people have", person.name)
            return None
        known.add(address)
        return address

    def _name(self, text: str | None, otherwise: str, whose: str) -> str:
        try:
            return users.require_name(text or "")
        except Invalid:
            self.report.note("clashed", "names that cannot be shown", whose)
            return otherwise

    def _bring_rooms(self, tx: Tx, taken: Taken) -> None:
        members = rails.memberships(self._was)
        among: dict[frozenset[int], int] = {}
        sources: dict[int, list[int]] = {}
        for room in rails.rooms(self._was):
            present = frozenset(
                member.user_id
                for member in members.get(room.id, ())
                if member.user_id in self._people
            )
            kind = KINDS.get(room.type)
            if kind is None:
                self.report.note(
                    "clashed", "rooms of an unknown kind, now closed", room.id
                )
                kind = "closed"
            if kind == "direct" and present in among:
                what = "direct rooms of the same people, now in one"
                self.report.note("clashed", what, room.id)
                sources[among[present]].append(room.id)
                continue
            name = None
            if kind == "direct":
                among[present] = room.id
            else:
                name = self._name(room.name, f"Room {room.id}", f"room {room.id}")
            creator_id = room.creator_id
            if creator_id not in self._people:
                creator_id = min(self._people)
            created_at = room.created_at or tx.now
            rooms.bring(tx, room.id, kind, name, creator_id, present, created_at)
            sources[room.id] = [room.id]
            self.report.came["rooms"] += 1
        for room_id, rooms_before in sources.items():
            times = self._bring_messages(tx, room_id, rooms_before, taken)
            newest_id = messages.settle(tx, room_id)
            came: set[int] = set()
            for member in (each for id in rooms_before for each in members.get(id, ())):
                if member.user_id not in self._people:
                    self.report.note("missing", "members that are nobody", room_id)
                    continue
                if member.user_id in came:
                    continue
                came.add(member.user_id)
                last_read_id = newest_id
                if member.unread_at is not None:
                    first = bisect_left(times, (member.unread_at, 0))
                    last_read_id = times[first - 1][1] if first else 0
                memberships.bring(
                    *(tx, room_id, member.user_id),
                    INVOLVEMENTS.get(member.involvement, "mentions"),
                    *(last_read_id, member.created_at or tx.now),
                )
                self.report.came["memberships"] += 1

    def _bring_messages(
        self, tx: Tx, room_id: int, rooms_before: Sequence[int], taken: Taken
    ) -> list[tuple[int, int]]:
        """Brings a room's messages; answers with the time and the id of each.

        Here the order is that of the ids. Where the times say otherwise, as after an
        import, the ids of the room are dealt out anew.
        """
        ordered = rails.times(self._was, rooms_before)
        ids = sorted(message_id for message_id, _ in ordered)
        brought: list[tuple[int, int]] = []
        for start in range(0, len(ordered), AT_ONCE):
            some = [message_id for message_id, _ in ordered[start : start + AT_ONCE]]
            found = rails.messages(self._was, some)
            for number, message_id in enumerate(some, start):
                if ids[number] != message_id:
                    self._renumbered[message_id] = ids[number]
                    what = "messages under another number, for the sake of their order"
                    self.report.note("clashed", what, message_id)
                message = found[message_id]
                seq = len(brought) + 1
                if self._bring(tx, room_id, seq, message, ids[number], taken):
                    brought.append((message.created_at, ids[number]))
        return brought

    def _bring(
        self,
        tx: Tx,
        room_id: int,
        seq: int,
        message: Message,
        message_id: int,
        taken: Taken,
    ) -> bool:
        if message.creator_id not in self._people:
            self.report.note("missing", "authors of messages", message.id)
            return False
        written = action_text.markdown(message.body, self._people.__contains__)
        held = [blob.id for blob in taken.of_message.get(message.id, ())]
        # What the words name is anybody's to write; what they hold, Rails has noted.
        noted = taken.in_words.get(message.id, set())
        blobs = dict.fromkeys((*held, *(id for id in written.blobs if id in noted)))
        stored = [self._own(taken.stored[id]) for id in blobs if id in taken.stored]
        for blob in taken.of_message.get(message.id, ()):
            if blob.id not in taken.stored and not written.source:
                written.source = action_text.escaped(f"({blob.filename} is missing)")
        draft = self._draft(message, written, stored)
        if not draft.source and not stored:
            self.report.note(
                "left out", "messages without anything in them", message.id
            )
            return False
        messages.bring(
            *(tx, room_id, message.creator_id, seq, draft),
            message.created_at or tx.now,
            message_id=message_id,
            edited_at=message.edited_at,
            attachments=stored,
        )
        for embed in written.embeds[: previews.MOST]:
            if richtext.is_visible(embed.title) and embed.url in draft.links:
                self.report.came["previews"] += previews.bring(
                    *(tx, message_id, embed.url, embed.title, embed.description),
                    message.created_at or tx.now,
                )
        for _ in range(written.strangers):
            self.report.note("missing", "mentions of nobody", message.id)
        for kind in written.unknown:
            self.report.note("left out", "embedded things of an unknown kind", kind)
        self._messages.add(message_id)
        self.report.came["messages"] += 1
        self.report.came["mentions"] += len(draft.mentions)
        self.report.came["files"] += len(stored)
        return True

    def _own(self, stored: Stored) -> Stored:
        """The file, as a file of its own where another message has it already."""
        if stored.key not in self._held:
            self._held.add(stored.key)
            return stored
        self._copies += 1
        if self._storage is None:
            return replace(stored, key=f"c{self._copies:025d}")
        return replace(stored, key=self._storage.copied(stored.key))

    def _draft(
        self, message: Message, written: action_text.Written, stored: list[Stored]
    ) -> Draft:
        """The words as they are kept here; too many of them come as a file."""
        called = [(user_id, self._people[user_id]) for user_id in written.mentions]
        try:
            return richtext.draft(written.source, called, may_be_empty=True)
        except Invalid:
            what = "messages longer than 64 KiB, now a file"
            self.report.note("clashed", what, message.id)
        data = written.source.encode(errors="replace")
        filename, kind = f"message-{message.id}.md", "text/markdown"
        key, sha256 = f"m{message.id:025d}", hashlib.sha256(data).digest()
        if self._storage is not None:
            incoming = self._storage.incoming()
            incoming.write(data)
            key = self._storage.keep(incoming)
        stored.append(Stored(key, filename, kind, len(data), sha256))
        return richtext.EMPTY

    def _bring_boosts(self, tx: Tx) -> None:
        for boost in rails.boosts(self._was):
            message_id = self._renumbered.get(boost.message_id, boost.message_id)
            if message_id not in self._messages or boost.booster_id not in self._people:
                whose = f"message {boost.message_id}"
                self.report.note("missing", "what boosts were given to, or by", whose)
                continue
            try:
                content = boosts.content(boost.content)
            except Invalid:
                whose = f"message {boost.message_id}"
                self.report.note("left out", "boosts that cannot be shown", whose)
                continue
            at = boost.created_at or tx.now
            if boosts.bring(tx, message_id, boost.booster_id, content, at):
                self.report.came["boosts"] += 1
            else:
                whose = f"message {boost.message_id}"
                self.report.note("clashed", "boosts given twice, now once", whose)


class Arriving:
    """A file on its way into the storage."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.incoming = storage.incoming()

    async def kept(self, filename: str) -> Stored:
        """A film whose traces cannot be taken out in time is kept as mere bytes."""
        try:
            return await uploads.stored(self._storage, self.incoming, filename)
        except Invalid:
            self.incoming.measure()
            key = self._storage.keep(self.incoming)
            size, sha256 = self.incoming.size, self.incoming.sha256
            return Stored(key, filename, formats.BYTES, size, sha256)

    def close(self) -> None:
        self.incoming.drop()


def digest(path: Path, into: Incoming | None) -> tuple[str, int, bytes]:
    """A file's MD5 in Base64, as Active Storage writes it, its size and first bytes.

    With somewhere to go to, the bytes go there.
    """
    hashed, size, head = hashlib.md5(usedforsecurity=False), 0, b""
    with path.open("rb") as file:
        while data := file.read(CHUNK):
            head = head or data[: formats.HEAD]
            hashed.update(data)
            size += len(data)
            if into is not None:
                into.write(data)
    return base64.b64encode(hashed.digest()).decode(), size, head


def printable(text: str) -> str:
    """One line for a terminal, whatever somebody called a file."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)
