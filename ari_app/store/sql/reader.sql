-- name: calls
-- The newest calls, with the queue and the agent they came to last. `callers` is a JSON array of numbers; `unserved`:
-- over, waited, talked to nobody, and reached by no call-back.
SELECT call.*, person.value AS number,
  (SELECT queue FROM queue_visit AS v WHERE v.call = call.call ORDER BY visit DESC LIMIT 1) AS queue,
  (SELECT agent FROM talk WHERE talk.call = call.call ORDER BY began_at DESC LIMIT 1) AS agent,
  (SELECT coalesce(outcome, 'open') FROM callback AS b WHERE b.call = call.call ORDER BY booked_at DESC LIMIT 1)
    AS callback
FROM call LEFT JOIN person ON person.key = call.caller
WHERE (:since IS NULL OR opened_at >= :since) AND (:before IS NULL OR opened_at < :before)
  AND (:callers IS NULL OR call.caller IN (
    SELECT key FROM person WHERE kind = 'number' AND value IN (SELECT value FROM json_each(:callers))))
  AND (:queue IS NULL OR EXISTS (SELECT 1 FROM queue_visit AS v WHERE v.call = call.call AND v.queue = :queue))
  AND (:agent IS NULL OR EXISTS (SELECT 1 FROM talk WHERE talk.call = call.call AND talk.agent = :agent))
  AND (NOT :unserved OR closed_at IS NOT NULL AND connected_at IS NULL
    AND EXISTS (SELECT 1 FROM queue_visit AS v WHERE v.call = call.call)
    AND NOT EXISTS (SELECT 1 FROM callback AS b
                    WHERE b.call = call.call AND b.outcome IN ('connected', 'returned', 'abandoned')))
ORDER BY opened_at DESC, call.rowid DESC LIMIT :limit;

-- name: call
-- One call.
SELECT call.*, person.value AS number,
  (SELECT queue FROM queue_visit AS v WHERE v.call = call.call ORDER BY visit DESC LIMIT 1) AS queue,
  (SELECT agent FROM talk WHERE talk.call = call.call ORDER BY began_at DESC LIMIT 1) AS agent,
  (SELECT coalesce(outcome, 'open') FROM callback AS b WHERE b.call = call.call ORDER BY booked_at DESC LIMIT 1)
    AS callback
FROM call LEFT JOIN person ON person.key = call.caller WHERE call.call = :call;

-- name: open_calls
-- Calls that nobody has closed, oldest first: after a crash, those of the run before.
SELECT call.*, person.value AS number,
  (SELECT queue FROM queue_visit AS v WHERE v.call = call.call ORDER BY visit DESC LIMIT 1) AS queue,
  (SELECT agent FROM talk WHERE talk.call = call.call ORDER BY began_at DESC LIMIT 1) AS agent,
  (SELECT coalesce(outcome, 'open') FROM callback AS b WHERE b.call = call.call ORDER BY booked_at DESC LIMIT 1)
    AS callback
FROM call LEFT JOIN person ON person.key = call.caller WHERE closed_at IS NULL ORDER BY opened_at;

-- name: facts_of
-- The facts of one call, in order.
SELECT id, at, epoch, kind, body FROM fact WHERE call = ? ORDER BY id;

-- name: facts_after
-- Facts written after one already seen.
SELECT id, at, epoch, kind, body FROM fact WHERE id > ? ORDER BY id LIMIT ?;

-- name: last_fact
-- The newest fact's id.
SELECT coalesce(max(id), 0) FROM fact;

-- name: agents
-- The present state of every agent who was ever seen.
SELECT agent, state, reason, phone, call, began_at FROM agent_state WHERE ended_at IS NULL
UNION ALL
SELECT agent, 'signed-out', '', NULL, NULL, max(ended_at) FROM agent_state
GROUP BY agent HAVING max(ended_at IS NULL) = 0
ORDER BY agent;

-- name: recordings
-- The newest recordings, with their present file.
SELECT recording.recording, call, queue, agent, basis, keep_days, wanted_at, running_at, missed_at, missed_why,
  stored_at, coalesce(f.path, recording.path) AS path, seconds,
  coalesce(f.size_bytes, recording.size_bytes) AS size_bytes, coalesce(f.sha256, recording.sha256) AS sha256,
  f.compressed_at, f.removed_at, f.removed_why
FROM recording LEFT JOIN recording_file AS f ON f.recording = recording.recording
WHERE (:call IS NULL OR call = :call)
ORDER BY coalesce(wanted_at, running_at, stored_at, missed_at) DESC LIMIT :limit;

-- name: unrecorded
-- Recordings ordered of calls closed before a time, of which there is no file.
SELECT recording, recording.call, CASE
    WHEN missed_why IS NOT NULL THEN missed_why
    WHEN running_at IS NULL THEN 'Asterisk never confirmed that it records'
    ELSE 'recorded, but its sides were never joined' END AS why
FROM recording JOIN call ON call.call = recording.call
WHERE stored_at IS NULL AND (closed_at < ? OR missed_at IS NOT NULL)
ORDER BY wanted_at;

-- name: unordered
-- Talks in a queue whose policy wants a recording, of calls for which none was ordered and none refused.
SELECT talk.call, talk.queue FROM talk
WHERE talk.queue IN (SELECT value FROM json_each(?))
  AND NOT EXISTS (SELECT 1 FROM recording AS r WHERE r.call = talk.call AND r.agent = talk.agent)
  AND NOT EXISTS (SELECT 1 FROM recording_refusal AS n WHERE n.call = talk.call AND n.queue = talk.queue)
ORDER BY talk.began_at;

-- name: callless
-- Recordings of which there is no call.
SELECT recording, call FROM recording
WHERE NOT EXISTS (SELECT 1 FROM call WHERE call.call = recording.call) ORDER BY recording;

-- name: audit
-- The newest lines of the audit.
SELECT id, at, action, subject, detail FROM audit ORDER BY id DESC LIMIT ?;

-- name: has_message
-- Whether a voicemail message was noted.
SELECT 1 FROM message WHERE message = ?;
