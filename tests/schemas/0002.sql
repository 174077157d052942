-- Direct and deleted rooms, what an administrator decides, pictures, ways back in, bans.

-- A direct room is known by exactly who is in it: their ids, in order.
ALTER TABLE rooms ADD COLUMN direct_key TEXT CHECK (direct_key IS NULL OR kind = 'direct');

-- Out of reach at once; what is in it goes in the background.
ALTER TABLE rooms ADD COLUMN deleted_at INTEGER;

CREATE UNIQUE INDEX rooms_by_direct_key ON rooms (direct_key) WHERE deleted_at IS NULL;
CREATE INDEX rooms_deleted ON rooms (deleted_at) WHERE deleted_at IS NOT NULL;

ALTER TABLE accounts ADD COLUMN custom_styles TEXT NOT NULL DEFAULT '' CHECK (length(custom_styles) <= 65536);
ALTER TABLE accounts ADD COLUMN only_administrators_create_rooms INTEGER NOT NULL DEFAULT 0
  CHECK (only_administrators_create_rooms IN (0, 1));

ALTER TABLE users ADD COLUMN theme TEXT NOT NULL DEFAULT 'auto' CHECK (theme IN ('auto', 'light', 'dark'));

-- Pictures are small and re-encoded, so they live with the rows that they belong to.
CREATE TABLE avatars (
  user_id    INTEGER PRIMARY KEY REFERENCES users,
  image      BLOB NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE logos (
  id         INTEGER PRIMARY KEY CHECK (id = 1) REFERENCES accounts,
  large      BLOB NOT NULL,
  small      BLOB NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE transfers (
  token_hash BLOB PRIMARY KEY CHECK (length(token_hash) = 32),
  user_id    INTEGER NOT NULL REFERENCES users,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX transfers_by_user ON transfers (user_id);

CREATE TABLE bans (
  user_id    INTEGER NOT NULL REFERENCES users,
  ip_address TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (ip_address, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX bans_by_user ON bans (user_id);

CREATE INDEX messages_by_creator ON messages (creator_id, id);
