-- name: left_open
-- Calls an earlier daemon left open, each with the caller's leg and the newest recording whose sides were never joined.
SELECT call.call, leg.leg, call.opened_at,
  (SELECT recording FROM recording AS r
   WHERE r.call = call.call AND r.stored_at IS NULL AND (r.missed_at IS NULL OR r.running_at > r.missed_at)
   ORDER BY wanted_at DESC, rowid DESC LIMIT 1) AS recording
FROM call INDEXED BY call_running CROSS JOIN leg ON leg.call = call.call AND leg.role = 'caller'
WHERE call.closed_at IS NULL ORDER BY call.opened_at;

-- name: unjoined
-- The other recordings whose sides were never joined: of closed calls, and earlier ones of open calls; the newest
-- ones, as old as `days` before the last thing known. A recording that was missed and ran later has sides all the same.
SELECT call, recording FROM (
  SELECT r.call, r.recording, call.closed_at, r.rowid AS made,
    row_number() OVER (PARTITION BY r.call ORDER BY r.wanted_at DESC, r.rowid DESC) AS nth_newest
  FROM recording AS r JOIN call ON call.call = r.call
  WHERE r.stored_at IS NULL AND (r.missed_at IS NULL OR r.running_at > r.missed_at)
    AND r.wanted_at >= (SELECT at FROM fact ORDER BY id DESC LIMIT 1) - :days * 86400.0
)
WHERE closed_at IS NOT NULL OR nth_newest > 1
ORDER BY made DESC LIMIT :at_most;

-- name: calls
-- What was written down of the open calls; the number of a person erased since reads as withheld.
SELECT s.call, s.state, coalesce(person.value, '') AS caller
FROM call_state AS s CROSS JOIN call ON call.call = s.call LEFT JOIN person ON person.key = call.caller
WHERE call.closed_at IS NULL ORDER BY call.opened_at, s.call;

-- name: seats
-- What was written down of the agents signed in.
SELECT agent, state FROM seat_state ORDER BY agent;

-- name: clock_ahead
-- By how much the wall clock stood ahead of the clock of the newest run that noted anything.
SELECT coalesce(sum(json_extract(body, '$.seconds')), 0.0) FROM event
WHERE kind = 'ClockStepped' AND epoch = (SELECT epoch FROM event ORDER BY id DESC LIMIT 1);

-- name: last_at
-- The last thing known of the run before.
SELECT coalesce(max(at), 0.0) FROM (SELECT at FROM (SELECT at FROM fact ORDER BY id DESC LIMIT 1)
  UNION ALL SELECT at FROM (SELECT at FROM event ORDER BY id DESC LIMIT 1));

-- name: closures
-- Hours closed by hand and not opened since; some may be over by their time.
SELECT hours, until FROM closure ORDER BY hours;

-- name: callbacks
-- Call-backs an earlier daemon left open; a number erased since cannot be called.
SELECT booking, call, queue, value AS number, priority, rank, since, skills, language, dialled, node, booked_at, tries,
  coalesce(next_at, booked_at) AS next_at
FROM callback JOIN person ON person.key = callback.number
WHERE ended_at IS NULL AND value IS NOT NULL ORDER BY rank LIMIT :at_most;

-- name: items
-- Messages nobody has done, the most urgent first.
SELECT item.message, item.call, item.box, due_at, coalesce(taken_by, '') AS by, f.message IS NOT NULL AS stored,
  CASE WHEN f.message IS NULL OR r.message IS NOT NULL THEN '' ELSE f.path END AS path,
  coalesce(own.value, caller.value, '') AS number
FROM item LEFT JOIN message_file AS f ON f.message = item.message
LEFT JOIN message_removed AS r ON r.message = item.message
LEFT JOIN message_back AS b ON b.message = item.message LEFT JOIN person AS own ON own.key = b.back
LEFT JOIN call AS c ON c.call = item.call LEFT JOIN person AS caller ON caller.key = c.caller
WHERE done_at IS NULL ORDER BY due_at LIMIT :at_most;

-- name: last_agents
-- Talks of the calls of a stretch of time, the newest calls first: whoever reads stops when he has enough callers.
SELECT person.value, talk.agent, talk.began_at, call.call
FROM call INDEXED BY call_opened CROSS JOIN talk ON talk.call = call.call CROSS JOIN person ON person.key = call.caller
WHERE call.opened_at >= :since AND call.opened_at < :before AND talk.began_at < :before AND person.value IS NOT NULL
ORDER BY call.opened_at DESC;

-- name: screenings
-- Screenings that are on, or ended while no daemon ran; a number erased since cannot be screened.
SELECT s.screening, p.value AS number, s.by, s.times, s.until, NULL AS ended_at,
  CASE WHEN s.decided_at IS NULL THEN s.appeal END AS appeal
FROM screening AS s JOIN person AS p ON p.key = s.number
WHERE s.ended_at IS NULL AND p.value IS NOT NULL ORDER BY s.until LIMIT :at_most;

-- name: screenings_over
-- Of each number the last screening that ended by its time and still makes the next one longer.
SELECT s.screening, p.value AS number, s.by, s.times, s.until, max(s.ended_at) AS ended_at, NULL AS appeal
FROM screening AS s JOIN person AS p ON p.key = s.number
WHERE s.outcome = 'expired' AND s.ended_at > :now - :forget_s AND p.value IS NOT NULL
GROUP BY s.number ORDER BY ended_at LIMIT :at_most;
