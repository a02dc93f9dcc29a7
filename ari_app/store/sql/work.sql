-- name: items
-- Messages to be worked, the most urgent first; with those done when asked for. A removed file has no path.
SELECT i.message, i.call, i.box, m.seconds, coalesce(p.value, b.value) AS number, i.opened_at, i.due_at, i.taken_by, i.taken_at,
  (SELECT agent FROM item_offer AS o WHERE o.message = i.message AND o.ended_at IS NULL) AS offered_to,
  i.done_at, n.value AS note, d.disposition, CASE WHEN r.message IS NULL THEN f.path END AS path, f.sha256
FROM item AS i LEFT JOIN message AS m ON m.message = i.message
LEFT JOIN item_disposition AS d ON d.message = i.message LEFT JOIN note AS n ON n.key = i.note
LEFT JOIN call AS c ON c.call = i.call LEFT JOIN person AS p ON p.key = c.caller
LEFT JOIN message_back AS mb ON mb.message = i.message LEFT JOIN person AS b ON b.key = mb.back
LEFT JOIN message_file AS f ON f.message = i.message LEFT JOIN message_removed AS r ON r.message = i.message
WHERE (:message IS NULL OR i.message = :message) AND (:done OR i.done_at IS NULL)
ORDER BY i.done_at IS NOT NULL, i.due_at, i.message LIMIT :limit;

-- name: callbacks
-- Call-backs, the next one first; with those that are over when asked for.
SELECT b.booking, b.call, b.queue, p.value AS number, b.booked_at, b.since, b.tries, b.missed, b.next_at,
  b.confirmed_at, b.ended_at, b.outcome, b.ended_by
FROM callback AS b LEFT JOIN person AS p ON p.key = b.number
WHERE :over OR b.ended_at IS NULL
ORDER BY b.ended_at IS NOT NULL, b.ended_at DESC, b.rank LIMIT :limit;

-- name: told
-- Expected waits told in a stretch of time, each with what the caller still waited; NULL: nobody took him.
SELECT w.queue, w.low_s, w.high_s, CASE WHEN v.outcome = 'connected' THEN v.left_at - w.at END AS rest_s
FROM wait_told AS w JOIN queue_visit AS v ON v.call = w.call AND v.visit = w.visit
WHERE (:since IS NULL OR w.at >= :since) AND (:before IS NULL OR w.at < :before) AND v.left_at IS NOT NULL;
