"""A storage folder as a Campfire on Rails leaves it, with the cast in it."""

import base64
import hashlib
import json
from html import escape
from pathlib import Path

import apsw
import bcrypt

from tests.samples import from_a_camera, picture

PASSWORD = "correct horse"
TOKEN = "Abc123def456"
NOON = "2024-03-01 12:00:00.000000"
SCHEMA = """
CREATE TABLE accounts (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, name varchar NOT NULL,
  join_code varchar NOT NULL, custom_styles TEXT, settings json,
  singleton_guard INTEGER DEFAULT 0 NOT NULL,
  created_at datetime(6) NOT NULL, updated_at datetime(6) NOT NULL);
CREATE TABLE users (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, name varchar NOT NULL,
  email_address varchar, password_digest varchar, role INTEGER DEFAULT 0 NOT NULL,
  status INTEGER DEFAULT 0 NOT NULL, bio TEXT, bot_token varchar,
  created_at datetime(6) NOT NULL, updated_at datetime(6) NOT NULL);
CREATE UNIQUE INDEX index_users_on_email_address ON users (email_address);
CREATE TABLE rooms (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, name varchar, type varchar NOT NULL,
  creator_id bigint NOT NULL, members_hash varchar,
  created_at datetime(6) NOT NULL, updated_at datetime(6) NOT NULL);
CREATE TABLE memberships (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, room_id INTEGER NOT NULL,
  user_id INTEGER NOT NULL, involvement varchar DEFAULT 'mentions',
  connections INTEGER DEFAULT 0 NOT NULL, connected_at datetime(6),
  unread_at datetime(6), created_at datetime(6) NOT NULL,
  updated_at datetime(6) NOT NULL);
CREATE UNIQUE INDEX index_memberships_on_room_id_and_user_id
  ON memberships (room_id, user_id);
CREATE TABLE messages (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, room_id INTEGER NOT NULL,
  creator_id INTEGER NOT NULL, client_message_id varchar NOT NULL,
  created_at datetime(6) NOT NULL, updated_at datetime(6) NOT NULL);
CREATE TABLE action_text_rich_texts (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, name varchar NOT NULL, body TEXT,
  record_type varchar NOT NULL, record_id bigint NOT NULL,
  created_at datetime(6) NOT NULL, updated_at datetime(6) NOT NULL);
CREATE INDEX index_messages_on_room_id ON messages (room_id);
CREATE UNIQUE INDEX index_action_text_rich_texts_uniqueness
  ON action_text_rich_texts (record_type, record_id, name);
CREATE TABLE boosts (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, message_id INTEGER NOT NULL,
  booster_id INTEGER NOT NULL, content varchar(16) NOT NULL,
  created_at datetime(6) NOT NULL, updated_at datetime(6) NOT NULL);
CREATE TABLE active_storage_blobs (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, key varchar NOT NULL,
  filename varchar NOT NULL, content_type varchar, metadata TEXT,
  service_name varchar NOT NULL, byte_size bigint NOT NULL, checksum varchar,
  created_at datetime(6) NOT NULL);
CREATE TABLE active_storage_attachments (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, name varchar NOT NULL,
  record_type varchar NOT NULL, record_id bigint NOT NULL, blob_id bigint NOT NULL,
  created_at datetime(6) NOT NULL);
CREATE TABLE active_storage_variant_records (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, blob_id bigint NOT NULL,
  variation_digest varchar NOT NULL);
CREATE TABLE bans (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, user_id INTEGER NOT NULL,
  ip_address varchar NOT NULL, created_at datetime(6) NOT NULL,
  updated_at datetime(6) NOT NULL);
CREATE TABLE webhooks (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, user_id INTEGER NOT NULL,
  url varchar, created_at datetime(6) NOT NULL, updated_at datetime(6) NOT NULL);
CREATE TABLE sessions (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, user_id INTEGER NOT NULL,
  token varchar NOT NULL, ip_address varchar, user_agent varchar,
  last_active_at datetime(6) NOT NULL, created_at datetime(6) NOT NULL,
  updated_at datetime(6) NOT NULL);
CREATE TABLE push_subscriptions (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, user_id INTEGER NOT NULL,
  endpoint varchar, p256dh_key varchar, auth_key varchar, user_agent varchar,
  created_at datetime(6) NOT NULL, updated_at datetime(6) NOT NULL);
CREATE TABLE searches (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, user_id INTEGER NOT NULL,
  query varchar NOT NULL, created_at datetime(6) NOT NULL,
  updated_at datetime(6) NOT NULL);
CREATE TABLE schema_migrations (version varchar NOT NULL PRIMARY KEY);
CREATE TABLE ar_internal_metadata (
  key varchar NOT NULL PRIMARY KEY, value varchar, created_at datetime(6) NOT NULL,
  updated_at datetime(6) NOT NULL);
CREATE VIRTUAL TABLE message_search_index USING fts5 (body, tokenize=porter);
"""

