-- How many messages there are in each thousand of numbers, so that what is unread is counted without walking past it.

-- `block` is id / 1024. All of a room, and those of each author in it.
CREATE TABLE tallies (
  room_id INTEGER NOT NULL REFERENCES rooms ON DELETE CASCADE,
  block   INTEGER NOT NULL,
  count   INTEGER NOT NULL,
  PRIMARY KEY (room_id, block)
) STRICT, WITHOUT ROWID;

CREATE TABLE author_tallies (
  room_id    INTEGER NOT NULL REFERENCES rooms ON DELETE CASCADE,
  creator_id INTEGER NOT NULL,
  block      INTEGER NOT NULL,
  count      INTEGER NOT NULL,
  PRIMARY KEY (room_id, creator_id, block)
) STRICT, WITHOUT ROWID;

INSERT INTO tallies SELECT room_id, id / 1024, count(*) FROM messages GROUP BY 1, 2;
INSERT INTO author_tallies SELECT room_id, creator_id, id / 1024, count(*) FROM messages GROUP BY 1, 2, 3;

CREATE TRIGGER messages_tallied AFTER INSERT ON messages BEGIN
  INSERT INTO tallies VALUES (new.room_id, new.id / 1024, 1) ON CONFLICT DO UPDATE SET count = count + 1;
  INSERT INTO author_tallies VALUES (new.room_id, new.creator_id, new.id / 1024, 1)
  ON CONFLICT DO UPDATE SET count = count + 1;
END;

CREATE TRIGGER messages_tallied_elsewhere AFTER UPDATE OF room_id ON messages BEGIN
  UPDATE tallies SET count = count - 1 WHERE room_id = old.room_id AND block = old.id / 1024;
  UPDATE author_tallies SET count = count - 1
  WHERE room_id = old.room_id AND creator_id = old.creator_id AND block = old.id / 1024;
  INSERT INTO tallies VALUES (new.room_id, new.id / 1024, 1) ON CONFLICT DO UPDATE SET count = count + 1;
  INSERT INTO author_tallies VALUES (new.room_id, new.creator_id, new.id / 1024, 1)
  ON CONFLICT DO UPDATE SET count = count + 1;
END;

CREATE TRIGGER messages_tallied_no_more AFTER DELETE ON messages BEGIN
  UPDATE tallies SET count = count - 1 WHERE room_id = old.room_id AND block = old.id / 1024;
  UPDATE author_tallies SET count = count - 1
  WHERE room_id = old.room_id AND creator_id = old.creator_id AND block = old.id / 1024;
END;
