-- What was deleted can be brought back for some days.

-- A deleted message lies in room 0, which nobody is in. Here is where it was, and with which `seq` it was removed.
CREATE TABLE trashed_messages (
  message_id INTEGER PRIMARY KEY REFERENCES messages ON DELETE CASCADE,
  room_id    INTEGER NOT NULL REFERENCES rooms,
  seq        INTEGER NOT NULL,
  remover_id INTEGER NOT NULL REFERENCES users,
  trashed_at INTEGER NOT NULL
) STRICT;

CREATE INDEX trashed_messages_by_room ON trashed_messages (room_id);
CREATE INDEX trashed_messages_by_remover ON trashed_messages (remover_id, trashed_at);
CREATE INDEX trashed_messages_by_time ON trashed_messages (trashed_at);

-- Who was in a deleted room, as they saw it.
CREATE TABLE trashed_memberships (
  room_id      INTEGER NOT NULL REFERENCES rooms ON DELETE CASCADE,
  user_id      INTEGER NOT NULL REFERENCES users,
  involvement  TEXT NOT NULL,
  last_read_id INTEGER NOT NULL,
  starred      INTEGER NOT NULL,
  created_at   INTEGER NOT NULL,
  PRIMARY KEY (room_id, user_id)
) STRICT, WITHOUT ROWID;

ALTER TABLE rooms ADD COLUMN remover_id INTEGER REFERENCES users;

-- What lies there cannot be searched, and its words leave no trace in the index.
DROP TRIGGER messages_found_editing;
DROP TRIGGER messages_found_edited;
DROP VIEW messages_indexed;

CREATE VIEW messages_indexed AS
SELECT id, plain, filenames, pairs,
       char(44032 + room_id / 100000000 % 10000, 44032 + room_id / 10000 % 10000, 44032 + room_id % 10000) AS room,
       char(44032 + creator_id / 100000000 % 10000, 44032 + creator_id / 10000 % 10000, 44032 + creator_id % 10000) AS author,
       char(44032 + room_id / 100 % 10000, 44032 + room_id % 100 * 100 + creator_id / 10000 % 100,
            44032 + creator_id % 10000) AS room_author,
       iif(filenames <> '', 'fil ', '') || iif(html LIKE '%<a href=%', 'lin', '') AS has
FROM messages WHERE room_id <> 0;

CREATE TRIGGER messages_found_editing BEFORE UPDATE OF room_id, html, plain, filenames, pairs ON messages BEGIN
  INSERT INTO messages_words (messages_words, rowid, plain, filenames, pairs, room, author, room_author, has)
  SELECT 'delete', id, plain, filenames, pairs, room, author, room_author, has FROM messages_indexed WHERE id = old.id;
  INSERT INTO messages_parts (messages_parts, rowid, plain, filenames, room, has)
  SELECT 'delete', id, plain, filenames, room, has FROM messages_indexed WHERE id = old.id;
END;

CREATE TRIGGER messages_found_edited AFTER UPDATE OF room_id, html, plain, filenames, pairs ON messages BEGIN
  INSERT INTO messages_words (rowid, plain, filenames, pairs, room, author, room_author, has)
  SELECT id, plain, filenames, pairs, room, author, room_author, has FROM messages_indexed WHERE id = new.id;
  INSERT INTO messages_parts (rowid, plain, filenames, room, has)
  SELECT id, plain, filenames, room, has FROM messages_indexed WHERE id = new.id;
END;
