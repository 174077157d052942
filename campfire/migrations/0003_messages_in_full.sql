-- What hangs on a message: boosts, files, previews of its links; and what one wants to see and hear of them.

-- `@everyone`: kept as one fact, not as a mention of each, so that it costs the same in a room of thousands.
ALTER TABLE messages ADD COLUMN calls_everyone INTEGER NOT NULL DEFAULT 0 CHECK (calls_everyone IN (0, 1));

CREATE INDEX messages_calling_everyone ON messages (room_id, id) WHERE calls_everyone;

CREATE TABLE boosts (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  message_id INTEGER NOT NULL REFERENCES messages ON DELETE CASCADE,
  booster_id INTEGER NOT NULL REFERENCES users,
  content    TEXT NOT NULL CHECK (length(content) BETWEEN 1 AND 16),
  created_at INTEGER NOT NULL,
  UNIQUE (message_id, booster_id, content)
) STRICT;

-- `key` names the bytes on the disk; the row comes after them and goes before them.
CREATE TABLE attachments (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  message_id    INTEGER NOT NULL REFERENCES messages ON DELETE CASCADE,
  key           TEXT NOT NULL UNIQUE CHECK (length(key) = 26),
  filename      TEXT NOT NULL CHECK (filename <> ''),
  content_type  TEXT NOT NULL,
  byte_size     INTEGER NOT NULL CHECK (byte_size >= 0),
  sha256        BLOB NOT NULL CHECK (length(sha256) = 32),
  width         INTEGER,
  height        INTEGER,
  has_thumbnail INTEGER NOT NULL DEFAULT 0 CHECK (has_thumbnail IN (0, 1))
) STRICT;

CREATE INDEX attachments_by_message ON attachments (message_id, id);

-- Bytes that no row names any more, until they are off the disk.
CREATE TABLE discarded_files (
  key          TEXT PRIMARY KEY,
  discarded_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER attachments_discarded AFTER DELETE ON attachments BEGIN
  INSERT INTO discarded_files (key, discarded_at) VALUES (old.key, CAST(unixepoch('subsec') * 1000 AS INTEGER));
END;

-- `title` is null where the author took the preview away: it is not to come back. The picture is small and re-encoded.
CREATE TABLE previews (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  message_id   INTEGER NOT NULL REFERENCES messages ON DELETE CASCADE,
  url          TEXT NOT NULL,
  site         TEXT NOT NULL DEFAULT '',
  title        TEXT CHECK (title <> ''),
  description  TEXT NOT NULL DEFAULT '',
  image_width  INTEGER,
  image_height INTEGER,
  image        BLOB,
  created_at   INTEGER NOT NULL,
  UNIQUE (message_id, url),
  CHECK ((image IS NULL) = (image_width IS NULL) AND (image IS NULL) = (image_height IS NULL))
) STRICT;

ALTER TABLE users ADD COLUMN shows_previews INTEGER NOT NULL DEFAULT 1 CHECK (shows_previews IN (0, 1));
ALTER TABLE users ADD COLUMN plays_sounds INTEGER NOT NULL DEFAULT 1 CHECK (plays_sounds IN (0, 1));
