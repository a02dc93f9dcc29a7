-- name: add_event
-- Appends one event.
INSERT INTO event (at, epoch, kind, body) VALUES (?, ?, ?, ?);

-- name: add_fact
-- Appends one fact; its id is the lastrowid.
INSERT INTO fact (at, epoch, kind, call, agent, body) VALUES (?, ?, ?, ?, ?, ?);

-- name: add_person
-- Gives a value a key, unless it has one.
INSERT INTO person (kind, value) VALUES ('number', ?) ON CONFLICT (kind, value) DO NOTHING;

-- name: person_key
-- The key of a number.
SELECT key FROM person WHERE kind = 'number' AND value = ?;

-- name: person_value
-- The number of a key; NULL once it is erased.
SELECT value FROM person WHERE key = ?;

-- name: add_note
-- Gives a note about something a key, unless it has one.
INSERT INTO note (about, value) VALUES (?, ?) ON CONFLICT (about, value) DO NOTHING;

-- name: note_key
-- The key of a note about something.
SELECT key FROM note WHERE about = ? AND value = ?;

-- name: erased_note
-- The key of a note about something that was erased.
SELECT key FROM note WHERE about = ? AND value IS NULL ORDER BY key LIMIT 1;

-- name: note_value
-- The text of a note; NULL once it is erased.
SELECT value FROM note WHERE key = ?;

-- name: add_boot
-- Takes the next epoch; its number is the lastrowid.
INSERT INTO boot (epoch, at) SELECT coalesce(max(epoch), 0) + 1, ? FROM boot;

-- name: begin_from
-- Takes for granted that runs up to this number have been: the store that knew of them is damaged.
INSERT INTO boot (epoch, at) VALUES (?, ?);

-- name: newest_boot
-- The newest run's number; NULL before the first.
SELECT max(epoch) FROM boot;

-- name: imported
-- Whether a filling of the emergency file was read in before.
SELECT 1 FROM emergency_import WHERE generation = ?;

-- name: add_import
-- Remembers that a filling of the emergency file was read in.
INSERT INTO emergency_import (generation, at, rows) VALUES (?, ?, ?);

-- name: keep_call
-- What an open call needs to go on.
INSERT INTO call_state (call, state) VALUES (?, ?) ON CONFLICT (call) DO UPDATE SET state = excluded.state;

-- name: forget_call
-- It is over.
DELETE FROM call_state WHERE call = ?;

-- name: keep_seat
-- What the seat of a signed-in agent needs.
INSERT INTO seat_state (agent, state) VALUES (?, ?) ON CONFLICT (agent) DO UPDATE SET state = excluded.state;

-- name: forget_seat
-- He signed out.
DELETE FROM seat_state WHERE agent = ?;

-- name: add_audit
-- Notes who did what to what.
INSERT INTO audit (at, action, subject, detail) VALUES (?, ?, ?, ?);
