-- name: epochs
-- The runs of the daemon of which events are kept, newest first, each with its number of events.
SELECT epoch, count(*) FROM event GROUP BY epoch ORDER BY epoch DESC;

-- name: events_of
-- The inputs of one run, in the order the board had them.
SELECT at, kind, body FROM event WHERE epoch = ? ORDER BY id;

-- name: facts_of
-- The facts of one run, in the order they were noted.
SELECT at, kind, body FROM fact WHERE epoch = ? ORDER BY id;
