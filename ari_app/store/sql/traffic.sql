-- name: calls
-- Calls a flow answered within a time.
SELECT count(*) AS callers FROM call WHERE flow = :flow AND opened_at >= :begin AND opened_at < :end;

-- name: entered
-- Callers who came to each node.
SELECT s.node AS node, count(DISTINCT s.call) AS callers
FROM call c JOIN ivr_step s ON s.call = c.call
WHERE c.flow = :flow AND c.opened_at >= :begin AND c.opened_at < :end
GROUP BY s.node;

-- name: ways
-- Callers who went from one node to another, nodes of other flows (subflows) passed over.
WITH step AS (
  SELECT s.call AS call, s.node AS node, lead(s.node) OVER (PARTITION BY s.call ORDER BY s.fact) AS onward
  FROM call c JOIN ivr_step s ON s.call = c.call
  WHERE c.flow = :flow AND c.opened_at >= :begin AND c.opened_at < :end
    AND s.node IN (SELECT value FROM json_each(:nodes))
)
SELECT node, onward, count(DISTINCT call) AS callers FROM step WHERE onward IS NOT NULL GROUP BY node, onward;

-- name: hung_up
-- Callers who hung up in a node without having talked to an agent.
SELECT node, count(*) AS callers FROM call
WHERE flow = :flow AND opened_at >= :begin AND opened_at < :end
  AND closed_by = 'caller' AND connected_at IS NULL AND node IS NOT NULL
GROUP BY node;
