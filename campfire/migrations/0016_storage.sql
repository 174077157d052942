-- What the files of messages take, by room, author and kind, in step by trigger: nothing is summed up when it is asked for.

CREATE TABLE storage (
  room_id    INTEGER NOT NULL REFERENCES rooms ON DELETE CASCADE,
  creator_id INTEGER NOT NULL REFERENCES users,
  kind       TEXT NOT NULL CHECK (kind IN ('image', 'video', 'audio', 'other')),
  files      INTEGER NOT NULL,
  bytes      INTEGER NOT NULL,
  PRIMARY KEY (room_id, creator_id, kind)
) STRICT, WITHOUT ROWID;

CREATE INDEX storage_by_creator ON storage (creator_id, room_id, files, bytes);

CREATE VIEW stored AS
SELECT attachments.id, message_id, room_id, creator_id,
       CASE substr(content_type, 1, instr(content_type, '/') - 1)
         WHEN 'image' THEN 'image' WHEN 'video' THEN 'video' WHEN 'audio' THEN 'audio' ELSE 'other' END AS kind,
       byte_size
FROM attachments JOIN messages ON messages.id = attachments.message_id;

INSERT INTO storage SELECT room_id, creator_id, kind, count(*), sum(byte_size) FROM stored GROUP BY 1, 2, 3;

CREATE TRIGGER storage_taken AFTER INSERT ON attachments BEGIN
  INSERT INTO storage SELECT room_id, creator_id, kind, 1, byte_size FROM stored WHERE id = new.id
  ON CONFLICT DO UPDATE SET files = files + 1, bytes = bytes + excluded.bytes;
END;

-- A message is gone before its files are: theirs is known only before.
CREATE TRIGGER storage_left BEFORE DELETE ON messages BEGIN
  INSERT INTO storage SELECT room_id, creator_id, kind, -1, -byte_size FROM stored WHERE message_id = old.id
  ON CONFLICT DO UPDATE SET files = files - 1, bytes = bytes + excluded.bytes;
END;

CREATE TRIGGER storage_leaves BEFORE UPDATE OF room_id ON messages BEGIN
  INSERT INTO storage SELECT room_id, creator_id, kind, -1, -byte_size FROM stored WHERE message_id = old.id
  ON CONFLICT DO UPDATE SET files = files - 1, bytes = bytes + excluded.bytes;
END;

CREATE TRIGGER storage_moves AFTER UPDATE OF room_id ON messages BEGIN
  INSERT INTO storage SELECT room_id, creator_id, kind, 1, byte_size FROM stored WHERE message_id = new.id
  ON CONFLICT DO UPDATE SET files = files + 1, bytes = bytes + excluded.bytes;
END;
