-- Finding things again: an index of words and one of parts of words, both in step by trigger.

-- The names of a message's files, and the pairs of characters of what it says in scripts without spaces.
ALTER TABLE messages ADD COLUMN filenames TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN pairs TEXT NOT NULL DEFAULT '';

DROP TRIGGER messages_words_posted;
DROP TRIGGER messages_words_edited;
DROP TRIGGER messages_words_removed;
DROP TABLE messages_words;

-- Room and author are words of three characters, which is one token in either index: a search in a few rooms of many
-- meets the two lists of messages in the index itself and never looks at what it may not show.
CREATE VIEW messages_indexed AS
SELECT id, plain, filenames, pairs,
       char(44032 + room_id / 100000000 % 10000, 44032 + room_id / 10000 % 10000, 44032 + room_id % 10000) AS room,
       char(44032 + creator_id / 100000000 % 10000, 44032 + creator_id / 10000 % 10000, 44032 + creator_id % 10000) AS author
FROM messages;

CREATE VIRTUAL TABLE messages_words USING fts5 (
  plain, filenames, pairs, room, author,
  content = 'messages_indexed', content_rowid = 'id', tokenize = 'porter unicode61 remove_diacritics 2'
);
CREATE VIRTUAL TABLE messages_parts USING fts5 (
  plain, filenames, room, author,
  content = 'messages_indexed', content_rowid = 'id', tokenize = 'trigram remove_diacritics 1'
);

INSERT INTO messages_words (messages_words) VALUES ('rebuild');
INSERT INTO messages_parts (messages_parts) VALUES ('rebuild');

-- Removed words leave no trace in the index file.
INSERT INTO messages_words (messages_words, rank) VALUES ('secure-delete', 1);
INSERT INTO messages_parts (messages_parts, rank) VALUES ('secure-delete', 1);

CREATE TRIGGER messages_found_posted AFTER INSERT ON messages BEGIN
  INSERT INTO messages_words (rowid, plain, filenames, pairs, room, author)
  SELECT id, plain, filenames, pairs, room, author FROM messages_indexed WHERE id = new.id;
  INSERT INTO messages_parts (rowid, plain, filenames, room, author)
  SELECT id, plain, filenames, room, author FROM messages_indexed WHERE id = new.id;
END;

-- What was indexed is named exactly, while it can still be read.
CREATE TRIGGER messages_found_editing BEFORE UPDATE OF plain, filenames, pairs ON messages BEGIN
  INSERT INTO messages_words (messages_words, rowid, plain, filenames, pairs, room, author)
  SELECT 'delete', id, plain, filenames, pairs, room, author FROM messages_indexed WHERE id = old.id;
  INSERT INTO messages_parts (messages_parts, rowid, plain, filenames, room, author)
  SELECT 'delete', id, plain, filenames, room, author FROM messages_indexed WHERE id = old.id;
END;

CREATE TRIGGER messages_found_edited AFTER UPDATE OF plain, filenames, pairs ON messages BEGIN
  INSERT INTO messages_words (rowid, plain, filenames, pairs, room, author)
  SELECT id, plain, filenames, pairs, room, author FROM messages_indexed WHERE id = new.id;
  INSERT INTO messages_parts (rowid, plain, filenames, room, author)
  SELECT id, plain, filenames, room, author FROM messages_indexed WHERE id = new.id;
END;

CREATE TRIGGER messages_found_removed BEFORE DELETE ON messages BEGIN
  INSERT INTO messages_words (messages_words, rowid, plain, filenames, pairs, room, author)
  SELECT 'delete', id, plain, filenames, pairs, room, author FROM messages_indexed WHERE id = old.id;
  INSERT INTO messages_parts (messages_parts, rowid, plain, filenames, room, author)
  SELECT 'delete', id, plain, filenames, room, author FROM messages_indexed WHERE id = old.id;
END;

-- What somebody looked for lately, each once.
CREATE TABLE searches (
  user_id     INTEGER NOT NULL REFERENCES users,
  query       TEXT NOT NULL CHECK (query <> ''),
  searched_at INTEGER NOT NULL,
  PRIMARY KEY (user_id, query)
) STRICT, WITHOUT ROWID;
