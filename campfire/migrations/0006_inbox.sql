-- The inbox: which message answers which.

-- `user_id` wrote what is answered, so that everything that answers somebody is one look in an index.
CREATE TABLE replies (
  message_id  INTEGER NOT NULL REFERENCES messages ON DELETE CASCADE,
  answered_id INTEGER NOT NULL REFERENCES messages ON DELETE CASCADE,
  user_id     INTEGER NOT NULL REFERENCES users,
  PRIMARY KEY (message_id, answered_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX replies_by_user ON replies (user_id, message_id);
CREATE INDEX replies_by_answered ON replies (answered_id);
