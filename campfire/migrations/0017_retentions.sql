-- For how long the messages of a room are kept, where that is not for ever.

CREATE TABLE retentions (
  room_id INTEGER PRIMARY KEY REFERENCES rooms ON DELETE CASCADE,
  days    INTEGER NOT NULL CHECK (days > 0),
  deleted INTEGER NOT NULL DEFAULT 0
) STRICT;
