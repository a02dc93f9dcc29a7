-- name: move_mark
-- Allows events before a time to be deleted; never moves back.
UPDATE event_retention SET before = max(before, ?);

-- name: delete_events
-- Deletes a slice of the events before the mark, oldest first, up to the first one that is not. It looks at no others:
-- there may be millions.
DELETE FROM event WHERE id IN (
  SELECT id FROM (
    SELECT id, min(CASE WHEN at >= (SELECT before FROM event_retention) THEN id END) OVER () AS stays
    FROM (SELECT id, at FROM event ORDER BY id LIMIT ?))
  WHERE stays IS NULL OR id < stays);

-- name: delete_versions
-- Deletes texts of flows that are not among the newest of their flow and were not live at a time or later: no call
-- can have taken them since.
DELETE FROM flow_version WHERE (name, version) IN (
  SELECT v.name, v.version
  FROM (SELECT name, version, row_number() OVER (PARTITION BY name ORDER BY first_seen_at DESC) AS age
        FROM flow_version) AS v
  WHERE v.age > :newest
    AND NOT EXISTS (SELECT 1 FROM (SELECT name, version, lead(at) OVER (PARTITION BY name ORDER BY fact) AS until
                                   FROM flow_active) AS a
                    WHERE a.name = v.name AND a.version = v.version AND (a.until IS NULL OR a.until >= :since)));

-- name: expired
-- Recordings kept for as long as their policy says.
SELECT r.recording, coalesce(f.path, r.path) AS path
FROM recording AS r LEFT JOIN recording_file AS f ON f.recording = r.recording
WHERE r.stored_at IS NOT NULL AND f.removed_at IS NULL AND r.keep_days IS NOT NULL
  AND r.stored_at + r.keep_days * 86400.0 <= ?
ORDER BY r.stored_at;

-- name: beyond
-- Recordings whose file stands and which, with all newer ones, take more than so many bytes; the newest first.
SELECT recording, path FROM (
  SELECT r.recording, coalesce(f.path, r.path) AS path, r.stored_at,
    sum(coalesce(f.size_bytes, r.size_bytes)) OVER (ORDER BY r.stored_at DESC, r.recording DESC) AS bytes_so_far
  FROM recording AS r LEFT JOIN recording_file AS f ON f.recording = r.recording
  WHERE r.stored_at IS NOT NULL AND f.removed_at IS NULL)
WHERE bytes_so_far > ?
ORDER BY stored_at DESC, recording DESC;

-- name: uncompressed
-- Recordings stored before a time whose file stands and is not compressed yet.
SELECT r.recording, r.path
FROM recording AS r LEFT JOIN recording_file AS f ON f.recording = r.recording
WHERE r.stored_at < ? AND f.removed_at IS NULL AND f.compressed_at IS NULL
ORDER BY r.stored_at LIMIT ?;

-- name: mark_removed
-- The file was removed.
INSERT INTO recording_file (recording, removed_at, removed_why) VALUES (:recording, :at, :why)
ON CONFLICT (recording) DO UPDATE SET removed_at = excluded.removed_at, removed_why = excluded.removed_why;

-- name: mark_compressed
-- The file was replaced by a compressed one, unless it was removed meanwhile.
INSERT INTO recording_file (recording, path, size_bytes, sha256, compressed_at)
VALUES (:recording, :path, :size_bytes, :sha256, :at)
ON CONFLICT (recording) DO UPDATE SET path = excluded.path, size_bytes = excluded.size_bytes,
  sha256 = excluded.sha256, compressed_at = excluded.compressed_at
WHERE removed_at IS NULL;

-- name: erase
-- Forgets numbers; their keys stay, so every figure stays. `keys` is a JSON array.
UPDATE person SET value = NULL, erased_at = :at WHERE key IN (SELECT value FROM json_each(:keys));

-- name: erase_notes
-- Forgets what was written about persons, the messages of their calls, and each time they were screened. `calls` and
-- `keys` are JSON arrays.
UPDATE note SET value = NULL, erased_at = :at
WHERE value IS NOT NULL AND (
  about IN (SELECT message FROM item WHERE call IN (SELECT value FROM json_each(:calls)))
  OR about IN (SELECT screening FROM screening WHERE number IN (SELECT value FROM json_each(:keys)))
  OR about IN (SELECT 'person ' || value FROM json_each(:keys)));

