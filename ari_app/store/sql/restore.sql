-- name: left_open
-- Calls an earlier daemon left open, each with the caller's leg and a recording whose sides were never joined.
SELECT call.call, leg.leg, call.opened_at,
  (SELECT recording FROM recording AS r
   WHERE r.call = call.call AND r.running_at IS NOT NULL AND r.stored_at IS NULL
   ORDER BY wanted_at DESC LIMIT 1) AS recording
FROM call JOIN leg ON leg.call = call.call AND leg.role = 'caller'
WHERE call.closed_at IS NULL ORDER BY call.opened_at;

-- name: closures
-- Hours closed by hand and not opened since; some may be over by their time.
SELECT hours, until FROM closure ORDER BY hours;