DAVID, JASON, JZ, BENDER, KEVIN = 1, 2, 3, 4, 5
HQ, DESIGNERS, PING, PING_AGAIN = 1, 2, 3, 4


def signed(model: str, number: int) -> str:
    """A signed global id as Rails 7.1 and later write it."""
    data = {"data": f"gid://campfire/{model}/{number}?expires_in", "pur": "attachable"}
    encoded = base64.urlsafe_b64encode(json.dumps({"_rails": data}).encode()).decode()
    return f"{encoded}--{'0' * 40}"


def mention(number: int, name: str, sgid: str | None = None) -> str:
    chip = f'<span class="mention"><img src="/a.png" alt="{name}"> {name}</span>'
    return (
        f'<action-text-attachment sgid="{sgid or signed("User", number)}"'
        f' content-type="application/vnd.campfire.mention"'
        f' content="{escape(chip)}"></action-text-attachment>'
    )


def embed(url: str, title: str, description: str) -> str:
    return (
        '<action-text-attachment url="https://example.com/i.png"'
        ' content-type="application/vnd.actiontext.opengraph-embed"'
        f' href="{url}" filename="{title}" caption="{description}">'
        "</action-text-attachment>"
    )


class Storage:
    """Makes the folder; each method adds what its name says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "db").mkdir(parents=True)
        self.database = folder / "db" / "production.sqlite3"
        self.connection = apsw.Connection(str(self.database))
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute(SCHEMA)

    def add(self, table: str, **values: object) -> int:
        """A row with the times that Rails demands."""
        known = {
            name
            for (name,) in self.connection.execute(
                "SELECT name FROM pragma_table_info(?)", (table,)
            )
        }
        times = dict.fromkeys(known & {"created_at", "updated_at"}, NOON)
        values = {**times, **values}
        marks = ", ".join("?" * len(values))
        self.connection.execute(
            f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})",
            tuple(values.values()),
        )
        return self.connection.last_insert_rowid()

    def say(self, room: int, who: int, body: str | None, **values: object) -> int:
        number = self.add(
            "messages", room_id=room, creator_id=who, client_message_id="0", **values
        )
        if body is not None:
            self.add(
                "action_text_rich_texts",
                **{"name": "body", "body": body, "record_type": "Message"},
                record_id=number,
            )
        return number

    def file(
        self, record: str, number: int, name: str, data: bytes, filename: str
    ) -> Path:
        """A file that something holds; answers with where its bytes lie."""
        key = hashlib.sha256(data + filename.encode()).hexdigest()[:28]
        checksum = base64.b64encode(hashlib.md5(data).digest()).decode()
        blob = self.add(
            "active_storage_blobs",
            **{"key": key, "filename": filename, "byte_size": len(data)},
            **{"checksum": checksum, "service_name": "local"},
        )
        self.add(
            "active_storage_attachments",
            **{"name": name, "record_type": record, "record_id": number},
            blob_id=blob,
        )
        path = self.folder / "files" / key[:2] / key[2:4] / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def blob(self, filename: str) -> int:
        """The number of the file with this name."""
        return int(
            self.connection.execute(
                "SELECT id FROM active_storage_blobs WHERE filename = ?", (filename,)
            ).get
        )

    def text_of_last(self) -> int:
        """The number of the words that were written last."""
        return int(
            self.connection.execute("SELECT max(id) FROM action_text_rich_texts").get
        )

    def hold(self, record: str, number: int, name: str, filename: str) -> None:
        """Something more holds a file that is there."""
        self.add(
            "active_storage_attachments",
            **{"name": name, "record_type": record, "record_id": number},
            blob_id=self.blob(filename),
        )

    def close(self) -> Path:
        """Leaves what was written last in the log, as a server that was killed does."""
        log = self.database.with_name(f"{self.database.name}-wal")
        kept = log.read_bytes() if log.exists() else b""
        database = self.database.read_bytes()
        self.connection.close()
        self.database.write_bytes(database)
        log.write_bytes(kept)
        return self.folder


def with_the_cast(folder: Path) -> Storage:
    """Four people and a bot, four rooms, and something of every kind."""
    was = Storage(folder)
    digest = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4, b"2a")).decode()
    was.add(
        "accounts",
        **{"name": "37signals", "join_code": "abcd-EFGH-1234"},
        **{"custom_styles": "body { color: red }"},
        settings=json.dumps({"restrict_room_creation_to_administrators": True}),
    )
    for name, role in (("David", 1), ("Jason", 1), ("JZ", 0), ("Bender", 2)):
        is_bot = role == 2
        was.add(
            "users",
            **{"name": name, "role": role, "bio": "Hello" if name == "JZ" else None},
            email_address=None if is_bot else f"{name}@37signals.example",
            password_digest=None if is_bot else digest,
            bot_token=TOKEN if is_bot else None,
        )
    was.add(
        "users",
        **{"name": "Kevin", "status": 1, "password_digest": digest},
        email_address="kevin-deactivated-0a1b@37signals.example",
    )
    was.add("webhooks", user_id=BENDER, url="https://bender.example/hook")
    rooms = (
        ("HQ", "Open"),
        ("Designers", "Closed"),
        (None, "Direct"),
        (None, "Direct"),
    )
    for title, kind in rooms:
        was.add("rooms", name=title, type=f"Rooms::{kind}", creator_id=DAVID)
    for room, people in (
        (HQ, (DAVID, JASON, JZ, BENDER)),
        (DESIGNERS, (DAVID, JASON)),
        (PING, (DAVID, JZ)),
        (PING_AGAIN, (DAVID, JZ)),
    ):
        for user in people:
            involvement = "everything" if room == PING else "mentions"
            if (room, user) == (HQ, JASON):
                involvement = "nothing"
            was.add(
                "memberships",
                **{"room_id": room, "user_id": user, "involvement": involvement},
                unread_at="2024-03-01 12:02:00" if (room, user) == (HQ, JZ) else None,
            )
    was.say(HQ, DAVID, "<div>Hello <strong>world</strong><br>_again_</div>")
    was.say(
        *(HQ, JASON, f"<div>Ask {mention(JZ, 'JZ')} or {mention(99, 'Nobody')}</div>"),
        created_at="2024-03-01 12:01:00",
    )
    was.say(
        HQ,
        BENDER,
        "https://example.com/x" + embed("https://example.com/x", "Cookies", "Free"),
        created_at="2024-03-01 12:02:00",
    )
    was.say(HQ, DAVID, None, created_at="2024-03-01 12:03:00")
    was.file("Message", 4, "attachment", from_a_camera("JPEG"), "moon.jpg")
    was.say(HQ, DAVID, None, created_at="2024-03-01 12:04:00")
    was.file("Message", 5, "attachment", b"gone", "gone.txt").unlink()
    was.say(PING, DAVID, "<p>Ping</p>", created_at="2024-03-01 12:05:00")
    was.say(PING_AGAIN, JZ, "<p>Pong</p>", created_at="2024-03-01 12:04:30")
    was.file("User", JZ, "avatar", picture(), "me.png")
    was.file("Account", 1, "logo", picture(), "logo.png")
    was.add("boosts", message_id=1, booster_id=JZ, content="👍")
    was.add("boosts", message_id=1, booster_id=JZ, content="👍")
    was.add("boosts", message_id=77, booster_id=JZ, content="👍")
    was.add("bans", user_id=KEVIN, ip_address="93.184.216.34")
    was.add("sessions", user_id=DAVID, token="t", last_active_at=NOON)
    was.add("push_subscriptions", user_id=DAVID, endpoint="https://push.example/1")
    return was
