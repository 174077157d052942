-- Reaching people who are away: the devices that take pushes, what became of each push, and quiet hours.

-- A subscription belongs to a sign-in and goes with it, however that ends. The keys are as the browser made them:
-- an uncompressed point of P-256 and 16 random bytes (RFC 8291).
CREATE TABLE push_subscriptions (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id    INTEGER NOT NULL REFERENCES users,
  session_id INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
  endpoint   TEXT NOT NULL UNIQUE CHECK (endpoint LIKE 'https://%'),
  p256dh     BLOB NOT NULL CHECK (length(p256dh) = 65),
  auth       BLOB NOT NULL CHECK (length(auth) = 16),
  user_agent TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX push_subscriptions_by_user ON push_subscriptions (user_id, id);
CREATE INDEX push_subscriptions_by_session ON push_subscriptions (session_id);

-- The ledger: what a push service answered, newest last. It stays with the sign-in when the subscription is gone, so that
-- a device that went silent can be seen. A test has no message; `status` is null where nothing answered.
CREATE TABLE pushes (
  id              INTEGER PRIMARY KEY AUTOINCREMENT,
  session_id      INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
  subscription_id INTEGER NOT NULL,
  room_id         INTEGER,
  message_id      INTEGER,
  outcome         TEXT NOT NULL CHECK (outcome IN ('delivered', 'late', 'refused')),
  status          INTEGER,
  took            INTEGER NOT NULL CHECK (took >= 0),
  at              INTEGER NOT NULL
) STRICT;

CREATE INDEX pushes_by_session ON pushes (session_id, id);
CREATE INDEX pushes_by_subscription ON pushes (subscription_id, id);

-- Minutes of the day where the person is; from `starts` to `ends`, mostly over midnight.
CREATE TABLE quiet_hours (
  user_id INTEGER PRIMARY KEY REFERENCES users,
  starts  INTEGER NOT NULL CHECK (starts BETWEEN 0 AND 1439),
  ends    INTEGER NOT NULL CHECK (ends BETWEEN 0 AND 1439),
  zone    TEXT NOT NULL CHECK (zone <> ''),
  CHECK (starts <> ends)
) STRICT;

-- Whether anybody in a room wants to hear everything is asked with every message.
CREATE INDEX memberships_hearing_everything ON memberships (room_id, user_id) WHERE involvement = 'everything';
