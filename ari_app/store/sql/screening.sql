-- name: screenings
-- Screenings, those that are on first; all of them, or those with an appeal that waits, or one.
SELECT s.screening, p.value AS number, p.erased_at IS NOT NULL AS erased, s.call, s.by,
  coalesce(why.value, 'erased') AS why, s.times, s.began_at, s.until, s.ended_at, s.outcome, s.ended_by,
  ended.value AS ended_why, s.appeal, s.appealed_at, s.decided_at, s.decided_by, decided.value AS decided_why
FROM screening AS s LEFT JOIN person AS p ON p.key = s.number LEFT JOIN note AS why ON why.key = s.why
LEFT JOIN note AS ended ON ended.key = s.ended_why LEFT JOIN note AS decided ON decided.key = s.decided_why
WHERE (:screening IS NULL OR s.screening = :screening)
  AND (:all OR (s.ended_at IS NULL AND s.until > :now AND p.value IS NOT NULL))
  AND (NOT :appeals OR (s.appeal IS NOT NULL AND s.decided_at IS NULL))
ORDER BY s.ended_at IS NOT NULL, s.until, s.screening LIMIT :limit;

-- name: refusals
-- Marks that screened nobody, the newest first.
SELECT r.at, r.call, p.value AS number, r.by, r.reason
FROM screening_refusal AS r LEFT JOIN person AS p ON p.key = r.number ORDER BY r.fact DESC LIMIT :limit;

-- name: held
-- Numbers screened now, and until when: what Asterisk must have.
SELECT p.value AS number, s.until FROM screening AS s JOIN person AS p ON p.key = s.number
WHERE s.ended_at IS NULL AND s.until > :now AND p.value IS NOT NULL;
