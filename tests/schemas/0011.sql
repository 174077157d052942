-- The audit log: what was done with an administrator's power, by whom and to whom. It holds numbers and our own words,
-- never a name, an address or anything that somebody wrote, so that nothing in it has to be taken out again.

-- `actor_id` is null for the command line and for what Campfire does by itself. A room is named by its number alone:
-- it may be gone, or be none of the reader's.
CREATE TABLE acts (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  origin   TEXT NOT NULL CHECK (origin IN ('person', 'command line', 'campfire')),
  actor_id INTEGER REFERENCES users,
  kind     TEXT NOT NULL CHECK (kind LIKE '%_._%'),
  user_id  INTEGER REFERENCES users,
  room_id  INTEGER,
  detail   TEXT NOT NULL,
  at       INTEGER NOT NULL,
  CHECK ((origin = 'person') = (actor_id IS NOT NULL))
) STRICT;
