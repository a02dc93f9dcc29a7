-- What somebody wrote about a caller is personal data: it stands by itself, as numbers do.
CREATE TABLE note (
  key INTEGER PRIMARY KEY, -- What facts, events and items hold instead of the text.
  about TEXT NOT NULL, -- The message or screening it was written about; else `person` and the key of one.
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

INSERT INTO note (about, value)
SELECT screening, why FROM screening WHERE why <> ''
UNION SELECT screening, ended_why FROM screening WHERE ended_why <> ''
UNION SELECT screening, decided_why FROM screening WHERE decided_why <> '';

CREATE TEMP TABLE screening_before AS SELECT * FROM screening;

DROP TABLE screening;

CREATE TABLE screening (
  screening TEXT PRIMARY KEY, -- The screening's id.
  call TEXT, -- The call it was marked in; NULL: by hand.
  number INTEGER REFERENCES person (key), -- The number screened.
  by TEXT NOT NULL, -- Work number of who marked it.
  why INTEGER REFERENCES note (key), -- The disposition, the script, or what the supervisor wrote.
  times INTEGER NOT NULL, -- The how-manieth time this number is screened; more make it longer.
  began_at REAL NOT NULL, -- When it was marked.
  until REAL NOT NULL, -- When it ends by itself.
  ended_at REAL, -- When it ended; NULL: not yet.
  outcome TEXT, -- expired, lifted or erased.
  ended_by TEXT, -- Work number of who lifted it.
  ended_why INTEGER REFERENCES note (key), -- Why.
  appeal TEXT, -- The last message the caller left against it.
  appealed_at REAL, -- When.
  decided_at REAL, -- When a supervisor lifted it, or kept it after an appeal; NULL: an appeal waits, or there is none.
  decided_by TEXT, -- Who.
  decided_why INTEGER REFERENCES note (key) -- Why.
) STRICT;

CREATE INDEX screening_number ON screening (number);

CREATE INDEX screening_on ON screening (until) WHERE ended_at IS NULL;

INSERT INTO screening (screening, call, number, by, why, times, began_at, until, ended_at, outcome, ended_by, ended_why,
  appeal, appealed_at, decided_at, decided_by, decided_why)
SELECT b.screening, b.call, b.number, b.by, (SELECT key FROM note WHERE about = b.screening AND value = b.why), b.times,
  b.began_at, b.until, b.ended_at, b.outcome, b.ended_by,
  (SELECT key FROM note WHERE about = b.screening AND value = b.ended_why),
  b.appeal, b.appealed_at, b.decided_at, b.decided_by,
  (SELECT key FROM note WHERE about = b.screening AND value = b.decided_why)
FROM temp.screening_before AS b;

DROP TABLE temp.screening_before;

-- When a person is erased a digit becomes x, and answers, states and what an agent wrote go; nothing else of an event
-- may change.
DROP TRIGGER event_never_changes;

CREATE TRIGGER event_never_changes BEFORE UPDATE ON event
WHEN new.id IS NOT old.id OR new.at IS NOT old.at OR new.epoch IS NOT old.epoch OR new.kind IS NOT old.kind
  OR new.body IS NOT CASE old.kind
    WHEN 'KeyPressed' THEN json_set(old.body, '$.digit', 'x')
    WHEN 'LookedUp' THEN json_set(old.body, '$.values', json('[]'))
    WHEN 'CallLeft' THEN json_set(old.body, '$.state', json('{}'))
    WHEN 'ControlAsked' THEN json_set(old.body, '$.value', '') END
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
