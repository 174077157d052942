-- What is still to be done outside of the house: written in the transaction that asks for it, gone when it is done.

-- `key` makes a job one however often it is asked for. `token` grows with each lease, so that a late holder is refused.
-- `due_at` and `leased_until` are milliseconds of the clock that the running server counts on, which knows no hour and
-- never jumps; `delay` is the wait that a failure earned, from which a server that starts anew counts again.
CREATE TABLE jobs (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  kind         TEXT NOT NULL CHECK (kind <> ''),
  destination  TEXT NOT NULL,
  key          TEXT NOT NULL,
  payload      TEXT NOT NULL CHECK (json_valid(payload)),
  state        TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'leased', 'dead')),
  attempts     INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  delay        INTEGER NOT NULL DEFAULT 0 CHECK (delay >= 0),
  due_at       INTEGER NOT NULL,
  token        INTEGER NOT NULL DEFAULT 0,
  leased_until INTEGER,
  fault        TEXT,
  created_at   INTEGER NOT NULL,
  UNIQUE (kind, key),
  CHECK ((state = 'leased') = (leased_until IS NOT NULL))
) STRICT;

CREATE INDEX jobs_waiting ON jobs (kind, destination, due_at, id) WHERE state = 'waiting';
CREATE INDEX jobs_due ON jobs (kind, due_at) WHERE state = 'waiting';
CREATE INDEX jobs_leased ON jobs (kind, leased_until) WHERE state = 'leased';
