-- What somebody wrote about a caller is personal data: it stands by itself, as numbers do.
CREATE TABLE note (
  key INTEGER PRIMARY KEY, -- What facts, events and items hold instead of the text.
  about TEXT NOT NULL, -- The message it was written about.
  value TEXT, -- The text itself; NULL once erased.
  erased_at REAL, -- When it was erased; NULL while it stands.
  UNIQUE (about, value)
) STRICT;

INSERT INTO note (about, value) SELECT message, note FROM item WHERE note <> '' ORDER BY done_at, message;

CREATE TEMP TABLE item_before AS SELECT * FROM item;

DROP TABLE item;

CREATE TABLE item (
  message TEXT PRIMARY KEY, -- The message.
  call TEXT NOT NULL, -- The call it was left in.
  box TEXT NOT NULL, -- The box, as the flow names it.
  opened_at REAL NOT NULL, -- When it was left.
  due_at REAL NOT NULL, -- Until when it should be done.
  taken_by TEXT, -- Who has taken it; NULL: nobody.
  taken_at REAL, -- When.
  done_at REAL, -- When it was done; NULL: it is open.
  note INTEGER REFERENCES note (key) -- What came of it; NULL: nobody wrote anything.
) STRICT, WITHOUT ROWID;

CREATE INDEX item_open ON item (due_at) WHERE done_at IS NULL;

INSERT INTO item (message, call, box, opened_at, due_at, taken_by, taken_at, done_at, note)
SELECT message, call, box, opened_at, due_at, taken_by, taken_at, done_at,
  (SELECT key FROM note AS n WHERE n.about = b.message AND n.value = b.note)
FROM temp.item_before AS b;

DROP TABLE temp.item_before;

-- A digit may become x, when a person is erased; nothing else of an event may change.
DROP TRIGGER event_never_changes;

CREATE TRIGGER event_never_changes BEFORE UPDATE ON event
WHEN new.id IS NOT old.id OR new.at IS NOT old.at OR new.epoch IS NOT old.epoch OR new.kind IS NOT old.kind
  OR old.kind <> 'KeyPressed' OR new.body IS NOT json_set(old.body, '$.digit', 'x')
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
