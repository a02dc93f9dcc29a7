-- name: stretches
-- How long each verdict held: to the next row of its call, the end of the talk, or of the call.
SELECT v.call, coalesce(c.via, '') AS trunk, v.agent, v.verdict, v.speech_dbfs, v.noise_dbfs, v.reason, v.at, v.cause,
  max(0.0, min(coalesce(v.next_at, 9e15), coalesce(t.ended_at, 9e15), coalesce(c.closed_at, 9e15)) - v.at) AS seconds,
  coalesce(v.next_at, t.ended_at, c.closed_at) IS NULL AS lasts
FROM (
  SELECT l.*, coalesce(k.cause, '') AS cause, lead(l.at) OVER (PARTITION BY l.call ORDER BY l.fact) AS next_at
  FROM line_verdict AS l LEFT JOIN line_cause AS k ON k.fact = l.fact
  WHERE :call IS NULL OR l.call = :call
) AS v JOIN call AS c ON c.call = v.call
LEFT JOIN talk AS t ON t.call = v.call AND t.agent = v.agent AND t.began_at <= v.at
  AND (t.ended_at IS NULL OR t.ended_at >= v.at)
WHERE (:since IS NULL OR c.opened_at >= :since) AND (:before IS NULL OR c.opened_at < :before)
ORDER BY v.fact;

-- name: legs
-- How legs sounded; `role` tells whose they were.
SELECT q.call, q.leg, coalesce(l.role, '') AS role, coalesce(c.via, '') AS trunk, q.loss, q.loss_max, q.jitter_ms,
  q.rtt_ms, q.mos
FROM call_quality AS q JOIN call AS c ON c.call = q.call LEFT JOIN leg AS l ON l.call = q.call AND l.leg = q.leg
WHERE (:call IS NULL OR q.call = :call) AND (:since IS NULL OR c.opened_at >= :since)
  AND (:before IS NULL OR c.opened_at < :before)
ORDER BY q.fact;

-- name: calls
-- The trunk (or phone) of each call.
SELECT coalesce(via, '') AS trunk FROM call
WHERE (:since IS NULL OR opened_at >= :since) AND (:before IS NULL OR opened_at < :before);
