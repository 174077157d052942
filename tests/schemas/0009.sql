-- What bots were called with and what came back: for their stream, for trying again, and for whoever looks after them.

-- `payload` is what is sent, but for the key in it. A removed message takes what was said about it along.
CREATE TABLE deliveries (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  bot_id       INTEGER NOT NULL REFERENCES bots,
  message_id   INTEGER NOT NULL REFERENCES messages ON DELETE CASCADE,
  payload      TEXT NOT NULL CHECK (json_valid(payload)),
  state        TEXT NOT NULL CHECK (state IN ('kept', 'waiting', 'delivered', 'failed')),
  attempts     INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  code         INTEGER,
  content_type TEXT NOT NULL DEFAULT '',
  answer       TEXT NOT NULL DEFAULT '',
  fault        TEXT NOT NULL DEFAULT '',
  took         INTEGER,
  has_reply    INTEGER NOT NULL DEFAULT 0 CHECK (has_reply IN (0, 1)),
  created_at   INTEGER NOT NULL,
  tried_at     INTEGER
) STRICT;

CREATE INDEX deliveries_by_bot ON deliveries (bot_id, id);
CREATE INDEX deliveries_by_message ON deliveries (message_id);

-- A webhook is called on the public internet, unless an administrator says that it may be nearer.
ALTER TABLE accounts ADD COLUMN webhooks_may_be_near INTEGER NOT NULL DEFAULT 0 CHECK (webhooks_may_be_near IN (0, 1));
