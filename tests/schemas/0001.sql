-- People, rooms and what they say to each other. Times are UTC milliseconds.

CREATE TABLE accounts (
  id         INTEGER PRIMARY KEY CHECK (id = 1),
  name       TEXT NOT NULL CHECK (trim(name) <> ''),
  join_code  TEXT NOT NULL CHECK (join_code <> ''),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE users (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  name          TEXT NOT NULL CHECK (trim(name) <> ''),
  email_address TEXT UNIQUE CHECK (email_address = lower(email_address)),
  password_hash TEXT,
  role          TEXT NOT NULL DEFAULT 'member' CHECK (role IN ('member', 'administrator', 'bot')),
  status        TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'deactivated', 'banned')),
  bio           TEXT NOT NULL DEFAULT '',
  created_at    INTEGER NOT NULL,
  updated_at    INTEGER NOT NULL
) STRICT;

CREATE INDEX users_by_name ON users (name COLLATE NOCASE);

CREATE TABLE sessions (
  id             INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id        INTEGER NOT NULL REFERENCES users,
  token_hash     BLOB NOT NULL UNIQUE CHECK (length(token_hash) = 32),
  ip_address     TEXT NOT NULL,
  user_agent     TEXT NOT NULL,
  created_at     INTEGER NOT NULL,
  last_active_at INTEGER NOT NULL
) STRICT;

CREATE INDEX sessions_by_user ON sessions (user_id, last_active_at);

-- `seq` counts the room's changes without holes; `members_version` counts changes of who is in it.
CREATE TABLE rooms (
  id              INTEGER PRIMARY KEY AUTOINCREMENT,
  kind            TEXT NOT NULL CHECK (kind IN ('open', 'closed', 'direct')),
  name            TEXT CHECK (trim(name) <> ''),
  creator_id      INTEGER NOT NULL REFERENCES users,
  seq             INTEGER NOT NULL DEFAULT 0,
  members_version INTEGER NOT NULL DEFAULT 0,
  created_at      INTEGER NOT NULL,
  updated_at      INTEGER NOT NULL,
  CHECK ((kind = 'direct') = (name IS NULL))
) STRICT;

CREATE TABLE memberships (
  room_id      INTEGER NOT NULL REFERENCES rooms ON DELETE CASCADE,
  user_id      INTEGER NOT NULL REFERENCES users,
  involvement  TEXT NOT NULL CHECK (involvement IN ('invisible', 'nothing', 'mentions', 'everything')),
  last_read_id INTEGER NOT NULL DEFAULT 0,
  starred      INTEGER NOT NULL DEFAULT 0 CHECK (starred IN (0, 1)),
  created_at   INTEGER NOT NULL,
  PRIMARY KEY (room_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX memberships_by_user ON memberships (user_id, room_id);

CREATE TRIGGER memberships_granted AFTER INSERT ON memberships BEGIN
  UPDATE rooms SET members_version = members_version + 1 WHERE id = new.room_id;
END;

CREATE TRIGGER memberships_revoked AFTER DELETE ON memberships BEGIN
  UPDATE rooms SET members_version = members_version + 1 WHERE id = old.room_id;
END;

-- AUTOINCREMENT, because an id that came back after a removal would look read to everybody.
CREATE TABLE messages (
  id                INTEGER PRIMARY KEY AUTOINCREMENT,
  room_id           INTEGER NOT NULL REFERENCES rooms ON DELETE CASCADE,
  creator_id        INTEGER NOT NULL REFERENCES users,
  client_message_id TEXT NOT NULL CHECK (length(client_message_id) BETWEEN 1 AND 64),
  seq               INTEGER NOT NULL,
  posted_seq        INTEGER NOT NULL,
  source            TEXT NOT NULL,
  html              TEXT NOT NULL,
  plain             TEXT NOT NULL,
  created_at        INTEGER NOT NULL,
  edited_at         INTEGER,
  UNIQUE (room_id, seq),
  UNIQUE (creator_id, room_id, client_message_id)
) STRICT;

CREATE INDEX messages_by_room ON messages (room_id, id, creator_id);

CREATE TABLE mentions (
  message_id INTEGER NOT NULL REFERENCES messages ON DELETE CASCADE,
  user_id    INTEGER NOT NULL REFERENCES users,
  PRIMARY KEY (message_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX mentions_by_user ON mentions (user_id, message_id);

-- What is left of a removed message: enough to tell a client that was away, and to refuse a late retry.
CREATE TABLE removals (
  room_id           INTEGER NOT NULL REFERENCES rooms ON DELETE CASCADE,
  seq               INTEGER NOT NULL,
  message_id        INTEGER NOT NULL,
  creator_id        INTEGER NOT NULL REFERENCES users,
  client_message_id TEXT NOT NULL,
  removed_at        INTEGER NOT NULL,
  PRIMARY KEY (room_id, seq),
  UNIQUE (creator_id, room_id, client_message_id)
) STRICT, WITHOUT ROWID;

-- The words of every message, kept in step by triggers so that no code path can forget them.
CREATE VIRTUAL TABLE messages_words USING fts5 (
  plain, content = 'messages', content_rowid = 'id', tokenize = 'porter unicode61 remove_diacritics 2'
);

-- Removed words leave no trace in the index file.
INSERT INTO messages_words (messages_words, rank) VALUES ('secure-delete', 1);

CREATE TRIGGER messages_words_posted AFTER INSERT ON messages BEGIN
  INSERT INTO messages_words (rowid, plain) VALUES (new.id, new.plain);
END;

CREATE TRIGGER messages_words_edited AFTER UPDATE OF plain ON messages WHEN old.plain IS NOT new.plain BEGIN
  INSERT INTO messages_words (messages_words, rowid, plain) VALUES ('delete', old.id, old.plain);
  INSERT INTO messages_words (rowid, plain) VALUES (new.id, new.plain);
END;

CREATE TRIGGER messages_words_removed AFTER DELETE ON messages BEGIN
  INSERT INTO messages_words (messages_words, rowid, plain) VALUES ('delete', old.id, old.plain);
END;
