-- A direct message may ring in somebody's quiet hours, when its author says so and they let people do that.

CREATE TABLE rings (
  message_id INTEGER PRIMARY KEY REFERENCES messages ON DELETE CASCADE,
  asked_at   INTEGER NOT NULL
) STRICT;

ALTER TABLE quiet_hours ADD COLUMN may_ring INTEGER NOT NULL DEFAULT 1 CHECK (may_ring IN (0, 1));
