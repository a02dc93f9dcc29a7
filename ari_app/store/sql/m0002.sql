-- Every text of a flow file that was ever live: `hotline flow diff`, roll-backs, restarts and replay read it.
CREATE TABLE flow_version (
  name TEXT NOT NULL, -- The flow: its file's name without .yaml.
  version TEXT NOT NULL, -- The first 12 hex digits of the SHA-256 of the text.
  text TEXT NOT NULL, -- The whole file.
  prompts TEXT NOT NULL, -- Prompts it may say, as JSON: {"id": {"language": SHA-256 of the WAV when last live}}.
  first_seen_at REAL NOT NULL, -- When it was first about to become live.
  PRIMARY KEY (name, version)
) STRICT, WITHOUT ROWID;

-- Projection: which flows new calls took from when on; one row a flow and activation, the newest fact's rows are live.
CREATE TABLE flow_active (
  fact INTEGER NOT NULL, -- The FlowsActivated fact.
  name TEXT NOT NULL, -- The flow.
  version TEXT NOT NULL, -- Its version, see flow_version.
  at REAL NOT NULL, -- From.
  by TEXT NOT NULL, -- Who: a login name, `watch`, `SIGHUP`, `start`, `api`.
  how TEXT NOT NULL, -- start, reload or rollback.
  held_against TEXT, -- Version of the file when the flow was rolled back; automatic reloads wait until the file differs. NULL: not held.
  PRIMARY KEY (fact, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX flow_active_name ON flow_active (name, fact);

-- Projection: hours closed by hand now, `hotline hours close`; opened ones are gone from here, the facts keep both.
CREATE TABLE closure (
  hours TEXT PRIMARY KEY, -- Name of the hours in config.yaml; `*`: every queue.
  until REAL, -- Open again by itself at that time, seconds since the Unix epoch; NULL: until somebody opens them.
  by TEXT NOT NULL, -- Who closed them.
  reason TEXT NOT NULL, -- Why; may be empty.
  at REAL NOT NULL -- When.
) STRICT, WITHOUT ROWID;
