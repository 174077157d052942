-- A webhook from which nothing good has come for a day is called no more, until an administrator wants it again.

-- `failing_since` is the first of the `failures` in a row, and null after anything that went well.
ALTER TABLE bots ADD COLUMN failing_since INTEGER;
ALTER TABLE bots ADD COLUMN failures INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0);
ALTER TABLE bots ADD COLUMN switched_off_at INTEGER;
