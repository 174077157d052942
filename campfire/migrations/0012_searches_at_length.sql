-- Searches among a million messages: nothing that is counted is read, and nothing that is not asked for is walked past.

-- All that decides whether a hit may be shown, so that no message is read for it.
CREATE INDEX messages_places ON messages (id, room_id, creator_id, created_at);

-- Between which messages a day lies, in UTC. What was posted with a wrong clock only makes that wider; so does `last_id`,
-- which is rounded up in order to be written once for a thousand messages.
CREATE TABLE days (
  day      INTEGER PRIMARY KEY,
  first_id INTEGER NOT NULL,
  last_id  INTEGER NOT NULL CHECK (last_id >= first_id)
) STRICT;

INSERT INTO days (day, first_id, last_id)
SELECT created_at / 86400000, min(id), max(id) | 1023 FROM messages GROUP BY created_at / 86400000;

DROP TRIGGER messages_found_posted;
DROP TRIGGER messages_found_editing;
DROP TRIGGER messages_found_edited;
DROP TRIGGER messages_found_removed;
DROP TABLE messages_words;
DROP TABLE messages_parts;
DROP VIEW messages_indexed;

-- Files and links are words of the index too, like room and author, and so is who wrote in which room: among the
-- messages of a room and those of a person, the few that are both would be far between. Parts of words are looked for
-- seldom, so of authors that index knows nothing.
CREATE VIEW messages_indexed AS
SELECT id, plain, filenames, pairs,
       char(44032 + room_id / 100000000 % 10000, 44032 + room_id / 10000 % 10000, 44032 + room_id % 10000) AS room,
       char(44032 + creator_id / 100000000 % 10000, 44032 + creator_id / 10000 % 10000, 44032 + creator_id % 10000) AS author,
       char(44032 + room_id / 100 % 10000, 44032 + room_id % 100 * 100 + creator_id / 10000 % 100,
            44032 + creator_id % 10000) AS room_author,
       iif(filenames <> '', 'fil ', '') || iif(html LIKE '%<a href=%', 'lin', '') AS has
FROM messages;

CREATE VIRTUAL TABLE messages_words USING fts5 (
  plain, filenames, pairs, room, author, room_author, has,
  content = 'messages_indexed', content_rowid = 'id', tokenize = 'porter unicode61 remove_diacritics 2'
);
CREATE VIRTUAL TABLE messages_parts USING fts5 (
  plain, filenames, room, has,
  content = 'messages_indexed', content_rowid = 'id', tokenize = 'trigram remove_diacritics 1'
);

INSERT INTO messages_words (messages_words) VALUES ('rebuild');
INSERT INTO messages_parts (messages_parts) VALUES ('rebuild');
INSERT INTO messages_words (messages_words) VALUES ('optimize');
INSERT INTO messages_parts (messages_parts) VALUES ('optimize');
INSERT INTO messages_words (messages_words, rank) VALUES ('secure-delete', 1);
INSERT INTO messages_parts (messages_parts, rank) VALUES ('secure-delete', 1);

CREATE TRIGGER messages_found_posted AFTER INSERT ON messages BEGIN
  INSERT INTO messages_words (rowid, plain, filenames, pairs, room, author, room_author, has)
  SELECT id, plain, filenames, pairs, room, author, room_author, has FROM messages_indexed WHERE id = new.id;
  INSERT INTO messages_parts (rowid, plain, filenames, room, has)
  SELECT id, plain, filenames, room, has FROM messages_indexed WHERE id = new.id;
  INSERT INTO days (day, first_id, last_id) VALUES (new.created_at / 86400000, new.id, new.id | 1023)
  ON CONFLICT DO UPDATE SET last_id = excluded.last_id WHERE last_id < excluded.last_id;
END;

-- What was indexed is named exactly, while it can still be read.
CREATE TRIGGER messages_found_editing BEFORE UPDATE OF html, plain, filenames, pairs ON messages BEGIN
  INSERT INTO messages_words (messages_words, rowid, plain, filenames, pairs, room, author, room_author, has)
  SELECT 'delete', id, plain, filenames, pairs, room, author, room_author, has FROM messages_indexed WHERE id = old.id;
  INSERT INTO messages_parts (messages_parts, rowid, plain, filenames, room, has)
  SELECT 'delete', id, plain, filenames, room, has FROM messages_indexed WHERE id = old.id;
END;

CREATE TRIGGER messages_found_edited AFTER UPDATE OF html, plain, filenames, pairs ON messages BEGIN
  INSERT INTO messages_words (rowid, plain, filenames, pairs, room, author, room_author, has)
  SELECT id, plain, filenames, pairs, room, author, room_author, has FROM messages_indexed WHERE id = new.id;
  INSERT INTO messages_parts (rowid, plain, filenames, room, has)
  SELECT id, plain, filenames, room, has FROM messages_indexed WHERE id = new.id;
END;

CREATE TRIGGER messages_found_removed BEFORE DELETE ON messages BEGIN
  INSERT INTO messages_words (messages_words, rowid, plain, filenames, pairs, room, author, room_author, has)
  SELECT 'delete', id, plain, filenames, pairs, room, author, room_author, has FROM messages_indexed WHERE id = old.id;
  INSERT INTO messages_parts (messages_parts, rowid, plain, filenames, room, has)
  SELECT 'delete', id, plain, filenames, room, has FROM messages_indexed WHERE id = old.id;
END;
