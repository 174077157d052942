-- Bots: what they are known by, and where they are called.

-- Of the key only the hash of its secret half is kept; a bot without one lets nobody in. `signing_secret` is needed as
-- it is: what is signed with it is checked by a receiver who holds the same.
CREATE TABLE bots (
  user_id        INTEGER PRIMARY KEY REFERENCES users,
  secret_hash    BLOB CHECK (length(secret_hash) = 32),
  signing_secret TEXT NOT NULL CHECK (signing_secret <> ''),
  webhook_url    TEXT CHECK (webhook_url <> '')
) STRICT;