-- name: digits_of
-- Keys pressed by the callers of these calls, and by anybody in talks in which these persons were called (an agent types
-- their number). What a menu took stays: it is a fact, and no number. `calls` and `keys` are JSON arrays.
WITH theirs AS MATERIALIZED (
  SELECT leg, call FROM leg WHERE role = 'caller' AND call IN (SELECT value FROM json_each(:calls))
  UNION SELECT leg, call FROM leg
    WHERE call IN (SELECT call FROM transfer WHERE number IN (SELECT value FROM json_each(:keys))))
SELECT e.id, '$.digit' AS part, '"x"' AS empty FROM event AS e JOIN theirs AS t ON t.leg = e.body ->> '$.leg'
WHERE e.kind = 'KeyPressed' AND e.body ->> '$.digit' <> 'x'
  AND NOT EXISTS (SELECT 1 FROM ivr_key AS k WHERE k.call = t.call AND k.at = e.at AND k.key = e.body ->> '$.digit')
ORDER BY e.id;

-- name: told_of
-- Events that tell more of these calls than numbers, notes and keys: answers of look-ups, what calls were like when a
-- daemon ended, what an agent wrote for the next one. With the part of each, and what is put in its place.
WITH theirs AS MATERIALIZED (SELECT value AS call FROM json_each(:calls)),
  talks AS MATERIALIZED (SELECT agent, began_at, ended_at FROM talk WHERE call IN theirs)
SELECT e.id, '$.values' AS part, '[]' AS empty FROM event AS e
WHERE e.kind = 'LookedUp' AND e.body ->> '$.values' <> '[]'
  AND substr(e.body ->> '$.lookup', 1, instr(e.body ->> '$.lookup', '.') - 1) IN theirs
UNION ALL SELECT e.id, '$.state', '{}' FROM event AS e
WHERE e.kind = 'CallLeft' AND e.body ->> '$.state' <> '{}' AND e.body ->> '$.call' IN theirs
UNION ALL SELECT e.id, '$.value', '""' FROM event AS e
WHERE e.kind = 'ControlAsked' AND e.body ->> '$.value' <> '' AND EXISTS (
  SELECT 1 FROM talks AS t WHERE t.agent = e.body ->> '$.agent'
    AND e.at >= t.began_at AND (t.ended_at IS NULL OR e.at <= t.ended_at))
ORDER BY 1;

-- name: erase_told
-- Forgets a part of an event.
UPDATE event SET body = json_set(body, :part, json(:empty)) WHERE id = :id;

-- name: recordings_of
-- Recordings of these calls whose file still stands. `calls` is a JSON array.
SELECT r.recording FROM recording AS r LEFT JOIN recording_file AS f ON f.recording = r.recording
WHERE r.call IN (SELECT value FROM json_each(:calls)) AND r.stored_at IS NOT NULL AND f.removed_at IS NULL
ORDER BY r.recording;

-- name: messages_of
-- Messages left in these calls whose file still stands. `calls` is a JSON array.
SELECT f.message FROM message_file AS f LEFT JOIN message_removed AS r ON r.message = f.message
WHERE f.call IN (SELECT value FROM json_each(:calls)) AND r.message IS NULL ORDER BY f.message;

-- name: recordings_named
-- Of these recordings, those whose file stands. `names` is a JSON array.
SELECT r.recording, coalesce(f.path, r.path) AS path
FROM recording AS r LEFT JOIN recording_file AS f ON f.recording = r.recording
WHERE r.recording IN (SELECT value FROM json_each(:names)) AND r.stored_at IS NOT NULL AND f.removed_at IS NULL
ORDER BY r.recording;

-- name: messages_named
-- Of these messages, those whose file stands. `names` is a JSON array.
SELECT f.message, f.path FROM message_file AS f LEFT JOIN message_removed AS r ON r.message = f.message
WHERE f.message IN (SELECT value FROM json_each(:names)) AND r.message IS NULL ORDER BY f.message;

-- name: messages_expired
-- Messages kept for as long as their box says.
SELECT f.message, f.path FROM message_file AS f LEFT JOIN message_removed AS r ON r.message = f.message
WHERE r.message IS NULL AND f.stored_at + f.keep_days * 86400.0 <= ? ORDER BY f.stored_at;

-- name: mark_message_removed
-- A message's file was removed.
INSERT INTO message_removed (message, removed_at, removed_why) VALUES (:message, :at, :why)
ON CONFLICT (message) DO NOTHING;
