-- name: save_version
-- Keeps a text of a flow file; of one that is kept already, what it sounds like now.
INSERT INTO flow_version (name, version, text, prompts, first_seen_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (name, version) DO UPDATE SET prompts = excluded.prompts;

-- name: text_of
-- The text of one version.
SELECT text FROM flow_version WHERE name = ? AND version = ?;

-- name: active
-- The flows that were live last, with their texts.
SELECT a.name, a.version, a.at, a.by, a.how, a.held_against, v.text, v.prompts
FROM flow_active AS a LEFT JOIN flow_version AS v ON v.name = a.name AND v.version = a.version
WHERE a.fact = (SELECT max(fact) FROM flow_active) ORDER BY a.name;

-- name: versions
-- Every version of a flow (all flows for NULL), the one live last at the top of its flow, then by when it was last
-- live. `became_live` counts the times it replaced another.
WITH turn AS (
  SELECT name, version, fact, at, by, how,
    lag(version) OVER (PARTITION BY name ORDER BY fact) IS NOT version AS changed
  FROM flow_active WHERE :name IS NULL OR name = :name
)
SELECT v.name, v.version, v.first_seen_at, v.prompts, length(CAST(v.text AS BLOB)) AS size_bytes,
  (SELECT count(*) FROM turn WHERE turn.name = v.name AND turn.version = v.version AND changed) AS became_live,
  last.at AS live_at, last.by, last.how,
  coalesce((SELECT 1 FROM flow_active AS a WHERE a.fact = (SELECT max(fact) FROM flow_active)
    AND a.name = v.name AND a.version = v.version), 0) AS is_live,
  (SELECT held_against FROM flow_active AS a WHERE a.fact = (SELECT max(fact) FROM flow_active)
    AND a.name = v.name AND a.version = v.version) IS NOT NULL AS is_held
FROM flow_version AS v
LEFT JOIN turn AS last ON last.fact = (
  SELECT max(fact) FROM turn WHERE turn.name = v.name AND turn.version = v.version AND changed) AND last.name = v.name
WHERE :name IS NULL OR v.name = :name
ORDER BY v.name, is_live DESC, last.fact DESC, v.first_seen_at DESC;

-- name: closures
-- Hours closed by hand at a time.
SELECT hours, until, by, reason, at FROM closure WHERE until IS NULL OR until > ? ORDER BY hours;
