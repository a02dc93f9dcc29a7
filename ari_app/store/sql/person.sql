-- name: keys
-- The keys of numbers. `numbers` is a JSON array.
SELECT key FROM person WHERE kind = 'number' AND value IN (SELECT value FROM json_each(:numbers)) ORDER BY key;

-- name: calls_of
-- Calls that are about persons: they made them, were called back or are to be, or left their number with a message.
-- `keys` is a JSON array.
SELECT call FROM call WHERE caller IN (SELECT value FROM json_each(:keys))
UNION SELECT call FROM callback WHERE number IN (SELECT value FROM json_each(:keys))
UNION SELECT t.call FROM callback_try AS t JOIN callback AS b ON b.booking = t.booking
  WHERE b.number IN (SELECT value FROM json_each(:keys))
UNION SELECT m.call FROM message AS m JOIN message_back AS b ON b.message = m.message
  WHERE b.back IN (SELECT value FROM json_each(:keys))
ORDER BY 1;

-- name: calls
-- These calls, the oldest first. `calls` is a JSON array, here and below.
SELECT c.call, c.opened_at, c.dialled, c.via, c.language, c.refused, c.connected_at, c.closed_at, c.closed_by, c.seconds,
  (SELECT group_concat(v.queue || ': ' || coalesce(v.outcome, 'waits'), ', ') FROM queue_visit AS v WHERE v.call = c.call)
  AS queues
FROM call AS c WHERE c.call IN (SELECT value FROM json_each(:calls)) ORDER BY c.opened_at, c.call;

-- name: recordings
-- Recordings of these calls; no path: the file is removed.
SELECT r.recording, r.call, r.basis, r.seconds, r.stored_at, f.removed_at, f.removed_why,
  CASE WHEN f.removed_at IS NULL THEN coalesce(f.path, r.path) END AS path
FROM recording AS r LEFT JOIN recording_file AS f ON f.recording = r.recording
WHERE r.call IN (SELECT value FROM json_each(:calls)) AND r.stored_at IS NOT NULL ORDER BY r.stored_at, r.recording;

-- name: messages
-- Messages left in these calls, with what was written about them; no path: the file is not filed, or removed.
SELECT m.message, m.call, m.box, m.seconds, m.left_at, i.done_at, n.value AS note,
  CASE WHEN r.message IS NULL THEN f.path END AS path
FROM message AS m LEFT JOIN item AS i ON i.message = m.message LEFT JOIN note AS n ON n.key = i.note
LEFT JOIN message_file AS f ON f.message = m.message LEFT JOIN message_removed AS r ON r.message = m.message
WHERE m.call IN (SELECT value FROM json_each(:calls)) ORDER BY m.left_at, m.message;

-- name: callbacks
-- Call-backs to these persons.
SELECT booking, call, queue, booked_at, tries, missed, confirmed_at, ended_at, outcome FROM callback
WHERE number IN (SELECT value FROM json_each(:keys)) ORDER BY booked_at, booking;

-- name: transfers
-- Talks in which an agent called these persons.
SELECT transfer, call, how, began_at, answered_at, ended_at, outcome FROM transfer
WHERE number IN (SELECT value FROM json_each(:keys)) ORDER BY began_at, transfer;

-- name: screenings
-- Each time one of these numbers was screened.
SELECT s.screening, s.call, s.by, why.value AS why, s.times, s.began_at, s.until, s.ended_at, s.outcome,
  ended.value AS ended_why, s.appeal, s.decided_at, decided.value AS decided_why
FROM screening AS s LEFT JOIN note AS why ON why.key = s.why
LEFT JOIN note AS ended ON ended.key = s.ended_why LEFT JOIN note AS decided ON decided.key = s.decided_why
WHERE s.number IN (SELECT value FROM json_each(:keys)) ORDER BY s.began_at, s.screening;
